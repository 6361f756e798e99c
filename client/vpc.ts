/** Virtual servers of the regional VPC API (`/instances`). */
import { fieldsIn, flagIn, listIn, numberIn, objectOf, present, textAt, textIn, type Fields } from "./fields";
import { unlessGone } from "./pages";
import { pathTo, type Session } from "./session";
import { type Collection, createIn, deleteFrom, getFrom, listFrom, patchIn } from "./vpc-collection";
import {
  type InstancePrototype,
  type MetadataProtocol,
  type MetadataServicePrototype,
  availabilityBody,
  metadataBody,
  prototypeBody,
} from "./vpc-instance-prototype";

export interface MetadataService {
  /** Whether the service answers on the server. */
  readonly enabled: boolean;
  /** Protocol that it answers by. */
  readonly protocol: MetadataProtocol;
  /** How many network hops an answer may travel. */
  readonly responseHopLimit: number;
}

export interface Reason {
  /** Code of the reason. */
  readonly code: string;
  /** The reason in words. */
  readonly message: string;
}

/** `id` and, where the server gave it, the CRN and name of another resource. */
export interface Reference {
  readonly id: string;
  readonly crn?: string;
  readonly name?: string;
}

export interface NetworkAttachment {
  /** Id. */
  readonly id: string;
  /** Name. */
  readonly name: string;
  /** Address in its subnet. */
  readonly primaryIp?: string;
  /** Id of the subnet. */
  readonly subnetId?: string;
  /** Id of the virtual network interface. */
  readonly virtualNetworkInterfaceId?: string;
}

export interface Instance {
  readonly id: string;
  /** CRN. */
  readonly crn: string;
  readonly href: string;
  /** Name. */
  readonly name: string;
  /** `pending`, `starting`, `running`, `stopping`, `stopped`, `restarting`, `deleting` or `failed` */
  readonly status: string;
  /** Why it has that status, if IBM Cloud says so. */
  readonly statusReasons: Reason[];
  /** State of its life, such as `stable`. */
  readonly lifecycleState: string;
  /** Why it is in that state of its life, if IBM Cloud says so. */
  readonly lifecycleReasons: Reason[];
  /** Health, as IBM Cloud sees it. */
  readonly healthState?: string;
  /** Settings of the metadata service. */
  readonly metadataService: MetadataService;
  /** Name of the instance profile. */
  readonly profile: string;
  /** Id of the VPC. */
  readonly vpcId: string;
  /** Zone, such as `us-south-1`. */
  readonly zone: string;
  /** Id of the image. */
  readonly imageId?: string;
  /** Id of the resource group. */
  readonly resourceGroupId?: string;
  /** Address in its subnet. */
  readonly primaryIp?: string;
  /** The network attachment that it is reached by. */
  readonly primaryNetworkAttachment?: NetworkAttachment;
  /** Its other network attachments. */
  readonly networkAttachments: NetworkAttachment[];
  /** Subnet of the primary interface, of either kind. */
  readonly subnetId?: string;
  /** With attachments, a read-only image of the primary one. */
  readonly primaryNetworkInterfaceId?: string;
  /** Name of its primary network interface, where it has one of the older kind. */
  readonly primaryNetworkInterfaceName?: string;
  /** Whether only signed software may boot. */
  readonly enableSecureBoot?: boolean;
  /** Megabits per second for all volumes together. */
  readonly totalVolumeBandwidth?: number;
  /** What happens to the server when its host fails. */
  readonly hostFailure?: "restart" | "stop";
  /** Memory in GiB. */
  readonly memoryGib?: number;
  /** Number of virtual processors. */
  readonly vcpuCount?: number;
  /** When it was made, as ISO 8601. */
  readonly createdAt: string;
  /** For `updateInstance`; empty in lists. */
  readonly etag: string;
}

/** Only what is given changes. */
export interface InstancePatch {
  readonly name?: string | undefined;
  readonly metadataService?: MetadataServicePrototype | undefined;
  /** Only while the server is stopped. */
  readonly profile?: string | undefined;
  readonly availabilityPolicy?: { readonly hostFailure: "restart" | "stop" } | undefined;
  readonly totalVolumeBandwidth?: number | undefined;
  /** Only while the server is stopped. */
  readonly enableSecureBoot?: boolean | undefined;
}

/** What a server was created with and its own description does not show. */
export interface Initialization {
  readonly defaultTrustedProfile?: {
    readonly autoLink: boolean;
    readonly target: { readonly id: string; readonly crn: string };
  };
  readonly keyIds: string[];
}

const SERVERS: Collection<Instance> = {
  path: "/instances",
  list: "instances",
  what: "server",
  read: instanceOf,
};

/** Returns at once; the server is then `pending`. */
export function createInstance(session: Session, prototype: InstancePrototype): Promise<Instance> {
  return createIn(session, SERVERS, prototypeBody(prototype), prototype.name);
}

/** Undefined when it does not exist. */
export function getInstance(session: Session, id: string): Promise<Instance | undefined> {
  return getFrom(session, SERVERS, id);
}

/** All servers of the region, or those with a name or in a VPC. */
export function listInstances(
  session: Session,
  { name, vpcId }: { name?: string | undefined; vpcId?: string | undefined } = {},
): AsyncGenerator<Instance, void, undefined> {
  return listFrom(session, SERVERS, { name, "vpc.id": vpcId });
}

/**
 * Changes what can be changed on a server.
 * @param etag when given, the server refuses if somebody else changed it since
 */
export function updateInstance(session: Session, id: string, patch: InstancePatch, etag?: string): Promise<Instance> {
  const body = {
    name: patch.name,
    metadata_service: metadataBody(patch.metadataService),
    profile: patch.profile === undefined ? undefined : { name: patch.profile },
    availability_policy: availabilityBody(patch.availabilityPolicy),
    total_volume_bandwidth: patch.totalVolumeBandwidth,
    enable_secure_boot: patch.enableSecureBoot,
  };
  return patchIn(session, SERVERS, id, body, etag);
}

/** Starts or stops a server; it takes a while after the answer. Refused with 409 where the server is not in the opposite state. */
export async function actOnInstance(session: Session, id: string, type: "start" | "stop"): Promise<void> {
  const path = pathTo(SERVERS.path, id, "actions");
  await session.call({ api: "vpc", method: "POST", path, body: { type }, doing: `${type} server ${id}` });
}

/** Asks for the deletion, which goes on after the answer; one that does not exist is done. */
export function deleteInstance(session: Session, id: string): Promise<void> {
  return deleteFrom(session, SERVERS, id);
}

/** The default trusted profile and the keys that a server was created with. Undefined when it does not exist. */
export async function getInitialization(session: Session, id: string): Promise<Initialization | undefined> {
  const doing = `read the initialization of server ${id}`;
  const path = pathTo(SERVERS.path, id, "initialization");
  const answer = await unlessGone(session.call({ api: "vpc", method: "GET", path, doing }));
  return answer === undefined ? undefined : initializationOf(answer.body);
}

/** Reads an initialization, of a virtual or a bare metal server. */
export function initializationOf(body: unknown): Initialization {
  const fields = objectOf(body, "initialization");
  const profile = fieldsIn(fields, "default_trusted_profile");
  const target = fieldsIn(profile, "target");
  const known = textIn(target, "id") !== undefined;
  return present<Initialization>({
    defaultTrustedProfile: known
      ? {
          autoLink: flagIn(profile, "auto_link") ?? false,
          target: { id: textAt(target, "id"), crn: textAt(target, "crn") },
        }
      : undefined,
    keyIds: listIn(fields, "keys").map((key) => textAt(key, "id")),
  });
}

function instanceOf(fields: Fields, etag: string): Instance {
  const nic = fieldsIn(fields, "primary_network_interface");
  return present<Instance>({
    id: textAt(fields, "id"),
    crn: textAt(fields, "crn"),
    href: textIn(fields, "href") ?? "",
    name: textAt(fields, "name"),
    status: textAt(fields, "status"),
    statusReasons: reasonsIn(fields, "status_reasons"),
    lifecycleState: textIn(fields, "lifecycle_state") ?? "",
    lifecycleReasons: reasonsIn(fields, "lifecycle_reasons"),
    healthState: textIn(fields, "health_state"),
    metadataService: metadataIn(fields),
    profile: textAt(fieldsIn(fields, "profile"), "name"),
    vpcId: textAt(fieldsIn(fields, "vpc"), "id"),
    zone: textAt(fieldsIn(fields, "zone"), "name"),
    imageId: textIn(fieldsIn(fields, "image"), "id"),
    resourceGroupId: textIn(fieldsIn(fields, "resource_group"), "id"),
    ...primaryNetworkOf(fields),
    networkAttachments: listIn(fields, "network_attachments").map(attachmentOf),
    primaryNetworkInterfaceId: textIn(nic, "id"),
    enableSecureBoot: flagIn(fields, "enable_secure_boot"),
    totalVolumeBandwidth: numberIn(fields, "total_volume_bandwidth"),
    hostFailure: hostFailureIn(fields),
    memoryGib: numberIn(fields, "memory"),
    vcpuCount: numberIn(fieldsIn(fields, "vcpu"), "count"),
    createdAt: textIn(fields, "created_at") ?? "",
    etag,
  });
}

/** The metadata service of a server or a template; what an answer leaves out has IBM's default. */
export function metadataIn(fields: Fields): MetadataService {
  const metadata = fieldsIn(fields, "metadata_service");
  return {
    enabled: flagIn(metadata, "enabled") ?? false,
    protocol: textIn(metadata, "protocol") === "https" ? "https" : "http",
    responseHopLimit: numberIn(metadata, "response_hop_limit") ?? 1,
  };
}

function hostFailureIn(fields: Fields): "restart" | "stop" | undefined {
  const policy = textIn(fieldsIn(fields, "availability_policy"), "host_failure");
  return policy === "restart" || policy === "stop" ? policy : undefined;
}

export function reasonsIn(fields: Fields, key: string): Reason[] {
  return listIn(fields, key).map((reason) => ({
    code: textIn(reason, "code") ?? "",
    message: textIn(reason, "message") ?? "",
  }));
}

/** How a server is connected, by an interface of either kind. */
export function primaryNetworkOf(fields: Fields): {
  readonly primaryIp: string | undefined;
  readonly primaryNetworkAttachment: NetworkAttachment | undefined;
  readonly subnetId: string | undefined;
  readonly primaryNetworkInterfaceName: string | undefined;
} {
  const primary = fieldsIn(fields, "primary_network_attachment");
  const nic = fieldsIn(fields, "primary_network_interface");
  const attached = textIn(primary, "id") !== undefined;
  return {
    primaryIp: addressIn(primary) ?? addressIn(nic),
    primaryNetworkAttachment: attached ? attachmentOf(primary) : undefined,
    subnetId: textIn(fieldsIn(attached ? primary : nic, "subnet"), "id"),
    primaryNetworkInterfaceName: textIn(nic, "name"),
  };
}

/** A new server has no address yet: the field is then missing, or the unspecified address. */
function addressIn(fields: Fields): string | undefined {
  const address = textIn(fieldsIn(fields, "primary_ip"), "address");
  return address === "0.0.0.0" ? undefined : address;
}

function attachmentOf(fields: Fields): NetworkAttachment {
  return present<NetworkAttachment>({
    id: textAt(fields, "id"),
    name: textAt(fields, "name"),
    primaryIp: addressIn(fields),
    subnetId: textIn(fieldsIn(fields, "subnet"), "id"),
    virtualNetworkInterfaceId: textIn(fieldsIn(fields, "virtual_network_interface"), "id"),
  });
}
