/**
 * Property values as they travel between program, engine and provider: plain JSON in which secrets, resource references, assets
 * and archives are objects marked by a signature key, and what is not known yet is a sentinel string. Keeping this one form
 * everywhere (wire, memory, and state but for encryption) avoids conversions, which were the main cost of large stacks.
 */
export type Value = null | boolean | number | string | Value[] | Properties;
export interface Properties {
  [key: string]: Value;
}

export const SIGNATURE = "4dabf18193072939515e22adb298388d";
export const SECRET = "1b47061264138c4ac30d75fd1eb44270";
export const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";
export const ASSET = "c44067f5952c0a294b673a41bacd8c17";
export const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";
export const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
export const BYTES = "803fd3297a5875dc03ca845dda5d2a98";
export const SPECIAL_NUMBER = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c";

export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWNS: ReadonlySet<string> = new Set([
  UNKNOWN,
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

export function isObject(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The kind of a marked object, or undefined for plain values. */
export function signatureOf(value: Value | undefined): string | undefined {
  if (!isObject(value)) return undefined;
  const signature = value[SIGNATURE];
  return typeof signature === "string" ? signature : undefined;
}

export function isUnknown(value: Value | undefined): boolean {
  return typeof value === "string" && UNKNOWNS.has(value);
}

export function secret(value: Value): Value {
  return signatureOf(value) === SECRET ? value : { [SIGNATURE]: SECRET, value };
}

/** The value inside a secret, or the value itself. */
export function reveal(value: Value): Value {
  return isObject(value) && value[SIGNATURE] === SECRET ? reveal(value.value ?? null) : value;
}

function some(value: Value, test: (value: Value) => boolean): boolean {
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((element) => some(element, test));
  return isObject(value) && Object.values(value).some((element) => some(element, test));
}

export function containsUnknown(value: Value): boolean {
  return some(value, isUnknown);
}

export function containsSecret(value: Value): boolean {
  return some(value, (inner) => signatureOf(inner) === SECRET);
}

function mapElements(value: Value, change: (value: Value) => Value): Value {
  if (Array.isArray(value)) return value.map(change);
  if (isObject(value)) return mapProperties(value, change);
  return value;
}

export function mapProperties(properties: Properties, change: (value: Value, key: string) => Value): Properties {
  const result: Properties = {};
  for (const [key, value] of Object.entries(properties)) result[key] = change(value, key);
  return result;
}

/** Without secret marks, at any depth. */
export function revealAll(value: Value): Value {
  return mapElements(reveal(value), revealAll);
}

/** Replaces secrets by Pulumi's placeholder, for people's eyes. */
export function maskSecrets(value: Value): Value {
  return signatureOf(value) === SECRET ? "[secret]" : mapElements(value, maskSecrets);
}

/**
 * What a provider that declared neither secrets nor resource references may be sent: secrets in clear, references as id (custom
 * resources) or URN (components).
 */
export function forProvider(value: Value): Value {
  const plain = reveal(value);
  if (isObject(plain) && plain[SIGNATURE] === RESOURCE) {
    const id = plain.id;
    return typeof id === "string" ? (id === "" ? UNKNOWN : id) : (plain.urn ?? null);
  }
  if (isObject(plain) && plain[SIGNATURE] === OUTPUT) {
    return "value" in plain ? forProvider(plain.value ?? null) : UNKNOWN;
  }
  return mapElements(plain, forProvider);
}

export function propertiesForProvider(properties: Properties): Properties {
  return mapProperties(properties, forProvider);
}

/**
 * A provider that cannot carry secrets answers in clear. Marks again what was secret in the arguments: maps stay fine-grained, any
 * other value with a secret inside becomes secret as a whole.
 */
export function remarkSecrets(result: Properties, sent: Properties): Properties {
  return mapProperties(result, (value, key) => {
    const original = sent[key];
    if (original === undefined) return value;
    const bothPlain = [value, original].every((side) => isObject(side) && signatureOf(side) === undefined);
    if (bothPlain) return remarkSecrets(value as Properties, original as Properties);
    return containsSecret(original) ? secret(value) : value;
  });
}

/** Marks whole properties as secret, by name. */
export function markSecret(properties: Properties, names: Iterable<string>): Properties {
  const marked = { ...properties };
  for (const name of names) {
    const value = marked[name];
    if (value !== undefined) marked[name] = secret(value);
  }
  return marked;
}

/** The names of the properties that are secret themselves, not merely somewhere inside. */
export function secretNames(properties: Properties): string[] {
  return Object.keys(properties).filter((name) => signatureOf(properties[name]) === SECRET);
}

/** Equality by value; what is not known yet equals nothing. Secrets are compared by what they hold. */
export function sameValue(left: Value | undefined, right: Value | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  const a = reveal(left);
  const b = reveal(right);
  if (isUnknown(a) || isUnknown(b)) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((element, index) => sameValue(element, b[index]));
  }
  if (!isObject(a)) return a === b;
  if (!isObject(b)) return false;
  const file = a[SIGNATURE] === ASSET || a[SIGNATURE] === ARCHIVE;
  // Contents decide, not the path they came from.
  if (file && b[SIGNATURE] === a[SIGNATURE] && typeof a.hash === "string") return a.hash === b.hash;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => sameValue(a[key], b[key]));
}

/** Equality in what state would hold, secret marks included. */
export function identical(left: Value | undefined, right: Value | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => identical(item, right[index]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => identical(left[name], right[name]));
}
