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
export {
  AccessPolicy,
  type AccessPolicyArgs,
  type IamIdSubject,
  type PolicyGrant,
  type ProfileSubject,
} from "./provider/access-policy";
export { Instance } from "./provider/instance";
export type { DefaultTrustedProfileArgs, InstanceArgs, MetadataServiceArgs } from "./provider/instance-args";
export type {
  AccountManagementTarget,
  AllServicesTarget,
  AttributeOperator,
  AttributesTarget,
  PolicyTarget,
  ResourceAttribute,
  ResourceGroupTarget,
  ServiceTarget,
} from "./provider/policy-target";
export { TrustedProfile, type TrustedProfileArgs } from "./provider/trusted-profile";
export { bootstrapScript, bootstrapUserData, validateBootstrap } from "./bootstrap";
export type { BootstrapOptions, CertificateOptions, CertificateSubject, IamTokenOptions } from "./bootstrap";
export { HttpError, VpcIdentityError, isHttpError } from "./core/errors";
export type { Problem } from "./core/validate";
