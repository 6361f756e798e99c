/** Service IDs: identities of applications that are not on a linked server (IAM Identity API). */
import { flagIn, listIn, objectOf, present, textAt, textIn } from "./fields";
import { markIn, unlessGone, walkPages } from "./pages";
import { pathTo, type Session } from "./session";

export interface ServiceId {
  /** `ServiceId-<uuid>` */
  readonly id: string;
  /** `iam-ServiceId-<uuid>`: the subject of policies. */
  readonly iamId: string;
  readonly crn: string;
  readonly name: string;
  readonly description?: string;
  readonly accountId: string;
  readonly entityTag: string;
  /** A locked one cannot be deleted, nor can its policies be changed. */
  readonly locked: boolean;
  readonly uniqueInstanceCrns?: string[];
  /** The group of service IDs it is in, if any. The answer to an update does not tell it. */
  readonly groupId?: string;
  readonly createdAt?: string;
  readonly modifiedAt?: string;
}

export interface ServiceIdPrototype {
  /** Need not be unique. */
  readonly name: string;
  readonly description?: string | undefined;
  readonly uniqueInstanceCrns?: readonly string[] | undefined;
  /** Id of a group of service IDs. @default - none */
  readonly groupId?: string | undefined;
  /** @default - the account of the session */
  readonly accountId?: string | undefined;
  /** @default false */
  readonly locked?: boolean | undefined;
}

/** Only what is given changes; an empty description or list clears it. */
export interface ServiceIdPatch {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly uniqueInstanceCrns?: readonly string[] | undefined;
}

const SERVICE_IDS = "/v1/serviceids";
/** IAM tells the group only when asked. */
const SHOW_GROUP = { show_group_id: true };
const at = (...segments: string[]): string => pathTo(SERVICE_IDS, ...segments);

export async function createServiceId(session: Session, prototype: ServiceIdPrototype): Promise<ServiceId> {
  const answer = await session.call({
    api: "iam",
    method: "POST",
    path: SERVICE_IDS,
    query: SHOW_GROUP,
    headers: { "entity-lock": String(prototype.locked ?? false) },
    body: {
      name: prototype.name,
      account_id: prototype.accountId ?? (await session.accountId()),
      description: prototype.description,
      group_id: prototype.groupId,
      unique_instance_crns: prototype.uniqueInstanceCrns,
    },
    doing: `create service ID "${prototype.name}"`,
  });
  return serviceIdOf(answer.body);
}

/** Undefined when it does not exist. */
export async function getServiceId(session: Session, id: string): Promise<ServiceId | undefined> {
  const answer = await unlessGone(
    session.call({ api: "iam", method: "GET", path: at(id), query: SHOW_GROUP, doing: `read service ID ${id}` }),
  );
  return answer === undefined ? undefined : serviceIdOf(answer.body);
}

/** All service IDs of the account, or those with exactly this name. */
export function listServiceIds(
  session: Session,
  { name }: { name?: string | undefined } = {},
): AsyncGenerator<ServiceId, void, undefined> {
  const doing = name === undefined ? "list service IDs" : `find service ID "${name}"`;
  return walkPages(doing, async (pagetoken) => {
    const query = { account_id: await session.accountId(), name, pagesize: 100, pagetoken, ...SHOW_GROUP };
    const answer = await session.call({ api: "iam", method: "GET", path: SERVICE_IDS, query, doing });
    const body = objectOf(answer.body, "list of service IDs");
    return { items: listIn(body, "serviceids").map(serviceIdOf), next: markIn(textIn(body, "next"), "pagetoken") };
  });
}

/** @throws HttpError `IBMID_CONFLICT` when `entityTag` is not the newest */
export async function updateServiceId(
  session: Session,
  id: string,
  entityTag: string,
  { name, description, uniqueInstanceCrns }: ServiceIdPatch,
): Promise<ServiceId> {
  const answer = await session.call({
    api: "iam",
    method: "PUT",
    path: at(id),
    headers: { "if-match": entityTag },
    body: { name, description, unique_instance_crns: uniqueInstanceCrns },
    doing: `update service ID ${id}`,
  });
  return serviceIdOf(answer.body);
}

/** Deletes it with its API keys; one that does not exist is done. */
export async function deleteServiceId(session: Session, id: string): Promise<void> {
  await unlessGone(session.call({ api: "iam", method: "DELETE", path: at(id), doing: `delete service ID ${id}` }));
}

/** Locks or unlocks; doing it again changes nothing. */
export async function setServiceIdLock(session: Session, id: string, locked: boolean): Promise<void> {
  await session.call({
    api: "iam",
    method: locked ? "POST" : "DELETE",
    path: at(id, "lock"),
    doing: `${locked ? "lock" : "unlock"} service ID ${id}`,
    repeatable: true,
  });
}

function serviceIdOf(body: unknown): ServiceId {
  const fields = objectOf(body, "service ID");
  const crns = fields.unique_instance_crns;
  return present<ServiceId>({
    id: textAt(fields, "id"),
    iamId: textAt(fields, "iam_id"),
    crn: textAt(fields, "crn"),
    name: textAt(fields, "name"),
    description: textIn(fields, "description"),
    accountId: textAt(fields, "account_id"),
    entityTag: textAt(fields, "entity_tag"),
    locked: flagIn(fields, "locked") ?? false,
    uniqueInstanceCrns: Array.isArray(crns) ? crns.map(String) : undefined,
    groupId: textIn(fields, "group_id"),
    createdAt: textIn(fields, "created_at"),
    modifiedAt: textIn(fields, "modified_at"),
  });
}
