/**
 * A template with its group, and a bare metal server, from a program through the engine to the emulator and back, over a
 * whole life. On the real command line too, where `PULUMI` names it.
 */
import { updateBareMetalServer } from "../../client/vpc-bare-metal";
import { updateInstanceGroup } from "../../client/vpc-instance-groups";
import { ENGINE, type Run } from "../support/project";
import { type Cloud, startCloud } from "./cloud";
import { Stack } from "./stack";

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as vpc from "pulumi-ibm-vpc-identity";
const wish = JSON.parse(readFileSync("wish.json", "utf8"));
const profile = new vpc.TrustedProfile("app");
const target = profile.id;
const template = new vpc.InstanceTemplate("app", { ...wish.template, defaultTrustedProfile: { target, autoLink: wish.links ?? false } });
const group = new vpc.InstanceGroup("app", { instanceTemplateId: template.id, ...wish.group });
const { initialization, ...settings } = wish.metal;
const metal = new vpc.BareMetalServer("app", { ...settings, initialization: { ...initialization, defaultTrustedProfile: { target } } });
export const ids = [template.id, group.id, metal.id];
export const name = group.name;
export const metadataService = metal.metadataService;
`;

// Each run of the engine starts two processes, on a machine that may have others to run.
jest.setTimeout(240_000);

let cloud: Cloud;
let stack: Stack;
let wish: Record<string, Record<string, unknown> | boolean>;
let images: string[];

beforeAll(async () => {
  cloud = await startCloud({ provisionSeconds: 0.2, deleteSeconds: 0.2, actionSeconds: 0.2 });
  stack = new Stack(process.env.PULUMI ?? ENGINE, PROGRAM, cloud);
  const { vpcs, subnets, keys, ...inventory } = cloud.emulator.inventory();
  images = inventory.images.map(({ id }) => String(id));
  const place = { subnetId: subnets[0]?.id, zone: `${cloud.emulator.region}-1` };
  wish = {
    template: { ...place, vpcId: vpcs[0]?.id, imageId: images[0], instanceProfile: "bx2-2x8", userData: "#!/bin/sh\n" },
    group: { subnetIds: [subnets[0]?.id], membershipCount: 1 },
    metal: {
      ...place,
      bareMetalServerProfile: "bx2-metal-96x384",
      initialization: { imageId: images[0], sshKeyIds: [keys[0]?.id], userData: "#!/bin/sh\n" },
    },
  };
  await must("stack", "init", "dev");
});
afterAll(async () => {
  await cloud.close();
  stack.remove();
});

const pulumi = (...args: string[]): Promise<Run> => {
  stack.wish(wish);
  return stack.run(...args);
};
const must = (...args: string[]): Promise<string> => {
  stack.wish(wish);
  return stack.must(...args);
};
const up = (...more: string[]): Promise<string> => must("up", "--yes", "--skip-preview", ...more);
/** Of the only template, group and bare metal server; what the stack says of them itself is looked at once. */
const ids = (): string[] => {
  const { templates, instanceGroups, bareMetalServers } = cloud.emulator.inventory();
  return [templates, instanceGroups, bareMetalServers].map(([only]) => String(only?.id));
};
const writes = (): string[] => cloud.calls().filter((call) => !call.startsWith("GET"));
const set = (part: string, more: object): void =>
  void (wish = { ...wish, [part]: { ...(wish[part] as object), ...more } });

/** How many templates, groups, members and bare metal servers there are. */
function census(): number[] {
  const { templates, instanceGroups, instances, bareMetalServers } = cloud.emulator.inventory();
  return [templates, instanceGroups, instances, bareMetalServers].map(({ length }) => length);
}

it("is refused in a preview when the template links its servers, and nothing is made", async () => {
  wish.links = true;
  const { exitCode, output } = await pulumi("preview");
  expect([exitCode === 0, output]).toEqual([
    false,
    expect.stringContaining('names InstanceTemplate "app", which links.'),
  ]);
  wish.links = false;
  expect([writes(), census()]).toEqual([[], [0, 0, 0, 0]]);
});

it("is made, one create for each", async () => {
  await up();
  expect(census()).toEqual([1, 1, 1, 1]);
  expect(writes().sort()).toEqual([
    "POST /v1/bare_metal_servers",
    "POST /v1/instance/templates",
    "POST /v1/instance_groups",
    "POST /v1/profiles",
  ]);
});

it("calls nothing when nothing changed, and keeps user data once", async () => {
  await up();
  expect(cloud.calls()).toEqual([]);
  expect(JSON.parse(await must("stack", "output", "--json"))).toMatchObject({ ids: ids() });
  const outputs = (await stack.resources()).map((resource) => resource.outputs);
  expect(JSON.stringify(outputs)).not.toContain("#!/bin/sh");
});

it("gives the group the new template before the old one goes", async () => {
  const [oldTemplate, groupId] = ids();
  set("template", { imageId: images[1] });
  await up();
  const [newTemplate, sameGroup] = ids();
  expect([newTemplate === oldTemplate, sameGroup]).toEqual([false, groupId]);
  expect(writes()).toEqual([
    "POST /v1/instance/templates",
    `PATCH /v1/instance_groups/${String(groupId)}`,
    `DELETE /v1/instance/templates/${String(oldTemplate)}`,
  ]);
  expect(census()).toEqual([1, 1, 1, 1]);
});

it("replaces the template under its group also when only the command line asks for it", async () => {
  const [oldTemplate] = ids();
  const state = await stack.resources();
  const urn = state.find(({ type }) => type.endsWith(":InstanceTemplate"))?.urn ?? "";
  await up("--replace", urn);
  const [newTemplate] = ids();
  expect([newTemplate === oldTemplate, cloud.emulator.inventory().templates.map(({ id }) => id)]).toEqual([
    false,
    [newTemplate],
  ]);
  cloud.calls();
  await up();
  expect(cloud.calls()).toEqual([]);
});

it("gives the group the new template also when its name is the program's own", async () => {
  const [sameTemplate, groupId] = ids();
  set("template", { name: "web" });
  await up();
  expect(ids()[0]).toBe(sameTemplate);
  set("template", { imageId: images[0] });
  cloud.calls();
  await up();
  const [newTemplate, sameGroup] = ids();
  expect([newTemplate === sameTemplate, sameGroup, census()]).toEqual([false, groupId, [1, 1, 1, 1]]);
  expect(cloud.emulator.inventory().templates).toMatchObject([{ name: "web" }]);
  expect(cloud.emulator.inventory().instanceGroups).toMatchObject([{ template: newTemplate }]);
  await up();
  expect(writes().filter((call) => call.startsWith("DELETE"))).toEqual([
    `DELETE /v1/instance/templates/${String(sameTemplate)}`,
  ]);
});

it("changes the size of the group and the settings of the server in place", async () => {
  const before = ids();
  set("group", { membershipCount: 2 });
  set("metal", { metadataService: {}, trustedPlatformModule: { mode: "tpm_2" }, restartToApply: true });
  cloud.calls();
  await up();
  expect([ids(), census()]).toEqual([before, [1, 1, 2, 1]]);
  expect(cloud.emulator.inventory().bareMetalServers[0]).toMatchObject({ status: "running", tpm_mode: "tpm_2" });
});

it("warns in every run of what the server will not get, and writes its disk only when that is allowed", async () => {
  const [, , metalId] = ids();
  const initialization = { ...((wish.metal as Record<string, object>).initialization ?? {}), imageId: images[1] };
  set("metal", { initialization });
  cloud.calls();
  const warning = 'BareMetalServer "app": initialization.imageId has changed, but bare metal server "app-';
  expect(await up()).toContain(warning);
  expect(await up()).toContain(warning);
  expect(writes()).toEqual([]);
  set("metal", { allowReinitialize: true });
  await up();
  expect(writes()).toEqual(
    ["stop", "initialization"].map(
      (step) => `${step === "stop" ? "POST" : "PUT"} /v1/bare_metal_servers/${String(metalId)}/${step}`,
    ),
  );
  expect(cloud.emulator.inventory().bareMetalServers[0]).toMatchObject({ image: images[1], status: "running" });
});

it("shows what somebody else changed, in the inputs too, and mends it", async () => {
  const [, groupId = "", metalId = ""] = ids();
  await updateInstanceGroup(cloud.elsewhere, groupId, { membershipCount: 1 });
  await updateBareMetalServer(cloud.elsewhere, metalId, { metadataService: { enabled: false } });
  await must("refresh", "--yes", "--skip-preview");
  const inputsOf = async (type: string): Promise<unknown> =>
    (await stack.resources()).find((resource) => resource.type.endsWith(`:${type}`))?.inputs;
  expect(await inputsOf("InstanceGroup")).toMatchObject({ membershipCount: 1 });
  expect(await inputsOf("BareMetalServer")).toMatchObject({ metadataService: { enabled: false } });
  await up();
  expect(cloud.emulator.inventory().bareMetalServers[0]).toMatchObject({ metadata_service: { enabled: true } });
  cloud.calls();
  await up("--refresh");
  expect(writes()).toEqual([]);
});

it("leaves nothing behind", async () => {
  await must("destroy", "--yes", "--skip-preview");
  expect(census()).toEqual([0, 0, 0, 0]);
});
