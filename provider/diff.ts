/**
 * Differences as a table: for each field, what a change of it means. What a table does not name never causes a change.
 */
import type { dynamic } from "@pulumi/pulumi";
import { isKnown } from "../core/validate";

/** `replace` makes another object; `ignore` leaves the object as it is (the handler warns). */
export type Change = "update" | "replace" | "ignore";

/** What a change of one field means, and how its change is recognised. */
export interface FieldRule {
  readonly change: Change;
  /** Whether leaving the field out clears it (`clear`) or means "as it is" (`keep`: IBM chose a value). @default "keep" */
  readonly absent?: "clear" | "keep";
  /** The value that leaving the field out stands for: a setting that is taken away is reset to it. @default - see `absent` */
  readonly byDefault?: unknown;
  /** The argument that the field stands for, where that has another name. */
  readonly argument?: string;
  /** True when both values mean the same thing. @default - deep equality, where key order does not matter */
  readonly same?: (old: unknown, wanted: unknown) => boolean;
}

/** The fields of one type of resource. */
export type FieldTable = Readonly<Record<string, FieldRule>>;

type Properties = Readonly<Record<string, unknown>>;

/** The names of the fields that make another object when they change; the hash in a name is computed from these. */
export function replacingFields(table: FieldTable): string[] {
  return Object.keys(table).filter((field) => table[field]?.change === "replace");
}

/** What of `properties` the table names: the arguments that say what the outputs say, without what only the API says. */
export function onlyFields<T extends object>(table: FieldTable, properties: T): Partial<T> {
  return Object.fromEntries(Object.entries(properties).filter(([field]) => Object.hasOwn(table, field))) as Partial<T>;
}

/** The fields of `table` in which `news` (inputs) asks for something else than `olds` (outputs) has. */
export function changedFields(table: FieldTable, olds: Properties, news: Properties): string[] {
  return Object.keys(table).filter((field) => {
    const rule = table[field];
    const old = olds[field] ?? undefined;
    const wanted = news[field] ?? (old === undefined ? undefined : rule?.byDefault);
    if (rule === undefined) return false;
    if (wanted === undefined) return rule.absent === "clear" && old !== undefined && old !== "";
    // Unknown in a preview: Pulumi asks the same way which dependents a replacement takes along.
    if (!isKnown(wanted)) return true;
    if (old === undefined) return wanted !== "";
    return !(rule.same ?? sameValue)(old, wanted);
  });
}

/** What Pulumi is told: replacing fields by name, and everything by `changes`. */
export function diffByTable(table: FieldTable, olds: Properties, news: Properties): dynamic.DiffResult {
  const changed = changedFields(table, olds, news).filter((field) => table[field]?.change !== "ignore");
  const replaces = changed
    .filter((field) => table[field]?.change === "replace")
    .map((field) => table[field]?.argument ?? field);
  return { changes: changed.length > 0, replaces, deleteBeforeReplace: true };
}

/** Deep equality of plain values; absent, undefined and null are the same, and the order of keys does not matter. */
export function sameValue(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** Equality of lists as sets. */
export function sameSet(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return sameValue(a, b);
  const texts = (list: unknown[]): string[] => list.map(canonicalJson).sort();
  return JSON.stringify(texts(a)) === JSON.stringify(texts(b));
}

/** JSON that is the same for equal values: the wire between engine and provider sorts keys, a program does not. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(canonical(value));
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined && entry !== null)
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([key, entry]) => [key, canonical(entry)]),
  );
}

/**
 * A copy without absent values at any depth: Pulumi's wire format refuses `undefined`, and a null that the engine passes
 * on means the same as leaving the field out.
 */
export function compact<T extends object>(value: T): T {
  return strip(value) as T;
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined && entry !== null)
      .map(([key, entry]) => [key, strip(entry)]),
  );
}
