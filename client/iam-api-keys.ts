/** API keys of users and service IDs (IAM Identity API). The value of a key is shown once, when it is created. */
import { rememberSecret } from "../core/errors";
import { flagIn, listIn, objectOf, present, textAt, textIn } from "./fields";
import { markIn, unlessGone, walkPages } from "./pages";
import { pathTo, type Session } from "./session";
import { activityIn, historyIn, includedQuery, type Activity, type HistoryItem, type Included } from "./iam-usage";

export type ActionWhenLeaked = "none" | "disable" | "delete";

export interface ApiKey {
  /** `ApiKey-<uuid>` */
  readonly id: string;
  /** CRN. */
  readonly crn: string;
  /** Name. */
  readonly name: string;
  /** Description, if it has one. */
  readonly description?: string;
  /** Whom the key stands for. */
  readonly iamId: string;
  /** Id of the account, 32 hexadecimal digits. */
  readonly accountId: string;
  /** Tag of this version, for `If-Match`. */
  readonly entityTag: string;
  /** Whether it is locked against changes. */
  readonly locked: boolean;
  /** Whether it cannot be used for now. */
  readonly disabled: boolean;
  /** Whether logins with it have a session. */
  readonly supportSessions: boolean;
  /** What IBM Cloud does with the key when it is found in public. */
  readonly actionWhenLeaked?: ActionWhenLeaked;
  /** When it expires, as ISO 8601, if it does. */
  readonly expiresAt?: string;
  /** When it was made, as ISO 8601. */
  readonly createdAt?: string;
  /** IAM id of who made it. */
  readonly createdBy?: string;
  /** When it was changed last, as ISO 8601. */
  readonly modifiedAt?: string;
  /** Only when it was asked for. */
  readonly activity?: Activity;
  /** Only when it was asked for. */
  readonly history?: HistoryItem[];
  /** A secret: there after creation, and for a stored key of a service ID. */
  readonly value?: string;
}

export interface ApiKeyPrototype {
  /** Need not be unique. */
  readonly name: string;
  /** Whom the key is to stand for: a user, or a service ID by its IAM id. */
  readonly iamId: string;
  readonly description?: string | undefined;
  /** @default - the account of the session */
  readonly accountId?: string | undefined;
  /** At least 32 characters. @default - the server makes one */
  readonly value?: string | undefined;
  /** Service IDs only: the value can be read again later. @default false */
  readonly storeValue?: boolean | undefined;
  readonly supportSessions?: boolean | undefined;
  readonly actionWhenLeaked?: ActionWhenLeaked | undefined;
  /** `yyyy-MM-ddTHH:mm+0000` @default - never */
  readonly expiresAt?: string | undefined;
  /** @default false */
  readonly locked?: boolean | undefined;
  /** @default false */
  readonly disabled?: boolean | undefined;
}

/** Only what is given changes; an empty description clears it. */
export interface ApiKeyPatch {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly supportSessions?: boolean | undefined;
  readonly actionWhenLeaked?: ActionWhenLeaked | undefined;
  readonly expiresAt?: string | undefined;
}

const API_KEYS = "/v1/apikeys";
const at = (...segments: string[]): string => pathTo(API_KEYS, ...segments);

/**
 * Creates a key. When the answer is lost (`IBMID_OUTCOME_UNKNOWN`) so is the value: find the key by name, delete it and
 * create another.
 */
export async function createApiKey(session: Session, prototype: ApiKeyPrototype): Promise<ApiKey> {
  if (prototype.value !== undefined) rememberSecret(prototype.value);
  const answer = await session.call({
    api: "iam",
    method: "POST",
    path: API_KEYS,
    headers: {
      "entity-lock": String(prototype.locked ?? false),
      "entity-disable": String(prototype.disabled ?? false),
    },
    body: {
      name: prototype.name,
      iam_id: prototype.iamId,
      account_id: prototype.accountId ?? (await session.accountId()),
      description: prototype.description,
      apikey: prototype.value,
      store_value: prototype.storeValue,
      support_sessions: prototype.supportSessions,
      action_when_leaked: prototype.actionWhenLeaked,
      expires_at: prototype.expiresAt,
    },
    doing: `create API key "${prototype.name}"`,
  });
  return apiKeyOf(answer.body);
}

/** Undefined when it does not exist. */
export async function getApiKey(session: Session, id: string, included: Included = {}): Promise<ApiKey | undefined> {
  const query = includedQuery(included);
  const answer = await unlessGone(
    session.call({ api: "iam", method: "GET", path: at(id), query, doing: `read API key ${id}` }),
  );
  return answer === undefined ? undefined : apiKeyOf(answer.body);
}

/** The key that has this value. Undefined when there is none. */
export async function getApiKeyByValue(
  session: Session,
  value: string,
  included: Pick<Included, "includeHistory"> = {},
): Promise<ApiKey | undefined> {
  rememberSecret(value);
  const call = { api: "iam", method: "GET", path: at("details"), doing: "read an API key by its value" } as const;
  const answer = await unlessGone(
    session.call({ ...call, query: includedQuery(included), headers: { "iam-apikey": value } }),
  );
  return answer === undefined ? undefined : apiKeyOf(answer.body);
}

/** The keys of one user or service ID. */
export function listApiKeys(session: Session, { iamId }: { iamId: string }): AsyncGenerator<ApiKey, void, undefined> {
  const doing = `list the API keys of ${iamId}`;
  return walkPages(doing, async (pagetoken) => {
    const query = { account_id: await session.accountId(), iam_id: iamId, pagesize: 100, pagetoken };
    const answer = await session.call({ api: "iam", method: "GET", path: API_KEYS, query, doing });
    const body = objectOf(answer.body, "list of API keys");
    return { items: listIn(body, "apikeys").map(apiKeyOf), next: markIn(textIn(body, "next"), "pagetoken") };
  });
}

/** @throws HttpError `IBMID_CONFLICT` when `entityTag` is not the newest */
export async function updateApiKey(
  session: Session,
  id: string,
  entityTag: string,
  patch: ApiKeyPatch,
): Promise<ApiKey> {
  const answer = await session.call({
    api: "iam",
    method: "PUT",
    path: at(id),
    headers: { "if-match": entityTag },
    body: {
      name: patch.name,
      description: patch.description,
      support_sessions: patch.supportSessions,
      action_when_leaked: patch.actionWhenLeaked,
      expires_at: patch.expiresAt,
    },
    doing: `update API key ${id}`,
  });
  return apiKeyOf(answer.body);
}

/** A locked key is a conflict; one that does not exist is done. */
export async function deleteApiKey(session: Session, id: string): Promise<void> {
  await unlessGone(session.call({ api: "iam", method: "DELETE", path: at(id), doing: `delete API key ${id}` }));
}

/** Locks or unlocks; doing it again changes nothing. */
export async function setApiKeyLock(session: Session, id: string, locked: boolean): Promise<void> {
  await setState(session, id, "lock", locked, locked ? "lock" : "unlock");
}

/** Disables or enables; doing it again changes nothing. */
export async function setApiKeyDisabled(session: Session, id: string, disabled: boolean): Promise<void> {
  await setState(session, id, "disable", disabled, disabled ? "disable" : "enable");
}

async function setState(session: Session, id: string, state: string, on: boolean, verb: string): Promise<void> {
  await session.call({
    api: "iam",
    method: on ? "POST" : "DELETE",
    path: at(id, state),
    doing: `${verb} API key ${id}`,
    repeatable: true,
  });
}

function apiKeyOf(body: unknown): ApiKey {
  const fields = objectOf(body, "API key");
  const value = textIn(fields, "apikey");
  if (value !== undefined) rememberSecret(value);
  return present<ApiKey>({
    id: textAt(fields, "id"),
    crn: textAt(fields, "crn"),
    name: textAt(fields, "name"),
    description: textIn(fields, "description"),
    iamId: textAt(fields, "iam_id"),
    accountId: textAt(fields, "account_id"),
    entityTag: textAt(fields, "entity_tag"),
    locked: flagIn(fields, "locked") ?? false,
    disabled: flagIn(fields, "disabled") ?? false,
    supportSessions: flagIn(fields, "support_sessions") ?? false,
    actionWhenLeaked: textIn(fields, "action_when_leaked") as ActionWhenLeaked | undefined,
    expiresAt: textIn(fields, "expires_at"),
    createdAt: textIn(fields, "created_at"),
    createdBy: textIn(fields, "created_by"),
    modifiedAt: textIn(fields, "modified_at"),
    activity: activityIn(fields),
    history: historyIn(fields),
    value: value === "" ? undefined : value,
  });
}
