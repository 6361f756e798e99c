/** What the tests of the emulator share: a client that is as plain as curl, and curl itself. */
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Emulator } from "../../emulator";

export const VPC = "version=2025-09-16&generation=2";
export const IDENTITY = "version=2025-10-21";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body, or undefined when it is no JSON. */
  readonly body: Json;
}

/** Enough of a JSON type to read members without a cast at every step. */
export interface Json {
  readonly [member: string]: Json;
}

export interface Extras {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly form?: Readonly<Record<string, string>>;
}

export class Api {
  readonly emulator: Emulator;
  token = "";

  constructor(emulator: Emulator) {
    this.emulator = emulator;
  }

  async logIn(apiKey = this.emulator.apiKey): Promise<this> {
    const form = { grant_type: "urn:ibm:params:oauth:grant-type:apikey", apikey: apiKey };
    const { body, status } = await this.send("POST /identity/token", undefined, { token: null, form });
    if (status !== 200) throw new Error(`no token: ${status}`);
    this.token = textOf(body.access_token);
    return this;
  }

  /** `POST /v1/profiles`, with the owner's token unless told otherwise. */
  async send(call: string, json?: unknown, extras: Extras = {}): Promise<Answer> {
    const [method = "", path = ""] = call.split(" ");
    const token = extras.token === undefined ? this.token : extras.token;
    const body = extras.form ? new URLSearchParams(extras.form) : (extras.text ?? (json && JSON.stringify(json)));
    const response = await fetch(/^https?:/.test(path) ? path : `${this.emulator.url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { "Content-Type": "application/json" }),
        ...extras.headers,
      },
      ...(body === undefined ? {} : { body: body as string | URLSearchParams }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  }

  admin(call: string, json?: unknown): Promise<Answer> {
    const [method = "", path = ""] = call.split(" ");
    return this.send(`${method} ${this.emulator.adminUrl}${path}`, json, { token: null });
  }

  /** Sends and insists on a status below 300. */
  async must(call: string, json?: unknown, extras?: Extras): Promise<Json> {
    const answer = await this.send(call, json, extras);
    if (answer.status >= 300) throw new Error(`${call}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  /** A server with the metadata service on, running. */
  async server(more: object = {}): Promise<{ id: string; crn: string; socket: string; url: string }> {
    const { subnets, images } = this.emulator.inventory();
    const { id, crn } = await this.must(`POST /v1/instances?${VPC}`, {
      image: { id: images[0]?.id },
      zone: { name: subnets[0]?.zone },
      primary_network_attachment: { virtual_network_interface: { subnet: { id: subnets[0]?.id } } },
      metadata_service: { enabled: true },
      ...more,
    });
    await until(() =>
      this.emulator.inventory().instances.some((item) => item.id === textOf(id) && item.status === "running"),
    );
    const found = this.emulator.inventory().instances.find((item) => item.id === textOf(id));
    return { id: textOf(id), crn: textOf(crn), socket: found?.socket ?? "", url: found?.url ?? "" };
  }

  async profile(name: string): Promise<{ id: string; iamId: string; crn: string }> {
    const body = await this.must("POST /v1/profiles", { name, account_id: this.emulator.accountId });
    return { id: textOf(body.id), iamId: textOf(body.iam_id), crn: textOf(body.crn) };
  }

  /** Lets a subject do what a role allows, on what has these attributes in the account: on VPC unless told otherwise. */
  async policy(
    iamId: string,
    role = "Operator",
    resourceAttributes: Readonly<Record<string, string>> = { serviceName: "is" },
  ): Promise<string> {
    const attributes = Object.entries({ ...resourceAttributes, accountId: this.emulator.accountId });
    const body = await this.must("POST /v2/policies", {
      type: "access",
      control: { grant: { roles: [{ role_id: `crn:v1:bluemix:public:iam::::role:${role}` }] } },
      subject: { attributes: [{ key: "iam_id", operator: "stringEquals", value: iamId }] },
      resource: { attributes: attributes.map(([key, value]) => ({ key, operator: "stringEquals", value })) },
    });
    return textOf(body.id);
  }

  /** The IAM token that a server gets for its default profile. */
  async serverToken(url: string): Promise<string> {
    const identity = await this.must(
      `PUT ${url}/identity/v1/token?${IDENTITY}`,
      {},
      {
        token: null,
        headers: { "Metadata-Flavor": "ibm" },
      },
    );
    const iam = await this.must(
      `POST ${url}/identity/v1/iam_tokens?${IDENTITY}`,
      {},
      {
        token: textOf(identity.access_token),
      },
    );
    return textOf(iam.access_token);
  }
}

export function textOf(value: Json | undefined): string {
  if (typeof value !== "string") throw new Error(`not a text: ${JSON.stringify(value)}`);
  return value;
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined as unknown as Json;
  }
}

export async function until(condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error("it did not happen in time");
    await sleep(20);
  }
}

const execute = promisify(execFile);

/** Runs a program without blocking, since the emulator lives in this process. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await execute(command, args, options)) };
  } catch (error) {
    const failed = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof failed.code !== "number") throw error;
    return { code: failed.code, stdout: failed.stdout ?? "", stderr: failed.stderr ?? "" };
  }
}
