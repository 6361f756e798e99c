/** The IAM Identity objects, kept in the shape in which the API shows them plus what it never shows. */
import { queryText, type Call } from "../call";
import { identityRefusal } from "../refusal";
import { find, type Table } from "../table";
import type { Complain } from "../fields";

export interface HistoryItem {
  timestamp: string;
  iam_id: string;
  iam_id_account: string;
  action: string;
  params: string[];
  message: string;
}

export interface Activity {
  last_authn?: string;
  authn_count: number;
}

interface Tracked {
  id: string;
  entity_tag: string;
  created_at: string;
  modified_at: string;
  history: HistoryItem[];
  activity: Activity;
}

export interface ApiKey extends Tracked {
  crn: string;
  name: string;
  description?: string;
  iam_id: string;
  account_id: string;
  created_by: string;
  locked: boolean;
  disabled: boolean;
  support_sessions: boolean;
  action_when_leaked: string;
  expires_at?: string;
  /** The value itself is kept only for stored keys of service IDs. */
  value_hash: string;
  stored_value?: string;
}

export interface ServiceId extends Tracked {
  iam_id: string;
  crn: string;
  name: string;
  description?: string;
  account_id: string;
  group_id?: string;
  locked: boolean;
  unique_instance_crns?: string[];
}

export interface ServiceIdGroup {
  id: string;
  entity_tag: string;
  account_id: string;
  crn: string;
  name: string;
  description?: string;
  created_at: string;
  created_by: string;
  modified_at: string;
}

export interface ProfileIdentity {
  iam_id: string;
  identifier: string;
  type: string;
  accounts?: string[];
  description?: string;
}

export interface Profile extends Tracked {
  crn: string;
  name: string;
  description?: string;
  email?: string;
  iam_id: string;
  account_id: string;
  identities: ProfileIdentity[];
}

export interface ClaimRule {
  id: string;
  profile_id: string;
  entity_tag: string;
  created_at: string;
  modified_at: string;
  name?: string;
  type: string;
  realm_name?: string;
  expiration: number;
  cr_type?: string;
  conditions: { claim: string; operator: string; value: string }[];
}

export interface Link {
  id: string;
  profile_id: string;
  entity_tag: string;
  created_at: string;
  modified_at: string;
  name?: string;
  cr_type: string;
  is_cross_account: boolean;
  link: { crn: string; namespace?: string; name?: string; component_type?: string; component_name?: string };
  /** When the token services begin to honour it, in milliseconds. */
  enforced_from: number;
}

export interface IamState {
  apiKeys: Table<ApiKey>;
  serviceIds: Table<ServiceId>;
  serviceIdGroups: Table<ServiceIdGroup>;
  profiles: Table<Profile>;
  rules: Table<ClaimRule>;
  links: Table<Link>;
  /** Refresh tokens by hash. */
  refreshTokens: Table<RefreshToken>;
}

export interface RefreshToken {
  id: string;
  iam_id: string;
  client_id: string;
  /** The clients that may use a delegated refresh token; empty for an ordinary one. */
  receiver_client_ids: string[];
  expires_at: number;
  session_id: string;
}

/** How the identity API complains about a field. */
export const complain: Complain = (kind, path, value, allowed) =>
  kind === "missing"
    ? identityRefusal("missing", `Property '${path}' either missing or empty.`)
    : identityRefusal("invalid", `Property '${path}' ${allowed}${typeof value === "number" ? `, not ${value}` : ""}.`);

export const badJson = (reason: string): ReturnType<typeof identityRefusal> => identityRefusal("invalid", reason);

/** True while a new object is not visible yet, when the emulator imitates IAM's eventual consistency. */
export function isLagging(call: Call, createdAt: string): boolean {
  const { readLagSeconds } = call.world.settings;
  return readLagSeconds > 0 && Date.parse(createdAt) + readLagSeconds * 1000 > call.world.clock.now();
}

/** The row with this id, or the API's 404. */
export function need<T extends { created_at: string }>(call: Call, table: Table<T>, id: string, kind: string): T {
  const row = find(table, id);
  if (row === undefined || isLagging(call, row.created_at)) {
    throw identityRefusal("notFound", `${kind} '${id}' was not found.`);
  }
  return row;
}

/** If-Match must be the current tag or `*`; decided after the 404. */
export function checkIfMatch(call: Call, entityTag: string): void {
  const given = call.headers["if-match"];
  if (given === undefined || given === "") {
    throw identityRefusal("missing", "Header 'If-Match' either missing or empty.");
  }
  if (given !== "*" && given.replace(/^(?:W\/)?"(.*)"$/, "$1") !== entityTag) {
    throw identityRefusal("conflict", `If-Match '${given}' is not the current entity tag '${entityTag}'.`);
  }
}

export interface PageOptions {
  readonly sortBy: readonly string[];
  readonly rows: readonly object[];
}

/** One page of an identity list: `pagesize` and `pagetoken` in, plain URLs out. */
export function page(call: Call, listName: string, rows: readonly object[], sortBy: readonly string[]): object {
  const token = readPageToken(call);
  const size = queryText(call, "pagesize") ?? token?.size ?? "20";
  if (!/^\d{1,3}$/.test(size) || Number(size) < 1 || Number(size) > 100) {
    throw identityRefusal("invalid", "Query parameter 'pagesize' must be an integer from 1 to 100.");
  }
  const limit = Number(size);
  const offset = token?.offset ?? 0;
  const sorted = sortRows(call, rows, sortBy);
  const url = (from: number): string => {
    const query = new URLSearchParams([...call.query].filter(([name]) => name !== "pagetoken" && name !== "pagesize"));
    query.set("pagesize", String(limit));
    if (from > 0) query.set("pagetoken", Buffer.from(JSON.stringify({ offset: from, size })).toString("base64url"));
    return `${call.world.url}${call.path}?${query.toString()}`;
  };
  return {
    offset,
    limit,
    first: url(0),
    ...(offset > 0 ? { previous: url(Math.max(0, offset - limit)) } : {}),
    ...(offset + limit < sorted.length ? { next: url(offset + limit) } : {}),
    [listName]: sorted.slice(offset, offset + limit),
  };
}

function readPageToken(call: Call): { offset: number; size: string } | undefined {
  const token = queryText(call, "pagetoken");
  if (token === undefined) return undefined;
  try {
    const { offset, size } = JSON.parse(Buffer.from(token, "base64url").toString()) as Record<string, unknown>;
    if (Number.isSafeInteger(offset) && (offset as number) >= 0 && typeof size === "string") {
      return { offset: offset as number, size };
    }
  } catch {
    // Falls through to the refusal: the token was not made here.
  }
  throw identityRefusal("invalid", "Query parameter 'pagetoken' is not valid.");
}

function sortRows(call: Call, rows: readonly object[], sortBy: readonly string[]): object[] {
  const sort = queryText(call, "sort");
  const order = queryText(call, "order") ?? "asc";
  if (sort !== undefined && !sortBy.includes(sort)) {
    throw identityRefusal("invalid", `Query parameter 'sort' must be one of ${sortBy.join(", ")}.`);
  }
  if (order !== "asc" && order !== "desc") {
    throw identityRefusal("invalid", "Query parameter 'order' must be asc or desc.");
  }
  const key = (row: object): string =>
    ((row as Record<string, unknown>)[sort ?? "created_at"] as string | undefined) ?? "";
  const direction = order === "asc" ? 1 : -1;
  return [...rows].sort((a, b) => direction * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** One more line in the history of an object. */
export function remember(call: Call, row: Tracked, action: string, params: string[] = []): void {
  const iamId = call.caller?.iamId ?? "";
  row.history.push({
    timestamp: call.world.clock.iso(),
    iam_id: iamId,
    iam_id_account: call.caller?.accountId ?? "",
    action,
    params,
    message: `The object was changed: ${action}`,
  });
  // A history without end would make every save slower.
  if (row.history.length > 50) row.history.shift();
}
