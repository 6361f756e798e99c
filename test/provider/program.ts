/** A program without an engine: Pulumi's own mocks record what is registered, and answer as the handlers would. */
import * as pulumi from "@pulumi/pulumi";

export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const COMPUTED: Record<string, object> = {
  StackSeed: { seed: "0123456789abcdef" },
  TrustedProfile: { crn: "crn:v1:bluemix:public:iam-identity::a/0::profile:made", iamId: "iam-made" },
  InstanceGroup: { crn: "crn:v1:bluemix:public:is:us-south:a/0::instance-group:made" },
  BareMetalServer: {
    crn: "crn:v1:bare-metal-server",
    primaryIp: "10.0.0.5",
    virtualNetworkInterfaceId: "vni",
    defaultTrustedProfile: { crn: "crn:v1:profile" },
  },
  InstanceMetadataRecord: { settings: { enabled: false, protocol: "https", responseHopLimit: 5 }, running: true },
  FloatingIp: { address: "192.0.2.1" },
  Instance: { crn: "crn:v1:instance", primaryIp: "10.0.0.4", defaultTrustedProfile: { crn: "crn:v1:profile" } },
};

/** Starts a program; the list it returns fills up with what the program registers, in the order in which it is done. */
export async function startProgram(): Promise<Registration[]> {
  const registrations: Registration[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: async ({ type, name, inputs }) => {
        // What must wait for a policy or a rule is seen to wait.
        if (/:(AccessPolicy|TrustedProfileClaimRule)$/.test(type))
          await new Promise((resolve) => setTimeout(resolve, 50));
        registrations.push({ type, name, inputs: inputs as Record<string, unknown> });
        const kind = type.split(":").at(-1) ?? "";
        return { id: `${kind}-of-${name}`, state: { ...(inputs as object), ...COMPUTED[kind] } };
      },
      call: ({ inputs }) => inputs as Record<string, unknown>,
    },
    "project",
    "stack",
  );
  return registrations;
}

export interface TestProgram {
  /** What the program of the running test has registered so far, in the order in which it is done. */
  readonly registrations: readonly Registration[];
  /** Kind and name of each of them, such as "Instance app". */
  readonly labels: readonly string[];
  /** The inputs of each of a kind. */
  inputsOf(kind: string): Record<string, unknown>[];
}

/** The programs of a file of tests, to be called at its top: each test has one of its own, which its end ends. */
export function testProgram(): TestProgram {
  let registrations: readonly Registration[] = [];
  beforeEach(async () => {
    registrations = await startProgram();
  });
  // What a component still registers would otherwise reach the next test's program.
  afterEach(() => pulumi.runtime.disconnect());
  return {
    get registrations() {
      return registrations;
    },
    get labels() {
      return registrations.map(({ type, name }) => `${type.split(":").at(-1) ?? ""} ${name}`);
    },
    inputsOf: (kind) => registrations.filter(({ type }) => type.endsWith(`:${kind}`)).map(({ inputs }) => inputs),
  };
}

export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}

/** The message of what a program throws, or "" when it throws nothing. */
export function refusalOf(program: () => unknown): string {
  try {
    program();
    return "";
  } catch (error) {
    return pulumi.ResourceError.isInstance(error) ? error.message : `not a ResourceError: ${String(error)}`;
  }
}
