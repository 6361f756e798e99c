/** API keys: a value that is told once, lock and disable, and a life against the emulator. */
import {
  createApiKey,
  deleteApiKey,
  getApiKey,
  listApiKeys,
  setApiKeyDisabled,
  setApiKeyLock,
  updateApiKey,
} from "../../client/iam-api-keys";
import { createServiceId } from "../../client/iam-service-ids";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/api-key";
import { Life, rejectionOf, testCloud } from "./cloud";

const VALUE = "a-value-of-the-user-0123456789-0123456789";

const cloud = testCloud();
let serviceId: string;
let iamId: string;
beforeAll(async () => {
  ({ id: serviceId, iamId } = await createServiceId(cloud.elsewhere, { name: "owner" }));
});

afterEach(async () => {
  for await (const { id } of listApiKeys(cloud.elsewhere, { iamId })) {
    await setApiKeyLock(cloud.elsewhere, id, false);
    await deleteApiKey(cloud.elsewhere, id);
  }
});

const create = (args: object = {}): Promise<Life> => new Life(handler).create({ serviceId, ...args });
const live = (life: Life): ReturnType<typeof getApiKey> => getApiKey(cloud.elsewhere, life.id);
const ids = (): unknown[] =>
  cloud.emulator
    .inventory()
    .apiKeys.filter((key) => key.iam_id === iamId)
    .map(({ id }) => id);

describe("check", () => {
  it.each<[string, object, string[]]>([
    [
      "no owner",
      { serviceId: undefined },
      ['serviceId: exactly one of "serviceId" and "iamId" is allowed; none is given'],
    ],
    [
      "two owners",
      { iamId: "IBMid-1" },
      ['iamId: exactly one of "serviceId" and "iamId" is allowed; "serviceId" and "iamId" are given'],
    ],
    [
      "a stored value for a user",
      { serviceId: undefined, iamId: "IBMid-1", storeValue: true },
      ["storeValue: is true; IAM stores values for service IDs only"],
    ],
    ["a short value, which is not shown", { value: "short" }, ["value: has 5 characters; at least 32 are needed"]],
    [
      "a day that is in no calendar",
      { expiresAt: "2031-02-29T12:00+0000" },
      ['expiresAt: is "2031-02-29T12:00+0000"; there is no such day or time'],
    ],
    [
      "a time that is on no clock",
      { expiresAt: "2030-01-31T25:00+0000" },
      ['expiresAt: is "2030-01-31T25:00+0000"; there is no such day or time'],
    ],
    [
      "wrong words",
      { actionWhenLeaked: "burn", expiresAt: "tomorrow", locked: "yes" },
      [
        'actionWhenLeaked: is "burn"; must be one of "none", "disable", "delete"',
        'expiresAt: is "tomorrow"; must be a date with an offset, such as "2030-01-31T12:00+0000"',
        'locked: is "yes"; must be true or false',
      ],
    ],
  ])("refuses %s", async (_name, change, expected) => {
    const { failures = [] } = await new Life(handler).check({ serviceId, ...change });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual(expected);
  });
});

describe("life", () => {
  it("begins with a create between two looks, and has every output, the value among them", async () => {
    const life = await create({ description: "d", locked: true, disabled: true, expiresAt: "2049-01-02T18:30:00Z" });
    expect(cloud.calls()).toEqual(["GET /v1/apikeys", "POST /v1/apikeys", "GET /v1/apikeys"]);
    expect(life.outputs).toEqual({
      iamId,
      crn: expect.stringContaining(`:apikey:${life.id}`) as string,
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      description: "d",
      value: expect.stringMatching(/^.{32,}$/) as string,
      storeValue: false,
      actionWhenLeaked: "none",
      supportSessions: false,
      expiresAt: "2049-01-02T18:30+0000",
      locked: true,
      disabled: true,
      accountId: cloud.emulator.accountId,
      entityTag: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      createdBy: expect.any(String) as string,
      modifiedAt: expect.any(String) as string,
      mark: life.inputs.mark,
    });
  });

  it("keeps the value over updates and refreshes, though IAM does not tell it again", async () => {
    const life = await create();
    const { value } = life.outputs;
    await life.update({ serviceId, description: "d" });
    await updateApiKey(cloud.elsewhere, life.id, String(life.outputs.entityTag), { description: "drifted" });
    await life.refresh();
    expect(life.outputs.value).toBe(value);
    expect(life.inputs).not.toHaveProperty("value");
    expect(life.inputs.description).toBe("drifted");
  });

  it("holds a value of the user's in the inputs only", async () => {
    const life = await create({ value: VALUE });
    expect(life.inputs.value).toBe(VALUE);
    expect(JSON.stringify(life.outputs)).not.toContain(VALUE);
    await life.refresh();
    await life.update({ serviceId, value: VALUE, description: "d" });
    expect(JSON.stringify(life.outputs)).not.toContain(VALUE);
  });

  it.each<[string, object, object, string[]]>([
    ["nothing changed", { description: "d" }, { description: "d" }, []],
    ["the same value", { value: VALUE }, { value: VALUE }, []],
    [
      "the same minute in another spelling",
      { expiresAt: "2049-01-02T18:30+0000" },
      { expiresAt: "2049-01-02T19:30:20+01:00" },
      [],
    ],
    [
      "what IAM does by itself",
      {},
      { actionWhenLeaked: "none", supportSessions: false, locked: false, disabled: false },
      [],
    ],
    ["another value", { value: VALUE }, { value: `${VALUE}2` }, ["update", "givenValue"]],
    ["a value not known yet", { value: VALUE }, { value: UNKNOWN_SENTINEL }, ["update", "givenValue"]],
    ["a value of IAM's again", { value: VALUE }, {}, ["update", "givenValue"]],
    ["a stored value", {}, { storeValue: true }, ["update", "storeValue"]],
    ["another owner", {}, { serviceId: undefined, iamId: "IBMid-270000ABCD" }, ["update", "iamId"]],
    ["another expiry", { expiresAt: "2049-01-02T18:30+0000" }, { expiresAt: "2050-01-02T18:30+0000" }, ["update"]],
    ["no expiry any more", { expiresAt: "2049-01-02T18:30+0000" }, {}, ["update"]],
    ["another action", {}, { actionWhenLeaked: "delete" }, ["update"]],
    ["a lock", {}, { locked: true }, ["update"]],
    ["that it is disabled", {}, { disabled: true }, ["update"]],
  ])("sees %s", async (_name, before, after, expected) => {
    const { changes, replaces = [] } = await (await create(before)).diff({ serviceId, ...after });
    expect([...(changes === true ? ["update"] : []), ...replaces]).toEqual(expected);
  });

  it("updates in place, and clears what is left out", async () => {
    const life = await create({ description: "d", expiresAt: "2049-01-02T18:30+0000" });
    cloud.calls();
    await life.update({ serviceId, actionWhenLeaked: "disable", supportSessions: true });
    expect(cloud.calls()).toEqual([`PUT /v1/apikeys/${life.id}`]);
    const key = await live(life);
    expect(key).toMatchObject({ actionWhenLeaked: "disable", supportSessions: true });
    expect([key?.description, key?.expiresAt]).toEqual([undefined, undefined]);
  });

  it("locks last, unlocks first, disables and enables", async () => {
    const life = await create();
    cloud.calls();
    const path = `/v1/apikeys/${life.id}`;
    await life.update({ serviceId, locked: true, disabled: true, description: "d" });
    expect(cloud.calls()).toEqual([`PUT ${path}`, `POST ${path}/disable`, `POST ${path}/lock`, `GET ${path}`]);
    expect(await live(life)).toMatchObject({ locked: true, disabled: true, description: "d" });
    await life.update({ serviceId });
    expect(cloud.calls()).toEqual([
      `DELETE ${path}/lock`,
      `GET ${path}`,
      `PUT ${path}`,
      `DELETE ${path}/disable`,
      `GET ${path}`,
    ]);
    expect(await live(life)).toMatchObject({ locked: false, disabled: false });
    expect(await life.diff({ serviceId })).toMatchObject({ changes: false });
  });

  it("does not end while it is locked", async () => {
    const life = await create({ locked: true });
    expect(await rejectionOf(life.delete())).toContain("is locked, so it is not deleted. Set `locked: false`");
    await life.update({ serviceId });
    await life.delete();
    await life.delete();
    expect(ids()).toEqual([]);
  });

  it("shows that somebody else disabled it, and enables it", async () => {
    const life = await create();
    await setApiKeyDisabled(cloud.elsewhere, life.id, true);
    await life.refresh();
    expect([life.inputs.disabled, life.outputs.disabled]).toEqual([true, true]);
    await life.update({ serviceId });
    expect(await live(life)).toMatchObject({ disabled: false });
  });

  it("is gone after a refresh when it was deleted elsewhere", async () => {
    const life = await create();
    await deleteApiKey(cloud.elsewhere, life.id);
    expect(await life.refresh()).toBe(false);
  });

  it("is read by id alone, with its value only when IAM keeps it", async () => {
    const plain = await create();
    const read = async (id: string): Promise<unknown> => (await handler.read?.(id, {} as never))?.props;
    expect(await read(plain.id)).not.toHaveProperty("value");
    const stored = await create({ name: "stored", storeValue: true });
    expect(await read(stored.id)).toMatchObject({ value: stored.outputs.value });
    const missing = "ApiKey-00000000-0000-4000-8000-000000000000";
    expect(await rejectionOf(read(missing))).toBe(
      `API key "${missing}" does not exist in this account and region. Check the id and the credentials.`,
    );
  });
});

describe("a key that exists already", () => {
  it.each<[string, object]>([
    ["with a name of ours", {}],
    ["with a name of the user's", { name: "pipeline" }],
    ["and is locked", { locked: true }],
  ])("%s was left by a create that was killed: its value is lost, so it is made again", async (_name, args) => {
    const first = await create(args);
    const second = await create(args);
    expect([second.id === first.id, ids()]).toEqual([false, [second.id]]);
  });

  it("with a value of the user's is taken, since nothing is lost", async () => {
    const first = await create({ value: VALUE });
    const second = await create({ value: VALUE });
    expect([second.id, ids()]).toEqual([first.id, [first.id]]);
  });

  it("with name and description of the user's may be what was left behind, and is named", async () => {
    const theirs = await createApiKey(cloud.elsewhere, { name: "pipeline", iamId, description: "d" });
    expect(await rejectionOf(create({ name: "pipeline", description: "d" }))).toBe(
      `API key "pipeline" cannot be created: API key "pipeline" (${theirs.id}) of the same owner has the same name and ` +
        "description, and may be what an earlier run left behind. Delete it, or choose another name or description.",
    );
  });

  it("with the value of somebody else's is named, not taken", async () => {
    const theirs = await createApiKey(cloud.elsewhere, { name: "theirs", iamId, value: VALUE });
    const message = await rejectionOf(create({ value: VALUE }));
    expect(message).toContain(`API key "theirs" (${theirs.id}), which has this value, exists already`);
    expect(message).not.toContain(VALUE);
  });
});
