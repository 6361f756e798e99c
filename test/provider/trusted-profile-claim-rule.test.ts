/** Claim rules: the two variants, values that are encoded for the user, and a life against the emulator. */
import {
  createClaimRule,
  deleteClaimRule,
  getClaimRule,
  listClaimRules,
  replaceClaimRule,
  type ClaimRuleBody,
} from "../../client/iam-claim-rules";
import { createProfile } from "../../client/iam-identity";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/trusted-profile-claim-rule";
import { Life, rejectionOf, testCloud } from "./cloud";

const cloud = testCloud();
let profileId: string;
let args: Record<string, unknown>;
const VPC = { claim: "vpc_id", operator: "EQUALS", value: "r006-1" };
const ZONES = { claim: "zone", operator: "IN", value: ["us-south-1", "us-south-2"] };
const SAML = { type: "Profile-SAML", crType: undefined, realmName: "https://idp.example.com", expirationSeconds: 3600 };

beforeAll(async () => {
  profileId = (await createProfile(cloud.elsewhere, { name: "app" })).id;
  args = { profileId, type: "Profile-CR", crType: "VSI", conditions: [VPC, ZONES] };
});

afterEach(async () => {
  for (const { id } of await listClaimRules(cloud.elsewhere, profileId))
    await deleteClaimRule(cloud.elsewhere, profileId, id);
});

const create = (more: object = {}): Promise<Life> => new Life(handler).create({ ...args, ...more });
const ruleIdOf = ({ id }: Life): string => id.split("/")[1] ?? "";
const live = (life: Life): ReturnType<typeof getClaimRule> => getClaimRule(cloud.elsewhere, profileId, ruleIdOf(life));
const rules = async (): Promise<string[]> => (await listClaimRules(cloud.elsewhere, profileId)).map(({ id }) => id);
const BODY: ClaimRuleBody = {
  type: "Profile-CR",
  crType: "VSI",
  conditions: [
    { claim: "vpc_id", operator: "EQUALS", value: '"r006-1"' },
    { claim: "zone", operator: "IN", value: '["us-south-1","us-south-2"]' },
  ],
};

describe("check", () => {
  it.each<[string, object, string[]]>([
    ["an unknown type", { type: "SAML" }, ['type: is "SAML"; must be one of "Profile-SAML", "Profile-CR"']],
    [
      "a rule for users as if for servers",
      { type: "Profile-SAML" },
      [
        "realmName: is missing; a rule of type Profile-SAML needs it",
        "expirationSeconds: is missing; a rule of type Profile-SAML needs it",
        'crType: is "VSI"; a rule of type Profile-SAML has none',
      ],
    ],
    [
      "a rule for servers as if for users",
      { crType: undefined, realmName: "r", expirationSeconds: 0 },
      [
        "expirationSeconds: is 0; must be a whole number from 1 to 86400 seconds",
        'realmName: is "r"; a rule of type Profile-CR has none',
        "expirationSeconds: is 0; a rule of type Profile-CR has none",
        "crType: is missing; a rule of type Profile-CR needs it",
      ],
    ],
    ["no conditions", { conditions: [] }, ["conditions: is []; must have at least 1 entry"]],
    [
      "conditions with everything wrong",
      {
        conditions: [
          { claim: "", operator: "STARTS_WITH", value: "x" },
          { claim: "zone", operator: "IN", value: "us-south-1" },
          { claim: "zone", operator: "EQUALS", value: ["us-south-1"] },
          { claim: "zone", value: 1.5 },
        ],
      },
      [
        'conditions[0].claim: is ""; must be a text of 1 to 1000 characters',
        'conditions[0].operator: is "STARTS_WITH"; must be one of "EQUALS", "NOT_EQUALS", "EQUALS_IGNORE_CASE", ' +
          '"NOT_EQUALS_IGNORE_CASE", "CONTAINS", "IN"',
        'conditions[1].value: is "us-south-1"; "IN" takes a list of texts',
        'conditions[2].value: is ["us-south-1"]; "EQUALS" takes a single value; "IN" takes a list',
        "conditions[3].value: is 1.5; must be a whole number from -9007199254740991 to 9007199254740991",
        "conditions[3].operator: is missing; it is required",
      ],
    ],
  ])("refuses %s", async (_name, change, expected) => {
    const { failures = [] } = await new Life(handler).check({ ...args, ...change });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual(expected);
  });

  it("warns of a claim that no virtual server has, since IAM takes it and it never matches", async () => {
    const warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    await new Life(handler).check({ ...args, conditions: [{ ...VPC, claim: "vpc" }] });
    await new Life(handler).check({ ...args, crType: "IKS_SA", conditions: [{ ...VPC, claim: "namespace" }] });
    const texts = warnings.mock.calls.map(([text]) => String(text));
    warnings.mockRestore();
    expect(texts).toEqual([
      'TrustedProfileClaimRule "app": no virtual server has the claim "vpc", so the rule lets none in. IBM documents for ' +
        "virtual servers: resource_group_id, resource_group_name, resource, instance_group_name, region, subnet_id, vpc_id, zone.",
    ]);
  });
});

describe("life", () => {
  it("begins with a create between two looks, and has every output", async () => {
    const life = await create();
    const path = `/v1/profiles/${profileId}/rules`;
    expect(cloud.calls()).toEqual([`GET ${path}`, `POST ${path}`, `GET ${path}`]);
    expect(life.outputs).toEqual({
      profileId,
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      type: "Profile-CR",
      crType: "VSI",
      conditions: [VPC, ZONES],
      entityTag: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      modifiedAt: expect.any(String) as string,
      accountId: cloud.emulator.accountId,
      mark: life.inputs.mark,
    });
  });

  it("encodes the values of the conditions for IAM", async () => {
    const flags = [
      { claim: "admin", operator: "EQUALS", value: true },
      { claim: "level", operator: "NOT_EQUALS", value: 3 },
      { claim: "groups", operator: "CONTAINS", value: 'the "b" team' },
    ];
    const life = await create({ ...SAML, conditions: [...flags, ZONES] });
    expect((await live(life))?.conditions.map(({ value }) => value)).toEqual([
      "true",
      "3",
      '"the \\"b\\" team"',
      '["us-south-1","us-south-2"]',
    ]);
    expect(await life.diff({ ...args, ...SAML, conditions: [...flags, ZONES] })).toMatchObject({ changes: false });
  });

  it.each<[string, object, string[]]>([
    ["nothing changed", {}, []],
    ["the conditions in another order", { conditions: [ZONES, VPC] }, []],
    ["one condition less", { conditions: [VPC] }, ["update"]],
    ["another value", { conditions: [{ ...VPC, value: "r006-2" }, ZONES] }, ["update"]],
    ["a value not known yet", { conditions: [{ ...VPC, value: UNKNOWN_SENTINEL }, ZONES] }, ["update"]],
    ["conditions not known yet", { conditions: UNKNOWN_SENTINEL }, ["update"]],
    ["another type of server", { crType: "BMS" }, ["update"]],
    ["another kind of rule", SAML, ["update"]],
    ["a name", { name: "web" }, ["update"]],
    ["another profile", { profileId: "Profile-00000000-0000-4000-8000-000000000000" }, ["update", "profileId"]],
  ])("sees %s", async (_name, change, expected) => {
    const { changes, replaces = [] } = await (await create()).diff({ ...args, ...change });
    const own = replaces.filter((field) => field !== "name");
    expect([...(changes === true ? ["update"] : []), ...own]).toEqual(expected);
  });

  it("updates everything in place with one call, and what the other kind had is gone", async () => {
    const life = await create();
    cloud.calls();
    const wanted = { ...args, ...SAML, name: "web", conditions: [VPC] };
    await life.update(wanted);
    expect(cloud.calls()).toEqual([`PUT /v1/profiles/${profileId}/rules/${ruleIdOf(life)}`]);
    const rule = await live(life);
    expect(rule).toMatchObject({
      name: "web",
      type: "Profile-SAML",
      realmName: SAML.realmName,
      expirationSeconds: 3600,
    });
    expect(rule).not.toHaveProperty("crType");
    expect(await life.diff(wanted)).toMatchObject({ changes: false });
  });

  it("shows drift in outputs and inputs, and mends it", async () => {
    const life = await create();
    const before = await live(life);
    await replaceClaimRule(cloud.elsewhere, profileId, ruleIdOf(life), before?.entityTag ?? "", {
      ...BODY,
      conditions: [{ claim: "zone", operator: "EQUALS", value: "us-south-3" }],
    });
    expect(await life.diff(args)).toMatchObject({ changes: false });
    await life.refresh();
    const drifted = [{ claim: "zone", operator: "EQUALS", value: "us-south-3" }];
    expect([life.inputs.conditions, life.outputs.conditions]).toEqual([drifted, drifted]);
    expect(await life.diff(args)).toMatchObject({ changes: true });
    await life.update(args);
    expect((await live(life))?.conditions).toHaveLength(2);
    expect((await live(life))?.name).toMatch(/^app-[0-9a-f]{8}$/);
  });

  it("does not overwrite unseen what somebody else changed", async () => {
    const life = await create();
    const before = await live(life);
    await replaceClaimRule(cloud.elsewhere, profileId, ruleIdOf(life), before?.entityTag ?? "", {
      ...BODY,
      conditions: BODY.conditions.slice(0, 1),
    });
    expect(await rejectionOf(life.update({ ...args, name: "web" }))).toContain(
      "was changed outside of this stack since it was last read: name, conditions.",
    );
  });

  it("is gone after a refresh when it was deleted elsewhere, and ends twice without an error", async () => {
    const life = await create();
    await life.delete();
    await life.delete();
    expect(await life.refresh()).toBe(false);
    expect(await rules()).toEqual([]);
  });

  it("is read by id alone", async () => {
    const life = await create();
    expect(await handler.read?.(life.id, {} as never)).toEqual({
      id: life.id,
      props: { ...life.outputs, mark: undefined },
    });
    const missing = `${profileId}/ClaimRule-0`;
    expect(await rejectionOf(Promise.resolve(handler.read?.(missing, {} as never)))).toBe(
      `claim rule "${missing}" does not exist in this account and region. Check the id and the credentials.`,
    );
  });
});

describe("a rule that exists already", () => {
  it("may be equal to another one of another name", async () => {
    const theirs = await createClaimRule(cloud.elsewhere, profileId, { ...BODY, name: "theirs" });
    const life = await create();
    expect((await rules()).sort()).toEqual([theirs.id, ruleIdOf(life)].sort());
  });

  it("is not made twice under the name that the user chose", async () => {
    const theirs = await createClaimRule(cloud.elsewhere, profileId, { ...BODY, name: "web" });
    expect(await rejectionOf(create({ name: "web" }))).toContain(
      `claim rule "web" of trusted profile ${profileId} cannot be created: the equal rule "web" (${theirs.id}) exists already`,
    );
    expect(await rules()).toEqual([theirs.id]);
  });

  it("is adopted when asked, and gets our name", async () => {
    const theirs = await createClaimRule(cloud.elsewhere, profileId, { ...BODY, name: "theirs" });
    const life = await create({ adopt: true });
    expect([ruleIdOf(life), await rules()]).toEqual([theirs.id, [theirs.id]]);
    expect((await live(life))?.name).toMatch(/^app-[0-9a-f]{8}$/);
  });

  it("is found under the name that the user chose when the answer is lost and the list lags behind", async () => {
    cloud.fail("POST", /\/rules$/, "answer lost");
    // The first of these is the look before the create; the second comes right after it.
    const lag = cloud.fail("GET", /\/rules$/, { status: 200, body: { rules: [] } }, 2);
    const life = await create({ name: "web" });
    expect([lag.fired, await rules()]).toEqual([2, [ruleIdOf(life)]]);
  });

  it("is ours when an earlier create was killed before it could tell, though IAM would make a second one", async () => {
    const first = await create();
    const second = await create();
    expect([second.id, await rules()]).toEqual([first.id, [ruleIdOf(first)]]);
  });
});
