/** The arguments of a group of linked servers and their rules, those of the children included. */
import type * as pulumi from "@pulumi/pulumi";
import { type Rule, object } from "../core/validate";
import { type InstanceGroupArgs, instanceGroupRules } from "../provider/instance-group-args";
import type { InstanceTemplateArgs } from "../provider/instance-template-args";
import type { ClaimRuleCommon, ComputeResourceClaimRule } from "../provider/trusted-profile-claim-rule";
import {
  type LinkedInstanceArgs,
  type LinkedInstanceTransforms,
  type Transform,
  linkedInstanceFields,
  linkedShapeProblems,
  transformRule,
} from "./linked-instance-args";

/** A rule by which servers become a profile, without the profile, which the component adds. */
export type GroupClaimRuleArgs = Omit<ClaimRuleCommon, "profileId"> & ComputeResourceClaimRule;

/**
 * A transform for each kind of child. Which profile a policy, the rule or the servers get, that the template does not link,
 * and that the metadata service is on, is decided by the component, afterwards.
 */
export interface LinkedInstanceGroupTransforms extends Pick<LinkedInstanceTransforms, "trustedProfile" | "policy"> {
  /** The rule that lets the group's servers in. @default - as it is */
  readonly claimRule?: Transform<GroupClaimRuleArgs>;
  /** Changes what the template gets. @default - as it is */
  readonly instanceTemplate?: Transform<InstanceTemplateArgs>;
  /** The group, without its template. @default - as it is */
  readonly instanceGroup?: Transform<Omit<InstanceGroupArgs, "instanceTemplateId">>;
}

/** Arguments of a group of linked servers. */
export interface LinkedInstanceGroupArgs
  extends
    Pick<
      LinkedInstanceArgs,
      | "vpcId"
      | "imageId"
      | "instanceProfile"
      | "sshKeyIds"
      | "securityGroupIds"
      | "resourceGroupId"
      | "trustedProfile"
      | "metadataService"
      | "bootstrap"
      | "userDataForm"
    >,
    Pick<
      InstanceGroupArgs,
      "subnetIds" | "membershipCount" | "applicationPort" | "loadBalancerId" | "loadBalancerPoolId"
    > {
  /**
   * Name of the group, by which its servers are let in: lower case letters, digits and hyphens, 1 to 63 characters, unique in
   * the region. A change renames the group in place, the claim rule first: a server that asks for a token in between is refused,
   * and asks again. So does a new name of the component (with `aliases`), since the name is made from it; a name of your own
   * stays.
   * @default - the component's name and a hash, such as "web-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /** Zone of the first of `subnetIds`, such as "us-south-1": IBM Cloud asks for one in the template, though the group has its own. */
  readonly zone: pulumi.Input<string>;
  /**
   * Changes to the children's arguments and options, for what the component has no argument for.
   * @default - none
   */
  readonly transform?: LinkedInstanceGroupTransforms;
}

const {
  vpcId,
  zone,
  imageId,
  instanceProfile,
  sshKeyIds,
  securityGroupIds,
  resourceGroupId,
  trustedProfile,
  metadataService,
  bootstrap,
  userDataForm,
} = linkedInstanceFields;
const { name, subnetIds, membershipCount, applicationPort, loadBalancerId, loadBalancerPoolId } = instanceGroupRules;

/** Judges the arguments of a group of linked servers, those of its children included. */
export const linkedInstanceGroupRule: Rule = object({
  fields: {
    name,
    vpcId,
    zone,
    subnetIds,
    imageId,
    instanceProfile,
    sshKeyIds,
    securityGroupIds,
    resourceGroupId,
    membershipCount,
    applicationPort,
    loadBalancerId,
    loadBalancerPoolId,
    trustedProfile,
    metadataService,
    bootstrap,
    userDataForm,
    transform: object({
      fields: {
        trustedProfile: transformRule,
        policy: transformRule,
        claimRule: transformRule,
        instanceTemplate: transformRule,
        instanceGroup: transformRule,
      },
    }),
  },
  required: ["vpcId", "zone", "subnetIds", "imageId", "instanceProfile", "trustedProfile"],
  also: linkedShapeProblems,
});
