/** VPCs and their address prefixes: `/v1/vpcs`. */
import { created, noContent, ok, param, queryText, type Call, type Reply, type Route } from "../call";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { drop, find, put } from "../table";
import type { World } from "../world";
import { contains, formatCidr, freeBlock, overlaps, parseCidr } from "./ipv4";
import { crnOf, groupReference, href, reference, referenceById, zoneReference, zonesOf } from "./references";
import * as request from "./request";
import { defaultAcl, defaultSecurityGroup, viewAcl, viewSecurityGroup } from "./security";
import type { AddressPrefix, RoutingTable, Vpc } from "./store";

const ACTION = "is.vpc.vpc";
const PREFIXES = "/v1/vpcs/:vpc/address_prefixes";
const TABLES = "/v1/vpcs/:vpc/routing_tables";

export const vpcRoutes: readonly Route[] = [
  { method: "POST", path: "/v1/vpcs", api: "vpc", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: "/v1/vpcs", api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "GET", path: "/v1/vpcs/:vpc", api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: "/v1/vpcs/:vpc", api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: "/v1/vpcs/:vpc", api: "vpc", handler: remove, action: `${ACTION}.delete` },
  { method: "GET", path: PREFIXES, api: "vpc", handler: listPrefixes, action: `${ACTION}.read` },
  { method: "POST", path: PREFIXES, api: "vpc", handler: createPrefix, action: `${ACTION}.update` },
  { method: "GET", path: `${PREFIXES}/:prefix`, api: "vpc", handler: getPrefix, action: `${ACTION}.read` },
  { method: "DELETE", path: `${PREFIXES}/:prefix`, api: "vpc", handler: removePrefix, action: `${ACTION}.update` },
  { method: "GET", path: TABLES, api: "vpc", handler: listTables, action: `${ACTION}.read` },
  { method: "GET", path: `${TABLES}/:table`, api: "vpc", handler: getTable, action: `${ACTION}.read` },
  { method: "PATCH", path: `${TABLES}/:table`, api: "vpc", handler: updateTable, action: `${ACTION}.update` },
  {
    method: "GET",
    path: "/v1/vpcs/:vpc/default_security_group",
    api: "vpc",
    handler: getGroup,
    action: `${ACTION}.read`,
  },
  { method: "GET", path: "/v1/vpcs/:vpc/default_network_acl", api: "vpc", handler: getAcl, action: `${ACTION}.read` },
  {
    method: "GET",
    path: "/v1/vpcs/:vpc/default_routing_table",
    api: "vpc",
    handler: getTable,
    action: `${ACTION}.read`,
  },
];

export interface NewVpc {
  readonly id?: string;
  readonly name: string;
  readonly resourceGroup: string;
  readonly addressPrefixManagement?: string;
  readonly classicAccess?: boolean;
  readonly dns?: Vpc["dns"];
}

/** Makes a VPC with its default security group, ACL, routing table and (unless told not to) address prefixes. */
export function makeVpc(world: World, given: NewVpc): Vpc {
  const state = world.state.vpc;
  const { region } = world.state.account;
  const id = given.id ?? newId("r006-");
  const now = world.clock.iso();
  const row: Vpc = {
    id,
    crn: crnOf(world, region, "vpc", id),
    name: given.name,
    created_at: now,
    resource_group: given.resourceGroup,
    classic_access: given.classicAccess ?? false,
    address_prefix_management: given.addressPrefixManagement ?? "auto",
    default_network_acl: "",
    default_routing_table: "",
    default_security_group: "",
    dns: given.dns ?? { enable_hub: false, resolver_type: "system", manual_servers: [] },
    prefixes: [],
  };
  row.default_security_group = defaultSecurityGroup(world, row, given.id).id;
  row.default_network_acl = defaultAcl(world, row, given.id).id;
  const tableId = given.id === undefined ? newId("r006-") : given.id.replace(/.{4}$/, "0003");
  const table: RoutingTable = {
    id: tableId,
    crn: crnOf(world, region, "vpc-routing-table", tableId),
    name: request.autoName(),
    created_at: now,
    vpc: id,
    is_default: true,
  };
  row.default_routing_table = put(state.routingTables, table).id;
  if (row.address_prefix_management === "auto") {
    zonesOf(world).forEach((zone, index) => {
      const first = (parseCidr("10.240.0.0/18")?.first ?? 0) + index * 2 ** 14;
      const prefixId = given.id === undefined ? newId("r006-") : given.id.replace(/.{4}$/, `001${index}`);
      const cidr = formatCidr({ first: first, size: 2 ** 14 });
      row.prefixes.push({ id: prefixId, name: request.autoName(), cidr, zone, is_default: true, created_at: now });
    });
  }
  return put(state.vpcs, row);
}

function create(call: Call): Reply {
  const { world } = call;
  const fields = request.body(call);
  fields.only("name", "resource_group", "address_prefix_management", "dns", "classic_access");
  const dns = fields.optionalObject("dns");
  const resolver = dns?.optionalObject("resolver");
  const row = makeVpc(world, {
    name: request.newName(fields, Object.values(world.state.vpc.vpcs)),
    resourceGroup: request.resourceGroup(world, fields),
    addressPrefixManagement: fields.optionalText("address_prefix_management", { oneOf: ["auto", "manual"] }) ?? "auto",
    classicAccess: fields.flag("classic_access") ?? false,
    dns: {
      enable_hub: dns?.flag("enable_hub") ?? false,
      resolver_type: resolver?.optionalText("type", { oneOf: ["system", "manual"] }) ?? "system",
      manual_servers: resolver?.objects("manual_servers").map((item) => item.text("address")) ?? [],
    },
  });
  return created(view(world, row), request.tagged(row));
}

function view(world: World, row: Vpc): object {
  const state = world.state.vpc;
  return {
    classic_access: row.classic_access,
    created_at: row.created_at,
    crn: row.crn,
    cse_source_ips: zonesOf(world).map((zone, index) => ({
      ip: { address: `10.249.${64 + index}.11` },
      zone: zoneReference(world, zone),
    })),
    default_network_acl: referenceById(world, "network_acls", state.networkAcls, row.default_network_acl),
    default_routing_table: referenceById(
      world,
      `vpcs/${row.id}/routing_tables`,
      state.routingTables,
      row.default_routing_table,
      "routing_table",
    ),
    default_security_group: referenceById(world, "security_groups", state.securityGroups, row.default_security_group),
    dns: {
      enable_hub: row.dns.enable_hub,
      resolution_binding_count: 0,
      resolver: {
        servers: (row.dns.resolver_type === "manual" ? row.dns.manual_servers : ["161.26.0.10", "161.26.0.11"]).map(
          (address) => ({ address }),
        ),
        type: row.dns.resolver_type,
        ...(row.dns.resolver_type === "system" ? { configuration: "default" } : {}),
      },
    },
    health_reasons: [],
    health_state: "ok",
    href: href(world, `vpcs/${row.id}`),
    id: row.id,
    name: row.name,
    public_address_ranges: [],
    resource_group: groupReference(world, row.resource_group),
    resource_type: "vpc",
    status: "available",
  };
}

const needVpc = (call: Call): Vpc => request.need(call, call.world.state.vpc.vpcs, "vpc", "VPC");

function list(call: Call): Reply {
  const { world } = call;
  const rows = request.filtered(call, Object.values(world.state.vpc.vpcs), {
    "resource_group.id": (row) => row.resource_group,
    name: (row) => row.name,
  });
  const may = request.mayRead<Vpc>(call, "vpc", "vpcId");
  return ok(request.page(call, "vpcs", rows, (row) => view(world, row), may));
}

function get(call: Call): Reply {
  const row = needVpc(call);
  return ok(view(call.world, row), request.tagged(row));
}

function update(call: Call): Reply {
  const row = needVpc(call);
  request.checkIfMatch(call, row);
  const fields = request.body(call).only("name", "dns");
  const dns = fields.optionalObject("dns");
  const resolver = dns?.optionalObject("resolver");
  const hub = dns?.flag("enable_hub");
  const type = resolver?.optionalText("type", { oneOf: ["system", "manual"] });
  const servers = resolver?.has("manual_servers")
    ? resolver.objects("manual_servers").map((item) => item.text("address"))
    : undefined;
  request.rename(fields, row, Object.values(call.world.state.vpc.vpcs));
  row.dns = {
    enable_hub: hub ?? row.dns.enable_hub,
    resolver_type: type ?? row.dns.resolver_type,
    manual_servers: servers ?? row.dns.manual_servers,
  };
  return ok(view(call.world, row), request.tagged(row));
}

function remove(call: Call): Reply {
  const row = needVpc(call);
  request.checkIfMatch(call, row);
  const state = call.world.state.vpc;
  const holds = (table: Record<string, { vpc: string }>): boolean =>
    Object.values(table).some((other) => other.vpc === row.id);
  const ownGroups = Object.values(state.securityGroups).filter(
    (group) => group.vpc === row.id && group.id !== row.default_security_group,
  );
  const used =
    holds(state.subnets) || holds(state.publicGateways) || holds(state.instances) || holds(state.bareMetalServers);
  if (used || ownGroups.length > 0) {
    throw vpcRefusal(409, "vpc_in_use", `The VPC '${row.id}' still has subnets, gateways, security groups or servers.`);
  }
  drop(state.securityGroups, row.default_security_group);
  drop(state.networkAcls, row.default_network_acl);
  drop(state.routingTables, row.default_routing_table);
  drop(state.vpcs, row.id);
  return noContent;
}

function viewPrefix(world: World, vpc: Vpc, prefix: AddressPrefix): object {
  const block = parseCidr(prefix.cidr);
  const subnets = Object.values(world.state.vpc.subnets).filter((subnet) => subnet.vpc === vpc.id);
  return {
    cidr: prefix.cidr,
    created_at: prefix.created_at,
    has_subnets: subnets.some((subnet) => {
      const inner = parseCidr(subnet.ipv4_cidr_block);
      return block !== undefined && inner !== undefined && contains(block, inner);
    }),
    href: href(world, `vpcs/${vpc.id}/address_prefixes/${prefix.id}`),
    id: prefix.id,
    is_default: prefix.is_default,
    name: prefix.name,
    zone: zoneReference(world, prefix.zone),
  };
}

function listPrefixes(call: Call): Reply {
  const vpc = needVpc(call);
  return ok(request.page(call, "address_prefixes", vpc.prefixes, (prefix) => viewPrefix(call.world, vpc, prefix)));
}

function createPrefix(call: Call): Reply {
  const vpc = needVpc(call);
  const fields = request.body(call).only("cidr", "zone", "name", "is_default");
  const cidr = fields.text("cidr");
  const block = parseCidr(cidr);
  if (block === undefined) throw fields.invalid("cidr", "must be an IPv4 network such as 10.0.0.0/18");
  const zone = fields.object("zone").text("name", { oneOf: zonesOf(call.world) });
  if (vpc.prefixes.some((other) => overlaps(parseCidr(other.cidr) ?? { first: 0, size: 0 }, block))) {
    throw fields.invalid("cidr", "overlaps another address prefix of the VPC");
  }
  const prefix: AddressPrefix = {
    id: newId("r006-"),
    name: request.newName(fields, vpc.prefixes),
    cidr,
    zone,
    is_default: fields.flag("is_default") ?? false,
    created_at: call.world.clock.iso(),
  };
  vpc.prefixes.push(prefix);
  return created(viewPrefix(call.world, vpc, prefix));
}

function needPrefix(call: Call, vpc: Vpc): AddressPrefix {
  const prefixes = Object.fromEntries(vpc.prefixes.map((prefix) => [prefix.id, prefix]));
  return request.need(call, prefixes, "prefix", "address prefix");
}

function getPrefix(call: Call): Reply {
  const vpc = needVpc(call);
  return ok(viewPrefix(call.world, vpc, needPrefix(call, vpc)));
}

function removePrefix(call: Call): Reply {
  const vpc = needVpc(call);
  const prefix = needPrefix(call, vpc);
  const { has_subnets } = viewPrefix(call.world, vpc, prefix) as { has_subnets: boolean };
  if (has_subnets) throw vpcRefusal(409, "address_prefix_in_use", `The prefix '${prefix.id}' has subnets.`);
  vpc.prefixes = vpc.prefixes.filter((other) => other !== prefix);
  return noContent;
}

/** Where a subnet of this size fits, in a zone of the VPC. */
export function freeCidr(world: World, vpc: Vpc, zone: string, size: number): string | undefined {
  const used = Object.values(world.state.vpc.subnets)
    .filter((subnet) => subnet.vpc === vpc.id)
    .flatMap((subnet) => parseCidr(subnet.ipv4_cidr_block) ?? []);
  for (const prefix of vpc.prefixes.filter((candidate) => candidate.zone === zone)) {
    const block = parseCidr(prefix.cidr);
    const free = block === undefined ? undefined : freeBlock(block, size, used);
    if (free !== undefined) return formatCidr(free);
  }
  return undefined;
}

function viewTable(world: World, vpc: Vpc, table: RoutingTable): object {
  const { id, name, crn } = table;
  return {
    accept_routes_from: [],
    advertise_routes_to: [],
    created_at: table.created_at,
    ...reference(world, `vpcs/${vpc.id}/routing_tables`, { id, name, crn }, "routing_table"),
    is_default: table.is_default,
    lifecycle_state: "stable",
    resource_group: groupReference(world, vpc.resource_group),
    route_direct_link_ingress: false,
    route_internet_ingress: false,
    route_transit_gateway_ingress: false,
    route_vpc_zone_ingress: false,
    routes: [],
    subnets: Object.values(world.state.vpc.subnets)
      .filter((subnet) => subnet.routing_table === id)
      .map((subnet) => reference(world, "subnets", subnet, "subnet")),
  };
}

function listTables(call: Call): Reply {
  const vpc = needVpc(call);
  const wanted = queryText(call, "is_default");
  const rows = Object.values(call.world.state.vpc.routingTables).filter(
    (table) => table.vpc === vpc.id && (wanted === undefined || String(table.is_default) === wanted),
  );
  return ok(request.page(call, "routing_tables", rows, (table) => viewTable(call.world, vpc, table)));
}

function needTable(call: Call, vpc: Vpc): RoutingTable {
  const id = call.path.endsWith("/default_routing_table") ? vpc.default_routing_table : param(call, "table");
  const table = find(call.world.state.vpc.routingTables, id);
  if (table?.vpc !== vpc.id) throw vpcRefusal(404, "not_found", "The routing table was not found.");
  return table;
}

function getTable(call: Call): Reply {
  const vpc = needVpc(call);
  return ok(viewTable(call.world, vpc, needTable(call, vpc)));
}

function updateTable(call: Call): Reply {
  const vpc = needVpc(call);
  const table = needTable(call, vpc);
  const others = Object.values(call.world.state.vpc.routingTables).filter((other) => other.vpc === vpc.id);
  request.rename(request.body(call), table, others);
  return ok(viewTable(call.world, vpc, table));
}

function getGroup(call: Call): Reply {
  const group = find(call.world.state.vpc.securityGroups, needVpc(call).default_security_group);
  if (group === undefined) throw vpcRefusal(404, "not_found", "The security group was not found.");
  return ok(viewSecurityGroup(call.world, group));
}

function getAcl(call: Call): Reply {
  const acl = find(call.world.state.vpc.networkAcls, needVpc(call).default_network_acl);
  if (acl === undefined) throw vpcRefusal(404, "not_found", "The network ACL was not found.");
  return ok(viewAcl(call.world, acl));
}
