/** The linked bare metal server as a program sees it: what it registers, in which order, and what it refuses as a whole. */
import * as pulumi from "@pulumi/pulumi";
import { bootstrapUserData } from "../../bootstrap";
import { LinkedBareMetalServer } from "../../components/linked-bare-metal-server";
import type { LinkedBareMetalServerArgs } from "../../components/linked-bare-metal-server-args";
import { refusalOf, testProgram, valueOf } from "../provider/program";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
const OTHER = "Profile-00000000-0000-4000-8000-000000000000";
const ARGS: LinkedBareMetalServerArgs = {
  zone: "us-south-1",
  subnetId: "s",
  bareMetalServerProfile: "bx2-metal-96x384",
  imageId: "i",
  sshKeyIds: ["k"],
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
};

const program = testProgram();

const deploy = async (args: object = {}): Promise<LinkedBareMetalServer> => {
  const server = new LinkedBareMetalServer("db", { ...ARGS, ...args });
  await valueOf((server.floatingIp ?? server.bareMetalServer).urn);
  return server;
};

it("makes profile and policies first, then the server, then its address", async () => {
  await deploy({ floatingIp: true });
  expect(program.labels).toEqual([
    "LinkedBareMetalServer db",
    "StackSeed vpc-identity",
    "TrustedProfile db",
    "AccessPolicy db-is",
    "BareMetalServer db",
    "FloatingIp db",
  ]);
  expect(program.inputsOf("BareMetalServer")[0]).toMatchObject({
    zone: "us-south-1",
    subnetId: "s",
    bareMetalServerProfile: "bx2-metal-96x384",
    initialization: {
      imageId: "i",
      sshKeyIds: ["k"],
      userData: bootstrapUserData({}),
      defaultTrustedProfile: { target: "TrustedProfile-of-db", autoLink: true },
    },
    metadataService: { enabled: true, protocol: "http" },
  });
  expect(program.inputsOf("FloatingIp")[0]).toMatchObject({ virtualNetworkInterfaceId: "vni" });
});

it("gives every output", async () => {
  const server = await deploy({ floatingIp: true });
  const { profileId, profileIamId, profileCrn, bareMetalServerId, bareMetalServerCrn } = server;
  const { primaryIp, floatingIpAddress } = server;
  const outputs = { profileId, profileIamId, profileCrn, bareMetalServerId, bareMetalServerCrn };
  expect(await valueOf(pulumi.output({ ...outputs, primaryIp, floatingIpAddress }))).toEqual({
    profileId: "TrustedProfile-of-db",
    profileIamId: "iam-TrustedProfile-of-db",
    profileCrn: "crn:v1:bluemix:public:iam-identity::a/0::profile:made",
    bareMetalServerId: "BareMetalServer-of-db",
    bareMetalServerCrn: "crn:v1:bare-metal-server",
    primaryIp: "10.0.0.5",
    floatingIpAddress: "192.0.2.1",
  });
});

it.each<[string, object]>([
  ["its id", { id: PROFILE }],
  ["its CRN", { crn: `crn:v1:bluemix:public:iam-identity::a/0::profile:${PROFILE}` }],
])("links a profile that exists, by %s, and has no public address unasked", async (_name, trustedProfile) => {
  const server = await deploy({ trustedProfile });
  expect(program.registrations).toHaveLength(3);
  const [target] = Object.values(trustedProfile) as [string];
  expect(program.inputsOf("BareMetalServer")[0]).toMatchObject({
    initialization: { defaultTrustedProfile: { target, autoLink: true } },
  });
  expect(await valueOf(server.profileId)).toBe(PROFILE);
  expect(await valueOf(server.profileCrn)).toBe("crn:v1:profile");
  expect(await valueOf(server.floatingIpAddress)).toBeUndefined();
});

it("passes on what the server takes, and makes user data for its metadata service", async () => {
  const own = {
    name: "db",
    primaryIp: "10.0.0.9",
    enableSecureBoot: true,
    allowReinitialize: true,
    bandwidthMbps: 25_000,
  };
  await deploy({ ...own, metadataService: { protocol: "https" }, bootstrap: { certificate: { keySize: 4096 } } });
  expect(program.inputsOf("BareMetalServer")[0]).toMatchObject({
    ...own,
    metadataService: { enabled: true, protocol: "https" },
    initialization: { userData: bootstrapUserData({ protocol: "https", certificate: { keySize: 4096 } }) },
  });
  expect(program.inputsOf("BareMetalServer")[0]).not.toHaveProperty("imageId");
  expect(program.inputsOf("BareMetalServer")[0]).not.toHaveProperty("bootstrap");
});

it("makes user data for its metadata service where the protocol of the bootstrap is undefined", async () => {
  await deploy({ metadataService: { protocol: "https" }, bootstrap: { protocol: undefined } });
  expect(program.inputsOf("BareMetalServer")[0]).toMatchObject({
    initialization: { userData: bootstrapUserData({ protocol: "https" }) },
  });
});

it.each<[string, (initialization: object) => unknown]>([
  ["plain", (initialization) => initialization],
  ["an Output", (initialization) => pulumi.output(initialization)],
])("lets a transform change the server, but not its identity, where initialization is %s", async (_name, wrap) => {
  const defaultTrustedProfile = { target: OTHER, autoLink: false };
  await deploy({
    transform: {
      bareMetalServer: (args: { initialization: object }) => ({
        args: {
          ...args,
          initialization: wrap({ ...args.initialization, imageId: "other", defaultTrustedProfile }),
          metadataService: { enabled: false },
        },
      }),
    },
  });
  expect(program.inputsOf("BareMetalServer")[0]).toMatchObject({
    initialization: { imageId: "other", defaultTrustedProfile: { target: "TrustedProfile-of-db", autoLink: true } },
    metadataService: { enabled: true, protocol: "http" },
  });
});

describe("refusal", () => {
  const lines = (args: object): string[] =>
    refusalOf(() => new LinkedBareMetalServer("db", { ...ARGS, ...args })).split("\n");

  it("lists the problems of all children at once, before anything is registered", () => {
    const problems = lines({
      sshKeyIds: [],
      imageId: undefined,
      subnetId: undefined,
      zone: "south",
      initialization: {},
      floatingIp: pulumi.output(true),
      metadataService: { responseHopLimit: 1, protocol: "tcp" },
      trustedProfile: { policies: [{ roles: [], service: "is" }] },
      bootstrap: { certificate: { keySize: 1 } },
      transform: { instance: () => undefined },
    });
    expect(problems[0]).toBe('LinkedBareMetalServer "db" has 11 problems:');
    expect(problems.slice(1).map((line) => line.slice(4, line.indexOf(": ")))).toEqual([
      "zone",
      "sshKeyIds",
      "trustedProfile.policies[0].roles",
      "initialization",
      "metadataService.responseHopLimit",
      "metadataService.protocol",
      "bootstrap.certificate.keySize",
      "transform.instance",
      "imageId",
      "subnetId",
      "floatingIp",
    ]);
    expect(program.registrations).toEqual([]);
  });

  it("lists what transforms made wrong, too", () => {
    const wrong = (more: object) => (args: object) => ({ args: { ...args, ...more } });
    const transform = {
      trustedProfile: wrong({ name: 5 }),
      policy: wrong({ roles: [] }),
      bareMetalServer: wrong({ bandwidthMbps: 0 }),
      floatingIp: wrong({ name: "Upper" }),
    };
    const [first, ...others] = lines({ transform, floatingIp: true });
    expect(first).toBe('LinkedBareMetalServer "db" has 4 problems:');
    expect(others.map((line) => line.slice(4).split(": ")[0])).toEqual([
      "trustedProfile.name",
      "trustedProfile.policies[0].roles",
      "bareMetalServer.bandwidthMbps",
      "floatingIp.name",
    ]);
    expect(program.registrations).toEqual([]);
  });

  it("takes null for absent", async () => {
    await deploy({ metadataService: null, bootstrap: null, name: null, transform: null, floatingIp: null });
    expect(program.inputsOf("BareMetalServer")[0]).toMatchObject({
      initialization: { userData: bootstrapUserData({}) },
    });
  });
});
