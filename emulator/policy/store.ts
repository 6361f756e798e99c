/**
 * Access policies: one store behind the v1 and the v2 view, and the record of which of them are enforced already.
 * A policy is kept in v2 terms; v1 is a way to write and read it.
 */
import type { Table } from "../table";
import type { World } from "../world";

export interface Attribute {
  key: string;
  operator: string;
  value: string | boolean | string[];
}

export interface RuleCondition {
  key: string;
  operator: string;
  value: string | boolean | string[];
}

export interface RuleGroup {
  operator: string;
  conditions: (RuleCondition | RuleGroup)[];
}

export interface Policy {
  id: string;
  /** The API version it was created with: decides its `href`. */
  version: 1 | 2;
  entity_tag: string;
  type: string;
  description?: string;
  subject?: Attribute[];
  roles: string[];
  resource: Attribute[];
  tags?: Attribute[];
  pattern?: string;
  rule?: RuleCondition | RuleGroup;
  created_at: string;
  created_by_id: string;
  last_modified_at: string;
  last_modified_by_id: string;
  state: "active" | "deleted";
}

export interface CustomRole {
  id: string;
  entity_tag: string;
  name: string;
  display_name: string;
  description?: string;
  actions: string[];
  account_id: string;
  service_name: string;
  crn: string;
  created_at: string;
  created_by_id: string;
  last_modified_at: string;
  last_modified_by_id: string;
}

export interface PolicyState {
  policies: Table<Policy>;
  customRoles: Table<CustomRole>;
  /** What decisions are made on; lags behind `policies` by the enforcement delay. */
  enforced: Table<Policy>;
  /** Changes that are not enforced yet, oldest first. */
  waiting: { at: number; policy: Policy }[];
}

/** Saves a policy and queues it for enforcement. */
export function savePolicy(world: World, policy: Policy): void {
  const state = world.state.policy;
  state.policies[policy.id] = policy;
  const at = world.clock.now() + world.settings.enforcementDelaySeconds * 1000;
  state.waiting.push({ at, policy: structuredClone(policy) });
  enforceDue(world);
}

/** Brings what is enforced up to the present. */
export function enforceDue(world: World): void {
  const { waiting, enforced } = world.state.policy;
  while (waiting[0] !== undefined && waiting[0].at <= world.clock.now()) {
    const { policy } = waiting[0];
    enforced[policy.id] = policy;
    waiting.shift();
  }
}

/** The iam_id or access group that a policy is about. */
export function subjectOf(policy: Policy, key = "iam_id"): string | undefined {
  const value = policy.subject?.find((attribute) => attribute.key === key)?.value;
  return typeof value === "string" ? value : undefined;
}

/** Marks the policies of a deleted subject as deleted. */
export function forgetSubject(world: World, iamId: string): void {
  for (const policy of Object.values(world.state.policy.policies)) {
    if (policy.state === "active" && subjectOf(policy) === iamId) savePolicy(world, { ...policy, state: "deleted" });
  }
}
