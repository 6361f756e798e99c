/** Subnets and their reserved addresses: `/v1/subnets`. */
import { created, noContent, ok, type Call, type Reply, type Route } from "../call";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { drop, find, put } from "../table";
import type { World } from "../world";
import { contains, formatAddress, overlaps, parseAddress, parseCidr } from "./ipv4";
import {
  crnOf,
  groupReference,
  href,
  reference,
  referenceById,
  vpcReference,
  zoneReference,
  zonesOf,
} from "./references";
import * as request from "./request";
import type { ReservedIp, Subnet, Vpc } from "./store";
import { freeCidr } from "./vpcs";

const ACTION = "is.subnet.subnet";
const IPS = "/v1/subnets/:subnet/reserved_ips";

export const subnetRoutes: readonly Route[] = [
  { method: "POST", path: "/v1/subnets", api: "vpc", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: "/v1/subnets", api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "GET", path: "/v1/subnets/:subnet", api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: "/v1/subnets/:subnet", api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: "/v1/subnets/:subnet", api: "vpc", handler: remove, action: `${ACTION}.delete` },
  { method: "GET", path: IPS, api: "vpc", handler: listIps, action: `${ACTION}.read` },
  { method: "GET", path: `${IPS}/:ip`, api: "vpc", handler: getIp, action: `${ACTION}.read` },
  { method: "PATCH", path: `${IPS}/:ip`, api: "vpc", handler: updateIp, action: `${ACTION}.update` },
];

/** VPC keeps the first four addresses and the last one of every subnet. */
const KEPT_FIRST = 4;
const KEPT_LAST = 1;

export interface NewSubnet {
  readonly id?: string;
  readonly name: string;
  readonly vpc: Vpc;
  readonly zone: string;
  readonly cidr: string;
  readonly resourceGroup: string;
  readonly networkAcl?: string;
  readonly routingTable?: string;
  readonly publicGateway?: string;
}

export function makeSubnet(world: World, given: NewSubnet): Subnet {
  const id = given.id ?? newId("0717-");
  return put(world.state.vpc.subnets, {
    id,
    crn: crnOf(world, given.zone, "subnet", id),
    name: given.name,
    created_at: world.clock.iso(),
    resource_group: given.resourceGroup,
    vpc: given.vpc.id,
    zone: given.zone,
    ipv4_cidr_block: given.cidr,
    network_acl: given.networkAcl ?? given.vpc.default_network_acl,
    routing_table: given.routingTable ?? given.vpc.default_routing_table,
    ...(given.publicGateway === undefined ? {} : { public_gateway: given.publicGateway }),
  });
}

function create(call: Call): Reply {
  const { world } = call;
  const state = world.state.vpc;
  const fields = request.body(call);
  fields.only(
    "vpc",
    "ip_version",
    "ipv4_cidr_block",
    "total_ipv4_address_count",
    "zone",
    "name",
    "network_acl",
    "public_gateway",
    "routing_table",
    "resource_group",
  );
  const vpc = request.identity(fields.object("vpc"), state.vpcs);
  const siblings = Object.values(state.subnets).filter((subnet) => subnet.vpc === vpc.id);
  const { cidr, zone } = readRange(call, fields, vpc, siblings);
  const acl = fields.optionalObject("network_acl");
  const table = fields.optionalObject("routing_table");
  const gateway = fields.optionalObject("public_gateway");
  const row = makeSubnet(world, {
    name: request.newName(fields, siblings),
    vpc,
    zone,
    cidr,
    resourceGroup: request.resourceGroup(world, fields),
    ...(acl === undefined ? {} : { networkAcl: request.identity(acl, state.networkAcls).id }),
    ...(table === undefined ? {} : { routingTable: request.identity(table, state.routingTables).id }),
    ...(gateway === undefined ? {} : { publicGateway: request.identity(gateway, state.publicGateways).id }),
  });
  return created(viewSubnet(world, row), request.tagged(row));
}

/** Either a CIDR inside an address prefix, or a number of addresses in a zone. */
function readRange(
  call: Call,
  fields: ReturnType<typeof request.body>,
  vpc: Vpc,
  siblings: readonly Subnet[],
): { cidr: string; zone: string } {
  const zones = zonesOf(call.world);
  const given = fields.optionalObject("zone")?.text("name", { oneOf: zones });
  const byCidr = fields.has("ipv4_cidr_block");
  if (byCidr === fields.has("total_ipv4_address_count")) {
    throw vpcRefusal(
      400,
      "validation_only_one",
      "Exactly one of 'ipv4_cidr_block' and 'total_ipv4_address_count' is required.",
      { name: "ipv4_cidr_block", type: "field" },
    );
  }
  if (!byCidr) {
    const count = fields.integer("total_ipv4_address_count", 8, 8_388_608) ?? 0;
    if (!Number.isInteger(Math.log2(count))) throw fields.invalid("total_ipv4_address_count", "must be a power of 2");
    if (given === undefined) throw fields.missing("zone");
    const cidr = freeCidr(call.world, vpc, given, count);
    if (cidr === undefined) {
      throw vpcRefusal(400, "insufficient_space_for_subnet", "No address prefix of the zone has that much space.", {
        name: "total_ipv4_address_count",
        type: "field",
        value: String(count),
      });
    }
    return { cidr, zone: given };
  }
  const cidr = fields.text("ipv4_cidr_block");
  const block = parseCidr(cidr);
  const invalid = (why: string): Error =>
    vpcRefusal(400, "validation_invalid_cidr", `The network '${cidr.slice(0, 40)}' ${why}.`, {
      name: "ipv4_cidr_block",
      type: "field",
      value: cidr.slice(0, 40),
    });
  if (block === undefined || block.size > 2 ** 23 || block.size < 8) throw invalid("must be an IPv4 network /9 to /29");
  const prefix = vpc.prefixes.find((candidate) => {
    const outer = parseCidr(candidate.cidr);
    return outer !== undefined && contains(outer, block) && (given ?? candidate.zone) === candidate.zone;
  });
  if (prefix === undefined) throw invalid("is not inside an address prefix of the VPC in this zone");
  if (siblings.some((other) => overlaps(parseCidr(other.ipv4_cidr_block) ?? { first: 0, size: 0 }, block))) {
    throw invalid("overlaps another subnet");
  }
  return { cidr, zone: prefix.zone };
}

const ipsOf = (world: World, subnetId: string): ReservedIp[] =>
  Object.values(world.state.vpc.reservedIps).filter((ip) => ip.subnet === subnetId);

export function viewSubnet(world: World, row: Subnet): object {
  const state = world.state.vpc;
  const total = parseCidr(row.ipv4_cidr_block)?.size ?? 0;
  const gateway = row.public_gateway;
  return {
    available_ipv4_address_count: total - KEPT_FIRST - KEPT_LAST - ipsOf(world, row.id).length,
    created_at: row.created_at,
    crn: row.crn,
    href: href(world, `subnets/${row.id}`),
    id: row.id,
    ip_version: "ipv4",
    ipv4_cidr_block: row.ipv4_cidr_block,
    name: row.name,
    network_acl: referenceById(world, "network_acls", state.networkAcls, row.network_acl),
    ...(gateway === undefined
      ? {}
      : {
          public_gateway: referenceById(world, "public_gateways", state.publicGateways, gateway, "public_gateway"),
        }),
    resource_group: groupReference(world, row.resource_group),
    resource_type: "subnet",
    routing_table: referenceById(
      world,
      `vpcs/${row.vpc}/routing_tables`,
      state.routingTables,
      row.routing_table,
      "routing_table",
    ),
    status: "available",
    total_ipv4_address_count: total,
    vpc: vpcReference(world, row.vpc),
    zone: zoneReference(world, row.zone),
  };
}

export const needSubnet = (call: Call): Subnet => request.need(call, call.world.state.vpc.subnets, "subnet", "subnet");

function list(call: Call): Reply {
  const { world } = call;
  const rows = request.filtered(call, Object.values(world.state.vpc.subnets), {
    "resource_group.id": (row) => row.resource_group,
    "zone.name": (row) => row.zone,
    "vpc.id": (row) => row.vpc,
    "vpc.crn": (row) => find(world.state.vpc.vpcs, row.vpc)?.crn,
    "vpc.name": (row) => find(world.state.vpc.vpcs, row.vpc)?.name,
    "routing_table.id": (row) => row.routing_table,
    name: (row) => row.name,
  });
  const may = request.mayRead<Subnet>(call, "subnet", "subnetId", (row) => ({ vpcId: row.vpc }));
  return ok(request.page(call, "subnets", rows, (row) => viewSubnet(world, row), may));
}

function get(call: Call): Reply {
  const row = needSubnet(call);
  return ok(viewSubnet(call.world, row), request.tagged(row));
}

function update(call: Call): Reply {
  const row = needSubnet(call);
  const state = call.world.state.vpc;
  const fields = request.body(call).only("name", "network_acl", "routing_table", "public_gateway");
  const acl = fields.optionalObject("network_acl");
  const table = fields.optionalObject("routing_table");
  const gateway = fields.optionalObject("public_gateway");
  const networkAcl = acl === undefined ? undefined : request.identity(acl, state.networkAcls).id;
  const routingTable = table === undefined ? undefined : request.identity(table, state.routingTables).id;
  const publicGateway = gateway === undefined ? undefined : request.identity(gateway, state.publicGateways).id;
  request.rename(
    fields,
    row,
    Object.values(state.subnets).filter((other) => other.vpc === row.vpc),
  );
  row.network_acl = networkAcl ?? row.network_acl;
  row.routing_table = routingTable ?? row.routing_table;
  if (publicGateway !== undefined) row.public_gateway = publicGateway;
  return ok(viewSubnet(call.world, row), request.tagged(row));
}

function remove(call: Call): Reply {
  const row = needSubnet(call);
  if (ipsOf(call.world, row.id).some((ip) => ip.target !== "")) {
    throw vpcRefusal(
      409,
      "subnet_in_use_network_interface_exists",
      `The subnet '${row.id}' still has network interfaces.`,
    );
  }
  for (const ip of ipsOf(call.world, row.id)) drop(call.world.state.vpc.reservedIps, ip.id);
  drop(call.world.state.vpc.subnets, row.id);
  return noContent;
}

/** Takes an address of the subnet for `target`: the one asked for, or the first free one; undefined when there is none. */
export function reserveAddress(
  world: World,
  subnet: Subnet,
  target: string,
  wanted: { address?: string; name?: string; autoDelete?: boolean } = {},
): ReservedIp | undefined {
  const block = parseCidr(subnet.ipv4_cidr_block);
  if (block === undefined) return undefined;
  const used = new Set(ipsOf(world, subnet.id).map((ip) => ip.address));
  const isFree = (address: number): boolean =>
    address >= block.first + KEPT_FIRST &&
    address < block.first + block.size - KEPT_LAST &&
    !used.has(formatAddress(address));
  let address = wanted.address === undefined ? block.first + KEPT_FIRST : parseAddress(wanted.address);
  if (wanted.address === undefined) {
    while (address !== undefined && address < block.first + block.size && !isFree(address)) address += 1;
  }
  if (address === undefined || !isFree(address)) return undefined;
  return put(world.state.vpc.reservedIps, {
    id: newId("0717-"),
    subnet: subnet.id,
    address: formatAddress(address),
    name: wanted.name ?? request.autoName(),
    auto_delete: wanted.autoDelete ?? true,
    created_at: world.clock.iso(),
    target,
  });
}

/** Gives an address back; one that is not deleted with its target stays reserved. */
export function releaseAddress(world: World, id: string): void {
  const ip = find(world.state.vpc.reservedIps, id);
  if (ip === undefined) return;
  if (ip.auto_delete) drop(world.state.vpc.reservedIps, id);
  else ip.target = "";
}

function viewIp(world: World, ip: ReservedIp): object {
  return {
    address: ip.address,
    auto_delete: ip.auto_delete,
    created_at: ip.created_at,
    ...reference(world, `subnets/${ip.subnet}/reserved_ips`, ip, "subnet_reserved_ip"),
    lifecycle_state: "stable",
    owner: "user",
  };
}

function listIps(call: Call): Reply {
  const subnet = needSubnet(call);
  return ok(request.page(call, "reserved_ips", ipsOf(call.world, subnet.id), (ip) => viewIp(call.world, ip)));
}

function needIp(call: Call): ReservedIp {
  const subnet = needSubnet(call);
  const ip = request.need(call, call.world.state.vpc.reservedIps, "ip", "reserved IP");
  if (ip.subnet !== subnet.id) throw vpcRefusal(404, "not_found", `The reserved IP '${ip.id}' was not found.`);
  return ip;
}

function getIp(call: Call): Reply {
  return ok(viewIp(call.world, needIp(call)));
}

function updateIp(call: Call): Reply {
  const ip = needIp(call);
  const fields = request.body(call).only("name", "auto_delete");
  const autoDelete = fields.flag("auto_delete");
  request.rename(fields, ip, ipsOf(call.world, ip.subnet));
  ip.auto_delete = autoDelete ?? ip.auto_delete;
  return ok(viewIp(call.world, ip));
}
