/** Functions that look up what is in a VPC, and what a server may become. */
import * as pulumi from "@pulumi/pulumi";
import { createClaimRule } from "../../../client/iam-claim-rules";
import { createLink, createProfile, deleteLink, listLinks } from "../../../client/iam-identity";
import { type Instance, createInstance } from "../../../client/vpc";
import { createSshKey, createSubnet, createVpc } from "../../../client/vpc-networks";
import { getImage, getImageOutput } from "../../../provider/functions/get-image";
import { getInstance, getInstanceOutput } from "../../../provider/functions/get-instance";
import { getInstanceIdentity, getInstanceIdentityOutput } from "../../../provider/functions/get-instance-identity";
import { getInstanceProfiles, getInstanceProfilesOutput } from "../../../provider/functions/get-instance-profiles";
import { getSshKey, getSshKeyOutput } from "../../../provider/functions/get-ssh-key";
import { getSubnet, getSubnetOutput } from "../../../provider/functions/get-subnet";
import { getVpc, getVpcOutput } from "../../../provider/functions/get-vpc";
import { type Cloud, rejectionOf, startCloud } from "../cloud";
import { startProgram, valueOf } from "../program";
import { ed25519Key } from "../public-keys";

const ZONE = "us-south-1";

let cloud: Cloud;
let app: Instance;
let profile: Awaited<ReturnType<typeof createProfile>>;

const first = (name: "vpcs" | "subnets" | "images" | "keys"): { id: string; crn: string; name: string } =>
  cloud.emulator.inventory()[name][0] as never;

beforeAll(async () => {
  cloud = await startCloud();
  await startProgram();
  const { IBMCLOUD_API_KEY = "", IBMCLOUD_IAM_API_ENDPOINT = "", IBMCLOUD_IS_NG_API_ENDPOINT = "" } = cloud.env;
  pulumi.runtime.setAllConfig(
    {
      "vpc-identity:apiKey": IBMCLOUD_API_KEY,
      "vpc-identity:iamEndpoint": IBMCLOUD_IAM_API_ENDPOINT,
      "vpc-identity:vpcEndpoint": IBMCLOUD_IS_NG_API_ENDPOINT,
    },
    ["vpc-identity:apiKey"],
  );
  profile = await createProfile(cloud.elsewhere, { name: "app" });
  app = await createInstance(cloud.elsewhere, {
    name: "app",
    profile: "bx2-2x8",
    zone: ZONE,
    imageId: first("images").id,
    keyIds: [first("keys").id],
    defaultTrustedProfile: { target: profile.id, autoLink: true },
    metadataService: { enabled: true },
    primaryNetworkAttachment: { virtualNetworkInterface: { subnetId: first("subnets").id } },
  });
});
afterAll(async () => {
  pulumi.runtime.setAllConfig({});
  await cloud.close();
});
beforeEach(() => cloud.calls());

describe("what is found by id, by CRN and by name", () => {
  it.each<
    [
      string,
      () => { readonly id: string; readonly crn: string; readonly name: string },
      (args: object) => Promise<unknown>,
      string,
    ]
  >([
    ["getVpc", () => first("vpcs"), (args) => getVpc(args), "vpcId"],
    ["getSubnet", () => first("subnets"), (args) => getSubnet(args), "subnetId"],
    ["getSshKey", () => first("keys"), (args) => getSshKey(args), "sshKeyId"],
    ["getImage", () => first("images"), (args) => getImage(args), "imageId"],
    ["getInstance", () => app, (args) => getInstance(args), "instanceId"],
  ])("%s", async (_name, there, look, key) => {
    const { id, crn, name } = there();
    for (const args of [{ [key]: id }, { [key]: crn }, { name }]) {
      expect(await look(args)).toMatchObject({ [key]: id, crn, name });
    }
    const found = (await look({ name })) as object;
    expect(found).not.toHaveProperty("id");
    expect(found).not.toHaveProperty("etag");
    expect(Object.values(found)).not.toContain(undefined);
  });
});

describe("what is not found", () => {
  it.each<[string, () => Promise<unknown>, RegExp | string]>([
    ["a VPC by id", () => getVpc({ vpcId: "r006-none" }), 'There is no VPC "r006-none" in region us-south.'],
    [
      "a VPC by name",
      () => getVpc({ name: "emulator" }),
      'There is no VPC named "emulator" in region us-south. There is: "emulator-vpc".',
    ],
    [
      "a subnet of a VPC",
      () => getSubnet({ name: "front", vpcId: first("vpcs").crn }),
      /^There is no subnet named "front" of VPC "crn:.*" in region us-south\. There is: "emulator-subnet-1", "emulator-subnet-2", "emulator-subnet-3"\.$/,
    ],
    [
      "a key by fingerprint",
      () => getSshKey({ fingerprint: `SHA256:${"a".repeat(43)}` }),
      /^There is no SSH key with fingerprint SHA256:a+ in region us-south\. There is: "emulator-key"\.$/,
    ],
    [
      "a server",
      () => getInstance({ name: "ap" }),
      'There is no server named "ap" in region us-south. There is: "app".',
    ],
    [
      "an image by name",
      () => getImage({ name: "debian", visibility: "private" }),
      'There is no private image named "debian" in region us-south.',
    ],
    [
      "an operating system",
      () => getImage({ operatingSystem: "debian-13-amd64" }),
      /^There is no available image of "debian-13-amd64" in region us-south\. There is: ".*debian-12-amd64/,
    ],
  ])("%s", async (_name, look, expected) => {
    const refusal = await rejectionOf(look());
    if (typeof expected === "string") expect(refusal).toBe(expected);
    else expect(refusal).toMatch(expected);
  });

  it("shows the names that differ least, and no more than five", async () => {
    for (let index = 0; index < 7; index++)
      await createSshKey(cloud.elsewhere, {
        name: `other-${index}`,
        publicKey: ed25519Key(`k${index}`),
        type: "ed25519",
      });
    expect(await rejectionOf(getSshKey({ name: "emulator-kei" }))).toMatch(
      /There is: "emulator-key"(, "other-\d"){4}\.$/,
    );
  });
});

it("a subnet's name alone is enough as long as one VPC has it", async () => {
  const other = await createVpc(cloud.elsewhere, { name: "other" });
  const twin = await createSubnet(cloud.elsewhere, {
    name: "emulator-subnet-1",
    vpcId: other.id,
    zone: ZONE,
    totalIpv4AddressCount: 8,
  });
  expect(await rejectionOf(getSubnet({ name: "emulator-subnet-1" }))).toBe(
    `There are 2 subnets named "emulator-subnet-1": ${first("subnets").id}, ${twin.id}. Ask for one by its id.`,
  );
  expect(await getSubnet({ name: "emulator-subnet-1", vpcId: other.id })).toMatchObject({ subnetId: twin.id });
});

it("walks all pages", async () => {
  const vpc = await createVpc(cloud.elsewhere, { name: "many" });
  for (let index = 0; index < 101; index++)
    await createSubnet(cloud.elsewhere, { name: `many-${index}`, vpcId: vpc.id, zone: ZONE, totalIpv4AddressCount: 8 });
  cloud.calls();
  expect(await getSubnet({ name: "many-100", vpcId: vpc.id })).toMatchObject({ name: "many-100" });
  expect(cloud.calls()).toEqual(["GET /v1/subnets", "GET /v1/subnets"]);
});

it("getInstance tells what a server was created with", async () => {
  expect(await getInstance({ name: "app" })).toMatchObject({
    instanceProfile: "bx2-2x8",
    metadataService: { enabled: true, protocol: "http", responseHopLimit: 1 },
    defaultTrustedProfile: { target: profile.id, crn: profile.crn, autoLink: true },
    sshKeyIds: [first("keys").id],
  });
});

describe("getImage", () => {
  const image = (more: object): object => ({
    id: "r006-1",
    crn: "crn:1",
    name: "a",
    status: "available",
    visibility: "public",
    user_data_format: "cloud_init",
    created_at: "2026-01-01T00:00:00Z",
    operating_system: { name: "linux-1" },
    ...more,
  });
  const listed = (...images: object[]): void => {
    cloud.fail("GET", /\/images$/, { status: 200, body: { images: images.map(image) } });
  };

  it("takes the newest that servers can be made from", async () => {
    listed(
      { id: "old", created_at: "2025-01-01T00:00:00Z" },
      { id: "newest" },
      { id: "gone", created_at: "2026-05-01T00:00:00Z", status: "deprecated" },
      { id: "other", created_at: "2026-05-01T00:00:00Z", operating_system: { name: "linux-2" } },
      { id: "vmware", created_at: "2026-05-01T00:00:00Z", user_data_format: "esxi_kickstart" },
    );
    expect(await getImage({ operatingSystem: "linux-1" })).toMatchObject({ imageId: "newest", runsCloudInit: true });
  });

  it("refuses one that ignores user data, unless any will do", async () => {
    const vmware = { name: "vmware", user_data_format: "esxi_kickstart" };
    listed(vmware);
    expect(await rejectionOf(getImage({ name: "vmware" }))).toBe(
      'image "vmware" (r006-1) takes user data of format "esxi_kickstart" and does not run cloud-init, so its servers would ' +
        "ignore the user data that gives them their identity. Choose another image, or set `anyUserDataFormat: true`.",
    );
    listed(vmware);
    expect(await getImage({ name: "vmware", anyUserDataFormat: true })).toMatchObject({ runsCloudInit: false });
  });
});

it("getInstanceProfiles filters, and begins with the smallest", async () => {
  const { profiles } = await getInstanceProfiles({ family: "memory", minMemoryGib: 32 });
  expect(profiles[0]).toEqual({
    name: "mx2-4x32",
    family: "memory",
    status: "current",
    architecture: "amd64",
    vcpuCount: 4,
    memoryGib: 32,
    bandwidthMbps: 8000,
  });
  expect(profiles.every(({ memoryGib = 0 }) => memoryGib >= 32)).toBe(true);
  expect((await getInstanceProfiles({ minVcpuCount: 1024 })).profiles).toEqual([]);
});

describe("getInstanceIdentity", () => {
  it("names the profiles a server may become, each with the reason, and the rules it does not meet", async () => {
    const condition = (claim: string, operator: "EQUALS" | "IN", value: unknown) => ({
      claim,
      operator,
      value: JSON.stringify(value),
    });
    const byRule = await createProfile(cloud.elsewhere, { name: "by-rule" });
    const rule = await createClaimRule(cloud.elsewhere, byRule.id, {
      type: "Profile-CR",
      crType: "VSI",
      conditions: [condition("zone", "IN", [ZONE, "us-south-2"]), condition("vpc_id", "EQUALS", first("vpcs").id)],
    });
    const unmet = await createClaimRule(cloud.elsewhere, byRule.id, {
      type: "Profile-CR",
      crType: "VSI",
      conditions: [
        condition("region", "EQUALS", "us-south"),
        condition("subnet_id", "EQUALS", "0717-x"),
        condition("instance_group_name", "EQUALS", "g"),
      ],
    });
    const forBareMetal = {
      type: "Profile-CR",
      crType: "BMS",
      conditions: [condition("zone", "EQUALS", ZONE)],
    } as const;
    await createClaimRule(cloud.elsewhere, byRule.id, forBareMetal);
    const other = await createProfile(cloud.elsewhere, { name: "other" });
    await createLink(cloud.elsewhere, other.id, { crType: "VSI", link: { crn: `${app.crn}0` } });
    const [link] = await listLinks(cloud.elsewhere, profile.id);

    const found = await getInstanceIdentity({ name: "app" });
    expect(found).toMatchObject({
      instanceId: app.id,
      metadataServiceEnabled: true,
      claims: {
        zone: ZONE,
        region: "us-south",
        vpc_id: first("vpcs").id,
        resource: app.id,
        resource_group_name: "Default",
      },
      defaultTrustedProfile: { profileId: profile.id, crn: profile.crn, autoLink: true, isPossible: true },
    });
    expect(found.profiles).toEqual([
      {
        profileId: profile.id,
        iamId: profile.iamId,
        crn: profile.crn,
        name: "app",
        isDefault: true,
        reasons: [{ kind: "link", linkId: link?.id, text: `link ${link?.id ?? ""} names the server's CRN` }],
      },
      {
        profileId: byRule.id,
        iamId: byRule.iamId,
        crn: byRule.crn,
        name: "by-rule",
        isDefault: false,
        reasons: [
          {
            kind: "claimRule",
            ruleId: rule.id,
            text: `rule ${rule.id}: zone IN ["us-south-1","us-south-2"] and vpc_id EQUALS "${first("vpcs").id}"`,
          },
        ],
      },
    ]);
    expect(found.unmetClaimRules).toEqual([
      {
        profileId: byRule.id,
        profileName: "by-rule",
        ruleId: unmet.id,
        unmet: [
          `subnet_id EQUALS "0717-x": the server's is "${first("subnets").id}"`,
          'instance_group_name EQUALS "g": the server has no claim instance_group_name',
        ],
      },
    ]);
    expect(found.summary).toBe(
      `Server "app" may become "app" (${profile.id}), its default: link ${link?.id ?? ""} names the server's CRN.\n` +
        `Server "app" may become "by-rule" (${byRule.id}): ${found.profiles[1]?.reasons[0]?.text ?? ""}.`,
    );
    const only = await getInstanceIdentity({ instanceId: app.crn, profileIds: [byRule.crn] });
    expect(only.profiles.map(({ name }) => name)).toEqual(["by-rule"]);
    // The default is looked at although it is not asked for.
    expect(only.defaultTrustedProfile?.isPossible).toBe(true);
    expect(only.summary).not.toContain("neither a link");
  });

  it("says so when the default profile is none that the server may become", async () => {
    const [link] = await listLinks(cloud.elsewhere, profile.id);
    await deleteLink(cloud.elsewhere, profile.id, link?.id ?? "");
    const found = await getInstanceIdentity({ name: "app", profileIds: [profile.id] });
    expect([found.defaultTrustedProfile?.isPossible, found.profiles]).toEqual([false, []]);
    expect(found.summary).toBe(
      'Server "app" may become none of the trusted profiles asked for.\n' +
        `Server "app" was created with the default ${profile.id}, but neither a link nor a claim rule lets it become that now.`,
    );
  });

  it("says which profile there is not", async () => {
    const missing = "Profile-00000000-0000-4000-8000-000000000000";
    expect(await rejectionOf(getInstanceIdentity({ name: "app", profileIds: [missing] }))).toContain(
      `There is no trusted profile "${missing}"`,
    );
  });
});

it.each<[string, () => pulumi.Output<unknown>, object]>([
  ["getVpc", () => getVpcOutput({ name: pulumi.output("emulator-vpc") }), { name: "emulator-vpc" }],
  ["getSubnet", () => getSubnetOutput({ subnetId: pulumi.output(first("subnets").id) }), { zone: ZONE }],
  ["getSshKey", () => getSshKeyOutput(pulumi.output({ name: "emulator-key" })), { type: "ed25519" }],
  ["getImage", () => getImageOutput({ operatingSystem: "debian-12-amd64" }), { runsCloudInit: true }],
  ["getInstance", () => getInstanceOutput({ name: "app" }), { status: expect.any(String) as string }],
  ["getInstanceIdentity", () => getInstanceIdentityOutput({ name: "app" }), { name: "app" }],
  ["getInstanceProfiles", () => getInstanceProfilesOutput(), { profiles: expect.any(Array) as unknown[] }],
])("%s has an Output form", async (_name, look, expected) => {
  expect(await valueOf(look())).toMatchObject(expected);
});

it.each<[string, () => Promise<unknown>, string[]]>([
  ["getVpc", () => getVpc({ vpcId: "a", name: "B" }), ['name: is "B"', 'exactly one of "vpcId" and "name"']],
  ["getSubnet", () => getSubnet({ subnetId: "a", vpcId: "v" }), ['at most one of "subnetId" and "vpcId"']],
  ["getSshKey", () => getSshKey({ fingerprint: "MD5:1" }), ["as ssh-keygen -l prints it"]],
  ["getImage", () => getImage({}), ["none is given"]],
  ["getInstanceProfiles", () => getInstanceProfiles({ minVcpuCount: 0 }), ["minVcpuCount: is 0"]],
  ["getInstanceIdentity", () => getInstanceIdentity({ name: "a", profileIds: ["p"] }), ['profileIds[0]: is "p"']],
])("%s lists every problem of its arguments, before any call", async (_name, look, problems) => {
  const refusal = await rejectionOf(look());
  for (const problem of problems) expect(refusal).toContain(problem);
  expect(cloud.calls()).toEqual([]);
});
