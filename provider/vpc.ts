/**
 * A VPC: the network that subnets and servers are in.
 *
 * Sources: IBM Cloud VPC API, "VPCs".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Vpc as LiveVpc, createVpc, deleteVpc, getVpc, listVpcs, updateVpc } from "../client/vpc-networks";
import { type Rule, object, oneOf } from "../core/validate";
import { currentSession } from "./connection";
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
  syncUnderTag,
  untilAvailable,
} from "./network-lifecycle";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** Arguments of a VPC. */
export interface VpcArgs {
  /**
   * Name, unique in the region: lower case letters, digits and hyphens, 1 to 63 characters. A change renames the VPC.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Whether every zone gets an address prefix that subnets take their addresses from (`auto`), or none (`manual`). A change
   * replaces the VPC.
   * @default "auto"
   */
  readonly addressPrefixManagement?: pulumi.Input<"auto" | "manual">;
  /**
   * Resource group, by id. A change replaces the VPC.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * Take over a VPC of this name that exists already, instead of failing. It is deleted with the stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** What `check` makes of the arguments. */
export interface VpcInputs extends Internal {
  readonly name: string;
  readonly addressPrefixManagement?: "auto" | "manual" | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a VPC. */
export interface VpcOutputs {
  readonly crn: string;
  readonly name: string;
  readonly status: string;
  readonly addressPrefixManagement?: "auto" | "manual" | undefined;
  readonly defaultSecurityGroupId?: string | undefined;
  readonly defaultNetworkAclId?: string | undefined;
  readonly defaultRoutingTableId?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly createdAt: string;
}

/** Judges the arguments of a VPC. */
export const vpcRule: Rule = object({
  fields: { ...networkArgRules, addressPrefixManagement: oneOf("auto", "manual") },
});

/** What a change of each argument means. */
export const vpcFields: FieldTable = {
  name: { change: "update" },
  addressPrefixManagement: { change: "replace" },
  resourceGroupId: { change: "replace" },
};

const TYPE = "Vpc";
const NOUN = "VPC";

type Wanted = Omit<VpcInputs, keyof Internal | "adopt">;

/** Manages VPCs. */
export const handler = handlerFor<VpcInputs, VpcOutputs>({
  rule: vpcRule,
  fields: (_inputs, olds) => ({ ...vpcFields, ...failedField(olds) }),
  wanted,
  complete: (inputs, completion) => ({ ...inputs, name: nameOf(completion) }),
  create: (inputs) =>
    make<LiveVpc, VpcOutputs>({
      noun: NOUN,
      fields: vpcFields,
      inputs,
      wanted: { ...wanted(inputs) },
      create: () => createVpc(currentSession(), { ...wanted(inputs), resourceGroupId: resourceGroupOf(inputs) }),
      list: () => listVpcs(currentSession()),
      get: (id) => getVpc(currentSession(), id),
      outputsOf: (live) => outputsOf(live, wanted(inputs)),
      sync: (id, outputs) => syncVpc(id, outputs, inputs),
    }),
  update: syncVpc,
  read: async (id, known) => {
    const live = await getVpc(currentSession(), id);
    return live === undefined ? undefined : stillUnusable(known, outputsOf(live, known));
  },
  delete: (id, olds) =>
    deleteUnused({
      type: TYPE,
      what: `${NOUN} "${olds.name}" (${id})`,
      olds,
      remove: () => deleteVpc(currentSession(), id),
      look: () => getVpc(currentSession(), id),
    }),
  inputsOf: wanted,
  describe: (id) => `${NOUN} "${id}"`,
});

function wanted({ name, addressPrefixManagement, resourceGroupId }: Wanted): Wanted {
  return { name, addressPrefixManagement: addressPrefixManagement ?? "auto", resourceGroupId };
}

async function syncVpc(id: string, known: VpcOutputs, inputs: VpcInputs): Promise<VpcOutputs> {
  const session = currentSession();
  const live = await syncUnderTag<LiveVpc>({
    what: `${NOUN} "${known.name}" (${id})`,
    fields: vpcFields,
    known: { ...known },
    knownTag: "",
    wanted: { ...wanted(inputs) },
    observe: () => getVpc(session, id),
    propertiesOf: (seen) => ({ ...outputsOf(seen, known) }),
    tagOf: ({ etag }) => etag,
    send: (tag) => updateVpc(session, id, { name: inputs.name }, tag),
  });
  return outputsOf(await untilAvailable(NOUN, live, (which) => getVpc(session, which)), known);
}

/** How the address prefixes of a VPC are managed is not told by the API, only asked for. */
function outputsOf(live: LiveVpc, { addressPrefixManagement }: Partial<VpcOutputs>): VpcOutputs {
  return compact<VpcOutputs>({
    crn: live.crn,
    name: live.name,
    status: live.status,
    addressPrefixManagement,
    defaultSecurityGroupId: live.defaultSecurityGroupId,
    defaultNetworkAclId: live.defaultNetworkAclId,
    defaultRoutingTableId: live.defaultRoutingTableId,
    resourceGroupId: live.resourceGroupId,
    createdAt: live.createdAt,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: vpcRule,
  outputs: [
    "crn",
    "name",
    "status",
    "addressPrefixManagement",
    "defaultSecurityGroupId",
    "defaultNetworkAclId",
    "defaultRoutingTableId",
    "resourceGroupId",
    "createdAt",
  ],
};

/**
 * A VPC of IBM Cloud. Its resource id is the VPC's id. It is deleted once nothing is in it any more; what the stack has in
 * it is deleted first.
 *
 * @example
 * const network = new Vpc("app");
 * const subnet = new Subnet("app", { vpcId: network.id, zone: "us-south-1", totalIpv4AddressCount: 256 });
 */
export class Vpc extends VpcIdentityResource {
  /** CRN of the VPC. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in the VPC API. */
  declare readonly name: pulumi.Output<string>;
  /** Status that was seen last: `available`, `pending`, `failed`... */
  declare readonly status: pulumi.Output<string>;
  /** How its address prefixes are managed, when it was made by this stack. */
  declare readonly addressPrefixManagement: pulumi.Output<"auto" | "manual" | undefined>;
  /** Id of the security group of servers that name none. */
  declare readonly defaultSecurityGroupId: pulumi.Output<string | undefined>;
  /** Id of the network ACL of subnets that name none. */
  declare readonly defaultNetworkAclId: pulumi.Output<string | undefined>;
  /** Id of the routing table of subnets that name none. */
  declare readonly defaultRoutingTableId: pulumi.Output<string | undefined>;
  /** Id of the resource group. */
  declare readonly resourceGroupId: pulumi.Output<string | undefined>;
  /** Time of creation, RFC 3339. */
  declare readonly createdAt: pulumi.Output<string>;

  /**
   * Creates a VPC.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: VpcArgs = {}, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the VPC; the same as `id`, and therefore not stored once more. */
  get vpcId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a VPC that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): Vpc {
    return new Vpc(name, {}, { ...options, id });
  }
}
