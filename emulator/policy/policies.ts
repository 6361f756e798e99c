/** Access policies in both versions of the API: `/v1/policies` and `/v2/policies`. */
import { randomUUID } from "node:crypto";
import { created, jsonFields, noContent, ok, param, queryText, type Call, type Reply, type Route } from "../call";
import { nextEntityTag } from "../ids";
import { Refusal } from "../refusal";
import { find } from "../table";
import { accountIdOf } from "../world";
import { badJson, complain, readV1, readV2, type PolicyBody } from "./read";
import { checkTag } from "./roles";
import { savePolicy, subjectOf, type Attribute, type Policy } from "./store";
import { viewOf } from "./view";

const V1 = "/v1/policies";
const V2 = "/v2/policies";
const ACTION = "iam-access-management.policy";

export const policyRoutes: readonly Route[] = [
  { method: "GET", path: V1, api: "policy", handler: (call) => list(call, 1), action: `${ACTION}.list` },
  {
    method: "POST",
    path: V1,
    api: "policy",
    handler: (call) => create(call, 1, readV1(call)),
    action: `${ACTION}.create`,
  },
  { method: "GET", path: `${V1}/:policy`, api: "policy", handler: (call) => get(call, 1), action: `${ACTION}.get` },
  {
    method: "PUT",
    path: `${V1}/:policy`,
    api: "policy",
    handler: (call) => replace(call, 1),
    action: `${ACTION}.update`,
  },
  { method: "PATCH", path: `${V1}/:policy`, api: "policy", handler: setState, action: `${ACTION}.update` },
  { method: "DELETE", path: `${V1}/:policy`, api: "policy", handler: remove, action: `${ACTION}.delete` },
  { method: "GET", path: V2, api: "policy", handler: (call) => list(call, 2), action: `${ACTION}.list` },
  {
    method: "POST",
    path: V2,
    api: "policy",
    handler: (call) => create(call, 2, readV2(call)),
    action: `${ACTION}.create`,
  },
  { method: "GET", path: `${V2}/:policy`, api: "policy", handler: (call) => get(call, 2), action: `${ACTION}.get` },
  {
    method: "PUT",
    path: `${V2}/:policy`,
    api: "policy",
    handler: (call) => replace(call, 2),
    action: `${ACTION}.update`,
  },
  { method: "DELETE", path: `${V2}/:policy`, api: "policy", handler: remove, action: `${ACTION}.delete` },
];

type Version = Policy["version"];

const tagged = (policy: Policy): Record<string, string> => ({ ETag: policy.entity_tag });

function create(call: Call, version: Version, body: PolicyBody): Reply {
  const { world } = call;
  refuseLockedSubject(call, body);
  refuseConflict(call, body);
  const now = world.clock.iso();
  const by = call.caller?.iamId ?? "";
  const policy: Policy = {
    id: randomUUID(),
    version,
    entity_tag: nextEntityTag(),
    ...body,
    created_at: now,
    created_by_id: by,
    last_modified_at: now,
    last_modified_by_id: by,
    state: "active",
  };
  savePolicy(world, policy);
  return created(viewOf(world, policy, version), tagged(policy));
}

/** Two policies conflict when subject and resource are the same, in whatever order. */
function conflictKey(policy: PolicyBody): string {
  const sorted = (attributes: readonly Attribute[] = []): string[] =>
    attributes.map(({ key, operator, value }) => JSON.stringify([key, operator, value])).sort();
  return JSON.stringify([
    policy.type,
    sorted(policy.subject),
    sorted(policy.resource),
    sorted(policy.tags),
    policy.pattern ?? "",
    policy.rule ?? "",
    [...policy.roles].sort(),
  ]);
}

function refuseConflict(call: Call, body: PolicyBody, ownId?: string): void {
  const { world } = call;
  const key = conflictKey(body);
  const other = Object.values(world.state.policy.policies).find(
    (policy) => policy.state === "active" && policy.id !== ownId && conflictKey(policy) === key,
  );
  if (other === undefined) return;
  throw new Refusal(409, "policy_conflict_error", `The policy conflicts with the existing policy '${other.id}'.`, {
    details: { conflicts_with: { etag: other.entity_tag, policy: viewOf(world, other, other.version) } },
  });
}

/** Policies of a locked service ID are frozen with it. */
function refuseLockedSubject(call: Call, policy: PolicyBody): void {
  const iamId = policy.subject?.find(({ key }) => key === "iam_id")?.value;
  if (typeof iamId !== "string") return;
  if (find(call.world.state.iam.serviceIds, iamId.replace(/^iam-/, ""))?.locked === true) {
    throw new Refusal(400, "request_not_processed", `The service ID '${iamId}' is locked.`);
  }
}

const SORT = ["id", "type", "href", "created_at", "created_by_id", "last_modified_at", "last_modified_by_id", "state"];
const SORT_V2 = [...SORT, "last_permit_at", "last_permit_frequency"];

function list(call: Call, version: Version): Reply {
  const { world } = call;
  const account = queryText(call, "account_id");
  if (account === undefined) {
    throw new Refusal(400, "missing_required_query_parameter", "The query parameter 'account_id' is required.");
  }
  const filters: [string | undefined, (policy: Policy) => string | undefined][] = [
    [queryText(call, "iam_id"), (policy) => subjectOf(policy)],
    [queryText(call, "access_group_id"), (policy) => subjectOf(policy, "access_group_id")],
    [queryText(call, "type"), (policy) => policy.type],
    [queryText(call, "state") ?? "active", (policy) => policy.state],
    ...(["service_type", "service_name", "service_group_id"] as const).map(
      (name): [string | undefined, (policy: Policy) => string | undefined] => [
        queryText(call, name),
        (policy) => attributeText(policy.resource, RESOURCE_KEYS[name]),
      ],
    ),
    [queryText(call, "tag_name"), (policy) => policy.tags?.[0]?.key],
    [queryText(call, "tag_value"), (policy) => attributeText(policy.tags ?? [], policy.tags?.[0]?.key ?? "")],
  ];
  const rows =
    account === accountIdOf(world)
      ? Object.values(world.state.policy.policies).filter((policy) =>
          filters.every(([wanted, actual]) => wanted === undefined || actual(policy) === wanted),
        )
      : [];
  return ok(pageOf(call, version, sorted(call, rows, version)));
}

const RESOURCE_KEYS = {
  service_type: "serviceType",
  service_name: "serviceName",
  service_group_id: "service_group_id",
} as const;

function attributeText(attributes: readonly Attribute[], key: string): string | undefined {
  const value = attributes.find((attribute) => attribute.key === key)?.value;
  return typeof value === "string" ? value : undefined;
}

function sorted(call: Call, rows: Policy[], version: Version): Policy[] {
  const sort = queryText(call, "sort") ?? "created_at";
  const name = sort.replace(/^-/, "");
  if (!(version === 1 ? SORT : SORT_V2).includes(name)) {
    throw new Refusal(400, "invalid_body", `The query parameter 'sort' cannot be '${sort.slice(0, 80)}'.`);
  }
  const key = (policy: Policy): string =>
    ((policy as unknown as Record<string, unknown>)[name] as string | undefined) ?? "";
  const direction = sort.startsWith("-") ? -1 : 1;
  return rows.sort((a, b) => direction * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** Without `limit` the whole list is one page, and says nothing of paging. */
function pageOf(call: Call, version: Version, rows: Policy[]): object {
  const { world } = call;
  const format = queryText(call, "format");
  const views = (part: Policy[]): object[] => part.map((policy) => viewOf(world, policy, version, format));
  const limitText = queryText(call, "limit");
  const start = queryText(call, "start");
  if (limitText === undefined && start === undefined) return { policies: views(rows) };
  const limit = Number(limitText ?? "50");
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new Refusal(400, "invalid_body", "The query parameter 'limit' must be an integer from 1 to 1000.");
  }
  const offset = start === undefined ? 0 : Number(Buffer.from(start, "base64url").toString());
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new Refusal(400, "invalid_body", "The query parameter 'start' is not valid.");
  }
  const link = (from: number): object => {
    const query = new URLSearchParams([...call.query].filter(([name]) => name !== "start"));
    const token = Buffer.from(String(from)).toString("base64url");
    if (from > 0) query.set("start", token);
    return { href: `${world.url}${call.path}?${query.toString()}`, ...(from > 0 ? { start: token } : {}) };
  };
  return {
    limit,
    first: link(0),
    ...(offset > 0 ? { previous: link(Math.max(0, offset - limit)) } : {}),
    ...(offset + limit < rows.length ? { next: link(offset + limit) } : {}),
    policies: views(rows.slice(offset, offset + limit)),
  };
}

function need(call: Call): Policy {
  const id = param(call, "policy");
  const policy = find(call.world.state.policy.policies, id);
  const { readLagSeconds } = call.world.settings;
  const hidden =
    policy !== undefined &&
    readLagSeconds > 0 &&
    Date.parse(policy.created_at) + readLagSeconds * 1000 > call.world.clock.now();
  if (policy === undefined || hidden) throw new Refusal(404, "policy_not_found", `The policy '${id}' was not found.`);
  return policy;
}

function get(call: Call, version: Version): Reply {
  const policy = need(call);
  return ok(viewOf(call.world, policy, version, queryText(call, "format")), tagged(policy));
}

function replace(call: Call, version: Version): Reply {
  const old = need(call);
  checkTag(call, old.entity_tag, "policy_conflict_error");
  const body = version === 1 ? readV1(call) : readV2(call);
  if (body.type !== old.type) throw new Refusal(400, "invalid_body", "The type of a policy cannot be changed.");
  if (old.version === 1 && body.rule !== undefined) {
    throw new Refusal(
      400,
      "invalid_body",
      "A policy that was created in v1 cannot have a rule; create a new one in v2.",
    );
  }
  refuseLockedSubject(call, old);
  refuseLockedSubject(call, body);
  refuseConflict(call, body, old.id);
  return save(call, version, {
    id: old.id,
    version: old.version,
    entity_tag: old.entity_tag,
    ...body,
    created_at: old.created_at,
    created_by_id: old.created_by_id,
    last_modified_at: old.last_modified_at,
    last_modified_by_id: old.last_modified_by_id,
    state: old.state,
  });
}

function setState(call: Call): Reply {
  const policy = need(call);
  checkTag(call, policy.entity_tag, "policy_conflict_error");
  const fields = jsonFields(call, complain, badJson);
  const state = fields.text("state", { oneOf: ["active", "deleted"] }) as Policy["state"];
  if (state === "active") refuseConflict(call, policy, policy.id);
  return save(call, 1, { ...policy, state });
}

function save(call: Call, version: Version, policy: Policy): Reply {
  const saved: Policy = {
    ...policy,
    entity_tag: nextEntityTag(policy.entity_tag),
    last_modified_at: call.world.clock.iso(),
    last_modified_by_id: call.caller?.iamId ?? "",
  };
  savePolicy(call.world, saved);
  return ok(viewOf(call.world, saved, version), tagged(saved));
}

function remove(call: Call): Reply {
  const policy = need(call);
  if (policy.state === "deleted") {
    throw new Refusal(404, "policy_not_found", `The policy '${policy.id}' was not found.`);
  }
  refuseLockedSubject(call, policy);
  save(call, policy.version, { ...policy, state: "deleted" });
  return noContent;
}
