/**
 * An instance group: as many servers as wanted, all made from one template.
 *
 * Sources: IBM Cloud VPC API, "Instance groups".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type InstanceGroup as LiveGroup,
  createInstanceGroup,
  deleteInstanceGroup,
  getInstanceGroup,
  listGroupServers,
  listInstanceGroups,
  updateInstanceGroup,
} from "../client/vpc-instance-groups";
import { getTemplate } from "../client/vpc-templates";
import { VpcIdentityError, isHttpError } from "../core/errors";
import { currentSession } from "./connection";
import { InitError, syncOwned, warn } from "./converge";
import { compact } from "./diff";
import { handlerFor } from "./handler";
import {
  type InstanceGroupArgs,
  type InstanceGroupInputs,
  type InstanceGroupOutputs,
  instanceGroupFields,
  instanceGroupRule,
  wantedGroup,
} from "./instance-group-args";
import { LINKING_ADVICE, linkingTemplateOf } from "./instance-group-linking";
import { deleteUnused, make, nameOf, resourceGroupOf } from "./network-lifecycle";
import { assertValid } from "./preflight";
import { idIn } from "./references";
import { type ResourceType, VpcIdentityResource } from "./resource";
import { waitSeconds } from "./timeouts";
import { onceIdle, untilGone, untilSettled } from "./waiting";

const TYPE = "InstanceGroup";
const DEFAULT_TIMEOUT_SECONDS = 1800;
const BUSY_FOR_SECONDS = 300;
const SERVERS_GO_WITHIN_SECONDS = 600;

const LOAD_BALANCING = ["applicationPort", "loadBalancerId", "loadBalancerPoolId"] as const;

/** Manages instance groups. */
export const handler = handlerFor<InstanceGroupInputs, InstanceGroupOutputs>({
  rule: instanceGroupRule,
  fields: instanceGroupFields,
  wanted: wantedGroup,
  complete: (inputs, completion) => ({ ...inputs, name: nameOf(completion) }),
  create: (inputs) =>
    make<LiveGroup, InstanceGroupOutputs>({
      noun: "instance group",
      fields: instanceGroupFields,
      inputs,
      wanted: wantedGroup(inputs),
      create: () => explained(inputs, createInstanceGroup(currentSession(), prototypeOf(inputs))),
      list: () => listInstanceGroups(currentSession()),
      get: (id) => getInstanceGroup(currentSession(), id),
      settle: (made, onSeen) => untilHealthy(made, inputs, onSeen),
      outputsOf: (live) => outputsOf(live, inputs.loadBalancerId),
      sync: (id, outputs) => syncGroup(id, outputs, inputs),
    }),
  update: syncGroup,
  read: async (id, { loadBalancerId }) => {
    const live = await getInstanceGroup(currentSession(), id);
    return live === undefined ? undefined : outputsOf(live, loadBalancerId);
  },
  delete: async (id, olds) => {
    const what = describe(id, olds.name);
    await deleteUnused({
      type: TYPE,
      what,
      olds,
      remove: () => deleteInstanceGroup(currentSession(), id),
      look: () => getInstanceGroup(currentSession(), id),
    });
    // Subnets and templates are in use as long as there are servers.
    await untilGone(`the servers of ${what}`, () => anyServerOf(id), SERVERS_GO_WITHIN_SECONDS);
  },
  inputsOf: ({ name, instanceTemplateId, subnetIds, membershipCount, ...rest }) => ({
    ...{ name, instanceTemplateId, subnetIds, membershipCount },
    applicationPort: rest.applicationPort,
    loadBalancerId: rest.loadBalancerId,
    loadBalancerPoolId: rest.loadBalancerPoolId,
    resourceGroupId: rest.resourceGroupId,
  }),
  describe: (id) => `instance group "${id}"`,
});

const describe = (id: string, name: string): string => `instance group "${name}" (${id})`;

async function syncGroup(
  id: string,
  known: InstanceGroupOutputs,
  inputs: InstanceGroupInputs,
): Promise<InstanceGroupOutputs> {
  const what = describe(id, known.name);
  const live = await syncOwned<LiveGroup>({
    what,
    fields: instanceGroupFields,
    known: { ...known },
    knownTag: "",
    wanted: wantedGroup(inputs),
    observe: () => getInstanceGroup(currentSession(), id),
    propertiesOf: (seen) => ({ ...outputsOf(seen, known.loadBalancerId) }),
    tagOf: () => "",
    send: async (_tag, changed) => {
      const patch = patchOf(inputs, changed);
      const send = (): Promise<LiveGroup> => updateInstanceGroup(currentSession(), id, patch);
      const sent = await explained(inputs, onceIdle(what, send, BUSY_FOR_SECONDS));
      if (changed.includes("instanceTemplateId") && sent.membershipCount > 0) warnOfOldServers(inputs, what);
      return sent;
    },
  });
  let latest = live;
  try {
    latest = await untilHealthy(live, inputs, (seen) => (latest = seen));
    return outputsOf(latest, inputs.loadBalancerId);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InitError(id, outputsOf(latest, inputs.loadBalancerId), [reason]);
  }
}

function warnOfOldServers(inputs: InstanceGroupInputs, what: string): void {
  warn(
    TYPE,
    { ...inputs },
    `${what} makes new servers from template ${inputs.instanceTemplateId}, but those it has stay as they are. To replace ` +
      "them, delete them one by one, or set membershipCount to 0 and back.",
  );
}

/** A group that links is refused with a general error; this says what to do about it. */
async function explained<T>(inputs: InstanceGroupInputs, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isHttpError(error) || error.status !== 400) throw error;
    const { name, instanceTemplateId } = inputs;
    const template = await getTemplate(currentSession(), idIn(instanceTemplateId)).catch(() => undefined);
    if (template?.defaultTrustedProfile?.autoLink !== true) throw error;
    throw new VpcIdentityError(
      `instance group "${name}" cannot use instance template "${template.name}" (${template.id}). ${LINKING_ADVICE}`,
      { code: "IBMID_TEMPLATE_LINKS", cause: error },
    );
  }
}

/** Waits until a group has as many servers as wanted. */
async function untilHealthy(
  first: LiveGroup,
  { provisionTimeoutSeconds = waitSeconds(DEFAULT_TIMEOUT_SECONDS) }: InstanceGroupInputs,
  onSeen: (seen: LiveGroup) => void,
): Promise<LiveGroup> {
  const what = describe(first.id, first.name);
  const live = await untilSettled<LiveGroup>({
    what,
    look: () => getInstanceGroup(currentSession(), first.id),
    first,
    settled: ({ status }) => status !== "scaling",
    timeoutSeconds: provisionTimeoutSeconds,
    onSeen,
  });
  if (live.status === "healthy") return live;
  throw new VpcIdentityError(
    `${what} is "${live.status}": it does not get to ${live.membershipCount} servers. ${await whyNot(first.id)}`,
    { code: "IBMID_PROVISIONING_FAILED" },
  );
}

async function whyNot(id: string): Promise<string> {
  const failed: string[] = [];
  for await (const { name, status, statusReasons } of listGroupServers(currentSession(), id)) {
    const reasons = statusReasons.map(({ code, message }) => `${code}: ${message}`).join("; ");
    if (status === "failed") failed.push(`Server "${name}" failed: ${reasons === "" ? "no reason given." : reasons}`);
  }
  return failed.length === 0 ? "IBM Cloud gave no reason." : failed.join(" ");
}

async function anyServerOf(id: string): Promise<{ status: string } | undefined> {
  for await (const server of listGroupServers(currentSession(), id)) return server;
  return undefined;
}

function prototypeOf(inputs: InstanceGroupInputs): Parameters<typeof createInstanceGroup>[1] {
  const { name, instanceTemplateId, subnetIds, membershipCount } = inputs;
  const { applicationPort, loadBalancerId, loadBalancerPoolId } = inputs;
  return {
    ...{ name, instanceTemplateId, subnetIds, membershipCount },
    ...{ applicationPort, loadBalancerId, loadBalancerPoolId },
    resourceGroupId: resourceGroupOf(inputs),
  };
}

function patchOf(inputs: InstanceGroupInputs, changed: readonly string[]): object {
  const goal: Record<string, unknown> = { ...prototypeOf(inputs) };
  // The three of the load balancer go together.
  const balancing = LOAD_BALANCING.some((field) => changed.includes(field)) ? LOAD_BALANCING : [];
  const sent = new Set([...changed, ...balancing]);
  return Object.fromEntries([...sent].map((field) => [field, goal[field]]));
}

function outputsOf(live: LiveGroup, loadBalancerId: string | undefined): InstanceGroupOutputs {
  return compact<InstanceGroupOutputs>({
    crn: live.crn,
    name: live.name,
    status: live.status,
    instanceTemplateId: live.instanceTemplateId,
    subnetIds: live.subnetIds,
    membershipCount: live.membershipCount,
    applicationPort: live.applicationPort,
    // A group tells only the pool.
    loadBalancerId: live.loadBalancerPoolId === undefined ? undefined : loadBalancerId,
    loadBalancerPoolId: live.loadBalancerPoolId,
    vpcId: live.vpcId,
    resourceGroupId: live.resourceGroupId,
    createdAt: live.createdAt,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: instanceGroupRule,
  outputs: [
    "crn",
    "name",
    "status",
    "instanceTemplateId",
    "subnetIds",
    "membershipCount",
    "applicationPort",
    "loadBalancerId",
    "loadBalancerPoolId",
    "vpcId",
    "resourceGroupId",
    "createdAt",
  ],
};

/**
 * An instance group of IBM Cloud VPC. Its resource id is the group's id.
 *
 * Its servers cannot be linked one by one to a trusted profile: a claim rule says which may become it.
 *
 * @example
 * const group = new InstanceGroup("web", { instanceTemplateId: template.id, subnetIds: [subnetId], membershipCount: 2 });
 * new TrustedProfileClaimRule("web", {
 *   profileId: profile.id,
 *   type: "Profile-CR",
 *   crType: "VSI",
 *   conditions: [{ claim: "instance_group_name", operator: "EQUALS", value: group.name }],
 * });
 */
export class InstanceGroup extends VpcIdentityResource {
  /** CRN of the group. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in the VPC API. */
  declare readonly name: pulumi.Output<string>;
  /** Status that was seen last: `healthy`, `scaling`, `unhealthy` or `deleting`. */
  declare readonly status: pulumi.Output<string>;
  /** Id of the template from which new servers are made. */
  declare readonly instanceTemplateId: pulumi.Output<string>;
  /** Ids of the subnets. */
  declare readonly subnetIds: pulumi.Output<string[]>;
  /** How many servers there are to be. */
  declare readonly membershipCount: pulumi.Output<number>;
  /** Port of the members of the load balancer's pool, if there is one. */
  declare readonly applicationPort: pulumi.Output<number | undefined>;
  /** Load balancer, as the program named it. */
  declare readonly loadBalancerId: pulumi.Output<string | undefined>;
  /** Id of the load balancer's pool, if there is one. */
  declare readonly loadBalancerPoolId: pulumi.Output<string | undefined>;
  /** Id of the VPC. */
  declare readonly vpcId: pulumi.Output<string | undefined>;
  /** Id of the resource group. */
  declare readonly resourceGroupId: pulumi.Output<string | undefined>;
  /** Time of creation, RFC 3339. */
  declare readonly createdAt: pulumi.Output<string>;

  /**
   * Creates an instance group and waits until it has its servers.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: InstanceGroupArgs, options?: pulumi.CustomResourceOptions) {
    // Only here is it known which of the program's templates is meant.
    const linking = linkingTemplateOf((args as Partial<InstanceGroupArgs> | undefined)?.instanceTemplateId);
    if (linking !== undefined) {
      const reason = `names InstanceTemplate "${linking}", which links. ${LINKING_ADVICE}`;
      assertValid(`${TYPE} "${name}"`, instanceGroupRule, args, [{ property: "instanceTemplateId", reason }]);
    }
    super(KIND, name, args, options);
  }

  /** Id of the group; the same as `id`, and therefore not stored once more. */
  get instanceGroupId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a group that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): InstanceGroup {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new InstanceGroup(name, {} as InstanceGroupArgs, { ...options, id });
  }
}
