/**
 * An access policy (v2): what an identity may do, and on what.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "Create a policy", "List roles".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Attribute, PolicyRule, Tag } from "../client/iam-policy";
import {
  type AccessPolicyArgs,
  type AccessPolicyInputs,
  type AccessPolicyOutputs,
  accessPolicyFields,
  accessPolicyRule,
  beyondV1,
  wantedPolicy,
} from "./access-policy-args";
import { currentSession } from "./connection";
import { sameValue } from "./diff";
import { handlerFor } from "./handler";
import { isKnownThroughout, keptName } from "./naming";
import { ensurePolicy, readPolicy, removePolicy, syncPolicy } from "./policy-lifecycle";
import { type ResolvedRoles, UNKNOWN_ROLES, resolveRoles } from "./policy-roles";
import { ruleArgsOf } from "./policy-rule";
import { subjectArgsOf } from "./policy-subject";
import { roleOwnerOf, targetArgsOf } from "./policy-target";
import { type ResourceType, VpcIdentityResource } from "./resource";

const TYPE = "AccessPolicy";

/** Manages access policies. */
export const handler = handlerFor<AccessPolicyInputs, AccessPolicyOutputs>({
  rule: accessPolicyRule,
  computed: ["roleIds"],
  fields: accessPolicyFields,
  wanted: wantedPolicy,
  complete: async (inputs, { olds, same, text: marked }) => {
    const { roleIds, failures } = await rolesOf(olds, inputs);
    if (failures.length > 0) return failures;
    return { ...inputs, roleIds, description: inputs.description ?? keptName(olds.description, same, marked) };
  },
  alsoReplaces: (olds, inputs) => (olds.apiVersion === "v1" ? beyondV1(inputs) : []),
  create: ensurePolicy,
  update: syncPolicy,
  read: readPolicy,
  delete: removePolicy,
  inputsOf: ({ roleIds, attributes, tags, pattern, rule, description, ...subject }) => ({
    ...subjectArgsOf(subject),
    roles: roleIds,
    roleIds,
    ...targetArgsOf(attributes, tags),
    rule: ruleArgsOf({ pattern, rule }),
    description,
  }),
  placeOf: ({ attributes }) => ({ accountId: attributes?.find(({ key }) => key === "accountId")?.value }),
  describe: (id) => `policy "${id}"`,
});

const ROLE_SOURCES = ["roles", "service", "serviceGroupId", "resourceAttributes"] as const;

/** Role names become CRNs only when they or their service changed, so that a run without changes calls nothing. */
async function rolesOf(olds: Partial<AccessPolicyInputs>, news: AccessPolicyInputs): Promise<ResolvedRoles> {
  if (!isKnownThroughout(ROLE_SOURCES.map((key) => news[key]))) return UNKNOWN_ROLES;
  const same = ROLE_SOURCES.every((key) => sameValue(olds[key], news[key]));
  if (same && Array.isArray(olds.roleIds)) return { roleIds: olds.roleIds, failures: [] };
  return resolveRoles(currentSession(), news.roles, roleOwnerOf(news));
}

const KIND: ResourceType = {
  type: TYPE,
  rule: accessPolicyRule,
  outputs: [
    "iamId",
    "accessGroupId",
    "roleIds",
    "attributes",
    "tags",
    "pattern",
    "rule",
    "description",
    "apiVersion",
    "entityTag",
  ],
};

/**
 * An access policy of IBM Cloud IAM: roles for one identity on one target. Its resource id is the policy's id.
 *
 * A policy that is visible is not enforced at once: a first call with the new right may be refused for some minutes.
 *
 * @example
 * new AccessPolicy("app-vpc", { profileId: profile.id, roles: ["Operator"], service: "is" });
 *
 * @example
 * new AccessPolicy("app-bucket", {
 *   profileId: profile.id,
 *   roles: ["Writer"],
 *   service: "cloud-object-storage",
 *   serviceInstanceId: instance.guid,
 *   resourceType: "bucket",
 *   resource: "app-data",
 *   rule: {
 *     pattern: "time-based-conditions:weekly:custom-hours",
 *     days: ["monday", "tuesday", "wednesday", "thursday", "friday"],
 *     startTime: "08:00",
 *     endTime: "18:00",
 *     utcOffset: "+01:00",
 *   },
 * });
 */
export class AccessPolicy extends VpcIdentityResource {
  /** IAM id of the identity that has the roles; absent for an access group. */
  declare readonly iamId: pulumi.Output<string | undefined>;
  /** Id of the access group that has the roles, if it is one. */
  declare readonly accessGroupId: pulumi.Output<string | undefined>;
  /** CRNs of the roles. */
  declare readonly roleIds: pulumi.Output<string[]>;
  /** Resource attributes as IAM stores them, `accountId` included. */
  declare readonly attributes: pulumi.Output<Attribute[]>;
  /** Access tags that the resource must carry, if any. */
  declare readonly tags: pulumi.Output<Tag[] | undefined>;
  /** Kind of the rule, if there is one. */
  declare readonly pattern: pulumi.Output<string | undefined>;
  /** When the grant holds, as IAM stores it; absent when it always does. */
  declare readonly rule: pulumi.Output<PolicyRule | undefined>;
  /** Description, if there is one. */
  declare readonly description: pulumi.Output<string | undefined>;
  /** The version of IBM's API that manages the policy; "v1" only for one that was made elsewhere. */
  declare readonly apiVersion: pulumi.Output<"v1" | "v2">;
  /** IAM's tag of the version that was last seen; "" when it sent none. */
  declare readonly entityTag: pulumi.Output<string>;

  /**
   * Creates a policy.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: AccessPolicyArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the policy; the same as `id`, and therefore not stored once more. */
  get policyId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a policy that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): AccessPolicy {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new AccessPolicy(name, {} as AccessPolicyArgs, { ...options, id });
  }
}
