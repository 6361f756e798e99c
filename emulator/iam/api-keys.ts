/** API keys: `/v1/apikeys`. */
import {
  created,
  header,
  jsonFields,
  noContent,
  ok,
  param,
  queryFlag,
  queryText,
  type Call,
  type Reply,
  type Route,
} from "../call";
import type { Fields } from "../fields";
import { newApiKeyValue, newId, nextEntityTag, sha256 } from "../ids";
import { identityContext, identityRefusal } from "../refusal";
import { drop, put, without } from "../table";
import { accountIdOf } from "../world";
import { apiKeyByValue, subjectByIamId } from "./principals";
import { setText } from "./profiles";
import { badJson, checkIfMatch, complain, isLagging, need, page, remember, type ApiKey } from "./store";

const PATH = "/v1/apikeys";
const ACTION = "iam-identity.apikey";

export const apiKeyRoutes: readonly Route[] = [
  { method: "GET", path: PATH, api: "identity", handler: list, action: `${ACTION}.list` },
  { method: "POST", path: PATH, api: "identity", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: `${PATH}/details`, api: "identity", handler: details },
  { method: "GET", path: `${PATH}/:key`, api: "identity", handler: get, action: `${ACTION}.get` },
  { method: "PUT", path: `${PATH}/:key`, api: "identity", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: `${PATH}/:key`, api: "identity", handler: remove, action: `${ACTION}.delete` },
  {
    method: "POST",
    path: `${PATH}/:key/lock`,
    api: "identity",
    handler: (call) => set(call, "locked", true),
    action: `${ACTION}.update`,
  },
  {
    method: "DELETE",
    path: `${PATH}/:key/lock`,
    api: "identity",
    handler: (call) => set(call, "locked", false),
    action: `${ACTION}.update`,
  },
  {
    method: "POST",
    path: `${PATH}/:key/disable`,
    api: "identity",
    handler: (call) => set(call, "disabled", true),
    action: `${ACTION}.update`,
  },
  {
    method: "DELETE",
    path: `${PATH}/:key/disable`,
    api: "identity",
    handler: (call) => set(call, "disabled", false),
    action: `${ACTION}.update`,
  },
];

const LEAK_ACTIONS = ["none", "disable", "delete"];
const SHORTEST_VALUE = 32;

/** As the API shows it; the value is there only when the key was just made, or is a stored one. */
export function viewKey(call: Call, key: ApiKey, value?: string): object {
  const shown = without(key, "value_hash", "stored_value", "history", "activity");
  return {
    context: identityContext(call.exchange),
    ...shown,
    // IBM's clients declare the value as always there; it is empty where it is not shown.
    apikey: value ?? "",
    ...(queryFlag(call, "include_history") ? { history: key.history } : {}),
    ...(queryFlag(call, "include_activity") ? { activity: key.activity } : {}),
  };
}

/** IAM calls the tag by two names. */
const tagged = (key: ApiKey): Record<string, string> => ({ ETag: key.entity_tag, "Entity-Tag": key.entity_tag });

/** What may be said of a key when it is made and, but for its value, later. */
function readExpiry(fields: Fields): string | undefined {
  const text = fields.optionalText("expires_at");
  if (text === undefined || text === "") return text;
  const at = Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  if (Number.isNaN(at)) throw fields.invalid("expires_at", "must be a date such as 2049-01-02T18:30+0000");
  return `${new Date(at).toISOString().slice(0, 16)}+0000`;
}

/** Makes a key from the fields of a body; also for the key that comes along with a new service ID. */
export function makeKey(call: Call, fields: Fields, iamId: string): { key: ApiKey; value: string } {
  const { world } = call;
  const name = fields.text("name", { max: 255 });
  const description = fields.optionalText("description", { max: 1000 });
  const given = fields.optionalText("apikey");
  const store = fields.raw("store_value") === true || fields.raw("store_value") === "true";
  const isService = iamId.startsWith("iam-ServiceId-");
  if (given !== undefined && given.length < SHORTEST_VALUE) {
    throw identityRefusal(
      "invalid",
      `Property '${fields.at("apikey")}' must have at least ${SHORTEST_VALUE} characters.`,
    );
  }
  if (store && !isService) throw fields.invalid("store_value", "must be false for keys of users");
  if (given !== undefined && apiKeyByValue(world, given) !== undefined) {
    throw identityRefusal("conflict", `Property '${fields.at("apikey")}' is the value of another key.`);
  }
  const sessions = fields.flag("support_sessions") ?? false;
  const leak = fields.optionalText("action_when_leaked", { oneOf: LEAK_ACTIONS }) ?? "none";
  const expires = readExpiry(fields);
  const value = given ?? newApiKeyValue();
  const id = newId("ApiKey-");
  const now = world.clock.iso();
  const account = accountIdOf(world);
  const key: ApiKey = {
    id,
    entity_tag: nextEntityTag(),
    crn: `crn:v1:bluemix:public:iam-identity::a/${account}::apikey:${id}`,
    locked: header(call, "Entity-Lock") === "true",
    disabled: header(call, "Entity-Disable") === "true",
    created_at: now,
    created_by: call.caller?.iamId ?? "",
    modified_at: now,
    name,
    support_sessions: sessions,
    action_when_leaked: leak,
    ...(expires ? { expires_at: expires } : {}),
    ...(description ? { description } : {}),
    iam_id: iamId,
    account_id: account,
    value_hash: sha256(value),
    ...(store ? { stored_value: value } : {}),
    history: [],
    activity: { authn_count: 0 },
  };
  remember(call, key, "CREATE");
  put(world.state.iam.apiKeys, key);
  return { key, value };
}

function create(call: Call): Reply {
  const fields = jsonFields(call, complain, badJson);
  fields.text("name");
  const iamId = fields.text("iam_id");
  const account = fields.optionalText("account_id");
  if (subjectByIamId(call.world, iamId) === undefined) throw fields.invalid("iam_id", "is of nobody in this account");
  if (account !== undefined && account !== "" && account !== accountIdOf(call.world)) {
    throw fields.invalid("account_id", "must be an account of the caller");
  }
  const { key, value } = makeKey(call, fields, iamId);
  return created(viewKey(call, key, value), tagged(key));
}

function list(call: Call): Reply {
  const { world, caller } = call;
  const account = queryText(call, "account_id");
  const scope = queryText(call, "scope") ?? "entity";
  if (!["entity", "iam_id", "account"].includes(scope)) {
    throw identityRefusal("invalid", "Query parameter 'scope' must be entity or account.");
  }
  const iamId = queryText(call, "iam_id") ?? (scope === "account" ? undefined : caller?.iamId);
  const type = queryText(call, "type") ?? (scope === "account" ? "user" : undefined);
  const rows = Object.values(world.state.iam.apiKeys).filter(
    (key) =>
      (account === undefined || key.account_id === account) &&
      (iamId === undefined || key.iam_id === iamId) &&
      (type === undefined ||
        scope !== "account" ||
        key.iam_id.startsWith("iam-ServiceId-") === (type === "serviceid")) &&
      !isLagging(call, key.created_at),
  );
  const views = rows.map((key) => viewKey(call, key));
  return ok(page(call, "apikeys", views, ["name", "description", "created_at", "created_by"]));
}

/** The key whose value a header carries. */
function details(call: Call): Reply {
  const value = header(call, "IAM-ApiKey");
  if (value === undefined || value === "")
    throw identityRefusal("missing", "Header 'IAM-ApiKey' either missing or empty.");
  const key = apiKeyByValue(call.world, value);
  if (key === undefined) throw identityRefusal("notFound", "The API key was not found.");
  return ok(viewKey(call, key), tagged(key));
}

const needKey = (call: Call): ApiKey => need(call, call.world.state.iam.apiKeys, param(call, "key"), "API key");

function get(call: Call): Reply {
  const key = needKey(call);
  return ok(viewKey(call, key, key.stored_value), tagged(key));
}

function update(call: Call): Reply {
  const key = needKey(call);
  checkIfMatch(call, key.entity_tag);
  const fields = jsonFields(call, complain, badJson);
  const name = fields.optionalText("name", { min: 1, max: 255 });
  const description = fields.optionalText("description", { max: 1000 });
  const sessions = fields.flag("support_sessions");
  const leak = fields.optionalText("action_when_leaked", { oneOf: LEAK_ACTIONS });
  const expires = readExpiry(fields);
  key.name = name ?? key.name;
  key.support_sessions = sessions ?? key.support_sessions;
  key.action_when_leaked = leak ?? key.action_when_leaked;
  setText(key, "description", description);
  setText(key, "expires_at", expires);
  changed(call, key, "UPDATE");
  return ok(viewKey(call, key, key.stored_value), tagged(key));
}

function changed(call: Call, key: ApiKey, action: string): void {
  key.entity_tag = nextEntityTag(key.entity_tag);
  key.modified_at = call.world.clock.iso();
  remember(call, key, action);
}

function set(call: Call, flag: "locked" | "disabled", value: boolean): Reply {
  const key = needKey(call);
  key[flag] = value;
  changed(call, key, `${flag}=${value}`);
  return noContent;
}

function remove(call: Call): Reply {
  const key = needKey(call);
  if (key.locked) {
    throw identityRefusal("deleteNotPossible", `Object type 'ApiKey' with the id '${key.id}' is locked.`);
  }
  drop(call.world.state.iam.apiKeys, key.id);
  return noContent;
}

/** All keys of a subject that is deleted. */
export function dropKeysOf(call: Call, iamId: string): void {
  const { apiKeys } = call.world.state.iam;
  for (const key of Object.values(apiKeys)) if (key.iam_id === iamId) drop(apiKeys, key.id);
}
