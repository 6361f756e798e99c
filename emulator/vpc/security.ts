/** Security groups and network ACLs: `/v1/security_groups`, `/v1/network_acls`. */
import { created, noContent, ok, param, type Call, type Reply, type Route } from "../call";
import { Fields, type JsonObject } from "../fields";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { drop, find, put } from "../table";
import type { World } from "../world";
import { crnOf, groupReference, href, reference, securityGroupReference, vpcReference } from "./references";
import * as request from "./request";
import type { NetworkAcl, SecurityGroup, Vpc } from "./store";

const GROUPS = "/v1/security_groups";
const ACLS = "/v1/network_acls";
const GROUP = "is.security-group.security-group";
const ACL = "is.network-acl.network-acl";

export const securityRoutes: readonly Route[] = [
  { method: "POST", path: GROUPS, api: "vpc", handler: createGroup, action: `${GROUP}.create` },
  { method: "GET", path: GROUPS, api: "vpc", handler: listGroups, action: `${GROUP}.list` },
  { method: "GET", path: `${GROUPS}/:group`, api: "vpc", handler: getGroup, action: `${GROUP}.read` },
  { method: "PATCH", path: `${GROUPS}/:group`, api: "vpc", handler: updateGroup, action: `${GROUP}.update` },
  { method: "DELETE", path: `${GROUPS}/:group`, api: "vpc", handler: removeGroup, action: `${GROUP}.delete` },
  { method: "GET", path: `${GROUPS}/:group/rules`, api: "vpc", handler: listRules, action: `${GROUP}.read` },
  { method: "POST", path: `${GROUPS}/:group/rules`, api: "vpc", handler: createRule, action: `${GROUP}.update` },
  { method: "GET", path: `${GROUPS}/:group/rules/:rule`, api: "vpc", handler: getRule, action: `${GROUP}.read` },
  { method: "PATCH", path: `${GROUPS}/:group/rules/:rule`, api: "vpc", handler: updateRule, action: `${GROUP}.update` },
  {
    method: "DELETE",
    path: `${GROUPS}/:group/rules/:rule`,
    api: "vpc",
    handler: removeRule,
    action: `${GROUP}.update`,
  },
  { method: "GET", path: `${GROUPS}/:group/targets`, api: "vpc", handler: listTargets, action: `${GROUP}.read` },
  { method: "PUT", path: `${GROUPS}/:group/targets/:target`, api: "vpc", handler: bind, action: `${GROUP}.update` },
  {
    method: "DELETE",
    path: `${GROUPS}/:group/targets/:target`,
    api: "vpc",
    handler: unbind,
    action: `${GROUP}.update`,
  },
  { method: "GET", path: ACLS, api: "vpc", handler: listAcls, action: `${ACL}.list` },
  { method: "GET", path: `${ACLS}/:acl`, api: "vpc", handler: getAcl, action: `${ACL}.read` },
  { method: "PATCH", path: `${ACLS}/:acl`, api: "vpc", handler: updateAcl, action: `${ACL}.update` },
  { method: "GET", path: `${ACLS}/:acl/rules`, api: "vpc", handler: listAclRules, action: `${ACL}.read` },
  { method: "GET", path: `${ACLS}/:acl/rules/:rule`, api: "vpc", handler: getAclRule, action: `${ACL}.read` },
  { method: "DELETE", path: `${ACLS}/:acl/rules/:rule`, api: "vpc", handler: removeAclRule, action: `${ACL}.update` },
];

const ANYWHERE = { cidr_block: "0.0.0.0/0" };

/** The group that every interface gets when none is named: all out, in only from itself. */
export function defaultSecurityGroup(world: World, vpc: Vpc, seedId?: string): SecurityGroup {
  const id = seedId === undefined ? newId("r006-") : seedId.replace(/.{4}$/, "0001");
  const group: SecurityGroup = {
    ...newRow(world, "security-group", id, request.autoName(), vpc.resource_group),
    vpc: vpc.id,
    rules: [],
  };
  const rule = (direction: string, remote: JsonObject): SecurityGroup["rules"][number] => ({
    id: newId("r006-"),
    name: request.autoName(),
    direction,
    ip_version: "ipv4",
    local: ANYWHERE,
    protocol: "icmp_tcp_udp",
    remote,
  });
  group.rules.push(rule("outbound", ANYWHERE), rule("inbound", { id }));
  return put(world.state.vpc.securityGroups, group);
}

export function defaultAcl(world: World, vpc: Vpc, seedId?: string): NetworkAcl {
  const id = seedId === undefined ? newId("r006-") : seedId.replace(/.{4}$/, "0002");
  const rule = (name: string, direction: string): NetworkAcl["rules"][number] => ({
    id: newId("r006-"),
    action: "allow",
    created_at: world.clock.iso(),
    destination: "0.0.0.0/0",
    direction,
    ip_version: "ipv4",
    name,
    protocol: "icmp_tcp_udp",
    source: "0.0.0.0/0",
  });
  const acl: NetworkAcl = {
    ...newRow(world, "network-acl", id, request.autoName(), vpc.resource_group),
    vpc: vpc.id,
    rules: [rule("allow-inbound", "inbound"), rule("allow-outbound", "outbound")],
  };
  return put(world.state.vpc.networkAcls, acl);
}

function newRow(world: World, type: string, id: string, name: string, resourceGroup: string) {
  const crn = crnOf(world, world.state.account.region, type, id);
  return { id, crn, name, created_at: world.clock.iso(), resource_group: resourceGroup };
}

/** Every interface that a group protects: VNIs, and interfaces of servers that have none. */
function targetsOf(world: World, groupId: string): object[] {
  const { virtualNetworkInterfaces, instances, bareMetalServers } = world.state.vpc;
  const vnis = Object.values(virtualNetworkInterfaces)
    .filter((vni) => vni.security_groups.includes(groupId))
    .map((vni) => reference(world, "virtual_network_interfaces", vni, "virtual_network_interface"));
  const nics = [...Object.values(instances), ...Object.values(bareMetalServers)].flatMap((server) =>
    server.nics
      .filter((nic) => nic.vni === undefined && nic.security_groups.includes(groupId))
      .map((nic) => {
        const base = server.kind === "instance" ? "instances" : "bare_metal_servers";
        return reference(world, `${base}/${server.id}/network_interfaces`, nic, "network_interface");
      }),
  );
  return [...vnis, ...nics];
}

function viewRule(world: World, group: SecurityGroup, rule: SecurityGroup["rules"][number]): object {
  const remote = rule.remote as JsonObject;
  const remoteId = remote.id;
  return {
    ...rule,
    href: href(world, `security_groups/${group.id}/rules/${rule.id}`),
    remote: typeof remoteId === "string" ? securityGroupReference(world, remoteId) : remote,
  };
}

export function viewSecurityGroup(world: World, group: SecurityGroup): object {
  return {
    created_at: group.created_at,
    ...reference(world, "security_groups", group),
    resource_group: groupReference(world, group.resource_group),
    rules: group.rules.map((rule) => viewRule(world, group, rule)),
    targets: targetsOf(world, group.id),
    vpc: vpcReference(world, group.vpc),
  };
}

const needGroup = (call: Call): SecurityGroup =>
  request.need(call, call.world.state.vpc.securityGroups, "group", "security group");

function createGroup(call: Call): Reply {
  const { world } = call;
  const fields = request.body(call).only("name", "vpc", "resource_group", "rules");
  const vpc = request.identity(fields.object("vpc"), world.state.vpc.vpcs);
  const others = Object.values(world.state.vpc.securityGroups).filter((group) => group.vpc === vpc.id);
  const name = request.newName(fields, others);
  const rules = fields.objects("rules").map(readRule);
  const id = newId("r006-");
  const group = put(world.state.vpc.securityGroups, {
    ...newRow(world, "security-group", id, name, request.resourceGroup(world, fields)),
    vpc: vpc.id,
    rules,
  });
  return created(viewSecurityGroup(world, group), request.tagged(group));
}

function readRule(fields: Fields): SecurityGroup["rules"][number] {
  const protocol = fields.text("protocol");
  const remote = fields.optionalObject("remote");
  const port = (name: string): JsonObject => {
    const value = fields.integer(name, 1, 65_535);
    return value === undefined ? {} : { [name]: value };
  };
  return {
    id: newId("r006-"),
    name: fields.optionalText("name", { min: 1, max: 63, pattern: request.NAME }) ?? request.autoName(),
    direction: fields.text("direction", { oneOf: ["inbound", "outbound"] }),
    ip_version: fields.optionalText("ip_version", { oneOf: ["ipv4"] }) ?? "ipv4",
    local: fields.optionalObject("local")?.values ?? ANYWHERE,
    protocol,
    remote: remote?.values ?? ANYWHERE,
    ...(protocol === "tcp" || protocol === "udp" ? { ...port("port_min"), ...port("port_max") } : {}),
    ...(protocol === "icmp" && fields.has("type") ? { type: fields.integer("type", 0, 254) } : {}),
    ...(protocol === "icmp" && fields.has("code") ? { code: fields.integer("code", 0, 255) } : {}),
  };
}

function listGroups(call: Call): Reply {
  const { world } = call;
  const rows = request.filtered(call, Object.values(world.state.vpc.securityGroups), {
    "resource_group.id": (group) => group.resource_group,
    "vpc.id": (group) => group.vpc,
    "vpc.crn": (group) => find(world.state.vpc.vpcs, group.vpc)?.crn,
    "vpc.name": (group) => find(world.state.vpc.vpcs, group.vpc)?.name,
    name: (group) => group.name,
  });
  const may = request.mayRead<SecurityGroup>(call, "security-group", "securityGroupId");
  return ok(request.page(call, "security_groups", rows, (group) => viewSecurityGroup(world, group), may));
}

function getGroup(call: Call): Reply {
  const group = needGroup(call);
  return ok(viewSecurityGroup(call.world, group), request.tagged(group));
}

function updateGroup(call: Call): Reply {
  const group = needGroup(call);
  const others = Object.values(call.world.state.vpc.securityGroups).filter((other) => other.vpc === group.vpc);
  request.rename(request.body(call).only("name"), group, others);
  return ok(viewSecurityGroup(call.world, group), request.tagged(group));
}

function removeGroup(call: Call): Reply {
  const group = needGroup(call);
  const { vpcs, securityGroups } = call.world.state.vpc;
  const isDefault = find(vpcs, group.vpc)?.default_security_group === group.id;
  if (isDefault || targetsOf(call.world, group.id).length > 0) {
    const why = isDefault ? "is the default of its VPC" : "still protects interfaces";
    throw vpcRefusal(409, "security_group_in_use", `The security group '${group.id}' ${why}.`);
  }
  drop(securityGroups, group.id);
  return noContent;
}

function listRules(call: Call): Reply {
  const group = needGroup(call);
  return ok({ rules: group.rules.map((rule) => viewRule(call.world, group, rule)) });
}

function createRule(call: Call): Reply {
  const group = needGroup(call);
  const rule = readRule(request.body(call));
  group.rules.push(rule);
  return created(viewRule(call.world, group, rule));
}

function needRule<T extends { id: string }>(call: Call, rules: readonly T[]): T {
  return request.need(call, Object.fromEntries(rules.map((rule) => [rule.id, rule])), "rule", "rule");
}

function getRule(call: Call): Reply {
  const group = needGroup(call);
  return ok(viewRule(call.world, group, needRule(call, group.rules)));
}

function updateRule(call: Call): Reply {
  const group = needGroup(call);
  const rule = needRule(call, group.rules);
  const sent = request.body(call);
  const changed = readRule(new Fields({ ...rule, ...sent.values }, "", request.complain));
  Object.assign(rule, { ...changed, id: rule.id });
  return ok(viewRule(call.world, group, rule));
}

function removeRule(call: Call): Reply {
  const group = needGroup(call);
  const rule = needRule(call, group.rules);
  group.rules = group.rules.filter((other) => other !== rule);
  return noContent;
}

function listTargets(call: Call): Reply {
  const rows = targetsOf(call.world, needGroup(call).id) as { id: string }[];
  return ok(request.page(call, "targets", rows, (target) => target));
}

/** The list of groups of the interface that the path names, and how it is shown. */
function needTarget(call: Call): { row: { id: string; name: string; security_groups: string[] }; shown: object } {
  const { virtualNetworkInterfaces, instances, bareMetalServers } = call.world.state.vpc;
  const id = param(call, "target");
  const vni = find(virtualNetworkInterfaces, id);
  if (vni !== undefined) {
    return { row: vni, shown: reference(call.world, "virtual_network_interfaces", vni, "virtual_network_interface") };
  }
  for (const server of [...Object.values(instances), ...Object.values(bareMetalServers)]) {
    const nic = server.nics.find((item) => item.id === id && item.vni === undefined);
    const base = server.kind === "instance" ? "instances" : "bare_metal_servers";
    if (nic === undefined) continue;
    return {
      row: nic,
      shown: reference(call.world, `${base}/${server.id}/network_interfaces`, nic, "network_interface"),
    };
  }
  throw vpcRefusal(404, "not_found", `The target '${id}' was not found.`);
}

function bind(call: Call): Reply {
  const group = needGroup(call);
  const { row, shown } = needTarget(call);
  if (!row.security_groups.includes(group.id)) row.security_groups.push(group.id);
  return ok(shown);
}

function unbind(call: Call): Reply {
  const group = needGroup(call);
  const { row } = needTarget(call);
  row.security_groups = row.security_groups.filter((id) => id !== group.id);
  return noContent;
}

function viewAclRule(world: World, acl: NetworkAcl, rule: NetworkAcl["rules"][number]): object {
  return { ...rule, href: href(world, `network_acls/${acl.id}/rules/${rule.id}`) };
}

export function viewAcl(world: World, acl: NetworkAcl): object {
  return {
    created_at: acl.created_at,
    ...reference(world, "network_acls", acl),
    resource_group: groupReference(world, acl.resource_group),
    rules: acl.rules.map((rule) => viewAclRule(world, acl, rule)),
    subnets: Object.values(world.state.vpc.subnets)
      .filter((subnet) => subnet.network_acl === acl.id)
      .map((subnet) => reference(world, "subnets", subnet, "subnet")),
    vpc: vpcReference(world, acl.vpc),
  };
}

const needAcl = (call: Call): NetworkAcl => request.need(call, call.world.state.vpc.networkAcls, "acl", "network ACL");

function listAcls(call: Call): Reply {
  const rows = Object.values(call.world.state.vpc.networkAcls);
  const may = request.mayRead<NetworkAcl>(call, "network-acl", "networkAclId");
  return ok(request.page(call, "network_acls", rows, (acl) => viewAcl(call.world, acl), may));
}

function getAcl(call: Call): Reply {
  return ok(viewAcl(call.world, needAcl(call)));
}

function updateAcl(call: Call): Reply {
  const acl = needAcl(call);
  const others = Object.values(call.world.state.vpc.networkAcls).filter((other) => other.vpc === acl.vpc);
  request.rename(request.body(call).only("name"), acl, others);
  return ok(viewAcl(call.world, acl));
}

function listAclRules(call: Call): Reply {
  const acl = needAcl(call);
  return ok(request.page(call, "rules", acl.rules, (rule) => viewAclRule(call.world, acl, rule)));
}

function getAclRule(call: Call): Reply {
  const acl = needAcl(call);
  return ok(viewAclRule(call.world, acl, needRule(call, acl.rules)));
}

function removeAclRule(call: Call): Reply {
  const acl = needAcl(call);
  const rule = needRule(call, acl.rules);
  acl.rules = acl.rules.filter((other) => other !== rule);
  return noContent;
}
