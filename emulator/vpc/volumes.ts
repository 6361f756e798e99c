/** Volumes, as far as servers bring them: `/v1/volumes`. */
import { noContent, ok, type Call, type Reply, type Route } from "../call";
import { newId } from "../ids";
import type { Fields } from "../fields";
import { vpcRefusal } from "../refusal";
import { drop, find, put } from "../table";
import type { World } from "../world";
import { crnOf, groupReference, href, reference, referenceById, zoneReference } from "./references";
import * as request from "./request";
import type { Server, Volume, VolumeAttachment } from "./store";

const ACTION = "is.volume.volume";

export const volumeRoutes: readonly Route[] = [
  { method: "GET", path: "/v1/volumes", api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "GET", path: "/v1/volumes/:volume", api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: "/v1/volumes/:volume", api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: "/v1/volumes/:volume", api: "vpc", handler: remove, action: `${ACTION}.delete` },
];

const PROFILES = ["general-purpose", "5iops-tier", "10iops-tier", "custom", "sdp"];

/** The volume of an attachment that a server is created with. */
export interface VolumePlan {
  /** The id of a volume that exists; then the rest is only what the volume is already. */
  readonly existing?: string;
  readonly attachmentName: string;
  readonly type: VolumeAttachment["type"];
  readonly deleteWithServer: boolean;
  readonly name: string;
  readonly capacity: number;
  readonly profile: string;
  readonly iops: number;
  readonly bandwidth: number;
  readonly encryptionKey?: string;
  readonly userTags: string[];
}

/** Reads a boot or data volume attachment of a server's prototype; undefined stands for the defaults. */
export function readVolume(world: World, fields: Fields | undefined, type: VolumeAttachment["type"]): VolumePlan {
  fields?.only("name", "delete_volume_on_instance_delete", "volume");
  const volume = fields?.object("volume");
  const named = { min: 1, max: 63, pattern: request.NAME };
  if (type === "data" && fields !== undefined && volume !== undefined) {
    if (["id", "crn", "href"].some((key) => volume.has(key))) return readExisting(world, fields, volume);
  }
  const capacity = volume?.integer("capacity", 10, 16_000) ?? 100;
  const encryption = volume?.optionalObject("encryption_key");
  const profile = volume?.optionalObject("profile");
  if (profile !== undefined && !PROFILES.includes(profile.text("name"))) {
    throw profile.invalid("name", `must be one of ${PROFILES.join(", ")}`);
  }
  const others = Object.values(world.state.vpc.volumes);
  return {
    attachmentName: fields?.optionalText("name", named) ?? request.autoName(),
    type,
    deleteWithServer: fields?.flag("delete_volume_on_instance_delete") ?? type === "boot",
    name: volume === undefined ? request.autoName() : request.newName(volume, others),
    capacity,
    profile: profile?.text("name") ?? "general-purpose",
    iops: volume?.integer("iops", 100, 64_000) ?? Math.max(3000, capacity * 3),
    bandwidth: volume?.integer("bandwidth", 1, 8192) ?? 393,
    ...(encryption === undefined ? {} : { encryptionKey: encryption.text("crn") }),
    userTags: volume?.texts("user_tags") ?? [],
  };
}

/** A data volume that exists, and that no server has. */
function readExisting(world: World, fields: Fields, volume: Fields): VolumePlan {
  const row = request.identity(volume, world.state.vpc.volumes);
  if (serverOf(world, row.id) !== undefined) {
    throw vpcRefusal(409, "volume_in_use", `The volume '${row.id}' is attached already.`);
  }
  return {
    existing: row.id,
    attachmentName: fields.optionalText("name", { min: 1, max: 63, pattern: request.NAME }) ?? request.autoName(),
    type: "data",
    deleteWithServer: fields.flag("delete_volume_on_instance_delete") ?? false,
    name: row.name,
    capacity: row.capacity,
    profile: row.profile,
    iops: row.iops,
    bandwidth: row.bandwidth,
    userTags: row.user_tags,
  };
}

/** Creates the volume, unless it exists, and its attachment. */
export function attachVolume(
  world: World,
  plan: VolumePlan,
  server: Pick<Server, "zone" | "resource_group" | "image">,
): VolumeAttachment {
  const id = plan.existing ?? newId("r006-");
  if (plan.existing === undefined) put(world.state.vpc.volumes, newVolume(world, id, plan, server));
  return {
    id: newId("0717-"),
    name: plan.attachmentName,
    volume: id,
    type: plan.type,
    delete_volume_on_instance_delete: plan.deleteWithServer,
    created_at: world.clock.iso(),
  };
}

function newVolume(
  world: World,
  id: string,
  plan: VolumePlan,
  server: Pick<Server, "zone" | "resource_group" | "image">,
): Volume {
  return {
    id,
    crn: crnOf(world, server.zone, "volume", id),
    name: plan.name,
    created_at: world.clock.iso(),
    resource_group: server.resource_group,
    zone: server.zone,
    capacity: plan.capacity,
    iops: plan.iops,
    profile: plan.profile,
    bandwidth: plan.bandwidth,
    ...(plan.encryptionKey === undefined ? {} : { encryption_key: plan.encryptionKey }),
    user_tags: plan.userTags,
    ...(plan.type === "boot" ? { source_image: server.image } : {}),
  };
}

const serverOf = (world: World, volumeId: string): [Server, VolumeAttachment] | undefined => {
  for (const server of Object.values(world.state.vpc.instances)) {
    const attachment = server.volumes.find((item) => item.volume === volumeId);
    if (attachment !== undefined) return [server, attachment];
  }
  return undefined;
};

function view(world: World, row: Volume): object {
  const user = serverOf(world, row.id);
  return {
    active: user?.[0].status === "running",
    attachment_state: user === undefined ? "unattached" : "attached",
    bandwidth: row.bandwidth,
    busy: false,
    capacity: row.capacity,
    created_at: row.created_at,
    crn: row.crn,
    encryption: row.encryption_key === undefined ? "provider_managed" : "user_managed",
    ...(row.encryption_key === undefined ? {} : { encryption_key: { crn: row.encryption_key } }),
    health_reasons: [],
    health_state: "ok",
    href: href(world, `volumes/${row.id}`),
    id: row.id,
    iops: row.iops,
    name: row.name,
    profile: { href: href(world, `volume/profiles/${row.profile}`), name: row.profile },
    resource_group: groupReference(world, row.resource_group),
    resource_type: "volume",
    ...(row.source_image === undefined
      ? {}
      : { source_image: referenceById(world, "images", world.state.vpc.images, row.source_image, "image") }),
    status: "available",
    status_reasons: [],
    user_tags: row.user_tags,
    volume_attachments:
      user === undefined
        ? []
        : [
            {
              delete_volume_on_instance_delete: user[1].delete_volume_on_instance_delete,
              device: { id: user[1].id },
              href: href(world, `instances/${user[0].id}/volume_attachments/${user[1].id}`),
              id: user[1].id,
              instance: reference(world, "instances", user[0]),
              name: user[1].name,
              type: user[1].type,
            },
          ],
    zone: zoneReference(world, row.zone),
  };
}

const needVolume = (call: Call): Volume => request.need(call, call.world.state.vpc.volumes, "volume", "volume");

function list(call: Call): Reply {
  const rows = request.filtered(call, Object.values(call.world.state.vpc.volumes), {
    name: (row) => row.name,
    "zone.name": (row) => row.zone,
  });
  const may = request.mayRead<Volume>(call, "volume", "volumeId");
  return ok(request.page(call, "volumes", rows, (row) => view(call.world, row), may));
}

function get(call: Call): Reply {
  const row = needVolume(call);
  return ok(view(call.world, row), request.tagged(row));
}

function update(call: Call): Reply {
  const row = needVolume(call);
  const fields = request.body(call).only("name", "capacity", "iops", "user_tags", "profile", "bandwidth");
  const capacity = fields.integer("capacity", row.capacity, 16_000);
  const iops = fields.integer("iops", 100, 64_000);
  const userTags = fields.texts("user_tags");
  request.rename(fields, row, Object.values(call.world.state.vpc.volumes));
  row.capacity = capacity ?? row.capacity;
  row.iops = iops ?? row.iops;
  row.user_tags = userTags ?? row.user_tags;
  return ok(view(call.world, row), request.tagged(row));
}

function remove(call: Call): Reply {
  const row = needVolume(call);
  if (serverOf(call.world, row.id) !== undefined) {
    throw vpcRefusal(409, "volume_in_use", `The volume '${row.id}' is attached to a server.`);
  }
  drop(call.world.state.vpc.volumes, row.id);
  return noContent;
}

/** Volumes that go with their server. */
export function releaseVolumes(world: World, server: Server): void {
  for (const attachment of server.volumes) {
    if (attachment.delete_volume_on_instance_delete) drop(world.state.vpc.volumes, attachment.volume);
  }
}

export function volumeReference(world: World, id: string): object {
  const row = find(world.state.vpc.volumes, id);
  return reference(world, "volumes", row ?? { id, name: id }, "volume");
}
