/**
 * The decision that every call of a service ID or trusted profile waits for: is there a policy that allows it? Policies
 * of an access group are kept and shown but grant nothing: who is in a group is known to an API that is not emulated.
 */
import type { Caller } from "../call";
import { accountIdOf, type World } from "../world";
import { customRoleActions, roleAllows } from "./roles";
import { matches, valueOf, type ResourceAttributes } from "./match";
import { ruleHolds } from "./rule";
import { enforceDue, subjectOf, type Attribute, type Policy } from "./store";

/** A policy about the caller, and what keeps it from allowing the action: nothing, if it does. */
export interface Opinion {
  readonly policy: Policy;
  readonly objection: string | undefined;
}

/** The account's owner may do everything; everybody else needs an active, enforced policy. */
export function isAllowed(world: World, caller: Caller, action: string, attributes: ResourceAttributes): boolean {
  return isOwner(world, caller) || opinions(world, caller, action, attributes).some(agrees);
}

/** True when some policy grants the action on at least a part of the service: lists then show that part. */
export function isAllowedSomewhere(world: World, caller: Caller, action: string): boolean {
  return isOwner(world, caller) || opinions(world, caller, action).some(agrees);
}

/** What every enforced policy about the caller says to an action; without attributes, on any part of the service. */
export function opinions(world: World, caller: Caller, action: string, attributes?: ResourceAttributes): Opinion[] {
  enforceDue(world);
  const account = { accountId: accountIdOf(world) };
  const known =
    attributes === undefined ? { serviceName: serviceOf(action), ...account } : { ...account, ...attributes };
  return Object.values(world.state.policy.enforced)
    .filter(({ state, type }) => state === "active" && type === "access")
    .filter((policy) => subjectOf(policy) === caller.iamId)
    .map((policy) => ({ policy, objection: objection(world, policy, action, known, attributes === undefined) }));
}

const agrees = ({ objection }: Opinion): boolean => objection === undefined;

const isOwner = (world: World, caller: Caller): boolean =>
  caller.kind === "user" && caller.iamId === world.state.account.owner.iam_id;

const serviceOf = (action: string): string => action.split(".")[0] ?? "";

function objection(
  world: World,
  policy: Policy,
  action: string,
  known: ResourceAttributes,
  anywhere: boolean,
): string | undefined {
  if (!policy.roles.some((role) => roleAllows(role, action, customRoleActions(world, role)))) {
    return `its roles do not allow ${action}`;
  }
  const missed = policy.resource
    .filter(({ key }) => !anywhere || key in known || key === "serviceType")
    .find((attribute) => !matches(attribute, valueOf(known, attribute.key)));
  if (missed !== undefined)
    return `it is for ${told(missed)}, and here it is ${valueOf(known, missed.key) ?? "unknown"}`;
  const holds = ruleHolds(policy.rule, world.clock.now(), anywhere ? undefined : known);
  return holds ? undefined : "its conditions do not hold now";
}

const told = ({ key, operator, value }: Attribute): string => `${key} ${operator} ${String(value)}`;
