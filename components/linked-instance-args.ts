/**
 * The arguments of a linked server and their rules, those of the children included: everything that is wrong is said at
 * once, before anything is registered.
 */
import type * as pulumi from "@pulumi/pulumi";
import { type BootstrapOptions, type UserDataForm, validateBootstrap, validateUserDataForm } from "../bootstrap";
import {
  PROFILE_ID,
  type Problem,
  type Rule,
  flag,
  integer,
  isKnown,
  isRecord,
  list,
  object,
  oneOf,
  show,
  text,
} from "../core/validate";
import { type PolicyGrant, policyGrantFields } from "../provider/access-policy-args";
import type { FloatingIpCommonArgs } from "../provider/floating-ip";
import { type InstanceArgs, instanceArgRules, profileCrnRule } from "../provider/instance-args";
import { type PolicyTarget, targetProblems } from "../provider/policy-target";
import { type TrustedProfileArgs, trustedProfileArgRules } from "../provider/trusted-profile";

/** A plain type in which every value, at any depth, may also be an Output. */
export type DeepInput<T> = [T] extends [string | number | boolean | undefined]
  ? pulumi.Input<T>
  : T extends readonly (infer Item)[]
    ? pulumi.Input<readonly DeepInput<Item>[]>
    : pulumi.Input<{ readonly [Key in keyof T]: DeepInput<T[Key]> }>;

/** A policy of the component's own profile, which is the subject. */
export type LinkedPolicyArgs = PolicyGrant &
  PolicyTarget & {
    /**
     * Name of the policy's resource, after that of the component: letters, digits, `.`, `_` and `-`, at most 100. A plain
     * text. Needed where two policies would have the same name, by the one that was added: a policy that changes its name
     * is another one, and IAM refuses two equal policies.
     * @default - what the policy is for: its service, "account-management", "all-services", "resource-group" or "policy"
     */
    readonly name?: string;
  };

/** A trusted profile that the component creates. */
export interface NewTrustedProfileArgs extends TrustedProfileArgs {
  /**
   * What the server may do. Each policy becomes a resource, named after the component and the policy's `name`: "app-is".
   * @default - none: the server has an identity and no rights yet
   */
  readonly policies?: readonly LinkedPolicyArgs[];
  readonly id?: undefined;
  readonly crn?: undefined;
}

/** A trusted profile that exists already, by id or by CRN. */
export type ExistingTrustedProfileArgs =
  | { readonly id: pulumi.Input<string>; readonly crn?: undefined }
  | { readonly crn: pulumi.Input<string>; readonly id?: undefined };

/** Metadata service of a linked server; it is always on. */
export interface LinkedMetadataServiceArgs {
  /**
   * `https` needs a name service and a CA bundle on the server.
   * @default "http"
   */
  readonly protocol?: pulumi.Input<"http" | "https">;
  /**
   * How many network hops an answer may travel, 1 to 64. Containers on the server need 2.
   * @default 1
   */
  readonly responseHopLimit?: pulumi.Input<number>;
}

/** Changes what the component passes to a child: gets its arguments and options, returns those to use. */
export type Transform<Args> = (
  args: Args,
  options: pulumi.CustomResourceOptions,
) => { readonly args: Args; readonly options?: pulumi.CustomResourceOptions };

/**
 * A transform for each kind of child. What makes it a linked server is decided by the component, afterwards: which profile a
 * policy or the server gets, the names of the resources, and that the metadata service is on, with the protocol that the
 * user data was made for.
 */
export interface LinkedInstanceTransforms {
  /** Changes what the trusted profile gets. @default - as it is */
  readonly trustedProfile?: Transform<TrustedProfileArgs>;
  /** Changes what each policy gets. @default - as they are */
  readonly policy?: Transform<PolicyGrant & PolicyTarget>;
  /** Changes what the server gets. @default - as it is */
  readonly instance?: Transform<InstanceArgs>;
  /** Changes what the public address gets. @default - as it is */
  readonly floatingIp?: Transform<FloatingIpCommonArgs>;
}

/** Arguments of a linked server. */
export interface LinkedInstanceArgs extends Pick<
  InstanceArgs,
  | "name"
  | "vpcId"
  | "subnetId"
  | "zone"
  | "imageId"
  | "instanceProfile"
  | "sshKeyIds"
  | "securityGroupIds"
  | "resourceGroupId"
  | "tags"
  | "userDataChange"
> {
  /** The identity of the server: a profile to create, or one that exists. */
  readonly trustedProfile: NewTrustedProfileArgs | ExistingTrustedProfileArgs;
  /**
   * Metadata service; it is always on.
   * @default - protocol "http", hop limit 1
   */
  readonly metadataService?: LinkedMetadataServiceArgs;
  /**
   * What the server fetches with its identity, and keeps. `protocol` follows `metadataService.protocol`.
   * @default - an IAM token of the default profile and a certificate
   */
  readonly bootstrap?: DeepInput<BootstrapOptions>;
  /**
   * How the user data is written, and what goes along with it: `{ merge: ["#!/bin/sh\n..."] }` for a cloud-config or script
   * of your own, `{ imageUserDataFormat }` to have an image refused that does not run cloud-init. A change is one of the user
   * data; see `userDataChange`.
   * @default - `#cloud-config` with nothing of your own
   */
  readonly userDataForm?: DeepInput<UserDataForm>;
  /**
   * Whether the server has a public address (`FloatingIp`). A plain true or false.
   * @default false
   */
  readonly floatingIp?: boolean;
  /**
   * Changes to the children's arguments and options, for what the component has no argument for.
   * @default - none
   */
  readonly transform?: LinkedInstanceTransforms;
}

/** Judges a transform. */
export const transformRule: Rule = (value, property) =>
  typeof value === "function" ? [] : [{ property, reason: `is ${show(value)}; must be a function` }];

/** Judges the names of a profile that exists. */
export const existingProfileRule = object({
  fields: {
    id: text({ pattern: PROFILE_ID, allowed: 'a profile id: "Profile-<uuid>"' }),
    crn: profileCrnRule,
  },
  exactlyOne: [["id", "crn"]],
});

/** Judges what a policy grants, without its subject, which the component adds. */
export const grantRule = object({ fields: policyGrantFields, required: ["roles"], also: targetProblems });

const linkedPolicyRule = object({
  fields: {
    ...policyGrantFields,
    name: text({
      max: 100,
      pattern: /^[\w.-]+$/,
      allowed: 'the name of a resource: 1 to 100 letters, digits, ".", "_" and "-"',
    }),
  },
  required: ["roles"],
  also: targetProblems,
});

const newProfileRule = object({
  fields: {
    ...trustedProfileArgRules,
    policies: (value, path) => [...list(linkedPolicyRule)(value, path), ...policyNameProblems(value, path)],
  },
  also: ({ policies }, path) => shapeProblems(policies, `${path}.policies`, "list"),
});

const {
  name,
  vpcId,
  subnetId,
  zone,
  imageId,
  instanceProfile,
  sshKeyIds,
  securityGroupIds,
  resourceGroupId,
  tags,
  userDataChange,
} = instanceArgRules;

/** Rules of the arguments; the components that make several servers use them as well. */
export const linkedInstanceFields = {
  name,
  vpcId,
  subnetId,
  zone,
  imageId,
  instanceProfile,
  sshKeyIds,
  securityGroupIds,
  resourceGroupId,
  tags,
  userDataChange,
  trustedProfile: (value, path) => (isExisting(value) ? existingProfileRule : newProfileRule)(value, path),
  metadataService: object({ fields: { protocol: oneOf("http", "https"), responseHopLimit: integer(1, 64) } }),
  bootstrap: validateBootstrap,
  userDataForm: validateUserDataForm,
  floatingIp: flag,
  transform: object({
    fields: {
      trustedProfile: transformRule,
      policy: transformRule,
      instance: transformRule,
      floatingIp: transformRule,
    },
  }),
} satisfies Record<string, Rule>;

/** Judges the arguments of a linked server, those of its children included. */
export const linkedInstanceRule: Rule = object({
  fields: linkedInstanceFields,
  required: ["vpcId", "subnetId", "zone", "imageId", "instanceProfile", "trustedProfile"],
  also: linkedShapeProblems,
});

/** What decides about resources must be known while the program runs, and the user data must fit the metadata service. */
export function linkedShapeProblems(args: Readonly<Record<string, unknown>>): Problem[] {
  return [
    ...shapeProblems(args.trustedProfile, "trustedProfile", "object"),
    ...shapeProblems(args.metadataService, "metadataService", "object"),
    ...shapeProblems(args.floatingIp, "floatingIp", "flag"),
    ...shapeProblems(args.transform, "transform", "object"),
    ...protocolsAgree(args),
  ];
}

/** What is not known before the program has ended cannot decide what the program registers. */
export function shapeProblems(
  value: unknown,
  property: string,
  kind: "object" | "list" | "text" | "number" | "flag",
): Problem[] {
  if (isKnown(value)) return [];
  return [
    {
      property,
      reason: `is an Output or a promise; must be a plain ${kind === "flag" ? "true or false" : kind}: it decides which resources there are`,
    },
  ];
}

/** Each policy must be a plain object, and become a resource of its own. */
function policyNameProblems(policies: unknown, path: string): Problem[] {
  if (!Array.isArray(policies)) return [];
  const labels = policies.map((policy: unknown) => (isRecord(policy) && isKnown(policy) ? policyLabel(policy) : ""));
  return policies.flatMap((policy: unknown, index): Problem[] => {
    const property = `${path}[${index}]`;
    const label = labels[index] ?? "";
    const [first, repetition] = [
      labels.indexOf(label),
      labels.slice(0, index).filter((other) => other === label).length,
    ];
    if (!isRecord(policy)) return [];
    const misshapen = [
      ...shapeProblems(policy, property, "object"),
      ...shapeProblems(policy.name, `${property}.name`, "text"),
    ];
    if (misshapen.length > 0 || first === index) return misshapen;
    const seen = typeof policy.name === "string" ? `is ${show(label)}` : "is missing";
    const free = policies.map((_, count) => `${label}-${count + 2}`).filter((name) => !labels.includes(name));
    return [
      {
        property: `${property}.name`,
        reason: `${seen}; ${path}[${first}] is called ${show(label)} already. Name the one that you added, such as ${show(free[repetition - 1])}`,
      },
    ];
  });
}

/**
 * What a policy's resource is called, after the component: it depends on nothing but the policy itself, so that the others
 * stay what they are when one is added, removed or moved.
 */
export function policyLabel(policy: Readonly<Record<string, unknown>>): string {
  if (typeof policy.name === "string") return policy.name;
  if (typeof policy.service === "string") return policy.service;
  if (policy.accountManagement === true) return "account-management";
  if (policy.allServices === true) return "all-services";
  return policy.resourceGroupId === undefined || policy.resourceGroupId === null ? "policy" : "resource-group";
}

/** The script would otherwise ask an endpoint that does not answer. */
export function protocolsAgree({ metadataService, bootstrap }: Readonly<Record<string, unknown>>): Problem[] {
  if (!isRecord(bootstrap) || !isKnown(bootstrap) || !isKnown(bootstrap.protocol)) return [];
  const protocol = isRecord(metadataService) ? (metadataService.protocol ?? "http") : "http";
  if (!isKnown(metadataService) || !isKnown(protocol) || protocol === (bootstrap.protocol ?? protocol)) return [];
  return [
    {
      property: "bootstrap.protocol",
      reason: `is ${show(bootstrap.protocol)}; must be that of metadataService.protocol, ${show(protocol)}`,
    },
  ];
}

/** True when the profile is one that exists. */
export function isExisting(profile: unknown): profile is ExistingTrustedProfileArgs {
  return isRecord(profile) && [profile.id, profile.crn].some((value) => value !== undefined && value !== null);
}
