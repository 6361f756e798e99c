/** Instance groups of the regional VPC API (`/instance_groups`): as many servers as wanted, made from one template. */
import { type Fields, fieldsIn, listIn, numberIn, present, textAt, textIn } from "./fields";
import type { Session } from "./session";
import { type Reason, reasonsIn } from "./vpc";
import {
  type Collection,
  createIn,
  deleteFrom,
  getFrom,
  identity,
  listFrom,
  optionalIdentity,
  patchIn,
} from "./vpc-collection";
import type { IdOrCrn } from "./vpc-instance-prototype";

export interface InstanceGroup {
  readonly id: string;
  readonly crn: string;
  readonly name: string;
  /** `healthy`, `scaling`, `unhealthy` or `deleting` */
  readonly status: string;
  readonly instanceTemplateId: string;
  readonly subnetIds: string[];
  readonly membershipCount: number;
  readonly applicationPort?: number;
  readonly loadBalancerPoolId?: string;
  readonly vpcId?: string;
  readonly resourceGroupId?: string;
  readonly createdAt: string;
}

/** What may change on a group; only what is given does. */
export interface InstanceGroupPatch {
  readonly name?: string | undefined;
  readonly instanceTemplateId?: IdOrCrn | undefined;
  readonly subnetIds?: readonly IdOrCrn[] | undefined;
  readonly membershipCount?: number | undefined;
  /** Port, load balancer and pool are given together. */
  readonly applicationPort?: number | undefined;
  readonly loadBalancerId?: IdOrCrn | undefined;
  readonly loadBalancerPoolId?: string | undefined;
}

export interface InstanceGroupPrototype extends InstanceGroupPatch {
  readonly instanceTemplateId: IdOrCrn;
  readonly subnetIds: readonly IdOrCrn[];
  readonly resourceGroupId?: string | undefined;
}

/** A server of a group. */
export interface GroupServer {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly statusReasons: Reason[];
}

const GROUPS: Collection<InstanceGroup> = {
  path: "/instance_groups",
  list: "instance_groups",
  what: "instance group",
  read: groupOf,
};

const GROUP_SERVERS: Collection<GroupServer> = {
  path: "/instances",
  list: "instances",
  what: "server",
  read: (fields) => ({
    id: textAt(fields, "id"),
    name: textAt(fields, "name"),
    status: textAt(fields, "status"),
    statusReasons: reasonsIn(fields, "status_reasons"),
  }),
};

/** Returns at once; a group with members is then `scaling`. */
export function createInstanceGroup(session: Session, group: InstanceGroupPrototype): Promise<InstanceGroup> {
  const { resourceGroupId } = group;
  const body = { ...patchBody(group), resource_group: optionalIdentity(resourceGroupId) };
  return createIn(session, GROUPS, body, group.name);
}

/** Undefined when it does not exist. */
export function getInstanceGroup(session: Session, id: string): Promise<InstanceGroup | undefined> {
  return getFrom(session, GROUPS, id);
}

/** All groups of the region: the API has no filter for them. */
export function listInstanceGroups(session: Session): AsyncGenerator<InstanceGroup, void, undefined> {
  return listFrom(session, GROUPS);
}

/** The servers of a group, also while they are being deleted after it. */
export function listGroupServers(session: Session, id: string): AsyncGenerator<GroupServer, void, undefined> {
  return listFrom(session, GROUP_SERVERS, { "instance_group_membership.instance_group.id": id });
}

/** Changes a group. Members that exist stay as they are, also when the template is another one. */
export function updateInstanceGroup(session: Session, id: string, patch: InstanceGroupPatch): Promise<InstanceGroup> {
  return patchIn(session, GROUPS, id, patchBody(patch));
}

/** Asks for the deletion of a group and its members, which goes on after the answer; one that does not exist is done. */
export function deleteInstanceGroup(session: Session, id: string): Promise<void> {
  return deleteFrom(session, GROUPS, id);
}

function patchBody(patch: InstanceGroupPatch): object {
  return {
    name: patch.name,
    instance_template: optionalIdentity(patch.instanceTemplateId),
    subnets: patch.subnetIds?.map(identity),
    membership_count: patch.membershipCount,
    application_port: patch.applicationPort,
    load_balancer: optionalIdentity(patch.loadBalancerId),
    load_balancer_pool: optionalIdentity(patch.loadBalancerPoolId),
  };
}

function groupOf(fields: Fields): InstanceGroup {
  return present<InstanceGroup>({
    id: textAt(fields, "id"),
    crn: textAt(fields, "crn"),
    name: textAt(fields, "name"),
    status: textAt(fields, "status"),
    instanceTemplateId: textAt(fieldsIn(fields, "instance_template"), "id"),
    subnetIds: listIn(fields, "subnets").map((subnet) => textAt(subnet, "id")),
    membershipCount: numberIn(fields, "membership_count") ?? 0,
    applicationPort: numberIn(fields, "application_port"),
    loadBalancerPoolId: textIn(fieldsIn(fields, "load_balancer_pool"), "id"),
    vpcId: textIn(fieldsIn(fields, "vpc"), "id"),
    resourceGroupId: textIn(fieldsIn(fields, "resource_group"), "id"),
    createdAt: textIn(fields, "created_at") ?? "",
  });
}
