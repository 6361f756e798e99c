/** Runs conformance cases against an implementation: the emulator, or anything else that speaks the same APIs. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { cases } from "./cases-all";
import { send, type Destination } from "./client";
import { at, differences, fill, type Answer, type Values } from "./match";
import type { Case, Need, Step } from "./types";

export interface Implementation {
  readonly url: string;
  readonly apiKey: string;
  /** Where the services of a running server with a linked default profile answer. */
  readonly metadataUrl?: string;
  /** Admin port of the emulator: for moving the clock, for faults, and for servers of its own. */
  readonly adminUrl?: string;
}

export interface Result {
  readonly id: string;
  readonly title: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly reason?: string;
}

const ATTEMPTS = 5;
const ANSWER_MS = 30_000;
const SILENCE_MS = 400;
const VPC = "version=2025-09-16&generation=2";
const METADATA_NAME = "api.metadata.cloud.ibm.com";

export async function run(
  implementation: Implementation,
  report: (result: Result) => void,
  only?: (item: Case) => boolean,
): Promise<Result[]> {
  const session = new Session(implementation);
  await session.prepare();
  const results: Result[] = [];
  try {
    for (const item of cases.filter((candidate) => only?.(candidate) ?? true)) {
      const result = await session.runCase(item);
      results.push(result);
      report(result);
    }
  } finally {
    await session.cleanUp();
  }
  return results;
}

class Session {
  private readonly implementation: Implementation;
  private values: Values = {};
  private readonly destinations = new Map<string, Destination>();
  /** Calls that remove what the session made, in this order. */
  private readonly leftovers: Step[][] = [];

  constructor(implementation: Implementation) {
    this.implementation = implementation;
    this.destinations.set("cloud", { url: implementation.url });
    if (implementation.adminUrl !== undefined) this.destinations.set("admin", { url: implementation.adminUrl });
  }

  async prepare(): Promise<void> {
    this.values = { apiKey: this.implementation.apiKey, run: randomBytes(3).toString("hex"), n: "setup" };
    await this.logIn();
    await this.findNetwork();
    await this.makeProfiles();
    if (this.implementation.metadataUrl !== undefined) await this.adoptServer(this.implementation.metadataUrl);
    else if (this.implementation.adminUrl !== undefined) await this.makeServers();
  }

  async runCase(item: Case): Promise<Result> {
    const { id, title } = item;
    const reason = item.skip ?? this.lacking(item.needs ?? []);
    if (reason !== undefined) return { id, title, outcome: "skipped", reason };
    for (let attempt = 1; ; attempt++) {
      const result = await this.runOnce(item, attempt === 1 ? id : `${id}-${attempt}`);
      if (result.outcome === "passed" || item.fleeting !== true || attempt === ATTEMPTS) return result;
    }
  }

  private async runOnce({ id, title, steps }: Case, n: string): Promise<Result> {
    const before = this.values;
    try {
      await this.logIn();
      this.values = { ...this.values, n };
      for (const [index, step] of steps.entries()) {
        const problem = await this.attempt(step);
        if (problem !== undefined) return { id, title, outcome: "failed", reason: `step ${index + 1}: ${problem}` };
      }
      return { id, title, outcome: "passed" };
    } catch (error) {
      return { id, title, outcome: "failed", reason: error instanceof Error ? error.message : "unknown failure" };
    } finally {
      this.values = before;
    }
  }

  /** Best effort: what a failed case left behind may keep something alive. */
  async cleanUp(): Promise<void> {
    await this.logIn();
    for (const steps of this.leftovers) for (const step of steps) await this.attempt(step);
  }

  private lacking(needs: readonly Need[]): string | undefined {
    if (needs.includes("admin") && !this.destinations.has("admin")) return "needs --admin-url";
    if (needs.includes("metadata") && !this.destinations.has("server")) return "needs --metadata-url or --admin-url";
    return undefined;
  }

  /** A fresh token before every case, since some of them move the clock by weeks. */
  private async logIn(): Promise<void> {
    await this.must({
      call: "POST /identity/token",
      token: null,
      form: { grant_type: "urn:ibm:params:oauth:grant-type:apikey", apikey: "${apiKey}" },
      status: 200,
      save: { owner: "access_token" },
    });
    const now = await this.now();
    const claims = claimsOf(this.values.owner ?? "");
    Object.assign(this.values, {
      account: String(at(claims, "account.bss")),
      ownerIamId: String(at(claims, "iam_id")),
      tomorrow: new Date(now + 24 * 3_600_000).toISOString().slice(0, 10),
      "now+3600": `${Math.floor(now / 1000) + 3600}~`,
    });
  }

  private async now(): Promise<number> {
    if (!this.destinations.has("admin")) return Date.now();
    const answer = await this.must({ call: "GET /_emulator/time", to: "admin", status: 200 });
    return Date.parse(String(at(answer.json, "now")));
  }

  private async findNetwork(): Promise<void> {
    const { json } = await this.must({ call: `GET /v1/subnets?${VPC}&limit=100`, status: 200 });
    const subnets = at(json, "subnets") as unknown[];
    const zone = String(at(subnets[0], "zone.name"));
    const keys = await this.must({ call: `GET /v1/keys?${VPC}`, status: 200 });
    const images = await this.must({ call: `GET /v1/images?${VPC}&limit=100`, status: 200 });
    const image = (at(images.json, "images") as unknown[]).find((item) =>
      /ubuntu|debian/.test(String(at(item, "name"))),
    );
    Object.assign(this.values, {
      subnet: String(at(subnets[0], "id")),
      vpc: String(at(subnets[0], "vpc.id")),
      zone,
      otherZone: zone.replace(/\d$/, zone.endsWith("1") ? "2" : "1"),
      key: String(at(keys.json, "keys.0.id")),
      image: String(at(image, "id")),
    });
  }

  private async makeProfiles(): Promise<void> {
    for (const [name, prefix] of Object.entries({ profile: "conformance", otherProfile: "conformance-other" })) {
      await this.must({
        call: "POST /v1/profiles",
        json: { name: `${prefix}-\${run}`, account_id: "${account}" },
        status: 201,
        save: { [name]: "id", [`${name}Crn`]: "crn", [`${name}Name`]: "name" },
      });
      const id = this.values[name] ?? "";
      this.leftovers.push([{ call: `DELETE /v1/profiles/${id}`, status: 204 }]);
    }
  }

  /** The server behind a given URL is the one that its own identity token names. */
  private async adoptServer(url: string): Promise<void> {
    this.destinations.set("server", { url });
    await this.must({
      call: "PUT /identity/v1/token?version=2025-10-21",
      to: "server",
      headers: { "Metadata-Flavor": "ibm" },
      json: {},
      status: 200,
      save: { identity: "access_token" },
    });
    const id = String(at(claimsOf(this.values.identity ?? ""), "iaas.instanceID"));
    await this.must({
      call: `GET /v1/instances/${id}?${VPC}`,
      status: 200,
      save: { serverId: "id", serverCrn: "crn", serverName: "name", vpc: "vpc.id" },
    });
    await this.must({
      call: `GET /v1/instances/${id}/initialization?${VPC}`,
      status: 200,
      save: {
        profile: "default_trusted_profile.target.id",
        profileCrn: "default_trusted_profile.target.crn",
        key: "keys.0.id",
      },
    });
    await this.must({ call: "GET /v1/profiles/${profile}", status: 200, save: { profileName: "name" } });
    await this.must({
      call: "GET /metadata/v1/instance/initialization?version=2025-10-21",
      to: "server",
      token: "${identity}",
      status: 200,
      save: { userData: "user_data" },
    });
  }

  private async makeServers(): Promise<void> {
    const network = { virtual_network_interface: { subnet: { id: "${subnet}" } } };
    const shared = { zone: { name: "${zone}" }, primary_network_attachment: network };
    const keys = [{ id: "${key}" }];
    this.values.userData = "#!/bin/sh\necho conformance\n";
    await this.makeServer("server", "instances", {
      ...shared,
      name: "server-${run}",
      image: { id: "${image}" },
      keys,
      user_data: "${userData}",
      metadata_service: { enabled: true },
      default_trusted_profile: { target: { id: "${profile}" } },
    });
    await this.makeServer("plain", "instances", {
      ...shared,
      name: "plain-${run}",
      image: { id: "${image}" },
      metadata_service: { enabled: true },
    });
    await this.makeServer("bareMetal", "bare_metal_servers", {
      ...shared,
      name: "bare-metal-${run}",
      profile: { name: "bx2-metal-96x384" },
      initialization: { image: { id: "${image}" }, keys },
      metadata_service: { enabled: true },
    });
    const inventory = await this.must({ call: "GET /_emulator/inventory", to: "admin", status: 200 });
    const root = await this.must({ call: "GET /_emulator/root", to: "admin", status: 200 });
    const ca = String(at(root.json, "certificate"));
    for (const kind of ["instances", "bareMetalServers"]) {
      for (const server of at(inventory.json, kind) as unknown[]) {
        for (const name of ["server", "plain", "bareMetal"]) {
          if (this.values[`${name}Id`] !== at(server, "id")) continue;
          const url = String(at(server, "url"));
          this.destinations.set(name, { url });
          this.destinations.set(`tls:${name}`, { url, tls: { servername: METADATA_NAME, ca } });
          this.destinations.set(`tls-by-ip:${name}`, { url, tls: { servername: "", ca } });
        }
      }
    }
  }

  private async makeServer(name: string, path: string, json: object): Promise<void> {
    await this.must({
      call: `POST /v1/${path}?${VPC}`,
      json,
      status: 201,
      save: { [`${name}Id`]: "id", [`${name}Crn`]: "crn", [`${name}Name`]: "name" },
    });
    const id = this.values[`${name}Id`] ?? "";
    const status = (wanted: string): Step => ({
      call: `GET /v1/${path}/${id}?${VPC}`,
      status: 200,
      body: { status: wanted },
      withinSeconds: 60,
    });
    await this.must(status("running"));
    const stop: Step[] =
      path === "instances"
        ? []
        : [{ call: `POST /v1/${path}/${id}/stop?${VPC}`, json: { type: "hard" }, status: 204 }, status("stopped")];
    this.leftovers.unshift([...stop, { call: `DELETE /v1/${path}/${id}?${VPC}`, status: [202, 204] }]);
  }

  private async must(step: Step): Promise<Answer> {
    const problem = await this.attempt(step);
    if (problem !== undefined || this.last === undefined) throw new Error(`${step.call}: ${problem ?? "no answer"}`);
    return this.last;
  }

  private last: Answer | undefined;

  /** Runs a step, repeatedly when it may take a while; says what is wrong with the last answer. */
  private async attempt(raw: Step): Promise<string | undefined> {
    // The emulator is quick; waiting as long as for a real service would only delay the bad news.
    const patience = this.implementation.adminUrl === undefined ? Number.POSITIVE_INFINITY : 10;
    const deadline = performance.now() + Math.min(raw.withinSeconds ?? 0, patience) * 1000;
    for (;;) {
      const step = fill(raw, this.values);
      const answer = await this.exchange(step);
      const found = judge(step, answer);
      if (found.length === 0) {
        this.last = answer === "silence" ? undefined : answer;
        this.keep(step, answer);
        return undefined;
      }
      if (performance.now() >= deadline) return `${step.call.split("?")[0] ?? ""}: ${found.join("; ")}`;
      await sleep(50);
    }
  }

  private keep(step: Step, answer: Answer | "silence"): void {
    if (answer === "silence") return;
    for (const [name, path] of Object.entries(step.save ?? {})) {
      const value = path.startsWith("header:") ? answer.headers[path.slice(7)] : at(answer.json, path);
      if (typeof value !== "string") throw new Error(`${step.call} has no ${path}`);
      this.values[name] = value;
    }
  }

  private exchange(step: Step): Promise<Answer | "silence"> {
    const [method = "", path = ""] = step.call.split(" ");
    const name = step.to ?? "cloud";
    const destination = this.destinations.get(name);
    if (destination === undefined) throw new Error(`there is no ${name}`);
    const token = step.token === undefined && name === "cloud" ? this.values.owner : step.token;
    const body =
      step.form !== undefined
        ? new URLSearchParams(step.form).toString()
        : (step.text ?? (step.json === undefined ? undefined : JSON.stringify(step.json)));
    const type = step.form === undefined ? "application/json" : "application/x-www-form-urlencoded";
    return send(destination, {
      method,
      path,
      headers: {
        ...(body === undefined ? {} : { "Content-Type": type }),
        ...(token === undefined || token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...step.headers,
      },
      body,
      timeoutMs: step.status === "silence" ? SILENCE_MS : ANSWER_MS,
    });
  }
}

function judge(step: Step, answer: Answer | "silence"): string[] {
  if (step.status === "silence") return answer === "silence" ? [] : [`status is ${answer.status}, expected no answer`];
  return answer === "silence" ? ["there was no answer"] : differences(step, answer);
}

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as unknown;
}
