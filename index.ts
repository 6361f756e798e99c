/** The public API of `pulumi-ibm-vpc-identity`. */
export { LinkedInstance } from "./components/linked-instance";
export type {
  DeepInput,
  ExistingTrustedProfileArgs,
  LinkedInstanceArgs,
  LinkedInstanceTransforms,
  LinkedMetadataServiceArgs,
  LinkedPolicyArgs,
  NewTrustedProfileArgs,
  Transform,
} from "./components/linked-instance-args";
export { AccessPolicy } from "./provider/access-policy";
export type { AccessPolicyArgs, PolicyGrant } from "./provider/access-policy-args";
export { ApiKey } from "./provider/api-key";
export type { ApiKeyArgs, IamIdOwner, ServiceIdOwner } from "./provider/api-key-args";
export type { AnyValueCondition, ClaimCondition, SingleValueCondition } from "./provider/claim-conditions";
export {
  getApiKeyDetails,
  getApiKeyDetailsOutput,
  type ApiKeyDetails,
  type GetApiKeyDetailsArgs,
} from "./provider/functions/get-api-key-details";
export {
  getCallerIdentity,
  getCallerIdentityOutput,
  type CallerIdentity,
} from "./provider/functions/get-caller-identity";
export { getRoles, getRolesOutput, type GetRolesArgs } from "./provider/functions/get-roles";
export {
  getTrustedProfile,
  getTrustedProfileOutput,
  getTrustedProfiles,
  getTrustedProfilesOutput,
  type GetTrustedProfileArgs,
  type GetTrustedProfilesArgs,
  type TrustedProfileResult,
} from "./provider/functions/get-trusted-profile";
export {
  getTrustedProfileLinks,
  getTrustedProfileLinksOutput,
  type GetTrustedProfileLinksArgs,
  type TrustedProfileLinkResult,
  type TrustedProfileLinksResult,
} from "./provider/functions/get-trusted-profile-links";
export type { LookupInput, LookupOptions, LookupSettings } from "./provider/functions/program-session";
export { Instance } from "./provider/instance";
export type { DefaultTrustedProfileArgs, InstanceArgs, MetadataServiceArgs } from "./provider/instance-args";
export type { AttributeOperator } from "./provider/policy-attribute";
export type {
  AttributeCondition,
  AttributeConditionGroup,
  DayOfWeek,
  OnceRule,
  PolicyRuleArgs,
  ResourceAttributeRule,
  WeeklyAllDayRule,
  WeeklyCustomHoursRule,
} from "./provider/policy-rule";
export type {
  AccessGroupSubject,
  IamIdSubject,
  PolicySubject,
  ProfileSubject,
  ServiceIdSubject,
} from "./provider/policy-subject";
export type {
  AccountManagementTarget,
  AllServicesTarget,
  AttributesTarget,
  PolicyTarget,
  ResourceAttribute,
  ResourceGroupTarget,
  ResourceTag,
  ServiceGroupTarget,
  ServiceTarget,
} from "./provider/policy-target";
export { ServiceId, type ServiceIdArgs } from "./provider/service-id";
export { TrustedProfile, type TrustedProfileArgs } from "./provider/trusted-profile";
export {
  TrustedProfileClaimRule,
  type ComputeResourceClaimRule,
  type SamlClaimRule,
  type TrustedProfileClaimRuleArgs,
} from "./provider/trusted-profile-claim-rule";
export {
  TrustedProfileIdentity,
  type CrnIdentity,
  type ServiceIdIdentity,
  type TrustedProfileIdentityArgs,
  type UserIdentity,
} from "./provider/trusted-profile-identity";
export {
  TrustedProfileLink,
  type CodeEngineLink,
  type ServerLink,
  type ServiceAccountLink,
  type TrustedProfileLinkArgs,
} from "./provider/trusted-profile-link";
export { bootstrapScript, bootstrapUserData, validateBootstrap } from "./bootstrap";
export type { BootstrapOptions, CertificateOptions, CertificateSubject, IamTokenOptions } from "./bootstrap";
export { HttpError, VpcIdentityError, isHttpError } from "./core/errors";
export type { Problem } from "./core/validate";
