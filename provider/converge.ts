/**
 * What the handlers share about an API that answers late, twice or not at all.
 */
import type { dynamic } from "@pulumi/pulumi";
import { type HttpError, VpcIdentityError, isHttpError } from "../core/errors";
import type { Rule } from "../core/validate";
import { currentClock } from "./connection";
import { type FieldTable, changedFields } from "./diff";
import { logicalName } from "./naming";

type Properties = Readonly<Record<string, unknown>>;

/** What the engine passes along that is no argument of the user. */
const INTERNAL = ["__provider", "mark", "customTimeouts"];

/** Judges the inputs that `check` gets, which hold internal fields beside the user's arguments. */
export function failuresOf(rule: Rule, news: Properties): dynamic.CheckFailure[] {
  const own = Object.fromEntries(Object.entries(news).filter(([key]) => !INTERNAL.includes(key)));
  return rule(own, "");
}

/** A warning that the engine shows on the stack, with the resource it is about. */
export function warn(type: string, inputs: Properties, text: string): void {
  console.warn(`${type} "${logicalName(inputs)}": ${text}`);
}

/**
 * True when a refused or unanswered create may mean that the object exists already. IBM does not document the status for
 * a name that is taken; 400, 409 and 422 have been seen. So after any of these the caller looks for the object, and
 * raises the server's own error when there is none.
 */
export function mayExistAlready(error: unknown): boolean {
  return isOutcomeUnknown(error) || (isHttpError(error) && [400, 409, 422].includes(error.status));
}

/** True when a request was sent and nobody knows whether the server acted: it did not answer, or made no sense. */
export function isOutcomeUnknown(error: unknown): boolean {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return code === "IBMID_OUTCOME_UNKNOWN" || code === "IBMID_BAD_ANSWER";
}

/** True when the stored entity tag is not the current one: IAM answers 409, VPC 412. */
export function isStaleTag(error: unknown): error is HttpError {
  return isHttpError(error) && (error.status === 409 || error.status === 412);
}

/** An object whose create was not answered shows up in a list within this time, or it was never made. */
export const UNANSWERED_APPEARS_WITHIN_MS = 20_000;

/** How long an object that was just made may be reported as missing; IBM's APIs are eventually consistent. */
const APPEARS_WITHIN_MS = 60_000;

/**
 * Repeats `observe` while it finds nothing, for a bounded time, with a growing interval. Only for objects that are known
 * to have just been made; anywhere else missing means gone.
 */
export async function untilVisible<T>(
  observe: () => Promise<T | undefined>,
  withinMs: number = APPEARS_WITHIN_MS,
): Promise<T | undefined> {
  const clock = currentClock();
  const deadline = clock.now() + withinMs;
  for (let pauseMs = 500; ; pauseMs = Math.min(pauseMs * 2, 8_000)) {
    const found = await observe();
    if (found !== undefined || clock.now() + pauseMs > deadline) return found;
    await clock.sleep(pauseMs);
  }
}

/**
 * Works on an object whose parent may have been made a moment ago, and may not be visible everywhere yet: a 404 is then no
 * answer. A parent that does not exist costs this time once.
 */
export async function onceParentIsVisible<T>(work: () => Promise<T>): Promise<T> {
  const clock = currentClock();
  const deadline = clock.now() + UNANSWERED_APPEARS_WITHIN_MS;
  for (let pauseMs = 500; ; pauseMs *= 2) {
    try {
      return await work();
    } catch (error) {
      if (!isHttpError(error) || error.status !== 404 || clock.now() + pauseMs > deadline) throw error;
      await clock.sleep(pauseMs);
    }
  }
}

/**
 * Looks for an object with a unique name after its create failed, for as long as the failure makes it likely that there is
 * one: a list may lag behind a name that is already taken. What was refused for any other reason is not waited for, and
 * whether an unanswered create did happen, the next attempt tells sooner.
 */
export async function inTheWay<T>(
  look: () => Promise<T | undefined>,
  error: unknown,
  unanswered = false,
): Promise<T | undefined> {
  const taken = isHttpError(error) && error.status === 409;
  return taken || (unanswered && !isOutcomeUnknown(error)) ? untilVisible(look) : look();
}

/**
 * Looks for an object without a unique name after its create failed. Only an unanswered create is waited for: the next
 * attempt would make a second object.
 */
export function unansweredOne<T>(look: () => Promise<T | undefined>, error: unknown): Promise<T | undefined> {
  return isOutcomeUnknown(error) ? untilVisible(look, UNANSWERED_APPEARS_WITHIN_MS) : look();
}

/** How an object is made and, when that was refused or never answered, found again. */
export interface Creation<T> {
  /** What is made, for messages: `trusted profile "app"`. */
  readonly what: string;
  readonly create: () => Promise<T>;
  /**
   * The object that stands in the way of the new one or is the new one, if there is any. Without an error: before the first
   * attempt. `unanswered`: an attempt of just now may have made it.
   */
  readonly find: (error?: unknown, unanswered?: boolean) => Promise<T | undefined>;
  /**
   * Looks before the first attempt: for objects of which the API makes a second one without complaint, so that a run after
   * one that was killed would.
   */
  readonly lookFirst?: boolean;
  /**
   * True when the object carries our hash: an earlier attempt of ours made it. `unanswered`: an attempt of just now may have
   * made it.
   */
  readonly isOurs: (found: T, unanswered: boolean) => boolean;
  /** Whether the user lets us take over an object that is not ours; undefined where that is not offered. */
  readonly adopt?: boolean;
  /** Names an object in a message. */
  readonly describe: (found: T) => string;
}

/**
 * Makes an object exactly once, also when answers get lost.
 * @returns the object, and whether it was found instead of made: then it may differ from what is wanted
 */
export async function createOnce<T>(creation: Creation<T>): Promise<{ object: T; found: boolean }> {
  const first = creation.lookFirst === true ? await creation.find() : undefined;
  if (first !== undefined) return { object: taken(creation, first, false), found: true };
  let unanswered = false;
  for (let attempt = 1; ; attempt++) {
    try {
      return { object: await creation.create(), found: false };
    } catch (error) {
      if (!mayExistAlready(error)) throw error;
      unanswered ||= isOutcomeUnknown(error);
      const found = await creation.find(error, unanswered);
      if (found !== undefined) return { object: taken(creation, found, unanswered, error), found: true };
      // Never answered and not there: it did not happen. The object's name or hash makes a second one impossible.
      if (!isOutcomeUnknown(error) || attempt === 3) throw error;
    }
  }
}

function taken<T>(creation: Creation<T>, found: T, unanswered: boolean, cause?: unknown): T {
  if (creation.isOurs(found, unanswered) || creation.adopt === true) return found;
  const adopting = ", or set `adopt: true` to manage it from here (also its deletion)";
  throw new VpcIdentityError(
    `${creation.what} cannot be created: ${creation.describe(found)} exists already and was not made by this ` +
      `stack. Choose another name or delete it${creation.adopt === undefined ? "" : adopting}.`,
    { code: "IBMID_EXISTS", cause },
  );
}

/** What there may be more than one of, since the API makes a second one without complaint. */
export interface Twins<T extends { readonly id: string }> {
  /** What is made, for the warning. */
  readonly what: string;
  /** The object that is going to be in the state. */
  readonly id: string;
  /** All that could be twins of it, and the object itself. */
  readonly list: () => Promise<readonly T[]>;
  /** True when the object carries our hash. */
  readonly isOurs: (found: T) => boolean;
  readonly remove: (id: string) => Promise<void>;
}

/**
 * Removes what a run that was killed between its create and its next write of the state left behind. A list may lag, so
 * that such an object could not be seen before ours was made; but a list that shows ours shows the older one as well. So
 * this looks until it does, for a bounded time. Nothing depends on the other one, since no state ever named it. What stays
 * behind is an object that the list does not show within that time.
 *
 * Never fails: our object exists, and its id must reach the state.
 */
export async function removeTwins<T extends { readonly id: string }>(twins: Twins<T>): Promise<void> {
  try {
    let seen: readonly T[] = [];
    await untilVisible(async () => {
      seen = await twins.list();
      return seen.find(({ id }) => id === twins.id);
    }, UNANSWERED_APPEARS_WITHIN_MS);
    for (const other of seen) {
      if (other.id !== twins.id && twins.isOurs(other)) await twins.remove(other.id);
    }
  } catch (error) {
    console.warn(
      `${twins.what} (${twins.id}) is made, but an equal one that an interrupted run may have left behind could not be ` +
        `looked for and removed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** An object that was found instead of made, brought to what is wanted. From here on every failure keeps its id. */
export async function syncFound<T>(
  found: { readonly id: string; readonly outputs: object },
  sync: () => Promise<T>,
): Promise<T> {
  try {
    return await sync();
  } catch (error) {
    if (isGone(error)) throw error;
    throw new InitError(found.id, found.outputs, [error instanceof Error ? error.message : String(error)]);
  }
}

/** An object, what is known of it and what is wanted of it. */
export interface Sync<T> {
  /** What is brought to its wanted state, for messages. */
  readonly what: string;
  readonly fields: FieldTable;
  /** What we saw last, with the tag it had then; "" when it came without one. */
  readonly known: Properties;
  readonly knownTag: string;
  readonly wanted: Properties;
  readonly observe: () => Promise<T | undefined>;
  readonly propertiesOf: (live: T) => Properties;
  readonly tagOf: (live: T) => string;
  /** Sends the fields that differ, under the condition that the tag is still current. */
  readonly send: (tag: string, changed: readonly string[]) => Promise<T>;
}

/**
 * Brings an object to what is wanted: sends only what differs, under the tag that we saw last. Where the object has moved
 * on since, fields that we own must still be as we knew them; a change that somebody else made to them is never lost.
 */
export async function syncOwned<T>(sync: Sync<T>): Promise<T> {
  const { what, fields, known, knownTag, wanted } = sync;
  const differing = (state: Properties): string[] =>
    changedFields(fields, state, wanted).filter((field) => fields[field]?.change === "update");

  let refusal: Error | undefined;
  const changed = differing(known);
  if (changed.length > 0 && knownTag !== "") {
    try {
      return await sync.send(knownTag, changed);
    } catch (error) {
      if (isHttpError(error) && error.status === 404) throw goneError(what);
      if (!isStaleTag(error)) throw error;
      refusal = error;
    }
  }
  const live = await sync.observe();
  if (live === undefined) throw goneError(what);
  // A name that is taken is a conflict too, but then the tag is still the one we sent.
  if (refusal !== undefined && sync.tagOf(live) === knownTag) throw refusal;
  const state = sync.propertiesOf(live);
  const rest = differing(state);
  const foreign = rest.filter((field) => changedFields(fields, known, state).includes(field));
  if (foreign.length > 0) {
    throw new VpcIdentityError(
      `${what} was changed outside of this stack since it was last read: ${foreign.join(", ")}. ` +
        `Run \`pulumi refresh\` to see the change; the next \`pulumi up\` then sets it as in the program.`,
      { code: "IBMID_CHANGED_ELSEWHERE", cause: refusal },
    );
  }
  return rest.length === 0 ? live : sync.send(sync.tagOf(live), rest);
}

/** Error of an update of an object that is no longer there: an update cannot give it another id. */
export function goneError(what: string): VpcIdentityError {
  return new VpcIdentityError(
    `${what} was deleted outside of this stack. Run \`pulumi refresh\`, then \`pulumi up\` makes it again.`,
    { code: "IBMID_GONE" },
  );
}

/** True for the error that `goneError` makes. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === "IBMID_GONE";
}

/** Error of reading an id with \`X.get\` that names nothing. */
export function notFoundError(what: string): VpcIdentityError {
  return new VpcIdentityError(`${what} does not exist in this account and region. Check the id and the credentials.`, {
    code: "IBMID_NOT_FOUND",
  });
}

/**
 * An object that exists but is not as it should be. The engine stores its id and properties, so that nothing is orphaned,
 * and tries an update next time.
 */
export class InitError extends VpcIdentityError {
  constructor(
    readonly id: string,
    readonly properties: object,
    readonly reasons: string[],
  ) {
    super(reasons.join("\n"), { code: "IBMID_INIT_FAILED" });
  }
}
