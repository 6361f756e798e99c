/**
 * A server over time: it is made, changed and deleted by calls that only start something.
 */
import {
  type Instance,
  createInstance,
  deleteInstance,
  getInitialization,
  getInstance,
  listInstances,
  updateInstance,
} from "../client/vpc";
import { VpcIdentityError, isHttpError } from "../core/errors";
import { currentClock, currentSession } from "./connection";
import { InitError, createOnce, goneError, isGone, notFoundError, syncOwned, untilVisible } from "./converge";
import { changedFields, compact } from "./diff";
import { type InstanceInputs, type InstanceOutputs, fieldsFor, instanceFields, userDataSha256 } from "./instance-args";
import { endsWithHash, hashOf, markedText, vpcName } from "./naming";

/** What no answer about a server repeats and the state therefore has to keep. */
type Kept = Partial<
  Pick<InstanceOutputs, "subnetId" | "sshKeyIds" | "securityGroupIds" | "defaultTrustedProfile" | "userDataSha256">
>;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;
const DEFAULT_TIMEOUT_SECONDS = 1800;
const SETTLED = ["running", "stopped", "failed"];

/**
 * Makes a server and waits until it runs. From the moment the server exists, every failure keeps its id.
 * @throws InitError when it does not come to run; VpcIdentityError or HttpError when it was not made
 */
export async function createServer(
  inputs: InstanceInputs,
  { replacing, identity }: { replacing: readonly string[]; identity: Readonly<Record<string, unknown>> },
): Promise<{ id: string; outs: InstanceOutputs }> {
  const hash = hashOf(identity, replacing);
  // A name of the user's has no hash in it, and an attachment has a name that nobody else cares for.
  const attachmentName = vpcName(markedText(identity, replacing));
  const isOurs = (server: Instance): boolean =>
    endsWithHash(server.name, hash) || endsWithHash(server.primaryNetworkAttachment?.name, hash);
  const { object: made, found } = await createOnce<Instance>({
    what: `server "${inputs.name}"`,
    create: () => createInstance(currentSession(), prototypeOf(inputs, attachmentName)),
    find: () => instanceNamed(inputs.name),
    isOurs,
    adopt: inputs.adopt === true,
    describe: (other) => `the server "${other.name}" (${other.id})`,
  });
  const adopted = found && !isOurs(made);
  if (adopted) await assertAdoptable(made, inputs, identity);
  // Nobody tells what a server of somebody else's was created with.
  const kept: Kept = adopted
    ? {}
    : compact({
        subnetId: inputs.subnetId,
        securityGroupIds: inputs.securityGroupIds,
        userDataSha256: inputs.userData === undefined ? undefined : userDataSha256(inputs.userData),
      });
  let latest = made;
  try {
    latest = await untilSettled(made.id, made, inputs.provisionTimeoutSeconds, (seen) => (latest = seen));
    if (latest.status === "failed") throw failedToStart(latest);
    const outs = outputsOf(latest, { ...kept, ...(await initializationOf(made.id)) });
    // An earlier attempt, or somebody else, may have made it with other settings.
    return { id: made.id, outs: found ? await updateServer(made.id, outs, identity) : outs };
  } catch (error) {
    // Deleted by somebody else while we waited: there is nothing to keep.
    if (isGone(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    // Until the server says otherwise, it is what was asked for.
    const asked: Kept = adopted
      ? {}
      : compact({
          sshKeyIds: inputs.sshKeyIds,
          defaultTrustedProfile: inputs.defaultTrustedProfile && { crn: "", ...inputs.defaultTrustedProfile },
        });
    throw new InitError(made.id, outputsOf(latest, { ...kept, ...asked }), [reason]);
  }
}

/** Whoever lets us take over a server does not ask for another one in its place, which the next run would make. */
async function assertAdoptable(
  server: Instance,
  { userDataChange }: InstanceInputs,
  wanted: Readonly<Record<string, unknown>>,
): Promise<void> {
  const live = outputsOf(server, await initializationOf(server.id));
  const fields = fieldsFor({ userDataChange });
  const differing = changedFields(fields, { ...live }, wanted)
    .filter((field) => fields[field]?.change === "replace")
    .map((field) => (field === "userDataSha256" ? "userData (IBM Cloud does not tell what a server got)" : field));
  if (differing.length === 0) return;
  throw new VpcIdentityError(
    `server "${server.name}" (${server.id}) cannot be adopted: it differs in ${differing.join(", ")}, and the next run ` +
      "would replace it. Give the arguments that the server has, or choose another name.",
    { code: "IBMID_EXISTS" },
  );
}

/** Brings the settings that can be changed on a server to what is wanted, once it is neither starting nor stopping. */
export async function updateServer(
  id: string,
  known: InstanceOutputs,
  wanted: Readonly<Record<string, unknown>>,
): Promise<InstanceOutputs> {
  const what = `server "${known.name}" (${id})`;
  const kept: Kept =
    // An earlier run may have ended before these were read.
    known.defaultTrustedProfile?.crn === "" || known.sshKeyIds === undefined
      ? { ...known, ...(await initializationOf(id)) }
      : known;
  const { name, metadataService } = wanted as unknown as Pick<InstanceInputs, "name" | "metadataService">;
  const live = await syncOwned<Instance>({
    what,
    fields: instanceFields,
    known: { ...known },
    knownTag: "",
    wanted,
    observe: async () => {
      const first = await getInstance(currentSession(), id);
      return first === undefined ? undefined : untilSettled(id, first);
    },
    propertiesOf: (seen) => ({ ...outputsOf(seen, kept) }),
    tagOf: (seen) => seen.etag,
    send: (tag, changed) =>
      updateInstance(
        currentSession(),
        id,
        {
          ...(changed.includes("name") ? { name } : {}),
          ...(changed.includes("metadataService") ? { metadataService } : {}),
        },
        tag === "" ? undefined : tag,
      ),
  });
  if (live.status === "failed") throw new InitError(id, outputsOf(live, kept), [failedToStart(live).message]);
  return outputsOf(live, kept);
}

/**
 * Reads a server; `known` is empty when nothing was known of it before.
 * @returns undefined when a server that was known is gone
 */
export async function readServer(id: string, known: Partial<InstanceOutputs>): Promise<InstanceOutputs | undefined> {
  const live = await getInstance(currentSession(), id);
  if (live === undefined) {
    if (known.crn === undefined) throw notFoundError(`server "${id}"`);
    return undefined;
  }
  // What a server was created with never changes, so one call is enough for a server that was read before.
  return outputsOf(live, known.crn === undefined ? await initializationOf(id) : known);
}

/** Deletes a server and waits until it is gone; one that is starting or stopping is deleted once it has settled. */
export async function deleteServer(id: string, name: string): Promise<void> {
  const what = `server "${name}" (${id})`;
  const pauses = new Pauses(DEFAULT_TIMEOUT_SECONDS);
  for (;;) {
    try {
      await deleteInstance(currentSession(), id);
      break;
    } catch (error) {
      if (!isHttpError(error) || error.status !== 409 || !(await pauses.next())) throw error;
    }
  }
  pauses.restart();
  while (await pauses.next()) {
    const live = await getInstance(currentSession(), id);
    if (live === undefined) return;
    if (live.status === "failed")
      throw new VpcIdentityError(`${what} could not be deleted: ${reasonsOf(live)}`, { code: "IBMID_DELETE_FAILED" });
  }
  throw new VpcIdentityError(`${what} is still being deleted after ${DEFAULT_TIMEOUT_SECONDS} seconds.`, {
    code: "IBMID_TIMEOUT",
  });
}

function prototypeOf(inputs: InstanceInputs, attachmentName: string): Parameters<typeof createInstance>[1] {
  return {
    name: inputs.name,
    profile: inputs.instanceProfile,
    zone: inputs.zone,
    imageId: inputs.imageId,
    vpcId: inputs.vpcId,
    keyIds: inputs.sshKeyIds,
    userData: inputs.userData,
    resourceGroupId: inputs.resourceGroupId ?? currentSession().settings.resourceGroupId,
    metadataService: inputs.metadataService,
    defaultTrustedProfile: inputs.defaultTrustedProfile,
    primaryNetworkAttachment: {
      name: attachmentName,
      virtualNetworkInterface: {
        subnetId: inputs.subnetId,
        securityGroupIds: inputs.securityGroupIds,
        autoDelete: true,
      },
    },
  };
}

async function instanceNamed(name: string): Promise<Instance | undefined> {
  for await (const instance of listInstances(currentSession(), { name })) {
    if (instance.name === name && instance.status !== "deleting") return instance;
  }
  return undefined;
}

/** Polls until a server is neither on its way up nor down; `onSeen` learns of every state in between. */
async function untilSettled(
  id: string,
  first: Instance,
  timeoutSeconds = DEFAULT_TIMEOUT_SECONDS,
  onSeen: (seen: Instance) => void = () => undefined,
): Promise<Instance> {
  const pauses = new Pauses(timeoutSeconds);
  let current = first;
  let everRead = false;
  while (!SETTLED.includes(current.status)) {
    if (!(await pauses.next())) {
      throw new VpcIdentityError(
        `server "${current.name}" (${id}) is still "${current.status}" after ${timeoutSeconds} seconds; ` +
          "the next run goes on waiting.",
        { code: "IBMID_TIMEOUT" },
      );
    }
    const read = (): Promise<Instance | undefined> => getInstance(currentSession(), id);
    const seen = await (everRead ? read() : untilVisible(read));
    if (seen === undefined) throw goneError(`server "${current.name}" (${id})`);
    everRead = true;
    current = seen;
    onSeen(seen);
  }
  return current;
}

/** Pauses that grow from one to ten seconds, within a total time. */
class Pauses {
  private pauseMs = FIRST_PAUSE_MS;
  private readonly deadline: number;

  constructor(timeoutSeconds: number) {
    this.deadline = currentClock().now() + timeoutSeconds * 1000;
  }

  restart(): void {
    this.pauseMs = FIRST_PAUSE_MS;
  }

  /** Waits; false when the time is used up. */
  async next(): Promise<boolean> {
    const clock = currentClock();
    if (clock.now() + this.pauseMs > this.deadline) return false;
    await clock.sleep(this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 1.5, LONGEST_PAUSE_MS);
    return true;
  }
}

function failedToStart(instance: Instance): VpcIdentityError {
  return new VpcIdentityError(
    `server "${instance.name}" (${instance.id}) failed to start: ${reasonsOf(instance)} The next run replaces it.`,
    { code: "IBMID_PROVISIONING_FAILED" },
  );
}

function reasonsOf({ statusReasons, lifecycleReasons }: Instance): string {
  const reasons = [...statusReasons, ...lifecycleReasons].map(({ code, message }) => `${code}: ${message}`);
  return reasons.length === 0 ? "IBM Cloud gave no reason." : reasons.join("; ");
}

/** The default profile and keys of a server, which IBM Cloud tells only here. */
async function initializationOf(id: string): Promise<Kept> {
  const initialization = await untilVisible(() => getInitialization(currentSession(), id));
  if (initialization === undefined) return {};
  const { defaultTrustedProfile: profile, keyIds } = initialization;
  return compact({
    sshKeyIds: keyIds,
    defaultTrustedProfile: profile && {
      target: profile.target.id,
      crn: profile.target.crn,
      autoLink: profile.autoLink,
    },
  });
}

function outputsOf(instance: Instance, kept: Kept): InstanceOutputs {
  return compact<InstanceOutputs>({
    crn: instance.crn,
    name: instance.name,
    status: instance.status,
    vpcId: instance.vpcId,
    subnetId: instance.primaryNetworkAttachment?.subnetId ?? kept.subnetId,
    zone: instance.zone,
    imageId: instance.imageId,
    instanceProfile: instance.profile,
    sshKeyIds: kept.sshKeyIds,
    securityGroupIds: kept.securityGroupIds,
    metadataService: instance.metadataService,
    defaultTrustedProfile: kept.defaultTrustedProfile,
    userDataSha256: kept.userDataSha256,
    resourceGroupId: instance.resourceGroupId,
    primaryIp: instance.primaryIp,
    createdAt: instance.createdAt,
  });
}
