/** Who a policy is for, and what narrows it: service IDs, access groups, tags, service groups. */
import { getPolicy } from "../../client/iam-policy";
import { handler } from "../../provider/access-policy";
import { Life } from "./cloud";
import { ARGS, PROFILE, policyCloud } from "./policy-cloud";

const { cloud, create } = policyCloud();

describe("subject", () => {
  const SERVICE = "ServiceId-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
  const GROUP = "AccessGroupId-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
  it.each<[string, object, object]>([
    ["a service ID", { serviceId: SERVICE }, { key: "iam_id", operator: "stringEquals", value: `iam-${SERVICE}` }],
    ["an access group", { accessGroupId: GROUP }, { key: "access_group_id", operator: "stringEquals", value: GROUP }],
    ["a user", { iamId: "IBMid-1" }, { key: "iam_id", operator: "stringEquals", value: "IBMid-1" }],
  ])("%s gets a policy, which a repeated create finds", async (_name, subject, attribute) => {
    const args = { profileId: undefined, ...subject };
    const life = await create(args);
    expect((await getPolicy(cloud.elsewhere, life.id))?.subject).toEqual([attribute]);
    expect(await life.diff({ ...ARGS, ...args })).toMatchObject({ changes: false });
    expect((await create(args)).id).toBe(life.id);
    expect(await life.diff(ARGS)).toMatchObject({ changes: true, replaces: ["iamId"] });
    await life.refresh();
  });

  it("is replaced when it becomes a group", async () => {
    const life = await create();
    const wanted = { ...ARGS, profileId: undefined, accessGroupId: GROUP };
    expect(await life.diff(wanted)).toMatchObject({ changes: true, replaces: ["accessGroupId"] });
  });
});

describe("tags", () => {
  const resourceTags = [
    { key: "project", value: "shop" },
    { key: "stage", value: "p*", operator: "stringMatch" },
  ];

  it("limit a policy, and can be taken off", async () => {
    const life = await create({ resourceTags });
    expect((await getPolicy(cloud.elsewhere, life.id))?.resource.tags).toEqual([
      { key: "project", operator: "stringEquals", value: "shop" },
      { key: "stage", operator: "stringMatch", value: "p*" },
    ]);
    expect(await life.diff({ ...ARGS, resourceTags: [...resourceTags].reverse() })).toMatchObject({ changes: false });
    await life.update(ARGS);
    expect((await getPolicy(cloud.elsewhere, life.id))?.resource).not.toHaveProperty("tags");
  });

  it("are checked", async () => {
    const { failures = [] } = await new Life(handler).check({
      ...ARGS,
      resourceTags: [{ key: "", value: "x", operator: "stringExists" }],
    });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual([
      'resourceTags[0].key: is ""; must be a text of 1 to 128 characters',
      'resourceTags[0].operator: is "stringExists"; must be one of "stringEquals", "stringMatch"',
    ]);
  });
});

describe("a service group", () => {
  it("is a target, and its roles are looked up", async () => {
    const args = { profileId: PROFILE, roles: ["Administrator"], serviceGroupId: "IAM" };
    const life = await new Life(handler).create(args);
    expect(life.outputs.attributes).toContainEqual({ key: "service_group_id", operator: "stringEquals", value: "IAM" });
    const { failures } = await new Life(handler).check({ ...args, roles: ["Boss"] });
    expect(failures?.[0]?.reason).toMatch(/^is "Boss"; must be the CRN of a role or a role of service group "IAM": /);
  });
});
