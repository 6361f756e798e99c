/**
 * Reads fields of a response. IBM leaves absent fields out and sometimes sends null: both are "not there". A field that
 * must be there and is not is an error that names it, instead of an `undefined` that surfaces far away. Of a text for which
 * IBM lists the values, the value is not checked: a server may be newer than the list.
 */
import { VpcIdentityError } from "../core/errors";
import { isRecord } from "../core/validate";

export type Fields = Readonly<Record<string, unknown>>;

/** The response as an object. */
export function objectOf(value: unknown, what: string): Fields {
  if (isRecord(value)) return value;
  throw missing(what, "an object");
}

export function textAt(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value === "string") return value;
  throw missing(key, "a text");
}

export function textIn(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  return typeof value === "string" ? value : undefined;
}

export function numberIn(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return typeof value === "number" ? value : undefined;
}

export function flagIn(fields: Fields, key: string): boolean | undefined {
  const value = fields[key];
  return typeof value === "boolean" ? value : undefined;
}

/** A nested object; an empty one when it is not there. */
export function fieldsIn(fields: Fields, key: string): Fields {
  const value = fields[key];
  return isRecord(value) ? value : {};
}

/** A list of objects; empty when it is not there. */
export function listIn(fields: Fields, key: string): Fields[] {
  const value = fields[key];
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** Leaves out what is undefined, so that an absent field of a response is an absent field of the result. */
export function present<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function missing(key: string, expected: string): VpcIdentityError {
  return new VpcIdentityError(`The server's answer has no "${key}" that is ${expected}. Is the endpoint IBM Cloud's?`, {
    code: "IBMID_BAD_ANSWER",
  });
}
