/**
 * A virtual server of IBM Cloud VPC, with the two settings that give it an identity: the metadata service and the default
 * trusted profile.
 *
 * Sources: IBM Cloud VPC API, "Create an instance", "Update an instance", "Retrieve initialization configuration".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { MetadataService } from "../client/vpc";
import { onlyFields } from "./diff";
import { handlerFor } from "./handler";
import {
  type AnyInstanceArgs,
  type InstanceArgs,
  type InstanceInputs,
  type InstanceOutputs,
  instanceRule,
} from "./instance-args";
import { fieldsFor, serverFields, warnOfIgnored, wantedOf, withDefaults } from "./instance-fields";
import { createServer, deleteServer, nameOf, readServer, updateServer } from "./instance-lifecycle";
import { networkInputsOf } from "./instance-network-args";
import { nameOf as chosenName, failedField } from "./network-lifecycle";
import { type ResourceType, VpcIdentityResource } from "./resource";

const TYPE = "Instance";

/** Manages servers. */
export const handler = handlerFor<InstanceInputs, InstanceOutputs>({
  rule: instanceRule,
  computed: ["userDataSha256"],
  fields: (inputs, olds) => ({
    ...fieldsFor(inputs),
    ...failedField(olds),
    ...(olds.mustStart === true ? { mustStart: { change: "update", absent: "clear" } } : {}),
  }),
  ignored: (id, olds, inputs, fields) => warnOfIgnored(TYPE, nameOf(id, olds), inputs, fields),
  wanted: wantedOf,
  complete: (inputs, completion) => ({ ...withDefaults(inputs), name: chosenName(completion) }),
  create: createServer,
  update: updateServer,
  read: readServer,
  delete: deleteServer,
  inputsOf,
  describe: (id) => `server "${id}"`,
});

/** What a refresh finds, as arguments. The user data itself nobody tells, so its hash stands for it. */
function inputsOf(outputs: InstanceOutputs): object {
  const { defaultTrustedProfile: profile } = outputs;
  return {
    ...onlyFields(serverFields, outputs),
    ...networkInputsOf(outputs),
    defaultTrustedProfile: profile && { target: profile.target, autoLink: profile.autoLink },
  };
}

const KIND: ResourceType = {
  type: TYPE,
  rule: instanceRule,
  outputs: [
    "crn",
    "name",
    "status",
    "vpcId",
    "subnetId",
    "virtualNetworkInterfaceId",
    "networkType",
    "networkAttachments",
    "networkInterfaces",
    "allowIpSpoofing",
    "zone",
    "imageId",
    "sourceSnapshotId",
    "sourceTemplateId",
    "instanceProfile",
    "sshKeyIds",
    "securityGroupIds",
    "metadataService",
    "defaultTrustedProfile",
    "userDataSha256",
    "availabilityPolicy",
    "totalVolumeBandwidthMbps",
    "enableSecureBoot",
    "bootVolume",
    "dataVolumes",
    "tags",
    "resourceGroupId",
    "primaryIp",
    "createdAt",
  ],
};

/**
 * A virtual server of IBM Cloud VPC. Its resource id is the server's id.
 *
 * @example
 * const server = new Instance("app", {
 *   vpcId,
 *   subnetId,
 *   zone: "us-south-1",
 *   imageId,
 *   instanceProfile: "bx2-2x8",
 *   metadataService: { protocol: "http" },
 *   defaultTrustedProfile: { target: profile.id },
 * });
 *
 * @example
 * const worker = new Instance("worker", { sourceTemplateId: template.id, userData: bootstrapUserData({}) });
 *
 * @example
 * const gateway = new Instance("gateway", {
 *   vpcId,
 *   virtualNetworkInterfaceId,
 *   zone: "us-south-1",
 *   imageId,
 *   instanceProfile: "bx2-4x16",
 *   restartToApply: true,
 *   tags: ["env:prod"],
 * });
 */
export class Instance extends VpcIdentityResource {
  /** CRN of the server. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in the VPC API. */
  declare readonly name: pulumi.Output<string>;
  /** Status that was seen last: `running`, `stopped`, `failed`... */
  declare readonly status: pulumi.Output<string>;
  /** Id of the VPC. */
  declare readonly vpcId: pulumi.Output<string>;
  /** Id of the subnet of the primary interface. */
  declare readonly subnetId: pulumi.Output<string | undefined>;
  /** Virtual network interface it was created on, when the program named one. */
  declare readonly virtualNetworkInterfaceId: pulumi.Output<string | undefined>;
  /** Kind of the primary interface: `attachment`, or `interface`, the older kind. */
  declare readonly networkType: pulumi.Output<"attachment" | "interface">;
  /** Further network attachments it was created with, when the program named any. */
  declare readonly networkAttachments: pulumi.Output<InstanceOutputs["networkAttachments"]>;
  /** Further network interfaces it was created with, when the program named any. */
  declare readonly networkInterfaces: pulumi.Output<InstanceOutputs["networkInterfaces"]>;
  /** Whether it was created to send from other addresses than its own. */
  declare readonly allowIpSpoofing: pulumi.Output<boolean | undefined>;
  /** Zone. */
  declare readonly zone: pulumi.Output<string>;
  /** Id of the image it was made from. */
  declare readonly imageId: pulumi.Output<string | undefined>;
  /** Snapshot it was made from, when the program named one. */
  declare readonly sourceSnapshotId: pulumi.Output<string | undefined>;
  /** Instance template it was made from, when the program named one. */
  declare readonly sourceTemplateId: pulumi.Output<string | undefined>;
  /** Instance profile (size). */
  declare readonly instanceProfile: pulumi.Output<string>;
  /** Ids of the SSH keys it was created with. */
  declare readonly sshKeyIds: pulumi.Output<string[] | undefined>;
  /** Security groups it was created with, when the program named any. */
  declare readonly securityGroupIds: pulumi.Output<string[] | undefined>;
  /** Metadata service as it is set. */
  declare readonly metadataService: pulumi.Output<MetadataService>;
  /** Trusted profile it was created with: id, CRN, and whether it was linked. */
  declare readonly defaultTrustedProfile: pulumi.Output<InstanceOutputs["defaultTrustedProfile"]>;
  /** SHA-256 of the user data that the server was created with, in hexadecimal digits. */
  declare readonly userDataSha256: pulumi.Output<string | undefined>;
  /** What happens when the host fails, when the program says it. */
  declare readonly availabilityPolicy: pulumi.Output<InstanceOutputs["availabilityPolicy"]>;
  /** Bandwidth for all volumes together, in megabits per second, when the program says it. */
  declare readonly totalVolumeBandwidthMbps: pulumi.Output<number | undefined>;
  /** Whether only signed software may boot, when the program says it. */
  declare readonly enableSecureBoot: pulumi.Output<boolean | undefined>;
  /** Boot volume it was created with, when the program says anything of it. */
  declare readonly bootVolume: pulumi.Output<InstanceOutputs["bootVolume"]>;
  /** Data volumes it was created with, when the program named any. */
  declare readonly dataVolumes: pulumi.Output<InstanceOutputs["dataVolumes"]>;
  /** User tags of the program, in lower case; those of others are not among them. */
  declare readonly tags: pulumi.Output<string[] | undefined>;
  /** Id of the resource group. */
  declare readonly resourceGroupId: pulumi.Output<string | undefined>;
  /** Address in the subnet. */
  declare readonly primaryIp: pulumi.Output<string | undefined>;
  /** Time of creation, RFC 3339. */
  declare readonly createdAt: pulumi.Output<string>;

  /**
   * Creates a server and waits until it runs.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: AnyInstanceArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the server; the same as `id`, and therefore not stored once more. */
  get instanceId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a server that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): Instance {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new Instance(name, {} as InstanceArgs, { ...options, id });
  }
}
