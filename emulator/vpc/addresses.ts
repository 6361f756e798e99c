/** Floating IPs and public gateways: `/v1/floating_ips`, `/v1/public_gateways`, and how they are bound. */
import { created, noContent, ok, param, type Call, type Reply, type Route } from "../call";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { drop, find, put } from "../table";
import type { World } from "../world";
import { needPart } from "./instance-parts";
import { needInstance } from "./instances";
import { crnOf, groupReference, href, reference, vpcReference, zoneReference, zonesOf } from "./references";
import * as request from "./request";
import { allServers, nameOf } from "./servers";
import type { FloatingIp, Nic, PublicGateway, Server } from "./store";
import { needSubnet } from "./subnets";

const IPS = "/v1/floating_ips";
const GATEWAYS = "/v1/public_gateways";
const IP = "is.floating-ip.floating-ip";
const GATEWAY = "is.public-gateway.public-gateway";
const NIC_IPS = "/v1/instances/:instance/network_interfaces/:nic/floating_ips";
const VNI_IPS = "/v1/virtual_network_interfaces/:vni/floating_ips";
const SUBNET_GATEWAY = "/v1/subnets/:subnet/public_gateway";

export const addressRoutes: readonly Route[] = [
  { method: "POST", path: IPS, api: "vpc", handler: createIp, action: `${IP}.create` },
  { method: "GET", path: IPS, api: "vpc", handler: listIps, action: `${IP}.list` },
  { method: "GET", path: `${IPS}/:ip`, api: "vpc", handler: getIp, action: `${IP}.read` },
  { method: "PATCH", path: `${IPS}/:ip`, api: "vpc", handler: updateIp, action: `${IP}.update` },
  { method: "DELETE", path: `${IPS}/:ip`, api: "vpc", handler: removeIp, action: `${IP}.delete` },
  { method: "GET", path: NIC_IPS, api: "vpc", handler: listBound, action: `${IP}.list` },
  { method: "GET", path: `${NIC_IPS}/:ip`, api: "vpc", handler: getBound, action: `${IP}.read` },
  { method: "PUT", path: `${NIC_IPS}/:ip`, api: "vpc", handler: bind, action: `${IP}.update` },
  { method: "DELETE", path: `${NIC_IPS}/:ip`, api: "vpc", handler: unbind, action: `${IP}.update` },
  { method: "GET", path: VNI_IPS, api: "vpc", handler: listBound, action: `${IP}.list` },
  { method: "GET", path: `${VNI_IPS}/:ip`, api: "vpc", handler: getBound, action: `${IP}.read` },
  { method: "PUT", path: `${VNI_IPS}/:ip`, api: "vpc", handler: bind, action: `${IP}.update` },
  { method: "DELETE", path: `${VNI_IPS}/:ip`, api: "vpc", handler: unbind, action: `${IP}.update` },
  { method: "POST", path: GATEWAYS, api: "vpc", handler: createGateway, action: `${GATEWAY}.create` },
  { method: "GET", path: GATEWAYS, api: "vpc", handler: listGateways, action: `${GATEWAY}.list` },
  { method: "GET", path: `${GATEWAYS}/:gateway`, api: "vpc", handler: getGateway, action: `${GATEWAY}.read` },
  { method: "PATCH", path: `${GATEWAYS}/:gateway`, api: "vpc", handler: updateGateway, action: `${GATEWAY}.update` },
  { method: "DELETE", path: `${GATEWAYS}/:gateway`, api: "vpc", handler: removeGateway, action: `${GATEWAY}.delete` },
  { method: "GET", path: SUBNET_GATEWAY, api: "vpc", handler: gatewayOfSubnet, action: `${GATEWAY}.read` },
  { method: "PUT", path: SUBNET_GATEWAY, api: "vpc", handler: attachGateway, action: `${GATEWAY}.update` },
  { method: "DELETE", path: SUBNET_GATEWAY, api: "vpc", handler: detachGateway, action: `${GATEWAY}.update` },
];

type Target = NonNullable<FloatingIp["target"]>;

/** Where a target is: the server and its interface, or the gateway. */
function placeOf(world: World, target: Target): { zone: string; view: object } | undefined {
  if (target.kind === "public_gateway") {
    const gateway = find(world.state.vpc.publicGateways, target.id);
    return gateway && { zone: gateway.zone, view: reference(world, "public_gateways", gateway, "public_gateway") };
  }
  for (const server of allServers(world)) {
    const nic = server.nics.find((item) => item.id === target.id || item.vni === target.id);
    if (nic !== undefined) return { zone: server.zone, view: viewTarget(world, server, nic, target) };
  }
  const vni = find(world.state.vpc.virtualNetworkInterfaces, target.id);
  const subnet = find(world.state.vpc.subnets, vni?.subnet ?? "");
  return vni && subnet
    ? {
        zone: subnet.zone,
        view: reference(world, "virtual_network_interfaces", vni, "virtual_network_interface"),
      }
    : undefined;
}

function viewTarget(world: World, server: Server, nic: Nic, target: Target): object {
  const base = server.kind === "instance" ? "instances" : "bare_metal_servers";
  const vni = find(world.state.vpc.virtualNetworkInterfaces, target.id);
  if (vni !== undefined) return reference(world, "virtual_network_interfaces", vni, "virtual_network_interface");
  return reference(
    world,
    `${base}/${server.id}/network_interfaces`,
    { id: nic.id, name: nic.name },
    "network_interface",
  );
}

function makeIp(world: World, name: string, zone: string, resourceGroup: string): FloatingIp {
  const state = world.state.vpc;
  const id = newId("r006-");
  const number = state.nextFloatingAddress++;
  return put(state.floatingIps, {
    id,
    crn: crnOf(world, zone, "floating-ip", id),
    name,
    created_at: world.clock.iso(),
    resource_group: resourceGroup,
    // From a network that is reserved for documentation and benchmarks, so that nothing real can be meant.
    address: `198.${18 + (Math.floor(number / 65_536) % 2)}.${Math.floor(number / 256) % 256}.${number % 256}`,
    zone,
  });
}

function createIp(call: Call): Reply {
  const { world } = call;
  const fields = request.body(call).only("name", "resource_group", "zone", "target");
  if (fields.has("zone") === fields.has("target")) {
    throw vpcRefusal(400, "validation_only_one", "Exactly one of 'zone' and 'target' is required.", {
      name: "zone",
      type: "field",
    });
  }
  const target = fields.has("target") ? readTarget(world, fields.object("target")) : undefined;
  const place = target === undefined ? undefined : placeOf(world, target);
  if (target !== undefined && place === undefined) {
    throw fields.object("target").invalid("id", "names nothing that exists");
  }
  const zone = place?.zone ?? nameOf(fields.object("zone"), zonesOf(world));
  const name = request.newName(fields, Object.values(world.state.vpc.floatingIps));
  const row = makeIp(world, name, zone, request.resourceGroup(world, fields));
  if (target !== undefined) row.target = target;
  return created(viewIp(world, row), request.tagged(row));
}

/** A target is named by id alone; what it is shows when it is looked up. */
function readTarget(world: World, fields: ReturnType<typeof request.body>): Target {
  const id = fields.has("id") ? fields.text("id") : (fields.text("href").split("/").at(-1) ?? "");
  const isVni = find(world.state.vpc.virtualNetworkInterfaces, id) !== undefined;
  return { kind: isVni ? "virtual_network_interface" : "network_interface", id };
}

function viewIp(world: World, row: FloatingIp): object {
  const place = row.target === undefined ? undefined : placeOf(world, row.target);
  return {
    address: row.address,
    created_at: row.created_at,
    crn: row.crn,
    href: href(world, `floating_ips/${row.id}`),
    id: row.id,
    name: row.name,
    resource_group: groupReference(world, row.resource_group),
    status: "available",
    ...(place === undefined ? {} : { target: place.view }),
    zone: zoneReference(world, row.zone),
  };
}

const needIp = (call: Call): FloatingIp => request.need(call, call.world.state.vpc.floatingIps, "ip", "floating IP");

function listIps(call: Call): Reply {
  const rows = request.filtered(call, Object.values(call.world.state.vpc.floatingIps), {
    "resource_group.id": (row) => row.resource_group,
    name: (row) => row.name,
    "target.id": (row) => row.target?.id,
  });
  const may = request.mayRead<FloatingIp>(call, "floating-ip", "floatingIpId");
  return ok(request.page(call, "floating_ips", rows, (row) => viewIp(call.world, row), may));
}

function getIp(call: Call): Reply {
  const row = needIp(call);
  return ok(viewIp(call.world, row), request.tagged(row));
}

function updateIp(call: Call): Reply {
  const { world } = call;
  const row = needIp(call);
  const fields = request.body(call).only("name", "target");
  const given = fields.optionalObject("target");
  const target = given === undefined ? undefined : readTarget(world, given);
  const place = target === undefined ? undefined : placeOf(world, target);
  if (target !== undefined && place?.zone !== row.zone) throw wrongZone(row);
  request.rename(fields, row, Object.values(world.state.vpc.floatingIps));
  if (target !== undefined) row.target = target;
  else if (fields.values.target === null) Reflect.deleteProperty(row, "target");
  return ok(viewIp(world, row), request.tagged(row));
}

const wrongZone = (row: FloatingIp): Error =>
  vpcRefusal(400, "invalid_zone", `The floating IP '${row.id}' is in the zone '${row.zone}', its target is not.`, {
    name: "id",
    type: "parameter",
    value: row.id,
  });

function removeIp(call: Call): Reply {
  const row = needIp(call);
  if (row.target?.kind === "public_gateway") {
    throw vpcRefusal(409, "floating_ip_in_use", `The floating IP '${row.id}' is bound to a public gateway.`);
  }
  drop(call.world.state.vpc.floatingIps, row.id);
  return noContent;
}

/** What the path of a binding is about: an interface of an instance, or a virtual network interface. */
function boundTarget(call: Call): Target {
  if (call.params.vni !== undefined) {
    const vni = request.need(call, call.world.state.vpc.virtualNetworkInterfaces, "vni", "virtual network interface");
    return { kind: "virtual_network_interface", id: vni.id };
  }
  const nic = needPart(call, needInstance(call).nics, "nic", "network interface");
  return nic.vni === undefined
    ? { kind: "network_interface", id: nic.id }
    : { kind: "virtual_network_interface", id: nic.vni };
}

const boundTo = (call: Call, target: Target): FloatingIp[] =>
  Object.values(call.world.state.vpc.floatingIps).filter((row) => row.target?.id === target.id);

function listBound(call: Call): Reply {
  const rows = boundTo(call, boundTarget(call));
  if (call.params.vni === undefined) return ok({ floating_ips: rows.map((row) => viewIp(call.world, row)) });
  return ok(request.page(call, "floating_ips", rows, (row) => viewIp(call.world, row)));
}

function needBound(call: Call): FloatingIp {
  const row = boundTo(call, boundTarget(call)).find((item) => item.id === param(call, "ip"));
  if (row === undefined) throw vpcRefusal(404, "not_found", "The floating IP is not bound to this interface.");
  return row;
}

function getBound(call: Call): Reply {
  return ok(viewIp(call.world, needBound(call)));
}

function bind(call: Call): Reply {
  const target = boundTarget(call);
  const row = needIp(call);
  if (placeOf(call.world, target)?.zone !== row.zone) throw wrongZone(row);
  if (row.target?.kind === "public_gateway") {
    throw vpcRefusal(409, "floating_ip_in_use", `The floating IP '${row.id}' is bound to a public gateway.`);
  }
  for (const other of boundTo(call, target)) Reflect.deleteProperty(other, "target");
  row.target = target;
  return created(viewIp(call.world, row));
}

function unbind(call: Call): Reply {
  Reflect.deleteProperty(needBound(call), "target");
  return noContent;
}

function createGateway(call: Call): Reply {
  const { world } = call;
  const state = world.state.vpc;
  const fields = request.body(call).only("vpc", "zone", "floating_ip", "name", "resource_group");
  const vpc = request.identity(fields.object("vpc"), state.vpcs);
  const zone = nameOf(fields.object("zone"), zonesOf(world));
  const siblings = Object.values(state.publicGateways).filter((row) => row.vpc === vpc.id);
  const name = request.newName(fields, siblings);
  if (siblings.some((row) => row.zone === zone)) {
    throw vpcRefusal(400, "gateway_too_many", `The VPC has a public gateway in the zone '${zone}' already.`, {
      name: "zone.name",
      type: "field",
      value: zone,
    });
  }
  const resourceGroup = request.resourceGroup(world, fields);
  const given = fields.optionalObject("floating_ip");
  const existing = given?.has("id") === true || given?.has("crn") === true || given?.has("address") === true;
  const ip =
    given !== undefined && existing
      ? request.identity(given, state.floatingIps, {
          key: "address",
          find: (value) => Object.values(state.floatingIps).find((row) => row.address === value),
        })
      : makeIp(world, request.autoName(), zone, resourceGroup);
  if (ip.target !== undefined) throw vpcRefusal(409, "floating_ip_in_use", `The floating IP '${ip.id}' is in use.`);
  if (ip.zone !== zone) throw wrongZone(ip);
  const id = newId("r006-");
  const row = put(state.publicGateways, {
    id,
    crn: crnOf(world, zone, "public-gateway", id),
    name,
    created_at: world.clock.iso(),
    resource_group: resourceGroup,
    vpc: vpc.id,
    zone,
    floating_ip: ip.id,
  });
  ip.target = { kind: "public_gateway", id };
  return created(viewGateway(world, row), request.tagged(row));
}

function viewGateway(world: World, row: PublicGateway): object {
  const ip = find(world.state.vpc.floatingIps, row.floating_ip);
  return {
    created_at: row.created_at,
    crn: row.crn,
    floating_ip: {
      address: ip?.address ?? "",
      ...reference(world, "floating_ips", ip ?? { id: row.floating_ip, name: row.floating_ip }),
    },
    href: href(world, `public_gateways/${row.id}`),
    id: row.id,
    name: row.name,
    resource_group: groupReference(world, row.resource_group),
    resource_type: "public_gateway",
    status: "available",
    vpc: vpcReference(world, row.vpc),
    zone: zoneReference(world, row.zone),
  };
}

const needGateway = (call: Call): PublicGateway =>
  request.need(call, call.world.state.vpc.publicGateways, "gateway", "public gateway");

function listGateways(call: Call): Reply {
  const rows = request.filtered(call, Object.values(call.world.state.vpc.publicGateways), {
    "resource_group.id": (row) => row.resource_group,
  });
  const may = request.mayRead<PublicGateway>(call, "public-gateway", "publicGatewayId");
  return ok(request.page(call, "public_gateways", rows, (row) => viewGateway(call.world, row), may));
}

function getGateway(call: Call): Reply {
  const row = needGateway(call);
  return ok(viewGateway(call.world, row), request.tagged(row));
}

function updateGateway(call: Call): Reply {
  const row = needGateway(call);
  const siblings = Object.values(call.world.state.vpc.publicGateways).filter((other) => other.vpc === row.vpc);
  request.rename(request.body(call).only("name"), row, siblings);
  return ok(viewGateway(call.world, row), request.tagged(row));
}

function removeGateway(call: Call): Reply {
  const row = needGateway(call);
  const state = call.world.state.vpc;
  if (Object.values(state.subnets).some((subnet) => subnet.public_gateway === row.id)) {
    throw vpcRefusal(409, "gateway_in_use", `The public gateway '${row.id}' is attached to a subnet.`);
  }
  // The floating IP that it brought along goes with it.
  drop(state.floatingIps, row.floating_ip);
  drop(state.publicGateways, row.id);
  return noContent;
}

function gatewayOfSubnet(call: Call): Reply {
  const row = find(call.world.state.vpc.publicGateways, needSubnet(call).public_gateway ?? "");
  if (row === undefined) throw vpcRefusal(404, "not_found", "The subnet has no public gateway.");
  return ok(viewGateway(call.world, row));
}

function attachGateway(call: Call): Reply {
  const subnet = needSubnet(call);
  const row = request.identity(request.body(call), call.world.state.vpc.publicGateways);
  if (row.vpc !== subnet.vpc || row.zone !== subnet.zone) {
    throw vpcRefusal(400, "invalid_zone", "The public gateway must be in the zone and VPC of the subnet.", {
      name: "id",
      type: "field",
      value: row.id,
    });
  }
  subnet.public_gateway = row.id;
  return created(viewGateway(call.world, row));
}

function detachGateway(call: Call): Reply {
  const subnet = needSubnet(call);
  if (subnet.public_gateway === undefined) throw vpcRefusal(404, "not_found", "The subnet has no public gateway.");
  Reflect.deleteProperty(subnet, "public_gateway");
  return noContent;
}
