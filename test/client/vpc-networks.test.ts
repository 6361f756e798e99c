/** VPCs, subnets, SSH keys and floating IPs of the VPC API: field by field in both directions. */
import {
  attachPublicGateway,
  createFloatingIp,
  createSshKey,
  createSubnet,
  createVpc,
  deleteFloatingIp,
  deleteSshKey,
  deleteSubnet,
  deleteVpc,
  detachPublicGateway,
  getFloatingIp,
  getSshKey,
  getSubnet,
  getVpc,
  listFloatingIps,
  listSshKeys,
  listSubnets,
  listVpcs,
  unbindFloatingIp,
  updateFloatingIp,
  updateSshKey,
  updateSubnet,
  updateVpc,
} from "../../client/vpc-networks";
import {
  type OpenedSession,
  type Script,
  type ScriptedServer,
  sessionOn,
  startServer,
  withTokens,
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

/** Method, path and further query of the calls, with what was sent. */
const calls = (): [string, unknown?][] =>
  server.to("/v1/").map(({ method, url, body }) => {
    const line = `${method} ${url.replace("version=2025-08-26&generation=2", "").replace(/[?&]$/, "").replace("?&", "?")}`;
    return body === "" ? [line] : [line, JSON.parse(body) as unknown];
  });

const common = {
  id: "r006-1",
  crn: "crn:1",
  name: "app",
  created_at: "2026-01-01T00:00:00Z",
  resource_group: { id: "group" },
  status: "available",
};
const read = { id: "r006-1", crn: "crn:1", name: "app", createdAt: "2026-01-01T00:00:00Z", resourceGroupId: "group" };
const vpc = {
  ...common,
  default_security_group: { id: "sg" },
  default_network_acl: { id: "acl" },
  default_routing_table: { id: "table" },
};
const subnet = {
  ...common,
  vpc: { id: "vpc" },
  zone: { name: "us-south-1" },
  ipv4_cidr_block: "10.0.0.0/24",
  total_ipv4_address_count: 256,
  available_ipv4_address_count: 251,
  network_acl: { id: "acl" },
  routing_table: { id: "table" },
  public_gateway: { id: "gateway" },
};
const key = { ...common, public_key: "ssh-ed25519 AAAA", type: "ed25519", length: 256, fingerprint: "SHA256:x" };
const ip = { ...common, address: "198.18.0.1", zone: { name: "us-south-1" } };
interface Case {
  readonly name: string;
  readonly body: object;
  readonly make: () => Promise<unknown>;
  readonly sent: [string, unknown];
  readonly result: object;
}

describe("create", () => {
  it.each<Case>([
    {
      name: "a VPC",
      body: vpc,
      make: () => createVpc(session, { name: "app", addressPrefixManagement: "manual", resourceGroupId: "group" }),
      sent: ["POST /v1/vpcs", { name: "app", address_prefix_management: "manual", resource_group: { id: "group" } }],
      result: {
        ...read,
        status: "available",
        defaultSecurityGroupId: "sg",
        defaultNetworkAclId: "acl",
        defaultRoutingTableId: "table",
        etag: "tag",
      },
    },
    {
      name: "a subnet of a size",
      body: subnet,
      make: () =>
        createSubnet(session, {
          name: "app",
          vpcId: "crn:v1:vpc",
          zone: "us-south-1",
          totalIpv4AddressCount: 256,
          networkAclId: "acl",
          routingTableId: "crn:v1:table",
          publicGatewayId: "gateway",
        }),
      sent: [
        "POST /v1/subnets",
        {
          name: "app",
          vpc: { crn: "crn:v1:vpc" },
          zone: { name: "us-south-1" },
          total_ipv4_address_count: 256,
          network_acl: { id: "acl" },
          routing_table: { crn: "crn:v1:table" },
          public_gateway: { id: "gateway" },
        },
      ],
      result: {
        ...read,
        status: "available",
        vpcId: "vpc",
        zone: "us-south-1",
        ipv4CidrBlock: "10.0.0.0/24",
        totalIpv4AddressCount: 256,
        availableIpv4AddressCount: 251,
        networkAclId: "acl",
        routingTableId: "table",
        publicGatewayId: "gateway",
      },
    },
    {
      name: "a subnet of a range",
      body: { ...subnet, public_gateway: undefined, network_acl: undefined, routing_table: undefined },
      make: () => createSubnet(session, { name: "app", vpcId: "vpc", ipv4CidrBlock: "10.0.0.0/24" }),
      sent: ["POST /v1/subnets", { name: "app", vpc: { id: "vpc" }, ipv4_cidr_block: "10.0.0.0/24" }],
      result: {
        ...read,
        status: "available",
        vpcId: "vpc",
        zone: "us-south-1",
        ipv4CidrBlock: "10.0.0.0/24",
        totalIpv4AddressCount: 256,
        availableIpv4AddressCount: 251,
      },
    },
    {
      name: "a key",
      body: key,
      make: () => createSshKey(session, { name: "app", publicKey: "ssh-ed25519 AAAA", type: "ed25519" }),
      sent: ["POST /v1/keys", { name: "app", public_key: "ssh-ed25519 AAAA", type: "ed25519" }],
      result: { ...read, publicKey: "ssh-ed25519 AAAA", type: "ed25519", length: 256, fingerprint: "SHA256:x" },
    },
    {
      name: "a floating IP in a zone",
      body: ip,
      make: () => createFloatingIp(session, { name: "app", zone: "us-south-1" }),
      sent: ["POST /v1/floating_ips", { name: "app", zone: { name: "us-south-1" } }],
      result: { ...read, status: "available", address: "198.18.0.1", zone: "us-south-1" },
    },
    {
      name: "a floating IP of an interface",
      body: {
        ...ip,
        target: {
          id: "vni",
          resource_type: "virtual_network_interface",
          href: "https://x/v1/virtual_network_interfaces/vni",
        },
      },
      make: () => createFloatingIp(session, { name: "app", targetId: "vni", resourceGroupId: "group" }),
      sent: ["POST /v1/floating_ips", { name: "app", target: { id: "vni" }, resource_group: { id: "group" } }],
      result: {
        ...read,
        status: "available",
        address: "198.18.0.1",
        zone: "us-south-1",
        target: { id: "vni", type: "virtual_network_interface" },
      },
    },
  ])("$name", async ({ body, make, sent, result }) => {
    await serve(() => ({ status: 201, body, headers: { etag: "tag" } }));
    expect(await make()).toStrictEqual(result);
    expect(calls()).toEqual([sent]);
  });
});

it.each<[string, object, object]>([
  [
    "a network interface of a server",
    { id: "nic", resource_type: "network_interface", href: "https://x/v1/instances/0717_1/network_interfaces/nic" },
    { id: "nic", type: "network_interface", instanceId: "0717_1" },
  ],
  ["a public gateway", { id: "gw", resource_type: "public_gateway" }, { id: "gw", type: "public_gateway" }],
])("a floating IP is bound to %s", async (_name, target, expected) => {
  await serve(() => ({ body: { ...ip, target } }));
  expect((await getFloatingIp(session, "r006-1"))?.target).toStrictEqual(expected);
});

describe("update and binding", () => {
  it.each<[string, () => Promise<unknown>, object, [string, unknown?]]>([
    ["a VPC's name", () => updateVpc(session, "1", { name: "b" }, "tag"), vpc, ["PATCH /v1/vpcs/1", { name: "b" }]],
    [
      "what a subnet uses",
      () => updateSubnet(session, "1", { networkAclId: "acl", routingTableId: "crn:t" }),
      subnet,
      ["PATCH /v1/subnets/1", { network_acl: { id: "acl" }, routing_table: { crn: "crn:t" } }],
    ],
    ["a key's name", () => updateSshKey(session, "1", { name: "b" }), key, ["PATCH /v1/keys/1", { name: "b" }]],
    [
      "a floating IP's target",
      () => updateFloatingIp(session, "1", { targetId: "vni" }),
      ip,
      ["PATCH /v1/floating_ips/1", { target: { id: "vni" } }],
    ],
    [
      "a gateway of a subnet",
      () => attachPublicGateway(session, "1", "crn:g"),
      {},
      ["PUT /v1/subnets/1/public_gateway", { crn: "crn:g" }],
    ],
    ["no gateway", () => detachPublicGateway(session, "1"), {}, ["DELETE /v1/subnets/1/public_gateway"]],
    [
      "no virtual network interface",
      () => unbindFloatingIp(session, "1", { id: "vni", type: "virtual_network_interface" }),
      {},
      ["DELETE /v1/virtual_network_interfaces/vni/floating_ips/1"],
    ],
    [
      "no network interface",
      () => unbindFloatingIp(session, "1", { id: "nic", type: "network_interface", instanceId: "i" }),
      {},
      ["DELETE /v1/instances/i/network_interfaces/nic/floating_ips/1"],
    ],
  ])("%s, also when the first answer is lost", async (_name, act, body, sent) => {
    await serve((_, index) => (index === 1 ? { instead: "reset" } : { body }));
    await act();
    expect(calls()).toEqual([sent, sent]);
  });

  it("a VPC only if nobody else changed it, and as a merge patch", async () => {
    await serve(() => ({ body: vpc }));
    await updateVpc(session, "1", { name: "b" }, "tag");
    expect(server.to("/v1/")[0]?.headers).toMatchObject({
      "if-match": "tag",
      "content-type": "application/merge-patch+json",
    });
  });
});

describe("get, list, delete", () => {
  type Act = (id: string) => Promise<unknown>;
  it.each<[string, string, object, Act, () => AsyncGenerator<{ name: string }>, Act]>([
    ["vpcs", "vpcs", vpc, (id) => getVpc(session, id), () => listVpcs(session), (id) => deleteVpc(session, id)],
    [
      "subnets",
      "subnets",
      subnet,
      (id) => getSubnet(session, id),
      () => listSubnets(session),
      (id) => deleteSubnet(session, id),
    ],
    [
      "keys",
      "keys",
      key,
      (id) => getSshKey(session, id),
      () => listSshKeys(session),
      (id) => deleteSshKey(session, id),
    ],
    [
      "floating_ips",
      "floating_ips",
      ip,
      (id) => getFloatingIp(session, id),
      () => listFloatingIps(session),
      (id) => deleteFloatingIp(session, id),
    ],
  ])("%s: all pages; what is not there; an id that is none", async (_name, path, body, get, list, remove) => {
    const notFound = { status: 404, body: { errors: [{ code: "not_found" }] } };
    await serve(({ url, method }) => {
      if (url.includes("/gone")) return notFound;
      if (method === "DELETE") return { status: 202 };
      const next = url.includes("start=s") ? {} : { next: { href: `${server.url}/v1/${path}?start=s` } };
      return { body: { [path]: [body], ...next } };
    });
    const names: string[] = [];
    for await (const { name } of list()) names.push(name);
    expect(names).toEqual(["app", "app"]);
    expect(calls().map(([line]) => line)).toEqual([`GET /v1/${path}?limit=100`, `GET /v1/${path}?limit=100&start=s`]);
    expect(await get("gone")).toBeUndefined();
    await remove("gone");
    await remove("1");
    await expect(get("")).rejects.toMatchObject({ code: "IBMID_BAD_ID" });
    await expect(remove("..")).rejects.toMatchObject({ code: "IBMID_BAD_ID" });
  });

  it("subnets of one VPC", async () => {
    await serve(() => ({ body: { subnets: [] } }));
    for await (const none of listSubnets(session, { vpcId: "r006-1" })) expect(none).toBeUndefined();
    expect(calls()).toEqual([["GET /v1/subnets?vpc.id=r006-1&limit=100"]]);
  });
});
