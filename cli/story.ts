/** Tells a demo step by step: what happens, whether it went well, how long it took; for people or as one JSON object. */

export interface Step {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly detail: string;
}

/** A step that did not show what it promises. */
export class StepFailed extends Error {}

export class Story {
  readonly steps: Step[] = [];
  readonly #began = Date.now();

  /** `print` gets whole lines, for a terminal or a log; a step during which `interrupted` turns true is the last. */
  constructor(
    private readonly print: (line: string) => void,
    private readonly interrupted: () => boolean,
  ) {}

  get seconds(): number {
    return secondsSince(this.#began);
  }

  /** Runs one step; what it returns is printed below its title and kept as its detail. Ends the story when it throws. */
  async step(name: string, title: string, act: () => Promise<readonly string[]>): Promise<void> {
    const began = Date.now();
    this.print(`\n== ${title}`);
    try {
      const lines = await act();
      if (this.interrupted()) throw new Error("interrupted");
      for (const line of lines) this.print(`   ${line}`);
      this.steps.push({ name, ok: true, seconds: secondsSince(began), detail: lines.join("\n") });
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      const reason = this.interrupted() ? "interrupted" : failure;
      this.print(`   failed: ${reason}`);
      this.steps.push({ name, ok: false, seconds: secondsSince(began), detail: reason });
      throw new StepFailed(`${name}: ${reason}`, { cause: error });
    }
  }
}

export function secondsSince(began: number): number {
  return Math.round((Date.now() - began) / 100) / 10;
}
