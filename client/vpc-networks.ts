/** What servers are put into and reached by: VPCs, subnets, SSH keys and floating IPs of the regional VPC API. */
import { type Fields, fieldsIn, numberIn, present, textAt, textIn } from "./fields";
import { unlessGone } from "./pages";
import { type Session, pathTo } from "./session";
import {
  type Collection,
  createIn,
  deleteFrom,
  getFrom,
  identity,
  listFrom,
  optionalIdentity,
  patchIn,
} from "./vpc-collection";

/** `available`, `deleting`, `failed` or `pending` */
export type NetworkStatus = string;

export interface Vpc {
  readonly id: string;
  /** CRN. */
  readonly crn: string;
  /** Name. */
  readonly name: string;
  /** State that IBM Cloud gives for it. */
  readonly status: NetworkStatus;
  /** Id of its default security group. */
  readonly defaultSecurityGroupId?: string;
  /** Id of its default network ACL. */
  readonly defaultNetworkAclId?: string;
  /** Id of its default routing table. */
  readonly defaultRoutingTableId?: string;
  /** Id of the resource group. */
  readonly resourceGroupId?: string;
  /** When it was made, as ISO 8601. */
  readonly createdAt: string;
  /** For `updateVpc`; empty in lists. */
  readonly etag: string;
}

export interface VpcPrototype {
  readonly name: string;
  /** Whether each zone gets an address prefix. @default "auto" */
  readonly addressPrefixManagement?: "auto" | "manual" | undefined;
  readonly resourceGroupId?: string | undefined;
}

export interface Subnet {
  readonly id: string;
  /** CRN. */
  readonly crn: string;
  /** Name. */
  readonly name: string;
  /** State that IBM Cloud gives for it. */
  readonly status: NetworkStatus;
  /** Id of the VPC. */
  readonly vpcId: string;
  /** Zone, such as `us-south-1`. */
  readonly zone: string;
  /** Range of addresses, such as `10.240.0.0/24`. */
  readonly ipv4CidrBlock: string;
  /** Number of addresses, those that IBM Cloud keeps included. */
  readonly totalIpv4AddressCount: number;
  /** Number of addresses that are free. */
  readonly availableIpv4AddressCount?: number;
  /** Id of the network ACL. */
  readonly networkAclId?: string;
  /** Id of the routing table. */
  readonly routingTableId?: string;
  /** Id of the public gateway, if it has one. */
  readonly publicGatewayId?: string;
  /** Id of the resource group. */
  readonly resourceGroupId?: string;
  /** When it was made, as ISO 8601. */
  readonly createdAt: string;
}

/** All references are ids or CRNs. */
export interface SubnetPrototype {
  readonly name: string;
  readonly vpcId: string;
  readonly zone?: string | undefined;
  /** Either this... */
  readonly ipv4CidrBlock?: string | undefined;
  /** ... or this, with a zone: a power of 2. */
  readonly totalIpv4AddressCount?: number | undefined;
  readonly networkAclId?: string | undefined;
  readonly routingTableId?: string | undefined;
  readonly publicGatewayId?: string | undefined;
  readonly resourceGroupId?: string | undefined;
}

/** Only what is given changes. */
export interface SubnetPatch {
  readonly name?: string | undefined;
  readonly networkAclId?: string | undefined;
  readonly routingTableId?: string | undefined;
}

export interface SshKey {
  readonly id: string;
  /** CRN. */
  readonly crn: string;
  /** Name. */
  readonly name: string;
  /** Type and content, without the comment. */
  readonly publicKey: string;
  /** Kind of key: `rsa` or `ed25519`. */
  readonly type: "rsa" | "ed25519";
  /** Bits. */
  readonly length?: number;
  /** `SHA256:...` */
  readonly fingerprint: string;
  /** Id of the resource group. */
  readonly resourceGroupId?: string;
  /** When it was made, as ISO 8601. */
  readonly createdAt: string;
}

export interface SshKeyPrototype {
  readonly name: string;
  readonly publicKey: string;
  readonly type: "rsa" | "ed25519";
  readonly resourceGroupId?: string | undefined;
}

/** What a floating IP is bound to. */
export interface FloatingIpTarget {
  readonly id: string;
  readonly type: "network_interface" | "virtual_network_interface" | "public_gateway";
  /** The server of a network interface. */
  readonly instanceId?: string;
}

export interface FloatingIp {
  readonly id: string;
  readonly crn: string;
  readonly name: string;
  readonly status: NetworkStatus;
  readonly address: string;
  readonly zone: string;
  readonly target?: FloatingIpTarget;
  readonly resourceGroupId?: string;
  readonly createdAt: string;
}

/** Bound to an interface from the start, or only reserved in a zone. */
export type FloatingIpPrototype = {
  readonly name: string;
  readonly resourceGroupId?: string | undefined;
} & ({ readonly zone: string } | { readonly targetId: string });

const VPCS: Collection<Vpc> = {
  path: "/vpcs",
  list: "vpcs",
  what: "VPC",
  read: (fields, etag) =>
    present<Vpc>({
      ...commonOf(fields),
      status: textAt(fields, "status"),
      defaultSecurityGroupId: textIn(fieldsIn(fields, "default_security_group"), "id"),
      defaultNetworkAclId: textIn(fieldsIn(fields, "default_network_acl"), "id"),
      defaultRoutingTableId: textIn(fieldsIn(fields, "default_routing_table"), "id"),
      etag,
    }),
};

const SUBNETS: Collection<Subnet> = {
  path: "/subnets",
  list: "subnets",
  what: "subnet",
  read: (fields) =>
    present<Subnet>({
      ...commonOf(fields),
      status: textAt(fields, "status"),
      vpcId: textAt(fieldsIn(fields, "vpc"), "id"),
      zone: textAt(fieldsIn(fields, "zone"), "name"),
      ipv4CidrBlock: textAt(fields, "ipv4_cidr_block"),
      totalIpv4AddressCount: numberIn(fields, "total_ipv4_address_count") ?? 0,
      availableIpv4AddressCount: numberIn(fields, "available_ipv4_address_count"),
      networkAclId: textIn(fieldsIn(fields, "network_acl"), "id"),
      routingTableId: textIn(fieldsIn(fields, "routing_table"), "id"),
      publicGatewayId: textIn(fieldsIn(fields, "public_gateway"), "id"),
    }),
};

const KEYS: Collection<SshKey> = {
  path: "/keys",
  list: "keys",
  what: "SSH key",
  read: (fields) =>
    present<SshKey>({
      ...commonOf(fields),
      publicKey: textAt(fields, "public_key"),
      type: textIn(fields, "type") === "ed25519" ? "ed25519" : "rsa",
      length: numberIn(fields, "length"),
      fingerprint: textAt(fields, "fingerprint"),
    }),
};

const FLOATING_IPS: Collection<FloatingIp> = {
  path: "/floating_ips",
  list: "floating_ips",
  what: "floating IP",
  read: (fields) =>
    present<FloatingIp>({
      ...commonOf(fields),
      status: textAt(fields, "status"),
      address: textAt(fields, "address"),
      zone: textAt(fieldsIn(fields, "zone"), "name"),
      target: targetOf(fieldsIn(fields, "target")),
    }),
};

function commonOf(fields: Fields): {
  readonly id: string;
  readonly crn: string;
  readonly name: string;
  readonly createdAt: string;
  readonly resourceGroupId: string | undefined;
} {
  return {
    id: textAt(fields, "id"),
    crn: textAt(fields, "crn"),
    name: textAt(fields, "name"),
    createdAt: textIn(fields, "created_at") ?? "",
    resourceGroupId: textIn(fieldsIn(fields, "resource_group"), "id"),
  };
}

/** The server of an interface is told by nothing but the address of the interface. */
function targetOf(fields: Fields): FloatingIpTarget | undefined {
  const id = textIn(fields, "id");
  if (id === undefined) return undefined;
  const type = textIn(fields, "resource_type");
  if (type === "virtual_network_interface" || type === "public_gateway") return { id, type };
  const [, instanceId] = /\/instances\/([^/]+)\/network_interfaces\//.exec(textIn(fields, "href") ?? "") ?? [];
  return present<FloatingIpTarget>({ id, type: "network_interface", instanceId });
}

export async function createVpc(session: Session, prototype: VpcPrototype): Promise<Vpc> {
  const { name, addressPrefixManagement, resourceGroupId } = prototype;
  const body = {
    name,
    address_prefix_management: addressPrefixManagement,
    resource_group: optionalIdentity(resourceGroupId),
  };
  return createIn(session, VPCS, body, name);
}

/** Undefined when it does not exist; so are all that read one object here. */
export const getVpc = (session: Session, id: string): Promise<Vpc | undefined> => getFrom(session, VPCS, id);

/** All VPCs of the region: the API does not filter them by name. */
export const listVpcs = (session: Session): AsyncGenerator<Vpc> => listFrom(session, VPCS);

export const updateVpc = (session: Session, id: string, patch: { readonly name: string }, etag: string): Promise<Vpc> =>
  patchIn(session, VPCS, id, { name: patch.name }, etag);

/** One that does not exist is done; so are all that delete here. */
export const deleteVpc = (session: Session, id: string): Promise<void> => deleteFrom(session, VPCS, id);

export async function createSubnet(session: Session, prototype: SubnetPrototype): Promise<Subnet> {
  const { name, zone, publicGatewayId, resourceGroupId } = prototype;
  const body = {
    name,
    vpc: identity(prototype.vpcId),
    zone: zone === undefined ? undefined : { name: zone },
    ipv4_cidr_block: prototype.ipv4CidrBlock,
    total_ipv4_address_count: prototype.totalIpv4AddressCount,
    network_acl: optionalIdentity(prototype.networkAclId),
    routing_table: optionalIdentity(prototype.routingTableId),
    public_gateway: optionalIdentity(publicGatewayId),
    resource_group: optionalIdentity(resourceGroupId),
  };
  return createIn(session, SUBNETS, body, name);
}

export const getSubnet = (session: Session, id: string): Promise<Subnet | undefined> => getFrom(session, SUBNETS, id);

/** All subnets of the region, or of a VPC; the API does not filter them by name. */
export const listSubnets = (
  session: Session,
  { vpcId }: { readonly vpcId?: string | undefined } = {},
): AsyncGenerator<Subnet> => listFrom(session, SUBNETS, { "vpc.id": vpcId });

export const updateSubnet = (session: Session, id: string, patch: SubnetPatch): Promise<Subnet> =>
  patchIn(session, SUBNETS, id, {
    name: patch.name,
    network_acl: optionalIdentity(patch.networkAclId),
    routing_table: optionalIdentity(patch.routingTableId),
  });

export const deleteSubnet = (session: Session, id: string): Promise<void> => deleteFrom(session, SUBNETS, id);

/** Gives a subnet a public gateway (id or CRN), in place of the one it has. */
export async function attachPublicGateway(session: Session, subnetId: string, gatewayId: string): Promise<void> {
  const path = pathTo(SUBNETS.path, subnetId, "public_gateway");
  const doing = `attach public gateway ${gatewayId} to subnet ${subnetId}`;
  await session.call({ api: "vpc", method: "PUT", path, body: identity(gatewayId), doing });
}

/** A subnet without one is done. */
export async function detachPublicGateway(session: Session, subnetId: string): Promise<void> {
  const path = pathTo(SUBNETS.path, subnetId, "public_gateway");
  const doing = `detach the public gateway of subnet ${subnetId}`;
  await unlessGone(session.call({ api: "vpc", method: "DELETE", path, doing }));
}

export async function createSshKey(session: Session, prototype: SshKeyPrototype): Promise<SshKey> {
  const { name, publicKey, type, resourceGroupId } = prototype;
  const body = { name, public_key: publicKey, type, resource_group: optionalIdentity(resourceGroupId) };
  return createIn(session, KEYS, body, name);
}

export const getSshKey = (session: Session, id: string): Promise<SshKey | undefined> => getFrom(session, KEYS, id);

/** All keys of the region: the API filters by nothing that programs know a key by. */
export const listSshKeys = (session: Session): AsyncGenerator<SshKey> => listFrom(session, KEYS);

export const updateSshKey = (session: Session, id: string, patch: { readonly name: string }): Promise<SshKey> =>
  patchIn(session, KEYS, id, { name: patch.name });

export const deleteSshKey = (session: Session, id: string): Promise<void> => deleteFrom(session, KEYS, id);

export async function createFloatingIp(session: Session, prototype: FloatingIpPrototype): Promise<FloatingIp> {
  const { name, resourceGroupId } = prototype;
  const place = "zone" in prototype ? { zone: { name: prototype.zone } } : { target: { id: prototype.targetId } };
  return createIn(session, FLOATING_IPS, { name, ...place, resource_group: optionalIdentity(resourceGroupId) }, name);
}

export const getFloatingIp = (session: Session, id: string): Promise<FloatingIp | undefined> =>
  getFrom(session, FLOATING_IPS, id);

/** All floating IPs of the region. */
export const listFloatingIps = (session: Session): AsyncGenerator<FloatingIp> => listFrom(session, FLOATING_IPS);

/** Renames it, or binds it to another interface. */
export const updateFloatingIp = (
  session: Session,
  id: string,
  patch: { readonly name?: string | undefined; readonly targetId?: string | undefined },
): Promise<FloatingIp> =>
  patchIn(session, FLOATING_IPS, id, {
    name: patch.name,
    target: patch.targetId === undefined ? undefined : { id: patch.targetId },
  });

/** Takes a floating IP from the interface it is bound to; one that is not bound to it is done. */
export async function unbindFloatingIp(session: Session, id: string, target: FloatingIpTarget): Promise<void> {
  const base =
    target.type === "virtual_network_interface"
      ? pathTo("/virtual_network_interfaces", target.id)
      : pathTo("/instances", target.instanceId ?? "", "network_interfaces", target.id);
  const path = pathTo(base, "floating_ips", id);
  await unlessGone(session.call({ api: "vpc", method: "DELETE", path, doing: `unbind floating IP ${id}` }));
}

export const deleteFloatingIp = (session: Session, id: string): Promise<void> => deleteFrom(session, FLOATING_IPS, id);
