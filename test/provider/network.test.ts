/** VPCs, subnets, SSH keys and floating IPs: what is refused, what a change means, and a life against the emulator. */
import type { dynamic } from "@pulumi/pulumi";
import { createInstance, deleteInstance } from "../../client/vpc";
import {
  createFloatingIp,
  createSshKey,
  createSubnet,
  createVpc,
  deleteFloatingIp,
  deleteSshKey,
  deleteSubnet,
  deleteVpc,
  getFloatingIp,
  getSubnet,
  getVpc,
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
import { ED25519_KEY, ed25519Key, rsaKey } from "./public-keys";

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
  const ids = (rows: readonly { readonly [key: string]: unknown }[]): string[] => rows.map(({ id }) => String(id));
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
    life.outputs.status = "failed";
    expect(await life.diff(args())).toMatchObject({ changes: true, replaces: ["status"] });
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
    const { id, props } = (await handler.read?.(life.id, {})) as dynamic.ReadResult;
    expect([id, props]).toEqual([life.id, expect.objectContaining({ crn: life.outputs.crn, name: life.outputs.name })]);
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

const problemsOf = async (handler: unknown, args: Args): Promise<string[]> => {
  const { failures = [] } = await new Life(handler as dynamic.ResourceProvider).check(args);
  return failures.map(({ property, reason }) => `${property}: ${reason}`);
};

describe("check", () => {
  it.each<[string, unknown, Args, string[]]>([
    [
      "a VPC",
      vpc,
      { name: "Shop", addressPrefixManagement: "none", resourceGroupId: "a b", vpc: 1 },
      [
        'name: is "Shop"; must be 1 to 63 lower case letters, digits and hyphens, beginning with a letter and not ending with a hyphen',
        'addressPrefixManagement: is "none"; must be one of "auto", "manual"',
        'resourceGroupId: is "a b"; must be the id of a resource group',
        "vpc: is not an argument. Allowed: name, resourceGroupId, adopt, addressPrefixManagement",
      ],
    ],
    [
      "a subnet of nothing",
      subnet,
      {},
      ["vpcId: is missing; it is required", expect.stringContaining("exactly one of")],
    ],
    [
      "a subnet without a zone",
      subnet,
      { vpcId: "v", totalIpv4AddressCount: 12 },
      [
        "totalIpv4AddressCount: is 12; must be a power of 2 from 8 to 8388608",
        'zone: is missing; it is required beside "totalIpv4AddressCount"',
      ],
    ],
    [
      "a subnet of two kinds",
      subnet,
      { vpcId: "v", zone: ZONE, totalIpv4AddressCount: 8, ipv4CidrBlock: "10.0.0.1/24" },
      [
        'ipv4CidrBlock: is "10.0.0.1/24"; must be an IPv4 network from /9 to /29 such as "10.240.0.0/24"',
        'ipv4CidrBlock: exactly one of "totalIpv4AddressCount" and "ipv4CidrBlock" is allowed; "totalIpv4AddressCount" and "ipv4CidrBlock" are given',
      ],
    ],
    ["a floating IP nowhere", floatingIp, {}, [expect.stringContaining("none is given") as string]],
    [
      "a floating IP at two places",
      floatingIp,
      { zone: ZONE, instanceId: "i" },
      [expect.stringContaining('"zone" and "instanceId" are given') as string],
    ],
  ])("lists every problem of %s", async (_name, handler, args, expected) => {
    expect(await problemsOf(handler, args)).toEqual(expected);
  });

  it.each(["10.0.0.0/8", "10.0.0.0/30", "10.0.0.256/24", "10.0.0.0", "fd00::/64", 7])(
    "refuses the range %s",
    async (cidr) => {
      expect(await problemsOf(subnet, { vpcId: "v", ipv4CidrBlock: cidr })).toHaveLength(1);
    },
  );

  const PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END";
  it.each<[string, unknown, string]>([
    ["a private key", PRIVATE_KEY, "is a private key, which must never leave your machine"],
    ["an RSA key of 3072 bits", rsaKey(3072), "is an RSA key of 3072 bits"],
    [
      "a key of another type",
      `ssh-dss ${Buffer.from("\0\0\0\x07ssh-dss").toString("base64")}`,
      'is a key of type "ssh-dss"',
    ],
    ["a key that is cut", ED25519_KEY.slice(0, 40), "is not a public key as OpenSSH writes it"],
    ["a key whose type is not the one inside", ED25519_KEY.replace("ssh-ed25519", "ssh-rsa"), "is not a public key"],
    ["a word", "key", "is not a public key as OpenSSH writes it"],
    ["a number", 7, "is number"],
  ])("refuses %s without showing it", async (_name, publicKey, reason) => {
    const [problem = "", ...more] = await problemsOf(sshKey, { publicKey });
    expect([problem.startsWith(`publicKey: ${reason}`), more]).toEqual([true, []]);
    expect(problem).toMatch(
      /; must be a public key as in ~\/\.ssh\/id_ed25519\.pub: ED25519, or RSA of 2048 or 4096 bits$/,
    );
    expect(problem).not.toContain("b3BlbnNzaC1r");
  });

  it.each([2048, 4096])("takes an RSA key of %d bits", async (bits) => {
    const life = await new Life(sshKey as never).create({ publicKey: rsaKey(bits) });
    expect(life.outputs).toMatchObject({ type: "rsa", length: bits });
  });
});

describe("a change of an argument", () => {
  it.each<[string, unknown, () => Args, () => Args, string[]]>([
    [
      "another way of address prefixes",
      vpc,
      () => ({}),
      () => ({ addressPrefixManagement: "manual" }),
      ["addressPrefixManagement"],
    ],
    ["the default said out loud", vpc, () => ({}), () => ({ addressPrefixManagement: "auto" }), []],
    [
      "another size",
      subnet,
      () => KINDS.Subnet?.args() ?? {},
      () => ({ vpcId, zone: ZONE, totalIpv4AddressCount: 32 }),
      ["totalIpv4AddressCount"],
    ],
    [
      "another zone",
      subnet,
      () => KINDS.Subnet?.args() ?? {},
      () => ({ vpcId, zone: "us-south-2", totalIpv4AddressCount: 16 }),
      ["zone"],
    ],
    [
      "another VPC",
      subnet,
      () => KINDS.Subnet?.args() ?? {},
      () => ({ vpcId: "r006-other", zone: ZONE, totalIpv4AddressCount: 16 }),
      ["vpcId"],
    ],
    [
      "another range",
      subnet,
      () => ({ vpcId, ipv4CidrBlock: "10.240.1.0/24" }),
      () => ({ vpcId, ipv4CidrBlock: "10.240.2.0/24" }),
      ["ipv4CidrBlock"],
    ],
    [
      "the range it has, in place of its size",
      subnet,
      () => ({ vpcId, ipv4CidrBlock: "10.240.1.0/24" }),
      () => ({ vpcId, zone: ZONE, totalIpv4AddressCount: 256 }),
      [],
    ],
    [
      "the VPC by CRN",
      subnet,
      () => KINDS.Subnet?.args() ?? {},
      () => ({ vpcId: `crn:v1:bluemix:public:is:us-south:a/1::vpc:${vpcId}`, zone: ZONE, totalIpv4AddressCount: 16 }),
      [],
    ],
    [
      "another key",
      sshKey,
      () => ({ publicKey: ED25519_KEY }),
      () => ({ publicKey: ed25519Key("two") }),
      ["publicKey"],
    ],
    [
      "another comment",
      sshKey,
      () => ({ publicKey: ED25519_KEY }),
      () => ({ publicKey: `${ED25519_KEY} you@laptop` }),
      [],
    ],
    ["another zone of an address", floatingIp, () => ({ zone: ZONE }), () => ({ zone: "us-south-2" }), ["zone"]],
  ])("%s", async (_name, handler, before, after, expected) => {
    const life = await new Life(handler as never).create(before());
    const { changes, replaces } = await life.diff(after());
    expect([changes, replaces]).toEqual([expected.length > 0, expected]);
  });
});
