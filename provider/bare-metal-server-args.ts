/**
 * The arguments of a bare metal server: their types, their rules, and what a change of each means.
 *
 * Sources: IBM Cloud VPC API, "Create a bare metal server", "Update a bare metal server", "Reinitialize a bare metal server".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { BareMetalMetadataService, TpmMode } from "../client/vpc-bare-metal";
import type { MetadataProtocol } from "../client/vpc-instance-prototype";
import { type Rule, flag, integer, isRecord, list, object, oneOf, text } from "../core/validate";
import { type Change, type FieldTable, compact } from "./diff";
import type { Internal } from "./handler";
import { type DefaultTrustedProfileArgs, instanceArgRules, sameProfile, userDataSha256 } from "./instance-args";
import { networkFields, wholeMetadataService, wholeProfile } from "./instance-fields";
import {
  type BareMetalNetworkArgs,
  type InstanceNetworkInputs,
  bareMetalNetworkArgRules,
  networkProblems,
  wantedNetwork,
} from "./instance-network-args";
import { REFERENCE, sameReference, sameReferences } from "./references";

/** Settings of the metadata service of a bare metal server, which has no hop limit. */
export interface BareMetalMetadataServiceArgs {
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
}

/** What a bare metal server boots from. A change of any of it means to write the image to its disk again. */
export interface BareMetalInitializationArgs {
  /** Image to boot: id or CRN. */
  readonly imageId: pulumi.Input<string>;
  /** SSH keys, ids or CRNs; at least one. */
  readonly sshKeyIds: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * User data for cloud-init, at most 65,536 bytes in UTF-8. Must not hold secrets: it is readable on the server and in
   * the state.
   * @default - none
   */
  readonly userData?: pulumi.Input<string>;
  /**
   * Trusted profile of the server.
   * @default - none
   */
  readonly defaultTrustedProfile?: pulumi.Input<DefaultTrustedProfileArgs>;
}

/** The trusted platform module (TPM) of a bare metal server. */
export interface TrustedPlatformModuleArgs {
  /** Its mode. */
  readonly mode: pulumi.Input<TpmMode>;
}

/** Arguments of a bare metal server, apart from its network. */
export interface BareMetalServerSettingsArgs {
  /**
   * Name, unique in the region: lower case letters, digits and hyphens, 1 to 63 characters. A change renames the server,
   * also one back to the default; its hostname stays what it was.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * VPC: id or CRN. A change replaces the server.
   * @default - the one of the subnet
   */
  readonly vpcId?: pulumi.Input<string>;
  /** Zone, such as "us-south-1". A change replaces the server. */
  readonly zone: pulumi.Input<string>;
  /** Bare metal server profile (size), such as "bx2-metal-96x384". A change replaces the server. */
  readonly bareMetalServerProfile: pulumi.Input<string>;
  /** What the server boots from. A change does nothing but a warning, unless `allowReinitialize` is set. */
  readonly initialization: pulumi.Input<BareMetalInitializationArgs>;
  /**
   * Metadata service. Changes are made in place, while the server runs.
   * @default - off, protocol "http"
   */
  readonly metadataService?: pulumi.Input<BareMetalMetadataServiceArgs>;
  /**
   * Trusted platform module. Changed on a stopped server only: see `restartToApply`.
   * @default - mode "disabled"
   */
  readonly trustedPlatformModule?: pulumi.Input<TrustedPlatformModuleArgs>;
  /**
   * Whether only signed systems boot. Changed on a stopped server only: see `restartToApply`.
   * @default false
   */
  readonly enableSecureBoot?: pulumi.Input<boolean>;
  /**
   * Bandwidth in megabits per second, such as 25000; the profile says which there are. Changed in place.
   * @default - the profile's; left out later, as it is
   */
  readonly bandwidthMbps?: pulumi.Input<number>;
  /**
   * Whether a running server may be stopped (by its operating system), changed and started again, where a setting can only
   * be changed so. Without it such a change does nothing but a warning, as long as the server runs.
   * @default false
   */
  readonly restartToApply?: pulumi.Input<boolean>;
  /**
   * Whether a change of image, keys or trusted profile in `initialization` may be carried out: the server's power is cut, the
   * image is written over everything on its boot disk, and it boots with image, keys, user data and trusted profile as they
   * are in the program. For a change of the user data alone see `userDataChange`.
   * @default false
   */
  readonly allowReinitialize?: pulumi.Input<boolean>;
  /**
   * What a change of the user data alone does, which also a new version of what generates it may cause: `ignore` leaves the
   * server as it is, with a warning in every run; `replace` has its image written again, if `allowReinitialize` is set.
   * @default "ignore"
   */
  readonly userDataChange?: pulumi.Input<"ignore" | "replace">;
  /**
   * Resource group, by id. A change replaces the server.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * How long to wait until the server runs, also after a re-initialisation: 60 to 7200 seconds.
   * @default 3600, or as long as `customTimeouts` allows where that is more
   */
  readonly provisionTimeoutSeconds?: pulumi.Input<number>;
  /**
   * Take over a server of this name that exists already, instead of failing. It is deleted with the stack. Refused where
   * the server would have to be replaced or re-initialised at once to be what the arguments say.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** Arguments of a bare metal server. */
export type BareMetalServerArgs = BareMetalServerSettingsArgs & BareMetalNetworkArgs;

/** What `check` makes of the arguments. */
export interface BareMetalServerInputs extends InstanceNetworkInputs, Internal {
  readonly name: string;
  readonly vpcId?: string | undefined;
  readonly zone: string;
  readonly bareMetalServerProfile: string;
  readonly initialization: {
    readonly imageId: string;
    readonly sshKeyIds: readonly string[];
    readonly userData?: string | undefined;
    readonly defaultTrustedProfile?: { readonly target: string; readonly autoLink?: boolean } | undefined;
  };
  readonly metadataService?: Partial<BareMetalMetadataService> | undefined;
  readonly trustedPlatformModule?: { readonly mode: TpmMode } | undefined;
  readonly enableSecureBoot?: boolean | undefined;
  readonly bandwidthMbps?: number | undefined;
  readonly restartToApply?: boolean | undefined;
  readonly allowReinitialize?: boolean | undefined;
  readonly userDataChange?: "ignore" | "replace" | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly provisionTimeoutSeconds?: number | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a bare metal server. The user data itself is in the inputs only. */
export interface BareMetalServerOutputs extends Omit<InstanceNetworkInputs, "primaryNetworkInterface"> {
  readonly crn: string;
  readonly name: string;
  readonly status: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly bareMetalServerProfile: string;
  /** Of the primary interface: `interface` is the older kind. */
  readonly networkType: "attachment" | "interface";
  readonly imageId?: string | undefined;
  readonly sshKeyIds?: readonly string[] | undefined;
  readonly defaultTrustedProfile?:
    { readonly target: string; readonly crn: string; readonly autoLink: boolean } | undefined;
  readonly userDataSha256?: string | undefined;
  readonly metadataService: BareMetalMetadataService;
  readonly trustedPlatformModule: { readonly mode: string };
  readonly enableSecureBoot: boolean;
  readonly bandwidthMbps?: number | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly createdAt: string;
}

const metadataRule = object({ fields: { enabled: flag, protocol: oneOf("http", "https") } });

/** The hop limit is what a reader of a server's arguments would try here. */
const bareMetalMetadataRule: Rule = (value, path) =>
  metadataRule(value, path).map((problem) =>
    problem.property === `${path}.responseHopLimit`
      ? {
          ...problem,
          reason:
            "is not an argument: bare metal servers have no hop limit, IBM Cloud offers it for virtual servers only. Leave it out",
        }
      : problem,
  );

/** Rules of the arguments; components use those of the arguments that they pass on. */
export const bareMetalServerRules = {
  name: instanceArgRules.name,
  vpcId: REFERENCE,
  zone: instanceArgRules.zone,
  bareMetalServerProfile: text({
    pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/,
    allowed: 'a bare metal server profile such as "bx2-metal-96x384"',
  }),
  ...bareMetalNetworkArgRules,
  trustedPlatformModule: object({ fields: { mode: oneOf("disabled", "tpm_2") }, required: ["mode"] }),
  enableSecureBoot: flag,
  bandwidthMbps: integer(1, 1_000_000, "Mbps"),
  restartToApply: flag,
  allowReinitialize: flag,
  userDataChange: instanceArgRules.userDataChange,
  resourceGroupId: instanceArgRules.resourceGroupId,
  provisionTimeoutSeconds: instanceArgRules.provisionTimeoutSeconds,
  adopt: flag,
} satisfies Record<string, Rule>;

/** Judges the arguments of a bare metal server. */
export const bareMetalServerRule: Rule = object({
  fields: {
    ...bareMetalServerRules,
    initialization: object({
      fields: {
        imageId: REFERENCE,
        sshKeyIds: list(REFERENCE, { min: 1 }),
        userData: instanceArgRules.userData,
        defaultTrustedProfile: instanceArgRules.defaultTrustedProfile,
      },
      required: ["imageId", "sshKeyIds"],
    }),
    metadataService: bareMetalMetadataRule,
  },
  required: ["zone", "bareMetalServerProfile", "initialization"],
  also: networkProblems,
});

/** What the image, the keys, the user data and the profile of a server are written to the disk with. */
export const INITIALIZED = ["imageId", "sshKeyIds", "defaultTrustedProfile", "userDataSha256"] as const;
/** What of it IBM Cloud tells. */
export const TOLD_OF_IT: readonly string[] = INITIALIZED.filter((field) => field !== "userDataSha256");
/** What IBM Cloud changes on a stopped server only. */
export const WHILE_STOPPED = ["trustedPlatformModule", "enableSecureBoot"] as const;

/** What a change of each argument means; `userDataSha256` stands for the user data. */
export function bareMetalFields(
  { restartToApply, allowReinitialize, userDataChange }: Partial<BareMetalServerInputs>,
  { status }: Partial<BareMetalServerOutputs>,
): FieldTable {
  const whileStopped: Change = restartToApply === true || status === "stopped" ? "update" : "ignore";
  const initialized: Change = allowReinitialize === true ? "update" : "ignore";
  return {
    name: { change: "update" },
    metadataService: { change: "update" },
    bandwidthMbps: { change: "update" },
    trustedPlatformModule: { change: whileStopped },
    enableSecureBoot: { change: whileStopped },
    imageId: { change: initialized, same: sameReference, argument: "initialization.imageId" },
    sshKeyIds: { change: initialized, same: sameReferences, argument: "initialization.sshKeyIds" },
    defaultTrustedProfile: {
      change: initialized,
      absent: "clear",
      same: sameProfile,
      argument: "initialization.defaultTrustedProfile",
    },
    userDataSha256: {
      change: userDataChange === "replace" ? initialized : "ignore",
      absent: "clear",
      argument: "initialization.userData",
    },
    ...networkFields,
    vpcId: { change: "replace", same: sameReference },
    zone: { change: "replace" },
    bareMetalServerProfile: { change: "replace" },
    resourceGroupId: { change: "replace" },
  };
}

/** The arguments in terms of the outputs, with everything the API would otherwise choose. */
export type WantedBareMetalServer = Omit<
  BareMetalServerInputs,
  | keyof Internal
  | "initialization"
  | "metadataService"
  | "primaryNetworkInterface"
  | "trustedPlatformModule"
  | "enableSecureBoot"
> &
  Pick<BareMetalServerOutputs, "imageId" | "sshKeyIds" | "userDataSha256" | "metadataService" | "enableSecureBoot"> & {
    readonly trustedPlatformModule: { readonly mode: TpmMode };
    readonly defaultTrustedProfile?: { readonly target: string; readonly autoLink: boolean } | undefined;
  };

/** The inputs in terms of the outputs. */
export function wantedServer(inputs: BareMetalServerInputs): WantedBareMetalServer {
  const { initialization, primaryNetworkInterface, ...settings } = inputs;
  // Not known in a preview: then neither is anything in it.
  const parts = isRecord(initialization)
    ? initialization
    : { imageId: initialization, sshKeyIds: initialization, userData: initialization };
  const { userData, defaultTrustedProfile: profile }: Partial<BareMetalServerInputs["initialization"]> = parts;
  return compact({
    ...settings,
    ...wantedNetwork({ ...settings, primaryNetworkInterface }),
    imageId: parts.imageId,
    sshKeyIds: parts.sshKeyIds,
    defaultTrustedProfile: wholeProfile(profile),
    userDataSha256: userData === undefined || userData === "" ? undefined : userDataSha256(userData),
    metadataService: wholeMetadataService(OFF, settings.metadataService),
    trustedPlatformModule: settings.trustedPlatformModule ?? { mode: "disabled" },
    enableSecureBoot: settings.enableSecureBoot ?? false,
  });
}

const OFF: BareMetalMetadataService = { enabled: false, protocol: "http" };
