/** The component as a program sees it: what it registers, in which order, and what it refuses as a whole. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { bootstrapUserData } from "../../bootstrap";
import { LinkedInstance } from "../../components/linked-instance";
import type { LinkedInstanceArgs } from "../../components/linked-instance-args";
import { type Registration, refusalOf, startProgram, valueOf } from "../provider/program";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
const CRN = `crn:v1:bluemix:public:iam-identity::a/0::profile:${PROFILE}`;
const ARGS: LinkedInstanceArgs = {
  vpcId: "v",
  subnetId: "s",
  zone: "us-south-1",
  imageId: "i",
  instanceProfile: "bx2-2x8",
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
};

let registrations: Registration[];
beforeEach(async () => {
  registrations = await startProgram();
});

const inputsOf = (kind: string): Record<string, unknown>[] =>
  registrations.filter(({ type }) => type.endsWith(`:${kind}`)).map(({ inputs }) => inputs);

const deploy = async (args: LinkedInstanceArgs): Promise<LinkedInstance> => {
  const app = new LinkedInstance("app", args);
  await valueOf(app.instance.urn);
  return app;
};

describe("a new profile", () => {
  it("is made first, then its policies, then the server", async () => {
    await deploy(ARGS);
    expect(registrations.map(({ type, name }) => `${type.split(":").at(-1) ?? ""} ${name}`)).toEqual([
      "LinkedInstance app",
      "StackSeed vpc-identity",
      "TrustedProfile app",
      "AccessPolicy app-is",
      "Instance app",
    ]);
    expect(inputsOf("AccessPolicy")[0]).toMatchObject({ profileId: "TrustedProfile-of-app", roles: ["Operator"] });
    expect(inputsOf("Instance")[0]).toMatchObject({
      vpcId: "v",
      metadataService: { enabled: true },
      defaultTrustedProfile: { target: "TrustedProfile-of-app", autoLink: true },
    });
  });

  it("gives every output", async () => {
    const app = await deploy(ARGS);
    const { profileId, profileIamId, profileCrn, instanceId, instanceCrn, primaryIp } = app;
    const outputs = { profileId, profileIamId, profileCrn, instanceId, instanceCrn, primaryIp };
    expect(await valueOf(pulumi.output(outputs))).toEqual({
      profileId: "TrustedProfile-of-app",
      profileIamId: "iam-TrustedProfile-of-app",
      profileCrn: "crn:v1:bluemix:public:iam-identity::a/0::profile:made",
      instanceId: "Instance-of-app",
      instanceCrn: "crn:v1:instance",
      primaryIp: "10.0.0.4",
    });
    expect(pulumi.Output.isInstance(app.userDataSha256)).toBe(true);
    expect(app.policies).toHaveLength(1);
  });

  it("names policies after their targets, so that one less leaves the others alone", async () => {
    const policies = [
      { roles: ["Viewer"], service: "is" },
      { roles: ["Writer"], service: "cloud-object-storage" },
      { roles: ["Operator"], service: "is", region: "eu-de" },
      { roles: ["Viewer"], accountManagement: true },
      { roles: ["Viewer"], allServices: true },
      { roles: ["Viewer"], resourceGroupId: "g" },
      { roles: ["Viewer"], resourceAttributes: [{ key: "serviceName", value: "is" }] },
    ] as const;
    await deploy({ ...ARGS, trustedProfile: { policies: policies as never } });
    const names = registrations.filter(({ type }) => type.endsWith(":AccessPolicy")).map(({ name }) => name);
    expect(names.sort()).toEqual(
      ["is", "cloud-object-storage", "is-2", "account-management", "all-services", "resource-group", "policy"]
        .map((label) => `app-${label}`)
        .sort(),
    );
  });
});

describe("an existing profile", () => {
  it.each([
    ["id", { id: PROFILE }, PROFILE],
    ["CRN", { crn: CRN }, CRN],
    ["Output", { id: pulumi.output(PROFILE) }, PROFILE],
  ])("by %s is only linked", async (_name, trustedProfile, target) => {
    const app = await deploy({ ...ARGS, trustedProfile });
    expect(registrations.map(({ type }) => type.split(":").at(-1))).toEqual([
      "LinkedInstance",
      "StackSeed",
      "Instance",
    ]);
    expect(inputsOf("Instance")[0]).toMatchObject({ defaultTrustedProfile: { target, autoLink: true } });
    expect(await valueOf(app.profileId)).toBe(PROFILE);
    expect(await valueOf(app.profileIamId)).toBe(`iam-${PROFILE}`);
    expect(await valueOf(app.profileCrn)).toBe("crn:v1:profile");
  });
});

describe("user data", () => {
  it("is that of the generator, with the protocol of the metadata service", async () => {
    await deploy({ ...ARGS, metadataService: { protocol: "https" }, bootstrap: { certificate: { keySize: 4096 } } });
    const expected = bootstrapUserData({ protocol: "https", certificate: { keySize: 4096 } });
    expect(inputsOf("Instance")[0]?.userData).toBe(expected);
    expect(expected).toContain("https://api.metadata.cloud.ibm.com");
  });

  it("is the same when options are Outputs", async () => {
    const certificate = { keySize: pulumi.output<2048 | 4096>(4096), subject: { O: pulumi.output("Example") } };
    await deploy({ ...ARGS, bootstrap: pulumi.output({ certificate }) });
    expect(inputsOf("Instance")[0]?.userData).toBe(
      bootstrapUserData({ certificate: { keySize: 4096, subject: { O: "Example" } } }),
    );
  });
});

describe("transform", () => {
  it("changes what the children get", async () => {
    await deploy({
      ...ARGS,
      transform: {
        trustedProfile: (args) => ({ args: { ...args, description: "changed" } }),
        policy: (args) => ({ args: { ...args, description: "changed too" } }),
        instance: (args, options) => ({
          args: { ...args, name: "app-server" },
          options: { ...options, protect: true },
        }),
      },
    });
    expect(inputsOf("TrustedProfile")[0]).toMatchObject({ description: "changed" });
    expect(inputsOf("AccessPolicy")[0]).toMatchObject({ description: "changed too", roles: ["Operator"] });
    expect(inputsOf("Instance")[0]).toMatchObject({ name: "app-server", imageId: "i" });
  });

  it("is checked like the arguments", () => {
    const transform = { instance: (args: object) => ({ args: { ...args, zone: "south" } }) };
    expect(refusalOf(() => new LinkedInstance("app", { ...ARGS, transform } as unknown as LinkedInstanceArgs))).toBe(
      'LinkedInstance "app" has a problem:\n  - instance.zone: is "south"; must be a zone such as "us-south-1"',
    );
    expect(registrations).toEqual([]);
  });
});

describe("refusal", () => {
  const lines = (args: object): string[] =>
    refusalOf(() => new LinkedInstance("app", args as LinkedInstanceArgs)).split("\n");

  it("lists the problems of all children at once, before anything is registered", () => {
    const problems = lines({
      ...ARGS,
      vpcID: "v",
      vpcId: undefined,
      sshKeyIds: "key",
      metadataService: { protocol: "tcp", responseHopLimit: 0 },
      trustedProfile: { name: 5, policies: [{ roles: [], service: "is" }, { roles: ["Viewer"] }] },
      bootstrap: { certificate: { keySize: 1024, subject: { CN: "me" } }, iamToken: [] },
      transform: { instance: 1 },
    });
    expect(problems[0]).toBe('LinkedInstance "app" has 13 problems:');
    expect(problems.slice(1).map((line) => line.slice(4, line.indexOf(": ")))).toEqual([
      "trustedProfile.name",
      "trustedProfile.policies[0].roles",
      "trustedProfile.policies[1].service",
      "vpcID",
      "sshKeyIds",
      "metadataService.protocol",
      "metadataService.responseHopLimit",
      "bootstrap.certificate.keySize",
      "bootstrap.certificate.subject.CN",
      "bootstrap.certificate.subject",
      "bootstrap.iamToken",
      "transform.instance",
      "vpcId",
    ]);
    expect(registrations).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      "both id and CRN",
      { trustedProfile: { id: PROFILE, crn: CRN } },
      '  - trustedProfile.crn: exactly one of "id" and "crn" is allowed; "id" and "crn" are given',
    ],
    [
      "policies for a profile that exists",
      { trustedProfile: { id: PROFILE, policies: [] } },
      "  - trustedProfile.policies: is not an argument. Allowed: id, crn",
    ],
    [
      "a bad id",
      { trustedProfile: { id: "app" } },
      '  - trustedProfile.id: is "app"; must be a profile id: "Profile-<uuid>"',
    ],
    [
      "two protocols",
      { metadataService: { protocol: "https" }, bootstrap: { protocol: "http" } },
      '  - bootstrap.protocol: is "http"; must be that of metadataService.protocol, "https"',
    ],
    [
      "user data that is too large",
      {
        bootstrap: {
          // Names that no compression shortens.
          iamTokens: Array.from({ length: 2500 }, (_, index) => ({
            name: createHash("sha256").update(String(index)).digest("hex"),
          })),
        },
      },
      "  - bootstrap: ",
    ],
  ])("of %s", (_name, args, problem) => {
    const [first, ...rest] = lines({ ...ARGS, ...args });
    expect(first).toBe('LinkedInstance "app" has a problem:');
    expect(rest.join("\n").slice(0, problem.length)).toBe(problem);
    expect(registrations).toEqual([]);
  });
});
