/** VPCs, subnets, SSH keys and floating IPs: what all of them do over a life against the emulator. */
import type { dynamic } from "@pulumi/pulumi";
import { deleteInstance } from "../../client/vpc";
import {
  createFloatingIp,
  createSshKey,
  createSubnet,
  createVpc,
  deleteFloatingIp,
  deleteSshKey,
  deleteSubnet,
  deleteVpc,
  updateFloatingIp,
  updateSshKey,
  updateSubnet,
  updateVpc,
} from "../../client/vpc-networks";
import { handler as floatingIp } from "../../provider/floating-ip";
import { handler as sshKey } from "../../provider/ssh-key";
import { handler as subnet } from "../../provider/subnet";
import { handler as vpc } from "../../provider/vpc";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";
import { ED25519_KEY } from "./public-keys";

type Args = Record<string, unknown>;

const ZONE = "us-south-1";
const HASH_NAME = expect.stringMatching(/^app-[0-9a-f]{8}$/) as string;
const ANY = expect.any(String) as string;

let cloud: Cloud;
let vpcId: string;
let groupId: string;
beforeAll(async () => {
  cloud = await startCloud({ seed: { network: false } });
  vpcId = (await createVpc(cloud.elsewhere, { name: "shared" })).id;
  groupId = String(cloud.emulator.inventory().resourceGroups[0]?.id);
});
afterAll(() => cloud.close());
beforeEach(() => cloud.calls());

/** What there is beside the shared VPC. */
const inventory = (): unknown[] => {
  const { vpcs, subnets, keys, floatingIps, instances } = cloud.emulator.inventory();
  return [...vpcs, ...subnets, ...keys, ...floatingIps, ...instances].map(({ id }) => id).filter((id) => id !== vpcId);
};
afterEach(async () => {
  const { vpcs, subnets, keys, floatingIps, instances } = cloud.emulator.inventory();
  const ids = (rows: readonly Readonly<Record<string, unknown>>[]): string[] => rows.map(({ id }) => String(id));
  for (const id of ids(floatingIps)) await deleteFloatingIp(cloud.elsewhere, id);
  for (const id of ids(instances)) await deleteInstance(cloud.elsewhere, id);
  cloud.emulator.advance(1);
  for (const id of ids(subnets)) await deleteSubnet(cloud.elsewhere, id);
  for (const id of ids(keys)) await deleteSshKey(cloud.elsewhere, id);
  for (const id of ids(vpcs)) if (id !== vpcId) await deleteVpc(cloud.elsewhere, id);
});

interface Kind {
  readonly handler: dynamic.ResourceProvider;
  readonly path: string;
  readonly args: () => Args;
  readonly outputs: () => Args;
  /** Renames it behind our back. */
  readonly rename: (id: string, name: string) => Promise<unknown>;
  readonly remove: (id: string) => Promise<void>;
  /** Makes one of this name with the same arguments, as somebody else. */
  readonly foreign: (name: string) => Promise<{ readonly id: string }>;
  readonly noun: string;
}

const KINDS: Record<string, Kind> = {
  Vpc: {
    handler: vpc as never,
    path: "/v1/vpcs",
    args: () => ({}),
    outputs: () => ({
      status: "available",
      addressPrefixManagement: "auto",
      defaultSecurityGroupId: ANY,
      defaultNetworkAclId: ANY,
      defaultRoutingTableId: ANY,
    }),
    rename: async (id, name) => updateVpc(cloud.elsewhere, id, { name }, ""),
    remove: async (id) => deleteVpc(cloud.elsewhere, id),
    foreign: (name) => createVpc(cloud.elsewhere, { name }),
    noun: "VPC",
  },
  Subnet: {
    handler: subnet as never,
    path: "/v1/subnets",
    args: () => ({ vpcId, zone: ZONE, totalIpv4AddressCount: 16 }),
    outputs: () => ({
      status: "available",
      vpcId,
      zone: ZONE,
      totalIpv4AddressCount: 16,
      ipv4CidrBlock: expect.stringMatching(/^10\.240\.0\.\d+\/28$/) as string,
    }),
    rename: async (id, name) => updateSubnet(cloud.elsewhere, id, { name }),
    remove: async (id) => deleteSubnet(cloud.elsewhere, id),
    foreign: (name) => createSubnet(cloud.elsewhere, { name, vpcId, zone: ZONE, totalIpv4AddressCount: 16 }),
    noun: "subnet",
  },
  SshKey: {
    handler: sshKey as never,
    path: "/v1/keys",
    args: () => ({ publicKey: `${ED25519_KEY} me@laptop\n` }),
    outputs: () => ({
      publicKey: ED25519_KEY,
      type: "ed25519",
      length: 256,
      fingerprint: expect.stringMatching(/^SHA256:/) as string,
    }),
    rename: async (id, name) => updateSshKey(cloud.elsewhere, id, { name }),
    remove: async (id) => deleteSshKey(cloud.elsewhere, id),
    foreign: (name) => createSshKey(cloud.elsewhere, { name, publicKey: ED25519_KEY, type: "ed25519" }),
    noun: "SSH key",
  },
  FloatingIp: {
    handler: floatingIp as never,
    path: "/v1/floating_ips",
    args: () => ({ zone: ZONE }),
    outputs: () => ({ status: "available", zone: ZONE, address: expect.stringMatching(/^198\.1[89]\./) as string }),
    rename: async (id, name) => updateFloatingIp(cloud.elsewhere, id, { name }),
    remove: async (id) => deleteFloatingIp(cloud.elsewhere, id),
    foreign: (name) => createFloatingIp(cloud.elsewhere, { name, zone: ZONE }),
    noun: "floating IP",
  },
};

describe.each(Object.entries(KINDS))("%s", (_type, kind) => {
  const { handler, path, args, noun } = kind;
  const create = (more: Args = {}): Promise<Life> => new Life(handler).create({ ...args(), ...more });

  it("is made with one call, and has every output", async () => {
    const life = await create();
    expect(cloud.calls()).toEqual([`POST ${path}`]);
    expect(life.outputs).toEqual({
      ...kind.outputs(),
      crn: expect.stringContaining(life.id) as string,
      name: HASH_NAME,
      resourceGroupId: groupId,
      createdAt: ANY,
      mark: life.inputs.mark,
    });
  });

  it("does not change when nothing did", async () => {
    const life = await create();
    expect(await life.diff(args())).toMatchObject({ changes: false });
    expect(await life.diff({ ...args(), adopt: true })).toMatchObject({ changes: false });
  });

  it("is renamed in place, and back", async () => {
    const life = await create();
    cloud.calls();
    await life.update({ ...args(), name: "shop" });
    expect(cloud.calls()).toEqual([`GET ${path}/${life.id}`, `PATCH ${path}/${life.id}`]);
    expect(life.outputs.name).toBe("shop");
    await life.update(args());
    expect(life.outputs.name).toEqual(HASH_NAME);
    expect(await life.diff(args())).toMatchObject({ changes: false });
  });

  it("is replaced for another resource group", async () => {
    const life = await create();
    expect(await life.diff({ ...args(), resourceGroupId: "other" })).toMatchObject({
      changes: true,
      replaces: ["resourceGroupId"],
      deleteBeforeReplace: true,
    });
  });

  it("is replaced when it could not be made", async () => {
    if (noun === "SSH key") return;
    const life = await create();
    Object.assign(life.outputs, { status: "failed", neverUsable: true });
    expect(await life.diff(args())).toMatchObject({ changes: true, replaces: ["status"] });
  });

  it("is not replaced when it fails later: what is in it would be lost", async () => {
    if (noun === "SSH key") return;
    const life = await create();
    life.outputs.status = "failed";
    expect(await life.diff(args())).toMatchObject({ changes: true, replaces: [] });
    // It was mended meanwhile.
    await life.update(args());
    expect([life.outputs.status, (await life.diff(args())).changes]).toEqual(["available", false]);
  });

  it("shows drift in outputs and inputs, and mends it", async () => {
    const life = await create();
    await kind.rename(life.id, "theirs");
    await life.refresh();
    expect([life.inputs.name, life.outputs.name]).toEqual(["theirs", "theirs"]);
    await life.update(args());
    expect(life.outputs.name).toEqual(HASH_NAME);
    await life.refresh();
    expect(await life.diff(args())).toMatchObject({ changes: false });
  });

  it("does not overwrite unseen what somebody else changed", async () => {
    const life = await create();
    await kind.rename(life.id, "theirs");
    expect(await rejectionOf(life.update({ ...args(), name: "shop" }))).toContain("since it was last read: name.");
  });

  it("is gone after a refresh when it was deleted elsewhere, and says so in an update", async () => {
    const life = await create();
    await kind.remove(life.id);
    expect(await rejectionOf(life.update({ ...args(), name: "shop" }))).toContain("was deleted outside of this stack.");
    expect(await life.refresh()).toBe(false);
    await life.delete();
  });

  it("is read by id alone", async () => {
    const life = await create();
    expect(await handler.read?.(life.id, {})).toEqual({
      id: life.id,
      props: expect.objectContaining({ crn: life.outputs.crn, name: life.outputs.name }) as object,
    });
    expect(await rejectionOf(Promise.resolve(handler.read?.("r006-none", {})))).toBe(
      `${noun} "r006-none" does not exist in this account and region. Check the id and the credentials.`,
    );
  });

  it("is named, not made a second time, when somebody else has one of this name", async () => {
    const theirs = await kind.foreign("shop");
    expect(await rejectionOf(create({ name: "shop" }))).toBe(
      `${noun} "shop" cannot be created: the ${noun} "shop" (${theirs.id}) exists already and was not made by this stack. ` +
        "Choose another name or delete it, or set `adopt: true` to manage it from here (also its deletion).",
    );
    const life = await create({ name: "shop", adopt: true });
    expect(life.id).toBe(theirs.id);
    expect(await life.diff({ ...args(), name: "shop", adopt: true })).toMatchObject({ changes: false });
  });

  it("is not adopted when the next run would replace it", async () => {
    const theirs = await kind.foreign("shop");
    expect(await rejectionOf(create({ name: "shop", adopt: true, resourceGroupId: "other" }))).toContain(
      `${noun} "shop" (${theirs.id}) cannot be adopted: it differs in resourceGroupId,`,
    );
  });

  it("is ours when an earlier create was killed", async () => {
    const first = await create();
    const second = await create();
    expect([second.id, inventory()]).toEqual([first.id, [first.id]]);
  });

  it("is ours when an earlier create was killed and the list does not show it yet", async () => {
    const first = await create();
    const empty = { status: 200, body: { [path.replace("/v1/", "")]: [] } };
    const lag = cloud.fail("GET", new RegExp(`^${path}$`), empty, 2);
    const second = await create();
    expect([second.id, lag.fired, inventory()]).toEqual([first.id, 2, [first.id]]);
  });

  it("is deleted once nothing uses it any more, and says meanwhile what does", async () => {
    const life = await create();
    const shown = jest.spyOn(console, "warn").mockImplementation();
    const body = { errors: [{ code: "in_use", message: "Something is still in it." }] };
    const planned = cloud.fail("DELETE", new RegExp(`${life.id}$`), { status: 409, body }, 3);
    await life.delete();
    const warnings = shown.mock.calls.flat();
    shown.mockRestore();
    expect([planned.fired, inventory()]).toEqual([3, []]);
    expect(warnings).toEqual([
      `${_type} "app": ${noun} "${String(life.outputs.name)}" (${life.id}) is still in use and is deleted later: Something is still in it.`,
    ]);
    await life.delete();
  });

  it("stays, with the reason, when it is in use for too long", async () => {
    const life = await create();
    jest.spyOn(console, "warn").mockImplementation();
    const planned = cloud.fail("DELETE", new RegExp(`${life.id}$`), { status: 409 }, 1000);
    const refusal = await rejectionOf(life.delete());
    planned.end();
    jest.restoreAllMocks();
    expect(refusal).toContain(`(${life.id}) is not deleted: it is still in use after 600 seconds. `);
    expect(refusal).toContain("planned by the test");
    expect(planned.fired).toBeLessThan(80);
  });

  it("ends in time when the user says how long it may take", async () => {
    const life = await create();
    await life.update({ ...args(), customTimeouts: { delete: "20s" } });
    jest.spyOn(console, "warn").mockImplementation();
    const planned = cloud.fail("DELETE", new RegExp(`${life.id}$`), { status: 409 }, 1000);
    const refusal = await rejectionOf(life.delete());
    planned.end();
    jest.restoreAllMocks();
    expect(refusal).toContain("it is still in use after 20 seconds.");
  });
});
