/** What a command is, what its exit codes mean, and its `--help`, made from the table of its flags. */
import type { FlagTable, Flags } from "./flags";

/** Exit codes of `vpc-identity`, the same for all commands. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export const EXIT_CODES_HELP = "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

/** The call itself is wrong: answered with one screen and exit code 2. */
export class UsageError extends Error {}

/** Ctrl-C, or a signal that asks the same. */
export class Interrupted extends Error {
  constructor() {
    super("interrupted");
  }
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What `--help` prints below the flags, or in their place where the table tells nothing about them. @default - nothing */
  readonly help?: string;
  readonly flags: FlagTable;
  /** Everything wrong with the call that the table cannot see, one line each; nothing is done yet. @default - nothing */
  check?(flags: Flags): readonly string[];
  run(flags: Flags): Promise<number>;
}

/** What `--help` prints. */
export function helpOf({ name, summary, help, flags }: Command): string {
  const usage = `Usage: vpc-identity ${name} [flags]\n\n${summary}`;
  return `${[usage, flagHelp(flags), help ?? "", EXIT_CODES_HELP].filter((part) => part !== "").join("\n\n")}\n`;
}

/** The flags and what they do, without the rest of the help: what a wrong call is answered with. */
export function flagHelp(flags: FlagTable): string {
  const rows = Object.entries(flags).flatMap(([name, { short, value, about, otherwise }]): [string, string][] => {
    if (about === undefined) return [];
    const form = `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
    return [[form, otherwise === undefined ? about : `${about} (default: ${otherwise})`]];
  });
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([form]) => form.length));
  return `Flags:\n${rows.map(([form, about]) => `  ${form.padEnd(width)}  ${about}`).join("\n")}`;
}
