/**
 * When a policy holds: typed forms for the four patterns that IAM knows, and the conditions that it stores for them.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "Create a policy" (`pattern`, `rule`); IBM Cloud docs, "Limiting access
 * with time-based conditions" and "Controlling access to ... with attribute-based conditions".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Attribute, PolicyRule } from "../client/iam-policy";
import { type Problem, type Rule, isKnown, isRecord, list, object, oneOf, show, text } from "../core/validate";
import { canonicalJson } from "./diff";
import { momentMs, momentRule } from "./moment";
import { type AttributeOperator, attributeValueRule, operatorRule } from "./policy-attribute";

/** Days as IAM counts them: Monday is 1. */
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

/** A day of the week. */
export type DayOfWeek = (typeof DAYS)[number];

/** From one moment to another, once. */
export interface OnceRule {
  /** Kind of the rule. */
  readonly pattern: "time-based-conditions:once";
  /** First moment, with an offset from UTC: "2026-12-01T09:00:00+01:00". */
  readonly startsAt: pulumi.Input<string>;
  /** Last moment, in the same form; later than `startsAt`. */
  readonly endsAt: pulumi.Input<string>;
}

/** Whole days, every week. */
export interface WeeklyAllDayRule {
  /** Kind of the rule. */
  readonly pattern: "time-based-conditions:weekly:all-day";
  /** The days; at least one. */
  readonly days: pulumi.Input<pulumi.Input<DayOfWeek>[]>;
  /**
   * Offset of the days from UTC.
   * @default "+00:00"
   */
  readonly utcOffset?: pulumi.Input<string>;
}

/** Hours of days, every week. */
export interface WeeklyCustomHoursRule {
  /** Kind of the rule. */
  readonly pattern: "time-based-conditions:weekly:custom-hours";
  /** The days; at least one. */
  readonly days: pulumi.Input<pulumi.Input<DayOfWeek>[]>;
  /** First minute of each day: "09:00". */
  readonly startTime: pulumi.Input<string>;
  /** Last minute of each day, later than `startTime`: "17:00". */
  readonly endTime: pulumi.Input<string>;
  /**
   * Offset of days and times from UTC.
   * @default "+00:00"
   */
  readonly utcOffset?: pulumi.Input<string>;
}

/** An attribute that the resource of a call must have. */
export interface AttributeCondition {
  /** Name of the attribute, such as "prefix" or "path" of Object Storage. */
  readonly attribute: pulumi.Input<string>;
  /** Text; true or false for `stringExists`; up to ten texts for the "AnyOf" operators. */
  readonly value: pulumi.Input<string | boolean | pulumi.Input<string>[]>;
  /**
   * How the value is compared; the "Match" operators take `*` and `?`.
   * @default "stringEquals"
   */
  readonly operator?: pulumi.Input<AttributeOperator>;
}

/** Conditions of which all (`and`) or any (`or`) must hold. */
export interface AttributeConditionGroup {
  /** Whether all of them must hold or any. */
  readonly operator: pulumi.Input<"and" | "or">;
  /** The conditions; at least one. */
  readonly conditions: pulumi.Input<pulumi.Input<AttributeCondition>[]>;
}

/** Depending on attributes of the resource that a call is about. */
export interface ResourceAttributeRule {
  /** Kind of the rule. */
  readonly pattern: "attribute-based-condition:resource:literal-and-wildcard";
  /** Conditions, and groups of them; at least one. */
  readonly conditions: pulumi.Input<pulumi.Input<AttributeCondition | AttributeConditionGroup>[]>;
  /**
   * Whether all of `conditions` must hold or any.
   * @default "and"
   */
  readonly operator?: pulumi.Input<"and" | "or">;
}

/** When a policy holds. */
export type PolicyRuleArgs = OnceRule | WeeklyAllDayRule | WeeklyCustomHoursRule | ResourceAttributeRule;

/** A rule as IAM stores it. */
export interface StoredRule {
  readonly pattern?: string | undefined;
  readonly rule?: PolicyRule | undefined;
}

const ENVIRONMENT = "{{environment.attributes.";
const DATE_TIME = `${ENVIRONMENT}current_date_time}}`;
const DAY = `${ENVIRONMENT}day_of_week}}`;
const TIME = `${ENVIRONMENT}current_time}}`;
const RESOURCE = /^\{\{resource\.attributes\.(.+)\}\}$/;

const moment = momentRule(
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/,
  'a moment with an offset from UTC, such as "2026-12-01T09:00:00+01:00"',
);
const clockTime = text({ pattern: /^([01]\d|2[0-3]):[0-5]\d$/, allowed: 'a time such as "09:00"' });
const offset = text({ pattern: /^[+-](0\d|1[0-4]):[0-5]\d$/, allowed: 'an offset from UTC such as "+01:00"' });
const days = list(oneOf(...DAYS), { min: 1 });

const conditionRule: Rule = object({
  fields: {
    attribute: text({ pattern: /^[\w./-]{1,200}$/, allowed: "the name of a resource attribute" }),
    operator: operatorRule,
    value: attributeValueRule.value,
  },
  required: ["attribute", "value"],
  also: attributeValueRule.also,
});
const groupRule: Rule = object({
  fields: { operator: oneOf("and", "or"), conditions: list(conditionRule, { min: 1 }) },
  required: ["operator", "conditions"],
});

const PATTERNS = {
  "time-based-conditions:once": object({
    fields: { pattern: text(), startsAt: moment, endsAt: moment },
    required: ["startsAt", "endsAt"],
    also: laterThan("startsAt", "endsAt", momentMs),
  }),
  "time-based-conditions:weekly:all-day": object({
    fields: { pattern: text(), days, utcOffset: offset },
    required: ["days"],
  }),
  "time-based-conditions:weekly:custom-hours": object({
    fields: { pattern: text(), days, startTime: clockTime, endTime: clockTime, utcOffset: offset },
    required: ["days", "startTime", "endTime"],
    also: laterThan("startTime", "endTime", (value) => Number(value.replace(":", ""))),
  }),
  "attribute-based-condition:resource:literal-and-wildcard": object({
    fields: {
      pattern: text(),
      operator: oneOf("and", "or"),
      conditions: list(
        (value, path) => (isRecord(value) && "conditions" in value ? groupRule : conditionRule)(value, path),
        {
          min: 1,
        },
      ),
    },
    required: ["conditions"],
  }),
} satisfies Record<PolicyRuleArgs["pattern"], Rule>;

function laterThan(first: string, second: string, measure: (value: string) => number) {
  return (args: Readonly<Record<string, unknown>>, path: string): Problem[] => {
    const [from, to] = [args[first], args[second]];
    if (typeof from !== "string" || typeof to !== "string" || !isKnown(from) || !isKnown(to)) return [];
    if (!(measure(to) <= measure(from))) return [];
    return [
      {
        property: `${path}.${second}`,
        reason: `is ${show(to)}; must be later than "${first}", which is ${show(from)}`,
      },
    ];
  };
}

/** Judges a rule. */
export const policyRuleRule: Rule = (value, path) => {
  const pattern = isRecord(value) ? value.pattern : undefined;
  if (typeof pattern === "string" && Object.hasOwn(PATTERNS, pattern)) {
    return PATTERNS[pattern as PolicyRuleArgs["pattern"]](value, path);
  }
  if (!isRecord(value)) return [{ property: path, reason: `is ${show(value)}; must be an object with "pattern"` }];
  return oneOf(...Object.keys(PATTERNS))(pattern, `${path}.pattern`);
};

/** The arguments of a rule as they are in `check` and later. */
export type RuleInputs =
  | { readonly pattern: OnceRule["pattern"]; readonly startsAt: string; readonly endsAt: string }
  | { readonly pattern: WeeklyAllDayRule["pattern"]; readonly days: readonly DayOfWeek[]; readonly utcOffset?: string }
  | {
      readonly pattern: WeeklyCustomHoursRule["pattern"];
      readonly days: readonly DayOfWeek[];
      readonly startTime: string;
      readonly endTime: string;
      readonly utcOffset?: string;
    }
  | {
      readonly pattern: ResourceAttributeRule["pattern"];
      readonly operator?: "and" | "or";
      readonly conditions: readonly (ConditionInputs | GroupInputs)[];
    };

interface ConditionInputs {
  readonly attribute: string;
  readonly operator?: AttributeOperator;
  readonly value: string | boolean | readonly string[];
}

interface GroupInputs {
  readonly operator: "and" | "or";
  readonly conditions: readonly ConditionInputs[];
}

/** The rule as IAM stores it. */
export function storedRuleOf(rule: RuleInputs | undefined): StoredRule {
  if (rule === undefined) return {};
  const { pattern } = rule;
  switch (rule.pattern) {
    case "time-based-conditions:once":
      return { pattern, rule: all(between(DATE_TIME, "dateTime", withOffset(rule.startsAt), withOffset(rule.endsAt))) };
    case "time-based-conditions:weekly:all-day":
      return { pattern, rule: onDays(rule.days, rule.utcOffset) };
    case "time-based-conditions:weekly:custom-hours": {
      const { utcOffset = "+00:00" } = rule;
      const at = (time: string): string => `${time}:00${utcOffset}`;
      const hours = between(TIME, "time", at(rule.startTime), at(rule.endTime));
      return { pattern, rule: all([onDays(rule.days, utcOffset), ...hours]) };
    }
    case "attribute-based-condition:resource:literal-and-wildcard": {
      const conditions = rule.conditions.map((condition) =>
        "conditions" in condition
          ? { operator: condition.operator, conditions: condition.conditions.map(onAttribute) }
          : onAttribute(condition),
      );
      const [only] = conditions;
      const single = conditions.length === 1 && only !== undefined && !("conditions" in only);
      return { pattern, rule: single ? only : { operator: rule.operator ?? "and", conditions } };
    }
  }
}

const all = (conditions: readonly PolicyRule[]): PolicyRule => ({ operator: "and", conditions });

const between = (key: string, kind: string, from: string, to: string): Attribute[] => [
  { key, operator: `${kind}GreaterThanOrEquals`, value: from },
  { key, operator: `${kind}LessThanOrEquals`, value: to },
];

/** IAM's own examples write the offset out, also for UTC. */
const withOffset = (value: string): string => value.replace(/Z$/, "+00:00");

/** Always a list: IAM refuses a single day as a plain text. */
function onDays(names: readonly DayOfWeek[], utcOffset = "+00:00"): Attribute {
  return { key: DAY, operator: "dayOfWeekAnyOf", value: names.map((day) => `${DAYS.indexOf(day) + 1}${utcOffset}`) };
}

function onAttribute({ attribute, operator = "stringEquals", value }: ConditionInputs): Attribute {
  return { key: `{{resource.attributes.${attribute}}}`, operator, value };
}

/** True when two stored rules say the same, in whatever order. */
export function sameRule(a: unknown, b: unknown): boolean {
  return canonicalJson(canonicalRule(a)) === canonicalJson(canonicalRule(b));
}

function canonicalRule(rule: unknown): unknown {
  if (!isRecord(rule)) return rule;
  if (Array.isArray(rule.conditions)) {
    const conditions = rule.conditions.map((condition: unknown) => canonicalRule(condition));
    if (conditions.length === 1) return conditions[0];
    return { operator: rule.operator, conditions: conditions.map(canonicalJson).sort() };
  }
  const { key, operator, value } = rule;
  const many = typeof operator === "string" && operator.endsWith("AnyOf");
  return { key, operator, value: Array.isArray(value) ? value.map(String).sort() : many ? [value] : value };
}

/** The arguments that would make a stored rule; undefined for one that no arguments make. */
export function ruleArgsOf({ pattern, rule }: StoredRule): RuleInputs | undefined {
  if (pattern === undefined || rule === undefined) return undefined;
  const guess = guessOf(pattern, rule, leavesOf(rule));
  return guess !== undefined && policyRuleRule(guess, "rule").length === 0 && sameRule(storedRuleOf(guess).rule, rule)
    ? guess
    : undefined;
}

function leavesOf(rule: PolicyRule): Attribute[] {
  return "conditions" in rule ? rule.conditions.flatMap(leavesOf) : [rule];
}

function guessOf(pattern: string, rule: PolicyRule, leaves: readonly Attribute[]): RuleInputs | undefined {
  const limit = (end: "Greater" | "Less"): string =>
    String(leaves.find(({ operator }) => operator.includes(end))?.value ?? "");
  const dayValues = [leaves.find(({ key }) => key === DAY)?.value ?? []].flat().map(String);
  const utcOffset = dayValues[0]?.slice(1) ?? "";
  const named = dayValues.flatMap((value) => DAYS[Number(value[0]) - 1] ?? []);
  switch (pattern) {
    case "time-based-conditions:once":
      return { pattern, startsAt: limit("Greater"), endsAt: limit("Less") };
    case "time-based-conditions:weekly:all-day":
      return { pattern, days: named, utcOffset };
    case "time-based-conditions:weekly:custom-hours":
      return {
        pattern,
        days: named,
        startTime: limit("Greater").slice(0, 5),
        endTime: limit("Less").slice(0, 5),
        utcOffset,
      };
    case "attribute-based-condition:resource:literal-and-wildcard": {
      const top = "conditions" in rule ? rule : { operator: "and" as const, conditions: [rule] };
      return { pattern, operator: top.operator, conditions: top.conditions.map(fromStored) };
    }
    default:
      return undefined;
  }
}

function fromStored(rule: PolicyRule): ConditionInputs | GroupInputs {
  if (!("conditions" in rule)) return conditionOf(rule);
  return { operator: rule.operator, conditions: leavesOf(rule).map(conditionOf) };
}

function conditionOf({ key, operator, value }: Attribute): ConditionInputs {
  return { attribute: RESOURCE.exec(key)?.[1] ?? "", operator: operator as AttributeOperator, value };
}
