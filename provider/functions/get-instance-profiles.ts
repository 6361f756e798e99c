/**
 * Looks the sizes of servers up.
 *
 * Sources: IBM Cloud VPC API, "List all instance profiles".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type InstanceProfile, listInstanceProfiles } from "../../client/vpc-lookups";
import { integer, object, oneOf, text } from "../../core/validate";
import { assertValid } from "../preflight";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

export type { InstanceProfile };

/** Which sizes to look up. */
export interface GetInstanceProfilesArgs {
  /**
   * Family, such as "balanced", "compute" or "memory".
   * @default - all families
   */
  readonly family?: string;
  /**
   * Virtual processors that a server has at least.
   * @default - any number
   */
  readonly minVcpuCount?: number;
  /**
   * Memory that a server has at least, in GiB.
   * @default - any size
   */
  readonly minMemoryGib?: number;
  /**
   * Whether profiles of the current or of the previous generation.
   * @default - both
   */
  readonly status?: "current" | "previous";
}

/** Sizes of servers, the smallest first. */
export interface InstanceProfilesResult {
  /** The instance profiles, sorted by name. */
  readonly profiles: InstanceProfile[];
}

const rule = object({
  fields: {
    family: text({ max: 63 }),
    minVcpuCount: integer(1, 1024),
    minMemoryGib: integer(1, 65_536, "GiB"),
    status: oneOf("current", "previous"),
  },
});

/**
 * Looks the sizes of servers up, the smallest first: by processors, then by memory.
 * @example
 * const { profiles: [smallest] } = await getInstanceProfiles({ family: "balanced", minMemoryGib: 16 });
 */
export async function getInstanceProfiles(
  args: GetInstanceProfilesArgs = {},
  options?: LookupOptions,
): Promise<InstanceProfilesResult> {
  assertValid("getInstanceProfiles", rule, args);
  const { family, minVcpuCount = 0, minMemoryGib = 0, status } = args;
  const fitting = (await listInstanceProfiles(programSession(options))).filter(
    (profile) =>
      (family === undefined || profile.family === family) &&
      (status === undefined || profile.status === status) &&
      (profile.vcpuCount ?? Infinity) >= minVcpuCount &&
      (profile.memoryGib ?? Infinity) >= minMemoryGib,
  );
  const size = ({ vcpuCount = Infinity, memoryGib = Infinity }: InstanceProfile): number => vcpuCount * 1e6 + memoryGib;
  return { profiles: fitting.sort((a, b) => size(a) - size(b)) };
}

/** The Output form of `getInstanceProfiles`. */
export function getInstanceProfilesOutput(
  args: LookupInput<GetInstanceProfilesArgs> = {},
  options?: LookupOptions,
): pulumi.Output<InstanceProfilesResult> {
  return whenKnown(args, (known) => getInstanceProfiles(known, options));
}
