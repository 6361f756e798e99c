/**
 * What the resources of the VPC API have in common over time: names that are unique, creates and deletes that go on after
 * the answer, changes under a tag, and deletes that are refused while something is still in use.
 */
import { VpcIdentityError, isHttpError } from "../core/errors";
import { type Rule, flag, text } from "../core/validate";
import { currentSession } from "./connection";
import { InitError, type Sync, createOnce, inTheWay, isGone, onceParentIsVisible, syncOwned, warn } from "./converge";
import { type FieldTable, changedFields, replacingFields } from "./diff";
import type { Completion, Internal } from "./handler";
import { endsWithHash, hashOf, keptName, vpcName } from "./naming";
import { nameRule } from "./references";
import { durationMs, waitSeconds } from "./timeouts";
import { Pauses, afterFailure, untilGone, untilSettled } from "./waiting";

type Properties = Readonly<Record<string, unknown>>;

/** What every object here has; an SSH key has no status. */
interface Live {
  readonly id: string;
  readonly name: string;
  readonly status?: string;
}

/** How long the API may take to finish what it started. */
const WITHIN_SECONDS = 600;

/** Rules of the arguments that all have. */
export const networkArgRules = {
  name: nameRule,
  resourceGroupId: text({ pattern: /^[^\s:]+$/, allowed: "the id of a resource group" }),
  adopt: flag,
} satisfies Record<string, Rule>;

/** The name of the user's, else the one with the hash. */
export function nameOf({ given, olds, same, text: marked }: Completion<{ name: string }>): string {
  return given.name ?? keptName(olds.name, same, vpcName(marked));
}

/** The resource group that is asked for, if any is. */
export function resourceGroupOf({
  resourceGroupId,
}: {
  readonly resourceGroupId?: string | undefined;
}): string | undefined {
  return resourceGroupId ?? currentSession().settings.resourceGroupId;
}

/** Beside the outputs of an object that failed in the run that made it: nothing depends on it and nothing is on it. */
interface NeverUsable {
  readonly neverUsable?: true;
}

/**
 * What the status of a failed object means, for the table of its fields: one that never could be used is replaced, any
 * other is looked at again by an update, which fails as long as the object has.
 */
export function failedField(olds: { readonly status?: string } & NeverUsable): FieldTable {
  if (olds.status !== "failed") return {};
  return { status: { change: olds.neverUsable === true ? "replace" : "update", absent: "clear" } };
}

/** What was read of an object, where `known` remembers that it never could be used. */
export function stillUnusable<Outputs extends { readonly status: string }>(
  known: object,
  outputs: Outputs,
): Outputs & NeverUsable {
  const { neverUsable } = known as NeverUsable;
  return outputs.status === "failed" && neverUsable === true ? { ...outputs, neverUsable } : outputs;
}

/** What making one of a type needs. */
export interface Making<T extends Live, Outputs extends object> {
  /** In messages: `VPC`. */
  readonly noun: string;
  readonly fields: FieldTable;
  /** What counts when an object of somebody else's is judged for adoption. @default - `fields` */
  readonly adoptionFields?: FieldTable;
  readonly inputs: Internal & { readonly name: string; readonly adopt?: boolean | undefined };
  /** The inputs in terms of the outputs. */
  readonly wanted: Properties;
  readonly create: () => Promise<T>;
  /** What there is; the first that stands in the way counts. */
  readonly list: () => AsyncIterable<T>;
  /** True for another object that the API does not let a second one be made of. @default - one of the same name */
  readonly inTheWay?: (other: T) => boolean;
  /** Texts of an object that may carry the hash, where there is one beside its name. */
  readonly marks?: (other: T) => readonly (string | undefined)[];
  /** True where what is made carries the hash in one of these, whoever chose its name. @default false */
  readonly isMarked?: boolean;
  readonly get: (id: string) => Promise<T | undefined>;
  /** Waits until it can be used; tells what it sees, so that a failure knows. @default - `untilAvailable` */
  readonly settle?: (made: T, onSeen: (seen: T) => void, isNew: boolean) => Promise<T>;
  readonly outputsOf: (live: T) => Outputs;
  /** Brings one that was found to what is wanted. */
  readonly sync: (id: string, outputs: Outputs) => Promise<Outputs>;
  /** What takes a call of its own, for one that was just made. @default - nothing */
  readonly finish?: (made: T, outputs: Outputs) => Promise<Outputs>;
}

/** Makes an object exactly once, and waits until it can be used. From the moment it exists, every failure keeps its id. */
export async function make<T extends Live, Outputs extends object>(
  making: Making<T, Outputs>,
): Promise<{ id: string; outputs: Outputs }> {
  const { noun, fields, inputs, wanted, outputsOf } = making;
  const { name } = inputs;
  const hash = hashOf({ ...wanted, mark: inputs.mark }, replacingFields(fields));
  const { marks = ({ name: text }: T) => [text] } = making;
  // A name of the user's has no hash in it: only who looked before knows that an unanswered attempt made it.
  const onlyNamed = making.isMarked !== true && !endsWithHash(name, hash);
  const hasHash = (other: T): boolean => marks(other).some((text) => endsWithHash(text, hash));
  const { object: made, found } = await createOnce<T>({
    what: `${noun} "${name}"`,
    create: () => onceParentIsVisible(making.create),
    lookFirst: onlyNamed,
    find: (error, unanswered = false) => inTheWay(() => standingInTheWay(making), error, unanswered || isTaken(error)),
    isOurs: (other, unanswered) => hasHash(other) || (onlyNamed && unanswered && other.name === name),
    adopt: inputs.adopt === true,
    describe: (other) => `the ${noun} "${other.name}" (${other.id})`,
  });
  const { adoptionFields = fields } = making;
  if (found && !hasHash(made)) assertAdoptable({ ...making, fields: adoptionFields }, made);
  let latest = made;
  try {
    const { settle = (first: T): Promise<T> => untilAvailable(noun, first, making.get, !found) } = making;
    latest = await settle(made, (seen) => (latest = seen), !found);
    const outputs = outputsOf(latest);
    if (found) return { id: made.id, outputs: await making.sync(made.id, outputs) };
    return { id: made.id, outputs: making.finish === undefined ? outputs : await making.finish(latest, outputs) };
  } catch (error) {
    // Deleted by somebody else while we waited: there is nothing to keep.
    if (isGone(error)) throw error;
    const outputs = outputsOf(latest);
    const kept =
      !found && isFailed(error) && (making.settle === undefined || latest.status === "failed")
        ? { ...outputs, status: "failed", neverUsable: true }
        : outputs;
    throw new InitError(made.id, kept, [error instanceof Error ? error.message : String(error)]);
  }
}

const isFailed = (error: unknown): boolean =>
  error instanceof VpcIdentityError && error.code === "IBMID_PROVISIONING_FAILED";

async function standingInTheWay<T extends Live, Outputs extends object>({
  inputs,
  list,
  inTheWay: alike = () => false,
}: Making<T, Outputs>): Promise<T | undefined> {
  let other: T | undefined;
  for await (const one of list()) {
    if (one.status === "deleting") continue;
    if (one.name === inputs.name) return one;
    if (alike(one)) other ??= one;
  }
  return other;
}

/** IBM answers 400 for a name or a key that exists already, and does not publish all codes. */
function isTaken(error: unknown): boolean {
  return isHttpError(error) && error.status === 400 && /unique|exists/.test(error.serverCode ?? "");
}

/** Whoever lets us take over an object does not ask for another one in its place, which the next run would make. */
export function assertAdoptable<T extends Live, Outputs extends object>(
  making: Pick<Making<T, Outputs>, "noun" | "fields" | "wanted" | "outputsOf">,
  made: T,
): void {
  const { noun, fields, wanted, outputsOf } = making;
  const differing = changedFields(fields, { ...(outputsOf(made) as object) }, wanted)
    .filter((field) => fields[field]?.change === "replace")
    .map((field) => fields[field]?.argument ?? field);
  if (differing.length === 0) return;
  throw new VpcIdentityError(
    `${noun} "${made.name}" (${made.id}) cannot be adopted: it differs in ${differing.join(", ")}, and the next run ` +
      "would replace it. Give the arguments that it has, or choose another name.",
    { code: "IBMID_EXISTS" },
  );
}

/**
 * Waits until an object can be used; an SSH key has no status and can be at once.
 * @throws VpcIdentityError when it failed, is gone, or is not there after ten minutes
 */
export async function untilAvailable<T extends Live>(
  noun: string,
  first: T,
  get: (id: string) => Promise<T | undefined>,
  isNew = false,
): Promise<T> {
  if (!hasStatus(first)) return first;
  const what = `${noun} "${first.name}" (${first.id})`;
  const live = await untilSettled<T & WithStatus>({
    what,
    look: async () => (await get(first.id)) as (T & WithStatus) | undefined,
    first,
    settled: ({ status }) => status === "available" || status === "failed",
    timeoutSeconds: waitSeconds(WITHIN_SECONDS),
  });
  if (live.status === "available") return live;
  throw new VpcIdentityError(`${what} could not be made: its status is "failed". ${afterFailure(isNew)}`, {
    code: "IBMID_PROVISIONING_FAILED",
  });
}

interface WithStatus {
  readonly status: string;
}
const hasStatus = <T extends Live>(live: T): live is T & WithStatus => live.status !== undefined;

const ATTEMPTS = 3;

/** Brings an object to what is wanted, and looks again where somebody else was faster between our look and our change. */
export async function syncUnderTag<T>(sync: Sync<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await syncOwned(sync);
    } catch (error) {
      if (!isHttpError(error) || error.status !== 412 || attempt === ATTEMPTS) throw error;
    }
  }
}

/** What deleting one of a type needs. */
export interface Deletion {
  readonly type: string;
  /** In messages: `VPC "app" (r006-...)`. */
  readonly what: string;
  /** What the state holds. */
  readonly olds: object;
  readonly remove: () => Promise<void>;
  /** Looks whether it is still there; left out where a delete has happened when it is answered. */
  readonly look?: () => Promise<WithStatus | undefined>;
}

/**
 * Deletes an object and waits until it is gone. While it is still in use, which what was deleted a moment ago may cause,
 * the delete is repeated for ten minutes, or as long as `customTimeouts.delete` allows; why is on the display.
 */
export async function deleteUnused({ type, what, olds, remove, look }: Deletion): Promise<void> {
  const limit = (olds as Partial<Internal>).customTimeouts?.delete;
  const withinSeconds = limit === undefined ? WITHIN_SECONDS : durationMs(limit) / 1000;
  const pauses = new Pauses(withinSeconds);
  for (let told = ""; ;) {
    try {
      await remove();
      break;
    } catch (error) {
      if (!isHttpError(error) || error.status !== 409) throw error;
      const reason = error.serverText ?? error.message;
      if (reason !== told) warn(type, olds as Properties, `${what} is still in use and is deleted later: ${reason}`);
      told = reason;
      if (await pauses.next()) continue;
      throw new VpcIdentityError(
        `${what} is not deleted: it is still in use after ${withinSeconds} seconds. ${error.message}`,
        { code: "IBMID_IN_USE", cause: error },
      );
    }
  }
  if (look === undefined) return;
  await untilGone(what, look, withinSeconds, ({ status }) =>
    status === "failed" ? 'its status is "failed".' : undefined,
  );
}
