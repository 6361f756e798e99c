/** Reads what a virtual server is to be made of: the body of a create call, of a template, or of both together. */
import type { Call } from "../call";
import { Fields, type JsonObject } from "../fields";
import { vpcRefusal } from "../refusal";
import type { World } from "../world";
import { DEFAULT_PROFILE, INSTANCE_PROFILES } from "./catalog";
import { readNetwork, type NetworkPlan } from "./interfaces";
import { zonesOf } from "./references";
import * as request from "./request";
import { DEFAULT_METADATA, nameOf, readDefaultProfile, readKeys, readMetadataService, readUserData } from "./servers";
import type { KeyCopy, MetadataService, Server } from "./store";
import { readVolume, type VolumePlan } from "./volumes";

const FIELDS = [
  "name",
  "profile",
  "vpc",
  "resource_group",
  "keys",
  "user_data",
  "metadata_service",
  "default_trusted_profile",
  "availability_policy",
  "availability",
  "placement_target",
  "volume_attachments",
  "total_volume_bandwidth",
  "enable_secure_boot",
  "confidential_compute_mode",
  "reservation_affinity",
  "vcpu",
  "volume_bandwidth_qos_mode",
  "threads_per_core",
  "image",
  "zone",
  "boot_volume_attachment",
  "catalog_offering",
  "cluster_network_attachments",
  "primary_network_attachment",
  "network_attachments",
  "primary_network_interface",
  "network_interfaces",
  "source_template",
];

export interface InstancePlan {
  readonly name: string;
  readonly vpc: string;
  readonly zone: string;
  readonly image: string;
  readonly profile: string;
  readonly resourceGroup: string;
  readonly keys: KeyCopy[];
  readonly userData?: string;
  readonly metadataService: MetadataService;
  readonly defaultProfile?: NonNullable<Server["default_trusted_profile"]>;
  readonly network: NetworkPlan;
  readonly bootVolume: VolumePlan;
  readonly dataVolumes: readonly VolumePlan[];
  readonly options: JsonObject;
  readonly secureBoot: boolean;
}

/** Reads and checks a whole prototype; `others` are those whose name it must not have. */
export function readInstance(call: Call, fields: Fields, others: readonly { name: string }[]): InstancePlan {
  const { world } = call;
  const state = world.state.vpc;
  fields.only(...FIELDS);
  for (const name of ["catalog_offering", "placement_target", "cluster_network_attachments"]) {
    const value = fields.raw(name);
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) {
      throw fields.invalid(name, "is not supported by the emulator");
    }
  }
  const image = request.identity(fields.object("image"), state.images);
  const zone = nameOf(fields.object("zone"), zonesOf(world));
  const network = readNetwork(world, fields);
  const vpcId = checkNetwork(fields, network, zone);
  const given = fields.optionalObject("vpc");
  if (given !== undefined && request.identity(given, state.vpcs).id !== vpcId) {
    throw given.invalid("id", "is not the VPC of the subnet");
  }
  const profile = fields.optionalObject("profile");
  const userData = readUserData(fields);
  const defaultProfile = readDefaultProfile(call, fields);
  return {
    name: request.newName(fields, others),
    vpc: vpcId,
    zone,
    image: image.id,
    profile: profile === undefined ? DEFAULT_PROFILE : nameOf(profile, INSTANCE_PROFILES.keys()),
    resourceGroup: request.resourceGroup(world, fields),
    keys: readKeys(call, fields, image),
    ...(userData === undefined ? {} : { userData }),
    metadataService: readMetadataService(fields.optionalObject("metadata_service"), DEFAULT_METADATA, "instance"),
    ...(defaultProfile === undefined ? {} : { defaultProfile }),
    network,
    bootVolume: readVolume(world, fields.optionalObject("boot_volume_attachment"), "boot"),
    dataVolumes: fields.objects("volume_attachments").map((item) => readVolume(world, item, "data")),
    options: readOptions(fields, {}),
    secureBoot: fields.flag("enable_secure_boot") ?? false,
  };
}

/** All interfaces of a server are in its zone and in one VPC. */
export function checkNetwork(fields: Fields, network: NetworkPlan, zone: string): string {
  const [primary] = network.nics;
  for (const nic of network.nics) {
    if (nic.subnet.zone !== zone) {
      throw vpcRefusal(400, "invalid_zone", `The subnet '${nic.subnet.id}' is not in the zone '${zone}'.`, {
        name: fields.at("zone"),
        type: "field",
        value: zone,
      });
    }
    if (nic.subnet.vpc !== primary?.subnet.vpc) {
      throw vpcRefusal(400, "bad_field", "All subnets of a server must be in the same VPC.", {
        name: "primary_network_attachment",
        type: "field",
      });
    }
  }
  return primary?.subnet.vpc ?? "";
}

/** The settings that are kept as they are given; `present` are those before a PATCH. */
export function readOptions(fields: Fields, present: JsonObject): JsonObject {
  const options: JsonObject = { ...present };
  const keep = (name: string, value: unknown): void => {
    if (value !== undefined) options[name] = value;
  };
  const policy = fields.optionalObject("availability_policy")?.only("host_failure", "preemption");
  if (policy !== undefined) {
    options.availability_policy = {
      ...(present.availability_policy as JsonObject | undefined),
      ...pick(policy, "host_failure", ["restart", "stop"]),
      ...pick(policy, "preemption", ["delete", "stop"]),
    };
  }
  const availability = fields.optionalObject("availability")?.only("class");
  if (availability !== undefined) options.availability = pick(availability, "class", ["spot", "standard"]);
  const affinity = fields.optionalObject("reservation_affinity")?.only("policy", "pool");
  if (affinity !== undefined) {
    options.reservation_affinity = { pool: [], ...pick(affinity, "policy", ["automatic", "disabled", "manual"]) };
  }
  keep("total_volume_bandwidth", fields.integer("total_volume_bandwidth", 500, 1_000_000));
  keep("threads_per_core", fields.integer("threads_per_core", 1, 2));
  const modes: Readonly<Record<string, readonly string[]>> = {
    confidential_compute_mode: ["disabled", "sgx", "tdx"],
    volume_bandwidth_qos_mode: ["pooled", "weighted"],
  };
  for (const [name, oneOf] of Object.entries(modes)) keep(name, fields.optionalText(name, { min: 1, oneOf }));
  const vcpu = fields.optionalObject("vcpu");
  if (vcpu !== undefined) keep("vcpu_percentage", vcpu.integer("percentage", 10, 100));
  return options;
}

function pick(fields: Fields, name: string, oneOf: readonly string[]): JsonObject {
  const value = fields.optionalText(name, { min: 1, oneOf });
  return value === undefined ? {} : { [name]: value };
}

const NETWORKS = [
  ["primary_network_attachment", "network_attachments"],
  ["primary_network_interface", "network_interfaces"],
] as const;

/** A body that names a template: everything the body says overrides the template. */
export function withTemplate(world: World, fields: Fields): Fields {
  const source = fields.optionalObject("source_template");
  if (source === undefined) return fields;
  const template = request.identity(source, world.state.vpc.templates);
  const merged: JsonObject = { ...template.prototype, ...fields.values };
  Reflect.deleteProperty(merged, "source_template");
  if (!fields.has("name")) Reflect.deleteProperty(merged, "name");
  for (const [own, other] of [NETWORKS, [NETWORKS[1], NETWORKS[0]]] as const) {
    if (fields.has(own[0])) for (const name of other) Reflect.deleteProperty(merged, name);
  }
  return new Fields(merged, "", request.complain);
}
