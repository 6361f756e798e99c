/**
 * Types that arguments and outputs are made of. They cannot be imported; the reference has them so that one can see what is in
 * an output.
 *
 * @module types
 */
export type { ErrorDetails, HttpErrorDetails } from "../core/errors";
export type { ActionWhenLeaked } from "../client/iam-api-keys";
export type { ClaimOperator, ClaimRuleType } from "../client/iam-claim-rules";
export type { ComputeResourceType, LinkTarget } from "../client/iam-identity";
export type { Attribute, AttributeValue, PolicyRule, PolicyVersion, Role, Tag } from "../client/iam-policy";
export type { IdentityType, ProfileIdentity } from "../client/iam-profile-identities";
export type { Activity, HistoryItem } from "../client/iam-usage";
export type { MetadataService, NetworkAttachment, Reason } from "../client/vpc";
export type { BareMetalMetadataService, TpmMode } from "../client/vpc-bare-metal";
export type { MetadataProtocol } from "../client/vpc-instance-prototype";
export type { ExecResult } from "../emulator/boot";
export type { ResolvedCondition } from "../provider/claim-conditions";
export type { FloatingIpCommonArgs } from "../provider/floating-ip";
export type { NetworkAttachmentInputs, NetworkInterfaceInputs } from "../provider/instance-network-args";
export type { DataVolumeInputs, NewVolumeInputs } from "../provider/instance-volume-args";
export type { ClaimRuleCommon } from "../provider/trusted-profile-claim-rule";
export type { IdentityCommon } from "../provider/trusted-profile-identity";
export type { LinkCommon } from "../provider/trusted-profile-link";
