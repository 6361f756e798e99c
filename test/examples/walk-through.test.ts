/**
 * IBM's walk-through from an empty account: one `up` makes everything, the server takes its identity from it and lists the
 * account's servers with a token of its own, and `destroy` leaves the account as it was.
 */
import { bootInstance, startEmulator, type BootedServer, type Emulator } from "../../emulator";
import { Project } from "../support/project";
import { ED25519_KEY } from "../provider/public-keys";

// Each run of the engine starts two processes, on a machine that may have others to run.
jest.setTimeout(240_000);

let emulator: Emulator;
let project: Project;
let before: string;

beforeAll(async () => {
  emulator = await startEmulator({ seed: { network: false } });
  before = JSON.stringify(emulator.inventory());
  project = Project.ofExample("walk-through", { ...emulator.env });
  await done(project.engine("stack", "init", "dev", "--no-select"));
});
afterAll(async () => {
  await emulator.close();
  project.remove();
});

type Run = ReturnType<Project["engine"]>;

async function done(run: Run): Promise<string> {
  const { exitCode, output, stdout } = await run;
  if (exitCode !== 0) throw new Error(`exit ${String(exitCode)}:\n${output}`);
  return stdout;
}

const set = (key: string, value: string): Promise<string> =>
  done(project.engine("config", "set", "--stack", "dev", key, value));
const outputs = async (): Promise<Record<string, string>> =>
  JSON.parse(await done(project.engine("stack", "output", "--json", "--stack", "dev"))) as Record<string, string>;
/** Calls to the APIs of IBM Cloud since the last time this was asked, without those for tokens. */
let seen = 0;
function calls(): string[] {
  const all = emulator.journal().filter(({ api }) => api !== "instance");
  const news = all.slice(seen).map(({ method, path }) => `${method} ${path.split("?")[0] ?? ""}`);
  seen = all.length;
  return news.filter((call) => !call.endsWith("/identity/token"));
}

it("says all that it needs to know", async () => {
  await set("responseHopLimit", "65");
  const { exitCode, output } = await project.up();
  expect(exitCode).not.toBe(0);
  for (const line of [
    "config set zone us-south-1",
    'config set sshPublicKey "$(cat ~/.ssh/id_ed25519.pub)"',
    'config set responseHopLimit 1   (it is "65"; 1 to 64 are allowed)',
  ]) {
    expect(output).toContain(line);
  }
  expect(JSON.stringify(emulator.inventory())).toBe(before);
});

it("makes everything with one up", async () => {
  await set("zone", "us-south-1");
  await set("sshPublicKey", `${ED25519_KEY} me@laptop`);
  await set("responseHopLimit", "1");
  calls();
  await done(project.up());
  const { profiles, policies, links, vpcs, subnets, keys, instances, floatingIps } = emulator.inventory();
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
  await done(project.engine("up", "--yes", "--skip-preview", "--expect-no-changes", "--stack", "dev"));
  expect(calls()).toEqual(["GET /v1/images"]);
});

describe("the server", () => {
  let server: BootedServer;
  beforeAll(async () => {
    const { instanceId } = await outputs();
    const instance = emulator.inventory().instances.find(({ id }) => id === instanceId);
    server = await bootInstance({ socket: instance?.socket ?? "" });
  });
  afterAll(() => server.shutdown());

  it("gets a token from its identity, and lists the account's servers with it", async () => {
    expect(server.exitCode).toBe(0);
    const { stdout } = await server.exec(["/usr/local/bin/vpc-identity", "print-token", "default"]);
    const response = await fetch(`${emulator.url}/v1/instances?version=2025-08-26&generation=2`, {
      headers: { Authorization: `Bearer ${stdout.trim()}` },
    });
    const { instances = [] } = (await response.json()) as { instances?: { id: string }[] };
    const { instanceId, profileIamId } = await outputs();
    expect([response.status, instances.map(({ id }) => id)]).toEqual([200, [instanceId]]);
    const claims = JSON.parse(Buffer.from(stdout.split(".")[1] ?? "", "base64url").toString()) as { iam_id: string };
    expect(claims.iam_id).toBe(profileIamId);
  });
});

it("changes in place what can be", async () => {
  const old = await outputs();
  await set("responseHopLimit", "2");
  calls();
  await done(project.up());
  expect(calls().filter((call) => !call.startsWith("GET"))).toEqual([`PATCH /v1/instances/${old.instanceId ?? ""}`]);
  expect(await outputs()).toEqual(old);
});

it("leaves the account as it was", async () => {
  await done(project.engine("destroy", "--yes", "--skip-preview", "--stack", "dev"));
  expect(JSON.stringify(emulator.inventory())).toBe(before);
});
