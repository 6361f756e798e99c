/** IAM and the account, as IBM's Terraform provider uses them. */
import { startEmulator, type Emulator } from "../../emulator";
import { textOf, type Json } from "./support";
import { expectMembers, needed, startTerraform, type Terraform } from "./terraform";

describe("the requests of IBM's Terraform provider to IAM and the account", () => {
  let emulator: Emulator;
  let api: Terraform;

  beforeAll(async () => {
    emulator = await startEmulator({ provisionSeconds: 0.1, actionSeconds: 0.05, deleteSeconds: 0.05 });
    api = await startTerraform(emulator);
  });
  afterAll(() => emulator.close());

  it("resource group, tags", async () => {
    const { resources } = await api.get(`/v2/resource_groups?account_id=${emulator.accountId}&default=true`);
    expectMembers(needed((resources as unknown as Json[])[0]), "id", "crn", "account_id", "name", "state", "default");
    const crn = "crn:v1:bluemix:public:is:us-south:a/x::vpc:r006-tagged";
    const tagged = { resources: [{ resource_id: crn, resource_type: "" }], tag_names: ["env:dev"] };
    const attached = await api.must("POST /v3/tags/attach?tag_type=user", tagged);
    expect(attached.results).toEqual([{ resource_id: crn, is_error: false }]);
    const found = async (): Promise<unknown> =>
      ((await api.must("POST /v3/resources/search", { query: `crn:"${crn}"` })).items as unknown as Json[])[0]?.tags;
    expect(await found()).toEqual(["env:dev"]);
    await api.must("POST /v3/tags/detach?tag_type=user", tagged);
    expect(await found()).toEqual([]);
  });

  it("trusted profile, link, claim rule, identity, service ID", async () => {
    const account_id = emulator.accountId;
    const profile = await api.must("POST /v1/profiles", { name: "tf", account_id, description: "by terraform" });
    const id = textOf(profile.id);
    expect(profile.iam_id).toBe(`iam-${id}`);
    const any = { headers: { "If-Match": "*" } };
    await api.must(`PUT /v1/profiles/${id}`, { name: "tf", description: "changed" }, any);
    expect((await api.get(`/v1/profiles/${id}`)).description).toBe("changed");

    const link = await api.must(`POST /v1/profiles/${id}/links`, {
      cr_type: "VSI",
      link: { crn: `crn:v1:bluemix:public:is:us-south-1:a/${account_id}::instance:0717_x` },
      name: "by-hand",
    });
    expectMembers(await api.get(`/v1/profiles/${id}/links/${textOf(link.id)}`), "id", "link.crn", "cr_type", "name");

    const rule = {
      type: "Profile-CR",
      cr_type: "VSI",
      conditions: [{ claim: "zone", operator: "EQUALS", value: '"z"' }],
    };
    const { id: ruleId } = await api.must(`POST /v1/profiles/${id}/rules`, rule);
    const rulePath = `/v1/profiles/${id}/rules/${textOf(ruleId)}`;
    expectMembers(
      await api.get(rulePath),
      "conditions[].claim",
      "conditions[].operator",
      "conditions[].value",
      "expiration",
    );
    await api.must(`PUT ${rulePath}`, { ...rule, name: "named" }, any);

    const identity = `crn:v1:bluemix:public:is:us-south:a/${account_id}::vpc:r006-1`;
    await api.must(`POST /v1/profiles/${id}/identities/crn`, { identifier: identity, type: "crn" });
    await api.get(`/v1/profiles/${id}/identities/crn/${encodeURIComponent(identity)}`);
    await api.must(`PUT /v1/profiles/${id}/identities`, { identities: [] }, any);

    const service = await api.must("POST /v1/serviceids/", { account_id, name: "tf-service", description: "d" });
    const servicePath = `/v1/serviceids/${textOf(service.id)}`;
    await api.must(`PUT ${servicePath}`, { name: "tf-service", description: "e" }, any);
    expectMembers(await api.get(servicePath), "iam_id", "entity_tag", "crn", "locked", "account_id", "name");
    await api.must(`DELETE ${servicePath}`);
    await api.must(`DELETE ${rulePath}`);
    await api.must(`DELETE /v1/profiles/${id}/links/${textOf(link.id)}`);
    await api.must(`DELETE /v1/profiles/${id}`);
    expect((await api.send(`GET /v1/profiles/${id}`)).status).toBe(404);
  });

  it("policy: created in v1, read in v2, replaced and deleted in v1", async () => {
    const profile = await api.profile("tf-policy");
    const roles = await api.get(`/v2/roles?account_id=${emulator.accountId}&service_name=is&policy_type=access`);
    expectMembers(
      roles,
      "custom_roles",
      "service_roles[].display_name",
      "system_roles[].display_name",
      "system_roles[].crn",
    );
    const viewer = (roles.system_roles as unknown as Json[]).find((role) => textOf(role.display_name) === "Viewer");
    const body = {
      type: "access",
      subjects: [{ attributes: [{ name: "iam_id", value: profile.iamId }] }],
      roles: [{ role_id: viewer?.crn }],
      resources: [
        {
          attributes: [
            { name: "serviceName", value: "is", operator: "stringEquals" },
            { name: "accountId", value: emulator.accountId },
          ],
        },
      ],
    };
    const id = textOf((await api.must("POST /v1/policies", body)).id);
    const { headers, body: read } = await api.send(`GET /v2/policies/${id}`);
    expectMembers(
      read,
      "id",
      "type",
      "state",
      "control.grant.roles[].role_id",
      "resource.attributes[].key",
      "resource.attributes[].operator",
      "resource.attributes[].value",
      "subject.attributes[].key",
      "subject.attributes[].operator",
    );
    expect(textOf(read.href)).toContain(`/v1/policies/${id}`);
    const attributes = read.resource?.attributes as unknown as Json[];
    expect(attributes.map((attribute) => textOf(attribute.key))).toEqual(["serviceName", "accountId"]);
    const etag = headers.get("etag") ?? "";
    await api.must(`PUT /v1/policies/${id}`, { ...body, description: "d" }, { headers: { "If-Match": etag } });
    await api.must(`DELETE /v1/policies/${id}`);
    const after = await api.send(`GET /v2/policies/${id}`);
    expect(after.status === 404 || textOf(after.body.state) === "deleted").toBe(true);
  });
});
