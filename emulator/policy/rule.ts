/** Rules of v2 policies: time-based conditions and conditions on resource attributes. */
import { matches, valueOf, type ResourceAttributes } from "./match";
import type { RuleCondition, RuleGroup } from "./store";

type Rule = RuleCondition | RuleGroup;

/**
 * True when the conditions hold now and for these attributes. Without attributes the question is whether they can hold
 * for any part of the service: then only time counts.
 */
export function ruleHolds(rule: Rule | undefined, nowMs: number, attributes?: ResourceAttributes): boolean {
  if (rule === undefined) return true;
  if ("conditions" in rule) {
    const results = rule.conditions.map((condition) => ruleHolds(condition, nowMs, attributes));
    return rule.operator === "or" ? results.some(Boolean) : results.every(Boolean);
  }
  const resource = /^\{\{resource\.attributes\.(.+)\}\}$/.exec(rule.key)?.[1];
  if (resource === undefined) return timeHolds(rule, nowMs);
  return attributes === undefined || matches(rule, valueOf(attributes, resource));
}

function timeHolds({ key, operator, value }: RuleCondition, nowMs: number): boolean {
  const attribute = /^\{\{environment\.attributes\.(\w+)\}\}$/.exec(key)?.[1];
  if (attribute === undefined) return false;
  const values = Array.isArray(value) ? value : [String(value)];
  if (attribute === "day_of_week") return values.some((day) => isDay(day, nowMs));
  return values.every((limit) => compare(operator, attribute, limit, nowMs));
}

/** `1+00:00` is Monday in UTC. */
function isDay(value: string, nowMs: number): boolean {
  const [, day, offset] = /^([1-7])([+-]\d\d:\d\d)$/.exec(value) ?? [];
  if (day === undefined || offset === undefined) return false;
  return (new Date(nowMs + offsetMs(offset)).getUTCDay() || 7) === Number(day);
}

function offsetMs(offset: string): number {
  const [hours = "0", minutes = "0"] = offset.slice(1).split(":");
  return (offset.startsWith("-") ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

function compare(operator: string, attribute: string, limit: string, nowMs: number): boolean {
  const [actual, wanted] = attribute === "current_time" ? timesOfDay(limit, nowMs) : [nowMs, Date.parse(limit)];
  if (Number.isNaN(wanted)) return false;
  if (operator.endsWith("LessThan")) return actual < wanted;
  if (operator.endsWith("LessThanOrEquals")) return actual <= wanted;
  if (operator.endsWith("GreaterThan")) return actual > wanted;
  if (operator.endsWith("GreaterThanOrEquals")) return actual >= wanted;
  return actual === wanted;
}

/** Now and the limit as milliseconds of the day in the limit's time zone. */
function timesOfDay(limit: string, nowMs: number): [number, number] {
  const [, hours, minutes, seconds, offset] = /^(\d\d):(\d\d):(\d\d)([+-]\d\d:\d\d)$/.exec(limit) ?? [];
  if (hours === undefined || minutes === undefined || seconds === undefined || offset === undefined) return [0, NaN];
  const day = 24 * 3_600_000;
  const wanted = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return [(((nowMs + offsetMs(offset)) % day) + day) % day, wanted];
}
