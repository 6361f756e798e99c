/**
 * What makes a server one with an identity, beside the profile: a metadata service that is on, and user data that was made
 * for its protocol.
 */
import * as pulumi from "@pulumi/pulumi";
import type { BootstrapOptions, UserDataForm } from "../bootstrap";
import { type Problem, isKnown, object } from "../core/validate";
import { FloatingIp, type FloatingIpCommonArgs } from "../provider/floating-ip";
import { Instance } from "../provider/instance";
import { type InstanceArgs, type MetadataServiceArgs, instanceRule } from "../provider/instance-args";
import { networkArgRules } from "../provider/network-lifecycle";
import { assertValid } from "../provider/preflight";
import { warnedUserData } from "./bootstrap-user-data";
import { type Child, type LinkedIdentity, alsoAfter, transformed } from "./linked-identity";
import {
  type LinkedInstanceArgs,
  type LinkedMetadataServiceArgs,
  type Transform,
  protocolsAgree,
} from "./linked-instance-args";

/** Plans a server without its profile, which may not exist yet, and adds to `problems` what is wrong with it. */
export function planInstance(
  wanted: Omit<InstanceArgs, "metadataService"> & { readonly metadataService: LinkedMetadataServiceArgs },
  transform: Transform<InstanceArgs> | undefined,
  problems: Problem[],
  path = "instance",
): Child<InstanceArgs> {
  const { metadataService } = wanted;
  const { args, options } = transformed<InstanceArgs>(
    { ...wanted, metadataService: { ...metadataService, enabled: true } },
    transform,
  );
  problems.push(...instanceRule(args, path));
  return { args: withMetadataService(args, metadataService.protocol ?? "http"), options };
}

/** Registers a server that was planned: after the policies, and linked to the profile before it boots. */
export function registerInstance(
  parent: pulumi.Resource,
  name: string,
  { args, options }: Child<InstanceArgs>,
  { target, policies }: LinkedIdentity,
): Instance {
  return new Instance(
    name,
    { ...args, defaultTrustedProfile: { target, autoLink: true } },
    { parent, ...options, dependsOn: alsoAfter(options.dependsOn, policies) },
  );
}

const floatingIpRule = object({ fields: networkArgRules });

/** Plans the public address of a server, in the server's resource group. */
export function planFloatingIp(
  { resourceGroupId }: Pick<FloatingIpCommonArgs, "resourceGroupId">,
  transform: Transform<FloatingIpCommonArgs> | undefined,
  problems: Problem[],
  path = "floatingIp",
): Child<FloatingIpCommonArgs> {
  const child = transformed<FloatingIpCommonArgs>(resourceGroupId === undefined ? {} : { resourceGroupId }, transform);
  problems.push(...floatingIpRule(child.args, path));
  return child;
}

/** Registers a public address that was planned, if any was, and binds it to a server. */
export function registerFloatingIp(
  parent: pulumi.Resource,
  name: string,
  child: Child<FloatingIpCommonArgs> | undefined,
  server:
    { readonly instanceId: pulumi.Output<string> } | { readonly virtualNetworkInterfaceId: pulumi.Output<string> },
): FloatingIp | undefined {
  return child && new FloatingIp(name, { ...child.args, ...server }, { parent, ...child.options });
}

/** The arguments as they were transformed, with the metadata service on which the user data relies. */
export function withMetadataService<
  Args extends { readonly metadataService?: pulumi.Input<Pick<MetadataServiceArgs, "enabled" | "protocol">> },
>(args: Args, protocol: pulumi.Input<"http" | "https">): Args {
  const { metadataService = {} } = args;
  const on = { enabled: true, protocol };
  return {
    ...args,
    metadataService: isKnown(metadataService)
      ? { ...(metadataService as MetadataServiceArgs), ...on }
      : pulumi.output(metadataService).apply((settings) => ({ ...settings, ...on })),
  };
}

/** What the user data of a server is made of. */
export type UserDataArgs = {
  readonly [Key in "metadataService" | "bootstrap" | "userDataForm"]?: LinkedInstanceArgs[Key] | undefined;
};

/** Made at once where everything is plain, so that a text that is too long is found before anything is registered. */
export function userDataOf(
  { metadataService = {}, bootstrap = {}, userDataForm: form = {} }: UserDataArgs,
  problems: Problem[],
  path = "bootstrap",
): pulumi.Input<string> {
  const { protocol = "http" } = metadataService;
  const make = (options: BootstrapOptions, own: "http" | "https", how: UserDataForm): string => {
    // The two can be told apart only here where one of them was an Output.
    const metadata = { protocol: own };
    assertValid("The user data", () => [], {}, protocolsAgree({ metadataService: metadata, bootstrap: options }));
    return warnedUserData({ ...options, protocol: options.protocol ?? own }, how);
  };
  if (isPlain([bootstrap, protocol, form])) {
    try {
      return make(bootstrap as BootstrapOptions, protocol as "http" | "https", form as UserDataForm);
    } catch (error) {
      problems.push({ property: path, reason: error instanceof Error ? error.message : String(error) });
      return "";
    }
  }
  return pulumi
    .all([bootstrap, protocol, form])
    .apply(([options, own, how]) => make(options as BootstrapOptions, own, how as UserDataForm));
}

function isPlain(value: unknown): boolean {
  if (!isKnown(value)) return false;
  return typeof value !== "object" || value === null || Object.values(value).every(isPlain);
}
