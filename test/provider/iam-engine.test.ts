/**
 * Every IAM resource from a program through an engine to the emulator and back, over a whole life: on the embedded engine,
 * and on the real command line too, where `PULUMI` names it.
 */
import { deleteApiKey, getApiKey, updateApiKey } from "../../client/iam-api-keys";
import { getClaimRule, replaceClaimRule } from "../../client/iam-claim-rules";
import { deleteProfile, getProfile, updateProfile } from "../../client/iam-identity";
import { deletePolicy, getPolicy, replacePolicy } from "../../client/iam-policy";
import { getIdentities, replaceIdentities } from "../../client/iam-profile-identities";
import { deleteServiceId, getServiceId, updateServiceId } from "../../client/iam-service-ids";
import { type Cloud, startCloud } from "./cloud";
import { type Ids, type Name, Stack, census, crnOf, onEachEngine } from "./stack";

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as vpc from "pulumi-ibm-vpc-identity";
const wish = JSON.parse(readFileSync("wish.json", "utf8"));
const profile = new vpc.TrustedProfile("app", wish.profile, { customTimeouts: { create: "1m", delete: "2m" } });
const other = new vpc.TrustedProfile("other");
const serviceId = new vpc.ServiceId("app", wish.serviceId);
const owner = new vpc.ServiceId("owner");
const of = ({ inOther, ...args }: any) => ({ profileId: inOther ? other.id : profile.id, ...args });
const link = new vpc.TrustedProfileLink("app", of(wish.link));
const rule = new vpc.TrustedProfileClaimRule("app", of(wish.rule));
const identity = new vpc.TrustedProfileIdentity("app", of(wish.identity));
const { subject, ...grant } = wish.policy;
const policy = new vpc.AccessPolicy("app", { ...(subject ?? { serviceId: owner.id }), ...grant });
const { ownedByOther, ...keyArgs } = wish.key;
const key = new vpc.ApiKey("app", { serviceId: ownedByOther ? serviceId.id : owner.id, ...keyArgs });
export const ids = { profile: profile.id, serviceId: serviceId.id, link: link.id, rule: rule.id, identity: identity.id,
  policy: policy.id, key: key.id };
export const value = key.value;
export const account = vpc.getCallerIdentityOutput().accountId;
const get = wish.get;
export const got = get && {
  profile: vpc.TrustedProfile.get("got", get.profile).name,
  serviceId: vpc.ServiceId.get("got", get.serviceId).name,
  link: vpc.TrustedProfileLink.get("got", get.link).crType,
  rule: vpc.TrustedProfileClaimRule.get("got", get.rule).type,
  identity: vpc.TrustedProfileIdentity.get("got", get.identity).identifier,
  policy: vpc.AccessPolicy.get("got", get.policy).apiVersion,
  key: vpc.ApiKey.get("got", get.key).actionWhenLeaked,
};
`;

// Each run of an engine starts two processes, on a machine that may have others to run.
jest.setTimeout(300_000);

type Args = Record<string, unknown>;
type Wish = Record<Name, Args> & { get?: Record<string, string> };

const NAMES: readonly Name[] = ["profile", "serviceId", "link", "rule", "identity", "policy", "key"];
const GIVEN = "a-value-of-the-user-0123456789-0123456789";
const SAML = { type: "Profile-SAML", realmName: "https://idp", expirationSeconds: 60 };
const WEEKLY = { pattern: "time-based-conditions:weekly:all-day", days: ["monday"] };
const lastOf = (id: string): string => id.slice(id.lastIndexOf("/") + 1);

const ALL = [2, 1, 1, 1, 1, 2, 1];
const writesOf = (calls: readonly string[]): string[] => calls.filter((call) => !call.startsWith("GET"));

onEachEngine(life);

function life(command: string): void {
  let cloud: Cloud;
  let stack: Stack;
  let wish: Wish;

  beforeAll(async () => {
    cloud = await startCloud();
    stack = new Stack(command, PROGRAM, cloud);
    wish = {
      profile: {},
      serviceId: {},
      link: { crType: "VSI", link: { crn: crnOf(cloud, 1) } },
      rule: {
        type: "Profile-CR",
        crType: "VSI",
        conditions: [{ claim: "zone", operator: "EQUALS", value: "us-south-1" }],
      },
      identity: { type: "user", identifier: "IBMid-1" },
      policy: { roles: ["Viewer"], service: "is" },
      key: {},
    };
    stack.wish(wish);
    await stack.must("stack", "init", "dev");
  });
  afterAll(async () => {
    await cloud.close();
    stack.remove();
  });

  const upWith = (change: Partial<Wish>): Promise<string[]> => {
    wish = { ...wish, ...change };
    stack.wish(wish);
    return stack.up();
  };

  it("is previewed without a call that changes anything", async () => {
    cloud.calls();
    await stack.must("preview");
    expect(writesOf(cloud.calls())).toEqual([]);
  });

  it("is made, one create for each", async () => {
    expect(writesOf(await stack.up())).toHaveLength(9);
    expect(census(cloud)).toEqual(ALL);
    expect((await stack.outputs()).account).toBe(cloud.emulator.accountId);
  });

  it("holds the key's value once, encrypted, and nothing else that is secret", async () => {
    const { value } = await stack.outputs();
    const state = JSON.stringify(await stack.resources());
    expect(value.length).toBeGreaterThanOrEqual(32);
    expect(state).not.toContain(value);
    expect(state).not.toContain(cloud.emulator.apiKey);
    const { inputs, outputs } = await stack.resource("key");
    expect(inputs).not.toHaveProperty("value");
    expect(outputs?.value).toMatchObject({ ciphertext: expect.any(String) as string });
    expect((await stack.run("stack", "output", "value")).stdout).not.toContain(value);
  });

  it("calls nothing when nothing changed, and once for each when it is read", async () => {
    expect(await stack.up()).toEqual([]);
    expect(await stack.up("--refresh")).toHaveLength(9);
    expect(await stack.up()).toEqual([]);
  });

  const updates = (): Record<Exclude<Name, "link">, Args> => ({
    profile: { name: "shop", description: "d", email: "team@example.com" },
    serviceId: { name: "shop", description: "d", uniqueInstanceCrns: [crnOf(cloud, 1)], locked: true },
    rule: { ...SAML, name: "rule", conditions: [{ claim: "a", operator: "IN", value: ["b"] }] },
    identity: { type: "user", identifier: "IBMid-1", accounts: ["a1"], description: "d" },
    policy: {
      roles: ["Operator", "Viewer"],
      service: "is",
      region: "eu-de",
      resourceTags: [{ key: "project", value: "shop" }],
      rule: WEEKLY,
      description: "d",
    },
    key: {
      name: "shop",
      description: "d",
      actionWhenLeaked: "disable",
      supportSessions: true,
      expiresAt: "2049-01-02T18:30+0000",
      disabled: true,
      locked: true,
    },
  });

  it("is changed in place in each field that can be, in one write for each resource", async () => {
    const before = (await stack.outputs()).ids;
    const plain = wish;
    const writes = writesOf(await upWith(updates()));
    expect(writes.filter((call) => call.startsWith("PUT"))).toHaveLength(6);
    // Locks and switches are calls of their own.
    expect(writes.filter((call) => !call.startsWith("PUT")).sort()).toEqual([
      `POST /v1/apikeys/${before.key}/disable`,
      `POST /v1/apikeys/${before.key}/lock`,
      `POST /v1/serviceids/${before.serviceId}/lock`,
    ]);
    expect((await stack.outputs()).ids).toEqual(before);
    for (const name of ["profile", "serviceId", "identity", "key"] as const) {
      expect((await stack.resource(name)).outputs).toMatchObject(updates()[name]);
    }
    expect((await stack.resource("rule")).outputs).toMatchObject({ ...updates().rule });
    expect((await stack.resource("policy")).outputs).toMatchObject({
      roleIds: [expect.stringMatching(/:Operator$/), expect.stringMatching(/:Viewer$/)],
      tags: [{ key: "project", operator: "stringEquals", value: "shop" }],
      pattern: WEEKLY.pattern,
      rule: expect.objectContaining({ operator: "dayOfWeekAnyOf" }) as object,
      description: "d",
    });
    expect(await stack.up("--refresh")).toHaveLength(9);

    expect(writesOf(await upWith(plain)).filter((call) => call.startsWith("PUT"))).toHaveLength(6);
    expect((await stack.outputs()).ids).toEqual(before);
    for (const name of ["profile", "serviceId", "key"] as const) {
      const { outputs } = await stack.resource(name);
      expect(outputs?.name).toMatch(/^app-[0-9a-f]{8}$/);
      expect(outputs).not.toHaveProperty("description");
    }
    expect(await stack.up()).toEqual([]);
  });

  it("is not destroyed while a key or a service ID is locked", async () => {
    await upWith({ key: { locked: true }, serviceId: { locked: true } });
    const { ids } = await stack.outputs();
    const { exitCode, output } = await stack.run("destroy", "--yes", "--skip-preview");
    expect([exitCode === 0, output.includes("is locked, so it is not deleted.")]).toEqual([false, true]);
    expect((await getApiKey(cloud.elsewhere, ids.key))?.locked).toBe(true);
    expect((await getServiceId(cloud.elsewhere, ids.serviceId))?.locked).toBe(true);
    await upWith({ key: {}, serviceId: {} });
    expect(census(cloud)).toEqual(ALL);
  });

  const described = { description: "drifted" };
  const DRIFTS: [Name, (ids: Ids) => Promise<unknown>, Args][] = [
    [
      "profile",
      async ({ profile: id }) => {
        const live = await getProfile(cloud.elsewhere, id);
        await updateProfile(cloud.elsewhere, id, live?.entityTag ?? "", { ...described, name: "theirs" });
      },
      { ...described, name: "theirs" },
    ],
    [
      "serviceId",
      async ({ serviceId: id }) => {
        const live = await getServiceId(cloud.elsewhere, id);
        await updateServiceId(cloud.elsewhere, id, live?.entityTag ?? "", described);
      },
      described,
    ],
    [
      "rule",
      async ({ profile, rule }) => {
        const live = await getClaimRule(cloud.elsewhere, profile, lastOf(rule));
        const conditions = [{ claim: "zone", operator: "EQUALS", value: '"z"' }] as const;
        const body = { type: "Profile-CR", crType: "BMS", conditions } as const;
        await replaceClaimRule(cloud.elsewhere, profile, lastOf(rule), live?.entityTag ?? "", body);
      },
      { crType: "BMS", conditions: [{ claim: "zone", operator: "EQUALS", value: "z" }] },
    ],
    [
      "identity",
      async ({ profile }) => {
        const set = await getIdentities(cloud.elsewhere, profile);
        const drifted = { type: "user", identifier: "IBMid-1", ...described } as const;
        await replaceIdentities(cloud.elsewhere, profile, set?.entityTag ?? "", [drifted]);
      },
      described,
    ],
    [
      "policy",
      async ({ policy }) => {
        const live = await getPolicy(cloud.elsewhere, policy);
        if (live !== undefined) await replacePolicy(cloud.elsewhere, policy, live.etag, { ...live, ...described });
      },
      described,
    ],
    [
      "key",
      async ({ key }) => {
        const live = await getApiKey(cloud.elsewhere, key);
        await updateApiKey(cloud.elsewhere, key, live?.entityTag ?? "", described);
      },
      described,
    ],
  ];

  it("shows what somebody else changed, in the inputs too, and mends it", async () => {
    const { ids } = await stack.outputs();
    for (const [, drift] of DRIFTS) await drift(ids);
    await stack.must("refresh", "--yes", "--skip-preview");
    for (const [name, , inputs] of DRIFTS) expect((await stack.resource(name)).inputs).toMatchObject(inputs);
    expect(writesOf(await stack.up())).toHaveLength(DRIFTS.length);
    expect(writesOf(await stack.up("--refresh"))).toEqual([]);
    for (const [name, , inputs] of DRIFTS) expect((await stack.resource(name)).inputs).not.toMatchObject(inputs);
    expect((await stack.outputs()).ids).toEqual(ids);
  });

  it("is made again when all of it was deleted elsewhere", async () => {
    const { ids } = await stack.outputs();
    await deletePolicy(cloud.elsewhere, ids.policy);
    await deleteApiKey(cloud.elsewhere, ids.key);
    await deleteServiceId(cloud.elsewhere, ids.serviceId);
    // Takes link, rule and identity with it.
    await deleteProfile(cloud.elsewhere, ids.profile);
    await stack.up("--refresh");
    expect(census(cloud)).toEqual(ALL);
    const after = (await stack.outputs()).ids;
    expect(NAMES.filter((name) => after[name] === ids[name])).toEqual([]);
  });

  const REPLACING: [string, () => Partial<Wish>, Name[]][] = [
    [
      "what is linked, who it is, what the value is, whom a policy is for",
      () => ({
        link: { crType: "VSI", link: { crn: crnOf(cloud, 2) } },
        identity: { type: "user", identifier: "IBMid-2" },
        key: { value: GIVEN },
        policy: { ...wish.policy, subject: { iamId: "IBMid-1" } },
      }),
      ["link", "identity", "key", "policy"],
    ],
    [
      "the type, whether the value is stored, and a group in place of an identity",
      () => ({
        link: { crType: "BMS", link: { crn: crnOf(cloud, 2) } },
        identity: { type: "crn", identifier: crnOf(cloud, 2) },
        key: { storeValue: true },
        policy: { ...wish.policy, subject: { accessGroupId: "AccessGroupId-1" } },
      }),
      ["link", "identity", "key", "policy"],
    ],
    [
      "the account of what is linked, and the profile and the owner that it belongs to",
      () => ({
        link: { ...wish.link, isCrossAccount: true },
        rule: { ...wish.rule, inOther: true },
        identity: { ...wish.identity, inOther: true },
        key: { ownedByOther: true },
      }),
      ["link", "rule", "identity", "key"],
    ],
    ["the profile of a link", () => ({ link: { ...wish.link, inOther: true } }), ["link"]],
  ];

  // Another account (`accountId` of a profile or service ID) replaces as well. The emulator is one account, so that is shown
  // by the tables of changes in trusted-profile.test.ts and service-id.test.ts, and by the body of the create in test/client.
  it.each(REPLACING)("is replaced, first deleted and then made, with %s", async (_what, change, replaced) => {
    const before = (await stack.outputs()).ids;
    await upWith(change());
    expect(census(cloud)).toEqual(ALL);
    const after = (await stack.outputs()).ids;
    expect(NAMES.filter((name) => after[name] !== before[name]).sort()).toEqual([...replaced].sort());
    const state = JSON.stringify(await stack.resources());
    expect(state).not.toContain(GIVEN);
    expect(await stack.up()).toEqual([]);
  });

  it("is got by id without being managed, and fails clearly when there is nothing", async () => {
    const { ids } = await stack.outputs();
    await upWith({ get: ids });
    expect((await stack.outputs()).got).toEqual({
      profile: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      serviceId: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      link: "BMS",
      rule: "Profile-CR",
      identity: crnOf(cloud, 2),
      policy: "v2",
      key: "none",
    });
    const missing = "Profile-00000000-0000-4000-8000-000000000000";
    stack.wish({ ...wish, get: { ...ids, profile: missing } });
    const { exitCode, output } = await stack.run("up", "--yes", "--skip-preview");
    const said = output.includes(`trusted profile "${missing}" does not exist in this account and region.`);
    expect([exitCode === 0, said]).toEqual([false, true]);
    delete wish.get;
    expect(writesOf(await upWith({}))).toEqual([]);
    expect(census(cloud)).toEqual(ALL);
  });

  it("leaves nothing behind", async () => {
    await stack.must("destroy", "--yes", "--skip-preview");
    expect(census(cloud)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });
}
