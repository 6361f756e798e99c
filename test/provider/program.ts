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
