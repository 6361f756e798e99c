/**
 * Roles by the name that a person knows, turned into the CRNs that IAM stores.
 *
 * The service segment of a role's CRN differs between IBM's own documents, so names are looked up and never composed.
 */
import type { dynamic } from "@pulumi/pulumi";
import { type RoleFilter, listRoles } from "../client/iam-policy";
import type { Session } from "../client/session";
import { CRN, UNKNOWN_SENTINEL, show } from "../core/validate";

/** CRNs in the order of the roles, or what is wrong with the roles. */
export interface ResolvedRoles {
  readonly roleIds: readonly string[];
  readonly failures: dynamic.CheckFailure[];
}

/** In a preview in which the roles are unknown; the whole list is then Pulumi's sentinel. */
export const UNKNOWN_ROLES: ResolvedRoles = { roleIds: UNKNOWN_SENTINEL as unknown as string[], failures: [] };

/** Looks the names up among the roles of a service or service group (of neither: the platform's). CRNs are taken as they are. */
export async function resolveRoles(session: Session, roles: readonly string[], of: RoleFilter): Promise<ResolvedRoles> {
  if (roles.every((role) => CRN.test(role))) return { roleIds: roles, failures: [] };
  const known = await listRoles(session, of);
  const owner =
    of.serviceName !== undefined
      ? `service "${of.serviceName}"`
      : of.serviceGroupId !== undefined
        ? `service group "${of.serviceGroupId}"`
        : "the platform";
  const allowed = known.map(({ displayName }) => `"${displayName}"`).join(", ");
  const roleIds: string[] = [];
  const failures: dynamic.CheckFailure[] = [];
  for (const [index, role] of roles.entries()) {
    const crn = CRN.test(role) ? role : known.find(({ displayName }) => displayName === role)?.crn;
    if (crn !== undefined) roleIds.push(crn);
    else {
      const reason = `is ${show(role)}; must be the CRN of a role or a role of ${owner}: ${allowed}`;
      failures.push({ property: `roles[${index}]`, reason });
    }
  }
  return { roleIds, failures };
}
