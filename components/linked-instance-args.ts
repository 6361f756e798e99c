/**
 * The arguments of a linked server and their rules, those of the children included: everything that is wrong is said at
 * once, before anything is registered.
 */
import type * as pulumi from "@pulumi/pulumi";
import { type BootstrapOptions, validateBootstrap } from "../bootstrap";
import {
  CRN,
  PROFILE_ID,
  type Problem,
  type Rule,
  integer,
  isKnown,
  isRecord,
  list,
  object,
  oneOf,
  show,
  text,
} from "../core/validate";
import { type PolicyGrant, policyGrantFields } from "../provider/access-policy";
import { type InstanceArgs, instanceArgRules } from "../provider/instance-args";
import { type PolicyTarget, targetProblems } from "../provider/policy-target";
import { type TrustedProfileArgs, trustedProfileArgRules } from "../provider/trusted-profile";

/** A plain type in which every value, at any depth, may also be an Output. */
export type DeepInput<T> = [T] extends [string | number | boolean | undefined]
  ? pulumi.Input<T>
  : T extends readonly (infer Item)[]
    ? pulumi.Input<readonly DeepInput<Item>[]>
    : pulumi.Input<{ readonly [Key in keyof T]: DeepInput<T[Key]> }>;

/** A policy of the component's own profile, which is the subject. */
export type LinkedPolicyArgs = PolicyGrant & PolicyTarget;

/** A trusted profile that the component creates. */
export interface NewTrustedProfileArgs extends TrustedProfileArgs {
  /**
   * What the server may do. Each policy becomes a resource named after its target.
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

/** A transform for each kind of child. Which profile a policy or the server gets is decided by the component, afterwards. */
export interface LinkedInstanceTransforms {
  /** @default - as it is */
  readonly trustedProfile?: Transform<TrustedProfileArgs>;
  /** @default - as they are */
  readonly policy?: Transform<LinkedPolicyArgs>;
  /** @default - as it is */
  readonly instance?: Transform<InstanceArgs>;
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
   * Changes to the children's arguments and options, for what the component has no argument for.
   * @default - none
   */
  readonly transform?: LinkedInstanceTransforms;
}

const transformRule: Rule = (value, property) =>
  typeof value === "function" ? [] : [{ property, reason: "must be a function" }];

const existingProfileRule = object({
  fields: {
    id: text({ pattern: PROFILE_ID, allowed: 'a profile id: "Profile-<uuid>"' }),
    crn: text({ pattern: CRN, allowed: "the CRN of a trusted profile" }),
  },
  exactlyOne: [["id", "crn"]],
});

/** Judges a policy without its subject, which the component adds. */
export const linkedPolicyRule = object({ fields: policyGrantFields, required: ["roles"], also: targetProblems });

const newProfileRule = object({
  fields: {
    ...trustedProfileArgRules,
    policies: list(linkedPolicyRule),
  },
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
  userDataChange,
} = instanceArgRules;

/** Judges the arguments of a linked server, those of its children included. */
export const linkedInstanceRule: Rule = object({
  fields: {
    name,
    vpcId,
    subnetId,
    zone,
    imageId,
    instanceProfile,
    sshKeyIds,
    securityGroupIds,
    resourceGroupId,
    userDataChange,
    trustedProfile: (value, path) => (isExisting(value) ? existingProfileRule : newProfileRule)(value, path),
    metadataService: object({ fields: { protocol: oneOf("http", "https"), responseHopLimit: integer(1, 64) } }),
    bootstrap: validateBootstrap,
    transform: object({ fields: { trustedProfile: transformRule, policy: transformRule, instance: transformRule } }),
  },
  required: ["vpcId", "subnetId", "zone", "imageId", "instanceProfile", "trustedProfile"],
  also: protocolsAgree,
});

/** The script would otherwise ask an endpoint that does not answer. */
function protocolsAgree({ metadataService, bootstrap }: Readonly<Record<string, unknown>>): Problem[] {
  if (!isRecord(bootstrap) || !isKnown(bootstrap) || !isKnown(bootstrap.protocol) || bootstrap.protocol === undefined)
    return [];
  const protocol = isRecord(metadataService) ? (metadataService.protocol ?? "http") : "http";
  if (!isKnown(metadataService) || !isKnown(protocol) || protocol === bootstrap.protocol) return [];
  return [
    {
      property: "bootstrap.protocol",
      reason: `is ${show(bootstrap.protocol)}; must be that of metadataService.protocol, ${show(protocol)}`,
    },
  ];
}

/** True when the profile is one that exists. */
export function isExisting(profile: unknown): profile is ExistingTrustedProfileArgs {
  return isRecord(profile) && (profile.id !== undefined || profile.crn !== undefined);
}
