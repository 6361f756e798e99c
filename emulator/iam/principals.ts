/** Who can hold a token, and the access tokens themselves. */
import { randomBytes } from "node:crypto";
import type { Caller } from "../call";
import type { JsonObject } from "../fields";
import { sha256 } from "../ids";
import { signJwt, verifyJwt } from "../jwt";
import { find } from "../table";
import { accountIdOf, type World } from "../world";
import type { ApiKey, Profile } from "./store";

/** Clients take every other issuer for a staging environment. */
export const ISSUER = "https://iam.cloud.ibm.com/identity";
export const IAM_TOKEN_SECONDS = 3600;

export const iamKeyId = (world: World): string => `emulator-${world.keys.iam.id}`;

/** What a token says of its subject, apart from times and grant. */
export interface Subject {
  readonly iamId: string;
  readonly claims: JsonObject;
}

export function userSubject(world: World): Subject {
  const { owner } = world.state.account;
  const [given, ...family] = owner.name.split(" ");
  return {
    iamId: owner.iam_id,
    claims: {
      realmid: "IBMid",
      identifier: owner.id,
      given_name: given ?? "",
      family_name: family.join(" "),
      name: owner.name,
      email: owner.email,
      sub: owner.email,
      authn: {
        sub: owner.email,
        iam_id: owner.iam_id,
        name: owner.name,
        given_name: given ?? "",
        family_name: family.join(" "),
        email: owner.email,
      },
    },
  };
}

/** The subject behind an iam_id of a user or service ID; undefined when there is none. */
export function subjectByIamId(world: World, iamId: string): Subject | undefined {
  if (iamId === world.state.account.owner.iam_id) return userSubject(world);
  const serviceId = find(world.state.iam.serviceIds, iamId.replace(/^iam-/, ""));
  if (serviceId?.iam_id !== iamId) return undefined;
  return {
    iamId,
    claims: {
      realmid: "iam",
      identifier: serviceId.id,
      name: serviceId.name,
      sub: serviceId.id,
      sub_type: "ServiceId",
      authn: { sub: serviceId.id, iam_id: iamId, name: serviceId.name },
    },
  };
}

/** A trusted profile, assumed by whoever authenticated. */
export function profileSubject(profile: Profile, authn: { sub: string; iam_id: string }): Subject {
  return {
    iamId: profile.iam_id,
    claims: {
      realmid: "iam",
      identifier: profile.id,
      name: profile.name,
      sub: profile.id,
      sub_type: "Profile",
      authn,
    },
  };
}

export interface AccessToken {
  readonly token: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly expiresInSeconds: number;
  readonly sessionId: string;
}

/** Signs an access token; its life is an hour unless the seed made it shorter. */
export function issueAccessToken(world: World, subject: Subject, grantType: string, sessionId?: string): AccessToken {
  const issuedAt = Math.floor(world.clock.now() / 1000);
  const expiresInSeconds = world.issuedLifetimes.iamToken ?? IAM_TOKEN_SECONDS;
  const session = sessionId ?? `C-${randomBytes(16).toString("hex")}`;
  const claims = {
    iam_id: subject.iamId,
    id: subject.iamId,
    ...subject.claims,
    account: { valid: true, bss: accountIdOf(world), ims: "1234567", frozen: true },
    iat: issuedAt,
    exp: issuedAt + expiresInSeconds,
    iss: ISSUER,
    grant_type: grantType,
    scope: "ibm openid",
    client_id: "default",
    acr: 1,
    amr: ["pwd"],
    session_id: session,
    jti: randomBytes(12).toString("hex"),
  };
  return {
    token: signJwt(claims, world.keys.iam, iamKeyId(world)),
    issuedAt,
    expiresAt: issuedAt + expiresInSeconds,
    expiresInSeconds,
    sessionId: session,
  };
}

/** Who an access token speaks for; undefined when it is not ours, altered or expired. */
export function callerOf(world: World, token: string): Caller | undefined {
  const claims = verifyJwt(token, world.keys.iam);
  if (claims === undefined || typeof claims.exp !== "number") return undefined;
  if (claims.exp * 1000 <= world.clock.now()) return undefined;
  const iamId = claims.iam_id;
  if (typeof iamId !== "string") return undefined;
  const kind = claims.sub_type === "Profile" ? "profile" : claims.sub_type === "ServiceId" ? "service" : "user";
  return { kind, iamId, accountId: accountIdOf(world) };
}

/** The bearer token of an Authorization header. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer\s+(\S+)\s*$/i.exec(authorization ?? "")?.[1];
}

/** The usable API key with this value. */
export function apiKeyByValue(world: World, value: string): ApiKey | undefined {
  const hash = sha256(value);
  return Object.values(world.state.iam.apiKeys).find((key) => key.value_hash === hash);
}
