/** Access policies: roles by name, differences as a table, and the handler's whole life against the emulator. */
import { createPolicy, deletePolicy, getPolicy, replacePolicy, type Policy } from "../../client/iam-policy";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/access-policy";
import { Life, rejectionOf } from "./cloud";
import { ARGS, OPERATOR, PROFILE, VIEWER, policyCloud } from "./policy-cloud";

const { cloud, create, policies } = policyCloud();

/** An equal policy, made by somebody else. */
const theirs = async (): Promise<Policy> =>
  createPolicy(cloud.elsewhere, {
    description: "theirs",
    roleIds: [OPERATOR],
    subject: [{ key: "iam_id", operator: "stringEquals", value: `iam-${PROFILE}` }],
    resource: {
      attributes: [
        { key: "serviceName", operator: "stringEquals", value: "is" },
        { key: "accountId", operator: "stringEquals", value: cloud.emulator.accountId },
      ],
    },
  });

describe("check", () => {
  const check = (args: object, olds: object = {}): ReturnType<Life["check"]> =>
    new Life(handler).check({ ...args }, { ...olds });

  it("turns role names into CRNs, and asks for them once in a session", async () => {
    const args = { ...ARGS, service: "cloud-object-storage", roles: ["Viewer", "Writer"] };
    const roleIds = [VIEWER, "crn:v1:bluemix:public:iam::::serviceRole:Writer"];
    expect((await check(args)).inputs).toMatchObject({ roleIds });
    expect((await check(args)).inputs).toMatchObject({ roleIds });
    expect(cloud.calls()).toEqual(["GET /v2/roles"]);
  });

  it("asks nothing when roles and target are as before, or are CRNs", async () => {
    const olds = { ...ARGS, roleIds: ["crn:kept"], mark: "m:app" };
    expect((await check(ARGS, olds)).inputs).toMatchObject({ roleIds: ["crn:kept"] });
    expect((await check({ ...ARGS, roles: [OPERATOR] })).inputs).toMatchObject({ roleIds: [OPERATOR] });
    expect(cloud.calls()).toEqual([]);
  });

  it("names the roles there are when one is unknown", async () => {
    const { failures } = await check({ ...ARGS, roles: ["Operator", "operator"] });
    expect(failures).toHaveLength(1);
    expect(failures?.[0]?.property).toBe("roles[1]");
    expect(failures?.[0]?.reason).toMatch(
      /^is "operator"; must be the CRN of a role or a role of service "is": .*"Console Administrator".*"Viewer"/,
    );
  });

  it.each<[string, object]>([
    ["the list of roles", { roles: UNKNOWN_SENTINEL }],
    ["one role", { roles: ["Viewer", UNKNOWN_SENTINEL] }],
    ["the service", { service: UNKNOWN_SENTINEL }],
    ["the attributes", { service: undefined, resourceAttributes: UNKNOWN_SENTINEL }],
  ])("leaves the CRNs unknown while %s is", async (_name, args) => {
    expect((await check({ ...ARGS, ...args })).inputs).toMatchObject({ roleIds: UNKNOWN_SENTINEL });
    expect(cloud.calls()).toEqual([]);
  });

  it("leaves the description unknown while the profile is", async () => {
    expect((await check({ ...ARGS, profileId: UNKNOWN_SENTINEL })).inputs).toMatchObject({
      description: UNKNOWN_SENTINEL,
      roleIds: [OPERATOR],
    });
  });
});

describe("target", () => {
  const plain = (key: string, value: string): object => ({ key, operator: "stringEquals", value });
  it.each<[string, object, object[]]>([
    ["a service", { service: "is" }, [plain("serviceName", "is")]],
    [
      "a part of a service",
      {
        service: "cloud-object-storage",
        serviceInstanceId: "guid",
        region: "eu-de",
        resourceType: "bucket",
        resource: "b",
        resourceGroupId: "g",
      },
      [
        plain("serviceName", "cloud-object-storage"),
        plain("serviceInstance", "guid"),
        plain("region", "eu-de"),
        plain("resourceType", "bucket"),
        plain("resource", "b"),
        plain("resourceGroupId", "g"),
      ],
    ],
    ["a resource group", { resourceGroupId: "g" }, [plain("resourceGroupId", "g")]],
    ["all services", { allServices: true }, [plain("serviceType", "service")]],
    ["account management", { accountManagement: true }, [plain("serviceType", "platform_service")]],
    [
      "attributes",
      {
        resourceAttributes: [
          { key: "serviceName", value: "is" },
          { key: "vpcId", value: "*", operator: "stringMatch" },
          { key: "region", value: ["eu-de", "us-south"], operator: "stringEqualsAnyOf" },
          { key: "subnetId", value: true, operator: "stringExists" },
        ],
      },
      [
        plain("serviceName", "is"),
        { key: "vpcId", operator: "stringMatch", value: "*" },
        { key: "region", operator: "stringEqualsAnyOf", value: ["eu-de", "us-south"] },
        { key: "subnetId", operator: "stringExists", value: true },
      ],
    ],
  ])("%s is stored as attributes, with the account", async (_name, target, attributes) => {
    const life = await new Life(handler).create({ profileId: PROFILE, roles: [VIEWER], ...target });
    expect((await getPolicy(cloud.elsewhere, life.id))?.resource.attributes).toEqual([
      ...attributes,
      plain("accountId", cloud.emulator.accountId),
    ]);
    expect(await life.diff({ profileId: PROFILE, roles: [VIEWER], ...target })).toMatchObject({ changes: false });
  });
});

describe("life", () => {
  it("begins with one call and has every output", async () => {
    const life = await create();
    expect(cloud.calls().filter((call) => call !== "GET /v2/roles")).toEqual(["POST /v2/policies"]);
    expect(life.outputs).toEqual({
      iamId: `iam-${PROFILE}`,
      roleIds: [OPERATOR],
      attributes: [
        { key: "serviceName", operator: "stringEquals", value: "is" },
        { key: "accountId", operator: "stringEquals", value: cloud.emulator.accountId },
      ],
      description: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      apiVersion: "v2",
      entityTag: expect.any(String) as string,
      mark: life.inputs.mark,
    });
  });

  it.each<[string, object, string[]]>([
    ["nothing changed", {}, []],
    ["the role as a CRN", { roles: [OPERATOR] }, []],
    ["the profile by its IAM id", { profileId: undefined, iamId: `iam-${PROFILE}` }, []],
    ["the profile by its CRN", { profileId: `crn:v1:bluemix:public:iam-identity::a/0::profile:${PROFILE}` }, []],
    [
      "the service as an attribute",
      { service: undefined, resourceAttributes: [{ key: "serviceName", value: "is" }] },
      [],
    ],
    ["another role", { roles: ["Viewer"] }, ["update"]],
    ["one more role", { roles: ["Operator", "Viewer"] }, ["update"]],
    ["roles not known yet", { roles: UNKNOWN_SENTINEL }, ["update"]],
    ["another target", { region: "eu-de" }, ["update"]],
    ["a target not known yet", { region: UNKNOWN_SENTINEL }, ["update"]],
    ["another description", { description: "d" }, ["update"]],
    ["another subject", { profileId: undefined, iamId: "IBMid-1" }, ["update", "iamId"]],
    ["a subject not known yet", { profileId: UNKNOWN_SENTINEL }, ["update", "iamId"]],
  ])("sees %s", async (_name, change, expected) => {
    const { changes, replaces = [] } = await (await create()).diff({ ...ARGS, ...change });
    // With another subject the description's hash changes too; that is no reason of its own.
    expect([...(changes === true ? ["update"] : []), ...replaces]).toEqual(expected);
  });

  it("updates roles, target and description", async () => {
    const life = await create();
    const wanted = { ...ARGS, roles: ["Viewer"], region: "eu-de", description: "" };
    await life.update(wanted);
    const live = await getPolicy(cloud.elsewhere, life.id);
    expect(live?.roleIds).toEqual([VIEWER]);
    expect(live?.resource.attributes.map(({ key }) => key)).toEqual(["serviceName", "region", "accountId"]);
    expect(live?.description ?? "").toBe("");
    expect(await life.diff(wanted)).toMatchObject({ changes: false });
  });

  it("shows drift and mends it", async () => {
    const life = await create();
    const live = await getPolicy(cloud.elsewhere, life.id);
    if (live === undefined) throw new Error("no policy");
    await replacePolicy(cloud.elsewhere, life.id, live.etag, { ...live, type: "access", roleIds: [VIEWER] });
    await life.refresh();
    expect(await life.diff(ARGS)).toMatchObject({ changes: true });
    await life.update(ARGS);
    expect((await getPolicy(cloud.elsewhere, life.id))?.roleIds).toEqual([OPERATOR]);
  });

  it("does not overwrite unseen what somebody else changed", async () => {
    const life = await create();
    const live = await getPolicy(cloud.elsewhere, life.id);
    if (live === undefined) throw new Error("no policy");
    await replacePolicy(cloud.elsewhere, life.id, live.etag, { ...live, type: "access", roleIds: [VIEWER] });
    expect(await rejectionOf(life.update({ ...ARGS, description: "new" }))).toContain(
      "was changed outside of this stack since it was last read: roleIds.",
    );
  });

  it("is gone when deleted elsewhere, though IAM still shows it", async () => {
    const life = await create();
    await deletePolicy(cloud.elsewhere, life.id);
    expect((await getPolicy(cloud.elsewhere, life.id))?.state).toBe("deleted");
    expect(await life.refresh()).toBe(false);
  });

  it("ends twice without an error", async () => {
    const life = await create();
    await life.delete();
    await life.delete();
    expect(policies()).toEqual([]);
  });

  it("is read by id alone", async () => {
    const life = await create();
    expect(await handler.read?.(life.id, {} as never)).toEqual({
      id: life.id,
      props: { ...life.outputs, mark: undefined },
    });
    const missing = "00000000-0000-4000-8000-000000000000";
    expect(await rejectionOf(handler.read?.(missing, {} as never) ?? Promise.resolve())).toBe(
      `policy "${missing}" does not exist in this account and region. Check the id and the credentials.`,
    );
  });
});

describe("a policy that exists already", () => {
  it("and is not ours is named, not taken", async () => {
    const { id } = await theirs();
    const message = await rejectionOf(create());
    expect(message).toBe(
      `policy for iam-${PROFILE} cannot be created: the policy ${id} with the same subject, target and roles exists already ` +
        "and was not made by this stack. Choose another name or delete it, or set `adopt: true` to manage it from here (also " +
        "its deletion).",
    );
    expect(policies()).toEqual([id]);
  });

  it("is adopted when asked, and brought to what is wanted", async () => {
    const { id } = await theirs();
    const life = await create({ adopt: true, description: "mine now" });
    expect(life.id).toBe(id);
    expect((await getPolicy(cloud.elsewhere, id))?.description).toBe("mine now");
  });

  it("is ours when an earlier create was killed before it could tell", async () => {
    const first = await create();
    const second = await create();
    expect([second.id, policies()]).toEqual([first.id, [first.id]]);
  });
});

describe("a create that fails on the way", () => {
  it.each(["lost", "answer lost"] as const)("is made exactly once when the call is %s", async (fault) => {
    const count = cloud.fail("POST", /^\/v2\/policies$/, fault);
    const life = await create();
    expect(count.fired).toBe(1);
    expect(policies()).toEqual([life.id]);
  });
});
