/**
 * Values that are not there: null, which files of options and programs write for what they leave out, and Outputs, which
 * hold theirs only later.
 */
import { isKnown, isRecord, type Problem } from "../core/validate";

/** The same without fields that are null or undefined, at any depth: both mean that the field was left out. */
export function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map((entry: unknown) => withoutNulls(entry)) as T;
  if (value === null || value === undefined) return {} as T;
  if (!isRecord(value)) return value;
  const fields = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined);
  return Object.fromEntries(fields.map(([key, entry]) => [key, withoutNulls(entry)])) as T;
}

/** Entries of lists that are not there: unlike a field, an entry cannot be left out by null. */
export function absentEntries(value: unknown, path: string): Problem[] {
  return found(value, path, (entry, inList) =>
    inList && (entry === null || entry === undefined) ? "is missing; leave the entry out instead" : undefined,
  );
}

/** Values that are not known yet, for those who need them at once. */
export function unknownValues(value: unknown, path: string): Problem[] {
  return found(value, path, (entry) =>
    isKnown(entry) ? undefined : "is an Output or a promise; bootstrapUserDataOutput takes such values",
  );
}

type Judge = (value: unknown, inList: boolean) => string | undefined;

function found(value: unknown, path: string, judge: Judge): Problem[] {
  // Whatever a user hands over, itself inside itself included.
  const seen = new Set<unknown>();
  const look = (entry: unknown, property: string, inList: boolean): Problem[] => {
    const reason = judge(entry, inList);
    if (reason !== undefined) return [{ property, reason }];
    if (typeof entry !== "object" || entry === null || !isKnown(entry) || seen.has(entry)) return [];
    seen.add(entry);
    if (Array.isArray(entry)) {
      return Array.from(entry, (one: unknown, index) => look(one, `${property}[${index}]`, true)).flat();
    }
    return Object.entries(entry).flatMap(([key, one]) =>
      look(one, property === "" ? key : `${property}.${key}`, false),
    );
  };
  return look(value, path, false);
}
