/** What exists, one list for each kind: for tests and people, without anything secret. */
import { without } from "./table";
import type { World } from "./world";

type Item = Readonly<Record<string, unknown>>;

/** A server with the endpoints by which it reaches its own services. */
export interface InventoryServer {
  /** Id. */
  readonly id: string;
  /** CRN. */
  readonly crn: string;
  /** Name. */
  readonly name: string;
  /** State that IBM Cloud gives for it. */
  readonly status: string;
  /** Zone, such as `us-south-1`. */
  readonly zone: string;
  /** Path of the unix socket on which the server's identity and metadata services answer. */
  readonly socket: string;
  /** The same as a loopback URL. */
  readonly url: string;
  readonly [property: string]: unknown;
}

export interface Inventory {
  /** Trusted profiles. */
  readonly profiles: readonly Item[];
  /** Links of trusted profiles. */
  readonly links: readonly Item[];
  /** Claim rules of trusted profiles. */
  readonly claimRules: readonly Item[];
  /** Access policies. */
  readonly policies: readonly Item[];
  /** Custom roles. */
  readonly customRoles: readonly Item[];
  /** Service IDs. */
  readonly serviceIds: readonly Item[];
  /** Without their values. */
  readonly apiKeys: readonly Item[];
  /** Virtual servers. */
  readonly instances: readonly InventoryServer[];
  /** Bare metal servers. */
  readonly bareMetalServers: readonly InventoryServer[];
  /** Instance templates. */
  readonly templates: readonly Item[];
  /** Instance groups. */
  readonly instanceGroups: readonly Item[];
  /** VPCs. */
  readonly vpcs: readonly Item[];
  /** Subnets. */
  readonly subnets: readonly Item[];
  /** SSH keys. */
  readonly keys: readonly Item[];
  /** Images. */
  readonly images: readonly Item[];
  /** Floating IPs. */
  readonly floatingIps: readonly Item[];
  /** Public gateways. */
  readonly publicGateways: readonly Item[];
  /** Volumes. */
  readonly volumes: readonly Item[];
  /** Virtual network interfaces. */
  readonly virtualNetworkInterfaces: readonly Item[];
  /** Reserved addresses of subnets. */
  readonly reservedIps: readonly Item[];
  /** Security groups. */
  readonly securityGroups: readonly Item[];
  /** Network ACLs. */
  readonly networkAcls: readonly Item[];
  /** Routing tables. */
  readonly routingTables: readonly Item[];
  /** Resource groups. */
  readonly resourceGroups: readonly Item[];
}

/** Where the services of a server can be reached. */
export type EndpointsOf = (serverId: string) => { readonly socket: string; readonly url: string };

/** Left out, so that an inventory stays the same while nothing is created, changed or deleted. */
const COUNTERS = ["activity", "history"] as const;

export function inventoryOf(world: World, endpointsOf: EndpointsOf): Inventory {
  const { iam, policy, vpc, account } = world.state;
  const list = (table: Readonly<Record<string, object>>): Item[] =>
    Object.values(table).map((row) => structuredClone(row) as Item);
  const servers = (table: typeof vpc.instances): InventoryServer[] =>
    Object.values(table).map((server) => ({
      ...structuredClone(without(server, "active_metadata")),
      ...endpointsOf(server.id),
    }));
  return {
    profiles: Object.values(iam.profiles).map((row) => structuredClone(without(row, ...COUNTERS))),
    links: Object.values(iam.links).map((link) => structuredClone(without(link, "enforced_from"))),
    claimRules: list(iam.rules),
    policies: list(policy.policies).filter((row) => row.state === "active"),
    customRoles: list(policy.customRoles),
    serviceIds: Object.values(iam.serviceIds).map((row) => structuredClone(without(row, ...COUNTERS))),
    apiKeys: Object.values(iam.apiKeys).map((key) =>
      structuredClone(without(key, "value_hash", "stored_value", ...COUNTERS)),
    ),
    instances: servers(vpc.instances),
    bareMetalServers: servers(vpc.bareMetalServers),
    templates: list(vpc.templates),
    instanceGroups: list(vpc.instanceGroups),
    vpcs: list(vpc.vpcs),
    subnets: list(vpc.subnets),
    keys: list(vpc.keys),
    images: list(vpc.images),
    floatingIps: list(vpc.floatingIps),
    publicGateways: list(vpc.publicGateways),
    volumes: list(vpc.volumes),
    virtualNetworkInterfaces: list(vpc.virtualNetworkInterfaces),
    reservedIps: list(vpc.reservedIps),
    securityGroups: list(vpc.securityGroups),
    networkAcls: list(vpc.networkAcls),
    routingTables: list(vpc.routingTables),
    resourceGroups: list(account.resourceGroups),
  };
}
