/**
 * The metadata service of a server that is managed elsewhere: by another stack, another tool, or by hand.
 *
 * Sources: IBM Cloud VPC API, "Update an instance": `metadata_service`.
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Instance, type MetadataService, getInstance, updateInstance } from "../client/vpc";
import type { MetadataProtocol, MetadataServicePrototype } from "../client/vpc-instance-prototype";
import { isHttpError } from "../core/errors";
import { type Rule, flag, integer, object, oneOf } from "../core/validate";
import { currentSession, withoutSignal } from "./connection";
import { InitError, goneError, isGone, warn } from "./converge";
import { type FieldTable, compact, sameValue } from "./diff";
import { type Internal, handlerFor } from "./handler";
import { nameOf, settled, switchedOnText } from "./instance-lifecycle";
import { InstanceMetadataRecord, type Recorded, serverOf } from "./instance-metadata-record";
import { bringTo } from "./instance-power";
import { REFERENCE, sameReference } from "./references";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** Arguments of the metadata service of a server that is managed elsewhere. */
export interface InstanceMetadataServiceArgs {
  /** The server: id or CRN. A change gives this one its settings back (see `onDelete`) and goes to the other. */
  readonly instanceId: pulumi.Input<string>;
  /**
   * Whether the service answers on the server. Where this switches it on, IBM Cloud gives it its full effect only after the
   * server was stopped and started: `restartToApply` does that.
   * @default true
   */
  readonly enabled?: pulumi.Input<boolean>;
  /**
   * `https` needs a name service and a CA bundle on the server.
   * @default - as it is; taken away later, as it was before
   */
  readonly protocol?: pulumi.Input<MetadataProtocol>;
  /**
   * How many network hops an answer may travel, 1 to 64. Containers on the server need 2.
   * @default - as it is; taken away later, as it was before
   */
  readonly responseHopLimit?: pulumi.Input<number>;
  /**
   * Stops and starts the server when this switches the service on. Without it a warning says that it is needed.
   * @default false
   */
  readonly restartToApply?: pulumi.Input<boolean>;
  /**
   * What becomes of the settings when this resource is deleted: `restore` sets them as they were before, except for what
   * somebody else has changed since; `leave` leaves them; `disable` switches the service off.
   * @default "restore"
   */
  readonly onDelete?: pulumi.Input<"restore" | "leave" | "disable">;
}

/** What `check` makes of the arguments. */
export interface InstanceMetadataServiceInputs extends Internal {
  readonly instanceId: string;
  readonly enabled: boolean;
  readonly protocol?: MetadataProtocol | undefined;
  readonly responseHopLimit?: number | undefined;
  readonly restartToApply?: boolean | undefined;
  readonly onDelete: "restore" | "leave" | "disable";
  /** How a server was when its record was made. Absent in states of earlier versions. */
  readonly recorded?: Recorded | undefined;
}

/** What the state holds: the settings that are ours, and all settings as they were before. */
export interface InstanceMetadataServiceOutputs {
  readonly instanceId: string;
  readonly enabled: boolean;
  readonly protocol?: MetadataProtocol | undefined;
  readonly responseHopLimit?: number | undefined;
  readonly before: MetadataService;
  readonly onDelete: "restore" | "leave" | "disable";
  /** Absent in states of earlier versions until the next refresh or update. */
  readonly crn?: string | undefined;
  /** Set until the restart that the last run could not finish is done. */
  readonly restartFailed?: true | undefined;
}

/** Judges the arguments. */
export const instanceMetadataServiceRule: Rule = object({
  fields: {
    instanceId: REFERENCE,
    enabled: flag,
    protocol: oneOf("http", "https"),
    responseHopLimit: integer(1, 64),
    restartToApply: flag,
    onDelete: oneOf("restore", "leave", "disable"),
  },
  required: ["instanceId"],
});

/** What a change of each argument means. */
export const instanceMetadataServiceFields: FieldTable = {
  instanceId: { change: "replace", same: sameReference },
  enabled: { change: "update" },
  protocol: { change: "update", absent: "clear" },
  responseHopLimit: { change: "update", absent: "clear" },
  onDelete: { change: "update" },
};

type Settings = MetadataServicePrototype;

const TYPE = "InstanceMetadataService";
const SETTINGS = ["enabled", "protocol", "responseHopLimit"] as const;

/** Manages the metadata service of servers that are managed elsewhere. */
export const handler = handlerFor<InstanceMetadataServiceInputs, InstanceMetadataServiceOutputs>({
  rule: instanceMetadataServiceRule,
  computed: ["recorded"],
  fields: instanceMetadataServiceFields,
  wanted: ({ instanceId, enabled, protocol, responseHopLimit, onDelete }) => ({
    instanceId,
    enabled,
    protocol,
    responseHopLimit,
    onDelete,
  }),
  complete: (inputs, { given }) => ({
    ...inputs,
    enabled: given.enabled ?? true,
    onDelete: given.onDelete ?? "restore",
  }),
  create: async (inputs) => {
    const server = await serverOf(inputs.instanceId);
    const before = settingsBefore(server, inputs);
    const owed = owedByInterrupted(before.enabled, server, inputs);
    return { id: server.id, outputs: await sync(server, inputs, { wanted: ownOf(inputs), before, owed }) };
  },
  update: async (id, olds, inputs) => {
    const server = await getInstance(currentSession(), id);
    if (server === undefined) throw goneError(`server ${id}`);
    const { before } = olds;
    // What the program no longer names goes back to what it was before.
    const dropped = SETTINGS.filter((name) => olds[name] !== undefined && inputs[name] === undefined);
    const wanted = { ...pick(before, dropped), ...ownOf(inputs) };
    const owed =
      olds.restartFailed === true ? { restart: true, start: true } : owedByInterrupted(olds.enabled, server, inputs);
    return sync(server, inputs, { wanted, before, owed });
  },
  read: async (id, known) => {
    const server = await getInstance(currentSession(), id);
    if (server === undefined) return undefined;
    const { metadataService: live } = server;
    // Nothing was known before: all of it is shown, and nothing is ours to give back.
    if (known.before === undefined)
      return { instanceId: id, ...live, before: live, onDelete: "leave", crn: server.crn };
    const owned = SETTINGS.filter((name) => name === "enabled" || known[name] !== undefined);
    return {
      instanceId: known.instanceId ?? id,
      ...pick(live, owned),
      before: known.before,
      onDelete: known.onDelete ?? "restore",
      crn: server.crn,
      ...(known.restartFailed === true ? { restartFailed: true } : {}),
    };
  },
  delete: giveBack,
  inputsOf: ({ instanceId, enabled, protocol, responseHopLimit, onDelete }) => ({
    instanceId,
    enabled,
    protocol,
    responseHopLimit,
    onDelete,
  }),
  describe: (id) => `server "${id}"`,
});

function pick<From extends Settings, Name extends keyof From>(from: From, names: readonly Name[]): Pick<From, Name> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<From, Name>;
}

const ownOf = ({ enabled, protocol, responseHopLimit }: InstanceMetadataServiceInputs): Settings =>
  compact({ enabled, protocol, responseHopLimit });

/** The record, where it is one of this server. */
function recordOf(server: Instance, { recorded }: InstanceMetadataServiceInputs): Recorded | undefined {
  return recorded?.serverId === server.id ? recorded : undefined;
}

/** A setting that is as wanted already was set by a run that was interrupted, where the record says otherwise. */
function settingsBefore(server: Instance, inputs: InstanceMetadataServiceInputs): MetadataService {
  const { metadataService: live } = server;
  const done = SETTINGS.filter((name) => live[name] === inputs[name]);
  return { ...live, ...pick(recordOf(server, inputs)?.settings ?? live, done) };
}

/** What a run before this one has switched on and left undone. */
interface Owed {
  /** It is known that the restart failed. Otherwise a server that runs may have been restarted: there is only a warning. */
  readonly restart: boolean;
  /** A server that is found stopped was stopped by that run. */
  readonly start: boolean;
}

/** It is on, as wanted, and was off by all that is known: a run that was interrupted has switched it on. */
function owedByInterrupted(wasOn: boolean, server: Instance, inputs: InstanceMetadataServiceInputs): Owed | undefined {
  if (wasOn || !inputs.enabled || !server.metadataService.enabled) return undefined;
  const start = inputs.restartToApply === true && recordOf(server, inputs)?.running === true;
  return { restart: false, start };
}

interface Change {
  readonly wanted: Settings;
  readonly before: MetadataService;
  readonly owed: Owed | undefined;
}

/** Sets what differs. From the first change on, a failure keeps what was there before. */
async function sync(
  server: Instance,
  inputs: InstanceMetadataServiceInputs,
  { wanted, before, owed }: Change,
): Promise<InstanceMetadataServiceOutputs> {
  const { instanceId, onDelete } = inputs;
  const outputs = { ...ownOf(inputs), instanceId, enabled: inputs.enabled, before, onDelete, crn: server.crn };
  const ready = await settled(server);
  let restarting = false;
  try {
    const live = await set(ready, wanted);
    const { enabled } = live.metadataService;
    const switchedOn = enabled && !ready.metadataService.enabled;
    const runs = ready.status === "running" && enabled;
    const restarts = runs && inputs.restartToApply === true && (switchedOn || owed?.restart === true);
    if (restarts || (ready.status === "stopped" && owed?.start === true)) {
      restarting = true;
      await bringTo("running", await bringTo("stopped", live));
    } else if (runs && (switchedOn || owed !== undefined)) {
      warn(TYPE, { ...inputs }, switchedOnText(nameOf(live.id, live)));
    }
    return outputs;
  } catch (error) {
    // Also when the time is over: what was there before is known only here.
    const look = (): Promise<Instance | undefined> => getInstance(currentSession(), server.id);
    const seen = await withoutSignal(look).catch(() => server);
    const { metadataService: live } = seen ?? ready;
    // Nothing was changed: there is nothing to remember.
    if (seen !== server && !restarting && sameValue(live, ready.metadataService)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const undone = restarting ? { restartFailed: true } : {};
    throw new InitError(server.id, { ...outputs, enabled: live.enabled, ...undone }, [reason]);
  }
}

/** Sends what differs, under the tag of what was seen; looks again when somebody else was faster. */
async function set(server: Instance, wanted: Settings): Promise<Instance> {
  for (let seen = server, attempt = 1; ; attempt++) {
    const differing = SETTINGS.filter(
      (name) => wanted[name] !== undefined && wanted[name] !== seen.metadataService[name],
    );
    if (differing.length === 0) return seen;
    const patch = { metadataService: pick(wanted, differing) };
    try {
      return await updateInstance(currentSession(), seen.id, patch, seen.etag === "" ? undefined : seen.etag);
    } catch (error) {
      if (isHttpError(error) && error.status === 404) throw goneError(nameOf(seen.id, seen));
      if (!isHttpError(error) || error.status !== 412 || attempt === 3) throw error;
      const again = await getInstance(currentSession(), seen.id);
      if (again === undefined) throw goneError(nameOf(seen.id, seen));
      seen = again;
    }
  }
}

/** What `onDelete` says. A setting that somebody else has changed since is theirs. */
async function giveBack(id: string, olds: InstanceMetadataServiceOutputs): Promise<void> {
  if (olds.onDelete === "leave") return;
  const server = await getInstance(currentSession(), id);
  if (server === undefined || server.status === "deleting") return;
  const ours = SETTINGS.filter((name) => olds[name] !== undefined && olds[name] === server.metadataService[name]);
  try {
    await set(await settled(server), olds.onDelete === "disable" ? { enabled: false } : pick(olds.before, ours));
  } catch (error) {
    if (isGone(error)) return;
    // A server that is going away takes no changes any more.
    const seen = isHttpError(error) && error.status === 409 ? await getInstance(currentSession(), id) : server;
    if (seen !== undefined && seen.status !== "deleting") throw error;
  }
}

const KIND: ResourceType = {
  type: TYPE,
  rule: instanceMetadataServiceRule,
  outputs: ["instanceId", "enabled", "protocol", "responseHopLimit", "before", "onDelete", "crn"],
  recorded: (name, args, options) => {
    const { instanceId } = args as InstanceMetadataServiceArgs;
    const { id, settings, running } = new InstanceMetadataRecord(name, instanceId, options);
    return { recorded: { serverId: id, settings, running } };
  },
};

/**
 * The metadata service of a server that is managed elsewhere, for example by `@pulumi/ibm`. Its resource id is the server's
 * id. One for each server; a server of this package has `metadataService` among its own arguments.
 *
 * An `InstanceMetadataRecord` of the same name comes before it: the settings of before, should a run be interrupted.
 *
 * @example
 * new InstanceMetadataService("app", { instanceId: server.id, responseHopLimit: 2, onDelete: "leave" });
 */
export class InstanceMetadataService extends VpcIdentityResource {
  /** The server, as the program names it. */
  declare readonly instanceId: pulumi.Output<string>;
  /** Whether the service answers on the server. */
  declare readonly enabled: pulumi.Output<boolean>;
  /** Protocol, when the program says it. */
  declare readonly protocol: pulumi.Output<MetadataProtocol | undefined>;
  /** How many network hops an answer may travel, when the program says it. */
  declare readonly responseHopLimit: pulumi.Output<number | undefined>;
  /** All settings as they were before this resource changed them, as far as its record and the server tell. */
  declare readonly before: pulumi.Output<MetadataService>;
  /** CRN of the server. */
  declare readonly crn: pulumi.Output<string>;
  /** What becomes of the settings when this resource is deleted. */
  declare readonly onDelete: pulumi.Output<"restore" | "leave" | "disable">;

  /**
   * Sets what differs.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: InstanceMetadataServiceArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Reads the settings of a server, without managing them. `id` is the server's. */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    options?: pulumi.CustomResourceOptions,
  ): InstanceMetadataService {
    return new InstanceMetadataService(name, {} as InstanceMetadataServiceArgs, { ...options, id });
  }
}
