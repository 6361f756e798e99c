/** Bare metal servers: differences as a table, warnings, what is written over and when, and a life against the emulator. */
import { createHash } from "node:crypto";
import { createProfile, listLinks } from "../../client/iam-identity";
import {
  deleteBareMetalServer,
  getBareMetalInitialization,
  getBareMetalServer,
  listBareMetalServers,
  reinitializeBareMetalServer,
  stopBareMetalServer,
  updateBareMetalServer,
} from "../../client/vpc-bare-metal";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/bare-metal-server";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";

let cloud: Cloud;
let profile: { readonly id: string; readonly crn: string };
let other: { readonly id: string };
let images: string[];
let args: Record<string, unknown>;
let initialization: Record<string, unknown>;
let warnings: jest.SpyInstance;

beforeAll(async () => {
  cloud = await startCloud();
  profile = await createProfile(cloud.elsewhere, { name: "app" });
  other = await createProfile(cloud.elsewhere, { name: "other" });
  const { subnets, keys, ...inventory } = cloud.emulator.inventory();
  images = inventory.images.map(({ id }) => String(id));
  initialization = {
    imageId: images[0],
    sshKeyIds: [keys[0]?.id],
    userData: "#!/bin/sh\ntrue\n",
    defaultTrustedProfile: { target: profile.id },
  };
  args = {
    subnetId: subnets[0]?.id,
    zone: `${cloud.emulator.region}-1`,
    bareMetalServerProfile: "bx2-metal-96x384",
    initialization,
  };
});
afterAll(() => cloud.close());

const servers = (): unknown[] => cloud.emulator.inventory().bareMetalServers.map(({ id }) => id);
async function remove(id: string): Promise<void> {
  await stopBareMetalServer(cloud.elsewhere, id, "hard").catch(() => undefined);
  cloud.emulator.advance(600);
  await deleteBareMetalServer(cloud.elsewhere, id);
  cloud.emulator.advance(600);
}

beforeEach(() => {
  cloud.calls();
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
  jest.spyOn(console, "info").mockImplementation(() => undefined);
});
afterEach(async () => {
  jest.restoreAllMocks();
  cloud.emulator.setFaults([]);
  for await (const { id } of listBareMetalServers(cloud.elsewhere)) await remove(id);
});

const create = (more: object = {}): Promise<Life> => new Life(handler).create({ ...args, ...more });
const createdElsewhere = (more: object): Promise<Life> =>
  new Life(handler, `${"b2".repeat(16)}:app`).create({ ...args, ...more });
const live = (life: Life): ReturnType<typeof getBareMetalServer> => getBareMetalServer(cloud.elsewhere, life.id);
const initialized = (life: Life): ReturnType<typeof getBareMetalInitialization> =>
  getBareMetalInitialization(cloud.elsewhere, life.id);
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const warned = (): string[] => warnings.mock.calls.map(([text]) => String(text));
const writes = (): string[] =>
  cloud
    .calls()
    .filter((call) => !call.startsWith("GET"))
    .map((call) => call.replace(/\/v1\/bare_metal_servers\/[^/]+/, "server"));
const init = (change: object): object => ({ initialization: { ...initialization, ...change } });

describe("life", () => {
  it("begins with one create, and has every output", async () => {
    const life = await create({ metadataService: {}, trustedPlatformModule: { mode: "tpm_2" } });
    const path = `/v1/bare_metal_servers/${life.id}`;
    expect([...new Set(cloud.calls())]).toEqual([
      "POST /v1/bare_metal_servers",
      `GET ${path}`,
      `GET ${path}/initialization`,
    ]);
    expect(life.outputs).toEqual({
      crn: expect.stringMatching(/^crn:.*::bare-metal-server:/) as string,
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      networkType: "attachment",
      status: "running",
      vpcId: cloud.emulator.inventory().vpcs[0]?.id,
      zone: args.zone,
      bareMetalServerProfile: "bx2-metal-96x384",
      subnetId: args.subnetId,
      primaryIp: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/) as string,
      virtualNetworkInterfaceId: expect.any(String) as string,
      imageId: images[0],
      sshKeyIds: initialization.sshKeyIds,
      defaultTrustedProfile: { target: profile.id, crn: profile.crn, autoLink: true },
      userDataSha256: sha256("#!/bin/sh\ntrue\n"),
      metadataService: { enabled: true, protocol: "http" },
      trustedPlatformModule: { mode: "tpm_2" },
      enableSecureBoot: false,
      bandwidthMbps: 100_000,
      resourceGroupId: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      mark: life.inputs.mark,
    });
    const [link] = await listLinks(cloud.elsewhere, profile.id);
    expect([link?.crType, link?.link.crn]).toEqual(["BMS", life.outputs.crn]);
    expect(JSON.stringify(life.outputs)).not.toContain("bin/sh");
  });

  const KEEPS = /keeps what it was initialised with\. Set allowReinitialize: true/;
  const RESTART =
    /^BareMetalServer "app": (trustedPlatformModule|enableSecureBoot) has changed, but bare metal server "app-\w+" \(\S+\) keeps its own: IBM Cloud changes that only while the server is stopped\. Set restartToApply: true to have the server stopped, changed and started\.$/;
  const NONE = /^$/;
  it.each<[string, object, string[], RegExp]>([
    ["nothing changed", {}, [], NONE],
    ["an equal profile by CRN", { profile: "CRN" }, [], NONE],
    ["another name", { name: "web" }, ["update"], NONE],
    ["the metadata service on", { metadataService: {} }, ["update"], NONE],
    ["another bandwidth", { bandwidthMbps: 50_000 }, ["update"], NONE],
    ["a TPM", { trustedPlatformModule: { mode: "tpm_2" } }, [], RESTART],
    ["a TPM, with a restart", { trustedPlatformModule: { mode: "tpm_2" }, restartToApply: true }, ["update"], NONE],
    ["secure boot", { enableSecureBoot: true }, [], RESTART],
    ["secure boot, with a restart", { enableSecureBoot: true, restartToApply: true }, ["update"], NONE],
    ["another image", { init: { imageId: "r006-other" } }, [], KEEPS],
    ["another image, to be written", { init: { imageId: "r006-other" }, allowReinitialize: true }, ["update"], NONE],
    ["other user data", { init: { userData: "other" } }, [], KEEPS],
    ["user data not known yet", { init: { userData: UNKNOWN_SENTINEL } }, [], NONE],
    ["no profile", { init: { defaultTrustedProfile: undefined } }, [], KEEPS],
    [
      "no profile, to be written",
      { init: { defaultTrustedProfile: undefined }, allowReinitialize: true },
      ["update"],
      NONE,
    ],
    [
      "other security groups",
      { securityGroupIds: ["r006-sg"] },
      [],
      /securityGroupIds has changed, .* apply only when a server is created\.$/,
    ],
    ["another zone", { zone: "us-south-2" }, ["update", "zone"], NONE],
    ["another profile", { bareMetalServerProfile: "cx2-metal-96x192" }, ["update", "bareMetalServerProfile"], NONE],
    ["another subnet", { subnetId: "0717-other" }, ["update", "subnetId"], NONE],
  ])("sees %s", async (_name, change, expected, warning) => {
    const { init: part = {}, profile: named, ...rest } = change as { init?: object; profile?: string };
    const crn = named === undefined ? {} : { defaultTrustedProfile: { target: profile.crn } };
    const wanted = JSON.parse(JSON.stringify({ ...args, ...rest, ...init({ ...part, ...crn }) })) as object;
    const { changes, replaces = [] } = await (await create()).diff({ ...wanted });
    expect([...(changes === true ? ["update"] : []), ...replaces]).toEqual(expected);
    expect(warned().join("\n")).toMatch(warning);
  });

  it("says in every run what it keeps, in one sentence", async () => {
    const life = await create();
    const wanted = { ...args, ...init({ imageId: images[1], userData: "other" }) };
    await life.diff(wanted);
    await life.diff(wanted);
    const text =
      `BareMetalServer "app": initialization.imageId, initialization.userData have changed, but bare metal server ` +
      `"${String(life.outputs.name)}" (${life.id}) keeps what it was initialised with. Set allowReinitialize: true to have its ` +
      "image written again, which erases its boot disk, or replace it once with `pulumi up --replace`.";
    expect(warned()).toEqual([text, text]);
  });

  it("updates in place what can be, without a stop, and resets what is taken away", async () => {
    const life = await create();
    cloud.calls();
    await life.update({ ...args, name: "web", metadataService: { protocol: "https" }, bandwidthMbps: 50_000 });
    expect(writes()).toEqual(["PATCH server"]);
    expect(await live(life)).toMatchObject({
      name: "web",
      status: "running",
      metadataService: { enabled: true, protocol: "https" },
      bandwidth: 50_000,
    });
    await life.update(args);
    expect(await live(life)).toMatchObject({ metadataService: { enabled: false, protocol: "http" } });
  });

  it("is stopped, changed and started again where that was allowed", async () => {
    const life = await create();
    cloud.calls();
    const wanted = { ...args, trustedPlatformModule: { mode: "tpm_2" }, enableSecureBoot: true, restartToApply: true };
    await life.update(wanted);
    expect(writes()).toEqual(["POST server/stop", "PATCH server", "POST server/start"]);
    expect(await live(life)).toMatchObject({ status: "running", tpmMode: "tpm_2", enableSecureBoot: true });
    await life.update({ ...args, restartToApply: true });
    expect(await live(life)).toMatchObject({ status: "running", tpmMode: "disabled", enableSecureBoot: false });
  });

  it("is changed without a start when it was stopped by somebody else", async () => {
    const life = await create();
    await stopBareMetalServer(cloud.elsewhere, life.id, "hard");
    cloud.emulator.advance(60);
    await life.refresh();
    cloud.calls();
    await life.update({ ...args, trustedPlatformModule: { mode: "tpm_2" } });
    expect(writes()).toEqual(["PATCH server"]);
    expect(await live(life)).toMatchObject({ status: "stopped", tpmMode: "tpm_2" });
  });

  it("is started by the next run when one was killed after it had stopped and changed it", async () => {
    const life = await create();
    await stopBareMetalServer(cloud.elsewhere, life.id, "hard");
    cloud.emulator.advance(60);
    await updateBareMetalServer(cloud.elsewhere, life.id, { tpmMode: "tpm_2" });
    await life.update({ ...args, trustedPlatformModule: { mode: "tpm_2" }, restartToApply: true });
    expect(await live(life)).toMatchObject({ status: "running", tpmMode: "tpm_2" });
  });

  it.each<[string, object, object]>([
    ["image", { imageId: "IMAGE" }, { imageId: "IMAGE" }],
    ["user data, where that is asked for,", { userData: "other" }, {}],
    [
      "profile",
      { defaultTrustedProfile: { target: "OTHER", autoLink: false } },
      { defaultTrustedProfile: { target: { id: "OTHER" }, autoLink: false } },
    ],
  ])(
    "bare metal silently losing its profile: a new %s is written together with all the rest",
    async (_name, change, expected) => {
      const named = (value: object): object =>
        JSON.parse(JSON.stringify(value).replace("IMAGE", String(images[1])).replace("OTHER", other.id)) as object;
      const life = await create();
      cloud.calls();
      const wanted = { ...args, ...init(named(change)), allowReinitialize: true, userDataChange: "replace" };
      await life.update(wanted);
      expect(writes()).toEqual(["POST server/stop", "PUT server/initialization"]);
      expect(await live(life)).toMatchObject({ status: "running" });
      expect(await initialized(life)).toMatchObject({
        imageId: images[0],
        keyIds: initialization.sshKeyIds,
        defaultTrustedProfile: { autoLink: true, target: { id: profile.id } },
        ...named(expected),
      });
      expect(await life.diff(wanted)).toMatchObject({ changes: false });
      expect(warned()).toEqual([]);
    },
  );

  it("bare metal being re-imaged: no change of anything does so unless it is allowed", async () => {
    const life = await create();
    cloud.calls();
    const wanted = {
      ...args,
      ...init({ imageId: images[1], userData: "other", defaultTrustedProfile: undefined }),
      metadataService: {},
    };
    await life.update({ ...wanted, restartToApply: true });
    expect(writes()).toEqual(["PATCH server"]);
    expect(life.outputs).toMatchObject({ imageId: images[0], userDataSha256: sha256("#!/bin/sh\ntrue\n") });
    expect(await initialized(life)).toMatchObject({ imageId: images[0], defaultTrustedProfile: { autoLink: true } });
  });

  it("bare metal being re-imaged: other user data alone, which a new version may bring, does not", async () => {
    const life = await create();
    cloud.calls();
    const wanted = { ...args, ...init({ userData: "other" }), allowReinitialize: true, name: "renamed" };
    await life.update(wanted);
    expect(writes()).toEqual(["PATCH server"]);
    expect(life.outputs.userDataSha256).toBe(sha256("#!/bin/sh\ntrue\n"));
    await life.diff(wanted);
    expect(warned().join()).toMatch(
      /^BareMetalServer "app": initialization\.userData has changed, .*userDataChange: "replace"/,
    );
  });

  it("bare metal being re-imaged: an image that was deleted since, and a rename, do not", async () => {
    const life = await create();
    const told = await cloud.elsewhere.call({
      ...{ api: "vpc", method: "GET", doing: "read" },
      path: `/bare_metal_servers/${life.id}/initialization`,
    });
    const body = { ...(told.body as object), image: undefined };
    const deleted = cloud.fail("GET", /\/initialization$/, { status: 200, body }, 100);
    cloud.calls();
    await life.update({ ...args, name: "renamed", allowReinitialize: true });
    expect(writes()).toEqual(["PATCH server"]);
    expect(life.outputs).toMatchObject({ name: "renamed", imageId: images[0] });
    await life.refresh();
    deleted.end();
    expect(life.outputs.imageId).toBe(images[0]);
  });

  it("bare metal being re-imaged: once, also when the run that did it was killed before it could say so", async () => {
    const life = await create();
    const wanted = {
      ...args,
      ...init({ imageId: images[1], userData: "other" }),
      allowReinitialize: true,
      userDataChange: "replace",
    };
    const before = { ...life.outputs };
    await life.update(wanted);
    life.outputs = before;
    cloud.calls();
    await life.update(wanted);
    expect(writes()).toEqual([]);
    expect(life.outputs).toMatchObject({ status: "running", imageId: images[1], userDataSha256: sha256("other") });
  });

  it("shows that somebody else wrote it over and that it lost its profile", async () => {
    const life = await create();
    await stopBareMetalServer(cloud.elsewhere, life.id, "hard");
    cloud.emulator.advance(60);
    await reinitializeBareMetalServer(cloud.elsewhere, life.id, {
      imageId: String(images[1]),
      keyIds: initialization.sshKeyIds as string[],
    });
    cloud.emulator.advance(600);
    await life.refresh();
    expect(life.outputs).toMatchObject({ imageId: images[1], status: "running" });
    expect(life.outputs).not.toHaveProperty("defaultTrustedProfile");
    expect(life.inputs.initialization as object).toMatchObject({ imageId: images[1] });
    await life.diff(args);
    expect(warned().join()).toContain("initialization.imageId, initialization.defaultTrustedProfile have changed");
    await life.update({ ...args, allowReinitialize: true });
    expect(life.outputs).toMatchObject({ imageId: images[0], defaultTrustedProfile: { target: profile.id } });
  });

  it("is gone after a refresh when it was deleted elsewhere, and says so in an update", async () => {
    const life = await create();
    await remove(life.id);
    expect(await rejectionOf(life.update({ ...args, metadataService: {} }))).toContain(
      "was deleted outside of this stack.",
    );
    expect(await life.refresh()).toBe(false);
    await life.delete();
  });

  it("is stopped before it is deleted, takes its links along, and ends twice without an error", async () => {
    const life = await create();
    cloud.calls();
    await life.delete();
    expect(writes()).toEqual(["POST server/stop", "DELETE server"]);
    expect([servers(), await listLinks(cloud.elsewhere, profile.id)]).toEqual([[], []]);
    await life.delete();
  });

  it("is read by id alone, the trusted profile included", async () => {
    const life = await create();
    const readable = Object.fromEntries(
      Object.entries(life.outputs).filter(([key]) => !["userDataSha256", "mark"].includes(key)),
    );
    expect((await handler.read?.(life.id, {} as never))?.props).toEqual(readable);
    expect(await rejectionOf(Promise.resolve(handler.read?.("0717-none", {} as never)))).toBe(
      'bare metal server "0717-none" does not exist in this account and region. Check the id and the credentials.',
    );
  });
});

describe("a server that exists already", () => {
  it("is named, not taken", async () => {
    const theirs = await createdElsewhere({ name: "web" });
    expect(await rejectionOf(create({ name: "web" }))).toContain(
      `bare metal server "web" cannot be created: the bare metal server "web" (${theirs.id}) exists already`,
    );
  });

  it("is adopted when asked and brought to what is wanted, but never written over by that", async () => {
    const theirs = await createdElsewhere({ name: "web" });
    const life = await create({ name: "web", adopt: true, metadataService: {} });
    expect(life.id).toBe(theirs.id);
    expect(await live(life)).toMatchObject({ metadataService: { enabled: true } });
    expect(await rejectionOf(create({ name: "web", adopt: true, allowReinitialize: true }))).toContain(
      `cannot be adopted: it differs in initialization.userData, and the next run would replace it.`,
    );
  });

  it.each<[string, object]>([
    ["with a name of ours", {}],
    ["with a name of the user's", { name: "web" }],
  ])("%s is ours when an earlier create was killed", async (_name, more) => {
    const first = await create(more);
    const second = await create(more);
    expect([second.id, servers()]).toEqual([first.id, [first.id]]);
    expect(await second.diff({ ...args, ...more })).toMatchObject({ changes: false });
  });
});
