/** Virtual servers: `/v1/instances`. */
import { created, noContent, ok, type Call, type Reply, type Route } from "../call";
import { findProfile } from "../iam/linked";
import { autoLink } from "../iam/links";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { find, put } from "../table";
import type { World } from "../world";
import { INSTANCE_PROFILES } from "./catalog";
import { readInstance, readOptions, withTemplate, type InstancePlan } from "./instance-prototype";
import { viewInstance } from "./instance-view";
import { makeNic } from "./interfaces";
import { plan } from "./lifecycle";
import { crnOf, href } from "./references";
import * as request from "./request";
import { keyReference, nameOf, readMetadataService, requireLinkRight, viewDefaultProfile } from "./servers";
import type { Server } from "./store";
import { attachVolume } from "./volumes";

const ACTION = "is.instance.instance";
const PATH = "/v1/instances";

export const instanceRoutes: readonly Route[] = [
  { method: "POST", path: PATH, api: "vpc", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: PATH, api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "GET", path: `${PATH}/:instance`, api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: `${PATH}/:instance`, api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: `${PATH}/:instance`, api: "vpc", handler: remove, action: `${ACTION}.delete` },
  {
    method: "GET",
    path: `${PATH}/:instance/initialization`,
    api: "vpc",
    handler: initialization,
    action: `${ACTION}.read`,
  },
  { method: "POST", path: `${PATH}/:instance/actions`, api: "vpc", handler: act, action: `${ACTION}.operate` },
];

export const needInstance = (call: Call): Server =>
  request.need(call, call.world.state.vpc.instances, "instance", "instance");

function create(call: Call): Reply {
  const { world } = call;
  const fields = withTemplate(world, request.body(call));
  const wanted = readInstance(call, fields, Object.values(world.state.vpc.instances));
  const row = makeInstance(call, wanted);
  return created(viewInstance(world, row), request.tagged(row));
}

/** Makes a server of a prototype; it is linked to its default profile before it first boots. */
export function makeInstance(call: Call, wanted: InstancePlan, instanceGroup?: string): Server {
  const { world } = call;
  if (wanted.defaultProfile?.auto_link === true) requireLinkRight(call, wanted.defaultProfile.id);
  const id = newId("0717_");
  const row: Server = {
    id,
    kind: "instance",
    crn: crnOf(world, wanted.zone, "instance", id),
    name: wanted.name,
    created_at: world.clock.iso(),
    resource_group: wanted.resourceGroup,
    vpc: wanted.vpc,
    zone: wanted.zone,
    profile: wanted.profile,
    image: wanted.image,
    status: "pending",
    lifecycle_state: "pending",
    status_reasons: [],
    lifecycle_reasons: [],
    metadata_service: wanted.metadataService,
    active_metadata: wanted.metadataService,
    ...(wanted.defaultProfile === undefined ? {} : { default_trusted_profile: wanted.defaultProfile }),
    keys: wanted.keys,
    ...(wanted.userData === undefined ? {} : { user_data: wanted.userData }),
    network: wanted.network.kind,
    nics: [],
    volumes: [],
    options: wanted.options,
    ...(instanceGroup === undefined ? {} : { instance_group: instanceGroup }),
    secure_boot: wanted.secureBoot,
    tpm_mode: "disabled",
  };
  for (const nic of wanted.network.nics) row.nics.push(makeNic(world, nic, row));
  for (const volume of [wanted.bootVolume, ...wanted.dataVolumes]) row.volumes.push(attachVolume(world, volume, row));
  put(world.state.vpc.instances, row);
  linkDefaultProfile(world, row);
  const { provisionSeconds } = world.settings;
  plan(world, "instances", id, [
    [provisionSeconds / 2, "starting"],
    [provisionSeconds, "running"],
  ]);
  return row;
}

export function linkDefaultProfile(world: World, server: Server): void {
  const wanted = server.default_trusted_profile;
  const profile = wanted?.auto_link === true ? findProfile(world, wanted.id) : undefined;
  if (profile !== undefined) autoLink(world, profile, server.kind === "instance" ? "VSI" : "BMS", server.crn);
}

function list(call: Call): Reply {
  const { world } = call;
  const { vpcs, instanceGroups } = world.state.vpc;
  const rows = request.filtered(call, Object.values(world.state.vpc.instances), {
    "resource_group.id": (row) => row.resource_group,
    name: (row) => row.name,
    "vpc.id": (row) => row.vpc,
    "vpc.crn": (row) => find(vpcs, row.vpc)?.crn,
    "vpc.name": (row) => find(vpcs, row.vpc)?.name,
    "instance_group_membership.instance_group.id": (row) => row.instance_group,
    "instance_group_membership.instance_group.crn": (row) => find(instanceGroups, row.instance_group ?? "")?.crn,
    "instance_group_membership.instance_group.name": (row) => find(instanceGroups, row.instance_group ?? "")?.name,
  });
  const may = request.mayRead<Server>(call, "instance", "instanceId", (row) => ({ vpcId: row.vpc }));
  return ok(request.page(call, "instances", rows, (row) => viewInstance(world, row), may));
}

function get(call: Call): Reply {
  const row = needInstance(call);
  return ok(viewInstance(call.world, row), request.tagged(row));
}

/** Settings that can only change while the server is down. */
const WHILE_STOPPED = ["profile", "enable_secure_boot", "confidential_compute_mode", "volume_bandwidth_qos_mode"];

function update(call: Call): Reply {
  const row = needInstance(call);
  const { world } = call;
  request.checkIfMatch(call, row);
  const fields = request
    .body(call)
    .only(
      "name",
      "metadata_service",
      "availability",
      "availability_policy",
      "placement_target",
      "profile",
      "reservation_affinity",
      "total_volume_bandwidth",
      "vcpu",
      "confidential_compute_mode",
      "enable_secure_boot",
      "volume_bandwidth_qos_mode",
      "threads_per_core",
    );
  const needsStop = WHILE_STOPPED.find((name) => fields.has(name));
  if (needsStop !== undefined && row.status !== "stopped" && row.status !== "stopping") {
    throw vpcRefusal(409, "invalid_state", `'${needsStop}' can only change while the instance is stopped.`, {
      name: needsStop,
      type: "field",
    });
  }
  const metadata = readMetadataService(fields.optionalObject("metadata_service"), row.metadata_service, "instance");
  const profile = fields.optionalObject("profile");
  const profileName = profile === undefined ? row.profile : nameOf(profile, INSTANCE_PROFILES.keys());
  const options = readOptions(fields, row.options);
  const secureBoot = fields.flag("enable_secure_boot") ?? row.secure_boot;
  request.rename(fields, row, Object.values(world.state.vpc.instances));
  Object.assign(row, { metadata_service: metadata, profile: profileName, options, secure_boot: secureBoot });
  if (!world.settings.strictMetadataSwitch) row.active_metadata = metadata;
  return ok(viewInstance(world, row), request.tagged(row));
}

const DELETABLE = ["running", "stopped", "failed"];

function remove(call: Call): Reply {
  const row = needInstance(call);
  request.checkIfMatch(call, row);
  if (!DELETABLE.includes(row.status)) {
    throw vpcRefusal(
      409,
      "instance_delete_conflict",
      `The instance '${row.id}' cannot be deleted: it is ${row.status}.`,
    );
  }
  beginDelete(call.world, row);
  return noContent;
}

/** The server is `deleting` at once and gone a little later. */
export function beginDelete(world: World, row: Server): void {
  row.status = "deleting";
  row.lifecycle_state = "deleting";
  const table = row.kind === "instance" ? "instances" : "bareMetalServers";
  plan(world, table, row.id, [[world.settings.deleteSeconds, "gone"]], true);
}

function initialization(call: Call): Reply {
  const row = needInstance(call);
  return ok({ ...viewDefaultProfile(row), keys: row.keys.map((key) => keyReference(call.world, key)) });
}

/** What each action needs and brings: the states on the way, the last one stays. */
const ACTIONS: Readonly<Record<string, { from: string; via: string; to: string }>> = {
  start: { from: "stopped", via: "starting", to: "running" },
  stop: { from: "running", via: "stopping", to: "stopped" },
  reboot: { from: "running", via: "restarting", to: "running" },
};

function act(call: Call): Reply {
  const row = needInstance(call);
  const fields = request.body(call).only("type", "force");
  const type = fields.text("type", { oneOf: Object.keys(ACTIONS) });
  const force = fields.flag("force");
  const action = ACTIONS[type];
  if (row.status !== action?.from) {
    throw vpcRefusal(409, "invalid_state", `The instance '${row.id}' is ${row.status}; it cannot ${type}.`, {
      name: "type",
      type: "field",
      value: type,
    });
  }
  const { world } = call;
  const now = world.clock.iso();
  row.status = action.via;
  plan(world, "instances", row.id, [[world.settings.actionSeconds, action.to]], true);
  const id = newId("");
  return created({
    created_at: now,
    ...(force === undefined ? {} : { force }),
    href: href(world, `instances/${row.id}/actions/${id}`),
    id,
    started_at: now,
    status: "running",
    type,
  });
}
