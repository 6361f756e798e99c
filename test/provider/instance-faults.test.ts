/**
 * What goes wrong on the way to a server and its metadata service: the fault table, and what only servers have: actions,
 * tags, and a second look at what they were created with.
 */
import { createProfile } from "../../client/iam-identity";
import { tagsOf } from "../../client/tags";
import { type Instance, createInstance, deleteInstance, getInstance, listInstances } from "../../client/vpc";
import { handler } from "../../provider/instance";
import { handler as metadataService } from "../../provider/instance-metadata-service";
import { type Cloud, type Fault, Life, rejectionOf, startCloud } from "./cloud";
import { type Kind, createdAtLast, faultCases } from "./fault-table";
import { placeOf } from "./instance-place";

let cloud: Cloud;
let profileId: string;
let theirs: Instance;
let warnings: jest.SpyInstance;

beforeAll(async () => {
  // Read when the session opens: an answer that does not come is waited for as long as this.
  process.env.IC_TIMEOUT = "1";
  cloud = await startCloud();
  profileId = (await createProfile(cloud.elsewhere, { name: "app" })).id;
  const { subnetId, instanceProfile, ...place } = placeOf(cloud);
  theirs = await createInstance(cloud.elsewhere, {
    ...place,
    profile: instanceProfile,
    name: "theirs",
    primaryNetworkAttachment: { virtualNetworkInterface: { subnetId } },
  });
});
afterAll(async () => {
  delete process.env.IC_TIMEOUT;
  await cloud.close();
});
beforeEach(() => {
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  warnings.mockRestore();
});

const servers = (): string[] =>
  cloud.emulator
    .inventory()
    .instances.map(({ id }) => id)
    .filter((id) => id !== theirs.id);
const args = (): Record<string, unknown> => ({
  ...placeOf(cloud),
  defaultTrustedProfile: { target: profileId },
  metadataService: {},
});

const SERVER: Kind = {
  handler: handler as never,
  args,
  change: { metadataService: { responseHopLimit: 2 }, availabilityPolicy: { hostFailure: "stop" } },
  collection: () => /^\/v1\/instances$/,
  object: ({ id }) => new RegExp(`^/v1/instances/${id}$`),
  updateMethod: "PATCH",
  ifMatch: true,
  list: { instances: [] },
  inventory: servers,
};

it.each(faultCases(() => cloud, SERVER))("a server %s", async (_name, run) => {
  expect(await run()).toEqual([]);
});

/** Its create, its updates and its delete are changes of a server that is there all the time. */
const METADATA_SERVICE: Kind = {
  handler: metadataService as never,
  args: () => ({ instanceId: theirs.id, responseHopLimit: 2 }),
  change: { responseHopLimit: 3 },
  createMethod: "PATCH",
  deleteMethod: "PATCH",
  collection: () => new RegExp(`^/v1/instances/${theirs.id}$`),
  object: ({ id }) => new RegExp(`^/v1/instances/${id}$`),
  updateMethod: "PATCH",
  ifMatch: true,
  inventory: () => {
    const all = cloud.emulator.inventory().instances;
    const settings = all.find(({ id }) => id === theirs.id)?.metadata_service as Record<string, unknown>;
    // As they were before anybody set them.
    const isAsBefore = settings.enabled === false && settings.response_hop_limit === 1;
    return isAsBefore ? [] : [theirs.id];
  },
};

it.each(faultCases(() => cloud, METADATA_SERVICE))(
  "the metadata service of somebody else's server %s",
  async (_name, run) => {
    expect(await run()).toEqual([]);
  },
);

const FAULTS: [string, Fault, number][] = [
  ["429", { status: 429, retryAfter: "0" }, 2],
  ["500", { status: 500 }, 1],
  ["500 although it was done", { status: 500, acted: true }, 1],
  ["503", { status: 503 }, 2],
  ["a connection that is reset before the effect", "lost", 1],
  ["a connection that is reset after the effect", "answer lost", 1],
  ["an answer that never comes", "answer held", 1],
];

describe("a server whose create is done in more than one call", () => {
  afterEach(async () => {
    for await (const { id } of listInstances(cloud.elsewhere))
      if (id !== theirs.id) await deleteInstance(cloud.elsewhere, id);
  });

  const made = (wanted: Record<string, unknown>): Promise<Life> => createdAtLast(handler as never, wanted);

  it.each(FAULTS)("has its profile in the state despite %s at its initialization", async (_name, fault, times) => {
    const planned = cloud.fail("GET", /\/initialization$/, fault, times);
    const life = await made(args());
    expect([planned.fired, servers()]).toEqual([times, [life.id]]);
    expect(life.outputs.defaultTrustedProfile).toMatchObject({
      target: profileId,
      crn: expect.stringMatching(/^crn:/) as string,
    });
    expect(await life.diff(args())).toMatchObject({ changes: false });
  });

  it.each(FAULTS)("has its tags despite %s", async (_name, fault, times) => {
    const planned = cloud.fail("POST", /\/tags\/attach$/, fault, times);
    const wanted = { ...args(), tags: ["a", "b"] };
    const life = await made(wanted);
    expect([planned.fired, servers()]).toEqual([times, [life.id]]);
    expect(await tagsOf(cloud.elsewhere, String(life.outputs.crn))).toEqual(["a", "b"]);
    expect(await life.diff(wanted)).toMatchObject({ changes: false });
  });

  it("is not done while a tag is refused, though the answer is 200", async () => {
    const results = [{ resource_id: "x", is_error: true, message: "No such tag." }];
    const planned = cloud.fail("POST", /\/tags\/attach$/, { status: 200, body: { results } });
    const error = (await new Life(handler).create({ ...args(), tags: ["a"] }).catch((reason: unknown) => reason)) as {
      reasons: string[];
      properties: object;
    };
    expect([planned.fired, error.reasons]).toEqual([
      1,
      [expect.stringMatching(/^attach the tags a to crn:.*: No such tag\.$/) as string],
    ]);
    expect(error.properties).not.toHaveProperty("tags");
  });

  const ACTIONS: [string, Fault, number][] = [...FAULTS, ["409, still on its way", { status: 409 }, 2]];
  it.each(ACTIONS)("is resized and runs again despite %s at its actions", async (_name, fault, times) => {
    const life = await made(args());
    const wanted = { ...args(), instanceProfile: "cx2-2x4", restartToApply: true };
    const planned = cloud.fail("POST", /\/actions$/, fault, times);
    await life.update(wanted).catch(() => life.update(wanted));
    expect(planned.fired).toBe(times);
    expect(await getInstance(cloud.elsewhere, life.id)).toMatchObject({ status: "running", profile: "cx2-2x4" });
    expect(await life.diff(wanted)).toMatchObject({ changes: false });
  });

  it.each([
    ["after it was stopped", "PATCH", /^\/v1\/instances\/[^/]+$/],
    ["after it was changed", "POST", /\/actions$/],
  ])("is resized and started by the next run when one is interrupted %s", async (_name, method, path) => {
    const life = await made(args());
    const wanted = { ...args(), instanceProfile: "cx2-2x4", restartToApply: true };
    // The second of the actions starts it.
    const passing = method === "POST" ? cloud.fail("POST", path, { status: 201, acted: true, body: {} }) : undefined;
    const planned = cloud.fail(method, path, { status: 403 });
    expect(await rejectionOf(life.update(wanted))).toContain("403");
    expect([planned.fired, passing?.fired ?? 1]).toEqual([1, 1]);
    // A server that was stopped for a change that was refused is started at once.
    expect((await getInstance(cloud.elsewhere, life.id))?.status).toBe(method === "PATCH" ? "running" : "stopped");
    await life.update(wanted);
    expect(await getInstance(cloud.elsewhere, life.id)).toMatchObject({ status: "running", profile: "cx2-2x4" });
  });

  it("is not changed over what somebody else has changed meanwhile", async () => {
    const life = await made(args());
    const twin = await made(args());
    await twin.update({ ...args(), metadataService: { responseHopLimit: 9 } });
    expect(await rejectionOf(life.update({ ...args(), metadataService: { responseHopLimit: 3 } }))).toMatch(
      /was changed outside of this stack since it was last read: metadataService\./,
    );
  });
});
