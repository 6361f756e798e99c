/**
 * Looks at the arguments and environments of every process on the machine, over and over, while something runs. What it
 * saw is searched for secrets afterwards; a planted one shows that the search can find any.
 */
import { readFileSync, readdirSync } from "node:fs";

export class ProcessWatch {
  readonly #seen = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  /** `ignoredPids`: processes whose environment holds the secret on purpose, such as the test itself. */
  constructor(private readonly ignoredPids: readonly number[] = [process.pid]) {
    this.#timer = setInterval(() => this.#look(), 10);
  }

  /** Everything seen so far, one text. */
  get text(): string {
    return [...this.#seen].join("\n");
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const pid of readdirSync("/proc")) {
      if (!/^\d+$/.test(pid) || this.ignoredPids.includes(Number(pid))) continue;
      for (const file of ["cmdline", "environ"]) {
        try {
          const content = readFileSync(`/proc/${pid}/${file}`, "latin1");
          if (content !== "") this.#seen.add(content.replaceAll("\0", "\n"));
        } catch {
          // The process has ended, or belongs to someone else.
        }
      }
    }
  }
}
