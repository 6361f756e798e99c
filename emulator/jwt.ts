/** RS256 JSON Web Tokens, as IAM and the instance identity service issue them. */
import { sign, verify } from "node:crypto";
import { isObject, type JsonObject } from "./fields";
import type { SigningKey } from "./keys";

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export function signJwt(claims: JsonObject, key: SigningKey, kid: string): string {
  const body = `${encode({ alg: "RS256", kid })}.${encode(claims)}`;
  return `${body}.${sign("sha256", Buffer.from(body), key.privateKey).toString("base64url")}`;
}

/** The claims of a token that this key signed; undefined for anything else. Expiry is for the caller to judge. */
export function verifyJwt(token: string, key: SigningKey): JsonObject | undefined {
  const [head, body, signature, more] = token.split(".");
  if (head === undefined || body === undefined || signature === undefined || more !== undefined) return undefined;
  const algorithm = decode(head)?.alg;
  if (algorithm !== "RS256") return undefined;
  const signed = verify("sha256", Buffer.from(`${head}.${body}`), key.publicKey, Buffer.from(signature, "base64url"));
  return signed ? decode(body) : undefined;
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
