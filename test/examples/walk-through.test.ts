/**
 * IBM's walk-through from an empty account, by the commands of its README: one `up` makes everything, the server takes its
 * identity from it and lists the account's servers with a token of its own, and `destroy` leaves the account as it was.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BootedServer, bootInstance } from "../../emulator";
import { ED25519_KEY } from "../provider/public-keys";
import { Example } from "./example";
import { runOn, sshTo, withArgs } from "./stand-ins";

// Each command starts a process or two, on a machine that may have others to run.
jest.setTimeout(240_000);

let example: Example;
let before: string;

beforeAll(async () => {
  example = await Example.of("walk-through", { seed: { network: false } });
  before = JSON.stringify(example.emulator.inventory());
  mkdirSync(join(example.project.folder, ".ssh"));
  writeFileSync(join(example.project.folder, ".ssh", "id_ed25519.pub"), `${ED25519_KEY} me@laptop\n`);
});
afterAll(() => example.close());

const outputs = async (): Promise<Record<string, string>> => (await example.outputs()) as Record<string, string>;
/** Calls to the APIs of IBM Cloud since the last time this was asked, without those for tokens. */
let seen = 0;
function calls(): string[] {
  const all = example.emulator.journal().filter(({ api }) => api !== "instance");
  const news = all.slice(seen).map(({ method, path }) => `${method} ${path.split("?")[0] ?? ""}`);
  seen = all.length;
  return news.filter((call) => !call.endsWith("/identity/token"));
}

it("says all that it needs to know", async () => {
  await example.project.engine("stack", "init", "empty", "--no-select");
  await example.project.engine("config", "set", "--stack", "empty", "responseHopLimit", "65");
  const { exitCode, output } = await example.project.engine("preview", "--stack", "empty");
  expect(exitCode).not.toBe(0);
  for (const line of [
    "config set zone us-south-1",
    'config set sshPublicKey "$(cat ~/.ssh/id_ed25519.pub)"',
    'config set responseHopLimit 1   (it is "65"; 1 to 64 are allowed)',
  ]) {
    expect(output).toContain(line);
  }
  expect(JSON.stringify(example.emulator.inventory())).toBe(before);
});

it("makes everything with one up", async () => {
  calls();
  await example.readme("Run it");
  const { profiles, policies, links, vpcs, subnets, keys, instances, floatingIps } = example.emulator.inventory();
  expect([profiles, policies, links, vpcs, subnets, keys, instances, floatingIps].map(({ length }) => length)).toEqual(
    Array(8).fill(1),
  );
  const known = await outputs();
  expect(known).toMatchObject({
    profileId: profiles[0]?.id,
    vpcId: vpcs[0]?.id,
    subnetId: subnets[0]?.id,
    instanceId: instances[0]?.id,
    address: floatingIps[0]?.address,
  });
  expect(floatingIps[0]?.target).toMatchObject({ kind: "virtual_network_interface" });
  const creates = calls().filter((call) => call.startsWith("POST"));
  expect(creates.sort()).toEqual(
    ["floating_ips", "instances", "keys", "profiles", "subnets", "vpcs"]
      .map((kind) => `POST /v1/${kind}`)
      .concat("POST /v2/policies"),
  );
});

it("has nothing to do the second time, but to look the image up", async () => {
  calls();
  await example.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
  expect(calls()).toEqual(["GET /v1/images"]);
});

it("leaves the server alone when there is another image to be the newest", async () => {
  const { instances } = example.emulator.inventory();
  await example.pulumi("config", "set", "operatingSystem", "ubuntu-24-04-amd64");
  calls();
  await example.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
  expect(calls()).toEqual(["GET /v1/images"]);
  expect(example.emulator.inventory().instances).toEqual(instances);
  await example.pulumi("config", "rm", "operatingSystem");
});

describe("the server", () => {
  let server: BootedServer;
  beforeAll(async () => {
    const { instanceId } = await outputs();
    const instance = example.emulator.inventory().instances.find(({ id }) => id === instanceId);
    server = await bootInstance({ socket: instance?.socket ?? "" });
  });
  afterAll(() => server.shutdown());

  it("lists the account's servers with a token of its own, by the commands of the README", async () => {
    expect(server.exitCode).toBe(0);
    const { address = "", instanceId, profileIamId } = await outputs();
    // The server's network reaches nobody, so what it sends goes out from here.
    const answer = await example.readme(
      "On the server",
      {},
      {
        ssh: sshTo(server, address),
        sudo: runOn(server),
        curl: withArgs(example.project, "curl", (arg) =>
          arg.replace("https://us-south.iaas.cloud.ibm.com", example.emulator.url),
        ),
      },
    );
    const { instances } = JSON.parse(answer) as { instances: { id: string }[] };
    expect(instances.map(({ id }) => id)).toEqual([instanceId]);
    const { stdout } = await server.exec(["/usr/local/bin/vpc-identity", "print-token", "default"]);
    const claims = JSON.parse(Buffer.from(stdout.split(".")[1] ?? "", "base64url").toString()) as { iam_id: string };
    expect(claims.iam_id).toBe(profileIamId);
  });
});

it("changes in place what can be", async () => {
  const old = await outputs();
  await example.pulumi("config", "set", "responseHopLimit", "2");
  calls();
  await example.pulumi("up", "--yes", "--skip-preview");
  expect(calls().filter((call) => !call.startsWith("GET"))).toEqual([`PATCH /v1/instances/${old.instanceId ?? ""}`]);
  expect(await outputs()).toEqual(old);
});

it("leaves the account as it was", async () => {
  await example.pulumi("destroy", "--yes", "--skip-preview");
  expect(JSON.stringify(example.emulator.inventory())).toBe(before);
});

it("runs without an account, on an emulator of its own that it ends", async () => {
  const stdout = await example.readme("Without an account");
  expect(stdout).toMatch(/\bcreated?\b[^]*\bdeleted?\b/);
  expect(JSON.stringify(example.emulator.inventory())).toBe(before);
  const environment = readFileSync(join(example.project.cwd, "emulator.env"), "utf8");
  const [, url = ""] = /='?(http:[^'\n]*)/.exec(environment) ?? [];
  await expect(fetch(url)).rejects.toThrow();
});

it("has run every command of its README", () => expect(example.unrun()).toEqual([]));
