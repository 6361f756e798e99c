/** Users, service IDs and services that may become a trusted profile (IAM Identity API). */
import { listIn, objectOf, present, textAt, textIn, type Fields } from "./fields";
import { unlessGone } from "./pages";
import { pathTo, type Session } from "./session";

export type IdentityType = "user" | "serviceid" | "crn";

export interface ProfileIdentity {
  /** IAM id of the identity. */
  readonly iamId?: string;
  /** IAM id of a user, id of a service ID, or CRN of a service. */
  readonly identifier: string;
  /** `user`, `serviceid` or `crn`. */
  readonly type: IdentityType;
  /** Accounts in which a user may become the profile. */
  readonly accounts?: string[];
  /** Description, if it has one. */
  readonly description?: string;
}

export interface ProfileIdentityBody {
  readonly identifier: string;
  readonly type: IdentityType;
  /** Users only. */
  readonly accounts?: readonly string[] | undefined;
  readonly description?: string | undefined;
}

/** The whole set of a profile, with the tag that a replacement must send. */
export interface ProfileIdentities {
  readonly entityTag: string;
  readonly identities: ProfileIdentity[];
}

const at = (profileId: string, ...segments: string[]): string =>
  pathTo("/v1/profiles", profileId, "identities", ...segments);

/** Undefined when the profile does not exist. */
export async function getIdentities(session: Session, profileId: string): Promise<ProfileIdentities | undefined> {
  const doing = `list the identities of trusted profile ${profileId}`;
  const answer = await unlessGone(session.call({ api: "iam", method: "GET", path: at(profileId), doing }));
  return answer === undefined ? undefined : setOf(answer.body, answer.headers.etag);
}

/**
 * Replaces the whole set; an empty one clears it.
 * @throws HttpError `IBMID_CONFLICT` when `entityTag` is not the newest
 */
export async function replaceIdentities(
  session: Session,
  profileId: string,
  entityTag: string,
  identities: readonly ProfileIdentityBody[],
): Promise<ProfileIdentities> {
  const answer = await session.call({
    api: "iam",
    method: "PUT",
    path: at(profileId),
    headers: { "if-match": entityTag },
    body: { identities },
    doing: `replace the identities of trusted profile ${profileId}`,
  });
  return setOf(answer.body, answer.headers.etag);
}

/** Adds one identity. Several at a time for the same profile may get a conflict: the server rewrites the whole set. */
export async function addIdentity(
  session: Session,
  profileId: string,
  identity: ProfileIdentityBody,
): Promise<ProfileIdentity> {
  const answer = await session.call({
    api: "iam",
    method: "POST",
    path: at(profileId, identity.type),
    body: identity,
    doing: `add ${identity.type} ${identity.identifier} to trusted profile ${profileId}`,
  });
  return identityOf(objectOf(answer.body, "identity"));
}

/** Undefined when the identity or its profile does not exist. */
export async function getIdentity(
  session: Session,
  profileId: string,
  type: IdentityType,
  identifier: string,
): Promise<ProfileIdentity | undefined> {
  const doing = `read ${type} ${identifier} of trusted profile ${profileId}`;
  const path = at(profileId, type, identifier);
  const answer = await unlessGone(session.call({ api: "iam", method: "GET", path, doing }));
  return answer === undefined ? undefined : identityOf(objectOf(answer.body, "identity"));
}

/** One that does not exist is done. */
export async function removeIdentity(
  session: Session,
  profileId: string,
  type: IdentityType,
  identifier: string,
): Promise<void> {
  const doing = `remove ${type} ${identifier} from trusted profile ${profileId}`;
  await unlessGone(session.call({ api: "iam", method: "DELETE", path: at(profileId, type, identifier), doing }));
}

function setOf(body: unknown, etag: string | undefined): ProfileIdentities {
  const fields = objectOf(body, "identities");
  return {
    entityTag: textIn(fields, "entity_tag") ?? etag ?? "",
    identities: listIn(fields, "identities").map(identityOf),
  };
}

function identityOf(fields: Fields): ProfileIdentity {
  const { accounts } = fields;
  return present<ProfileIdentity>({
    iamId: textIn(fields, "iam_id"),
    identifier: textAt(fields, "identifier"),
    type: textAt(fields, "type") as IdentityType,
    accounts: Array.isArray(accounts) ? accounts.map(String) : undefined,
    description: textIn(fields, "description"),
  });
}
