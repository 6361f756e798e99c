/** Servers: differences as a table, warnings, and the handler's whole life against the emulator. */
import { createHash } from "node:crypto";
import { createProfile, listLinks } from "../../client/iam-identity";
import { deleteInstance, getInstance, listInstances, updateInstance } from "../../client/vpc";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/instance";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";

let cloud: Cloud;
let profile: { readonly id: string; readonly crn: string };
let args: Record<string, unknown>;

beforeAll(async () => {
  cloud = await startCloud();
  profile = await createProfile(cloud.elsewhere, { name: "app" });
  const { subnets, images, keys, vpcs } = cloud.emulator.inventory();
  const [subnet] = subnets;
  args = {
    vpcId: vpcs[0]?.id,
    subnetId: subnet?.id,
    zone: `${cloud.emulator.region}-1`,
    imageId: images[0]?.id,
    instanceProfile: "bx2-2x8",
    sshKeyIds: [keys[0]?.id],
    defaultTrustedProfile: { target: profile.id },
    userData: "#!/bin/sh\ntrue\n",
  };
});
afterAll(() => cloud.close());

const NO_WARNING = /^$/;
let warnings: jest.SpyInstance;
beforeEach(() => {
  cloud.calls();
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(async () => {
  warnings.mockRestore();
  for await (const { id } of listInstances(cloud.elsewhere)) await deleteInstance(cloud.elsewhere, id);
});

const create = (more: object = {}): Promise<Life> => new Life(handler).create({ ...args, ...more });
const createdElsewhere = (more: object): Promise<Life> =>
  new Life(handler, `${"b2".repeat(16)}:app`).create({ ...args, ...more });
const servers = (): string[] => cloud.emulator.inventory().instances.map(({ id }) => id);
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const warned = (): string[] => warnings.mock.calls.map(([text]) => String(text));

describe("check", () => {
  const checked = async (more: object, olds: object = {}): Promise<unknown> =>
    (await new Life(handler).check({ ...args, ...more }, { ...olds })).inputs;

  it("makes a name that the VPC API takes, and sends every setting", async () => {
    expect(await checked({ metadataService: undefined })).toMatchObject({
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      metadataService: { enabled: false, protocol: "http", responseHopLimit: 1 },
      defaultTrustedProfile: { target: profile.id, autoLink: true },
    });
  });

  it("takes the settings for the wish to have the service", async () => {
    expect(await checked({ metadataService: { responseHopLimit: 2 } })).toMatchObject({
      metadataService: { enabled: true, protocol: "http", responseHopLimit: 2 },
    });
    expect(await checked({ metadataService: { enabled: false } })).toMatchObject({
      metadataService: { enabled: false },
    });
  });

  it("goes back to a name of ours when the user's is taken away", async () => {
    const olds = (await checked({ name: "web" })) as object;
    const { name } = (await checked({})) as { name: string };
    expect(await checked({}, olds)).toMatchObject({ name });
  });

  it.each([
    ["the CRN of something else", "crn:v1:bluemix:public:is:us-south:a/0::vpc:r006-1"],
    ["an IAM id", "iam-Profile-00000000-0000-4000-8000-000000000000"],
    ["a name", "app"],
  ])("refuses %s for a trusted profile", async (_name, target) => {
    const { failures } = await new Life(handler).check({ ...args, defaultTrustedProfile: { target } }, {});
    expect(failures).toEqual([
      {
        property: "defaultTrustedProfile.target",
        reason: `is "${target}"; must be the id of a trusted profile ("Profile-<uuid>") or its CRN`,
      },
    ]);
  });

  it.each(["vpcId", "imageId", "defaultTrustedProfile", "mark"])(
    "leaves the name unknown while %s is",
    async (field) => {
      expect(await checked({ [field]: UNKNOWN_SENTINEL })).toMatchObject({ name: UNKNOWN_SENTINEL });
    },
  );

  it("keeps the name when the same profile is named by CRN, or ignored fields change", async () => {
    const olds = (await checked({})) as { name: string };
    const same = {
      defaultTrustedProfile: { target: profile.crn },
      userData: "other",
      sshKeyIds: [],
      metadataService: {},
    };
    expect(await checked(same, olds)).toMatchObject({ name: olds.name });
    expect(await checked({ zone: "us-south-2" }, olds)).not.toMatchObject({ name: olds.name });
    expect(await checked({ userData: "other", userDataChange: "replace" }, olds)).not.toMatchObject({
      name: olds.name,
    });
  });
});

describe("life", () => {
  it("begins with three kinds of calls and has every output", async () => {
    const life = await create({ metadataService: {} });
    expect([...new Set(cloud.calls())]).toEqual([
      "POST /v1/instances",
      `GET /v1/instances/${life.id}`,
      `GET /v1/instances/${life.id}/initialization`,
    ]);
    expect(life.outputs).toEqual({
      crn: expect.stringMatching(/^crn:.*::instance:/) as string,
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      status: "running",
      vpcId: args.vpcId,
      subnetId: args.subnetId,
      zone: args.zone,
      imageId: args.imageId,
      instanceProfile: "bx2-2x8",
      sshKeyIds: args.sshKeyIds,
      metadataService: { enabled: true, protocol: "http", responseHopLimit: 1 },
      defaultTrustedProfile: { target: profile.id, crn: profile.crn, autoLink: true },
      userDataSha256: sha256("#!/bin/sh\ntrue\n"),
      networkType: "attachment",
      mark: `${"a1".repeat(16)}:app`,
      resourceGroupId: expect.any(String) as string,
      primaryIp: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/) as string,
      createdAt: expect.any(String) as string,
    });
    expect((await listLinks(cloud.elsewhere, profile.id)).map(({ link }) => link.crn)).toEqual([life.outputs.crn]);
  });

  it("does not link when told not to", async () => {
    const life = await create({ defaultTrustedProfile: { target: profile.crn, autoLink: false } });
    expect(life.outputs.defaultTrustedProfile).toEqual({ target: profile.id, crn: profile.crn, autoLink: false });
    expect(await listLinks(cloud.elsewhere, profile.id)).toEqual([]);
  });

  it.each<[string, object, string[], RegExp]>([
    ["nothing changed", {}, [], NO_WARNING],
    ["the profile by CRN", { defaultTrustedProfile: { target: "CRN", autoLink: true } }, [], NO_WARNING],
    ["the metadata service off", { metadataService: undefined }, ["update"], NO_WARNING],
    ["another hop limit", { metadataService: { responseHopLimit: 2 } }, ["update"], NO_WARNING],
    ["another name", { name: "other" }, ["update"], NO_WARNING],
    ["another image", { imageId: "r006-other" }, ["update", "imageId"], NO_WARNING],
    ["an image not known yet", { imageId: UNKNOWN_SENTINEL }, ["update", "imageId"], NO_WARNING],
    [
      "another size",
      { instanceProfile: "cx2-2x4" },
      [],
      /^Instance "app": instanceProfile has changed, but server "app-[0-9a-f]{8}" \(\S+\) keeps its own: IBM Cloud changes it only while the server is stopped\. Set restartToApply: true to have the server stopped, changed and started\.$/,
    ],
    ["another size, with a restart", { instanceProfile: "cx2-2x4", restartToApply: true }, ["update"], NO_WARNING],
    ["secure boot, with a restart", { enableSecureBoot: true, restartToApply: true }, ["update"], NO_WARNING],
    ["another availability policy", { availabilityPolicy: { hostFailure: "stop" } }, ["update"], NO_WARNING],
    ["more bandwidth for volumes", { totalVolumeBandwidthMbps: 2000 }, ["update"], NO_WARNING],
    ["tags", { tags: ["Env:Prod"] }, ["update"], NO_WARNING],
    ["no tags, said in words", { tags: [] }, [], NO_WARNING],
    ["a fixed address", { primaryIp: "10.240.0.99" }, ["update", "primaryIp"], NO_WARNING],
    ["a template", { sourceTemplateId: "0717-1" }, ["update", "sourceTemplateId"], NO_WARNING],
    ["spoofing forbidden, as it is", { allowIpSpoofing: false }, [], NO_WARNING],
    [
      "the older kind of interface",
      { subnetId: undefined, primaryNetworkInterface: { subnetId: "SUBNET" } },
      [],
      /^Instance "app": primaryNetworkInterface has changed, but applies only when a server is created/,
    ],
    ["another boot volume", { bootVolume: { name: "disk" } }, [], /^Instance "app": bootVolume has changed/],
    [
      "another trusted profile",
      { defaultTrustedProfile: { target: "Profile-00000000-0000-4000-8000-000000000000" } },
      ["update", "defaultTrustedProfile"],
      NO_WARNING,
    ],
    ["no trusted profile", { defaultTrustedProfile: undefined }, ["update", "defaultTrustedProfile"], NO_WARNING],
    [
      "a profile not known yet",
      { defaultTrustedProfile: { target: UNKNOWN_SENTINEL } },
      ["update", "defaultTrustedProfile"],
      NO_WARNING,
    ],
    [
      "no automatic link",
      { defaultTrustedProfile: { target: "CRN", autoLink: false } },
      ["update", "defaultTrustedProfile"],
      NO_WARNING,
    ],
    [
      "other user data",
      { userData: "other" },
      [],
      /^Instance "app": the user data has changed, but server "app-[0-9a-f]{8}" \(\S+\) keeps what it booted with\. Set userDataChange: "replace" to replace the server, or replace it once with `pulumi up --replace`\.$/,
    ],
    ["user data not known yet", { userData: UNKNOWN_SENTINEL }, [], NO_WARNING],
    [
      "other user data, to be replaced",
      { userData: "other", userDataChange: "replace" },
      ["update", "userData"],
      NO_WARNING,
    ],
    ["the same user data, to be replaced", { userDataChange: "replace" }, [], NO_WARNING],
    [
      "other keys",
      { sshKeyIds: [] },
      [],
      /^Instance "app": sshKeyIds has changed, but applies only when a server is created: server "app-\w+" \(\S+\) keeps its own\.$/,
    ],
  ])("sees %s", async (_name, change, expected, warning) => {
    const wanted = JSON.parse(
      JSON.stringify({ ...args, metadataService: {}, ...change })
        .replace('"CRN"', `"${profile.crn}"`)
        .replace('"SUBNET"', JSON.stringify(args.subnetId)),
    ) as object;
    const life = await create({ metadataService: {} });
    const { changes, replaces = [] } = await life.diff({ ...wanted });
    expect([...(changes === true ? ["update"] : []), ...replaces]).toEqual(expected);
    expect(warned().join("\n")).toMatch(warning);
  });

  it("updates in place what can be, and sends only that", async () => {
    const life = await create({ metadataService: {} });
    const wanted = { ...args, name: "renamed", metadataService: { protocol: "https", responseHopLimit: 3 } };
    await life.update(wanted);
    expect(await getInstance(cloud.elsewhere, life.id)).toMatchObject({
      name: "renamed",
      metadataService: { enabled: true, protocol: "https", responseHopLimit: 3 },
    });
    expect(await life.diff(wanted)).toMatchObject({ changes: false });
    await life.update({ ...args, name: "renamed" });
    expect(life.outputs.metadataService).toEqual({ enabled: false, protocol: "http", responseHopLimit: 1 });
  });

  it("keeps the user data's hash of the creation, whatever the program says later", async () => {
    const life = await create();
    await life.update({ ...args, userData: "other", metadataService: {} });
    await life.refresh();
    expect(life.outputs.userDataSha256).toBe(sha256("#!/bin/sh\ntrue\n"));
    expect(warned()).toEqual([expect.stringContaining("is on now, but takes full effect only") as string]);
    await life.diff({ ...args, userData: "other", metadataService: {} });
    expect(warned()).toHaveLength(2);
  });

  it("shows drift with one call, and mends it", async () => {
    const life = await create({ metadataService: {} });
    await updateInstance(cloud.elsewhere, life.id, { metadataService: { enabled: false } });
    cloud.calls();
    await life.refresh();
    expect(cloud.calls()).toEqual([`GET /v1/instances/${life.id}`]);
    expect(await life.diff({ ...args, metadataService: {} })).toMatchObject({ changes: true, replaces: [] });
    await life.update({ ...args, metadataService: {} });
    expect((await getInstance(cloud.elsewhere, life.id))?.metadataService.enabled).toBe(true);
  });

  it("is gone after a refresh when it was deleted elsewhere", async () => {
    const life = await create();
    await deleteInstance(cloud.elsewhere, life.id);
    expect(await life.refresh()).toBe(false);
    expect(await rejectionOf(life.update({ ...args, metadataService: {} }))).toContain(
      "was deleted outside of this stack",
    );
  });

  it("ends when the server is gone, and twice without an error", async () => {
    const life = await create();
    await life.delete();
    expect(servers()).toEqual([]);
    expect(await listLinks(cloud.elsewhere, profile.id)).toEqual([]);
    await life.delete();
  });

  it("is read by id alone, the trusted profile included", async () => {
    const life = await create();
    // IBM Cloud tells nobody what user data a server got.
    const readable = Object.fromEntries(
      Object.entries(life.outputs).filter(([key]) => !["userDataSha256", "mark"].includes(key)),
    );
    const settings = { availabilityPolicy: { hostFailure: "restart" }, enableSecureBoot: false };
    expect(await handler.read?.(life.id, {} as never)).toEqual({
      id: life.id,
      props: { ...readable, ...settings, totalVolumeBandwidthMbps: expect.any(Number) as number },
    });
    expect(await rejectionOf(handler.read?.("0717_none", {} as never) ?? Promise.resolve())).toBe(
      'server "0717_none" does not exist in this account and region. Check the id and the credentials.',
    );
  });
});

interface Incomplete<Properties> {
  readonly id: string;
  readonly properties: Properties;
  readonly reasons: string[];
}

describe("a create that fails on the way", () => {
  it.each([
    ["lost", {}],
    ["answer lost", {}],
    ["answer lost", { name: "named-one" }],
  ] as const)("is made exactly once when the call is %s: %j", async (fault, more) => {
    const count = cloud.fail("POST", /^\/v1\/instances$/, fault);
    const life = await create(more);
    expect([count.fired, servers()]).toEqual([1, [life.id]]);
  });

  it.each([{}, { name: "named-one" }])(
    "is ours when an earlier one was killed before it could tell: %j",
    async (more) => {
      const first = await create(more);
      const second = await create({ ...more, metadataService: { responseHopLimit: 7 } });
      expect([second.id, servers()]).toEqual([first.id, [first.id]]);
      expect(second.outputs.metadataService).toMatchObject({ enabled: true, responseHopLimit: 7 });
      expect((await getInstance(cloud.elsewhere, first.id))?.metadataService.responseHopLimit).toBe(7);
    },
  );

  it("names a server that has the name already, and does not take it", async () => {
    const theirs = await createdElsewhere({ name: "web" });
    expect(await rejectionOf(create({ name: "web" }))).toBe(
      `server "web" cannot be created: the server "web" (${theirs.id}) exists already and was not made by this stack. ` +
        "Choose another name or delete it, or set `adopt: true` to manage it from here (also its deletion).",
    );
    expect(servers()).toEqual([theirs.id]);
  });

  it("is not made when it is refused, and looks once for one that is there", async () => {
    const count = cloud.fail("POST", /^\/v1\/instances$/, { status: 400 });
    expect(await rejectionOf(create())).toContain("planned by the test");
    expect([count.fired, cloud.calls()]).toEqual([1, ["POST /v1/instances", "GET /v1/instances"]]);
  });

  it("keeps the id when the server cannot be read afterwards, and goes on from there", async () => {
    const count = cloud.fail("GET", /\/initialization$/, { status: 403 });
    const error = (await create().catch((reason: unknown) => reason)) as Incomplete<Record<string, unknown>>;
    expect(count.fired).toBe(1);
    expect([error.id]).toEqual(servers());
    expect(error.reasons).toEqual([expect.stringContaining("planned by the test") as string]);
    const life = new Life(handler);
    life.id = error.id;
    life.outputs = error.properties;
    life.inputs = (await life.check(args, {})).inputs ?? {};
    expect(await life.diff(args)).toMatchObject({ changes: false });
    await life.update(args);
    expect(life.outputs).toMatchObject({ status: "running", defaultTrustedProfile: { crn: profile.crn } });
  });

  it("waits for a server that IBM Cloud does not show at once", async () => {
    const count = cloud.fail("GET", /^\/v1\/instances\/[^/]+$/, { status: 404 });
    const life = await create();
    expect([count.fired, life.outputs.status]).toEqual([1, "running"]);
  });

  it("keeps a server that failed to start, and replaces it", async () => {
    const answer = await getInstance(cloud.elsewhere, (await create({ name: "model" })).id);
    const failed = {
      ...{ id: "x", crn: "crn:x", name: "app", status: "failed", zone: { name: args.zone }, vpc: { id: args.vpcId } },
      profile: { name: "bx2-2x8" },
      lifecycle_state: "failed",
      status_reasons: [{ code: "cannot_start_capacity", message: "No capacity in the zone." }],
      created_at: answer?.createdAt,
    };
    cloud.fail("POST", /^\/v1\/instances$/, { status: 201, body: { ...failed, status: "pending" } });
    cloud.fail("GET", /^\/v1\/instances\/x$/, { status: 200, body: failed });
    const error = (await create().catch((reason: unknown) => reason)) as Incomplete<object>;
    expect(error.id).toBe("x");
    expect(error.reasons).toEqual([
      'server "app" (x) failed to start: cannot_start_capacity: No capacity in the zone. The next run replaces it.',
    ]);
    const life = new Life(handler);
    life.id = "x";
    life.outputs = { ...error.properties };
    expect(await life.diff(args)).toMatchObject({
      changes: true,
      replaces: expect.arrayContaining(["status"]) as string[],
    });
  });
});
