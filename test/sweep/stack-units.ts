/** How the cases of all stacks are shared among processes, and counted. */
import { STACKS } from "./stacks";
import type { SweepOptions, SweepResult } from "./sweep";
import type { Undisturbed } from "./swept-stack";
import { Tally, drawn, shuffled } from "./tally";
import { inWorkers } from "./workers";

/** What a process is to do: all cases of a stack, since no two lives of it make their calls in the same order. */
export interface StackUnit {
  readonly stack: string;
  /** Some of the cases, drawn by the seed. @default - all there are */
  readonly sample: { readonly cases: number; readonly seed: number } | undefined;
  /** Only the cases with this in their name. @default - all */
  readonly caseText: string | undefined;
}

/** What it tells: first what there is to do, then of each case that it begins, and what came of it. */
export type StackReport =
  | { readonly calls: number; readonly notApplicable: number; readonly chosen: number }
  | { readonly begun: string }
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

const drawnStacks = (
  { sampleStacks = STACKS.length }: StackSweep,
  { sample, seed }: SweepOptions,
): readonly string[] => (sample ? shuffled(STACKS, seed).slice(0, sampleStacks) : STACKS);

export async function sweepStacks(sweep: StackSweep, options: SweepOptions): Promise<SweepResult> {
  const { sample, seed, signal, caseText } = options;
  const stacks = options.stacks ?? drawnStacks(sweep, options);
  const part = sample ? { cases: sweep.sampleCases, seed } : undefined;
  const units = stacks.map((stack): StackUnit => ({ stack, sample: part, caseText }));
  const size = { calls: 0, faults: sweep.kinds, expected: 0, notApplicable: 0 };
  const tally = new Tally(sweep.name, options, size);
  const planned = new Set<StackUnit>();
  const doing = new Map<StackUnit, string>();
  const hear = (unit: StackUnit, told: unknown): void => {
    const report = told as StackReport;
    if ("begun" in report) {
      doing.set(unit, report.begun);
    } else if ("case" in report) {
      tally.case(report.case, report.problems ?? [], report.problems !== undefined);
      // A sweep takes long: what it finds is told at once.
      if (report.problems?.length !== 0) options.progress(`FAIL ${report.case}`);
    } else {
      planned.add(unit);
      size.calls += report.calls;
      size.notApplicable += report.notApplicable;
      const isPart = sample || caseText !== undefined;
      size.expected += isPart ? report.chosen : report.calls * sweep.kinds - report.notApplicable;
    }
  };
  const failures = await inWorkers(sweep.worker, units, hear, signal);
  for (const { unit, text } of failures) tally.case(doing.get(unit) ?? unit.stack, [text], false);
  for (const unit of units)
    if (!planned.has(unit)) tally.case(unit.stack, ["its process has not even told what there is to do"], false);
  return tally.result;
}

/** What is done with one case. */
interface Deed<Case> {
  readonly play: (one: Case) => Promise<readonly string[] | undefined>;
  /** Whether what is done makes a difference there. */
  readonly applies: (one: Case) => boolean;
  readonly nameOf: (one: Case) => string;
}

/** In the process of a unit: its cases, one after the other. */
export async function playCases<Case>(
  { sample, caseText }: StackUnit,
  phases: readonly Undisturbed[],
  cases: readonly Case[],
  { play, applies, nameOf }: Deed<Case>,
  tell: (report: StackReport) => Promise<void>,
): Promise<void> {
  const all = cases.filter(applies);
  const wanted = caseText === undefined ? all : all.filter((one) => nameOf(one).includes(caseText));
  const chosen = sample === undefined ? wanted : drawn(wanted, nameOf, sample.seed, sample.cases);
  const calls = phases.reduce((sum, phase) => sum + phase.calls.length, 0);
  await tell({ calls, notApplicable: cases.length - all.length, chosen: chosen.length });
  for (const one of chosen) {
    await tell({ begun: nameOf(one) });
    const problems = await play(one).catch((error: unknown) => [
      error instanceof Error ? (error.stack ?? "") : String(error),
    ]);
    await tell({ case: nameOf(one), problems });
  }
}
