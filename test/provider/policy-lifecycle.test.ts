/** Policies over time: drift, those made through v1, and those that were deleted. */
import { deletePolicy, getPolicy, replacePolicy } from "../../client/iam-policy";
import { rejectionOf } from "./cloud";
import { ARGS, OPERATOR, PROFILE, VIEWER, policyCloud } from "./policy-cloud";

const { cloud, create, policies } = policyCloud();

describe("drift", () => {
  it("is shown in the inputs in the words of arguments", async () => {
    const life = await create({ region: "eu-de" });
    const live = await getPolicy(cloud.elsewhere, life.id);
    if (live === undefined) throw new Error("no policy");
    const attributes = [
      { key: "serviceName", operator: "stringEquals", value: "is" },
      { key: "vpcId", operator: "stringMatch", value: "*" },
      { key: "accountId", operator: "stringEquals", value: cloud.emulator.accountId },
    ];
    await replacePolicy(cloud.elsewhere, life.id, live.etag, {
      ...live,
      type: "access",
      roleIds: [VIEWER],
      resource: { attributes },
    });
    await life.refresh();
    expect(life.inputs).toEqual({
      profileId: PROFILE,
      roles: [VIEWER],
      roleIds: [VIEWER],
      service: "is",
      resourceAttributes: [{ key: "vpcId", operator: "stringMatch", value: "*" }],
      description: life.outputs.description,
      mark: life.outputs.mark,
    });
    await life.update({ ...ARGS, region: "eu-de" });
    expect((await getPolicy(cloud.elsewhere, life.id))?.roleIds).toEqual([OPERATOR]);
  });
});

describe("a policy that was made through v1", () => {
  const path = (id: string): string => `/v1/policies/${id}`;

  async function v1Policy(): Promise<string> {
    const answer = await cloud.elsewhere.call({
      api: "iam",
      method: "POST",
      path: "/v1/policies",
      body: {
        type: "access",
        description: "made in the console",
        subjects: [{ attributes: [{ name: "iam_id", value: `iam-${PROFILE}` }] }],
        roles: [{ role_id: OPERATOR }],
        resources: [
          {
            attributes: [
              { name: "serviceName", value: "is" },
              { name: "accountId", value: cloud.emulator.accountId },
            ],
          },
        ],
      },
      doing: "make a v1 policy",
    });
    return (answer.body as { id: string }).id;
  }

  it("is adopted, changed and deleted through v1", async () => {
    const id = await v1Policy();
    const life = await create({ adopt: true, description: "ours" });
    expect([life.id, life.outputs.apiVersion]).toEqual([id, "v1"]);
    cloud.calls();
    await life.update({ ...ARGS, adopt: true, description: "ours", roles: ["Viewer"] });
    expect(cloud.calls().filter((call) => !call.startsWith("GET"))).toEqual([`PUT ${path(id)}`]);
    expect(await getPolicy(cloud.elsewhere, id)).toMatchObject({ version: "v1", roleIds: [VIEWER] });
    await life.refresh();
    cloud.calls();
    await life.delete();
    expect(cloud.calls()).toEqual([`DELETE ${path(id)}`]);
  });

  it("is made anew when it gets what v1 cannot say", async () => {
    await v1Policy();
    const life = await create({ adopt: true, description: "ours" });
    const wanted = { ...ARGS, adopt: true, description: "ours" };
    expect(await life.diff(wanted)).toMatchObject({ changes: false });
    const rule = { pattern: "time-based-conditions:weekly:all-day", days: ["monday"] };
    expect(await life.diff({ ...wanted, rule })).toMatchObject({
      changes: true,
      replaces: ["rule"],
      deleteBeforeReplace: true,
    });
    const resourceAttributes = [{ key: "vpcId", value: true, operator: "stringExists" }];
    expect(await life.diff({ ...wanted, resourceAttributes })).toMatchObject({
      changes: true,
      replaces: ["attributes"],
    });
  });
});

describe("a policy that was deleted elsewhere", () => {
  it("is made again, as another one", async () => {
    const life = await create();
    await deletePolicy(cloud.elsewhere, life.id);
    const again = await create();
    expect(again.id).not.toBe(life.id);
    expect(await rejectionOf(life.update({ ...ARGS, roles: ["Viewer"] }))).toContain(
      "was deleted outside of this stack.",
    );
  });

  it.each<[string, object]>([
    ["with our description", {}],
    ["with a description of the user's", { description: "theirs to read" }],
  ])("%s comes back with restoreDeleted", async (_name, args) => {
    const life = await create(args);
    await deletePolicy(cloud.elsewhere, life.id);
    expect(await life.refresh()).toBe(false);
    const again = await create({ ...args, restoreDeleted: true });
    expect([again.id, policies()]).toEqual([life.id, [life.id]]);
  });

  it("comes back in an update too, and is brought to what is wanted", async () => {
    const life = await create({ restoreDeleted: true });
    await deletePolicy(cloud.elsewhere, life.id);
    await life.update({ ...ARGS, restoreDeleted: true, roles: ["Viewer"] });
    expect(await getPolicy(cloud.elsewhere, life.id)).toMatchObject({ state: "active", roleIds: [VIEWER] });
  });
});
