/**
 * What a policy grants access to: the typed forms of the arguments and the resource attributes that IAM stores for them.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "Create a policy"; IBM Cloud docs, "IAM policy attributes".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Attribute, RoleFilter, Tag } from "../client/iam-policy";
import { type Problem, type Rule, flag, isKnown, list, object, oneOf, show, text } from "../core/validate";
import { type AttributeOperator, VALUE, attributeValueRule, operatorRule } from "./policy-attribute";

/** One attribute that a resource must have. */
export interface ResourceAttribute {
  /** IAM's name of the attribute, such as `vpcId` or `instanceId`. */
  readonly key: pulumi.Input<string>;
  /** Text; true or false for `stringExists`; a list of texts for the "AnyOf" operators. */
  readonly value: pulumi.Input<string | boolean | pulumi.Input<string>[]>;
  /**
   * How the value is compared.
   * @default "stringEquals"
   */
  readonly operator?: pulumi.Input<AttributeOperator>;
}

/** An access tag that a resource must carry. */
export interface ResourceTag {
  /** Name of the tag: what stands before the colon, such as "project". */
  readonly key: pulumi.Input<string>;
  /** Value of the tag: what stands after the colon. */
  readonly value: pulumi.Input<string>;
  /**
   * How the value is compared; `stringMatch` takes `*` and `?`.
   * @default "stringEquals"
   */
  readonly operator?: pulumi.Input<"stringEquals" | "stringMatch">;
}

/** Further limits, for any target. */
interface Narrowing {
  /**
   * Access tags that the resource must carry, all of them.
   * @default - none
   */
  readonly resourceTags?: pulumi.Input<pulumi.Input<ResourceTag>[]>;
  /**
   * Attributes that the resource must have as well.
   * @default - none
   */
  readonly resourceAttributes?: pulumi.Input<pulumi.Input<ResourceAttribute>[]>;
}

/** One service, or a part of it. */
export interface ServiceTarget extends Narrowing {
  /** IAM's name of the service: `is` for VPC, `cloud-object-storage`, `secrets-manager`... */
  readonly service: pulumi.Input<string>;
  /**
   * One instance of the service, by its id (GUID).
   * @default - all instances
   */
  readonly serviceInstanceId?: pulumi.Input<string>;
  /**
   * One region.
   * @default - all regions
   */
  readonly region?: pulumi.Input<string>;
  /**
   * One type of resource within the service, such as `bucket`.
   * @default - all types
   */
  readonly resourceType?: pulumi.Input<string>;
  /**
   * One resource of `resourceType`.
   * @default - all resources of the type
   */
  readonly resource?: pulumi.Input<string>;
  /**
   * Only resources in this resource group.
   * @default - all groups
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  readonly serviceGroupId?: undefined;
  readonly allServices?: undefined;
  readonly accountManagement?: undefined;
}

/** Everything in one resource group. */
export interface ResourceGroupTarget extends Narrowing {
  /** Id of the resource group. */
  readonly resourceGroupId: pulumi.Input<string>;
  readonly serviceGroupId?: undefined;
  readonly service?: undefined;
  readonly allServices?: undefined;
  readonly accountManagement?: undefined;
}

/** A group of services. */
export interface ServiceGroupTarget extends Narrowing {
  /** Id of the service group, such as "IAM" (all IAM account management services). */
  readonly serviceGroupId: pulumi.Input<string>;
  readonly service?: undefined;
  readonly resourceGroupId?: undefined;
  readonly allServices?: undefined;
  readonly accountManagement?: undefined;
}

/** All services that IAM governs. Has to be asked for: leaving a target out would otherwise grant everything. */
export interface AllServicesTarget extends Narrowing {
  /** Must be `true`. */
  readonly allServices: true;
  readonly serviceGroupId?: undefined;
  readonly service?: undefined;
  readonly resourceGroupId?: undefined;
  readonly accountManagement?: undefined;
}

/** All account management services: billing, users, IAM itself. */
export interface AccountManagementTarget extends Narrowing {
  /** Must be `true`. */
  readonly accountManagement: true;
  readonly serviceGroupId?: undefined;
  readonly service?: undefined;
  readonly resourceGroupId?: undefined;
  readonly allServices?: undefined;
}

/** Whatever has these attributes; one of them must be `serviceName`, `serviceType`, `service_group_id` or `resourceGroupId`. */
export interface AttributesTarget extends Pick<Narrowing, "resourceTags"> {
  /** The attributes; at least one. */
  readonly resourceAttributes: pulumi.Input<pulumi.Input<ResourceAttribute>[]>;
  readonly serviceGroupId?: undefined;
  readonly service?: undefined;
  readonly resourceGroupId?: undefined;
  readonly allServices?: undefined;
  readonly accountManagement?: undefined;
}

/** What a policy grants access to. */
export type PolicyTarget =
  | ServiceTarget
  | ServiceGroupTarget
  | ResourceGroupTarget
  | AllServicesTarget
  | AccountManagementTarget
  | AttributesTarget;

/** The arguments of a target as they are in `check` and later. */
export interface TargetInputs {
  readonly service?: string | undefined;
  readonly serviceInstanceId?: string | undefined;
  readonly region?: string | undefined;
  readonly resourceType?: string | undefined;
  readonly resource?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly serviceGroupId?: string | undefined;
  readonly allServices?: boolean | undefined;
  readonly accountManagement?: boolean | undefined;
  readonly resourceAttributes?: readonly {
    readonly key: string;
    readonly value: string | boolean | readonly string[];
    readonly operator?: AttributeOperator | undefined;
  }[];
  readonly resourceTags?: readonly {
    readonly key: string;
    readonly value: string;
    readonly operator?: "stringEquals" | "stringMatch" | undefined;
  }[];
}

/** Arguments with a name of their own, and IAM's key for each. */
const NAMED = {
  service: "serviceName",
  serviceInstanceId: "serviceInstance",
  region: "region",
  resourceType: "resourceType",
  resource: "resource",
  resourceGroupId: "resourceGroupId",
  serviceGroupId: "service_group_id",
} as const;

const ANCHOR_KEYS = ["serviceName", "serviceType", "service_group_id", "resourceGroupId"];
const WITHIN_SERVICE = ["serviceInstanceId", "resourceType", "resource"] as const;
const attributeRule: Rule = object({
  fields: { key: text({ max: 1000 }), operator: operatorRule, value: attributeValueRule.value },
  required: ["key", "value"],
  also: attributeValueRule.also,
});

const tagRule: Rule = object({
  fields: { key: text({ max: 128 }), value: text({ max: 128 }), operator: oneOf("stringEquals", "stringMatch") },
  required: ["key", "value"],
});

/** Rules of the target's arguments, to be merged into those of the policy. */
export const targetFields: Readonly<Record<string, Rule>> = {
  service: VALUE,
  serviceInstanceId: VALUE,
  region: VALUE,
  resourceType: VALUE,
  resource: VALUE,
  resourceGroupId: VALUE,
  serviceGroupId: VALUE,
  allServices: flag,
  accountManagement: flag,
  resourceAttributes: list(attributeRule, { min: 1 }),
  resourceTags: list(tagRule, { min: 1 }),
};

/** Combinations of the target's arguments that a single field cannot judge. */
export function targetProblems(args: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const given = (key: string): boolean => args[key] !== undefined && args[key] !== null && args[key] !== false;
  const problems: Problem[] = [];
  const anchors = ["service", "serviceGroupId", "allServices", "accountManagement"].filter(given);
  if (anchors.length > 1) {
    problems.push({
      property: at(anchors[1] ?? ""),
      reason: `at most one of "service", "serviceGroupId", "allServices" and "accountManagement" is allowed; ${anchors.map((key) => `"${key}"`).join(" and ")} are given`,
    });
  }
  const keys = attributeKeys(args.resourceAttributes);
  const anchored =
    anchors.length > 0 ||
    given("resourceGroupId") ||
    keys === "unknown" ||
    keys.some((key) => ANCHOR_KEYS.includes(key));
  if (!anchored) {
    problems.push({
      property: at("service"),
      reason: `is missing; say what the policy is for: "service", "resourceGroupId", "serviceGroupId", "allServices: true", "accountManagement: true", or "resourceAttributes" with one of ${ANCHOR_KEYS.join(", ")}`,
    });
  }
  const inService = given("service") || keys === "unknown" || keys.includes("serviceName");
  for (const key of WITHIN_SERVICE) {
    if (given(key) && !inService)
      problems.push({ property: at(key), reason: `is ${show(args[key])}; it needs "service" beside it` });
  }
  if (given("resource") && !given("resourceType")) {
    problems.push({
      property: at("resource"),
      reason: `is ${show(args.resource)}; it needs "resourceType" beside it`,
    });
  }
  return [...problems, ...(keys === "unknown" ? [] : repeatedKeys(keys, given, at))];
}

function repeatedKeys(
  keys: readonly string[],
  given: (key: string) => boolean,
  at: (key: string) => string,
): Problem[] {
  const taken = new Map<string, string>([["accountId", "the account of the credentials, which is always added"]]);
  for (const [argument, key] of Object.entries(NAMED)) if (given(argument)) taken.set(key, `"${argument}"`);
  if (given("allServices")) taken.set("serviceType", `"allServices"`);
  if (given("accountManagement")) taken.set("serviceType", `"accountManagement"`);
  return keys.flatMap((key, index) => {
    const by = taken.get(key);
    taken.set(key, `resourceAttributes[${index}]`);
    return by === undefined
      ? []
      : [
          {
            property: at(`resourceAttributes[${index}].key`),
            reason: `is "${key}"; that attribute is already given by ${by}`,
          },
        ];
  });
}

function attributeKeys(attributes: unknown): string[] | "unknown" {
  if (!isKnown(attributes)) return "unknown";
  if (!Array.isArray(attributes)) return [];
  const keys = attributes.map((attribute: unknown) =>
    typeof attribute === "object" && attribute !== null && isKnown(attribute)
      ? (attribute as { key?: unknown }).key
      : undefined,
  );
  return keys.every((key): key is string => typeof key === "string" && isKnown(key)) ? keys : "unknown";
}

/** The resource attributes of a target as IAM stores them, without `accountId`. */
export function attributesOf(target: TargetInputs): Attribute[] {
  const attributes: Attribute[] = [];
  const add = (key: string, value: string): void => void attributes.push({ key, operator: "stringEquals", value });
  if (target.allServices === true) add("serviceType", "service");
  if (target.accountManagement === true) add("serviceType", "platform_service");
  for (const [argument, key] of Object.entries(NAMED)) {
    const value = target[argument as keyof typeof NAMED];
    if (value !== undefined) add(key, value);
  }
  for (const { key, operator = "stringEquals", value } of target.resourceAttributes ?? []) {
    attributes.push({ key, operator, value: typeof value === "object" ? [...value] : value });
  }
  return attributes;
}

/** Whose roles a policy can grant: those of a service or of a service group; of neither for targets that are wider. */
export function roleOwnerOf(target: TargetInputs): RoleFilter {
  const attributes = attributesOf(target);
  const value = (wanted: string): string | undefined => {
    const found = attributes.find(({ key, operator }) => key === wanted && operator === "stringEquals")?.value;
    return typeof found === "string" ? found : undefined;
  };
  const serviceName = value("serviceName");
  return serviceName === undefined ? { serviceGroupId: value("service_group_id") } : { serviceName };
}

/** The access tags of a target as IAM stores them. */
export function tagsOf(target: TargetInputs): Tag[] | undefined {
  return target.resourceTags?.map(({ key, operator = "stringEquals", value }) => ({ key, operator, value }));
}

const SERVICE_TYPES: Readonly<Record<string, TargetInputs>> = {
  service: { allServices: true },
  platform_service: { accountManagement: true },
};

/** The arguments that would make the attributes and tags that IAM stores: the reverse of `attributesOf` and `tagsOf`. */
export function targetArgsOf(attributes: readonly Attribute[], tags: readonly Tag[] | undefined): TargetInputs {
  let target: Record<string, unknown> = {};
  const others: Attribute[] = [];
  for (const attribute of attributes) {
    const { key, operator, value } = attribute;
    const plain = operator === "stringEquals" && typeof value === "string" ? value : undefined;
    const argument = Object.entries(NAMED).find(([, name]) => name === key)?.[0];
    const type = key === "serviceType" && plain !== undefined ? SERVICE_TYPES[plain] : undefined;
    if (key === "accountId") continue;
    if (plain !== undefined && argument !== undefined) target[argument] = plain;
    else if (type !== undefined) target = { ...target, ...type };
    else others.push(attribute);
  }
  return {
    ...target,
    ...(others.length > 0 ? { resourceAttributes: others } : {}),
    ...(tags ? { resourceTags: tags } : {}),
  } as TargetInputs;
}
