/** What a subnet uses, and what a floating IP is bound to: chosen, changed in place, given up, and lost. */
import { createInstance, deleteInstance } from "../../client/vpc";
import {
  attachPublicGateway,
  createSubnet,
  createVpc,
  detachPublicGateway,
  getFloatingIp,
  getSubnet,
  getVpc,
  updateFloatingIp,
  updateSubnet,
} from "../../client/vpc-networks";
import { handler as floatingIp } from "../../provider/floating-ip";
import { handler as subnet } from "../../provider/subnet";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";

const ZONE = "us-south-1";

let cloud: Cloud;
let vpcId: string;
beforeEach(async () => {
  cloud = await startCloud();
  vpcId = (await createVpc(cloud.elsewhere, { name: "shared" })).id;
});
afterEach(() => cloud.close());

/** Makes something that this package does not. */
async function made(path: string, body: object): Promise<string> {
  const answer = await cloud.elsewhere.call({ api: "vpc", method: "POST", path, body, doing: "prepare a test" });
  return (answer.body as { id: string }).id;
}

describe("what a subnet uses", () => {
  const create = (more: object = {}): Promise<Life> => new Life(subnet as never).create({ ...wish(more) });
  const wish = (more: object): Record<string, unknown> => ({ vpcId, zone: ZONE, totalIpv4AddressCount: 16, ...more });
  const live = (life: Life): ReturnType<typeof getSubnet> => getSubnet(cloud.elsewhere, life.id);
  /** The emulator makes network ACLs only with a VPC, and lets a subnet have any. */
  const newAcl = async (name: string): Promise<string> =>
    (await createVpc(cloud.elsewhere, { name })).defaultNetworkAclId ?? "";
  const newGateway = (): Promise<string> => made("/public_gateways", { vpc: { id: vpcId }, zone: { name: ZONE } });

  it("is shown when the program chose it, and everything when it is read by its id", async () => {
    const networkAclId = await newAcl("mine");
    const life = await create({ networkAclId });
    expect(life.outputs).toMatchObject({ networkAclId });
    expect(life.outputs).not.toHaveProperty("routingTableId");
    const { props = {} } = (await subnet.read?.(life.id, {} as never)) ?? {};
    expect(props).toMatchObject({ networkAclId, routingTableId: expect.any(String) as string });
  });

  it("is chosen, changed and given back to the VPC's defaults in place", async () => {
    const [first, second, publicGatewayId] = [await newAcl("first"), await newAcl("second"), await newGateway()];
    const vpc = await getVpc(cloud.elsewhere, vpcId);
    const routingTableId = vpc?.defaultRoutingTableId ?? "";
    const life = await create();
    for (const more of [{ networkAclId: first }, { networkAclId: second, publicGatewayId, routingTableId }]) {
      expect(await life.diff(wish(more))).toMatchObject({ changes: true, replaces: [] });
      await life.update(wish(more));
      expect(await live(life)).toMatchObject(more);
      expect(await life.diff(wish(more))).toMatchObject({ changes: false });
    }
    expect(await life.diff(wish({}))).toMatchObject({ changes: true, replaces: [] });
    await life.update(wish({}));
    expect(await live(life)).toMatchObject({ networkAclId: vpc?.defaultNetworkAclId, routingTableId });
    expect(await live(life)).not.toHaveProperty("publicGatewayId");
    expect(await life.diff(wish({}))).toMatchObject({ changes: false });
  });

  it("has a public gateway from the start, and by CRN it is the same", async () => {
    const publicGatewayId = await newGateway();
    const life = await create({ publicGatewayId });
    expect(await live(life)).toMatchObject({ publicGatewayId });
    const crn = `crn:v1:bluemix:public:is:${ZONE}:a/1::public-gateway:${publicGatewayId}`;
    expect(await life.diff(wish({ publicGatewayId: crn }))).toMatchObject({ changes: false });
  });

  it("is left alone when somebody else chose it", async () => {
    const life = await create();
    await attachPublicGateway(cloud.elsewhere, life.id, await newGateway());
    await updateSubnet(cloud.elsewhere, life.id, { networkAclId: await newAcl("theirs") });
    await life.refresh();
    expect(await life.diff(wish({}))).toMatchObject({ changes: false });
    await life.update(wish({ name: "renamed" }));
    expect(await live(life)).toHaveProperty("publicGatewayId");
  });

  it("shows when somebody else took away what the program chose, and mends it", async () => {
    const publicGatewayId = await newGateway();
    const life = await create({ publicGatewayId });
    await detachPublicGateway(cloud.elsewhere, life.id);
    await life.refresh();
    expect(life.inputs).not.toHaveProperty("publicGatewayId");
    expect(await life.diff(wish({ publicGatewayId }))).toMatchObject({ changes: true });
    await life.update(wish({ publicGatewayId }));
    expect(await live(life)).toMatchObject({ publicGatewayId });
  });

  it("takes the range it is given", async () => {
    const life = await new Life(subnet as never).create({ vpcId, ipv4CidrBlock: "10.240.64.0/24" });
    expect(life.outputs).toMatchObject({ zone: "us-south-2", totalIpv4AddressCount: 256 });
    await life.refresh();
    expect(await life.diff({ vpcId, ipv4CidrBlock: "10.240.64.0/24" })).toMatchObject({ changes: false });
  });
});

describe("what a floating IP is bound to", () => {
  const create = (args: object): Promise<Life> => new Life(floatingIp as never).create({ ...args });
  const live = (life: Life): ReturnType<typeof getFloatingIp> => getFloatingIp(cloud.elsewhere, life.id);
  const vniOf = (instance: Awaited<ReturnType<typeof createInstance>>): string =>
    instance.primaryNetworkAttachment?.virtualNetworkInterfaceId ?? "";

  async function server(name: string, zone = ZONE): Promise<Awaited<ReturnType<typeof createInstance>>> {
    const { subnets, images } = cloud.emulator.inventory();
    const subnetId = String(subnets.find((row) => row.zone === zone)?.id);
    return createInstance(cloud.elsewhere, {
      name,
      profile: "bx2-2x8",
      zone,
      imageId: String(images[0]?.id),
      primaryNetworkAttachment: { virtualNetworkInterface: { subnetId, autoDelete: true } },
    });
  }

  it("is the primary interface of the server that is named, by id or CRN", async () => {
    const app = await server("app");
    cloud.calls();
    const life = await create({ instanceId: app.id });
    expect(cloud.calls()).toEqual([`GET /v1/instances/${app.id}`, "POST /v1/floating_ips"]);
    expect(life.outputs).toMatchObject({
      instanceId: app.id,
      targetId: vniOf(app),
      targetType: "virtual_network_interface",
      zone: ZONE,
    });
    expect(life.outputs).not.toHaveProperty("virtualNetworkInterfaceId");
    expect(await life.diff({ instanceId: app.crn })).toMatchObject({ changes: false });
    await life.refresh();
    expect(await life.diff({ instanceId: app.id })).toMatchObject({ changes: false });
  });

  it("is an interface, of either kind", async () => {
    const app = await server("app");
    const byVni = await create({ virtualNetworkInterfaceId: vniOf(app) });
    expect(byVni.outputs).toMatchObject({ virtualNetworkInterfaceId: vniOf(app) });
    expect(byVni.outputs).not.toHaveProperty("instanceId");
    await byVni.delete();
    const subnetId = String(cloud.emulator.inventory().subnets[0]?.id);
    const old = await made("/instances", {
      profile: { name: "bx2-2x8" },
      zone: { name: ZONE },
      image: { id: String(cloud.emulator.inventory().images[0]?.id) },
      primary_network_interface: { subnet: { id: subnetId } },
    });
    const byServer = await create({ instanceId: old });
    const networkInterfaceId = String(byServer.outputs.targetId);
    expect(byServer.outputs).toMatchObject({ instanceId: old, targetType: "network_interface" });
    await byServer.update({ zone: ZONE });
    expect(await live(byServer)).not.toHaveProperty("target");
    await byServer.update({ networkInterfaceId });
    expect(await live(byServer)).toMatchObject({ target: { id: networkInterfaceId, instanceId: old } });
    expect(byServer.outputs).toMatchObject({ networkInterfaceId });
  });

  it("moves from one server to another, to none and back, and keeps its address", async () => {
    const [one, two] = [await server("one"), await server("two")];
    const life = await create({ instanceId: one.id });
    const { address } = life.outputs;
    for (const [args, target] of [
      [{ instanceId: two.id }, vniOf(two)],
      [{ zone: ZONE }, undefined],
      [{ instanceId: one.id, name: "renamed" }, vniOf(one)],
    ] as const) {
      expect(await life.diff(args)).toMatchObject({ changes: true, replaces: [] });
      await life.update(args);
      const now = await live(life);
      expect([now?.target?.id, now?.address]).toEqual([target, address]);
      expect(await life.diff(args)).toMatchObject({ changes: false });
    }
    expect(life.outputs.name).toBe("renamed");
  });

  it("is bound again to the server that takes the place of the one it was bound to", async () => {
    const old = await server("app");
    const life = await create({ instanceId: old.id });
    await deleteInstance(cloud.elsewhere, old.id);
    cloud.emulator.advance(1);
    const next = await server("app");
    await life.update({ instanceId: next.id });
    expect(await live(life)).toMatchObject({ target: { id: vniOf(next) } });
  });

  it("shows when somebody else took it away or moved it, and mends it", async () => {
    const [one, two] = [await server("one"), await server("two")];
    const life = await create({ instanceId: one.id });
    await updateFloatingIp(cloud.elsewhere, life.id, { targetId: vniOf(two) });
    expect(await rejectionOf(life.update({ instanceId: one.id, name: "n" }))).toContain(
      "since it was last read: instanceId",
    );
    await life.refresh();
    expect(life.inputs).toMatchObject({ virtualNetworkInterfaceId: vniOf(two) });
    await life.update({ instanceId: one.id });
    expect(await live(life)).toMatchObject({ target: { id: vniOf(one) } });
  });

  it("is not in another zone", async () => {
    const life = await create({ zone: ZONE });
    const far = await server("far", "us-south-2");
    expect(await rejectionOf(life.update({ instanceId: far.id }))).toBe(
      `floating IP "${String(life.outputs.name)}" (${life.id}) is in zone us-south-1, the server in us-south-2: an address ` +
        "cannot leave its zone. Replace it once with `pulumi up --replace <URN of the floating IP>`, which gives another address.",
    );
  });

  it("must exist", async () => {
    expect(await rejectionOf(create({ instanceId: "0717_none" }))).toBe(
      'There is no server "0717_none" that the floating IP could be bound to.',
    );
  });

  it("may be a server that is not visible everywhere yet", async () => {
    const app = await server("app");
    const gone = { errors: [{ code: "not_found", message: "Not yet." }] };
    const planned = cloud.fail("GET", new RegExp(`${app.id}$`), { status: 404, body: gone }, 2);
    await create({ instanceId: app.id });
    expect(planned.fired).toBe(2);
  });
});

it("a subnet is deleted when the last interface is out of it", async () => {
  const shown = jest.spyOn(console, "warn").mockImplementation();
  const life = await new Life(subnet as never).create({ vpcId, zone: ZONE, totalIpv4AddressCount: 16 });
  const other = await createSubnet(cloud.elsewhere, { name: "o", vpcId, zone: ZONE, totalIpv4AddressCount: 16 });
  const vni = await made("/virtual_network_interfaces", { subnet: { id: life.id } });
  const path = `/virtual_network_interfaces/${vni}`;
  const later = setTimeout(() => {
    void cloud.elsewhere.call({ api: "vpc", method: "DELETE", path, doing: "clean up" });
  }, 50);
  await life.delete();
  clearTimeout(later);
  const [[warning] = []] = shown.mock.calls as [string?][];
  shown.mockRestore();
  expect(warning).toContain("is still in use and is deleted later: The subnet");
  expect(await getSubnet(cloud.elsewhere, life.id)).toBeUndefined();
  expect(await getSubnet(cloud.elsewhere, other.id)).toBeDefined();
});
