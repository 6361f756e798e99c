/** Templates with what a server can have beside image and size: how it is connected, its volumes, its policies. */
import { getTemplate } from "../../client/vpc-templates";
import { createInstance, getInstance } from "../../client/vpc";
import { handler } from "../../provider/instance-template";
import { Life, rejectionOf, testCloud } from "./cloud";
import { placeOf, vpcGet, vpcPost } from "./instance-place";

const cloud = testCloud();
const place = (): Record<string, unknown> => ({ ...placeOf(cloud) });
const withoutSubnet = (): Record<string, unknown> => ({ ...place(), subnetId: undefined });
const nic = (more: object = {}): object => ({ subnetId: place().subnetId, ...more });

const SETTINGS = {
  availabilityPolicy: { hostFailure: "stop" },
  totalVolumeBandwidthMbps: 1000,
  enableSecureBoot: true,
  bootVolume: { capacityGb: 120 },
  dataVolumes: [{ capacityGb: 50, profile: "5iops-tier", deleteWithInstance: true }],
};

/** No change, now and after a refresh. */
async function expectSettled(life: Life, args: Record<string, unknown>): Promise<void> {
  expect(await life.diff(args)).toMatchObject({ changes: false });
  const before = { inputs: life.inputs, outputs: life.outputs };
  await life.refresh();
  expect(await life.diff(args)).toMatchObject({ changes: false });
  expect(before).toEqual({ inputs: life.inputs, outputs: life.outputs });
}

it("gives its servers their volumes and policies", async () => {
  const args = { ...place(), ...SETTINGS };
  const life = await new Life(handler).create(args);
  expect(await vpcGet(cloud, `/instance/templates/${life.id}`)).toMatchObject({
    availability_policy: { host_failure: "stop" },
    total_volume_bandwidth: 1000,
    enable_secure_boot: true,
    boot_volume_attachment: { volume: { capacity: 120 }, delete_volume_on_instance_delete: true },
    volume_attachments: [
      { volume: { capacity: 50, profile: { name: "5iops-tier" } }, delete_volume_on_instance_delete: true },
    ],
  });
  expect(life.outputs).toMatchObject(SETTINGS);
  const { id } = await createInstance(cloud.elsewhere, { sourceTemplateId: life.id });
  cloud.emulator.advance(600);
  expect(await getInstance(cloud.elsewhere, id)).toMatchObject({ hostFailure: "stop", totalVolumeBandwidth: 1000 });
  await expectSettled(life, args);
});

it.each<[string, object, string]>([
  ["another policy", { availabilityPolicy: { hostFailure: "restart" } }, "availabilityPolicy"],
  ["a policy that is taken away", { availabilityPolicy: undefined }, "availabilityPolicy"],
  ["a bandwidth that is taken away", { totalVolumeBandwidthMbps: undefined }, "totalVolumeBandwidthMbps"],
  ["secure boot that is taken away", { enableSecureBoot: undefined }, "enableSecureBoot"],
  ["another boot volume", { bootVolume: { capacityGb: 200 } }, "bootVolume"],
  ["data volumes that are taken away", { dataVolumes: undefined }, "dataVolumes"],
  ["another address", { primaryIp: "10.240.0.9" }, "primaryIp"],
  ["spoofing", { allowIpSpoofing: true }, "allowIpSpoofing"],
  ["further attachments", { networkAttachments: [{ subnetId: "0717-s" }] }, "networkAttachments"],
])("is replaced for %s", async (_name, change, field) => {
  const args = { ...place(), ...SETTINGS };
  const life = await new Life(handler).create(args);
  expect(await life.diff({ ...args, ...change })).toMatchObject({ replaces: [field], deleteBeforeReplace: false });
});

it("is replaced by one with the older kind of interface, as what it was replaces that", async () => {
  const attached = await new Life(handler).create(place());
  const legacy = { ...withoutSubnet(), primaryNetworkInterface: nic({ allowIpSpoofing: true }) };
  expect(await attached.diff(legacy)).toMatchObject({ replaces: ["primaryNetworkInterface", "allowIpSpoofing"] });
  const life = await new Life(handler).create(legacy);
  expect(await getTemplate(cloud.elsewhere, life.id)).toMatchObject({ subnetId: place().subnetId });
  expect(life.outputs).toMatchObject({ networkType: "interface", allowIpSpoofing: true, subnetId: place().subnetId });
  await expectSettled(life, legacy);
  expect(await life.diff(place())).toMatchObject({ replaces: ["primaryNetworkInterface", "allowIpSpoofing"] });
});

it("may name a virtual network interface that exists", async () => {
  const made = await vpcPost(cloud, "/virtual_network_interfaces", { subnet: { id: place().subnetId } });
  const args = { ...withoutSubnet(), virtualNetworkInterfaceId: String(made.id), networkAttachments: [nic()] };
  const life = await new Life(handler).create(args);
  expect(life.outputs).toMatchObject({ virtualNetworkInterfaceId: made.id, networkAttachments: [nic()] });
  await expectSettled(life, args);
});

it("of the older kind, with a name of the user's, is found again when the answer is lost", async () => {
  const lost = cloud.fail("POST", /\/instance\/templates$/, "answer lost");
  const args = { ...withoutSubnet(), name: "legacy", primaryNetworkInterface: nic() };
  const life = await new Life(handler).create(args);
  const named = cloud.emulator.inventory().templates.filter(({ name }) => name === "legacy");
  expect([lost.fired, named.map(({ id }) => id)]).toEqual([1, [life.id]]);
});

it("is not adopted where the arguments name what is not compared", async () => {
  const life = await new Life(handler).create({ ...place(), ...SETTINGS, name: "theirs" });
  const other = new Life(handler, `${"b2".repeat(16)}:app`);
  expect(await rejectionOf(other.create({ ...place(), ...SETTINGS, name: "theirs", adopt: true }))).toContain(
    `instance template "theirs" (${life.id}) cannot be adopted: it differs in`,
  );
});

it.each<[string, object, string]>([
  ["two ways to connect", { virtualNetworkInterfaceId: "0717-n" }, "virtualNetworkInterfaceId: a server is connected"],
  ["a source that only a server has", { sourceSnapshotId: "r006-s" }, "sourceSnapshotId: is not an argument"],
  ["tags", { tags: ["a"] }, "tags: is not an argument"],
  ["no network", { subnetId: undefined }, "subnetId: is missing; it is required"],
])("refuses %s", async (_name, change, problem) => {
  const { failures = [] } = await new Life(handler).check({ ...place(), ...change });
  expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual([
    expect.stringContaining(problem) as string,
  ]);
});
