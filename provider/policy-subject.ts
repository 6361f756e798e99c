/**
 * Who a policy is for: the typed forms of the arguments, and the one attribute by which IAM knows a subject.
 *
 * Sources: IBM Cloud IAM Policy Management API v2, "Create a policy" (`subject`).
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Attribute } from "../client/iam-policy";
import { type Rule, UNKNOWN_SENTINEL, text } from "../core/validate";
import { profileIdOf, profileRule, serviceIdOf, serviceIdRule } from "./references";

/** A policy for a trusted profile. */
export interface ProfileSubject {
  /** The trusted profile: its id (`Profile-<uuid>`), its IAM id or its CRN. A change replaces the policy. */
  readonly profileId: pulumi.Input<string>;
  readonly serviceId?: undefined;
  readonly accessGroupId?: undefined;
  readonly iamId?: undefined;
}

/** A policy for a service ID. */
export interface ServiceIdSubject {
  /** The service ID: its id (`ServiceId-<uuid>`), its IAM id or its CRN. A change replaces the policy. */
  readonly serviceId: pulumi.Input<string>;
  readonly profileId?: undefined;
  readonly accessGroupId?: undefined;
  readonly iamId?: undefined;
}

/** A policy for everybody in an access group. */
export interface AccessGroupSubject {
  /** Id of the access group: `AccessGroupId-<uuid>`. A change replaces the policy. */
  readonly accessGroupId: pulumi.Input<string>;
  readonly profileId?: undefined;
  readonly serviceId?: undefined;
  readonly iamId?: undefined;
}

/** A policy for any identity. */
export interface IamIdSubject {
  /** IAM id of the identity: `iam-Profile-...`, `iam-ServiceId-...`, `IBMid-...`. A change replaces the policy. */
  readonly iamId: pulumi.Input<string>;
  readonly profileId?: undefined;
  readonly serviceId?: undefined;
  readonly accessGroupId?: undefined;
}

/** Who a policy is for. */
export type PolicySubject = ProfileSubject | ServiceIdSubject | AccessGroupSubject | IamIdSubject;

/** The arguments of a subject as they are in `check` and later. */
export interface SubjectInputs {
  readonly profileId?: string | undefined;
  readonly serviceId?: string | undefined;
  readonly accessGroupId?: string | undefined;
  readonly iamId?: string | undefined;
}

/** The subject as the state has it: one of the two. */
export interface Subject {
  readonly iamId?: string | undefined;
  readonly accessGroupId?: string | undefined;
}

/** Rules of the subject's arguments, of which exactly one must be given. */
export const subjectFields: Readonly<Record<keyof SubjectInputs, Rule>> = {
  profileId: profileRule,
  serviceId: serviceIdRule,
  accessGroupId: text({
    pattern: /^AccessGroupId-\S{1,100}$/,
    allowed: 'the id of an access group ("AccessGroupId-<uuid>")',
  }),
  iamId: text({ max: 1000 }),
};

/** The subject that the arguments name, or Pulumi's sentinel in its place while it is not known. */
export function subjectOf({ profileId, serviceId, accessGroupId, iamId }: SubjectInputs): Subject {
  if (accessGroupId !== undefined) return { accessGroupId };
  if (iamId !== undefined) return { iamId };
  const id = profileIdOf(profileId) ?? serviceIdOf(serviceId);
  return { iamId: id === undefined ? UNKNOWN_SENTINEL : `iam-${id}` };
}

/** The arguments that would name a subject. */
export function subjectArgsOf({ iamId, accessGroupId }: Subject): SubjectInputs {
  const [profileId, serviceId] = [profileIdOf(iamId), serviceIdOf(iamId)];
  if (profileId !== undefined) return { profileId };
  return serviceId === undefined ? { iamId, accessGroupId } : { serviceId };
}

/** The subject as IAM stores it. */
export function subjectAttributesOf({ iamId, accessGroupId }: Subject): Attribute[] {
  const attribute = (key: string, value: string): Attribute => ({ key, operator: "stringEquals", value });
  return accessGroupId === undefined
    ? [attribute("iam_id", iamId ?? "")]
    : [attribute("access_group_id", accessGroupId)];
}

/** The subject among a policy's attributes. */
export function subjectIn(attributes: readonly Attribute[]): Subject {
  const value = (wanted: string): string | undefined => {
    const found = attributes.find(({ key }) => key === wanted)?.value;
    return typeof found === "string" ? found : undefined;
  };
  return { iamId: value("iam_id"), accessGroupId: value("access_group_id") };
}

/** The subject in a message. */
export function nameOf({ iamId, accessGroupId }: Subject): string {
  return accessGroupId ?? iamId ?? "nobody";
}
