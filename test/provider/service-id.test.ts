/** Service IDs: names that need not be unique, the lock, and a life against the emulator. */
import {
  createServiceId,
  deleteServiceId,
  getServiceId,
  listServiceIds,
  setServiceIdLock,
  updateServiceId,
} from "../../client/iam-service-ids";
import { handler } from "../../provider/service-id";
import { Life, rejectionOf, testCloud } from "./cloud";

const INSTANCE = "crn:v1:bluemix:public:cloud-object-storage:global:a/0:1::";

const cloud = testCloud();

afterEach(async () => {
  for await (const { id } of listServiceIds(cloud.elsewhere)) {
    await setServiceIdLock(cloud.elsewhere, id, false);
    await deleteServiceId(cloud.elsewhere, id);
  }
});

const create = (args: object = {}): Promise<Life> => new Life(handler).create({ ...args });
const live = (life: Life): ReturnType<typeof getServiceId> => getServiceId(cloud.elsewhere, life.id);
const ids = (): unknown[] => cloud.emulator.inventory().serviceIds.map(({ id }) => id);

describe("check", () => {
  it("makes a name with a hash, or puts the hash into the description beside a name of the user's", async () => {
    const checked = async (args: object): Promise<unknown> => (await new Life(handler).check({ ...args })).inputs;
    const hash = expect.stringMatching(/^app-[0-9a-f]{8}$/) as string;
    expect(await checked({})).toMatchObject({ name: hash });
    expect(await checked({ name: "shop" })).toMatchObject({ name: "shop", description: hash });
  });

  it("lists every problem", async () => {
    const { failures = [] } = await new Life(handler).check({
      name: "",
      uniqueInstanceCrns: ["x"],
      locked: 1,
      lock: true,
    });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual([
      'name: is ""; must be a text of 1 to 255 characters',
      'uniqueInstanceCrns[0]: is "x"; must be the CRN of a service instance',
      "locked: is 1; must be true or false",
      'lock: is not an argument; did you mean "locked"? Allowed: name, description, uniqueInstanceCrns, groupId, locked, accountId, adopt',
    ]);
  });
});

describe("life", () => {
  it("begins with a create between two looks, and has every output", async () => {
    const life = await create({ description: "d", uniqueInstanceCrns: [INSTANCE], locked: true });
    expect(cloud.calls()).toEqual(["GET /v1/serviceids", "POST /v1/serviceids", "GET /v1/serviceids"]);
    expect(life.outputs).toEqual({
      iamId: `iam-${life.id}`,
      crn: expect.stringContaining(`:serviceid:${life.id}`) as string,
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      description: "d",
      uniqueInstanceCrns: [INSTANCE],
      locked: true,
      accountId: cloud.emulator.accountId,
      entityTag: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      modifiedAt: expect.any(String) as string,
      mark: life.inputs.mark,
    });
  });

  it.each<[string, object, object, string[]]>([
    ["nothing changed", { description: "d" }, { description: "d" }, []],
    ["no lock said out loud", {}, { locked: false }, []],
    ["an empty list of instances", {}, { uniqueInstanceCrns: [] }, []],
    ["another description", { description: "d" }, { description: "e" }, ["update"]],
    ["no description any more", { description: "d" }, {}, ["update"]],
    ["an instance", {}, { uniqueInstanceCrns: [INSTANCE] }, ["update"]],
    ["no instance any more", { uniqueInstanceCrns: [INSTANCE] }, {}, ["update"]],
    ["a lock", {}, { locked: true }, ["update"]],
    ["no lock any more", { locked: true }, {}, ["update"]],
    ["a name of its own", {}, { name: "shop" }, ["update"]],
    ["another account", {}, { accountId: "0".repeat(32) }, ["update", "accountId"]],
  ])("sees %s", async (_name, before, after, expected) => {
    const { changes, replaces = [] } = await (await create(before)).diff({ ...after });
    expect([...(changes === true ? ["update"] : []), ...replaces]).toEqual(expected);
  });

  it("updates in place, and clears what is left out", async () => {
    const life = await create({ description: "d", uniqueInstanceCrns: [INSTANCE] });
    cloud.calls();
    await life.update({ description: "e" });
    expect(cloud.calls()).toEqual([`PUT /v1/serviceids/${life.id}`]);
    await life.update({});
    expect(await live(life)).not.toHaveProperty("description");
    expect(await live(life)).not.toHaveProperty("uniqueInstanceCrns");
    expect(await life.diff({})).toMatchObject({ changes: false });
  });

  it("is made in a group, stays in it over updates, and is replaced when it is to be in another", async () => {
    const group = async (name: string): Promise<string> => {
      const body = { account_id: cloud.emulator.accountId, name };
      const answer = await cloud.elsewhere.call({
        api: "iam",
        method: "POST",
        path: "/v1/serviceid_groups",
        body,
        doing: "",
      });
      return String((answer.body as { id: unknown }).id);
    };
    const [groupId, other] = [await group("one"), await group("two")];
    const life = await create({ groupId });
    expect(life.outputs.groupId).toBe(groupId);
    await life.update({ groupId, description: "d" });
    expect(life.outputs.groupId).toBe(groupId);
    await life.refresh();
    expect(life.outputs.groupId).toBe(groupId);
    expect(await life.diff({ groupId, description: "d" })).toMatchObject({ changes: false });
    expect(await life.diff({ groupId: other, description: "d" })).toMatchObject({ replaces: ["groupId"] });
  });

  it("locks last and unlocks first", async () => {
    const life = await create();
    cloud.calls();
    await life.update({ locked: true, description: "d" });
    const path = `/v1/serviceids/${life.id}`;
    expect(cloud.calls()).toEqual([`PUT ${path}`, `POST ${path}/lock`, `GET ${path}`]);
    expect(life.outputs).toMatchObject({ locked: true, description: "d" });
    await life.update({ locked: false, description: "e" });
    expect(cloud.calls()).toEqual([`DELETE ${path}/lock`, `GET ${path}`, `PUT ${path}`]);
    expect(await live(life)).toMatchObject({ locked: false, description: "e" });
    expect(await life.diff({ locked: false, description: "e" })).toMatchObject({ changes: false });
  });

  it("does not end while it is locked", async () => {
    const life = await create({ locked: true });
    expect(await rejectionOf(life.delete())).toBe(
      `service ID "${String(life.outputs.name)}" (${life.id}) is locked, so it is not deleted. Set \`locked: false\` and run ` +
        "`pulumi up` first.",
    );
    await life.update({});
    await life.delete();
    await life.delete();
    expect(ids()).toEqual([]);
  });

  it("ends after a while when what belongs to it is still being deleted", async () => {
    const life = await create();
    const count = cloud.fail("DELETE", new RegExp(life.id), { status: 409 }, 2);
    await life.delete();
    expect([count.fired, ids()]).toEqual([2, []]);
  });

  it("shows drift in outputs and inputs, and mends it", async () => {
    const life = await create({ description: "d" });
    await updateServiceId(cloud.elsewhere, life.id, String(life.outputs.entityTag), {
      description: "drifted",
      name: "theirs",
    });
    await life.refresh();
    expect(life.inputs).toMatchObject({ description: "drifted", name: "theirs" });
    expect(await life.diff({ description: "d" })).toMatchObject({ changes: true });
    await life.update({ description: "d" });
    expect(await live(life)).toMatchObject({
      description: "d",
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
    });
  });

  it("does not overwrite unseen what somebody else changed", async () => {
    const life = await create({ description: "d" });
    await updateServiceId(cloud.elsewhere, life.id, String(life.outputs.entityTag), { description: "theirs" });
    expect(await rejectionOf(life.update({ description: "e" }))).toContain("since it was last read: description.");
  });

  it("is gone after a refresh when it was deleted elsewhere, and says so in an update", async () => {
    const life = await create();
    await deleteServiceId(cloud.elsewhere, life.id);
    expect(await rejectionOf(life.update({ description: "e" }))).toContain("was deleted outside of this stack.");
    expect(await life.refresh()).toBe(false);
  });

  it("is read by id alone", async () => {
    const life = await create();
    expect(await handler.read?.(life.id, {} as never)).toEqual({
      id: life.id,
      props: { ...life.outputs, mark: undefined },
    });
    const missing = "ServiceId-00000000-0000-4000-8000-000000000000";
    expect(await rejectionOf(Promise.resolve(handler.read?.(missing, {} as never)))).toBe(
      `service ID "${missing}" does not exist in this account and region. Check the id and the credentials.`,
    );
  });
});

describe("a service ID that exists already", () => {
  it("may have the same name with another description", async () => {
    await createServiceId(cloud.elsewhere, { name: "shop", description: "theirs" });
    await create({ name: "shop" });
    expect(ids()).toHaveLength(2);
  });

  it("and is equal is named, not made a second time", async () => {
    const theirs = await createServiceId(cloud.elsewhere, { name: "shop", description: "d" });
    expect(await rejectionOf(create({ name: "shop", description: "d" }))).toBe(
      `service ID "shop" cannot be created: the service ID "shop" (${theirs.id}) with the same description exists already and ` +
        "was not made by this stack. Choose another name or delete it, or set `adopt: true` to manage it from here (also its " +
        "deletion).",
    );
  });

  it("is found by name and description of the user's when the answer is lost and the list lags behind", async () => {
    cloud.fail("POST", /^\/v1\/serviceids$/, "answer lost");
    // The first of these is the look before the create; the second comes right after it.
    const lag = cloud.fail("GET", /^\/v1\/serviceids$/, { status: 200, body: { serviceids: [] } }, 2);
    const life = await create({ name: "shop", description: "d" });
    expect([lag.fired, ids()]).toEqual([2, [life.id]]);
  });

  it("is adopted when asked, and brought to what is wanted", async () => {
    const theirs = await createServiceId(cloud.elsewhere, { name: "shop", description: "d" });
    const life = await create({ name: "shop", description: "d", adopt: true, locked: true });
    expect(life.id).toBe(theirs.id);
    expect(await live(life)).toMatchObject({ locked: true });
  });

  it("keeps its id in the state when it cannot be brought to what is wanted", async () => {
    const theirs = await createServiceId(cloud.elsewhere, { name: "shop", description: "d" });
    cloud.fail("POST", /\/lock$/, { status: 403 });
    const failure = create({ name: "shop", description: "d", adopt: true, locked: true });
    await expect(failure).rejects.toMatchObject({
      id: theirs.id,
      properties: { name: "shop", mark: expect.any(String) as string },
    });
  });

  it("and cannot be removed is told of, and ours is in the state all the same", async () => {
    const warning = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    const first = await create();
    cloud.fail("GET", /^\/v1\/serviceids$/, { status: 200, body: { serviceids: [] } });
    cloud.fail("DELETE", new RegExp(first.id), { status: 403 });
    const second = await create();
    expect(ids()).toEqual([first.id, second.id]);
    expect(warning.mock.calls.flat().join()).toContain(`(${second.id}) is made, but an equal one`);
    warning.mockRestore();
  });

  it("and is not shown by the list for longer than we look, is not waited for any longer", async () => {
    const lag = cloud.fail("GET", /^\/v1\/serviceids$/, { status: 200, body: { serviceids: [] } }, 50);
    await create();
    lag.end();
    // Once before, then after 0, 0.5, 1.5, 3.5, 7.5 and 15.5 s.
    expect([lag.fired, ids().length]).toEqual([7, 1]);
  });

  it.each<[string, object]>([
    ["with a name of ours", {}],
    ["with a name of the user's", { name: "shop" }],
  ])("%s is ours when an earlier create was killed, though IAM would make a second one", async (_name, args) => {
    const first = await create(args);
    const second = await create(args);
    expect([second.id, ids()]).toEqual([first.id, [first.id]]);
  });
});
