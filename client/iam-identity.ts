/** Trusted profiles and their links to compute resources (IAM Identity API, `/v1/profiles`). */
import { fieldsIn, flagIn, listIn, numberIn, objectOf, present, textAt, textIn, type Fields } from "./fields";
import { markIn, unlessGone, walkPages } from "./pages";
import { pathTo, type Session } from "./session";
import { activityIn, historyIn, includedQuery, type Activity, type HistoryItem, type Included } from "./iam-usage";

/** A trusted profile. */
export interface Profile {
  /** `Profile-<uuid>` */
  readonly id: string;
  /** `iam-Profile-<uuid>`: the subject of policies. */
  readonly iamId: string;
  /** CRN. */
  readonly crn: string;
  /** Name. */
  readonly name: string;
  /** Description, if it has one. */
  readonly description?: string;
  /** Address of who is responsible, if there is one. */
  readonly email?: string;
  /** Id of the account, 32 hexadecimal digits. */
  readonly accountId: string;
  /** Changes with every write; an update must send the one it has seen. */
  readonly entityTag: string;
  /** When it was made, as ISO 8601. */
  readonly createdAt?: string;
  /** When it was changed last, as ISO 8601. */
  readonly modifiedAt?: string;
  /** The enterprise template that made the profile; such a profile is not to be changed here. */
  readonly templateId?: string;
  /** Assignment of an enterprise that made the profile, if one did. */
  readonly assignmentId?: string;
  /** Number of the account in IBM's classic infrastructure, if it has one. */
  readonly imsAccountId?: number;
  /** Number of the profile in IBM's classic infrastructure, if it has one. */
  readonly imsUserId?: number;
  /** Only when it was asked for. */
  readonly activity?: Activity;
  /** Only in a list for which it was asked. */
  readonly history?: HistoryItem[];
}

export interface ProfilePrototype {
  readonly name: string;
  readonly description?: string | undefined;
  readonly email?: string | undefined;
  /** @default - the account of the session */
  readonly accountId?: string | undefined;
}

/** Only what is given changes; an empty description or email clears it. */
export interface ProfilePatch {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly email?: string | undefined;
}

/** Compute resource types that IAM knows. */
export type ComputeResourceType = "VSI" | "BMS" | "PVS" | "IKS_SA" | "ROKS_SA" | "CE";

/** The compute resource: which fields are needed depends on its type. */
export interface LinkTarget {
  /** CRN of the server, cluster or project. */
  readonly crn?: string | undefined;
  /** Namespace of the service account. */
  readonly namespace?: string | undefined;
  /** Name of the service account. */
  readonly name?: string | undefined;
  /** Type of the Code Engine component. */
  readonly componentType?: string | undefined;
  /** Name of the Code Engine component. */
  readonly componentName?: string | undefined;
}

export interface ProfileLink {
  readonly id: string;
  readonly name?: string;
  readonly crType: ComputeResourceType;
  readonly link: LinkTarget;
  readonly entityTag: string;
  readonly isCrossAccount?: boolean;
  readonly createdAt?: string;
  readonly modifiedAt?: string;
}

export interface LinkPrototype {
  readonly crType: ComputeResourceType;
  readonly link: LinkTarget;
  readonly name?: string | undefined;
  /** The compute resource is in another account than the profile. */
  readonly isCrossAccount?: boolean | undefined;
}

const PROFILES = "/v1/profiles";
const at = (...segments: string[]): string => pathTo(PROFILES, ...segments);

/** @throws HttpError `IBMID_CONFLICT` when the name is taken in the account */
export async function createProfile(session: Session, prototype: ProfilePrototype): Promise<Profile> {
  const answer = await session.call({
    api: "iam",
    method: "POST",
    path: PROFILES,
    body: {
      name: prototype.name,
      account_id: prototype.accountId ?? (await session.accountId()),
      description: prototype.description,
      email: prototype.email,
    },
    doing: `create trusted profile "${prototype.name}"`,
  });
  return profileOf(answer.body);
}

/** Undefined when it does not exist. To include the activity is slow, says IBM. */
export async function getProfile(
  session: Session,
  id: string,
  included: Pick<Included, "includeActivity"> = {},
): Promise<Profile | undefined> {
  const query = includedQuery(included);
  const answer = await unlessGone(
    session.call({ api: "iam", method: "GET", path: at(id), query, doing: `read trusted profile ${id}` }),
  );
  return answer === undefined ? undefined : profileOf(answer.body);
}

/** All profiles of the account, or those with exactly this name. */
export function listProfiles(
  session: Session,
  { name, ...included }: { readonly name?: string | undefined } & Pick<Included, "includeHistory"> = {},
): AsyncGenerator<Profile, void, undefined> {
  const doing = name === undefined ? "list trusted profiles" : `find trusted profile "${name}"`;
  return walkPages(doing, async (pagetoken) => {
    const query = { account_id: await session.accountId(), name, pagesize: 100, pagetoken, ...includedQuery(included) };
    const answer = await session.call({ api: "iam", method: "GET", path: PROFILES, query, doing });
    const body = objectOf(answer.body, "list of profiles");
    return { items: listIn(body, "profiles").map(profileOf), next: markIn(textIn(body, "next"), "pagetoken") };
  });
}

/** @throws HttpError `IBMID_CONFLICT` when `entityTag` is not the newest */
export async function updateProfile(
  session: Session,
  id: string,
  entityTag: string,
  { name, description, email }: ProfilePatch,
): Promise<Profile> {
  const answer = await session.call({
    api: "iam",
    method: "PUT",
    path: at(id),
    headers: { "if-match": entityTag },
    body: { name, description, email },
    doing: `update trusted profile ${id}`,
  });
  return profileOf(answer.body);
}

/** Deletes the profile with its claim rules and links; one that does not exist is done. */
export async function deleteProfile(session: Session, id: string): Promise<void> {
  await unlessGone(session.call({ api: "iam", method: "DELETE", path: at(id), doing: `delete trusted profile ${id}` }));
}

/** All links of a profile, those that a server made by itself included. */
export async function listLinks(session: Session, profileId: string): Promise<ProfileLink[]> {
  const answer = await session.call({
    api: "iam",
    method: "GET",
    path: at(profileId, "links"),
    doing: `list the links of trusted profile ${profileId}`,
  });
  return listIn(objectOf(answer.body, "list of links"), "links").map(linkOf);
}

/** @throws HttpError `IBMID_CONFLICT` when the same resource is linked already */
export async function createLink(session: Session, profileId: string, prototype: LinkPrototype): Promise<ProfileLink> {
  const { crn, namespace, name, componentType, componentName } = prototype.link;
  const answer = await session.call({
    api: "iam",
    method: "POST",
    path: at(profileId, "links"),
    body: {
      cr_type: prototype.crType,
      link: { crn, namespace, name, component_type: componentType, component_name: componentName },
      name: prototype.name,
      is_cross_account: prototype.isCrossAccount,
    },
    doing: `link ${crn ?? name ?? prototype.crType} to trusted profile ${profileId}`,
  });
  return linkOf(answer.body);
}

/** Undefined when the link or its profile does not exist. */
export async function getLink(session: Session, profileId: string, linkId: string): Promise<ProfileLink | undefined> {
  const doing = `read link ${linkId} of trusted profile ${profileId}`;
  const answer = await unlessGone(
    session.call({ api: "iam", method: "GET", path: at(profileId, "links", linkId), doing }),
  );
  return answer === undefined ? undefined : linkOf(answer.body);
}

/** A link that does not exist is done: IBM Cloud deletes links together with their server. */
export async function deleteLink(session: Session, profileId: string, linkId: string): Promise<void> {
  const doing = `delete link ${linkId} of trusted profile ${profileId}`;
  await unlessGone(session.call({ api: "iam", method: "DELETE", path: at(profileId, "links", linkId), doing }));
}

function profileOf(body: unknown): Profile {
  const fields = objectOf(body, "trusted profile");
  return present<Profile>({
    id: textAt(fields, "id"),
    iamId: textAt(fields, "iam_id"),
    crn: textAt(fields, "crn"),
    name: textAt(fields, "name"),
    description: textIn(fields, "description"),
    email: textIn(fields, "email"),
    accountId: textAt(fields, "account_id"),
    entityTag: textAt(fields, "entity_tag"),
    createdAt: textIn(fields, "created_at"),
    modifiedAt: textIn(fields, "modified_at"),
    templateId: textIn(fields, "template_id"),
    assignmentId: textIn(fields, "assignment_id"),
    imsAccountId: numberIn(fields, "ims_account_id"),
    imsUserId: numberIn(fields, "ims_user_id"),
    activity: activityIn(fields),
    history: historyIn(fields),
  });
}

function linkOf(body: unknown): ProfileLink {
  const fields = objectOf(body, "link");
  return present<ProfileLink>({
    id: textAt(fields, "id"),
    name: textIn(fields, "name"),
    crType: textAt(fields, "cr_type") as ComputeResourceType,
    link: targetOf(fieldsIn(fields, "link")),
    entityTag: textAt(fields, "entity_tag"),
    isCrossAccount: flagIn(fields, "is_cross_account"),
    createdAt: textIn(fields, "created_at"),
    modifiedAt: textIn(fields, "modified_at"),
  });
}

function targetOf(fields: Fields): LinkTarget {
  return present<LinkTarget>({
    crn: textIn(fields, "crn"),
    namespace: textIn(fields, "namespace"),
    name: textIn(fields, "name"),
    componentType: textIn(fields, "component_type"),
    componentName: textIn(fields, "component_name"),
  });
}
