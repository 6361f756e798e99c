/** How the cases of all stacks are shared among processes, and counted. */
import { STACKS } from "./stacks";
import type { SweepOptions, SweepResult } from "./sweep";
import type { Undisturbed } from "./swept-stack";
import { shuffled, Tally } from "./tally";
import { inWorkers } from "./workers";

/** What a process is to do. */
export interface StackUnit {
  readonly stack: string;
  readonly share: number;
  readonly shares: number;
  /** Cases of this stack, drawn by the seed. @default - all there are */
  readonly sample: { readonly cases: number; readonly seed: number } | undefined;
}

/** What it tells: first what there is to do in all shares of the stack, then each case. */
export type StackReport =
  | { readonly calls: number; readonly notApplicable: number; readonly drawn: number }
  | { readonly case: string; readonly problems: readonly string[] | undefined };

export interface StackSweep {
  readonly name: string;
  /** The module with `work`. */
  readonly worker: string;
  /** Kinds of what can happen at one call. */
  readonly kinds: number;
  /** Cases of each stack in a sample. */
  readonly sampleCases: number;
  /** @default - all */
  readonly sampleStacks?: number;
}

/** A stack takes some seconds to get ready, so its cases are shared by few. */
const SHARES = 2;

const drawnStacks = (
  { sampleStacks = STACKS.length }: StackSweep,
  { sample, seed }: SweepOptions,
): readonly string[] => (sample ? shuffled(STACKS, seed).slice(0, sampleStacks) : STACKS);

export async function sweepStacks(sweep: StackSweep, options: SweepOptions): Promise<SweepResult> {
  const { sample, seed, signal, stacks: wanted } = options;
  const stacks = wanted ?? drawnStacks(sweep, options);
  const drawn = sample ? { cases: sweep.sampleCases, seed } : undefined;
  const shares = sample ? 1 : SHARES;
  const units = stacks.flatMap((stack) =>
    Array.from({ length: shares }, (_, share): StackUnit => ({ stack, share, shares, sample: drawn })),
  );
  const size = { calls: 0, faults: sweep.kinds, expected: 0, notApplicable: 0 };
  const tally = new Tally(sweep.name, options, size);
  const hear = (unit: StackUnit, told: unknown): void => {
    const report = told as StackReport;
    if ("case" in report) {
      tally.case(report.case, report.problems ?? [], report.problems !== undefined);
      // A sweep takes long: what it finds is told at once.
      if (report.problems?.length !== 0) options.progress(`FAIL ${report.case}`);
    } else if (unit.share === 0) {
      size.calls += report.calls;
      size.notApplicable += report.notApplicable;
      size.expected += sample ? report.drawn : report.calls * sweep.kinds - report.notApplicable;
    }
  };
  const failures = await inWorkers(sweep.worker, units, hear, signal);
  for (const { unit, text } of failures) tally.case(`${unit.stack}, share ${unit.share + 1}`, [text], false);
  return tally.result;
}

/** What is done with one case. */
interface Deed<Case> {
  readonly play: (one: Case) => Promise<readonly string[] | undefined>;
  /** Whether what is done makes a difference there. */
  readonly applies: (one: Case) => boolean;
  readonly nameOf: (one: Case) => string;
}

/** In the process of a unit: its part of the cases. */
export async function playShare<Case>(
  { sample, share, shares }: StackUnit,
  phases: readonly Undisturbed[],
  cases: readonly Case[],
  { play, applies, nameOf }: Deed<Case>,
  tell: (report: StackReport) => Promise<void>,
): Promise<void> {
  const all = cases.filter(applies);
  const drawn = sample === undefined ? all : shuffled(all, sample.seed).slice(0, sample.cases);
  const calls = phases.reduce((sum, phase) => sum + phase.calls.length, 0);
  await tell({ calls, notApplicable: cases.length - all.length, drawn: drawn.length });
  for (const one of drawn.filter((_, index) => index % shares === share)) {
    const problems = await play(one).catch((error: unknown) => [
      error instanceof Error ? (error.stack ?? "") : String(error),
    ]);
    await tell({ case: nameOf(one), problems });
  }
}
