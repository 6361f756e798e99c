/**
 * The one session that all handlers of a dynamic provider process share, opened when the first call needs it.
 */
import type { dynamic } from "@pulumi/pulumi";
import { type Session, openSession } from "../client/session";
import { systemClock } from "../core/time";
import type { Clock } from "../core/time";

/** Every key of the stack config namespace `vpc-identity`. */
const KEYS = [
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
  "resourceGroupId",
] as const;

let config: Readonly<Record<string, string | undefined>> = {};
let session: Session | undefined;

/**
 * `configure` of every handler. Stores the values at once: Pulumi does not wait for it before it uses the same handler
 * for another resource. Types configure one after another with equal values, which keep the session and its tokens.
 */
export async function configure({ config: stackConfig }: dynamic.ConfigureRequest): Promise<void> {
  const values = Object.fromEntries(KEYS.map((key) => [key, stackConfig.get(`vpc-identity:${key}`)]));
  if (JSON.stringify(values) === JSON.stringify(config)) return;
  config = values;
  session = undefined;
}

/** The session; a failure to open it (no credentials, for example) is not remembered. */
export function currentSession(): Session {
  const reader = config;
  return (session ??= openSession((key) => reader[key]));
}

let clock: Clock = systemClock;

/** The clock by which handlers wait. */
export function currentClock(): Clock {
  return clock;
}

/** Replaces the clock; for tests, which then wait for nothing. */
export function useClock(other: Clock): void {
  clock = other;
}
