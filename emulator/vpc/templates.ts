/** Instance templates: `/v1/instance/templates`. They repeat the prototype they were made from. */
import { created, noContent, ok, type Call, type Reply, type Route } from "../call";
import type { JsonObject } from "../fields";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { drop, put } from "../table";
import type { World } from "../world";
import { readInstance, withTemplate } from "./instance-prototype";
import { crnOf, groupReference, href } from "./references";
import * as request from "./request";
import type { Template } from "./store";

const PATH = "/v1/instance/templates";
const ACTION = "is.instance-template.instance-template";

export const templateRoutes: readonly Route[] = [
  { method: "POST", path: PATH, api: "vpc", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: PATH, api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "GET", path: `${PATH}/:template`, api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: `${PATH}/:template`, api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: `${PATH}/:template`, api: "vpc", handler: remove, action: `${ACTION}.delete` },
];

function create(call: Call): Reply {
  const { world } = call;
  const fields = withTemplate(world, request.body(call));
  const wanted = readInstance(call, fields, Object.values(world.state.vpc.templates));
  const id = newId("0717-");
  const profile = wanted.defaultProfile;
  const prototype: JsonObject = {
    ...fields.values,
    name: wanted.name,
    metadata_service: wanted.metadataService,
    ...(profile === undefined
      ? {}
      : { default_trusted_profile: { auto_link: profile.auto_link, target: { id: profile.id } } }),
  };
  const row: Template = put(world.state.vpc.templates, {
    id,
    crn: crnOf(world, world.state.account.region, "instance-template", id),
    name: wanted.name,
    created_at: world.clock.iso(),
    resource_group: wanted.resourceGroup,
    prototype,
  });
  return created(view(world, row), request.tagged(row));
}

const INTERFACES = ["primary_network_interface", "primary_network_attachment"];

function view(world: World, row: Template): object {
  const shown: JsonObject = { ...row.prototype };
  for (const name of INTERFACES) {
    const primary = shown[name] as JsonObject | undefined;
    if (primary !== undefined) shown[name] = { name: "eth0", ...primary };
  }
  const profile = shown.default_trusted_profile as { auto_link: boolean; target: { id: string } } | undefined;
  const known = profile === undefined ? undefined : world.state.iam.profiles[profile.target.id];
  return {
    ...shown,
    ...(profile === undefined
      ? {}
      : { default_trusted_profile: { ...profile, target: { ...profile.target, ...(known && { crn: known.crn }) } } }),
    created_at: row.created_at,
    crn: row.crn,
    href: href(world, `instance/templates/${row.id}`),
    id: row.id,
    name: row.name,
    resource_group: groupReference(world, row.resource_group),
  };
}

const needTemplate = (call: Call): Template =>
  request.need(call, call.world.state.vpc.templates, "template", "instance template");

function list(call: Call): Reply {
  const rows = Object.values(call.world.state.vpc.templates);
  const may = request.mayRead<Template>(call, "instance-template", "instanceTemplateId");
  return ok(request.page(call, "templates", rows, (row) => view(call.world, row), may));
}

function get(call: Call): Reply {
  const row = needTemplate(call);
  return ok(view(call.world, row), request.tagged(row));
}

function update(call: Call): Reply {
  const row = needTemplate(call);
  request.rename(request.body(call).only("name"), row, Object.values(call.world.state.vpc.templates));
  row.prototype.name = row.name;
  return ok(view(call.world, row), request.tagged(row));
}

function remove(call: Call): Reply {
  const row = needTemplate(call);
  const { instanceGroups, templates } = call.world.state.vpc;
  if (Object.values(instanceGroups).some((group) => group.template === row.id)) {
    throw vpcRefusal(409, "instance_template_in_use", `The template '${row.id}' is used by an instance group.`);
  }
  drop(templates, row.id);
  return noContent;
}
