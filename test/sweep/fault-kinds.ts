/** What can go wrong with an HTTP call: every kind is a fault of the emulator, which strikes once. */
import type { Fault } from "../../emulator";

export const FAULT_KINDS = {
  "429 with Retry-After": { status: 429, retryAfterSeconds: 1 },
  "500": { status: 500 },
  "503": { status: 503 },
  "reset before the effect": { reset: "before" },
  "reset after the effect": { reset: "after" },
  timeout: { hang: "before" },
  "truncated body": { body: "truncated" },
  // Of a call whose answer has no tag, and of one that changes nothing, these two leave the answer as it is.
  "stale tag": { staleTag: true },
  "lag after write": { lagSeconds: 3 },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultKind = keyof typeof FAULT_KINDS;

export const KIND_NAMES = Object.keys(FAULT_KINDS) as FaultKind[];
