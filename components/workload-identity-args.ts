/**
 * The arguments of a workload's identity and their rules. Links and claim rules have names of the user's, because nothing
 * else about them is known early enough to name a resource after it, and their place in a list would change.
 */
import { type ObjectRule, type Problem, type Rule, isRecord, mapOf, object, show } from "../core/validate";
import {
  type ClaimRuleCommon,
  type ComputeResourceClaimRule,
  type SamlClaimRule,
  trustedProfileClaimRuleShape,
} from "../provider/trusted-profile-claim-rule";
import {
  type CodeEngineLink,
  type LinkCommon,
  type ServerLink,
  type ServiceAccountLink,
  trustedProfileLinkShape,
} from "../provider/trusted-profile-link";
import {
  type ExistingTrustedProfileArgs,
  type LinkedInstanceTransforms,
  type NewTrustedProfileArgs,
  type Transform,
  linkedInstanceFields,
  shapeProblems,
  transformRule,
} from "./linked-instance-args";

/** A link of the component's profile to one compute resource. */
export type WorkloadLinkArgs = Omit<LinkCommon, "profileId"> & (ServerLink | ServiceAccountLink | CodeEngineLink);

/** A claim rule of the component's profile. */
export type WorkloadClaimRuleArgs = Omit<ClaimRuleCommon, "profileId"> & (SamlClaimRule | ComputeResourceClaimRule);

/**
 * A transform for each kind of child. Which profile a child belongs to, and the names of the resources, are decided by the
 * component, afterwards.
 */
export interface WorkloadIdentityTransforms extends Pick<LinkedInstanceTransforms, "trustedProfile" | "policy"> {
  /** Changes what each link gets. @default - as they are */
  readonly link?: Transform<WorkloadLinkArgs>;
  /** Changes what each claim rule gets. @default - as they are */
  readonly claimRule?: Transform<WorkloadClaimRuleArgs>;
}

/** Arguments of a workload's identity. */
export interface WorkloadIdentityArgs {
  /** The identity: a profile to create, with its policies, or one that exists. */
  readonly trustedProfile: NewTrustedProfileArgs | ExistingTrustedProfileArgs;
  /**
   * Compute resources that may become the profile, by names of your own: letters, digits, `.`, `_` and `-`, at most 100. A plain
   * object; each entry becomes a resource, named after the component and the entry.
   * @default - none
   */
  readonly links?: Readonly<Record<string, WorkloadLinkArgs>>;
  /**
   * Claims by which more may become the profile, by names of your own as with `links`. Rules are alternatives; a profile can have
   * 20.
   * @default - none
   */
  readonly claimRules?: Readonly<Record<string, WorkloadClaimRuleArgs>>;
  /**
   * Changes to the children's arguments and options, for what the component has no argument for.
   * @default - none
   */
  readonly transform?: WorkloadIdentityTransforms;
}

/** Judges a child's arguments as the component's user writes them: without the profile, which the component adds. */
function ofOwnProfile(shape: ObjectRule): Rule {
  const isOwn = (name: string): boolean => name !== "profileId";
  const rule = object({
    ...shape,
    fields: Object.fromEntries(Object.entries(shape.fields).filter(([name]) => isOwn(name))),
    required: (shape.required ?? []).filter(isOwn),
  });
  return (value, path) => {
    if (!isRecord(value)) return rule(value, path);
    const { profileId, ...own } = value;
    const given = profileId !== undefined && profileId !== null;
    const reason = "is not an argument; it is the component's own profile";
    return [...(given ? [{ property: `${path}.profileId`, reason }] : []), ...rule(own, path)];
  };
}

/** Judges a link without its profile. */
export const workloadLinkRule: Rule = ofOwnProfile(trustedProfileLinkShape);

/** Judges a claim rule without its profile. */
export const workloadClaimRuleRule: Rule = ofOwnProfile(trustedProfileClaimRuleShape);

const NAME = /^[\w.-]{1,100}$/;

const named =
  (rule: Rule): Rule =>
  (value, path) => {
    if (!isRecord(value)) return mapOf(rule)(value, path);
    const misshapen = Object.entries(value).flatMap(([key, entry]): Problem[] => {
      const property = `${path}.${key}`;
      if (!NAME.test(key)) {
        const reason = `is called ${show(key)}; must be 1 to 100 letters, digits, ".", "_" and "-"`;
        return [{ property, reason }];
      }
      if (entry === undefined || entry === null)
        return [{ property, reason: "is missing; leave the entry out instead" }];
      return shapeProblems(entry, property, "object");
    });
    return [...misshapen, ...mapOf(rule)(value, path)];
  };

/** Judges the arguments of a workload's identity, those of its children included. */
export const workloadIdentityRule: Rule = object({
  fields: {
    trustedProfile: linkedInstanceFields.trustedProfile,
    links: named(workloadLinkRule),
    claimRules: named(workloadClaimRuleRule),
    transform: object({
      fields: { trustedProfile: transformRule, policy: transformRule, link: transformRule, claimRule: transformRule },
    }),
  },
  required: ["trustedProfile"],
  also: (args) =>
    ["trustedProfile", "links", "claimRules", "transform"].flatMap((property) =>
      shapeProblems(args[property], property, "object"),
    ),
});
