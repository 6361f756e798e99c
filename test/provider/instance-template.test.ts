/** Instance templates: differences as a table, what the API repeats, replacements, and a life against the emulator. */
import { createHash } from "node:crypto";
import { createProfile } from "../../client/iam-identity";
import { createInstanceGroup, deleteInstanceGroup, listInstanceGroups } from "../../client/vpc-instance-groups";
import { createTemplate, deleteTemplate, getTemplate, listTemplates, renameTemplate } from "../../client/vpc-templates";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/instance-template";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";

let cloud: Cloud;
let profile: { readonly id: string; readonly crn: string };
let args: Record<string, unknown>;
let otherImage: string;
let warnings: jest.SpyInstance;

beforeAll(async () => {
  cloud = await startCloud();
  profile = await createProfile(cloud.elsewhere, { name: "app" });
  const { subnets, images, keys, vpcs } = cloud.emulator.inventory();
  otherImage = String(images[1]?.id);
  args = {
    vpcId: vpcs[0]?.id,
    subnetId: subnets[0]?.id,
    zone: `${cloud.emulator.region}-1`,
    imageId: images[0]?.id,
    instanceProfile: "bx2-2x8",
    sshKeyIds: [keys[0]?.id],
    metadataService: {},
    defaultTrustedProfile: { target: profile.id, autoLink: false },
    userData: "#!/bin/sh\ntrue\n",
  };
});
afterAll(() => cloud.close());

beforeEach(() => {
  cloud.calls();
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(async () => {
  warnings.mockRestore();
  for await (const { id } of listInstanceGroups(cloud.elsewhere)) await deleteInstanceGroup(cloud.elsewhere, id);
  cloud.emulator.advance(600);
  for await (const { id } of listTemplates(cloud.elsewhere)) await deleteTemplate(cloud.elsewhere, id);
});

const create = (more: object = {}): Promise<Life> => new Life(handler).create({ ...args, ...more });
const live = (life: Life): ReturnType<typeof getTemplate> => getTemplate(cloud.elsewhere, life.id);
const ids = (): unknown[] => cloud.emulator.inventory().templates.map(({ id }) => id);
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const warned = (): string[] => warnings.mock.calls.map(([text]) => String(text));
const groupOf = (template: string): ReturnType<typeof createInstanceGroup> =>
  createInstanceGroup(cloud.elsewhere, { instanceTemplateId: template, subnetIds: [String(args.subnetId)] });

describe("check", () => {
  it("lists every problem", async () => {
    const { failures = [] } = await new Life(handler).check({
      ...args,
      name: "Web",
      zone: undefined,
      metadataService: { responseHopLimit: 65 },
      defaultTrustedProfile: { target: "app" },
      userData: "x".repeat(65_537),
      userDataChange: "later",
      subnet: "s",
    });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual([
      "metadataService.responseHopLimit: is 65; must be a whole number from 1 to 64",
      'defaultTrustedProfile.target: is "app"; must be the id of a trusted profile ("Profile-<uuid>") or its CRN',
      "userData: has 65537 bytes in UTF-8; at most 65536 are allowed",
      'name: is "Web"; must be 1 to 63 lower case letters, digits and hyphens, beginning with a letter and not ending with a hyphen',
      'userDataChange: is "later"; must be one of "ignore", "replace"',
      expect.stringMatching(
        /^subnet: is not an argument; did you mean "subnetId"\? Allowed: subnetId, securityGroupIds, /,
      ) as string,
      "zone: is missing; it is required",
    ]);
  });
});

describe("life", () => {
  it("begins with one call, and has every output", async () => {
    const life = await create();
    expect(cloud.calls()).toEqual(["POST /v1/instance/templates"]);
    expect(life.outputs).toEqual({
      crn: expect.stringMatching(/^crn:.*::instance-template:/) as string,
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      vpcId: args.vpcId,
      subnetId: args.subnetId,
      networkType: "attachment",
      zone: args.zone,
      imageId: args.imageId,
      instanceProfile: "bx2-2x8",
      sshKeyIds: args.sshKeyIds,
      metadataService: { enabled: true, protocol: "http", responseHopLimit: 1 },
      defaultTrustedProfile: { target: profile.id, autoLink: false },
      userDataSha256: sha256("#!/bin/sh\ntrue\n"),
      resourceGroupId: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      mark: life.inputs.mark,
    });
  });

  it.each<[string, unknown, unknown]>([
    ["nothing said", undefined, true],
    ["true", true, true],
    ["false", false, false],
  ])("always says whether it links: %s", async (_name, autoLink, sent) => {
    const life = await create({
      defaultTrustedProfile: { target: profile.id, ...(autoLink === undefined ? {} : { autoLink }) },
    });
    expect(await live(life)).toMatchObject({ defaultTrustedProfile: { target: profile.id, autoLink: sent } });
  });

  const REPLACED = (field: string): string[] => ["update", field, "new first"];
  it.each<[string, object, string[]]>([
    ["nothing changed", {}, []],
    ["an equal profile by CRN", { defaultTrustedProfile: { target: "CRN", autoLink: false } }, []],
    ["another name", { name: "web" }, ["update"]],
    ["another image", { imageId: "r006-other" }, REPLACED("imageId")],
    ["an image not known yet", { imageId: UNKNOWN_SENTINEL }, REPLACED("imageId")],
    ["another size", { instanceProfile: "bx2-4x16" }, REPLACED("instanceProfile")],
    ["no keys", { sshKeyIds: undefined }, REPLACED("sshKeyIds")],
    ["an empty list of keys", { sshKeyIds: [] }, REPLACED("sshKeyIds")],
    ["another hop limit", { metadataService: { responseHopLimit: 2 } }, REPLACED("metadataService")],
    ["no metadata service", { metadataService: undefined }, REPLACED("metadataService")],
    ["a profile that links", { defaultTrustedProfile: { target: "CRN" } }, REPLACED("defaultTrustedProfile")],
    ["no profile", { defaultTrustedProfile: undefined }, REPLACED("defaultTrustedProfile")],
    ["other user data", { userData: "other" }, REPLACED("userData")],
    ["no user data", { userData: undefined }, REPLACED("userData")],
    ["other user data that is ignored", { userData: "other", userDataChange: "ignore" }, []],
    ["another resource group", { resourceGroupId: "0".repeat(32) }, REPLACED("resourceGroupId")],
  ])("sees %s", async (_name, change, expected) => {
    const wanted = JSON.parse(JSON.stringify({ ...args, ...change }).replace('"CRN"', `"${profile.crn}"`)) as object;
    const { changes, replaces = [], deleteBeforeReplace } = await (await create()).diff({ ...wanted });
    const order = replaces.length === 0 ? [] : [deleteBeforeReplace === true ? "old away first" : "new first"];
    expect([...(changes === true ? ["update"] : []), ...replaces, ...order]).toEqual(expected);
  });

  it("warns in every run of user data that it will not get", async () => {
    const life = await create();
    await life.diff({ ...args, userData: "other", userDataChange: "ignore" });
    await life.diff({ ...args, userData: "other", userDataChange: "ignore" });
    const name = String(life.outputs.name);
    const warning =
      `InstanceTemplate "app": the user data has changed, but instance template "${name}" (${life.id}) keeps its own. ` +
      "Leave userDataChange out to replace the template.";
    expect(warned()).toEqual([warning, warning]);
  });

  it("is renamed in place, also by somebody else, which a refresh shows", async () => {
    const life = await create();
    await life.update({ ...args, name: "web" });
    expect(await live(life)).toMatchObject({ name: "web" });
    await renameTemplate(cloud.elsewhere, life.id, "theirs");
    await life.refresh();
    expect(life.inputs).toMatchObject({ name: "theirs" });
    await life.update({ ...args, name: "web" });
    expect(await live(life)).toMatchObject({ name: "web" });
    expect(await life.diff({ ...args, name: "web" })).toMatchObject({ changes: false });
  });

  it("is replaced by one that takes the user's name from it, while a group goes on with it", async () => {
    const life = await create({ name: "web" });
    const group = await groupOf(life.id);
    const wanted = { name: "web", imageId: otherImage };
    const { replaces, deleteBeforeReplace } = await life.diff({ ...args, ...wanted });
    expect([replaces, deleteBeforeReplace]).toEqual([["imageId"], false]);
    const next = await create(wanted);
    expect(await live(life)).toMatchObject({ name: `replaced-${life.id.slice(-8)}` });
    expect(await live(next)).toMatchObject({ name: "web", imageId: otherImage });
    await deleteInstanceGroup(cloud.elsewhere, group.id);
  });

  it("is left to the engine when it is replaced, also where nothing uses it", async () => {
    const life = await create({ name: "web" });
    const next = await create({ name: "web", imageId: otherImage });
    expect(ids().sort()).toEqual([life.id, next.id].sort());
    expect(await live(next)).toMatchObject({ name: "web" });
  });

  it.each<[string, object]>([
    ["refused", { status: 400 }],
    ["not answered", { status: 500 }],
  ])("stays as it is when the one that takes its name is %s", async (_name, fault) => {
    const life = await create({ name: "web" });
    const planned = cloud.fail("POST", /\/templates$/, fault as { status: number }, 9);
    expect(await rejectionOf(create({ name: "web", imageId: otherImage }))).toContain("planned by the test");
    planned.end();
    expect(ids()).toEqual([life.id]);
    expect(await live(life)).toMatchObject({ name: "web" });
    expect(await life.diff({ ...args, name: "web" })).toMatchObject({ changes: false });
  });

  it.each(["2024", "2024-web", "_", "Web", "9".repeat(60)])("is known for its own by the resource %s", async (name) => {
    const life = await new Life(handler, `0123456789abcdef:${name}`).create({ ...args, name: "web" });
    const { deleteBeforeReplace } = await life.diff({ ...args, name: "web", imageId: otherImage });
    expect(deleteBeforeReplace).toBe(false);
  });

  it("is replaced with the old one first where both have a name of the user's and the old one was adopted", async () => {
    await createTemplate(cloud.elsewhere, {
      name: "web",
      profile: "bx2-2x8",
      zone: String(args.zone),
      imageId: String(args.imageId),
      vpcId: String(args.vpcId),
      primaryNetworkAttachment: { virtualNetworkInterface: { subnetId: String(args.subnetId) } },
    });
    const { subnetId, zone, imageId, vpcId, instanceProfile } = args;
    const adopted = { subnetId, zone, imageId, vpcId, instanceProfile, name: "web", adopt: true };
    const life = await new Life(handler).create(adopted);
    expect(await life.diff({ ...adopted, imageId: otherImage })).toMatchObject({ deleteBeforeReplace: true });
  });

  it("is deleted as soon as the group that uses it is gone, and says why it waits", async () => {
    const life = await create();
    const group = await groupOf(life.id);
    const planned = cloud.fail("DELETE", new RegExp(life.id), {
      status: 409,
      body: { errors: [{ code: "in_use", message: "In use." }] },
    });
    await deleteInstanceGroup(cloud.elsewhere, group.id);
    await life.delete();
    await life.delete();
    expect([planned.fired, ids()]).toEqual([1, []]);
    expect(warned().join()).toContain("is still in use and is deleted later: In use.");
  });

  it("is not deleted while a group uses it", async () => {
    const life = await create();
    await groupOf(life.id);
    expect(await rejectionOf(life.delete())).toContain(
      `instance template "${String(life.outputs.name)}" (${life.id}) is not deleted: it is still in use`,
    );
    expect(ids()).toEqual([life.id]);
  });

  it("is gone after a refresh when it was deleted elsewhere, and says so in an update", async () => {
    const life = await create();
    await deleteTemplate(cloud.elsewhere, life.id);
    expect(await rejectionOf(life.update({ ...args, name: "web" }))).toContain("was deleted outside of this stack.");
    expect(await life.refresh()).toBe(false);
  });

  it("is read by id alone: the template target, the metadata service, keys and user data are all read back", async () => {
    const life = await create();
    expect(await handler.read?.(life.id, {} as never)).toEqual({
      id: life.id,
      props: { ...life.outputs, mark: undefined },
    });
    expect(await rejectionOf(Promise.resolve(handler.read?.("0717-none", {} as never)))).toBe(
      'instance template "0717-none" does not exist in this account and region. Check the id and the credentials.',
    );
  });
});

describe("a template that exists already", () => {
  const theirs = (more: object = {}): ReturnType<typeof createTemplate> =>
    createTemplate(cloud.elsewhere, {
      name: "web",
      profile: "bx2-2x8",
      zone: String(args.zone),
      imageId: String(args.imageId),
      vpcId: String(args.vpcId),
      keyIds: args.sshKeyIds as string[],
      metadataService: { enabled: true },
      defaultTrustedProfile: { target: profile.id, autoLink: false },
      userData: String(args.userData),
      primaryNetworkAttachment: { virtualNetworkInterface: { subnetId: String(args.subnetId) } },
      ...more,
    });

  it("is named, not taken", async () => {
    const { id } = await theirs();
    expect(await rejectionOf(create({ name: "web" }))).toBe(
      `instance template "web" cannot be created: instance template "web" (${id}) exists already and was not made by this ` +
        "stack. Choose another name or delete it, or set `adopt: true` to manage it from here (also its deletion).",
    );
  });

  it("is adopted when asked and equal", async () => {
    const { id } = await theirs();
    const life = await create({ name: "web", adopt: true });
    expect([life.id, ids()]).toEqual([id, [id]]);
    expect(await life.diff({ ...args, name: "web", adopt: true })).toMatchObject({ changes: false });
  });

  it("is not adopted when the next run would replace it", async () => {
    const { id } = await theirs({ userData: "other" });
    expect(await rejectionOf(create({ name: "web", adopt: true, imageId: otherImage }))).toContain(
      `instance template "web" (${id}) cannot be adopted: it differs in imageId, userData,`,
    );
  });

  it.each<[string, object]>([
    ["with a name of ours", {}],
    ["with a name of the user's", { name: "web" }],
  ])("%s is made again when an earlier create was killed, and nothing is left of it", async (_name, more) => {
    const first = await create(more);
    const second = await create(more);
    expect(second.id).not.toBe(first.id);
    expect([second.outputs.name, ids()]).toEqual([first.outputs.name, [second.id]]);
  });

  it("and is to be replaced by an equal one keeps serving its group until that has the new one", async () => {
    const first = await create();
    const group = await groupOf(first.id);
    const second = await create();
    expect(await live(first)).toMatchObject({ name: expect.stringMatching(/^replaced-/) as string });
    expect(await live(second)).toMatchObject({ name: first.outputs.name });
    await deleteInstanceGroup(cloud.elsewhere, group.id);
  });
});
