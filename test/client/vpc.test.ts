/** Servers of the VPC API: query rules, field by field in both directions, merge patches, deletion. */
import {
  createInstance,
  deleteInstance,
  getInitialization,
  getInstance,
  listInstances,
  updateInstance,
} from "../../client/vpc";
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

const vpcCalls = (): { line: string; body: unknown }[] =>
  server.to("/v1/").map(({ method, url, body }) => ({
    line: `${method} ${url}`,
    body: body === "" ? undefined : (JSON.parse(body) as unknown),
  }));
const ID = "0717_0123";
const CRN = `crn:v1:bluemix:public:is:us-south-1:a/acc::instance:${ID}`;
const wire = {
  id: ID,
  crn: CRN,
  href: "https://x/instances/0717_0123",
  name: "web",
  status: "failed",
  status_reasons: [{ code: "cannot_start_capacity", message: "No room.", more_info: "https://x" }],
  lifecycle_state: "stable",
  lifecycle_reasons: [],
  metadata_service: { enabled: true, protocol: "https", response_hop_limit: 2 },
  profile: { name: "bx2-2x8" },
  vpc: { id: "r006-vpc" },
  zone: { name: "us-south-1" },
  image: { id: "r006-image" },
  resource_group: { id: "group" },
  created_at: "2026-01-01T00:00:00Z",
  primary_network_interface: { id: "nic-1", primary_ip: { address: "10.0.0.9" } },
  primary_network_attachment: {
    id: "att-1",
    name: "eth0",
    primary_ip: { address: "10.0.0.4" },
    subnet: { id: "0717-subnet" },
    virtual_network_interface: { id: "vni-1" },
  },
  network_attachments: [],
  vcpu: { count: 2 },
  memory: 8,
};

describe("servers", () => {
  it("create: every field, ids and CRNs, the server's defaults left to the server", async () => {
    await serve(() => ({ status: 201, body: wire, headers: { etag: 'W/"1"' } }));
    const instance = await createInstance(session, {
      name: "web",
      profile: "bx2-2x8",
      zone: "us-south-1",
      imageId: "r006-image",
      vpcId: "crn:v1:vpc",
      keyIds: ["r006-key"],
      userData: "#cloud-config\n",
      resourceGroupId: "group",
      metadataService: { enabled: true },
      defaultTrustedProfile: { target: "Profile-1", autoLink: true },
      primaryNetworkAttachment: {
        virtualNetworkInterface: { subnetId: "0717-subnet", primaryIp: "10.0.0.4", securityGroupIds: ["r006-sg"] },
      },
    });
    expect(vpcCalls()).toEqual([
      {
        line: "POST /v1/instances?version=2025-08-26&generation=2",
        body: {
          name: "web",
          profile: { name: "bx2-2x8" },
          zone: { name: "us-south-1" },
          image: { id: "r006-image" },
          vpc: { crn: "crn:v1:vpc" },
          keys: [{ id: "r006-key" }],
          user_data: "#cloud-config\n",
          resource_group: { id: "group" },
          metadata_service: { enabled: true },
          default_trusted_profile: { auto_link: true, target: { id: "Profile-1" } },
          primary_network_attachment: {
            virtual_network_interface: {
              subnet: { id: "0717-subnet" },
              primary_ip: { address: "10.0.0.4" },
              security_groups: [{ id: "r006-sg" }],
            },
          },
        },
      },
    ]);
    expect(instance).toStrictEqual({
      id: ID,
      crn: CRN,
      href: wire.href,
      name: "web",
      status: "failed",
      statusReasons: [{ code: "cannot_start_capacity", message: "No room." }],
      lifecycleState: "stable",
      lifecycleReasons: [],
      metadataService: { enabled: true, protocol: "https", responseHopLimit: 2 },
      profile: "bx2-2x8",
      vpcId: "r006-vpc",
      zone: "us-south-1",
      imageId: "r006-image",
      resourceGroupId: "group",
      primaryIp: "10.0.0.4",
      primaryNetworkAttachment: {
        id: "att-1",
        name: "eth0",
        primaryIp: "10.0.0.4",
        subnetId: "0717-subnet",
        virtualNetworkInterfaceId: "vni-1",
      },
      networkAttachments: [],
      subnetId: "0717-subnet",
      primaryNetworkInterfaceId: "nic-1",
      memoryGib: 8,
      vcpuCount: 2,
      createdAt: wire.created_at,
      etag: 'W/"1"',
    });
  });

  it("an interface that exists, and a default profile by CRN that is not to be linked", async () => {
    await serve(() => ({ status: 201, body: wire }));
    await createInstance(session, {
      profile: "bx2-2x8",
      zone: "us-south-1",
      imageId: "r006-image",
      defaultTrustedProfile: { target: "crn:p", autoLink: false },
      primaryNetworkAttachment: { name: "eth0", virtualNetworkInterface: { id: "crn:vni" } },
    });
    expect(vpcCalls()[0]?.body).toEqual({
      profile: { name: "bx2-2x8" },
      zone: { name: "us-south-1" },
      image: { id: "r006-image" },
      default_trusted_profile: { auto_link: false, target: { crn: "crn:p" } },
      primary_network_attachment: { name: "eth0", virtual_network_interface: { crn: "crn:vni" } },
    });
  });

  it.each([
    {
      name: "an address that is not there yet",
      attachment: { id: "a", name: "n", primary_ip: { address: "0.0.0.0" } },
    },
    { name: "no attachment", attachment: undefined },
  ])("$name falls back to the interface", async ({ attachment }) => {
    await serve(() => ({ body: { ...wire, primary_network_attachment: attachment } }));
    expect((await getInstance(session, ID))?.primaryIp).toBe("10.0.0.9");
  });

  it("update: a merge patch of what is given only, repeated when its answer is lost", async () => {
    await serve((_, index) => (index === 1 ? { instead: "reset" } : { body: wire }));
    await updateInstance(session, ID, { metadataService: { responseHopLimit: 2 } }, "tag");
    const [first, second] = server.to("/v1/");
    expect(first?.method).toBe("PATCH");
    expect(first?.headers["content-type"]).toBe("application/merge-patch+json");
    expect(first?.headers["if-match"]).toBe("tag");
    expect(JSON.parse(first?.body ?? "")).toEqual({ metadata_service: { response_hop_limit: 2 } });
    expect(second?.body).toBe(first?.body);
  });

  it("a create whose answer is lost is not repeated", async () => {
    await serve(() => ({ instead: "reset" }));
    const creating = createInstance(session, {
      profile: "p",
      zone: "z",
      imageId: "i",
      primaryNetworkAttachment: { virtualNetworkInterface: { subnetId: "s" } },
    });
    await expect(creating).rejects.toMatchObject({ code: "IBMID_OUTCOME_UNKNOWN", status: 0 });
    expect(vpcCalls()).toHaveLength(1);
  });

  it.each([{ status: 204 }, { status: 202 }, { status: 404, body: { errors: [{ code: "not_found" }] } }])(
    "delete: $status is done",
    async (reply) => {
      await serve(() => reply);
      await expect(deleteInstance(session, ID)).resolves.toBeUndefined();
    },
  );

  it("delete: a server that is just starting is an error", async () => {
    await serve(() => ({ status: 409, body: { errors: [{ code: "instance_delete_conflict", message: "Pending." }] } }));
    await expect(deleteInstance(session, ID)).rejects.toMatchObject({ serverCode: "instance_delete_conflict" });
  });

  it("list: all pages", async () => {
    await serve(({ url }) => ({
      body: url.includes("start=s1")
        ? { instances: [{ ...wire, name: "b" }], limit: 100, total_count: 2 }
        : { instances: [{ ...wire, name: "a" }], next: { href: "https://elsewhere/v1/instances?start=s1&limit=1" } },
    }));
    const names = [];
    for await (const { name } of listInstances(session, { name: "web", vpcId: "r006-vpc" })) names.push(name);
    expect(names).toEqual(["a", "b"]);
    expect(vpcCalls()[1]?.line).toMatch(/generation=2&name=web&vpc\.id=r006-vpc&limit=100&start=s1$/);
  });

  it("initialization: default profile and keys; a server without one has none", async () => {
    const target = { id: "Profile-1", crn: "crn:p", resource_type: "trusted_profile" };
    await serve(({ url }) => ({
      body: url.includes("bare")
        ? { keys: [] }
        : { default_trusted_profile: { auto_link: true, target }, keys: [{ id: "k1", name: "key" }] },
    }));
    expect(await getInitialization(session, ID)).toStrictEqual({
      defaultTrustedProfile: { autoLink: true, target: { id: "Profile-1", crn: "crn:p" } },
      keyIds: ["k1"],
    });
    expect(await getInitialization(session, "bare")).toStrictEqual({ keyIds: [] });
  });
});
