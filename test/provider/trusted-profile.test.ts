/** Trusted profiles: differences as a table, and the handler's whole life against the emulator, lost calls included. */
import { createProfile, deleteProfile, getProfile, updateProfile } from "../../client/iam-identity";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/trusted-profile";
import { Life, rejectionOf, testCloud } from "./cloud";

const cloud = testCloud();

afterEach(async () => {
  for (const { id } of cloud.emulator.inventory().profiles) await deleteProfile(cloud.elsewhere, String(id));
});

const create = (args: object = {}): Promise<Life> => new Life(handler).create({ ...args });
const profiles = (): unknown[] => cloud.emulator.inventory().profiles.map(({ name }) => name);

describe("check", () => {
  const checked = async (args: object, olds: object = {}): Promise<unknown> =>
    (await new Life(handler).check({ ...args }, { ...olds })).inputs;
  const mark = `${"a1".repeat(16)}:app`;

  it("makes a name with a hash", async () => {
    expect(await checked({})).toEqual({ mark, name: "app-d706adbc" });
  });

  it("puts the hash into the description of a profile with a name of its own, unless that is taken too", async () => {
    expect(await checked({ name: "shop" })).toEqual({ mark, name: "shop", description: "app-d706adbc" });
    expect(await checked({ name: "shop", description: "" })).toEqual({ mark, name: "shop", description: "" });
  });

  it("leaves the name unknown while the mark is", async () => {
    expect(await checked({ mark: UNKNOWN_SENTINEL })).toEqual({ mark: UNKNOWN_SENTINEL, name: UNKNOWN_SENTINEL });
  });

  it("keeps mark and name when the resource is renamed by an alias", async () => {
    const olds = { mark: "old:app", name: "app-00000000" };
    expect(await checked({ email: "a@b" }, olds)).toEqual({ ...olds, email: "a@b" });
  });

  it("goes back to a name of ours when the user's is taken away", async () => {
    expect(await checked({}, (await checked({ name: "shop" })) as object)).toEqual({ mark, name: "app-d706adbc" });
  });

  it("makes a new name when the account changes", async () => {
    const olds = { mark, name: "app-00000000", accountId: "1" };
    expect(await checked({ accountId: "2" }, olds)).toMatchObject({
      mark,
      name: expect.not.stringMatching(/0{8}$/) as string,
    });
  });

  it("drops nulls", async () => {
    expect(await checked({ description: null })).toEqual({ mark, name: "app-d706adbc" });
  });

  it("lists every problem", async () => {
    const { failures } = await new Life(handler).check({ name: "", email: "x", emails: "y" });
    expect(failures).toEqual([
      { property: "name", reason: 'is ""; must be a text of 1 to 255 characters' },
      { property: "email", reason: 'is "x"; must be an address such as "team@example.com"' },
      {
        property: "emails",
        reason: 'is not an argument; did you mean "email"? Allowed: name, description, email, accountId, adopt',
      },
    ]);
  });
});

describe("life", () => {
  it("begins with one call and has every output", async () => {
    const life = await create({ description: "d", email: "a@example.com" });
    expect(cloud.calls()).toEqual(["POST /v1/profiles"]);
    expect(life.outputs).toEqual({
      iamId: `iam-${life.id}`,
      crn: `crn:v1:bluemix:public:iam-identity::a/${cloud.emulator.accountId}::profile:${life.id}`,
      name: "app-d706adbc",
      description: "d",
      email: "a@example.com",
      accountId: cloud.emulator.accountId,
      entityTag: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      modifiedAt: expect.any(String) as string,
      mark: life.inputs.mark,
    });
  });

  it.each<[string, object, object, string[]]>([
    ["nothing changed", { description: "d" }, { description: "d" }, []],
    ["another description", { description: "d" }, { description: "e" }, ["update"]],
    ["no description any more", { description: "d" }, {}, ["update"]],
    ["another address", {}, { email: "a@b" }, ["update"]],
    ["a name of its own", {}, { name: "shop", description: "" }, ["update"]],
    ["another account", {}, { accountId: "0".repeat(32) }, ["update", "accountId"]],
    ["an account not known yet", {}, { accountId: UNKNOWN_SENTINEL }, ["update", "accountId"]],
    ["adopt, which only counts at creation", {}, { adopt: true }, []],
  ])("sees %s", async (_name, before, after, expected) => {
    const { changes, replaces = [], deleteBeforeReplace } = await (await create(before)).diff({ ...after });
    expect([...(changes === true ? ["update"] : []), ...replaces]).toEqual(expected);
    expect(deleteBeforeReplace).toBe(true);
  });

  it("updates with one call and sends only what changed", async () => {
    const life = await create({ description: "d", email: "a@b" });
    cloud.calls();
    await life.update({ description: "e", email: "a@b" });
    expect(cloud.calls()).toEqual([`PUT /v1/profiles/${life.id}`]);
    expect(life.outputs).toMatchObject({ description: "e", email: "a@b" });
    expect(await life.diff({ description: "e", email: "a@b" })).toMatchObject({ changes: false });
  });

  it("clears description and address", async () => {
    const life = await create({ description: "d", email: "a@b" });
    await life.update({});
    const live = await getProfile(cloud.elsewhere, life.id);
    expect([live?.description, live?.email, life.outputs.description]).toEqual([undefined, undefined, undefined]);
  });

  it("shows drift and mends it", async () => {
    const life = await create({ description: "d" });
    await updateProfile(cloud.elsewhere, life.id, String(life.outputs.entityTag), { description: "drifted" });
    expect(await life.diff({ description: "d" })).toMatchObject({ changes: false });
    await life.refresh();
    expect(await life.diff({ description: "d" })).toMatchObject({ changes: true });
    await life.update({ description: "d" });
    expect((await getProfile(cloud.elsewhere, life.id))?.description).toBe("d");
  });

  it("is gone after a refresh when it was deleted elsewhere, with one call", async () => {
    const life = await create();
    await deleteProfile(cloud.elsewhere, life.id);
    cloud.calls();
    expect(await life.refresh()).toBe(false);
    expect(cloud.calls()).toEqual([`GET /v1/profiles/${life.id}`]);
  });

  it("says what to do when it was deleted elsewhere and is updated", async () => {
    const life = await create();
    await deleteProfile(cloud.elsewhere, life.id);
    expect(await rejectionOf(life.update({ description: "e" }))).toBe(
      `trusted profile "app-d706adbc" (${life.id}) was deleted outside of this stack. Run \`pulumi refresh\`, then ` +
        "`pulumi up` makes it again.",
    );
  });

  it("ends twice without an error", async () => {
    const life = await create();
    await life.delete();
    await life.delete();
    expect(profiles()).toEqual([]);
  });

  it("is read by id alone", async () => {
    const { id, outputs, inputs } = await create();
    expect(await handler.read?.(id, {} as never)).toEqual({ id, props: { ...outputs, mark: undefined } });
    expect(inputs.mark).toBe(outputs.mark);
    const missing = "Profile-00000000-0000-4000-8000-000000000000";
    expect(await rejectionOf(handler.read?.(missing, {} as never) ?? Promise.resolve())).toBe(
      `trusted profile "${missing}" does not exist in this account and region. Check the id and the credentials.`,
    );
  });
});

describe("somebody else's change", () => {
  it("of nothing that we own only moves the tag", async () => {
    const life = await create({ description: "d" });
    await updateProfile(cloud.elsewhere, life.id, String(life.outputs.entityTag), { description: "d" });
    await life.update({ description: "e" });
    expect(life.outputs.description).toBe("e");
  });

  it("of a field that we own is not overwritten unseen", async () => {
    const life = await create({ description: "d" });
    await updateProfile(cloud.elsewhere, life.id, String(life.outputs.entityTag), { email: "they@example.com" });
    expect(await rejectionOf(life.update({ description: "e" }))).toBe(
      `trusted profile "app-d706adbc" (${life.id}) was changed outside of this stack since it was last read: email. ` +
        "Run `pulumi refresh` to see the change; the next `pulumi up` then sets it as in the program.",
    );
    await life.refresh();
    await life.update({ description: "e" });
    expect(await getProfile(cloud.elsewhere, life.id)).not.toHaveProperty("email");
  });

  it("is not blamed when a name is taken", async () => {
    await createProfile(cloud.elsewhere, { name: "taken" });
    const life = await create();
    cloud.calls();
    expect(await rejectionOf(life.update({ name: "taken", description: "" }))).toContain("409");
    // The tag is still the one that was sent, so there is nothing that another attempt could do better.
    expect(cloud.calls()).toEqual([`PUT /v1/profiles/${life.id}`, `GET /v1/profiles/${life.id}`]);
  });
});

describe("a profile that exists already", () => {
  it("and is not ours is named, not taken", async () => {
    const theirs = await createProfile(cloud.elsewhere, { name: "shop" });
    expect(await rejectionOf(create({ name: "shop" }))).toBe(
      `trusted profile "shop" cannot be created: the trusted profile "shop" (${theirs.id}) exists already and was not ` +
        "made by this stack. Choose another name or delete it, or set `adopt: true` to manage it from here (also its deletion).",
    );
  });

  it("is adopted when asked, and brought to what is wanted", async () => {
    const theirs = await createProfile(cloud.elsewhere, { name: "shop", email: "they@example.com" });
    const life = await create({ name: "shop", description: "ours", adopt: true });
    expect(life.id).toBe(theirs.id);
    expect(await getProfile(cloud.elsewhere, life.id)).toMatchObject({ description: "ours" });
    expect(life.outputs).not.toHaveProperty("email");
  });

  it.each<[string, object]>([
    ["with a name of ours", {}],
    ["with a name of the user's", { name: "shop" }],
  ])("%s is ours when an earlier create was killed before it could tell", async (_name, args) => {
    const first = await create(args);
    const second = await create(args);
    expect(second.id).toBe(first.id);
    expect(profiles()).toHaveLength(1);
  });
});

describe("a create that fails on the way", () => {
  it.each(["lost", "answer lost"] as const)("is made exactly once when the call is %s", async (fault) => {
    const count = cloud.fail("POST", /^\/v1\/profiles$/, fault);
    const life = await create();
    expect(count.fired).toBe(1);
    expect(cloud.emulator.inventory().profiles.map(({ id }) => id)).toEqual([life.id]);
  });

  it.each([400, 422])("fails at once, with the server's own words, when the server answers %s", async (status) => {
    const body = { status_code: status, errors: [{ code: "invalid_request", message: "No such thing" }], trace: "t-1" };
    const count = cloud.fail("POST", /^\/v1\/profiles$/, { status, body });
    const message = await rejectionOf(create());
    expect(message).toContain("No such thing");
    expect(message).toContain(String(status));
    expect([count.fired, cloud.calls()]).toEqual([1, ["POST /v1/profiles", "GET /v1/profiles"]]);
    expect(profiles()).toEqual([]);
  });

  it("finds its object in a list that lags behind, whatever IAM calls a name that is taken", async () => {
    cloud.fail("POST", /^\/v1\/profiles$/, "answer lost");
    cloud.fail("POST", /^\/v1\/profiles$/, { status: 400 });
    const count = cloud.fail("GET", /^\/v1\/profiles$/, { status: 200, body: { profiles: [] } }, 3);
    const life = await create();
    expect([cloud.emulator.inventory().profiles.map(({ id }) => id), count.fired]).toEqual([[life.id], 3]);
  });

  it("finds its object in a list that lags behind", async () => {
    const first = await create();
    const count = cloud.fail("GET", /^\/v1\/profiles$/, { status: 200, body: { profiles: [] } });
    const second = await create();
    expect([second.id, count.fired]).toEqual([first.id, 1]);
  });
});
