/**
 * A bare metal server with an identity: a trusted profile, what it may do, and a server that is linked to it before it boots.
 */
import * as pulumi from "@pulumi/pulumi";
import { type Problem, isKnown } from "../core/validate";
import type { AccessPolicy } from "../provider/access-policy";
import { BareMetalServer } from "../provider/bare-metal-server";
import {
  type BareMetalInitializationArgs,
  type BareMetalServerArgs,
  bareMetalServerRule,
} from "../provider/bare-metal-server-args";
import type { FloatingIp, FloatingIpCommonArgs } from "../provider/floating-ip";
import { assertProgramUsable, assertValid } from "../provider/preflight";
import type { TrustedProfile } from "../provider/trusted-profile";
import { type LinkedBareMetalServerArgs, linkedBareMetalServerRule, passedOn } from "./linked-bare-metal-server-args";
import {
  type Child,
  type IdentityPlan,
  alsoAfter,
  planIdentity,
  profileCrnOf,
  registerIdentity,
  transformed,
  withoutNulls,
} from "./linked-identity";
import { planFloatingIp, registerFloatingIp, userDataOf, withMetadataService } from "./linked-server";

/** What the component is going to register, checked as a whole before the first of it is. */
interface Plan extends IdentityPlan {
  readonly server: Child<BareMetalServerArgs>;
  readonly floatingIp: Child<FloatingIpCommonArgs> | undefined;
}

const TYPE = "vpc-identity:index:LinkedBareMetalServer";

/**
 * A bare metal server that has an identity instead of a secret: trusted profile, policies, server, and user data that turns
 * the identity into an IAM token and a certificate and keeps them on the server.
 *
 * What it boots from (image, keys, user data, profile) can only be changed by writing its disk anew: see `allowReinitialize`.
 *
 * @example
 * const db = new LinkedBareMetalServer("db", {
 *   zone: "us-south-1",
 *   subnetId,
 *   bareMetalServerProfile: "bx2-metal-96x384",
 *   imageId,
 *   sshKeyIds: [key.id],
 *   trustedProfile: { policies: [{ roles: ["Reader"], service: "cloud-object-storage" }] },
 * });
 * export const profileId = db.profileId;
 */
export class LinkedBareMetalServer extends pulumi.ComponentResource {
  /** Id of the trusted profile (`Profile-<uuid>`). */
  readonly profileId: pulumi.Output<string>;
  /** IAM id of the trusted profile (`iam-Profile-<uuid>`): the subject for policies of your own. */
  readonly profileIamId: pulumi.Output<string>;
  /** CRN of the trusted profile. */
  readonly profileCrn: pulumi.Output<string>;
  /** Id of the server. */
  readonly bareMetalServerId: pulumi.Output<string>;
  /** CRN of the server. */
  readonly bareMetalServerCrn: pulumi.Output<string>;
  /** Address of the server in its subnet. */
  readonly primaryIp: pulumi.Output<string | undefined>;
  /** Public address, if it has one. */
  readonly floatingIpAddress: pulumi.Output<string | undefined>;
  /** SHA-256 of the user data that the server was initialised with, in hexadecimal digits. */
  readonly userDataSha256: pulumi.Output<string | undefined>;

  /** The profile, when the component created it. */
  readonly trustedProfile: TrustedProfile | undefined;
  /** The policies, in the order of the arguments. */
  readonly policies: readonly AccessPolicy[];
  /** The server. */
  readonly bareMetalServer: BareMetalServer;
  /** The public address, if it has one. */
  readonly floatingIp: FloatingIp | undefined;

  /**
   * Creates profile, policies and server, in this order.
   * @throws pulumi.ResourceError that lists every problem of the arguments, before anything is registered
   */
  constructor(name: string, args: LinkedBareMetalServerArgs, options?: pulumi.ComponentResourceOptions) {
    assertProgramUsable();
    const given = withoutNulls(args);
    const plan = planOf(name, given);
    super(TYPE, name, {}, options);

    const identity = registerIdentity(this, name, plan, given.trustedProfile);
    this.trustedProfile = identity.trustedProfile;
    this.policies = identity.policies;
    this.bareMetalServer = new BareMetalServer(name, linked(plan.server.args, identity.target), {
      parent: this,
      ...plan.server.options,
      dependsOn: alsoAfter(plan.server.options.dependsOn, this.policies),
    });
    const virtualNetworkInterfaceId = this.bareMetalServer.virtualNetworkInterfaceId.apply((id) => id ?? "");
    this.floatingIp = registerFloatingIp(this, name, plan.floatingIp, { virtualNetworkInterfaceId });

    this.profileId = identity.id;
    this.profileIamId = identity.iamId;
    this.profileCrn = profileCrnOf(identity, this.bareMetalServer);
    this.bareMetalServerId = this.bareMetalServer.id;
    this.bareMetalServerCrn = this.bareMetalServer.crn;
    this.primaryIp = this.bareMetalServer.primaryIp;
    this.floatingIpAddress = this.floatingIp?.address ?? pulumi.output(undefined);
    this.userDataSha256 = this.bareMetalServer.userDataSha256;
    this.registerOutputs({
      profileId: this.profileId,
      profileIamId: this.profileIamId,
      profileCrn: this.profileCrn,
      bareMetalServerId: this.bareMetalServerId,
      bareMetalServerCrn: this.bareMetalServerCrn,
      primaryIp: this.primaryIp,
      floatingIpAddress: this.floatingIpAddress,
      userDataSha256: this.userDataSha256,
    });
  }
}

function planOf(name: string, args: LinkedBareMetalServerArgs): Plan {
  const what = `LinkedBareMetalServer "${name}"`;
  assertValid(what, linkedBareMetalServerRule, args);
  const { transform = {}, metadataService, imageId, sshKeyIds } = args;
  const problems: Problem[] = [];

  const identity = planIdentity(args.trustedProfile, transform, problems);
  // Without the profile, which does not exist yet.
  const initialization = { imageId, sshKeyIds, userData: userDataOf(args, problems) };
  const serverArgs = {
    ...passedOn(args),
    initialization,
    metadataService: { ...metadataService, enabled: true },
  } as BareMetalServerArgs;
  const server = transformed(serverArgs, transform.bareMetalServer);
  problems.push(...bareMetalServerRule(server.args, "bareMetalServer"));
  const floatingIp = args.floatingIp === true ? planFloatingIp(args, transform.floatingIp, problems) : undefined;

  assertValid(what, () => [], {}, problems);
  const on = withMetadataService(server.args, metadataService?.protocol ?? "http");
  return { ...identity, server: { ...server, args: on }, floatingIp };
}

/** The server as it was planned, with the profile, which IBM Cloud links before it boots. */
function linked(args: BareMetalServerArgs, target: pulumi.Input<string>): BareMetalServerArgs {
  const { initialization } = args;
  const own = { defaultTrustedProfile: { target, autoLink: true } };
  return {
    ...args,
    initialization: isKnown(initialization)
      ? { ...(initialization as BareMetalInitializationArgs), ...own }
      : pulumi.output(initialization).apply((known) => ({ ...known, ...own })),
  };
}
