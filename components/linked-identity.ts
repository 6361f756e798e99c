/**
 * The identity of linked servers on its way to resources: a trusted profile, new or existing, and what it may do. Each
 * component plans it first, so that everything that is wrong is known before anything is registered.
 */
import * as pulumi from "@pulumi/pulumi";
import { type Problem, isKnown, isRecord } from "../core/validate";
import { AccessPolicy } from "../provider/access-policy";
import type { PolicyGrant } from "../provider/access-policy-args";
import type { PolicyTarget } from "../provider/policy-target";
import { idIn } from "../provider/references";
import { TrustedProfile, type TrustedProfileArgs, trustedProfileRule } from "../provider/trusted-profile";
import {
  type ExistingTrustedProfileArgs,
  type LinkedInstanceTransforms,
  type NewTrustedProfileArgs,
  type Transform,
  grantRule,
  isExisting,
  policyLabel,
} from "./linked-instance-args";

/** What a child is going to be registered with. */
export interface Child<Args> {
  readonly args: Args;
  readonly options: pulumi.CustomResourceOptions;
}

/** The children that make up an identity; without a profile, it is one that exists. */
export interface IdentityPlan {
  readonly profile: Child<TrustedProfileArgs> | undefined;
  readonly policies: readonly (Child<PolicyGrant & PolicyTarget> & { readonly label: string })[];
}

/** An identity whose children are registered. */
export interface LinkedIdentity {
  readonly trustedProfile: TrustedProfile | undefined;
  readonly policies: readonly AccessPolicy[];
  /** `Profile-<uuid>`. */
  readonly id: pulumi.Output<string>;
  /** `iam-Profile-<uuid>`. */
  readonly iamId: pulumi.Output<string>;
  /** The profile in the words of the program: an id or a CRN. */
  readonly target: pulumi.Input<string>;
}

/** Plans profile and policies, and adds to `problems` what is wrong with them once they are transformed. */
export function planIdentity(
  trustedProfile: NewTrustedProfileArgs | ExistingTrustedProfileArgs,
  transform: Pick<LinkedInstanceTransforms, "trustedProfile" | "policy">,
  problems: Problem[],
): IdentityPlan {
  if (isExisting(trustedProfile)) return { profile: undefined, policies: [] };
  const { policies: wanted = [], ...profileArgs } = trustedProfile;
  const profile = transformed<TrustedProfileArgs>(profileArgs, transform.trustedProfile);
  problems.push(...trustedProfileRule(profile.args, "trustedProfile"));
  const policies = wanted.map(({ name: own, ...grant }) => ({
    label: own ?? policyLabel(grant),
    ...transformed<PolicyGrant & PolicyTarget>(grant, transform.policy),
  }));
  problems.push(...policies.flatMap((policy, index) => grantRule(policy.args, `trustedProfile.policies[${index}]`)));
  return { profile, policies };
}

/** Registers what was planned: the profile as `name`, each policy as `name` and its label. */
export function registerIdentity(
  parent: pulumi.Resource,
  name: string,
  plan: IdentityPlan,
  trustedProfile: NewTrustedProfileArgs | ExistingTrustedProfileArgs,
): LinkedIdentity {
  const made = plan.profile && new TrustedProfile(name, plan.profile.args, { parent, ...plan.profile.options });
  const { id, target } = namesOf(made, trustedProfile);
  const policies = plan.policies.map(
    ({ label, args, options }) =>
      new AccessPolicy(`${name}-${label}`, { ...args, profileId: id }, { parent, ...options }),
  );
  return { trustedProfile: made, policies, id, iamId: id.apply((known) => `iam-${known}`), target };
}

function namesOf(
  made: TrustedProfile | undefined,
  args: NewTrustedProfileArgs | ExistingTrustedProfileArgs,
): Pick<LinkedIdentity, "id" | "target"> {
  // The resource id, and not an output, stays known in the preview of an update.
  if (made !== undefined) return { id: made.id, target: made.id };
  const target = args.id ?? args.crn ?? "";
  return { id: pulumi.output(target).apply(idIn), target };
}

/** CRN of the profile; for one that exists by its id, a server that has it tells, and without a server nobody does: "". */
export function profileCrnOf(
  { trustedProfile, target }: LinkedIdentity,
  server: { readonly defaultTrustedProfile: pulumi.Output<{ readonly crn: string } | undefined> } | undefined,
): pulumi.Output<string> {
  if (trustedProfile !== undefined) return trustedProfile.crn;
  if (server !== undefined) return server.defaultTrustedProfile.apply((profile) => profile?.crn ?? "");
  return pulumi.output(target).apply((name) => (name.startsWith("crn:") ? name : ""));
}

/** A child's arguments and options as the user's transform leaves them. */
export function transformed<Args>(args: Args, transform: Transform<Args> | undefined): Child<Args> {
  const result = transform?.(args, {});
  return { args: result?.args ?? args, options: result?.options ?? {} };
}

/** What the child depends on by its own options, and `others`. */
export function alsoAfter(
  dependsOn: pulumi.CustomResourceOptions["dependsOn"],
  others: readonly pulumi.Resource[],
): pulumi.Input<pulumi.Input<pulumi.Resource>[]> {
  if (dependsOn === undefined) return [...others];
  return pulumi.output(dependsOn).apply((given) => [...[given].flat(), ...others]);
}

/** A null means the same as leaving the argument out, in the arguments and in those of the profile. */
export function withoutNulls<Args extends { readonly trustedProfile: unknown }>(args: Args): Args {
  const drop = <T>(value: T): T =>
    isRecord(value) && isKnown(value)
      ? (Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined)) as T)
      : value;
  const given = drop(args);
  return isRecord(given) ? { ...given, trustedProfile: drop(given.trustedProfile) } : given;
}
