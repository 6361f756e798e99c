/** An emulated cloud behind a relay that can lose, cut or refuse a call, and handlers that are configured for it. */
import { deepStrictEqual } from "node:assert";
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { dynamic } from "@pulumi/pulumi";
import { type Transport, createTransport } from "../../client/http";
import { type Session, openSession } from "../../client/session";
import type { Clock } from "../../core/time";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../emulator";
import { configure, useClock } from "../../provider/connection";

/**
 * What happens to a call: it never arrives, its answer never arrives (cut off, or held back for ever), or the relay answers
 * in the server's place, if asked to after the server has acted.
 */
export type Fault =
  | "lost"
  | "answer lost"
  | "answer held"
  | { readonly status: number; readonly body?: object; readonly retryAfter?: string; readonly acted?: boolean };

export interface Cloud {
  readonly emulator: Emulator;
  /** The environment variables that point a program's process here. */
  readonly env: Readonly<Record<string, string>>;
  /** Talks to the emulator directly, as somebody else would. */
  readonly elsewhere: Session;
  /** The next call (or calls) of this method whose path matches fails. */
  fail(method: string, path: RegExp, fault: Fault, times?: number): PlannedFault;
  /** `METHOD /path` of every API call since the last time this was asked, without those for tokens. */
  calls(): string[];
  close(): Promise<void>;
}

/** How often a fault has happened; `end` takes back what is left of it. */
export interface PlannedFault {
  readonly fired: number;
  end(): void;
}

interface Rule {
  readonly method: string;
  readonly path: RegExp;
  readonly fault: Fault;
  readonly count: { fired: number; left: number };
}

/** Waits for nothing, and believes to have waited; the emulator's clock goes along. */
function quickClock(emulator: Emulator): Clock {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 2));
      ahead += ms;
      emulator.advance(ms / 1000);
    },
  };
}

/** Connections whose pauses before a repetition take no time. */
const hastyTransport = (): Transport =>
  createTransport({
    clock: { now: () => Date.now(), sleep: () => new Promise((resolve) => setImmediate(resolve)) },
  });

export async function startCloud(options: EmulatorOptions = {}): Promise<Cloud> {
  const emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0, actionSeconds: 0, ...options });
  const rules: Rule[] = [];
  const calls: string[] = [];
  const relay = createServer((incoming, outgoing) => {
    const method = incoming.method ?? "";
    const path = (incoming.url ?? "").split("?")[0] ?? "";
    if (path !== "/identity/token") calls.push(`${method} ${path}`);
    const index = rules.findIndex((rule) => rule.method === method && rule.path.test(path) && rule.count.left > 0);
    const rule = rules[index];
    if (rule !== undefined) {
      rule.count.fired += 1;
      rule.count.left -= 1;
    }
    relayCall(emulator.url, incoming, outgoing, rule?.fault);
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const values = (url: string): Record<string, string> => ({
    apiKey: emulator.apiKey,
    region: emulator.region,
    iamEndpoint: url,
    vpcEndpoint: `${url}/v1`,
    taggingEndpoint: url,
  });
  const own = values(base);
  const read = (key: string): string | undefined => own[key.replace("vpc-identity:", "")];
  await configure({ config: { get: read, require: (key) => read(key) ?? "" } });
  const transport = hastyTransport();
  useClock(quickClock(emulator), transport);
  const direct = values(emulator.url);
  return {
    emulator,
    env: {
      IBMCLOUD_API_KEY: emulator.apiKey,
      IBMCLOUD_REGION: emulator.region,
      IBMCLOUD_IAM_API_ENDPOINT: base,
      IBMCLOUD_IS_NG_API_ENDPOINT: `${base}/v1`,
      IBMCLOUD_GT_API_ENDPOINT: base,
    },
    elsewhere: openSession((key) => direct[key], {}),
    fail: (method, path, fault, times = 1) => {
      const count = { fired: 0, left: times };
      rules.push({ method, path, fault, count });
      return Object.assign(count, { end: () => void (count.left = 0) });
    },
    calls: () => calls.splice(0),
    close: async () => {
      await transport.dispatcher.destroy();
      relay.closeAllConnections();
      await new Promise((resolve) => relay.close(resolve));
      await emulator.close();
    },
  };
}

/**
 * The cloud of a file of tests: there before them (and before what a later `beforeAll` does with it), its list of calls
 * empty before each, closed after them.
 */
export function testCloud(options: EmulatorOptions = {}): Cloud {
  let running: Cloud | undefined;
  const now = (): Cloud => {
    if (running === undefined) throw new Error("the cloud is there while tests run, not before");
    return running;
  };
  beforeAll(async () => {
    running = await startCloud(options);
  });
  beforeEach(() => now().calls());
  afterAll(() => running?.close());
  return {
    get emulator() {
      return now().emulator;
    },
    get env() {
      return now().env;
    },
    get elsewhere() {
      return now().elsewhere;
    },
    fail: (...fault) => now().fail(...fault),
    calls: () => now().calls(),
    close: () => now().close(),
  };
}

function relayCall(target: string, incoming: IncomingMessage, outgoing: ServerResponse, fault?: Fault): void {
  if (fault === "lost") {
    incoming.socket.resetAndDestroy();
    return;
  }
  const refuse = ({ status, body, retryAfter }: Exclude<Fault, string>): void => {
    outgoing.writeHead(status, {
      "content-type": "application/json",
      ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }),
    });
    outgoing.end(JSON.stringify(body ?? { errors: [{ code: "planned", message: "planned by the test" }] }));
  };
  if (typeof fault === "object" && fault.acted !== true) {
    incoming.resume();
    refuse(fault);
    return;
  }
  const { method, url, headers } = incoming;
  const call = forward(`${target}${url ?? ""}`, { method, headers }, (answer) => {
    if (fault === "answer held") {
      answer.resume();
      return;
    }
    if (typeof fault === "object") {
      answer.resume();
      answer.on("end", () => refuse(fault));
      return;
    }
    if (fault === "answer lost") {
      answer.resume();
      answer.on("end", () => incoming.socket.resetAndDestroy());
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  call.on("error", () => outgoing.destroy());
  incoming.pipe(call);
}

type Properties = Record<string, unknown>;

/** A handler as the engine drives it: with plain values in the engine's order of calls. */
export class Life {
  id = "";
  inputs: Properties = {};
  outputs: Properties = {};

  constructor(
    private readonly handler: dynamic.ResourceProvider,
    private readonly mark = `${"a1".repeat(16)}:app`,
  ) {}

  async check(args: Properties, olds: Properties = this.inputs): Promise<dynamic.CheckResult<Properties>> {
    const result = await this.handler.check?.(olds, { mark: this.mark, ...args });
    return result ?? {};
  }

  private async checked(args: Properties, olds: Properties = this.inputs): Promise<Properties> {
    const { inputs = {}, failures = [] } = await this.check(args, olds);
    if (failures.length > 0) throw new Error(`check failed: ${JSON.stringify(failures)}`);
    return sendable(inputs);
  }

  async create(args: Properties): Promise<this> {
    const inputs = await this.checked(args, {});
    const { id, outs } = (await this.handler.create(inputs)) as dynamic.CreateResult<Properties>;
    this.id = id;
    this.inputs = inputs;
    this.outputs = sendable(outs ?? {});
    return this;
  }

  async diff(args: Properties): Promise<dynamic.DiffResult> {
    const inputs = await this.checked(args);
    return (await this.handler.diff?.(this.id, this.outputs, inputs)) ?? {};
  }

  async update(args: Properties): Promise<this> {
    const inputs = await this.checked(args);
    const result = (await this.handler.update?.(this.id, this.outputs, inputs)) as dynamic.UpdateResult<Properties>;
    this.inputs = inputs;
    this.outputs = sendable(result.outs ?? {});
    return this;
  }

  /** False when the object is gone. Inputs that `read` returns take the place of those in the state, as in the engine. */
  async refresh(): Promise<boolean> {
    const result = (await this.handler.read?.(this.id, this.outputs)) as dynamic.ReadResult<Properties>;
    if (result.id === undefined) return false;
    this.outputs = sendable(result.props ?? {});
    if (result.inputs !== undefined) this.inputs = sendable(result.inputs);
    return true;
  }

  async delete(): Promise<void> {
    await this.handler.delete?.(this.id, this.outputs);
  }
}

/** What the wire between engine and provider does to properties: it refuses `undefined`, and sorts keys. */
function sendable(properties: Properties): Properties {
  const copy = JSON.parse(JSON.stringify(properties)) as Properties;
  deepStrictEqual(properties, copy);
  return sorted(copy) as Properties;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}

/** The message with which a promise is rejected, or "" when it is not. */
export async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
