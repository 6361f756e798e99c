/**
 * What a server is made of, as the VPC API takes it: shared by servers, instance templates and bare metal servers. The
 * service fills in what is left out.
 */

import { identity, optionalIdentity } from "./vpc-collection";

export type MetadataProtocol = "http" | "https";

/** Settings of the metadata service. */
export interface MetadataServicePrototype {
  /** @default false */
  readonly enabled?: boolean | undefined;
  /** Takes effect only while the service is on. @default "http" */
  readonly protocol?: MetadataProtocol | undefined;
  /** IP hops that an answer may take, 1 to 64. @default 1 */
  readonly responseHopLimit?: number | undefined;
}

/** A resource by id or CRN: both can be given. */
export type IdOrCrn = string;

/** A new network interface, of either kind. */
export interface NewInterfacePrototype {
  readonly subnetId: IdOrCrn;
  readonly name?: string | undefined;
  /** An address in the subnet. @default - a free one */
  readonly primaryIp?: string | undefined;
  readonly securityGroupIds?: readonly IdOrCrn[] | undefined;
  readonly allowIpSpoofing?: boolean | undefined;
}

/** A virtual network interface that exists, or a new one. */
export type VirtualNetworkInterfacePrototype =
  | { readonly id: IdOrCrn }
  | (NewInterfacePrototype & {
      readonly autoDelete?: boolean | undefined;
      /** False only for bare metal servers, and without `allowIpSpoofing`. @default true */
      readonly enableInfrastructureNat?: boolean | undefined;
    });

export interface NetworkAttachmentPrototype {
  readonly name?: string | undefined;
  readonly virtualNetworkInterface: VirtualNetworkInterfacePrototype;
}

/** A volume that comes with the server. */
export interface VolumePrototype {
  /** Name of the volume. */
  readonly name?: string | undefined;
  readonly deleteWithInstance?: boolean | undefined;
  /** Gigabytes. */
  readonly capacityGb?: number | undefined;
  /** Name of the volume profile. @default "general-purpose" */
  readonly profile?: string | undefined;
}

/** A data volume: a new one, or one that exists. */
export type DataVolumePrototype =
  VolumePrototype | { readonly volumeId: IdOrCrn; readonly deleteWithInstance?: boolean | undefined };

/** Only when a server is created; always says whether it links by itself, since the service's default is to do so. */
export interface DefaultTrustedProfilePrototype {
  readonly target: IdOrCrn;
  readonly autoLink: boolean;
}

/** How a server is connected: either by network attachments or, the older form, by network interfaces. */
export interface NetworkPrototype {
  readonly primaryNetworkAttachment?: NetworkAttachmentPrototype | undefined;
  readonly networkAttachments?: readonly NetworkAttachmentPrototype[] | undefined;
  readonly primaryNetworkInterface?: NewInterfacePrototype | undefined;
  readonly networkInterfaces?: readonly NewInterfacePrototype[] | undefined;
}

export interface InstancePrototype extends NetworkPrototype {
  readonly name?: string | undefined;
  /** A template that says whatever is left out here. */
  readonly sourceTemplateId?: IdOrCrn | undefined;
  /** Name of the instance profile, such as `bx2-2x8`. */
  readonly profile?: string | undefined;
  readonly zone?: string | undefined;
  readonly imageId?: IdOrCrn | undefined;
  readonly vpcId?: IdOrCrn | undefined;
  readonly keyIds?: readonly IdOrCrn[] | undefined;
  /** At most 65,536 bytes. */
  readonly userData?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly metadataService?: MetadataServicePrototype | undefined;
  readonly defaultTrustedProfile?: DefaultTrustedProfilePrototype | undefined;
  readonly bootVolume?: (VolumePrototype & { readonly sourceSnapshotId?: IdOrCrn | undefined }) | undefined;
  readonly dataVolumes?: readonly DataVolumePrototype[] | undefined;
  readonly availabilityPolicy?: { readonly hostFailure: "restart" | "stop" } | undefined;
  /** Megabits per second for all volumes together. */
  readonly totalVolumeBandwidth?: number | undefined;
  readonly enableSecureBoot?: boolean | undefined;
}

export function prototypeBody(prototype: InstancePrototype): object {
  return {
    name: prototype.name,
    source_template: optionalIdentity(prototype.sourceTemplateId),
    profile: optional(prototype.profile, named),
    zone: optional(prototype.zone, named),
    image: optionalIdentity(prototype.imageId),
    vpc: optionalIdentity(prototype.vpcId),
    keys: prototype.keyIds?.map(identity),
    user_data: prototype.userData,
    resource_group: optionalIdentity(prototype.resourceGroupId),
    metadata_service: metadataBody(prototype.metadataService),
    default_trusted_profile: profileBody(prototype.defaultTrustedProfile),
    ...networkBody(prototype),
    boot_volume_attachment: optional(prototype.bootVolume, volumeBody),
    volume_attachments: prototype.dataVolumes?.map(volumeBody),
    availability_policy: availabilityBody(prototype.availabilityPolicy),
    total_volume_bandwidth: prototype.totalVolumeBandwidth,
    enable_secure_boot: prototype.enableSecureBoot,
  };
}

const named = (name: string): { name: string } => ({ name });

function optional<T>(value: T | undefined, make: (value: T) => unknown): unknown {
  return value === undefined ? undefined : make(value);
}

export function metadataBody(service: MetadataServicePrototype | undefined): unknown {
  return (
    service && {
      enabled: service.enabled,
      protocol: service.protocol,
      response_hop_limit: service.responseHopLimit,
    }
  );
}

export function availabilityBody(policy: InstancePrototype["availabilityPolicy"]): unknown {
  return policy && { host_failure: policy.hostFailure };
}

export function profileBody(profile: DefaultTrustedProfilePrototype | undefined): unknown {
  return profile && { auto_link: profile.autoLink, target: identity(profile.target) };
}

export function networkBody(network: NetworkPrototype): object {
  return {
    primary_network_attachment: optional(network.primaryNetworkAttachment, attachmentBody),
    network_attachments: network.networkAttachments?.map(attachmentBody),
    primary_network_interface: optional(network.primaryNetworkInterface, newInterfaceBody),
    network_interfaces: network.networkInterfaces?.map(newInterfaceBody),
  };
}

function attachmentBody({ name, virtualNetworkInterface: vni }: NetworkAttachmentPrototype): unknown {
  if ("id" in vni) return { name, virtual_network_interface: identity(vni.id) };
  return {
    name,
    virtual_network_interface: {
      ...newInterfaceBody(vni),
      auto_delete: vni.autoDelete,
      enable_infrastructure_nat: vni.enableInfrastructureNat,
    },
  };
}

function newInterfaceBody(nic: NewInterfacePrototype): object {
  return {
    subnet: identity(nic.subnetId),
    name: nic.name,
    primary_ip: nic.primaryIp === undefined ? undefined : { address: nic.primaryIp },
    security_groups: nic.securityGroupIds?.map(identity),
    allow_ip_spoofing: nic.allowIpSpoofing,
  };
}

function volumeBody(
  volume: (VolumePrototype & { sourceSnapshotId?: IdOrCrn | undefined }) | DataVolumePrototype,
): unknown {
  const own = "volumeId" in volume ? identity(volume.volumeId) : newVolumeBody(volume);
  return { volume: own, delete_volume_on_instance_delete: volume.deleteWithInstance };
}

function newVolumeBody(volume: VolumePrototype & { sourceSnapshotId?: IdOrCrn | undefined }): object {
  return {
    name: volume.name,
    capacity: volume.capacityGb,
    // IBM Cloud's API wants one named.
    profile: named(volume.profile ?? "general-purpose"),
    source_snapshot: optionalIdentity(volume.sourceSnapshotId),
  };
}
