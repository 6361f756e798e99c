/** The fault table for instance templates, instance groups and bare metal servers. */
import { createTemplate } from "../../client/vpc-templates";
import { handler as bareMetalServer } from "../../provider/bare-metal-server";
import { handler as instanceGroup } from "../../provider/instance-group";
import { handler as instanceTemplate } from "../../provider/instance-template";
import { type Cloud, type Life, startCloud } from "./cloud";
import { type Kind, faultCases } from "./fault-table";

let cloud: Cloud;
let templateId: string;
let place: Record<string, unknown>;

const rows = (name: "templates" | "instanceGroups" | "bareMetalServers"): string[] =>
  cloud.emulator
    .inventory()
    [name].map(({ id }) => String(id))
    .filter((id) => id !== templateId);
const at =
  (base: string) =>
  ({ id }: Life): RegExp =>
    new RegExp(`${base}/${id}$`);
const imageId = (): unknown => cloud.emulator.inventory().images[0]?.id;

const KINDS: Record<string, Kind> = {
  InstanceTemplate: {
    handler: instanceTemplate as never,
    args: () => ({
      ...place,
      vpcId: cloud.emulator.inventory().vpcs[0]?.id,
      imageId: imageId(),
      instanceProfile: "bx2-2x8",
    }),
    change: { name: "renamed" },
    collection: () => /^\/v1\/instance\/templates$/,
    object: at("/instance/templates"),
    updateMethod: "PATCH",
    list: { templates: [] },
    inventory: () => rows("templates"),
  },
  InstanceGroup: {
    handler: instanceGroup as never,
    args: () => ({ instanceTemplateId: templateId, subnetIds: [place.subnetId], membershipCount: 1 }),
    change: { membershipCount: 2 },
    collection: () => /^\/v1\/instance_groups$/,
    object: at("/instance_groups"),
    updateMethod: "PATCH",
    list: { instance_groups: [] },
    inventory: () => rows("instanceGroups"),
  },
  BareMetalServer: {
    handler: bareMetalServer as never,
    args: () => ({
      ...place,
      bareMetalServerProfile: "bx2-metal-96x384",
      initialization: { imageId: imageId(), sshKeyIds: [cloud.emulator.inventory().keys[0]?.id], userData: "a" },
      allowReinitialize: true,
      restartToApply: true,
    }),
    change: { metadataService: {}, trustedPlatformModule: { mode: "tpm_2" } },
    collection: () => /^\/v1\/bare_metal_servers$/,
    object: at("/bare_metal_servers"),
    updateMethod: "PATCH",
    list: { bare_metal_servers: [] },
    inventory: () => rows("bareMetalServers"),
  },
};

beforeAll(async () => {
  // Read when the session opens: an answer that does not come is waited for as long as this.
  process.env.IC_TIMEOUT = "1";
  cloud = await startCloud();
  const { subnets } = cloud.emulator.inventory();
  place = { subnetId: subnets[0]?.id, zone: `${cloud.emulator.region}-1` };
  templateId = (
    await createTemplate(cloud.elsewhere, {
      profile: "bx2-2x8",
      zone: String(place.zone),
      imageId: String(imageId()),
      primaryNetworkAttachment: { virtualNetworkInterface: { subnetId: String(place.subnetId) } },
    })
  ).id;
});
afterAll(async () => {
  delete process.env.IC_TIMEOUT;
  await cloud.close();
});

describe.each(Object.entries(KINDS))("%s", (_type, kind) => {
  it.each(faultCases(() => cloud, kind))("%s", async (_name, run) => {
    expect(await run()).toEqual([]);
  });
});
