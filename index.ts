/**
 * The public API of `pulumi-ibm-vpc-identity`.
 *
 * @module pulumi-ibm-vpc-identity
 */
export {
  ibmBareMetalServerArgs,
  ibmInstanceArgs,
  ibmInstanceTemplateArgs,
  type IbmBareMetalServerIdentity,
  type IbmBareMetalServerIdentityArgs,
  type IbmInstanceIdentity,
  type IbmServerIdentityArgs,
  type IbmTemplateIdentityArgs,
} from "./components/ibm-args";
export { LinkedBareMetalServer } from "./components/linked-bare-metal-server";
export type {
  LinkedBareMetalServerArgs,
  LinkedBareMetalServerSettingsArgs,
  LinkedBareMetalServerTransforms,
} from "./components/linked-bare-metal-server-args";
export { LinkedInstance } from "./components/linked-instance";
export { LinkedInstanceGroup } from "./components/linked-instance-group";
export type {
  GroupClaimRuleArgs,
  LinkedInstanceGroupArgs,
  LinkedInstanceGroupTransforms,
} from "./components/linked-instance-group-args";
export { LinkedInstanceFleet } from "./components/linked-instance-fleet";
export type {
  FleetMember,
  FleetMemberArgs,
  FleetZoneArgs,
  LinkedInstanceFleetArgs,
  LinkedInstanceFleetTransforms,
} from "./components/linked-instance-fleet-args";
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
export { WorkloadIdentity } from "./components/workload-identity";
export type {
  WorkloadClaimRuleArgs,
  WorkloadIdentityArgs,
  WorkloadIdentityTransforms,
  WorkloadLinkArgs,
} from "./components/workload-identity-args";
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
export { getImage, getImageOutput, type GetImageArgs, type ImageResult } from "./provider/functions/get-image";
export {
  getInstance,
  getInstanceOutput,
  type GetInstanceArgs,
  type InstanceResult,
} from "./provider/functions/get-instance";
export {
  getInstanceIdentity,
  getInstanceIdentityOutput,
  type GetInstanceIdentityArgs,
  type IdentityReason,
  type InstanceIdentityResult,
  type PossibleProfile,
  type UnmetClaimRule,
} from "./provider/functions/get-instance-identity";
export {
  getInstanceProfiles,
  getInstanceProfilesOutput,
  type GetInstanceProfilesArgs,
  type InstanceProfile,
  type InstanceProfilesResult,
} from "./provider/functions/get-instance-profiles";
export { getRoles, getRolesOutput, type GetRolesArgs } from "./provider/functions/get-roles";
export { getSshKey, getSshKeyOutput, type GetSshKeyArgs, type SshKeyResult } from "./provider/functions/get-ssh-key";
export { getSubnet, getSubnetOutput, type GetSubnetArgs, type SubnetResult } from "./provider/functions/get-subnet";
export { getVpc, getVpcOutput, type GetVpcArgs, type VpcResult } from "./provider/functions/get-vpc";
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
  getTrustedProfileClaimRules,
  getTrustedProfileClaimRulesOutput,
  type GetTrustedProfileClaimRulesArgs,
  type TrustedProfileClaimRuleResult,
  type TrustedProfileClaimRulesResult,
} from "./provider/functions/get-trusted-profile-claim-rules";
export {
  getTrustedProfileIdentities,
  getTrustedProfileIdentitiesOutput,
  type GetTrustedProfileIdentitiesArgs,
  type TrustedProfileIdentitiesResult,
} from "./provider/functions/get-trusted-profile-identities";
export {
  getTrustedProfilePolicies,
  getTrustedProfilePoliciesOutput,
  type GetTrustedProfilePoliciesArgs,
  type TrustedProfilePoliciesResult,
  type TrustedProfilePolicyResult,
} from "./provider/functions/get-trusted-profile-policies";
export {
  getTrustedProfileLinks,
  getTrustedProfileLinksOutput,
  type GetTrustedProfileLinksArgs,
  type TrustedProfileLinkResult,
  type TrustedProfileLinksResult,
} from "./provider/functions/get-trusted-profile-links";
export type { LookupInput, LookupOptions, LookupSettings } from "./provider/functions/program-session";
export { Instance } from "./provider/instance";
export { BareMetalServer } from "./provider/bare-metal-server";
export type {
  BareMetalInitializationArgs,
  BareMetalMetadataServiceArgs,
  BareMetalServerArgs,
  BareMetalServerSettingsArgs,
  TrustedPlatformModuleArgs,
} from "./provider/bare-metal-server-args";
export { InstanceGroup } from "./provider/instance-group";
export type { InstanceGroupArgs } from "./provider/instance-group-args";
export { InstanceTemplate } from "./provider/instance-template";
export type {
  AnyInstanceTemplateArgs,
  InstanceTemplateArgs,
  InstanceTemplateSettingsArgs,
} from "./provider/instance-template-args";
export type {
  AnyInstanceArgs,
  AvailabilityPolicyArgs,
  DefaultTrustedProfileArgs,
  InstanceArgs,
  InstanceSettingsArgs,
  MetadataServiceArgs,
  SnapshotSourceArgs,
  TemplateSourceArgs,
} from "./provider/instance-args";
export { InstanceMetadataService, type InstanceMetadataServiceArgs } from "./provider/instance-metadata-service";
export type {
  BareMetalAttachmentArgs,
  BareMetalNetworkArgs,
  ExistingInterfaceNetworkArgs,
  InfrastructureNatArgs,
  InstanceNetworkArgs,
  InterfaceNetworkArgs,
  NetworkAttachmentArgs,
  NetworkInterfaceArgs,
  SubnetNetworkArgs,
  TemplateNetworkArgs,
} from "./provider/instance-network-args";
export type { DataVolumeArgs, NewVolumeArgs } from "./provider/instance-volume-args";
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
export {
  FloatingIp,
  type FloatingIpArgs,
  type InstanceFloatingIpArgs,
  type InterfaceFloatingIpArgs,
  type NetworkInterfaceFloatingIpArgs,
  type ReservedFloatingIpArgs,
} from "./provider/floating-ip";
export { SshKey, type SshKeyArgs } from "./provider/ssh-key";
export { Subnet, type RangedSubnetArgs, type SizedSubnetArgs, type SubnetArgs } from "./provider/subnet";
export { Vpc, type VpcArgs } from "./provider/vpc";
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
export {
  bootstrapScript,
  bootstrapUserData,
  userDataReport,
  validateBootstrap,
  validateUserDataForm,
} from "./bootstrap";
export type {
  BootstrapOptions,
  CertificateOptions,
  CertificateSubject,
  ConsumerOptions,
  CredentialFile,
  FileAccess,
  FilesOptions,
  HooksOptions,
  IamTokenOptions,
  RenewalOptions,
  SignalHook,
  StrongswanOptions,
  UserDataForm,
  UserDataPart,
  UserDataReport,
} from "./bootstrap";
export { bootstrapUserDataOutput } from "./components/bootstrap-user-data";
export { HttpError, VpcIdentityError, isHttpError } from "./core/errors";
export type { Problem } from "./core/validate";
