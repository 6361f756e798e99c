/** Roles: `/v2/roles`, and what each role allows. */
import { jsonFields, created, noContent, ok, param, queryText, type Call, type Reply, type Route } from "../call";
import { randomBytes } from "node:crypto";
import type { Complain } from "../fields";
import { nextEntityTag } from "../ids";
import { Refusal } from "../refusal";
import { drop, find } from "../table";
import { accountIdOf, type World } from "../world";
import type { CustomRole } from "./store";

const ACTION = "iam-access-management.customRole";

export const roleRoutes: readonly Route[] = [
  { method: "GET", path: "/v2/roles", api: "policy", handler: list, action: "iam-access-management.role.list" },
  { method: "POST", path: "/v2/roles", api: "policy", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: "/v2/roles/:role", api: "policy", handler: get, action: `${ACTION}.get` },
  { method: "PUT", path: "/v2/roles/:role", api: "policy", handler: replace, action: `${ACTION}.update` },
  { method: "DELETE", path: "/v2/roles/:role", api: "policy", handler: remove, action: `${ACTION}.delete` },
];

interface Role {
  readonly crn: string;
  readonly display_name: string;
  readonly description: string;
  readonly actions: readonly string[];
}

const PLATFORM = "crn:v1:bluemix:public:iam::::role:";
const SERVICE = "crn:v1:bluemix:public:iam::::serviceRole:";
const IDENTITY_SERVICE = "crn:v1:bluemix:public:iam-identity::::serviceRole:";
const IS_SERVICE = "crn:v1:bluemix:public:is::::serviceRole:";

const role = (crn: string, display_name: string, description: string, ...actions: string[]): Role => ({
  crn,
  display_name,
  description,
  actions,
});

const SYSTEM_ROLES: readonly Role[] = [
  role(`${PLATFORM}Viewer`, "Viewer", "Views resources.", "*.read", "*.list", "*.get"),
  role(`${PLATFORM}Operator`, "Operator", "Views and operates resources.", "*.read", "*.list", "*.get", "*.operate"),
  role(`${PLATFORM}Editor`, "Editor", "Changes resources, but not access to them.", "*"),
  role(`${PLATFORM}Administrator`, "Administrator", "Does everything, access management included.", "*"),
];

/** Roles on a service's own data; they allow nothing of the management API. */
const SERVICE_ROLES: readonly Role[] = [
  role(`${SERVICE}Reader`, "Reader", "Reads within the service."),
  role(`${SERVICE}Writer`, "Writer", "Reads and writes within the service."),
  role(`${SERVICE}Manager`, "Manager", "Does everything within the service."),
];

const EXTRA_ROLES: Readonly<Record<string, readonly Role[]>> = {
  is: [
    role(`${IS_SERVICE}VPNClient`, "VPN Client", "Connects to a VPN server."),
    role(`${IS_SERVICE}VirtualServerConsoleAdmin`, "Console Administrator", "Opens the console of a server."),
    role(`${IS_SERVICE}IPSpoofingOperator`, "IP Spoofing Operator", "Allows IP spoofing on an interface."),
    role(`${IS_SERVICE}BareMetalConsoleAdmin`, "Bare Metal Console Admin", "Opens the console of a bare metal server."),
    role(
      `${IS_SERVICE}BareMetalAdvancedNetworkOperator`,
      "Bare Metal Advanced Network Operator",
      "Configures advanced networking of bare metal servers.",
    ),
    role(`${IS_SERVICE}ShareSnapshotOperator`, "Share Snapshot Operator", "Works with share snapshots."),
    role(`${IS_SERVICE}DNSBindingConnector`, "DNS Binding Connector", "Binds DNS resolution of VPCs."),
  ],
  "iam-identity": [
    role(
      `${IDENTITY_SERVICE}ServiceIdCreator`,
      "Service ID creator",
      "Creates service IDs.",
      "iam-identity.serviceid.create",
    ),
    role(
      `${IDENTITY_SERVICE}UserApiKeyCreator`,
      "User API key creator",
      "Creates API keys.",
      "iam-identity.apikey.create",
    ),
  ],
};

const BUILT_IN: ReadonlyMap<string, Role> = new Map(
  [...SYSTEM_ROLES, ...SERVICE_ROLES, ...Object.values(EXTRA_ROLES).flat()].map((item) => [item.crn, item]),
);

/** True when a policy may grant the role. */
export function isKnownRole(world: World, crn: string): boolean {
  return BUILT_IN.has(crn) || customRole(world, crn) !== undefined;
}

export const customRoleActions = (world: World, crn: string): readonly string[] | undefined =>
  customRole(world, crn)?.actions;

const customRole = (world: World, crn: string): CustomRole | undefined =>
  Object.values(world.state.policy.customRoles).find((custom) => custom.crn === crn);

/** True when the role allows the action. */
export function roleAllows(crn: string, action: string, custom: readonly string[] | undefined): boolean {
  const actions = custom ?? BUILT_IN.get(crn)?.actions ?? [];
  return actions.some((allowed) =>
    allowed.startsWith("*") ? allowed === "*" || action.endsWith(allowed.slice(1)) : allowed === action,
  );
}

/** A role as policies show it with `format=display`; v1 leaves out the actions. */
export function displayOfRole(world: World, crn: string, version: 1 | 2): object {
  const found = BUILT_IN.get(crn) ?? customRole(world, crn);
  if (found === undefined) return { role_id: crn };
  return {
    role_id: crn,
    display_name: found.display_name,
    ...(found.description === undefined ? {} : { description: found.description }),
    ...(version === 1 ? {} : { actions: found.actions.map((id) => ({ id, display_name: id, description: id })) }),
  };
}

const complain: Complain = (kind, path, _value, allowed) =>
  new Refusal(400, "invalid_body", kind === "missing" ? `The field '${path}' is required.` : `'${path}' ${allowed}.`);
const badJson = (reason: string): Refusal => new Refusal(400, "invalid_body", reason);

function list(call: Call): Reply {
  const service = queryText(call, "service_name");
  if (service !== undefined && queryText(call, "service_group_id") !== undefined) {
    throw new Refusal(400, "invalid_body", "'service_name' and 'service_group_id' cannot be used together.");
  }
  const custom = Object.values(call.world.state.policy.customRoles).filter(
    (item) => service === undefined || item.service_name === service,
  );
  const extra = service !== undefined && Object.hasOwn(EXTRA_ROLES, service) ? (EXTRA_ROLES[service] ?? []) : [];
  return ok({
    custom_roles: custom.map(view),
    service_roles: [...SERVICE_ROLES, ...extra],
    system_roles: SYSTEM_ROLES,
  });
}

function view(item: CustomRole): object {
  return { ...item, entity_tag: undefined, href: `https://iam.cloud.ibm.com/v2/roles/${item.id}` };
}

function create(call: Call): Reply {
  const { world } = call;
  const fields = jsonFields(call, complain, badJson);
  const name = fields.text("name", { pattern: /^[A-Z][A-Za-z0-9]{0,29}$/ });
  const displayName = fields.text("display_name", { max: 50 });
  const accountId = fields.text("account_id");
  const serviceName = fields.text("service_name");
  const actions = readActions(fields.texts("actions"));
  const description = fields.optionalText("description", { max: 250 });
  if (accountId !== accountIdOf(world)) throw new Refusal(400, "invalid_body", "'account_id' is not this account.");
  const clash = Object.values(world.state.policy.customRoles).find(
    (other) => other.name === name || (other.display_name === displayName && other.service_name === serviceName),
  );
  if (clash !== undefined) {
    throw new Refusal(409, "role_conflict_error", `A role with this name exists already: ${clash.id}`, {
      details: { conflicts_with: { etag: clash.entity_tag, role: clash.id } },
    });
  }
  const now = world.clock.iso();
  const by = call.caller?.iamId ?? "";
  const item: CustomRole = {
    id: randomBytes(16).toString("hex"),
    entity_tag: nextEntityTag(),
    name,
    display_name: displayName,
    ...(description ? { description } : {}),
    actions,
    account_id: accountId,
    service_name: serviceName,
    crn: `crn:v1:bluemix:public:iam-access-management::a/${accountId}::customRole:${name}`,
    created_at: now,
    created_by_id: by,
    last_modified_at: now,
    last_modified_by_id: by,
  };
  world.state.policy.customRoles[item.id] = item;
  return created(view(item), { ETag: item.entity_tag });
}

function readActions(actions: string[] | undefined): string[] {
  if (actions === undefined || actions.length === 0) {
    throw new Refusal(400, "invalid_body", "'actions' must have at least one entry.");
  }
  return actions;
}

function need(call: Call): CustomRole {
  const item = find(call.world.state.policy.customRoles, param(call, "role"));
  if (item === undefined) throw new Refusal(404, "role_not_found", `The role '${param(call, "role")}' was not found.`);
  return item;
}

function get(call: Call): Reply {
  const item = need(call);
  return ok(view(item), { ETag: item.entity_tag });
}

function replace(call: Call): Reply {
  const item = need(call);
  checkTag(call, item.entity_tag, "role_conflict_error");
  const fields = jsonFields(call, complain, badJson);
  item.display_name = fields.text("display_name", { max: 50 });
  item.actions = readActions(fields.texts("actions"));
  const description = fields.optionalText("description", { max: 250 });
  if (description !== undefined) item.description = description;
  item.entity_tag = nextEntityTag(item.entity_tag);
  item.last_modified_at = call.world.clock.iso();
  item.last_modified_by_id = call.caller?.iamId ?? "";
  return ok(view(item), { ETag: item.entity_tag });
}

function remove(call: Call): Reply {
  drop(call.world.state.policy.customRoles, need(call).id);
  return noContent;
}

/** If-Match must be exactly the current tag; quotes around it do not matter. */
export function checkTag(call: Call, current: string, conflictCode: string): void {
  const given = call.headers["if-match"];
  if (given === undefined || given === "") {
    throw new Refusal(400, "invalid_body", "The header 'If-Match' is required.");
  }
  if (given.replace(/^(?:W\/)?"(.*)"$/, "$1") !== current) {
    throw new Refusal(409, conflictCode, `If-Match '${given.slice(0, 80)}' is not the current ETag.`);
  }
}
