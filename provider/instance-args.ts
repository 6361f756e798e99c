/**
 * The arguments of a server: their types, their rules, and what a change of each means.
 *
 * Sources: IBM Cloud VPC API, "Create an instance", "Update an instance".
 */
import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import type { MetadataProtocol, MetadataService } from "../client/vpc";
import {
  CRN,
  PROFILE_ID,
  type Problem,
  type Rule,
  VPC_NAME,
  flag,
  integer,
  isKnown,
  isRecord,
  list,
  namesSame,
  object,
  oneOf,
  show,
  text,
} from "../core/validate";
import { type FieldTable, compact, sameSet } from "./diff";

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

/** Arguments of a server. */
export interface InstanceArgs {
  /**
   * Name, unique in the region: lower case letters, digits and hyphens, 1 to 63 characters. A change renames the server,
   * also one back to the default; its hostname stays what it was.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /** VPC: id or CRN. A change replaces the server. */
  readonly vpcId: pulumi.Input<string>;
  /** Subnet of the primary network attachment: id or CRN. A change replaces the server. */
  readonly subnetId: pulumi.Input<string>;
  /** Zone, such as "us-south-1". A change replaces the server. */
  readonly zone: pulumi.Input<string>;
  /** Image to boot: id or CRN. A change replaces the server. */
  readonly imageId: pulumi.Input<string>;
  /** Instance profile (size), such as "bx2-2x8". A change replaces the server. */
  readonly instanceProfile: pulumi.Input<string>;
  /**
   * SSH keys, ids or CRNs. Used at creation only: a later change does nothing but a warning.
   * @default - none
   */
  readonly sshKeyIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Security groups of the primary network interface, ids or CRNs. Used at creation only, like `sshKeyIds`.
   * @default - the VPC's default security group
   */
  readonly securityGroupIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Metadata service. Changes are made in place.
   * @default - off, protocol "http", hop limit 1
   */
  readonly metadataService?: pulumi.Input<MetadataServiceArgs>;
  /**
   * Trusted profile of the server. A change replaces the server.
   * @default - none
   */
  readonly defaultTrustedProfile?: pulumi.Input<DefaultTrustedProfileArgs>;
  /**
   * User data for cloud-init, at most 65,536 bytes in UTF-8. Must not hold secrets: it is readable on the server and in
   * the state.
   * @default - none
   */
  readonly userData?: pulumi.Input<string>;
  /**
   * What a change of `userData` does to a server that exists: `ignore` leaves it as it is, with a warning in every run
   * until it is replaced; `replace` replaces it.
   * @default "ignore"
   */
  readonly userDataChange?: pulumi.Input<"ignore" | "replace">;
  /**
   * Resource group, by id. A change replaces the server.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * How long to wait until the server runs, 60 to 7200 seconds.
   * @default 1800
   */
  readonly provisionTimeoutSeconds?: pulumi.Input<number>;
  /**
   * Take over a server of this name that exists already, instead of failing. It is deleted with the stack. Refused where
   * the server would have to be replaced at once to be what the arguments say.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** What `check` makes of the arguments. */
export interface InstanceInputs {
  readonly name: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly zone: string;
  readonly imageId: string;
  readonly instanceProfile: string;
  readonly sshKeyIds?: readonly string[] | undefined;
  readonly securityGroupIds?: readonly string[] | undefined;
  readonly metadataService: MetadataService;
  readonly defaultTrustedProfile?: { readonly target: string; readonly autoLink: boolean } | undefined;
  readonly userData?: string | undefined;
  readonly userDataChange?: "ignore" | "replace" | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly provisionTimeoutSeconds?: number | undefined;
  readonly adopt?: boolean | undefined;
  readonly mark: string;
}

/** What the state holds of a server. The user data itself is in the inputs only. */
export interface InstanceOutputs {
  readonly crn: string;
  readonly name: string;
  readonly status: string;
  readonly vpcId: string;
  readonly subnetId?: string | undefined;
  readonly zone: string;
  readonly imageId?: string | undefined;
  readonly instanceProfile: string;
  readonly sshKeyIds?: readonly string[] | undefined;
  readonly securityGroupIds?: readonly string[] | undefined;
  readonly metadataService: MetadataService;
  readonly defaultTrustedProfile?:
    { readonly target: string; readonly crn: string; readonly autoLink: boolean } | undefined;
  readonly userDataSha256?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly primaryIp?: string | undefined;
  readonly createdAt: string;
}

const USER_DATA_MAX_BYTES = 65_536;
const REFERENCE = text({ max: 512, pattern: /^\S+$/, allowed: "an id or a CRN" });

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

/** Rules of the arguments; components use those of the arguments that they pass on. */
export const instanceArgRules = {
  name: text({
    max: 63,
    pattern: VPC_NAME,
    allowed: "1 to 63 lower case letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
  }),
  vpcId: REFERENCE,
  subnetId: REFERENCE,
  zone: text({ pattern: /^[a-z]+(-[a-z0-9]+)+$/, allowed: 'a zone such as "us-south-1"' }),
  imageId: REFERENCE,
  instanceProfile: text({ pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/, allowed: 'an instance profile such as "bx2-2x8"' }),
  sshKeyIds: list(REFERENCE),
  securityGroupIds: list(REFERENCE, { min: 1 }),
  metadataService: object({
    fields: { enabled: flag, protocol: oneOf("http", "https"), responseHopLimit: integer(1, 64) },
  }),
  defaultTrustedProfile: object({ fields: { target: profileTargetRule, autoLink: flag }, required: ["target"] }),
  userData: userDataProblems,
  userDataChange: oneOf("ignore", "replace"),
  resourceGroupId: text({ pattern: /^[^\s:]+$/, allowed: "the id of a resource group" }),
  provisionTimeoutSeconds: integer(60, 7200, "seconds"),
  adopt: flag,
} satisfies Record<string, Rule>;

/** Judges the arguments of a server. */
export const instanceRule: Rule = object({
  fields: instanceArgRules,
  required: ["vpcId", "subnetId", "zone", "imageId", "instanceProfile"],
});

function userDataProblems(value: unknown, property: string): Problem[] {
  if (typeof value !== "string") return [{ property, reason: "must be a text" }];
  const bytes = Buffer.byteLength(value, "utf8");
  if (bytes <= USER_DATA_MAX_BYTES) return [];
  return [{ property, reason: `has ${bytes} bytes in UTF-8; at most ${USER_DATA_MAX_BYTES} are allowed` }];
}

const sameReference = (old: unknown, wanted: unknown): boolean => namesSame(String(old), String(wanted));

const sameReferences = (old: unknown, wanted: unknown): boolean =>
  Array.isArray(old) && Array.isArray(wanted) ? sameSet(old.map(idOf), wanted.map(idOf)) : old === wanted;

const idOf = (value: unknown): unknown =>
  typeof value === "string" && value.startsWith("crn:") ? value.split(":").at(-1) : value;

function sameProfile(old: unknown, wanted: unknown): boolean {
  if (!isRecord(old) || !isRecord(wanted) || !isKnown(wanted.target)) return false;
  return sameReference(old.target, wanted.target) && old.autoLink === wanted.autoLink;
}

/**
 * What a change of each argument means. IBM Cloud fixes most of a server when it is created; what is not worth a new
 * server is ignored, with a warning. `userDataSha256` stands for the user data.
 */
export const instanceFields: FieldTable = {
  name: { change: "update" },
  metadataService: { change: "update" },
  vpcId: { change: "replace", same: sameReference },
  subnetId: { change: "replace", same: sameReference },
  zone: { change: "replace" },
  imageId: { change: "replace", same: sameReference },
  instanceProfile: { change: "replace" },
  defaultTrustedProfile: { change: "replace", absent: "clear", same: sameProfile },
  resourceGroupId: { change: "replace" },
  sshKeyIds: { change: "ignore", same: sameReferences },
  securityGroupIds: { change: "ignore", same: sameReferences },
  userDataSha256: { change: "ignore", absent: "clear" },
};

/** The table for one server: `userDataChange` decides what a change of its user data means. */
export function fieldsFor({ userDataChange }: Pick<InstanceInputs, "userDataChange">): FieldTable {
  return userDataChange === "replace"
    ? { ...instanceFields, userDataSha256: { change: "replace", absent: "clear" } }
    : instanceFields;
}

/** The inputs in terms of the outputs. */
export function wantedOf(inputs: Partial<InstanceInputs>): Record<string, unknown> {
  const { userData, ...rest } = inputs;
  return compact({ ...rest, userDataSha256: userData === undefined ? undefined : userDataSha256(userData) });
}

/** SHA-256 of the user data, in hexadecimal digits; unknown as long as the user data is. */
export function userDataSha256(userData: string): string {
  return isKnown(userData) ? createHash("sha256").update(userData, "utf8").digest("hex") : userData;
}
