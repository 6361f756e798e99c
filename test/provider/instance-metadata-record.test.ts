/** What is written down of a server before its metadata service is changed: by itself, in a program, and in a stack. */
import { actOnInstance, createInstance } from "../../client/vpc";
import { handler } from "../../provider/instance-metadata-record";
import { InstanceMetadataService, type InstanceMetadataServiceArgs } from "../../provider/instance-metadata-service";
import { rejectionOf, testCloud } from "./cloud";
import { placeOf } from "./instance-place";
import { refusalOf, testProgram, valueOf } from "./program";

const SETTINGS = { enabled: false, protocol: "https", responseHopLimit: 5 } as const;
const TOKEN = "pulumi-nodejs:dynamic/vpc-identity:";

describe("a record", () => {
  const cloud = testCloud();
  let server: { readonly id: string; readonly crn: string };
  beforeAll(async () => {
    const { subnetId, instanceProfile, ...place } = placeOf(cloud);
    server = await createInstance(cloud.elsewhere, {
      ...place,
      profile: instanceProfile,
      metadataService: SETTINGS,
      primaryNetworkAttachment: { virtualNetworkInterface: { subnetId } },
    });
  });
  const known = () => ({ instanceId: server.id, settings: SETTINGS, running: true });

  it.each(["id", "crn"] as const)(
    "holds the settings of a server that is named by its %s, for one call",
    async (by) => {
      const instanceId = server[by];
      expect(await handler.create({ instanceId })).toEqual({ id: server.id, outs: { ...known(), instanceId } });
      expect(cloud.calls()).toEqual([`GET /v1/instances/${server.id}`]);
    },
  );

  it("waits for a server that was made a moment ago", async () => {
    const missing = cloud.fail("GET", /^\/v1\/instances\//, { status: 404 });
    expect(await handler.create({ instanceId: server.id })).toMatchObject({ id: server.id });
    expect(missing.fired).toBe(1);
  });

  it("says whether the server was running", async () => {
    await actOnInstance(cloud.elsewhere, server.id, "stop");
    expect(await handler.create({ instanceId: server.id })).toMatchObject({ outs: { running: false } });
    cloud.emulator.advance(1);
    expect(await handler.create({ instanceId: server.id })).toMatchObject({ outs: { running: false } });
    await actOnInstance(cloud.elsewhere, server.id, "start");
    expect(await handler.create({ instanceId: server.id })).toMatchObject({ outs: { running: true } });
  });

  it("says so when there is no such server", async () => {
    expect(await rejectionOf(handler.create({ instanceId: "0717_none" }))).toBe(
      'server "0717_none" does not exist in this account and region. Check the id and the credentials.',
    );
  });

  it("stays as it is, without a call", async () => {
    expect(await handler.diff?.(server.id, known(), { instanceId: server.crn })).toMatchObject({ changes: false });
    expect([handler.read, handler.update, handler.delete]).toEqual([undefined, undefined, undefined]);
    expect(cloud.calls()).toEqual([]);
  });

  it("waits no longer than customTimeouts says", async () => {
    cloud.fail("GET", /^\/v1\/instances\//, "answer held", 9);
    const customTimeouts = { create: "300ms" };
    expect(await rejectionOf(handler.create({ instanceId: server.id, customTimeouts }))).toContain(
      "customTimeouts.create of 300ms is over.",
    );
  });

  it.each([
    ["of another server", "0717_other"],
    ["of a server that is not made yet", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"],
  ])("%s is another one, made before the old one goes", async (_which, instanceId) => {
    expect(await handler.diff?.(server.id, known(), { instanceId })).toEqual({
      changes: true,
      replaces: ["instanceId"],
      deleteBeforeReplace: false,
    });
  });
});

describe("in a program", () => {
  const program = testProgram();
  const types = (): string[] => program.registrations.map(({ type }) => type.replace(TOKEN, ""));

  it("is registered under the same name before the settings are, which get it as an input", async () => {
    await valueOf(new InstanceMetadataService("app", { instanceId: "0717_1" }).urn);
    expect(types().sort()).toEqual(["InstanceMetadataRecord", "InstanceMetadataService", "StackSeed"]);
    expect(types().at(-1)).toBe("InstanceMetadataService");
    const [record, service] = ["Record", "Service"].map((kind) =>
      program.registrations.find(({ type }) => type === `${TOKEN}InstanceMetadata${kind}`),
    );
    expect(record).toEqual({
      type: `${TOKEN}InstanceMetadataRecord`,
      name: "app",
      inputs: {
        instanceId: "0717_1",
        __provider: 'exports.handler=()=>require("pulumi-ibm-vpc-identity/dynamic")("InstanceMetadataRecord")',
      },
    });
    expect(service?.inputs).toMatchObject({
      instanceId: "0717_1",
      recorded: { serverId: expect.any(String) as string, settings: SETTINGS, running: true },
    });
  });

  it.each([
    ["wrong settings", { instanceId: "0717_1", responseHopLimit: 65 }, "responseHopLimit: is 65"],
    ["a record of the user's own", { instanceId: "0717_1", recorded: SETTINGS }, "recorded: is not an argument"],
  ])("is not made for %s", async (_name, args, problem) => {
    expect(refusalOf(() => new InstanceMetadataService("app", args as InstanceMetadataServiceArgs))).toContain(problem);
    await new Promise((resolve) => setImmediate(resolve));
    expect(program.registrations).toEqual([]);
  });

  it("is not made for settings that are only read", async () => {
    await valueOf(InstanceMetadataService.get("app", "0717_1").urn);
    expect(types()).toEqual(["InstanceMetadataService"]);
  });
});
