/** How bare metal servers are connected: in each of the three ways, with further interfaces, and what the rules say of it. */
import { getBareMetalServer, updateBareMetalServer } from "../../client/vpc-bare-metal";
import { handler } from "../../provider/bare-metal-server";
import { Life, testCloud } from "./cloud";
import { vpcGet, vpcPost } from "./instance-place";

const cloud = testCloud();
let warnings: jest.SpyInstance;

beforeEach(() => {
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => warnings.mockRestore());

const subnetId = (): string => String(cloud.emulator.inventory().subnets[0]?.id);
const nic = (more: object = {}): object => ({ subnetId: subnetId(), ...more });
const argsOf = (network: object): Record<string, unknown> => {
  const { images, keys } = cloud.emulator.inventory();
  return {
    zone: `${cloud.emulator.region}-1`,
    bareMetalServerProfile: "bx2-metal-96x384",
    initialization: { imageId: images[0]?.id, sshKeyIds: [keys[0]?.id] },
    ...network,
  };
};
const interfacesOf = (): Record<string, unknown>[] => cloud.emulator.inventory().virtualNetworkInterfaces as never;
const makeInterface = async (): Promise<string> =>
  String((await vpcPost(cloud, "/virtual_network_interfaces", { subnet: { id: subnetId() } })).id);

/** No change and no warning, now and after a refresh, which leaves the words of the program as they are. */
async function expectSettled(life: Life, args: Record<string, unknown>): Promise<void> {
  expect(await life.diff(args)).toMatchObject({ changes: false });
  const { inputs } = life;
  await life.refresh();
  expect(life.inputs).toEqual(inputs);
  expect(await life.diff(args)).toMatchObject({ changes: false });
  expect(warnings.mock.calls).toEqual([]);
}

describe("a bare metal server", () => {
  it("is connected by interfaces of the older kind, and found again when the answer is lost", async () => {
    const args = argsOf({
      name: "legacy",
      primaryNetworkInterface: nic({ primaryIp: "10.240.0.90", allowIpSpoofing: true }),
      networkInterfaces: [nic({ name: "second" })],
    });
    const lost = cloud.fail("POST", /^\/v1\/bare_metal_servers$/, "answer lost");
    const life = await new Life(handler).create(args);
    const { bareMetalServers } = cloud.emulator.inventory();
    expect([lost.fired, bareMetalServers.map(({ id }) => id)]).toEqual([1, [life.id]]);
    const live = await vpcGet(cloud, `/bare_metal_servers/${life.id}`);
    expect([live.network_attachments, (live.network_interfaces as unknown[]).length]).toEqual([[], 2]);
    expect(life.outputs).toMatchObject({
      networkType: "interface",
      subnetId: subnetId(),
      primaryIp: "10.240.0.90",
      allowIpSpoofing: true,
      networkInterfaces: [nic({ name: "second" })],
    });
    expect(life.outputs).not.toHaveProperty("virtualNetworkInterfaceId");
    await expectSettled(life, args);
    expect(await life.diff({ ...args, primaryNetworkInterface: nic({ primaryIp: "10.240.0.91" }) })).toMatchObject({
      replaces: ["primaryIp"],
    });
    await life.delete();
  });

  it("has further attachments, and interfaces without address translation", async () => {
    const existing = await makeInterface();
    const args = argsOf({
      ...nic({ enableInfrastructureNat: false }),
      networkAttachments: [
        { name: "second", virtualNetworkInterfaceId: existing },
        nic({ primaryIp: "10.240.0.92", enableInfrastructureNat: false }),
      ],
    });
    const life = await new Life(handler).create(args);
    const live = await vpcGet(cloud, `/bare_metal_servers/${life.id}`);
    expect(live.network_attachments).toHaveLength(3);
    const translated = interfacesOf().map(({ enable_infrastructure_nat: nat, id }) => [id === existing, nat]);
    expect(translated.sort()).toEqual([
      [false, false],
      [false, false],
      [true, true],
    ]);
    expect(life.outputs).toMatchObject({ networkType: "attachment", enableInfrastructureNat: false });
    await expectSettled(life, args);
    await life.diff({ ...args, enableInfrastructureNat: undefined, networkAttachments: [] });
    expect(warnings.mock.calls).toEqual([
      [expect.stringContaining("enableInfrastructureNat, networkAttachments have changed, but") as string],
    ]);
    await life.delete();
    expect(interfacesOf().map(({ id }) => id)).toEqual([existing]);
  });

  it("shows drift in the form in which the program is written", async () => {
    const args = argsOf({ primaryNetworkInterface: nic(), metadataService: {} });
    const life = await new Life(handler).create(args);
    await updateBareMetalServer(cloud.elsewhere, life.id, { metadataService: { enabled: false } });
    await life.refresh();
    expect(life.inputs).toMatchObject({
      primaryNetworkInterface: nic({ primaryIp: life.outputs.primaryIp }),
      metadataService: { enabled: false },
    });
    expect(life.inputs).not.toHaveProperty("subnetId");
    await life.update(args);
    expect(await getBareMetalServer(cloud.elsewhere, life.id)).toMatchObject({ metadataService: { enabled: true } });
    await life.delete();
  });

  it.each<[string, () => object, string[]]>([
    ["no way to connect", () => ({}), ["subnetId: is missing; it is required"]],
    [
      "two ways to connect",
      () => ({ ...nic(), primaryNetworkInterface: nic() }),
      [
        'primaryNetworkInterface: a server is connected in one way only; "subnetId" and "primaryNetworkInterface" are given',
      ],
    ],
    [
      "settings of an interface that exists",
      () => ({ virtualNetworkInterfaceId: "0717-n", enableInfrastructureNat: true }),
      ["enableInfrastructureNat: cannot go with virtualNetworkInterfaceId, which has its own"],
    ],
    [
      "address translation of the older kind of interface",
      () => ({ primaryNetworkInterface: nic({ enableInfrastructureNat: false }) }),
      [
        "primaryNetworkInterface.enableInfrastructureNat: is not an argument. Allowed: subnetId, name, securityGroupIds, " +
          "primaryIp, allowIpSpoofing",
      ],
    ],
    [
      "spoofing without address translation",
      () => ({
        ...nic({ enableInfrastructureNat: false, allowIpSpoofing: true }),
        networkAttachments: [nic({ enableInfrastructureNat: false, allowIpSpoofing: true })],
      }),
      [
        "networkAttachments[0].allowIpSpoofing: is true; must be false where enableInfrastructureNat is",
        "allowIpSpoofing: is true; must be false where enableInfrastructureNat is",
      ],
    ],
  ])("is refused with %s", async (_name, network, problems) => {
    const { failures = [] } = await new Life(handler).check(argsOf(network()));
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual(problems);
  });
});
