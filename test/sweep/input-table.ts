/**
 * Everything that takes arguments, each with arguments that are good: the one table from which bad ones are made. Between
 * them the examples of a subject have every argument that it allows, which the sweep itself verifies.
 */
import { bootstrapUserData, validateBootstrap, validateUserDataForm } from "../../bootstrap";
import type { Rule } from "../../core/validate";
import * as library from "../../index";
import { accessPolicyRule } from "../../provider/access-policy-args";
import { apiKeyRule } from "../../provider/api-key-args";
import { bareMetalServerRule } from "../../provider/bare-metal-server-args";
import { floatingIpRule } from "../../provider/floating-ip";
import { instanceRule } from "../../provider/instance-args";
import { instanceGroupRule } from "../../provider/instance-group-args";
import { instanceMetadataServiceRule } from "../../provider/instance-metadata-service";
import { instanceTemplateRule } from "../../provider/instance-template-args";
import { serviceIdArgsRule } from "../../provider/service-id";
import { sshKeyRule } from "../../provider/ssh-key";
import { subnetRule } from "../../provider/subnet";
import { trustedProfileRule } from "../../provider/trusted-profile";
import { trustedProfileClaimRuleRule } from "../../provider/trusted-profile-claim-rule";
import { trustedProfileIdentityRule } from "../../provider/trusted-profile-identity";
import { trustedProfileLinkRule } from "../../provider/trusted-profile-link";
import { vpcRule } from "../../provider/vpc";
import { linkedBareMetalServerRule } from "../../components/linked-bare-metal-server-args";
import { linkedInstanceRule } from "../../components/linked-instance-args";
import { linkedInstanceFleetRule } from "../../components/linked-instance-fleet-args";
import { linkedInstanceGroupRule } from "../../components/linked-instance-group-args";
import { workloadIdentityRule } from "../../components/workload-identity-args";
import { ED25519_KEY } from "../provider/public-keys";
import {
  PROFILE,
  CRN,
  SERVICE_ID,
  SERVER_CRN,
  same,
  attachment,
  connected,
  existing,
  older,
  metadataService,
  place,
  server,
  bareMetal,
  initialization,
  WHOSE,
  policies,
  claimRule,
  link,
  account,
  bootstrap,
  consumers,
  forOther,
  lookups,
  userDataForm,
  newProfile,
  linked,
  alike,
  linkedBareMetal,
  without,
} from "./input-values";

export interface Subject {
  readonly name: string;
  /** What judges the arguments, where it can be had without using them. @default - only a use tells */
  readonly rule?: Rule;
  /** As a program uses it; may be a promise. @throws Error that lists every problem */
  readonly use: (name: string, args: never) => unknown;
  /** True for a type of resource: its handler judges the arguments once more. */
  readonly isResource: boolean;
  readonly examples: readonly object[];
}

/** Arguments whose values no message repeats, as their last names. */
export const NEVER_SHOWN = ["userData", "value", "merge", "publicKey"];

/** What the rest of an object is judged by: while it is wrong, the rest cannot be. */
export const DECIDING = ["pattern", "crType", "type", "operator"];

type Constructor = new (name: string, args: never) => unknown;

const resource = (name: string, type: Constructor, rule: Rule, ...examples: readonly object[]): Subject => ({
  name,
  rule,
  use: (logicalName, args) => new type(logicalName, args),
  isResource: true,
  examples,
});
const component = (...subject: Parameters<typeof resource>): Subject => ({
  ...resource(...subject),
  isResource: false,
});

/** Settings that cannot be: what arguments are asked for is found out, and nobody is asked. */
const NOWHERE = { settings: { iamEndpoint: "nowhere" } };

/** A function that looks something up. Its arguments are good when it gets as far as its settings. */
const lookup = (
  name: string,
  look: (args: never, options: typeof NOWHERE) => Promise<unknown>,
  examples: readonly object[],
): Subject => ({
  name,
  use: async (_name, args) => {
    const outcome = await look(args, NOWHERE).catch((error: unknown) => error);
    if ((outcome as { readonly code?: unknown }).code !== "IBMID_BAD_SETTINGS") throw outcome;
  },
  isResource: false,
  examples,
});

/** Arguments for a resource of another provider. */
const forOthers = (name: string, make: (args: never) => unknown, ...examples: readonly object[]): Subject => ({
  name,
  use: (_name, args) => make(args),
  isResource: false,
  examples,
});

export const SUBJECTS: readonly Subject[] = [
  resource("TrustedProfile", library.TrustedProfile, trustedProfileRule, without(newProfile, "policies")),
  resource(
    "TrustedProfileLink",
    library.TrustedProfileLink,
    trustedProfileLinkRule,
    { profileId: PROFILE, ...link },
    { profileId: CRN, ...link, crType: "IKS_SA", link: { crn: SERVER_CRN, ...account } },
    {
      profileId: PROFILE,
      ...link,
      crType: "CE",
      link: { crn: SERVER_CRN, componentType: "application", componentName: "a" },
    },
  ),
  resource(
    "TrustedProfileClaimRule",
    library.TrustedProfileClaimRule,
    trustedProfileClaimRuleRule,
    { profileId: PROFILE, ...claimRule },
    {
      profileId: PROFILE,
      ...without(claimRule, "crType"),
      type: "Profile-SAML",
      realmName: "https://idp.example.com",
      expirationSeconds: 3600,
    },
  ),
  resource(
    "TrustedProfileIdentity",
    library.TrustedProfileIdentity,
    trustedProfileIdentityRule,
    { profileId: PROFILE, type: "user", identifier: "IBMid-1", accounts: ["0".repeat(32)], adopt: true },
    { profileId: PROFILE, type: "serviceid", identifier: SERVICE_ID, description: "of the pipeline" },
  ),
  resource(
    "AccessPolicy",
    library.AccessPolicy,
    accessPolicyRule,
    ...policies.map((policy, index) => ({ ...policy, ...WHOSE[index % WHOSE.length] })),
  ),
  resource("ServiceId", library.ServiceId, serviceIdArgsRule, {
    name: "app",
    description: "d",
    uniqueInstanceCrns: [SERVER_CRN],
    groupId: "g",
    locked: false,
    accountId: "0".repeat(32),
    adopt: true,
  }),
  resource(
    "ApiKey",
    library.ApiKey,
    apiKeyRule,
    {
      serviceId: SERVICE_ID,
      storeValue: true,
      name: "key",
      description: "d",
      value: "v".repeat(40),
      actionWhenLeaked: "none",
      supportSessions: true,
      expiresAt: "2030-01-31T12:00+0000",
      locked: false,
      disabled: false,
    },
    { iamId: "IBMid-1" },
  ),
  resource(
    "Instance",
    library.Instance,
    instanceRule,
    server,
    { ...place, ...existing },
    { ...place, ...older },
    { sourceTemplateId: "t-1" },
    { ...without(place, "imageId"), sourceSnapshotId: "snap-1", subnetId: "s-1" },
  ),
  resource("InstanceMetadataService", library.InstanceMetadataService, instanceMetadataServiceRule, {
    instanceId: "i-1",
    ...metadataService,
    restartToApply: true,
    onDelete: "restore",
  }),
  resource(
    "InstanceTemplate",
    library.InstanceTemplate,
    instanceTemplateRule,
    without(server, "restartToApply", "tags", "provisionTimeoutSeconds"),
    { ...place, ...existing },
    { ...place, ...older },
  ),
  resource("InstanceGroup", library.InstanceGroup, instanceGroupRule, {
    name: "web",
    instanceTemplateId: "t-1",
    subnetIds: ["s-1"],
    membershipCount: 2,
    applicationPort: 443,
    loadBalancerId: "lb",
    loadBalancerPoolId: "pool",
    resourceGroupId: "rg",
    provisionTimeoutSeconds: 600,
    adopt: false,
  }),
  resource(
    "BareMetalServer",
    library.BareMetalServer,
    bareMetalServerRule,
    {
      ...bareMetal,
      initialization,
      ...connected,
      networkAttachments: [{ ...attachment, enableInfrastructureNat: true }, { virtualNetworkInterfaceId: "vni-2" }],
      enableInfrastructureNat: true,
    },
    { ...bareMetal, initialization, ...existing },
    { ...bareMetal, initialization, ...older },
  ),
  resource("Vpc", library.Vpc, vpcRule, {
    name: "net",
    addressPrefixManagement: "auto",
    resourceGroupId: "rg",
    adopt: true,
  }),
  resource(
    "Subnet",
    library.Subnet,
    subnetRule,
    {
      vpcId: "v-1",
      name: "front",
      zone: "us-south-1",
      totalIpv4AddressCount: 256,
      networkAclId: "acl",
      routingTableId: "rt",
      publicGatewayId: "pgw",
      resourceGroupId: "rg",
      adopt: true,
    },
    { vpcId: "v-1", ipv4CidrBlock: "10.0.0.0/24" },
  ),
  resource("SshKey", library.SshKey, sshKeyRule, {
    publicKey: ED25519_KEY,
    name: "ops",
    resourceGroupId: "rg",
    adopt: true,
  }),
  resource(
    "FloatingIp",
    library.FloatingIp,
    floatingIpRule,
    { name: "door", resourceGroupId: "rg", adopt: true, zone: "us-south-1" },
    { instanceId: "i-1" },
    { virtualNetworkInterfaceId: "vni-1" },
    { networkInterfaceId: "nic-1" },
  ),
  component(
    "WorkloadIdentity",
    library.WorkloadIdentity,
    workloadIdentityRule,
    {
      trustedProfile: newProfile,
      links: { server: link, pods: { ...link, crType: "IKS_SA", link: { crn: SERVER_CRN, ...account } } },
      claimRules: { servers: claimRule },
      transform: { trustedProfile: same, policy: same, link: same, claimRule: same },
    },
    { trustedProfile: { id: PROFILE }, links: { server: link } },
  ),
  component(
    "LinkedInstance",
    library.LinkedInstance,
    linkedInstanceRule,
    linked,
    { ...linked, trustedProfile: { id: PROFILE }, bootstrap: { ...bootstrap, ...consumers } },
    { ...linked, trustedProfile: { crn: CRN } },
  ),
  component(
    "LinkedInstanceFleet",
    library.LinkedInstanceFleet,
    linkedInstanceFleetRule,
    {
      ...without(linked, "name", "subnetId", "zone", "floatingIp"),
      zones: [
        { zone: "us-south-1", subnetId: "s-1", count: 2 },
        { zone: "us-south-2", subnetId: "s-2", name: "two" },
      ],
      countPerZone: 1,
      floatingIps: false,
      members: { "us-south-1-2": { ...alike, name: "second", floatingIp: true }, "us-south-1-1": false },
    },
    {
      ...without(place, "zone"),
      trustedProfile: { id: PROFILE },
      zones: [{ zone: "us-south-1", subnetId: "s-1" }],
    },
  ),
  component("LinkedInstanceGroup", library.LinkedInstanceGroup, linkedInstanceGroupRule, {
    ...without(linked, "subnetId", "tags", "userDataChange", "floatingIp"),
    name: "web",
    subnetIds: ["s-1"],
    membershipCount: 3,
    applicationPort: 80,
    loadBalancerId: "lb",
    loadBalancerPoolId: "pool",
    transform: { trustedProfile: same, policy: same, claimRule: same, instanceTemplate: same, instanceGroup: same },
  }),
  component(
    "LinkedBareMetalServer",
    library.LinkedBareMetalServer,
    linkedBareMetalServerRule,
    { ...linkedBareMetal, ...connected, networkAttachments: [attachment], enableInfrastructureNat: true },
    { ...linkedBareMetal, ...existing, floatingIp: false },
    { ...linkedBareMetal, ...older, floatingIp: false },
  ),
  forOthers("ibmInstanceArgs", library.ibmInstanceArgs, forOther, { trustedProfile: { crn: CRN } }),
  forOthers("ibmInstanceTemplateArgs", library.ibmInstanceTemplateArgs, { ...forOther, autoLink: true }),
  forOthers("ibmBareMetalServerArgs", library.ibmBareMetalServerArgs, {
    ...forOther,
    metadataService: { protocol: "https" },
  }),
  ...(Object.keys(lookups) as (keyof typeof lookups)[]).map((name) => lookup(name, library[name], lookups[name])),
  {
    name: "bootstrapUserData",
    rule: (value, path) => validateBootstrap(value, path),
    use: (_name, args) => bootstrapUserData(args),
    isResource: false,
    examples: [bootstrap, { ...bootstrap, ...consumers }, { certificate: false, renewal: {}, user: "app" }],
  },
  {
    name: "the form of user data",
    rule: (value, path) => validateUserDataForm(value, path),
    use: (_name, args) => bootstrapUserData({}, args),
    isResource: false,
    examples: [userDataForm],
  },
];

/** What the package exports and the table does not have, with the reason. */
const EXEMPT: Readonly<Record<string, string>> = {
  bootstrapScript: "bootstrapUserData in one of its forms, which the form of user data has",
  bootstrapUserDataOutput: "bootstrapUserData, once Outputs are known",
  userDataReport: "is what bootstrapUserData calls",
  validateBootstrap: "is the rule of bootstrapUserData",
  validateUserDataForm: "is the rule of the form of user data",
  getCallerIdentity: "takes no arguments but options of the connection",
  HttpError: "is thrown, and not called",
  VpcIdentityError: "is thrown, and not called",
  isHttpError: "answers for any value",
};

/** Why an export is not in the table; undefined when it is missing there. */
function reasonOf(name: string): string | undefined {
  const waits = name.endsWith("Output") && name.slice(0, -"Output".length) in library;
  return EXEMPT[name] ?? (waits ? "the same function, once Outputs are known" : undefined);
}

/** Whatever can be called or made is in the table or has a reason not to be, and nothing has a reason that it does not need. */
export function uncovered(): string[] {
  const names = SUBJECTS.map(({ name }) => name);
  return [
    ...Object.keys(library)
      .filter((name) => !names.includes(name) && reasonOf(name) === undefined)
      .map((name) => `${name} is exported, and the table of this sweep does not have it`),
    ...Object.keys(EXEMPT)
      .filter((name) => !(name in library) || names.includes(name))
      .map((name) => `${name} needs no exemption`),
  ];
}
