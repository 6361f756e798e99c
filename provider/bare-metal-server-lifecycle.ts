/**
 * A bare metal server over time: made, changed, written to its disk again and deleted by calls that only start something,
 * and most of which need it to be running or stopped first.
 */
import {
  type BareMetalInitialization,
  type BareMetalServer,
  createBareMetalServer,
  deleteBareMetalServer,
  getBareMetalInitialization,
  getBareMetalServer,
  listBareMetalServers,
  reinitializeBareMetalServer,
  startBareMetalServer,
  stopBareMetalServer,
  updateBareMetalServer,
} from "../client/vpc-bare-metal";
import {
  type BareMetalServerInputs,
  type BareMetalServerOutputs,
  INITIALIZED,
  TOLD_OF_IT,
  WHILE_STOPPED,
  type WantedBareMetalServer,
  bareMetalFields,
  wantedServer,
} from "./bare-metal-server-args";
import { currentSession, withoutSignal } from "./connection";
import { InitError, goneError, isGone, isOutcomeUnknown, syncOwned, untilVisible } from "./converge";
import { changedFields, compact, replacingFields } from "./diff";
import { networkPrototype } from "./instance-network-args";
import { powerTo } from "./instance-power";
import { endsWithHash, hashOf, markedText, vpcName } from "./naming";
import { make, resourceGroupOf, stillUnusable } from "./network-lifecycle";
import { waitSeconds } from "./timeouts";
import { failedToStart, onceIdle, reasonsOf, untilGone, untilSettled } from "./waiting";

/** A server and what it was initialised with, where that was read. */
type LiveServer = BareMetalServer & { readonly initialization?: BareMetalInitialization };

const CREATED_WITH = [
  "subnetId",
  "securityGroupIds",
  "allowIpSpoofing",
  "enableInfrastructureNat",
  "networkAttachments",
  "networkInterfaces",
  "imageId",
  "userDataSha256",
] as const;

/** What no answer about a server repeats. */
type Kept = Partial<Pick<BareMetalServerOutputs, (typeof CREATED_WITH)[number]>> & {
  /** What it was asked to be, until it says what it is. */
  readonly asked?: Pick<BareMetalServerOutputs, "imageId" | "sshKeyIds" | "defaultTrustedProfile">;
};

const PROVISION_TIMEOUT_SECONDS = 3600;
const BUSY_FOR_SECONDS = 600;
const GONE_WITHIN_SECONDS = 1800;
const AT_REST = ["running", "stopped", "failed"];

const NOUN = "bare metal server";
/** The server in messages. */
export const describe = ({ id, name }: { readonly id: string; readonly name: string }): string =>
  `${NOUN} "${name}" (${id})`;

/**
 * Makes a server and waits until it runs.
 * @throws InitError when it does not come to run; VpcIdentityError or HttpError when it was not made
 */
export function createServer(inputs: BareMetalServerInputs): Promise<{ id: string; outputs: BareMetalServerOutputs }> {
  const wanted = wantedServer(inputs);
  const identity = { ...wanted, mark: inputs.mark };
  const fields = bareMetalFields(inputs, {});
  const hash = hashOf(identity, replacingFields(fields));
  // A name of the user's has no hash in it, and an attachment has a name that nobody else cares for.
  const attachmentName = vpcName(markedText(identity, replacingFields(fields)));
  const marks = (server: LiveServer): (string | undefined)[] => [
    server.name,
    server.primaryNetworkAttachment?.name,
    server.primaryNetworkInterfaceName,
  ];
  const { imageId, sshKeyIds, defaultTrustedProfile: profile } = wanted;
  const asked = { imageId, sshKeyIds, defaultTrustedProfile: profile && { crn: "", ...profile } };
  const network = networkPrototype(inputs, attachmentName);
  return make<LiveServer, BareMetalServerOutputs>({
    noun: NOUN,
    fields,
    adoptionFields: adoptionFields(inputs),
    inputs,
    wanted: { ...wanted },
    create: () => createBareMetalServer(currentSession(), prototypeOf(inputs, wanted, attachmentName)),
    list: () => serversNamed(inputs.name),
    marks,
    isMarked: attachmentName === (network.primaryNetworkAttachment ?? network.primaryNetworkInterface)?.name,
    get: look,
    settle: (made, onSeen, isNew) => untilAtRest(made, inputs, onSeen, isNew),
    outputsOf: (live) => {
      // Nobody tells what a server of somebody else's was created with.
      const ours = marks(live).some((text) => endsWithHash(text, hash));
      return outputsOf(live, ours ? { ...wanted, asked } : {});
    },
    sync: (id, outputs) => updateServer(id, outputs, inputs),
  });
}

async function* serversNamed(name: string): AsyncGenerator<LiveServer, void, undefined> {
  for await (const server of listBareMetalServers(currentSession(), { name })) {
    if (server.name === name) yield (await look(server.id)) ?? server;
  }
}

/** A server is not adopted to be written over at once. */
function adoptionFields(inputs: BareMetalServerInputs): ReturnType<typeof bareMetalFields> {
  const fields = bareMetalFields(inputs, {});
  if (inputs.allowReinitialize !== true) return fields;
  const change = "replace" as const;
  return { ...fields, ...Object.fromEntries(INITIALIZED.map((field) => [field, { ...fields[field], change }])) };
}

/** Brings a server to what is wanted, as far as its arguments allow. */
export async function updateServer(
  id: string,
  known: BareMetalServerOutputs,
  inputs: BareMetalServerInputs,
): Promise<BareMetalServerOutputs> {
  const wanted = wantedServer(inputs);
  const fields = bareMetalFields(inputs, known);
  let kept: Kept = known;
  let latest = undefined as LiveServer | undefined;
  // In an object, since the compiler takes a variable for unchanged where only closures write it.
  const progress = { underWay: false };
  const onSeen = (seen: LiveServer): void => void (latest = { ...latest, ...seen });
  const asked = changedFields(fields, { ...known }, { ...wanted });
  // Sent by a run that was killed before it could say so; the user data, which nobody tells, went along.
  const isWritten = (seen: LiveServer): boolean =>
    inputs.allowReinitialize === true &&
    includesAny(asked, TOLD_OF_IT) &&
    !includesAny(changedFields(fields, { ...outputsOf(seen, known) }, { ...wanted }), TOLD_OF_IT);
  const apply = async (changed: readonly string[], server: LiveServer): Promise<LiveServer> => {
    // A disk is only written over for what the program has changed.
    const initialized = includesAny(changed, INITIALIZED) && includesAny(asked, INITIALIZED);
    const stops = initialized || includesAny(changed, WHILE_STOPPED);
    const ran = server.status === "running" || known.status === "running";
    progress.underWay = stops;
    if (stops) await powerTo("stopped", server, powerOf(server, initialized ? "hard" : "soft"));
    const patch = patchOf(wanted, changed);
    if (Object.keys(patch).length > 0)
      onSeen(
        await onceIdle(describe(server), () => updateBareMetalServer(currentSession(), id, patch), BUSY_FOR_SECONDS),
      );
    if (initialized) {
      await reinitialize(id, inputs, wanted);
      kept = { ...kept, imageId: wanted.imageId, userDataSha256: wanted.userDataSha256 };
      latest = undefined;
    }
    if (!stops) return need(await look(id), server);
    return started(need(await look(id), server), { wanted: ran || initialized, inputs, onSeen });
  };
  try {
    const live = await syncOwned<LiveServer>({
      what: describe({ id, name: known.name }),
      fields,
      known: { ...known },
      knownTag: "",
      wanted: { ...wanted },
      observe: async () => {
        const seen = await look(id);
        if (seen === undefined) return undefined;
        latest = await untilAtRest(seen, inputs, onSeen);
        if (isWritten(latest)) kept = { ...kept, userDataSha256: wanted.userDataSha256 };
        return latest;
      },
      propertiesOf: (seen) => ({ ...outputsOf(seen, kept) }),
      tagOf: () => "",
      send: (_tag, changed) => apply(changed, need(latest, { id, name: known.name })),
    });
    // A run that was killed after it had stopped the server and changed it left it so.
    const stopped = live.status === "stopped" && known.status === "running";
    const wasStoppedByUs = stopped && (includesAny(asked, WHILE_STOPPED) || isWritten(live));
    const end = wasStoppedByUs ? await started(live, { wanted: true, inputs, onSeen }) : live;
    return outputsOf(end, kept);
  } catch (error) {
    // A change that was refused leaves everything as it was.
    if (isGone(error) || !(progress.underWay || latest?.status === "failed")) throw error;
    // Also when the time is over: what is known of it must reach the state.
    const last = latest ?? (await withoutSignal(() => look(id)).catch(() => undefined));
    if (last === undefined) throw error;
    throw new InitError(id, outputsOf(last, kept), [error instanceof Error ? error.message : String(error)]);
  }
}

const includesAny = (changed: readonly string[], fields: readonly string[]): boolean =>
  fields.some((field) => changed.includes(field));

function need(seen: LiveServer | undefined, named: { readonly id: string; readonly name: string }): LiveServer {
  if (seen === undefined) throw goneError(describe(named));
  return seen;
}

interface Starting {
  readonly wanted: boolean;
  readonly inputs: BareMetalServerInputs;
  readonly onSeen: (seen: LiveServer) => void;
}

/** Waits for a server that was stopped or re-initialised, and starts it where it does not by itself. */
async function started(server: LiveServer, { wanted, inputs, onSeen }: Starting): Promise<LiveServer> {
  const rested = await untilAtRest(server, inputs, onSeen);
  if (!wanted || rested.status === "running") return rested;
  return untilAtRest(await powerTo("running", rested, powerOf(rested, "soft")), inputs, onSeen);
}

/**
 * Writes the image again. All that a server boots with is sent together: whatever is left out of this call, the server
 * would lose, its trusted profile above all.
 */
async function reinitialize(id: string, inputs: BareMetalServerInputs, wanted: WantedBareMetalServer): Promise<void> {
  const { imageId, sshKeyIds, userData } = inputs.initialization;
  const { defaultTrustedProfile } = wanted;
  const send = (): Promise<void> =>
    reinitializeBareMetalServer(currentSession(), id, { imageId, keyIds: sshKeyIds, userData, defaultTrustedProfile });
  try {
    await onceIdle(describe({ id, name: inputs.name }), send, BUSY_FOR_SECONDS);
  } catch (error) {
    // The server was stopped when this was sent, so what it does now is the answer.
    const live = isOutcomeUnknown(error) ? await look(id) : undefined;
    if (live === undefined || live.status === "stopped") throw error;
  }
}

/** Reads a server with its initialisation. */
export async function readServer(
  id: string,
  known: Partial<BareMetalServerOutputs>,
): Promise<BareMetalServerOutputs | undefined> {
  const live = await look(id);
  return live === undefined ? undefined : stillUnusable(known, outputsOf(live, known));
}

/** Stops a server, deletes it and waits until it is gone. One that is on its way to another state is waited for. */
export async function deleteServer(id: string): Promise<void> {
  const first = await getBareMetalServer(currentSession(), id);
  if (first === undefined) return;
  const what = describe(first);
  const see = (): Promise<BareMetalServer | undefined> => getBareMetalServer(currentSession(), id);
  try {
    const settled = ({ status }: BareMetalServer): boolean => AT_REST.includes(status) || status === "deleting";
    const timeoutSeconds = waitSeconds(PROVISION_TIMEOUT_SECONDS);
    const rested = await untilSettled({ what, look: see, first, settled, timeoutSeconds });
    if (rested.status === "running") await powerTo("stopped", rested, powerOf(rested, "hard"));
    if (rested.status !== "deleting")
      await onceIdle(what, () => deleteBareMetalServer(currentSession(), id), BUSY_FOR_SECONDS);
    const failed = (seen: BareMetalServer): string | undefined =>
      seen.status === "failed" && rested.status !== "failed" ? reasonsOf(seen) : undefined;
    await untilGone(what, see, GONE_WITHIN_SECONDS, failed);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

async function look(id: string): Promise<LiveServer | undefined> {
  const server = await getBareMetalServer(currentSession(), id);
  if (server === undefined) return undefined;
  const initialization = await getBareMetalInitialization(currentSession(), id);
  return initialization === undefined ? server : { ...server, initialization };
}

/** Waits until a server runs or is stopped, and reads what it was initialised with. */
async function untilAtRest(
  first: LiveServer,
  { provisionTimeoutSeconds = waitSeconds(PROVISION_TIMEOUT_SECONDS) }: BareMetalServerInputs,
  onSeen: (seen: LiveServer) => void,
  isNew = false,
): Promise<LiveServer> {
  const server = await untilSettled<LiveServer>({
    what: describe(first),
    look: () => getBareMetalServer(currentSession(), first.id),
    first,
    settled: ({ status }) => AT_REST.includes(status),
    timeoutSeconds: provisionTimeoutSeconds,
    onSeen,
  });
  onSeen(server);
  if (server.status === "failed") throw failedToStart(describe(server), server, isNew);
  if (server.initialization !== undefined) return server;
  const initialization = await untilVisible(() => getBareMetalInitialization(currentSession(), server.id));
  return initialization === undefined ? server : { ...server, initialization };
}

function powerOf(server: BareMetalServer, type: "soft" | "hard"): Parameters<typeof powerTo<LiveServer>>[2] {
  const { id } = server;
  return {
    what: describe(server),
    look: () => getBareMetalServer(currentSession(), id),
    act: (action) =>
      action === "stop" ? stopBareMetalServer(currentSession(), id, type) : startBareMetalServer(currentSession(), id),
  };
}

function patchOf(wanted: WantedBareMetalServer, changed: readonly string[]): object {
  const goal = {
    name: wanted.name,
    metadataService: wanted.metadataService,
    bandwidth: wanted.bandwidthMbps,
    tpmMode: wanted.trustedPlatformModule.mode,
    enableSecureBoot: wanted.enableSecureBoot,
  };
  const fields: Record<keyof typeof goal, string> = {
    name: "name",
    metadataService: "metadataService",
    bandwidth: "bandwidthMbps",
    tpmMode: "trustedPlatformModule",
    enableSecureBoot: "enableSecureBoot",
  };
  return Object.fromEntries(Object.entries(goal).filter(([key]) => changed.includes(fields[key as keyof typeof goal])));
}

function prototypeOf(
  inputs: BareMetalServerInputs,
  wanted: WantedBareMetalServer,
  attachmentName: string,
): Parameters<typeof createBareMetalServer>[1] {
  const { imageId, sshKeyIds, userData } = inputs.initialization;
  return {
    name: wanted.name,
    profile: wanted.bareMetalServerProfile,
    zone: wanted.zone,
    vpcId: wanted.vpcId,
    resourceGroupId: resourceGroupOf(inputs),
    initialization: { imageId, keyIds: sshKeyIds, userData, defaultTrustedProfile: wanted.defaultTrustedProfile },
    metadataService: wanted.metadataService,
    tpmMode: wanted.trustedPlatformModule.mode,
    enableSecureBoot: wanted.enableSecureBoot,
    bandwidth: wanted.bandwidthMbps,
    ...networkPrototype(inputs, attachmentName),
  };
}

function outputsOf(live: LiveServer, kept: Kept): BareMetalServerOutputs {
  const { initialization } = live;
  const profile = initialization?.defaultTrustedProfile;
  return compact<BareMetalServerOutputs>({
    crn: live.crn,
    name: live.name,
    status: live.status,
    vpcId: live.vpcId,
    zone: live.zone,
    bareMetalServerProfile: live.profile,
    ...(Object.fromEntries(CREATED_WITH.map((field) => [field, kept[field]])) as Kept),
    subnetId: live.subnetId ?? kept.subnetId,
    networkType: live.primaryNetworkAttachment === undefined ? "interface" : "attachment",
    primaryIp: live.primaryIp,
    virtualNetworkInterfaceId: live.primaryNetworkAttachment?.virtualNetworkInterfaceId,
    ...(initialization === undefined
      ? kept.asked
      : {
          // No longer told once the image is deleted.
          imageId: initialization.imageId ?? kept.imageId,
          sshKeyIds: initialization.keyIds,
          defaultTrustedProfile: profile && {
            target: profile.target.id,
            crn: profile.target.crn,
            autoLink: profile.autoLink,
          },
        }),
    metadataService: live.metadataService,
    trustedPlatformModule: { mode: live.tpmMode },
    enableSecureBoot: live.enableSecureBoot,
    bandwidthMbps: live.bandwidth,
    resourceGroupId: live.resourceGroupId,
    createdAt: live.createdAt,
  });
}
