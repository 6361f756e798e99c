/** Policies of both versions and roles: what goes over the wire and what comes back. */
import type { HttpError } from "../../core/errors";
import {
  createPolicy,
  deletePolicy,
  getPolicy,
  listPolicies,
  listRoles,
  replacePolicy,
  restorePolicy,
  type PolicyBody,
} from "../../client/iam-policy";
import {
  ACCOUNT,
  sessionOn,
  startServer,
  withTokens,
  type OpenedSession,
  type Script,
  type ScriptedServer,
} from "./scripted-server";

let server: ScriptedServer;
let session: OpenedSession;

async function serve(script: Script): Promise<void> {
  server = await startServer(withTokens(script));
  session = sessionOn(server);
}

afterEach(async () => {
  await session.transport.close();
  await server.close();
});

const calls = (): string[] => server.to("/v").map(({ method, url }) => `${method} ${url}`);
const bodyOf = (index: number): unknown => JSON.parse(server.to("/v")[index]?.body ?? "");

const body: PolicyBody = {
  subject: [{ key: "iam_id", operator: "stringEquals", value: "iam-Profile-1" }],
  resource: {
    attributes: [
      { key: "accountId", operator: "stringEquals", value: ACCOUNT },
      { key: "serviceName", operator: "stringEqualsAnyOf", value: ["is", "kms"] },
      { key: "region", operator: "stringExists", value: true },
    ],
    tags: [{ key: "env", operator: "stringEquals", value: "prod" }],
  },
  roleIds: ["crn:role:Operator"],
  pattern: "time-based-conditions:weekly:custom-hours",
  rule: {
    operator: "and",
    conditions: [
      { key: "{{environment.attributes.day_of_week}}", operator: "dayOfWeekAnyOf", value: ["1+00:00"] },
      { operator: "or", conditions: [{ key: "k", operator: "timeLessThanOrEquals", value: "09:00:00+00:00" }] },
    ],
  },
  description: "made by a test",
};
const wire = {
  type: "access",
  description: "made by a test",
  subject: { attributes: body.subject },
  resource: body.resource,
  control: { grant: { roles: [{ role_id: "crn:role:Operator" }] } },
  pattern: body.pattern,
  rule: body.rule,
};
const answered = { ...wire, id: "p1", href: "https://iam.cloud.ibm.com/v2/policies/p1", state: "active" };
const v1 = {
  id: "p1",
  type: "access",
  href: "https://iam.cloud.ibm.com/v1/policies/p1",
  state: "active",
  subjects: [{ attributes: [{ name: "iam_id", value: "iam-Profile-1" }] }],
  roles: [{ role_id: "crn:role:Operator", display_name: "Operator" }],
  resources: [{ attributes: [{ name: "serviceName", value: "is" }], tags: [{ name: "env", value: "prod" }] }],
};

describe("version 2", () => {
  it("create sends and reads back every field, rules within rules too", async () => {
    await serve(() => ({ status: 201, body: answered, headers: { etag: "1-e" } }));
    const policy = await createPolicy(session, body);
    expect(bodyOf(0)).toEqual(wire);
    expect(policy).toStrictEqual({
      ...body,
      id: "p1",
      type: "access",
      href: answered.href,
      state: "active",
      etag: "1-e",
      version: "v2",
    });
  });

  it("replace carries the tag", async () => {
    await serve(() => ({ body: answered, headers: { etag: "2-e" } }));
    expect((await replacePolicy(session, "p1", "1-e", body)).etag).toBe("2-e");
    expect(calls()).toEqual(["PUT /v2/policies/p1"]);
    expect(server.to("/v2")[0]?.headers["if-match"]).toBe("1-e");
  });

  it("a conflict names the policy that is in the way", async () => {
    const details = { conflicts_with: { etag: "7-x", policy: { id: "older" } } };
    await serve(() => ({
      status: 409,
      body: { trace: "t", errors: [{ code: "policy_conflict_error", message: "Exists.", details }] },
    }));
    const error = await createPolicy(session, body).catch((thrown: unknown) => thrown as HttpError);
    expect(error).toMatchObject({ code: "IBMID_CONFLICT", serverDetails: details });
  });

  it("a deleted one is returned with its state, an unknown one is undefined", async () => {
    await serve(({ url }) =>
      url.endsWith("/p1")
        ? { body: { ...answered, state: "deleted" } }
        : { status: 404, body: { errors: [{ code: "policy_not_found" }] } },
    );
    expect((await getPolicy(session, "p1"))?.state).toBe("deleted");
    expect(await getPolicy(session, "p2")).toBeUndefined();
    await deletePolicy(session, "p2");
  });

  it("list walks all pages, by start or by address", async () => {
    const nexts = [{ start: "s1" }, { href: "https://x/v2/policies?start=s2&limit=1" }, undefined];
    let page = 0;
    await serve(() => ({ body: { policies: [{ ...answered, id: `p${page}` }], next: nexts[page++] } }));
    const ids = [];
    for await (const { id, etag } of listPolicies(session, { iamId: "iam-Profile-1" })) ids.push(id + etag);
    expect(ids).toEqual(["p0", "p1", "p2"]);
    const query = `account_id=${ACCOUNT}&iam_id=iam-Profile-1&limit=100`;
    expect(calls()).toEqual([
      `GET /v2/policies?${query}`,
      `GET /v2/policies?${query}&start=s1`,
      `GET /v2/policies?${query}&start=s2`,
    ]);
  });
});

describe("a policy of version 1", () => {
  const simple: PolicyBody = {
    description: body.description,
    subject: body.subject,
    roleIds: body.roleIds,
    resource: { attributes: [{ key: "serviceName", operator: "stringEquals", value: "is" }] },
  };

  it("is read through the version that its href names", async () => {
    await serve(({ url }) => ({
      body: url.startsWith("/v1") ? v1 : { ...answered, href: v1.href },
      headers: { etag: "1-v1" },
    }));
    expect(await getPolicy(session, "p1")).toMatchObject({
      version: "v1",
      etag: "1-v1",
      subject: [{ key: "iam_id", operator: "stringEquals", value: "iam-Profile-1" }],
      resource: {
        attributes: [{ key: "serviceName", operator: "stringEquals", value: "is" }],
        tags: [{ key: "env", operator: "stringEquals", value: "prod" }],
      },
      roleIds: ["crn:role:Operator"],
    });
    expect(calls()).toEqual(["GET /v2/policies/p1", "GET /v1/policies/p1"]);
  });

  it("is replaced, deleted and restored through version 1", async () => {
    await serve(({ method }) => (method === "DELETE" ? { status: 204 } : { body: v1 }));
    await replacePolicy(session, "p1", "1-e", simple, "v1");
    await restorePolicy(session, "p1", "2-e");
    await deletePolicy(session, "p1", "v1");
    expect(calls()).toEqual(["PUT /v1/policies/p1", "PATCH /v1/policies/p1", "DELETE /v1/policies/p1"]);
    expect(bodyOf(0)).toEqual({
      type: "access",
      description: "made by a test",
      subjects: [{ attributes: [{ name: "iam_id", value: "iam-Profile-1" }] }],
      resources: [{ attributes: [{ name: "serviceName", operator: "stringEquals", value: "is" }] }],
      roles: [{ role_id: "crn:role:Operator" }],
    });
    expect(bodyOf(1)).toEqual({ state: "active" });
  });

  it.each([
    { name: "a rule", change: body },
    { name: "a value that is no text", change: { ...simple, resource: body.resource } },
  ])("cannot hold $name: said before anything is sent", async ({ change }) => {
    await serve(() => ({ body: v1 }));
    await expect(replacePolicy(session, "p1", "1-e", change, "v1")).rejects.toMatchObject({
      code: "IBMID_POLICY_IS_V1",
    });
    expect(calls()).toEqual([]);
  });
});

describe("roles", () => {
  it("are asked for once for each service, in the order in which names are looked up", async () => {
    await serve(({ url }) => ({
      body: {
        system_roles: [{ display_name: "Viewer", crn: "crn:s:Viewer", actions: ["is.instance.instance.list"] }],
        service_roles: [{ display_name: url.includes("service_name=is") ? "VPN Client" : "Reader", crn: "crn:r" }],
        custom_roles: [{ display_name: "Mine", crn: "crn:c", description: "Own." }, { display_name: "No CRN" }],
      },
    }));
    const [roles, again, others] = await Promise.all([
      listRoles(session, { serviceName: "is" }),
      listRoles(session, { serviceName: "is" }),
      listRoles(session),
    ]);
    expect(roles).toEqual([
      { displayName: "Mine", crn: "crn:c", kind: "custom", description: "Own.", actions: [] },
      { displayName: "VPN Client", crn: "crn:r", kind: "service", actions: [] },
      { displayName: "Viewer", crn: "crn:s:Viewer", kind: "system", actions: ["is.instance.instance.list"] },
    ]);
    expect(again).toBe(roles);
    expect(others[1]?.displayName).toBe("Reader");
    expect(calls().sort()).toEqual([
      `GET /v2/roles?account_id=${ACCOUNT}`,
      `GET /v2/roles?account_id=${ACCOUNT}&service_name=is`,
    ]);
  });
});
