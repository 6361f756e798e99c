/** A seed that no emulator can start with. */
export class SeedError extends TypeError {
  /** One sentence for each thing that is wrong. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "SeedError";
    this.problems = problems;
  }
}
