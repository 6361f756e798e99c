/** Identifiers in the shapes that IBM's services give them. */
import { createHash, randomBytes, randomUUID } from "node:crypto";

export const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

/** `<version>-<32 hex>`: changes on every write. */
export function nextEntityTag(previous = "0-"): string {
  return `${Number.parseInt(previous, 10) + 1}-${randomBytes(16).toString("hex")}`;
}

export const newId = (prefix: string): string => `${prefix}${randomUUID()}`;

/** A user API key: 44 characters of base64url, as IBM makes them. */
export const newApiKeyValue = (): string => randomBytes(33).toString("base64url");

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** An id that is the same in every run, for seeded objects. */
export function stableUuid(name: string): string {
  const hex = sha256(`emulator:${name}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The account of a CRN (`a/<account>` in its seventh segment), or undefined when it is no CRN. */
export function accountOfCrn(crn: string): string | undefined {
  if (!/^crn:v1:(?:[^:\s]*:){7}[^\s]*$/.test(crn)) return undefined;
  return /^a\/([0-9a-f]+)$/.exec(crn.split(":")[6] ?? "")?.[1];
}

export const isCrn = (text: string): boolean => /^crn:v1:(?:[^:\s]*:){7}[^\s]*$/.test(text);

/** What the CRN names: everything after its ninth colon. */
export const lastSegment = (crn: string): string => crn.split(":").slice(9).join(":");

export const PROFILE_ID = new RegExp(`^Profile-${UUID}$`);
