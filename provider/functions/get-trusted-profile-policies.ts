/**
 * Looks up what a trusted profile may do.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "Get policies by attributes".
 */
import type * as pulumi from "@pulumi/pulumi";
import { present } from "../../client/fields";
import { type Policy, listPolicies } from "../../client/iam-policy";
import { profileIdIn } from "./of-profile";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Whose policies to look up. */
export interface GetTrustedProfilePoliciesArgs {
  /** The profile: its id (`Profile-<uuid>`), its IAM id or its CRN. */
  readonly profileId: string;
}

/** A policy: the CRNs of its roles, its target as IAM stores it, and when it holds. */
export interface TrustedProfilePolicyResult extends Pick<
  Policy,
  "roleIds" | "pattern" | "rule" | "description" | "createdAt" | "createdById" | "lastModifiedAt" | "lastModifiedById"
> {
  /** Id of the policy. */
  readonly policyId: string;
  /** The version of IBM's API that manages the policy. */
  readonly apiVersion: Policy["version"];
  /** Resource attributes, `accountId` included. */
  readonly attributes: Policy["resource"]["attributes"];
  /** Access tags that the resource must carry, if any. */
  readonly tags?: Policy["resource"]["tags"];
}

/** The policies of a profile. */
export interface TrustedProfilePoliciesResult {
  /** `Profile-<uuid>` */
  readonly profileId: string;
  /** The policies whose subject the profile is; those of access groups are not among them. */
  readonly policies: readonly TrustedProfilePolicyResult[];
}

/**
 * Looks the policies of a trusted profile up, all pages of the list. The roles are CRNs, so that no call for each policy is
 * needed; `getRoles` tells their names.
 * @example
 * const { policies } = await getTrustedProfilePolicies({ profileId });
 */
export async function getTrustedProfilePolicies(
  args: GetTrustedProfilePoliciesArgs,
  options?: LookupOptions,
): Promise<TrustedProfilePoliciesResult> {
  const profileId = profileIdIn("getTrustedProfilePolicies", args);
  const policies: TrustedProfilePolicyResult[] = [];
  for await (const policy of listPolicies(programSession(options), { iamId: `iam-${profileId}` })) {
    const { id, resource, version, roleIds, description, pattern, rule } = policy;
    const { createdAt, createdById, lastModifiedAt, lastModifiedById } = policy;
    const changes = { createdAt, createdById, lastModifiedAt, lastModifiedById };
    const { attributes, tags } = resource;
    const says = { roleIds, attributes, tags, pattern, rule, description };
    policies.push(present<TrustedProfilePolicyResult>({ policyId: id, apiVersion: version, ...says, ...changes }));
  }
  return { profileId, policies };
}

/** The Output form of `getTrustedProfilePolicies`. */
export function getTrustedProfilePoliciesOutput(
  args: LookupInput<GetTrustedProfilePoliciesArgs>,
  options?: LookupOptions,
): pulumi.Output<TrustedProfilePoliciesResult> {
  return whenKnown(args, (known) => getTrustedProfilePolicies(known, options));
}
