/** Good values of the arguments that many subjects share: the parts of the table in input-table.ts. */

export const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
export const CRN = `crn:v1:bluemix:public:iam-identity::a/0::profile:${PROFILE}`;
export const SERVICE_ID = "ServiceId-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
export const SERVER_CRN = `crn:v1:bluemix:public:is:us-south:a/${"0".repeat(32)}::instance:0717_1`;
// By CRN: a name is looked up, which is a call.
const ROLE = "crn:v1:bluemix:public:iam::::role:Operator";
const PEM = `-----BEGIN CERTIFICATE-----\n${"A".repeat(64)}\n-----END CERTIFICATE-----\n`;
export const same = <T>(args: T): T => args;

export const attachment = {
  subnetId: "s-2",
  name: "second",
  securityGroupIds: ["g"],
  primaryIp: "10.0.0.9",
  allowIpSpoofing: false,
};
export const connected = {
  subnetId: "s-1",
  securityGroupIds: ["g-1", "g-2"],
  primaryIp: "10.0.0.7",
  allowIpSpoofing: true,
  networkAttachments: [attachment, { virtualNetworkInterfaceId: "vni-3", name: "third" }],
};
export const existing = { virtualNetworkInterfaceId: "vni-1" };
export const older = { primaryNetworkInterface: attachment, networkInterfaces: [attachment] };
export const metadataService = { enabled: true, protocol: "https", responseHopLimit: 2 };
const volume = { name: "boot", capacityGb: 100, profile: "general-purpose", deleteWithInstance: true };
export const place = { vpcId: "v-1", zone: "us-south-1", imageId: "i-1", instanceProfile: "bx2-2x8" };
export const server = {
  ...place,
  name: "app",
  sshKeyIds: ["k-1"],
  metadataService,
  defaultTrustedProfile: { target: PROFILE, autoLink: true },
  userData: "#!/bin/sh\n",
  userDataChange: "ignore",
  availabilityPolicy: { hostFailure: "restart" },
  totalVolumeBandwidthMbps: 500,
  enableSecureBoot: true,
  bootVolume: volume,
  dataVolumes: [{ ...volume, name: "data" }, { volumeId: "vol-1" }],
  tags: ["env:test"],
  restartToApply: true,
  resourceGroupId: "rg",
  provisionTimeoutSeconds: 600,
  adopt: false,
  ...connected,
};
export const bareMetal = {
  name: "db",
  vpcId: "v-1",
  zone: "us-south-1",
  bareMetalServerProfile: "bx2-metal-96x384",
  metadataService: { enabled: true, protocol: "http" },
  trustedPlatformModule: { mode: "tpm_2" },
  enableSecureBoot: false,
  bandwidthMbps: 10_000,
  restartToApply: true,
  allowReinitialize: false,
  userDataChange: "ignore",
  resourceGroupId: "rg",
  provisionTimeoutSeconds: 3600,
  adopt: true,
};
export const initialization = {
  imageId: "i-1",
  sshKeyIds: ["k-1"],
  userData: "#!/bin/sh\n",
  defaultTrustedProfile: { target: CRN, autoLink: false },
};

const RULES = [
  {
    pattern: "time-based-conditions:once",
    startsAt: "2026-12-01T09:00:00+01:00",
    endsAt: "2026-12-02T09:00:00+01:00",
  },
  { pattern: "time-based-conditions:weekly:all-day", days: ["monday"], utcOffset: "+01:00" },
  {
    pattern: "time-based-conditions:weekly:custom-hours",
    days: ["friday"],
    startTime: "09:00",
    endTime: "17:00",
    utcOffset: "-05:00",
  },
  {
    pattern: "attribute-based-condition:resource:literal-and-wildcard",
    operator: "or",
    conditions: [
      { attribute: "prefix", operator: "stringMatchAnyOf", value: ["a*", "b"] },
      { operator: "and", conditions: [{ attribute: "path", operator: "stringEquals", value: "x" }] },
    ],
  },
];
const grant = { roles: [ROLE], description: "reads", adopt: false, restoreDeleted: true };
const TARGETS = [
  {
    service: "is",
    serviceInstanceId: "x",
    region: "us-south",
    resourceType: "instance",
    resource: "r",
    resourceGroupId: "rg",
    resourceTags: [{ key: "env", value: "test", operator: "stringEquals" }],
  },
  { serviceGroupId: "IAM" },
  { allServices: true },
  { accountManagement: true },
  { resourceAttributes: [{ key: "serviceName", value: "is", operator: "stringEquals" }] },
];
export const WHOSE = [
  { profileId: PROFILE },
  { serviceId: SERVICE_ID },
  { accessGroupId: "AccessGroupId-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a" },
  { iamId: "IBMid-1" },
];
export const policies = TARGETS.map((target, index) => ({
  ...grant,
  ...target,
  ...(RULES[index] === undefined ? {} : { rule: RULES[index] }),
}));

const conditions = [
  { claim: "vpc_id", operator: "EQUALS", value: "v" },
  { claim: "zone", operator: "IN", value: ["us-south-1"] },
];
export const claimRule = { type: "Profile-CR", crType: "VSI", conditions, name: "rule", adopt: false };
export const link = { crType: "VSI", link: { crn: SERVER_CRN }, name: "link", isCrossAccount: false, adopt: true };
export const account = { namespace: "default", name: "reader" };

export const bootstrap = {
  iamTokens: [{ name: "default" }, { name: "other", profileId: PROFILE }, { name: "third", profileCrn: CRN }],
  certificate: {
    keySize: 2048,
    subject: { C: "DE", ST: "Hesse", L: "Frankfurt", O: "Example", OU: "Servers" },
    expiresInSeconds: 3600,
    reuseKey: true,
  },
  trustRootsPem: PEM,
  protocol: "https",
  metadataCaPem: PEM,
  pinMetadataAddress: true,
  apiVersion: "2025-08-26",
  maturity: "beta",
  identityTokenSeconds: 300,
  firstBootSeconds: 600,
  retrySeconds: 120,
  renewal: { iamTokenPercent: 80, certificatePercent: 66, checkEverySeconds: 60 },
  group: "www-data",
  legacyFallback: true,
  nonce: true,
  keepOnDisk: false,
};
const access = { owner: "nginx", group: "nginx", mode: "0640" };
export const consumers = {
  files: Object.fromEntries(
    ["key.pem", "leaf.pem", "chain.pem", "fullchain.pem", "combined.pem", "manifest.json", "token", "credentials"].map(
      (name) => [name, access],
    ),
  ),
  combinedPem: true,
  credentialFiles: [{ token: "default", services: ["IAM_IDENTITY", "VPC"] }],
  hooks: {
    reload: ["nginx.service"],
    signal: [{ pidFile: "/run/app.pid", signal: "HUP" }],
    exec: [["/usr/bin/true", "x"]],
    directory: "/etc/app/hooks.d",
    failureExec: [["/usr/bin/false"]],
    failureDirectory: "/etc/app/failed.d",
    timeoutSeconds: 30,
  },
  strongswan: { name: "peer" },
  log: "json",
  metricsFile: "/var/lib/node_exporter/vpc-identity.prom",
};
export const userDataForm = {
  format: "mime",
  merge: ["#!/bin/sh\ntrue\n"],
  imageUserDataFormat: "cloud_init",
  compress: false,
};

/** An identity for a server that another provider makes. */
export const forOther = {
  trustedProfile: { id: PROFILE },
  metadataService: { protocol: "https", responseHopLimit: 2 },
  bootstrap,
  userDataForm,
};

export const newProfile = {
  name: "app",
  description: "of the app",
  email: "a@example.com",
  accountId: "0".repeat(32),
  adopt: false,
  policies: policies.map((policy, index) => ({ ...policy, name: `policy-${index}` })),
};
export const linked = {
  ...place,
  name: "app",
  subnetId: "s-1",
  sshKeyIds: ["k-1"],
  securityGroupIds: ["g-1"],
  resourceGroupId: "rg",
  tags: ["env:test"],
  userDataChange: "replace",
  trustedProfile: newProfile,
  metadataService: { protocol: "https", responseHopLimit: 1 },
  bootstrap,
  userDataForm,
  floatingIp: true,
  transform: { trustedProfile: same, policy: same, instance: same, floatingIp: same },
};
export const alike = {
  ...{ imageId: "i-2", instanceProfile: "bx2-4x16", sshKeyIds: ["k-2"], securityGroupIds: ["g-1"], tags: ["a"] },
  ...{ userDataChange: "ignore", metadataService: { responseHopLimit: 1 }, bootstrap: {}, userDataForm },
};
export const linkedBareMetal = {
  ...bareMetal,
  imageId: "i-1",
  sshKeyIds: ["k-1"],
  trustedProfile: newProfile,
  metadataService: { protocol: "https" },
  bootstrap,
  userDataForm,
  floatingIp: true,
  transform: { trustedProfile: same, policy: same, bareMetalServer: same, floatingIp: same },
};
export const without = (args: object, ...names: readonly string[]): object =>
  Object.fromEntries(Object.entries(args).filter(([name]) => !names.includes(name)));

/** Arguments of the functions that look something up. */
export const lookups = {
  getApiKeyDetails: [{ apiKeyId: "ApiKey-1", includeActivity: true, includeHistory: false }, { value: "v".repeat(40) }],
  getImage: [
    { imageId: "i-1", anyUserDataFormat: true },
    { name: "own", visibility: "private" },
    { operatingSystem: "ubuntu-24-04-amd64", visibility: "public" },
  ],
  getInstance: [{ instanceId: "i-1" }, { name: "app" }],
  getInstanceIdentity: [{ instanceId: "i-1", profileIds: [PROFILE, CRN] }, { name: "app" }],
  getInstanceProfiles: [{ family: "balanced", minVcpuCount: 2, minMemoryGib: 8, status: "current" }],
  getRoles: [{ service: "is" }, { serviceGroupId: "IAM" }],
  getSshKey: [{ sshKeyId: "k-1" }, { name: "ops" }, { fingerprint: `SHA256:${"A".repeat(43)}` }],
  getSubnet: [{ subnetId: "s-1" }, { name: "front", vpcId: "v-1" }],
  getVpc: [{ vpcId: "v-1" }, { name: "net" }],
  getTrustedProfile: [
    { profileId: PROFILE, includeActivity: true },
    { name: "app", includeActivity: false },
  ],
  getTrustedProfiles: [{ name: "app", includeHistory: true }],
  getTrustedProfileClaimRules: [{ profileId: PROFILE }],
  getTrustedProfileIdentities: [{ profileId: CRN }],
  getTrustedProfileLinks: [{ profileId: PROFILE }],
  getTrustedProfilePolicies: [{ profileId: PROFILE }],
};
