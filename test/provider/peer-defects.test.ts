/**
 * What Terraform's provider and the bridged Pulumi provider get wrong, one test for each, by name: none of it may be
 * wrong here.
 */
import * as pulumi from "@pulumi/pulumi";
import { createProfile, deleteLink, deleteProfile, getProfile, updateProfile } from "../../client/iam-identity";
import { addIdentity, getIdentities } from "../../client/iam-profile-identities";
import { getPolicy } from "../../client/iam-policy";
import { createServiceId } from "../../client/iam-service-ids";
import { handler as accessPolicy } from "../../provider/access-policy";
import { ApiKey } from "../../provider/api-key";
import { currentClock } from "../../provider/connection";
import { getTrustedProfiles } from "../../provider/functions/get-trusted-profile";
import { handler as trustedProfile } from "../../provider/trusted-profile";
import { handler as identity } from "../../provider/trusted-profile-identity";
import { handler as link } from "../../provider/trusted-profile-link";
import { Life, rejectionOf, startCloud, testCloud } from "./cloud";
import { startProgram, valueOf } from "./program";

const cloud = testCloud();
let profileId: string;
let policyArgs: Record<string, unknown>;
beforeAll(async () => {
  profileId = (await createProfile(cloud.elsewhere, { name: "shared" })).id;
  policyArgs = { profileId, roles: ["Operator"], service: "is" };
});

const life = (handler: pulumi.dynamic.ResourceProvider, name = "app"): Life =>
  new Life(handler, `${"a1".repeat(8)}:${name}`);

it("an update of an identity sends it (theirs sends an empty list, and takes everybody's trust away)", async () => {
  await addIdentity(cloud.elsewhere, profileId, { type: "user", identifier: "IBMid-other" });
  const args = { profileId, type: "user", identifier: "IBMid-1" };
  const made = await life(identity).create({ ...args, description: "before" });
  await made.update({ ...args, description: "after", accounts: ["a1"] });
  const set = await getIdentities(cloud.elsewhere, profileId);
  expect(set?.identities).toEqual([
    { iamId: "IBMid-other", identifier: "IBMid-other", type: "user" },
    { iamId: "IBMid-1", identifier: "IBMid-1", type: "user", description: "after", accounts: ["a1"] },
  ]);
});

it("description and email of a profile can be cleared (theirs skips empty texts)", async () => {
  const made = await life(trustedProfile).create({ description: "d", email: "team@example.com" });
  await made.update({});
  const live = await getProfile(cloud.elsewhere, made.id);
  expect([live?.description, live?.email]).toEqual([undefined, undefined]);
  await made.delete();
});

it("a refresh of a profile is one call and no wait (theirs sleeps two seconds, and five minutes for a ghost)", async () => {
  const made = await life(trustedProfile).create({});
  const before = currentClock().now();
  cloud.calls();
  expect(await made.refresh()).toBe(true);
  await deleteProfile(cloud.elsewhere, made.id);
  expect(await made.refresh()).toBe(false);
  expect(cloud.calls()).toEqual([`GET /v1/profiles/${made.id}`, `GET /v1/profiles/${made.id}`]);
  // The clock of the handlers moves when they wait, and only then.
  expect(currentClock().now() - before).toBeLessThan(1500);
});

it("a link whose server went can be deleted (theirs fails with 404)", async () => {
  const crn = `crn:v1:bluemix:public:is:us-south-1:a/${cloud.emulator.accountId}::instance:1`;
  const made = await life(link).create({ profileId, crType: "VSI", link: { crn } });
  await deleteLink(cloud.elsewhere, profileId, made.id.split("/")[1] ?? "");
  expect(await rejectionOf(made.delete())).toBe("");
});

it("a policy is v2 from the start, so that it can get conditions later (theirs is v1, and stays so)", async () => {
  const made = await life(accessPolicy).create(policyArgs);
  const rule = { pattern: "time-based-conditions:weekly:all-day", days: ["monday"] };
  expect(made.outputs.apiVersion).toBe("v2");
  expect(await made.diff({ ...policyArgs, rule })).toMatchObject({ changes: true, replaces: [] });
  await made.update({ ...policyArgs, rule });
  expect((await getPolicy(cloud.elsewhere, made.id))?.pattern).toBe(rule.pattern);
  await made.delete();
});

it("roles are looked up once for a service and run, and not at all when nothing changed (theirs asks for each policy)", async () => {
  const services = ["one", "two", "three"].map((region) => ({ ...policyArgs, service: "kms", region }));
  const made = await Promise.all(services.map((args, index) => life(accessPolicy, `p${index}`).create(args)));
  expect(cloud.calls().filter((call) => call === "GET /v2/roles")).toHaveLength(1);
  await Promise.all(made.map((one, index) => one.diff(services[index] ?? {})));
  expect(cloud.calls()).toEqual([]);
  await Promise.all(made.map((one) => one.delete()));
});

it("a single nested condition is sent whole (theirs loses what is nested)", async () => {
  const rule = {
    pattern: "attribute-based-condition:resource:literal-and-wildcard",
    conditions: [
      {
        operator: "or",
        conditions: [
          { attribute: "prefix", value: "a" },
          { attribute: "prefix", value: "b" },
        ],
      },
    ],
  };
  const made = await life(accessPolicy).create({ ...policyArgs, rule });
  const live = await getPolicy(cloud.elsewhere, made.id);
  expect(JSON.stringify(live?.rule)).toContain('"value":"a"');
  expect(JSON.stringify(live?.rule)).toContain('"value":"b"');
  await made.delete();
});

it("one day for dayOfWeekAnyOf is a list (theirs sends a text)", async () => {
  const rule = { pattern: "time-based-conditions:weekly:all-day", days: ["friday"] };
  const made = await life(accessPolicy).create({ ...policyArgs, rule });
  expect((await getPolicy(cloud.elsewhere, made.id))?.rule).toMatchObject({ value: ["5+00:00"] });
  await made.delete();
});

it("what somebody else wrote is not overwritten with a stale tag (theirs sends If-Match: *)", async () => {
  const made = await life(trustedProfile).create({ description: "ours" });
  await updateProfile(cloud.elsewhere, made.id, String(made.outputs.entityTag), { description: "theirs" });
  expect(await rejectionOf(made.update({ description: "ours again" }))).toContain("was changed outside of this stack");
  expect((await getProfile(cloud.elsewhere, made.id))?.description).toBe("theirs");
  await made.delete();
});

it("lists are read to the end (theirs stops after the first page)", async () => {
  for (let index = 0; index < 101; index++) await createProfile(cloud.elsewhere, { name: `many-${index}` });
  await startProgram();
  const settings = { apiKey: cloud.emulator.apiKey, iamEndpoint: cloud.emulator.url };
  expect((await getTrustedProfiles({}, { settings })).profiles.length).toBeGreaterThan(100);
});

it("a conflict says with what (theirs shows a bare policy_conflict_error)", async () => {
  const made = await life(accessPolicy).create({ ...policyArgs, description: "the first" });
  const message = await rejectionOf(life(accessPolicy, "second").create({ ...policyArgs, description: "the second" }));
  expect(message).toContain(`the policy ${made.id} with the same subject, target and roles exists already`);
  expect(message).toContain("`adopt: true`");
  await made.delete();
});

it("the value of an API key is a secret (theirs stands in the state in clear)", async () => {
  await startProgram();
  const { id } = await createServiceId(cloud.elsewhere, { name: "owner" });
  const key = new ApiKey("app", { serviceId: id, value: "in-clear-0123456789-0123456789-01" });
  await valueOf(key.urn);
  expect(await pulumi.isSecret(key.value)).toBe(true);
});

it("a grant that is visible and not enforced yet is waited for by nobody here (theirs sleeps 30 s): the server's script retries", async () => {
  const slow = await startCloud({ enforcementDelaySeconds: 300 });
  try {
    const { id } = await createProfile(slow.elsewhere, { name: "app" });
    slow.calls();
    const before = currentClock().now();
    await life(accessPolicy).create({ profileId: id, roles: ["Operator"], service: "is" });
    expect(slow.calls()).toEqual(["GET /v2/roles", "POST /v2/policies"]);
    expect(currentClock().now() - before).toBeLessThan(1500);
  } finally {
    await slow.close();
  }
});
