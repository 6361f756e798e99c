/**
 * Identities by any of their names: programs hold an id, an IAM id or a CRN, and all of them mean the same object.
 */
import { CRN, PROFILE_ID, type Rule, show } from "../core/validate";

const SERVICE_ID = /^ServiceId-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** IAM makes both the IAM id and the CRN from the id: the one puts `iam-` before it, the other ends in it. */
function idIn(value: unknown, id: RegExp): string | undefined {
  if (typeof value !== "string") return undefined;
  const found = (CRN.test(value) ? (value.split(":").at(-1) ?? "") : value).replace(/^iam-/, "");
  return id.test(found) ? found : undefined;
}

/** `Profile-<uuid>` for a profile's id, IAM id or CRN; undefined for anything else. */
export function profileIdOf(value: unknown): string | undefined {
  return idIn(value, PROFILE_ID);
}

/** `ServiceId-<uuid>` for a service ID's id, IAM id or CRN; undefined for anything else. */
export function serviceIdOf(value: unknown): string | undefined {
  return idIn(value, SERVICE_ID);
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
