/**
 * Public keys as OpenSSH writes them: a type, the key in base64, and a comment that IBM Cloud leaves out.
 *
 * Sources: RFC 4253 section 6.6, RFC 8709; IBM Cloud VPC API, "Create a key" (RSA of 2048 or 4096 bits, ED25519).
 */
import { type Rule, show } from "../core/validate";

/** A public key, read. */
export interface PublicKey {
  readonly type: "rsa" | "ed25519";
  /** Type and key, without the comment: what IBM Cloud keeps. */
  readonly text: string;
}

/** The fields of a key: each has its length before it. */
function fieldsOf(blob: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at + 4 <= blob.length;) {
    const size = blob.readUInt32BE(at);
    fields.push(blob.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return fields;
}

/** The key, or what is wrong with it. */
function readPublicKey(value: string): PublicKey | string {
  const [name = "", encoded = ""] = value.trim().split(/\s+/);
  const [inner, first, modulus = Buffer.alloc(0)] = fieldsOf(Buffer.from(encoded, "base64"));
  if (inner?.toString() !== name) return "is not a public key as OpenSSH writes it";
  const text = `${name} ${encoded}`;
  if (name === "ssh-ed25519") return first?.length === 32 ? { type: "ed25519", text } : "is an ED25519 key that is cut";
  if (name !== "ssh-rsa") return `is a key of type ${show(name)}`;
  // A leading zero says that the number is positive.
  const bits = (modulus[0] === 0 ? modulus.length - 1 : modulus.length) * 8;
  return bits === 2048 || bits === 4096 ? { type: "rsa", text } : `is an RSA key of ${bits} bits`;
}

/** A public key that was judged before; undefined while it is unknown. */
export function publicKeyOf(value: string | undefined): PublicKey | undefined {
  const key = readPublicKey(value ?? "");
  return typeof key === "string" ? undefined : key;
}

/** Judges a public key. What it saw is not shown: it might be the private one. */
export const publicKeyRule: Rule = (value, property) => {
  const allowed = "must be a public key as in ~/.ssh/id_ed25519.pub: ED25519, or RSA of 2048 or 4096 bits";
  if (typeof value !== "string") return [{ property, reason: `is ${typeof value}; ${allowed}` }];
  if (value.includes("PRIVATE KEY")) {
    return [{ property, reason: `is a private key, which must never leave your machine; ${allowed}` }];
  }
  const key = readPublicKey(value);
  return typeof key === "string" ? [{ property, reason: `${key}; ${allowed}` }] : [];
};
