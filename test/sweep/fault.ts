/**
 * The fault sweep: every example, every HTTP call that its `up`, update, refresh and destroy make, every kind of fault. It
 * strikes once; then the same command runs again without it. In the end there is what there would have been without it, in
 * the account and in the state, and a command that failed has named the call that did.
 */
import { KIND_NAMES } from "./fault-kinds";
import { sweepStacks } from "./stack-units";
import type { Sweep } from "./sweep";

export const sweep: Sweep = (options) =>
  sweepStacks({ name: "faults", worker: "./fault-worker.ts", kinds: KIND_NAMES.length, sampleCases: 12 }, options);
