/** The component as a program sees it: what it registers, in which order, and what it refuses as a whole. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { bootstrapUserData } from "../../bootstrap";
import { bootstrapUserDataOutput } from "../../components/bootstrap-user-data";
import { LinkedInstance } from "../../components/linked-instance";
import type { LinkedInstanceArgs } from "../../components/linked-instance-args";
import type { InstanceArgs } from "../../provider/instance-args";
import { refusalOf, testProgram, valueOf } from "../provider/program";
import { ARGS, CRN, PROFILE } from "./linked-instance-args";

const OTHER = "Profile-00000000-0000-4000-8000-000000000000";

const program = testProgram();

const deploy = async (args: LinkedInstanceArgs): Promise<LinkedInstance> => {
  const app = new LinkedInstance("app", args);
  await valueOf(app.instance.urn);
  return app;
};

describe("a new profile", () => {
  it("is made first, then its policies, then the server", async () => {
    await deploy({ ...ARGS, tags: ["web"] });
    expect(program.labels).toEqual([
      "LinkedInstance app",
      "StackSeed vpc-identity",
      "TrustedProfile app",
      "AccessPolicy app-is",
      "Instance app",
    ]);
    expect(program.inputsOf("AccessPolicy")[0]).toMatchObject({
      profileId: "TrustedProfile-of-app",
      roles: ["Operator"],
    });
    expect(program.inputsOf("Instance")[0]).toMatchObject({
      vpcId: "v",
      tags: ["web"],
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

  const policyNames = async (policies: readonly object[]): Promise<string[]> => {
    await deploy({ ...ARGS, trustedProfile: { policies: policies as never } });
    return program.registrations.filter(({ type }) => type.endsWith(":AccessPolicy")).map(({ name }) => name);
  };
  const POLICIES = [
    { roles: ["Viewer"], service: "is" },
    { roles: ["Writer"], service: "cloud-object-storage" },
    { roles: ["Operator"], service: "is", region: "eu-de", name: "is-in-frankfurt" },
    { roles: ["Viewer"], accountManagement: true },
    { roles: ["Viewer"], allServices: true },
    { roles: ["Viewer"], resourceGroupId: "g" },
    { roles: ["Viewer"], resourceAttributes: [{ key: "serviceName", value: "is" }] },
  ];
  const NAMES = ["is", "cloud-object-storage", "is-in-frankfurt", "account-management", "all-services"]
    .concat("resource-group", "policy")
    .map((label) => `app-${label}`);

  it.each<[string, number[]]>([
    ["as they are", [0, 1, 2, 3, 4, 5, 6]],
    ["in another order", [6, 2, 0, 5, 1, 4, 3]],
    ["without the first of two for one service", [1, 2, 3]],
    ["alone", [2]],
  ])("gives each policy a name that depends on no other: %s", async (_name, indexes) => {
    const names = await policyNames(indexes.map((index) => POLICIES[index] ?? {}));
    expect(names.sort()).toEqual(indexes.map((index) => NAMES[index]).sort());
    expect(program.inputsOf("AccessPolicy").filter((inputs) => "name" in inputs)).toEqual([]);
  });

  it("refuses a second policy of the same name, and says how to name it", () => {
    const policies = [
      ...[{ service: "is" }, { service: "is", region: "eu-de" }, { service: "is", region: "us-south" }],
      ...[
        { name: "is-2", allServices: true },
        { name: "is-2", accountManagement: true },
        { name: "a b", service: "x" },
      ],
    ].map((policy) => ({ roles: ["Viewer"], ...policy }));
    expect(
      refusalOf(() => new LinkedInstance("app", { ...ARGS, trustedProfile: { policies: policies as never } })),
    ).toBe(
      [
        'LinkedInstance "app" has 4 problems:',
        '  - trustedProfile.policies[5].name: is "a b"; must be the name of a resource: 1 to 100 letters, digits, ".", "_" and "-"',
        '  - trustedProfile.policies[1].name: is missing; trustedProfile.policies[0] is called "is" already. Name the one that you added, such as "is-3"',
        '  - trustedProfile.policies[2].name: is missing; trustedProfile.policies[0] is called "is" already. Name the one that you added, such as "is-4"',
        '  - trustedProfile.policies[4].name: is "is-2"; trustedProfile.policies[3] is called "is-2" already. Name the one that you added, such as "is-2-2"',
      ].join("\n"),
    );
    expect(program.registrations).toEqual([]);
  });
});

describe("an existing profile", () => {
  it.each([
    ["id", { id: PROFILE }, PROFILE],
    ["CRN", { crn: CRN }, CRN],
    ["Output", { id: pulumi.output(PROFILE) }, PROFILE],
  ])("by %s is only linked", async (_name, trustedProfile, target) => {
    const app = await deploy({ ...ARGS, trustedProfile });
    expect(program.registrations.map(({ type }) => type.split(":").at(-1))).toEqual([
      "LinkedInstance",
      "StackSeed",
      "Instance",
    ]);
    expect(program.inputsOf("Instance")[0]).toMatchObject({ defaultTrustedProfile: { target, autoLink: true } });
    expect(await valueOf(app.profileId)).toBe(PROFILE);
    expect(await valueOf(app.profileIamId)).toBe(`iam-${PROFILE}`);
    expect(await valueOf(app.profileCrn)).toBe("crn:v1:profile");
  });
});

describe("a public address", () => {
  it("is bound to the server where one is wanted", async () => {
    const app = new LinkedInstance("app", {
      ...ARGS,
      floatingIp: true,
      resourceGroupId: "g",
      transform: { floatingIp: (args) => ({ args: { ...args, name: "front" } }) },
    });
    expect(await valueOf(app.floatingIpAddress)).toBe("192.0.2.1");
    expect(program.inputsOf("FloatingIp")).toMatchObject([
      { instanceId: "Instance-of-app", name: "front", resourceGroupId: "g" },
    ]);
  });

  it("is not made unasked, and decides about resources, so that it must be known", async () => {
    const app = await deploy(ARGS);
    expect([app.floatingIp, await valueOf(app.floatingIpAddress)]).toEqual([undefined, undefined]);
    expect(program.inputsOf("FloatingIp")).toEqual([]);
    const wrong = { ...ARGS, floatingIp: pulumi.output(true) } as unknown as LinkedInstanceArgs;
    expect(refusalOf(() => new LinkedInstance("other", wrong))).toBe(
      'LinkedInstance "other" has a problem:\n  - floatingIp: is an Output or a promise; must be a plain true or false: it decides which resources there are',
    );
  });
});

describe("user data", () => {
  it("is that of the generator, with the protocol of the metadata service", async () => {
    await deploy({ ...ARGS, metadataService: { protocol: "https" }, bootstrap: { certificate: { keySize: 4096 } } });
    const expected = bootstrapUserData({ protocol: "https", certificate: { keySize: 4096 } });
    expect(program.inputsOf("Instance")[0]?.userData).toBe(expected);
    expect(expected).toContain("https://api.metadata.cloud.ibm.com");
  });

  it.each<[string, LinkedInstanceArgs["bootstrap"]]>([
    ["undefined", { protocol: undefined } as object],
    ["null", { protocol: null } as object],
    ["an Output of undefined", pulumi.output({ protocol: undefined })],
    ["the same", { protocol: "https" }],
    ["an Output of the same", { protocol: pulumi.output<"http" | "https">("https") }],
  ])("keeps the protocol of the metadata service where its own is %s", async (_name, bootstrap = {}) => {
    await deploy({ ...ARGS, metadataService: { protocol: "https" }, bootstrap });
    expect(program.inputsOf("Instance")[0]?.userData).toBe(bootstrapUserData({ protocol: "https" }));
  });

  it("is the same when options are Outputs", async () => {
    const certificate = { keySize: pulumi.output<2048 | 4096>(4096), subject: { O: pulumi.output("Example") } };
    await deploy({ ...ARGS, bootstrap: pulumi.output({ certificate }) });
    expect(program.inputsOf("Instance")[0]?.userData).toBe(
      bootstrapUserData({ certificate: { keySize: 4096, subject: { O: "Example" } } }),
    );
  });

  const OWN = "#cloud-config\nhostname: app\n";

  it.each<[string, NonNullable<LinkedInstanceArgs["userDataForm"]>]>([
    ["plain", { merge: [OWN], format: "archive" }],
    ["an Output", pulumi.output({ merge: [OWN], format: "archive" as const })],
    ["Outputs at any depth", { merge: [pulumi.output(OWN)], format: pulumi.output("archive" as const) }],
  ])("takes along what the user has, %s", async (_name, userDataForm) => {
    await deploy({ ...ARGS, userDataForm });
    expect(program.inputsOf("Instance")[0]?.userData).toBe(bootstrapUserData({}, { merge: [OWN], format: "archive" }));
    expect(program.inputsOf("Instance")[0]).not.toHaveProperty("userDataForm");
  });

  it("is made of Outputs for other providers' servers, too", async () => {
    const options = { iamTokens: [{ name: "a", profileId: pulumi.output(PROFILE) }] };
    expect(await valueOf(bootstrapUserDataOutput(options, { merge: [pulumi.output(OWN)] }))).toBe(
      bootstrapUserData({ iamTokens: [{ name: "a", profileId: PROFILE }] }, { merge: [OWN] }),
    );
    expect(await valueOf(bootstrapUserDataOutput())).toBe(bootstrapUserData());
    expect(refusalOf(() => bootstrapUserDataOutput({ group: 5 } as never, { format: "ova" } as never))).toBe(
      [
        "bootstrapUserDataOutput has 2 problems:",
        "  - options.group: is 5; must be a group name: up to 32 lower-case letters, digits, underscores and hyphens",
        '  - form.format: is "ova"; must be one of "cloud-config", "script", "mime", "archive"',
      ].join("\n"),
    );
  });

  it("comes with a warning when it is nearly too large", async () => {
    const warn = jest.spyOn(pulumi.log, "warn").mockResolvedValue(undefined);
    const noise = Array.from({ length: 600 }, (_, index) => createHash("sha256").update(String(index)).digest("hex"));
    await deploy({ ...ARGS, userDataForm: { merge: [`#!/bin/sh\n# ${noise.join("\n# ")}\n`] } });
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      expect.stringMatching(
        /^The user data has \d+ bytes of the 65536 that the VPC API takes\. Its largest parts: merge/,
      ),
    ]);
    warn.mockRestore();
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
    expect(program.inputsOf("TrustedProfile")[0]).toMatchObject({ description: "changed" });
    expect(program.inputsOf("AccessPolicy")[0]).toMatchObject({ description: "changed too", roles: ["Operator"] });
    expect(program.inputsOf("Instance")[0]).toMatchObject({ name: "app-server", imageId: "i" });
  });

  it.each<[string, LinkedInstanceArgs["trustedProfile"], string]>([
    ["a new profile", {}, "TrustedProfile-of-app"],
    ["an existing profile", { id: PROFILE }, PROFILE],
  ])("cannot take away what makes it a server with %s", async (_name, trustedProfile, target) => {
    const app = await deploy({
      ...ARGS,
      trustedProfile,
      metadataService: { protocol: "https" },
      transform: {
        instance: (args) => ({
          args: {
            ...args,
            defaultTrustedProfile: { target: OTHER, autoLink: false },
            metadataService: { enabled: false, protocol: "http", responseHopLimit: 5 },
          },
        }),
      },
    });
    expect(program.inputsOf("Instance")[0]).toMatchObject({
      defaultTrustedProfile: { target, autoLink: true },
      metadataService: { enabled: true, protocol: "https", responseHopLimit: 5 },
    });
    expect(await valueOf(app.profileId)).toBe(target);
  });

  it.each<[string, InstanceArgs["metadataService"], object]>([
    ["an Output", pulumi.output({ enabled: false, responseHopLimit: 2 }), { enabled: true, responseHopLimit: 2 }],
    ["nothing", undefined, { enabled: true, protocol: "http" }],
  ])("may make the metadata service %s, which stays on", async (_name, metadataService, expected) => {
    const instance = (args: InstanceArgs) => ({ args: { ...args, metadataService } as InstanceArgs });
    await deploy({ ...ARGS, transform: { instance } });
    expect(program.inputsOf("Instance")[0]?.metadataService).toMatchObject(expected);
  });

  it("is checked like the arguments", () => {
    const transform = { instance: (args: object) => ({ args: { ...args, zone: "south" } }) };
    expect(refusalOf(() => new LinkedInstance("app", { ...ARGS, transform } as unknown as LinkedInstanceArgs))).toBe(
      'LinkedInstance "app" has a problem:\n  - instance.zone: is "south"; must be a zone such as "us-south-1"',
    );
    expect(program.registrations).toEqual([]);
  });
});

describe("null", () => {
  it("is taken for absent", async () => {
    const nothing = { metadataService: null, bootstrap: null, sshKeyIds: null, name: null };
    const trustedProfile = { policies: null, id: null, crn: null, name: null };
    await deploy({ ...ARGS, ...nothing, transform: null, trustedProfile } as unknown as LinkedInstanceArgs);
    const transform = { instance: null, policy: null, trustedProfile: null };
    await deploy({ ...ARGS, transform } as unknown as LinkedInstanceArgs);
    expect(program.inputsOf("Instance").map(({ userData, metadataService }) => [userData, metadataService])).toEqual(
      Array(2).fill([bootstrapUserData({}), { enabled: true, protocol: "http" }]),
    );
    expect(refusalOf(() => new LinkedInstance("none", null as never))).toContain("is null; must be an object");
    expect(refusalOf(() => new LinkedInstance("none", { ...ARGS, trustedProfile: null } as never))).toContain(
      "trustedProfile: is missing; it is required",
    );
  });
});
