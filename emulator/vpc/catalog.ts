/** What is only looked up: regions, zones, profiles of servers and volumes, operating systems. */
import { ok, param, type Call, type Reply, type Route } from "../call";
import { vpcRefusal } from "../refusal";
import { REGIONS } from "../regions";
import type { World } from "../world";
import { href } from "./references";
import * as request from "./request";

export const catalogRoutes: readonly Route[] = [
  { method: "GET", path: "/v1/regions", api: "vpc", handler: listRegions },
  { method: "GET", path: "/v1/regions/:region", api: "vpc", handler: getRegion },
  { method: "GET", path: "/v1/regions/:region/zones", api: "vpc", handler: listZones },
  { method: "GET", path: "/v1/regions/:region/zones/:zone", api: "vpc", handler: getZone },
  { method: "GET", path: "/v1/instance/profiles", api: "vpc", handler: listInstanceProfiles },
  { method: "GET", path: "/v1/instance/profiles/:profile", api: "vpc", handler: getInstanceProfile },
  { method: "GET", path: "/v1/bare_metal_server/profiles", api: "vpc", handler: listBareMetalProfiles },
  { method: "GET", path: "/v1/bare_metal_server/profiles/:profile", api: "vpc", handler: getBareMetalProfile },
];

export interface ServerProfile {
  readonly name: string;
  readonly vcpu: number;
  readonly memoryGib: number;
  readonly bandwidthMbps: number;
}

const profile = (family: string, vcpu: number, memoryGib: number): ServerProfile => ({
  name: `${family}-${vcpu}x${memoryGib}`,
  vcpu,
  memoryGib,
  bandwidthMbps: vcpu * 2000,
});

export const DEFAULT_PROFILE = "bxf-2x8";

export const INSTANCE_PROFILES: ReadonlyMap<string, ServerProfile> = byName([
  ...["bx2", "bx2d", "bx3d", "bxf"].flatMap((family) => [2, 4, 8, 16, 32, 48].map((n) => profile(family, n, n * 4))),
  ...["cx2", "cx2d", "cxf"].flatMap((family) => [2, 4, 8, 16, 32].map((n) => profile(family, n, n * 2))),
  ...["cx3d"].flatMap((family) =>
    [2, 4, 8, 16].map((n) => ({ ...profile(family, n, n * 2.5), name: `cx3d-${n}x${n * 2.5}` })),
  ),
  ...["mx2", "mx2d", "mxf"].flatMap((family) => [2, 4, 8, 16, 32].map((n) => profile(family, n, n * 8))),
]);

export const BARE_METAL_PROFILES: ReadonlyMap<string, ServerProfile> = byName(
  ["bx2", "bx2d", "cx2", "mx2"].map((family) => ({
    name: `${family}-metal-96x${family.startsWith("bx") ? 384 : family === "cx2" ? 192 : 768}`,
    vcpu: 96,
    memoryGib: family.startsWith("bx") ? 384 : family === "cx2" ? 192 : 768,
    bandwidthMbps: 100_000,
  })),
);

function byName(profiles: readonly ServerProfile[]): ReadonlyMap<string, ServerProfile> {
  return new Map(profiles.map((item) => [item.name, item]));
}

const notFound = (kind: string, name: string): Error =>
  vpcRefusal(404, "not_found", `The ${kind} '${name.slice(0, 100)}' was not found.`, {
    name: "name",
    type: "parameter",
    value: name.slice(0, 100),
  });

function viewRegion(call: Call, name: string): object {
  return {
    endpoint: name === call.world.state.account.region ? call.world.url : `https://${name}.iaas.cloud.ibm.com`,
    href: href(call.world, `regions/${name}`),
    name,
    status: "available",
  };
}

function listRegions(call: Call): Reply {
  return ok({ regions: REGIONS.map((name) => viewRegion(call, name)) });
}

function needRegion(call: Call): string {
  const name = param(call, "region");
  if (!REGIONS.some((region) => region === name)) throw notFound("region", name);
  return name;
}

function getRegion(call: Call): Reply {
  return ok(viewRegion(call, needRegion(call)));
}

function viewZone(call: Call, region: string, name: string): object {
  return {
    data_center: name,
    href: href(call.world, `regions/${region}/zones/${name}`),
    name,
    region: { href: href(call.world, `regions/${region}`), name: region },
    status: "available",
    universal_name: name,
  };
}

const zoneNames = (region: string): string[] => [1, 2, 3].map((zone) => `${region}-${zone}`);

function listZones(call: Call): Reply {
  const region = needRegion(call);
  return ok({ zones: zoneNames(region).map((name) => viewZone(call, region, name)) });
}

function getZone(call: Call): Reply {
  const region = needRegion(call);
  const name = param(call, "zone");
  if (!zoneNames(region).includes(name)) throw notFound("zone", name);
  return ok(viewZone(call, region, name));
}

const fixed = (value: unknown): object => ({ type: "fixed", value });

function viewProfile(world: World, item: ServerProfile, base: string): object {
  const bareMetal = base.startsWith("bare");
  return {
    bandwidth: fixed(item.bandwidthMbps),
    family: item.name.startsWith("cx") ? "compute" : item.name.startsWith("mx") ? "memory" : "balanced",
    href: href(world, `${base}/${item.name}`),
    memory: fixed(item.memoryGib),
    name: item.name,
    resource_type: bareMetal ? "bare_metal_server_profile" : "instance_profile",
    status: "current",
    ...(bareMetal
      ? { cpu_core_count: fixed(item.vcpu / 2), cpu_architecture: fixed("amd64"), cpu_socket_count: fixed(2) }
      : {
          vcpu_architecture: fixed("amd64"),
          vcpu_count: fixed(item.vcpu),
          vcpu_manufacturer: fixed("intel"),
          os_architecture: { type: "enum", default: "amd64", values: ["amd64"] },
          port_speed: fixed(16_000),
        }),
  };
}

function listInstanceProfiles(call: Call): Reply {
  return ok({
    profiles: [...INSTANCE_PROFILES.values()].map((item) => viewProfile(call.world, item, "instance/profiles")),
  });
}

function needProfile(call: Call, profiles: ReadonlyMap<string, ServerProfile>): ServerProfile {
  const name = param(call, "profile");
  const item = profiles.get(name);
  if (item === undefined) throw notFound("profile", name);
  return item;
}

function getInstanceProfile(call: Call): Reply {
  return ok(viewProfile(call.world, needProfile(call, INSTANCE_PROFILES), "instance/profiles"));
}

function listBareMetalProfiles(call: Call): Reply {
  const rows = [...BARE_METAL_PROFILES.values()].map((item) => ({ ...item, id: item.name }));
  const view = (item: ServerProfile): object => viewProfile(call.world, item, "bare_metal_server/profiles");
  return ok(request.page(call, "profiles", rows, view));
}

function getBareMetalProfile(call: Call): Reply {
  return ok(viewProfile(call.world, needProfile(call, BARE_METAL_PROFILES), "bare_metal_server/profiles"));
}
