/**
 * A claim rule: whoever has these claims may become a trusted profile. For servers it needs no CRN, so unlike a link it can
 * exist before the server does.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Create claim rule for a trusted profile".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type ClaimRule,
  type ClaimRuleBody,
  type ClaimRuleType,
  createClaimRule,
  deleteClaimRule,
  getClaimRule,
  listClaimRules,
  replaceClaimRule,
} from "../client/iam-claim-rules";
import type { ComputeResourceType } from "../client/iam-identity";
import {
  type ObjectRule,
  type Problem,
  type Rule,
  UNKNOWN_SENTINEL,
  flag,
  integer,
  list,
  object,
  oneOf,
  show,
  text,
} from "../core/validate";
import {
  type ClaimCondition,
  type ResolvedCondition,
  SERVER_CLAIMS_TEXT,
  conditionRule,
  fromWire,
  toWire,
  unknownServerClaims,
} from "./claim-conditions";
import { currentSession } from "./connection";
import { createOnce, onceParentIsVisible, removeTwins, syncFound, syncOwned, unansweredOne, warn } from "./converge";
import { type FieldTable, compact, onlyFields, replacingFields, sameSet, sameValue } from "./diff";
import { type Internal, handlerFor } from "./handler";
import { endsWithHash, hashOf, keptName } from "./naming";
import { pairOf } from "./pair-id";
import { profileIdOf, profileRule } from "./references";
import { type ResourceType, VpcIdentityResource } from "./resource";
import { COMPUTE_RESOURCE_TYPES } from "./trusted-profile-link";

/** A rule for users of a federated identity provider. */
export interface SamlClaimRule {
  /** Who is meant: users. */
  readonly type: "Profile-SAML";
  /** The identity provider, by the URL of its realm. */
  readonly realmName: pulumi.Input<string>;
  /** How long a session may last, 1 to 86400 seconds. */
  readonly expirationSeconds: pulumi.Input<number>;
  readonly crType?: undefined;
}

/** A rule for compute resources. */
export interface ComputeResourceClaimRule {
  /** Who is meant: compute resources. */
  readonly type: "Profile-CR";
  /** Type of the compute resources: `VSI`, `BMS`, `PVS`, `IKS_SA`, `ROKS_SA` or `CE`. */
  readonly crType: pulumi.Input<ComputeResourceType>;
  readonly realmName?: undefined;
  readonly expirationSeconds?: undefined;
}

/** What all claim rules have. */
export interface ClaimRuleCommon {
  /** The trusted profile: its id (`Profile-<uuid>`), its IAM id or its CRN. A change replaces the rule. */
  readonly profileId: pulumi.Input<string>;
  /** What must hold, all of it; at least one condition. Several rules of a profile are alternatives. */
  readonly conditions: pulumi.Input<pulumi.Input<ClaimCondition>[]>;
  /**
   * Name of the rule, 1 to 255 characters; need not be unique. A rule with a name of your own has no hash: what a killed run
   * left behind is named in an error, and while IAM's list does not show it yet, a second rule is made.
   * @default - the resource's name and a hash, by which a repeated create finds its rule
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Take over an equal rule of the profile that exists already. It is deleted with the stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** Arguments of a claim rule; `type` decides what else it has to say. */
export type TrustedProfileClaimRuleArgs = ClaimRuleCommon & (SamlClaimRule | ComputeResourceClaimRule);

interface RuleFields {
  readonly type: ClaimRuleType;
  readonly realmName?: string | undefined;
  readonly expirationSeconds?: number | undefined;
  readonly crType?: ComputeResourceType | undefined;
  readonly conditions: readonly ResolvedCondition[];
}

/** What `check` makes of the arguments. */
export interface TrustedProfileClaimRuleInputs extends Internal, RuleFields {
  readonly profileId: string;
  readonly name: string;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a rule: what IAM answered last, with the values of the conditions decoded. */
export interface TrustedProfileClaimRuleOutputs extends RuleFields {
  readonly profileId: string;
  readonly name?: string | undefined;
  readonly entityTag: string;
  readonly createdAt?: string | undefined;
  readonly modifiedAt?: string | undefined;
}

/** What is allowed in the arguments of a claim rule. */
export const trustedProfileClaimRuleShape = {
  fields: {
    profileId: profileRule,
    type: oneOf("Profile-SAML", "Profile-CR"),
    realmName: text({ max: 1000 }),
    expirationSeconds: integer(1, 86_400, "seconds"),
    crType: oneOf(...COMPUTE_RESOURCE_TYPES),
    conditions: list(conditionRule, { min: 1 }),
    name: text({ max: 255 }),
    adopt: flag,
  },
  required: ["profileId", "type", "conditions"],
  also: variantProblems,
} satisfies ObjectRule;

/** Judges the arguments of a claim rule. */
export const trustedProfileClaimRuleRule: Rule = object(trustedProfileClaimRuleShape);

const ONLY_FOR = {
  realmName: "Profile-SAML",
  expirationSeconds: "Profile-SAML",
  crType: "Profile-CR",
} as const;

function variantProblems(args: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const { type } = args;
  if (type !== "Profile-SAML" && type !== "Profile-CR") return [];
  return Object.entries(ONLY_FOR).flatMap(([field, owner]) => {
    const value = args[field];
    const given = value !== undefined && value !== null;
    if (given === (owner === type)) return [];
    const property = path === "" ? field : `${path}.${field}`;
    const reason = given
      ? `is ${show(value)}; a rule of type ${type} has none`
      : `is missing; a rule of type ${type} needs it`;
    return [{ property, reason }];
  });
}

/** What a change of each argument means: IAM replaces everything but the profile. */
export const trustedProfileClaimRuleFields: FieldTable = {
  profileId: { change: "replace" },
  name: { change: "update", absent: "clear" },
  type: { change: "update" },
  realmName: { change: "update", absent: "clear" },
  expirationSeconds: { change: "update", absent: "clear" },
  crType: { change: "update", absent: "clear" },
  conditions: { change: "update", same: sameSet },
};

const REPLACING = replacingFields(trustedProfileClaimRuleFields);
const TYPE = "TrustedProfileClaimRule";

/** Manages claim rules. */
export const handler = handlerFor<TrustedProfileClaimRuleInputs, TrustedProfileClaimRuleOutputs>({
  rule: trustedProfileClaimRuleRule,
  fields: trustedProfileClaimRuleFields,
  wanted,
  complete: (inputs, { given, olds, same, text: marked }) => {
    const strange = inputs.crType === "VSI" ? unknownServerClaims(inputs.conditions) : [];
    if (strange.length > 0) {
      const names = strange.map((claim) => `"${claim}"`).join(" and ");
      warn(
        TYPE,
        { ...inputs },
        `no virtual server has the claim ${names}, so the rule lets none in. ${SERVER_CLAIMS_TEXT}`,
      );
    }
    return { ...inputs, name: given.name ?? keptName(olds.name, same, marked) };
  },
  create: async (inputs) => {
    const { profileId } = wanted(inputs);
    const rule = await ensureRule(inputs);
    return { id: `${profileId}/${rule.id}`, outputs: outputsOf(rule, profileId) };
  },
  update: async (id, olds, inputs) => {
    const { profileId, objectId } = pairOf(id, "rule");
    return outputsOf(await syncRule(profileId, objectId, olds, inputs), profileId);
  },
  read: async (id) => {
    const { profileId, objectId } = pairOf(id, "rule");
    const rule = await getClaimRule(currentSession(), profileId, objectId);
    return rule === undefined ? undefined : outputsOf(rule, profileId);
  },
  delete: async (id) => {
    const { profileId, objectId } = pairOf(id, "rule");
    await deleteClaimRule(currentSession(), profileId, objectId);
  },
  inputsOf: (outputs) => onlyFields(trustedProfileClaimRuleFields, outputs),
  keepsAccount: true,
  describe: (id) => `claim rule "${id}"`,
});

function wanted(inputs: TrustedProfileClaimRuleInputs): Omit<TrustedProfileClaimRuleInputs, "mark" | "adopt"> {
  const { profileId, name, type, realmName, expirationSeconds, crType, conditions } = inputs;
  const own = { name, type, realmName, expirationSeconds, crType, conditions };
  return { profileId: profileIdOf(profileId) ?? UNKNOWN_SENTINEL, ...own };
}

/** `check` has seen to it that there is what the type needs, and nothing else. */
function bodyOf(inputs: TrustedProfileClaimRuleInputs): ClaimRuleBody {
  const { name, realmName = "", expirationSeconds = 0, crType } = inputs;
  const common = { name, conditions: inputs.conditions.map(toWire) };
  return crType === undefined
    ? { ...common, type: "Profile-SAML", realmName, expirationSeconds }
    : { ...common, type: "Profile-CR", crType };
}

async function ensureRule(inputs: TrustedProfileClaimRuleInputs): Promise<ClaimRule> {
  const session = currentSession();
  const body = wanted(inputs);
  const { profileId, name } = body;
  const hash = hashOf({ ...body, mark: inputs.mark }, REPLACING);
  const named = !endsWithHash(name, hash);
  const isEqual = (rule: ClaimRule): boolean =>
    (!named || rule.name === name) && sameRule({ ...outputsOf(rule, profileId) }, { ...body });
  const isOurs = (rule: ClaimRule): boolean => endsWithHash(rule.name, hash);
  const list = (): Promise<ClaimRule[]> => onceParentIsVisible(() => listClaimRules(session, profileId));
  const look = async (): Promise<ClaimRule | undefined> => {
    const rules = await list();
    const own = rules.find(isOurs);
    // Equal rules may live side by side, but one with the name that the user chose would be the same twice.
    return own ?? (named || inputs.adopt === true ? rules.find(isEqual) : undefined);
  };
  const what = `claim rule "${name}" of trusted profile ${profileId}`;
  const { object: rule, found } = await createOnce<ClaimRule>({
    what,
    create: () => onceParentIsVisible(() => createClaimRule(session, profileId, bodyOf(inputs))),
    lookFirst: true,
    find: (error) => unansweredOne(look, error),
    isOurs: (other, unanswered) => isOurs(other) || (unanswered && other.name === name),
    adopt: inputs.adopt === true,
    describe: (other) => `the equal rule "${other.name ?? ""}" (${other.id})`,
  });
  // Without a hash in it, one of an interrupted run looks like any other.
  if (isOurs(rule)) {
    const remove = (id: string): Promise<void> => deleteClaimRule(session, profileId, id);
    await removeTwins({ what, id: rule.id, list, isOurs, remove });
  }
  if (!found) return rule;
  const outputs = outputsOf(rule, profileId);
  return syncFound({ id: `${profileId}/${rule.id}`, outputs }, () => syncRule(profileId, rule.id, outputs, inputs));
}

function sameRule(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(trustedProfileClaimRuleFields).every(
    ([field, { same = sameValue }]) => field === "name" || same(a[field], b[field]),
  );
}

function syncRule(
  profileId: string,
  id: string,
  known: TrustedProfileClaimRuleOutputs,
  inputs: TrustedProfileClaimRuleInputs,
): Promise<ClaimRule> {
  const session = currentSession();
  return syncOwned<ClaimRule>({
    what: `claim rule "${known.name ?? ""}" (${id}) of trusted profile ${profileId}`,
    fields: trustedProfileClaimRuleFields,
    known: { ...known },
    knownTag: known.entityTag,
    wanted: { ...wanted(inputs) },
    observe: () => getClaimRule(session, profileId, id),
    propertiesOf: (live) => ({ ...outputsOf(live, profileId) }),
    tagOf: (live) => live.entityTag,
    send: (tag) => replaceClaimRule(session, profileId, id, tag, bodyOf(inputs)),
  });
}

function outputsOf(rule: ClaimRule, profileId: string): TrustedProfileClaimRuleOutputs {
  return compact({
    profileId,
    name: rule.name,
    type: rule.type,
    realmName: rule.realmName,
    // IAM answers with a number for compute resources too, where it means nothing.
    expirationSeconds: rule.type === "Profile-SAML" ? rule.expirationSeconds : undefined,
    crType: rule.crType,
    conditions: rule.conditions.map(fromWire),
    entityTag: rule.entityTag,
    createdAt: rule.createdAt,
    modifiedAt: rule.modifiedAt,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: trustedProfileClaimRuleRule,
  outputs: [
    "profileId",
    "name",
    "type",
    "realmName",
    "expirationSeconds",
    "crType",
    "conditions",
    "entityTag",
    "createdAt",
    "modifiedAt",
  ],
};

/**
 * A claim rule of a trusted profile. Its resource id is `<profile id>/<rule id>`. A profile can have 20 rules.
 *
 * @example
 * new TrustedProfileClaimRule("servers", {
 *   profileId: profile.id,
 *   type: "Profile-CR",
 *   crType: "VSI",
 *   conditions: [{ claim: "vpc_id", operator: "EQUALS", value: vpc.id }],
 * });
 *
 * @example
 * new TrustedProfileClaimRule("admins", {
 *   profileId: profile.id,
 *   type: "Profile-SAML",
 *   realmName: "https://idp.example.com/saml",
 *   expirationSeconds: 3600,
 *   conditions: [{ claim: "groups", operator: "CONTAINS", value: "admins" }],
 * });
 */
export class TrustedProfileClaimRule extends VpcIdentityResource {
  /** The profile (`Profile-<uuid>`). */
  declare readonly profileId: pulumi.Output<string>;
  /** Name, if it has one. */
  declare readonly name: pulumi.Output<string | undefined>;
  /** `Profile-SAML` or `Profile-CR`. */
  declare readonly type: pulumi.Output<ClaimRuleType>;
  /** Identity provider; only with `Profile-SAML`. */
  declare readonly realmName: pulumi.Output<string | undefined>;
  /** Longest session, in seconds; only with `Profile-SAML`. */
  declare readonly expirationSeconds: pulumi.Output<number | undefined>;
  /** Type of compute resource; only with `Profile-CR`. */
  declare readonly crType: pulumi.Output<ComputeResourceType | undefined>;
  /** The conditions, with their values decoded. */
  declare readonly conditions: pulumi.Output<ResolvedCondition[]>;
  /** IAM's tag of the version that was last seen. */
  declare readonly entityTag: pulumi.Output<string>;
  /** Time of creation, ISO 8601. */
  declare readonly createdAt: pulumi.Output<string | undefined>;
  /** Time of the last change, ISO 8601. */
  declare readonly modifiedAt: pulumi.Output<string | undefined>;

  /**
   * Creates a claim rule.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: TrustedProfileClaimRuleArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the rule in its profile: the second part of `id`, and therefore not stored once more. */
  get ruleId(): pulumi.Output<string> {
    return this.id.apply((id) => id.slice(id.indexOf("/") + 1));
  }

  /** Reads a rule that exists, without managing it. `id` is `<profile id>/<rule id>`. */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    options?: pulumi.CustomResourceOptions,
  ): TrustedProfileClaimRule {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new TrustedProfileClaimRule(name, {} as TrustedProfileClaimRuleArgs, { ...options, id });
  }
}
