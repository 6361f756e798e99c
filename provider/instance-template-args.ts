/**
 * The arguments of an instance template: those of a server, of which only the name can change later.
 *
 * Sources: IBM Cloud VPC API, "Create an instance template", "Update an instance template".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { MetadataService } from "../client/vpc";
import { type Rule, isKnown, object } from "../core/validate";
import { type FieldTable, compact } from "./diff";
import type { Internal } from "./handler";
import {
  type DefaultTrustedProfileArgs,
  type MetadataServiceArgs,
  instanceArgRules,
  sameProfile,
  userDataSha256,
} from "./instance-args";
import { sameReference, sameReferences } from "./references";

/** Arguments of an instance template. Except for the name, a change of any replaces the template. */
export interface InstanceTemplateArgs {
  /**
   * Name, unique in the region: lower case letters, digits and hyphens, 1 to 63 characters. A change renames the template.
   * A template that an instance group uses can only be replaced where its name is left to us or changes along: the group
   * needs the new one before the old one can go.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /** VPC: id or CRN. */
  readonly vpcId: pulumi.Input<string>;
  /** Subnet of the primary network attachment: id or CRN. An instance group uses its own subnets in place of it. */
  readonly subnetId: pulumi.Input<string>;
  /** Zone, such as "us-south-1". */
  readonly zone: pulumi.Input<string>;
  /** Image to boot: id or CRN. */
  readonly imageId: pulumi.Input<string>;
  /** Instance profile (size), such as "bx2-2x8". */
  readonly instanceProfile: pulumi.Input<string>;
  /**
   * SSH keys, ids or CRNs.
   * @default - none
   */
  readonly sshKeyIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Security groups of the primary network interface, ids or CRNs.
   * @default - the VPC's default security group
   */
  readonly securityGroupIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Metadata service of servers made from the template.
   * @default - off, protocol "http", hop limit 1
   */
  readonly metadataService?: pulumi.Input<MetadataServiceArgs>;
  /**
   * Trusted profile of servers made from the template. With `autoLink: true`, the default, each server is linked as it is
   * made; the template of an instance group must have `autoLink: false`, and a claim rule lets its servers become the profile.
   * @default - none
   */
  readonly defaultTrustedProfile?: pulumi.Input<DefaultTrustedProfileArgs>;
  /**
   * User data for cloud-init, at most 65,536 bytes in UTF-8. Must not hold secrets: it is readable on the servers, in the
   * template and in the state.
   * @default - none
   */
  readonly userData?: pulumi.Input<string>;
  /**
   * What a change of `userData` does: `replace` makes another template, which no server that exists takes notice of;
   * `ignore` leaves the template as it is, with a warning in every run.
   * @default "replace"
   */
  readonly userDataChange?: pulumi.Input<"ignore" | "replace">;
  /**
   * Resource group of the template and of servers made from it, by id.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * Take over an equal template of this name that exists already, instead of failing. It is deleted with the stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** What `check` makes of the arguments. */
export interface InstanceTemplateInputs extends Internal {
  readonly name: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly zone: string;
  readonly imageId: string;
  readonly instanceProfile: string;
  readonly sshKeyIds?: readonly string[] | undefined;
  readonly securityGroupIds?: readonly string[] | undefined;
  readonly metadataService?: Partial<MetadataService> | undefined;
  readonly defaultTrustedProfile?: { readonly target: string; readonly autoLink?: boolean } | undefined;
  readonly userData?: string | undefined;
  readonly userDataChange?: "ignore" | "replace" | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a template: all that the API repeats of it, the user data as its hash. */
export interface InstanceTemplateOutputs {
  readonly crn: string;
  readonly name: string;
  readonly vpcId?: string | undefined;
  readonly subnetId?: string | undefined;
  readonly zone?: string | undefined;
  readonly imageId?: string | undefined;
  readonly instanceProfile?: string | undefined;
  readonly sshKeyIds?: readonly string[] | undefined;
  readonly securityGroupIds?: readonly string[] | undefined;
  readonly metadataService: MetadataService;
  readonly defaultTrustedProfile?: { readonly target: string; readonly autoLink: boolean } | undefined;
  readonly userDataSha256?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly createdAt: string;
}

/** Judges the arguments of an instance template. */
export const instanceTemplateRule: Rule = object({
  fields: {
    name: instanceArgRules.name,
    vpcId: instanceArgRules.vpcId,
    subnetId: instanceArgRules.subnetId,
    zone: instanceArgRules.zone,
    imageId: instanceArgRules.imageId,
    instanceProfile: instanceArgRules.instanceProfile,
    sshKeyIds: instanceArgRules.sshKeyIds,
    securityGroupIds: instanceArgRules.securityGroupIds,
    metadataService: instanceArgRules.metadataService,
    defaultTrustedProfile: instanceArgRules.defaultTrustedProfile,
    userData: instanceArgRules.userData,
    userDataChange: instanceArgRules.userDataChange,
    resourceGroupId: instanceArgRules.resourceGroupId,
    adopt: instanceArgRules.adopt,
  },
  required: ["vpcId", "subnetId", "zone", "imageId", "instanceProfile"],
});

/** What a change of each argument means; `userDataSha256` stands for the user data. */
export function templateFields({
  userDataChange,
}: Pick<Partial<InstanceTemplateInputs>, "userDataChange">): FieldTable {
  return {
    name: { change: "update" },
    vpcId: { change: "replace", same: sameReference },
    subnetId: { change: "replace", same: sameReference },
    zone: { change: "replace" },
    imageId: { change: "replace", same: sameReference },
    instanceProfile: { change: "replace" },
    sshKeyIds: { change: "replace", absent: "clear", same: sameReferences },
    securityGroupIds: { change: "replace", absent: "clear", same: sameReferences },
    metadataService: { change: "replace" },
    defaultTrustedProfile: { change: "replace", absent: "clear", same: sameProfile },
    userDataSha256: { change: userDataChange ?? "replace", absent: "clear", argument: "userData" },
    resourceGroupId: { change: "replace" },
  };
}

/** The arguments in terms of the outputs, with everything the API would otherwise choose. */
export type WantedTemplate = Pick<
  InstanceTemplateInputs,
  | "name"
  | "vpcId"
  | "subnetId"
  | "zone"
  | "imageId"
  | "instanceProfile"
  | "sshKeyIds"
  | "securityGroupIds"
  | "resourceGroupId"
> &
  Pick<InstanceTemplateOutputs, "metadataService" | "defaultTrustedProfile" | "userDataSha256">;

/** The inputs in terms of the outputs. */
export function wantedTemplate(inputs: InstanceTemplateInputs): WantedTemplate {
  const { name, vpcId, subnetId, zone, imageId, instanceProfile, sshKeyIds, securityGroupIds } = inputs;
  const { metadataService, defaultTrustedProfile, userData, resourceGroupId } = inputs;
  // The API leaves an empty list out.
  const unlessEmpty = <T>(list: readonly T[] | undefined): readonly T[] | undefined =>
    Array.isArray(list) && list.length === 0 ? undefined : list;
  return compact({
    ...{ name, vpcId, subnetId, zone, imageId, instanceProfile },
    sshKeyIds: unlessEmpty(sshKeyIds),
    securityGroupIds: unlessEmpty(securityGroupIds),
    // Always all of it, so that leaving a setting out means IBM's default; whoever gives the block wants the service.
    metadataService: wholeMetadataService(metadataService),
    defaultTrustedProfile: wholeProfile(defaultTrustedProfile),
    userDataSha256: userData === undefined || userData === "" ? undefined : userDataSha256(userData),
    resourceGroupId,
  });
}

const OFF: MetadataService = { enabled: false, protocol: "http", responseHopLimit: 1 };

function wholeMetadataService(given: Partial<MetadataService> | undefined): MetadataService {
  if (given === undefined) return OFF;
  return isKnown(given) ? { ...OFF, enabled: true, ...given } : (given as MetadataService);
}

/** Always says whether it links: IBM's default is to do so, and a group refuses that. */
function wholeProfile(
  given: InstanceTemplateInputs["defaultTrustedProfile"],
): InstanceTemplateOutputs["defaultTrustedProfile"] {
  if (given === undefined || !isKnown(given)) return given as undefined;
  return { ...given, autoLink: given.autoLink ?? true };
}
