/**
 * One server with an identity: a trusted profile, what it may do, and a server that is linked to it before it boots.
 *
 * Order matters: IBM Cloud links the default profile while it creates the server, and the policies are made before, so
 * that the first boot finds everything it asks for as early as IAM allows.
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
import { type LinkedInstanceArgs, linkedInstanceRule } from "./linked-instance-args";
import { planFloatingIp, planInstance, registerFloatingIp, registerInstance, userDataOf } from "./linked-server";

/** What the component is going to register, checked as a whole before the first of it is. */
interface Plan extends IdentityPlan {
  readonly instance: Child<InstanceArgs>;
  readonly floatingIp: Child<FloatingIpCommonArgs> | undefined;
}

const TYPE = "vpc-identity:index:LinkedInstance";

/**
 * A server that has an identity instead of a secret: trusted profile, policies, server, and user data that turns the
 * identity into an IAM token and a certificate and keeps them on the server.
 *
 * @example
 * const app = new LinkedInstance("app", {
 *   vpcId,
 *   subnetId,
 *   zone: "us-south-1",
 *   imageId,
 *   instanceProfile: "bx2-2x8",
 *   trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
 * });
 * export const profileId = app.profileId;
 *
 * @example
 * const app = new LinkedInstance("app", {
 *   vpcId,
 *   subnetId,
 *   zone: "us-south-1",
 *   imageId,
 *   instanceProfile: "bx2-2x8",
 *   sshKeyIds: [key.id],
 *   trustedProfile: { id: profile.id },
 *   metadataService: { responseHopLimit: 2 },
 *   bootstrap: { iamTokens: [{ name: "default" }], certificate: { keySize: 4096, subject: { O: "Example" } } },
 *   userDataChange: "replace",
 * });
 */
export class LinkedInstance extends pulumi.ComponentResource {
  /** Id of the trusted profile (`Profile-<uuid>`). */
  readonly profileId: pulumi.Output<string>;
  /** IAM id of the trusted profile (`iam-Profile-<uuid>`): the subject for policies of your own. */
  readonly profileIamId: pulumi.Output<string>;
  /** CRN of the trusted profile. */
  readonly profileCrn: pulumi.Output<string>;
  /** Id of the server. */
  readonly instanceId: pulumi.Output<string>;
  /** CRN of the server. */
  readonly instanceCrn: pulumi.Output<string>;
  /** Address of the server in its subnet. */
  readonly primaryIp: pulumi.Output<string | undefined>;
  /** Public address, if it has one. */
  readonly floatingIpAddress: pulumi.Output<string | undefined>;
  /** SHA-256 of the user data that the server was created with, in hexadecimal digits. */
  readonly userDataSha256: pulumi.Output<string | undefined>;

  /** The profile, when the component created it. */
  readonly trustedProfile: TrustedProfile | undefined;
  /** The policies, in the order of the arguments. */
  readonly policies: readonly AccessPolicy[];
  /** The server. */
  readonly instance: Instance;
  /** The public address, if it has one. */
  readonly floatingIp: FloatingIp | undefined;

  /**
   * Creates profile, policies and server, in this order.
   * @throws pulumi.ResourceError that lists every problem of the arguments, before anything is registered
   */
  constructor(name: string, args: LinkedInstanceArgs, options?: pulumi.ComponentResourceOptions) {
    assertProgramUsable();
    const given = withoutNulls(args);
    const plan = planOf(name, given);
    super(TYPE, name, {}, options);

    const identity = registerIdentity(this, name, plan, given.trustedProfile);
    this.trustedProfile = identity.trustedProfile;
    this.policies = identity.policies;
    this.instance = registerInstance(this, name, plan.instance, identity);
    this.floatingIp = registerFloatingIp(this, name, plan.floatingIp, { instanceId: this.instance.id });

    this.profileId = identity.id;
    this.profileIamId = identity.iamId;
    this.profileCrn = profileCrnOf(identity, this.instance);
    this.instanceId = this.instance.id;
    this.instanceCrn = this.instance.crn;
    this.primaryIp = this.instance.primaryIp;
    this.floatingIpAddress = this.floatingIp?.address ?? pulumi.output(undefined);
    this.userDataSha256 = this.instance.userDataSha256;
    this.registerOutputs({
      profileId: this.profileId,
      profileIamId: this.profileIamId,
      profileCrn: this.profileCrn,
      instanceId: this.instanceId,
      instanceCrn: this.instanceCrn,
      primaryIp: this.primaryIp,
      floatingIpAddress: this.floatingIpAddress,
      userDataSha256: this.userDataSha256,
    });
  }
}

function planOf(name: string, args: LinkedInstanceArgs): Plan {
  const what = `LinkedInstance "${name}"`;
  assertValid(what, linkedInstanceRule, args);
  const { trustedProfile, transform = {}, metadataService = {}, bootstrap, userDataForm, floatingIp, ...server } = args;
  const problems: Problem[] = [];

  const identity = planIdentity(trustedProfile, transform, problems);
  const userData = userDataOf({ metadataService, bootstrap, userDataForm }, problems);
  const instance = planInstance({ ...server, metadataService, userData }, transform.instance, problems);
  const address = floatingIp === true ? planFloatingIp(args, transform.floatingIp, problems) : undefined;
  assertValid(what, () => [], {}, problems);
  return { ...identity, instance, floatingIp: address };
}
