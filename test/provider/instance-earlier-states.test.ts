/** Servers in states that version 0.1.0 wrote: nothing changes, nothing is called, no name is lost, and life goes on. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createProfile } from "../../client/iam-identity";
import { type Instance, createInstance, deleteInstance, getInstance, listInstances } from "../../client/vpc";
import handlerOf from "../../provider/dynamic";
import { type Cloud, Life, startCloud } from "./cloud";
import { placeOf } from "./instance-place";

interface Stored {
  readonly urn: string;
  readonly id: string;
  readonly inputs: Record<string, unknown>;
  readonly outputs: Record<string, unknown>;
}

/** What the programs said; all the rest of the inputs was made by `check`. */
const PROGRAM: Record<string, (inputs: Record<string, unknown>) => Record<string, unknown>> = {
  plain: ({ vpcId, subnetId, zone, imageId, instanceProfile }) => ({ vpcId, subnetId, zone, imageId, instanceProfile }),
  linked: ({ vpcId, subnetId, zone, imageId, instanceProfile, sshKeyIds, userData, defaultTrustedProfile }) => ({
    ...{ vpcId, subnetId, zone, imageId, instanceProfile, sshKeyIds, userData },
    metadataService: { responseHopLimit: 2 },
    defaultTrustedProfile: { target: (defaultTrustedProfile as { target: string }).target },
  }),
  replaced: (inputs) => ({
    ...Object.fromEntries(Object.entries(inputs).filter(([key]) => key !== "mark")),
    metadataService: { protocol: "https" },
  }),
};

const FIXTURE = JSON.parse(readFileSync(join(__dirname, "testdata", "state-0.1.0-instance.json"), "utf8")) as Stored[];
const nameOf = ({ urn }: Stored): string => urn.split("::").at(-1) ?? "";

let cloud: Cloud;
let warnings: jest.SpyInstance;
const revived: Record<string, Stored> = {};

beforeAll(async () => {
  cloud = await startCloud();
  for (const one of FIXTURE) revived[nameOf(one)] = await revive(one);
});
afterAll(async () => {
  for await (const { id } of listInstances(cloud.elsewhere)) await deleteInstance(cloud.elsewhere, id);
  await cloud.close();
});
beforeEach(() => {
  cloud.calls();
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  expect(warnings.mock.calls).toEqual([]);
  warnings.mockRestore();
});

/** Puts a server as the stored one into the account, and what only this account can tell into what was stored. */
async function revive(stored: Stored): Promise<Stored> {
  const { inputs, outputs } = stored;
  const { subnetId, ...place } = placeOf(cloud);
  const profile = outputs.defaultTrustedProfile as { target: string; crn: string } | undefined;
  const made = profile && (await createProfile(cloud.elsewhere, { name: `profile of ${nameOf(stored)}` }));
  const server = await createInstance(cloud.elsewhere, {
    ...place,
    profile: String(inputs.instanceProfile),
    name: String(outputs.name),
    metadataService: outputs.metadataService as Instance["metadataService"],
    ...(made === undefined ? {} : { defaultTrustedProfile: { target: made.id, autoLink: true } }),
    primaryNetworkAttachment: { virtualNetworkInterface: { subnetId } },
  });
  cloud.emulator.advance(1);
  const live = await getInstance(cloud.elsewhere, server.id);
  const own: [unknown, string | undefined][] = [
    [inputs.vpcId, place.vpcId],
    [inputs.subnetId, subnetId],
    [inputs.imageId, place.imageId],
    [profile?.crn, made?.crn],
    [profile?.target, made?.id],
    [outputs.resourceGroupId, live?.resourceGroupId],
    [outputs.primaryIp, live?.primaryIp],
    [outputs.crn, live?.crn],
    [outputs.createdAt, live?.createdAt],
    [stored.id, server.id],
  ];
  return JSON.parse(
    own.reduce(
      (text, [old, now]) => (old === undefined ? text : text.replaceAll(JSON.stringify(old), JSON.stringify(now))),
      JSON.stringify(stored),
    ),
  ) as Stored;
}

describe.each(Object.entries(PROGRAM))("a stored server of version 0.1.0, %s", (name, argsOf) => {
  const stored = (): Stored => revived[name] ?? { urn: "", id: "", inputs: {}, outputs: {} };
  const args = (): Record<string, unknown> => argsOf(stored().inputs);
  const life = (mark?: string): Life => {
    const { id, inputs, outputs } = stored();
    return Object.assign(new Life(handlerOf("Instance"), mark ?? String(inputs.mark)), { id, inputs, outputs });
  };

  it("is what the same program asks for: nothing changes, nothing is called", async () => {
    const { inputs } = stored();
    expect((await life().check({ ...args(), __provider: inputs.__provider })).inputs).toEqual(inputs);
    expect(await life().diff(args())).toMatchObject({ changes: false, replaces: [] });
    expect(cloud.calls()).toEqual([]);
  });

  it("keeps its name under an alias, whose URN gives another mark", async () => {
    const renamed = life(`${"f".repeat(16)}:renamed`);
    expect((await renamed.check(args())).inputs).toMatchObject({
      name: stored().inputs.name,
      mark: stored().inputs.mark,
    });
    expect(await renamed.diff(args())).toMatchObject({ changes: false });
  });

  it("is read with one call, and is not changed by it", async () => {
    const before = life();
    expect(await before.refresh()).toBe(true);
    expect(cloud.calls()).toEqual([`GET /v1/instances/${before.id}`]);
    expect(before.inputs).toEqual(stored().inputs);
    const { __provider: stub, ...outputs } = stored().outputs;
    expect([before.outputs, typeof stub]).toEqual([expect.objectContaining(outputs), "string"]);
    expect(await before.diff(args())).toMatchObject({ changes: false });
  });

  it("is updated, and deleted", async () => {
    const before = life();
    const metadataService = { ...(args().metadataService as object | undefined), enabled: true, responseHopLimit: 9 };
    const switchedOn = (stored().outputs.metadataService as { enabled: boolean }).enabled ? 0 : 1;
    await before.update({ ...args(), metadataService, availabilityPolicy: { hostFailure: "stop" } });
    expect(warnings.mock.calls).toHaveLength(switchedOn);
    warnings.mockClear();
    expect(await getInstance(cloud.elsewhere, before.id)).toMatchObject({
      metadataService: { responseHopLimit: 9 },
      hostFailure: "stop",
    });
    await before.delete();
    expect(await getInstance(cloud.elsewhere, before.id)).toBeUndefined();
  });
});

it("the fixture holds nothing that this test does not look at", () => {
  expect(FIXTURE.map(nameOf).sort()).toEqual(Object.keys(PROGRAM).sort());
});
