/**
 * The decision that every call of a service ID or trusted profile waits for: is there a policy that allows it? Policies
 * of an access group are kept and shown but grant nothing: who is in a group is known to an API that is not emulated.
 */
import type { Caller } from "../call";
import { accountIdOf, type World } from "../world";
import { customRoleActions, roleAllows } from "./roles";
import { matches, valueOf, type ResourceAttributes } from "./match";
import { ruleHolds } from "./rule";
import { enforceDue, subjectOf, type Policy } from "./store";

/** The account's owner may do everything; everybody else needs an active, enforced policy. */
export function isAllowed(world: World, caller: Caller, action: string, attributes: ResourceAttributes): boolean {
  if (caller.kind === "user" && caller.iamId === world.state.account.owner.iam_id) return true;
  const known = { accountId: accountIdOf(world), ...attributes };
  return grants(world, caller, action).some(
    (policy) => covers(policy, known) && ruleHolds(policy.rule, world.clock.now(), known),
  );
}

/** True when some policy grants the action on at least a part of the service: lists then show that part. */
export function isAllowedSomewhere(world: World, caller: Caller, action: string): boolean {
  if (caller.kind === "user" && caller.iamId === world.state.account.owner.iam_id) return true;
  const narrow = { serviceName: serviceOf(action), accountId: accountIdOf(world) };
  return grants(world, caller, action).some(
    (policy) =>
      policy.resource
        .filter(({ key }) => key in narrow || key === "serviceType")
        .every((attribute) => matches(attribute, valueOf(narrow, attribute.key))) &&
      ruleHolds(policy.rule, world.clock.now()),
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
      policy.roles.some((role) => roleAllows(role, action, customRoleActions(world, role))),
  );
}

function covers(policy: Policy, known: ResourceAttributes): boolean {
  return policy.resource.every((attribute) => matches(attribute, valueOf(known, attribute.key)));
}
