/**
 * Comparisons that policies are made of: an attribute, an operator and a value that goes with it.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "Create a policy" (operators of `resource` and `rule`).
 */
import { type Problem, type Rule, isKnown, list, oneOf, show, text } from "../core/validate";

const OPERATORS = ["stringEquals", "stringExists", "stringMatch", "stringEqualsAnyOf", "stringMatchAnyOf"] as const;

/** How an attribute's value is compared. "AnyOf" operators take up to ten values; "Match" ones take `*` and `?`. */
export type AttributeOperator = (typeof OPERATORS)[number];

/** A value that is not empty and not longer than IAM takes. */
export const VALUE: Rule = text({ max: 1000 });

/** Judges an operator. */
export const operatorRule: Rule = oneOf(...OPERATORS);

/** Judges a value alone (`value`) and together with its operator (`also`). */
export const attributeValueRule: {
  readonly value: Rule;
  readonly also: (args: Readonly<Record<string, unknown>>, path: string) => Problem[];
} = {
  value: (value, path) => {
    if (Array.isArray(value)) return list(VALUE, { min: 1, max: 10 })(value, path);
    return typeof value === "boolean" ? [] : VALUE(value, path);
  },
  also: ({ value, operator = "stringEquals" }, path) => {
    if (!isKnown(value) || !isKnown(operator) || value === undefined) return [];
    const complain = (allowed: string): Problem[] => [
      { property: `${path}.value`, reason: `is ${show(value)}; ${allowed}` },
    ];
    const many = String(operator).endsWith("AnyOf");
    if (many !== Array.isArray(value))
      return complain(`${show(operator)} takes ${many ? "a list of texts" : "a single value"}`);
    if ((operator === "stringExists") !== (typeof value === "boolean")) {
      return complain('true and false go with "stringExists", and only with it');
    }
    return [];
  },
};
