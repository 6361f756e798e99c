/** A fleet over its life: whatever changes in one zone or on one member, the servers elsewhere are not touched. */
import { Deployment } from "./deployment";

const PROGRAM = `
const fleet = new vpc.LinkedInstanceFleet("web", wish);
export const { profileId, instanceIds, primaryIps, floatingIpAddresses } = fleet;
`;

// Each deployment starts two processes, on a machine that may have others to run.
jest.setTimeout(120_000);

let deployment: Deployment;
beforeAll(async () => {
  deployment = await Deployment.of(PROGRAM);
});
afterAll(() => deployment.close());

interface Outputs {
  readonly profileId: string;
  readonly instanceIds: Record<string, string>;
  readonly primaryIps: Record<string, string>;
  readonly floatingIpAddresses: Record<string, string>;
}

/** The account's subnets, one in each zone, as zones of a fleet. */
function zones(...counts: number[]): object[] {
  const subnets = deployment.emulator.inventory().subnets as { id: string; zone: string }[];
  return counts.map((count, index) => ({ zone: subnets[index]?.zone, subnetId: subnets[index]?.id, count }));
}

function wish(more: object): object {
  const { vpcs, images, keys } = deployment.emulator.inventory();
  const [vpcId, imageId, key] = [vpcs, images, keys].map(([first]) => (first as { id: string } | undefined)?.id);
  const trustedProfile = { policies: [{ roles: ["Viewer"], service: "is" }] };
  return { vpcId, imageId, instanceProfile: "bx2-2x8", sshKeyIds: [key], trustedProfile, ...more };
}

const ONE = "us-south-1-1";
const INSTANCE = { made: "POST /v1/instances", gone: "DELETE /v1/instances/:id", changed: "PATCH /v1/instances/:id" };
const ADDRESS = { made: "POST /v1/floating_ips", gone: "DELETE /v1/floating_ips/:id" };

it.each<[string, () => object, Record<string, number>, string[]]>([
  [
    "is made: one profile, one policy, a server for each member",
    () => ({ zones: zones(2, 1) }),
    { "POST /v1/profiles": 1, "POST /v2/policies": 1, [INSTANCE.made]: 3 },
    [ONE, "us-south-1-2", "us-south-2-1"],
  ],
  ["stays as it is", () => ({ zones: zones(2, 1) }), {}, [ONE, "us-south-1-2", "us-south-2-1"]],
  [
    "grows at the end of a zone and by a zone",
    () => ({ zones: zones(2, 2, 1) }),
    { [INSTANCE.made]: 2 },
    [ONE, "us-south-1-2", "us-south-2-1", "us-south-2-2", "us-south-3-1"],
  ],
  [
    "loses a zone, though it was not the last one",
    () => ({ zones: [zones(2)[0], zones(2, 2, 1)[2]] }),
    { [INSTANCE.gone]: 2 },
    [ONE, "us-south-1-2", "us-south-3-1"],
  ],
  [
    "loses the member that is named and another zone, grows, and gives the first one an address",
    () => ({ zones: zones(3), members: { "us-south-1-2": false, [ONE]: { floatingIp: true } } }),
    { [INSTANCE.made]: 1, [INSTANCE.gone]: 2, [ADDRESS.made]: 1 },
    [ONE, "us-south-1-3"],
  ],
  [
    "changes the metadata service of all but the member that is pinned",
    () => ({
      zones: zones(3),
      members: { "us-south-1-2": false, [ONE]: { floatingIp: true, metadataService: { responseHopLimit: 1 } } },
      metadataService: { responseHopLimit: 2 },
    }),
    { [INSTANCE.changed]: 1 },
    [ONE, "us-south-1-3"],
  ],
])("%s", async (_name, more, expected, members) => {
  const before = await deployment.outputs<Partial<Outputs>>();
  expect(await deployment.up(wish(more()))).toEqual(expected);
  const { instanceIds, primaryIps, floatingIpAddresses } = await deployment.outputs<Outputs>();
  expect(Object.keys(instanceIds).sort()).toEqual([...members].sort());
  expect(Object.keys(primaryIps).sort()).toEqual([...members].sort());
  for (const [key, id] of Object.entries(before.instanceIds ?? {})) {
    if (members.includes(key)) expect(instanceIds[key]).toBe(id);
  }
  const { instances, floatingIps } = deployment.emulator.inventory();
  expect(instances.map(({ id }) => id).sort()).toEqual(Object.values(instanceIds).sort());
  expect(floatingIps.map(({ address }) => address)).toEqual(Object.values(floatingIpAddresses));
});

it("lets every server become the profile", async () => {
  const { profileId } = await deployment.outputs<Outputs>();
  const { links, instances } = deployment.emulator.inventory();
  expect(links.map(({ profile_id }) => profile_id)).toEqual(instances.map(() => profileId));
});

it("is destroyed without a rest", async () => {
  expect(await deployment.destroy()).toEqual({
    "DELETE /v1/profiles/:id": 1,
    "DELETE /v2/policies/:id": 1,
    [INSTANCE.gone]: 2,
    [ADDRESS.gone]: 1,
  });
  const { profiles, policies, instances, floatingIps } = deployment.emulator.inventory();
  expect([profiles, policies, instances, floatingIps]).toEqual([[], [], [], []]);
});
