/**
 * The arguments of a server: their types, their rules, and what a change of each means.
 *
 * Sources: IBM Cloud VPC API, "Create an instance", "Update an instance".
 */
import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import type { MetadataService } from "../client/vpc";
import type { MetadataProtocol } from "../client/vpc-instance-prototype";
import {
  CRN,
  PROFILE_ID,
  type Problem,
  type Rule,
  flag,
  integer,
  isKnown,
  isRecord,
  list,
  object,
  oneOf,
  show,
  text,
} from "../core/validate";
import type { Internal } from "./handler";
import {
  type InstanceNetworkArgs,
  type InstanceNetworkInputs,
  type SubnetNetworkArgs,
  type TemplateNetworkArgs,
  networkArgRules,
  networkProblems,
} from "./instance-network-args";
import {
  type DataVolumeArgs,
  type DataVolumeInputs,
  type NewVolumeArgs,
  type NewVolumeInputs,
  bootVolumeRule,
  dataVolumeRule,
} from "./instance-volume-args";
import { REFERENCE, nameRule, sameReference, zoneRule } from "./references";

/** Settings of the metadata service, through which a server gets its identity. */
export interface MetadataServiceArgs {
  /**
   * Whether the service answers on the server.
   * @default true - whoever sets the block wants the service; without the block it is off, as IBM's default is
   */
  readonly enabled?: pulumi.Input<boolean>;
  /**
   * `https` needs a name service and a CA bundle on the server.
   * @default "http"
   */
  readonly protocol?: pulumi.Input<MetadataProtocol>;
  /**
   * How many network hops an answer may travel, 1 to 64. Containers on the server need 2.
   * @default 1
   */
  readonly responseHopLimit?: pulumi.Input<number>;
}

/** The trusted profile a server becomes when it does not name one. Fixed when the server is created. */
export interface DefaultTrustedProfileArgs {
  /** The profile: its id (`Profile-<uuid>`) or CRN. */
  readonly target: pulumi.Input<string>;
  /**
   * Whether IBM Cloud links the profile to the server before it boots. Without a link (or a claim rule that matches) the
   * server cannot become the profile.
   * @default true
   */
  readonly autoLink?: pulumi.Input<boolean>;
}

/** What happens to a server when the host it runs on fails. */
export interface AvailabilityPolicyArgs {
  /**
   * `restart` starts it on another host, `stop` leaves it stopped.
   * @default "restart"
   */
  readonly hostFailure?: pulumi.Input<"restart" | "stop">;
}

/** The settings that every server has, whatever it is made of. */
export interface InstanceSettingsArgs {
  /**
   * Name, unique in the region: lower case letters, digits and hyphens, 1 to 63 characters. A change renames the server,
   * also one back to the default; its hostname stays what it was.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * SSH keys, ids or CRNs. Used at creation only: a later change does nothing but a warning.
   * @default - none
   */
  readonly sshKeyIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Metadata service. Changes are made in place. Where it is switched on later, IBM Cloud gives it its full effect only
   * after the server was stopped and started: `restartToApply` does that.
   * @default - off, protocol "http", hop limit 1; with `sourceTemplateId` what the template says
   */
  readonly metadataService?: pulumi.Input<MetadataServiceArgs>;
  /**
   * Trusted profile of the server. A change replaces the server.
   * @default - none; with `sourceTemplateId` what the template says
   */
  readonly defaultTrustedProfile?: pulumi.Input<DefaultTrustedProfileArgs>;
  /**
   * User data for cloud-init, at most 65,536 bytes in UTF-8. Must not hold secrets: it is readable on the server and in
   * the state.
   * @default - none; with `sourceTemplateId` what the template says
   */
  readonly userData?: pulumi.Input<string>;
  /**
   * What a change of `userData` does to a server that exists: `ignore` leaves it as it is, with a warning in every run
   * until it is replaced; `replace` replaces it.
   * @default "ignore"
   */
  readonly userDataChange?: pulumi.Input<"ignore" | "replace">;
  /**
   * What happens when the host fails. Changes are made in place; taken away, it goes back to IBM Cloud's default.
   * @default - host failure "restart"
   */
  readonly availabilityPolicy?: pulumi.Input<AvailabilityPolicyArgs>;
  /**
   * Bandwidth for all volumes together, in megabits per second, at least 500; the network gets the rest of what the
   * instance profile has. Changes are made in place; taken away, it stays as it is, since the default differs by profile.
   * @default - chosen by IBM Cloud from the instance profile
   */
  readonly totalVolumeBandwidthMbps?: pulumi.Input<number>;
  /**
   * Whether only signed software may boot. Changes only while the server is stopped: with `restartToApply` it is stopped
   * and started, without it a change does nothing but a warning. Taken away, it goes back to false.
   * @default - chosen by IBM Cloud from the instance profile
   */
  readonly enableSecureBoot?: pulumi.Input<boolean>;
  /**
   * The volume it boots from. Used at creation only, like `sshKeyIds`.
   * @default - chosen by IBM Cloud, and deleted with the server
   */
  readonly bootVolume?: pulumi.Input<NewVolumeArgs>;
  /**
   * Data volumes, new ones or ones that exist. Used at creation only, like `sshKeyIds`.
   * @default - none
   */
  readonly dataVolumes?: pulumi.Input<pulumi.Input<DataVolumeArgs>[]>;
  /**
   * User tags, 1 to 128 letters, digits, spaces and `_-.:` each. Only these are attached and detached; tags that others
   * attach stay as they are.
   * @default - none
   */
  readonly tags?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Stops and starts the server for a change that needs it: `instanceProfile`, `enableSecureBoot`, and a metadata service
   * that is switched on. Without it the first two are not applied, and all three say so in a warning.
   * @default false
   */
  readonly restartToApply?: pulumi.Input<boolean>;
  /**
   * Resource group, by id. A change replaces the server.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * How long to wait until the server runs, 60 to 7200 seconds.
   * @default 1800, or as long as `customTimeouts` allows where that is more
   */
  readonly provisionTimeoutSeconds?: pulumi.Input<number>;
  /**
   * Take over a server of this name that exists already, instead of failing. It is deleted with the stack. Refused where
   * the server would have to be replaced at once to be what the arguments say.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

interface PlaceArgs {
  /** VPC: id or CRN. A change replaces the server. */
  readonly vpcId: pulumi.Input<string>;
  /** Zone, such as "us-south-1". A change replaces the server. */
  readonly zone: pulumi.Input<string>;
  /**
   * Instance profile (size), such as "bx2-2x8". Changes only while the server is stopped: with `restartToApply` it is
   * stopped, resized and started, without it a change does nothing but a warning.
   */
  readonly instanceProfile: pulumi.Input<string>;
}

interface ImageSourceArgs extends PlaceArgs {
  /** Image to boot: id or CRN. A change replaces the server. */
  readonly imageId: pulumi.Input<string>;
  readonly sourceSnapshotId?: undefined;
  readonly sourceTemplateId?: undefined;
}

/** A server that boots from a copy of a boot volume. */
export interface SnapshotSourceArgs extends PlaceArgs {
  /** Snapshot of a boot volume: id or CRN. A change replaces the server. */
  readonly sourceSnapshotId: pulumi.Input<string>;
  readonly imageId?: undefined;
  readonly sourceTemplateId?: undefined;
}

/** A server as an instance template says; what is given here overrides the template. */
export interface TemplateSourceArgs extends Partial<PlaceArgs> {
  /** Instance template: id or CRN. A change replaces the server. */
  readonly sourceTemplateId: pulumi.Input<string>;
  /**
   * Image in place of the template's: id or CRN. A change replaces the server.
   * @default - the template's
   */
  readonly imageId?: pulumi.Input<string>;
  readonly sourceSnapshotId?: undefined;
}

/** Arguments of a server that boots an image and has a network interface of its own: the usual form. */
export interface InstanceArgs extends InstanceSettingsArgs, ImageSourceArgs, SubnetNetworkArgs {}

/** Arguments of a server in any form: what it boots, and how it is connected. */
export type AnyInstanceArgs = InstanceSettingsArgs &
  (
    | ((ImageSourceArgs | SnapshotSourceArgs) & InstanceNetworkArgs)
    | (TemplateSourceArgs & (InstanceNetworkArgs | TemplateNetworkArgs))
  );

/** What `check` makes of the arguments. */
export interface InstanceInputs extends InstanceNetworkInputs, Internal {
  readonly name: string;
  readonly vpcId?: string | undefined;
  readonly zone?: string | undefined;
  readonly imageId?: string | undefined;
  readonly sourceSnapshotId?: string | undefined;
  readonly sourceTemplateId?: string | undefined;
  readonly instanceProfile?: string | undefined;
  readonly sshKeyIds?: readonly string[] | undefined;
  readonly metadataService?: MetadataService | undefined;
  readonly defaultTrustedProfile?: { readonly target: string; readonly autoLink: boolean } | undefined;
  readonly userData?: string | undefined;
  /** In place of the user data where a refresh made the inputs, which cannot know it. */
  readonly userDataSha256?: string | undefined;
  readonly userDataChange?: "ignore" | "replace" | undefined;
  readonly availabilityPolicy?: { readonly hostFailure: "restart" | "stop" } | undefined;
  readonly totalVolumeBandwidthMbps?: number | undefined;
  readonly enableSecureBoot?: boolean | undefined;
  readonly bootVolume?: NewVolumeInputs | undefined;
  readonly dataVolumes?: readonly DataVolumeInputs[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly restartToApply?: boolean | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly provisionTimeoutSeconds?: number | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a server. The user data itself is in the inputs only. */
export interface InstanceOutputs extends InstanceNetworkInputs {
  readonly crn: string;
  readonly name: string;
  readonly status: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly imageId?: string | undefined;
  readonly sourceSnapshotId?: string | undefined;
  readonly sourceTemplateId?: string | undefined;
  readonly instanceProfile: string;
  /** Of the primary interface: `interface` is the older kind. */
  readonly networkType?: "attachment" | "interface" | undefined;
  readonly sshKeyIds?: readonly string[] | undefined;
  readonly metadataService: MetadataService;
  readonly defaultTrustedProfile?:
    { readonly target: string; readonly crn: string; readonly autoLink: boolean } | undefined;
  readonly userDataSha256?: string | undefined;
  readonly availabilityPolicy?: { readonly hostFailure: "restart" | "stop" } | undefined;
  readonly totalVolumeBandwidthMbps?: number | undefined;
  readonly enableSecureBoot?: boolean | undefined;
  readonly bootVolume?: NewVolumeInputs | undefined;
  readonly dataVolumes?: readonly DataVolumeInputs[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly createdAt: string;
  /** A run has stopped it for a change that was refused, and could not start it again. */
  readonly mustStart?: true | undefined;
}

const USER_DATA_MAX_BYTES = 65_536;

/** True for the CRN of a trusted profile: it ends in the profile's id. */
const isProfileCrn = (value: string): boolean => CRN.test(value) && PROFILE_ID.test(value.split(":").at(-1) ?? "");

/** The CRN of a trusted profile. */
export const profileCrnRule: Rule = (value, property) =>
  typeof value === "string" && isProfileCrn(value)
    ? []
    : [
        {
          property,
          reason: `is ${show(value)}; must be the CRN of a trusted profile: "crn:v1:...:profile:Profile-<uuid>"`,
        },
      ];

const profileTargetRule: Rule = (value, property) =>
  typeof value === "string" && (PROFILE_ID.test(value) || isProfileCrn(value))
    ? []
    : [{ property, reason: `is ${show(value)}; must be the id of a trusted profile ("Profile-<uuid>") or its CRN` }];

/** A tag of the Global Tagging API. */
const TAG = text({
  max: 128,
  pattern: /^[A-Za-z0-9 _.:-]+$/,
  allowed: 'a tag of 1 to 128 letters, digits, spaces and "_-.:"',
});

/** Judges the settings of the metadata service. */
export const metadataServiceRule: Rule = object({
  fields: { enabled: flag, protocol: oneOf("http", "https"), responseHopLimit: integer(1, 64) },
});

/** Rules of the arguments; components use those of the arguments that they pass on. */
export const instanceArgRules = {
  ...networkArgRules,
  name: nameRule,
  vpcId: REFERENCE,
  zone: zoneRule,
  imageId: REFERENCE,
  sourceSnapshotId: REFERENCE,
  sourceTemplateId: REFERENCE,
  instanceProfile: text({ pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/, allowed: 'an instance profile such as "bx2-2x8"' }),
  sshKeyIds: list(REFERENCE),
  metadataService: metadataServiceRule,
  defaultTrustedProfile: object({ fields: { target: profileTargetRule, autoLink: flag }, required: ["target"] }),
  userData: userDataProblems,
  userDataChange: oneOf("ignore", "replace"),
  availabilityPolicy: object({ fields: { hostFailure: oneOf("restart", "stop") } }),
  totalVolumeBandwidthMbps: integer(500, 1_000_000, "megabits per second"),
  enableSecureBoot: flag,
  bootVolume: bootVolumeRule,
  dataVolumes: list(dataVolumeRule),
  tags: list(TAG),
  restartToApply: flag,
  resourceGroupId: text({ pattern: /^[^\s:]+$/, allowed: "the id of a resource group" }),
  provisionTimeoutSeconds: integer(60, 7200, "seconds"),
  adopt: flag,
} satisfies Record<string, Rule>;

/** Judges the arguments of a server. */
export const instanceRule: Rule = object({
  fields: instanceArgRules,
  also: (args, path) => [...sourceProblems(args, path), ...networkProblems(args, path)],
});

/** A template has everything; without one, a server needs a place, a size, and an image or a snapshot. */
function sourceProblems(args: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const given = (name: string): boolean => args[name] !== undefined && args[name] !== null;
  const sources = ["imageId", "sourceSnapshotId"].filter(given);
  const two = { property: at("sourceSnapshotId"), reason: "cannot go with imageId: a server boots from one of them" };
  if (given("sourceTemplateId")) {
    const reason = "cannot go with sourceTemplateId, which says what the server boots from";
    return given("sourceSnapshotId") ? [{ property: at("sourceSnapshotId"), reason }] : [];
  }
  const needed = ["vpcId", "zone", ...(sources.length === 0 ? ["imageId"] : []), "instanceProfile"];
  const missing = needed.filter((name) => !given(name));
  return [
    ...missing.map((name) => ({ property: at(name), reason: "is missing; it is required" })),
    ...(sources.length > 1 ? [two] : []),
  ];
}

function userDataProblems(value: unknown, property: string): Problem[] {
  if (typeof value !== "string") return [{ property, reason: "must be a text" }];
  const bytes = Buffer.byteLength(value, "utf8");
  if (bytes <= USER_DATA_MAX_BYTES) return [];
  return [{ property, reason: `has ${bytes} bytes in UTF-8; at most ${USER_DATA_MAX_BYTES} are allowed` }];
}

/** True when both are the same default profile, linked or not alike. */
export function sameProfile(old: unknown, wanted: unknown): boolean {
  if (!isRecord(old) || !isRecord(wanted) || !isKnown(wanted.target)) return false;
  return sameReference(old.target, wanted.target) && old.autoLink === wanted.autoLink;
}

/** SHA-256 of the user data, in hexadecimal digits; unknown as long as the user data is. */
export function userDataSha256(userData: string): string {
  return isKnown(userData) ? createHash("sha256").update(userData, "utf8").digest("hex") : userData;
}
