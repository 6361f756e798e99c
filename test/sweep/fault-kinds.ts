/** What can go wrong with an HTTP call: every kind is a fault of the emulator, which strikes once. */
import type { Fault } from "../../emulator";
import type { PlannedCall } from "./calls";

export const FAULT_KINDS = {
  "429 with Retry-After": { status: 429, retryAfterSeconds: 1 },
  "500": { status: 500 },
  "503": { status: 503 },
  "reset before the effect": { reset: "before" },
  "reset after the effect": { reset: "after" },
  timeout: { hang: "before" },
  "truncated body": { body: "truncated" },
  "stale tag": { staleTag: true },
  "lag after write": { lagSeconds: 3 },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultKind = keyof typeof FAULT_KINDS;

export const KIND_NAMES = Object.keys(FAULT_KINDS) as FaultKind[];

/** Whether it makes a difference there: a call that it leaves as it is would pass without having been tried. */
export function applies(kind: FaultKind, { method, hasTag, hasBody }: PlannedCall): boolean {
  switch (kind) {
    case "stale tag":
      return hasTag;
    case "truncated body":
      return hasBody;
    case "lag after write":
      return method !== "GET";
    default:
      return true;
  }
}
