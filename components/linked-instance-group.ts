/**
 * An instance group whose servers have an identity.
 *
 * IBM Cloud does not link the servers of a group one by one, and a link needs a server to name. So a claim rule of the
 * profile lets in whoever is a server of this group in this VPC, and it is there before the first of them boots.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Problem } from "../core/validate";
import type { AccessPolicy } from "../provider/access-policy";
import { replacingFields } from "../provider/diff";
import { InstanceGroup } from "../provider/instance-group";
import { type InstanceGroupArgs, instanceGroupFields, instanceGroupRule } from "../provider/instance-group-args";
import { InstanceTemplate } from "../provider/instance-template";
import { type InstanceTemplateArgs, instanceTemplateRule } from "../provider/instance-template-args";
import { markOf, markedText, vpcName } from "../provider/naming";
import { assertProgramUsable, assertValid } from "../provider/preflight";
import { idIn } from "../provider/references";
import { typeToken } from "../provider/stub";
import type { TrustedProfile } from "../provider/trusted-profile";
import { TrustedProfileClaimRule, trustedProfileClaimRuleRule } from "../provider/trusted-profile-claim-rule";
import {
  type Child,
  type IdentityPlan,
  alsoAfter,
  planIdentity,
  registerIdentity,
  transformed,
  withoutNulls,
} from "./linked-identity";
import {
  type GroupClaimRuleArgs,
  type LinkedInstanceGroupArgs,
  linkedInstanceGroupRule,
} from "./linked-instance-group-args";
import { userDataOf, withMetadataService } from "./linked-server";

type GroupArgs = Omit<InstanceGroupArgs, "instanceTemplateId">;

/** What the component is going to register, checked as a whole before the first of it is. */
interface Plan extends IdentityPlan {
  readonly claimRule: Child<GroupClaimRuleArgs>;
  readonly instanceTemplate: Child<InstanceTemplateArgs>;
  readonly instanceGroup: Child<GroupArgs>;
}

const TYPE = "vpc-identity:index:LinkedInstanceGroup";

/**
 * Servers that come and go, each with an identity instead of a secret: a trusted profile, its policies, a claim rule that
 * lets the group's servers become it, an instance template and an instance group.
 *
 * A change of what servers are made from makes another template and leaves the servers that exist as they are: see
 * `InstanceGroup`.
 *
 * @example
 * const web = new LinkedInstanceGroup("web", {
 *   vpcId,
 *   zone: "us-south-1",
 *   subnetIds: [first.id, second.id],
 *   imageId,
 *   instanceProfile: "bx2-2x8",
 *   membershipCount: 2,
 *   trustedProfile: { policies: [{ roles: ["Reader"], service: "cloud-object-storage" }] },
 * });
 * export const profileId = web.profileId;
 */
export class LinkedInstanceGroup extends pulumi.ComponentResource {
  /** Id of the trusted profile (`Profile-<uuid>`). */
  readonly profileId: pulumi.Output<string>;
  /** IAM id of the trusted profile (`iam-Profile-<uuid>`): the subject for policies of your own. */
  readonly profileIamId: pulumi.Output<string>;
  /** CRN of the trusted profile. */
  readonly profileCrn: pulumi.Output<string>;
  /** Id of the claim rule in the profile. */
  readonly claimRuleId: pulumi.Output<string>;
  /** Id of the template. */
  readonly instanceTemplateId: pulumi.Output<string>;
  /** Id of the group. */
  readonly instanceGroupId: pulumi.Output<string>;
  /** CRN of the group. */
  readonly instanceGroupCrn: pulumi.Output<string>;
  /** Name of the group: the claim by which its servers are let in. */
  readonly instanceGroupName: pulumi.Output<string>;

  /** The profile, when the component created it. */
  readonly trustedProfile: TrustedProfile | undefined;
  /** The policies, in the order of the arguments. */
  readonly policies: readonly AccessPolicy[];
  /** The rule that lets the group's servers in. */
  readonly claimRule: TrustedProfileClaimRule;
  /** The template. */
  readonly instanceTemplate: InstanceTemplate;
  /** The group. */
  readonly instanceGroup: InstanceGroup;

  /**
   * Creates profile, policies, claim rule, template and group, in this order.
   * @throws pulumi.ResourceError that lists every problem of the arguments, before anything is registered
   */
  constructor(name: string, args: LinkedInstanceGroupArgs, options?: pulumi.ComponentResourceOptions) {
    assertProgramUsable();
    const given = withoutNulls(args);
    const [groupName, nameIs] = pulumi.deferredOutput<string>();
    const plan = planOf(name, given, groupName);
    super(TYPE, name, {}, options);

    const group = plan.instanceGroup;
    nameIs(group.args.name === undefined ? this.nameOfGroup(name, group.args) : pulumi.output(group.args.name));
    const identity = registerIdentity(this, name, plan, given.trustedProfile);
    this.trustedProfile = identity.trustedProfile;
    this.policies = identity.policies;
    this.claimRule = new TrustedProfileClaimRule(
      name,
      { ...plan.claimRule.args, profileId: identity.id },
      { parent: this, ...plan.claimRule.options },
    );
    this.instanceTemplate = new InstanceTemplate(
      name,
      { ...plan.instanceTemplate.args, defaultTrustedProfile: { target: identity.target, autoLink: false } },
      { parent: this, ...plan.instanceTemplate.options },
    );
    this.instanceGroup = new InstanceGroup(
      name,
      { ...group.args, name: groupName, instanceTemplateId: this.instanceTemplate.id },
      {
        parent: this,
        ...group.options,
        dependsOn: alsoAfter(group.options.dependsOn, [...this.policies, this.claimRule]),
      },
    );

    this.profileId = identity.id;
    this.profileIamId = identity.iamId;
    this.profileCrn = this.trustedProfile?.crn ?? crnInAccountOf(this.instanceGroup.crn, identity.id);
    this.claimRuleId = this.claimRule.ruleId;
    this.instanceTemplateId = this.instanceTemplate.id;
    this.instanceGroupId = this.instanceGroup.id;
    this.instanceGroupCrn = this.instanceGroup.crn;
    this.instanceGroupName = this.instanceGroup.name;
    this.registerOutputs({
      profileId: this.profileId,
      profileIamId: this.profileIamId,
      profileCrn: this.profileCrn,
      claimRuleId: this.claimRuleId,
      instanceTemplateId: this.instanceTemplateId,
      instanceGroupId: this.instanceGroupId,
      instanceGroupCrn: this.instanceGroupCrn,
      instanceGroupName: this.instanceGroupName,
    });
  }

  /**
   * The name that the group would get by itself, known before there is a group: the rule needs it, and a group whose create
   * was not answered is found by the hash in it.
   */
  private nameOfGroup(name: string, { resourceGroupId }: GroupArgs): pulumi.Output<string> {
    const mark = markOf(typeToken("InstanceGroup"), name, this);
    const replacing = replacingFields(instanceGroupFields);
    return pulumi.output({ mark, resourceGroupId }).apply((identity) => vpcName(markedText(identity, replacing)));
  }
}

/** IAM makes the CRN of a profile from its account and its id, and a group tells no more of the profile than the id. */
function crnInAccountOf(neighbour: pulumi.Output<string>, profileId: pulumi.Output<string>): pulumi.Output<string> {
  return pulumi.all([neighbour, profileId]).apply(([crn, id]) => {
    const [, , cloud = "", type = "", , , account = ""] = crn.split(":");
    return `crn:v1:${cloud}:${type}:iam-identity::${account}::profile:${id}`;
  });
}

function planOf(name: string, args: LinkedInstanceGroupArgs, groupName: pulumi.Output<string>): Plan {
  const what = `LinkedInstanceGroup "${name}"`;
  assertValid(what, linkedInstanceGroupRule, args);
  const { transform = {} } = args;
  const problems: Problem[] = [];
  // In place of what the component adds afterwards: rules leave alone what is not known yet.
  const later = pulumi.output("");

  const identity = planIdentity(args.trustedProfile, transform, problems);
  const claimRule = transformed<GroupClaimRuleArgs>(claimRuleOf(args, groupName), transform.claimRule);
  problems.push(...trustedProfileClaimRuleRule({ ...claimRule.args, profileId: later }, "claimRule"));
  const instanceTemplate = transformed<InstanceTemplateArgs>(templateOf(args, problems), transform.instanceTemplate);
  problems.push(...instanceTemplateRule(instanceTemplate.args, "instanceTemplate"));
  const instanceGroup = transformed<GroupArgs>(groupOf(args), transform.instanceGroup);
  problems.push(...instanceGroupRule({ ...instanceGroup.args, instanceTemplateId: later }, "instanceGroup"));

  assertValid(what, () => [], {}, problems);
  const protocol = args.metadataService?.protocol ?? "http";
  const template = { ...instanceTemplate, args: withMetadataService(instanceTemplate.args, protocol) };
  return { ...identity, claimRule, instanceTemplate: template, instanceGroup };
}

/** Group names are unique in a region, and a VPC is of one region; both claims, so that no other group is let in. */
function claimRuleOf({ vpcId }: LinkedInstanceGroupArgs, groupName: pulumi.Output<string>): GroupClaimRuleArgs {
  // The claim is an id.
  const id = pulumi.output(vpcId).apply(idIn);
  return {
    type: "Profile-CR",
    crType: "VSI",
    conditions: [
      { claim: "instance_group_name", operator: "EQUALS", value: groupName },
      { claim: "vpc_id", operator: "EQUALS", value: id },
    ],
  };
}

const OF_TEMPLATE = ["vpcId", "zone", "imageId", "instanceProfile", "sshKeyIds", "securityGroupIds", "resourceGroupId"];
const OF_GROUP = [
  "name",
  "subnetIds",
  "membershipCount",
  "applicationPort",
  "loadBalancerId",
  "loadBalancerPoolId",
  "resourceGroupId",
];

const only = (args: object, names: readonly string[]): object =>
  Object.fromEntries(Object.entries(args).filter(([name]) => names.includes(name)));

function templateOf(args: LinkedInstanceGroupArgs, problems: Problem[]): InstanceTemplateArgs {
  return {
    ...(only(args, OF_TEMPLATE) as Omit<InstanceTemplateArgs, "subnetId">),
    subnetId: pulumi.output(args.subnetIds).apply(([first = ""]) => first),
    metadataService: { ...args.metadataService, enabled: true },
    userData: userDataOf(args, problems),
  };
}

const groupOf = (args: LinkedInstanceGroupArgs): GroupArgs => only(args, OF_GROUP) as GroupArgs;
