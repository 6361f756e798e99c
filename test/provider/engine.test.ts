/** Resources from a program through the engine, the stub and the dynamic provider process to the emulator and back. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deleteProfile } from "../../client/iam-identity";
import { type Cloud, startCloud } from "./cloud";

const ROOT = join(__dirname, "../..");

const PROGRAM = `
const pulumi = require("@pulumi/pulumi");
const { AccessPolicy, Instance, TrustedProfile } = require("pulumi-ibm-vpc-identity");
const config = new pulumi.Config();
const profile = new TrustedProfile("app", { description: config.get("description") });
const policy = new AccessPolicy("app", { profileId: profile.id, roles: ["Operator"], service: "is" });
const server = new Instance("app", {
  name: config.get("serverName"),
  ...config.requireObject("place"),
  instanceProfile: "bx2-2x8",
  metadataService: { responseHopLimit: config.getNumber("hops") ?? 1 },
  defaultTrustedProfile: { target: profile.id },
  userData: "#!/bin/sh\\n" + (config.get("script") ?? "true") + "\\n",
}, { dependsOn: policy });
const missing = config.get("missing");
if (missing) TrustedProfile.get("missing", missing);
exports.profileId = profile.id;
exports.serverName = server.name;
exports.metadataService = server.metadataService;
`;

interface Run {
  readonly code: number | null;
  readonly text: string;
}

let cloud: Cloud;
let folder: string;

beforeAll(async () => {
  cloud = await startCloud({ provisionSeconds: 0.2, deleteSeconds: 0.2 });
  folder = mkdtempSync(join(tmpdir(), "provider-test-"));
  writeFileSync(join(folder, "index.js"), PROGRAM);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "program", main: "index.js" }));
  writeFileSync(
    join(folder, "Pulumi.yaml"),
    "name: program\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n",
  );
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await pulumi("stack", "init", "dev");
  const { vpcs, subnets, images } = cloud.emulator.inventory();
  const place = {
    vpcId: vpcs[0]?.id,
    subnetId: subnets[0]?.id,
    zone: `${cloud.emulator.region}-1`,
    imageId: images[0]?.id,
  };
  for (const [key, value] of Object.entries(place))
    await pulumi("config", "set", "--path", `place.${key}`, String(value));
});
afterAll(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Running extends Promise<Run> {
  readonly kill: () => void;
}

function pulumi(...argv: string[]): Running {
  const env = {
    PATH: process.env.PATH,
    ...cloud.env,
    HOME: folder,
    PULUMI_HOME: join(folder, ".pulumi-home"),
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
  };
  const stack = argv[0] === "stack" && argv[1] === "init" ? [] : ["--stack", "dev"];
  const child = spawn(join(ROOT, "engine/bin/pulumi"), [...argv, ...stack, "--non-interactive"], { cwd: folder, env });
  const run = new Promise<Run>((resolve) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.on("close", (code) => resolve({ code, text }));
  });
  return Object.assign(run, { kill: () => void child.kill("SIGKILL") });
}

const up = (...more: string[]): Running => pulumi("up", "--yes", "--skip-preview", ...more);

async function expectDone(run: Promise<Run>): Promise<string> {
  const { code, text } = await run;
  if (code !== 0) throw new Error(`exit ${String(code)}:\n${text}`);
  return text;
}

const stateText = (): string => readFileSync(join(folder, ".pulumi/stacks/program/dev.json"), "utf8");

interface StateResource {
  readonly type: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
}

const ours = (): StateResource[] =>
  (
    JSON.parse(stateText()) as { checkpoint: { latest: { resources: StateResource[] } } }
  ).checkpoint.latest.resources.filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/vpc-identity:"));

describe("a stack", () => {
  it("refuses a plain API key before anything is stored", async () => {
    await pulumi("config", "set", "vpc-identity:apiKey", cloud.emulator.apiKey);
    const { code, text } = await up();
    expect(code).not.toBe(0);
    expect(text).toContain("vpc-identity:apiKey is in the stack configuration in clear text");
    expect(stateText()).not.toContain(cloud.emulator.apiKey);
    await pulumi("config", "rm", "vpc-identity:apiKey");
    expect(cloud.calls()).toEqual([]);
  });

  it("is previewed while it has no seed yet", async () => {
    await expectDone(pulumi("preview"));
    // Only the names of roles are looked up.
    expect(cloud.calls()).toEqual(["GET /v2/roles"]);
  });

  it("is made with one create for each object", async () => {
    await expectDone(up());
    const made = cloud.calls();
    expect(made.filter((call) => call.startsWith("POST"))).toEqual([
      "POST /v1/profiles",
      "POST /v2/policies",
      "POST /v1/instances",
    ]);
    expect(made.filter((call) => call === "GET /v2/roles")).toHaveLength(1);
    const { profiles, policies, instances } = cloud.emulator.inventory();
    expect([profiles, policies, instances].map(({ length }) => length)).toEqual([1, 1, 1]);
  });

  it("holds the stub, and no secret", () => {
    for (const { type, inputs, outputs } of ours()) {
      const stub = `exports.handler=()=>require("pulumi-ibm-vpc-identity/dynamic")("${type.split(":").at(-1) ?? ""}")`;
      expect([inputs?.__provider, outputs?.__provider]).toEqual([stub, stub]);
    }
    expect(ours()).toHaveLength(4);
    expect(stateText()).toContain("app-");
    expect(stateText()).not.toContain(cloud.emulator.apiKey);
    expect(stateText()).not.toMatch(/eyJ[\w-]+\.[\w-]+\./);
    expect(JSON.stringify(ours().map(({ outputs }) => outputs))).not.toContain("#!/bin/sh");
  });

  it("calls nothing when nothing changed", async () => {
    expect(await expectDone(up())).toMatch(/5 unchanged/);
    expect(cloud.calls()).toEqual([]);
  });

  it("is read with one call a resource", async () => {
    await expectDone(pulumi("refresh", "--yes", "--skip-preview"));
    expect(cloud.calls()).toHaveLength(3);
    expect(await expectDone(up())).toMatch(/5 unchanged/);
    expect(cloud.calls()).toEqual([]);
  });

  it("is previewed without a replacement when its profile changes", async () => {
    await pulumi("config", "set", "description", "new");
    await pulumi("config", "set", "hops", "2");
    expect(await expectDone(pulumi("preview"))).not.toMatch(/replace/);
    await expectDone(up());
    expect(
      cloud
        .calls()
        .filter((call) => !call.startsWith("GET"))
        .map((call) => call.split(" ")[0]),
    ).toEqual(["PUT", "PATCH"]);
    expect(cloud.emulator.inventory().profiles[0]).toMatchObject({ description: "new" });
  });

  it("warns in every run of user data that a server will not get", async () => {
    await pulumi("config", "set", "script", "false");
    const warning = 'Instance "app": the user data has changed, but server "app-';
    expect(await expectDone(up())).toContain(warning);
    expect(await expectDone(up())).toContain(warning);
    expect(cloud.calls()).toEqual([]);
    await pulumi("config", "rm", "script");
  });

  it("makes again what was deleted elsewhere", async () => {
    const [before] = cloud.emulator.inventory().profiles;
    await deleteProfile(cloud.elsewhere, String(before?.id));
    await expectDone(up("--refresh"));
    const { profiles, policies, instances } = cloud.emulator.inventory();
    expect(profiles.map(({ id }) => id)).not.toContain(before?.id);
    expect([profiles, policies, instances].map(({ length }) => length)).toEqual([1, 1, 1]);
    cloud.calls();
  });

  it("fails to get what does not exist", async () => {
    const missing = "Profile-00000000-0000-4000-8000-000000000000";
    await pulumi("config", "set", "missing", missing);
    const { code, text } = await up();
    expect(code).not.toBe(0);
    expect(text).toContain(`trusted profile "${missing}" does not exist in this account and region.`);
    await pulumi("config", "rm", "missing");
  });

  it.each<[string, string, RegExp]>([
    ["profile", "POST", /^\/v1\/profiles$/],
    ["policy", "POST", /^\/v2\/policies$/],
    ["server", "POST", /^\/v1\/instances$/],
    ["server with a name of the user's", "POST", /^\/v1\/instances$/],
  ])("ends with one of everything when the engine is killed while it creates the %s", async (name, method, path) => {
    await expectDone(pulumi("destroy", "--yes", "--skip-preview"));
    if (name.includes("name")) await pulumi("config", "set", "serverName", "named-one");
    const held = cloud.fail(method, path, "answer held");
    const killed = up();
    while (held.fired === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    // The server acts and its answer goes nowhere.
    await new Promise((resolve) => setTimeout(resolve, 200));
    killed.kill();
    expect((await killed).code).toBeNull();
    await expectDone(pulumi("cancel", "--yes"));
    await expectDone(up());
    const { profiles, policies, instances } = cloud.emulator.inventory();
    expect([profiles, policies, instances].map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(await expectDone(up())).toMatch(/5 unchanged/);
  });

  it("leaves nothing behind", async () => {
    await expectDone(pulumi("destroy", "--yes", "--skip-preview"));
    const { profiles, policies, instances, links } = cloud.emulator.inventory();
    expect([profiles, policies, instances, links]).toEqual([[], [], [], []]);
  });
});
