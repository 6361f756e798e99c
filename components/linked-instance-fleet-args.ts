/**
 * The arguments of a fleet and their rules. A member is named by its zone and its number in it, so that nothing that is said
 * about one zone or one member changes the name of another.
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Problem, type Rule, flag, integer, isKnown, isRecord, list, object, show, text } from "../core/validate";
import type { FloatingIpCommonArgs } from "../provider/floating-ip";
import type { InstanceArgs } from "../provider/instance-args";
import {
  type LinkedInstanceArgs,
  type LinkedInstanceTransforms,
  linkedInstanceFields,
  linkedShapeProblems,
  protocolsAgree,
  shapeProblems,
  transformRule,
} from "./linked-instance-args";

/** A zone of the fleet. */
export interface FleetZoneArgs {
  /** Zone, such as "us-south-1". A change replaces the zone's servers. */
  readonly zone: pulumi.Input<string>;
  /** Subnet of the zone's servers: id or CRN. A change replaces them. */
  readonly subnetId: pulumi.Input<string>;
  /**
   * How many servers there are in the zone, 0 to 1000. A plain number. More are added behind the last one, fewer take away the
   * last ones.
   * @default - `countPerZone`
   */
  readonly count?: number;
  /**
   * What the zone's members are named after: letters, digits, `.`, `_` and `-`, at most 50. A plain text. Needed where a zone
   * occurs twice, with two subnets, and where `zone` is an Output.
   * @default - the zone
   */
  readonly name?: string;
}

/** What is different about one member. Each argument that is given takes the place of the fleet's. */
export type FleetMemberArgs = Partial<
  Pick<
    LinkedInstanceArgs,
    | "name"
    | "imageId"
    | "instanceProfile"
    | "sshKeyIds"
    | "securityGroupIds"
    | "tags"
    | "userDataChange"
    | "metadataService"
    | "bootstrap"
    | "userDataForm"
  >
> & {
  /** Whether the member has a public address. A plain true or false. @default - `floatingIps` of the fleet */
  readonly floatingIp?: boolean;
};

/** Which member a transform is asked about. */
export interface FleetMember {
  /** The member's name in the fleet, such as "us-south-1-2". */
  readonly key: string;
  /** Name of its zone in the fleet, such as "us-south-1". */
  readonly zone: string;
  /** Its number in the zone, from 1 on. */
  readonly number: number;
}

/** A transform for each kind of child; see `LinkedInstanceTransforms`. */
export interface LinkedInstanceFleetTransforms extends Pick<LinkedInstanceTransforms, "trustedProfile" | "policy"> {
  /** Called for each member. @default - as they are */
  readonly instance?: (
    args: InstanceArgs,
    options: pulumi.CustomResourceOptions,
    member: FleetMember,
  ) => { readonly args: InstanceArgs; readonly options?: pulumi.CustomResourceOptions };
  /** Called for each member that has a public address. @default - as they are */
  readonly floatingIp?: (
    args: FloatingIpCommonArgs,
    options: pulumi.CustomResourceOptions,
    member: FleetMember,
  ) => { readonly args: FloatingIpCommonArgs; readonly options?: pulumi.CustomResourceOptions };
}

/** Arguments of a fleet: those of a linked server, which all members share, and where the members are. */
export interface LinkedInstanceFleetArgs extends Omit<
  LinkedInstanceArgs,
  "name" | "zone" | "subnetId" | "floatingIp" | "transform"
> {
  /** Where the servers are; at least one zone. A plain list: it decides which servers there are. */
  readonly zones: readonly FleetZoneArgs[];
  /**
   * How many servers there are in each zone that has no `count`, 0 to 1000. A plain number.
   * @default 1
   */
  readonly countPerZone?: number;
  /**
   * Whether each server has a public address (`FloatingIp`). A plain true or false.
   * @default false
   */
  readonly floatingIps?: boolean;
  /**
   * What is different about single members, by name: `<zone>-<number>`, such as "us-south-1-2". A member that is to stay as it
   * is while the fleet changes gets the old arguments here. `false` takes the member away and leaves the others.
   * @default - all members are alike
   */
  readonly members?: Readonly<Record<string, FleetMemberArgs | false>>;
  /**
   * Changes to the children's arguments and options, for what the fleet has no argument for.
   * @default - none
   */
  readonly transform?: LinkedInstanceFleetTransforms;
}

/** A member with its place. */
export interface PlacedMember extends FleetMember {
  readonly place: FleetZoneArgs;
  /** What is different about it. */
  readonly own: FleetMemberArgs;
}

const {
  name,
  vpcId,
  subnetId,
  zone,
  imageId,
  instanceProfile,
  sshKeyIds,
  securityGroupIds,
  resourceGroupId,
  tags,
  userDataChange,
  trustedProfile,
  metadataService,
  bootstrap,
  userDataForm,
} = linkedInstanceFields;
/** What all members share, unless one has its own. */
const alike = {
  imageId,
  instanceProfile,
  sshKeyIds,
  securityGroupIds,
  tags,
  userDataChange,
  metadataService,
  bootstrap,
  userDataForm,
};

const COUNT = integer(0, 1000);

const zoneRule = object({
  fields: {
    zone,
    subnetId,
    count: COUNT,
    name: text({ max: 50, pattern: /^[\w.-]+$/, allowed: '1 to 50 letters, digits, ".", "_" and "-"' }),
  },
  required: ["zone", "subnetId"],
});

const placeFields = { zones: list(zoneRule, { min: 1 }), countPerZone: COUNT };
const placesRule = object({ fields: placeFields });

const memberRule = object({ fields: { ...alike, name, floatingIp: flag } });

const membersRule: Rule = (value, path) => {
  if (!isRecord(value)) return [{ property: path, reason: `is ${show(value)}; must be an object` }];
  return Object.entries(value).flatMap(([key, entry]) => {
    const property = `${path}.${key}`;
    const misshapen = shapeProblems(entry, property, "object");
    return misshapen.length > 0 || entry === false || entry === undefined || entry === null
      ? misshapen
      : memberRule(entry, property);
  });
};

/** Judges the arguments of a fleet, those of its children included. */
export const linkedInstanceFleetRule: Rule = object({
  fields: {
    ...alike,
    vpcId,
    resourceGroupId,
    trustedProfile,
    transform: object({
      fields: {
        trustedProfile: transformRule,
        policy: transformRule,
        instance: transformRule,
        floatingIp: transformRule,
      },
    }),
    ...placeFields,
    floatingIps: flag,
    members: membersRule,
  },
  required: ["vpcId", "imageId", "instanceProfile", "zones", "trustedProfile"],
  also: (args) => [
    ...linkedShapeProblems(args),
    ...shapeProblems(args.zones, "zones", "list"),
    ...shapeProblems(args.countPerZone, "countPerZone", "number"),
    ...shapeProblems(args.floatingIps, "floatingIps", "flag"),
    ...shapeProblems(args.members, "members", "object"),
    ...placeProblems(args.zones),
    ...memberProblems(args),
  ],
});

/** The names by which members are found again must be plain, and each of them once. */
function placeProblems(zones: unknown): Problem[] {
  if (!Array.isArray(zones)) return [];
  const names = zones.map((place: unknown) => (isRecord(place) ? (place.name ?? place.zone) : undefined));
  return zones.flatMap((place: unknown, index): Problem[] => {
    const property = `zones[${index}]`;
    if (!isRecord(place)) return [];
    const misshapen = [
      ...shapeProblems(place, property, "object"),
      ...shapeProblems(place.count, `${property}.count`, "number"),
      ...shapeProblems(place.name, `${property}.name`, "text"),
    ];
    if (misshapen.length > 0) return misshapen;
    if (!isKnown(names[index])) {
      return [{ property: `${property}.name`, reason: "is missing; needed where zone is an Output or a promise" }];
    }
    const first = names.indexOf(names[index]);
    if (first === index || typeof names[index] !== "string") return [];
    const reason = `zones[${first}] is called ${show(names[index])} already. Name the one that you added`;
    return [{ property: `${property}.name`, reason }];
  });
}

/** A member that is spoken of must exist, and its user data must fit its metadata service. */
function memberProblems(args: Readonly<Record<string, unknown>>): Problem[] {
  const { members, zones, countPerZone } = args;
  if (!isRecord(members) || !isKnown(members) || !Array.isArray(zones)) return [];
  // Where a zone or a count is wrong, nobody can tell which members there are.
  if (placesRule({ zones, countPerZone }, "").length > 0 || placeProblems(zones).length > 0) return [];
  const keys = (zones as FleetZoneArgs[]).flatMap((place) => keysOf(place, countPerZone as number | undefined));
  return Object.entries(members).flatMap(([key, own]) => {
    const property = `members.${key}`;
    if (!keys.includes(key)) {
      const known = keys.length > 8 ? [...keys.slice(0, 8), "..."] : keys;
      return [{ property, reason: `there is no such member. Members: ${known.join(", ") || "none"}` }];
    }
    if (!isRecord(own)) return [];
    const misshapen = shapeProblems(own.floatingIp, `${property}.floatingIp`, "flag");
    if (misshapen.length > 0) return misshapen;
    if (!hasOwnUserData(own)) return [];
    const { metadataService = args.metadataService, bootstrap = args.bootstrap } = own;
    return protocolsAgree({ metadataService, bootstrap }).map((problem) => ({
      ...problem,
      property: `${property}.${problem.property}`,
    }));
  });
}

/** True when a member's user data is not that of the others. */
export function hasOwnUserData({ metadataService, bootstrap, userDataForm }: FleetMemberArgs): boolean {
  return [metadataService, bootstrap, userDataForm].some((value) => value !== undefined);
}

/** The members of a fleet whose arguments were judged, zone by zone. */
export function membersOf({ zones, countPerZone, members = {} }: LinkedInstanceFleetArgs): PlacedMember[] {
  return zones.flatMap((place) =>
    keysOf(place, countPerZone).flatMap((key, index) => {
      const own = members[key] ?? {};
      return own === false ? [] : [{ key, zone: nameOf(place), number: index + 1, place, own }];
    }),
  );
}

function keysOf(place: FleetZoneArgs, countPerZone: number | undefined): string[] {
  return Array.from({ length: place.count ?? countPerZone ?? 1 }, (_, index) => `${nameOf(place)}-${index + 1}`);
}

/** A zone without a name of its own is a plain text. */
function nameOf(place: FleetZoneArgs): string {
  return place.name ?? (place.zone as string);
}
