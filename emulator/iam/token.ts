/** The token service: `/identity/token`, its keys and its discovery document. */
import { randomBytes } from "node:crypto";
import { header, ok, type Call, type Reply, type Route } from "../call";
import { jwks } from "../jwt";
import { isCrn, sha256 } from "../ids";
import { resourceOfIdentityToken } from "../on-instance/identity";
import { tokenRefusal, type Refusal } from "../refusal";
import { find, put } from "../table";
import { accountIdOf, type World } from "../world";
import { findProfile, isLinked } from "./linked";
import {
  apiKeyByValue,
  bearerOf,
  callerOf,
  iamKeyId,
  issueAccessToken,
  profileSubject,
  subjectByIamId,
  type AccessToken,
  type Subject,
} from "./principals";
import type { Profile, RefreshToken } from "./store";

const GRANT = "urn:ibm:params:oauth:grant-type:";
const REFRESH_TOKEN_SECONDS = 30 * 24 * 3600;
const DELEGATED_SECONDS = 518_400;

export const tokenRoutes: readonly Route[] = [
  { method: "POST", path: "/identity/token", api: "token", handler: token, open: true },
  { method: "GET", path: "/identity/keys", api: "token", handler: publicKeys, open: true },
  { method: "GET", path: "/identity/.well-known/openid-configuration", api: "token", handler: discovery, open: true },
  { method: "PATCH", path: "/v1/sessions/:session/state", api: "token", handler: keepSession, open: true },
];

/** The form of a token request. */
class Form {
  private readonly values: URLSearchParams;

  constructor(call: Call) {
    this.values = new URLSearchParams(call.body.toString("utf8"));
  }

  get(name: string): string | undefined {
    const value = this.values.get(name);
    return value === null || value === "" ? undefined : value;
  }

  need(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw missing(`Property '${name}' either missing or empty.`);
    return value;
  }
}

const missing = (details: string): Refusal => tokenRefusal("BXNIM0109E", "Property missing or empty.", details);
const notAllowed = (details: string): Refusal => tokenRefusal("BXNIM0106E", "Property value not allowed.", details);
const invalidToken = (details: string): Refusal =>
  tokenRefusal("BXNIM0407E", "Provided token is invalid.", details, 401);
const notEligible = (profile: string): Refusal =>
  tokenRefusal(
    "BXNIM0398E",
    "Unable to proceed, because the trusted profile is not eligible.",
    `The authenticated subject cannot assume the trusted profile '${profile}'.`,
  );

function token(call: Call): Reply {
  const form = new Form(call);
  const grant = form.need("grant_type");
  switch (grant) {
    case `${GRANT}apikey`:
      return apiKeyGrant(call, form, grant);
    case "refresh_token":
      return refreshGrant(call, form, grant);
    case `${GRANT}delegated-refresh-token`:
      return delegatedGrant(call, form, grant);
    case `${GRANT}cr-token`:
      return computeResourceGrant(call, form, grant);
    case `${GRANT}assume`:
      return assumeGrant(call, form, grant);
    default:
      throw notAllowed(`Property 'grant_type' has the value '${grant.slice(0, 80)}', which is not supported.`);
  }
}

/** The client of HTTP basic authentication, without which no refresh token is issued. */
function clientOf(call: Call): string | undefined {
  const encoded = /^Basic\s+(\S+)$/i.exec(header(call, "authorization") ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const [client] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return client === "" ? undefined : client;
}

function apiKeyGrant(call: Call, form: Form, grant: string): Reply {
  const { world } = call;
  const value = form.need("apikey");
  const responseTypes = (form.get("response_type") ?? "cloud_iam").split(" ");
  const unknown = responseTypes.find((type) => type !== "cloud_iam" && type !== "delegated_refresh_token");
  if (unknown !== undefined) throw notAllowed(`Property 'response_type' has the value '${unknown.slice(0, 80)}'.`);
  const key = apiKeyByValue(world, value);
  const subject = key === undefined ? undefined : subjectByIamId(world, key.iam_id);
  const expired = key?.expires_at !== undefined && Date.parse(key.expires_at) <= world.clock.now();
  if (key === undefined || key.disabled || expired || subject === undefined) {
    throw tokenRefusal(
      "BXNIM0415E",
      "Provided API key could not be found.",
      "The API key does not exist, was deleted, or is disabled.",
    );
  }
  const seen = { last_authn: world.clock.iso(), authn_count: key.activity.authn_count + 1 };
  key.activity = seen;
  const serviceId = find(world.state.iam.serviceIds, key.iam_id.replace(/^iam-/, ""));
  if (serviceId !== undefined) serviceId.activity = seen;
  const access = issueAccessToken(world, subject, grant);
  const delegated = responseTypes.includes("delegated_refresh_token")
    ? newDelegatedToken(world, form, subject, access)
    : undefined;
  if (!responseTypes.includes("cloud_iam")) return ok({ delegated_refresh_token: delegated });
  const refresh = newRefreshToken(call, subject, access);
  return ok({
    ...answer(access, refresh),
    ...(delegated === undefined ? {} : { delegated_refresh_token: delegated }),
  });
}

function answer(access: AccessToken, refreshToken?: string): Record<string, unknown> {
  return {
    access_token: access.token,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    token_type: "Bearer",
    expires_in: access.expiresInSeconds,
    expiration: access.expiresAt,
    scope: "ibm openid",
    session_id: access.sessionId,
  };
}

/** A refresh token for a known client; without one the literal that IAM gives. */
function newRefreshToken(call: Call, subject: Subject, access: AccessToken): string {
  const client = clientOf(call);
  if (client === undefined) return "not_supported";
  return saveRefreshToken(call.world, {
    iam_id: subject.iamId,
    client_id: client,
    receiver_client_ids: [],
    expires_at: call.world.clock.now() + REFRESH_TOKEN_SECONDS * 1000,
    session_id: access.sessionId,
  });
}

function newDelegatedToken(world: World, form: Form, subject: Subject, access: AccessToken): string {
  const receivers = form.need("receiver_client_ids").split(",");
  const lifetime = form.get("delegated_refresh_token_expiry") ?? String(DELEGATED_SECONDS);
  if (!/^\d{1,9}$/.test(lifetime) || Number(lifetime) < 1) {
    throw notAllowed("Property 'delegated_refresh_token_expiry' must be a number of seconds.");
  }
  return saveRefreshToken(world, {
    iam_id: subject.iamId,
    client_id: "",
    receiver_client_ids: receivers.map((client) => client.trim()),
    expires_at: world.clock.now() + Number(lifetime) * 1000,
    session_id: access.sessionId,
  });
}

/** Only a hash of the token is kept. */
function saveRefreshToken(world: World, token: Omit<RefreshToken, "id">): string {
  const value = randomBytes(48).toString("base64url");
  put(world.state.iam.refreshTokens, { id: sha256(value), ...token });
  return value;
}

function needRefreshToken(call: Call, value: string): RefreshToken {
  const saved = find(call.world.state.iam.refreshTokens, sha256(value));
  if (saved === undefined) throw invalidToken("The refresh token is unknown.");
  if (saved.expires_at <= call.world.clock.now()) {
    throw tokenRefusal("BXNIM0408E", "Provided refresh token is expired.", "Log in again.", 401);
  }
  return saved;
}

function refreshGrant(call: Call, form: Form, grant: string): Reply {
  const saved = needRefreshToken(call, form.need("refresh_token"));
  if (saved.receiver_client_ids.length > 0 || clientOf(call) !== saved.client_id) {
    throw tokenRefusal("BXNIM0139E", "Client is not authorized.", "The refresh token belongs to another client.");
  }
  return refreshed(call, saved, grant);
}

function delegatedGrant(call: Call, form: Form, grant: string): Reply {
  const value = form.need("refresh_token");
  if (form.need("response_type") !== "cloud_iam") throw notAllowed("Property 'response_type' must be cloud_iam.");
  const saved = needRefreshToken(call, value);
  if (!saved.receiver_client_ids.includes(clientOf(call) ?? "")) {
    throw tokenRefusal("BXNIM0139E", "Client is not authorized.", "The client is not a receiver of this token.");
  }
  return refreshed(call, saved, grant);
}

function refreshed(call: Call, saved: RefreshToken, grant: string): Reply {
  const subject = subjectByIamId(call.world, saved.iam_id);
  if (subject === undefined) throw invalidToken("The subject of the refresh token does not exist any more.");
  const access = issueAccessToken(call.world, subject, grant, saved.session_id);
  return ok(answer(access, newRefreshToken(call, subject, access)));
}

/** The profile that a form asks for: by id, CRN, or name (in the account of the authenticated resource). */
function wantedProfile(world: World, form: Form): { named: string; profile: Profile | undefined } {
  const id = form.get("profile_id");
  const crn = form.get("profile_crn");
  const name = form.get("profile_name");
  const given = [id, crn, name].filter((value) => value !== undefined);
  if (given.length === 0) {
    throw missing("One of the properties 'profile_id', 'profile_crn' and 'profile_name' is required.");
  }
  if (given.length > 1) {
    throw notAllowed("Only one of the properties 'profile_id', 'profile_crn' and 'profile_name' is allowed.");
  }
  if (crn !== undefined && !isCrn(crn)) throw tokenRefusal("BXNIM0113E", "CRN is malformed.", "'profile_crn'");
  const profile =
    name === undefined
      ? findProfile(world, id ?? crn ?? "")
      : Object.values(world.state.iam.profiles).find((candidate) => candidate.name === name);
  return { named: profile?.iam_id ?? `iam-${id ?? name ?? crn ?? ""}`.slice(0, 200), profile };
}

function computeResourceGrant(call: Call, form: Form, grant: string): Reply {
  const { world } = call;
  const resource = resourceOfIdentityToken(world, form.need("cr_token"));
  const { named, profile } = wantedProfile(world, form);
  if (resource === undefined) throw invalidToken("The compute resource token is not valid or expired.");
  if (profile === undefined || !isLinked(world, profile, resource)) throw notEligible(named);
  noteUse(world, profile);
  const authn = { sub: resource.crn, iam_id: `crn-${resource.crn}` };
  return ok(answer(issueAccessToken(world, profileSubject(profile, authn), grant)));
}

function assumeGrant(call: Call, form: Form, grant: string): Reply {
  const { world } = call;
  const accessToken = form.get("access_token");
  const refreshToken = form.get("refresh_token");
  if (accessToken === undefined && refreshToken === undefined) {
    throw missing("One of the properties 'access_token', 'refresh_token' and 'cookie' is required.");
  }
  if (form.get("profile_name") !== undefined) {
    const account = form.need("account");
    if (account !== accountIdOf(world)) throw notEligible(`${form.get("profile_name") ?? ""} of another account`);
  }
  const { named, profile } = wantedProfile(world, form);
  const token = accessToken === undefined ? undefined : callerOf(world, accessToken.replace(/^Bearer\s+/i, ""));
  const iamId = token?.iamId ?? (refreshToken === undefined ? undefined : needRefreshToken(call, refreshToken).iam_id);
  if (iamId === undefined) throw invalidToken("The access token is not valid or expired.");
  const listed = profile?.identities.some((identity) => identity.iam_id === iamId) ?? false;
  if (profile === undefined || !listed) throw notEligible(named);
  noteUse(world, profile);
  return ok(answer(issueAccessToken(world, profileSubject(profile, { sub: iamId, iam_id: iamId }), grant)));
}

/** Profiles remember when they were last used. */
export function noteUse(world: World, profile: Profile): void {
  profile.activity = { last_authn: world.clock.iso(), authn_count: profile.activity.authn_count + 1 };
}

function publicKeys(call: Call): Reply {
  return ok(jwks([{ key: call.world.keys.iam, kid: iamKeyId(call.world) }]));
}

function discovery(call: Call): Reply {
  const base = `${call.world.url}/identity`;
  return ok({
    issuer: "https://iam.cloud.ibm.com/identity",
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
    passcode_endpoint: `${base}/passcode`,
    userinfo_endpoint: `${base}/userinfo`,
    jwks_uri: `${base}/keys`,
  });
}

function keepSession(call: Call): Reply {
  if (clientOf(call) === undefined && bearerOf(header(call, "authorization")) === undefined) {
    throw invalidToken("A client must authenticate.");
  }
  return ok({ session_id: call.params.session, state: "ACTIVE" });
}
