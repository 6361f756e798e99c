/**
 * Why the template of an instance group must not link its servers by itself, said as early as possible: IBM Cloud refuses
 * such a group, and the program often shows it before anything is made.
 */
import type * as pulumi from "@pulumi/pulumi";
import { isKnown, isRecord } from "../core/validate";

/** What to do about a template that links, in the words of this package. */
export const LINKING_ADVICE =
  "The template of an instance group must not link its servers by itself: set `autoLink: false` in its " +
  '`defaultTrustedProfile`, and let a `TrustedProfileClaimRule` of that profile (type "Profile-CR", crType "VSI", condition ' +
  '"instance_group_name", "vpc_id", "subnet_id" or "resource_group_id") say which servers may become it.';

/**
 * The ids of templates of the running program that link, with their names. Keyed by the Output itself: that is what a
 * program passes on. Global, because a process may hold two copies of this package.
 */
function linkingTemplates(): WeakMap<object, string> {
  const key = Symbol.for("pulumi-ibm-vpc-identity.linking-templates");
  const registry = globalThis as { [key]?: WeakMap<object, string> | undefined };
  return (registry[key] ??= new WeakMap());
}

/** Remembers a template whose plain arguments say that it links. */
export function rememberLinking(id: pulumi.Output<string>, name: string, profile: unknown): void {
  if (!isKnown(profile) || !isRecord(profile) || profile.autoLink === false || !isKnown(profile.autoLink)) return;
  linkingTemplates().set(id, name);
}

/** The name of the template in the program whose id this is, if it links. */
export function linkingTemplateOf(id: unknown): string | undefined {
  return typeof id === "object" && id !== null ? linkingTemplates().get(id) : undefined;
}
