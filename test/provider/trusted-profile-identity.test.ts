/** Identities of a profile: what each type may be, that the others are left alone, and a life against the emulator. */
import { createProfile } from "../../client/iam-identity";
import {
  addIdentity,
  getIdentities,
  getIdentity,
  removeIdentity,
  type ProfileIdentity,
} from "../../client/iam-profile-identities";
import { createServiceId } from "../../client/iam-service-ids";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/trusted-profile-identity";
import { Life, rejectionOf, testCloud } from "./cloud";

const USER = "IBMid-270000ABCD";
const SERVICE = "crn:v1:bluemix:public:codeengine:us-south:a/59bcbfa6ea2f006b4ed7094c1a08dcdd:1::";

const cloud = testCloud();
let profileId: string;
let args: Record<string, unknown>;

beforeAll(async () => {
  profileId = (await createProfile(cloud.elsewhere, { name: "app" })).id;
  args = { profileId, type: "user", identifier: USER };
});

afterEach(async () => {
  for (const { type, identifier } of await identities()) {
    await removeIdentity(cloud.elsewhere, profileId, type, identifier);
  }
});

const create = (more: object = {}, mark?: string): Promise<Life> =>
  new Life(handler, mark).create({ ...args, ...more });
const identities = async (): Promise<ProfileIdentity[]> =>
  (await getIdentities(cloud.elsewhere, profileId))?.identities ?? [];
const live = (): Promise<ProfileIdentity | undefined> => getIdentity(cloud.elsewhere, profileId, "user", USER);

describe("check", () => {
  it.each<[string, object, string[]]>([
    ["an unknown type", { type: "group" }, ['type: is "group"; must be one of "user", "serviceid", "crn"']],
    [
      "a service ID for a user",
      { identifier: "iam-ServiceId-1" },
      [
        'identifier: is "iam-ServiceId-1"; with type "user" it must be the IAM id of a user, such as "IBMid-270000ABCD"',
      ],
    ],
    [
      "a user for a service ID",
      { type: "serviceid", accounts: ["1"] },
      [
        `identifier: is "${USER}"; with type "serviceid" it must be a service ID ("ServiceId-<uuid>"), its IAM id or its CRN`,
        'accounts: is ["1"]; only users have accounts to choose from',
      ],
    ],
    [
      "no CRN for a CRN",
      { type: "crn" },
      [`identifier: is "${USER}"; with type "crn" it must be the CRN of a service`],
    ],
    [
      "nothing",
      { profileId: undefined, type: undefined, identifier: undefined },
      [
        "profileId: is missing; it is required",
        "type: is missing; it is required",
        "identifier: is missing; it is required",
      ],
    ],
  ])("refuses %s", async (_name, change, expected) => {
    const { failures = [] } = await new Life(handler).check({ ...args, ...change });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual(expected);
  });
});

describe("life", () => {
  it("begins with a look and an addition, and has every output", async () => {
    const life = await create({ accounts: ["a1"] });
    expect(cloud.calls()).toEqual([
      `GET /v1/profiles/${profileId}/identities/user/${USER}`,
      `POST /v1/profiles/${profileId}/identities/user`,
    ]);
    expect(life.id).toBe(`${profileId}|user|${USER}`);
    expect(life.outputs).toEqual({
      profileId,
      type: "user",
      identifier: USER,
      iamId: USER,
      accounts: ["a1"],
      description: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      accountId: cloud.emulator.accountId,
      mark: life.inputs.mark,
    });
  });

  it("takes a CRN, which holds every separator there is", async () => {
    const life = await create({ type: "crn", identifier: SERVICE });
    expect(await life.refresh()).toBe(true);
    expect(life.outputs).toMatchObject({ identifier: SERVICE, iamId: `crn-${SERVICE}` });
    await life.delete();
    expect(await identities()).toEqual([]);
  });

  it("takes a service ID by any of its names", async () => {
    const { id, iamId, crn } = await createServiceId(cloud.elsewhere, { name: "deployer", description: "its own" });
    const life = await create({ type: "serviceid", identifier: crn });
    expect(life.id).toBe(`${profileId}|serviceid|${id}`);
    expect(await life.diff({ ...args, type: "serviceid", identifier: iamId })).toMatchObject({ changes: false });
    await life.update({ ...args, type: "serviceid", identifier: id, description: "" });
    expect(await life.diff({ ...args, type: "serviceid", identifier: id, description: "" })).toMatchObject({
      changes: false,
    });
  });

  it.each<[string, object, string[]]>([
    ["nothing changed", {}, []],
    ["the accounts in another order", { accounts: ["a2", "a1"] }, []],
    ["other accounts", { accounts: ["a1"] }, ["update"]],
    ["no accounts any more", { accounts: undefined }, ["update"]],
    ["another description", { description: "d" }, ["update"]],
    ["another identifier", { identifier: "IBMid-2" }, ["update", "identifier"]],
    ["an identifier not known yet", { identifier: UNKNOWN_SENTINEL }, ["update", "identifier"]],
    ["another type", { type: "crn", identifier: SERVICE, accounts: undefined }, ["update", "type", "identifier"]],
  ])("sees %s", async (_name, change, expected) => {
    const base = { accounts: ["a1", "a2"] };
    const { changes, replaces = [] } = await (await create(base)).diff({ ...args, ...base, ...change });
    expect([...(changes === true ? ["update"] : []), ...replaces]).toEqual(expected);
  });

  it("an update sends what changed, and everybody else along", async () => {
    await addIdentity(cloud.elsewhere, profileId, { type: "crn", identifier: SERVICE, description: "theirs" });
    const life = await create({ accounts: ["a1"] });
    await life.update({ ...args, description: "new", accounts: ["a1", "a2"] });
    expect(await live()).toMatchObject({ description: "new", accounts: ["a1", "a2"] });
    await life.update({ ...args, description: "" });
    expect(await identities()).toEqual([
      { iamId: `crn-${SERVICE}`, type: "crn", identifier: SERVICE, description: "theirs" },
      { iamId: USER, type: "user", identifier: USER },
    ]);
    expect(life.outputs).not.toHaveProperty("accounts");
  });

  it("shows drift in outputs and inputs, and mends it", async () => {
    const life = await create({ description: "d" });
    await addIdentity(cloud.elsewhere, profileId, { type: "user", identifier: USER, description: "drifted" });
    await life.refresh();
    expect([life.inputs.description, life.outputs.description]).toEqual(["drifted", "drifted"]);
    await life.update({ ...args, description: "d" });
    expect((await live())?.description).toBe("d");
  });

  it("is gone after a refresh when it was removed elsewhere, and ends twice without an error", async () => {
    const life = await create();
    await life.delete();
    await life.delete();
    expect(await life.refresh()).toBe(false);
  });

  it("is read by id alone", async () => {
    const life = await create();
    expect(await handler.read?.(life.id, {} as never)).toEqual({
      id: life.id,
      props: { ...life.outputs, mark: undefined },
    });
    const missing = `${profileId}|user|IBMid-0`;
    expect(await rejectionOf(Promise.resolve(handler.read?.(missing, {} as never)))).toBe(
      `trusted profile identity "${missing}" does not exist in this account and region. Check the id and the credentials.`,
    );
    expect(await rejectionOf(Promise.resolve(handler.read?.(`${profileId}|${USER}`, {} as never)))).toContain(
      'is no id of an identity; must be "Profile-<uuid>|<user, serviceid or crn>|<identifier>".',
    );
  });
});

describe("several identities of one profile", () => {
  it("are added one after the other", async () => {
    const marks = ["a", "b", "c", "d"];
    await Promise.all(marks.map((name) => create({ identifier: `IBMid-${name}` }, `${"b2".repeat(8)}:${name}`)));
    expect(await identities()).toHaveLength(4);
  });

  it("are added although somebody else is at it too", async () => {
    const count = cloud.fail("POST", /\/identities\/user$/, { status: 409 }, 2);
    await create();
    expect([count.fired, (await identities()).length]).toEqual([2, 1]);
  });
});

describe("an identity that the profile has already", () => {
  it("and is not ours is named, not overwritten", async () => {
    await addIdentity(cloud.elsewhere, profileId, { type: "user", identifier: USER, description: "theirs" });
    expect(await rejectionOf(create())).toBe(
      `user ${USER} of trusted profile ${profileId} cannot be created: the identity ${USER}, described as "theirs", exists ` +
        "already and was not made by this stack. Choose another name or delete it, or set `adopt: true` to manage it from " +
        "here (also its deletion).",
    );
    expect((await live())?.description).toBe("theirs");
  });

  it("is adopted when asked, and brought to what is wanted", async () => {
    await addIdentity(cloud.elsewhere, profileId, { type: "user", identifier: USER, accounts: ["x"] });
    const life = await create({ adopt: true, description: "mine" });
    expect(await live()).toEqual({ iamId: USER, type: "user", identifier: USER, description: "mine" });
    expect(life.id).toBe(`${profileId}|user|${USER}`);
  });

  it("is ours when an earlier create was killed before it could tell", async () => {
    await create();
    const second = await create();
    expect([second.id, (await identities()).length]).toEqual([`${profileId}|user|${USER}`, 1]);
  });
});
