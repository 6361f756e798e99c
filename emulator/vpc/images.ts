/** Images: `/v1/images`. The stock images are there from the start; importing one is not emulated. */
import { ok, type Call, type Reply, type Route } from "../call";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { drop, put } from "../table";
import type { World } from "../world";
import { crnOf, groupReference, href } from "./references";
import * as request from "./request";
import type { Image } from "./store";

const ACTION = "is.image.image";

export const imageRoutes: readonly Route[] = [
  { method: "GET", path: "/v1/images", api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "POST", path: "/v1/images", api: "vpc", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: "/v1/images/:image", api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: "/v1/images/:image", api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: "/v1/images/:image", api: "vpc", handler: remove, action: `${ACTION}.delete` },
];

const OPERATING_SYSTEMS: Readonly<Record<string, readonly [family: string, vendor: string, version: string]>> = {
  "ubuntu-24-04-amd64": ["Ubuntu Linux", "Canonical", "24.04 LTS Noble Numbat Minimal Install"],
  "debian-12-amd64": ["Debian GNU/Linux", "Debian", "12 Bookworm Minimal Install"],
  "red-9-amd64": ["Red Hat Enterprise Linux", "Red Hat", "9.x - Minimal Install"],
  "windows-2022-amd64": ["Windows Server", "Microsoft", "2022 Standard Edition"],
};

export function makeImage(
  world: World,
  given: { id?: string; name: string; operatingSystem: string; resourceGroup: string; stock: boolean },
): Image {
  const id = given.id ?? newId("r006-");
  const [family, vendor, version] = OPERATING_SYSTEMS[given.operatingSystem] ?? ["", "", ""];
  return put(world.state.vpc.images, {
    id,
    crn: crnOf(world, world.state.account.region, "image", id),
    name: given.name,
    created_at: world.clock.iso(),
    resource_group: given.resourceGroup,
    status: "available",
    visibility: given.stock ? "public" : "private",
    user_data_format: "cloud_init",
    operating_system: {
      allow_user_image_creation: true,
      architecture: "amd64",
      dedicated_host_only: false,
      display_name: `${family} ${version} (amd64)`,
      family,
      name: given.operatingSystem,
      user_data_format: "cloud_init",
      vendor,
      version,
    },
    minimum_provisioned_size: 100,
    stock: given.stock,
  });
}

export const STOCK_OPERATING_SYSTEMS = Object.keys(OPERATING_SYSTEMS);

/** Windows images want an RSA key. */
export const isWindows = (image: Image): boolean => image.operating_system.family === "Windows Server";

function create(call: Call): Reply {
  const fields = request.body(call);
  const source = fields.has("file") ? "file" : "source_volume";
  throw vpcRefusal(400, "bad_field", "The emulator does not import images; use one of its stock images.", {
    name: source,
    type: "field",
  });
}

function view(world: World, row: Image): object {
  return {
    allowed_use: {
      api_version: "2025-07-01",
      bare_metal_server: "true",
      instance: "true",
    },
    catalog_offering: { managed: false },
    created_at: row.created_at,
    crn: row.crn,
    encryption: "none",
    file: { checksums: { sha256: "0".repeat(64) }, size: 1 },
    href: href(world, `images/${row.id}`),
    id: row.id,
    minimum_provisioned_size: row.minimum_provisioned_size,
    name: row.name,
    operating_system: {
      ...row.operating_system,
      href: href(world, `operating_systems/${String(row.operating_system.name)}`),
    },
    owner_type: row.stock ? "provider" : "user",
    remote: {},
    resource_group: groupReference(world, row.resource_group),
    resource_type: "image",
    status: row.status,
    status_reasons: [],
    user_data_format: row.user_data_format,
    visibility: row.visibility,
  };
}

const needImage = (call: Call): Image => request.need(call, call.world.state.vpc.images, "image", "image");

function list(call: Call): Reply {
  const rows = request.filtered(call, Object.values(call.world.state.vpc.images), {
    "resource_group.id": (row) => row.resource_group,
    name: (row) => row.name,
    visibility: (row) => row.visibility,
    status: (row) => row.status,
  });
  const may = request.mayRead<Image>(call, "image", "imageId");
  return ok(request.page(call, "images", rows, (row) => view(call.world, row), may));
}

function get(call: Call): Reply {
  const row = needImage(call);
  return ok(view(call.world, row), request.tagged(row));
}

function refuseStock(row: Image): void {
  if (row.stock) throw vpcRefusal(403, "not_authorized", `The stock image '${row.id}' cannot be changed.`);
}

function update(call: Call): Reply {
  const row = needImage(call);
  refuseStock(row);
  request.rename(request.body(call).only("name"), row, Object.values(call.world.state.vpc.images));
  return ok(view(call.world, row), request.tagged(row));
}

function remove(call: Call): Reply {
  const row = needImage(call);
  refuseStock(row);
  drop(call.world.state.vpc.images, row.id);
  return { status: 202 };
}
