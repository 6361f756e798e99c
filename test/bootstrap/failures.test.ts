/** What the installed script does about answers that are not what it hopes for. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import type { BootstrapOptions } from "../../bootstrap";
import { type Fault, MetadataService, refusal, type Route } from "./metadata-service";
import { ServerFolder, shellInTurn } from "./server-folder";
import { Servers } from "./servers";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";

const servers = new Servers();

interface Case {
  readonly name: string;
  readonly faults: Partial<Record<Route, readonly Fault[]>>;
  readonly firstBoot?: boolean;
  readonly exitCode: number;
  readonly says: RegExp;
  /** How often the route was asked. */
  readonly calls: Partial<Record<Route, number>>;
  readonly options?: BootstrapOptions;
}

const notLinked: Fault = { status: 400, body: refusal("profile_not_linked", "The trusted profile is not linked.") };
const unauthenticated: Fault = { status: 401, body: refusal("unauthenticated", "The token is not valid.") };
const unauthorized: Fault = { status: 403, body: refusal("unauthorized", "The resource is gone.") };
const many = (fault: Fault): Fault[] => new Array<Fault>(9).fill(fault);

const cases: Case[] = [
  {
    name: "waits for a link during the first boot",
    firstBoot: true,
    faults: { iam_tokens: [notLinked] },
    exitCode: 0,
    says: /HTTP 400 profile_not_linked: The trusted profile is not linked\. \(trace trace-of-the-test\).*again in [3-5] s/s,
    calls: { iam_tokens: 2, certificates: 1 },
  },
  {
    name: "does not wait for a link later",
    faults: { iam_tokens: many(notLinked) },
    exitCode: 5,
    says: /link the trusted profile to this server/,
    calls: { iam_tokens: 1 },
  },
  {
    name: "tries a 401 once more with a fresh identity token",
    faults: { iam_tokens: [unauthenticated] },
    exitCode: 0,
    says: /HTTP 401 unauthenticated/,
    calls: { token: 2, iam_tokens: 2 },
  },
  {
    name: "takes a second 401 as final",
    faults: { iam_tokens: many(unauthenticated) },
    exitCode: 5,
    says: /HTTP 401/,
    calls: { token: 2, iam_tokens: 2 },
  },
  {
    name: "takes a 403 as final",
    faults: { iam_tokens: many(unauthorized) },
    exitCode: 5,
    says: /HTTP 403 unauthorized/,
    calls: { iam_tokens: 1 },
  },
  {
    name: "repeats a 403 during the first boot",
    firstBoot: true,
    faults: { iam_tokens: [unauthorized] },
    exitCode: 0,
    says: /again in [3-5] s/s,
    calls: { iam_tokens: 2 },
  },
  {
    name: "repeats a 503",
    faults: { token: [{ status: 503 }], certificates: [{ status: 500 }] },
    exitCode: 0,
    says: /HTTP 503 service_error: Planned/,
    calls: { certificates: 2 },
  },
  {
    name: "waits as long as Retry-After says",
    faults: { iam_tokens: [{ status: 429, headers: { "Retry-After": "2" } }] },
    exitCode: 0,
    says: /HTTP 429 .*again in 2 s/s,
    calls: { iam_tokens: 2 },
  },
  {
    name: "gives up when Retry-After is too far away",
    faults: { iam_tokens: [{ status: 429, headers: { "Retry-After": "9999" } }] },
    exitCode: 6,
    says: /gave up/,
    calls: { iam_tokens: 1 },
  },
  {
    name: "follows a redirect within the service",
    faults: {
      token: [{ status: 307, headers: { Location: "/identity/v1/token?version=2025-08-26&moved=1" } }],
      iam_tokens: many({ status: 308, headers: { Location: "/identity/v1/iam_tokens?x=1" } }).slice(0, 3),
    },
    exitCode: 0,
    says: /IAM token "default" is in/,
    calls: { token: 2, iam_tokens: 4 },
  },
  {
    name: "does not follow a fourth redirect",
    faults: { iam_tokens: many({ status: 307, headers: { Location: "/identity/v1/iam_tokens" } }) },
    exitCode: 5,
    says: /HTTP 307 .*three at most/,
    calls: { iam_tokens: 4 },
  },
  {
    name: "does not take its token to another host",
    faults: { iam_tokens: many({ status: 302, headers: { Location: "http://127.0.0.1:1/identity/v1/iam_tokens" } }) },
    exitCode: 5,
    says: /HTTP 302 .*redirects are followed within http:\/\/127\.0\.0\.1:\d+, three at most/,
    calls: { iam_tokens: 1 },
  },
  {
    name: "does not take its token to another host without a protocol",
    faults: { iam_tokens: many({ status: 302, headers: { Location: "//127.0.0.1:1/identity/v1/iam_tokens" } }) },
    exitCode: 5,
    says: /HTTP 302/,
    calls: { iam_tokens: 1 },
  },
  {
    name: "repeats a truncated answer",
    faults: { iam_tokens: [{ change: (text) => text.slice(0, 60) }], token: [{ change: (text) => text.slice(0, -1) }] },
    exitCode: 0,
    says: /truncated, or from a proxy/,
    calls: { token: 2, iam_tokens: 2 },
  },
  {
    name: "does not take a proxy's page for an answer",
    options: { retrySeconds: 0 },
    faults: { token: many({ body: "<html>Access denied</html>" }) },
    exitCode: 7,
    says: /not what the service promises/,
    calls: { iam_tokens: 0 },
  },
  {
    name: "does not take a text with a quote for a token",
    options: { retrySeconds: 0 },
    faults: { iam_tokens: many({ body: '{"access_token":"abc.def\\"\\nurl=x.ghi","expires_in":3600}' }) },
    exitCode: 7,
    says: /not what the service promises/,
    calls: {},
  },
  {
    name: "reads pretty JSON",
    faults: { token: [{ change: pretty }], iam_tokens: [{ change: pretty }], certificates: [{ change: pretty }] },
    exitCode: 0,
    says: /certificate/,
    calls: { token: 1 },
  },
  {
    name: "reads escaped JSON",
    faults: { certificates: [{ change: escaped }], iam_tokens: [{ change: escaped }] },
    exitCode: 0,
    says: /certificate/,
    calls: { certificates: 1 },
  },
  {
    name: "reads JSON with line ends of another system in certificates",
    faults: { certificates: [{ change: (text) => text.replaceAll("\\n", "\\r\\n") }] },
    exitCode: 0,
    says: /certificate/,
    calls: { certificates: 1 },
  },
  {
    name: "refuses a leaf for another key",
    faults: { certificates: [{ change: withoutLeaf }] },
    exitCode: 8,
    says: /does not have the key of the request/,
    calls: { certificates: 1 },
  },
  {
    name: "refuses a chain without its issuer",
    options: { retrySeconds: 0 },
    faults: { certificates: [{ change: withoutIssuer }] },
    exitCode: 8,
    says: /its chain does not verify/,
    calls: { certificates: 1 },
  },
  {
    name: "refuses an empty list of certificates",
    options: { retrySeconds: 0 },
    faults: { certificates: many({ body: '{"certificates":[],"id":"x","expires_in":3600}' }) },
    exitCode: 7,
    says: /not what the service promises/,
    calls: {},
  },
  {
    name: "passes over paths that do not exist",
    faults: { certificates: [{ status: 404, body: refusal("not_found", "No such path.") }] },
    exitCode: 5,
    says: /HTTP 404 not_found/,
    calls: { certificates: 1, iam_tokens: 1 },
  },
];

function pretty(text: string): string {
  return JSON.stringify(JSON.parse(text), undefined, 4);
}

function escaped(text: string): string {
  return text.replaceAll("/", "\\/").replaceAll("=", "\\u003d").replaceAll("+", "\\u002B");
}

function withoutLeaf(text: string): string {
  const answer = JSON.parse(text) as { certificates: string[] };
  return JSON.stringify({ ...answer, certificates: answer.certificates.slice(1) });
}

function withoutIssuer(text: string): string {
  const answer = JSON.parse(text) as { certificates: string[] };
  return JSON.stringify({ ...answer, certificates: answer.certificates.slice(0, 1) });
}

describe("failures", () => {
  const rows = cases.map((row, index) => ({ ...row, shell: shellInTurn(index) }));

  it.each(rows)("$name, under $shell.name", async ({ faults, firstBoot, exitCode, says, calls, options, shell }) => {
    const server = servers.makeQuick({ retrySeconds: 20, ...options });
    if (firstBoot !== true) server.endFirstBoot();
    for (const [route, planned] of Object.entries(faults)) servers.service.plan(route as Route, ...planned);
    const run = await server.run(["once"], { shell: shell.argv });
    expect(run.stderr).toMatch(says);
    expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode, stdout: "" });
    for (const [route, count] of Object.entries(calls))
      expect([route, servers.service.calls(route as Route).length]).toEqual([route, count]);
  });

  it("fetches what it can when one profile is refused", async () => {
    const server = servers.makeQuick({ iamTokens: [{ name: "refused", profileId: PROFILE }, { name: "default" }] });
    server.endFirstBoot();
    servers.service.plan("iam_tokens", notLinked);
    expect((await server.run(["once"])).exitCode).toBe(5);
    expect(server.has("/run/vpc-identity/tokens/default")).toBe(true);
    expect(server.has("/run/vpc-identity/tokens/refused")).toBe(false);
    expect(server.completeSet()).toMatchObject({ generation: 1 });
  });

  it("keeps a good token fresh while another is refused in the first boot, and ends that for good", async () => {
    const server = servers.makeQuick({
      iamTokens: [{ name: "refused", profileId: PROFILE }, { name: "good" }],
      certificate: false,
      firstBootSeconds: 8,
    });
    servers.service.lifeSeconds = 3;
    // Every look asks for both: the good one has come due meanwhile.
    servers.service.plan("iam_tokens", ...many(notLinked).flatMap((fault) => [fault, {}]));
    const first = await server.run(["once"]);
    expect(first).toMatchObject({ exitCode: 5, stderr: expect.stringContaining("gave up") as string });
    const asked = servers.service.calls("iam_tokens").map(({ body }) => body.includes(PROFILE));
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(asked).toEqual(asked.map((_, index) => index % 2 === 0));
    servers.service.plan("iam_tokens", notLinked);
    const later = await server.run(["renew"]);
    expect(later.exitCode).toBe(5);
    expect(later.stderr).not.toContain("trying again");
  });

  it("leaves a good set alone when a renewal fails", async () => {
    const server = servers.makeQuick();
    await server.run(["once"]);
    const token = server.read("/run/vpc-identity/tokens/default");
    servers.service.plan("certificates", { status: 400, body: refusal("invalid_value", "No.") });
    servers.service.plan("iam_tokens", notLinked);
    expect((await server.run(["once"])).exitCode).toBe(5);
    expect(server.completeSet()).toMatchObject({ generation: 1 });
    expect(server.read("/run/vpc-identity/tokens/default")).toBe(token);
  });

  it("says when nothing answers, and ends in time", async () => {
    const server = servers.add(new ServerFolder("http://127.0.0.1:1", { firstBootSeconds: 2 }));
    const { exitCode, stderr, milliseconds } = await server.run(["once"]);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/no answer from http:\/\/127\.0\.0\.1:1: curl: \(7\)[\s\S]*is the metadata service enabled/);
    expect(milliseconds).toBeLessThan(8000);
  });

  it("refuses a chain that does not lead to the roots of the options", async () => {
    const other = await MetadataService.start();
    const server = servers.makeQuick({ trustRootsPem: other.rootPem, iamTokens: [] });
    await other.close();
    const { exitCode, stderr } = await server.run(["once"]);
    expect(stderr).toMatch(/certificate 0717-id_1 is refused: its chain does not verify/);
    expect(exitCode).toBe(8);
    expect(server.has("/run/vpc-identity/current")).toBe(false);
  });

  it("sends the version and the maturity of the options with every call", async () => {
    await servers.makeQuick({ apiVersion: "2024-11-12", maturity: "beta" }).run(["once"]);
    expect(servers.service.requests.map(({ path }) => path.split("?")[1])).toEqual(
      new Array(3).fill("version=2024-11-12&maturity=beta"),
    );
  });

  it("goes on with the paths of before August 2025 when told to", async () => {
    servers.service.prefix = "/instance_identity/v1";
    expect((await servers.makeQuick({ iamTokens: [], retrySeconds: 9 }).run(["once"])).exitCode).toBe(5);
    servers.service.requests.length = 0;
    const { exitCode, stderr } = await servers.makeQuick({ legacyFallback: true }).run(["once"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(servers.service.requests.map(({ path }) => path).sort()).toEqual([
      "/identity/v1/token?version=2025-08-26",
      "/instance_identity/v1/certificates?version=2022-03-01",
      "/instance_identity/v1/iam_token?version=2022-03-01",
      "/instance_identity/v1/token?version=2022-03-01",
    ]);
  });

  it.each([
    { name: "no JSON", config: "{", says: /not usable/ },
    {
      name: "a token name that leaves the folder",
      config:
        '{"metadataUrl":"http://x","apiVersion":"2025-08-26","iamTokens":[{"name":"../x"}],"certificate":false,"renewal":false}',
      says: /iamTokens\.0\.name is "\.\.\/x"/,
    },
    {
      name: "a URL with an option of curl",
      config:
        '{"metadataUrl":"http://x\\nproxy=http://evil","apiVersion":"2025-08-26","certificate":false,"renewal":false}',
      says: /metadataUrl is/,
    },
  ])("refuses settings that someone broke: $name", async ({ config, says }) => {
    const server = servers.makeQuick();
    writeFileSync(server.path("/etc/vpc-identity/config.json"), config);
    const { exitCode, stderr } = await server.run(["once"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(says);
    expect(servers.service.requests).toEqual([]);
  });

  it.each([["frobnicate"], ["once", "twice"], []])("refuses a command it does not know: %p %p", async (...args) => {
    const { exitCode, stderr } = await servers.makeQuick().run(args.filter((word) => typeof word === "string"));
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^usage: vpc-identity COMMAND\n {2}once {2}[^]*\n {2}install, uninstall .*\n$/);
  });
});

describe("nonce", () => {
  it("is sent, and an answer without it is not taken", async () => {
    const server = servers.makeBooted({ nonce: true, iamTokens: [] });
    servers.service.plan("token", { change: (text) => text.replace("}", `,"nonce":"another"}`) });
    expect((await server.run(["once"])).exitCode).toBe(7);
    const sent = (): string =>
      (JSON.parse(servers.service.calls("token").at(-1)?.body ?? "") as { nonce: string }).nonce;
    expect(sent()).toMatch(/^[0-9a-f]{32}$/);
    const first = sent();
    servers.service.plan("token", { change: (text) => text.replace("}", `,"nonce":"${sent()}"}`) });
    expect(await server.run(["once"])).toMatchObject({ exitCode: 0 });
    expect(sent()).not.toBe(first);
  });
});

describe("the results folder", () => {
  it.each([
    { name: "is open to all", folder: "/run/vpc-identity", mode: 0o777 },
    { name: "is open to its group", folder: "/run/vpc-identity", mode: 0o770 },
    { name: "is in a folder that is open to all", folder: "/run", mode: 0o777 },
  ])("that $name is refused", async ({ folder: path, mode }) => {
    const server = servers.makeQuick();
    mkdirSync(server.path("/run/vpc-identity"), { recursive: true });
    chmodSync(server.path(path), mode);
    const { exitCode, stderr } = await server.run(["once"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/other users may write to .*: take that from them/);
    expect(servers.service.requests).toEqual([]);
  });

  it("is on the disk when the options say so", async () => {
    const server = servers.makeQuick({ keepOnDisk: true });
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(server.has("/run/vpc-identity")).toBe(false);
    expect(server.read("/var/lib/vpc-identity/results/tokens/default")).toBe(servers.service.secrets[1]);
    expect((await server.run(["status"])).stdout).toContain("/var/lib/vpc-identity/results/current/leaf.pem");
  });
});
