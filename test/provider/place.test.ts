/** An object is only worked on in its own region and account: in any other place it would pass for deleted. */
import type { dynamic } from "@pulumi/pulumi";
import { handler as policy } from "../../provider/access-policy";
import { configure } from "../../provider/connection";
import { handler as instance } from "../../provider/instance";
import { handler as metadataService } from "../../provider/instance-metadata-service";
import { handler as serviceId } from "../../provider/service-id";
import { handler as profile } from "../../provider/trusted-profile";
import { handler as claimRule } from "../../provider/trusted-profile-claim-rule";
import { handler as identity } from "../../provider/trusted-profile-identity";
import { handler as link } from "../../provider/trusted-profile-link";
import { handler as subnet } from "../../provider/subnet";
import { handler as vpc } from "../../provider/vpc";
import { Life, rejectionOf, testCloud } from "./cloud";
import { placeOf } from "./instance-place";
import { crnOf } from "./stack";

const cloud = testCloud();

function settings(change: Record<string, string> = {}): Promise<void> {
  const { IBMCLOUD_API_KEY, IBMCLOUD_IAM_API_ENDPOINT, IBMCLOUD_IS_NG_API_ENDPOINT, IBMCLOUD_REGION } = cloud.env;
  const values: Record<string, string | undefined> = {
    apiKey: IBMCLOUD_API_KEY,
    iamEndpoint: IBMCLOUD_IAM_API_ENDPOINT,
    vpcEndpoint: IBMCLOUD_IS_NG_API_ENDPOINT,
    region: IBMCLOUD_REGION,
    ...change,
  };
  const get = (key: string): string | undefined => values[key.replace("vpc-identity:", "")];
  return configure({ config: { get, require: (key) => get(key) ?? "" } });
}
afterEach(() => settings());

const OTHER_ACCOUNT = "f".repeat(32);

const expectRefused = async (life: Life, change: Record<string, unknown>, words: string[]): Promise<void> => {
  cloud.calls();
  for (const refusal of [
    await rejectionOf(life.refresh()),
    await rejectionOf(life.update(change)),
    await rejectionOf(life.delete()),
  ]) {
    for (const word of words) expect(refusal).toContain(word);
  }
  expect(cloud.calls()).toEqual([]);
};

it.each<[string, dynamic.ResourceProvider, () => Promise<Record<string, unknown>>]>([
  ["a VPC", vpc as never, async () => ({})],
  [
    "a subnet, which has its zone in the CRN",
    subnet as never,
    async () => ({
      vpcId: cloud.emulator.inventory().vpcs[0]?.id,
      zone: "us-south-1",
      totalIpv4AddressCount: 8,
    }),
  ],
])("%s is not looked for in another region", async (_name, handler, args) => {
  const life = await new Life(handler).create(await args());
  await settings({ region: "eu-de" });
  await expectRefused(life, await args(), [
    `"${life.id}" is in region "us-south", but the region of this run is "eu-de".`,
    "IBMCLOUD_REGION=us-south",
  ]);
  await settings();
  expect(await life.refresh()).toBe(true);
  await life.delete();
});

it("an endpoint of a region counts more than a region that was left to its default", async () => {
  const life = await new Life(vpc).create({});
  await settings({ region: "", vpcEndpoint: "https://eu-de.private.iaas.cloud.ibm.com/v1" });
  expect(await rejectionOf(life.delete())).toContain('the region of this run is "eu-de"');
  await settings();
  await life.delete();
});

it.each<[string, dynamic.ResourceProvider, Record<string, unknown>]>([
  ["a VPC", vpc as never, {}],
  ["a trusted profile", profile as never, {}],
  ["a service ID", serviceId as never, {}],
])("%s is not looked for in another account", async (_name, handler, args) => {
  const life = await new Life(handler).create(args);
  await settings({ accountId: OTHER_ACCOUNT });
  await expectRefused(life, args, [
    `is in account ${cloud.emulator.accountId}, but the credentials of this run are for account ${OTHER_ACCOUNT}.`,
  ]);
  await settings();
  expect(await life.refresh()).toBe(true);
  await life.delete();
});

describe("what lives in a profile, or belongs to it", () => {
  let home: Life;
  beforeAll(async () => {
    home = await new Life(profile).create({});
  });
  afterAll(() => home.delete());

  const ARGS: Record<string, [dynamic.ResourceProvider, () => Record<string, unknown>]> = {
    "a link": [link as never, () => ({ crType: "VSI", link: { crn: crnOf(cloud, 7) } })],
    "a claim rule": [
      claimRule as never,
      () => ({
        type: "Profile-CR",
        crType: "VSI",
        conditions: [{ claim: "zone", operator: "EQUALS", value: "us-south-1" }],
      }),
    ],
    "an identity": [identity as never, () => ({ type: "user", identifier: "IBMid-7" })],
    "a policy": [policy as never, () => ({ roles: ["Viewer"], service: "is" })],
  };

  it.each(Object.entries(ARGS))("%s is not looked for in another account", async (_name, [handler, more]) => {
    const args = { profileId: home.id, ...more() };
    const life = await new Life(handler).create(args);
    await settings({ accountId: OTHER_ACCOUNT });
    cloud.calls();
    const place = `is in account ${cloud.emulator.accountId}, but the credentials of this run are for`;
    expect(await rejectionOf(life.refresh())).toContain(place);
    expect(await rejectionOf(life.delete())).toContain(place);
    expect(cloud.calls()).toEqual([]);
    await settings();
    expect(await life.refresh()).toBe(true);
    await life.delete();
  });

  it("a link across accounts is nowhere in particular", async () => {
    const crn = crnOf(cloud, 8).replace(cloud.emulator.accountId, OTHER_ACCOUNT);
    const args = { profileId: home.id, crType: "VSI", link: { crn }, isCrossAccount: true };
    const life = await new Life(link as never).create(args);
    expect(await life.refresh()).toBe(true);
    await life.delete();
  });

  it("the metadata service of a server is not looked for in another region", async () => {
    const server = await new Life(instance as never).create({ ...placeOf(cloud) });
    const life = await new Life(metadataService as never).create({ instanceId: server.id });
    await settings({ region: "eu-de" });
    await expectRefused(life, { instanceId: server.id }, ['is in region "us-south"']);
    await settings();
    await life.delete();
    await server.delete();
  });
});

it("the region does not matter to what has none", async () => {
  const life = await new Life(profile).create({});
  await settings({ region: "eu-de" });
  expect(await life.refresh()).toBe(true);
  await life.delete();
  expect(cloud.emulator.inventory().profiles).toEqual([]);
});
