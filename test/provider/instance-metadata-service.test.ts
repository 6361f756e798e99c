/** The metadata service of a server that is managed elsewhere: differences, drift, and what is given back at the end. */
import {
  type Instance,
  actOnInstance,
  createInstance,
  deleteInstance,
  getInstance,
  listInstances,
  updateInstance,
} from "../../client/vpc";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler, instanceMetadataServiceRule } from "../../provider/instance-metadata-service";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";
import { placeOf } from "./instance-place";

let cloud: Cloud;
let server: Instance;
let warnings: jest.SpyInstance;

beforeAll(async () => {
  cloud = await startCloud({ strictMetadataSwitch: true });
});
afterAll(() => cloud.close());
beforeEach(async () => {
  const { subnetId, instanceProfile, ...place } = placeOf(cloud);
  server = await createInstance(cloud.elsewhere, {
    ...place,
    profile: instanceProfile,
    name: "theirs",
    metadataService: { enabled: false, protocol: "http", responseHopLimit: 5 },
    primaryNetworkAttachment: { virtualNetworkInterface: { subnetId } },
  });
  cloud.emulator.advance(1);
  cloud.calls();
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(async () => {
  warnings.mockRestore();
  for await (const { id } of listInstances(cloud.elsewhere)) await deleteInstance(cloud.elsewhere, id);
});

const create = (more: object = {}): Promise<Life> =>
  new Life(handler as never).create({ instanceId: server.id, ...more });
const argsOf = (more: object = {}): Record<string, unknown> => ({ instanceId: server.id, ...more });
const settings = async (): Promise<object | undefined> =>
  (await getInstance(cloud.elsewhere, server.id))?.metadataService;
const before = { enabled: false, protocol: "http", responseHopLimit: 5 } as const;
const ON = { ...before, enabled: true };
const record = (more: object = {}): object => ({ serverId: server.id, settings: before, running: true, ...more });

it("switches the service on, sends nothing else, and says what is still needed", async () => {
  const life = await create();
  expect([life.id, await settings()]).toEqual([server.id, ON]);
  expect(cloud.calls()).toEqual([`GET /v1/instances/${server.id}`, `PATCH /v1/instances/${server.id}`]);
  expect(life.outputs).toMatchObject({ instanceId: server.id, enabled: true, before, onDelete: "restore" });
  expect(warnings.mock.calls).toEqual([
    [
      `InstanceMetadataService "app": the metadata service of server "theirs" (${server.id}) is on now, but takes full ` +
        "effect only after the server was stopped and started. Do that, or set restartToApply: true before such a change.",
    ],
  ]);
  cloud.calls();
  expect(await life.diff(argsOf())).toMatchObject({ changes: false });
  expect(await life.diff(argsOf({ instanceId: server.crn }))).toMatchObject({ changes: false });
  expect(cloud.calls()).toEqual([]);
});

it("restarts the server when told to, so that the service answers at once", async () => {
  const life = await create({ restartToApply: true });
  const path = `/v1/instances/${server.id}`;
  expect(cloud.calls().filter((call) => !call.startsWith("GET"))).toEqual([
    `PATCH ${path}`,
    `POST ${path}/actions`,
    `POST ${path}/actions`,
  ]);
  expect((await getInstance(cloud.elsewhere, life.id))?.status).toBe("running");
  expect(warnings.mock.calls).toEqual([]);
});

it("sends only what differs, and gives back what the program no longer names", async () => {
  const life = await create({ responseHopLimit: 2, protocol: "https" });
  expect(await settings()).toEqual({ enabled: true, protocol: "https", responseHopLimit: 2 });
  const wanted = argsOf({ protocol: "https" });
  expect(await life.diff(wanted)).toMatchObject({ changes: true, replaces: [] });
  await life.update(wanted);
  expect(await settings()).toEqual({ enabled: true, protocol: "https", responseHopLimit: 5 });
  expect(await life.diff(wanted)).toMatchObject({ changes: false });
});

it("shows drift of what is ours, in the inputs too, and mends it; the rest is somebody else's", async () => {
  const life = await create();
  await updateInstance(cloud.elsewhere, server.id, { metadataService: { responseHopLimit: 9 } });
  await life.refresh();
  expect(await life.diff(argsOf())).toMatchObject({ changes: false });
  await updateInstance(cloud.elsewhere, server.id, { metadataService: { enabled: false } });
  await life.refresh();
  expect(life.inputs).toMatchObject({ enabled: false });
  expect(await life.diff(argsOf())).toMatchObject({ changes: true, replaces: [] });
  await life.update(argsOf());
  expect(await settings()).toEqual({ enabled: true, protocol: "http", responseHopLimit: 9 });
});

it.each([
  ["restore", before],
  ["leave", { ...ON, responseHopLimit: 2 }],
  ["disable", { ...before, responseHopLimit: 2 }],
])("onDelete %s", async (onDelete, expected) => {
  const life = await create({ responseHopLimit: 2, onDelete });
  await life.delete();
  expect(await settings()).toEqual(expected);
});

it("gives back nothing that somebody else has changed since", async () => {
  const life = await create({ responseHopLimit: 2 });
  await updateInstance(cloud.elsewhere, server.id, { metadataService: { responseHopLimit: 30 } });
  await life.delete();
  expect(await settings()).toEqual({ ...before, responseHopLimit: 30 });
});

it("takes another onDelete in place", async () => {
  const life = await create();
  cloud.calls();
  await life.update(argsOf({ onDelete: "leave" }));
  expect(cloud.calls()).toEqual([`GET /v1/instances/${server.id}`]);
  await life.delete();
  expect(await settings()).toEqual(ON);
});

it("goes to another server by replacement", async () => {
  const life = await create();
  expect(await life.diff({ instanceId: "0717_other" })).toMatchObject({ replaces: ["instanceId"] });
});

it("is gone with the server, and its deletion is then no error", async () => {
  const life = await create();
  await deleteInstance(cloud.elsewhere, server.id);
  cloud.emulator.advance(1);
  expect(await rejectionOf(life.update(argsOf({ responseHopLimit: 3 })))).toContain(
    "was deleted outside of this stack",
  );
  await life.delete();
  expect(await life.refresh()).toBe(false);
});

it("leaves a server alone that is going away", async () => {
  const life = await create();
  const told = await cloud.elsewhere.call({
    ...{ api: "vpc", method: "GET", doing: "read" },
    path: `/instances/${server.id}`,
  });
  const body = { ...(told.body as object), status: "deleting" };
  cloud.fail("GET", /^\/v1\/instances\/[^/]+$/, { status: 200, body });
  cloud.calls();
  await life.delete();
  expect(cloud.calls()).toEqual([`GET /v1/instances/${server.id}`]);
});

it.each(["gone", "deleting"])("is done when its server is %s by the time of its change", async (state) => {
  const life = await create();
  const told = await cloud.elsewhere.call({
    ...{ api: "vpc", method: "GET", doing: "read" },
    path: `/instances/${server.id}`,
  });
  const body = told.body as object;
  // Seen as it was, then refused, then seen as it is.
  cloud.fail("GET", /^\/v1\/instances\/[^/]+$/, { status: 200, body });
  const refused = cloud.fail("PATCH", /^\/v1\/instances\//, { status: state === "gone" ? 404 : 409 });
  const seen = cloud.fail("GET", /^\/v1\/instances\/[^/]+$/, { status: 200, body: { ...body, status: "deleting" } });
  await life.delete();
  expect(refused.fired).toBe(1);
  seen.end();
});

it("says so when there is no such server", async () => {
  expect(await rejectionOf(new Life(handler as never).create({ instanceId: "0717_none" }))).toBe(
    'server "0717_none" does not exist in this account and region. Check the id and the credentials.',
  );
});

it("is read by the server's id, with all settings and nothing to give back", async () => {
  const { props } = (await handler.read?.(server.id, {} as never)) ?? {};
  expect(props).toEqual({ instanceId: server.id, crn: server.crn, ...before, before, onDelete: "leave" });
});

it("looks again when somebody else was faster", async () => {
  const stale = cloud.fail("PATCH", /^\/v1\/instances\//, { status: 412 });
  await create();
  expect([stale.fired, await settings()]).toEqual([1, ON]);
});

it("remembers what was there before when the restart fails", async () => {
  const refused = cloud.fail("POST", /\/actions$/, { status: 403 });
  const error = (await create({ restartToApply: true }).catch((reason: unknown) => reason)) as {
    id: string;
    properties: Record<string, unknown>;
  };
  expect([refused.fired, error.id]).toEqual([1, server.id]);
  expect(error.properties).toMatchObject({ before, enabled: true, restartFailed: true });
});

it("remembers what was there before when the time is over in the middle of the restart", async () => {
  cloud.fail("POST", /\/actions$/, "answer held");
  const timed = { restartToApply: true, customTimeouts: { create: "300ms" } };
  const error = (await create(timed).catch((reason: unknown) => reason)) as { properties?: object };
  expect(error.properties).toMatchObject({ before, enabled: true });
});

it("forgets a server on which nothing was changed", async () => {
  cloud.fail("PATCH", /^\/v1\/instances\//, { status: 403 });
  const error = await create().catch((reason: unknown) => reason);
  expect(error).not.toHaveProperty("properties");
  expect(await settings()).toEqual(before);
});

it.each([
  ["as wanted already: an interrupted run has set it", () => record(), ON, before],
  [
    "neither as recorded nor as wanted: the owner has changed it since",
    () => record(),
    { ...ON, responseHopLimit: 7 },
    { ...before, responseHopLimit: 7 },
  ],
  ["as wanted and as recorded", () => record({ settings: ON }), ON, ON],
  ["as wanted, where the record is another server's", () => record({ serverId: "0717_other" }), ON, ON],
  ["as wanted, and nothing is recorded", () => undefined, ON, ON],
])("takes for what was there before a setting that is %s", async (_when, recorded, live, expected) => {
  await updateInstance(cloud.elsewhere, server.id, { metadataService: live });
  const life = await create({ responseHopLimit: 5, recorded: recorded() });
  expect(life.outputs.before).toEqual(expected);
  await life.delete();
  expect(await settings()).toEqual(expected);
});

describe("after a run that had switched the service on and went no further", () => {
  const stop = async (): Promise<void> => {
    await actOnInstance(cloud.elsewhere, server.id, "stop");
    cloud.emulator.advance(1);
  };
  const switchOn = (): Promise<unknown> =>
    updateInstance(cloud.elsewhere, server.id, { metadataService: { enabled: true } });
  const status = async (): Promise<string | undefined> => (await getInstance(cloud.elsewhere, server.id))?.status;
  const actions = (): number => cloud.calls().filter((call) => call.startsWith("POST")).length;

  it.each([
    ["create", () => create({ recorded: record(), restartToApply: true })],
    [
      "update",
      async () => {
        const life = await create({ enabled: false });
        await switchOn();
        await life.update(argsOf({ restartToApply: true }));
      },
    ],
  ])("a %s leaves a server that runs alone, since it may have been restarted, and says so", async (_how, run) => {
    if (_how === "create") await switchOn();
    cloud.calls();
    await run();
    expect([actions(), await status(), warnings.mock.calls.length]).toEqual([0, "running", 1]);
  });

  it.each([
    ["starts a server that was stopped for the restart", true, true, "running"],
    ["leaves a server stopped that was so before", false, true, "stopped"],
    ["leaves a server stopped that it was not told to restart", true, false, "stopped"],
  ])("%s", async (_what, running, restartToApply, expected) => {
    await switchOn();
    await stop();
    const recorded = record({ running });
    await create({ recorded, restartToApply });
    expect([await status(), warnings.mock.calls]).toEqual([expected, []]);
  });

  it("starts it also where that was an update", async () => {
    const life = await create({ enabled: false });
    await switchOn();
    await stop();
    await life.update(argsOf({ restartToApply: true, recorded: record() }));
    expect([await status(), warnings.mock.calls]).toEqual(["running", []]);
  });

  it("leaves alone a server on which the service was on before", async () => {
    await switchOn();
    await stop();
    await create({ recorded: record({ settings: ON }), restartToApply: true });
    expect([await status(), warnings.mock.calls]).toEqual(["stopped", []]);
  });

  it("says nothing of a service that was to be switched off", async () => {
    await create({ enabled: false, recorded: record({ settings: ON }), restartToApply: true });
    expect([actions(), await status(), warnings.mock.calls]).toEqual([0, "running", []]);
  });

  it.each([
    ["running, and restarts it", "running", 2],
    ["stopped, and starts it", "stopped", 1],
  ])("tries a restart that failed again, until it is done: finds the server %s", async (_what, found, calls) => {
    const life = new Life(handler as never);
    const wanted = argsOf({ restartToApply: true });
    const failing = async (work: Promise<unknown>): Promise<void> => {
      const error = (await work.catch((reason: unknown) => reason)) as { properties: Record<string, unknown> };
      expect(error.properties).toMatchObject({ before, enabled: true, restartFailed: true });
      Object.assign(life, { id: server.id, inputs: { ...life.inputs, ...wanted }, outputs: error.properties });
    };
    cloud.fail("POST", /\/actions$/, { status: 403 });
    await failing(life.create(wanted));
    if (found === "stopped") await stop();
    await life.refresh();
    cloud.fail("POST", /\/actions$/, { status: 403 });
    await failing(life.update(wanted));
    cloud.calls();
    await life.update(wanted);
    expect([actions(), await status(), warnings.mock.calls]).toEqual([calls, "running", []]);
    expect(life.outputs).not.toHaveProperty("restartFailed");
    await life.update(wanted);
    expect(actions()).toBe(0);
  });
});

it("takes another record for no change", async () => {
  const life = await create({ recorded: record() });
  expect(life.outputs).not.toHaveProperty("recorded");
  for (const recorded of [record({ running: false }), undefined, UNKNOWN_SENTINEL])
    expect(await life.diff(argsOf({ recorded }))).toMatchObject({ changes: false });
});

it.each([
  ["no server", {}, ["instanceId"]],
  [
    "wrong settings",
    { instanceId: "i", responseHopLimit: 65, protocol: "ftp", onDelete: "x" },
    ["responseHopLimit", "protocol", "onDelete"],
  ],
  ["an unknown one", { instanceId: "i", hops: 1 }, ["hops"]],
])("refuses %s", (_name, args, expected) => {
  const found = instanceMetadataServiceRule(args, "").map(({ property }) => property);
  expect(found.sort()).toEqual([...expected].sort());
});
