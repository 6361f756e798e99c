/**
 * Waiting for what a call only started: looks again and again, at first after a second, then less and less often, tells
 * how far it is, and stops after a bounded time.
 */
import { VpcIdentityError, isHttpError } from "../core/errors";
import { currentClock } from "./connection";
import { goneError, untilVisible } from "./converge";
import { waitSeconds } from "./timeouts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;
/** What is ready between two looks is seen at the next: on average an eighth of the time it took is lost, with 1.5 a quarter. */
const GROWTH = 1.25;
const TELL_EVERY_MS = 30_000;

/** Two pauses of a second, and then longer and longer ones of up to ten, within a total time. */
export class Pauses {
  private pauseMs = FIRST_PAUSE_MS / GROWTH;
  private readonly startedMs = currentClock().now();
  private toldMs = this.startedMs;

  constructor(private readonly timeoutSeconds: number) {}

  /** Waits; false when the time is used up. */
  async next(): Promise<boolean> {
    const clock = currentClock();
    const pauseMs = Math.max(this.pauseMs, FIRST_PAUSE_MS);
    if (clock.now() + pauseMs > this.startedMs + this.timeoutSeconds * 1000) return false;
    await clock.sleep(pauseMs);
    this.pauseMs = Math.min(this.pauseMs * GROWTH, LONGEST_PAUSE_MS);
    return true;
  }

  /** Says in the log that we still wait, not more often than every half minute. */
  tell(what: string, status: string): void {
    const nowMs = currentClock().now();
    if (nowMs - this.toldMs < TELL_EVERY_MS) return;
    this.toldMs = nowMs;
    console.info(`${what} is "${status}" after ${Math.round((nowMs - this.startedMs) / 1000)} seconds.`);
  }
}

/** Something with a status that time changes. */
export interface Waiting<T extends { readonly status: string }> {
  /** What is waited for, for messages: `server "app" (0717_...)`. */
  readonly what: string;
  readonly look: () => Promise<T | undefined>;
  /** What was seen last. */
  readonly first: T;
  /** True when there is nothing more to wait for. */
  readonly settled: (seen: T) => boolean;
  readonly timeoutSeconds: number;
  /** Learns of everything that is seen, in case of a failure on the way. */
  readonly onSeen?: (seen: T) => void;
}

/**
 * Looks until it has settled.
 * @throws VpcIdentityError `IBMID_TIMEOUT`, or `IBMID_GONE` when somebody else deleted it meanwhile
 */
export async function untilSettled<T extends { readonly status: string }>(waiting: Waiting<T>): Promise<T> {
  const { what, look, timeoutSeconds } = waiting;
  const pauses = new Pauses(timeoutSeconds);
  let current = waiting.first;
  for (let everRead = false; !waiting.settled(current); everRead = true) {
    if (!(await pauses.next())) {
      throw new VpcIdentityError(
        `${what} is still "${current.status}" after ${timeoutSeconds} seconds; the next run goes on waiting.`,
        { code: "IBMID_TIMEOUT" },
      );
    }
    // What was made a moment ago may not be visible everywhere yet.
    const seen = await (everRead ? look() : untilVisible(look));
    if (seen === undefined) throw goneError(what);
    current = seen;
    waiting.onSeen?.(seen);
    pauses.tell(what, seen.status);
  }
  return current;
}

/**
 * Looks until it is gone.
 * @param failed says what is wrong when the deletion has failed, and so will never end
 * @throws VpcIdentityError `IBMID_TIMEOUT` or `IBMID_DELETE_FAILED`
 */
export async function untilGone<T extends { readonly status: string }>(
  what: string,
  look: () => Promise<T | undefined>,
  ownSeconds: number,
  failed: (seen: T) => string | undefined = () => undefined,
): Promise<void> {
  const timeoutSeconds = waitSeconds(ownSeconds);
  const pauses = new Pauses(timeoutSeconds);
  while (await pauses.next()) {
    const seen = await look();
    if (seen === undefined) return;
    const reason = failed(seen);
    if (reason !== undefined)
      throw new VpcIdentityError(`${what} could not be deleted: ${reason}`, { code: "IBMID_DELETE_FAILED" });
    pauses.tell(what, seen.status);
  }
  throw new VpcIdentityError(`${what} is still being deleted after ${timeoutSeconds} seconds.`, {
    code: "IBMID_TIMEOUT",
  });
}

/** Does `work`, again and again while the API answers 409: what is in the middle of a change cannot be changed. */
export async function onceIdle<T>(what: string, work: () => Promise<T>, ownSeconds: number): Promise<T> {
  const pauses = new Pauses(waitSeconds(ownSeconds));
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isHttpError(error) || error.status !== 409 || !(await pauses.next())) throw error;
      pauses.tell(what, `busy: ${error.serverText ?? error.message}`);
    }
  }
}

/** What a server says of its failure: virtual and bare metal servers alike. */
export interface Failing {
  readonly statusReasons: readonly { readonly code: string; readonly message: string }[];
  readonly lifecycleReasons: readonly { readonly code: string; readonly message: string }[];
}

/** The reasons as one sentence. */
export function reasonsOf({ statusReasons, lifecycleReasons }: Failing): string {
  const reasons = [...statusReasons, ...lifecycleReasons].map(({ code, message }) => `${code}: ${message}`);
  return reasons.length === 0 ? "IBM Cloud gave no reason." : reasons.join("; ");
}

/** Error of a server that failed instead of starting; `isNew`: it was made in this run, so that nothing is on its disks. */
export function failedToStart(what: string, server: Failing, isNew = false): VpcIdentityError {
  return new VpcIdentityError(`${what} failed to start: ${reasonsOf(server)} ${afterFailure(isNew)}`, {
    code: "IBMID_PROVISIONING_FAILED",
  });
}

/** What becomes of an object that failed. */
export function afterFailure(isNew: boolean): string {
  return isNew
    ? "The next run replaces it."
    : "It may hold data, so it is not replaced unasked: mend it, or replace it with `pulumi up --replace <urn>`.";
}
