/**
 * An identity for compute that exists already, or that others make: a trusted profile, what it may do, and who may become
 * it. Policies come first, so that whoever becomes the profile finds its rights there.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Problem } from "../core/validate";
import type { AccessPolicy } from "../provider/access-policy";
import { assertProgramUsable, assertValid } from "../provider/preflight";
import type { TrustedProfile } from "../provider/trusted-profile";
import { TrustedProfileClaimRule } from "../provider/trusted-profile-claim-rule";
import { TrustedProfileLink } from "../provider/trusted-profile-link";
import {
  type Child,
  type IdentityPlan,
  alsoAfter,
  planIdentity,
  profileCrnOf,
  registerIdentity,
  transformed,
  withoutNulls,
} from "./linked-identity";
import type { Transform } from "./linked-instance-args";
import {
  type WorkloadClaimRuleArgs,
  type WorkloadIdentityArgs,
  type WorkloadLinkArgs,
  workloadClaimRuleRule,
  workloadIdentityRule,
  workloadLinkRule,
} from "./workload-identity-args";

/** What the component is going to register, checked as a whole before the first of it is. */
interface Plan extends IdentityPlan {
  readonly links: Readonly<Record<string, Child<WorkloadLinkArgs>>>;
  readonly claimRules: Readonly<Record<string, Child<WorkloadClaimRuleArgs>>>;
}

const TYPE = "vpc-identity:index:WorkloadIdentity";

/**
 * An identity for servers, clusters and other compute that exist already: trusted profile, policies, links and claim rules.
 *
 * @example
 * const identity = new WorkloadIdentity("batch", {
 *   trustedProfile: { policies: [{ roles: ["Reader"], service: "cloud-object-storage" }] },
 *   links: { worker: { crType: "VSI", link: { crn: worker.crn } } },
 * });
 * export const profileId = identity.profileId;
 *
 * @example
 * new WorkloadIdentity("shop", {
 *   trustedProfile: { id: profile.id },
 *   links: { pods: { crType: "IKS_SA", link: { crn: cluster.crn, namespace: "shop", name: "backend" } } },
 *   claimRules: {
 *     servers: { type: "Profile-CR", crType: "VSI", conditions: [{ claim: "vpc_id", operator: "EQUALS", value: vpcId }] },
 *   },
 * });
 */
export class WorkloadIdentity extends pulumi.ComponentResource {
  /** Id of the trusted profile (`Profile-<uuid>`). */
  readonly profileId: pulumi.Output<string>;
  /** IAM id of the trusted profile (`iam-Profile-<uuid>`): the subject for policies of your own. */
  readonly profileIamId: pulumi.Output<string>;
  /** CRN of the trusted profile; "" for one that exists and is given by its id. */
  readonly profileCrn: pulumi.Output<string>;
  /** Ids of the links (`<profile id>/<link id>`), by name. */
  readonly linkIds: pulumi.Output<Record<string, string>>;
  /** Ids of the claim rules (`<profile id>/<rule id>`), by name. */
  readonly claimRuleIds: pulumi.Output<Record<string, string>>;

  /** The profile, when the component created it. */
  readonly trustedProfile: TrustedProfile | undefined;
  /** The policies, in the order of the arguments. */
  readonly policies: readonly AccessPolicy[];
  /** The links, by name. */
  readonly links: Readonly<Record<string, TrustedProfileLink>>;
  /** The claim rules, by name. */
  readonly claimRules: Readonly<Record<string, TrustedProfileClaimRule>>;

  /**
   * Creates profile and policies, then links and claim rules.
   * @throws pulumi.ResourceError that lists every problem of the arguments, before anything is registered
   */
  constructor(name: string, args: WorkloadIdentityArgs, options?: pulumi.ComponentResourceOptions) {
    assertProgramUsable();
    const given = withoutNulls(args);
    const plan = planOf(name, given);
    super(TYPE, name, {}, options);

    const identity = registerIdentity(this, name, plan, given.trustedProfile);
    const profileId = identity.id;
    this.trustedProfile = identity.trustedProfile;
    this.policies = identity.policies;
    const optionsOf = (own: pulumi.CustomResourceOptions): pulumi.CustomResourceOptions => ({
      parent: this,
      ...own,
      dependsOn: alsoAfter(own.dependsOn, this.policies),
    });
    this.links = ofEach(
      plan.links,
      (key, { args: link, options: own }) =>
        new TrustedProfileLink(`${name}-${key}`, { ...link, profileId }, optionsOf(own)),
    );
    this.claimRules = ofEach(
      plan.claimRules,
      (key, { args: rule, options: own }) =>
        new TrustedProfileClaimRule(`${name}-${key}`, { ...rule, profileId }, optionsOf(own)),
    );

    this.profileId = profileId;
    this.profileIamId = identity.iamId;
    this.profileCrn = profileCrnOf(identity, undefined);
    this.linkIds = pulumi.output(ofEach(this.links, (_, link) => link.id));
    this.claimRuleIds = pulumi.output(ofEach(this.claimRules, (_, rule) => rule.id));
    this.registerOutputs({
      profileId: this.profileId,
      profileIamId: this.profileIamId,
      profileCrn: this.profileCrn,
      linkIds: this.linkIds,
      claimRuleIds: this.claimRuleIds,
    });
  }
}

function planOf(name: string, args: WorkloadIdentityArgs): Plan {
  const what = `WorkloadIdentity "${name}"`;
  assertValid(what, workloadIdentityRule, args);
  const { trustedProfile, links = {}, claimRules = {}, transform = {} } = args;
  const problems: Problem[] = [];
  const plan = {
    ...planIdentity(trustedProfile, transform, problems),
    links: ofEach(links, (key, link) => changed(link, transform.link, (own) => workloadLinkRule(own, `links.${key}`))),
    claimRules: ofEach(claimRules, (key, rule) =>
      changed(rule, transform.claimRule, (own) => workloadClaimRuleRule(own, `claimRules.${key}`)),
    ),
  };
  assertValid(what, () => [], {}, problems);
  return plan;

  function changed<Args>(own: Args, by: Transform<Args> | undefined, judge: (own: Args) => Problem[]): Child<Args> {
    const child = transformed(own, by);
    problems.push(...judge(child.args));
    return child;
  }
}

function ofEach<From, To>(
  entries: Readonly<Record<string, From>>,
  make: (key: string, entry: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, make(key, entry)]));
}
