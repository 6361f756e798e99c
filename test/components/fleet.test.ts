/** The fleet as a program sees it: which members there are, what they are called, and what it refuses as a whole. */
import * as pulumi from "@pulumi/pulumi";
import { bootstrapUserData } from "../../bootstrap";
import { LinkedInstanceFleet } from "../../components/linked-instance-fleet";
import type { LinkedInstanceFleetArgs } from "../../components/linked-instance-fleet-args";
import { refusalOf, testProgram, valueOf } from "../provider/program";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
const ARGS: LinkedInstanceFleetArgs = {
  vpcId: "v",
  zones: [
    { zone: "us-south-1", subnetId: "s1", count: 2 },
    { zone: "us-south-2", subnetId: "s2" },
  ],
  imageId: "i",
  instanceProfile: "bx2-2x8",
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
};

const program = testProgram();

const member = (name: string): Record<string, unknown> | undefined =>
  program.registrations.find((one) => one.type.endsWith(":Instance") && one.name === name)?.inputs;

const deploy = async (args: Partial<LinkedInstanceFleetArgs> = {}): Promise<LinkedInstanceFleet> => {
  const fleet = new LinkedInstanceFleet("web", { ...ARGS, ...args });
  await Promise.all(Object.values(fleet.instances).map((instance) => valueOf(instance.urn)));
  return fleet;
};

it("makes one profile, its policies once, then the servers of each zone", async () => {
  await deploy();
  const [first = "", ...others] = program.labels;
  expect([first, ...others.slice(0, 3), ...others.slice(3).sort()]).toEqual([
    "LinkedInstanceFleet web",
    "StackSeed vpc-identity",
    "TrustedProfile web",
    "AccessPolicy web-is",
    "Instance web-us-south-1-1",
    "Instance web-us-south-1-2",
    "Instance web-us-south-2-1",
  ]);
  expect(member("web-us-south-2-1")).toMatchObject({
    vpcId: "v",
    zone: "us-south-2",
    subnetId: "s2",
    imageId: "i",
    metadataService: { enabled: true, protocol: "http" },
    defaultTrustedProfile: { target: "TrustedProfile-of-web", autoLink: true },
    userData: bootstrapUserData({}),
  });
});

it("gives every output, by member", async () => {
  const { profileId, profileIamId, profileCrn, instanceIds, instanceCrns, primaryIps } = await deploy();
  const outputs = { profileId, profileIamId, profileCrn, instanceIds, instanceCrns, primaryIps };
  const ofEach = (value: (key: string) => string): Record<string, string> =>
    Object.fromEntries(["us-south-1-1", "us-south-1-2", "us-south-2-1"].map((key) => [key, value(key)]));
  expect(await valueOf(pulumi.output(outputs))).toEqual({
    profileId: "TrustedProfile-of-web",
    profileIamId: "iam-TrustedProfile-of-web",
    profileCrn: "crn:v1:bluemix:public:iam-identity::a/0::profile:made",
    instanceIds: ofEach((key) => `Instance-of-web-${key}`),
    instanceCrns: ofEach(() => "crn:v1:instance"),
    primaryIps: ofEach(() => "10.0.0.4"),
  });
});

const A = { zone: "us-south-1", subnetId: "s1" };
const B = { zone: "us-south-2", subnetId: "s2" };
const OUTPUT_ZONE = pulumi.output("us-south-1");

it.each<[string, Partial<LinkedInstanceFleetArgs>, string[]]>([
  ["one in each zone", { zones: [A, B] }, ["us-south-1-1", "us-south-2-1"]],
  ["the same when the zones change places", { zones: [B, A] }, ["us-south-2-1", "us-south-1-1"]],
  [
    "as many as the fleet says",
    { zones: [A, { ...B, count: 1 }], countPerZone: 2 },
    ["us-south-1-1", "us-south-1-2", "us-south-2-1"],
  ],
  ["none in an empty zone", { zones: [{ ...A, count: 0 }, B] }, ["us-south-2-1"]],
  [
    "the others when one is taken away",
    { zones: [{ ...A, count: 3 }], members: { "us-south-1-2": false } },
    ["us-south-1-1", "us-south-1-3"],
  ],
  ["two subnets in a zone", { zones: [A, { ...A, subnetId: "s3", name: "db" }] }, ["us-south-1-1", "db-1"]],
  ["a zone that is known later", { zones: [{ ...A, zone: OUTPUT_ZONE, name: "first" }] }, ["first-1"]],
])("has members: %s", async (_name, args, expected) => {
  const fleet = await deploy(args);
  expect(Object.keys(fleet.instances)).toEqual(expected);
  expect(program.labels.filter((label) => label.startsWith("Instance ")).sort()).toEqual(
    expected.map((key) => `Instance web-${key}`).sort(),
  );
});

describe("a member of its own kind", () => {
  it("gets its own arguments, and the others keep the fleet's", async () => {
    const own = { imageId: "old", name: "first", tags: ["old"], metadataService: { protocol: "https" as const } };
    const bootstrap = { iamTokens: [{ name: "app" }] };
    await deploy({ tags: ["web"], members: { "us-south-1-1": own, "us-south-1-2": { bootstrap } } });
    expect(member("web-us-south-1-1")).toMatchObject({
      imageId: "old",
      name: "first",
      tags: ["old"],
      metadataService: { enabled: true, protocol: "https" },
      userData: bootstrapUserData({ protocol: "https" }),
    });
    expect(member("web-us-south-1-2")).toMatchObject({ imageId: "i", userData: bootstrapUserData(bootstrap) });
    expect(member("web-us-south-2-1")).toMatchObject({ imageId: "i", tags: ["web"], userData: bootstrapUserData({}) });
    expect(member("web-us-south-2-1")).not.toHaveProperty("name");
  });

  it("gets user data for its metadata service where the protocol of the bootstrap is undefined", async () => {
    const bootstrap = { protocol: undefined } as object;
    const metadataService = { protocol: "https" as const };
    await deploy({ bootstrap, members: { "us-south-1-1": { metadataService }, "us-south-1-2": { bootstrap } } });
    expect(member("web-us-south-1-1")).toMatchObject({ userData: bootstrapUserData({ protocol: "https" }) });
    expect(member("web-us-south-1-2")).toMatchObject({ userData: bootstrapUserData({}) });
    expect(member("web-us-south-2-1")).toMatchObject({ userData: bootstrapUserData({}) });
  });

  it("can be told apart in a transform, which cannot take its identity", async () => {
    await deploy({
      transform: {
        trustedProfile: (args) => ({ args: { ...args, description: "changed" } }),
        instance: (args, options, { key, zone, number }) => ({
          args: {
            ...args,
            name: `${zone}-n${number}`,
            metadataService: { enabled: false, protocol: "https" },
            defaultTrustedProfile: { target: PROFILE, autoLink: false },
          },
          options: { ...options, protect: key === "us-south-1-1" },
        }),
      },
    });
    expect(["1-1", "1-2", "2-1"].map((key) => member(`web-us-south-${key}`)?.name)).toEqual([
      "us-south-1-n1",
      "us-south-1-n2",
      "us-south-2-n1",
    ]);
    expect(member("web-us-south-1-2")).toMatchObject({
      metadataService: { enabled: true, protocol: "http" },
      defaultTrustedProfile: { target: "TrustedProfile-of-web", autoLink: true },
    });
    expect(program.registrations.find(({ name }) => name === "web")?.type).toContain("LinkedInstanceFleet");
    expect(program.inputsOf("TrustedProfile")[0]?.description).toBe("changed");
  });
});

it.each<[string, LinkedInstanceFleetArgs["trustedProfile"]]>([
  ["its id", { id: PROFILE }],
  ["its CRN", { crn: `crn:v1:bluemix:public:iam-identity::a/0::profile:${PROFILE}` }],
])("links a profile that exists, by %s", async (_name, trustedProfile) => {
  const fleet = await deploy({ trustedProfile });
  expect(program.labels.slice(0, 2)).toEqual(["LinkedInstanceFleet web", "StackSeed vpc-identity"]);
  expect(program.labels.filter((label) => !label.startsWith("Instance "))).toHaveLength(2);
  const target = trustedProfile.id ?? trustedProfile.crn;
  expect(member("web-us-south-1-1")).toMatchObject({ defaultTrustedProfile: { target, autoLink: true } });
  expect(await valueOf(fleet.profileId)).toBe(PROFILE);
  expect(await valueOf(fleet.profileCrn)).toBe("crn:v1:profile");
});

it("may have no server at all", async () => {
  const fleet = await deploy({ countPerZone: 0, zones: [A], trustedProfile: { id: PROFILE } });
  expect(fleet.instances).toEqual({});
  expect(await valueOf(fleet.profileCrn)).toBe("");
});

describe("refusal", () => {
  const lines = (args: object): string[] =>
    refusalOf(() => new LinkedInstanceFleet("web", { ...ARGS, ...args })).split("\n");

  it("lists the problems of all children at once, before anything is registered", () => {
    const problems = lines({
      vpcId: undefined,
      subnetId: "s",
      zones: [{ zone: "south", count: 1.5 }, A, A, { subnetId: "s", zone: OUTPUT_ZONE }, null],
      countPerZone: -1,
      members: { "us-south-1-1": { image: "x" } },
      metadataService: { responseHopLimit: 0 },
      trustedProfile: { policies: [{ roles: [], service: "is" }] },
      transform: { instance: true },
    });
    expect(problems[0]).toBe('LinkedInstanceFleet "web" has 13 problems:');
    expect(problems.slice(1).map((line) => line.slice(4, line.indexOf(": ")))).toEqual([
      "zones[0].zone",
      "zones[0].count",
      "zones[0].subnetId",
      "zones[4]",
      "trustedProfile.policies[0].roles",
      "subnetId",
      "countPerZone",
      "members.us-south-1-1.image",
      "metadataService.responseHopLimit",
      "transform.instance",
      "vpcId",
      "zones[2].name",
      "zones[3].name",
    ]);
    expect(program.registrations).toEqual([]);
  });

  it.each<[string, object, string]>([
    ["no zone", { zones: [] }, "  - zones: is []; must have at least 1 entry"],
    ["zones as an Output", { zones: pulumi.output([A]) }, "  - zones: is an Output or a promise; must be a plain list"],
    [
      "a count as an Output",
      { zones: [{ ...A, count: pulumi.output(2) }] },
      "  - zones[0].count: is an Output or a promise; must be a plain number: it decides which resources there are",
    ],
    [
      "a zone twice",
      { zones: [A, A] },
      '  - zones[1].name: zones[0] is called "us-south-1" already. Name the one that you added',
    ],
    [
      "a zone that is known later and has no name",
      { zones: [{ ...A, zone: OUTPUT_ZONE }] },
      "  - zones[0].name: is missing; needed where zone is an Output or a promise",
    ],
    [
      "a member that there is not",
      { members: { "us-south-2-2": { imageId: "x" } } },
      "  - members.us-south-2-2: there is no such member. Members: us-south-1-1, us-south-1-2, us-south-2-1",
    ],
    [
      "user data that does not fit a member's metadata service",
      { members: { "us-south-2-1": { metadataService: { protocol: "https" } } }, bootstrap: { protocol: "http" } },
      '  - members.us-south-2-1.bootstrap.protocol: is "http"; must be that of metadataService.protocol, "https"',
    ],
    [
      "what a transform makes of one member",
      {
        transform: {
          instance: (args: object, _options: object, { number }: { number: number }) => ({
            args: number === 2 ? { ...args, zone: "south" } : args,
          }),
        },
      },
      '  - instances.us-south-1-2.zone: is "south"; must be a zone such as "us-south-1"',
    ],
  ])("of %s", (_name, args, problem) => {
    const [first, ...rest] = lines(args);
    expect([first, ...rest]).toEqual(['LinkedInstanceFleet "web" has a problem:', expect.stringContaining(problem)]);
    expect(program.registrations).toEqual([]);
  });

  it("takes null for absent", async () => {
    const nothing = {
      metadataService: null,
      bootstrap: null,
      sshKeyIds: null,
      members: null,
      countPerZone: null,
      transform: null,
    };
    await deploy(nothing as never);
    expect(member("web-us-south-2-1")).toMatchObject({ userData: bootstrapUserData({}) });
  });
});
