/**
 * Pulumi's `customTimeouts`: its dynamic provider process does not pass them on to a handler, so the constructor puts them
 * among the inputs, and the handler keeps time itself.
 */
import { VpcIdentityError } from "../core/errors";
import { type Rule, object, text } from "../core/validate";
import { withSignal } from "./connection";

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

/** Milliseconds of a duration that was judged before. */
export function durationMs(value: string): number {
  const parts = [...value.matchAll(/([\d.]+)(ms|s|m|h)/g)];
  return parts.reduce((sum, [, amount, unit = "s"]) => sum + Number(amount) * (UNITS_MS[unit] ?? 0), 0);
}

/**
 * Does `work` within the time the user allows for `operation`, or without a limit of its own when there is none.
 * @throws VpcIdentityError `IBMID_TIMEOUT` when the time is over
 */
export async function withinTimeout<T>(
  timeouts: Timeouts | undefined,
  operation: keyof Timeouts,
  work: () => Promise<T>,
): Promise<T> {
  const limit = timeouts?.[operation];
  if (limit === undefined) return work();
  const signal = AbortSignal.timeout(durationMs(limit));
  try {
    return await withSignal(signal, work);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new VpcIdentityError(
      `customTimeouts.${operation} of ${limit} is over. ${error instanceof Error ? error.message : String(error)} ` +
        "Run `pulumi up` again, which goes on from here, or allow more time.",
      { code: "IBMID_TIMEOUT", cause: error },
    );
  }
}
