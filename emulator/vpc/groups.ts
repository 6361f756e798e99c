/** Instance groups: `/v1/instance_groups`. Scaling makes and deletes real members. */
import { created, noContent, ok, type Call, type Reply, type Route } from "../call";
import { Fields, isObject, type JsonObject } from "../fields";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { find, put } from "../table";
import type { World } from "../world";
import { readInstance } from "./instance-prototype";
import { beginDelete, makeInstance } from "./instances";
import { needPart } from "./instance-parts";
import { plan } from "./lifecycle";
import { crnOf, groupReference, href, reference, referenceById, subnetReference, vpcReference } from "./references";
import * as request from "./request";
import type { InstanceGroup, Subnet, Template } from "./store";

const PATH = "/v1/instance_groups";
const ACTION = "is.instance-group.instance-group";
const MEMBERS = `${PATH}/:scaling/memberships`;
const MAX_MEMBERS = 1000;

export const groupRoutes: readonly Route[] = [
  { method: "POST", path: PATH, api: "vpc", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: PATH, api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "GET", path: `${PATH}/:scaling`, api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: `${PATH}/:scaling`, api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: `${PATH}/:scaling`, api: "vpc", handler: remove, action: `${ACTION}.delete` },
  { method: "GET", path: MEMBERS, api: "vpc", handler: listMembers, action: `${ACTION}.read` },
  { method: "GET", path: `${MEMBERS}/:member`, api: "vpc", handler: getMember, action: `${ACTION}.read` },
  { method: "DELETE", path: `${MEMBERS}/:member`, api: "vpc", handler: removeMember, action: `${ACTION}.update` },
  { method: "DELETE", path: MEMBERS, api: "vpc", handler: removeMembers, action: `${ACTION}.update` },
  { method: "GET", path: `${PATH}/:scaling/managers`, api: "vpc", handler: listManagers, action: `${ACTION}.read` },
];

function create(call: Call): Reply {
  const { world } = call;
  const state = world.state.vpc;
  const fields = request.body(call);
  fields.only(
    "instance_template",
    "subnets",
    "application_port",
    "load_balancer",
    "load_balancer_pool",
    "membership_count",
    "name",
    "resource_group",
  );
  for (const name of ["load_balancer", "load_balancer_pool"]) {
    if (fields.has(name)) throw fields.invalid(name, "is not supported by the emulator");
  }
  const template = readTemplate(fields, world);
  const subnets = readSubnets(fields, world);
  const port = fields.integer("application_port", 1, 65_535);
  const count = fields.integer("membership_count", 0, MAX_MEMBERS) ?? 0;
  const name = request.newName(fields, Object.values(state.instanceGroups));
  const id = newId("r006-");
  const now = world.clock.iso();
  const row: InstanceGroup = {
    id,
    crn: crnOf(world, world.state.account.region, "instance-group", id),
    name,
    created_at: now,
    updated_at: now,
    resource_group: request.resourceGroup(world, fields),
    template: template.id,
    subnets: subnets.map((subnet) => subnet.id),
    membership_count: 0,
    ...(port === undefined ? {} : { application_port: port }),
    vpc: subnets[0]?.vpc ?? "",
    status: "healthy",
    memberships: [],
  };
  put(state.instanceGroups, row);
  scale(call, row, count);
  return created(view(world, row), request.tagged(row));
}

/** Members of a group are linked by a claim rule, so their template must not link each of them by itself. */
function readTemplate(fields: Fields, world: World): Template {
  const given = fields.object("instance_template");
  const template = request.identity(given, world.state.vpc.templates);
  const profile = template.prototype.default_trusted_profile;
  if (isObject(profile) && profile.auto_link === true) {
    throw vpcRefusal(400, "bad_field", "The template must not have 'default_trusted_profile.auto_link' set to true.", {
      name: "instance_template",
      type: "field",
      value: template.id,
    });
  }
  return template;
}

function readSubnets(fields: Fields, world: World): Subnet[] {
  const subnets = fields.objects("subnets").map((item) => request.identity(item, world.state.vpc.subnets));
  if (subnets.length === 0) throw fields.missing("subnets");
  if (subnets.some((subnet) => subnet.vpc !== subnets[0]?.vpc)) throw fields.invalid("subnets", "must be in one VPC");
  return subnets;
}

/** Brings the number of members to `count`: new ones take turns over the subnets, the youngest go first. */
function scale(call: Call, row: InstanceGroup, count: number): void {
  const { world } = call;
  const { templates, instances } = world.state.vpc;
  const template = find(templates, row.template);
  while (row.memberships.length < count && template !== undefined) {
    const subnet = find(world.state.vpc.subnets, row.subnets[row.memberships.length % row.subnets.length] ?? "");
    if (subnet === undefined) break;
    const name = `${row.name.slice(0, 40)}-${request.autoName().split("-").slice(2).join("-")}`;
    const prototype = memberPrototype(template, subnet, name);
    const wanted = readInstance(call, new Fields(prototype, "", request.complain), Object.values(instances));
    const server = makeInstance(call, wanted, row.id);
    row.memberships.push({
      id: newId("r006-"),
      name,
      instance: server.id,
      created_at: server.created_at,
      template: template.id,
    });
  }
  for (const membership of row.memberships.slice(count)) {
    const server = find(instances, membership.instance);
    if (server !== undefined) beginDelete(world, server);
  }
  const changed = row.membership_count !== count;
  row.memberships = row.memberships.slice(0, count);
  row.membership_count = count;
  row.updated_at = world.clock.iso();
  if (!changed) return;
  row.status = "scaling";
  plan(world, "instanceGroups", row.id, [[world.settings.provisionSeconds, "healthy"]], true);
}

/** The template's prototype, moved to a subnet of the group. */
function memberPrototype(template: Template, subnet: Subnet, name: string): JsonObject {
  const prototype: JsonObject = { ...template.prototype, name, zone: { name: subnet.zone } };
  const nic = prototype.primary_network_interface;
  const attachment = prototype.primary_network_attachment;
  const moved = (value: JsonObject): JsonObject => {
    const copy: JsonObject = { ...value, subnet: { id: subnet.id } };
    for (const own of ["primary_ip", "name", "ips"]) Reflect.deleteProperty(copy, own);
    return copy;
  };
  if (isObject(nic)) prototype.primary_network_interface = moved(nic);
  if (isObject(attachment) && isObject(attachment.virtual_network_interface)) {
    prototype.primary_network_attachment = {
      virtual_network_interface: moved(attachment.virtual_network_interface),
    };
  }
  return prototype;
}

function view(world: World, row: InstanceGroup): object {
  const state = world.state.vpc;
  const { id, name } = find(state.templates, row.template) ?? { id: row.template, name: row.template };
  return {
    ...(row.application_port === undefined ? {} : { application_port: row.application_port }),
    created_at: row.created_at,
    crn: row.crn,
    href: href(world, `instance_groups/${row.id}`),
    id: row.id,
    instance_template: referenceById(world, "instance/templates", { [id]: { id, name } }, id),
    managers: [],
    membership_count: row.membership_count,
    name: row.name,
    resource_group: groupReference(world, row.resource_group),
    status: row.status,
    subnets: row.subnets.map((subnet) => subnetReference(world, subnet)),
    updated_at: row.updated_at,
    vpc: vpcReference(world, row.vpc),
  };
}

const needGroup = (call: Call): InstanceGroup =>
  request.need(call, call.world.state.vpc.instanceGroups, "scaling", "instance group");

function list(call: Call): Reply {
  const rows = Object.values(call.world.state.vpc.instanceGroups);
  const may = request.mayRead<InstanceGroup>(call, "instance-group", "instanceGroupId", (row) => ({ vpcId: row.vpc }));
  return ok(request.page(call, "instance_groups", rows, (row) => view(call.world, row), may));
}

function get(call: Call): Reply {
  const row = needGroup(call);
  return ok(view(call.world, row), request.tagged(row));
}

function update(call: Call): Reply {
  const row = needGroup(call);
  const { world } = call;
  refuseDeleting(row);
  const fields = request
    .body(call)
    .only(
      "name",
      "membership_count",
      "instance_template",
      "subnets",
      "application_port",
      "load_balancer",
      "load_balancer_pool",
    );
  const count = fields.integer("membership_count", 0, MAX_MEMBERS);
  const template = fields.has("instance_template") ? readTemplate(fields, world).id : row.template;
  const subnets = fields.has("subnets") ? readSubnets(fields, world).map((subnet) => subnet.id) : row.subnets;
  const port = fields.integer("application_port", 1, 65_535);
  request.rename(fields, row, Object.values(world.state.vpc.instanceGroups));
  Object.assign(row, { template, subnets, ...(port === undefined ? {} : { application_port: port }) });
  row.updated_at = world.clock.iso();
  if (count !== undefined) scale(call, row, count);
  return ok(view(world, row), request.tagged(row));
}

function refuseDeleting(row: InstanceGroup): void {
  if (row.status !== "deleting") return;
  throw vpcRefusal(409, "invalid_state", `The instance group '${row.id}' is being deleted.`);
}

function remove(call: Call): Reply {
  const row = needGroup(call);
  refuseDeleting(row);
  scale(call, row, 0);
  row.status = "deleting";
  plan(call.world, "instanceGroups", row.id, [[call.world.settings.deleteSeconds, "gone"]], true);
  return noContent;
}

type Membership = InstanceGroup["memberships"][number];

function viewMember(world: World, row: InstanceGroup, member: Membership): object {
  const state = world.state.vpc;
  const server = find(state.instances, member.instance);
  const madeFrom = member.template ?? row.template;
  const template = find(state.templates, madeFrom);
  return {
    created_at: member.created_at,
    delete_instance_on_membership_delete: true,
    href: href(world, `instance_groups/${row.id}/memberships/${member.id}`),
    id: member.id,
    instance: reference(world, "instances", server ?? { id: member.instance, name: member.name }),
    instance_template: reference(
      world,
      "instance/templates",
      template === undefined ? { id: madeFrom, name: madeFrom } : { ...template },
    ),
    name: member.name,
    status:
      server?.status === "running"
        ? "healthy"
        : ["deleting", "failed"].includes(server?.status ?? "")
          ? server?.status
          : "pending",
    updated_at: row.updated_at,
  };
}

function listMembers(call: Call): Reply {
  const row = needGroup(call);
  return ok(request.page(call, "memberships", row.memberships, (member) => viewMember(call.world, row, member)));
}

function getMember(call: Call): Reply {
  const row = needGroup(call);
  return ok(viewMember(call.world, row, needPart(call, row.memberships, "member", "membership")));
}

function removeMember(call: Call): Reply {
  const row = needGroup(call);
  const member = needPart(call, row.memberships, "member", "membership");
  row.memberships = [...row.memberships.filter((other) => other !== member), member];
  scale(call, row, row.memberships.length - 1);
  return noContent;
}

function removeMembers(call: Call): Reply {
  scale(call, needGroup(call), 0);
  return noContent;
}

function listManagers(call: Call): Reply {
  needGroup(call);
  return ok(request.page(call, "managers", [], (row: { id: string }) => row));
}
