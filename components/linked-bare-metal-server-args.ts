/** The arguments of a linked bare metal server and their rules, those of the children included. */
import { type Problem, type Rule, flag, isRecord, list, object } from "../core/validate";
import {
  type BareMetalInitializationArgs,
  type BareMetalServerArgs,
  type BareMetalServerSettingsArgs,
  bareMetalServerRules,
} from "../provider/bare-metal-server-args";
import type { FloatingIpCommonArgs } from "../provider/floating-ip";
import { type BareMetalNetworkArgs, networkProblems } from "../provider/instance-network-args";
import { REFERENCE } from "../provider/references";
import {
  type LinkedInstanceArgs,
  type LinkedInstanceTransforms,
  type LinkedMetadataServiceArgs,
  type Transform,
  linkedInstanceFields,
  linkedShapeProblems,
  transformRule,
} from "./linked-instance-args";

/**
 * A transform for each kind of child. What makes it a linked server is decided by the component, afterwards: which profile a
 * policy or the server gets, the names of the resources, and that the metadata service is on, with the protocol that the
 * user data was made for.
 */
export interface LinkedBareMetalServerTransforms extends Pick<LinkedInstanceTransforms, "trustedProfile" | "policy"> {
  /** Changes what the server gets. @default - as it is */
  readonly bareMetalServer?: Transform<BareMetalServerArgs>;
  /** Changes what the public address gets. @default - as it is */
  readonly floatingIp?: Transform<FloatingIpCommonArgs>;
}

/** Arguments of a linked bare metal server, apart from its network. */
export interface LinkedBareMetalServerSettingsArgs
  extends
    Omit<BareMetalServerSettingsArgs, "initialization" | "metadataService">,
    Pick<BareMetalInitializationArgs, "imageId" | "sshKeyIds">,
    Pick<LinkedInstanceArgs, "trustedProfile" | "bootstrap" | "userDataForm"> {
  /**
   * Metadata service; it is always on, and has no hop limit.
   * @default - protocol "http"
   */
  readonly metadataService?: Pick<LinkedMetadataServiceArgs, "protocol">;
  /**
   * Whether the server has a public address (`FloatingIp`). A plain true or false.
   * @default false
   */
  readonly floatingIp?: boolean;
  /**
   * Changes to the children's arguments and options, for what the component has no argument for.
   * @default - none
   */
  readonly transform?: LinkedBareMetalServerTransforms;
}

/** Arguments of a linked bare metal server. */
export type LinkedBareMetalServerArgs = LinkedBareMetalServerSettingsArgs & BareMetalNetworkArgs;

const { metadataService, trustedProfile, bootstrap, userDataForm } = linkedInstanceFields;

/** The hop limit is what a reader of a virtual server's arguments would try: he need not look for the right spelling. */
export const bareMetalMetadataRule: Rule = (value, path) => {
  if (!isRecord(value)) return metadataService(value, path);
  const { responseHopLimit, ...others } = value;
  const reason = "is not possible; IBM Cloud has no hop limit for bare metal servers";
  return [
    ...(responseHopLimit === undefined ? [] : [{ property: `${path}.responseHopLimit`, reason }]),
    ...metadataService(others, path),
  ];
};

/** A floating IP is bound to a virtual network interface, which the older kind of interface has not. */
const floatingIpProblems = (args: Readonly<Record<string, unknown>>): Problem[] =>
  args.floatingIp === true && args.primaryNetworkInterface !== undefined
    ? [{ property: "floatingIp", reason: "cannot go with primaryNetworkInterface; use subnetId" }]
    : [];

/** Judges the arguments of a linked bare metal server, those of its children included. */
export const linkedBareMetalServerRule: Rule = object({
  fields: {
    ...bareMetalServerRules,
    imageId: REFERENCE,
    sshKeyIds: list(REFERENCE, { min: 1 }),
    trustedProfile,
    metadataService: bareMetalMetadataRule,
    bootstrap,
    userDataForm,
    floatingIp: flag,
    transform: object({
      fields: {
        trustedProfile: transformRule,
        policy: transformRule,
        bareMetalServer: transformRule,
        floatingIp: transformRule,
      },
    }),
  },
  required: ["zone", "bareMetalServerProfile", "imageId", "sshKeyIds", "trustedProfile"],
  also: (args, path) => [...networkProblems(args, path), ...linkedShapeProblems(args), ...floatingIpProblems(args)],
});

/** The arguments that reach the server as they are; the others are the component's own, or what the server boots from. */
export function passedOn(
  args: LinkedBareMetalServerArgs,
): Omit<BareMetalServerArgs, "initialization" | "metadataService"> {
  const passed = Object.entries(args).filter(([name]) => Object.hasOwn(bareMetalServerRules, name));
  return Object.fromEntries(passed) as Omit<BareMetalServerArgs, "initialization" | "metadataService">;
}
