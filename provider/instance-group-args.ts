/**
 * The arguments of an instance group.
 *
 * Sources: IBM Cloud VPC API, "Create an instance group", "Update an instance group".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Problem, type Rule, flag, integer, list, object } from "../core/validate";
import { type FieldTable, compact } from "./diff";
import type { Internal } from "./handler";
import { instanceArgRules } from "./instance-args";
import { REFERENCE, sameReference, sameReferences } from "./references";

/** Arguments of an instance group. */
export interface InstanceGroupArgs {
  /**
   * Name, unique in the region: lower case letters, digits and hyphens, 1 to 63 characters. A change renames the group.
   * @default - the resource's name and a hash, such as "web-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Template from which servers are made: id or CRN. It must not link its servers by itself (`autoLink: false`). A change is
   * made in place and holds for new servers only: those that exist stay as they are, until they are deleted one by one or
   * `membershipCount` goes down and up again.
   */
  readonly instanceTemplateId: pulumi.Input<string>;
  /** Subnets over which the servers are spread: ids or CRNs, all of one VPC, at least one. Changed in place, for new servers. */
  readonly subnetIds: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * How many servers there are, 0 to 1000. Changed in place.
   * @default - none when the group is made; left out later, as many as there are: leave it out where the group scales by itself
   */
  readonly membershipCount?: pulumi.Input<number>;
  /**
   * Port of new members of the load balancer's pool, 1 to 65535. Given together with `loadBalancerId` and
   * `loadBalancerPoolId`; the three can be changed in place, but not be taken away.
   * @default - no load balancer
   */
  readonly applicationPort?: pulumi.Input<number>;
  /**
   * Load balancer: id or CRN.
   * @default - no load balancer
   */
  readonly loadBalancerId?: pulumi.Input<string>;
  /**
   * Pool of the load balancer, by id.
   * @default - no load balancer
   */
  readonly loadBalancerPoolId?: pulumi.Input<string>;
  /**
   * Resource group, by id. A change replaces the group and its servers.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * How long to wait until the group has all its servers, 60 to 7200 seconds.
   * @default 1800, or as long as `customTimeouts` allows where that is more
   */
  readonly provisionTimeoutSeconds?: pulumi.Input<number>;
  /**
   * Take over a group of this name that exists already, instead of failing. It is deleted with the stack, with its servers.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** What `check` makes of the arguments. */
export interface InstanceGroupInputs extends Internal {
  readonly name: string;
  readonly instanceTemplateId: string;
  readonly subnetIds: readonly string[];
  readonly membershipCount?: number | undefined;
  readonly applicationPort?: number | undefined;
  readonly loadBalancerId?: string | undefined;
  readonly loadBalancerPoolId?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly provisionTimeoutSeconds?: number | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a group. */
export interface InstanceGroupOutputs {
  readonly crn: string;
  readonly name: string;
  readonly status: string;
  readonly instanceTemplateId: string;
  readonly subnetIds: readonly string[];
  readonly membershipCount: number;
  readonly applicationPort?: number | undefined;
  readonly loadBalancerId?: string | undefined;
  readonly loadBalancerPoolId?: string | undefined;
  readonly vpcId?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly createdAt: string;
}

/** Rules of the arguments; components use those of the arguments that they pass on. */
export const instanceGroupRules = {
  name: instanceArgRules.name,
  instanceTemplateId: REFERENCE,
  subnetIds: list(REFERENCE, { min: 1 }),
  membershipCount: integer(0, 1000, "servers"),
  applicationPort: integer(1, 65_535),
  loadBalancerId: REFERENCE,
  loadBalancerPoolId: REFERENCE,
  resourceGroupId: instanceArgRules.resourceGroupId,
  provisionTimeoutSeconds: instanceArgRules.provisionTimeoutSeconds,
  adopt: flag,
} satisfies Record<string, Rule>;

/** Judges the arguments of an instance group. */
export const instanceGroupRule: Rule = object({
  fields: instanceGroupRules,
  required: ["instanceTemplateId", "subnetIds"],
  also: allOrNone("applicationPort", "loadBalancerId", "loadBalancerPoolId"),
});

function allOrNone(...keys: readonly string[]): (value: Readonly<Record<string, unknown>>, path: string) => Problem[] {
  return (value) => {
    const missing = keys.filter((key) => value[key] === undefined || value[key] === null);
    if (missing.length === 0 || missing.length === keys.length) return [];
    return missing.map((property) => ({ property, reason: `is missing; ${keys.join(", ")} are given together` }));
  };
}

/** What a change of each argument means. */
export const instanceGroupFields: FieldTable = {
  name: { change: "update" },
  instanceTemplateId: { change: "update", same: sameReference },
  subnetIds: { change: "update", same: sameReferences },
  membershipCount: { change: "update" },
  applicationPort: { change: "update" },
  loadBalancerId: { change: "update", same: sameReference },
  loadBalancerPoolId: { change: "update", same: sameReference },
  resourceGroupId: { change: "replace" },
};

/** The inputs in terms of the outputs. */
export function wantedGroup(inputs: InstanceGroupInputs): Record<string, unknown> {
  const { name, instanceTemplateId, subnetIds, membershipCount, resourceGroupId } = inputs;
  const { applicationPort, loadBalancerId, loadBalancerPoolId } = inputs;
  return compact({
    ...{ name, instanceTemplateId, subnetIds, membershipCount, resourceGroupId },
    ...{ applicationPort, loadBalancerId, loadBalancerPoolId },
  });
}
