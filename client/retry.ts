/**
 * When a call is repeated, and after how long. The whole policy stands in one object, the decision is one pure function:
 * a call is repeated only when doing it twice is as good as once, or when the server cannot have acted on it.
 */

export interface RetryPolicy {
  readonly maxRetries: number;
  /** Wait before the first repetition; doubles with each one. The real wait is a random part of it (full jitter). */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** Longest time for one call, repetitions and waits included. */
  readonly totalMs: number;
  readonly statuses: readonly number[];
}

/** The statuses are those that IBM's own clients repeat; 501 is final there too. */
export const RETRY_POLICY: RetryPolicy = {
  maxRetries: 6,
  baseDelayMs: 500,
  maxDelayMs: 10_000,
  totalMs: 180_000,
  statuses: [408, 429, 500, 502, 503, 504, 520, 599],
};

/** What became of one attempt that was no success. */
export interface Failure {
  /** 0: there was no complete response. */
  readonly status: number;
  readonly retryAfterMs?: number | undefined;
  /** False when the request cannot have left this machine, such as a refused connection. */
  readonly sent: boolean;
  /** A failure that is the same next time, such as an untrusted certificate. */
  readonly permanent?: boolean;
}

export interface Attempts {
  /** Repetitions so far. */
  readonly retries: number;
  readonly elapsedMs: number;
  /** Doing it twice is as good as once. */
  readonly repeatable: boolean;
}

export type Decision =
  | { readonly retry: true; readonly delayMs: number }
  | { readonly retry: false; readonly because: "final" | "count" | "time"; readonly maybeActed: boolean };

/** Decides about a failed attempt; `random` is in [0, 1). */
export function decide(failure: Failure, attempts: Attempts, policy: RetryPolicy, random: number): Decision {
  const maybeActed = !attempts.repeatable && serverMayHaveActed(failure);
  const worthwhile = failure.status === 0 ? failure.permanent !== true : policy.statuses.includes(failure.status);
  if (!worthwhile || maybeActed) return { retry: false, because: "final", maybeActed };
  if (attempts.retries >= policy.maxRetries) return { retry: false, because: "count", maybeActed };
  const jitter = random * Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** attempts.retries);
  // Many callers that were told the same time must not come back at the same instant.
  const delayMs = Math.ceil(
    failure.retryAfterMs === undefined ? jitter : failure.retryAfterMs + random * policy.baseDelayMs,
  );
  if (attempts.elapsedMs + delayMs >= policy.totalMs) return { retry: false, because: "time", maybeActed };
  return { retry: true, delayMs };
}

/** A refusal (4xx), 429 above all, says that nothing was done; so does a 503 that names a time to come back. */
function serverMayHaveActed({ status, sent, retryAfterMs }: Failure): boolean {
  if (status === 0) return sent;
  if (status === 503) return retryAfterMs === undefined;
  return status === 408 || status >= 500;
}

/** `Retry-After` in milliseconds: seconds, or an HTTP date. Undefined when there is none or it makes no sense. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** Connection errors before anything was sent, by the names that Node and undici give them. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
]);

const PERMANENT = new Set(["ENOTFOUND", "UND_ERR_INVALID_ARG", "UND_ERR_RES_EXCEEDED_MAX_SIZE", "ERR_INVALID_CHAR"]);

/** Reads what a thrown connection error says about the attempt. */
export function failureOf(error: unknown): Failure {
  const { code = "", syscall } = (error ?? {}) as { code?: string; syscall?: string };
  // A certificate that is not trusted now is not trusted on the next attempt, and the request was never sent.
  const untrusted = /CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO_(GET|VERIFY)|ERR_SSL/.test(code);
  const sent = !(NEVER_SENT.has(code) || untrusted || syscall === "connect" || code === "UND_ERR_INVALID_ARG");
  return { status: 0, sent, permanent: untrusted || PERMANENT.has(code) };
}
