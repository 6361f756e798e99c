/**
 * Pulumi's `customTimeouts`: its dynamic provider process does not pass them on to a handler, so the constructor puts them
 * among the inputs, and the handler keeps time itself. They take the place of the handlers' own limits, shorter or longer.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { VpcIdentityError } from "../core/errors";
import { type Rule, object, text } from "../core/validate";
import { withSignal } from "./connection";
import { InitError } from "./converge";

/** Durations in Pulumi's notation, such as "90s", "5m" or "1h30m". */
export interface Timeouts {
  readonly create?: string | undefined;
  readonly update?: string | undefined;
  readonly delete?: string | undefined;
}

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const duration = text({ pattern: DURATION, allowed: 'a duration such as "90s", "5m" or "1h30m"' });

/** Judges the option `customTimeouts`. */
export const timeoutsRule: Rule = object({
  fields: { create: duration, update: duration, delete: duration, read: duration },
});

/** The longest time that Node's timers take: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** Whole milliseconds of a duration that was judged before, as many as a timer takes. */
export function durationMs(value: string): number {
  const parts = [...value.matchAll(/([\d.]+)(ms|s|m|h)/g)];
  const ms = parts.reduce((sum, [, amount, unit = "s"]) => sum + Number(amount) * (UNITS_MS[unit] ?? 0), 0);
  return Math.min(Math.round(ms), LONGEST_MS);
}

const allowances = new AsyncLocalStorage<number>();

/** How long one step may be waited for: `ownSeconds`, or as long as the user allows the whole operation where that is more. */
export function waitSeconds(ownSeconds: number): number {
  return Math.max(ownSeconds, (allowances.getStore() ?? 0) / 1000);
}

/**
 * Does `work` within the time the user allows for `operation`, or without a limit of its own when there is none.
 * @throws VpcIdentityError `IBMID_TIMEOUT` when the time is over; `InitError` when there is an object by then
 */
export async function withinTimeout<T>(
  timeouts: Timeouts | undefined,
  operation: keyof Timeouts,
  work: () => Promise<T>,
): Promise<T> {
  const limit = timeouts?.[operation];
  if (limit === undefined) return work();
  const limitMs = durationMs(limit);
  const signal = AbortSignal.timeout(limitMs);
  try {
    return await allowances.run(limitMs, () => withSignal(signal, work));
  } catch (error) {
    if (!signal.aborted) throw error;
    const over = `customTimeouts.${operation} of ${limit} is over.`;
    const advice = "Run `pulumi up` again, which goes on from here, or allow more time.";
    // It carries the id of what was made, which has to reach the state.
    if (error instanceof InitError) {
      throw new InitError(error.id, error.properties, [`${over} ${advice}`, ...error.reasons]);
    }
    throw new VpcIdentityError(`${over} ${error instanceof Error ? error.message : String(error)} ${advice}`, {
      code: "IBMID_TIMEOUT",
      cause: error,
    });
  }
}
