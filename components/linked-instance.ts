/**
 * One server with an identity: a trusted profile, what it may do, and a server that is linked to it before it boots.
 *
 * Order matters: IBM Cloud links the default profile while it creates the server, and the policies are made before, so
 * that the first boot finds everything it asks for as early as IAM allows.
 */
import * as pulumi from "@pulumi/pulumi";
import { type BootstrapOptions, bootstrapUserData } from "../bootstrap";
import { type Problem, isKnown, isRecord } from "../core/validate";
import { AccessPolicy } from "../provider/access-policy";
import type { PolicyGrant } from "../provider/access-policy-args";
import { Instance } from "../provider/instance";
import { type InstanceArgs, type MetadataServiceArgs, instanceRule } from "../provider/instance-args";
import type { PolicyTarget } from "../provider/policy-target";
import { assertProgramUsable, assertValid } from "../provider/preflight";
import { TrustedProfile, type TrustedProfileArgs, trustedProfileRule } from "../provider/trusted-profile";
import {
  type DeepInput,
  type LinkedInstanceArgs,
  type Transform,
  isExisting,
  linkedInstanceRule,
  grantRule,
  policyLabel,
} from "./linked-instance-args";

/** What the component is going to register, checked as a whole before the first of it is. */
interface Plan {
  readonly profile: Child<TrustedProfileArgs> | undefined;
  readonly policies: readonly (Child<PolicyGrant & PolicyTarget> & { readonly label: string })[];
  readonly instance: Child<InstanceArgs>;
}

interface Child<Args> {
  readonly args: Args;
  readonly options: pulumi.CustomResourceOptions;
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
  /** SHA-256 of the user data that the server was created with, in hexadecimal digits. */
  readonly userDataSha256: pulumi.Output<string | undefined>;

  /** The profile, when the component created it. */
  readonly trustedProfile: TrustedProfile | undefined;
  /** The policies, in the order of the arguments. */
  readonly policies: readonly AccessPolicy[];
  /** The server. */
  readonly instance: Instance;

  /**
   * Creates profile, policies and server, in this order.
   * @throws pulumi.ResourceError that lists every problem of the arguments, before anything is registered
   */
  constructor(name: string, args: LinkedInstanceArgs, options?: pulumi.ComponentResourceOptions) {
    assertProgramUsable();
    const given = withoutNulls(args);
    const plan = planOf(name, given);
    super(TYPE, name, {}, options);

    const { profile: planned } = plan;
    this.trustedProfile = planned && new TrustedProfile(name, planned.args, { parent: this, ...planned.options });
    const identity = identityOf(this.trustedProfile, given.trustedProfile);
    this.policies = plan.policies.map(
      ({ label, args: grant, options: own }) =>
        new AccessPolicy(`${name}-${label}`, { ...grant, profileId: identity.id }, { parent: this, ...own }),
    );
    this.instance = new Instance(
      name,
      { ...plan.instance.args, defaultTrustedProfile: { target: identity.target, autoLink: true } },
      {
        parent: this,
        ...plan.instance.options,
        dependsOn: withPolicies(plan.instance.options.dependsOn, this.policies),
      },
    );

    this.profileId = identity.id;
    this.profileIamId = identity.id.apply((id) => `iam-${id}`);
    this.profileCrn =
      this.trustedProfile?.crn ?? this.instance.defaultTrustedProfile.apply((profile) => profile?.crn ?? "");
    this.instanceId = this.instance.id;
    this.instanceCrn = this.instance.crn;
    this.primaryIp = this.instance.primaryIp;
    this.userDataSha256 = this.instance.userDataSha256;
    this.registerOutputs({
      profileId: this.profileId,
      profileIamId: this.profileIamId,
      profileCrn: this.profileCrn,
      instanceId: this.instanceId,
      instanceCrn: this.instanceCrn,
      primaryIp: this.primaryIp,
      userDataSha256: this.userDataSha256,
    });
  }
}

function planOf(name: string, args: LinkedInstanceArgs): Plan {
  const what = `LinkedInstance "${name}"`;
  assertValid(what, linkedInstanceRule, args);
  const { trustedProfile, transform = {}, metadataService = {}, bootstrap = {}, ...server } = args;
  const problems: Problem[] = [];

  let profile: Plan["profile"];
  let policies: Plan["policies"] = [];
  if (!isExisting(trustedProfile)) {
    const { policies: wanted = [], ...profileArgs } = trustedProfile;
    profile = transformed(profileArgs, transform.trustedProfile);
    problems.push(...trustedProfileRule(profile.args, "trustedProfile"));
    policies = wanted.map(({ name: own, ...grant }) => ({
      label: own ?? policyLabel(grant),
      ...transformed<PolicyGrant & PolicyTarget>(grant, transform.policy),
    }));
    problems.push(...policies.flatMap((policy, index) => grantRule(policy.args, `trustedProfile.policies[${index}]`)));
  }
  const protocol = metadataService.protocol ?? "http";
  const userData = userDataOf(bootstrap, protocol, problems);
  // Without the profile, which does not exist yet.
  const instanceArgs = { ...server, metadataService: { ...metadataService, enabled: true }, userData };
  const instance = transformed<InstanceArgs>(instanceArgs, transform.instance);
  problems.push(...instanceRule(instance.args, "instance"));
  assertValid(what, () => [], {}, problems);
  return { profile, policies, instance: { ...instance, args: identifiable(instance.args, protocol) } };
}

function transformed<Args>(args: Args, transform: Transform<Args> | undefined): Child<Args> {
  const result = transform?.(args, {});
  return { args: result?.args ?? args, options: result?.options ?? {} };
}

/** The server as it was transformed, with the metadata service on which its user data relies. */
function identifiable(args: InstanceArgs, protocol: pulumi.Input<"http" | "https">): InstanceArgs {
  const { metadataService = {} } = args;
  const on = { enabled: true, protocol };
  return {
    ...args,
    metadataService: isKnown(metadataService)
      ? { ...(metadataService as MetadataServiceArgs), ...on }
      : pulumi.output(metadataService).apply((settings) => ({ ...settings, ...on })),
  };
}

/** A null means the same as leaving the argument out, in the arguments and in those of the profile. */
function withoutNulls(args: LinkedInstanceArgs): LinkedInstanceArgs {
  const drop = <T>(value: T): T =>
    isRecord(value) && isKnown(value)
      ? (Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined)) as T)
      : value;
  const given = drop(args);
  return isRecord(given) ? { ...given, trustedProfile: drop(given.trustedProfile) } : given;
}

/** Made at once where everything is plain, so that a text that is too long is found before anything is registered. */
function userDataOf(
  bootstrap: DeepInput<BootstrapOptions>,
  protocol: pulumi.Input<"http" | "https">,
  problems: Problem[],
): pulumi.Input<string> {
  const make = (options: BootstrapOptions, own: "http" | "https"): string =>
    bootstrapUserData({ protocol: own, ...options });
  if (isPlain([bootstrap, protocol])) {
    try {
      return make(bootstrap as BootstrapOptions, protocol as "http" | "https");
    } catch (error) {
      problems.push({ property: "bootstrap", reason: error instanceof Error ? error.message : String(error) });
      return "";
    }
  }
  return pulumi.all([bootstrap, protocol]).apply(([options, own]) => make(options as BootstrapOptions, own));
}

function isPlain(value: unknown): boolean {
  if (!isKnown(value)) return false;
  return typeof value !== "object" || value === null || Object.values(value).every(isPlain);
}

/** The profile's id, and the form in which the program names it. */
function identityOf(
  made: TrustedProfile | undefined,
  args: LinkedInstanceArgs["trustedProfile"],
): { readonly id: pulumi.Output<string>; readonly target: pulumi.Input<string> } {
  // The resource id, and not an output, stays known in the preview of an update.
  if (made !== undefined) return { id: made.id, target: made.id };
  const target = args.id ?? args.crn ?? "";
  return { id: pulumi.output(target).apply((value) => value.split(":").at(-1) ?? value), target };
}

function withPolicies(
  dependsOn: pulumi.CustomResourceOptions["dependsOn"],
  policies: readonly AccessPolicy[],
): pulumi.Input<pulumi.Input<pulumi.Resource>[]> {
  if (dependsOn === undefined) return [...policies];
  return pulumi.output(dependsOn).apply((given) => [...[given].flat(), ...policies]);
}
