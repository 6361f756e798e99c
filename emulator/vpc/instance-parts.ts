/** The parts of a virtual server that have their own paths: interfaces, attachments and volume attachments. */
import { created, noContent, ok, type Call, type Reply, type Route } from "../call";
import { vpcRefusal } from "../refusal";
import { drop, find } from "../table";
import type { World } from "../world";
import { attachmentReference, nicReference, volumeAttachmentReference } from "./instance-view";
import { needInstance } from "./instances";
import { reference, securityGroupReference } from "./references";
import * as request from "./request";
import type { Nic, Server, VolumeAttachment } from "./store";
import { attachVolume, readVolume } from "./volumes";

const READ = "is.instance.instance.read";
const UPDATE = "is.instance.instance.update";
const NICS = "/v1/instances/:instance/network_interfaces";
const ATTACHMENTS = "/v1/instances/:instance/network_attachments";
const VOLUMES = "/v1/instances/:instance/volume_attachments";

export const instancePartRoutes: readonly Route[] = [
  { method: "GET", path: NICS, api: "vpc", handler: listNics, action: READ },
  { method: "GET", path: `${NICS}/:nic`, api: "vpc", handler: getNic, action: READ },
  { method: "PATCH", path: `${NICS}/:nic`, api: "vpc", handler: updateNic, action: UPDATE },
  { method: "GET", path: `${NICS}/:nic/ips`, api: "vpc", handler: listNicIps, action: READ },
  { method: "GET", path: ATTACHMENTS, api: "vpc", handler: listAttachments, action: READ },
  { method: "GET", path: `${ATTACHMENTS}/:nic`, api: "vpc", handler: getAttachment, action: READ },
  { method: "PATCH", path: `${ATTACHMENTS}/:nic`, api: "vpc", handler: updateAttachment, action: UPDATE },
  { method: "GET", path: VOLUMES, api: "vpc", handler: listVolumes, action: READ },
  { method: "POST", path: VOLUMES, api: "vpc", handler: createVolume, action: UPDATE },
  { method: "GET", path: `${VOLUMES}/:attachment`, api: "vpc", handler: getVolume, action: READ },
  { method: "PATCH", path: `${VOLUMES}/:attachment`, api: "vpc", handler: updateVolume, action: UPDATE },
  { method: "DELETE", path: `${VOLUMES}/:attachment`, api: "vpc", handler: removeVolume, action: UPDATE },
];

/** The row of a list of parts, or 404. */
export function needPart<T extends { id: string }>(call: Call, rows: readonly T[], param: string, kind: string): T {
  return request.need(call, Object.fromEntries(rows.map((row) => [row.id, row])), param, kind);
}

export function viewNic(world: World, server: Server, nic: Nic): object {
  const floating = Object.values(world.state.vpc.floatingIps).filter((ip) => {
    return ip.target?.id === nic.id || (nic.vni !== undefined && ip.target?.id === nic.vni);
  });
  return {
    ...nicReference(world, server, nic),
    allow_ip_spoofing: nic.allow_ip_spoofing,
    created_at: nic.created_at,
    floating_ips: floating.map((ip) => ({ address: ip.address, ...reference(world, "floating_ips", ip) })),
    port_speed: 16_000,
    security_groups: nic.security_groups.map((id) => securityGroupReference(world, id)),
    status: "available",
    type: nic === server.nics[0] ? "primary" : "secondary",
  };
}

function listNics(call: Call): Reply {
  const server = needInstance(call);
  return ok({ network_interfaces: server.nics.map((nic) => viewNic(call.world, server, nic)) });
}

const needNic = (call: Call, server: Server): Nic => needPart(call, server.nics, "nic", "network interface");

function getNic(call: Call): Reply {
  const server = needInstance(call);
  return ok(viewNic(call.world, server, needNic(call, server)));
}

function updateNic(call: Call): Reply {
  const server = needInstance(call);
  const nic = needNic(call, server);
  const fields = request.body(call).only("name", "allow_ip_spoofing");
  if (nic.vni !== undefined && fields.has("allow_ip_spoofing")) {
    throw fields.invalid("allow_ip_spoofing", "is a setting of the virtual network interface");
  }
  const spoofing = fields.flag("allow_ip_spoofing");
  request.rename(
    fields,
    nic,
    server.nics.filter((other) => other !== nic),
  );
  nic.allow_ip_spoofing = spoofing ?? nic.allow_ip_spoofing;
  return ok(viewNic(call.world, server, nic));
}

function listNicIps(call: Call): Reply {
  const server = needInstance(call);
  const nic = needNic(call, server);
  const ip = find(call.world.state.vpc.reservedIps, nic.reserved_ip);
  const path = `subnets/${nic.subnet}/reserved_ips`;
  return ok(
    request.page(call, "ips", ip === undefined ? [] : [ip], (row) => ({
      address: row.address,
      ...reference(call.world, path, row, "subnet_reserved_ip"),
    })),
  );
}

export function viewAttachment(world: World, server: Server, nic: Nic): object {
  return {
    ...attachmentReference(world, server, nic),
    created_at: nic.created_at,
    lifecycle_state: "stable",
    port_speed: 16_000,
    type: nic === server.nics[0] ? "primary" : "secondary",
  };
}

const attachmentsOf = (server: Server): Nic[] => (server.network === "attachment" ? server.nics : []);

function listAttachments(call: Call): Reply {
  const server = needInstance(call);
  return ok({ network_attachments: attachmentsOf(server).map((nic) => viewAttachment(call.world, server, nic)) });
}

const needAttachment = (call: Call, server: Server): Nic =>
  needPart(call, attachmentsOf(server), "nic", "network attachment");

function getAttachment(call: Call): Reply {
  const server = needInstance(call);
  return ok(viewAttachment(call.world, server, needAttachment(call, server)));
}

function updateAttachment(call: Call): Reply {
  const server = needInstance(call);
  const nic = needAttachment(call, server);
  request.rename(
    request.body(call).only("name"),
    nic,
    server.nics.filter((other) => other !== nic),
  );
  return ok(viewAttachment(call.world, server, nic));
}

export function viewVolumeAttachment(world: World, server: Server, attachment: VolumeAttachment): object {
  return {
    bandwidth: 393,
    created_at: attachment.created_at,
    delete_volume_on_instance_delete: attachment.delete_volume_on_instance_delete,
    ...volumeAttachmentReference(world, server, attachment),
    status: "attached",
    type: attachment.type,
  };
}

function listVolumes(call: Call): Reply {
  const server = needInstance(call);
  return ok({ volume_attachments: server.volumes.map((item) => viewVolumeAttachment(call.world, server, item)) });
}

function createVolume(call: Call): Reply {
  const server = needInstance(call);
  const attachment = attachVolume(call.world, readVolume(call.world, request.body(call), "data"), server);
  server.volumes.push(attachment);
  return created(viewVolumeAttachment(call.world, server, attachment));
}

const needVolumeAttachment = (call: Call, server: Server): VolumeAttachment =>
  needPart(call, server.volumes, "attachment", "volume attachment");

function getVolume(call: Call): Reply {
  const server = needInstance(call);
  return ok(viewVolumeAttachment(call.world, server, needVolumeAttachment(call, server)));
}

function updateVolume(call: Call): Reply {
  const server = needInstance(call);
  const attachment = needVolumeAttachment(call, server);
  const fields = request.body(call).only("name", "delete_volume_on_instance_delete");
  const deleteWithServer = fields.flag("delete_volume_on_instance_delete");
  request.rename(fields, attachment, server.volumes);
  attachment.delete_volume_on_instance_delete = deleteWithServer ?? attachment.delete_volume_on_instance_delete;
  return ok(viewVolumeAttachment(call.world, server, attachment));
}

function removeVolume(call: Call): Reply {
  const server = needInstance(call);
  const attachment = needVolumeAttachment(call, server);
  if (attachment.type === "boot") {
    throw vpcRefusal(409, "invalid_state", `The boot volume of '${server.id}' cannot be detached.`);
  }
  if (attachment.delete_volume_on_instance_delete) drop(call.world.state.vpc.volumes, attachment.volume);
  server.volumes = server.volumes.filter((other) => other !== attachment);
  return noContent;
}
