/** The network interfaces of servers, and the virtual network interfaces behind attachments. */
import { created, noContent, ok, type Call, type Reply, type Route } from "../call";
import type { Fields } from "../fields";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { drop, find, put } from "../table";
import type { World } from "../world";
import {
  crnOf,
  groupReference,
  href,
  reference,
  reservedIpReference,
  securityGroupReference,
  subnetReference,
  vpcReference,
  zoneReference,
} from "./references";
import * as request from "./request";
import type { Nic, Server, Subnet, VirtualNetworkInterface } from "./store";
import { releaseAddress, reserveAddress } from "./subnets";

const ACTION = "is.virtual-network-interface.virtual-network-interface";
const VNIS = "/v1/virtual_network_interfaces";

export const interfaceRoutes: readonly Route[] = [
  { method: "GET", path: VNIS, api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "POST", path: VNIS, api: "vpc", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: `${VNIS}/:vni`, api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: `${VNIS}/:vni`, api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: `${VNIS}/:vni`, api: "vpc", handler: remove, action: `${ACTION}.delete` },
  { method: "GET", path: `${VNIS}/:vni/ips`, api: "vpc", handler: listIps, action: `${ACTION}.read` },
];

/** One interface of a server that is to be created. */
export interface NicPlan {
  readonly name: string;
  readonly subnet: Subnet;
  readonly address?: string;
  readonly addressName?: string;
  readonly autoDeleteAddress?: boolean;
  readonly securityGroups?: string[];
  readonly allowIpSpoofing: boolean;
  /** An existing VNI, or what a new one is called; undefined for an old-style interface. */
  readonly vni?: VirtualNetworkInterface | VniPlan;
}

export interface VniPlan {
  readonly name: string;
  readonly autoDelete: boolean;
  readonly infrastructureNat: boolean;
  readonly filteringMode: string;
}

export interface NetworkPlan {
  readonly kind: Server["network"];
  /** The primary one first. */
  readonly nics: readonly NicPlan[];
}

const NAMED = { min: 1, max: 63, pattern: request.NAME };

/** Reads either network attachments or network interfaces, never both. */
export function readNetwork(world: World, fields: Fields): NetworkPlan {
  const byAttachment = fields.has("primary_network_attachment");
  if (byAttachment === fields.has("primary_network_interface")) {
    throw vpcRefusal(
      400,
      "validation_only_one",
      "Exactly one of 'primary_network_attachment' and 'primary_network_interface' is required.",
      { name: "primary_network_attachment", type: "field" },
    );
  }
  const other = byAttachment ? "network_interfaces" : "network_attachments";
  if (fields.has(other)) throw fields.invalid(other, "cannot be mixed with the other kind of network");
  return byAttachment
    ? {
        kind: "attachment",
        nics: [fields.object("primary_network_attachment"), ...fields.objects("network_attachments")].map((item) =>
          readAttachment(world, item),
        ),
      }
    : {
        kind: "interface",
        nics: [fields.object("primary_network_interface"), ...fields.objects("network_interfaces")].map((item) =>
          readInterface(world, item),
        ),
      };
}

function readInterface(world: World, fields: Fields): NicPlan {
  fields.only(
    "name",
    "subnet",
    "primary_ip",
    "security_groups",
    "allow_ip_spoofing",
    "port_speed",
    "interface_type",
    "enable_infrastructure_nat",
    "allowed_vlans",
  );
  return { name: fields.optionalText("name", NAMED) ?? request.autoName(), ...readPlace(world, fields) };
}

function readAttachment(world: World, fields: Fields): NicPlan {
  fields.only("name", "virtual_network_interface", "interface_type", "allowed_vlans");
  const name = fields.optionalText("name", NAMED) ?? request.autoName();
  const vni = fields.object("virtual_network_interface");
  if (vni.has("id") || vni.has("crn") || vni.has("href")) {
    const row = request.identity(vni, world.state.vpc.virtualNetworkInterfaces);
    if (row.target !== undefined) throw vni.invalid("id", "is used by another server");
    const subnet = find(world.state.vpc.subnets, row.subnet);
    if (subnet === undefined) throw vni.invalid("id", "has no subnet any more");
    return { name, subnet, allowIpSpoofing: row.allow_ip_spoofing, vni: row };
  }
  return { name, ...readPlace(world, vni), vni: readVni(world, vni) };
}

function readVni(world: World, fields: Fields): VniPlan {
  fields.only(
    "name",
    "subnet",
    "primary_ip",
    "ips",
    "security_groups",
    "auto_delete",
    "allow_ip_spoofing",
    "enable_infrastructure_nat",
    "protocol_state_filtering_mode",
    "resource_group",
  );
  return {
    name: request.newName(fields, Object.values(world.state.vpc.virtualNetworkInterfaces)),
    autoDelete: fields.flag("auto_delete") ?? true,
    infrastructureNat: fields.flag("enable_infrastructure_nat") ?? true,
    filteringMode:
      fields.optionalText("protocol_state_filtering_mode", { oneOf: ["auto", "enabled", "disabled"] }) ?? "auto",
  };
}

/** Subnet, address and security groups: alike for interfaces and VNIs. */
function readPlace(world: World, fields: Fields): Omit<NicPlan, "name"> {
  const subnet = request.identity(fields.object("subnet"), world.state.vpc.subnets);
  const primary = fields.optionalObject("primary_ip");
  const groups = fields.has("security_groups")
    ? fields.objects("security_groups").map((item) => request.identity(item, world.state.vpc.securityGroups).id)
    : undefined;
  const address = primary?.optionalText("address");
  const addressName = primary?.optionalText("name", NAMED);
  const autoDelete = primary?.flag("auto_delete");
  return {
    subnet,
    allowIpSpoofing: fields.flag("allow_ip_spoofing") ?? false,
    ...(address === undefined ? {} : { address }),
    ...(addressName === undefined ? {} : { addressName }),
    ...(autoDelete === undefined ? {} : { autoDeleteAddress: autoDelete }),
    ...(groups === undefined ? {} : { securityGroups: groups }),
  };
}

/** Makes one interface of a server, with its address and its VNI. */
export function makeNic(world: World, plan: NicPlan, server: Pick<Server, "id" | "resource_group">): Nic {
  const id = newId("0717-");
  const now = world.clock.iso();
  if (plan.vni !== undefined && "crn" in plan.vni) {
    const { vni } = plan;
    vni.target = { server: server.id, attachment: id };
    return {
      id,
      name: plan.name,
      created_at: now,
      subnet: vni.subnet,
      reserved_ip: vni.reserved_ip,
      security_groups: vni.security_groups,
      allow_ip_spoofing: vni.allow_ip_spoofing,
      vni: vni.id,
    };
  }
  const address = takeAddress(world, plan, id);
  const securityGroups = plan.securityGroups ?? defaultGroups(world, plan.subnet);
  const nic: Nic = {
    id,
    name: plan.name,
    created_at: now,
    subnet: plan.subnet.id,
    reserved_ip: address,
    security_groups: securityGroups,
    allow_ip_spoofing: plan.allowIpSpoofing,
  };
  if (plan.vni === undefined) return nic;
  const vni = makeVni(world, plan, plan.vni, { address, securityGroups, resourceGroup: server.resource_group });
  vni.target = { server: server.id, attachment: id };
  return { ...nic, vni: vni.id };
}

function takeAddress(world: World, plan: NicPlan, target: string): string {
  const ip = reserveAddress(world, plan.subnet, target, {
    ...(plan.address === undefined ? {} : { address: plan.address }),
    ...(plan.addressName === undefined ? {} : { name: plan.addressName }),
    ...(plan.autoDeleteAddress === undefined ? {} : { autoDelete: plan.autoDeleteAddress }),
  });
  if (ip !== undefined) return ip.id;
  throw vpcRefusal(400, "bad_field", `The subnet '${plan.subnet.id}' has no such free address.`, {
    name: "primary_ip.address",
    type: "field",
    ...(plan.address === undefined ? {} : { value: plan.address.slice(0, 40) }),
  });
}

function defaultGroups(world: World, subnet: Subnet): string[] {
  const group = find(world.state.vpc.vpcs, subnet.vpc)?.default_security_group;
  return group === undefined ? [] : [group];
}

function makeVni(
  world: World,
  plan: NicPlan,
  vni: VniPlan,
  given: { address: string; securityGroups: string[]; resourceGroup: string },
): VirtualNetworkInterface {
  const id = newId("0717-");
  return put(world.state.vpc.virtualNetworkInterfaces, {
    id,
    crn: crnOf(world, plan.subnet.zone, "virtual-network-interface", id),
    name: vni.name,
    created_at: world.clock.iso(),
    resource_group: given.resourceGroup,
    subnet: plan.subnet.id,
    reserved_ip: given.address,
    security_groups: given.securityGroups,
    allow_ip_spoofing: plan.allowIpSpoofing,
    auto_delete: vni.autoDelete,
    enable_infrastructure_nat: vni.infrastructureNat,
    protocol_state_filtering_mode: vni.filteringMode,
  });
}

/** Gives back what the interfaces of a deleted server held. */
export function releaseNics(world: World, server: Server): void {
  const { floatingIps, virtualNetworkInterfaces } = world.state.vpc;
  for (const nic of server.nics) {
    for (const ip of Object.values(floatingIps)) {
      if (ip.target?.id === nic.id || (nic.vni !== undefined && ip.target?.id === nic.vni)) {
        Reflect.deleteProperty(ip, "target");
      }
    }
    const vni = nic.vni === undefined ? undefined : find(virtualNetworkInterfaces, nic.vni);
    if (vni !== undefined && !vni.auto_delete) {
      Reflect.deleteProperty(vni, "target");
      continue;
    }
    releaseAddress(world, nic.reserved_ip);
    if (vni !== undefined) drop(virtualNetworkInterfaces, vni.id);
  }
}

function view(world: World, row: VirtualNetworkInterface): object {
  const state = world.state.vpc;
  const subnet = find(state.subnets, row.subnet);
  const { target } = row;
  const isInstance = target !== undefined && find(state.instances, target.server) !== undefined;
  const base = isInstance ? "instances" : "bare_metal_servers";
  const nic = [...Object.values(state.instances), ...Object.values(state.bareMetalServers)]
    .find((server) => server.id === target?.server)
    ?.nics.find((item) => item.id === target?.attachment);
  return {
    allow_ip_spoofing: row.allow_ip_spoofing,
    auto_delete: row.auto_delete,
    created_at: row.created_at,
    crn: row.crn,
    enable_infrastructure_nat: row.enable_infrastructure_nat,
    href: href(world, `virtual_network_interfaces/${row.id}`),
    id: row.id,
    ips: [reservedIpReference(world, row.reserved_ip)],
    lifecycle_state: "stable",
    mac_address: "02:00:04:00:C4:6A",
    name: row.name,
    primary_ip: reservedIpReference(world, row.reserved_ip),
    protocol_state_filtering_mode: row.protocol_state_filtering_mode,
    resource_group: groupReference(world, row.resource_group),
    resource_type: "virtual_network_interface",
    security_groups: row.security_groups.map((id) => securityGroupReference(world, id)),
    subnet: subnetReference(world, row.subnet),
    ...(target === undefined || nic === undefined
      ? {}
      : {
          target: reference(
            world,
            `${base}/${target.server}/network_attachments`,
            nic,
            isInstance ? "instance_network_attachment" : "bare_metal_server_network_attachment",
          ),
        }),
    vpc: vpcReference(world, subnet?.vpc ?? ""),
    zone: zoneReference(world, subnet?.zone ?? ""),
  };
}

const needVni = (call: Call): VirtualNetworkInterface =>
  request.need(call, call.world.state.vpc.virtualNetworkInterfaces, "vni", "virtual network interface");

function list(call: Call): Reply {
  const rows = request.filtered(call, Object.values(call.world.state.vpc.virtualNetworkInterfaces), {
    "resource_group.id": (row) => row.resource_group,
    name: (row) => row.name,
  });
  const may = request.mayRead<VirtualNetworkInterface>(call, "virtual-network-interface", "virtualNetworkInterfaceId");
  return ok(request.page(call, "virtual_network_interfaces", rows, (row) => view(call.world, row), may));
}

function create(call: Call): Reply {
  const { world } = call;
  const fields = request.body(call);
  const vni = readVni(world, fields);
  const plan: NicPlan = { name: vni.name, ...readPlace(world, fields), vni };
  const resourceGroup = request.resourceGroup(world, fields);
  const address = takeAddress(world, plan, "virtual-network-interface");
  const securityGroups = plan.securityGroups ?? defaultGroups(world, plan.subnet);
  const row = makeVni(
    world,
    plan,
    { ...vni, autoDelete: fields.flag("auto_delete") ?? false },
    {
      address,
      securityGroups,
      resourceGroup,
    },
  );
  return created(view(world, row), request.tagged(row));
}

function get(call: Call): Reply {
  const row = needVni(call);
  return ok(view(call.world, row), request.tagged(row));
}

function update(call: Call): Reply {
  const row = needVni(call);
  const fields = request
    .body(call)
    .only("name", "allow_ip_spoofing", "auto_delete", "enable_infrastructure_nat", "protocol_state_filtering_mode");
  const spoofing = fields.flag("allow_ip_spoofing");
  const autoDelete = fields.flag("auto_delete");
  const nat = fields.flag("enable_infrastructure_nat");
  const mode = fields.optionalText("protocol_state_filtering_mode", { oneOf: ["auto", "enabled", "disabled"] });
  request.rename(fields, row, Object.values(call.world.state.vpc.virtualNetworkInterfaces));
  row.allow_ip_spoofing = spoofing ?? row.allow_ip_spoofing;
  row.auto_delete = autoDelete ?? row.auto_delete;
  row.enable_infrastructure_nat = nat ?? row.enable_infrastructure_nat;
  row.protocol_state_filtering_mode = mode ?? row.protocol_state_filtering_mode;
  return ok(view(call.world, row), request.tagged(row));
}

function remove(call: Call): Reply {
  const row = needVni(call);
  if (row.target !== undefined) {
    throw vpcRefusal(409, "target_in_use", `The virtual network interface '${row.id}' is used by a server.`);
  }
  releaseAddress(call.world, row.reserved_ip);
  drop(call.world.state.vpc.virtualNetworkInterfaces, row.id);
  return noContent;
}

function listIps(call: Call): Reply {
  const row = needVni(call);
  const ip = find(call.world.state.vpc.reservedIps, row.reserved_ip);
  return ok(
    request.page(call, "ips", ip === undefined ? [] : [ip], (item) => reservedIpReference(call.world, item.id)),
  );
}
