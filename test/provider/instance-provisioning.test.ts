/** How a server comes to be and goes: slowly, never, with a failure, or while somebody else deletes it. */
import { createProfile, listLinks } from "../../client/iam-identity";
import { deleteInstance, getInstance, listInstances } from "../../client/vpc";
import { handler } from "../../provider/instance";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";
import { placeOf } from "./instance-place";

let cloud: Cloud;
let info: jest.SpyInstance;

beforeEach(async () => {
  cloud = await startCloud({ provisionSeconds: 300, actionSeconds: 20, deleteSeconds: 40 });
  info = jest.spyOn(console, "info").mockImplementation(() => undefined);
});
afterEach(async () => {
  info.mockRestore();
  await cloud.close();
});

const args = (more: object = {}): Record<string, unknown> => ({ ...placeOf(cloud), name: "app", ...more });
const servers = (): string[] => cloud.emulator.inventory().instances.map(({ id }) => id);
const told = (): string[] => info.mock.calls.map(([text]) => String(text));
const looksAt = (id: string): number => cloud.calls().filter((call) => call === `GET /v1/instances/${id}`).length;

interface Incomplete {
  readonly id: string;
  readonly properties: Record<string, unknown>;
  readonly reasons: string[];
}

const incomplete = (more: object = {}): Promise<Incomplete> =>
  new Life(handler).create(args(more)).then(
    () => {
      throw new Error("it was made");
    },
    (error: unknown) => error as Incomplete,
  );

/** The next run: the engine has stored what the error carried. */
async function stored({ id, properties }: Incomplete, more: object = {}): Promise<Life> {
  const life = Object.assign(new Life(handler), { id, outputs: properties });
  life.inputs = (await life.check(args(more), {})).inputs ?? {};
  return life;
}

it("takes five minutes: it is waited for, less and less often, and the log says so every half minute", async () => {
  const life = await new Life(handler).create(args());
  expect(life.outputs.status).toBe("running");
  const looks = looksAt(life.id);
  expect([looks > 25, looks < 40]).toEqual([true, true]);
  expect(told().length).toBeGreaterThan(6);
  expect(told().length).toBeLessThan(11);
  expect(told()[0]).toMatch(new RegExp(`^server "app" \\(${life.id}\\) is "pending" after 3\\d seconds\\.$`));
});

describe("three quarters of an hour", () => {
  const SLOW = { provisionSeconds: 2_700, deleteSeconds: 2_700 };
  const life = async (more: object = {}): Promise<Life> => {
    await cloud.close();
    cloud = await startCloud(SLOW);
    return new Life(handler).create(args(more));
  };

  it("is more than a server is waited for, and its deletion, by itself", async () => {
    expect(await rejectionOf(life())).toContain('is still "starting" after 1800 seconds');
    cloud.emulator.advance(2_700);
    const [id = ""] = servers();
    const found = Object.assign(new Life(handler), { id });
    await found.refresh();
    expect(await rejectionOf(found.delete())).toContain("is still being deleted after 1800 seconds");
  });

  it("is waited for where customTimeouts allows more", async () => {
    const slow = await life({ customTimeouts: { create: "1h", delete: "50m" } });
    expect(slow.outputs.status).toBe("running");
    await slow.delete();
    expect(servers()).toEqual([]);
  });

  it("is more than an argument of its own allows, whatever customTimeouts says", async () => {
    const wanted = { provisionTimeoutSeconds: 60, customTimeouts: { create: "1h" } };
    expect(await rejectionOf(life(wanted))).toContain('is still "pending" after 60 seconds');
  });
});

it("hangs: it is not waited for longer than allowed, and the next run goes on waiting", async () => {
  cloud.emulator.setFaults([{ method: "POST", path: "/v1/instances", lifecycle: "stuck" }]);
  const error = await incomplete({ provisionTimeoutSeconds: 60 });
  expect(error.reasons).toEqual([
    `server "app" (${error.id}) is still "pending" after 60 seconds; the next run goes on waiting.`,
  ]);
  expect([servers(), error.properties.status]).toEqual([[error.id], "pending"]);
  const life = await stored(error);
  expect(await life.diff(args())).toMatchObject({ changes: false });
  expect(await rejectionOf(life.update(args()))).toContain('is still "pending" after 1800 seconds');
});

it("fails: the reasons are shown, the server stays in the state, and the next run replaces it", async () => {
  cloud.emulator.setFaults([
    { method: "POST", path: "/v1/instances", lifecycle: "failed", reasonCode: "cannot_start_capacity" },
  ]);
  const error = await incomplete();
  expect(error.reasons).toEqual([
    `server "app" (${error.id}) failed to start: cannot_start_capacity: The server could not be started.; internal_error: ` +
      "The server could not be provisioned. The next run replaces it.",
  ]);
  expect(servers()).toEqual([error.id]);
  const life = await stored(error);
  expect(await life.diff(args())).toMatchObject({ changes: true, replaces: ["status"] });
  await life.delete();
  const next = await new Life(handler).create(args());
  expect([servers(), next.outputs.status]).toEqual([[next.id], "running"]);
});

it("fails after it has run: it is never replaced unasked, and the run says why it failed", async () => {
  const life = await new Life(handler).create(args());
  const body = (await cloud.elsewhere.call({ api: "vpc", method: "GET", path: `/instances/${life.id}`, doing: "read" }))
    .body as Record<string, unknown>;
  const reasons = [{ code: "cannot_start_capacity", message: "No capacity in the zone." }];
  const failing = cloud.fail(
    "GET",
    /^\/v1\/instances\/[^/]+$/,
    { status: 200, body: { ...body, status: "failed", status_reasons: reasons } },
    100,
  );
  await life.refresh();
  expect(life.outputs.status).toBe("failed");
  expect(await life.diff(args())).toMatchObject({ changes: true, replaces: [] });
  expect(await rejectionOf(life.update(args()))).toMatch(
    /failed to start: cannot_start_capacity: No capacity in the zone\. It may hold data, .*`pulumi up --replace <urn>`\.$/,
  );
  failing.end();
  await life.update(args());
  expect(life.outputs.status).toBe("running");
  expect(await life.diff(args())).toMatchObject({ changes: false, replaces: [] });
});

it("fails while it is made, and is refreshed before the next run: that still replaces it", async () => {
  cloud.emulator.setFaults([{ method: "POST", path: "/v1/instances", lifecycle: "failed" }]);
  const life = await stored(await incomplete());
  await life.refresh();
  expect(await life.diff(args())).toMatchObject({ changes: true, replaces: ["status"] });
});

it("is deleted elsewhere while it is waited for: there is nothing to keep", async () => {
  // The third look finds nothing.
  const passing = cloud.fail("GET", /^\/v1\/instances\/[^/]+$/, "lost", 0);
  const creating = new Life(handler).create(args());
  for (;;) {
    const [id] = servers();
    if (id !== undefined && cloud.calls().filter((call) => call.startsWith("GET /v1/instances/")).length > 0) {
      cloud.emulator.setFaults([
        { method: "GET", path: `/v1/instances/${id}`, status: 404, code: "not_found", count: 0 },
      ]);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const error = (await creating.catch((reason: unknown) => reason)) as Incomplete & { message: string };
  expect([passing.fired, error.message]).toEqual([
    0,
    expect.stringMatching(/^server "app" \(\S+\) was deleted outside of this stack\./) as string,
  ]);
  expect(error).not.toHaveProperty("properties");
});

it("is deleted while it is still starting: refused at first, and asked again until it is not", async () => {
  cloud.emulator.setFaults([{ method: "GET", path: "/v1/instances/*", status: 403 }]);
  const error = await incomplete();
  expect(servers()).toEqual([error.id]);
  cloud.calls();
  await (await stored(error)).delete();
  const deletes = cloud.calls().filter((call) => call.startsWith("DELETE"));
  expect(deletes.length).toBeGreaterThan(10);
  expect(servers()).toEqual([]);
});

it("cannot be deleted for ever: that ends with the API's own words", async () => {
  const life = await new Life(handler).create(args());
  cloud.emulator.setFaults([
    { method: "DELETE", path: "/v1/instances/*", status: 409, code: "instance_delete_conflict", count: 0 },
  ]);
  expect(await rejectionOf(life.delete())).toContain("instance_delete_conflict");
  expect(servers()).toEqual([life.id]);
});

it("is deleted by itself while its deletion is refused: why it was refused is told, and that is all", async () => {
  const life = await new Life(handler).create(args());
  cloud.emulator.setFaults([
    { method: "DELETE", path: "/v1/instances/*", status: 409, code: "instance_busy", count: 30 },
  ]);
  info.mockClear();
  await life.delete();
  expect(told()[0]).toMatch(/^server "app" \(\S+\) is "busy: .*" after 3\d seconds\.$/);
  expect(servers()).toEqual([]);
});

it("takes its links with it", async () => {
  const profile = await createProfile(cloud.elsewhere, { name: "linked" });
  const life = await new Life(handler).create(args({ defaultTrustedProfile: { target: profile.id } }));
  expect((await listLinks(cloud.elsewhere, profile.id)).map(({ link }) => link.crn)).toEqual([life.outputs.crn]);
  await life.delete();
  expect(await listLinks(cloud.elsewhere, profile.id)).toEqual([]);
});

it("is resized only while it is stopped, and keeps a server stopped that was", async () => {
  const life = await new Life(handler).create(args());
  const wanted = args({ instanceProfile: "cx2-2x4", restartToApply: true });
  cloud.calls();
  await life.update(wanted);
  const path = `/v1/instances/${life.id}`;
  expect(cloud.calls().filter((call) => !call.startsWith("GET"))).toEqual([
    `POST ${path}/actions`,
    `PATCH ${path}`,
    `POST ${path}/actions`,
  ]);
  expect(life.outputs).toMatchObject({ status: "running", instanceProfile: "cx2-2x4" });

  const stop = { api: "vpc", method: "POST", path: `/instances/${life.id}/actions`, doing: "stop" } as const;
  await cloud.elsewhere.call({ ...stop, body: { type: "stop" } });
  cloud.emulator.advance(30);
  await life.refresh();
  await life.update(args({ instanceProfile: "bx2-2x8", restartToApply: true }));
  expect(await getInstance(cloud.elsewhere, life.id)).toMatchObject({ status: "stopped", profile: "bx2-2x8" });
});

it("has a metadata service that answers once it was switched on with a restart", async () => {
  await cloud.close();
  cloud = await startCloud({ strictMetadataSwitch: true });
  const life = await new Life(handler).create(args());
  const answers = async (): Promise<boolean> => {
    const [row] = cloud.emulator.inventory().instances;
    const call = fetch(`${row?.url ?? ""}/identity/v1/token?version=2025-08-26`, {
      method: "PUT",
      headers: { "Metadata-Flavor": "ibm" },
      body: '{"expires_in":300}',
      signal: AbortSignal.timeout(500),
    });
    // A service that is off does not answer at all.
    return call.then(
      ({ status }) => status < 300,
      () => false,
    );
  };
  expect(await answers()).toBe(false);
  await life.update(args({ metadataService: {}, restartToApply: true }));
  expect(await answers()).toBe(true);
  for await (const { id } of listInstances(cloud.elsewhere)) await deleteInstance(cloud.elsewhere, id);
});

it("shows drift in the inputs of a refresh, where the hash stands for the user data, and that replaces nothing", async () => {
  const wanted = args({ userData: "#!/bin/sh\n", userDataChange: "replace", metadataService: {} });
  const life = await new Life(handler).create(wanted);
  const { name, userData } = life.inputs;
  const { elsewhere } = cloud;
  await elsewhere.call({
    api: "vpc",
    method: "PATCH",
    path: `/instances/${life.id}`,
    body: { name: "theirs", metadata_service: { enabled: false } },
    doing: "drift",
  });
  await life.refresh();
  expect(life.inputs).toMatchObject({ name: "theirs", metadataService: { enabled: false } });
  expect([userData, life.inputs.userData]).toEqual(["#!/bin/sh\n", undefined]);
  expect(await life.diff(wanted)).toMatchObject({ changes: true, replaces: [] });
  await life.update(wanted);
  expect(life.inputs).toMatchObject({ name, userData });
  expect(await life.diff(wanted)).toMatchObject({ changes: false });
  expect(await life.diff({ ...wanted, userData: "other" })).toMatchObject({ replaces: ["userData"] });
});
