/** A linked bare metal server over its life: what is changed on it, and what is not. */
import { Deployment } from "./deployment";

const PROGRAM = `
const server = new vpc.LinkedBareMetalServer("db", wish);
export const { profileId, bareMetalServerId, floatingIpAddress } = server;
`;

jest.setTimeout(120_000);

let deployment: Deployment;
beforeAll(async () => {
  deployment = await Deployment.of(PROGRAM);
});
afterAll(() => deployment.close());

function wish(more: object): object {
  const { subnets, images, keys } = deployment.emulator.inventory();
  const [subnet] = subnets as { id: string; zone: string }[];
  const [imageId, key] = [images, keys].map(([one]) => (one as { id: string } | undefined)?.id);
  return {
    zone: subnet?.zone,
    subnetId: subnet?.id,
    bareMetalServerProfile: "bx2-metal-96x384",
    imageId,
    sshKeyIds: [key],
    trustedProfile: { policies: [{ roles: ["Viewer"], service: "is" }] },
    floatingIp: true,
    ...more,
  };
}

const SERVER = "/v1/bare_metal_servers";
const servers = (): readonly object[] => deployment.emulator.inventory().bareMetalServers;

it.each<[string, object, Record<string, number>]>([
  [
    "is made and linked",
    {},
    { "POST /v1/profiles": 1, "POST /v2/policies": 1, [`POST ${SERVER}`]: 1, "POST /v1/floating_ips": 1 },
  ],
  ["stays as it is", {}, {}],
  [
    "changes in place what can be",
    { metadataService: { protocol: "https" }, name: "db-one" },
    { [`PATCH ${SERVER}/:id`]: 1 },
  ],
  [
    "loses its address",
    { metadataService: { protocol: "https" }, name: "db-one", floatingIp: false },
    { "DELETE /v1/floating_ips/:id": 1 },
  ],
])("%s", async (_name, more, expected) => {
  expect(await deployment.up(wish(more))).toEqual(expected);
  const { profileId, bareMetalServerId } = await deployment.outputs<Record<string, string>>();
  expect(servers()).toMatchObject([{ id: bareMetalServerId, metadata_service: { enabled: true } }]);
  expect(deployment.emulator.inventory().links).toMatchObject([{ profile_id: profileId, cr_type: "BMS" }]);
});

it("is destroyed without a rest", async () => {
  await deployment.destroy();
  const { profiles, policies, floatingIps } = deployment.emulator.inventory();
  expect([profiles, policies, floatingIps, servers()]).toEqual([[], [], [], []]);
});
