/**
 * Validation as data: a rule looks at a value and lists every problem, so that a user sees all of them at once.
 * Values that are not known yet (an Output in a program, Pulumi's sentinel in a preview) are no problem: they are looked
 * at again when they are known.
 */
import { redact } from "./errors";

/** One thing that is wrong: the path of the property, and a sentence with the value seen and what is allowed. */
export interface Problem {
  /** Path of the property, such as `metadataService.protocol`. */
  readonly property: string;
  /** A sentence with the value seen and what is allowed. */
  readonly reason: string;
}

/** Lists what is wrong with `value`, which stands at `path`. Never called with `undefined` or an unknown value. */
export type Rule = (value: unknown, path: string) => Problem[];

/** What a property that is unknown during a preview holds when it reaches a dynamic provider. */
export const UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** False for Outputs, promises and Pulumi's sentinel: their value cannot be judged yet. */
export function isKnown(value: unknown): boolean {
  if (value === UNKNOWN_SENTINEL) return false;
  if (typeof value !== "object" || value === null) return true;
  return !("__pulumiOutput" in value) && typeof (value as { then?: unknown }).then !== "function";
}

/** A value as it appears in a message: JSON, short, without secrets. */
export function show(value: unknown): string {
  const text = redact(jsonOf(value) ?? (value === undefined ? "nothing" : typeof value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Functions and undefined have no JSON; big integers and objects that hold themselves throw. */
function jsonOf(value: unknown): string | undefined {
  try {
    const json: unknown = JSON.stringify(value);
    return typeof json === "string" ? json : undefined;
  } catch {
    return undefined;
  }
}

/** Applies a rule to a value that may be absent or unknown. */
export function problemsOf(rule: Rule, value: unknown, path: string): Problem[] {
  return value === undefined || value === null || !isKnown(value) ? [] : rule(value, path);
}

const complain = (path: string, value: unknown, allowed: string): Problem[] => [
  { property: path, reason: `is ${show(value)}; ${allowed}` },
];

/** A text; `pattern` comes with the words that describe it. */
export function text(limits: { min?: number; max?: number; pattern?: RegExp; allowed?: string } = {}): Rule {
  const { min = 1, max, pattern } = limits;
  const size = max === undefined ? `at least ${min} characters` : `${min} to ${max} characters`;
  const allowed = `must be ${limits.allowed ?? `a text of ${size}`}`;
  return (value, path) =>
    typeof value === "string" &&
    value.length >= min &&
    (max === undefined || value.length <= max) &&
    (pattern === undefined || pattern.test(value))
      ? []
      : complain(path, value, allowed);
}

/** A whole number in a range, both ends included. */
export function integer(min: number, max: number, unit = ""): Rule {
  return (value, path) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? []
      : complain(path, value, `must be a whole number from ${min} to ${max}${unit === "" ? "" : ` ${unit}`}`);
}

export const flag: Rule = (value, path) =>
  typeof value === "boolean" ? [] : complain(path, value, "must be true or false");

/** One of a closed list of values. */
export function oneOf(...allowed: readonly string[]): Rule {
  return (value, path) =>
    allowed.includes(value as string)
      ? []
      : complain(path, value, `must be one of ${allowed.map((word) => JSON.stringify(word)).join(", ")}`);
}

/** A list whose items all follow one rule. */
export function list(item: Rule, limits: { min?: number; max?: number } = {}): Rule {
  const { min = 0, max = Number.POSITIVE_INFINITY } = limits;
  return (value, path) => {
    if (!Array.isArray(value)) return complain(path, value, "must be a list");
    if (value.length < min || value.length > max) {
      const range = max === Number.POSITIVE_INFINITY ? `at least ${min}` : `${min} to ${max}`;
      return complain(
        path,
        value,
        `must have ${range} ${min === 1 && max === Number.POSITIVE_INFINITY ? "entry" : "entries"}`,
      );
    }
    return Array.from(value, (entry: unknown, index) => problemsOfEntry(item, entry, `${path}[${index}]`)).flat();
  };
}

/** Unlike a field, an entry cannot be left out by null: it would be sent as one that names nothing. */
function problemsOfEntry(item: Rule, entry: unknown, property: string): Problem[] {
  if (entry === null || entry === undefined) return [{ property, reason: "is missing; leave the entry out instead" }];
  return problemsOf(item, entry, property);
}

/** Free-form names to values that all follow one rule. */
export function mapOf(item: Rule): Rule {
  return (value, path) =>
    isRecord(value)
      ? Object.entries(value).flatMap(([key, entry]) => problemsOf(item, entry, `${path}.${key}`))
      : complain(path, value, "must be an object");
}

export interface ObjectRule {
  readonly fields: Readonly<Record<string, Rule>>;
  readonly required?: readonly string[];
  /** Groups of fields of which exactly one must be given. */
  readonly exactlyOne?: readonly (readonly string[])[];
  /** Groups of fields of which at most one may be given. */
  readonly atMostOne?: readonly (readonly string[])[];
  /** Combinations that a single field cannot judge. Only called with an object. */
  readonly also?: (value: Readonly<Record<string, unknown>>, path: string) => Problem[];
}

/** An object: unknown keys are problems too, and name the key that was probably meant. */
export function object(rule: ObjectRule): Rule {
  return (value, path) => {
    if (!isRecord(value)) return complain(path, value, "must be an object");
    const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
    const given = (key: string): boolean => value[key] !== undefined && value[key] !== null;
    const problems: Problem[] = [];
    for (const key of Object.keys(value)) {
      const field = Object.hasOwn(rule.fields, key) ? rule.fields[key] : undefined;
      if (field === undefined) problems.push({ property: at(key), reason: unknownKey(key, Object.keys(rule.fields)) });
      else problems.push(...problemsOf(field, value[key], at(key)));
    }
    for (const key of rule.required ?? []) {
      if (!given(key)) problems.push({ property: at(key), reason: "is missing; it is required" });
    }
    const quoted = (keys: readonly string[]): string =>
      keys.map((key, index) => `${index === 0 ? "" : index === keys.length - 1 ? " and " : ", "}"${key}"`).join("");
    for (const group of rule.exactlyOne ?? []) {
      const seen = group.filter(given);
      if (seen.length !== 1) {
        const found = seen.length === 0 ? "none is given" : `${quoted(seen)} are given`;
        problems.push({
          property: seen[1] !== undefined ? at(seen[1]) : path === "" ? (group[0] ?? "") : path,
          reason: `exactly one of ${quoted(group)} is allowed; ${found}`,
        });
      }
    }
    for (const group of rule.atMostOne ?? []) {
      const seen = group.filter(given);
      if (seen.length > 1)
        problems.push({
          property: at(seen[1] ?? ""),
          reason: `at most one of ${quoted(group)} is allowed; ${quoted(seen)} are given`,
        });
    }
    return [...problems, ...(rule.also?.(value, path) ?? [])];
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unknownKey(key: string, allowed: readonly string[]): string {
  const near = misspelt(key, allowed);
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  return `is not an argument${hint} Allowed: ${allowed.join(", ")}`.replace("argument Allowed", "argument. Allowed");
}

/** The one of `names` that a misspelt word is most likely to mean; undefined when none is near. */
export function misspelt(word: string, names: readonly string[]): string | undefined {
  const [near] = names
    .map((name) => [distance(word.toLowerCase(), name.toLowerCase()), name] as const)
    .sort(([a], [b]) => a - b);
  return near !== undefined && near[0] <= Math.max(2, word.length / 3) ? near[1] : undefined;
}

/** Edit distance. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Problems as one text, a line each: for errors that can only carry a message. */
export function describeProblems(problems: readonly Problem[]): string {
  return problems.map(({ property, reason }) => `  - ${property || "(arguments)"}: ${reason}`).join("\n");
}

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

/** `Profile-<uuid>` (IAM Identity API). */
export const PROFILE_ID = new RegExp(`^Profile-${UUID}$`);

/** Any CRN: ten segments, version 1. Values inside a segment are opaque (IBM's CRN format). */
export const CRN = /^crn:v1:[^:\s]*:[^:\s]*:[^:\s]*:[^:\s]*:[^:\s]*:[^:\s]*:[^:\s]*:[^\s]*$/;

/** Names of VPC resources (VPC API). */
export const VPC_NAME = /^([a-z]|[a-z][-a-z0-9]*[a-z0-9])$/;

/** True when two ids or CRNs name the same thing: a CRN ends in the id. IBM answers with one whatever was sent. */
export function namesSame(a: string, b: string): boolean {
  const id = (value: string): string => (value.startsWith("crn:") ? (value.split(":").at(-1) ?? value) : value);
  return a === b || id(a) === id(b);
}
