/** What IBM's clients ask of the account besides IAM and VPC: resource groups, users, tags, search. */
import { ok, param, queryText, type Call, type Reply, type Route } from "../call";
import { jsonFields } from "../call";
import type { Complain } from "../fields";
import { Refusal } from "../refusal";
import { find } from "../table";
import { accountIdOf, type World } from "../world";
import type { ResourceGroup } from "./store";

export const accountRoutes: readonly Route[] = [
  { method: "GET", path: "/v2/resource_groups", api: "account", handler: listGroups },
  { method: "GET", path: "/v2/resource_groups/:id", api: "account", handler: getGroup },
  { method: "GET", path: "/v2/resource_instances", api: "account", handler: listInstances },
  { method: "GET", path: "/v2/accounts/:account/users", api: "account", handler: listUsers },
  { method: "GET", path: "/v2/accounts/:account/users/:user", api: "account", handler: getUser },
  { method: "GET", path: "/v3/tags", api: "account", handler: listTags },
  { method: "POST", path: "/v3/tags", api: "account", handler: createTags },
  { method: "POST", path: "/v3/tags/attach", api: "account", handler: (call) => changeTags(call, true) },
  { method: "POST", path: "/v3/tags/detach", api: "account", handler: (call) => changeTags(call, false) },
  { method: "POST", path: "/v3/resources/search", api: "account", handler: search },
];

const complain: Complain = (kind, path, _value, allowed) =>
  new Refusal(400, "bad_request", kind === "missing" ? `The field '${path}' is required.` : `'${path}' ${allowed}.`);
const badJson = (reason: string): Refusal => new Refusal(400, "bad_request", reason);

function viewGroup(world: World, group: ResourceGroup): object {
  const account = accountIdOf(world);
  const at = "2020-01-01T00:00:00.000Z";
  return {
    id: group.id,
    crn: `crn:v1:bluemix:public:resource-controller::a/${account}::resource-group:${group.id}`,
    account_id: account,
    name: group.name,
    state: "ACTIVE",
    default: group.default,
    quota_id: "a3d7b8d01e261c24677937c29ab33f3c",
    quota_url: "/v2/quota_definitions/a3d7b8d01e261c24677937c29ab33f3c",
    payment_methods_url: `/v2/resource_groups/${group.id}/payment_methods`,
    resource_linkages: [],
    teams_url: `/v2/resource_groups/${group.id}/teams`,
    created_at: at,
    updated_at: at,
  };
}

function listGroups(call: Call): Reply {
  const { world } = call;
  const account = queryText(call, "account_id");
  const name = queryText(call, "name");
  const onlyDefault = queryText(call, "default");
  const groups = Object.values(world.state.account.resourceGroups).filter(
    (group) =>
      (account === undefined || account === accountIdOf(world)) &&
      (name === undefined || name === group.name) &&
      (onlyDefault === undefined || String(group.default) === onlyDefault),
  );
  return ok({ resources: groups.map((group) => viewGroup(world, group)) });
}

function getGroup(call: Call): Reply {
  const group = find(call.world.state.account.resourceGroups, param(call, "id"));
  if (group === undefined) throw new Refusal(404, "not_found", "The resource group was not found.");
  return ok(viewGroup(call.world, group));
}

function listInstances(): Reply {
  return ok({ rows_count: 0, resources: [] });
}

function viewUser(world: World): object {
  const { owner } = world.state.account;
  const [first = "", ...last] = owner.name.split(" ");
  return {
    id: owner.id,
    iam_id: owner.iam_id,
    realm: "IBMid",
    user_id: owner.email,
    firstname: first,
    lastname: last.join(" "),
    state: "ACTIVE",
    email: owner.email,
    account_id: accountIdOf(world),
  };
}

function needAccount(call: Call): void {
  if (param(call, "account") !== accountIdOf(call.world)) {
    throw new Refusal(404, "not_found", "The account was not found.");
  }
}

function listUsers(call: Call): Reply {
  needAccount(call);
  return ok({ total_results: 1, limit: 100, first_url: "", resources: [viewUser(call.world)] });
}

function getUser(call: Call): Reply {
  needAccount(call);
  if (param(call, "user") !== call.world.state.account.owner.iam_id) {
    throw new Refusal(404, "not_found", "The user was not found.");
  }
  return ok(viewUser(call.world));
}

type TagKind = "user" | "access" | "service";

function tagKind(call: Call): TagKind {
  const kind = queryText(call, "tag_type") ?? "user";
  if (kind === "user" || kind === "access" || kind === "service") return kind;
  throw new Refusal(400, "bad_request", "The query parameter 'tag_type' must be user, access or service.");
}

function listTags(call: Call): Reply {
  const { tags, accessTags } = call.world.state.account;
  const kind = tagKind(call);
  const resource = queryText(call, "attached_to");
  const rows = Object.values(tags).filter(({ id }) => resource === undefined || id === resource);
  const unattached = kind === "access" && resource === undefined ? accessTags : [];
  const names = [...new Set([...rows.flatMap((row) => row[kind]), ...unattached])].sort();
  const limit = Number(queryText(call, "limit") ?? "100") || 100;
  const offset = Number(queryText(call, "offset") ?? "0") || 0;
  const items = names.slice(offset, offset + limit).map((name) => ({ name }));
  return ok({ total_count: names.length, offset, limit, items });
}

function createTags(call: Call): Reply {
  const names = jsonFields(call, complain, badJson).texts("tag_names") ?? [];
  const { account } = call.world.state;
  account.accessTags = [...new Set([...account.accessTags, ...names])];
  return ok({ results: names.map((name) => ({ tag_name: name, is_error: false })) });
}

/** Attaches or detaches tags; what the resource is does not matter to the tagging service. */
function changeTags(call: Call, attach: boolean): Reply {
  const fields = jsonFields(call, complain, badJson);
  const kind = tagKind(call);
  const single = fields.optionalText("tag_name");
  const names = fields.texts("tag_names") ?? (single === undefined ? [] : [single]);
  const ids = fields.objects("resources").map((resource) => resource.text("resource_id"));
  if (ids.length === 0) throw fields.missing("resources");
  const { tags, accessTags } = call.world.state.account;
  const unknown = kind === "access" && attach && names.some((name) => !accessTags.includes(name));
  for (const id of ids) {
    if (unknown) continue;
    const row = find(tags, id) ?? (tags[id] = { id, user: [], access: [], service: [] });
    row[kind] = attach
      ? [...new Set([...row[kind], ...names])]
      : row[kind].filter((name) => !names.includes(name) && !names.includes("*"));
  }
  return ok({
    results: ids.map((resource_id) => ({
      resource_id,
      is_error: unknown,
      ...(unknown ? { message: "The access tag does not exist." } : {}),
    })),
  });
}

/** Answers the one question that clients ask: which tags does this CRN have? */
function search(call: Call): Reply {
  const query = jsonFields(call, complain, badJson).optionalText("query") ?? "";
  const crn = /crn:"([^"]+)"/.exec(query.replaceAll('\\"', '"'))?.[1];
  const row = crn === undefined ? undefined : find(call.world.state.account.tags, crn);
  // Every list is always there: IBM's Terraform provider crashes when one is missing.
  const items =
    crn === undefined
      ? []
      : [{ crn, tags: row?.user ?? [], access_tags: row?.access ?? [], service_tags: row?.service ?? [] }];
  return ok({ items, limit: 10 });
}
