/**
 * What IBM's Terraform provider asks in the course of apply, plan, update, import and destroy, in its order, and the
 * members of the answers without which it crashes, loops or shows a change that is none.
 */
import { startEmulator, type Emulator } from "../../emulator";
import { Api, textOf, until, type Json } from "./support";

/** The provider's own version of the VPC API. */
const Q = "version=2026-03-24&generation=2";

/** Fails with the path of the first member that is missing. */
function expectMembers(body: Json, ...paths: readonly string[]): void {
  const missing = paths.filter((path) => {
    let values: (Json | undefined)[] = [body];
    for (const part of path.split(".")) {
      const list = part.endsWith("[]");
      values = values.map((value) => value?.[part.replace("[]", "")]);
      if (list) values = values.flatMap((value) => (Array.isArray(value) ? (value as Json[]) : [undefined]));
    }
    return values.some((value) => value === undefined || value === null);
  });
  expect(missing).toEqual([]);
}

describe("the requests of IBM's Terraform provider", () => {
  let emulator: Emulator;
  let api: Api;

  beforeAll(async () => {
    emulator = await startEmulator({ provisionSeconds: 0.1, actionSeconds: 0.05, deleteSeconds: 0.05 });
    api = new Api(emulator);
    // Configuration: twice with a client, once without.
    const form = {
      apikey: emulator.apiKey,
      grant_type: "urn:ibm:params:oauth:grant-type:apikey",
      response_type: "cloud_iam",
    };
    for (const headers of [{ Authorization: "Basic Yng6Yng=" }, { Authorization: "Basic Yng6Yng=" }, {}]) {
      const body = await api.must("POST /identity/token", undefined, { token: null, form, headers });
      expectMembers(body, "access_token", "refresh_token", "token_type", "expires_in", "expiration");
      api.token = textOf(body["access_token"]);
    }
    const claims = JSON.parse(Buffer.from(api.token.split(".")[1] ?? "", "base64url").toString()) as Json;
    expectMembers(claims, "id", "account.bss", "iss", "email");
    expect(textOf(claims["iss"])).toContain("https://iam.cloud.ibm.com");
  });
  afterAll(() => emulator.close());

  const get = (path: string): Promise<Json> => api.must(`GET ${path}${path.startsWith("/v1/") ? "" : ""}`);
  const vpc = (path: string): Promise<Json> => api.must(`GET /v1/${path}${path.includes("?") ? "&" : "?"}${Q}`);
  const status = (path: string, wanted: string): Promise<void> =>
    until(async () => textOf((await vpc(path))["status"]) === wanted);
  const gone = (path: string): Promise<void> =>
    until(async () => (await api.send(`GET /v1/${path}?${Q}`)).status === 404);

  /** Tags of a resource: every plan looks for them, and crashes when a list is missing. */
  const tags = async (crn: Json | undefined): Promise<void> => {
    expectMembers(await get("/v3/tags?tag_type=access"), "items");
    const query = { query: `crn:"${textOf(crn)}"`, fields: ["access_tags", "tags", "service_tags"] };
    const { items } = await api.must("POST /v3/resources/search", query);
    for (const item of items as unknown as Json[]) expectMembers(item, "tags", "access_tags", "service_tags");
  };

  it("resource group, tags", async () => {
    const { resources } = await get(`/v2/resource_groups?account_id=${emulator.accountId}&default=true`);
    expectMembers((resources as unknown as Json[])[0] as Json, "id", "crn", "account_id", "name", "state", "default");
    const crn = "crn:v1:bluemix:public:is:us-south:a/x::vpc:r006-tagged";
    const tagged = { resources: [{ resource_id: crn, resource_type: "" }], tag_names: ["env:dev"] };
    const attached = await api.must("POST /v3/tags/attach?tag_type=user", tagged);
    expect(attached["results"]).toEqual([{ resource_id: crn, is_error: false }]);
    const found = async (): Promise<unknown> =>
      ((await api.must("POST /v3/resources/search", { query: `crn:"${crn}"` }))["items"] as unknown as Json[])[0]?.[
        "tags"
      ];
    expect(await found()).toEqual(["env:dev"]);
    await api.must("POST /v3/tags/detach?tag_type=user", tagged);
    expect(await found()).toEqual([]);
  });

  it("trusted profile, link, claim rule, identity, service ID", async () => {
    const account_id = emulator.accountId;
    const profile = await api.must("POST /v1/profiles", { name: "tf", account_id, description: "by terraform" });
    const id = textOf(profile["id"]);
    expect(profile["iam_id"]).toBe(`iam-${id}`);
    const any = { headers: { "If-Match": "*" } };
    await api.must(`PUT /v1/profiles/${id}`, { name: "tf", description: "changed" }, any);
    expect((await get(`/v1/profiles/${id}`))["description"]).toBe("changed");

    const link = await api.must(`POST /v1/profiles/${id}/links`, {
      cr_type: "VSI",
      link: { crn: `crn:v1:bluemix:public:is:us-south-1:a/${account_id}::instance:0717_x` },
      name: "by-hand",
    });
    expectMembers(await get(`/v1/profiles/${id}/links/${textOf(link["id"])}`), "id", "link.crn", "cr_type", "name");

    const rule = {
      type: "Profile-CR",
      cr_type: "VSI",
      conditions: [{ claim: "zone", operator: "EQUALS", value: '"z"' }],
    };
    const { id: ruleId } = await api.must(`POST /v1/profiles/${id}/rules`, rule);
    const rulePath = `/v1/profiles/${id}/rules/${textOf(ruleId)}`;
    expectMembers(
      await get(rulePath),
      "conditions[].claim",
      "conditions[].operator",
      "conditions[].value",
      "expiration",
    );
    await api.must(`PUT ${rulePath}`, { ...rule, name: "named" }, any);

    const identity = `crn:v1:bluemix:public:is:us-south:a/${account_id}::vpc:r006-1`;
    await api.must(`POST /v1/profiles/${id}/identities/crn`, { identifier: identity, type: "crn" });
    await get(`/v1/profiles/${id}/identities/crn/${encodeURIComponent(identity)}`);
    await api.must(`PUT /v1/profiles/${id}/identities`, { identities: [] }, any);

    const service = await api.must("POST /v1/serviceids/", { account_id, name: "tf-service", description: "d" });
    const servicePath = `/v1/serviceids/${textOf(service["id"])}`;
    await api.must(`PUT ${servicePath}`, { name: "tf-service", description: "e" }, any);
    expectMembers(await get(servicePath), "iam_id", "entity_tag", "crn", "locked", "account_id", "name");
    await api.must(`DELETE ${servicePath}`);
    await api.must(`DELETE ${rulePath}`);
    await api.must(`DELETE /v1/profiles/${id}/links/${textOf(link["id"])}`);
    await api.must(`DELETE /v1/profiles/${id}`);
    expect((await api.send(`GET /v1/profiles/${id}`)).status).toBe(404);
  });

  it("policy: created in v1, read in v2, replaced and deleted in v1", async () => {
    const profile = await api.profile("tf-policy");
    const roles = await get(`/v2/roles?account_id=${emulator.accountId}&service_name=is&policy_type=access`);
    expectMembers(
      roles,
      "custom_roles",
      "service_roles[].display_name",
      "system_roles[].display_name",
      "system_roles[].crn",
    );
    const viewer = (roles["system_roles"] as unknown as Json[]).find(
      (role) => textOf(role["display_name"]) === "Viewer",
    );
    const body = {
      type: "access",
      subjects: [{ attributes: [{ name: "iam_id", value: profile.iamId }] }],
      roles: [{ role_id: viewer?.["crn"] }],
      resources: [
        {
          attributes: [
            { name: "serviceName", value: "is", operator: "stringEquals" },
            { name: "accountId", value: emulator.accountId },
          ],
        },
      ],
    };
    const id = textOf((await api.must("POST /v1/policies", body))["id"]);
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
    expect(textOf(read["href"])).toContain(`/v1/policies/${id}`);
    const attributes = read["resource"]?.["attributes"] as unknown as Json[];
    expect(attributes.map((attribute) => textOf(attribute["key"]))).toEqual(["serviceName", "accountId"]);
    const etag = headers.get("etag") ?? "";
    await api.must(`PUT /v1/policies/${id}`, { ...body, description: "d" }, { headers: { "If-Match": etag } });
    await api.must(`DELETE /v1/policies/${id}`);
    const after = await api.send(`GET /v2/policies/${id}`);
    expect(after.status === 404 || textOf(after.body["state"]) === "deleted").toBe(true);
  });

  it("vpc, subnet, key, instance, template, bare metal server, and all of it away again", async () => {
    const group = { id: emulator.inventory().resourceGroups[0]?.["id"] };
    const network = await api.must(`POST /v1/vpcs?${Q}`, {
      address_prefix_management: "auto",
      classic_access: false,
      name: "tf",
      resource_group: group,
    });
    const vpcId = textOf(network["id"]);
    const vpcMembers = ["default_security_group", "default_routing_table", "default_network_acl"];
    expectMembers(network, "crn", ...vpcMembers.flatMap((name) => [`${name}.id`, `${name}.name`, `${name}.crn`]));
    expectMembers(
      await vpc(`vpcs/${vpcId}`),
      "status",
      "classic_access",
      "resource_group.name",
      "cse_source_ips[].ip.address",
      "dns.resolver.type",
      "public_address_ranges",
    );
    expectMembers(
      await vpc(`vpcs/${vpcId}/address_prefixes`),
      "address_prefixes[].zone.name",
      "address_prefixes[].cidr",
      "address_prefixes[].is_default",
    );
    await tags(network["crn"]);
    expectMembers(await vpc("subnets"), "subnets[].vpc.id", "subnets[].status", "subnets[].total_ipv4_address_count");
    expectMembers(
      await vpc(`security_groups?vpc.id=${vpcId}`),
      "security_groups[].rules[].direction",
      "security_groups[].rules[].protocol",
      "security_groups[].rules[].remote",
      "security_groups[].rules[].ip_version",
    );
    await api.must(`PATCH /v1/vpcs/${vpcId}?${Q}`, { name: "tf-renamed" });

    const zone = { name: `${emulator.region}-1` };
    const subnet = await api.must(`POST /v1/subnets?${Q}`, {
      name: "tf",
      vpc: { id: vpcId },
      zone,
      total_ipv4_address_count: 16,
    });
    const subnetId = textOf(subnet["id"]);
    expectMembers(
      await vpc(`subnets/${subnetId}`),
      "crn",
      "routing_table.id",
      "routing_table.crn",
      "network_acl.id",
      "available_ipv4_address_count",
      "ip_version",
      "ipv4_cidr_block",
      "resource_group.name",
    );

    const rsa = await newPublicKey();
    const key = await api.must(`POST /v1/keys?${Q}`, { name: "tf", public_key: `${rsa} comment`, type: "rsa" });
    const keyPath = `keys/${textOf(key["id"])}`;
    expectMembers(await vpc(keyPath), "fingerprint", "length", "href", "resource_group.id");
    expect((await vpc(keyPath))["public_key"]).toBe(rsa);
    await api.must(`PATCH /v1/${keyPath}?${Q}`, { name: "tf-key" });

    const images = await vpc("images?name=ibm-debian-12-minimal-amd64-1");
    expectMembers(
      images,
      "images[].id",
      "images[].crn",
      "images[].status",
      "images[].operating_system.architecture",
      "images[].file",
    );
    const image = { id: (images["images"] as unknown as Json[])[0]?.["id"] };
    const profile = await api.profile("tf-server");
    const prototype = {
      profile: { name: "bx2-2x8" },
      vpc: { id: vpcId },
      zone,
      image,
      keys: [{ id: key["id"] }],
      user_data: "#!/bin/sh\n",
      resource_group: group,
      metadata_service: { enabled: true, protocol: "http", response_hop_limit: 2 },
      default_trusted_profile: { target: { id: profile.id } },
    };
    const byInterface = { primary_network_interface: { subnet: { id: subnetId }, allow_ip_spoofing: false } };
    const byAttachment = {
      primary_network_attachment: { name: "eth0", virtual_network_interface: { subnet: { id: subnetId } } },
    };
    const created = await api.must(`POST /v1/instances?${Q}`, { name: "tf", ...prototype, ...byAttachment });
    const path = `instances/${textOf(created["id"])}`;
    await status(path, "running");
    const readInstance = async (): Promise<Json> => {
      const instance = await vpc(path);
      expectMembers(instance, "crn", "name", "vpc.id", "zone.name", "profile.name", "image.id", "resource_group.name");
      expectMembers(
        instance,
        "metadata_service.enabled",
        "metadata_service.protocol",
        "metadata_service.response_hop_limit",
      );
      const initialization = await vpc(`${path}/initialization`);
      expectMembers(
        initialization,
        "default_trusted_profile.target.id",
        "default_trusted_profile.auto_link",
        "keys[].id",
      );
      const nic = instance["primary_network_interface"] as Json;
      expectMembers(
        nic,
        "id",
        "name",
        "primary_ip.id",
        "primary_ip.address",
        "primary_ip.href",
        "primary_ip.resource_type",
        "subnet.id",
      );
      const ip = textOf(nic["primary_ip"]?.["id"]);
      expectMembers(await vpc(`subnets/${subnetId}/reserved_ips/${ip}`), "auto_delete", "address");
      expectMembers(
        await vpc(`${path}/network_interfaces/${textOf(nic["id"])}`),
        "allow_ip_spoofing",
        "subnet.id",
        "security_groups[].id",
      );
      const attachment = instance["primary_network_attachment"] as Json;
      expectMembers(attachment, "id", "name", "primary_ip.id", "subnet.id", "resource_type");
      const full = await vpc(`${path}/network_attachments/${textOf(attachment["id"])}`);
      expectMembers(
        full,
        "virtual_network_interface.id",
        "virtual_network_interface.crn",
        "virtual_network_interface.resource_type",
      );
      const vni = await vpc(`virtual_network_interfaces/${textOf(full["virtual_network_interface"]?.["id"])}`);
      expectMembers(vni, "resource_group.id", "primary_ip.id", "auto_delete", "ips[].id", "security_groups[].id");
      const boot = textOf(instance["boot_volume_attachment"]?.["id"]);
      expectMembers(await vpc(`${path}/volume_attachments/${boot}`), "delete_volume_on_instance_delete", "type");
      const volume = textOf(instance["boot_volume_attachment"]?.["volume"]?.["id"]);
      expectMembers(await vpc(`volumes/${volume}`), "capacity", "iops", "profile.name");
      await tags(instance["crn"]);
      return instance;
    };
    const first = await readInstance();
    expect(await readInstance()).toEqual(first);
    await api.must(
      `PATCH /v1/${path}?${Q}`,
      { name: "tf-renamed" },
      { headers: { "Content-Type": "application/merge-patch+json" } },
    );
    await api.must(`PATCH /v1/${path}?${Q}`, { metadata_service: { response_hop_limit: 3 } });
    expect((await readInstance())["metadata_service"]).toEqual({
      enabled: true,
      protocol: "http",
      response_hop_limit: 3,
    });

    const template = await api.must(`POST /v1/instance/templates?${Q}`, { name: "tf", ...prototype, ...byInterface });
    const templatePath = `instance/templates/${textOf(template["id"])}`;
    const shown = await vpc(templatePath);
    expectMembers(
      shown,
      "primary_network_interface.name",
      "crn",
      "href",
      "resource_group.id",
      "user_data",
      "keys[].id",
    );
    expect(shown["metadata_service"]).toEqual(prototype.metadata_service);
    expect(shown["default_trusted_profile"]).toMatchObject({ auto_link: true, target: { id: profile.id } });

    const metal = await api.must(`POST /v1/bare_metal_servers?${Q}`, {
      name: "tf",
      profile: { name: "bx2-metal-96x384" },
      vpc: { id: vpcId },
      zone,
      initialization: {
        image,
        keys: prototype.keys,
        default_trusted_profile: { auto_link: true, target: { crn: profile.crn } },
      },
      metadata_service: { enabled: true },
      primary_network_interface: { interface_type: "pci", enable_infrastructure_nat: true, subnet: { id: subnetId } },
    });
    const metalPath = `bare_metal_servers/${textOf(metal["id"])}`;
    await status(metalPath, "running");
    expectMembers(
      await vpc(`${metalPath}/initialization`),
      "default_trusted_profile.target.id",
      "image.id",
      "keys[].id",
      "user_accounts",
    );
    const metalNic = textOf((await vpc(metalPath))["primary_network_interface"]?.["id"]);
    expectMembers(await vpc(`${metalPath}/network_interfaces/${metalNic}`), "interface_type", "primary_ip.id");
    expect((await get(`/v1/profiles/${profile.id}/links`))["links"]).toHaveLength(2);

    await api.must(`POST /v1/${metalPath}/stop?${Q}`, { type: "hard" });
    await status(metalPath, "stopped");
    await api.must(`DELETE /v1/${metalPath}?${Q}`);
    await gone(metalPath);
    await api.must(`DELETE /v1/${templatePath}?${Q}`);
    const boot = textOf(first["boot_volume_attachment"]?.["volume"]?.["id"]);
    expectMembers(
      await api.must(`POST /v1/${path}/actions?${Q}`, { type: "stop" }),
      "id",
      "href",
      "created_at",
      "status",
      "type",
    );
    await status(path, "stopped");
    expectMembers(
      await vpc(`${path}/volume_attachments`),
      "volume_attachments[].type",
      "volume_attachments[].delete_volume_on_instance_delete",
      "volume_attachments[].volume.id",
    );
    await api.must(`DELETE /v1/${path}?${Q}`);
    await gone(path);
    await gone(`volumes/${boot}`);
    expect((await get(`/v1/profiles/${profile.id}/links`))["links"]).toEqual([]);
    await api.must(`DELETE /v1/${keyPath}?${Q}`);
    await api.must(`DELETE /v1/subnets/${subnetId}?${Q}`);
    await gone(`subnets/${subnetId}`);
    await api.must(`DELETE /v1/vpcs/${vpcId}?${Q}`);
    await gone(`vpcs/${vpcId}`);
    expect(emulator.inventory().securityGroups).toHaveLength(1);
  });

  it("security group with rules", async () => {
    const vpcId = emulator.inventory().vpcs[0]?.["id"];
    const group = await api.must(`POST /v1/security_groups?${Q}`, { name: "tf-group", vpc: { id: vpcId } });
    const path = `security_groups/${textOf(group["id"])}`;
    const rule = await api.must(`POST /v1/${path}/rules?${Q}`, {
      direction: "inbound",
      ip_version: "ipv4",
      protocol: "tcp",
      port_min: 443,
      port_max: 443,
      remote: { cidr_block: "0.0.0.0/0" },
    });
    const rulePath = `${path}/rules/${textOf(rule["id"])}`;
    expectMembers(await vpc(rulePath), "direction", "ip_version", "protocol", "port_min", "remote.cidr_block");
    await api.must(`PATCH /v1/${rulePath}?${Q}`, { port_max: 444 });
    expect((await vpc(rulePath))["port_max"]).toBe(444);
    expectMembers(await vpc(`${path}/targets`), "targets");
    await api.must(`DELETE /v1/${rulePath}?${Q}`);
    await api.must(`DELETE /v1/${path}?${Q}`);
  });
});

/** An RSA key in OpenSSH's form. */
async function newPublicKey(): Promise<string> {
  const { generateKeyPairSync } = await import("node:crypto");
  const { n = "", e = "" } = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
  const field = (data: Buffer): Buffer => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(data.length);
    return Buffer.concat([size, data]);
  };
  const positive = (text: string): Buffer => {
    const number = Buffer.from(text, "base64url");
    return (number[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), number]) : number;
  };
  const blob = Buffer.concat([field(Buffer.from("ssh-rsa")), field(positive(e)), field(positive(n))]);
  return `ssh-rsa ${blob.toString("base64")}`;
}
