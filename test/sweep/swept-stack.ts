/** The life of one stack, undisturbed first; then any phase of it can be done again, with something going wrong. */
import type { Emulator, Fault, JournalEntry } from "../../emulator";
import { filesBelow, secretsIn } from "../support/secrets";
import { Answers } from "./answers";
import { type PlannedCall, callsOf } from "./calls";
import { type Picture, pictureOf } from "./picture";
import { type Moment, type Phase, PHASES, SweepStack } from "./stacks";
import { VirtualClock } from "./virtual-clock";
import { WarmEngine, type WarmRun } from "./warm-engine";

/** A phase in which nothing goes wrong: what it begins with, the calls it makes, and what there is in the end. */
export interface Undisturbed {
  readonly phase: Phase;
  readonly before: Moment;
  readonly calls: readonly PlannedCall[];
  readonly picture: Picture;
}

/** Arguments of the engine for each phase. */
export const WORDS: Readonly<Record<Phase, readonly [name: "up" | "refresh" | "destroy", ...flags: string[]]>> = {
  up: ["up", "--yes", "--skip-preview"],
  update: ["up", "--yes", "--skip-preview"],
  refresh: ["refresh", "--yes", "--skip-preview"],
  destroy: ["destroy", "--yes", "--skip-preview"],
};

export class SweptStack {
  private constructor(
    readonly stack: SweepStack,
    private readonly clock: VirtualClock,
    readonly engine: WarmEngine,
  ) {}

  static async of(name: string): Promise<SweptStack> {
    const stack = await SweepStack.of(name);
    const clock = new VirtualClock();
    // An answer that never comes is waited for as long as this.
    process.env.IC_TIMEOUT = "1";
    return new SweptStack(stack, clock, await WarmEngine.start(stack.project, clock));
  }

  /** Deploys, changes, refreshes and destroys it. */
  async undisturbed(): Promise<Undisturbed[]> {
    const { stack, engine } = this;
    await this.#must(engine.run("stack init", "--no-select"));
    await this.#configure(stack.settings);
    const phases: Undisturbed[] = [];
    for (const phase of PHASES) {
      if (phase === "update") await this.#configure(stack.change);
      const before = stack.moment();
      const answers = new Answers();
      answers.listen();
      const done = await this.withAccount([], async (emulator) => {
        await this.#must(this.perform(phase));
        answers.stop();
        const calls = callsOf(emulator.journal(), answers.shapeOf);
        return { phase, before, calls, picture: this.picture(emulator) };
      });
      phases.push(done);
    }
    return phases;
  }

  picture(emulator: Emulator): Picture {
    return pictureOf(this.stack.moment().state, emulator.inventory());
  }

  /** Secrets that were printed, or lie in the project with its state, configuration and temporary files. */
  leaks({ apiKey }: Emulator, printed: string): string[] {
    const found = (where: string, text: string): string[] =>
      secretsIn(text, apiKey).map((what) => `a secret is ${where}: ${what}`);
    return [...found("printed", printed), ...found("in a file", filesBelow(this.stack.project.folder))];
  }

  async perform(phase: Phase, ...flags: string[]): Promise<WarmRun> {
    const run = await this.engine.run(...WORDS[phase], ...flags);
    this.engine.tidy();
    return run;
  }

  /** `heard` is told of every call that has been answered. */
  async withAccount<T>(
    faults: readonly Fault[],
    work: (emulator: Emulator) => Promise<T>,
    heard: (entry: JournalEntry) => void = () => undefined,
  ): Promise<T> {
    const emulator = await this.stack.open(faults, (entry) => {
      this.clock.stir();
      heard(entry);
    });
    Object.assign(process.env, emulator.env);
    this.clock.onPassed = (ms) => emulator.advance(ms / 1000);
    try {
      return await work(emulator);
    } finally {
      await emulator.close();
    }
  }

  remove(): void {
    this.stack.remove();
  }

  async #configure(values: Readonly<Record<string, string>>): Promise<void> {
    for (const [key, value] of Object.entries(values)) await this.#must(this.engine.run("config set", key, value));
  }

  async #must(running: Promise<WarmRun>): Promise<void> {
    const { exitCode, output } = await running;
    if (exitCode !== 0) throw new Error(`${this.stack.name}, undisturbed: exit code ${exitCode}:\n${output}`);
  }
}
