/** The decision that every call of a service ID or trusted profile waits for: is there a policy that allows it? */
import type { Caller } from "../call";
import { accountIdOf, type World } from "../world";
import { customRoleActions, roleAllows } from "./roles";
import { ruleHolds } from "./rule";
import { enforceDue, subjectOf, type Attribute, type Policy } from "./store";

/** What a call is about, in the words of policies: `serviceName` and whatever else is known. */
export type ResourceAttributes = Readonly<Record<string, string | undefined>>;

/** The account's owner may do everything; everybody else needs an active, enforced policy. */
export function isAllowed(world: World, caller: Caller, action: string, attributes: ResourceAttributes): boolean {
  if (caller.kind === "user" && caller.iamId === world.state.account.owner.iam_id) return true;
  return grants(world, caller, action).some((policy) => covers(world, policy, attributes));
}

/** True when some policy grants the action on at least a part of the service: lists then show that part. */
export function isAllowedSomewhere(world: World, caller: Caller, action: string): boolean {
  if (caller.kind === "user" && caller.iamId === world.state.account.owner.iam_id) return true;
  const narrow = { serviceName: serviceOf(action), accountId: accountIdOf(world) };
  return grants(world, caller, action).some((policy) =>
    policy.resource
      .filter(({ key }) => key in narrow || key === "serviceType")
      .every((attribute) => matches(attribute, valueOf(narrow, attribute.key))),
  );
}

const serviceOf = (action: string): string => action.split(".")[0] ?? "";

function grants(world: World, caller: Caller, action: string): Policy[] {
  enforceDue(world);
  return Object.values(world.state.policy.enforced).filter(
    (policy) =>
      policy.state === "active" &&
      policy.type === "access" &&
      subjectOf(policy) === caller.iamId &&
      policy.roles.some((role) => roleAllows(role, action, customRoleActions(world, role))) &&
      ruleHolds(policy.rule, world.clock.now()),
  );
}

function covers(world: World, policy: Policy, attributes: ResourceAttributes): boolean {
  const known = { accountId: accountIdOf(world), ...attributes };
  return policy.resource.every((attribute) => matches(attribute, valueOf(known, attribute.key)));
}

/** Platform services are those for managing the account itself. */
const PLATFORM_SERVICES = ["iam-identity", "iam-access-management", "iam-groups", "user-management", "billing"];

function valueOf(attributes: ResourceAttributes, key: string): string | undefined {
  if (key === "serviceType") {
    return PLATFORM_SERVICES.includes(attributes.serviceName ?? "") ? "platform_service" : "service";
  }
  return attributes[key];
}

/** One attribute of a policy against the value that the call has for it. */
export function matches(attribute: Attribute, value: string | undefined): boolean {
  if (attribute.operator === "stringExists") return (value !== undefined) === (String(attribute.value) === "true");
  if (value === undefined) return false;
  const wanted = Array.isArray(attribute.value) ? attribute.value : [String(attribute.value)];
  return attribute.operator.startsWith("stringMatch") || wanted.includes("*")
    ? wanted.some((pattern) => wildcard(pattern).test(value))
    : wanted.includes(value);
}

/** `*` and `?` are wildcards; `{{*}}` and `{{?}}` stand for the characters themselves. */
function wildcard(pattern: string): RegExp {
  const source = pattern.replace(/\{\{([*?])\}\}|[*?]|[\\^$.|+()[\]{}]/g, (found, literal: string | undefined) => {
    if (literal !== undefined) return `\\${literal}`;
    return found === "*" ? ".*" : found === "?" ? "." : `\\${found}`;
  });
  return new RegExp(`^${source}$`, "s");
}
