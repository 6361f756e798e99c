/**
 * Objects by any of their names: programs hold an id, an IAM id or a CRN, and all of them mean the same object.
 */
import { CRN, PROFILE_ID, type Rule, VPC_NAME, namesSame, show, text } from "../core/validate";
import { sameSet } from "./diff";

const SERVICE_ID = /^ServiceId-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** IAM makes both the IAM id and the CRN from the id: the one puts `iam-` before it, the other ends in it. */
function iamIdIn(value: unknown, id: RegExp): string | undefined {
  if (typeof value !== "string") return undefined;
  const found = (CRN.test(value) ? (value.split(":").at(-1) ?? "") : value).replace(/^iam-/, "");
  return id.test(found) ? found : undefined;
}

/** `Profile-<uuid>` for a profile's id, IAM id or CRN; undefined for anything else. */
export function profileIdOf(value: unknown): string | undefined {
  return iamIdIn(value, PROFILE_ID);
}

/** `ServiceId-<uuid>` for a service ID's id, IAM id or CRN; undefined for anything else. */
export function serviceIdOf(value: unknown): string | undefined {
  return iamIdIn(value, SERVICE_ID);
}

const reference =
  (idOf: (value: unknown) => string | undefined, allowed: string): Rule =>
  (value, property) =>
    idOf(value) === undefined ? [{ property, reason: `is ${show(value)}; must be ${allowed}` }] : [];

/** A trusted profile. */
export const profileRule: Rule = reference(
  profileIdOf,
  'a profile id ("Profile-<uuid>"), the profile\'s IAM id or its CRN',
);

/** A service ID. */
export const serviceIdRule: Rule = reference(serviceIdOf, 'a service ID ("ServiceId-<uuid>"), its IAM id or its CRN');

/** An account. */
export const accountRule: Rule = text({
  pattern: /^[0-9a-zA-Z_-]{1,100}$/,
  allowed: "an account id (32 hexadecimal digits)",
});

/** A resource of the VPC API: an id or a CRN. */
export const REFERENCE: Rule = text({ max: 512, pattern: /^\S+$/, allowed: "an id or a CRN" });

/** The id that an id or a CRN of the VPC API names: a CRN ends in it. */
export function idIn(idOrCrn: string): string {
  return idOrCrn.startsWith("crn:") ? (idOrCrn.split(":").at(-1) ?? idOrCrn) : idOrCrn;
}

/** A name of a resource of the VPC API. */
export const nameRule: Rule = text({
  max: 63,
  pattern: VPC_NAME,
  allowed: "1 to 63 lower case letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
});

/** A zone. */
export const zoneRule: Rule = text({ pattern: /^[a-z]+(-[a-z0-9]+)+$/, allowed: 'a zone such as "us-south-1"' });

/** True when both, an id or a CRN each, name the same resource. */
export const sameReference = (old: unknown, wanted: unknown): boolean => namesSame(String(old), String(wanted));

/** True when both lists, of ids or CRNs, name the same resources, in whatever order. */
export const sameReferences = (old: unknown, wanted: unknown): boolean =>
  Array.isArray(old) && Array.isArray(wanted) ? sameSet(old.map(idOfAny), wanted.map(idOfAny)) : old === wanted;

const idOfAny = (value: unknown): unknown => (typeof value === "string" ? idIn(value) : value);
