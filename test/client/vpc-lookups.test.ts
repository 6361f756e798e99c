/** Images, instance profiles and the claims of servers, as the VPC API tells them. */
import { getImage, getRegion, getServerClaims, listImages, listInstanceProfiles } from "../../client/vpc-lookups";
import {
  type OpenedSession,
  type Script,
  type ScriptedServer,
  sessionOn,
  startServer,
  withTokens,
} from "./scripted-server";

let server: ScriptedServer;
let session: OpenedSession;

async function serve(script: Script): Promise<void> {
  server = await startServer(withTokens(script));
  session = sessionOn(server);
}

afterEach(async () => {
  await session.transport.close();
  await server.close();
});

const common = {
  id: "r006-1",
  crn: "crn:1",
  name: "app",
  created_at: "2026-01-01T00:00:00Z",
  resource_group: { id: "group" },
  status: "available",
};
const read = { id: "r006-1", crn: "crn:1", name: "app", createdAt: "2026-01-01T00:00:00Z", resourceGroupId: "group" };
const image = {
  ...common,
  visibility: "private",
  user_data_format: "ipxe",
  operating_system: {
    name: "debian-12-amd64",
    display_name: "Debian 12",
    family: "Debian",
    vendor: "Debian",
    version: "12",
    architecture: "amd64",
  },
  minimum_provisioned_size: 100,
};

it("images by name and visibility", async () => {
  await serve(() => ({ body: { images: [image] } }));
  const found: string[] = [];
  for await (const { visibility } of listImages(session, { name: "app", visibility: "private" }))
    found.push(visibility);
  expect([found, server.to("/v1/images")[0]?.url]).toEqual([
    ["private"],
    expect.stringContaining("name=app&visibility=private&limit=100"),
  ]);
});

it("an image, with the format of its user data wherever that stands", async () => {
  await serve(() => ({ body: image }));
  expect(await getImage(session, "1")).toStrictEqual({
    ...read,
    status: "available",
    visibility: "private",
    userDataFormat: "ipxe",
    operatingSystem: {
      name: "debian-12-amd64",
      displayName: "Debian 12",
      family: "Debian",
      vendor: "Debian",
      version: "12",
      architecture: "amd64",
    },
    minimumProvisionedSizeGb: 100,
  });
});

it("instance profiles, whose numbers are not always fixed", async () => {
  const fixed = {
    name: "a",
    family: "balanced",
    status: "current",
    vcpu_architecture: { value: "amd64" },
    vcpu_count: { type: "fixed", value: 2 },
    memory: { type: "fixed", value: 8 },
    bandwidth: { type: "fixed", value: 4000 },
  };
  const ranged = { name: "b", vcpu_count: { type: "range", min: 1, max: 4 }, memory: { type: "enum", values: [1, 2] } };
  await serve(() => ({ body: { profiles: [fixed, ranged] } }));
  expect(await listInstanceProfiles(session)).toStrictEqual([
    {
      name: "a",
      family: "balanced",
      status: "current",
      architecture: "amd64",
      vcpuCount: 2,
      memoryGib: 8,
      bandwidthMbps: 4000,
    },
    { name: "b" },
  ]);
});

it("the claims of a server of an instance group, by either kind of interface", async () => {
  const membership = { id: "m", href: "https://x/v1/instance_groups/g1/memberships/m" };
  const instance = {
    ...common,
    resource_group: { id: "group", name: "Default" },
    zone: { name: "eu-de-2" },
    vpc: { id: "vpc" },
    primary_network_interface: { subnet: { id: "subnet" } },
    instance_group_membership: membership,
  };
  const group = {
    ...common,
    name: "web",
    status: "healthy",
    instance_template: { id: "t" },
    subnets: [],
    membership_count: 1,
  };
  await serve(({ url }) => ({ body: url.includes("instance_groups") ? group : instance }));
  expect((await getServerClaims(session, "r006-1"))?.claims).toStrictEqual({
    resource_group_id: "group",
    resource_group_name: "Default",
    resource: "r006-1",
    instance_group_name: "web",
    region: "eu-de",
    subnet_id: "subnet",
    vpc_id: "vpc",
    zone: "eu-de-2",
  });
});

describe("a region", () => {
  it("is there", async () => {
    await serve(() => ({ body: { name: "us-south", status: "available", href: "x", endpoint: "y" } }));
    expect(await getRegion(session, "us-south")).toEqual({ name: "us-south", status: "available" });
    expect(server.to("/v1/regions")[0]?.url).toMatch(/^\/v1\/regions\/us-south\?version=/);
  });

  it("is not", async () => {
    await serve(() => ({ status: 404, body: { errors: [{ code: "not_found", message: "No such region." }] } }));
    await expect(getRegion(session, "us-north")).rejects.toMatchObject({ code: "IBMID_NOT_FOUND" });
  });
});
