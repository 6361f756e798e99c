/**
 * Says who the program is to IBM Cloud: what the access token says of its subject.
 *
 * Sources: IBM Cloud docs, "IAM access tokens" (claims).
 */
import type * as pulumi from "@pulumi/pulumi";
import { fieldsIn, present, textIn } from "../../client/fields";
import { accountOf, claimsOf } from "../../client/token";
import { type LookupOptions, programSession, whenKnown } from "./program-session";

/** Who the credentials stand for. */
export interface CallerIdentity {
  /** `IBMid-...`, `iam-ServiceId-...` or `iam-Profile-...`. */
  readonly iamId: string;
  /** Account in which the caller works. */
  readonly accountId: string;
  /** What kind of identity it is. */
  readonly type: "user" | "serviceId" | "trustedProfile";
  /** Name, as far as the token tells it. */
  readonly name?: string;
  /** Address, for users. */
  readonly email?: string;
  /** For a trusted profile: IAM id of who became it, such as the server. */
  readonly authenticatedAs?: string;
}

/**
 * Says who the credentials stand for. Makes no call beyond the login.
 * @example
 * const { accountId } = await getCallerIdentity();
 */
export async function getCallerIdentity(options?: LookupOptions): Promise<CallerIdentity> {
  const session = programSession(options);
  const token = await session.token();
  const claims = claimsOf(token) ?? {};
  const subject = textIn(claims, "sub_type");
  const type = subject === "Profile" ? "trustedProfile" : subject === "ServiceId" ? "serviceId" : "user";
  return present<CallerIdentity>({
    iamId: textIn(claims, "iam_id") ?? "",
    accountId: accountOf(token) ?? (await session.accountId()),
    type,
    name: textIn(claims, "name"),
    email: textIn(claims, "email"),
    authenticatedAs: type === "trustedProfile" ? textIn(fieldsIn(claims, "authn"), "iam_id") : undefined,
  });
}

/** The Output form of `getCallerIdentity`. */
export function getCallerIdentityOutput(options?: LookupOptions): pulumi.Output<CallerIdentity> {
  return whenKnown({}, () => getCallerIdentity(options));
}
