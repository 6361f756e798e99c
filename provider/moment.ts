/**
 * Moments in arguments. `Date.parse` takes the 30th of February for the 2nd of March, so a look at the text is not enough.
 */
import { type Rule, isKnown, show, text } from "../core/validate";

/** Judges a text of this form that has to be a day of the calendar, and a time of the day. */
export function momentRule(pattern: RegExp, allowed: string): Rule {
  const form = text({ pattern, allowed });
  return (value, path) => {
    const problems = form(value, path);
    if (problems.length > 0 || typeof value !== "string" || !isKnown(value) || exists(value)) return problems;
    return [{ property: path, reason: `is ${show(value)}; there is no such day or time` }];
  };
}

/** Milliseconds since 1970; IAM writes offsets without a colon, which `Date.parse` does not take. */
export function momentMs(value: string): number {
  return Date.parse(value.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
}

function exists(value: string): boolean {
  const day = value.slice(0, 10);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return (
    !Number.isNaN(momentMs(value)) && !Number.isNaN(midnight) && new Date(midnight).toISOString().slice(0, 10) === day
  );
}
