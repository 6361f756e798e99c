/**
 * A service ID: the identity of an application that runs where no trusted profile reaches.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Service IDs".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type ServiceId as LiveServiceId,
  createServiceId,
  deleteServiceId,
  getServiceId,
  listServiceIds,
  setServiceIdLock,
  updateServiceId,
} from "../client/iam-service-ids";
import { CRN, type Rule, flag, list, object, text } from "../core/validate";
import { currentSession } from "./connection";
import { createOnce, goneError, removeTwins, syncFound, syncOwned, unansweredOne } from "./converge";
import { type FieldTable, compact, onlyFields, replacingFields, sameSet } from "./diff";
import { type Internal, handlerFor } from "./handler";
import { deleteUnlocked, deleteUnnamed } from "./locks";
import { endsWithHash, hashOf, hashedText } from "./naming";
import { accountRule } from "./references";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** Arguments of a service ID. */
export interface ServiceIdArgs {
  /**
   * Name, 1 to 255 characters; need not be unique.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Description. "" clears it.
   *
   * With name and description both of your own there is no hash, so what a killed run left behind looks like anybody's: it
   * is named in an error, and while IAM's list does not show it yet, a second one is made.
   * @default - none; with a `name` of your own, a text with a hash by which a repeated create finds its service ID
   */
  readonly description?: pulumi.Input<string>;
  /**
   * CRNs of service instances that the service ID is for.
   * @default - none
   */
  readonly uniqueInstanceCrns?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Id of the group of service IDs that it is in. A change replaces the service ID.
   * @default - none
   */
  readonly groupId?: pulumi.Input<string>;
  /**
   * Whether IAM refuses to delete it and to change its policies. Unlock it with an update before you destroy it.
   * @default false
   */
  readonly locked?: pulumi.Input<boolean>;
  /**
   * Account to create it in. A change replaces the service ID.
   * @default - the account of the credentials
   */
  readonly accountId?: pulumi.Input<string>;
  /**
   * Take over an equal service ID (name and description) that exists already. It is deleted with the stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** What `check` makes of the arguments. */
export interface ServiceIdInputs extends Internal {
  readonly name: string;
  readonly description?: string | undefined;
  readonly uniqueInstanceCrns?: readonly string[] | undefined;
  readonly groupId?: string | undefined;
  readonly locked?: boolean | undefined;
  readonly accountId?: string | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a service ID: what IAM answered last. */
export interface ServiceIdOutputs {
  readonly iamId: string;
  readonly crn: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly uniqueInstanceCrns?: readonly string[] | undefined;
  readonly groupId?: string | undefined;
  readonly locked: boolean;
  readonly accountId: string;
  readonly entityTag: string;
  readonly createdAt?: string | undefined;
  readonly modifiedAt?: string | undefined;
}

/** Judges the arguments of a service ID. */
export const serviceIdArgsRule: Rule = object({
  fields: {
    name: text({ max: 255 }),
    description: text({ min: 0, max: 1000 }),
    uniqueInstanceCrns: list(text({ pattern: CRN, allowed: "the CRN of a service instance" })),
    groupId: text({ max: 100 }),
    locked: flag,
    accountId: accountRule,
    adopt: flag,
  },
});

/** What a change of each argument means. */
export const serviceIdFields: FieldTable = {
  name: { change: "update" },
  description: { change: "update", absent: "clear" },
  uniqueInstanceCrns: { change: "update", absent: "clear", same: sameSet },
  groupId: { change: "replace" },
  locked: { change: "update" },
  accountId: { change: "replace" },
};

const REPLACING = replacingFields(serviceIdFields);
const TYPE = "ServiceId";

/** Manages service IDs. */
export const handler = handlerFor<ServiceIdInputs, ServiceIdOutputs>({
  rule: serviceIdArgsRule,
  fields: serviceIdFields,
  wanted,
  complete: (inputs, completion) => ({ ...inputs, ...hashedText(completion) }),
  create: ensureServiceId,
  update: async (id, olds, inputs) => outputsOf(await syncServiceId(id, olds, inputs)),
  read: async (id) => {
    const live = await getServiceId(currentSession(), id);
    return live === undefined ? undefined : outputsOf(live);
  },
  delete: (id, { name }) =>
    deleteUnlocked(
      `service ID "${name}" (${id})`,
      () => deleteServiceId(currentSession(), id),
      () => getServiceId(currentSession(), id),
    ),
  inputsOf: (outputs) => onlyFields(serviceIdFields, outputs),
  describe: (id) => `service ID "${id}"`,
});

function wanted(inputs: ServiceIdInputs): Omit<ServiceIdInputs, "mark" | "adopt"> {
  const { name, description, uniqueInstanceCrns, groupId, locked = false, accountId } = inputs;
  // IAM leaves an empty list out.
  const crns = uniqueInstanceCrns?.length === 0 ? undefined : uniqueInstanceCrns;
  return { name, description, uniqueInstanceCrns: crns, groupId, locked, accountId };
}

async function ensureServiceId(inputs: ServiceIdInputs): Promise<{ id: string; outputs: ServiceIdOutputs }> {
  const session = currentSession();
  const { name } = inputs;
  const hash = hashOf({ ...wanted(inputs), mark: inputs.mark }, REPLACING);
  const isOurs = (other: LiveServiceId): boolean =>
    endsWithHash(other.name, hash) || endsWithHash(other.description, hash);
  const isEqual = (other: LiveServiceId): boolean => (other.description ?? "") === (inputs.description ?? "");
  const list = async (): Promise<LiveServiceId[]> => {
    const named: LiveServiceId[] = [];
    for await (const other of listServiceIds(session, { name })) named.push(other);
    return named;
  };
  const look = async (): Promise<LiveServiceId | undefined> => {
    const named = await list();
    return named.find(isOurs) ?? named.find(isEqual);
  };
  const what = `service ID "${name}"`;
  const { object: live, found } = await createOnce<LiveServiceId>({
    what,
    create: () => createServiceId(session, compact({ ...wanted(inputs) })),
    lookFirst: true,
    find: (error) => unansweredOne(look, error),
    // There was no equal one before the attempt that was not answered.
    isOurs: (other, unanswered) => unanswered || isOurs(other),
    adopt: inputs.adopt === true,
    describe: (other) => `the service ID "${other.name}" (${other.id}) with the same description`,
  });
  // Without a hash in it, one of an interrupted run looks like any other.
  if (isOurs(live)) {
    await removeTwins({ what, id: live.id, list, isOurs, remove: removeUnused });
  }
  const outputs = outputsOf(live);
  if (!found) return { id: live.id, outputs };
  const synced = await syncFound({ id: live.id, outputs }, () => syncServiceId(live.id, outputs, inputs));
  return { id: live.id, outputs: outputsOf(synced) };
}

const removeUnused = (id: string): Promise<void> =>
  deleteUnnamed(
    () => deleteServiceId(currentSession(), id),
    () => getServiceId(currentSession(), id),
    () => setServiceIdLock(currentSession(), id, false),
  );

/** A lock is no field of an update but a call of its own: taken off before the other changes, put on after them. */
async function syncServiceId(id: string, known: ServiceIdOutputs, inputs: ServiceIdInputs): Promise<LiveServiceId> {
  const session = currentSession();
  const goal = wanted(inputs);
  const lock = async (locked: boolean): Promise<LiveServiceId> => {
    await setServiceIdLock(session, id, locked);
    const live = await getServiceId(session, id);
    if (live === undefined) throw goneError(`service ID "${known.name}" (${id})`);
    return live;
  };
  return syncOwned<LiveServiceId>({
    what: `service ID "${known.name}" (${id})`,
    fields: serviceIdFields,
    known: { ...known },
    knownTag: known.entityTag,
    wanted: { ...goal },
    observe: () => getServiceId(session, id),
    propertiesOf: (live) => ({ ...outputsOf(live) }),
    tagOf: (live) => live.entityTag,
    send: async (tag, changed) => {
      const fields = changed.filter((field) => field !== "locked");
      const locks = fields.length < changed.length;
      const unlocked = locks && goal.locked !== true ? await lock(false) : undefined;
      if (fields.length === 0) return unlocked ?? lock(true);
      const live = await updateServiceId(
        session,
        id,
        unlocked?.entityTag ?? tag,
        compact({
          ...(fields.includes("name") ? { name: goal.name } : {}),
          ...(fields.includes("description") ? { description: goal.description ?? "" } : {}),
          ...(fields.includes("uniqueInstanceCrns") ? { uniqueInstanceCrns: goal.uniqueInstanceCrns ?? [] } : {}),
        }),
      );
      // The answer to an update does not tell the group, which cannot change.
      return locks && goal.locked === true
        ? lock(true)
        : { ...live, ...(known.groupId === undefined ? {} : { groupId: known.groupId }) };
    },
  });
}

function outputsOf(live: LiveServiceId): ServiceIdOutputs {
  return compact({
    iamId: live.iamId,
    crn: live.crn,
    name: live.name,
    description: live.description,
    uniqueInstanceCrns: live.uniqueInstanceCrns,
    groupId: live.groupId,
    locked: live.locked,
    accountId: live.accountId,
    entityTag: live.entityTag,
    createdAt: live.createdAt,
    modifiedAt: live.modifiedAt,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: serviceIdArgsRule,
  outputs: [
    "iamId",
    "crn",
    "name",
    "description",
    "uniqueInstanceCrns",
    "groupId",
    "locked",
    "accountId",
    "entityTag",
    "createdAt",
    "modifiedAt",
  ],
};

/**
 * A service ID of IBM Cloud IAM. Its resource id is the service ID's id (`ServiceId-<uuid>`).
 *
 * @example
 * const deployer = new ServiceId("deployer");
 * new AccessPolicy("deployer", { serviceId: deployer.id, roles: ["Editor"], service: "is" });
 *
 * @example
 * const deployer = new ServiceId("deployer", { name: "shop deployer", description: "Rolls the shop out", locked: true });
 */
export class ServiceId extends VpcIdentityResource {
  /** `iam-ServiceId-<uuid>`: what policies name as their subject. */
  declare readonly iamId: pulumi.Output<string>;
  /** CRN of the service ID. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in IAM. */
  declare readonly name: pulumi.Output<string>;
  /** Description, if there is one. */
  declare readonly description: pulumi.Output<string | undefined>;
  /** CRNs of the service instances it is for, if any. */
  declare readonly uniqueInstanceCrns: pulumi.Output<string[] | undefined>;
  /** Id of the group of service IDs that it is in, if any. */
  declare readonly groupId: pulumi.Output<string | undefined>;
  /** Whether IAM refuses to delete it. */
  declare readonly locked: pulumi.Output<boolean>;
  /** Account it is in. */
  declare readonly accountId: pulumi.Output<string>;
  /** IAM's tag of the version that was last seen. */
  declare readonly entityTag: pulumi.Output<string>;
  /** Time of creation, ISO 8601. */
  declare readonly createdAt: pulumi.Output<string | undefined>;
  /** Time of the last change, ISO 8601. */
  declare readonly modifiedAt: pulumi.Output<string | undefined>;

  /**
   * Creates a service ID.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: ServiceIdArgs = {}, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** `ServiceId-<uuid>`; the same as `id`, and therefore not stored once more. */
  get serviceId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a service ID that exists, without managing it. `id` is `ServiceId-<uuid>`. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): ServiceId {
    return new ServiceId(name, {}, { ...options, id });
  }
}
