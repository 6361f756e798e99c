/** The two views of a policy. */
import type { World } from "../world";
import { displayOfRole } from "./roles";
import type { Attribute, Policy } from "./store";

export function viewOf(world: World, policy: Policy, version: 1 | 2, format?: string): object {
  const { id, type, description, state } = policy;
  return {
    id,
    type,
    ...(description === undefined ? {} : { description }),
    ...(version === 1 ? v1Parts(world, policy, format) : v2Parts(world, policy, format)),
    href: `https://iam.cloud.ibm.com/v${policy.version}/policies/${id}`,
    created_at: policy.created_at,
    created_by_id: policy.created_by_id,
    last_modified_at: policy.last_modified_at,
    last_modified_by_id: policy.last_modified_by_id,
    state,
  };
}

function v1Parts(world: World, policy: Policy, format: string | undefined): object {
  const attribute = ({ key, operator, value }: Attribute, withOperator: boolean): object => ({
    name: key,
    value: Array.isArray(value) ? value.join(",") : String(value),
    ...(withOperator ? { operator } : {}),
  });
  return {
    subjects: [{ attributes: (policy.subject ?? []).map((item) => attribute(item, false)) }],
    roles: policy.roles.map((role) => roleOf(world, role, 1, format)),
    resources: [
      {
        attributes: policy.resource.map((item) => attribute(item, true)),
        ...(policy.tags === undefined ? {} : { tags: policy.tags.map((item) => attribute(item, true)) }),
      },
    ],
  };
}

function v2Parts(world: World, policy: Policy, format: string | undefined): object {
  return {
    ...(policy.subject === undefined ? {} : { subject: { attributes: policy.subject } }),
    control: { grant: { roles: policy.roles.map((role) => roleOf(world, role, 2, format)) } },
    resource: { attributes: policy.resource, ...(policy.tags === undefined ? {} : { tags: policy.tags }) },
    ...(policy.pattern === undefined ? {} : { pattern: policy.pattern }),
    ...(policy.rule === undefined ? {} : { rule: policy.rule }),
  };
}

const roleOf = (world: World, crn: string, version: 1 | 2, format: string | undefined): object =>
  format === "display" ? displayOfRole(world, crn, version) : { role_id: crn };
