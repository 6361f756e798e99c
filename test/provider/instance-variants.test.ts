/** The forms of a server: what it is made of, how it is connected, its volumes and tags; what the rules say of each. */
import { createProfile, listLinks } from "../../client/iam-identity";
import { changeTags, tagsOf } from "../../client/tags";
import { deleteInstance, getInstance, listInstances } from "../../client/vpc";
import { handler } from "../../provider/instance";
import { instanceRule } from "../../provider/instance-args";
import { type Cloud, Life, startCloud } from "./cloud";
import { placeOf, vpcGet, vpcPost } from "./instance-place";

let cloud: Cloud;
let place: ReturnType<typeof placeOf>;
let profile: { readonly id: string; readonly crn: string };
let warnings: jest.SpyInstance;

beforeAll(async () => {
  cloud = await startCloud();
  place = placeOf(cloud);
  profile = await createProfile(cloud.elsewhere, { name: "app" });
});
afterAll(() => cloud.close());
beforeEach(() => {
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(async () => {
  warnings.mockRestore();
  for await (const { id } of listInstances(cloud.elsewhere)) await deleteInstance(cloud.elsewhere, id);
});

const nicOf = (more: object = {}): object => ({ subnetId: place.subnetId, ...more });
const withoutSubnet = (): object => ({ ...place, subnetId: undefined });
const servers = (): string[] => cloud.emulator.inventory().instances.map(({ id }) => id);

/** No change, no warning; and none after a refresh either. */
async function expectSettled(life: Life, args: Record<string, unknown>): Promise<void> {
  expect(await life.diff(args)).toMatchObject({ changes: false });
  await life.refresh();
  expect(await life.diff(args)).toMatchObject({ changes: false });
  expect(warnings.mock.calls).toEqual([]);
}

describe("a server on a virtual network interface that exists", () => {
  const makeInterface = async (): Promise<string> => {
    const made = await vpcPost(cloud, "/virtual_network_interfaces", { subnet: { id: place.subnetId } });
    return String(made.id);
  };

  it("is connected by it, and leaves it when it is deleted", async () => {
    const virtualNetworkInterfaceId = await makeInterface();
    const args = { ...withoutSubnet(), virtualNetworkInterfaceId };
    const life = await new Life(handler).create(args);
    const live = await getInstance(cloud.elsewhere, life.id);
    expect(live?.primaryNetworkAttachment?.virtualNetworkInterfaceId).toBe(virtualNetworkInterfaceId);
    expect(life.outputs).toMatchObject({ virtualNetworkInterfaceId, subnetId: place.subnetId });
    await expectSettled(life, args);
    expect(await life.diff({ ...args, virtualNetworkInterfaceId: "0717-other" })).toMatchObject({
      replaces: ["virtualNetworkInterfaceId"],
    });
    await life.delete();
    expect(await vpcGet(cloud, `/virtual_network_interfaces/${virtualNetworkInterfaceId}`)).toMatchObject({
      id: virtualNetworkInterfaceId,
    });
  });

  it("may have it as a further one, beside new ones", async () => {
    const virtualNetworkInterfaceId = await makeInterface();
    const networkAttachments = [{ name: "second", virtualNetworkInterfaceId }, nicOf({ primaryIp: "10.240.0.77" })];
    const args = { ...place, primaryIp: "10.240.0.70", allowIpSpoofing: true, networkAttachments };
    const life = await new Life(handler).create(args);
    const live = await getInstance(cloud.elsewhere, life.id);
    expect(live?.networkAttachments.map(({ primaryIp }) => primaryIp)).toEqual(
      expect.arrayContaining(["10.240.0.70", "10.240.0.77"]) as string[],
    );
    expect(live?.networkAttachments).toHaveLength(3);
    expect(life.outputs).toMatchObject({ primaryIp: "10.240.0.70", allowIpSpoofing: true, networkAttachments });
    await expectSettled(life, args);
    await life.diff({ ...args, networkAttachments: [] });
    expect(warnings.mock.calls).toEqual([
      [expect.stringContaining("networkAttachments has changed, but applies only when") as string],
    ]);
  });
});

describe("a server with network interfaces of the older kind", () => {
  it("is connected by them, and is found again when the answer is lost", async () => {
    const args = {
      ...withoutSubnet(),
      name: "legacy",
      primaryNetworkInterface: nicOf({ primaryIp: "10.240.0.80" }),
      networkInterfaces: [nicOf({ name: "second" })],
    };
    const lost = cloud.fail("POST", /^\/v1\/instances$/, "answer lost");
    const life = await new Life(handler).create(args);
    expect([lost.fired, servers()]).toEqual([1, [life.id]]);
    const live = await vpcGet(cloud, `/instances/${life.id}`);
    expect(live.network_attachments).toEqual([]);
    expect(live.network_interfaces).toHaveLength(2);
    expect(life.outputs).toMatchObject({
      networkType: "interface",
      primaryIp: "10.240.0.80",
      subnetId: place.subnetId,
    });
    await expectSettled(life, args);
    expect(await life.diff({ ...args, primaryNetworkInterface: nicOf({ primaryIp: "10.240.0.81" }) })).toMatchObject({
      replaces: ["primaryIp"],
    });
  });
});

describe("a server from a template", () => {
  const template = async (more: object = {}): Promise<string> => {
    const made = await vpcPost(cloud, "/instance/templates", {
      zone: { name: place.zone },
      image: { id: place.imageId },
      profile: { name: place.instanceProfile },
      primary_network_attachment: { virtual_network_interface: { subnet: { id: place.subnetId } } },
      metadata_service: { enabled: true, protocol: "https", response_hop_limit: 3 },
      default_trusted_profile: { auto_link: true, target: { id: profile.id } },
      user_data: "#!/bin/sh\n",
      ...more,
    });
    return String(made.id);
  };

  it("has what the template says, and that is no change", async () => {
    const args = { sourceTemplateId: await template() };
    const life = await new Life(handler).create(args);
    expect(life.outputs).toMatchObject({
      ...place,
      metadataService: { enabled: true, protocol: "https", responseHopLimit: 3 },
      defaultTrustedProfile: { target: profile.id, autoLink: true },
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
    });
    expect(await listLinks(cloud.elsewhere, profile.id)).toHaveLength(1);
    await expectSettled(life, args);
  });

  it("has what the program says where it says something, also afterwards", async () => {
    const args = {
      sourceTemplateId: await template(),
      instanceProfile: "cx2-2x4",
      metadataService: { responseHopLimit: 2 },
      userData: "mine",
    };
    const life = await new Life(handler).create(args);
    expect(life.outputs).toMatchObject({
      instanceProfile: "cx2-2x4",
      metadataService: { enabled: true, protocol: "http", responseHopLimit: 2 },
    });
    await expectSettled(life, args);
    await expectSettled(life, { ...args, userData: undefined });
    await life.update({ ...args, metadataService: { responseHopLimit: 9 } });
    expect((await getInstance(cloud.elsewhere, life.id))?.metadataService.responseHopLimit).toBe(9);
    expect(await life.diff({ ...args, sourceTemplateId: await template() })).toMatchObject({
      replaces: ["sourceTemplateId"],
    });
  });
});

describe("volumes", () => {
  it("are made with the server, and go with it", async () => {
    const args = {
      ...place,
      bootVolume: { name: "boot", capacityGb: 120 },
      dataVolumes: [
        { name: "data", capacityGb: 50, profile: "5iops-tier" },
        { name: "kept", capacityGb: 20, deleteWithInstance: false },
      ],
    };
    const life = await new Life(handler).create(args);
    const volumes = async (): Promise<Record<string, unknown>[]> =>
      (await vpcGet(cloud, "/volumes")).volumes as Record<string, unknown>[];
    const about = (await volumes()).map(({ name, capacity, profile: kind }) => [
      name,
      capacity,
      (kind as { name: string }).name,
    ]);
    expect(about.sort()).toEqual([
      ["boot", 120, "general-purpose"],
      ["data", 50, "5iops-tier"],
      ["kept", 20, "general-purpose"],
    ]);
    await expectSettled(life, args);
    await life.delete();
    expect((await volumes()).map(({ name }) => name)).toEqual(["kept"]);
    const [{ id } = { id: "" }] = await volumes();
    const next = await new Life(handler).create({ ...place, dataVolumes: [{ volumeId: String(id) }] });
    expect((await volumes()).filter(({ volume_attachments: list }) => (list as unknown[]).length > 0)).toHaveLength(2);
    await next.delete();
    expect((await volumes()).map(({ name }) => name)).toEqual(["kept"]);
    await cloud.elsewhere.call({ api: "vpc", method: "DELETE", path: `/volumes/${String(id)}`, doing: "clean up" });
  });
});

describe("tags", () => {
  it("are attached and detached by the difference, and those of others stay", async () => {
    const args = { ...place, tags: ["Env:Prod", "team:a"] };
    const life = await new Life(handler).create(args);
    const crn = String(life.outputs.crn);
    expect(await tagsOf(cloud.elsewhere, crn)).toEqual(["env:prod", "team:a"]);
    await expectSettled(life, args);
    await changeTags(cloud.elsewhere, crn, { attach: ["theirs"], detach: ["team:a"] });
    await life.refresh();
    expect(life.outputs.tags).toEqual(["env:prod"]);
    expect(await life.diff(args)).toMatchObject({ changes: true, replaces: [] });
    cloud.calls();
    await life.update({ ...args, tags: ["env:prod", "team:b"] });
    expect(cloud.calls().filter((call) => call.includes("tags"))).toEqual(["POST /v3/tags/attach"]);
    expect(await tagsOf(cloud.elsewhere, crn)).toEqual(["env:prod", "team:b", "theirs"]);
    await life.update(place as never);
    expect(await tagsOf(cloud.elsewhere, crn)).toEqual(["theirs"]);
    expect(life.outputs).not.toHaveProperty("tags");
  });
});

describe("the rules", () => {
  const OK = {
    vpcId: "r006-v",
    subnetId: "0717-s",
    zone: "us-south-1",
    imageId: "r006-i",
    instanceProfile: "bx2-2x8",
  };
  const WITHOUT_SUBNET = { ...OK, subnetId: undefined };
  it.each<[string, object, string[]]>([
    ["an image in a subnet", OK, []],
    ["a snapshot", { ...OK, imageId: undefined, sourceSnapshotId: "r006-s" }, []],
    ["a template alone", { sourceTemplateId: "0717-t" }, []],
    ["an interface that exists", { ...WITHOUT_SUBNET, virtualNetworkInterfaceId: "0717-n" }, []],
    ["the older interface", { ...WITHOUT_SUBNET, primaryNetworkInterface: { subnetId: "0717-s" } }, []],
    [
      "nothing at all",
      {},
      [
        "vpcId: is missing",
        "zone: is missing",
        "imageId: is missing",
        "instanceProfile: is missing",
        "subnetId: is missing",
      ],
    ],
    ["image and snapshot", { ...OK, sourceSnapshotId: "s" }, ["sourceSnapshotId: cannot go with imageId"]],
    [
      "template and snapshot",
      { sourceTemplateId: "t", sourceSnapshotId: "s" },
      ["sourceSnapshotId: cannot go with sourceTemplateId"],
    ],
    [
      "two networks",
      { ...OK, virtualNetworkInterfaceId: "n" },
      ['virtualNetworkInterfaceId: a server is connected in one way only; "subnetId" and'],
    ],
    [
      "security groups of an interface that exists",
      { ...WITHOUT_SUBNET, virtualNetworkInterfaceId: "n", securityGroupIds: ["g"], primaryIp: "10.0.0.1" },
      ["securityGroupIds: cannot go with virtualNetworkInterfaceId", "primaryIp: cannot go with"],
    ],
    [
      "attachments beside the older interface",
      { ...WITHOUT_SUBNET, primaryNetworkInterface: { subnetId: "s" }, networkAttachments: [] },
      ["networkAttachments: cannot go with primaryNetworkInterface"],
    ],
    [
      "older interfaces beside attachments",
      { ...OK, networkInterfaces: [] },
      ["networkInterfaces: go with primaryNetworkInterface"],
    ],
    [
      "a further attachment of both kinds, and one of none",
      { ...OK, networkAttachments: [{ subnetId: "s", virtualNetworkInterfaceId: "n" }, {}] },
      ["networkAttachments[0].virtualNetworkInterfaceId: exactly one of", "networkAttachments[1]: exactly one of"],
    ],
    [
      "an address that is none",
      { ...OK, primaryIp: "10.0.0.256" },
      ['primaryIp: is "10.0.0.256"; must be an IPv4 address'],
    ],
    [
      "a bandwidth too small",
      { ...OK, totalVolumeBandwidthMbps: 100 },
      ["totalVolumeBandwidthMbps: is 100; must be a whole number from 500"],
    ],
    [
      "a policy there is not",
      { ...OK, availabilityPolicy: { hostFailure: "pray" } },
      ['availabilityPolicy.hostFailure: is "pray"; must be one of "restart", "stop"'],
    ],
    ["a tag with a comma", { ...OK, tags: ["a,b"] }, ['tags[0]: is "a,b"; must be a tag of 1 to 128']],
    [
      "a volume of both kinds",
      { ...OK, dataVolumes: [{ volumeId: "v", capacityGb: 10 }] },
      ["dataVolumes[0].capacityGb: at most one of"],
    ],
    [
      "a boot volume too large",
      { ...OK, bootVolume: { capacityGb: 20_000 } },
      ["bootVolume.capacityGb: is 20000; must be a whole number from 10 to 16000 gigabytes"],
    ],
    [
      "a misspelt argument",
      { ...OK, restartToAply: true },
      ['restartToAply: is not an argument; did you mean "restartToApply"?'],
    ],
  ])("judge %s", (_name, args, expected) => {
    const found = instanceRule(args, "").map(({ property, reason }) => `${property}: ${reason}`);
    expect(found).toEqual(expected.map((text) => expect.stringContaining(text) as string));
  });
});
