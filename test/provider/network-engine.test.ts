/**
 * A network and a floating IP from a program through the engine to the emulator and back, over a whole life. On the real
 * command line too, where `PULUMI` names it.
 */
import { deleteFloatingIp, deleteSshKey, updateVpc } from "../../client/vpc-networks";
import { ENGINE, type Run } from "../support/project";
import { type Cloud, startCloud } from "./cloud";
import { ED25519_KEY, ed25519Key } from "./public-keys";
import { Stack } from "./stack";

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as vpc from "pulumi-ibm-vpc-identity";
const wish = JSON.parse(readFileSync("wish.json", "utf8"));
const network = new vpc.Vpc("app", wish.vpc, { customTimeouts: { create: "1m", delete: "5m" } });
const subnet = new vpc.Subnet("app", { vpcId: network.id, ...wish.subnet });
const key = new vpc.SshKey("app", wish.key);
const server = new vpc.Instance("app", {
  vpcId: network.id, subnetId: subnet.id, zone: subnet.zone, sshKeyIds: [key.id], instanceProfile: "bx2-2x8",
  imageId: vpc.getImageOutput({ operatingSystem: "debian-12-amd64" }).imageId, ...wish.server,
});
const ip = new vpc.FloatingIp("app", { instanceId: server.id, ...wish.ip });
const got = wish.get === undefined ? undefined : vpc.Subnet.get("got", wish.get);
export const ids = [network.id, subnet.id, key.id, server.id, ip.id];
export const address = ip.address;
export const range = got?.ipv4CidrBlock;
`;

// Each run of the engine starts two processes, on a machine that may have others to run.
jest.setTimeout(240_000);

const SUBNET = { zone: "us-south-1", totalIpv4AddressCount: 16 };

let cloud: Cloud;
let stack: Stack;
let wish: Record<string, unknown> = { vpc: {}, subnet: SUBNET, key: { publicKey: ED25519_KEY }, server: {}, ip: {} };

beforeAll(async () => {
  cloud = await startCloud({ seed: { network: false } });
  stack = new Stack(process.env.PULUMI ?? ENGINE, PROGRAM, cloud);
  await must("stack", "init", "dev");
});
afterAll(async () => {
  await cloud.close();
  stack.remove();
});

const pulumi = (...args: string[]): Promise<Run> => {
  stack.wish(wish);
  return stack.run(...args);
};
const must = (...args: string[]): Promise<string> => {
  stack.wish(wish);
  return stack.must(...args);
};
const up = (...more: string[]): Promise<string> => must("up", "--yes", "--skip-preview", ...more);
/** Of the only VPC, subnet, key, server and floating IP; what the stack says of them itself is looked at once. */
const outputs = (): { ids: string[]; address: unknown } => {
  const { vpcs, subnets, keys, instances, floatingIps } = cloud.emulator.inventory();
  const ids = [vpcs, subnets, keys, instances, floatingIps].map(([only]) => String(only?.id));
  return { ids, address: floatingIps[0]?.address };
};
/** Without the image that the program looks up in every run. */
const calls = (): string[] => cloud.calls().filter((call) => call !== "GET /v1/images");
const writes = (): string[] => calls().filter((call) => !call.startsWith("GET"));
/** How many there are: VPCs, subnets, keys, servers, floating IPs. */
const census = (): number[] => {
  const { vpcs, subnets, keys, instances, floatingIps } = cloud.emulator.inventory();
  return [vpcs, subnets, keys, instances, floatingIps].map(({ length }) => length);
};
const ONE_OF_EACH = [1, 1, 1, 1, 1];

it("is previewed without a call that changes anything", async () => {
  await must("preview");
  expect(calls()).toEqual([]);
});

it("is made, one create for each", async () => {
  await up();
  expect(writes().sort()).toEqual(
    ["floating_ips", "instances", "keys", "subnets", "vpcs"].map((kind) => `POST /v1/${kind}`),
  );
  expect(census()).toEqual(ONE_OF_EACH);
});

it("calls nothing when nothing changed, and once for each when it is read", async () => {
  await up();
  expect(calls()).toEqual([]);
  await up("--refresh");
  expect(calls()).toHaveLength(5);
});

it("is renamed in place", async () => {
  const before = outputs();
  const renamed = { name: "shop" };
  wish = {
    ...wish,
    vpc: renamed,
    subnet: { ...SUBNET, ...renamed },
    key: { publicKey: ED25519_KEY, ...renamed },
    ip: renamed,
  };
  cloud.calls();
  expect(await must("up", "--yes")).not.toMatch(/replace/);
  expect(writes().filter((call) => call.startsWith("PATCH"))).toHaveLength(4);
  expect(outputs()).toEqual(before);
});

it("shows what somebody else changed, in the inputs too, and mends it", async () => {
  const [vpcId = ""] = outputs().ids;
  await updateVpc(cloud.elsewhere, vpcId, { name: "theirs" }, "");
  await must("refresh", "--yes", "--skip-preview");
  const vpc = (await stack.resources()).find(({ type }) => type.endsWith(":Vpc"));
  expect([vpc?.inputs?.name, vpc?.outputs?.name]).toEqual(["theirs", "theirs"]);
  await up();
  expect(cloud.emulator.inventory().vpcs[0]).toMatchObject({ name: "shop" });
});

it("is made again, whatever of it was deleted elsewhere", async () => {
  const before = outputs().ids;
  await deleteSshKey(cloud.elsewhere, before[2] ?? "");
  await deleteFloatingIp(cloud.elsewhere, before[4] ?? "");
  await up("--refresh");
  expect(census()).toEqual(ONE_OF_EACH);
  const after = outputs().ids;
  expect(after.map((id, index) => id === before[index])).toEqual([true, true, false, true, false]);
});

it("keeps its address when the server is replaced", async () => {
  const before = outputs();
  wish = { ...wish, server: { userData: "#cloud-config\n", userDataChange: "replace" } };
  await up();
  const after = outputs();
  expect(after.ids.map((id, index) => id === before.ids[index])).toEqual([true, true, true, false, true]);
  expect(after.address).toBe(before.address);
  const [server] = cloud.emulator.inventory().instances;
  const [vni] = cloud.emulator.inventory().virtualNetworkInterfaces;
  expect([server?.id, cloud.emulator.inventory().floatingIps[0]?.target]).toEqual([
    after.ids[3],
    { kind: "virtual_network_interface", id: vni?.id },
  ]);
});

it("is replaced, first deleted and then made, when it must be another one", async () => {
  const before = outputs().ids;
  wish = { ...wish, subnet: { zone: "us-south-1", totalIpv4AddressCount: 32 }, key: { publicKey: ed25519Key("two") } };
  await up();
  expect(census()).toEqual(ONE_OF_EACH);
  const after = outputs().ids;
  expect(after.map((id, index) => id === before[index])).toEqual([true, false, false, false, true]);
});

it("is got by id without being managed, and fails clearly when there is nothing", async () => {
  const [, subnetId] = outputs().ids;
  wish = { ...wish, get: subnetId };
  await up();
  const said = JSON.parse(await must("stack", "output", "--json")) as { ids: string[]; range: string };
  expect(said.ids).toEqual(outputs().ids);
  expect(said.range).toMatch(/^10\.240\.0\.\d+\/27$/);
  wish = { ...wish, get: "0717-none" };
  const { exitCode, output } = await pulumi("up", "--yes", "--skip-preview");
  expect([exitCode === 0, output.includes('subnet "0717-none" does not exist in this account and region.')]).toEqual([
    false,
    true,
  ]);
  delete wish.get;
  await up();
});

it("waits with the deletion while something is in use, and shows what", async () => {
  const body = { errors: [{ code: "vpc_in_use", message: "The VPC still has subnets." }] };
  const planned = cloud.fail("DELETE", /^\/v1\/vpcs\//, { status: 409, body }, 2);
  const output = await must("destroy", "--yes", "--skip-preview");
  expect(planned.fired).toBe(2);
  expect(output).toContain("is still in use and is deleted later: The VPC still has subnets.");
  expect(census()).toEqual([0, 0, 0, 0, 0]);
});
