/**
 * The arguments of a policy: their types, their rules, and what a change of each means.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "Create a policy".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Attribute, PolicyRule, PolicyVersion, Tag } from "../client/iam-policy";
import { type Rule, UNKNOWN_SENTINEL, flag, isRecord, list, object, text } from "../core/validate";
import { type FieldTable, sameSet } from "./diff";
import type { Internal } from "./handler";
import { isKnownThroughout } from "./naming";
import { type PolicyRuleArgs, type RuleInputs, policyRuleRule, sameRule, storedRuleOf } from "./policy-rule";
import { type PolicySubject, type SubjectInputs, subjectFields, subjectOf } from "./policy-subject";
import {
  type PolicyTarget,
  type TargetInputs,
  attributesOf,
  tagsOf,
  targetFields,
  targetProblems,
} from "./policy-target";

/** What a policy grants, whoever gets it. */
export interface PolicyGrant {
  /** Roles by the name that IBM's console shows ("Operator", "Writer"; letter case counts) or by CRN; at least one. */
  readonly roles: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Description, at most 300 characters. "" for none.
   * @default - the resource's name and a hash, by which a repeated create finds its policy
   */
  readonly description?: pulumi.Input<string>;
  /**
   * When the grant holds: at certain times, or for resources with certain attributes.
   * @default - always
   */
  readonly rule?: pulumi.Input<PolicyRuleArgs>;
  /**
   * Take over an equal policy (subject, target and roles) that exists already, instead of failing. It is deleted with the
   * stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
  /**
   * Make a policy that was deleted outside of this stack active again, instead of making another one. IAM keeps deleted
   * policies for a while.
   * @default false
   */
  readonly restoreDeleted?: pulumi.Input<boolean>;
}

/** Arguments of an access policy: who, what they may do, and on what. */
export type AccessPolicyArgs = PolicyGrant & PolicySubject & PolicyTarget;

/** What `check` makes of the arguments. */
export interface AccessPolicyInputs extends Internal, SubjectInputs, TargetInputs {
  readonly roles: readonly string[];
  /** CRNs of `roles`, or Pulumi's sentinel in a preview in which they are unknown. */
  readonly roleIds: readonly string[];
  readonly rule?: RuleInputs | undefined;
  readonly description?: string | undefined;
  readonly adopt?: boolean | undefined;
  readonly restoreDeleted?: boolean | undefined;
}

/** What the state holds of a policy: what IAM answered last. */
export interface AccessPolicyOutputs {
  /** Absent for an access group. */
  readonly iamId?: string | undefined;
  readonly accessGroupId?: string | undefined;
  readonly roleIds: readonly string[];
  readonly attributes: readonly Attribute[];
  readonly tags?: readonly Tag[] | undefined;
  readonly pattern?: string | undefined;
  readonly rule?: PolicyRule | undefined;
  readonly description?: string | undefined;
  /** The version of the API through which the policy was made, and is changed and deleted. */
  readonly apiVersion: PolicyVersion;
  /** "" when IAM answered without one. */
  readonly entityTag: string;
}

/** Rules of what a policy grants; shared with components, which add the subject. */
export const policyGrantFields: Readonly<Record<string, Rule>> = {
  roles: list(text({ max: 1000 }), { min: 1 }),
  description: text({ min: 0, max: 300 }),
  rule: policyRuleRule,
  adopt: flag,
  restoreDeleted: flag,
  ...targetFields,
};

/** Judges the arguments of a policy. */
export const accessPolicyRule: Rule = object({
  fields: { ...policyGrantFields, ...subjectFields },
  required: ["roles"],
  exactlyOne: [["profileId", "serviceId", "accessGroupId", "iamId"]],
  also: targetProblems,
});

/** What a change means. The fields are those of the outputs: however it is written, the same grant is no change. */
export const accessPolicyFields: FieldTable = {
  iamId: { change: "replace" },
  accessGroupId: { change: "replace" },
  roleIds: { change: "update", same: sameSet },
  attributes: { change: "update", same: (old, wanted) => sameSet(withoutAccount(old), withoutAccount(wanted)) },
  tags: { change: "update", absent: "clear", same: sameSet },
  pattern: { change: "update", absent: "clear" },
  rule: { change: "update", absent: "clear", same: sameRule },
  description: { change: "update", absent: "clear" },
};

/** The account is added to every policy, so it never makes a difference. */
function withoutAccount(attributes: unknown): unknown {
  return Array.isArray(attributes)
    ? attributes.filter((attribute: unknown) => !isRecord(attribute) || attribute.key !== "accountId")
    : attributes;
}

/** The inputs in terms of the outputs. */
export function wantedPolicy(inputs: AccessPolicyInputs): Readonly<Record<string, unknown>> {
  const targetIsKnown = (Object.keys(targetFields) as (keyof TargetInputs)[]).every((key) =>
    isKnownThroughout(inputs[key]),
  );
  const ruleIsKnown = isKnownThroughout(inputs.rule);
  const { roleIds, description } = inputs;
  return {
    ...subjectOf(inputs),
    roleIds,
    description,
    attributes: targetIsKnown ? attributesOf(inputs) : UNKNOWN_SENTINEL,
    tags: targetIsKnown ? tagsOf(inputs) : UNKNOWN_SENTINEL,
    ...(ruleIsKnown ? storedRuleOf(inputs.rule) : { pattern: UNKNOWN_SENTINEL, rule: UNKNOWN_SENTINEL }),
  };
}

/** What v1 of the API cannot say: for these the policy must be made anew, through v2. */
export function beyondV1(inputs: AccessPolicyInputs): string[] {
  const { rule, attributes } = wantedPolicy(inputs);
  const isText = (attribute: unknown): boolean => isRecord(attribute) && typeof attribute.value === "string";
  return [
    ...(rule === undefined ? [] : ["rule"]),
    ...(Array.isArray(attributes) && !attributes.every(isText) ? ["attributes"] : []),
  ];
}
