/** What all handlers share: custom timeouts, ids by any name, and errors that keep the id of what was made. */
import type { dynamic } from "@pulumi/pulumi";
import { createTransport } from "../../client/http";
import { createProfile, deleteProfile, getProfile } from "../../client/iam-identity";
import { currentSession, useClock, withSignal, withoutSignal } from "../../provider/connection";
import { InitError } from "../../provider/converge";
import { type Internal, handlerFor } from "../../provider/handler";
import { pairOf } from "../../provider/pair-id";
import { profileIdOf, serviceIdOf } from "../../provider/references";
import { durationMs } from "../../provider/timeouts";
import { handler as trustedProfile } from "../../provider/trusted-profile";
import { TrustedProfile } from "../../provider/trusted-profile";
import { handler as vpc } from "../../provider/vpc";
import { Life, rejectionOf, testCloud } from "./cloud";
import { refusalOf, startProgram, valueOf } from "./program";

const PENDING_VPC = {
  id: "r006-1",
  crn: "crn:v1:bluemix:public:is:us-south:a/1::vpc:r006-1",
  name: "app",
  status: "pending",
};

const cloud = testCloud();
beforeAll(async () => {
  // Logs in, so that the times below are those of one call.
  await new Life(trustedProfile, `${"c3".repeat(8)}:first`).create({}).then((life) => life.delete());
});

describe("custom timeouts", () => {
  it.each([
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["250ms", 250],
    ["1.1h", 3_960_000],
    ["600h", 2_147_483_647],
  ])("%s are %d ms", (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it("reach the handler, which Pulumi's own do not", async () => {
    const registrations = await startProgram();
    await valueOf(new TrustedProfile("app", {}, { customTimeouts: { create: "1m" } }).urn);
    expect(registrations.at(-1)?.inputs).toMatchObject({ customTimeouts: { create: "1m" } });
  });

  it("that are no durations are refused with everything else that is wrong", async () => {
    await startProgram();
    expect(refusalOf(() => new TrustedProfile("app", { name: "" }, { customTimeouts: { create: "5 minutes" } }))).toBe(
      'TrustedProfile "app" has 2 problems:\n' +
        '  - name: is ""; must be a text of 1 to 255 characters\n' +
        '  - customTimeouts.create: is "5 minutes"; must be a duration such as "90s", "5m" or "1h30m"',
    );
  });

  it("end a create that does not come to an end; the next run finds what it made", async () => {
    const held = cloud.fail("POST", /^\/v1\/profiles$/, "answer held");
    const args = { customTimeouts: { create: "1s" } };
    const started = Date.now();
    const message = await rejectionOf(new Life(trustedProfile).create(args));
    expect(message).toMatch(
      /^customTimeouts\.create of 1s is over\. create trusted profile "app-[0-9a-f]{8}": cancelled\./,
    );
    expect([held.fired, Date.now() - started < 10_000]).toEqual([1, true]);
    const life = await new Life(trustedProfile).create({});
    expect(cloud.emulator.inventory().profiles.map(({ id }) => id)).toEqual([life.id]);
    await life.delete();
  });

  it("that end while what was made is waited for keep its id", async () => {
    const held = cloud.fail("GET", /^\/v1\/vpcs\/[^/]+$/, "answer held", 100);
    cloud.fail("POST", /^\/v1\/vpcs$/, { status: 201, body: PENDING_VPC });
    const failure: unknown = await new Life(vpc)
      .create({ customTimeouts: { create: "1s" } })
      .catch((error: unknown) => error);
    held.end();
    expect(failure).toBeInstanceOf(InitError);
    expect(failure).toMatchObject({ id: PENDING_VPC.id, properties: { crn: PENDING_VPC.crn } });
    expect((failure as InitError).reasons[0]).toBe(
      "customTimeouts.create of 1s is over. Run `pulumi up` again, which goes on from here, or allow more time.",
    );
  });

  it("do not end a look that saves what is known", async () => {
    const { id } = await createProfile(cloud.elsewhere, { name: "looked-at" });
    const look = (): Promise<unknown> => getProfile(currentSession(), id);
    const ended = AbortSignal.abort();
    expect(await rejectionOf(withSignal(ended, look))).toContain("cancelled");
    expect(await withSignal(ended, () => withoutSignal(look))).toMatchObject({ name: "looked-at" });
    await deleteProfile(cloud.elsewhere, id);
  });

  it("end an update and a delete", async () => {
    const args = { customTimeouts: { update: "1s", delete: "1s" } };
    const life = await new Life(trustedProfile).create(args);
    const put = cloud.fail("PUT", /^\/v1\/profiles\//, "answer held");
    expect(await rejectionOf(life.update({ ...args, description: "d" }))).toContain(
      "customTimeouts.update of 1s is over.",
    );
    const removal = cloud.fail("DELETE", /^\/v1\/profiles\//, "answer held");
    expect(await rejectionOf(life.delete())).toContain("customTimeouts.delete of 1s is over.");
    expect([put.fired, removal.fired]).toEqual([1, 1]);
    await life.delete();
  });

  it("end the waiting too", async () => {
    await createProfile(cloud.elsewhere, { name: "taken" });
    // The list never shows what has the name, and would be asked for a minute.
    const lagging = cloud.fail("GET", /^\/v1\/profiles$/, { status: 200, body: { profiles: [] } }, 100);
    const message = await rejectionOf(
      new Life(trustedProfile).create({ name: "taken", customTimeouts: { create: "10ms" } }),
    );
    lagging.end();
    expect(message).toContain("customTimeouts.create of 10ms is over.");
  });

  it("that changed are stored by an update that writes nothing", async () => {
    const life = await new Life(trustedProfile).create({});
    const wanted = { customTimeouts: { delete: "5m" } };
    expect(await life.diff(wanted)).toMatchObject({ changes: true, replaces: [] });
    cloud.calls();
    await life.update(wanted);
    expect(cloud.calls()).toEqual([`GET /v1/profiles/${life.id}`]);
    expect(life.outputs.customTimeouts).toEqual({ delete: "5m" });
    expect(await life.diff(wanted)).toMatchObject({ changes: false });
  });
});

it("an object that was adopted and cannot be brought to what is wanted stays in the state, with its mark", async () => {
  const { id } = await createProfile(cloud.elsewhere, { name: "theirs" });
  cloud.fail("PUT", new RegExp(id), { status: 403 });
  const failure: unknown = await new Life(trustedProfile)
    .create({ name: "theirs", adopt: true, description: "ours" })
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(InitError);
  expect(failure).toMatchObject({ id, properties: { name: "theirs", mark: expect.any(String) as string } });
});

describe("an object whose state keeps the account", () => {
  const made: dynamic.ResourceProvider = handlerFor<Internal, object>({
    rule: () => [],
    fields: {},
    wanted: () => ({}),
    complete: (inputs) => inputs,
    keepsAccount: true,
    create: async () => ({ id: "made", outputs: loggedOut({}) }),
    update: async () => loggedOut({}),
    read: async () => loggedOut({}),
    delete: async () => undefined,
    inputsOf: () => ({}),
    describe: (id) => id,
  });
  let aheadMs = 0;
  let refusal: { end(): void } | undefined;
  beforeAll(() => {
    const clock = { now: () => Date.now() + aheadMs, sleep: async () => undefined };
    useClock(clock, createTransport({ clock }));
  });
  afterEach(() => refusal?.end());

  /** From here on the token is over, and there is no other. */
  function loggedOut<T>(result: T): T {
    aheadMs += 7_200_000;
    refusal = cloud.fail("POST", /^\/identity\/token$/, { status: 400 }, 9);
    return result;
  }

  it.each<[string, () => Promise<unknown>]>([
    ["made", async () => (await made.create({ mark: "m:app" })).outs as unknown],
    ["changed", async () => (await made.update?.("made", {}, { mark: "m:app" }))?.outs as unknown],
    ["read", async () => (await made.read?.("made", { mark: "m:app" }))?.props as unknown],
  ])("reaches the state when the login fails after it was %s", async (_name, act) => {
    expect(await act()).toEqual({ accountId: cloud.emulator.accountId, mark: "m:app" });
  });
});

describe("references", () => {
  const uuid = "6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
  it.each([
    [`Profile-${uuid}`, `Profile-${uuid}`, undefined],
    [`iam-Profile-${uuid}`, `Profile-${uuid}`, undefined],
    [`crn:v1:bluemix:public:iam-identity::a/1::profile:Profile-${uuid}`, `Profile-${uuid}`, undefined],
    [`crn:v1:bluemix:public:iam-identity:us-south:a/1::serviceid:ServiceId-${uuid}`, undefined, `ServiceId-${uuid}`],
    [`iam-ServiceId-${uuid}`, undefined, `ServiceId-${uuid}`],
    ["IBMid-1", undefined, undefined],
    [7, undefined, undefined],
  ])("%s is a profile %s, a service ID %s", (value, profile, serviceId) => {
    expect([profileIdOf(value), serviceIdOf(value)]).toEqual([profile, serviceId]);
  });

  it.each([`Profile-${uuid}`, `Profile-${uuid}/`, "/Link-1", `Profile-${uuid}/a/b`, ""])("%p is no pair", (id) => {
    expect(() => pairOf(id, "link")).toThrow('is no id of a link; must be "Profile-<uuid>/<link id>".');
  });
});
