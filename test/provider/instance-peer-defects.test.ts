/** What users of other tools for IBM Cloud's servers suffer from, each as a test that it does not happen here. */
import { createProfile } from "../../client/iam-identity";
import { deleteInstance, getInstance, listInstances, updateInstance } from "../../client/vpc";
import { handler } from "../../provider/instance";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";
import { placeOf, vpcPost } from "./instance-place";

let cloud: Cloud;
let args: Record<string, unknown>;
let profile: { readonly id: string; readonly crn: string };
let warnings: jest.SpyInstance;

beforeAll(async () => {
  cloud = await startCloud();
  profile = await createProfile(cloud.elsewhere, { name: "app" });
  args = { ...placeOf(cloud), userData: "#!/bin/sh\n" };
});
afterAll(() => cloud.close());
beforeEach(() => {
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(async () => {
  warnings.mockRestore();
  for await (const { id } of listInstances(cloud.elsewhere)) await deleteInstance(cloud.elsewhere, id);
});

const create = (more: object = {}): Promise<Life> => new Life(handler).create({ ...args, ...more });

it("a trusted profile by CRN does not show a replacement of the server for ever", async () => {
  const wanted = { ...args, defaultTrustedProfile: { target: profile.crn } };
  const life = await create(wanted);
  expect(life.outputs.defaultTrustedProfile).toMatchObject({ target: profile.id });
  expect(await life.diff(wanted)).toMatchObject({ changes: false, replaces: [] });
  await life.refresh();
  expect(await life.diff(wanted)).toMatchObject({ changes: false, replaces: [] });
  expect(await life.diff({ ...args, defaultTrustedProfile: { target: profile.id } })).toMatchObject({ changes: false });
});

it("a metadata service without `enabled` does not switch it off", async () => {
  const life = await create({ metadataService: { responseHopLimit: 2 } });
  expect((await getInstance(cloud.elsewhere, life.id))?.metadataService.enabled).toBe(true);
  await life.update({ ...args, metadataService: { protocol: "https" } });
  expect((await getInstance(cloud.elsewhere, life.id))?.metadataService).toEqual({
    enabled: true,
    protocol: "https",
    responseHopLimit: 1,
  });
});

it("settings that are taken away go back to IBM's default", async () => {
  const wanted = {
    metadataService: { protocol: "https", responseHopLimit: 7 },
    availabilityPolicy: { hostFailure: "stop" },
    enableSecureBoot: true,
    restartToApply: true,
  };
  const life = await create(wanted);
  expect(await getInstance(cloud.elsewhere, life.id)).toMatchObject({ hostFailure: "stop", enableSecureBoot: true });
  const bare = { ...args, restartToApply: true };
  expect(await life.diff(bare)).toMatchObject({ changes: true, replaces: [] });
  await life.update(bare);
  expect(await getInstance(cloud.elsewhere, life.id)).toMatchObject({
    status: "running",
    hostFailure: "restart",
    enableSecureBoot: false,
    metadataService: { enabled: false, protocol: "http", responseHopLimit: 1 },
  });
  expect(await life.diff(bare)).toMatchObject({ changes: false });
});

describe("a change that is refused after the server was stopped for it", () => {
  const LARGER = "bx2-4x16";

  it("has the server started again", async () => {
    const life = await create();
    const refused = cloud.fail("PATCH", /^\/v1\/instances\//, { status: 400 });
    const wanted = { ...args, instanceProfile: LARGER, restartToApply: true };
    expect(await rejectionOf(life.update(wanted))).toContain("planned by the test");
    expect([refused.fired, (await getInstance(cloud.elsewhere, life.id))?.status]).toEqual([1, "running"]);
  });

  it("has it started by the next run where that fails too, also after a refresh and without the change", async () => {
    const life = await create();
    cloud.fail("PATCH", /^\/v1\/instances\//, { status: 400 });
    const wanted = { ...args, instanceProfile: LARGER, restartToApply: true };
    cloud.fail("POST", /\/actions$/, { status: 201, body: {}, acted: true });
    cloud.fail("POST", /\/actions$/, { status: 403 });
    const error = (await life.update(wanted).catch((reason: unknown) => reason)) as {
      properties: Record<string, unknown>;
      reasons: string[];
    };
    expect(error.reasons.join()).toContain("could not be started again; the next run starts it.");
    life.outputs = error.properties;
    await life.refresh();
    expect(life.outputs.status).toBe("stopped");
    expect(await life.diff(args)).toMatchObject({ changes: true, replaces: [] });
    await life.update(args);
    expect(life.outputs.status).toBe("running");
    expect(await life.diff(args)).toMatchObject({ changes: false });
  });
});

it("somebody else's server of the same name is not taken over when the create is cut off before its effect", async () => {
  const theirs = await new Life(handler, `${"b2".repeat(16)}:app`).create({ ...args, name: "web" });
  cloud.fail("POST", /^\/v1\/instances$/, "lost");
  expect(await rejectionOf(create({ name: "web" }))).toContain(`"web" (${theirs.id}) exists already`);
});

it("settings that no program has named are not reset", async () => {
  const life = await create();
  await updateInstance(cloud.elsewhere, life.id, { availabilityPolicy: { hostFailure: "stop" } });
  await life.refresh();
  expect(await life.diff(args)).toMatchObject({ changes: false });
});

it("a change of the user data does not rebuild the server, and is said in every run", async () => {
  const life = await create();
  const wanted = { ...args, userData: "#!/bin/sh\ntrue\n" };
  const text =
    `Instance "app": the user data has changed, but server "${String(life.outputs.name)}" (${life.id}) keeps what it ` +
    'booted with. Set userDataChange: "replace" to replace the server, or replace it once with `pulumi up --replace`.';
  for (const run of [1, 2, 3]) {
    expect(await life.diff(wanted)).toMatchObject({ changes: false, replaces: [] });
    await life.refresh();
    expect(warnings.mock.calls).toEqual(Array.from({ length: run }, () => [text]));
  }
  const replaced = await create({ ...wanted, name: "fresh" });
  warnings.mockClear();
  await replaced.diff({ ...wanted, name: "fresh" });
  expect(warnings.mock.calls).toEqual([]);
});

it("the trusted profile of a server from a template is read back", async () => {
  const { subnetId, zone, imageId, instanceProfile } = placeOf(cloud);
  const template = await vpcPost(cloud, "/instance/templates", {
    zone: { name: zone },
    image: { id: imageId },
    profile: { name: instanceProfile },
    primary_network_attachment: { virtual_network_interface: { subnet: { id: subnetId } } },
    default_trusted_profile: { auto_link: false, target: { crn: profile.crn } },
  });
  const life = await new Life(handler).create({ sourceTemplateId: String(template.id) });
  expect(life.outputs.defaultTrustedProfile).toEqual({ target: profile.id, crn: profile.crn, autoLink: false });
});

it("an image that was deleted since does not rebuild the server", async () => {
  const life = await create();
  const body = (await cloud.elsewhere.call({ api: "vpc", method: "GET", path: `/instances/${life.id}`, doing: "read" }))
    .body as Record<string, unknown>;
  cloud.fail("GET", /^\/v1\/instances\/[^/]+$/, { status: 200, body: { ...body, image: undefined } });
  await life.refresh();
  expect(await life.diff(args)).toMatchObject({ changes: false, replaces: [] });
});

it("a server that is ready soon is not waited for in steps of ten seconds", async () => {
  const slow = await startCloud({ provisionSeconds: 2 });
  try {
    const life = await new Life(handler).create({ ...placeOf(slow) });
    // After one second, and after another; with steps of ten seconds it would be one look.
    const looks = slow.calls().filter((call) => call === `GET /v1/instances/${life.id}`);
    expect([looks.length, life.outputs.status]).toEqual([2, "running"]);
  } finally {
    await slow.close();
  }
});
