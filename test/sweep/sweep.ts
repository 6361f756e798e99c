/** What every sweep is asked for and answers, so that one runner adds them up: each is a module that exports `sweep`. */

export interface SweepOptions {
  /** A deterministic part of the whole, drawn by `seed`, for a run of minutes. */
  readonly sample: boolean;
  readonly seed: number;
  /** Examples that are wanted. @default - all */
  readonly stacks?: readonly string[];
  /** Of the stacks' cases, those with this in their name. @default - all */
  readonly caseText?: string;
  /** Tells the person who waits how far it is; one line, without its end. */
  readonly progress: (text: string) => void;
  /** Set when the person who waits has had enough: stop soon, and end every child. */
  readonly signal?: AbortSignal;
}

/** A case that did not hold. */
export interface Problem {
  /** Names the case so that it can be found again: stack, phase, call, fault. */
  readonly case: string;
  readonly text: string;
}

export interface SweepResult {
  readonly name: string;
  /** Points at which something was made to go wrong: HTTP calls, file operations, inputs. */
  readonly calls: number;
  /** Kinds of what was made to go wrong. */
  readonly faults: number;
  /** Cases in which the fault did happen. */
  readonly executed: number;
  /** Cases there had to be: calls x faults without those that are not applicable, or what the sample planned. */
  readonly expected: number;
  /** Of calls x faults, those where the fault would change nothing. @default 0 */
  readonly notApplicable?: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly problems: readonly Problem[];
}

export type Sweep = (options: SweepOptions) => Promise<SweepResult>;
