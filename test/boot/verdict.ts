/** Counts what was looked at, says each as it comes, and ends with one line that a program can read. */
import { writeFileSync } from "node:fs";

export class Verdict {
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  constructor(private readonly name: string) {}

  /** Runs a check; a failure is counted and does not stop what follows. Resolves with whether it passed. */
  async check(what: string, act: () => Promise<string | undefined>): Promise<boolean> {
    const started = Date.now();
    try {
      const detail = await act();
      this.#passed += 1;
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      process.stdout.write(`  ok   ${what}${detail === undefined ? "" : `: ${detail}`} (${seconds} s)\n`);
      return true;
    } catch (error) {
      this.fail(what, error);
      return false;
    }
  }

  /** Runs what is no check but takes time, and says how long. */
  async timed<T>(what: string, act: () => Promise<T>): Promise<T> {
    const started = Date.now();
    const result = await act();
    process.stdout.write(`       ${what} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
    return result;
  }

  fail(what: string, error: unknown): void {
    this.#failed += 1;
    process.stdout.write(`  FAIL ${what}\n${error instanceof Error ? error.message : String(error)}\n`);
  }

  skip(what: string, why: string): void {
    this.#skipped += 1;
    process.stdout.write(`  skip ${what}: ${why}\n`);
  }

  /** Prints the closing line, or writes the counts to the file that adds them to others; returns the exit code. */
  end(countsFile: string | undefined): number {
    const counts = { passed: this.#passed, failed: this.#failed, skipped: this.#skipped };
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    if (countsFile !== undefined) writeFileSync(countsFile, JSON.stringify(counts));
    else process.stdout.write(`${this.name}: ${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
    return this.#failed === 0 ? 0 : 1;
  }
}
