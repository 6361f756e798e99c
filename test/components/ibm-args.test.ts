/**
 * The properties for `@pulumi/ibm`, against the names of that provider's schema: a property that it does not know would be
 * dropped in silence, and the server would have no identity.
 */
import * as pulumi from "@pulumi/pulumi";
import { bootstrapUserData } from "../../bootstrap";
import {
  type IbmBareMetalServerIdentity,
  type IbmInstanceIdentity,
  ibmBareMetalServerArgs,
  ibmInstanceArgs,
  ibmInstanceTemplateArgs,
} from "../../components/ibm-args";
import { refusalOf, testProgram, valueOf } from "../provider/program";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
const CRN = `crn:v1:bluemix:public:iam-identity::a/0::profile:${PROFILE}`;

/** As Terraform's provider names them, with the types that Pulumi's bridge makes of them. */
const SCHEMA = {
  instance: {
    metadata_service: { enabled: "boolean", protocol: "string", response_hop_limit: "number" },
    default_trusted_profile_target: "string",
    default_trusted_profile_auto_link: "boolean",
    user_data: "string",
  },
  bareMetalServer: {
    metadata_service: { enabled: "boolean", protocol: "string" },
    default_trusted_profile: { auto_link: "boolean", target: { id: "string" } },
    user_data: "string",
  },
};

interface Shape {
  readonly [name: string]: string | Shape;
}

/** The bridge writes names in camel case, and a block of which there is at most one as an object. */
function bridged(shape: Shape): Shape {
  const camel = (name: string): string => name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase());
  return Object.fromEntries(
    Object.entries(shape).map(([name, type]) => [camel(name), typeof type === "string" ? type : bridged(type)]),
  );
}

function shapeOf(value: object): Shape {
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [
      name,
      typeof entry === "object" && entry !== null ? shapeOf(entry as object) : typeof entry,
    ]),
  );
}

const settled = (value: object): Promise<object> => valueOf<object>(pulumi.output(value));

testProgram();

it.each<[string, () => object, Shape]>([
  ["an instance", () => ibmInstanceArgs({ trustedProfile: { id: PROFILE } }), SCHEMA.instance],
  ["a template", () => ibmInstanceTemplateArgs({ trustedProfile: { id: PROFILE } }), SCHEMA.instance],
  ["a bare metal server", () => ibmBareMetalServerArgs({ trustedProfile: { id: PROFILE } }), SCHEMA.bareMetalServer],
])("gives %s exactly the properties that its schema has", async (_name, make, schema) => {
  expect(shapeOf(await settled(make()))).toEqual(bridged(schema));
});

it("fits the arguments that the bridge declares", () => {
  type Input<T> = pulumi.Input<T>;
  const instance: {
    metadataService?: Input<{ enabled?: Input<boolean>; protocol?: Input<string>; responseHopLimit?: Input<number> }>;
    defaultTrustedProfileTarget?: Input<string>;
    defaultTrustedProfileAutoLink?: Input<boolean>;
    userData?: Input<string>;
  } = ibmInstanceArgs({ trustedProfile: { id: PROFILE } });
  const bareMetalServer: {
    metadataService?: Input<{ enabled?: Input<boolean>; protocol?: Input<string> }>;
    defaultTrustedProfile?: Input<{
      autoLink?: Input<boolean>;
      target?: Input<{ crn?: Input<string>; id?: Input<string> }>;
    }>;
    userData?: Input<string>;
  } = ibmBareMetalServerArgs({ trustedProfile: { id: PROFILE } });
  expect([Object.keys(instance).length, Object.keys(bareMetalServer).length]).toEqual([4, 3]);
});

it.each<[string, (profile: never) => IbmInstanceIdentity, boolean]>([
  ["instance is linked before it boots", (trustedProfile) => ibmInstanceArgs({ trustedProfile }), true],
  ["template links nothing by itself", (trustedProfile) => ibmInstanceTemplateArgs({ trustedProfile }), false],
  [
    "template links on request",
    (profile) => ibmInstanceTemplateArgs({ trustedProfile: profile, autoLink: true }),
    true,
  ],
])("an %s, and its metadata service is on", async (_name, make, autoLink) => {
  expect(await settled(make({ id: PROFILE } as never))).toEqual({
    metadataService: { enabled: true, protocol: "http", responseHopLimit: 1 },
    defaultTrustedProfileTarget: PROFILE,
    defaultTrustedProfileAutoLink: autoLink,
    userData: bootstrapUserData({}),
  });
});

it("a bare metal server is linked before it boots, and its metadata service is on", async () => {
  const bootstrap = { certificate: { keySize: 4096 as const } };
  const metadataService = { protocol: "https" as const };
  const args: IbmBareMetalServerIdentity = ibmBareMetalServerArgs({
    trustedProfile: { crn: CRN },
    metadataService,
    bootstrap,
  });
  expect(await settled(args)).toEqual({
    metadataService: { enabled: true, protocol: "https" },
    defaultTrustedProfile: { autoLink: true, target: { id: PROFILE } },
    userData: bootstrapUserData({ ...metadataService, ...bootstrap }),
  });
});

it.each<[string, { id: pulumi.Input<string> } | { crn: pulumi.Input<string> }]>([
  ["an id", { id: PROFILE }],
  ["a CRN", { crn: CRN }],
  ["a CRN that is known later", { crn: pulumi.output(CRN) }],
])(
  "names the profile by id when it is given as %s: that provider compares it with an id",
  async (_name, trustedProfile) => {
    expect(await valueOf(ibmInstanceArgs({ trustedProfile }).defaultTrustedProfileTarget)).toBe(PROFILE);
  },
);

it.each([ibmInstanceArgs, ibmInstanceTemplateArgs, ibmBareMetalServerArgs])(
  "%p makes user data for the metadata service where the protocol of the bootstrap is undefined",
  async (make) => {
    const metadataService = { protocol: "https" as const };
    const bootstrap = { protocol: undefined } as object;
    const { userData } = make({ trustedProfile: { id: PROFILE }, metadataService, bootstrap });
    expect(await settled({ userData })).toEqual({ userData: bootstrapUserData({ protocol: "https" }) });
  },
);

it("takes Outputs for every value", async () => {
  const args = ibmInstanceArgs({
    trustedProfile: { id: pulumi.output(PROFILE) },
    metadataService: { protocol: pulumi.output("https" as const), responseHopLimit: pulumi.output(2) },
    bootstrap: pulumi.output({ iamTokens: [{ name: "app" }] }),
  });
  expect(await settled(args)).toMatchObject({
    metadataService: { enabled: true, protocol: "https", responseHopLimit: 2 },
    userData: bootstrapUserData({ protocol: "https", iamTokens: [{ name: "app" }] }),
  });
});

it.each<[string, () => unknown, string[]]>([
  [
    "an instance",
    () =>
      ibmInstanceArgs({
        trustedProfile: { id: "app" },
        metadataService: { protocol: "tcp", responseHopLimit: 65 },
        bootstrap: { certificate: { keySize: 1 } },
        autoLink: true,
      } as never),
    [
      "ibmInstanceArgs has 5 problems:",
      '  - trustedProfile.id: is "app"; must be a profile id: "Profile-<uuid>"',
      '  - metadataService.protocol: is "tcp"; must be one of "http", "https"',
      "  - metadataService.responseHopLimit: is 65; must be a whole number from 1 to 64",
      "  - bootstrap.certificate.keySize: ",
      "  - autoLink: is not an argument",
    ],
  ],
  [
    "a bare metal server",
    () =>
      ibmBareMetalServerArgs({
        trustedProfile: {},
        metadataService: { protocol: "http", responseHopLimit: 2 },
      } as never),
    [
      "ibmBareMetalServerArgs has 2 problems:",
      '  - trustedProfile: exactly one of "id" and "crn" is allowed; none is given',
      "  - metadataService.responseHopLimit: is not possible; IBM Cloud has no hop limit for bare metal servers",
    ],
  ],
  [
    "a profile that is no plain object",
    () => ibmInstanceTemplateArgs({ trustedProfile: pulumi.output({ id: PROFILE }) }),
    ["ibmInstanceTemplateArgs has a problem:", "  - trustedProfile: is an Output or a promise; must be a plain object"],
  ],
  [
    "user data for another protocol",
    () =>
      ibmInstanceTemplateArgs({
        trustedProfile: { id: PROFILE },
        metadataService: { protocol: "https" },
        bootstrap: { protocol: "http" },
      }),
    [
      "ibmInstanceTemplateArgs has a problem:",
      '  - bootstrap.protocol: is "http"; must be that of metadataService.protocol, "https"',
    ],
  ],
])("lists all problems of %s", (_name, make, expected) => {
  const lines = refusalOf(make).split("\n");
  expect(lines.map((line, index) => line.slice(0, expected[index]?.length))).toEqual(expected);
});

it.each([ibmInstanceArgs, ibmInstanceTemplateArgs, ibmBareMetalServerArgs])(
  "%p says what it needs when nothing is given",
  (argsFor) => {
    expect(refusalOf(() => argsFor(undefined as never))).toContain(argsFor.name);
  },
);
