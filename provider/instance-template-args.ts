/**
 * The arguments of an instance template: those of a server, of which only the name can change later.
 *
 * Sources: IBM Cloud VPC API, "Create an instance template", "Update an instance template".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Rule, object } from "../core/validate";
import { type FieldTable, compact } from "./diff";
import {
  type AvailabilityPolicyArgs,
  type DefaultTrustedProfileArgs,
  type InstanceInputs,
  type InstanceOutputs,
  type MetadataServiceArgs,
  instanceArgRules,
} from "./instance-args";
import { instanceFields, wantedOf } from "./instance-fields";
import { type InstanceNetworkArgs, type SubnetNetworkArgs, networkProblems } from "./instance-network-args";
import type { DataVolumeArgs, NewVolumeArgs } from "./instance-volume-args";

/** Arguments of an instance template, apart from its network. Except for the name, a change of any replaces the template. */
export interface InstanceTemplateSettingsArgs {
  /**
   * Name, unique in the region: lower case letters, digits and hyphens, 1 to 63 characters. A change renames the template.
   * Where something else replaces it, the old one gives the name to the new one and is called `replaced-` and the end of its id
   * until the groups of the program have the new one and it is deleted. One that was adopted, or that the program calls by
   * another name now (`aliases`), is deleted before the new one is made, which fails while a group uses it: change the name
   * along with what replaces it.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /** VPC: id or CRN. */
  readonly vpcId: pulumi.Input<string>;
  /** Zone, such as "us-south-1". */
  readonly zone: pulumi.Input<string>;
  /** Image to boot: id or CRN. */
  readonly imageId: pulumi.Input<string>;
  /** Instance profile (size), such as "bx2-2x8". */
  readonly instanceProfile: pulumi.Input<string>;
  /**
   * SSH keys, ids or CRNs.
   * @default - none
   */
  readonly sshKeyIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Metadata service of servers made from the template.
   * @default - off, protocol "http", hop limit 1
   */
  readonly metadataService?: pulumi.Input<MetadataServiceArgs>;
  /**
   * Trusted profile of servers made from the template. With `autoLink: true`, the default, each server is linked as it is
   * made; the template of an instance group must have `autoLink: false`, and a claim rule lets its servers become the profile.
   * @default - none
   */
  readonly defaultTrustedProfile?: pulumi.Input<DefaultTrustedProfileArgs>;
  /**
   * User data for cloud-init, at most 65,536 bytes in UTF-8. Must not hold secrets: it is readable on the servers, in the
   * template and in the state.
   * @default - none
   */
  readonly userData?: pulumi.Input<string>;
  /**
   * What a change of `userData` does: `replace` makes another template, which no server that exists takes notice of;
   * `ignore` leaves the template as it is, with a warning in every run.
   * @default "replace"
   */
  readonly userDataChange?: pulumi.Input<"ignore" | "replace">;
  /**
   * What happens to servers made from the template when their host fails.
   * @default - host failure "restart"
   */
  readonly availabilityPolicy?: pulumi.Input<AvailabilityPolicyArgs>;
  /**
   * Bandwidth for all volumes of a server together, in megabits per second, at least 500.
   * @default - chosen by IBM Cloud from the instance profile
   */
  readonly totalVolumeBandwidthMbps?: pulumi.Input<number>;
  /**
   * Whether only signed software may boot.
   * @default - chosen by IBM Cloud from the instance profile
   */
  readonly enableSecureBoot?: pulumi.Input<boolean>;
  /**
   * The volume that each server boots from. A name can be had by one server only.
   * @default - chosen by IBM Cloud, and deleted with the server
   */
  readonly bootVolume?: pulumi.Input<NewVolumeArgs>;
  /**
   * Data volumes of each server. One that exists, or a name, can be had by one server only.
   * @default - none
   */
  readonly dataVolumes?: pulumi.Input<pulumi.Input<DataVolumeArgs>[]>;
  /**
   * Resource group of the template and of servers made from it, by id.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * Take over an equal template of this name that exists already, instead of failing. It is deleted with the stack. Refused
   * where the arguments name an availability policy, volumes, secure boot or further interfaces, which are not compared.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/**
 * Arguments of an instance template whose servers have a virtual network interface of their own: the usual form. An instance
 * group uses its own subnets in place of `subnetId`.
 */
export interface InstanceTemplateArgs extends InstanceTemplateSettingsArgs, SubnetNetworkArgs {}

/** Arguments of an instance template, however its servers are connected. */
export type AnyInstanceTemplateArgs = InstanceTemplateSettingsArgs & InstanceNetworkArgs;

/** Arguments that only a server has. */
const OF_A_SERVER = [
  "sourceSnapshotId",
  "sourceTemplateId",
  "tags",
  "restartToApply",
  "provisionTimeoutSeconds",
] as const;

/** What `check` makes of the arguments. */
export type InstanceTemplateInputs = Omit<InstanceInputs, (typeof OF_A_SERVER)[number]>;

/** What no answer repeats in the words it was said in; a template never changes, so it stays true. */
const AS_SAID = [
  "primaryIp",
  "allowIpSpoofing",
  "virtualNetworkInterfaceId",
  "networkAttachments",
  "networkInterfaces",
  "availabilityPolicy",
  "totalVolumeBandwidthMbps",
  "enableSecureBoot",
  "bootVolume",
  "dataVolumes",
] as const;

/** What is known of a template beside what the API says. */
export type SaidOfTemplate = Partial<Pick<InstanceOutputs, (typeof AS_SAID)[number]>>;

/** What of inputs (in terms of the outputs) or of outputs no answer repeats. */
export const saidIn = (properties: Readonly<Record<string, unknown>>): SaidOfTemplate =>
  compact(Object.fromEntries(AS_SAID.map((name) => [name, properties[name]])));

/** What the state holds of a template: what the API repeats of it, the user data as its hash, and what was said. */
export interface InstanceTemplateOutputs extends SaidOfTemplate {
  readonly crn: string;
  readonly name: string;
  readonly vpcId?: string | undefined;
  readonly subnetId?: string | undefined;
  readonly networkType: "attachment" | "interface";
  readonly zone?: string | undefined;
  readonly imageId?: string | undefined;
  readonly instanceProfile?: string | undefined;
  readonly sshKeyIds?: readonly string[] | undefined;
  readonly securityGroupIds?: readonly string[] | undefined;
  readonly metadataService: InstanceOutputs["metadataService"];
  readonly defaultTrustedProfile?: { readonly target: string; readonly autoLink: boolean } | undefined;
  readonly userDataSha256?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly createdAt: string;
}

const ofATemplate = <T>(table: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(table).filter(([name]) => !(OF_A_SERVER as readonly string[]).includes(name)));

/** Judges the arguments of an instance template. */
export const instanceTemplateRule: Rule = object({
  fields: ofATemplate<Rule>(instanceArgRules),
  required: ["vpcId", "zone", "imageId", "instanceProfile"],
  also: networkProblems,
});

/** What the state holds only where the program has said it: left out later, it is to be gone. */
const CLEARED: readonly string[] = [...AS_SAID, "sshKeyIds", "securityGroupIds"];

/** What a change of each argument means; `userDataSha256` stands for the user data. */
export function templateFields({
  userDataChange,
}: Pick<Partial<InstanceTemplateInputs>, "userDataChange">): FieldTable {
  const rows = Object.entries(ofATemplate(instanceFields)).map(([field, rule]) => [
    field,
    { ...rule, change: "replace", ...(CLEARED.includes(field) ? { absent: "clear" } : {}) },
  ]);
  return {
    ...(Object.fromEntries(rows) as FieldTable),
    name: { change: "update" },
    userDataSha256: { change: userDataChange ?? "replace", absent: "clear", argument: "userData" },
  };
}

/** The inputs in terms of the outputs, with everything the API would otherwise choose. */
export function wantedTemplate(inputs: InstanceTemplateInputs): Readonly<Record<string, unknown>> {
  const wanted = wantedOf(inputs);
  // The API leaves an empty list or text out.
  const unlessEmpty = (list: unknown): unknown => (Array.isArray(list) && list.length === 0 ? undefined : list);
  return compact({
    ...wanted,
    sshKeyIds: unlessEmpty(wanted.sshKeyIds),
    securityGroupIds: unlessEmpty(wanted.securityGroupIds),
    userDataSha256: inputs.userData === "" ? undefined : wanted.userDataSha256,
  });
}
