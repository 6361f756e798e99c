/** What exists, one list for each kind: for tests and people, without anything secret. */
import { without } from "./table";
import type { World } from "./world";

type Item = Readonly<Record<string, unknown>>;

/** A server with the endpoints by which it reaches its own services. */
export interface InventoryServer {
  readonly id: string;
  readonly crn: string;
  readonly name: string;
  readonly status: string;
  readonly zone: string;
  /** Path of the unix socket on which the server's identity and metadata services answer. */
  readonly socket: string;
  /** The same as a loopback URL. */
  readonly url: string;
  readonly [property: string]: unknown;
}

export interface Inventory {
  readonly profiles: readonly Item[];
  readonly links: readonly Item[];
  readonly claimRules: readonly Item[];
  readonly policies: readonly Item[];
  readonly customRoles: readonly Item[];
  readonly serviceIds: readonly Item[];
  /** Without their values. */
  readonly apiKeys: readonly Item[];
  readonly instances: readonly InventoryServer[];
  readonly bareMetalServers: readonly InventoryServer[];
  readonly templates: readonly Item[];
  readonly instanceGroups: readonly Item[];
  readonly vpcs: readonly Item[];
  readonly subnets: readonly Item[];
  readonly keys: readonly Item[];
  readonly images: readonly Item[];
  readonly floatingIps: readonly Item[];
  readonly publicGateways: readonly Item[];
  readonly volumes: readonly Item[];
  readonly virtualNetworkInterfaces: readonly Item[];
  readonly reservedIps: readonly Item[];
  readonly securityGroups: readonly Item[];
  readonly networkAcls: readonly Item[];
  readonly routingTables: readonly Item[];
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
