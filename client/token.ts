/**
 * Turns a credential into an IAM access token, one function for each grant, and keeps tokens: one request at a time for
 * each credential of the process, renewed in the background after 80 % of their life.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { rememberSecret, VpcIdentityError } from "../core/errors";
import { systemClock, type Clock } from "../core/time";
import { fieldsIn, numberIn, objectOf, textAt, textIn, type Fields } from "./fields";
import { isRecord } from "../core/validate";
import type { Credential, CrTokenSource, ProfileChoice } from "./credentials";
import type { HttpAnswer, HttpRequest } from "./http";

/** An access token and its life, in milliseconds of this machine's clock. */
export interface Token {
  readonly value: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Where a token comes from, and the account in which a profile is looked up by name. */
export interface TokenTarget {
  readonly iamEndpoint: string;
  readonly accountId?: string | undefined;
}

/** What the grants need from the outside. */
export interface TokenContext extends TokenTarget {
  readonly clock: Clock;
  send(request: HttpRequest): Promise<HttpAnswer>;
}

const GRANT = "urn:ibm:params:oauth:grant-type:";

/**
 * Asks for an access token.
 * @throws HttpError with status 400, 401 or 403 when the credential is refused
 */
export async function requestToken(context: TokenContext, credential: Credential): Promise<Token> {
  switch (credential.kind) {
    case "apiKey": {
      const own = await grant(context, "log in with the API key", "apikey", { apikey: credential.apiKey });
      return credential.profile === undefined ? own : assume(context, own.value, credential.profile);
    }
    case "iamToken": {
      const own = plainToken(credential.token);
      return credential.profile === undefined ? own : assume(context, own.value, credential.profile);
    }
    case "crToken":
      return grant(context, "log in with the compute resource token", "cr-token", {
        cr_token: await readCrToken(credential.crToken),
        ...profileFields(credential.profile),
      });
    case "instanceIdentity":
      return instanceToken(context, credential.endpoint, credential.profile);
  }
}

async function assume(context: TokenContext, accessToken: string, profile: ProfileChoice): Promise<Token> {
  return grant(context, `become the trusted profile ${profile.value}`, "assume", {
    access_token: accessToken,
    ...profileFields(profile),
    ...(profile.by === "name" && context.accountId !== undefined ? { account: context.accountId } : {}),
  });
}

function profileFields(profile: ProfileChoice | undefined): Record<string, string> {
  return profile === undefined ? {} : { [`profile_${profile.by}`]: profile.value };
}

/** `POST /identity/token`, a form. Asking twice gives two good tokens, so it is repeated like a read. */
async function grant(
  context: TokenContext,
  doing: string,
  grantType: string,
  fields: Record<string, string>,
): Promise<Token> {
  const askedAtMs = context.clock.now();
  const answer = await context.send({
    method: "POST",
    url: new URL(`${context.iamEndpoint}/identity/token`),
    doing,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ grant_type: GRANT + grantType, ...fields }).toString(),
    requestIdHeaders: ["x-request-id", "x-correlation-id"],
    repeatable: true,
  });
  return tokenOf(answer.body, askedAtMs);
}

/** Version of the on-instance API: the first with `/identity/v1`, valid on virtual and bare metal servers. */
const ON_INSTANCE_VERSION = "2025-08-26";

/** On a server whose metadata service is on: first its identity token, then an IAM token for a linked profile. */
async function instanceToken(
  context: TokenContext,
  endpoint: string,
  profile: ProfileChoice | undefined,
): Promise<Token> {
  const base = endpoint.replace(/\/+$/, "");
  const identity = await context.send({
    method: "PUT",
    url: new URL(`${base}/identity/v1/token?version=${ON_INSTANCE_VERSION}`),
    doing: "get this server's identity token",
    headers: { "content-type": "application/json", "metadata-flavor": "ibm" },
    body: JSON.stringify({ expires_in: 300 }),
    requestIdHeaders: ["x-request-id"],
  });
  const identityToken = textAt(objectOf(identity.body, "identity token"), "access_token");
  rememberSecret(identityToken);
  const askedAtMs = context.clock.now();
  const answer = await context.send({
    method: "POST",
    url: new URL(`${base}/identity/v1/iam_tokens?version=${ON_INSTANCE_VERSION}`),
    doing: "log in as this server",
    headers: {
      "content-type": "application/json",
      "metadata-flavor": "ibm",
      authorization: `Bearer ${identityToken}`,
    },
    body: JSON.stringify(profile === undefined ? {} : { trusted_profile: { [profile.by]: profile.value } }),
    requestIdHeaders: ["x-request-id"],
    repeatable: true,
  });
  return tokenOf(answer.body, askedAtMs);
}

/** The life is counted from when we asked, on our own clock: a server's clock may differ from ours by minutes. */
function tokenOf(body: unknown, askedAtMs: number): Token {
  const fields = objectOf(body, "access token");
  const value = textAt(fields, "access_token");
  rememberSecret(value);
  const lifeSeconds = numberIn(fields, "expires_in") ?? 3600;
  return { value, issuedAtMs: askedAtMs, expiresAtMs: askedAtMs + lifeSeconds * 1000 };
}

function plainToken(token: string): Token {
  const value = token.replace(/^Bearer\s+/i, "");
  rememberSecret(value);
  const claims = claimsOf(value);
  const seconds = (key: string): number | undefined => (claims === undefined ? undefined : numberIn(claims, key));
  // A token that says nothing of its end is used until a server refuses it.
  return {
    value,
    issuedAtMs: (seconds("iat") ?? 0) * 1000,
    expiresAtMs: (seconds("exp") ?? Number.POSITIVE_INFINITY) * 1000,
  };
}

async function readCrToken(source: CrTokenSource): Promise<string> {
  if ("value" in source) return source.value;
  for (const path of source.files) {
    const token = await readFile(path, "utf8").catch(() => "");
    if (token.trim() === "") continue;
    rememberSecret(token.trim());
    return token.trim();
  }
  throw new VpcIdentityError(
    `No compute resource token: ${source.files.join(", ")} cannot be read or is empty. It is mounted by IBM Kubernetes ` +
      "Service, Red Hat OpenShift and Code Engine.",
    { code: "IBMID_NO_CR_TOKEN" },
  );
}

/** The claims of a JWT, unchecked: only the server can check them. Undefined when it is none. */
export function claimsOf(token: string): Fields | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
    return isRecord(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** The account that a token is for: its claim `account.bss`. */
export function accountOf(token: string): string | undefined {
  return textIn(fieldsIn(claimsOf(token) ?? {}, "account"), "bss");
}

/** Earlier than this before its end a token is not used any more: the call may take a while to arrive. */
const MARGIN_MS = 10_000;
const PAUSE_AFTER_FAILURE_MS = 60_000;

interface Slot {
  token?: Token;
  pending?: Promise<Token> | undefined;
  notBeforeMs: number;
}

/** Tokens by credential. */
export class TokenCache {
  private readonly slots = new Map<string, Slot>();

  /**
   * A token that is good now. Many callers cause one request.
   * @param refused a token that a server did not accept: a newer one is asked for, unless there is one already
   */
  async get(key: string, request: () => Promise<Token>, clock: Clock = systemClock, refused?: string): Promise<Token> {
    const slot = this.slots.get(key) ?? { notBeforeMs: 0 };
    this.slots.set(key, slot);
    const { token } = slot;
    const nowMs = clock.now();
    if (token === undefined || token.value === refused || nowMs >= token.expiresAtMs - MARGIN_MS)
      return this.renew(slot, request);
    const renewAtMs = token.issuedAtMs + 0.8 * (token.expiresAtMs - token.issuedAtMs);
    if (nowMs >= renewAtMs && nowMs >= slot.notBeforeMs) {
      // The old token is good for a while longer, so nobody waits, and a failure only means to try again later.
      void this.renew(slot, request).catch(() => {
        slot.notBeforeMs = clock.now() + PAUSE_AFTER_FAILURE_MS;
      });
    }
    return token;
  }

  private renew(slot: Slot, request: () => Promise<Token>): Promise<Token> {
    slot.pending ??= request()
      .then((token) => (slot.token = token))
      .finally(() => (slot.pending = undefined));
    return slot.pending;
  }
}

/** Names what a token is for, without holding the secret. */
export function cacheKey(credential: Credential, { iamEndpoint, accountId }: TokenTarget): string {
  return createHash("sha256")
    .update(JSON.stringify([iamEndpoint, accountId, credential]))
    .digest("hex");
}
