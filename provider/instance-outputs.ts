/**
 * What the state holds of a server: what IBM Cloud says of it, and what it was created with as far as no answer repeats it.
 */
import { type Initialization, type Instance, getInitialization } from "../client/vpc";
import { currentSession } from "./connection";
import { untilVisible } from "./converge";
import { compact } from "./diff";
import type { InstanceOutputs } from "./instance-args";

/** What the state has to keep, since a server's own description does not show it or stops to when something is deleted. */
const CREATED_WITH = [
  "subnetId",
  "imageId",
  "sourceSnapshotId",
  "sourceTemplateId",
  "sshKeyIds",
  "securityGroupIds",
  "allowIpSpoofing",
  "virtualNetworkInterfaceId",
  "networkAttachments",
  "networkInterfaces",
  "bootVolume",
  "dataVolumes",
  "defaultTrustedProfile",
  "userDataSha256",
  "tags",
] as const;

/** Settings that every server has, and that are ours only once a program has named them. */
const OWNED_WHEN_NAMED = ["availabilityPolicy", "totalVolumeBandwidthMbps", "enableSecureBoot"] as const;

/** What is kept of what the program said, or said last. */
const OF_THE_PROGRAM: readonly string[] = [...CREATED_WITH, ...OWNED_WHEN_NAMED];

/** What is known of a server beside its description. */
export type Kept = Partial<Pick<InstanceOutputs, (typeof CREATED_WITH)[number] | (typeof OWNED_WHEN_NAMED)[number]>>;

/** What of inputs (in terms of the outputs) or of outputs is to be kept. */
export function keptOf(properties: Readonly<Record<string, unknown>>): Kept {
  return compact(pick(properties, OF_THE_PROGRAM));
}

/** The settings that are ours because these inputs name them. */
export function ownedOf(wanted: Readonly<Record<string, unknown>>): Kept {
  return compact(pick(wanted, OWNED_WHEN_NAMED));
}

const pick = (properties: Readonly<Record<string, unknown>>, names: readonly string[]): object =>
  Object.fromEntries(names.map((name) => [name, properties[name]]));

/** What goes to the state. */
export function outputsOf(instance: Instance, kept: Kept): InstanceOutputs {
  const live = settingsOf(instance);
  const owned = OWNED_WHEN_NAMED.filter((name) => kept[name] !== undefined);
  return compact<InstanceOutputs>({
    ...kept,
    ...(Object.fromEntries(owned.map((name) => [name, live[name] ?? kept[name]])) as Kept),
    crn: instance.crn,
    name: instance.name,
    status: instance.status,
    vpcId: instance.vpcId,
    subnetId: instance.subnetId ?? kept.subnetId,
    networkType: instance.primaryNetworkAttachment === undefined ? "interface" : "attachment",
    zone: instance.zone,
    imageId: instance.imageId ?? kept.imageId,
    instanceProfile: instance.profile,
    metadataService: instance.metadataService,
    resourceGroupId: instance.resourceGroupId,
    primaryIp: instance.primaryIp,
    createdAt: instance.createdAt,
  });
}

/** The settings as they are, of a server that no program has named any for. */
export function settingsOf(instance: Instance): Kept {
  const { hostFailure, totalVolumeBandwidth, enableSecureBoot } = instance;
  return compact<Kept>({
    availabilityPolicy: hostFailure && { hostFailure },
    totalVolumeBandwidthMbps: totalVolumeBandwidth,
    enableSecureBoot,
  });
}

/** The default profile and keys of a server, which IBM Cloud tells only here. */
export async function initializationOf(id: string): Promise<Kept> {
  const initialization = await untilVisible(() => getInitialization(currentSession(), id));
  return initialization === undefined ? {} : keptInitialization(initialization);
}

function keptInitialization({ defaultTrustedProfile: profile, keyIds }: Initialization): Kept {
  return compact<Kept>({
    sshKeyIds: keyIds,
    defaultTrustedProfile: profile && {
      target: profile.target.id,
      crn: profile.target.crn,
      autoLink: profile.autoLink,
    },
  });
}
