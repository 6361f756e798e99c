/**
 * Several servers with one identity, spread over zones. Each of them is a child of its own with a name of its own, so that
 * the fleet can grow, shrink and move without touching those that stay.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Problem } from "../core/validate";
import type { AccessPolicy } from "../provider/access-policy";
import type { FloatingIp, FloatingIpCommonArgs } from "../provider/floating-ip";
import type { Instance } from "../provider/instance";
import type { InstanceArgs } from "../provider/instance-args";
import { assertProgramUsable, assertValid } from "../provider/preflight";
import type { TrustedProfile } from "../provider/trusted-profile";
import {
  type Child,
  type IdentityPlan,
  planIdentity,
  profileCrnOf,
  registerIdentity,
  withoutNulls,
} from "./linked-identity";
import type { Transform } from "./linked-instance-args";
import {
  type FleetMember,
  type LinkedInstanceFleetArgs,
  type PlacedMember,
  hasOwnUserData,
  linkedInstanceFleetRule,
  membersOf,
} from "./linked-instance-fleet-args";
import { planFloatingIp, planInstance, registerFloatingIp, registerInstance, userDataOf } from "./linked-server";

/** What the component is going to register, checked as a whole before the first of it is. */
interface Plan extends IdentityPlan {
  readonly members: readonly (Child<InstanceArgs> & {
    readonly key: string;
    readonly floatingIp: Child<FloatingIpCommonArgs> | undefined;
  })[];
}

/** Arguments that reach every server as they are. */
const SHARED = new Set([
  "vpcId",
  "resourceGroupId",
  "imageId",
  "instanceProfile",
  "sshKeyIds",
  "securityGroupIds",
  "tags",
  "userDataChange",
]);
type Shared = Omit<InstanceArgs, "zone" | "subnetId" | "metadataService" | "userData">;

const TYPE = "vpc-identity:index:LinkedInstanceFleet";

/**
 * Servers over zones that share an identity instead of a secret: one trusted profile, its policies once, and servers that
 * are linked to it before they boot.
 *
 * A member is named `<zone>-<number>`. To change the number in one zone, to add a zone or to take one away touches no
 * server elsewhere. A member that must not follow a change of the fleet gets its old arguments in `members`.
 *
 * @example
 * const web = new LinkedInstanceFleet("web", {
 *   vpcId,
 *   zones: [
 *     { zone: "us-south-1", subnetId: first.id, count: 2 },
 *     { zone: "us-south-2", subnetId: second.id },
 *   ],
 *   imageId,
 *   instanceProfile: "bx2-2x8",
 *   trustedProfile: { policies: [{ roles: ["Reader"], service: "cloud-object-storage" }] },
 * });
 * export const ids = web.instanceIds; // { "us-south-1-1": ..., "us-south-1-2": ..., "us-south-2-1": ... }
 *
 * @example
 * new LinkedInstanceFleet("web", {
 *   ...args,
 *   imageId: newImageId,
 *   // The first one stays on the old image, the second one goes.
 *   members: { "us-south-1-1": { imageId: oldImageId }, "us-south-1-2": false },
 * });
 */
export class LinkedInstanceFleet extends pulumi.ComponentResource {
  /** Id of the trusted profile (`Profile-<uuid>`). */
  readonly profileId: pulumi.Output<string>;
  /** IAM id of the trusted profile (`iam-Profile-<uuid>`): the subject for policies of your own. */
  readonly profileIamId: pulumi.Output<string>;
  /** CRN of the trusted profile; "" for one that exists, is given by its id and has no server yet. */
  readonly profileCrn: pulumi.Output<string>;
  /** Ids of the servers, by member. */
  readonly instanceIds: pulumi.Output<Record<string, string>>;
  /** CRNs of the servers, by member. */
  readonly instanceCrns: pulumi.Output<Record<string, string>>;
  /** Addresses of the servers in their subnets, by member. */
  readonly primaryIps: pulumi.Output<Record<string, string | undefined>>;

  /** Public addresses, by member that has one. */
  readonly floatingIpAddresses: pulumi.Output<Record<string, string>>;

  /** The profile, when the component created it. */
  readonly trustedProfile: TrustedProfile | undefined;
  /** The policies, in the order of the arguments. */
  readonly policies: readonly AccessPolicy[];
  /** The servers, by member. */
  readonly instances: Readonly<Record<string, Instance>>;
  /** The public addresses, by member that has one. */
  readonly floatingIps: Readonly<Record<string, FloatingIp>>;

  /**
   * Creates profile, policies and servers, in this order.
   * @throws pulumi.ResourceError that lists every problem of the arguments, before anything is registered
   */
  constructor(name: string, args: LinkedInstanceFleetArgs, options?: pulumi.ComponentResourceOptions) {
    assertProgramUsable();
    const given = withoutNulls(args);
    const plan = planOf(name, given);
    super(TYPE, name, {}, options);

    const identity = registerIdentity(this, name, plan, given.trustedProfile);
    this.trustedProfile = identity.trustedProfile;
    this.policies = identity.policies;
    const [instances, floatingIps]: [Record<string, Instance>, Record<string, FloatingIp>] = [{}, {}];
    for (const member of plan.members) {
      const child = `${name}-${member.key}`;
      const instance = registerInstance(this, child, member, identity);
      const floatingIp = registerFloatingIp(this, child, member.floatingIp, { instanceId: instance.id });
      instances[member.key] = instance;
      if (floatingIp !== undefined) floatingIps[member.key] = floatingIp;
    }
    this.instances = instances;
    this.floatingIps = floatingIps;

    this.profileId = identity.id;
    this.profileIamId = identity.iamId;
    this.profileCrn = profileCrnOf(identity, Object.values(this.instances)[0]);
    this.instanceIds = ofEach(instances, ({ id }) => id);
    this.instanceCrns = ofEach(instances, ({ crn }) => crn);
    this.primaryIps = ofEach(instances, ({ primaryIp }) => primaryIp);
    this.floatingIpAddresses = ofEach(floatingIps, ({ address }) => address);
    this.registerOutputs({
      profileId: this.profileId,
      profileIamId: this.profileIamId,
      profileCrn: this.profileCrn,
      instanceIds: this.instanceIds,
      instanceCrns: this.instanceCrns,
      primaryIps: this.primaryIps,
      floatingIpAddresses: this.floatingIpAddresses,
    });
  }
}

function ofEach<R, T>(
  members: Readonly<Record<string, R>>,
  output: (member: R) => pulumi.Output<T>,
): pulumi.Output<Record<string, T>> {
  const entries = Object.entries(members).map(([key, member]) => [key, output(member)] as const);
  return pulumi.output(Object.fromEntries(entries)) as pulumi.Output<Record<string, T>>;
}

function planOf(name: string, args: LinkedInstanceFleetArgs): Plan {
  const what = `LinkedInstanceFleet "${name}"`;
  assertValid(what, linkedInstanceFleetRule, args);
  const problems: Problem[] = [];
  const identity = planIdentity(args.trustedProfile, args.transform ?? {}, problems);
  const sharedUserData = userDataOf(args, problems);
  const members = membersOf(args).map((member) => planMember(member, args, sharedUserData, problems));
  assertValid(what, () => [], {}, problems);
  return { ...identity, members };
}

function planMember(
  { place, own, ...member }: PlacedMember,
  args: LinkedInstanceFleetArgs,
  sharedUserData: pulumi.Input<string>,
  problems: Problem[],
): Plan["members"][number] {
  const { bootstrap, userDataForm, floatingIp = args.floatingIps ?? false, ...server } = own;
  const metadataService = own.metadataService ?? args.metadataService ?? {};
  const userData = hasOwnUserData(own)
    ? userDataOf(
        { metadataService, bootstrap: bootstrap ?? args.bootstrap, userDataForm: userDataForm ?? args.userDataForm },
        problems,
        `members.${member.key}.bootstrap`,
      )
    : sharedUserData;
  const shared = Object.fromEntries(Object.entries(args).filter(([key]) => SHARED.has(key))) as Shared;
  const wanted = { ...shared, ...server, zone: place.zone, subnetId: place.subnetId, metadataService, userData };
  const { instance, floatingIp: address } = args.transform ?? {};
  return {
    key: member.key,
    ...planInstance(wanted, ofMember(instance, member), problems, `instances.${member.key}`),
    floatingIp: floatingIp
      ? planFloatingIp(args, ofMember(address, member), problems, `floatingIps.${member.key}`)
      : undefined,
  };
}

function ofMember<Args>(
  transform: ((...args: [...Parameters<Transform<Args>>, FleetMember]) => ReturnType<Transform<Args>>) | undefined,
  member: FleetMember,
): Transform<Args> | undefined {
  return transform && ((args, options) => transform(args, options, member));
}
