/**
 * What a life of servers takes with Terraform. Measured once, with IBM's provider 2.5.0 on two cores and a cloud like the
 * one of the benchmark, never in a run of it: whatever compares with this has to say so.
 */
import type { RunName } from "./measured";

export interface TerraformRun {
  readonly count: number;
  /** The run of ours that does the same. */
  readonly run: RunName;
  readonly what: string;
  readonly ms: number;
}

export const TERRAFORM: readonly TerraformRun[] = [
  { count: 1, run: "up", what: "apply", ms: 34_000 },
  { count: 1, run: "destroy", what: "destroy", ms: 54_000 },
  { count: 100, run: "up", what: "apply", ms: 119_000 },
  { count: 100, run: "no-op up", what: "apply without changes", ms: 25_000 },
  { count: 100, run: "refresh", what: "plan", ms: 27_000 },
  { count: 100, run: "destroy", what: "destroy", ms: 268_000 },
];
