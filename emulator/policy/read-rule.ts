/** Reads the rule of a v2 policy: which pattern it follows and which conditions that allows. */
import type { Fields } from "../fields";
import type { RuleCondition, RuleGroup } from "./store";

const TIME = "time-based-conditions:";
const ENVIRONMENT = "{{environment.attributes.";

const ONCE = { [`${ENVIRONMENT}current_date_time}}`]: ["dateTimeGreaterThanOrEquals", "dateTimeLessThanOrEquals"] };
const DAYS = { [`${ENVIRONMENT}day_of_week}}`]: ["dayOfWeekAnyOf", "dayOfWeekEquals"] };
const HOURS = { [`${ENVIRONMENT}current_time}}`]: ["timeGreaterThanOrEquals", "timeLessThanOrEquals"] };
const STRINGS = ["stringEquals", "stringExists", "stringMatch", "stringEqualsAnyOf", "stringMatchAnyOf"];

/** For each pattern the keys of its conditions and their operators; undefined means any resource attribute. */
const PATTERNS: Readonly<Record<string, Readonly<Record<string, readonly string[]>> | undefined>> = {
  [`${TIME}once`]: ONCE,
  [`${TIME}weekly:all-day`]: DAYS,
  [`${TIME}weekly:custom-hours`]: { ...DAYS, ...HOURS },
  "attribute-based-condition:resource:literal-and-wildcard": undefined,
};

type Rule = RuleCondition | RuleGroup;

export function readRule(fields: Fields, pattern: string | undefined): Rule | undefined {
  if (pattern !== undefined && !Object.hasOwn(PATTERNS, pattern)) {
    throw fields.invalid("pattern", `must be one of ${Object.keys(PATTERNS).join(", ")}`);
  }
  if (!fields.has("rule")) {
    if (pattern !== undefined) throw fields.missing("rule");
    return undefined;
  }
  if (pattern === undefined) throw fields.missing("pattern");
  const rule = readNode(fields.object("rule"), PATTERNS[pattern], 0);
  const operators = operatorsOf(rule);
  for (const operator of operators) {
    const other = operator.replace(/Greater|Less/, (word) => (word === "Greater" ? "Less" : "Greater"));
    if (other !== operator && !operators.includes(other)) {
      throw fields.invalid("rule", `with a condition ${operator} must have one with ${other} too`);
    }
  }
  return rule;
}

function readNode(fields: Fields, keys: (typeof PATTERNS)[string], depth: number): Rule {
  if (!fields.has("conditions")) return readCondition(fields, keys);
  if (depth > 1) throw fields.invalid("conditions", "must not be nested more than once");
  fields.only("operator", "conditions");
  const operator = fields.text("operator", { oneOf: ["and", "or"] });
  const conditions = fields.objects("conditions").map((item) => readNode(item, keys, depth + 1));
  if (conditions.length === 0) throw fields.missing("conditions");
  return { operator, conditions };
}

function readCondition(fields: Fields, keys: (typeof PATTERNS)[string]): RuleCondition {
  fields.only("key", "operator", "value");
  const key = fields.text("key");
  const operators = keys === undefined ? STRINGS : Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (operators === undefined) throw fields.invalid("key", "is not a key of this pattern");
  if (keys === undefined && !/^\{\{resource\.attributes\.[\w./-]+\}\}$/.test(key)) {
    throw fields.invalid("key", "must be {{resource.attributes.<name>}}");
  }
  const operator = fields.text("operator", { oneOf: operators });
  const value = fields.raw("value");
  if (typeof value === "string" || typeof value === "boolean") return { key, operator, value };
  const values = fields.texts("value");
  if (values === undefined || values.length === 0) throw fields.missing("value");
  return { key, operator, value: values };
}

function operatorsOf(rule: Rule): string[] {
  return "conditions" in rule ? rule.conditions.flatMap(operatorsOf) : [rule.operator];
}
