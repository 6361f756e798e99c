/**
 * Conditions of claim rules. IAM wants each value as JSON inside a text; a program gives the value itself.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Create claim rule for a trusted profile"; IBM Cloud docs, "Using claim
 * rules" (the claims of each compute resource type).
 */
import type * as pulumi from "@pulumi/pulumi";
import type { ClaimCondition as WireCondition, ClaimOperator } from "../client/iam-claim-rules";
import { type Rule, integer, isKnown, isRecord, list, object, oneOf, show, text } from "../core/validate";

/** A claim compared with one value. */
export interface SingleValueCondition {
  /** Name of the claim: `vpc_id`, `zone`, `namespace`, or an attribute of the SAML assertion. */
  readonly claim: pulumi.Input<string>;
  /** `CONTAINS` holds when the claim is a list with the value in it, or a text with the value within. */
  readonly operator: "EQUALS" | "NOT_EQUALS" | "EQUALS_IGNORE_CASE" | "NOT_EQUALS_IGNORE_CASE" | "CONTAINS";
  /** The value. Numbers, true and false are compared as texts. */
  readonly value: pulumi.Input<string | number | boolean>;
}

/** A claim that must equal one of several values. */
export interface AnyValueCondition {
  /** Name of the claim. */
  readonly claim: pulumi.Input<string>;
  /** Holds when the claim is one of the values. */
  readonly operator: "IN";
  /** The values; at least one. */
  readonly value: pulumi.Input<pulumi.Input<string>[]>;
}

/** What a claim has to be. */
export type ClaimCondition = SingleValueCondition | AnyValueCondition;

/** A condition as it is in `check` and later. */
export interface ResolvedCondition {
  /** Name of the claim. */
  readonly claim: string;
  /** How the claim is compared. */
  readonly operator: ClaimOperator;
  /** The value or, with "IN", the values. */
  readonly value: string | number | boolean | readonly string[];
}

const OPERATORS: readonly ClaimOperator[] = [
  "EQUALS",
  "NOT_EQUALS",
  "EQUALS_IGNORE_CASE",
  "NOT_EQUALS_IGNORE_CASE",
  "CONTAINS",
  "IN",
];

const TEXT = text({ min: 0, max: 1000 });
const NUMBER = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

const valueRule: Rule = (value, path) => {
  if (Array.isArray(value)) return list(TEXT, { min: 1 })(value, path);
  if (typeof value === "boolean") return [];
  return (typeof value === "number" ? NUMBER : TEXT)(value, path);
};

/** Judges one condition. */
export const conditionRule: Rule = object({
  fields: { claim: text({ max: 1000 }), operator: oneOf(...OPERATORS), value: valueRule },
  required: ["claim", "operator", "value"],
  also: ({ operator, value }, path) => {
    if (value === undefined || !isKnown(value) || !OPERATORS.includes(operator as ClaimOperator)) return [];
    const many = operator === "IN";
    if (many === Array.isArray(value)) return [];
    const allowed = many ? "takes a list of texts" : 'takes a single value; "IN" takes a list';
    return [{ property: `${path}.value`, reason: `is ${show(value)}; ${show(operator)} ${allowed}` }];
  },
});

/** The claims that IBM documents for virtual servers. A rule on any other never matches, and IAM does not say so. */
const SERVER_CLAIMS = [
  "resource_group_id",
  "resource_group_name",
  "resource",
  "instance_group_name",
  "region",
  "subnet_id",
  "vpc_id",
  "zone",
];

/** Claims of conditions that a virtual server does not have. */
export function unknownServerClaims(conditions: unknown): string[] {
  if (!Array.isArray(conditions)) return [];
  return conditions.flatMap((condition: unknown) => {
    const claim = isRecord(condition) ? condition.claim : undefined;
    return typeof claim !== "string" || !isKnown(claim) || SERVER_CLAIMS.includes(claim) ? [] : [claim];
  });
}

/** The sentence that names the claims a virtual server has. */
export const SERVER_CLAIMS_TEXT = `IBM documents for virtual servers: ${SERVER_CLAIMS.join(", ")}.`;

/** A condition as IAM stores it. */
export function toWire({ claim, operator, value }: ResolvedCondition): WireCondition {
  return { claim, operator, value: JSON.stringify(value) };
}

/** A condition as a program writes it. IBM's own examples hold values that are not JSON; those are texts. */
export function fromWire({ claim, operator, value }: WireCondition): ResolvedCondition {
  try {
    return { claim, operator, value: JSON.parse(value) as ResolvedCondition["value"] };
  } catch {
    return { claim, operator, value };
  }
}
