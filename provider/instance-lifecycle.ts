/**
 * A server over time: it is made, changed and deleted by calls that only start something.
 */
import {
  type Instance,
  createInstance,
  deleteInstance,
  getInstance,
  listInstances,
  updateInstance,
} from "../client/vpc";
import type { InstancePrototype } from "../client/vpc-instance-prototype";
import { changeTags, tagsOf } from "../client/tags";
import { currentSession, withoutSignal } from "./connection";
import { InitError, goneError, warn } from "./converge";
import { changedFields, compact, replacingFields } from "./diff";
import type { InstanceInputs, InstanceOutputs } from "./instance-args";
import { WHILE_STOPPED, fieldsFor, instanceFields, wantedOf } from "./instance-fields";
import { networkPrototype } from "./instance-network-args";
import { type Kept, initializationOf, keptOf, outputsOf, ownedOf, settingsOf } from "./instance-outputs";
import { bringTo } from "./instance-power";
import { endsWithHash, hashOf, markedText, vpcName } from "./naming";
import { make, resourceGroupOf, stillUnusable, syncUnderTag } from "./network-lifecycle";
import { waitSeconds } from "./timeouts";
import { failedToStart, onceIdle, reasonsOf, untilGone, untilSettled } from "./waiting";

type Wanted = Readonly<Record<string, unknown>>;

const DEFAULT_TIMEOUT_SECONDS = 1800;
const SETTLED = ["running", "stopped", "failed"];

export const nameOf = (id: string, { name }: { readonly name: string }): string => `server "${name}" (${id})`;

/** A server, and what is known of it beside its description. */
type LiveServer = Instance & { readonly kept?: Kept };

/**
 * Makes a server and waits until it runs.
 * @throws InitError when it does not come to run; VpcIdentityError or HttpError when it was not made
 */
export function createServer(inputs: InstanceInputs): Promise<{ id: string; outputs: InstanceOutputs }> {
  const wanted = wantedOf(inputs);
  const fields = fieldsFor(inputs);
  const identity = { ...wanted, mark: inputs.mark };
  const replacing = replacingFields(fields);
  const hash = hashOf(identity, replacing);
  // A name of the user's has no hash in it, and an attachment has a name that nobody else cares for.
  const attachmentName = vpcName(markedText(identity, replacing));
  const marks = ({ name, primaryNetworkAttachment, primaryNetworkInterfaceName }: Instance): (string | undefined)[] => [
    name,
    primaryNetworkAttachment?.name,
    primaryNetworkInterfaceName,
  ];
  // What it has is not in the state before it is set.
  const asked: Kept = { ...keptOf(wanted), tags: undefined, defaultTrustedProfile: askedProfile(inputs) };
  // Nobody tells what a server of somebody else's was created with.
  const askedOf = (server: Instance): Kept => (marks(server).some((text) => endsWithHash(text, hash)) ? asked : {});
  const network = networkPrototype(inputs, attachmentName);
  return make<LiveServer, InstanceOutputs>({
    noun: "server",
    fields: { ...fields, userDataSha256: { change: "ignore", ...fields.userDataSha256, argument: UNTOLD_USER_DATA } },
    inputs,
    wanted,
    create: () => createInstance(currentSession(), prototypeOf(inputs, attachmentName)),
    list: () => serversNamed(inputs.name),
    marks,
    isMarked: attachmentName === (network.primaryNetworkAttachment ?? network.primaryNetworkInterface)?.name,
    get: (id) => getInstance(currentSession(), id),
    settle: async (made, onSeen, isNew) => {
      const live = await settled(made, inputs.provisionTimeoutSeconds, onSeen);
      onSeen(live);
      if (live.status === "failed") throw failedToStart(nameOf(live.id, live), live, isNew);
      return { ...live, kept: { defaultTrustedProfile: undefined, ...(await initializationOf(made.id)) } };
    },
    outputsOf: (live) => outputsOf(live, { ...askedOf(live), ...live.kept }),
    sync: (id, outputs) => updateServer(id, outputs, inputs),
    finish: (live, outputs) => withTags(live.crn, outputs, inputs),
  });
}

/** Why a server with other user data, which it may or may not have, is not taken over. */
const UNTOLD_USER_DATA = "userData (IBM Cloud does not tell what a server got)";

async function* serversNamed(name: string): AsyncGenerator<LiveServer, void, undefined> {
  for await (const server of listInstances(currentSession(), { name })) {
    // Its profile and keys decide whether it can be taken over.
    if (server.name === name) yield { ...server, kept: await initializationOf(server.id) };
  }
}

/** Until the server says otherwise, its profile is what was asked for. */
function askedProfile({ defaultTrustedProfile: profile }: InstanceInputs): Kept["defaultTrustedProfile"] {
  return profile && { crn: "", ...profile };
}

/** Brings the settings that can be changed on a server to what is wanted, once it is neither starting nor stopping. */
export async function updateServer(
  id: string,
  known: InstanceOutputs,
  inputs: InstanceInputs,
): Promise<InstanceOutputs> {
  const wanted = wantedOf(inputs);
  const kept: Kept = { ...ownedOf(wanted), ...keptOf({ ...known }) };
  // An earlier run may have ended before these were read.
  const unread = known.defaultTrustedProfile?.crn === "" || known.sshKeyIds === undefined;
  const all: Kept = unread ? { ...kept, ...(await initializationOf(id)) } : kept;
  const live = await converged(id, known, inputs, all);
  const outputs = outputsOf(live, all);
  if (live.status === "failed") throw new InitError(id, outputs, [failedToStart(nameOf(id, live), live).message]);
  return withTags(live.crn, outputs, inputs);
}

/** The server as it is wanted, except for its tags, which another API has. */
async function converged(id: string, known: InstanceOutputs, inputs: InstanceInputs, kept: Kept): Promise<Instance> {
  const wanted = wantedOf(inputs);
  const fields = Object.fromEntries(Object.entries(fieldsFor(inputs)).filter(([field]) => field !== "tags"));
  const first = await getInstance(currentSession(), id);
  if (first === undefined) throw goneError(nameOf(id, known));
  const before = await settled(first);
  if (before.status === "failed") return before;
  let seenBefore: Instance | undefined = before;
  const live = await syncUnderTag<Instance>({
    what: nameOf(id, known),
    fields,
    // A setting that was nobody's so far is taken as it is.
    known: { ...settingsOf(before), ...known },
    knownTag: "",
    wanted,
    observe: async () => {
      const seen = seenBefore ?? (await getInstance(currentSession(), id));
      seenBefore = undefined;
      return seen;
    },
    propertiesOf: (seen) => ({ ...outputsOf(seen, kept) }),
    tagOf: (seen) => seen.etag,
    send: (tag, changed) => send(before, tag, changed, { known, inputs }),
  });
  return restarted(live, { known, before, inputs });
}

async function send(
  server: Instance,
  tag: string,
  changed: readonly string[],
  { known, inputs }: { known: InstanceOutputs; inputs: InstanceInputs },
): Promise<Instance> {
  if (!changed.some((field) => WHILE_STOPPED.includes(field))) return patched(server, tag, changed, inputs);
  const stopped = await bringTo("stopped", server);
  try {
    return await patched(stopped, stopped.etag, changed, inputs);
  } catch (error) {
    // It was stopped for nothing.
    if (server.status === "running") await startedAgain(stopped, known, error);
    throw error;
  }
}

/** Starts a server whose change was refused; where that fails too, the next run does. */
async function startedAgain(server: Instance, known: InstanceOutputs, refusal: unknown): Promise<void> {
  try {
    await withoutSignal(() => bringTo("running", server));
  } catch (error) {
    const textOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));
    throw new InitError(server.id, { ...known, status: "stopped", mustStart: true }, [
      textOf(refusal),
      `${nameOf(server.id, server)} was stopped for this change and could not be started again; the next run starts it. ` +
        textOf(error),
    ]);
  }
}

function patched(server: Instance, tag: string, changed: readonly string[], inputs: InstanceInputs): Promise<Instance> {
  const wanted: Wanted = wantedOf(inputs);
  const value = (field: string): unknown => wanted[field] ?? instanceFields[field]?.byDefault;
  const patch = Object.fromEntries(changed.map((field) => [field, value(field)])) as Partial<InstanceInputs>;
  return updateInstance(
    currentSession(),
    server.id,
    {
      name: patch.name,
      metadataService: patch.metadataService,
      availabilityPolicy: patch.availabilityPolicy,
      totalVolumeBandwidth: patch.totalVolumeBandwidthMbps,
      profile: patch.instanceProfile,
      enableSecureBoot: patch.enableSecureBoot,
    },
    tag === "" ? undefined : tag,
  );
}

/** Stops and starts the server where that gives a change its effect, also one that an interrupted run has made. */
async function restarted(
  live: Instance,
  { known, before, inputs }: { known: InstanceOutputs; before: Instance; inputs: InstanceInputs },
): Promise<Instance> {
  if (known.mustStart === true) return bringTo("running", live);
  const changed = changedFields(fieldsFor(inputs), { ...known }, wantedOf(inputs));
  const switchedOn = !known.metadataService.enabled && live.metadataService.enabled;
  const isUp = [known.status, before.status].includes("running");
  if (!isUp) return live;
  if (inputs.restartToApply !== true) {
    if (switchedOn) warn("Instance", { ...inputs }, switchedOnText(nameOf(live.id, live)));
    return live;
  }
  if (!switchedOn && !changed.some((field) => WHILE_STOPPED.includes(field))) return live;
  return bringTo("running", switchedOn ? await bringTo("stopped", live) : live);
}

/** What to tell whoever switches the metadata service on while the server runs. */
export function switchedOnText(server: string): string {
  return (
    `the metadata service of ${server} is on now, but takes full effect only after the server was stopped and started. ` +
    "Do that, or set restartToApply: true before such a change."
  );
}

async function withTags(crn: string, outputs: InstanceOutputs, inputs: InstanceInputs): Promise<InstanceOutputs> {
  const [old, tags] = [outputs.tags ?? [], (wantedOf(inputs).tags as readonly string[] | undefined) ?? []];
  await changeTags(currentSession(), crn, {
    attach: tags.filter((tag) => !old.includes(tag)),
    detach: old.filter((tag) => !tags.includes(tag)),
  });
  return compact({ ...outputs, tags: tags.length === 0 ? undefined : tags });
}

/**
 * Reads a server; `known` is empty when nothing was known of it before.
 * @returns undefined when there is none
 */
export async function readServer(id: string, known: Partial<InstanceOutputs>): Promise<InstanceOutputs | undefined> {
  const live = await getInstance(currentSession(), id);
  if (live === undefined) return undefined;
  const outputs = stillUnusable(known, await seenOutputs(live, known));
  return known.mustStart === true && live.status === "stopped" ? { ...outputs, mustStart: true } : outputs;
}

async function seenOutputs(live: Instance, known: Partial<InstanceOutputs>): Promise<InstanceOutputs> {
  if (known.crn === undefined) return outputsOf(live, { ...settingsOf(live), ...(await initializationOf(live.id)) });
  // What a server was created with never changes, so one call is enough for a server that was read before.
  const kept = keptOf({ ...known });
  if (known.tags === undefined) return outputsOf(live, kept);
  const attached = await tagsOf(currentSession(), live.crn);
  return outputsOf(live, { ...kept, tags: known.tags.filter((tag) => attached.includes(tag)) });
}

/** Deletes a server and waits until it is gone; one that is starting or stopping is deleted once it has settled. */
export async function deleteServer(id: string, known: InstanceOutputs): Promise<void> {
  const what = nameOf(id, known);
  await onceIdle(what, () => deleteInstance(currentSession(), id), DEFAULT_TIMEOUT_SECONDS);
  await untilGone(
    what,
    () => getInstance(currentSession(), id),
    DEFAULT_TIMEOUT_SECONDS,
    // One that had failed before says so until its deletion begins.
    (seen) => (seen.status === "failed" && known.status !== "failed" ? reasonsOf(seen) : undefined),
  );
}

/** What a server, or a template for servers, is made of. `attachmentName`: a name that finds it again. */
export function prototypeOf(inputs: Partial<InstanceInputs>, attachmentName: string): InstancePrototype {
  const { bootVolume, dataVolumes, sourceSnapshotId } = inputs;
  return {
    name: inputs.name,
    profile: inputs.instanceProfile,
    zone: inputs.zone,
    imageId: inputs.imageId,
    sourceTemplateId: inputs.sourceTemplateId,
    vpcId: inputs.vpcId,
    keyIds: inputs.sshKeyIds,
    userData: inputs.userData,
    resourceGroupId: resourceGroupOf(inputs),
    metadataService: inputs.metadataService,
    defaultTrustedProfile: inputs.defaultTrustedProfile,
    ...networkPrototype(inputs, attachmentName),
    availabilityPolicy: inputs.availabilityPolicy,
    totalVolumeBandwidth: inputs.totalVolumeBandwidthMbps,
    enableSecureBoot: inputs.enableSecureBoot,
    bootVolume:
      bootVolume === undefined && sourceSnapshotId === undefined
        ? undefined
        : { deleteWithInstance: true, ...bootVolume, sourceSnapshotId },
    dataVolumes: dataVolumes?.map((volume) => ({ deleteWithInstance: volume.volumeId === undefined, ...volume })),
  };
}

/** The server once it is neither on its way up nor down; `onSeen` learns of every state in between. */
export function settled(
  first: Instance,
  timeoutSeconds = waitSeconds(DEFAULT_TIMEOUT_SECONDS),
  onSeen: (seen: Instance) => void = () => undefined,
): Promise<Instance> {
  return untilSettled({
    what: nameOf(first.id, first),
    look: () => getInstance(currentSession(), first.id),
    first,
    settled: ({ status }) => SETTLED.includes(status),
    timeoutSeconds,
    onSeen,
  });
}
