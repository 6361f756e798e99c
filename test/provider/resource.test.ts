/** Resources as a program sees them: what they register, which outputs they have, and what they refuse. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { AccessPolicy } from "../../provider/access-policy";
import type { AccessPolicyArgs } from "../../provider/access-policy-args";
import { Instance } from "../../provider/instance";
import type { InstanceArgs } from "../../provider/instance-args";
import { ApiKey } from "../../provider/api-key";
import type { ApiKeyArgs } from "../../provider/api-key-args";
import { ServiceId } from "../../provider/service-id";
import { TrustedProfile } from "../../provider/trusted-profile";
import { TrustedProfileClaimRule, type TrustedProfileClaimRuleArgs } from "../../provider/trusted-profile-claim-rule";
import { TrustedProfileIdentity, type TrustedProfileIdentityArgs } from "../../provider/trusted-profile-identity";
import { TrustedProfileLink, type TrustedProfileLinkArgs } from "../../provider/trusted-profile-link";
import { refusalOf, testProgram, valueOf } from "./program";

const SERVER = { vpcId: "v", subnetId: "s", zone: "us-south-1", imageId: "i", instanceProfile: "bx2-2x8" };
const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";

const SERVER_CRN = `crn:v1:bluemix:public:is:us-south-1:a/${"0".repeat(32)}::instance:0717_1`;
const CLAIM_RULE = {
  profileId: PROFILE,
  type: "Profile-CR",
  crType: "VSI",
  conditions: [{ claim: "vpc_id", operator: "EQUALS", value: "v" }],
};

const program = testProgram();

const make = {
  TrustedProfile: (args: object = {}) => new TrustedProfile("app", args),
  TrustedProfileLink: (args: object = { profileId: PROFILE, crType: "VSI", link: { crn: SERVER_CRN } }) =>
    new TrustedProfileLink("app", args as TrustedProfileLinkArgs),
  TrustedProfileClaimRule: (args: object = CLAIM_RULE) =>
    new TrustedProfileClaimRule("app", args as TrustedProfileClaimRuleArgs),
  TrustedProfileIdentity: (args: object = { profileId: PROFILE, type: "user", identifier: "IBMid-1" }) =>
    new TrustedProfileIdentity("app", args as TrustedProfileIdentityArgs),
  ServiceId: (args: object = {}) => new ServiceId("app", args),
  ApiKey: (args: object = { iamId: "IBMid-1" }) => new ApiKey("app", args as ApiKeyArgs),
  AccessPolicy: (args: object = { profileId: PROFILE, roles: ["Operator"], service: "is" }) =>
    new AccessPolicy("app", args as AccessPolicyArgs),
  Instance: (args: object = SERVER) => new Instance("app", args as InstanceArgs),
};

describe("registration", () => {
  it.each(Object.entries(make))("of %s carries the stub, a mark and all arguments", async (type, create) => {
    await valueOf(create().urn);
    expect(program.registrations.map((registration) => registration.type)).toEqual([
      "pulumi-nodejs:dynamic/vpc-identity:StackSeed",
      `pulumi-nodejs:dynamic/vpc-identity:${type}`,
    ]);
    expect(program.registrations[1]?.inputs).toMatchObject({
      __provider: `exports.handler=()=>require("pulumi-ibm-vpc-identity/dynamic")("${type}")`,
      mark: expect.stringMatching(/^[0-9a-f]{16}:app$/) as string,
    });
  });

  it.each([
    [
      "TrustedProfile",
      "profileId iamId crn name description email accountId entityTag createdAt modifiedAt templateId assignmentId",
    ],
    ["TrustedProfileLink", "linkId profileId crType link name isCrossAccount entityTag createdAt modifiedAt"],
    [
      "TrustedProfileClaimRule",
      "ruleId profileId name type realmName expirationSeconds crType conditions entityTag createdAt modifiedAt",
    ],
    ["TrustedProfileIdentity", "profileId type identifier iamId accounts description"],
    [
      "ServiceId",
      "serviceId iamId crn name description uniqueInstanceCrns locked accountId entityTag createdAt modifiedAt",
    ],
    [
      "ApiKey",
      "apiKeyId iamId crn name description value actionWhenLeaked supportSessions expiresAt locked disabled accountId " +
        "entityTag createdAt createdBy modifiedAt",
    ],
    [
      "AccessPolicy",
      "policyId iamId accessGroupId roleIds attributes tags pattern rule description apiVersion entityTag",
    ],
    [
      "Instance",
      "instanceId crn name status vpcId subnetId zone imageId instanceProfile sshKeyIds securityGroupIds " +
        "metadataService defaultTrustedProfile userDataSha256 resourceGroupId primaryIp createdAt",
    ],
  ])("gives %s every output", (type, outputs) => {
    const resource = make[type as keyof typeof make]() as unknown as Record<string, unknown>;
    for (const output of outputs.split(" "))
      expect([output, pulumi.Output.isInstance(resource[output])]).toEqual([output, true]);
  });

  it("makes one seed for all resources, and another mark for each", async () => {
    const resources = [new TrustedProfile("a"), new TrustedProfile("b"), make.Instance()];
    await Promise.all(resources.map(({ urn }) => valueOf(urn)));
    expect(program.inputsOf("StackSeed")).toHaveLength(1);
    const marks = program.registrations.slice(1).map(({ inputs }) => inputs.mark);
    expect(new Set(marks).size).toBe(3);
  });

  it("tells a child from a resource of the same name without a parent", async () => {
    const parent = new pulumi.ComponentResource("test:index:Parent", "parent");
    await valueOf(new TrustedProfile("app").urn);
    await valueOf(new TrustedProfile("app", {}, { parent }).urn);
    const marks = program.inputsOf("TrustedProfile").map(({ mark }) => mark);
    expect(marks).toHaveLength(2);
    expect(marks[0]).not.toBe(marks[1]);
  });

  it("reads by id without arguments, mark or seed", async () => {
    await valueOf(TrustedProfile.get("there", PROFILE).urn);
    expect(program.registrations).toEqual([
      {
        type: "pulumi-nodejs:dynamic/vpc-identity:TrustedProfile",
        name: "there",
        inputs: { __provider: 'exports.handler=()=>require("pulumi-ibm-vpc-identity/dynamic")("TrustedProfile")' },
      },
    ]);
  });
});

describe("refusal", () => {
  const id = (line: string): string => `  - ${line}`;
  it.each<[string, keyof typeof make, object, string[]]>([
    [
      "a profile with every field wrong",
      "TrustedProfile",
      { name: "", email: "nobody", accountId: "a/1", adopt: "yes", descripton: "x" },
      [
        'TrustedProfile "app" has 5 problems:',
        id('name: is ""; must be a text of 1 to 255 characters'),
        id('email: is "nobody"; must be an address such as "team@example.com"'),
        id('accountId: is "a/1"; must be an account id (32 hexadecimal digits)'),
        id('adopt: is "yes"; must be true or false'),
        id(
          'descripton: is not an argument; did you mean "description"? Allowed: name, description, email, accountId, adopt',
        ),
      ],
    ],
    [
      "a policy without anything",
      "AccessPolicy",
      {},
      [
        'AccessPolicy "app" has 3 problems:',
        id("roles: is missing; it is required"),
        id('profileId: exactly one of "profileId", "serviceId", "accessGroupId" and "iamId" is allowed; none is given'),
        id(
          'service: is missing; say what the policy is for: "service", "resourceGroupId", "serviceGroupId", "allServices: true", ' +
            '"accountManagement: true", or "resourceAttributes" with one of serviceName, serviceType, service_group_id, ' +
            "resourceGroupId",
        ),
      ],
    ],
    [
      "a policy with two subjects, no roles and two targets",
      "AccessPolicy",
      { profileId: PROFILE, iamId: "IBMid-1", roles: [], service: "is", accountManagement: true },
      [
        'AccessPolicy "app" has 3 problems:',
        id("roles: is []; must have at least 1 entry"),
        id(
          'iamId: exactly one of "profileId", "serviceId", "accessGroupId" and "iamId" is allowed; "profileId" and "iamId" are given',
        ),
        id(
          'accountManagement: at most one of "service", "serviceGroupId", "allServices" and "accountManagement" is allowed; ' +
            '"service" and "accountManagement" are given',
        ),
      ],
    ],
    [
      "a policy with misplaced and repeated attributes",
      "AccessPolicy",
      {
        profileId: "app",
        roles: ["Reader"],
        resourceGroupId: "g",
        resource: "r",
        resourceAttributes: [
          { key: "accountId", value: "1" },
          { key: "resourceGroupId", value: "1" },
          { key: "vpcId", value: ["a"] },
          { key: "x", value: "a", operator: "stringExists" },
        ],
      },
      [
        'AccessPolicy "app" has 7 problems:',
        id('profileId: is "app"; must be a profile id ("Profile-<uuid>"), the profile\'s IAM id or its CRN'),
        id('resourceAttributes[2].value: is ["a"]; "stringEquals" takes a single value'),
        id('resourceAttributes[3].value: is "a"; true and false go with "stringExists", and only with it'),
        id('resource: is "r"; it needs "service" beside it'),
        id('resource: is "r"; it needs "resourceType" beside it'),
        id(
          'resourceAttributes[0].key: is "accountId"; that attribute is already given by the account of the ' +
            "credentials, which is always added",
        ),
        id('resourceAttributes[1].key: is "resourceGroupId"; that attribute is already given by "resourceGroupId"'),
      ],
    ],
    [
      "a server with everything wrong",
      "Instance",
      {
        name: "My-VM",
        vpcId: "",
        zone: "south",
        imageId: "a b",
        instanceProfile: "BX2",
        securityGroupIds: [],
        metadataService: { protocol: "tcp", responseHopLimit: 65, enable: true },
        defaultTrustedProfile: { autoLink: "no" },
        userData: "x".repeat(65_537),
        userDataChange: "rebuild",
        provisionTimeoutSeconds: 1,
      },
      [
        'Instance "app" has 15 problems:',
        id(
          'name: is "My-VM"; must be 1 to 63 lower case letters, digits and hyphens, beginning with a letter and not ' +
            "ending with a hyphen",
        ),
        id('vpcId: is ""; must be an id or a CRN'),
        id('zone: is "south"; must be a zone such as "us-south-1"'),
        id('imageId: is "a b"; must be an id or a CRN'),
        id('instanceProfile: is "BX2"; must be an instance profile such as "bx2-2x8"'),
        id("securityGroupIds: is []; must have at least 1 entry"),
        id('metadataService.protocol: is "tcp"; must be one of "http", "https"'),
        id("metadataService.responseHopLimit: is 65; must be a whole number from 1 to 64"),
        id(
          'metadataService.enable: is not an argument; did you mean "enabled"? Allowed: enabled, protocol, responseHopLimit',
        ),
        id('defaultTrustedProfile.autoLink: is "no"; must be true or false'),
        id("defaultTrustedProfile.target: is missing; it is required"),
        id("userData: has 65537 bytes in UTF-8; at most 65536 are allowed"),
        id('userDataChange: is "rebuild"; must be one of "ignore", "replace"'),
        id("provisionTimeoutSeconds: is 1; must be a whole number from 60 to 7200 seconds"),
        id("subnetId: is missing; it is required"),
      ],
    ],
  ])("of %s lists all of it", (_name, type, args, lines) => {
    expect(refusalOf(() => make[type](args)).split("\n")).toEqual(lines);
    expect(program.registrations).toEqual([]);
  });

  it("spares what is not known yet", async () => {
    const later = pulumi.output("x");
    const server = { ...SERVER, vpcId: later, sshKeyIds: [later], metadataService: { responseHopLimit: later } };
    expect(refusalOf(() => make.Instance(server))).toBe("");
    await valueOf(later);
  });

  it.each([0, 65, 1.5, "2"])("of hop limit %p", (responseHopLimit) => {
    expect(refusalOf(() => make.Instance({ ...SERVER, metadataService: { responseHopLimit } }))).toContain(
      "must be a whole number from 1 to 64",
    );
  });

  it("counts user data in bytes", () => {
    expect(refusalOf(() => make.Instance({ ...SERVER, userData: "€".repeat(21_845) }))).toBe("");
    expect(refusalOf(() => make.Instance({ ...SERVER, userData: "€".repeat(21_846) }))).toContain("has 65538 bytes");
  });
});

describe("the program around", () => {
  afterEach(() => pulumi.runtime.setAllConfig({}));

  it.each(["apiKey", "iamToken"])("may not have %s in clear text in its configuration", (setting) => {
    pulumi.runtime.setAllConfig({ [`vpc-identity:${setting}`]: "open-secret" });
    const refusal = refusalOf(() => make.TrustedProfile());
    expect(refusal).toBe(
      "pulumi-ibm-vpc-identity cannot be used yet:\n" +
        `  - vpc-identity:${setting} is in the stack configuration in clear text and would be stored in clear text in ` +
        `the state. Nothing has been stored. Set it again with: pulumi config set --secret vpc-identity:${setting}`,
    );
    expect(program.registrations).toEqual([]);
  });

  it("may have them as secrets, or other settings in clear text", () => {
    pulumi.runtime.setAllConfig({ "vpc-identity:apiKey": "closed", "vpc-identity:region": "us-south" }, [
      "vpc-identity:apiKey",
    ]);
    expect(refusalOf(() => make.TrustedProfile())).toBe("");
  });

  it("must be able to reach this package", () => {
    // In a process of its own: Jest resolves modules in its own way.
    const folder = mkdtempSync(join(tmpdir(), "provider-test-"));
    const script = `
      const { TrustedProfile } = require(${JSON.stringify(join(__dirname, "../../dist/index.js"))});
      try { new TrustedProfile("app"); } catch (error) { process.stdout.write(error.message); }
    `;
    const refusal = execFileSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8" });
    rmSync(folder, { recursive: true });
    expect(refusal).toBe(
      "pulumi-ibm-vpc-identity cannot be used yet:\n" +
        `  - pulumi-ibm-vpc-identity is not found from ${folder}. It must be a direct dependency of the program, also when ` +
        "a library brings it along: npm install pulumi-ibm-vpc-identity",
    );
  });
});

it("refuses to have the new object made first, unless the resource orders that itself", () => {
  const options = { deleteBeforeReplace: false };
  expect(refusalOf(() => new TrustedProfile("app", {}, options))).toBe(
    'TrustedProfile "app" has a problem:\n' +
      "  - deleteBeforeReplace: is false; the old and the new object can have the same name, so the old one is always deleted first",
  );
  expect(refusalOf(() => new TrustedProfile("app", {}, { deleteBeforeReplace: true }))).toBe("");
});
