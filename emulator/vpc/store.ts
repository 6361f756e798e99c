/** The VPC objects as the emulator keeps them: references by id, views are made when they are shown. */
import type { JsonObject } from "../fields";
import type { Table } from "../table";

export interface Row {
  id: string;
  crn: string;
  name: string;
  created_at: string;
  /** The id of its resource group. */
  resource_group: string;
}

export interface Vpc extends Row {
  classic_access: boolean;
  address_prefix_management: string;
  default_network_acl: string;
  default_routing_table: string;
  default_security_group: string;
  dns: { enable_hub: boolean; resolver_type: string; manual_servers: string[] };
  /** Counts up, so that prefixes in a zone never overlap. */
  prefixes: AddressPrefix[];
}

export interface AddressPrefix {
  id: string;
  name: string;
  cidr: string;
  zone: string;
  is_default: boolean;
  created_at: string;
}

export interface Subnet extends Row {
  vpc: string;
  zone: string;
  ipv4_cidr_block: string;
  network_acl: string;
  routing_table: string;
  public_gateway?: string;
}

export interface ReservedIp {
  id: string;
  subnet: string;
  address: string;
  name: string;
  auto_delete: boolean;
  created_at: string;
  /** The interface, server or VNI that holds it; empty while nobody does. */
  target: string;
}

export interface SshKey extends Row {
  fingerprint: string;
  length: number;
  public_key: string;
  type: string;
}

export interface Image extends Row {
  status: string;
  visibility: string;
  user_data_format: string;
  operating_system: JsonObject;
  minimum_provisioned_size: number;
  /** True for the catalogue's own images, which cannot be changed or deleted. */
  stock: boolean;
}

export interface SecurityGroup extends Row {
  vpc: string;
  rules: (JsonObject & { id: string })[];
}

export interface NetworkAcl extends Row {
  vpc: string;
  rules: (JsonObject & { id: string })[];
}

export interface RoutingTable {
  id: string;
  crn: string;
  name: string;
  created_at: string;
  vpc: string;
  is_default: boolean;
}

export interface Volume extends Row {
  zone: string;
  capacity: number;
  iops: number;
  profile: string;
  bandwidth: number;
  encryption_key?: string;
  user_tags: string[];
  source_image?: string;
}

export interface FloatingIp extends Row {
  address: string;
  zone: string;
  target?: { kind: "network_interface" | "virtual_network_interface" | "public_gateway"; id: string };
}

export interface PublicGateway extends Row {
  vpc: string;
  zone: string;
  floating_ip: string;
}

export interface VirtualNetworkInterface extends Row {
  subnet: string;
  reserved_ip: string;
  security_groups: string[];
  allow_ip_spoofing: boolean;
  auto_delete: boolean;
  enable_infrastructure_nat: boolean;
  protocol_state_filtering_mode: string;
  /** The server and the attachment that use it. */
  target?: { server: string; attachment: string };
}

/** A network interface of a server; with attachments the interface is the mirror of its VNI. */
export interface Nic {
  id: string;
  name: string;
  created_at: string;
  subnet: string;
  reserved_ip: string;
  security_groups: string[];
  allow_ip_spoofing: boolean;
  vni?: string;
}

export interface VolumeAttachment {
  id: string;
  name: string;
  volume: string;
  type: "boot" | "data";
  delete_volume_on_instance_delete: boolean;
  created_at: string;
}

export interface MetadataService {
  enabled: boolean;
  protocol: string;
  response_hop_limit: number;
}

export interface Reason {
  code: string;
  message: string;
}

export interface KeyCopy {
  id: string;
  crn: string;
  name: string;
  fingerprint: string;
}

export interface Server extends Row {
  kind: "instance" | "bare_metal_server";
  vpc: string;
  zone: string;
  profile: string;
  image: string;
  status: string;
  lifecycle_state: string;
  status_reasons: Reason[];
  lifecycle_reasons: Reason[];
  metadata_service: MetadataService;
  /** What the server sees of it; in strict mode a change waits for the next start. */
  active_metadata: MetadataService;
  default_trusted_profile?: { id: string; crn: string; auto_link: boolean };
  keys: KeyCopy[];
  user_data?: string;
  network: "attachment" | "interface";
  /** The primary one first. */
  nics: Nic[];
  volumes: VolumeAttachment[];
  /** What can be patched and is only shown. */
  options: JsonObject;
  instance_group?: string;
  secure_boot: boolean;
  tpm_mode: string;
}

export interface Template extends Row {
  /** The body it was made from. */
  prototype: JsonObject;
}

export interface InstanceGroup extends Row {
  template: string;
  subnets: string[];
  membership_count: number;
  application_port?: number;
  vpc: string;
  status: string;
  updated_at: string;
  memberships: {
    id: string;
    name: string;
    instance: string;
    created_at: string;
    /** What it was made from; missing in states of before there was this field: the group's. */
    template?: string;
  }[];
}

/** A change that time brings. */
export interface Transition {
  at: number;
  table: "instances" | "bareMetalServers" | "instanceGroups";
  id: string;
  /** A status to take, or `gone`. */
  to: string;
}

export interface VpcState {
  vpcs: Table<Vpc>;
  subnets: Table<Subnet>;
  reservedIps: Table<ReservedIp>;
  keys: Table<SshKey>;
  images: Table<Image>;
  securityGroups: Table<SecurityGroup>;
  networkAcls: Table<NetworkAcl>;
  routingTables: Table<RoutingTable>;
  volumes: Table<Volume>;
  floatingIps: Table<FloatingIp>;
  publicGateways: Table<PublicGateway>;
  virtualNetworkInterfaces: Table<VirtualNetworkInterface>;
  instances: Table<Server>;
  bareMetalServers: Table<Server>;
  templates: Table<Template>;
  instanceGroups: Table<InstanceGroup>;
  /** In the order in which they fall due. */
  transitions: Transition[];
  /** Counts up to give every floating IP another address. */
  nextFloatingAddress: number;
}
