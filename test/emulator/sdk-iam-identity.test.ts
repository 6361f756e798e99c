/** IBM's own client of the IAM Identity API: every operation in scope, and every result held against its declared type. */
import IamIdentityV1 from "@ibm-cloud/platform-services/iam-identity/v1";
import { getQueryParam, IamAuthenticator } from "ibm-cloud-sdk-core";
import { startEmulator, type Emulator } from "../../emulator";
import { SdkModels, watch, type Watch } from "./sdk-models";

/** Other objects of the same API: enterprise templates, settings, reports, preferences, quotas. */
const OUT_OF_SCOPE = /Template|Assignment|Settings|Report|Mfa|Preference|Limits|Consumption/;

const models = new SdkModels("@ibm-cloud/platform-services/iam-identity/v1");
const seen: Watch = { called: new Set(), problems: [] };
let emulator: Emulator;
let iam: IamIdentityV1;
let accountId: string;
let ownerIamId: string;

beforeAll(async () => {
  emulator = await startEmulator();
  const { url, apiKey } = emulator;
  const authenticator = new IamAuthenticator({ apikey: apiKey, url });
  iam = watch(new IamIdentityV1({ authenticator, serviceUrl: url }), models, seen);
  accountId = emulator.accountId;
  ownerIamId = String(emulator.inventory().apiKeys[0]?.iam_id);
});

afterEach(() => {
  // Reported here, so that a response that IBM's client would not recognise fails the test that asked for it.
  expect(seen.problems.splice(0)).toEqual([]);
});

afterAll(() => emulator.close());

const gone = { status: 404 };

/** All entries of a list that is read one page at a time, and how many pages it took. */
async function pages<P extends { next?: string }, T>(
  list: (pagetoken: string | undefined) => Promise<{ result: P }>,
  rows: (page: P) => readonly T[],
): Promise<{ rows: T[]; pages: number }> {
  const found: T[] = [];
  let pagetoken: string | undefined;
  for (let count = 1; ; count += 1) {
    const { result } = await list(pagetoken);
    found.push(...rows(result));
    if (result.next === undefined) return { rows: found, pages: count };
    pagetoken = getQueryParam(result.next, "pagetoken");
    expect(pagetoken).toBeTruthy();
  }
}

it("a result that is not as declared is reported", () => {
  const link = {
    id: 1,
    entity_tag: null,
    created_at: "",
    modified_at: "",
    cr_type: "VSI",
    link: { crn: "", zone: "" },
  };
  expect(models.problemsOf("listLinks", { links: [link] })).toEqual([
    "listLinks.links[0].id is number, not string",
    "listLinks.links[0].entity_tag is null, not string",
    "listLinks.links[0].link.zone is unknown to the SDK",
  ]);
  expect(models.problemsOf("listLinks", {})).toEqual(["listLinks.links is missing"]);
});

it("API keys", async () => {
  const { result: key, status } = await iam.createApiKey({ name: "sdk", iamId: ownerIamId, description: "one" });
  expect([status, key.apikey.length]).toEqual([201, 44]);
  const { id } = key;
  const shown = await iam.getApiKey({ id, includeHistory: true, includeActivity: true });
  expect(shown.result).toMatchObject({ id, apikey: "", activity: { authn_count: 0 }, locked: false });
  expect((await iam.getApiKeysDetails({ iamApiKey: key.apikey })).result.id).toBe(id);
  const changed = await iam.updateApiKey({
    id,
    ifMatch: String(key.entity_tag),
    description: "",
    expiresAt: "2049-01-02T18:30+0000",
  });
  expect(changed.result).not.toHaveProperty("description");
  await expect(iam.updateApiKey({ id, ifMatch: String(key.entity_tag), name: "late" })).rejects.toMatchObject({
    status: 409,
  });

  await iam.lockApiKey({ id });
  await expect(iam.deleteApiKey({ id })).rejects.toMatchObject({ status: 409, statusText: "Conflict" });
  await iam.unlockApiKey({ id });
  await iam.disableApiKey({ id });
  expect((await iam.getApiKey({ id })).result.disabled).toBe(true);
  await iam.enableApiKey({ id });

  const listed = await pages(
    (pagetoken) =>
      iam.listApiKeys({ accountId, iamId: ownerIamId, pagesize: 1, sort: "name", ...(pagetoken && { pagetoken }) }),
    (page) => page.apikeys,
  );
  expect([listed.pages, listed.rows.map((row) => row.name)]).toEqual([2, ["owner", "sdk"]]);
  expect((await iam.deleteApiKey({ id })).status).toBe(204);
  await expect(iam.getApiKey({ id })).rejects.toMatchObject(gone);
});

it("service IDs and their groups", async () => {
  const { result: group } = await iam.createServiceIdGroup({ accountId, name: "sdk group" });
  const { result: made } = await iam.createServiceId({
    accountId,
    name: "sdk service",
    groupId: group.id,
    showGroupId: "true",
    uniqueInstanceCrns: ["crn:v1:bluemix:public:is:us-south:a/1::vpc:1"],
    apikey: { name: "its key", store_value: true },
  });
  expect(made).toMatchObject({ iam_id: `iam-${made.id}`, group_id: group.id, apikey: { name: "its key" } });
  const { id } = made;
  expect((await iam.getApiKey({ id: String(made.apikey?.id) })).result.apikey).toBe(made.apikey?.apikey);
  expect((await iam.getServiceId({ id, includeHistory: true, includeActivity: true })).result.apikey).toBeUndefined();
  const { result: changed } = await iam.updateServiceId({ id, ifMatch: made.entity_tag, uniqueInstanceCrns: [] });
  expect(changed.entity_tag).not.toBe(made.entity_tag);
  await iam.lockServiceId({ id });
  await expect(iam.deleteServiceId({ id })).rejects.toMatchObject({ status: 409 });
  await iam.unlockServiceId({ id });

  await iam.createServiceId({ accountId, name: "second" });
  const listed = await pages(
    (pagetoken) =>
      iam.listServiceIds({ accountId, pagesize: 1, sort: "name", order: "desc", ...(pagetoken && { pagetoken }) }),
    (page) => page.serviceids,
  );
  expect([listed.pages, listed.rows.map((row) => row.name)]).toEqual([2, ["second", "sdk service"]]);
  expect((await iam.deleteServiceId({ id })).status).toBe(204);
  await expect(iam.getServiceId({ id })).rejects.toMatchObject(gone);

  expect((await iam.listServiceIdGroup({ accountId })).result.serviceid_groups.map((row) => row.id)).toEqual([
    group.id,
  ]);
  const renamed = await iam.updateServiceIdGroup({ id: group.id, ifMatch: String(group.entity_tag), name: "other" });
  expect((await iam.getServiceIdGroup({ id: group.id })).result).toEqual(renamed.result);
  await iam.deleteServiceIdGroup({ id: group.id });
  await expect(iam.getServiceIdGroup({ id: group.id })).rejects.toMatchObject(gone);
});

it("trusted profiles", async () => {
  const names = ["sdk 1", "sdk 2", "sdk 3"];
  for (const name of names) await iam.createProfile({ name, accountId, description: "from the SDK" });
  const listed = await pages(
    (pagetoken) =>
      iam.listProfiles({ accountId, pagesize: 2, sort: "name", includeHistory: true, ...(pagetoken && { pagetoken }) }),
    (page) => page.profiles,
  );
  expect([listed.pages, listed.rows.map((row) => row.name)]).toEqual([2, names]);
  const [first] = (await iam.listProfiles({ accountId, name: "sdk 2" })).result.profiles;
  const profileId = String(first?.id);
  const changed = await iam.updateProfile({
    profileId,
    ifMatch: String(first?.entity_tag),
    description: "",
    email: "a@b.example",
  });
  expect(changed.result).toMatchObject({ name: "sdk 2", email: "a@b.example" });
  expect((await iam.getProfile({ profileId, includeActivity: true })).result.activity).toEqual({ authn_count: 0 });
  await expect(iam.createProfile({ name: "sdk 1", accountId })).rejects.toMatchObject({ status: 409 });
  await expect(iam.updateProfile({ profileId: "invalid", ifMatch: "invalid" })).rejects.toMatchObject(gone);
  expect((await iam.deleteProfile({ profileId })).status).toBe(204);
  await expect(iam.getProfile({ profileId })).rejects.toMatchObject({
    ...gone,
    body: expect.stringContaining('"code":"not_found"') as string,
  });
});

it("claim rules", async () => {
  const profileId = (await iam.createProfile({ name: "sdk rules", accountId })).result.id;
  const saml = await iam.createClaimRule({
    profileId,
    type: "Profile-SAML",
    realmName: "https://sdk.example/idp",
    expiration: 43_200,
    conditions: [{ claim: "blueGroups", operator: "EQUALS", value: '"admins"' }],
  });
  const cr = await iam.createClaimRule({
    profileId,
    name: "by zone",
    type: "Profile-CR",
    crType: "VSI",
    conditions: [{ claim: "zone", operator: "IN", value: '["us-south-1","us-south-2"]' }],
  });
  const { id: ruleId, entity_tag: ifMatch } = cr.result;
  const conditions = [{ claim: "vpc_id", operator: "EQUALS", value: '"r006-1"' }];
  const changed = await iam.updateClaimRule({
    profileId,
    ruleId,
    ifMatch,
    type: "Profile-CR",
    crType: "BMS",
    conditions,
  });
  expect(changed.result).toMatchObject({ cr_type: "BMS", conditions });
  expect((await iam.getClaimRule({ profileId, ruleId })).result).toEqual(changed.result);
  const rules = (await iam.listClaimRules({ profileId })).result.rules;
  expect(rules.map((rule) => rule.id).sort()).toEqual([saml.result.id, ruleId].sort());
  await iam.deleteClaimRule({ profileId, ruleId });
  await expect(iam.getClaimRule({ profileId, ruleId })).rejects.toMatchObject(gone);
});

it("links", async () => {
  const profileId = (await iam.createProfile({ name: "sdk links", accountId })).result.id;
  const crn = `crn:v1:bluemix:public:is:us-south-1:a/${accountId}::instance:0717_1`;
  const vsi = await iam.createLink({ profileId, crType: "VSI", link: { crn }, name: "server" });
  const project = `crn:v1:bluemix:public:codeengine:us-south:a/${accountId}:1::`;
  const component = { component_type: "application", component_name: "web" };
  await iam.createLink({ profileId, crType: "CE", link: { crn: project, ...component } });
  const foreign = crn.replace(accountId, "0".repeat(32));
  await expect(iam.createLink({ profileId, crType: "VSI", link: { crn: foreign } })).rejects.toMatchObject({
    status: 400,
  });
  await iam.createLink({ profileId, crType: "VSI", link: { crn: foreign }, isCrossAccount: true });

  const linkId = vsi.result.id;
  expect((await iam.getLink({ profileId, linkId })).result).toEqual(vsi.result);
  expect((await iam.listLinks({ profileId })).result.links).toHaveLength(3);
  const removed = await iam.deleteLinkByParameters({
    profileId,
    type: "CE",
    crn: project,
    componentType: "application",
    componentName: "web",
  });
  expect(removed.status).toBe(204);
  await iam.deleteLink({ profileId, linkId });
  await expect(iam.getLink({ profileId, linkId })).rejects.toMatchObject(gone);
});

it("identities of a profile", async () => {
  const profileId = (await iam.createProfile({ name: "sdk identities", accountId })).result.id;
  const { id: identifier } = (await iam.createServiceId({ accountId, name: "member" })).result;
  const before = (await iam.getProfileIdentities({ profileId })).result;
  expect(before.identities).toEqual([]);
  const crn = `crn:v1:bluemix:public:codeengine:us-south:a/${accountId}:1::`;
  const set = await iam.setProfileIdentities({
    profileId,
    ifMatch: String(before.entity_tag),
    identities: [
      { identifier: ownerIamId, type: "user", accounts: [accountId] },
      { identifier: crn, type: "crn" },
    ],
  });
  expect(set.result.identities?.map((item) => item.iam_id)).toEqual([ownerIamId, `crn-${crn}`]);
  const added = await iam.setProfileIdentity({ profileId, identityType: "serviceid", type: "serviceid", identifier });
  const wanted = { profileId, identityType: "serviceid", identifierId: identifier };
  expect((await iam.getProfileIdentity(wanted)).result).toEqual(added.result);
  // Identifiers may be CRNs, which the client encodes into the path.
  await iam.deleteProfileIdentity({ profileId, identityType: "crn", identifierId: crn });
  await iam.deleteProfileIdentity(wanted);
  await expect(iam.getProfileIdentity(wanted)).rejects.toMatchObject(gone);
});

it("left no operation in scope out", () => {
  const inScope = models.operations().filter((name) => !OUT_OF_SCOPE.test(name));
  expect(inScope).toHaveLength(42);
  expect(inScope.filter((name) => !seen.called.has(name))).toEqual([]);
});
