/** Functions: they run in the program's process, with the stack's configuration, and say what they found. */
import * as pulumi from "@pulumi/pulumi";
import { createApiKey } from "../../../client/iam-api-keys";
import { createClaimRule } from "../../../client/iam-claim-rules";
import { createLink, createProfile } from "../../../client/iam-identity";
import { addIdentity } from "../../../client/iam-profile-identities";
import { createPolicy } from "../../../client/iam-policy";
import { createServiceId } from "../../../client/iam-service-ids";
import { openSession } from "../../../client/session";
import { getApiKeyDetails, getApiKeyDetailsOutput } from "../../../provider/functions/get-api-key-details";
import { getCallerIdentity, getCallerIdentityOutput } from "../../../provider/functions/get-caller-identity";
import { getRoles, getRolesOutput } from "../../../provider/functions/get-roles";
import {
  getTrustedProfile,
  getTrustedProfileOutput,
  getTrustedProfiles,
  getTrustedProfilesOutput,
} from "../../../provider/functions/get-trusted-profile";
import { getTrustedProfileClaimRules } from "../../../provider/functions/get-trusted-profile-claim-rules";
import { getTrustedProfileIdentities } from "../../../provider/functions/get-trusted-profile-identities";
import { getTrustedProfilePolicies } from "../../../provider/functions/get-trusted-profile-policies";
import {
  getTrustedProfileLinks,
  getTrustedProfileLinksOutput,
} from "../../../provider/functions/get-trusted-profile-links";
import { type Cloud, rejectionOf, startCloud } from "../cloud";
import { startProgram, valueOf } from "../program";

const MISSING = "Profile-00000000-0000-4000-8000-000000000000";

let cloud: Cloud;
let profile: Awaited<ReturnType<typeof createProfile>>;
beforeAll(async () => {
  cloud = await startCloud();
  profile = await createProfile(cloud.elsewhere, { name: "shared", description: "d" });
  await startProgram();
  const { IBMCLOUD_API_KEY = "", IBMCLOUD_IAM_API_ENDPOINT = "", IBMCLOUD_IS_NG_API_ENDPOINT = "" } = cloud.env;
  pulumi.runtime.setAllConfig(
    {
      "vpc-identity:apiKey": IBMCLOUD_API_KEY,
      "vpc-identity:iamEndpoint": IBMCLOUD_IAM_API_ENDPOINT,
      "vpc-identity:vpcEndpoint": IBMCLOUD_IS_NG_API_ENDPOINT,
    },
    ["vpc-identity:apiKey"],
  );
});
afterAll(async () => {
  pulumi.runtime.setAllConfig({});
  await cloud.close();
});
beforeEach(() => cloud.calls());

describe("getTrustedProfile", () => {
  it.each<[string, () => { profileId: string } | { name: string }]>([
    ["id", () => ({ profileId: profile.id })],
    ["IAM id", () => ({ profileId: profile.iamId })],
    ["CRN", () => ({ profileId: profile.crn })],
    ["name", () => ({ name: "shared" })],
  ])("finds by %s, with one call", async (_name, args) => {
    const { id, ...rest } = profile;
    expect(await getTrustedProfile(args())).toEqual({ profileId: id, ...rest });
    expect(cloud.calls()).toHaveLength(1);
  });

  it("tells the activity only when asked", async () => {
    expect(await getTrustedProfile({ profileId: profile.id })).not.toHaveProperty("activity");
    const activity = { authnCount: 0 };
    expect(await getTrustedProfile({ profileId: profile.id, includeActivity: true })).toMatchObject({ activity });
    expect(await getTrustedProfile({ name: "shared", includeActivity: true })).toMatchObject({ activity });
  });

  it("says what it did not find", async () => {
    const account = cloud.emulator.accountId;
    expect(await rejectionOf(getTrustedProfile({ profileId: MISSING }))).toBe(
      `There is no trusted profile "${MISSING}" in account ${account}.`,
    );
    expect(await rejectionOf(getTrustedProfile({ name: "nobody" }))).toBe(
      `There is no trusted profile named "nobody" in account ${account}.`,
    );
  });

  it("lists every problem of its arguments, before any call", async () => {
    expect(await rejectionOf(getTrustedProfile({ profileId: "x", name: "", include: 1 } as never))).toBe(
      "getTrustedProfile has 4 problems:\n" +
        '  - profileId: is "x"; must be a profile id ("Profile-<uuid>"), the profile\'s IAM id or its CRN\n' +
        '  - name: is ""; must be a text of 1 to 255 characters\n' +
        "  - include: is not an argument. Allowed: profileId, name, includeActivity\n" +
        '  - name: exactly one of "profileId" and "name" is allowed; "profileId" and "name" are given',
    );
    expect(cloud.calls()).toEqual([]);
  });
});

it("getTrustedProfiles walks all pages", async () => {
  const names = Array.from({ length: 101 }, (_, index) => `many-${index}`);
  for (const name of names) await createProfile(cloud.elsewhere, { name });
  const { profiles } = await getTrustedProfiles();
  expect(profiles).toHaveLength(102);
  expect(cloud.calls()).toEqual(["GET /v1/profiles", "GET /v1/profiles"]);
  expect((await getTrustedProfiles({ name: "many-7" })).profiles.map(({ name }) => name)).toEqual(["many-7"]);
});

it("getTrustedProfileLinks tells every part of a link", async () => {
  const crn = `crn:v1:bluemix:public:codeengine:us-south:a/${cloud.emulator.accountId}:1::`;
  const link = { crn, componentType: "job", componentName: "nightly" };
  await createLink(cloud.elsewhere, profile.id, { crType: "CE", link });
  const { profileId, links } = await getTrustedProfileLinks({ profileId: profile.crn });
  expect(profileId).toBe(profile.id);
  expect(links).toEqual([
    {
      linkId: expect.stringMatching(/^Link-/) as string,
      crType: "CE",
      link,
      isCrossAccount: false,
      entityTag: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      modifiedAt: expect.any(String) as string,
    },
  ]);
  expect(await rejectionOf(getTrustedProfileLinks({ profileId: MISSING }))).toContain("answered 404");
});

it("getTrustedProfileClaimRules tells conditions with their values decoded", async () => {
  await createClaimRule(cloud.elsewhere, profile.id, {
    type: "Profile-CR",
    crType: "VSI",
    name: "servers",
    conditions: [{ claim: "zone", operator: "IN", value: '["us-south-1","us-south-2"]' }],
  });
  const { profileId, rules } = await getTrustedProfileClaimRules({ profileId: profile.iamId });
  expect(profileId).toBe(profile.id);
  expect(rules).toEqual([
    expect.objectContaining({
      ruleId: expect.stringMatching(/^ClaimRule-/) as string,
      name: "servers",
      crType: "VSI",
      conditions: [{ claim: "zone", operator: "IN", value: ["us-south-1", "us-south-2"] }],
    }),
  ]);
  expect(await rejectionOf(getTrustedProfileClaimRules({ profileId: MISSING }))).toContain("answered 404");
});

it("getTrustedProfileIdentities tells the set and its tag", async () => {
  const identity = { type: "user", identifier: "IBMid-77", description: "d" } as const;
  await addIdentity(cloud.elsewhere, profile.id, identity);
  const { profileId, identities, entityTag } = await getTrustedProfileIdentities({ profileId: profile.id });
  expect([profileId, entityTag]).toEqual([profile.id, expect.any(String)]);
  expect(identities).toEqual([{ iamId: "IBMid-77", ...identity }]);
  expect(await rejectionOf(getTrustedProfileIdentities({ profileId: MISSING }))).toBe(
    `There is no trusted profile "${MISSING}".`,
  );
});

it("getTrustedProfilePolicies tells target, roles and rule, without a call for each", async () => {
  const account = { key: "accountId", operator: "stringEquals", value: cloud.emulator.accountId };
  const service = { key: "serviceName", operator: "stringEquals", value: "is" };
  const body = { subject: [{ key: "iam_id", operator: "stringEquals", value: profile.iamId }] };
  const roleIds = ["crn:v1:bluemix:public:iam::::role:Viewer"];
  await createPolicy(cloud.elsewhere, {
    ...body,
    roleIds,
    description: "d",
    resource: { attributes: [service, account] },
  });
  cloud.calls();
  const { policies } = await getTrustedProfilePolicies({ profileId: profile.id });
  expect(cloud.calls()).toEqual(["GET /v2/policies"]);
  expect(policies).toEqual([
    {
      policyId: expect.any(String) as string,
      apiVersion: "v2",
      roleIds,
      attributes: [service, account],
      description: "d",
      createdAt: expect.any(String) as string,
      createdById: expect.any(String) as string,
      lastModifiedAt: expect.any(String) as string,
      lastModifiedById: expect.any(String) as string,
    },
  ]);
});

it("history and activity are told only when they are asked for", async () => {
  const { iamId } = await createServiceId(cloud.elsewhere, { name: "used" });
  const made = await createApiKey(cloud.elsewhere, { name: "used", iamId });
  const created = [expect.objectContaining({ action: "CREATE", timestamp: expect.any(String) as string })];
  expect(
    (await getTrustedProfiles({ name: "shared", includeHistory: true })).profiles[0]?.history?.slice(0, 1),
  ).toEqual(created);
  expect((await getTrustedProfiles({ name: "shared" })).profiles[0]).not.toHaveProperty("history");
  const told = await getApiKeyDetails({ apiKeyId: made.id, includeActivity: true, includeHistory: true });
  expect([told.history, told.activity]).toEqual([created, { authnCount: 0 }]);
  const byValue = await getApiKeyDetails({ value: made.value ?? "", includeHistory: true });
  expect([byValue.history, "activity" in byValue]).toEqual([created, false]);
  expect(await getApiKeyDetails({ apiKeyId: made.id })).not.toHaveProperty("history");
  expect(await rejectionOf(getApiKeyDetails({ value: "v", includeActivity: true }))).toContain(
    "includeActivity: is true; IAM tells the activity only of a key that is asked for by its id",
  );
});

it("getRoles tells names, CRNs and actions, and asks once", async () => {
  const { roles } = await getRoles({ service: "is" });
  await getRoles({ service: "is" });
  expect(roles.find(({ displayName }) => displayName === "Operator")).toMatchObject({
    crn: "crn:v1:bluemix:public:iam::::role:Operator",
    kind: "system",
    actions: expect.arrayContaining(["*.operate"]) as string[],
  });
  expect(cloud.calls()).toEqual(["GET /v2/roles"]);
  expect(await rejectionOf(getRoles({ service: "is", serviceGroupId: "IAM" }))).toContain(
    'at most one of "service" and "serviceGroupId" is allowed',
  );
});

it("getApiKeyDetails finds by id and by value, and never tells the value", async () => {
  const { iamId } = await createServiceId(cloud.elsewhere, { name: "owner" });
  const key = await createApiKey(cloud.elsewhere, { name: "k", iamId, storeValue: true });
  const value = key.value ?? "";
  for (const args of [{ apiKeyId: key.id }, { value }]) {
    const details = await getApiKeyDetails(args);
    expect(details).toMatchObject({ apiKeyId: key.id, iamId, name: "k", locked: false });
    expect(JSON.stringify(details)).not.toContain(value);
  }
  const unknown = "no-such-key-0123456789-0123456789-0123456789";
  expect(await rejectionOf(getApiKeyDetails({ value: unknown }))).toBe("There is no API key with this value.");
  expect(await rejectionOf(getApiKeyDetails({ apiKeyId: "ApiKey-0" }))).toBe('There is no API key "ApiKey-0".');
});

describe("getCallerIdentity", () => {
  it("says who the credentials stand for, without a call beyond the login", async () => {
    expect(await getCallerIdentity()).toEqual({
      iamId: "IBMid-270000ABCD",
      accountId: cloud.emulator.accountId,
      type: "user",
      name: "Account Owner",
      email: "owner@example.com",
    });
    expect(cloud.calls()).toEqual([]);
  });

  it("takes settings for one call, which the others do not see", async () => {
    await addIdentity(cloud.elsewhere, profile.id, { type: "user", identifier: "IBMid-270000ABCD" });
    expect(await getCallerIdentity({ settings: { profileId: profile.id } })).toEqual({
      iamId: profile.iamId,
      accountId: cloud.emulator.accountId,
      type: "trustedProfile",
      name: "shared",
      authenticatedAs: "IBMid-270000ABCD",
    });
    const { iamId } = await createServiceId(cloud.elsewhere, { name: "robot" });
    const { value = "" } = await createApiKey(cloud.elsewhere, { name: "k", iamId });
    expect(await getCallerIdentity({ settings: { apiKey: value } })).toMatchObject({ type: "serviceId" });
    expect(await getCallerIdentity()).toMatchObject({ type: "user" });
  });

  it("tries no other credential when the one for the call is refused", async () => {
    const refusal = await rejectionOf(getCallerIdentity({ settings: { apiKey: "no key of this account at all" } }));
    expect(refusal).toContain("The credential from settings.apiKey was refused.");
    expect(refusal).not.toContain("stack config");
  });

  it("takes a credential and a profile for the call whole, whatever kind the stack's are of", async () => {
    const { iamId } = await createServiceId(cloud.elsewhere, { name: "other" });
    const { value = "" } = await createApiKey(cloud.elsewhere, { name: "k", iamId });
    const { IBMCLOUD_IAM_API_ENDPOINT: iamEndpoint = "" } = cloud.env;
    const own = openSession((key) => ({ apiKey: value, iamEndpoint })[key], {});
    expect(await getCallerIdentity({ settings: { iamToken: await own.token() } })).toMatchObject({ type: "serviceId" });
    const config = pulumi.runtime.allConfig() as Record<string, string>;
    pulumi.runtime.setAllConfig({ ...config, "vpc-identity:profileId": MISSING }, ["vpc-identity:apiKey"]);
    const became = await getCallerIdentity({ settings: { profileCrn: profile.crn } });
    pulumi.runtime.setAllConfig(config, ["vpc-identity:apiKey"]);
    expect(became).toMatchObject({ iamId: profile.iamId });
  });

  it("does nothing while a secret stands in clear text in the configuration", async () => {
    const config = pulumi.runtime.allConfig() as Record<string, string>;
    pulumi.runtime.setAllConfig(config, []);
    const refusal = await rejectionOf(getCallerIdentity());
    pulumi.runtime.setAllConfig(config, ["vpc-identity:apiKey"]);
    expect(refusal).toContain("vpc-identity:apiKey is in the stack configuration in clear text");
  });
});

it.each<[string, () => pulumi.Output<unknown>, object]>([
  ["getTrustedProfile", () => getTrustedProfileOutput({ name: pulumi.output("shared") }), { name: "shared" }],
  [
    "getTrustedProfiles",
    () => getTrustedProfilesOutput(pulumi.output({ name: "shared" })),
    { profiles: [{ name: "shared" }] },
  ],
  [
    "getTrustedProfileLinks",
    () => getTrustedProfileLinksOutput({ profileId: pulumi.output(profile.id) }),
    { links: [{ crType: "CE" }] },
  ],
  ["getRoles", () => getRolesOutput(), { roles: expect.any(Array) as unknown[] }],
  [
    "getApiKeyDetails",
    () => getApiKeyDetailsOutput({ value: pulumi.secret(cloud.emulator.apiKey) }),
    { name: "owner" },
  ],
  ["getCallerIdentity", () => getCallerIdentityOutput(), { type: "user" }],
])("%s has an Output form", async (_name, look, expected) => {
  expect(await valueOf(look())).toMatchObject(expected);
});

it("an Output form keeps a secret argument's result secret", async () => {
  const output = getApiKeyDetailsOutput({ value: pulumi.secret(cloud.emulator.apiKey) });
  expect(await pulumi.isSecret(output)).toBe(true);
});
