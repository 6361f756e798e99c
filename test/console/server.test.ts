/** The console's server: who is let in, what is told, what is kept back, and what its actions do. */
import { channel } from "node:diagnostics_channel";
import { request } from "node:http";
import { startEmulator, type Emulator } from "../../emulator";
import { BOOT_CHANNEL } from "../../emulator/boot-channel";
import type { ActionResult, ConsoleAction } from "../../emulator/console/protocol";
import { IDENTITY, textOf, until, VPC } from "../emulator/support";
import { makeAccount, type Account } from "./account";
import { Stream } from "./stream";

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Unlike fetch this may send any Host and Origin. */
function ask(url: string, { method = "GET", headers = {}, body }: Asked = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        // A stream does not end by itself.
        if (response.headers["content-type"]?.startsWith("text/event-stream") === true) response.destroy();
      });
      response.on("error", () => undefined);
      response.on("close", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on("error", reject).end(body);
  });
}

/** Starting, stopping and rebooting take as long as the tests say, whatever else the machine does. */
const ACTION_SECONDS = 60;

let emulator: Emulator;
let account: Account;
let url: string;
let origin: string;

async function act(action: ConsoleAction): Promise<ActionResult> {
  const answer = await ask(`${url}actions`, { method: "POST", headers: { origin }, body: JSON.stringify(action) });
  return JSON.parse(answer.text) as ActionResult;
}

/** An account has no bare metal server unless somebody asks for one. */
async function bareMetalServer(): Promise<string> {
  const { subnets, images } = emulator.inventory();
  const { id } = await account.api.must(`POST /v1/bare_metal_servers?${VPC}`, {
    name: "metal",
    profile: { name: "bx2-metal-96x384" },
    zone: { name: subnets[0]?.zone },
    initialization: { image: { id: images[0]?.id }, keys: [{ id: emulator.inventory().keys[0]?.id }] },
    primary_network_interface: { subnet: { id: subnets[0]?.id } },
  });
  return textOf(id);
}

beforeAll(async () => {
  emulator = await startEmulator({ console: true, provisionSeconds: 0.1, actionSeconds: ACTION_SECONDS });
  url = emulator.consoleUrl ?? "";
  origin = new URL(url).origin;
  account = await makeAccount(emulator);
});

afterAll(() => emulator.close());

describe("who is let in", () => {
  const port = (): string => new URL(url).port;
  const wrong = (): string => url.replace(/.\/$/, (end) => (end === "A/" ? "B/" : "A/"));

  it.each<[string, () => string, () => Asked]>([
    ["no token", () => `${origin}/console/`, () => ({})],
    ["another token", () => wrong(), () => ({})],
    ["half a token", () => url.replace(/.{8}\/$/, "/"), () => ({})],
    ["another Host, as a rebound name has it", () => url, () => ({ headers: { host: `evil.example:${port()}` } })],
    ["a Host without the port", () => url, () => ({ headers: { host: "127.0.0.1" } })],
    ["another Origin", () => `${url}events`, () => ({ headers: { origin: "http://evil.example" } })],
    ["another port of this machine", () => `${url}events`, () => ({ headers: { origin: "http://127.0.0.1:1" } })],
    ["the Origin of a sandboxed frame", () => `${url}events`, () => ({ headers: { origin: "null" } })],
    ["another site's script", () => `${url}page.js`, () => ({ headers: { "sec-fetch-site": "cross-site" } })],
    [
      "an action without Origin",
      () => `${url}actions`,
      () => ({ method: "POST", body: '{"do":"advance","seconds":5}' }),
    ],
  ])("refuses %s", async (_name, target, asked) => {
    const before = emulator.journal().length;
    const { status, text } = await ask(target(), asked());
    expect([status, text]).toEqual([403, expect.stringMatching(/^\{"ok":false,"message":"The .+"\}$/)]);
    expect([text.includes(url), emulator.journal().length]).toEqual([false, before]);
  });

  it.each(["127.0.0.1", "localhost"])("lets %s in", async (host) => {
    const { status } = await ask(`${url}why?server=x&action=y`, { headers: { host: `${host}:${port()}` } });
    expect(status).toBe(404);
  });

  it("lets nothing into the page but its own files", async () => {
    const { status, headers } = await ask(url);
    expect(status).toBe(200);
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'$/,
    );
    expect(headers["referrer-policy"]).toBe("no-referrer");
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("has another token in every start, and no console unless asked", async () => {
    const others = await Promise.all([startEmulator({ console: true }), startEmulator()]);
    const [other, none] = others;
    expect(other.consoleUrl?.split("/")[4]).not.toBe(url.split("/")[4]);
    expect(none.consoleUrl).toBeUndefined();
    expect((await ask(`${none.adminUrl}/console/x/`)).status).toBe(404);
    await Promise.all(others.map((one) => one.close()));
  });

  it("is opened by the address that it listens on, whichever of loopback that is", async () => {
    const other = await startEmulator({ console: true, host: "127.0.0.2" });
    expect(other.consoleUrl).toContain("http://127.0.0.2:");
    expect((await ask(other.consoleUrl ?? "")).status).toBe(200);
    expect((await ask(`${other.adminUrl}/_emulator/time`)).status).toBe(200);
    await other.close();
  });

  it.each<[string, Readonly<Record<string, string>>, number]>([
    ["a program", {}, 200],
    ["a program by name", { host: "localhost:1234" }, 200],
    ["a web page", { origin: "http://evil.example" }, 403],
    ["a web page of this machine", { origin: "http://127.0.0.1:1" }, 403],
    ["a page in a sandbox", { origin: "null" }, 403],
    ["a name that was made to point here", { host: "evil.example" }, 403],
  ])("the rest of the admin port answers %s as it should", async (_name, headers, expected) => {
    const before = emulator.journal().length;
    for (const [method, path] of [
      ["GET", "inventory"],
      ["POST", "time"],
    ] as const) {
      const body = method === "POST" ? '{"advanceSeconds":0}' : "";
      const { status, text } = await ask(`${emulator.adminUrl}/_emulator/${path}`, { method, headers, body });
      expect([status, text.includes("error")]).toEqual([expected, expected !== 200]);
    }
    expect(emulator.journal()).toHaveLength(before);
  });

  it("listens on loopback only", async () => {
    await expect(startEmulator({ console: true, host: "0.0.0.0" })).rejects.toThrow(
      'for this machine only; host is "0.0.0.0", no loopback address',
    );
  });
});

describe("what is told", () => {
  it("draws who may become what, and may do what", async () => {
    const stream = await Stream.open(url);
    const { objects } = stream.snapshot;
    const link = objects.find(({ kind, edges }) => kind === "link" && edges[0]?.[0] === account.first.id);
    const rule = objects.find(({ kind }) => kind === "claimRule");
    const policy = objects.find(({ id }) => id === account.policyId);
    expect(link?.edges).toEqual([
      [account.first.id, link?.id],
      [link?.id, account.profile.id],
    ]);
    expect(rule?.edges).toHaveLength(account.servers.length + 1);
    expect([policy?.name, policy?.edges]).toEqual(["Operator", [[account.profile.id, account.policyId]]]);
    stream.close();
  });

  it("tells of what is made, changes and goes, with its history and its calls", async () => {
    const stream = await Stream.open(url);
    const { api } = account;
    const { id } = await api.profile("passing");
    await until(() => stream.object(id) !== undefined);
    const { entity_tag: tag } = await api.must(`GET /v1/profiles/${id}`);
    await api.must(`PUT /v1/profiles/${id}`, { name: "renamed" }, { headers: { "If-Match": textOf(tag) } });
    await until(() => stream.object(id)?.name === "renamed");
    await api.must(`DELETE /v1/profiles/${id}`);
    await until(() => stream.object(id)?.deletedAt !== undefined);
    expect(stream.object(id)?.history).toEqual([
      expect.objectContaining({ event: "created", changes: [] }),
      expect.objectContaining({ event: "changed", changes: ["name: passing → renamed"] }),
      expect.objectContaining({ event: "deleted" }),
    ]);
    const calls = stream.messages.slice(1).flatMap(({ data }) => data.calls ?? []);
    expect(calls.map(({ method, status, made }) => [method, status, made])).toEqual([
      ["POST", 201, id],
      ["GET", 200, undefined],
      ["PUT", 200, undefined],
      ["DELETE", 204, undefined],
    ]);
    stream.close();
  });

  it("holds nothing secret, and would be found out if it did", async () => {
    const MARKER = `marked-secret-${"x".repeat(20)}`;
    const stream = await Stream.open(url);
    const { api } = account;
    const server = await api.server({
      name: "with-secret",
      user_data: `#!/bin/sh\nexport PASSWORD=${MARKER}\n`,
      default_trusted_profile: { target: { id: account.profile.id } },
    });
    const iamToken = await api.serverToken(server.url);
    const identity = await api.must(
      `PUT ${server.url}/identity/v1/token?${IDENTITY}`,
      { nonce: MARKER },
      { token: null, headers: { "Metadata-Flavor": "ibm" } },
    );
    await api.send(`GET /v1/instances?${VPC}&access_token=${MARKER}`);
    await api.send(`GET /v1/instances/${iamToken}?${VPC}`);
    await api.send("GET /v1/instances/visible-control");
    const socket = emulator.inventory().instances.find(({ id }) => id === server.id)?.socket ?? "";
    const key = ["-----BEGIN EC PRIVATE KEY-----", `a${MARKER}`, `b${MARKER}`, "-----END EC PRIVATE KEY-----"];
    const printed = [...key, `nonce=${MARKER}`, `+ curl -d {"nonce": "${MARKER}"}`, `key: ${emulator.apiKey}`, "then"];
    for (const line of printed) channel(BOOT_CHANNEL).publish({ socket, line });
    await until(() => stream.text.includes('"+ curl -d {\\"nonce\\": \\"[redacted]\\"}","key: [redacted]","then"'));
    await until(() => stream.text.includes("visible-control"));
    await until(() => stream.text.includes("with-secret"));
    const secrets = { MARKER, iamToken, identityToken: textOf(identity.access_token), apiKey: emulator.apiKey };
    for (const place of [stream.text, (await Stream.open(url)).text]) {
      expect(Object.entries(secrets).filter(([, secret]) => place.includes(secret))).toEqual([]);
      expect(place).not.toMatch(/eyJ[\w-]{10,}\.eyJ|PRIVATE KEY/);
      // Of user data there is the size, of tokens the claims.
      expect(place).toContain(" bytes, SHA-256 ");
      expect(place).toContain('"grant_type":"urn:ibm:params:oauth:grant-type:cr-token"');
    }
    stream.close();
  });
});

describe("what its actions do", () => {
  const status = (): unknown => emulator.inventory().instances.find(({ id }) => id === account.first.id)?.status;

  it("stops, starts and reboots by the API, as the account's owner", async () => {
    const server = account.first.id;
    for (const [what, during, after] of [
      ["stop", "stopping", "stopped"],
      ["start", "starting", "running"],
      ["reboot", "restarting", "running"],
    ] as const) {
      expect(await act({ do: what, server })).toEqual({
        ok: true,
        message: `POST /v1/instances/${server}/actions: 201`,
      });
      expect(status()).toBe(during);
      emulator.advance(ACTION_SECONDS);
      expect(status()).toBe(after);
    }
    const call = emulator.journal().at(-1);
    expect([call?.method, call?.path.split("?")[0], call?.caller]).toEqual([
      "POST",
      `/v1/instances/${server}/actions`,
      "IBMid-270000ABCD",
    ]);
  });

  it("says what the API says when it refuses", async () => {
    expect(await act({ do: "start", server: account.first.id })).toEqual({
      ok: false,
      message: `The instance '${account.first.id}' is running; it cannot start.`,
    });
  });

  it("changes the metadata service", async () => {
    const settings = { enabled: false, protocol: "https", responseHopLimit: 3 } as const;
    expect((await act({ do: "metadata", server: account.first.id, settings })).ok).toBe(true);
    const found = emulator.inventory().instances.find(({ id }) => id === account.first.id);
    expect(found?.metadata_service).toEqual({ enabled: false, protocol: "https", response_hop_limit: 3 });
    await act({
      do: "metadata",
      server: account.first.id,
      settings: { enabled: true, protocol: "http", responseHopLimit: 1 },
    });
  });

  it("changes the part of the metadata service that was asked for, also of a bare metal server", async () => {
    const server = await bareMetalServer();
    const found = (): unknown =>
      emulator.inventory().bareMetalServers.find(({ id }) => id === server)?.metadata_service;
    expect(await act({ do: "metadata", server, settings: { enabled: true } })).toEqual({
      ok: true,
      message: `PATCH /v1/bare_metal_servers/${server}: 200`,
    });
    expect(found()).toMatchObject({ enabled: true, protocol: "http" });
    expect((await act({ do: "metadata", server, settings: { protocol: "https" } })).ok).toBe(true);
    expect(found()).toMatchObject({ enabled: true, protocol: "https" });
    expect((await act({ do: "metadata", server, settings: { responseHopLimit: 2 } })).ok).toBe(false);
  });

  it("arms a fault that is used up anew", async () => {
    const stream = await Stream.open(url);
    await act({ do: "addFault", fault: { path: "/v1/vpcs", status: 503, skip: 1 } });
    const ask = async (): Promise<number> => (await account.api.send(`GET /v1/vpcs?${VPC}`)).status;
    const statuses = async (): Promise<number[]> => [await ask(), await ask(), await ask()];
    expect(await statuses()).toEqual([200, 503, 200]);
    await until(() => stream.messages.some(({ data }) => data.faults?.[0]?.struck === 1));
    const id = stream.messages.flatMap(({ data }) => data.faults ?? []).at(-1)?.id ?? 0;
    await act({ do: "switchFault", id, on: true });
    expect(await statuses()).toEqual([200, 503, 200]);
    await act({ do: "removeFault", id });
    stream.close();
  });

  it.each(["reset", "hang"] as const)("tells of a call that got no answer: %s", async (how) => {
    const stream = await Stream.open(url);
    const before = emulator.journal().length;
    await act({ do: "addFault", fault: { path: "/v1/vpcs", [how]: "before" } });
    await expect(fetch(`${emulator.url}/v1/vpcs?trace=${how}`, { signal: AbortSignal.timeout(300) })).rejects.toThrow();
    const calls = () => stream.messages.slice(1).flatMap(({ data }) => data.calls ?? []);
    await until(() => calls().length > 0);
    expect(calls()).toEqual([expect.objectContaining({ status: 0, method: "GET", path: `/v1/vpcs?trace=${how}` })]);
    // Who counts calls in the journal counts answers.
    expect(emulator.journal()).toHaveLength(before);
    emulator.setFaults([]);
    stream.close();
  });

  it("switches a fault on and off, and removes it", async () => {
    const stream = await Stream.open(url);
    const fault = { method: "GET", path: "/v1/vpcs", status: 503, count: 0 };
    const asked = async (): Promise<number> => (await account.api.send(`GET /v1/vpcs?${VPC}`)).status;
    await act({ do: "addFault", fault });
    expect(await asked()).toBe(503);
    await until(() => stream.messages.some(({ data }) => data.faults?.[0]?.struck === 1));
    const id = stream.messages.flatMap(({ data }) => data.faults ?? []).at(-1)?.id ?? 0;
    await act({ do: "switchFault", id, on: false });
    expect(await asked()).toBe(200);
    await act({ do: "switchFault", id, on: true });
    expect(await asked()).toBe(503);
    await act({ do: "removeFault", id });
    expect(await asked()).toBe(200);
    expect(await act({ do: "switchFault", id, on: true })).toEqual({
      ok: false,
      message: "This fault is gone: the plan has been replaced.",
    });
    stream.close();
  });

  it("moves the clock", async () => {
    const { body } = await account.api.admin("GET /_emulator/time");
    const before = Date.parse(textOf(body.now));
    const { message } = await act({ do: "advance", seconds: 3600 });
    const now = Date.parse(/(?<=It is )\S+/.exec(message)?.[0] ?? "");
    expect(Math.abs(now - before - 3_600_000)).toBeLessThan(60_000);
    await account.api.logIn();
  });

  it.each<[object, string]>([
    [{ do: "destroy" }, "'do' is no action of the console"],
    [{ do: "advance", seconds: -5 }, "'seconds' must be a number of seconds above 0"],
    [{ do: "advance", seconds: "5" }, "'seconds' must be a number of seconds above 0"],
    [{ do: "addFault", fault: { status: 999 } }, "'fault.status' must be an integer from 400 to 599"],
  ])("refuses %j", async (action, message) => {
    expect(await act(action as ConsoleAction)).toEqual({ ok: false, message });
  });
});
