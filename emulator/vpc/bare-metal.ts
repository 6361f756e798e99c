/** Bare metal servers: `/v1/bare_metal_servers`. */
import { created, noContent, ok, type Call, type Reply, type Route } from "../call";
import type { Fields } from "../fields";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { put } from "../table";
import type { World } from "../world";
import { BARE_METAL_PROFILES } from "./catalog";
import { checkNetwork, readOptions } from "./instance-prototype";
import { beginDelete, linkDefaultProfile } from "./instances";
import { attachmentReference, viewNetwork } from "./instance-view";
import { makeNic, readNetwork } from "./interfaces";
import { plan } from "./lifecycle";
import {
  crnOf,
  groupReference,
  href,
  referenceById,
  securityGroupReference,
  vpcReference,
  zoneReference,
  zonesOf,
} from "./references";
import * as request from "./request";
import * as servers from "./servers";
import { needPart } from "./instance-parts";
import type { Nic, Server } from "./store";

const PATH = "/v1/bare_metal_servers";
const ACTION = "is.bare-metal-server.bare-metal-server";
const NICS = `${PATH}/:server/network_interfaces`;
const ATTACHMENTS = `${PATH}/:server/network_attachments`;

export const bareMetalRoutes: readonly Route[] = [
  { method: "POST", path: PATH, api: "vpc", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: PATH, api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "GET", path: `${PATH}/:server`, api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: `${PATH}/:server`, api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: `${PATH}/:server`, api: "vpc", handler: remove, action: `${ACTION}.delete` },
  {
    method: "GET",
    path: `${PATH}/:server/initialization`,
    api: "vpc",
    handler: initialization,
    action: `${ACTION}.read`,
  },
  {
    method: "PUT",
    path: `${PATH}/:server/initialization`,
    api: "vpc",
    handler: reinitialize,
    action: `${ACTION}.update`,
  },
  { method: "POST", path: `${PATH}/:server/start`, api: "vpc", handler: start, action: `${ACTION}.operate` },
  { method: "POST", path: `${PATH}/:server/stop`, api: "vpc", handler: stop, action: `${ACTION}.operate` },
  { method: "POST", path: `${PATH}/:server/restart`, api: "vpc", handler: restart, action: `${ACTION}.operate` },
  { method: "GET", path: NICS, api: "vpc", handler: listNics, action: `${ACTION}.read` },
  { method: "GET", path: `${NICS}/:nic`, api: "vpc", handler: getNic, action: `${ACTION}.read` },
  { method: "GET", path: ATTACHMENTS, api: "vpc", handler: listAttachments, action: `${ACTION}.read` },
  { method: "GET", path: `${ATTACHMENTS}/:nic`, api: "vpc", handler: getAttachment, action: `${ACTION}.read` },
];

const TPM_MODES = ["disabled", "tpm_2"];

const needServer = (call: Call): Server =>
  request.need(call, call.world.state.vpc.bareMetalServers, "server", "bare metal server");

/** What a server boots from: the same block in a create call and in a re-initialisation. */
function readInitialization(
  call: Call,
  fields: Fields,
): Pick<Server, "image" | "keys" | "user_data" | "default_trusted_profile"> {
  fields.only("image", "keys", "user_data", "default_trusted_profile", "user_accounts", "type");
  const image = request.identity(fields.object("image"), call.world.state.vpc.images);
  if (!fields.has("keys")) throw fields.missing("keys");
  const keys = servers.readKeys(call, fields, image);
  if (keys.length === 0) throw fields.invalid("keys", "must have at least one entry");
  const userData = servers.readUserData(fields);
  const profile = servers.readDefaultProfile(call, fields);
  if (profile?.auto_link === true) servers.requireLinkRight(call, profile.id);
  return {
    image: image.id,
    keys,
    ...(userData === undefined ? {} : { user_data: userData }),
    ...(profile === undefined ? {} : { default_trusted_profile: profile }),
  };
}

type Settings = Pick<Server, "metadata_service" | "options" | "secure_boot" | "tpm_mode">;

const NO_SETTINGS = { options: {}, secure_boot: false, tpm_mode: "disabled" };

/** What can be said in a create call and changed later; what is not given keeps its present value. */
function readSettings(fields: Fields, present: Settings): Settings {
  const tpm = fields.optionalObject("trusted_platform_module")?.only("mode").text("mode", { oneOf: TPM_MODES });
  const bandwidth = fields.integer("bandwidth", 10_000, 100_000);
  return {
    metadata_service: servers.readMetadataService(
      fields.optionalObject("metadata_service"),
      present.metadata_service,
      "bare_metal_server",
    ),
    options: { ...readOptions(fields, present.options), ...(bandwidth === undefined ? {} : { bandwidth }) },
    secure_boot: fields.flag("enable_secure_boot") ?? present.secure_boot,
    tpm_mode: tpm ?? present.tpm_mode,
  };
}

function create(call: Call): Reply {
  const { world } = call;
  const state = world.state.vpc;
  const fields = request.body(call);
  fields.only(
    "initialization",
    "profile",
    "zone",
    "primary_network_attachment",
    "network_attachments",
    "primary_network_interface",
    "network_interfaces",
    "metadata_service",
    "trusted_platform_module",
    "enable_secure_boot",
    "bandwidth",
    "name",
    "resource_group",
    "reservation_affinity",
    "vpc",
  );
  const wanted = readInitialization(call, fields.object("initialization"));
  const profile = servers.nameOf(fields.object("profile"), BARE_METAL_PROFILES.keys());
  const zone = servers.nameOf(fields.object("zone"), zonesOf(world));
  const settings = readSettings(fields, { metadata_service: servers.DEFAULT_METADATA, ...NO_SETTINGS });
  const network = readNetwork(world, fields);
  const vpcId = checkNetwork(fields, network, zone);
  const name = request.newName(fields, Object.values(state.bareMetalServers));
  const id = newId("0717-");
  const row: Server = {
    id,
    kind: "bare_metal_server",
    crn: crnOf(world, zone, "bare-metal-server", id),
    name,
    created_at: world.clock.iso(),
    resource_group: request.resourceGroup(world, fields),
    vpc: vpcId,
    zone,
    profile,
    ...wanted,
    status: "pending",
    lifecycle_state: "pending",
    status_reasons: [],
    lifecycle_reasons: [],
    ...settings,
    active_metadata: settings.metadata_service,
    network: network.kind,
    nics: [],
    volumes: [],
  };
  for (const nic of network.nics) row.nics.push(makeNic(world, nic, row));
  put(state.bareMetalServers, row);
  linkDefaultProfile(world, row);
  const { provisionSeconds } = world.settings;
  plan(world, "bareMetalServers", id, [
    [provisionSeconds / 2, "starting"],
    [provisionSeconds, "running"],
  ]);
  return created(view(world, row), request.tagged(row));
}

function view(world: World, row: Server): object {
  const profile = BARE_METAL_PROFILES.get(row.profile);
  const { enabled, protocol } = row.metadata_service;
  return {
    bandwidth: row.options.bandwidth ?? profile?.bandwidthMbps ?? 100_000,
    boot_target: {
      href: href(world, `bare_metal_servers/${row.id}/disks/boot`),
      id: "boot",
      name: "boot",
      resource_type: "bare_metal_server_disk",
    },
    cpu: { architecture: "amd64", core_count: (profile?.vcpu ?? 96) / 2, socket_count: 2, threads_per_core: 2 },
    created_at: row.created_at,
    crn: row.crn,
    disks: [],
    enable_secure_boot: row.secure_boot,
    firmware: { update: "none" },
    health_reasons: [],
    health_state: row.status === "running" ? "ok" : "inapplicable",
    href: href(world, `bare_metal_servers/${row.id}`),
    id: row.id,
    lifecycle_reasons: row.lifecycle_reasons,
    lifecycle_state: row.lifecycle_state,
    memory: profile?.memoryGib ?? 384,
    metadata_service: { enabled, protocol },
    name: row.name,
    ...viewNetwork(world, row),
    profile: {
      href: href(world, `bare_metal_server/profiles/${row.profile}`),
      name: row.profile,
      resource_type: "bare_metal_server_profile",
    },
    reservation_affinity: {
      policy: "disabled",
      pool: [],
      ...(row.options.reservation_affinity as object | undefined),
    },
    resource_group: groupReference(world, row.resource_group),
    resource_type: "bare_metal_server",
    status: row.status,
    status_reasons: row.status_reasons,
    trusted_platform_module: {
      enabled: row.tpm_mode !== "disabled",
      mode: row.tpm_mode,
      supported_modes: TPM_MODES,
    },
    vpc: vpcReference(world, row.vpc),
    zone: zoneReference(world, row.zone),
  };
}

function list(call: Call): Reply {
  const { world } = call;
  const rows = request.filtered(call, Object.values(world.state.vpc.bareMetalServers), {
    "resource_group.id": (row) => row.resource_group,
    name: (row) => row.name,
    "vpc.id": (row) => row.vpc,
  });
  const may = request.mayRead<Server>(call, "bare-metal-server", "bareMetalServerId", (row) => ({ vpcId: row.vpc }));
  return ok(request.page(call, "bare_metal_servers", rows, (row) => view(world, row), may));
}

function get(call: Call): Reply {
  const row = needServer(call);
  return ok(view(call.world, row), request.tagged(row));
}

function update(call: Call): Reply {
  const row = needServer(call);
  const { world } = call;
  request.checkIfMatch(call, row);
  const fields = request
    .body(call)
    .only(
      "bandwidth",
      "enable_secure_boot",
      "metadata_service",
      "name",
      "reservation_affinity",
      "trusted_platform_module",
    );
  for (const name of ["enable_secure_boot", "trusted_platform_module"]) {
    if (fields.has(name)) requireState(row, ["stopped"], `change '${name}' of`);
  }
  const settings = readSettings(fields, row);
  request.rename(fields, row, Object.values(world.state.vpc.bareMetalServers));
  Object.assign(row, settings);
  if (!world.settings.strictMetadataSwitch) row.active_metadata = settings.metadata_service;
  return ok(view(world, row), request.tagged(row));
}

function requireState(row: Server, allowed: readonly string[], doing: string): void {
  if (allowed.includes(row.status)) return;
  throw vpcRefusal(409, "invalid_state", `Cannot ${doing} the server '${row.id}' while it is ${row.status}.`);
}

function remove(call: Call): Reply {
  const row = needServer(call);
  requireState(row, ["stopped", "failed"], "delete");
  beginDelete(call.world, row);
  return { status: 202 };
}

function initialization(call: Call): Reply {
  const row = needServer(call);
  return ok(viewInitialization(call.world, row));
}

function viewInitialization(world: World, row: Server): object {
  return {
    ...servers.viewDefaultProfile(row),
    image: referenceById(world, "images", world.state.vpc.images, row.image, "image"),
    keys: row.keys.map((key) => servers.keyReference(world, key)),
    user_accounts: [],
  };
}

/** Replaces the system: the old default profile is unlinked only when the server is deleted, as its links are IAM's. */
function reinitialize(call: Call): Reply {
  const row = needServer(call);
  requireState(row, ["stopped"], "initialise");
  const wanted = readInitialization(call, request.body(call));
  for (const name of ["user_data", "default_trusted_profile"] as const) Reflect.deleteProperty(row, name);
  Object.assign(row, wanted);
  row.status = "reinitializing";
  linkDefaultProfile(call.world, row);
  const { provisionSeconds } = call.world.settings;
  plan(call.world, "bareMetalServers", row.id, [[provisionSeconds, "running"]], true);
  return { status: 202, body: viewInitialization(call.world, row) };
}

function move(call: Call, row: Server, from: string, via: string, to: string): Reply {
  requireState(row, [from], to === "stopped" ? "stop" : via === "restarting" ? "restart" : "start");
  row.status = via;
  plan(call.world, "bareMetalServers", row.id, [[call.world.settings.actionSeconds, to]], true);
  return noContent;
}

function start(call: Call): Reply {
  const row = needServer(call);
  row.active_metadata = row.metadata_service;
  return move(call, row, "stopped", "starting", "running");
}

function stop(call: Call): Reply {
  const row = needServer(call);
  request
    .body(call)
    .only("type")
    .text("type", { oneOf: ["hard", "soft"] });
  return move(call, row, "running", "stopping", "stopped");
}

function restart(call: Call): Reply {
  return move(call, needServer(call), "running", "restarting", "running");
}

function viewNic(world: World, row: Server, nic: Nic): object {
  const nics = viewNetwork(world, row).network_interfaces as { id: string }[];
  return {
    ...nics.find((item) => item.id === nic.id),
    allow_ip_spoofing: nic.allow_ip_spoofing,
    allowed_vlans: [],
    created_at: nic.created_at,
    enable_infrastructure_nat: true,
    floating_ips: [],
    interface_type: "pci",
    mac_address: "02:00:04:00:C4:6B",
    port_speed: 100_000,
    security_groups: nic.security_groups.map((id) => securityGroupReference(world, id)),
    status: "available",
    type: nic === row.nics[0] ? "primary" : "secondary",
  };
}

function listNics(call: Call): Reply {
  const row = needServer(call);
  return ok(request.page(call, "network_interfaces", row.nics, (nic) => viewNic(call.world, row, nic)));
}

function getNic(call: Call): Reply {
  const row = needServer(call);
  return ok(viewNic(call.world, row, needPart(call, row.nics, "nic", "network interface")));
}

function viewAttachment(world: World, row: Server, nic: Nic): object {
  return {
    ...attachmentReference(world, row, nic),
    allowed_vlans: [],
    created_at: nic.created_at,
    interface_type: "pci",
    lifecycle_state: "stable",
    port_speed: 100_000,
    type: nic === row.nics[0] ? "primary" : "secondary",
  };
}

const attachmentsOf = (row: Server): Nic[] => (row.network === "attachment" ? row.nics : []);

function listAttachments(call: Call): Reply {
  const row = needServer(call);
  return ok(
    request.page(call, "network_attachments", attachmentsOf(row), (nic) => viewAttachment(call.world, row, nic)),
  );
}

function getAttachment(call: Call): Reply {
  const row = needServer(call);
  return ok(viewAttachment(call.world, row, needPart(call, attachmentsOf(row), "nic", "network attachment")));
}
