/** The metadata service: what a virtual server may read about itself. */
import { ok, type Call, type Reply, type Route } from "../call";
import { vpcRefusal } from "../refusal";
import { find } from "../table";
import { viewInstance } from "../vpc/instance-view";
import { viewAttachment, viewNic, viewVolumeAttachment } from "../vpc/instance-parts";
import { keyReference, viewDefaultProfile } from "../vpc/servers";
import type { Server } from "../vpc/store";
import { authenticatedServer } from "./gate";

const ROOT = "/metadata/v1";

/** The lists of a server: where they are, how they are called, and their entries. */
const LISTS: Readonly<Record<string, (call: Call, server: Server) => readonly { id: string }[]>> = {
  "instance/network_interfaces": (call, server) => server.nics.map((nic) => row(viewNic(call.world, server, nic))),
  "instance/network_attachments": (call, server) =>
    server.network === "attachment" ? server.nics.map((nic) => row(viewAttachment(call.world, server, nic))) : [],
  "instance/volume_attachments": (call, server) =>
    server.volumes.map((item) => row(viewVolumeAttachment(call.world, server, item))),
  "instance/cluster_network_attachments": () => [],
  "instance/software_attachments": () => [],
  virtual_network_interfaces: virtualNetworkInterfaces,
  keys: (call, server) => server.keys.map((key) => fullKey(call, key)),
  placement_groups: () => [],
};

export const metadataRoutes: readonly Route[] = [
  { method: "GET", path: `${ROOT}/instance`, api: "instance", handler: instance },
  { method: "GET", path: `${ROOT}/instance/initialization`, api: "instance", handler: initialization },
  ...Object.keys(LISTS).flatMap((path): Route[] => [
    { method: "GET", path: `${ROOT}/${path}`, api: "instance", handler: (call) => list(call, path) },
    { method: "GET", path: `${ROOT}/${path}/:id`, api: "instance", handler: (call) => one(call, path) },
  ]),
];

const row = (view: object): { id: string } => view as { id: string };

/** Metadata references have no href. */
function withoutHrefs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHrefs);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== "href")
      .map(([name, item]) => [name, withoutHrefs(item)]),
  );
}

/** The calling virtual server; the published paths are for virtual servers only. */
function caller(call: Call): Server {
  const server = authenticatedServer(call);
  if (server.kind !== "instance") throw vpcRefusal(404, "not_found", "Bare metal servers have no metadata here.");
  return server;
}

function instance(call: Call): Reply {
  const view = viewInstance(call.world, caller(call)) as Record<string, unknown>;
  Reflect.deleteProperty(view, "resource_group");
  const vcpu = { ...(view.vcpu as object), manufacturer: "" };
  return ok(withoutHrefs({ ...view, vcpu }));
}

function initialization(call: Call): Reply {
  const server = caller(call);
  return ok(
    withoutHrefs({
      ...viewDefaultProfile(server),
      keys: server.keys.map((key) => keyReference(call.world, key)),
      ...(server.user_data === undefined ? {} : { user_data: server.user_data }),
    }),
  );
}

function rowsOf(call: Call, path: string): readonly { id: string }[] {
  return (LISTS[path]?.(call, caller(call)) ?? []).map((item) => row(withoutHrefs(item) as object));
}

function list(call: Call, path: string): Reply {
  return ok({ [path.split("/").at(-1) ?? path]: rowsOf(call, path) });
}

function one(call: Call, path: string): Reply {
  const id = call.params.id ?? "";
  const found = rowsOf(call, path).find((item) => item.id === id);
  if (found !== undefined) return ok(found);
  throw vpcRefusal(404, "not_found", `'${id.slice(0, 200)}' does not belong to this server.`, {
    name: "id",
    type: "parameter",
    value: id.slice(0, 200),
  });
}

function fullKey(call: Call, copy: Server["keys"][number]): { id: string } {
  const key = find(call.world.state.vpc.keys, copy.id);
  if (key === undefined) return copy;
  const { id, crn, name, fingerprint, length, type, created_at } = key;
  const public_key = key.public_key.trim().split(/\s+/).slice(0, 2).join(" ");
  return row({ created_at, crn, fingerprint, id, length, name, public_key, type });
}

function virtualNetworkInterfaces(call: Call, server: Server): readonly { id: string }[] {
  const { virtualNetworkInterfaces: table, reservedIps, subnets } = call.world.state.vpc;
  return server.nics.flatMap((nic) => {
    const vni = nic.vni === undefined ? undefined : find(table, nic.vni);
    if (vni === undefined) return [];
    const ip = find(reservedIps, vni.reserved_ip);
    const subnet = find(subnets, vni.subnet);
    const { id, crn, name, allow_ip_spoofing, enable_infrastructure_nat, protocol_state_filtering_mode } = vni;
    return [
      {
        allow_ip_spoofing,
        crn,
        enable_infrastructure_nat,
        id,
        ips: [{ address: ip?.address, id: ip?.id, name: ip?.name, resource_type: "subnet_reserved_ip" }],
        name,
        primary_ip: { address: ip?.address, id: ip?.id, name: ip?.name, resource_type: "subnet_reserved_ip" },
        protocol_state_filtering_mode,
        resource_type: "virtual_network_interface",
        security_groups: vni.security_groups.map((group) => ({ id: group })),
        subnet: { crn: subnet?.crn, id: subnet?.id, name: subnet?.name, resource_type: "subnet" },
      },
    ];
  });
}
