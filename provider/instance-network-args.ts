/**
 * How a server, virtual or bare metal, is connected: a new virtual network interface in a subnet, one that exists, or the
 * older network interface. The three forms exclude each other, in the types and in the rules.
 *
 * Sources: IBM Cloud VPC API, "Create an instance" and "Create a bare metal server": `primary_network_attachment` and
 * `primary_network_interface`.
 */
import { isIPv4 } from "node:net";
import type * as pulumi from "@pulumi/pulumi";
import type {
  NetworkAttachmentPrototype,
  NetworkPrototype,
  NewInterfacePrototype,
} from "../client/vpc-instance-prototype";
import { type Problem, type Rule, flag, isKnown, isRecord, list, object, show } from "../core/validate";
import { REFERENCE, nameRule } from "./references";

/** A new network interface of a server. Used at creation only: a later change does nothing but a warning. */
export interface NetworkInterfaceArgs {
  /** Subnet: id or CRN, in the server's zone. */
  readonly subnetId: pulumi.Input<string>;
  /**
   * Name, unique in the server.
   * @default - chosen by IBM Cloud; for the primary one a name by which a repeated create finds its server
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Security groups, ids or CRNs; at least one.
   * @default - the VPC's default security group
   */
  readonly securityGroupIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Address in the subnet, such as "10.240.0.7".
   * @default - a free one
   */
  readonly primaryIp?: pulumi.Input<string>;
  /**
   * Whether it may send from other addresses than its own.
   * @default false
   */
  readonly allowIpSpoofing?: pulumi.Input<boolean>;
}

/** A further network attachment: a new virtual network interface, or one that exists. */
export type NetworkAttachmentArgs =
  | (NetworkInterfaceArgs & { readonly virtualNetworkInterfaceId?: undefined })
  | {
      /** A virtual network interface that exists: id or CRN. It stays when the server is deleted. */
      readonly virtualNetworkInterfaceId: pulumi.Input<string>;
      /**
       * Name of the attachment, unique in the server.
       * @default - chosen by IBM Cloud
       */
      readonly name?: pulumi.Input<string>;
      readonly subnetId?: undefined;
    };

/** What only a bare metal server can choose about a new virtual network interface. */
export interface InfrastructureNatArgs {
  /**
   * Whether IBM Cloud translates addresses, and so lets the interface have one floating IP. With `false`, packets reach and
   * leave the server unchanged, and `allowIpSpoofing` must be false. Used at creation only: a later change does nothing but
   * a warning.
   * @default true
   */
  readonly enableInfrastructureNat?: pulumi.Input<boolean>;
}

/** A further network attachment of a bare metal server. */
export type BareMetalAttachmentArgs =
  | NetworkAttachmentArgs
  | (NetworkInterfaceArgs & InfrastructureNatArgs & { readonly virtualNetworkInterfaceId?: undefined });

interface FurtherAttachments<Attachment> {
  /**
   * Further network attachments, after the primary one. Used at creation only: a later change does nothing but a warning.
   * @default - none
   */
  readonly networkAttachments?: pulumi.Input<pulumi.Input<Attachment>[]>;
}

/** A server with a virtual network interface of its own, which goes with it. */
export interface SubnetNetworkArgs<Attachment = NetworkAttachmentArgs> extends FurtherAttachments<Attachment> {
  /** Subnet of the primary network attachment: id or CRN. A change replaces the server. */
  readonly subnetId: pulumi.Input<string>;
  /**
   * Security groups of the primary network interface, ids or CRNs. Used at creation only: a later change does nothing but a
   * warning.
   * @default - the VPC's default security group
   */
  readonly securityGroupIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Address in the subnet, such as "10.240.0.7". A change replaces the server.
   * @default - a free one
   */
  readonly primaryIp?: pulumi.Input<string>;
  /**
   * Whether the server may send from other addresses than its own. Used at creation only: a later change does nothing but a
   * warning.
   * @default false
   */
  readonly allowIpSpoofing?: pulumi.Input<boolean>;
  readonly virtualNetworkInterfaceId?: undefined;
  readonly primaryNetworkInterface?: undefined;
  readonly networkInterfaces?: undefined;
}

/** A server on a virtual network interface that exists and stays when the server is deleted. */
export interface ExistingInterfaceNetworkArgs<
  Attachment = NetworkAttachmentArgs,
> extends FurtherAttachments<Attachment> {
  /** The virtual network interface: id or CRN. A change replaces the server. */
  readonly virtualNetworkInterfaceId: pulumi.Input<string>;
  readonly subnetId?: undefined;
  readonly securityGroupIds?: undefined;
  readonly primaryIp?: undefined;
  readonly allowIpSpoofing?: undefined;
  readonly primaryNetworkInterface?: undefined;
  readonly networkInterfaces?: undefined;
}

/** A server with network interfaces of the older kind, without virtual network interfaces. */
export interface InterfaceNetworkArgs {
  /** The primary network interface. A change of its subnet or address replaces the server. */
  readonly primaryNetworkInterface: pulumi.Input<NetworkInterfaceArgs>;
  /**
   * Further network interfaces. Used at creation only: a later change does nothing but a
   * warning.
   * @default - none
   */
  readonly networkInterfaces?: pulumi.Input<pulumi.Input<NetworkInterfaceArgs>[]>;
  readonly subnetId?: undefined;
  readonly securityGroupIds?: undefined;
  readonly primaryIp?: undefined;
  readonly allowIpSpoofing?: undefined;
  readonly networkAttachments?: undefined;
  readonly virtualNetworkInterfaceId?: undefined;
}

/** A server that is connected as its template says. */
export interface TemplateNetworkArgs {
  readonly subnetId?: undefined;
  readonly securityGroupIds?: undefined;
  readonly primaryIp?: undefined;
  readonly allowIpSpoofing?: undefined;
  readonly networkAttachments?: undefined;
  readonly virtualNetworkInterfaceId?: undefined;
  readonly primaryNetworkInterface?: undefined;
  readonly networkInterfaces?: undefined;
}

/** The ways to connect a server. */
export type InstanceNetworkArgs = SubnetNetworkArgs | ExistingInterfaceNetworkArgs | InterfaceNetworkArgs;

/** The ways to connect a bare metal server. */
export type BareMetalNetworkArgs =
  | (SubnetNetworkArgs<BareMetalAttachmentArgs> & InfrastructureNatArgs)
  | ((ExistingInterfaceNetworkArgs<BareMetalAttachmentArgs> | InterfaceNetworkArgs) & {
      readonly enableInfrastructureNat?: undefined;
    });

/** What `check` makes of a network interface. */
export interface NetworkInterfaceInputs {
  /** Id of the subnet. */
  readonly subnetId: string;
  /** Name. */
  readonly name?: string | undefined;
  /** Ids of the security groups. */
  readonly securityGroupIds?: readonly string[] | undefined;
  /** Address in its subnet. */
  readonly primaryIp?: string | undefined;
  /** Whether it may send from addresses that are not its own. */
  readonly allowIpSpoofing?: boolean | undefined;
}

/** What `check` makes of a further network attachment. */
export type NetworkAttachmentInputs =
  | (NetworkInterfaceInputs & {
      readonly enableInfrastructureNat?: boolean | undefined;
      readonly virtualNetworkInterfaceId?: undefined;
    })
  | { readonly virtualNetworkInterfaceId: string; readonly name?: string | undefined };

/** What `check` makes of the arguments of this file. */
export interface InstanceNetworkInputs {
  readonly subnetId?: string | undefined;
  readonly securityGroupIds?: readonly string[] | undefined;
  readonly primaryIp?: string | undefined;
  readonly allowIpSpoofing?: boolean | undefined;
  /** Of bare metal servers only. */
  readonly enableInfrastructureNat?: boolean | undefined;
  readonly virtualNetworkInterfaceId?: string | undefined;
  readonly networkAttachments?: readonly NetworkAttachmentInputs[] | undefined;
  readonly primaryNetworkInterface?: NetworkInterfaceInputs | undefined;
  readonly networkInterfaces?: readonly NetworkInterfaceInputs[] | undefined;
}

const address: Rule = (value, property) =>
  typeof value === "string" && isIPv4(value)
    ? []
    : [{ property, reason: `is ${show(value)}; must be an IPv4 address such as "10.240.0.7"` }];

const interfaceFields = {
  subnetId: REFERENCE,
  name: nameRule,
  securityGroupIds: list(REFERENCE, { min: 1 }),
  primaryIp: address,
  allowIpSpoofing: flag,
};
const interfaceRule = object({ fields: interfaceFields, required: ["subnetId"] });
const OF_A_NEW_INTERFACE = [
  "subnetId",
  "securityGroupIds",
  "primaryIp",
  "allowIpSpoofing",
  "enableInfrastructureNat",
] as const;

const attachmentRule = (more: Readonly<Record<string, Rule>>): Rule =>
  object({
    fields: { ...interfaceFields, ...more, virtualNetworkInterfaceId: REFERENCE },
    exactlyOne: [["subnetId", "virtualNetworkInterfaceId"]],
    also: (value, path) =>
      value.virtualNetworkInterfaceId === undefined
        ? spoofingProblems(value, `${path}.`)
        : settledElsewhere(value, `${path}.`, OF_A_NEW_INTERFACE.slice(1)),
  });

/** IBM Cloud does not let packets through unchanged that come from addresses of others. */
const spoofingProblems = (value: Readonly<Record<string, unknown>>, at: string): Problem[] =>
  value.enableInfrastructureNat === false && value.allowIpSpoofing === true
    ? [{ property: `${at}allowIpSpoofing`, reason: "is true; must be false where enableInfrastructureNat is" }]
    : [];

/** Rules of the arguments of this file. */
export const networkArgRules = {
  subnetId: REFERENCE,
  securityGroupIds: list(REFERENCE, { min: 1 }),
  primaryIp: address,
  allowIpSpoofing: flag,
  virtualNetworkInterfaceId: REFERENCE,
  networkAttachments: list(attachmentRule({})),
  primaryNetworkInterface: interfaceRule,
  networkInterfaces: list(interfaceRule),
} satisfies Record<string, Rule>;

const ofBareMetal = { enableInfrastructureNat: flag };

/** The same for a bare metal server. */
export const bareMetalNetworkArgRules = {
  ...networkArgRules,
  ...ofBareMetal,
  networkAttachments: list(attachmentRule(ofBareMetal)),
} satisfies Record<string, Rule>;

/** What is wrong with the combination; one of the three forms is needed unless a template has it. */
export function networkProblems(args: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const forms = ["subnetId", "virtualNetworkInterfaceId", "primaryNetworkInterface"];
  const given = forms.filter((form) => args[form] !== undefined && args[form] !== null);
  const at = path === "" ? "" : `${path}.`;
  if (given.length === 0 && args.sourceTemplateId === undefined) {
    return [{ property: `${at}subnetId`, reason: "is missing; it is required" }];
  }
  if (given.length > 1) {
    const names = given.map((form) => `"${form}"`).join(" and ");
    return [
      { property: `${at}${given[1] ?? ""}`, reason: `a server is connected in one way only; ${names} are given` },
    ];
  }
  if (args.primaryNetworkInterface !== undefined) {
    return settledElsewhere(args, at, [...OF_A_NEW_INTERFACE, "networkAttachments"]);
  }
  const alone = settledElsewhere(args, at, ["networkInterfaces"]);
  return args.virtualNetworkInterfaceId === undefined
    ? [...alone, ...spoofingProblems(args, at)]
    : [...alone, ...settledElsewhere(args, at, OF_A_NEW_INTERFACE)];
}

function settledElsewhere(args: Readonly<Record<string, unknown>>, at: string, names: readonly string[]): Problem[] {
  const owner = args.primaryNetworkInterface === undefined ? "virtualNetworkInterfaceId" : "primaryNetworkInterface";
  return names
    .filter((name) => args[name] !== undefined && args[name] !== null)
    .map((name) => ({
      property: `${at}${name}`,
      reason:
        name === "networkInterfaces"
          ? "go with primaryNetworkInterface; use networkAttachments here"
          : `cannot go with ${owner}, which has its own`,
    }));
}

/** The arguments in terms of the outputs: both kinds of interface have the same fields. What IBM Cloud does anyway is left out. */
export function wantedNetwork(inputs: Partial<InstanceNetworkInputs>): Readonly<Record<string, unknown>> {
  const { primaryNetworkInterface: nic, ...rest } = inputs;
  if (nic === undefined) {
    const { allowIpSpoofing, enableInfrastructureNat: nat } = rest;
    return {
      ...rest,
      allowIpSpoofing: unlessFalse(allowIpSpoofing),
      enableInfrastructureNat: nat === true ? undefined : nat,
    };
  }
  const of = (field: keyof NetworkInterfaceInputs): unknown => (isKnown(nic) && isRecord(nic) ? nic[field] : nic);
  return {
    networkInterfaces: rest.networkInterfaces,
    networkType: "interface",
    subnetId: of("subnetId"),
    securityGroupIds: of("securityGroupIds"),
    primaryIp: of("primaryIp"),
    allowIpSpoofing: unlessFalse(of("allowIpSpoofing")),
  };
}

const unlessFalse = (value: unknown): unknown => (value === false ? undefined : value);

/** The arguments that would say what the outputs say. */
export function networkInputsOf(
  outputs: InstanceNetworkInputs & { readonly networkType?: "attachment" | "interface" | undefined },
): object {
  const { subnetId, securityGroupIds, primaryIp, allowIpSpoofing, virtualNetworkInterfaceId } = outputs;
  const { enableInfrastructureNat, networkAttachments, networkInterfaces } = outputs;
  const nic = { subnetId, securityGroupIds, primaryIp, allowIpSpoofing };
  if (outputs.networkType === "interface") return { primaryNetworkInterface: nic, networkInterfaces };
  if (virtualNetworkInterfaceId !== undefined) return { virtualNetworkInterfaceId, networkAttachments };
  return { ...nic, enableInfrastructureNat, networkAttachments };
}

/** The network part of a server's prototype. `mark`: a name that finds the server again, where the user gave none. */
export function networkPrototype(inputs: InstanceNetworkInputs, mark: string): NetworkPrototype {
  const { subnetId, virtualNetworkInterfaceId, primaryNetworkInterface, networkInterfaces } = inputs;
  const networkAttachments = inputs.networkAttachments?.map(attachmentPrototype);
  if (primaryNetworkInterface !== undefined) {
    return { primaryNetworkInterface: { name: mark, ...primaryNetworkInterface }, networkInterfaces };
  }
  if (virtualNetworkInterfaceId !== undefined) {
    const virtualNetworkInterface = { id: virtualNetworkInterfaceId };
    return { primaryNetworkAttachment: { name: mark, virtualNetworkInterface }, networkAttachments };
  }
  if (subnetId === undefined) return {};
  const { securityGroupIds, primaryIp, allowIpSpoofing, enableInfrastructureNat } = inputs;
  const nic = { subnetId, securityGroupIds, primaryIp, allowIpSpoofing, enableInfrastructureNat };
  return {
    primaryNetworkAttachment: { name: mark, virtualNetworkInterface: { ...nic, autoDelete: true } },
    networkAttachments,
  };
}

function attachmentPrototype(attachment: NetworkAttachmentInputs): NetworkAttachmentPrototype {
  if (attachment.virtualNetworkInterfaceId !== undefined) {
    return { name: attachment.name, virtualNetworkInterface: { id: attachment.virtualNetworkInterfaceId } };
  }
  const { name, ...nic } = attachment as NewInterfacePrototype;
  return { name, virtualNetworkInterface: { ...nic, autoDelete: true } };
}
