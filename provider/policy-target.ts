/**
 * What a policy grants access to: the typed forms of the arguments and the resource attributes that IAM stores for them.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "Create a policy"; IBM Cloud docs, "IAM policy attributes".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Attribute } from "../client/iam-policy";
import { type Problem, type Rule, isKnown, list, object, oneOf, show, text, flag } from "../core/validate";

/** How an attribute's value is compared. "AnyOf" operators take up to ten values; "Match" ones take `*` and `?`. */
export type AttributeOperator =
  "stringEquals" | "stringExists" | "stringMatch" | "stringEqualsAnyOf" | "stringMatchAnyOf";

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

/** Further attributes, for any target. */
interface Narrowing {
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
  readonly allServices?: undefined;
  readonly accountManagement?: undefined;
}

/** Everything in one resource group. */
export interface ResourceGroupTarget extends Narrowing {
  /** Id of the resource group. */
  readonly resourceGroupId: pulumi.Input<string>;
  readonly service?: undefined;
  readonly allServices?: undefined;
  readonly accountManagement?: undefined;
}

/** All services that IAM governs. Has to be asked for: leaving a target out would otherwise grant everything. */
export interface AllServicesTarget extends Narrowing {
  readonly allServices: true;
  readonly service?: undefined;
  readonly resourceGroupId?: undefined;
  readonly accountManagement?: undefined;
}

/** All account management services: billing, users, IAM itself. */
export interface AccountManagementTarget extends Narrowing {
  readonly accountManagement: true;
  readonly service?: undefined;
  readonly resourceGroupId?: undefined;
  readonly allServices?: undefined;
}

/** Whatever has these attributes; one of them must be `serviceName`, `serviceType`, `service_group_id` or `resourceGroupId`. */
export interface AttributesTarget {
  readonly resourceAttributes: pulumi.Input<pulumi.Input<ResourceAttribute>[]>;
  readonly service?: undefined;
  readonly resourceGroupId?: undefined;
  readonly allServices?: undefined;
  readonly accountManagement?: undefined;
}

/** What a policy grants access to. */
export type PolicyTarget =
  ServiceTarget | ResourceGroupTarget | AllServicesTarget | AccountManagementTarget | AttributesTarget;

/** The arguments of a target as they are in `check` and later. */
export interface TargetInputs {
  readonly service?: string | undefined;
  readonly serviceInstanceId?: string | undefined;
  readonly region?: string | undefined;
  readonly resourceType?: string | undefined;
  readonly resource?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly allServices?: boolean | undefined;
  readonly accountManagement?: boolean | undefined;
  readonly resourceAttributes?: readonly {
    readonly key: string;
    readonly value: string | boolean | readonly string[];
    readonly operator?: AttributeOperator | undefined;
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
} as const;

const ANCHOR_KEYS = ["serviceName", "serviceType", "service_group_id", "resourceGroupId"];
const WITHIN_SERVICE = ["serviceInstanceId", "resourceType", "resource"] as const;
const VALUE = text({ max: 1000 });

const attributeRule: Rule = object({
  fields: {
    key: text({ max: 1000 }),
    operator: oneOf("stringEquals", "stringExists", "stringMatch", "stringEqualsAnyOf", "stringMatchAnyOf"),
    value: (value, path) =>
      Array.isArray(value)
        ? list(VALUE, { min: 1, max: 10 })(value, path)
        : typeof value === "boolean"
          ? []
          : VALUE(value, path),
  },
  required: ["key", "value"],
  also: ({ value, operator = "stringEquals" }, path) => {
    if (!isKnown(value) || !isKnown(operator) || value === undefined) return [];
    const many = String(operator).endsWith("AnyOf");
    if (many !== Array.isArray(value))
      return [
        {
          property: `${path}.value`,
          reason: `is ${show(value)}; ${show(operator)} takes ${many ? "a list of texts" : "a single value"}`,
        },
      ];
    if ((operator === "stringExists") !== (typeof value === "boolean")) {
      return [
        {
          property: `${path}.value`,
          reason: `is ${show(value)}; true and false go with "stringExists", and only with it`,
        },
      ];
    }
    return [];
  },
});

/** Rules of the target's arguments, to be merged into those of the policy. */
export const targetFields: Readonly<Record<string, Rule>> = {
  service: VALUE,
  serviceInstanceId: VALUE,
  region: VALUE,
  resourceType: VALUE,
  resource: VALUE,
  resourceGroupId: VALUE,
  allServices: flag,
  accountManagement: flag,
  resourceAttributes: list(attributeRule, { min: 1 }),
};

/** Combinations of the target's arguments that a single field cannot judge. */
export function targetProblems(args: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const given = (key: string): boolean => args[key] !== undefined && args[key] !== null && args[key] !== false;
  const problems: Problem[] = [];
  const anchors = ["service", "allServices", "accountManagement"].filter(given);
  if (anchors.length > 1) {
    problems.push({
      property: at(anchors[1] ?? ""),
      reason: `at most one of "service", "allServices" and "accountManagement" is allowed; ${anchors.map((key) => `"${key}"`).join(" and ")} are given`,
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
      reason: `is missing; say what the policy is for: "service", "resourceGroupId", "allServices: true", "accountManagement: true", or "resourceAttributes" with one of ${ANCHOR_KEYS.join(", ")}`,
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

/** The service whose roles a policy can grant; undefined for targets that are wider than one service. */
export function serviceOf(target: TargetInputs): string | undefined {
  const named = attributesOf(target).find(({ key, operator }) => key === "serviceName" && operator === "stringEquals");
  return typeof named?.value === "string" ? named.value : undefined;
}
