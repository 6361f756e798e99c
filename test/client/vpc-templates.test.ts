/** Instance templates and groups of the VPC API: bodies, what answers may look like, merge patches, pages. */
import {
  createInstanceGroup,
  deleteInstanceGroup,
  listGroupServers,
  updateInstanceGroup,
} from "../../client/vpc-instance-groups";
import { createTemplate, getTemplate, listTemplates, renameTemplate } from "../../client/vpc-templates";
import {
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

const calls = (): unknown[][] =>
  server
    .to("/v1/")
    .map(({ method, url, body }) => [
      `${method} ${url.replace(/\?version=[\d-]+&generation=2/, "")}`,
      ...(body === "" ? [] : [JSON.parse(body) as unknown]),
    ]);
const wireTemplate = { id: "0717-t", crn: "crn:t", name: "web", created_at: "2026-01-01T00:00:00Z" };
const wireGroup = {
  id: "r006-g",
  crn: "crn:g",
  name: "web",
  status: "scaling",
  instance_template: { id: "0717-t" },
  subnets: [{ id: "0717-s" }],
  membership_count: 2,
};

describe("templates", () => {
  it("are made from a prototype, and always say whether they link", async () => {
    await serve(() => ({ status: 201, body: wireTemplate }));
    await createTemplate(session, {
      name: "web",
      profile: "bx2-2x8",
      defaultTrustedProfile: { target: "crn:v1:p", autoLink: false },
      primaryNetworkAttachment: { virtualNetworkInterface: { subnetId: "0717-s" } },
    });
    expect(calls()).toEqual([
      [
        "POST /v1/instance/templates",
        {
          name: "web",
          profile: { name: "bx2-2x8" },
          default_trusted_profile: { auto_link: false, target: { crn: "crn:v1:p" } },
          primary_network_attachment: { virtual_network_interface: { subnet: { id: "0717-s" } } },
        },
      ],
    ]);
  });

  it.each<[string, object]>([
    ["ids", { id: "Profile-1" }],
    ["CRNs", { crn: "crn:v1:bluemix:public:iam-identity::a/0::profile:Profile-1" }],
    ["both, and null where there is nothing", { id: "Profile-1", crn: "crn:x:Profile-1", href: null }],
  ])("are read where they repeat %s", async (_name, target) => {
    await serve(() => ({
      body: {
        ...wireTemplate,
        image: { href: "https://x/v1/images/r006-i" },
        vpc: { crn: "crn:v1:vpc:r006-v" },
        keys: [{ id: "k1" }, { crn: "crn:v1:key:k2" }],
        metadata_service: { enabled: true },
        default_trusted_profile: { target },
        user_data: "#!/bin/sh",
        primary_network_interface: { subnet: { id: "0717-s" }, security_groups: [{ id: "sg" }] },
        resource_group: null,
      },
    }));
    expect(await getTemplate(session, "0717-t")).toStrictEqual({
      id: "0717-t",
      crn: "crn:t",
      name: "web",
      vpcId: "r006-v",
      subnetId: "0717-s",
      securityGroupIds: ["sg"],
      imageId: "r006-i",
      keyIds: ["k1", "k2"],
      metadataService: { enabled: true, protocol: "http", responseHopLimit: 1 },
      // IBM's default.
      defaultTrustedProfile: { autoLink: true, target: "Profile-1" },
      userData: "#!/bin/sh",
      createdAt: wireTemplate.created_at,
    });
  });

  it("are renamed by a merge patch and listed page by page", async () => {
    await serve(({ method, url }) => ({
      body:
        method === "PATCH"
          ? wireTemplate
          : url.includes("start=s1")
            ? { templates: [{ ...wireTemplate, name: "b" }] }
            : { templates: [wireTemplate], next: { href: "https://elsewhere/?start=s1" } },
    }));
    await renameTemplate(session, "0717-t", "web");
    const names = [];
    for await (const { name } of listTemplates(session)) names.push(name);
    expect([calls()[0], names]).toEqual([
      ["PATCH /v1/instance/templates/0717-t", { name: "web" }],
      ["web", "b"],
    ]);
  });
});

describe("groups", () => {
  it("are made and changed with what is given only", async () => {
    await serve(() => ({ status: 201, body: wireGroup }));
    const made = await createInstanceGroup(session, {
      name: "web",
      instanceTemplateId: "0717-t",
      subnetIds: ["0717-s", "crn:v1:s"],
      membershipCount: 2,
      resourceGroupId: "rg",
    });
    await updateInstanceGroup(session, made.id, {
      applicationPort: 80,
      loadBalancerId: "crn:v1:lb",
      loadBalancerPoolId: "pool",
    });
    expect(calls()).toEqual([
      [
        "POST /v1/instance_groups",
        {
          name: "web",
          instance_template: { id: "0717-t" },
          subnets: [{ id: "0717-s" }, { crn: "crn:v1:s" }],
          membership_count: 2,
          resource_group: { id: "rg" },
        },
      ],
      [
        "PATCH /v1/instance_groups/r006-g",
        { application_port: 80, load_balancer: { crn: "crn:v1:lb" }, load_balancer_pool: { id: "pool" } },
      ],
    ]);
    expect(made).toStrictEqual({
      id: "r006-g",
      crn: "crn:g",
      name: "web",
      status: "scaling",
      instanceTemplateId: "0717-t",
      subnetIds: ["0717-s"],
      membershipCount: 2,
      createdAt: "",
    });
  });

  it("are gone when they are not there, and name their servers with what is wrong with them", async () => {
    const reasons = [{ code: "cannot_start_capacity", message: "No room." }];
    await serve(({ method }) =>
      method === "DELETE"
        ? { status: 404, body: { errors: [{ code: "not_found" }] } }
        : { body: { instances: [{ id: "i", name: "a", status: "failed", status_reasons: reasons }] } },
    );
    await deleteInstanceGroup(session, "r006-g");
    const found = [];
    for await (const one of listGroupServers(session, "r006-g")) found.push(one);
    expect(found).toEqual([{ id: "i", name: "a", status: "failed", statusReasons: reasons }]);
    expect(String(calls()[1]?.[0])).toContain("instance_group_membership.instance_group.id=r006-g");
  });
});
