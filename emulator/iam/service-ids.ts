/** Service IDs and their groups: `/v1/serviceids`, `/v1/serviceid_groups`. */
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
import { isCrn, newId, nextEntityTag } from "../ids";
import { forgetSubject } from "../policy/store";
import { identityContext, identityRefusal } from "../refusal";
import { drop, find, put, without } from "../table";
import { accountIdOf } from "../world";
import { dropKeysOf, makeKey, viewKey } from "./api-keys";
import { setText } from "./profiles";
import {
  badJson,
  checkIfMatch,
  complain,
  isLagging,
  need,
  page,
  remember,
  type ServiceId,
  type ServiceIdGroup,
} from "./store";

const PATH = "/v1/serviceids";
const GROUPS = "/v1/serviceid_groups";
const ACTION = "iam-identity.serviceid";

export const serviceIdRoutes: readonly Route[] = [
  { method: "GET", path: PATH, api: "identity", handler: list, action: `${ACTION}.list` },
  { method: "POST", path: PATH, api: "identity", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: `${PATH}/:service`, api: "identity", handler: get, action: `${ACTION}.get` },
  { method: "PUT", path: `${PATH}/:service`, api: "identity", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: `${PATH}/:service`, api: "identity", handler: remove, action: `${ACTION}.delete` },
  {
    method: "POST",
    path: `${PATH}/:service/lock`,
    api: "identity",
    handler: (call) => lock(call, true),
    action: `${ACTION}.update`,
  },
  {
    method: "DELETE",
    path: `${PATH}/:service/lock`,
    api: "identity",
    handler: (call) => lock(call, false),
    action: `${ACTION}.update`,
  },
  { method: "GET", path: GROUPS, api: "identity", handler: listGroups, action: `${ACTION}.list` },
  { method: "POST", path: GROUPS, api: "identity", handler: createGroup, action: `${ACTION}.create` },
  { method: "GET", path: `${GROUPS}/:group`, api: "identity", handler: getGroup, action: `${ACTION}.get` },
  { method: "PUT", path: `${GROUPS}/:group`, api: "identity", handler: updateGroup, action: `${ACTION}.update` },
  { method: "DELETE", path: `${GROUPS}/:group`, api: "identity", handler: removeGroup, action: `${ACTION}.delete` },
];

function view(call: Call, row: ServiceId): object {
  const withGroup = queryFlag(call, "show_group_id");
  return {
    context: identityContext(call.exchange),
    ...without(row, "history", "activity", ...(withGroup ? [] : (["group_id"] as const))),
    ...(queryFlag(call, "include_history") ? { history: row.history } : {}),
    ...(queryFlag(call, "include_activity") ? { activity: row.activity } : {}),
  };
}

const tagged = (row: { entity_tag: string }): Record<string, string> => ({ ETag: row.entity_tag });

function readInstances(fields: ReturnType<typeof jsonFields>): string[] | undefined {
  const crns = fields.texts("unique_instance_crns");
  if (crns?.some((crn) => !isCrn(crn)) === true) {
    throw identityRefusal("badCrn", "Property 'unique_instance_crns' must be a list of CRNs.");
  }
  return crns;
}

function create(call: Call): Reply {
  const { world } = call;
  const fields = jsonFields(call, complain, badJson);
  const name = fields.text("name", { max: 255 });
  const account = fields.text("account_id");
  if (account !== accountIdOf(world)) throw fields.invalid("account_id", "must be an account of the caller");
  const description = fields.optionalText("description", { max: 1000 });
  const group = fields.optionalText("group_id");
  if (group && find(world.state.iam.serviceIdGroups, group) === undefined) {
    throw fields.invalid("group_id", "names nothing that exists");
  }
  const instances = readInstances(fields);
  const key = fields.optionalObject("apikey");
  const id = newId("ServiceId-");
  const now = world.clock.iso();
  const row: ServiceId = {
    id,
    iam_id: `iam-${id}`,
    entity_tag: nextEntityTag(),
    crn: `crn:v1:bluemix:public:iam-identity::a/${account}::serviceid:${id}`,
    locked: header(call, "Entity-Lock") === "true",
    created_at: now,
    modified_at: now,
    account_id: account,
    ...(group ? { group_id: group } : {}),
    name,
    ...(description ? { description } : {}),
    ...(instances === undefined ? {} : { unique_instance_crns: instances }),
    history: [],
    activity: { authn_count: 0 },
  };
  // The key first: when its fields are wrong nothing is made.
  const made = key === undefined ? undefined : makeKey(call, key, row.iam_id);
  remember(call, row, "CREATE");
  put(world.state.iam.serviceIds, row);
  return created(
    { ...view(call, row), ...(made === undefined ? {} : { apikey: viewKey(call, made.key, made.value) }) },
    tagged(row),
  );
}

function list(call: Call): Reply {
  const account = queryText(call, "account_id");
  const name = queryText(call, "name");
  const group = queryText(call, "group_id");
  const rows = Object.values(call.world.state.iam.serviceIds).filter(
    (row) =>
      (account === undefined || row.account_id === account) &&
      (name === undefined || row.name === name) &&
      (group === undefined || row.group_id === group) &&
      !isLagging(call, row.created_at),
  );
  const views = rows.map((row) => view(call, row));
  return ok(page(call, "serviceids", views, ["name", "description", "created_at", "modified_at"]));
}

const needService = (call: Call): ServiceId =>
  need(call, call.world.state.iam.serviceIds, param(call, "service"), "Service ID");

function get(call: Call): Reply {
  const row = needService(call);
  return ok(view(call, row), tagged(row));
}

function update(call: Call): Reply {
  const row = needService(call);
  checkIfMatch(call, row.entity_tag);
  const fields = jsonFields(call, complain, badJson);
  const name = fields.optionalText("name", { min: 1, max: 255 });
  const description = fields.optionalText("description", { max: 1000 });
  const instances = readInstances(fields);
  row.name = name ?? row.name;
  setText(row, "description", description);
  if (instances?.length === 0) Reflect.deleteProperty(row, "unique_instance_crns");
  else if (instances !== undefined) row.unique_instance_crns = instances;
  changed(call, row, "UPDATE");
  return ok(view(call, row), tagged(row));
}

function changed(call: Call, row: ServiceId, action: string): void {
  row.entity_tag = nextEntityTag(row.entity_tag);
  row.modified_at = call.world.clock.iso();
  remember(call, row, action);
}

function lock(call: Call, locked: boolean): Reply {
  const row = needService(call);
  row.locked = locked;
  changed(call, row, `locked=${locked}`);
  return noContent;
}

function remove(call: Call): Reply {
  const row = needService(call);
  if (row.locked) {
    throw identityRefusal("deleteNotPossible", `Object type 'ServiceId' with the id '${row.id}' is locked.`);
  }
  dropKeysOf(call, row.iam_id);
  forgetSubject(call.world, row.iam_id);
  drop(call.world.state.iam.serviceIds, row.id);
  return noContent;
}

const needGroup = (call: Call): ServiceIdGroup =>
  need(call, call.world.state.iam.serviceIdGroups, param(call, "group"), "Service ID group");

function refuseDuplicate(call: Call, name: string, ownId?: string): void {
  const others = Object.values(call.world.state.iam.serviceIdGroups).filter((group) => group.id !== ownId);
  if (!others.some((group) => group.name === name)) return;
  throw identityRefusal("conflict", `A service ID group named '${name}' exists already.`);
}

function listGroups(call: Call): Reply {
  const account = queryText(call, "account_id");
  if (account === undefined) {
    throw identityRefusal("missing", "Query parameter 'account_id' either missing or empty.");
  }
  const groups = Object.values(call.world.state.iam.serviceIdGroups);
  return ok({ serviceid_groups: groups.filter((group) => group.account_id === account) });
}

function createGroup(call: Call): Reply {
  const fields = jsonFields(call, complain, badJson);
  const account = fields.text("account_id");
  if (account !== accountIdOf(call.world)) throw fields.invalid("account_id", "must be an account of the caller");
  const name = fields.text("name", { max: 255 });
  const description = fields.optionalText("description", { max: 1000 });
  refuseDuplicate(call, name);
  const id = newId("ServiceIdGroup-");
  const now = call.world.clock.iso();
  const group: ServiceIdGroup = {
    id,
    entity_tag: nextEntityTag(),
    account_id: account,
    crn: `crn:v1:bluemix:public:iam-identity::a/${account}::serviceidgroup:${id}`,
    name,
    ...(description ? { description } : {}),
    created_at: now,
    created_by: call.caller?.iamId ?? "",
    modified_at: now,
  };
  put(call.world.state.iam.serviceIdGroups, group);
  return created(group, tagged(group));
}

function getGroup(call: Call): Reply {
  const group = needGroup(call);
  return ok(group, tagged(group));
}

function updateGroup(call: Call): Reply {
  const group = needGroup(call);
  checkIfMatch(call, group.entity_tag);
  const fields = jsonFields(call, complain, badJson);
  const name = fields.text("name", { max: 255 });
  const description = fields.optionalText("description", { max: 1000 });
  refuseDuplicate(call, name, group.id);
  group.name = name;
  setText(group, "description", description);
  group.entity_tag = nextEntityTag(group.entity_tag);
  group.modified_at = call.world.clock.iso();
  return ok(group, tagged(group));
}

function removeGroup(call: Call): Reply {
  const group = needGroup(call);
  const { serviceIds, serviceIdGroups } = call.world.state.iam;
  if (Object.values(serviceIds).some((row) => row.group_id === group.id)) {
    throw identityRefusal("deleteNotPossible", `Object type 'ServiceIdGroup' with the id '${group.id}' is in use.`);
  }
  drop(serviceIdGroups, group.id);
  return noContent;
}
