/**
 * An access policy (v2): what an identity may do, and on what.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "Create a policy", "List roles".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type Attribute,
  type Policy,
  type PolicyBody,
  createPolicy,
  deletePolicy,
  getPolicy,
  listPolicies,
  replacePolicy,
} from "../client/iam-policy";
import { isHttpError } from "../core/errors";
import {
  CRN,
  PROFILE_ID,
  type Rule,
  UNKNOWN_SENTINEL,
  flag,
  isRecord,
  list,
  object,
  show,
  text,
} from "../core/validate";
import { configure, currentSession } from "./connection";
import { createOnce, failuresOf, notFoundError, syncOwned, untilVisible } from "./converge";
import { type FieldTable, compact, diffByTable, replacingFields, sameSet, sameValue } from "./diff";
import { hashOf, isKnownThroughout, isSameObject, markedText } from "./naming";
import {
  type PolicyTarget,
  type TargetInputs,
  attributesOf,
  serviceOf,
  targetFields,
  targetProblems,
} from "./policy-target";
import { type ResolvedRoles, UNKNOWN_ROLES, resolveRoles } from "./policy-roles";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** A policy for a trusted profile. */
export interface ProfileSubject {
  /** The trusted profile: its id (`Profile-<uuid>`), its IAM id or its CRN. A change replaces the policy. */
  readonly profileId: pulumi.Input<string>;
  readonly iamId?: undefined;
}

/** A policy for any identity. */
export interface IamIdSubject {
  /** IAM id of the identity: `iam-Profile-...`, `iam-ServiceId-...`, `IBMid-...`. A change replaces the policy. */
  readonly iamId: pulumi.Input<string>;
  readonly profileId?: undefined;
}

/** What a policy grants, whoever gets it. */
export interface PolicyGrant {
  /** Roles by the name that IBM's console shows ("Operator", "Writer"; letter case counts) or by CRN; at least one. */
  readonly roles: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Description, at most 300 characters. "" for none.
   * @default - the resource's name and a hash, by which a repeated create finds its policy
   */
  readonly description?: pulumi.Input<string>;
  /**
   * Take over an equal policy (subject, target and roles) that exists already, instead of failing. It is deleted with the
   * stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** Arguments of an access policy: who, what they may do, and on what. */
export type AccessPolicyArgs = PolicyGrant & (ProfileSubject | IamIdSubject) & PolicyTarget;

/** What `check` makes of the arguments. */
export interface AccessPolicyInputs extends TargetInputs {
  readonly profileId?: string | undefined;
  readonly iamId?: string | undefined;
  readonly roles: readonly string[];
  /** CRNs of `roles`, or Pulumi's sentinel in a preview in which they are unknown. */
  readonly roleIds: readonly string[];
  readonly description?: string | undefined;
  readonly adopt?: boolean | undefined;
  readonly mark: string;
}

/** What the state holds of a policy: what IAM answered last. */
export interface AccessPolicyOutputs {
  readonly iamId: string;
  readonly roleIds: readonly string[];
  readonly attributes: readonly Attribute[];
  readonly description?: string | undefined;
  /** The version of the API through which the policy was made, and is changed and deleted. */
  readonly apiVersion: "v1" | "v2";
  /** "" when IAM answered without one. */
  readonly entityTag: string;
}

/** Rules of what a policy grants; shared with components, which add the subject. */
export const policyGrantFields: Readonly<Record<string, Rule>> = {
  roles: list(text({ max: 1000 }), { min: 1 }),
  description: text({ min: 0, max: 300 }),
  adopt: flag,
  ...targetFields,
};

/** Judges the arguments of a policy. */
export const accessPolicyRule: Rule = object({
  fields: {
    ...policyGrantFields,
    profileId: (value, path) =>
      profileIamId(value) === undefined
        ? [
            {
              property: path,
              reason: `is ${show(value)}; must be a profile id ("Profile-<uuid>"), the profile's IAM id or its CRN`,
            },
          ]
        : [],
    iamId: text({ max: 1000 }),
  },
  required: ["roles"],
  exactlyOne: [["profileId", "iamId"]],
  also: targetProblems,
});

/** What a change means. The fields are those of the outputs: however it is written, the same grant is no change. */
export const accessPolicyFields: FieldTable = {
  iamId: { change: "replace" },
  roleIds: { change: "update", same: sameSet },
  attributes: { change: "update", same: (old, wanted) => sameSet(withoutAccount(old), withoutAccount(wanted)) },
  description: { change: "update", absent: "clear" },
};

const REPLACING = replacingFields(accessPolicyFields);
const TYPE = "AccessPolicy";

/** Manages access policies. */
export const handler: pulumi.dynamic.ResourceProvider<AccessPolicyInputs, AccessPolicyOutputs> = {
  configure,

  check: async (rawOlds, rawNews) => {
    const [olds, news] = [compact(rawOlds), compact(rawNews)];
    const invalid = failuresOf(accessPolicyRule, argumentsOf(news));
    if (invalid.length > 0) return { inputs: news, failures: invalid };
    const { roleIds, failures } = await rolesOf(olds, news);
    if (failures.length > 0) return { inputs: news, failures };
    const same = isSameObject(identityOf(olds), identityOf(news), accessPolicyFields);
    const marked = { ...news, roleIds, mark: same ? olds.mark : news.mark };
    return {
      inputs: compact({ ...marked, description: news.description ?? markedText(identityOf(marked), REPLACING) }),
    };
  },

  diff: async (_id, olds, news) => diffByTable(accessPolicyFields, { ...compact(olds) }, wantedOf(compact(news))),

  create: async (rawInputs) => {
    const inputs = compact(rawInputs);
    const policy = await ensurePolicy(inputs);
    return { id: policy.id, outs: outputsOf(policy, subjectOf(inputs)) };
  },

  update: async (id, olds, news) => {
    const policy = await syncPolicy(id, compact(olds), compact(news));
    return { outs: outputsOf(policy, olds.iamId) };
  },

  read: async (id, props) => {
    const policy = await livePolicy(id);
    if (policy !== undefined) return { id: policy.id, props: outputsOf(policy, props?.iamId ?? "") };
    if (props?.apiVersion === undefined) throw notFoundError(`policy "${id}"`);
    return {};
  },

  delete: async (id, props) => deletePolicy(currentSession(), id, props.apiVersion),
};

/** The user's arguments among the inputs: `roleIds` is made by `check`. */
function argumentsOf(news: AccessPolicyInputs): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(news).filter(([key]) => key !== "roleIds"));
}

/** `iam-Profile-<uuid>` for any way to name a profile: IAM makes it from the id, which ends the CRN as well. */
function profileIamId(profile: unknown): string | undefined {
  if (typeof profile !== "string") return undefined;
  const id = (CRN.test(profile) ? (profile.split(":").at(-1) ?? "") : profile).replace(/^iam-/, "");
  return PROFILE_ID.test(id) ? `iam-${id}` : undefined;
}

/** The subject's IAM id, or Pulumi's sentinel. */
function subjectOf({ iamId, profileId }: AccessPolicyInputs): string {
  return iamId ?? profileIamId(profileId) ?? UNKNOWN_SENTINEL;
}

function identityOf(inputs: AccessPolicyInputs): Readonly<Record<string, unknown>> {
  return { mark: inputs.mark, iamId: subjectOf(inputs) };
}

/** The inputs in terms of the outputs. */
function wantedOf(inputs: AccessPolicyInputs): Readonly<Record<string, unknown>> {
  const known = (Object.keys(targetFields) as (keyof TargetInputs)[]).every((key) => isKnownThroughout(inputs[key]));
  return {
    iamId: subjectOf(inputs),
    roleIds: inputs.roleIds,
    attributes: known ? attributesOf(inputs) : UNKNOWN_SENTINEL,
    description: inputs.description,
  };
}

/** The account is added to every policy, so it never makes a difference. */
function withoutAccount(attributes: unknown): unknown {
  return Array.isArray(attributes)
    ? attributes.filter((attribute: unknown) => !isRecord(attribute) || attribute.key !== "accountId")
    : attributes;
}

/** Role names become CRNs only when they or their service changed, so that a run without changes calls nothing. */
async function rolesOf(olds: Partial<AccessPolicyInputs>, news: AccessPolicyInputs): Promise<ResolvedRoles> {
  if (!isKnownThroughout([news.roles, news.service, news.resourceAttributes])) return UNKNOWN_ROLES;
  const same = (["roles", "service", "resourceAttributes"] as const).every((key) => sameValue(olds[key], news[key]));
  if (same && Array.isArray(olds.roleIds)) return { roleIds: olds.roleIds, failures: [] };
  return resolveRoles(currentSession(), news.roles, serviceOf(news));
}

async function bodyOf(inputs: AccessPolicyInputs): Promise<PolicyBody> {
  const account: Attribute = { key: "accountId", operator: "stringEquals", value: await currentSession().accountId() };
  return {
    type: "access",
    description: inputs.description ?? "",
    subject: [{ key: "iam_id", operator: "stringEquals", value: subjectOf(inputs) }],
    resource: { attributes: [...attributesOf(inputs), account] },
    roleIds: inputs.roleIds,
  };
}

async function ensurePolicy(inputs: AccessPolicyInputs): Promise<Policy> {
  const session = currentSession();
  const subject = subjectOf(inputs);
  const hash = hashOf(identityOf(inputs), REPLACING);
  const isOurs = (policy: Policy): boolean => (policy.description ?? "").endsWith(`-${hash}`);
  const { object: policy, found } = await createOnce<Policy>({
    what: `policy for ${subject}`,
    create: async () => createPolicy(session, await bodyOf(inputs)),
    find: async (error) => (await ownPolicy(subject, isOurs)) ?? (await conflictingPolicy(error)),
    isOurs,
    adopt: inputs.adopt === true,
    describe: (other) => `the policy ${other.id} with the same subject, target and roles`,
  });
  return found ? syncPolicy(policy.id, outputsOf(policy, subject), inputs) : policy;
}

async function ownPolicy(iamId: string, isOurs: (policy: Policy) => boolean): Promise<Policy | undefined> {
  for await (const policy of listPolicies(currentSession(), { iamId })) {
    // A list carries no tags, and the next write needs one.
    if (policy.state !== "deleted" && isOurs(policy)) return untilVisible(() => livePolicy(policy.id));
  }
  return undefined;
}

/** The policy that IAM names when it refuses an equal one: as an object, or as a text with the id or the whole object. */
async function conflictingPolicy(error: unknown): Promise<Policy | undefined> {
  if (!isHttpError(error) || !isRecord(error.serverDetails)) return undefined;
  const conflict = error.serverDetails.conflicts_with;
  const policy = isRecord(conflict) ? conflict.policy : undefined;
  const id = isRecord(policy) ? policy.id : UUID.exec(typeof policy === "string" ? policy : "")?.[0];
  return typeof id === "string" ? untilVisible(() => livePolicy(id)) : undefined;
}

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** A deleted policy stays readable for a while; it is as good as gone. */
async function livePolicy(id: string): Promise<Policy | undefined> {
  const policy = await getPolicy(currentSession(), id);
  return policy === undefined || policy.state === "deleted" ? undefined : policy;
}

function syncPolicy(id: string, known: AccessPolicyOutputs, wanted: AccessPolicyInputs): Promise<Policy> {
  const session = currentSession();
  return syncOwned<Policy>({
    what: `policy ${id} for ${known.iamId}`,
    fields: accessPolicyFields,
    known: { ...known },
    knownTag: known.entityTag,
    wanted: wantedOf(wanted),
    observe: () => livePolicy(id),
    propertiesOf: (live) => ({ ...outputsOf(live, known.iamId) }),
    tagOf: (live) => live.etag,
    send: async (tag) => replacePolicy(session, id, tag, await bodyOf(wanted), known.apiVersion),
  });
}

function outputsOf(policy: Policy, subject: string): AccessPolicyOutputs {
  const iamId = policy.subject.find(({ key }) => key === "iam_id")?.value;
  return compact({
    iamId: typeof iamId === "string" ? iamId : subject,
    roleIds: policy.roleIds,
    attributes: policy.resource.attributes,
    description: policy.description,
    apiVersion: policy.version,
    entityTag: policy.etag,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: accessPolicyRule,
  outputs: ["iamId", "roleIds", "attributes", "description", "apiVersion", "entityTag"],
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
 * });
 */
export class AccessPolicy extends VpcIdentityResource {
  /** IAM id of the identity that has the roles. */
  declare readonly iamId: pulumi.Output<string>;
  /** CRNs of the roles. */
  declare readonly roleIds: pulumi.Output<string[]>;
  /** Resource attributes as IAM stores them, `accountId` included. */
  declare readonly attributes: pulumi.Output<Attribute[]>;
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
