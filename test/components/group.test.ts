/** The group as a program sees it: what it registers, in which order, and what it refuses as a whole. */
import * as pulumi from "@pulumi/pulumi";
import { bootstrapUserData } from "../../bootstrap";
import { LinkedInstanceGroup } from "../../components/linked-instance-group";
import type { LinkedInstanceGroupArgs } from "../../components/linked-instance-group-args";
import { refusalOf, testProgram, valueOf } from "../provider/program";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
const OTHER = "Profile-00000000-0000-4000-8000-000000000000";
const ARGS: LinkedInstanceGroupArgs = {
  vpcId: "v",
  zone: "us-south-1",
  subnetIds: ["s1", "s2"],
  imageId: "i",
  instanceProfile: "bx2-2x8",
  membershipCount: 2,
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
};

const program = testProgram();

const deploy = async (args: Partial<LinkedInstanceGroupArgs> = {}): Promise<LinkedInstanceGroup> => {
  const group = new LinkedInstanceGroup("web", { ...ARGS, ...args });
  await valueOf(group.instanceGroup.urn);
  return group;
};

/** Name of the group that the rule lets in. */
function letIn(): unknown {
  const [condition] = program.inputsOf("TrustedProfileClaimRule")[0]?.conditions as { value: unknown }[];
  return condition?.value;
}

it("makes the group last, after everything that its servers need", async () => {
  await deploy();
  const { labels } = program;
  expect([...labels.slice(0, 3), ...labels.slice(3, -1).sort(), labels.at(-1)]).toEqual([
    "LinkedInstanceGroup web",
    "StackSeed vpc-identity",
    "TrustedProfile web",
    "AccessPolicy web-is",
    "InstanceTemplate web",
    "TrustedProfileClaimRule web",
    "InstanceGroup web",
  ]);
});

it("lets the servers of this group in this VPC in, and links none by itself", async () => {
  await deploy({ vpcId: "crn:v1:bluemix:public:is:us-south:a/0::vpc:v", metadataService: { responseHopLimit: 2 } });
  const name = letIn();
  expect(name).toMatch(/^web-[0-9a-f]{8}$/);
  expect(program.inputsOf("TrustedProfileClaimRule")[0]).toMatchObject({
    profileId: "TrustedProfile-of-web",
    type: "Profile-CR",
    crType: "VSI",
    conditions: [
      { claim: "instance_group_name", operator: "EQUALS", value: name },
      { claim: "vpc_id", operator: "EQUALS", value: "v" },
    ],
  });
  expect(program.inputsOf("InstanceTemplate")[0]).toMatchObject({
    zone: "us-south-1",
    subnetId: "s1",
    metadataService: { enabled: true, protocol: "http", responseHopLimit: 2 },
    defaultTrustedProfile: { target: "TrustedProfile-of-web", autoLink: false },
    userData: bootstrapUserData({}),
  });
  expect(program.inputsOf("InstanceGroup")[0]).toMatchObject({
    name,
    instanceTemplateId: "InstanceTemplate-of-web",
    subnetIds: ["s1", "s2"],
    membershipCount: 2,
  });
  expect(program.inputsOf("InstanceGroup")[0]).not.toHaveProperty("vpcId");
});

it.each<[string, Partial<LinkedInstanceGroupArgs>, unknown]>([
  ["of the user's", { name: "shop" }, "shop"],
  ["that is known later", { name: pulumi.output("shop") }, "shop"],
  ["of a transform", { transform: { instanceGroup: (args) => ({ args: { ...args, name: "shop" } }) } }, "shop"],
])("goes by the same name in rule and group: one %s", async (_name, args, expected) => {
  await deploy(args);
  expect([letIn(), program.inputsOf("InstanceGroup")[0]?.name]).toEqual([expected, expected]);
});

it("gives every output", async () => {
  const group = await deploy();
  const { profileId, profileIamId, profileCrn, claimRuleId, instanceTemplateId, instanceGroupId, instanceGroupCrn } =
    group;
  const outputs = { profileId, profileIamId, profileCrn, claimRuleId, instanceTemplateId, instanceGroupId };
  expect(await valueOf(pulumi.output({ ...outputs, instanceGroupCrn, name: group.instanceGroupName }))).toEqual({
    profileId: "TrustedProfile-of-web",
    profileIamId: "iam-TrustedProfile-of-web",
    profileCrn: "crn:v1:bluemix:public:iam-identity::a/0::profile:made",
    claimRuleId: "TrustedProfileClaimRule-of-web",
    instanceTemplateId: "InstanceTemplate-of-web",
    instanceGroupId: "InstanceGroup-of-web",
    instanceGroupCrn: "crn:v1:bluemix:public:is:us-south:a/0::instance-group:made",
    name: letIn(),
  });
});

it("adds its rule to a profile that exists", async () => {
  const group = await deploy({ trustedProfile: { id: PROFILE } });
  expect(program.registrations.map(({ type }) => type.split(":").at(-1))).toHaveLength(5);
  expect(program.inputsOf("TrustedProfileClaimRule")[0]).toMatchObject({ profileId: PROFILE });
  expect(program.inputsOf("InstanceTemplate")[0]).toMatchObject({
    defaultTrustedProfile: { target: PROFILE, autoLink: false },
  });
  expect(await valueOf(group.profileCrn)).toBe(`crn:v1:bluemix:public:iam-identity::a/0::profile:${PROFILE}`);
});

it("makes user data for the servers' metadata service where the protocol of the bootstrap is undefined", async () => {
  await deploy({ metadataService: { protocol: "https" }, bootstrap: { protocol: undefined } as object });
  expect(program.inputsOf("InstanceTemplate")[0]).toMatchObject({ userData: bootstrapUserData({ protocol: "https" }) });
});

it("lets transforms change the children, but not their identity", async () => {
  await deploy({
    metadataService: { protocol: "https" },
    transform: {
      claimRule: (args) => ({ args: { ...args, name: "servers of the shop" } }),
      instanceTemplate: (args) => ({
        args: {
          ...args,
          userDataChange: "ignore",
          metadataService: { enabled: false, protocol: "http" },
          defaultTrustedProfile: { target: OTHER, autoLink: true },
        },
      }),
      instanceGroup: (args) => ({ args: { ...args, provisionTimeoutSeconds: 60 }, options: { protect: true } }),
    },
  });
  expect(program.inputsOf("TrustedProfileClaimRule")[0]).toMatchObject({ name: "servers of the shop" });
  expect(program.inputsOf("InstanceTemplate")[0]).toMatchObject({
    userDataChange: "ignore",
    metadataService: { enabled: true, protocol: "https" },
    defaultTrustedProfile: { target: "TrustedProfile-of-web", autoLink: false },
  });
  expect(program.inputsOf("InstanceGroup")[0]).toMatchObject({ provisionTimeoutSeconds: 60 });
});

describe("refusal", () => {
  const lines = (args: object): string[] =>
    refusalOf(() => new LinkedInstanceGroup("web", { ...ARGS, ...args })).split("\n");

  it("lists the problems of all children at once, before anything is registered", () => {
    const problems = lines({
      vpcId: undefined,
      subnetIds: [],
      subnetId: "s",
      membershipCount: -1,
      name: "Web",
      metadataService: { responseHopLimit: 0 },
      trustedProfile: { policies: [{ roles: [], service: "is" }] },
      bootstrap: { certificate: { keySize: 1 } },
      transform: { claimRule: true },
    });
    expect(problems[0]).toBe('LinkedInstanceGroup "web" has 9 problems:');
    expect(problems.slice(1).map((line) => line.slice(4, line.indexOf(": ")))).toEqual([
      "subnetIds",
      "membershipCount",
      "trustedProfile.policies[0].roles",
      "subnetId",
      "name",
      "metadataService.responseHopLimit",
      "bootstrap.certificate.keySize",
      "transform.claimRule",
      "vpcId",
    ]);
    expect(program.registrations).toEqual([]);
  });

  it("lists what transforms made wrong, too", () => {
    const wrong = (more: object) => (args: object) => ({ args: { ...args, ...more } });
    const transform = {
      trustedProfile: wrong({ name: 5 }),
      policy: wrong({ roles: [] }),
      claimRule: wrong({ conditions: [] }),
      instanceTemplate: wrong({ zone: "south" }),
      instanceGroup: wrong({ membershipCount: 1.5 }),
    };
    expect(lines({ transform }).map((line) => line.slice(4).split(": ")[0])).toEqual([
      'edInstanceGroup "web" has 5 problems:',
      "trustedProfile.name",
      "trustedProfile.policies[0].roles",
      "claimRule.conditions",
      "instanceTemplate.zone",
      "instanceGroup.membershipCount",
    ]);
    expect(program.registrations).toEqual([]);
  });

  it("takes null for absent", async () => {
    const nothing = { metadataService: null, bootstrap: null, sshKeyIds: null, name: null, transform: null };
    await deploy(nothing as never);
    expect(program.inputsOf("InstanceTemplate")[0]).toMatchObject({ userData: bootstrapUserData({}) });
    expect(letIn()).toMatch(/^web-[0-9a-f]{8}$/);
  });
});
