/**
 * The crash sweep: SIGKILL of the engine, the program and the provider before and after every HTTP call of every example.
 * Going on as the messages say leads to what there would have been without it; what was under way is explained.
 */
import { MOMENTS, VICTIMS } from "./crash-case";
import { sweepStacks } from "./stack-units";
import type { Sweep } from "./sweep";

export const sweep: Sweep = (options) =>
  sweepStacks(
    {
      name: "crashes",
      worker: "./crash-worker.ts",
      kinds: MOMENTS.length * VICTIMS.length,
      sampleCases: 5,
      sampleStacks: 4,
    },
    options,
  );
