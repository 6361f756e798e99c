/**
 * Looks up the roles that policies can grant.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "List roles".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Role, listRoles } from "../../client/iam-policy";
import { object, text } from "../../core/validate";
import { assertValid } from "../preflight";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Whose roles to look up. */
export interface GetRolesArgs {
  /**
   * IAM's name of a service, such as `is` for VPC.
   * @default - the roles that are there for all services
   */
  readonly service?: string;
  /**
   * Id of a service group; not together with `service`.
   * @default - none
   */
  readonly serviceGroupId?: string;
}

const rule = object({
  fields: { service: text({ max: 1000 }), serviceGroupId: text({ max: 1000 }) },
  atMostOne: [["service", "serviceGroupId"]],
});

/**
 * Looks roles up: names, CRNs and the actions that each allows.
 * @example
 * const { roles } = await getRoles({ service: "is" });
 */
export async function getRoles(args: GetRolesArgs = {}, options?: LookupOptions): Promise<{ readonly roles: Role[] }> {
  assertValid("getRoles", rule, args);
  const { service, serviceGroupId } = args;
  return { roles: await listRoles(programSession(options), { serviceName: service, serviceGroupId }) };
}

/** The Output form of `getRoles`. */
export function getRolesOutput(
  args: LookupInput<GetRolesArgs> = {},
  options?: LookupOptions,
): pulumi.Output<{ readonly roles: Role[] }> {
  return whenKnown(args, (known) => getRoles(known, options));
}
