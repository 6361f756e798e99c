/**
 * The one session that all handlers of a dynamic provider process share, opened when the first call needs it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { dynamic } from "@pulumi/pulumi";
import type { Transport } from "../client/http";
import { type Session, openSession } from "../client/session";
import { systemClock } from "../core/time";
import type { Clock } from "../core/time";

/** Every key of the stack config namespace `vpc-identity`. */
export const CONFIG_KEYS = [
  "apiKey",
  "iamToken",
  "profileId",
  "profileCrn",
  "profileName",
  "accountId",
  "crTokenFile",
  "region",
  "visibility",
  "iamEndpoint",
  "vpcEndpoint",
  "taggingEndpoint",
  "resourceGroupId",
] as const;

let config: Readonly<Record<string, string | undefined>> = {};
let session: Session | undefined;

/**
 * `configure` of every handler. Stores the values at once: Pulumi does not wait for it before it uses the same handler
 * for another resource. Types configure one after another with equal values, which keep the session and its tokens.
 */
export async function configure({ config: stackConfig }: dynamic.ConfigureRequest): Promise<void> {
  const values = Object.fromEntries(CONFIG_KEYS.map((key) => [key, stackConfig.get(`vpc-identity:${key}`)]));
  if (JSON.stringify(values) === JSON.stringify(config)) return;
  config = values;
  session = undefined;
}

/** The session; a failure to open it (no credentials, for example) is not remembered. */
export function currentSession(): Session {
  const reader = config;
  const shared = (session ??= openSession((key) => reader[key], process.env, { transport }));
  const signal = signals.getStore();
  return signal === undefined ? shared : { ...shared, call: (call) => shared.call({ ...call, signal }) };
}

const signals = new AsyncLocalStorage<AbortSignal | undefined>();

/** Does `work` so that `signal` ends its calls and its waiting; the session stays the one that all share. */
export function withSignal<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return signals.run(signal, work);
}

/** Does `work` to its end though the signal around it has ended: for looks that save what is known of an object. */
export function withoutSignal<T>(work: () => Promise<T>): Promise<T> {
  return signals.run(undefined, work);
}

let clock: Clock = systemClock;
let transport: Transport | undefined;

/** The clock by which handlers wait. */
export function currentClock(): Clock {
  const signal = signals.getStore();
  return signal === undefined ? clock : { now: () => clock.now(), sleep: (ms) => clock.sleep(ms, signal) };
}

/** Replaces the clock, and the connections with their own; for tests, which then wait for nothing. */
export function useClock(other: Clock, connections?: Transport): void {
  clock = other;
  transport = connections;
  session = undefined;
}
