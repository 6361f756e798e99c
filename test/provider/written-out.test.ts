/**
 * An argument that was left out and is now written out: with the value that IBM chose it changes nothing, not even a name or
 * a description of ours; with another value it makes another object, of another name.
 */
import type { dynamic } from "@pulumi/pulumi";
import { handler as bareMetalServer } from "../../provider/bare-metal-server";
import { handler as floatingIp } from "../../provider/floating-ip";
import { handler as instance } from "../../provider/instance";
import { handler as instanceTemplate } from "../../provider/instance-template";
import { handler as serviceId } from "../../provider/service-id";
import { handler as sshKey } from "../../provider/ssh-key";
import { handler as subnet } from "../../provider/subnet";
import { handler as trustedProfile } from "../../provider/trusted-profile";
import { handler as link } from "../../provider/trusted-profile-link";
import { handler as vpc } from "../../provider/vpc";
import { Life, testCloud } from "./cloud";
import { placeOf } from "./instance-place";
import { ED25519_KEY } from "./public-keys";
import { crnOf } from "./stack";

const cloud = testCloud();

interface Row {
  readonly handler: dynamic.ResourceProvider;
  readonly args: () => Record<string, unknown> | Promise<Record<string, unknown>>;
  readonly field: string;
  readonly other: unknown;
  /** Where the old one has to serve on until the new one is there. @default - the old one is deleted first */
  readonly isNewFirst?: true;
}

const GROUP = { field: "resourceGroupId", other: "0".repeat(32) };
const ACCOUNT = { field: "accountId", other: "1".repeat(32) };
const of = (handler: unknown): dynamic.ResourceProvider => handler as dynamic.ResourceProvider;

const ROWS: Record<string, Row> = {
  "the account of a profile": { handler: of(trustedProfile), args: () => ({}), ...ACCOUNT },
  "the account of a profile with a name of its own": {
    handler: of(trustedProfile),
    args: () => ({ name: "named" }),
    ...ACCOUNT,
  },
  "the account of a service ID": { handler: of(serviceId), args: () => ({}), ...ACCOUNT },
  "whether a link crosses accounts": {
    handler: of(link),
    args: async () => ({
      profileId: (await new Life(of(trustedProfile)).create({ name: "linked" })).id,
      crType: "VSI",
      link: { crn: crnOf(cloud, 1) },
    }),
    field: "isCrossAccount",
    other: true,
  },
  "the resource group of a VPC": { handler: of(vpc), args: () => ({}), ...GROUP },
  "the range of a subnet": {
    handler: of(subnet),
    args: () => ({ vpcId: placeOf(cloud).vpcId, zone: placeOf(cloud).zone, totalIpv4AddressCount: 8 }),
    field: "ipv4CidrBlock",
    other: "10.240.9.0/24",
  },
  "the resource group of an SSH key": { handler: of(sshKey), args: () => ({ publicKey: ED25519_KEY }), ...GROUP },
  "the resource group of a floating IP": {
    handler: of(floatingIp),
    args: () => ({ zone: placeOf(cloud).zone }),
    ...GROUP,
  },
  "the resource group of a server": { handler: of(instance), args: () => ({ ...placeOf(cloud) }), ...GROUP },
  "the resource group of a template": {
    handler: of(instanceTemplate),
    args: () => ({ ...placeOf(cloud) }),
    ...GROUP,
    isNewFirst: true,
  },
  "the resource group of a template whose interface has a name of its own": {
    handler: of(instanceTemplate),
    args: () => {
      const { subnetId, ...place } = placeOf(cloud);
      return { ...place, primaryNetworkInterface: { subnetId, name: "first" } };
    },
    ...GROUP,
    isNewFirst: true,
  },
  "the VPC of a bare metal server": {
    handler: of(bareMetalServer),
    args: () => {
      const { subnetId, zone, imageId } = placeOf(cloud);
      const [key] = cloud.emulator.inventory().keys;
      const initialization = { imageId, sshKeyIds: [key?.id] };
      return { subnetId, zone, bareMetalServerProfile: "bx2-metal-96x384", initialization };
    },
    field: "vpcId",
    other: "r006-other",
  },
};

describe.each(Object.entries(ROWS))("%s", (_name, { handler, args: argsOf, field, other, isNewFirst }) => {
  let life: Life;
  let args: Record<string, unknown>;
  beforeAll(async () => {
    args = await argsOf();
    life = await new Life(handler).create(args);
    // The one way to say it takes the place of the other.
    if (field === "ipv4CidrBlock") delete args.totalIpv4AddressCount;
  });
  afterAll(() => life.delete());

  it("changes nothing when it says what is so", async () => {
    const told = life.outputs[field];
    expect(told).toBeDefined();
    const { inputs = {} } = await life.check({ ...args, [field]: told });
    expect([inputs.name, inputs.description]).toEqual([life.inputs.name, life.inputs.description]);
    expect(await life.diff({ ...args, [field]: told })).toMatchObject({ changes: false, replaces: [] });
  });

  it("makes another object, with another hash, when it says something else", async () => {
    const wanted = { ...args, [field]: other };
    expect(await life.diff(wanted)).toMatchObject({
      changes: true,
      replaces: [field],
      deleteBeforeReplace: isNewFirst !== true,
    });
    // What is replaced is checked as a new object.
    const { inputs = {} } = await life.check(wanted, {});
    expect([inputs.name, inputs.description]).not.toEqual([life.inputs.name, life.inputs.description]);
  });
});
