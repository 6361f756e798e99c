/** A virtual server as the VPC API shows it. */
import { find } from "../table";
import type { World } from "../world";
import { INSTANCE_PROFILES } from "./catalog";
import {
  groupReference,
  href,
  reference,
  referenceById,
  reservedIpReference,
  subnetReference,
  vpcReference,
  zoneReference,
} from "./references";
import type { Nic, Server, VolumeAttachment } from "./store";
import { volumeReference } from "./volumes";

const baseOf = (server: Server): string =>
  `${server.kind === "instance" ? "instances" : "bare_metal_servers"}/${server.id}`;

export function nicReference(world: World, server: Server, nic: Nic): object {
  return {
    ...reference(world, `${baseOf(server)}/network_interfaces`, { id: nic.id, name: nic.name }, "network_interface"),
    primary_ip: reservedIpReference(world, nic.reserved_ip),
    subnet: subnetReference(world, nic.subnet),
  };
}

export function attachmentReference(world: World, server: Server, nic: Nic): object {
  const vni = find(world.state.vpc.virtualNetworkInterfaces, nic.vni ?? "");
  const type = server.kind === "instance" ? "instance_network_attachment" : "bare_metal_server_network_attachment";
  return {
    ...reference(world, `${baseOf(server)}/network_attachments`, { id: nic.id, name: nic.name }, type),
    primary_ip: reservedIpReference(world, nic.reserved_ip),
    subnet: subnetReference(world, nic.subnet),
    virtual_network_interface: reference(
      world,
      "virtual_network_interfaces",
      vni ?? { id: nic.vni ?? "", name: nic.name },
      "virtual_network_interface",
    ),
  };
}

/** The network part, alike for virtual and bare metal servers. */
export function viewNetwork(world: World, server: Server): Record<string, unknown> {
  const [primary] = server.nics;
  const nics = server.nics.map((nic) => nicReference(world, server, nic));
  const attachments =
    server.network === "attachment" ? server.nics.map((nic) => attachmentReference(world, server, nic)) : [];
  return {
    network_attachments: attachments,
    network_interfaces: nics,
    ...(attachments.length === 0 ? {} : { primary_network_attachment: attachments[0] }),
    ...(primary === undefined ? {} : { primary_network_interface: nics[0] }),
  };
}

export function volumeAttachmentReference(world: World, server: Server, attachment: VolumeAttachment): object {
  return {
    device: { id: attachment.id },
    href: href(world, `${baseOf(server)}/volume_attachments/${attachment.id}`),
    id: attachment.id,
    name: attachment.name,
    volume: volumeReference(world, attachment.volume),
  };
}

export function viewInstance(world: World, server: Server): object {
  const profile = INSTANCE_PROFILES.get(server.profile);
  const { options, status } = server;
  const bandwidth = profile?.bandwidthMbps ?? 4000;
  const volumeBandwidth = options.total_volume_bandwidth ?? bandwidth / 4;
  const attachments = server.volumes.map((item) => volumeAttachmentReference(world, server, item));
  const group = find(world.state.vpc.instanceGroups, server.instance_group ?? "");
  const membership = group?.memberships.find((item) => item.instance === server.id);
  return {
    availability: { class: "standard", ...(options.availability as object | undefined) },
    availability_policy: {
      host_failure: "restart",
      preemption: "stop",
      ...(options.availability_policy as object | undefined),
    },
    bandwidth,
    boot_volume_attachment: attachments[server.volumes.findIndex((item) => item.type === "boot")],
    cluster_network_attachments: [],
    confidential_compute_mode: options.confidential_compute_mode ?? "disabled",
    created_at: server.created_at,
    crn: server.crn,
    disks: [],
    enable_secure_boot: server.secure_boot,
    health_reasons: [],
    health_state: status === "running" ? "ok" : "inapplicable",
    href: href(world, `instances/${server.id}`),
    id: server.id,
    image: referenceById(world, "images", world.state.vpc.images, server.image, "image"),
    ...(group === undefined || membership === undefined
      ? {}
      : { instance_group_membership: reference(world, `instance_groups/${group.id}/memberships`, membership) }),
    lifecycle_reasons: server.lifecycle_reasons,
    lifecycle_state: server.lifecycle_state,
    memory: profile?.memoryGib ?? 8,
    metadata_service: server.metadata_service,
    name: server.name,
    ...viewNetwork(world, server),
    ...(status === "running" ? { numa_count: 1 } : {}),
    profile: {
      href: href(world, `instance/profiles/${server.profile}`),
      name: server.profile,
      resource_type: "instance_profile",
    },
    reservation_affinity: { policy: "automatic", pool: [], ...(options.reservation_affinity as object | undefined) },
    resource_group: groupReference(world, server.resource_group),
    resource_type: "instance",
    software_attachments: [],
    startable: true,
    status,
    status_reasons: server.status_reasons,
    threads_per_core: options.threads_per_core ?? 2,
    total_network_bandwidth: bandwidth - Number(volumeBandwidth),
    total_volume_bandwidth: volumeBandwidth,
    vcpu: {
      architecture: "amd64",
      burst: { limit: 100 },
      count: profile?.vcpu ?? 2,
      manufacturer: "intel",
      percentage: options.vcpu_percentage ?? 100,
    },
    volume_attachments: attachments,
    volume_bandwidth_qos_mode: options.volume_bandwidth_qos_mode ?? "pooled",
    vpc: vpcReference(world, server.vpc),
    zone: zoneReference(world, server.zone),
  };
}
