/** IBM's own clients of the policy API and of the account's services, pagers included; results held against their types. */
import GlobalTaggingV1 from "@ibm-cloud/platform-services/global-tagging/v1";
import IamPolicyManagementV1 from "@ibm-cloud/platform-services/iam-policy-management/v1";
import ResourceManagerV2 from "@ibm-cloud/platform-services/resource-manager/v2";
import UserManagementV1 from "@ibm-cloud/platform-services/user-management/v1";
import { BearerTokenAuthenticator, IamAuthenticator } from "ibm-cloud-sdk-core";
import { startEmulator, type Emulator } from "../../emulator";
import { SdkModels, watch, type Watch } from "./sdk-models";
import { Api, textOf } from "./support";

/** Enterprise-wide templates and assignments, and the account's access settings. */
const OUT_OF_SCOPE = /Template|Assignment|Settings/;
const VIEWER = "crn:v1:bluemix:public:iam::::role:Viewer";
const EDITOR = "crn:v1:bluemix:public:iam::::role:Editor";

const models = new SdkModels("@ibm-cloud/platform-services/iam-policy-management/v1");
const seen: Watch = { called: new Set(), problems: [] };
let emulator: Emulator;
let policies: IamPolicyManagementV1;
let authenticator: IamAuthenticator;
let accountId: string;

beforeAll(async () => {
  emulator = await startEmulator();
  const { url, apiKey } = emulator;
  authenticator = new IamAuthenticator({ apikey: apiKey, url });
  policies = watch(new IamPolicyManagementV1({ authenticator, serviceUrl: url }), models, seen);
  accountId = emulator.accountId;
});

afterEach(() => {
  expect(seen.problems.splice(0)).toEqual([]);
});

afterAll(() => emulator.close());

const iamId = (digit: number): string => `iam-Profile-0000000${digit}-0000-4000-8000-000000000000`;
const v1Body = (subject: string) => ({
  type: "access",
  subjects: [{ attributes: [{ name: "iam_id", value: subject }] }],
  roles: [{ role_id: VIEWER }],
  resources: [
    {
      attributes: [
        { name: "serviceName", value: "is" },
        { name: "accountId", value: accountId },
      ],
      tags: [{ name: "stage", value: "test" }],
    },
  ],
});
const v2Body = (subject: string) => ({
  type: "access",
  control: { grant: { roles: [{ role_id: VIEWER }] } },
  subject: { attributes: [{ key: "iam_id", operator: "stringEquals", value: subject }] },
  resource: {
    attributes: [
      { key: "serviceName", operator: "stringEquals", value: "is" },
      { key: "accountId", operator: "stringEquals", value: accountId },
    ],
  },
});
const etagOf = ({ headers }: { headers: unknown }): string => String((headers as { etag?: unknown }).etag);

it("policies in v1", async () => {
  const made = await policies.createPolicy({ ...v1Body(iamId(1)), description: "by the SDK" });
  expect(made.status).toBe(201);
  const policyId = String(made.result.id);
  await expect(policies.createPolicy(v1Body(iamId(1)))).rejects.toMatchObject({ status: 409 });
  const got = await policies.getPolicy({ policyId });
  expect(got.result).toMatchObject({ state: "active", description: "by the SDK" });
  const roles = [{ role_id: EDITOR }];
  const replaced = await policies.replacePolicy({ ...v1Body(iamId(1)), policyId, ifMatch: etagOf(got), roles });
  expect(replaced.result.roles).toEqual(roles);
  await expect(policies.replacePolicy({ ...v1Body(iamId(1)), policyId, ifMatch: etagOf(got) })).rejects.toMatchObject({
    status: 409,
  });
  expect((await policies.deletePolicy({ policyId })).status).toBe(204);
  const deleted = await policies.getPolicy({ policyId });
  expect(deleted.result.state).toBe("deleted");
  const restored = await policies.updatePolicyState({ policyId, ifMatch: etagOf(deleted), state: "active" });
  expect(restored.result.state).toBe("active");
});

it("policies in v2, with every pattern of a rule", async () => {
  const made = await policies.createV2Policy(v2Body(iamId(2)));
  const id = String(made.result.id);
  const got = await policies.getV2Policy({ id, format: "display" });
  expect(got.result.control).toMatchObject({ grant: { roles: [{ role_id: VIEWER, display_name: "Viewer" }] } });
  const day = { key: "{{environment.attributes.day_of_week}}", operator: "dayOfWeekAnyOf", value: ["1+00:00"] };
  const hours = ["timeGreaterThanOrEquals", "timeLessThanOrEquals"].map((operator, index) => ({
    key: "{{environment.attributes.current_time}}",
    operator,
    value: index === 0 ? "09:00:00+00:00" : "17:00:00+00:00",
  }));
  const once = ["dateTimeGreaterThanOrEquals", "dateTimeLessThanOrEquals"].map((operator, index) => ({
    key: "{{environment.attributes.current_date_time}}",
    operator,
    value: index === 0 ? "2022-12-26T09:00:00-05:00" : "2049-12-26T09:00:00-05:00",
  }));
  const name = { key: "{{resource.attributes.instanceId}}", operator: "stringMatch", value: "0717_*" };
  const rules: [string, object][] = [
    ["time-based-conditions:weekly:all-day", day],
    ["time-based-conditions:weekly:custom-hours", { operator: "and", conditions: [day, ...hours] }],
    ["time-based-conditions:once", { operator: "and", conditions: once }],
    [
      "attribute-based-condition:resource:literal-and-wildcard",
      { operator: "or", conditions: [name, { operator: "and", conditions: [name, name] }] },
    ],
  ];
  let ifMatch = etagOf(got);
  for (const [pattern, rule] of rules) {
    const replaced = await policies.replaceV2Policy({ ...v2Body(iamId(2)), id, ifMatch, pattern, rule });
    expect(replaced.result).toMatchObject({ pattern, rule });
    ifMatch = etagOf(replaced);
  }
  expect((await policies.deleteV2Policy({ id })).status).toBe(204);
  expect((await policies.getV2Policy({ id })).result.state).toBe("deleted");
});

it("an authorization policy", async () => {
  const { result } = await policies.createV2Policy({
    type: "authorization",
    control: { grant: { roles: [{ role_id: "crn:v1:bluemix:public:iam::::serviceRole:Reader" }] } },
    subject: {
      attributes: [
        { key: "accountId", operator: "stringEquals", value: accountId },
        { key: "serviceName", operator: "stringEquals", value: "is" },
      ],
    },
    resource: {
      attributes: [
        { key: "accountId", operator: "stringEquals", value: accountId },
        { key: "serviceName", operator: "stringEquals", value: "kms" },
      ],
    },
  });
  expect(result.type).toBe("authorization");
});

it("pagers of both versions read the same policies", async () => {
  const created: unknown[] = [];
  for (const digit of [3, 4, 5]) created.push((await policies.createV2Policy(v2Body(iamId(digit)))).result.id);
  const mine = (rows: { id?: string }[]): unknown[] => rows.map((row) => row.id).filter((id) => created.includes(id));
  const query = { accountId, limit: 2, sort: "created_at" };
  const v2 = new IamPolicyManagementV1.V2PoliciesPager(policies, query);
  expect(mine(await v2.getAll())).toEqual(created);
  const v1 = new IamPolicyManagementV1.PoliciesPager(policies, { ...query, format: "display" });
  const sizes = [];
  while (v1.hasNext()) sizes.push((await v1.getNext()).length);
  expect(sizes.length).toBeGreaterThan(1);
  expect(sizes.slice(0, -1)).toEqual(sizes.slice(0, -1).map(() => 2));
  const { result } = await policies.listV2Policies({ accountId, iamId: iamId(4) });
  expect(mine(result.policies)).toEqual([created[1]]);
  expect((await policies.listPolicies({ accountId, iamId: iamId(9) })).result.policies).toEqual([]);
});

it("roles", async () => {
  const { result: all } = await policies.listRoles({ accountId, serviceName: "is" });
  expect(all.system_roles.map((role) => role.display_name)).toEqual(["Viewer", "Operator", "Editor", "Administrator"]);
  const role = { actions: ["is.instance.instance.read"], name: "Watcher", accountId, serviceName: "is" };
  const made = await policies.createRole({ ...role, displayName: "Watcher" });
  const roleId = String(made.result.id);
  await expect(policies.createRole({ ...role, displayName: "Watcher" })).rejects.toMatchObject({ status: 409 });
  const got = await policies.getRole({ roleId });
  const changed = await policies.replaceRole({
    roleId,
    ifMatch: etagOf(got),
    displayName: "Watcher of servers",
    actions: ["is.instance.instance.read", "is.instance.instance.list"],
  });
  expect(changed.result).toMatchObject({ name: "Watcher", display_name: "Watcher of servers" });
  expect((await policies.listRoles({ accountId })).result.custom_roles).toEqual([changed.result]);
  await policies.deleteRole({ roleId });
  await expect(policies.getRole({ roleId })).rejects.toMatchObject({ status: 404 });
});

it("left no operation of the policy API in scope out", () => {
  const inScope = models.operations().filter((name) => !OUT_OF_SCOPE.test(name));
  expect(inScope).toHaveLength(16);
  expect(inScope.filter((name) => !seen.called.has(name))).toEqual([]);
});

it("resource groups", async () => {
  const groups = watch(
    new ResourceManagerV2({ authenticator, serviceUrl: emulator.url }),
    new SdkModels("@ibm-cloud/platform-services/resource-manager/v2"),
    seen,
  );
  const [group] = (await groups.listResourceGroups({ accountId, _default: true })).result.resources;
  expect((await groups.getResourceGroup({ id: String(group?.id) })).result).toEqual(group);
  await expect(groups.getResourceGroup({ id: "none" })).rejects.toMatchObject({ status: 404 });
});

it("users", async () => {
  const users = watch(
    new UserManagementV1({ authenticator, serviceUrl: emulator.url }),
    new SdkModels("@ibm-cloud/platform-services/user-management/v1"),
    seen,
  );
  const all = await new UserManagementV1.UsersPager(users, { accountId }).getAll();
  expect(all).toHaveLength(1);
  const wanted = { accountId, iamId: String(all[0]?.iam_id) };
  expect((await users.getUserProfile(wanted)).result).toEqual(all[0]);
});

it("tags", async () => {
  const tags = watch(
    new GlobalTaggingV1({ authenticator, serviceUrl: emulator.url }),
    new SdkModels("@ibm-cloud/platform-services/global-tagging/v1"),
    seen,
  );
  const resources = [{ resource_id: `crn:v1:bluemix:public:is:us-south:a/${accountId}::vpc:r006-1` }];
  await tags.createTag({ tagNames: ["stage:test"], tagType: "access" });
  await tags.attachTag({ resources, tagNames: ["stage:test"], tagType: "access" });
  expect((await tags.listTags({ tagType: "access" })).result.items).toEqual([{ name: "stage:test" }]);
  expect((await tags.detachTag({ resources, tagNames: ["stage:test"], tagType: "access" })).result.results).toEqual([
    { ...resources[0], is_error: false },
  ]);
});

it("a client with a token that is not valid is told so in the words of the API", async () => {
  const stranger = new IamPolicyManagementV1({
    authenticator: new BearerTokenAuthenticator({ bearerToken: "not.a.token" }),
    serviceUrl: emulator.url,
  });
  await expect(stranger.listPolicies({ accountId })).rejects.toMatchObject({
    status: 401,
    body: expect.stringContaining('"code":"invalid_token"') as string,
  });
});

it("a client whose subject has no policy gets 403, and 200 with one", async () => {
  const api = await new Api(emulator).logIn();
  const service = await api.must("POST /v1/serviceids", {
    account_id: accountId,
    name: "sdk caller",
    apikey: { name: "key" },
  });
  const own = new IamPolicyManagementV1({
    authenticator: new IamAuthenticator({ apikey: textOf(service.apikey?.apikey), url: emulator.url }),
    serviceUrl: emulator.url,
  });
  await expect(own.listPolicies({ accountId })).rejects.toMatchObject({ status: 403 });
  const body = v2Body(textOf(service.iam_id));
  body.resource.attributes = [
    { key: "serviceName", operator: "stringEquals", value: "iam-access-management" },
    { key: "accountId", operator: "stringEquals", value: accountId },
  ];
  await policies.createV2Policy(body);
  expect((await own.listPolicies({ accountId })).status).toBe(200);
});
