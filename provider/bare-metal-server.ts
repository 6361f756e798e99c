/**
 * A bare metal server of IBM Cloud VPC, with the two settings that give it an identity: the metadata service and the default
 * trusted profile. It is never written over unless the program allows it.
 *
 * Sources: IBM Cloud VPC API, "Bare metal servers".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type BareMetalServerArgs,
  type BareMetalServerInputs,
  type BareMetalServerOutputs,
  INITIALIZED,
  WHILE_STOPPED,
  bareMetalFields,
  bareMetalServerRule,
  wantedServer,
} from "./bare-metal-server-args";
import { createServer, deleteServer, describe, readServer, updateServer } from "./bare-metal-server-lifecycle";
import { warn } from "./converge";
import { handlerFor } from "./handler";
import { networkFields } from "./instance-fields";
import { networkInputsOf } from "./instance-network-args";
import { failedField, nameOf } from "./network-lifecycle";
import { type ResourceType, VpcIdentityResource } from "./resource";

const TYPE = "BareMetalServer";

/** Manages bare metal servers. */
export const handler = handlerFor<BareMetalServerInputs, BareMetalServerOutputs>({
  rule: bareMetalServerRule,
  fields: (inputs, olds) => ({ ...bareMetalFields(inputs, olds), ...failedField(olds) }),
  wanted: (inputs) => ({ ...wantedServer(inputs) }),
  complete: (inputs, completion) => ({ ...inputs, name: nameOf(completion) }),
  ignored: warnOfIgnored,
  create: createServer,
  update: updateServer,
  read: readServer,
  delete: deleteServer,
  inputsOf: (outputs) => ({
    name: outputs.name,
    vpcId: outputs.vpcId,
    zone: outputs.zone,
    bareMetalServerProfile: outputs.bareMetalServerProfile,
    // Every server with an attachment has a virtual network interface, also one that came with the server.
    ...networkInputsOf({ ...outputs, virtualNetworkInterfaceId: undefined }),
    initialization: {
      imageId: outputs.imageId,
      sshKeyIds: outputs.sshKeyIds,
      defaultTrustedProfile: outputs.defaultTrustedProfile && {
        target: outputs.defaultTrustedProfile.target,
        autoLink: outputs.defaultTrustedProfile.autoLink,
      },
    },
    metadataService: outputs.metadataService,
    trustedPlatformModule: outputs.trustedPlatformModule,
    enableSecureBoot: outputs.enableSecureBoot,
    bandwidthMbps: outputs.bandwidthMbps,
    resourceGroupId: outputs.resourceGroupId,
  }),
  describe: (id) => `bare metal server "${id}"`,
});

/** Says what the program asks for and the server will not get; in every run, since the server stays behind. */
function warnOfIgnored(
  id: string,
  { name }: BareMetalServerOutputs,
  inputs: BareMetalServerInputs,
  ignored: readonly string[],
): void {
  const server = describe({ id, name });
  const fields = bareMetalFields(inputs, {});
  const say = (among: readonly string[], text: string): void => {
    const names = ignored.filter((field) => among.includes(field)).map((field) => fields[field]?.argument ?? field);
    if (names.length === 0) return;
    warn(
      TYPE,
      { ...inputs },
      `${names.join(", ")} ${names.length === 1 ? "has" : "have"} changed, but ${server} ${text}`,
    );
  };
  const allowed = inputs.allowReinitialize === true;
  say(
    allowed ? ["userDataSha256"] : [],
    'keeps what it was initialised with. Set userDataChange: "replace" to have its image written again, which erases its ' +
      "boot disk, or replace it once with `pulumi up --replace`.",
  );
  say(
    allowed ? [] : INITIALIZED,
    "keeps what it was initialised with. Set allowReinitialize: true to have its image written again, which erases its boot " +
      "disk, or replace it once with `pulumi up --replace`.",
  );
  say(
    WHILE_STOPPED,
    "keeps its own: IBM Cloud changes that only while the server is stopped. Set restartToApply: true to have the server " +
      "stopped, changed and started.",
  );
  say(
    ignored.filter((field) => Object.hasOwn(networkFields, field)),
    "keeps its own: they apply only when a server is created.",
  );
}

const KIND: ResourceType = {
  type: TYPE,
  rule: bareMetalServerRule,
  outputs: [
    "crn",
    "name",
    "status",
    "vpcId",
    "zone",
    "bareMetalServerProfile",
    "subnetId",
    "securityGroupIds",
    "primaryIp",
    "virtualNetworkInterfaceId",
    "networkType",
    "networkAttachments",
    "networkInterfaces",
    "allowIpSpoofing",
    "enableInfrastructureNat",
    "imageId",
    "sshKeyIds",
    "defaultTrustedProfile",
    "userDataSha256",
    "metadataService",
    "trustedPlatformModule",
    "enableSecureBoot",
    "bandwidthMbps",
    "resourceGroupId",
    "createdAt",
  ],
};

/**
 * A bare metal server of IBM Cloud VPC. Its resource id is the server's id. To delete it, its power is cut first.
 *
 * @example
 * const server = new BareMetalServer("app", {
 *   subnetId,
 *   zone: "us-south-1",
 *   bareMetalServerProfile: "bx2-metal-96x384",
 *   initialization: { imageId, sshKeyIds: [key.id], defaultTrustedProfile: { target: profile.id } },
 *   metadataService: { protocol: "http" },
 * });
 *
 * @example
 * // A new image is written to the disk of the server that exists; everything on it is lost.
 * new BareMetalServer("app", { ...place, initialization: { imageId: newImage, sshKeyIds }, allowReinitialize: true });
 */
export class BareMetalServer extends VpcIdentityResource {
  /** CRN of the server. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in the VPC API. */
  declare readonly name: pulumi.Output<string>;
  /** Status that was seen last: `running`, `stopped`, `failed`... */
  declare readonly status: pulumi.Output<string>;
  /** Id of the VPC. */
  declare readonly vpcId: pulumi.Output<string>;
  /** Zone. */
  declare readonly zone: pulumi.Output<string>;
  /** Bare metal server profile (size). */
  declare readonly bareMetalServerProfile: pulumi.Output<string>;
  /** Id of the subnet of the primary network attachment. */
  declare readonly subnetId: pulumi.Output<string | undefined>;
  /** Security groups it was created with, when the program named any. */
  declare readonly securityGroupIds: pulumi.Output<string[] | undefined>;
  /** Address in the subnet. */
  declare readonly primaryIp: pulumi.Output<string | undefined>;
  /** Id of the virtual network interface of the primary network attachment. */
  declare readonly virtualNetworkInterfaceId: pulumi.Output<string | undefined>;
  /** Kind of the primary interface: `attachment`, or `interface`, the older kind. */
  declare readonly networkType: pulumi.Output<"attachment" | "interface">;
  /** Further network attachments it was created with, when the program named any. */
  declare readonly networkAttachments: pulumi.Output<BareMetalServerOutputs["networkAttachments"]>;
  /** Further network interfaces it was created with, when the program named any. */
  declare readonly networkInterfaces: pulumi.Output<BareMetalServerOutputs["networkInterfaces"]>;
  /** Whether it was created to send from other addresses than its own. */
  declare readonly allowIpSpoofing: pulumi.Output<boolean | undefined>;
  /** False when it was created without address translation. */
  declare readonly enableInfrastructureNat: pulumi.Output<boolean | undefined>;
  /** Id of the image on its disk, while that image exists. */
  declare readonly imageId: pulumi.Output<string | undefined>;
  /** Ids of the SSH keys it was initialised with. */
  declare readonly sshKeyIds: pulumi.Output<string[] | undefined>;
  /** Trusted profile it was initialised with: id, CRN, and whether it was linked. */
  declare readonly defaultTrustedProfile: pulumi.Output<BareMetalServerOutputs["defaultTrustedProfile"]>;
  /** SHA-256 of the user data that it was initialised with, in hexadecimal digits. */
  declare readonly userDataSha256: pulumi.Output<string | undefined>;
  /** Metadata service as it is set. */
  declare readonly metadataService: pulumi.Output<BareMetalServerOutputs["metadataService"]>;
  /** Trusted platform module as it is set. */
  declare readonly trustedPlatformModule: pulumi.Output<BareMetalServerOutputs["trustedPlatformModule"]>;
  /** Whether only signed systems boot. */
  declare readonly enableSecureBoot: pulumi.Output<boolean>;
  /** Bandwidth in megabits per second. */
  declare readonly bandwidthMbps: pulumi.Output<number | undefined>;
  /** Id of the resource group. */
  declare readonly resourceGroupId: pulumi.Output<string | undefined>;
  /** Time of creation, RFC 3339. */
  declare readonly createdAt: pulumi.Output<string>;

  /**
   * Creates a bare metal server and waits until it runs.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: BareMetalServerArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the server; the same as `id`, and therefore not stored once more. */
  get bareMetalServerId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a bare metal server that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): BareMetalServer {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new BareMetalServer(name, {} as BareMetalServerArgs, { ...options, id });
  }
}
