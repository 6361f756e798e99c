/** Counts the cases of a sweep while it runs, keeps what did not hold, and says now and then how far it is. */
import { createHash } from "node:crypto";
import type { Problem, SweepOptions, SweepResult } from "./sweep";

/** How often a person who waits is told. */
const PROGRESS_MS = 10_000;

export class Tally {
  // Names, so that a case that is tried twice does not stand for one that is not tried at all.
  readonly #executed = new Set<string>();
  readonly #passed = new Set<string>();
  readonly #failed = new Set<string>();
  #skipped = 0;
  readonly #problems: Problem[] = [];
  #toldAt = Date.now();

  constructor(
    private readonly name: string,
    private readonly options: SweepOptions,
    private readonly size: {
      readonly calls: number;
      readonly faults: number;
      readonly expected: number;
      readonly notApplicable?: number;
    },
  ) {}

  /** True once the person who waits has had enough. */
  get stopped(): boolean {
    return this.options.signal?.aborted === true;
  }

  /** One case: what did not hold in it, each a sentence; `executed` is false when nothing went wrong in it as planned. */
  case(name: string, texts: readonly string[], executed = true): void {
    const problems = executed ? texts : ["what was planned did not happen", ...texts];
    if (executed) this.#executed.add(name);
    if (problems.length > 0) this.#failed.add(name);
    if (this.#failed.has(name)) this.#passed.delete(name);
    else this.#passed.add(name);
    this.#problems.push(...problems.map((text) => ({ case: name, text })));
    if (Date.now() - this.#toldAt < PROGRESS_MS) return;
    this.#toldAt = Date.now();
    const done = this.#passed.size + this.#failed.size;
    this.options.progress(`${this.name}: ${done} of ${this.size.expected} cases, ${this.#failed.size} failed`);
  }

  /** Runs a case whose texts are what it returns; what it throws is one of them. */
  async try(name: string, work: () => Promise<readonly string[]>): Promise<void> {
    if (this.stopped) return;
    try {
      this.case(name, await work());
    } catch (error) {
      this.case(name, [error instanceof Error ? error.message : String(error)]);
    }
  }

  skip(count: number, why: string): void {
    this.#skipped += count;
    this.options.progress(`${this.name}: ${count} cases skipped: ${why}`);
  }

  get result(): SweepResult {
    return {
      name: this.name,
      ...this.size,
      executed: this.#executed.size,
      passed: this.#passed.size,
      failed: this.#failed.size,
      skipped: this.#skipped,
      problems: this.#problems,
    };
  }
}

/** Draws from a seed: the same numbers for the same seed (mulberry32). From 0 to below 1. */
export function drawing(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Every entry in another order, drawn by `seed`. */
export function shuffled<T>(entries: readonly T[], seed: number): T[] {
  const draw = drawing(seed);
  return entries
    .map((entry) => ({ entry, at: draw() }))
    .sort((a, b) => a.at - b.at)
    .map(({ entry }) => entry);
}

/** Entries dealt to so many hands, one after the other. */
export function dealt<T>(entries: readonly T[], hands: number): T[][] {
  return Array.from({ length: hands }, (_, hand) => entries.filter((_entry, index) => index % hands === hand));
}

/** Some of them by name: with the same seed the same ones, whatever else there is and in whatever order. */
export function drawn<T>(entries: readonly T[], nameOf: (entry: T) => string, seed: number, count: number): T[] {
  const lot = (entry: T): string =>
    createHash("sha256")
      .update(`${seed} ${nameOf(entry)}`)
      .digest("hex");
  return entries
    .map((entry) => ({ entry, lot: lot(entry) }))
    .sort((a, b) => (a.lot < b.lot ? -1 : 1))
    .slice(0, count)
    .map(({ entry }) => entry);
}
