/**
 * Every IAM resource from a program through the engine to the emulator and back, over a whole life. On the real command
 * line too, where `PULUMI` names it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { deleteApiKey, getApiKey } from "../../client/iam-api-keys";
import { getClaimRule, replaceClaimRule } from "../../client/iam-claim-rules";
import { deleteLink, getProfile, updateProfile } from "../../client/iam-identity";
import { removeIdentity } from "../../client/iam-profile-identities";
import { deletePolicy } from "../../client/iam-policy";
import { getServiceId } from "../../client/iam-service-ids";
import { ENGINE, Project, type Run } from "../support/project";
import { type Cloud, startCloud } from "./cloud";

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as vpc from "pulumi-ibm-vpc-identity";
const wish = JSON.parse(readFileSync("wish.json", "utf8"));
const profile = new vpc.TrustedProfile("app", wish.profile, { customTimeouts: { create: "1m", delete: "2m" } });
const serviceId = new vpc.ServiceId("app", wish.serviceId);
const link = new vpc.TrustedProfileLink("app", { profileId: profile.id, ...wish.link });
const rule = new vpc.TrustedProfileClaimRule("app", { profileId: profile.id, ...wish.rule });
const user = new vpc.TrustedProfileIdentity("app", { profileId: profile.id, ...wish.identity });
const robot = new vpc.TrustedProfileIdentity("robot", { profileId: profile.id, type: "serviceid", identifier: serviceId.id });
const policy = new vpc.AccessPolicy("app", { serviceId: serviceId.id, ...wish.policy });
const key = new vpc.ApiKey("app", { serviceId: serviceId.id, ...wish.key });
const got = wish.get === undefined ? undefined : vpc.TrustedProfile.get("got", wish.get);
export const ids = [profile.id, serviceId.id, link.id, rule.id, user.id, robot.id, policy.id, key.id];
export const value = key.value;
export const name = got?.name;
export const account = vpc.getCallerIdentityOutput().accountId;
`;

const crnOf = (cloud: Cloud): string => `crn:v1:bluemix:public:is:us-south-1:a/${cloud.emulator.accountId}::instance:1`;
const GIVEN = "a-value-of-the-user-0123456789-0123456789";

// Each run of the engine starts two processes, on a machine that may have others to run.
jest.setTimeout(240_000);

type Wish = Record<string, Record<string, unknown> | string | undefined>;

let cloud: Cloud;
let project: Project;
let wish: Wish;

beforeAll(async () => {
  cloud = await startCloud();
  project = Project.ofProgram(PROGRAM, { ...cloud.env });
  wish = {
    profile: {},
    serviceId: {},
    link: { crType: "VSI", link: { crn: crnOf(cloud) } },
    rule: {
      type: "Profile-CR",
      crType: "VSI",
      conditions: [{ claim: "zone", operator: "EQUALS", value: "us-south-1" }],
    },
    identity: { type: "user", identifier: "IBMid-1" },
    policy: { roles: ["Viewer"], service: "is" },
    key: {},
  };
  await done(pulumi("stack", "init", "dev"));
});
afterAll(async () => {
  await cloud.close();
  project.remove();
});

function pulumi(...args: string[]): Promise<Run> {
  writeFileSync(join(project.cwd, "wish.json"), JSON.stringify(wish));
  const stack = args[0] === "stack" && args[1] === "init" ? [] : ["--stack", "dev"];
  return project.start(process.env.PULUMI ?? ENGINE, [...args, ...stack, "--non-interactive"]).done;
}

async function done(run: Promise<Run>): Promise<string> {
  const { exitCode, output } = await run;
  if (exitCode !== 0) throw new Error(`exit ${String(exitCode)}:\n${output}`);
  return output;
}

const up = (...more: string[]): Promise<string> => done(pulumi("up", "--yes", "--skip-preview", ...more));
const outputs = async (): Promise<{ ids: string[]; value: string; name?: string; account: string }> =>
  JSON.parse(await done(pulumi("stack", "output", "--json", "--show-secrets"))) as never;
const calls = (): string[] => cloud.calls().filter((call) => call !== "GET /v2/roles");

/** How many there are of each kind: profiles, links, rules, identities, policies, service IDs, keys of service IDs. */
function census(): number[] {
  const all = cloud.emulator.inventory();
  const identities = all.profiles.flatMap(({ identities: list }) => list as unknown[]);
  const keys = all.apiKeys.filter(({ iam_id }) => String(iam_id).startsWith("iam-ServiceId-"));
  return [all.profiles, all.links, all.claimRules, identities, all.policies, all.serviceIds, keys].map(
    ({ length }) => length,
  );
}

const ONE_OF_EACH = [1, 1, 1, 2, 1, 1, 1];
const split = (id = ""): [string, string] => id.split("/") as [string, string];

it("is previewed without a call that changes anything", async () => {
  await done(pulumi("preview"));
  expect(calls()).toEqual([]);
});

it("is made, one create for each", async () => {
  await up();
  expect(census()).toEqual(ONE_OF_EACH);
  expect(calls().filter((call) => call.startsWith("POST"))).toHaveLength(8);
  expect((await outputs()).account).toBe(cloud.emulator.accountId);
});

it("holds the key's value once, encrypted, and nothing else that is secret", async () => {
  const { value } = await outputs();
  const state = JSON.stringify(await project.resources());
  expect(value.length).toBeGreaterThanOrEqual(32);
  expect(state).not.toContain(value);
  expect(state).not.toContain(cloud.emulator.apiKey);
  const key = (await project.resources()).find(({ type }) => type.endsWith(":ApiKey"));
  expect([key?.inputs, key?.outputs?.value]).toEqual([
    expect.not.objectContaining({ value: expect.anything() as unknown }),
    expect.objectContaining({ ciphertext: expect.any(String) as string }),
  ]);
  const { stdout } = await pulumi("stack", "output", "value");
  expect(stdout).not.toContain(value);
});

it("calls nothing when nothing changed, and once for each when it is read", async () => {
  await up();
  expect(calls()).toEqual([]);
  await up("--refresh");
  expect(calls()).toHaveLength(8);
  await up();
  expect(calls()).toEqual([]);
});

it("is changed in place, each in one write", async () => {
  const before = (await outputs()).ids;
  cloud.calls();
  wish = {
    ...wish,
    profile: { description: "d", email: "team@example.com" },
    serviceId: { description: "d", uniqueInstanceCrns: [crnOf(cloud)] },
    rule: {
      type: "Profile-SAML",
      realmName: "https://idp",
      expirationSeconds: 60,
      conditions: [{ claim: "a", operator: "IN", value: ["b"] }],
    },
    identity: { type: "user", identifier: "IBMid-1", accounts: ["a1"], description: "d" },
    policy: {
      roles: ["Operator", "Viewer"],
      service: "is",
      region: "eu-de",
      resourceTags: [{ key: "project", value: "shop" }],
      rule: { pattern: "time-based-conditions:weekly:all-day", days: ["monday"] },
    },
    key: { description: "d", actionWhenLeaked: "disable", disabled: true },
  };
  expect(await done(pulumi("preview"))).not.toMatch(/replace/);
  await up();
  const writes = calls().filter((call) => !call.startsWith("GET"));
  expect(writes.filter((call) => call.startsWith("PUT"))).toHaveLength(6);
  expect(writes.filter((call) => call.startsWith("POST"))).toEqual([`POST /v1/apikeys/${before[7] ?? ""}/disable`]);
  expect((await outputs()).ids).toEqual(before);
  await up();
  expect(calls()).toEqual([]);
});

it("shows what somebody else changed, in the inputs too, and mends it", async () => {
  const [profileId = "", , , ruleId] = (await outputs()).ids;
  const profile = await getProfile(cloud.elsewhere, profileId);
  await updateProfile(cloud.elsewhere, profileId, profile?.entityTag ?? "", { description: "drifted", name: "theirs" });
  const [, rule] = split(ruleId);
  const live = await getClaimRule(cloud.elsewhere, profileId, rule);
  await replaceClaimRule(cloud.elsewhere, profileId, rule, live?.entityTag ?? "", {
    type: "Profile-CR",
    crType: "BMS",
    conditions: [{ claim: "zone", operator: "EQUALS", value: '"z"' }],
  });
  await done(pulumi("refresh", "--yes", "--skip-preview"));
  const state = await project.resources();
  const inputsOf = (type: string): unknown => state.find((resource) => resource.type.endsWith(`:${type}`))?.inputs;
  expect(inputsOf("TrustedProfile")).toMatchObject({ description: "drifted", name: "theirs" });
  expect(inputsOf("TrustedProfileClaimRule")).toMatchObject({ crType: "BMS", type: "Profile-CR" });
  await up();
  expect(await getProfile(cloud.elsewhere, profileId)).toMatchObject({
    description: "d",
    name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
  });
  cloud.calls();
  await up("--refresh");
  expect(calls().filter((call) => !call.startsWith("GET"))).toEqual([]);
});

it("is made again, whatever of it was deleted elsewhere", async () => {
  const [profileId = "", , link, , , , policyId = "", keyId = ""] = (await outputs()).ids;
  await deleteLink(cloud.elsewhere, profileId, split(link)[1]);
  await removeIdentity(cloud.elsewhere, profileId, "user", "IBMid-1");
  await deletePolicy(cloud.elsewhere, policyId);
  await deleteApiKey(cloud.elsewhere, keyId);
  await up("--refresh");
  expect(census()).toEqual(ONE_OF_EACH);
  const after = (await outputs()).ids;
  expect([after[0], after[6] === policyId, after[7] === keyId]).toEqual([profileId, false, false]);
});

it("is replaced, first deleted and then made, when it must be another one", async () => {
  const before = (await outputs()).ids;
  wish = {
    ...wish,
    link: { crType: "BMS", link: { crn: crnOf(cloud) } },
    identity: { type: "user", identifier: "IBMid-2" },
    key: { value: GIVEN },
  };
  await up();
  expect(census()).toEqual(ONE_OF_EACH);
  const after = (await outputs()).ids;
  expect(after.map((id, index) => id === before[index])).toEqual([true, true, false, true, false, true, true, false]);
  const key = (await project.resources()).find(({ type }) => type.endsWith(":ApiKey"));
  expect([key?.outputs, JSON.stringify(key).includes(GIVEN), (await outputs()).value]).toEqual([
    expect.not.objectContaining({ value: expect.anything() as unknown }),
    false,
    GIVEN,
  ]);
  cloud.calls();
  await up();
  expect(calls()).toEqual([]);
});

it("is got by id without being managed, and fails clearly when there is nothing", async () => {
  const [profileId = ""] = (await outputs()).ids;
  wish = { ...wish, get: profileId };
  await up();
  expect((await outputs()).name).toMatch(/^app-[0-9a-f]{8}$/);
  const missing = "Profile-00000000-0000-4000-8000-000000000000";
  wish = { ...wish, get: missing };
  const { exitCode, output } = await pulumi("up", "--yes", "--skip-preview");
  expect([
    exitCode === 0,
    output.includes(`trusted profile "${missing}" does not exist in this account and region.`),
  ]).toEqual([false, true]);
  delete wish.get;
  await up();
  expect(await getProfile(cloud.elsewhere, profileId)).toBeDefined();
});

it("is not destroyed while a key or a service ID is locked", async () => {
  wish = { ...wish, key: { value: GIVEN, locked: true } };
  await up();
  const { ids } = await outputs();
  const { exitCode, output } = await pulumi("destroy", "--yes", "--skip-preview");
  expect([exitCode === 0, output.includes("is locked, so it is not deleted.")]).toEqual([false, true]);
  expect((await getApiKey(cloud.elsewhere, ids[7] ?? ""))?.locked).toBe(true);
  expect(await getServiceId(cloud.elsewhere, ids[1] ?? "")).toBeDefined();
  wish = { ...wish, key: { value: GIVEN } };
  await up();
});

it("leaves nothing behind", async () => {
  await done(pulumi("destroy", "--yes", "--skip-preview"));
  expect(census()).toEqual([0, 0, 0, 0, 0, 0, 0]);
});
