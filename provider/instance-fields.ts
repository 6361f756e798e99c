/**
 * What a change of each argument of a server means. IBM Cloud fixes most of a server when it is created; what is not worth
 * a new server is ignored, with a warning. `userDataSha256` stands for the user data.
 */
import type { MetadataService } from "../client/vpc";
import { isKnown, isRecord } from "../core/validate";
import { warn } from "./converge";
import { type FieldTable, compact, sameSet } from "./diff";
import { type InstanceInputs, sameProfile, userDataSha256 } from "./instance-args";
import { wantedNetwork } from "./instance-network-args";
import { sameReference, sameReferences } from "./references";

/** The part of the table that virtual and bare metal servers share. */
export const networkFields: FieldTable = {
  subnetId: { change: "replace", same: sameReference },
  virtualNetworkInterfaceId: { change: "replace", same: sameReference },
  primaryIp: { change: "replace" },
  networkType: { change: "ignore", byDefault: "attachment", argument: "primaryNetworkInterface" },
  securityGroupIds: { change: "ignore", same: sameReferences },
  allowIpSpoofing: { change: "ignore", byDefault: false },
  enableInfrastructureNat: { change: "ignore", byDefault: true },
  networkAttachments: { change: "ignore" },
  networkInterfaces: { change: "ignore" },
};

/** What a change of the arguments that are not about the network means. */
export const serverFields: FieldTable = {
  name: { change: "update" },
  metadataService: { change: "update" },
  availabilityPolicy: { change: "update", byDefault: { hostFailure: "restart" } },
  totalVolumeBandwidthMbps: { change: "update" },
  tags: { change: "update", absent: "clear", same: sameSet },
  vpcId: { change: "replace", same: sameReference },
  zone: { change: "replace" },
  imageId: { change: "replace", same: sameReference },
  sourceSnapshotId: { change: "replace", same: sameReference },
  sourceTemplateId: { change: "replace", same: sameReference },
  defaultTrustedProfile: { change: "replace", absent: "clear", same: sameProfile },
  resourceGroupId: { change: "replace" },
  instanceProfile: { change: "ignore" },
  enableSecureBoot: { change: "ignore", byDefault: false },
  sshKeyIds: { change: "ignore", same: sameReferences },
  bootVolume: { change: "ignore" },
  dataVolumes: { change: "ignore" },
  userDataSha256: { change: "ignore", absent: "clear", argument: "userData" },
};

/** The table where no argument says otherwise. */
export const instanceFields: FieldTable = { ...networkFields, ...serverFields };

/** Settings that IBM Cloud changes on a stopped server only. */
export const WHILE_STOPPED = ["instanceProfile", "enableSecureBoot"];

/** The table for one server: some arguments decide what a change of others means. */
export function fieldsFor(inputs: Partial<InstanceInputs>): FieldTable {
  const { userDataChange, restartToApply, sourceTemplateId, subnetId, virtualNetworkInterfaceId } = inputs;
  const table: Record<string, FieldTable[string]> = { ...instanceFields };
  const set = (field: string, rule: Partial<FieldTable[string]>): void => {
    table[field] = { ...(table[field] ?? { change: "ignore" }), ...rule };
  };
  if (userDataChange === "replace") set("userDataSha256", { change: "replace" });
  if (restartToApply === true) for (const field of WHILE_STOPPED) set(field, { change: "update" });
  if (sourceTemplateId !== undefined) {
    // What the program leaves out is as the template says, and nobody is asked to undo that.
    set("userDataSha256", { absent: "keep" });
    set("defaultTrustedProfile", { absent: "keep" });
    if ((subnetId ?? virtualNetworkInterfaceId) === undefined) set("networkType", { byDefault: undefined });
  }
  return table;
}

/** The arguments with what IBM Cloud would otherwise choose: always sent, so that removing a setting resets it. */
export function withDefaults<Inputs extends Partial<InstanceInputs>>(inputs: Inputs): Inputs {
  const { metadataService, defaultTrustedProfile, availabilityPolicy, sourceTemplateId } = inputs;
  // What a template says is not overridden by what nobody has asked for.
  const asTheTemplate = metadataService === undefined && sourceTemplateId !== undefined;
  return {
    ...inputs,
    metadataService: asTheTemplate ? undefined : wholeMetadataService(OFF, metadataService),
    defaultTrustedProfile: wholeProfile(defaultTrustedProfile),
    availabilityPolicy: over({ hostFailure: "restart" }, availabilityPolicy),
  };
}

const OFF: MetadataService = { enabled: false, protocol: "http", responseHopLimit: 1 };

/** All of the settings, `off` where there is no block: whoever gives the block wants the service. */
export function wholeMetadataService<Settings extends { readonly enabled: boolean }>(
  off: Settings,
  given: Partial<Settings> | undefined,
): Settings {
  return given === undefined ? off : (over({ ...off, enabled: true }, given) as Settings);
}

/** Always says whether it links: IBM Cloud's default is to do so, and is not documented for bare metal servers. */
export function wholeProfile<Profile extends { readonly autoLink?: boolean | undefined }>(
  given: Profile | undefined,
): (Profile & { readonly autoLink: boolean }) | undefined {
  return over({ autoLink: true }, given) as (Profile & { readonly autoLink: boolean }) | undefined;
}

function over<T>(defaults: object, given: T): T {
  return isRecord(given) && isKnown(given) ? { ...defaults, ...given } : given;
}

/** The inputs in terms of the outputs. */
export function wantedOf(inputs: Partial<InstanceInputs>): Readonly<Record<string, unknown>> {
  const { userData, tags, ...rest } = withDefaults(inputs);
  return compact({
    ...rest,
    ...wantedNetwork(rest),
    primaryNetworkInterface: undefined,
    // The service does not tell upper from lower case, and answers with lower.
    tags: Array.isArray(tags) ? nonEmpty(tags.map((tag) => String(tag).toLowerCase())) : tags,
    userDataSha256: userData === undefined ? rest.userDataSha256 : userDataSha256(userData),
  });
}

const nonEmpty = (list: readonly string[]): readonly string[] | undefined => (list.length === 0 ? undefined : list);

/** Says what the program asks for and the server will not get; in every run, since the server stays behind. */
export function warnOfIgnored(type: string, server: string, inputs: InstanceInputs, ignored: readonly string[]): void {
  for (const field of ignored) {
    const argument = instanceFields[field]?.argument ?? field;
    warn(type, { ...inputs }, ignoredText(field, argument, server));
  }
}

function ignoredText(field: string, argument: string, server: string): string {
  if (field === "userDataSha256") {
    return (
      `the user data has changed, but ${server} keeps what it booted with. ` +
      'Set userDataChange: "replace" to replace the server, or replace it once with `pulumi up --replace`.'
    );
  }
  if (WHILE_STOPPED.includes(field)) {
    return (
      `${argument} has changed, but ${server} keeps its own: IBM Cloud changes it only while the server is stopped. ` +
      "Set restartToApply: true to have the server stopped, changed and started."
    );
  }
  return `${argument} has changed, but applies only when a server is created: ${server} keeps its own.`;
}
