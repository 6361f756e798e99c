/** An identity for compute that exists: what it registers, what it refuses, and that its names stay. */
import * as pulumi from "@pulumi/pulumi";
import { WorkloadIdentity } from "../../components/workload-identity";
import type { WorkloadIdentityArgs } from "../../components/workload-identity-args";
import { refusalOf, testProgram, valueOf } from "../provider/program";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
const PROFILE_CRN = `crn:v1:bluemix:public:iam-identity::a/0::profile:${PROFILE}`;
const SERVER = "crn:v1:bluemix:public:is:us-south-1:a/0::instance:0717_1";
const CLUSTER = "crn:v1:bluemix:public:containers-kubernetes:us-south:a/0:c1::";
const ARGS: WorkloadIdentityArgs = {
  trustedProfile: { policies: [{ roles: ["Reader"], service: "cloud-object-storage" }] },
  links: {
    worker: { crType: "VSI", link: { crn: pulumi.output(SERVER) } },
    pods: { crType: "IKS_SA", link: { crn: CLUSTER, namespace: "shop", name: "backend" }, name: "backend of the shop" },
  },
  claimRules: {
    servers: { type: "Profile-CR", crType: "VSI", conditions: [{ claim: "vpc_id", operator: "EQUALS", value: "v" }] },
  },
};

const program = testProgram();

const inputsOf = (kind: string): Record<string, Record<string, unknown>> =>
  Object.fromEntries(
    program.registrations.filter(({ type }) => type.endsWith(`:${kind}`)).map(({ name, inputs }) => [name, inputs]),
  );

const deploy = async (args: WorkloadIdentityArgs): Promise<WorkloadIdentity> => {
  const identity = new WorkloadIdentity("app", args);
  const children = [...Object.values(identity.links), ...Object.values(identity.claimRules), ...identity.policies];
  await Promise.all(children.map((child) => valueOf(child.urn)));
  return identity;
};

describe("a new profile", () => {
  it("is made first, then its policies, then who may become it", async () => {
    await deploy(ARGS);
    const order = program.labels;
    expect(order.slice(0, 4)).toEqual([
      "WorkloadIdentity app",
      "StackSeed vpc-identity",
      "TrustedProfile app",
      "AccessPolicy app-cloud-object-storage",
    ]);
    expect(order.slice(4).sort()).toEqual([
      "TrustedProfileClaimRule app-servers",
      "TrustedProfileLink app-pods",
      "TrustedProfileLink app-worker",
    ]);
    const profileId = "TrustedProfile-of-app";
    expect(inputsOf("TrustedProfileLink")).toMatchObject({
      "app-worker": { profileId, crType: "VSI", link: { crn: SERVER } },
      "app-pods": { profileId, crType: "IKS_SA", link: { namespace: "shop" }, name: "backend of the shop" },
    });
    expect(inputsOf("TrustedProfileClaimRule")["app-servers"]).toMatchObject({ profileId, type: "Profile-CR" });
  });

  it("gives every output, and its children", async () => {
    const app = await deploy(ARGS);
    const { profileId, profileIamId, profileCrn, linkIds, claimRuleIds } = app;
    expect(await valueOf(pulumi.output({ profileId, profileIamId, profileCrn, linkIds, claimRuleIds }))).toEqual({
      profileId: "TrustedProfile-of-app",
      profileIamId: "iam-TrustedProfile-of-app",
      profileCrn: "crn:v1:bluemix:public:iam-identity::a/0::profile:made",
      linkIds: { worker: "TrustedProfileLink-of-app-worker", pods: "TrustedProfileLink-of-app-pods" },
      claimRuleIds: { servers: "TrustedProfileClaimRule-of-app-servers" },
    });
    expect([Object.keys(app.links), Object.keys(app.claimRules), app.policies.length]).toEqual([
      ["worker", "pods"],
      ["servers"],
      1,
    ]);
    expect(app.trustedProfile).toBeDefined();
  });
});

it.each<[string, WorkloadIdentityArgs["trustedProfile"], string]>([
  ["id", { id: PROFILE }, ""],
  ["CRN", { crn: PROFILE_CRN }, PROFILE_CRN],
  ["Output", { crn: pulumi.output(PROFILE_CRN) }, PROFILE_CRN],
])("an existing profile by %s gets links and rules, and nothing else", async (_name, trustedProfile, crn) => {
  const app = await deploy({ ...ARGS, trustedProfile });
  expect([Object.keys(inputsOf("TrustedProfile")), Object.keys(inputsOf("AccessPolicy"))]).toEqual([[], []]);
  expect(inputsOf("TrustedProfileLink")["app-worker"]).toMatchObject({ profileId: PROFILE });
  expect(await valueOf(app.profileId)).toBe(PROFILE);
  expect(await valueOf(app.profileCrn)).toBe(crn);
});

it("transforms change what the children get, and not whose they are", async () => {
  await deploy({
    ...ARGS,
    transform: {
      trustedProfile: (args) => ({ args: { ...args, description: "changed" } }),
      policy: (args) => ({ args: { ...args, description: "changed too" } }),
      link: (args, options) => ({ args: { ...args, isCrossAccount: true }, options: { ...options, protect: true } }),
      claimRule: (args) => ({ args: { ...args, name: "changed as well" } }),
    },
  });
  expect(inputsOf("TrustedProfile").app).toMatchObject({ description: "changed" });
  expect(inputsOf("AccessPolicy")["app-cloud-object-storage"]).toMatchObject({ description: "changed too" });
  expect(inputsOf("TrustedProfileLink")["app-pods"]).toMatchObject({ isCrossAccount: true });
  expect(inputsOf("TrustedProfileClaimRule")["app-servers"]).toMatchObject({ name: "changed as well" });
});

describe("refusal", () => {
  const lines = (args: object): string[] =>
    refusalOf(() => new WorkloadIdentity("app", args as WorkloadIdentityArgs)).split("\n");

  it("lists the problems of all children at once, before anything is registered", () => {
    const link = { crType: "VSI", link: { crn: SERVER } };
    const problems = lines({
      trustedProfile: { policies: [{ roles: ["Viewer"] }] },
      links: {
        "a b": link,
        gone: null,
        strange: { ...link, profileId: PROFILE },
        bare: { crType: "IKS_SA", link: { crn: CLUSTER } },
        later: pulumi.output(link),
      },
      claimRules: { empty: { type: "Profile-CR", conditions: [] } },
      transform: { link: 1 },
      link: {},
    });
    expect(problems[0]).toBe('WorkloadIdentity "app" has 11 problems:');
    expect(
      problems
        .slice(1)
        .map((line) => line.slice(4, line.indexOf(": ")))
        .sort(),
    ).toEqual(
      [
        "trustedProfile.policies[0].service",
        "links.a b",
        "links.gone",
        "links.strange.profileId",
        "links.bare.link.namespace",
        "links.bare.link.name",
        "links.later",
        "claimRules.empty.conditions",
        "claimRules.empty.crType",
        "transform.link",
        "link",
      ].sort(),
    );
    expect(program.registrations).toEqual([]);
  });

  // What is refused when it is given must not be offered either.
  it.each([
    ["a link", { links: { worker: { crType: "VSI", link: { crn: SERVER }, colour: 1 } } }, "crType, link, name"],
    [
      "a claim rule",
      { claimRules: { servers: { type: "Profile-CR", crType: "VSI", conditions: [], colour: 1 } } },
      "type, realmName, expirationSeconds",
    ],
  ])("of an unknown key of %s says what is allowed, without the profile", (_name, args, first) => {
    const problem = lines({ ...ARGS, ...args }).find((line) => line.includes(".colour: "));
    expect(problem).toContain(`is not an argument. Allowed: ${first},`);
    expect(problem).not.toContain("profileId");
  });

  it.each([
    ["links as an Output", { links: pulumi.output({}) }, "links: is an Output or a promise; must be a plain object"],
    ["rules as a list", { claimRules: [] }, "claimRules: is []; must be an object"],
    ["no profile", { trustedProfile: undefined }, "trustedProfile: is missing; it is required"],
    [
      "what a transform made",
      { transform: { link: (args: object) => ({ args: { ...args, crType: "EC2" } }) } },
      'links.worker.crType: is "EC2"',
    ],
  ])("of %s", (_name, args, problem) => {
    expect(lines({ ...ARGS, ...args }).join("\n")).toContain(`  - ${problem}`);
    expect(program.registrations).toEqual([]);
  });

  it("takes null for absent", async () => {
    await deploy({ trustedProfile: { policies: null }, links: null, claimRules: null, transform: null } as never);
    expect(refusalOf(() => new WorkloadIdentity("none", null as never))).toContain("is null; must be an object");
  });
});
