/** Bare metal servers that take their time, fail, hang or are in the middle of something; and faults of single steps. */
import { createProfile } from "../../client/iam-identity";
import { getBareMetalInitialization, getBareMetalServer } from "../../client/vpc-bare-metal";
import { handler } from "../../provider/bare-metal-server";
import { until } from "../support/project";
import { type Cloud, type Fault, Life, rejectionOf, startCloud } from "./cloud";

let cloud: Cloud;
let args: Record<string, unknown>;
let initialization: Record<string, unknown>;
let secondImage: string;
let progress: jest.SpyInstance;

const MINUTES_TO_PROVISION = 5;

beforeAll(async () => {
  // Read when the session opens: an answer that does not come is waited for as long as this.
  process.env.IC_TIMEOUT = "1";
  cloud = await startCloud({ provisionSeconds: MINUTES_TO_PROVISION * 60, deleteSeconds: 30, actionSeconds: 20 });
  const profile = await createProfile(cloud.elsewhere, { name: "app" });
  const { subnets, images, keys } = cloud.emulator.inventory();
  secondImage = String(images[1]?.id);
  initialization = {
    imageId: images[0]?.id,
    sshKeyIds: [keys[0]?.id],
    userData: "a",
    defaultTrustedProfile: { target: profile.id },
  };
  args = {
    subnetId: subnets[0]?.id,
    zone: `${cloud.emulator.region}-1`,
    bareMetalServerProfile: "bx2-metal-96x384",
    initialization,
  };
});
afterAll(async () => {
  delete process.env.IC_TIMEOUT;
  await cloud.close();
});

beforeEach(() => {
  cloud.calls();
  jest.spyOn(console, "warn").mockImplementation(() => undefined);
  progress = jest.spyOn(console, "info").mockImplementation(() => undefined);
});
afterEach(async () => {
  cloud.emulator.setFaults([]);
  for (const { id } of servers()) await handler.delete?.(id, {} as never);
  jest.restoreAllMocks();
  expect(servers()).toEqual([]);
});

const create = (more: object = {}): Promise<Life> => new Life(handler).create({ ...args, ...more });
const servers = (): { id: string; status: string }[] =>
  cloud.emulator.inventory().bareMetalServers.map(({ id, status }) => ({ id, status }));
const disturbed = (lifecycle: "stuck" | "failed"): void => {
  const reason = lifecycle === "failed" ? { reasonCode: "cannot_start_capacity" } : {};
  cloud.emulator.setFaults([{ method: "POST", path: "/v1/bare_metal_servers", lifecycle, ...reason }]);
};

/** What the engine stores of a create that failed with an id. */
async function failed(creating: Promise<Life>): Promise<Life> {
  const life = new Life(handler);
  await creating.catch((error: unknown) => {
    const { id, properties } = error as { id: string; properties: Record<string, unknown> };
    Object.assign(life, { id, outputs: properties });
  });
  return life;
}

describe("provisioning", () => {
  it("may take five minutes: few looks, and progress every half minute", async () => {
    const life = await create();
    expect(life.outputs.status).toBe("running");
    const looks = cloud.calls().filter((call) => call === `GET /v1/bare_metal_servers/${life.id}`).length;
    expect(looks).toBeGreaterThan(25);
    expect(looks).toBeLessThan(40);
    expect(progress.mock.calls.length).toBeGreaterThan(5);
    expect(progress.mock.calls.length).toBeLessThan(11);
    expect(String((progress.mock.calls as unknown[][])[0]?.[0])).toMatch(
      /^bare metal server "app-\w+" \(\S+\) is "pending" after 3\d seconds\.$/,
    );
  });

  it("that fails keeps the server in the state, with the reasons, and the next run replaces it", async () => {
    disturbed("failed");
    const creating = create();
    expect(await rejectionOf(creating)).toMatch(
      /^bare metal server "app-\w+" \(\S+\) failed to start: cannot_start_capacity: .* The next run replaces it\.$/,
    );
    const life = await failed(creating);
    expect(life.outputs).toMatchObject({ status: "failed", imageId: initialization.imageId });
    expect(await life.diff(args)).toMatchObject({ changes: true, replaces: ["status"], deleteBeforeReplace: true });
    await life.delete();
    expect(servers()).toEqual([]);
  });

  it("that had ended before a server fails never has it replaced unasked", async () => {
    const life = await create();
    const told = await cloud.elsewhere.call({
      ...{ api: "vpc", method: "GET", doing: "read" },
      path: `/bare_metal_servers/${life.id}`,
    });
    const failing = cloud.fail(
      "GET",
      /\/bare_metal_servers\/[^/]+$/,
      { status: 200, body: { ...(told.body as object), status: "failed" } },
      100,
    );
    await life.refresh();
    expect(life.outputs.status).toBe("failed");
    expect(await life.diff(args)).toMatchObject({ changes: true, replaces: [] });
    expect(await rejectionOf(life.update(args))).toMatch(/failed to start: .*`pulumi up --replace <urn>`\.$/);
    failing.end();
  });

  it("that hangs ends after the time that was given, and the next run goes on waiting", async () => {
    disturbed("stuck");
    const creating = create({ provisionTimeoutSeconds: 120 });
    expect(await rejectionOf(creating)).toContain(
      'is still "pending" after 120 seconds; the next run goes on waiting.',
    );
    const life = await failed(creating);
    expect(servers().map(({ id }) => id)).toEqual([life.id]);
    expect(await rejectionOf(life.update({ ...args, provisionTimeoutSeconds: 60 }))).toContain("after 60 seconds");
    // A server that hangs cannot be deleted; one that failed can.
    cloud.emulator.setFaults([{ method: "GET", path: "/v1/bare_metal_servers/*", lifecycle: "failed" }]);
    await getBareMetalServer(cloud.elsewhere, life.id);
  });

  it("ends when somebody else deletes the server meanwhile", async () => {
    const gone = cloud.fail(
      "GET",
      /\/bare_metal_servers\/[^/]+$/,
      { status: 404, body: { errors: [{ code: "not_found" }] } },
      20,
    );
    expect(await rejectionOf(create())).toContain("was deleted outside of this stack.");
    gone.end();
  });
});

describe("deletion", () => {
  it("waits for a server that is starting, stops it and waits until it is gone", async () => {
    const creating = create({ provisionTimeoutSeconds: 60 });
    const life = await failed(creating);
    expect(servers()).toMatchObject([{ status: "pending" }]);
    await life.delete();
    expect(servers()).toEqual([]);
  });

  it("goes on while the API says that the server is in the middle of something", async () => {
    const life = await create();
    const busy = [
      cloud.fail("POST", /\/stop$/, { status: 409 }, 2),
      cloud.fail("DELETE", /bare_metal_servers/, { status: 409 }, 3),
    ];
    await life.delete();
    expect([...busy.map(({ fired }) => fired), servers()]).toEqual([2, 3, []]);
  });

  it("ends within customTimeouts.delete, when that is given", async () => {
    const life = await create({ customTimeouts: { delete: "1s" } });
    const held = cloud.fail("DELETE", /bare_metal_servers/, "answer held", 5);
    expect(await rejectionOf(life.delete())).toContain("customTimeouts.delete of 1s is over.");
    held.end();
  });
});

describe("a change that needs several steps", () => {
  const FAULTS: [string, Fault, number][] = [
    ["429", { status: 429, retryAfter: "0" }, 2],
    ["409", { status: 409 }, 2],
    ["500", { status: 500 }, 1],
    ["500 although it was done", { status: 500, acted: true }, 1],
    ["503", { status: 503 }, 1],
    ["a connection that is reset before the effect", "lost", 1],
    ["a connection that is reset after the effect", "answer lost", 1],
    ["an answer that never comes", "answer held", 1],
  ];
  const STEPS = [
    ["POST", "stop"],
    ["POST", "start"],
    ["PUT", "initialization"],
    ["PATCH", "server"],
  ] as const;
  const wanted = (): Record<string, unknown> => ({
    ...args,
    initialization: { ...initialization, imageId: secondImage, userData: "b" },
    trustedPlatformModule: { mode: "tpm_2" },
    allowReinitialize: true,
    restartToApply: true,
  });

  it.each(
    STEPS.flatMap(([method, step]) => FAULTS.map(([name, fault, times]) => ({ method, step, name, fault, times }))),
  )("comes to its end despite $name of $method $step", async ({ method, step, fault, times }) => {
    const life = await create();
    const goal = step === "start" ? { ...wanted(), initialization } : wanted();
    const path = step === "server" ? new RegExp(`/${life.id}$`) : new RegExp(`/${step}$`);
    const planned = cloud.fail(method, path, fault, times);
    await life.update(goal).catch(() => life.update(goal));
    expect(planned.fired).toBe(times);
    await life.refresh();
    expect(await life.diff(goal)).toMatchObject({ changes: false });
    expect(await getBareMetalServer(cloud.elsewhere, life.id)).toMatchObject({ status: "running", tpmMode: "tpm_2" });
    expect(await getBareMetalInitialization(cloud.elsewhere, life.id)).toMatchObject({
      imageId: step === "start" ? initialization.imageId : secondImage,
      defaultTrustedProfile: { autoLink: true },
    });
    expect(cloud.calls().filter((call) => call.startsWith("PUT")).length).toBeLessThanOrEqual(1 + times);
  });

  it("is not made twice: the disk is written over once when the answer to that is lost", async () => {
    const life = await create();
    const lost = cloud.fail("PUT", /\/initialization$/, "answer lost");
    await life.update(wanted());
    const writes = cloud.calls().filter((call) => call.startsWith("PUT"));
    expect([lost.fired, writes.length]).toEqual([1, 1]);
  });

  it("keeps what is on the disk now in the state when the server does not come up again", async () => {
    const life = await create();
    const before = life.outputs.userDataSha256;
    const failure = life.update({ ...wanted(), provisionTimeoutSeconds: 60 });
    await expect(failure).rejects.toMatchObject({ id: life.id, properties: { status: "reinitializing" } });
    const { properties } = (await failure.catch((error: unknown) => error)) as { properties: Record<string, unknown> };
    expect(properties.userDataSha256).not.toBe(before);
    Object.assign(life, { outputs: properties });
    cloud.calls();
    await life.update(wanted());
    expect(cloud.calls().filter((call) => call.startsWith("PUT"))).toEqual([]);
    expect(life.outputs.status).toBe("running");
  });

  it("keeps what is on the disk now in the state when the time is over before the server is looked at again", async () => {
    const life = await create();
    const before = life.outputs.userDataSha256;
    const failure = life.update({ ...wanted(), customTimeouts: { update: "3s" } });
    failure.catch(() => undefined);
    const path = `/v1/bare_metal_servers/${life.id}/initialization`;
    await until("the disk is written", () => cloud.calls().includes(`PUT ${path}`));
    const held = cloud.fail("GET", /\/bare_metal_servers\/[^/]+$/, "answer held", 4);
    const error = (await failure.catch((reason: unknown) => reason)) as {
      reasons: string[];
      properties: Record<string, unknown>;
    };
    held.end();
    expect(error.reasons[0]).toContain("customTimeouts.update of 3s is over.");
    expect(error.properties.userDataSha256).not.toBe(before);
    Object.assign(life, { outputs: error.properties });
    await life.update(wanted());
    expect(cloud.calls().filter((call) => call.startsWith("PUT"))).toEqual([]);
  });

  it("leaves the state as it is when the change is refused", async () => {
    const life = await create();
    cloud.fail("PATCH", /bare_metal_servers/, {
      status: 400,
      body: { errors: [{ code: "bad_field", message: "No." }] },
    });
    const failure = life.update({ ...args, bandwidthMbps: 50_000 });
    expect(await rejectionOf(failure)).toContain("bad_field");
    await expect(failure).rejects.not.toHaveProperty("properties");
  });
});
