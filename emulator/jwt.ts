/** RS256 JSON Web Tokens, as IAM and the instance identity service issue them. */
import { sign, verify as verifySignature } from "node:crypto";
import { isObject, type JsonObject } from "./fields";
import type { SigningKey } from "./keys";

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export function signJwt(claims: JsonObject, key: SigningKey, kid: string): string {
  const body = `${encode({ alg: "RS256", kid })}.${encode(claims)}`;
  return `${body}.${sign("sha256", Buffer.from(body), key.privateKey).toString("base64url")}`;
}

/** Tokens that were found good, by key, oldest first: checking a signature takes longer than answering most calls. */
const verified = new WeakMap<SigningKey, Map<string, JsonObject>>();
const CAPACITY = 1000;

/** The claims of a token that this key signed; undefined for anything else. Expiry is for the caller to judge. */
export function verifyJwt(token: string, key: SigningKey): Readonly<JsonObject> | undefined {
  const known = verified.get(key) ?? new Map<string, JsonObject>();
  const remembered = known.get(token);
  if (remembered !== undefined) return remembered;
  const claims = verify(token, key);
  if (claims === undefined) return undefined;
  const oldest = known.size < CAPACITY ? undefined : known.keys().next().value;
  if (oldest !== undefined) known.delete(oldest);
  verified.set(key, known.set(token, claims));
  return claims;
}

function verify(token: string, key: SigningKey): JsonObject | undefined {
  const [head, body, signature, more] = token.split(".");
  if (head === undefined || body === undefined || signature === undefined || more !== undefined) return undefined;
  const algorithm = decode(head)?.alg;
  if (algorithm !== "RS256") return undefined;
  const signed = Buffer.from(`${head}.${body}`);
  const good = verifySignature("sha256", signed, key.publicKey, Buffer.from(signature, "base64url"));
  return good ? decode(body) : undefined;
}

function decode(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The public keys as a JWKS document. */
export function jwks(keys: readonly { key: SigningKey; kid: string }[]): JsonObject {
  return {
    keys: keys.map(({ key, kid }) => ({ ...key.publicKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid })),
  };
}
