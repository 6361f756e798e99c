/**
 * A subnet of a VPC: where servers get their addresses.
 *
 * Sources: IBM Cloud VPC API, "Subnets".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type Subnet as LiveSubnet,
  attachPublicGateway,
  createSubnet,
  deleteSubnet,
  detachPublicGateway,
  getSubnet,
  getVpc,
  listSubnets,
  updateSubnet,
} from "../client/vpc-networks";
import { type Problem, type Rule, object, show } from "../core/validate";
import { currentSession } from "./connection";
import { goneError, syncOwned } from "./converge";
import { type FieldTable, compact } from "./diff";
import { type Internal, handlerFor } from "./handler";
import {
  deleteUnused,
  failedField,
  make,
  nameOf,
  networkArgRules,
  resourceGroupOf,
  stillUnusable,
  untilAvailable,
} from "./network-lifecycle";
import { REFERENCE, idIn, sameReference, zoneRule } from "./references";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** What subnets of either form take. */
export interface SubnetCommonArgs {
  /** VPC: id or CRN. A change replaces the subnet. */
  readonly vpcId: pulumi.Input<string>;
  /**
   * Name, unique in the VPC: lower case letters, digits and hyphens, 1 to 63 characters. A change renames the subnet.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Network ACL: id or CRN. Changed in place, also back to the default.
   * @default - the VPC's default network ACL
   */
  readonly networkAclId?: pulumi.Input<string>;
  /**
   * Routing table: id or CRN. Changed in place, also back to the default.
   * @default - the VPC's default routing table
   */
  readonly routingTableId?: pulumi.Input<string>;
  /**
   * Public gateway, through which its servers reach the internet: id or CRN. Attached and detached in place.
   * @default - none; one that somebody else attaches is left alone
   */
  readonly publicGatewayId?: pulumi.Input<string>;
  /**
   * Resource group, by id. A change replaces the subnet.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * Take over a subnet of this name in this VPC that exists already, instead of failing. It is deleted with the stack.
   * Refused where it would have to be replaced at once to be what the arguments say.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** A subnet of a certain size. */
export interface SizedSubnetArgs extends SubnetCommonArgs {
  /** Zone, such as "us-south-1". A change replaces the subnet. */
  readonly zone: pulumi.Input<string>;
  /**
   * Number of addresses, a power of 2 from 8 to 8,388,608, of which IBM Cloud keeps five. It takes the first free range of
   * the VPC's address prefixes in the zone. A change replaces the subnet.
   */
  readonly totalIpv4AddressCount: pulumi.Input<number>;
  readonly ipv4CidrBlock?: undefined;
}

/** A subnet of a certain range. */
export interface RangedSubnetArgs extends SubnetCommonArgs {
  /**
   * Range, such as "10.240.0.0/24": /9 to /29, within an address prefix of the VPC. A change replaces the subnet.
   */
  readonly ipv4CidrBlock: pulumi.Input<string>;
  /**
   * Zone, such as "us-south-1". A change replaces the subnet.
   * @default - the zone of the address prefix
   */
  readonly zone?: pulumi.Input<string>;
  readonly totalIpv4AddressCount?: undefined;
}

/** Arguments of a subnet. */
export type SubnetArgs = SizedSubnetArgs | RangedSubnetArgs;

/** What `check` makes of the arguments. */
export interface SubnetInputs extends Internal {
  readonly vpcId: string;
  readonly name: string;
  readonly zone?: string | undefined;
  readonly totalIpv4AddressCount?: number | undefined;
  readonly ipv4CidrBlock?: string | undefined;
  readonly networkAclId?: string | undefined;
  readonly routingTableId?: string | undefined;
  readonly publicGatewayId?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a subnet. */
export interface SubnetOutputs {
  readonly crn: string;
  readonly name: string;
  readonly status: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly ipv4CidrBlock: string;
  readonly totalIpv4AddressCount: number;
  readonly networkAclId?: string | undefined;
  readonly routingTableId?: string | undefined;
  readonly publicGatewayId?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly createdAt: string;
}

const countRule: Rule = (value, property) =>
  typeof value === "number" && value >= 8 && value <= 2 ** 23 && Number.isInteger(Math.log2(value))
    ? []
    : [{ property, reason: `is ${show(value)}; must be a power of 2 from 8 to 8388608` }];

const CIDR = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

function cidrRule(value: unknown, property: string): Problem[] {
  const parts = typeof value === "string" ? CIDR.exec(value)?.slice(1).map(Number) : undefined;
  const [bits = 0] = parts?.slice(4) ?? [];
  const address = parts?.slice(0, 4).reduce((sum, part) => sum * 256 + part, 0) ?? 0;
  const isNetwork =
    parts?.slice(0, 4).every((part) => part < 256) === true &&
    bits >= 9 &&
    bits <= 29 &&
    address % 2 ** (32 - bits) === 0;
  return isNetwork
    ? []
    : [{ property, reason: `is ${show(value)}; must be an IPv4 network from /9 to /29 such as "10.240.0.0/24"` }];
}

/** Judges the arguments of a subnet. */
export const subnetRule: Rule = object({
  fields: {
    ...networkArgRules,
    vpcId: REFERENCE,
    zone: zoneRule,
    totalIpv4AddressCount: countRule,
    ipv4CidrBlock: cidrRule,
    networkAclId: REFERENCE,
    routingTableId: REFERENCE,
    publicGatewayId: REFERENCE,
  },
  required: ["vpcId"],
  exactlyOne: [["totalIpv4AddressCount", "ipv4CidrBlock"]],
  also: ({ zone, totalIpv4AddressCount }) =>
    totalIpv4AddressCount !== undefined && zone === undefined
      ? [{ property: "zone", reason: 'is missing; it is required beside "totalIpv4AddressCount"' }]
      : [],
});

/** What a change of each argument means. */
export const subnetFields: FieldTable = {
  name: { change: "update" },
  networkAclId: { change: "update", absent: "clear", same: sameReference },
  routingTableId: { change: "update", absent: "clear", same: sameReference },
  publicGatewayId: { change: "update", absent: "clear", same: sameReference },
  vpcId: { change: "replace", same: sameReference },
  zone: { change: "replace" },
  totalIpv4AddressCount: { change: "replace" },
  ipv4CidrBlock: { change: "replace" },
  resourceGroupId: { change: "replace" },
};

const TYPE = "Subnet";
const NOUN = "subnet";

/** What is shown of a subnet only when the program chose it: otherwise it is the VPC's, or somebody else's business. */
const CHOSEN = ["networkAclId", "routingTableId", "publicGatewayId"] as const;
type Chosen = Partial<Pick<SubnetOutputs, (typeof CHOSEN)[number]>>;

/** Manages subnets. */
export const handler = handlerFor<SubnetInputs, SubnetOutputs>({
  rule: subnetRule,
  fields: (_inputs, olds) => ({ ...subnetFields, ...failedField(olds) }),
  wanted,
  complete: (inputs, completion) => ({ ...inputs, name: nameOf(completion) }),
  create: (inputs) =>
    make<LiveSubnet, SubnetOutputs>({
      noun: NOUN,
      fields: subnetFields,
      inputs,
      wanted: { ...wanted(inputs) },
      create: () => createSubnet(currentSession(), { ...wanted(inputs), resourceGroupId: resourceGroupOf(inputs) }),
      list: () => listSubnets(currentSession(), { vpcId: idIn(inputs.vpcId) }),
      get: (id) => getSubnet(currentSession(), id),
      outputsOf: (live) => outputsOf(live, inputs),
      sync: (id, outputs) => syncSubnet(id, outputs, inputs),
    }),
  update: syncSubnet,
  read: async (id, known) => {
    const live = await getSubnet(currentSession(), id);
    // By its id alone, everything is shown.
    return live === undefined
      ? undefined
      : stillUnusable(known, outputsOf(live, known.crn === undefined ? live : known));
  },
  delete: (id, olds) =>
    deleteUnused({
      type: TYPE,
      what: `${NOUN} "${olds.name}" (${id})`,
      olds,
      remove: () => deleteSubnet(currentSession(), id),
      look: () => getSubnet(currentSession(), id),
    }),
  // Size and range, though only one was given: the program's one is among them, whichever it is.
  inputsOf: wanted,
  describe: (id) => `${NOUN} "${id}"`,
});

type Wanted = Omit<SubnetInputs, keyof Internal | "adopt">;

function wanted({
  vpcId,
  name,
  zone,
  totalIpv4AddressCount,
  ipv4CidrBlock,
  networkAclId,
  routingTableId,
  publicGatewayId,
  resourceGroupId,
}: Wanted): Wanted {
  return {
    vpcId,
    name,
    zone,
    totalIpv4AddressCount,
    ipv4CidrBlock,
    networkAclId,
    routingTableId,
    publicGatewayId,
    resourceGroupId,
  };
}

async function syncSubnet(id: string, known: SubnetOutputs, inputs: SubnetInputs): Promise<SubnetOutputs> {
  const session = currentSession();
  const what = `${NOUN} "${known.name}" (${id})`;
  const get = async (): Promise<LiveSubnet> => {
    const live = await getSubnet(session, id);
    if (live === undefined) throw goneError(what);
    return live;
  };
  const live = await syncOwned<LiveSubnet>({
    what,
    fields: subnetFields,
    known: { ...known },
    knownTag: "",
    wanted: { ...wanted(inputs) },
    observe: () => getSubnet(session, id),
    propertiesOf: (seen) => ({ ...outputsOf(seen, known) }),
    tagOf: () => "",
    send: async (_tag, changed) => {
      const patched = changed.filter((field) => field !== "publicGatewayId");
      const live =
        patched.length === 0 ? undefined : await updateSubnet(session, id, await patchOf(patched, known.vpcId, inputs));
      if (live !== undefined && patched.length === changed.length) return live;
      const { publicGatewayId } = inputs;
      await (publicGatewayId === undefined
        ? detachPublicGateway(session, id)
        : attachPublicGateway(session, id, publicGatewayId));
      return get();
    },
  });
  return outputsOf(await untilAvailable(NOUN, live, get), inputs);
}

/** What is no longer chosen becomes the VPC's default again, which only the VPC tells. */
async function patchOf(
  changed: readonly string[],
  vpcId: string,
  { name, networkAclId, routingTableId }: SubnetInputs,
): Promise<Parameters<typeof updateSubnet>[2]> {
  const resets = [networkAclId, routingTableId].includes(undefined) && changed.some((field) => field !== "name");
  const defaults = resets ? await getVpc(currentSession(), vpcId) : undefined;
  return {
    ...(changed.includes("name") ? { name } : {}),
    ...(changed.includes("networkAclId") ? { networkAclId: networkAclId ?? defaults?.defaultNetworkAclId } : {}),
    ...(changed.includes("routingTableId")
      ? { routingTableId: routingTableId ?? defaults?.defaultRoutingTableId }
      : {}),
  };
}

function outputsOf(live: LiveSubnet, chosen: Chosen): SubnetOutputs {
  return compact<SubnetOutputs>({
    crn: live.crn,
    name: live.name,
    status: live.status,
    vpcId: live.vpcId,
    zone: live.zone,
    ipv4CidrBlock: live.ipv4CidrBlock,
    totalIpv4AddressCount: live.totalIpv4AddressCount,
    ...Object.fromEntries(CHOSEN.map((field) => [field, chosen[field] === undefined ? undefined : live[field]])),
    resourceGroupId: live.resourceGroupId,
    createdAt: live.createdAt,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: subnetRule,
  outputs: [
    "crn",
    "name",
    "status",
    "vpcId",
    "zone",
    "ipv4CidrBlock",
    "totalIpv4AddressCount",
    ...CHOSEN,
    "resourceGroupId",
    "createdAt",
  ],
};

/**
 * A subnet of a VPC. Its resource id is the subnet's id. While network interfaces are still being taken from it, its
 * deletion waits.
 *
 * @example
 * const subnet = new Subnet("app", { vpcId: network.id, zone: "us-south-1", totalIpv4AddressCount: 256 });
 *
 * @example
 * const subnet = new Subnet("app", { vpcId: network.id, ipv4CidrBlock: "10.240.0.0/24", publicGatewayId });
 */
export class Subnet extends VpcIdentityResource {
  /** CRN of the subnet. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in the VPC API. */
  declare readonly name: pulumi.Output<string>;
  /** Status that was seen last: `available`, `pending`, `failed`... */
  declare readonly status: pulumi.Output<string>;
  /** Id of the VPC. */
  declare readonly vpcId: pulumi.Output<string>;
  /** Zone. */
  declare readonly zone: pulumi.Output<string>;
  /** Range of its addresses. */
  declare readonly ipv4CidrBlock: pulumi.Output<string>;
  /** Number of its addresses. */
  declare readonly totalIpv4AddressCount: pulumi.Output<number>;
  /** Id of the network ACL, when the program named one. */
  declare readonly networkAclId: pulumi.Output<string | undefined>;
  /** Id of the routing table, when the program named one. */
  declare readonly routingTableId: pulumi.Output<string | undefined>;
  /** Id of the public gateway, when the program named one. */
  declare readonly publicGatewayId: pulumi.Output<string | undefined>;
  /** Id of the resource group. */
  declare readonly resourceGroupId: pulumi.Output<string | undefined>;
  /** Time of creation, RFC 3339. */
  declare readonly createdAt: pulumi.Output<string>;

  /**
   * Creates a subnet.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: SubnetArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the subnet; the same as `id`, and therefore not stored once more. */
  get subnetId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a subnet that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): Subnet {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new Subnet(name, {} as SubnetArgs, { ...options, id });
  }
}
