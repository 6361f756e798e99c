/**
 * What every command shares: how flags are read, how a wrong call is answered, and what the exit codes mean.
 */
import { parseArgs, type ParseArgsConfig } from "node:util";

/** Exit codes of `vpc-identity`, the same for all commands. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export const EXIT_CODES_HELP = "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

/** The call itself is wrong: answered with one screen and exit code 2. */
export class UsageError extends Error {}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What `--help` prints below the usage line. */
  readonly help: string;
  readonly flags: NonNullable<ParseArgsConfig["options"]>;
  run(flags: Flags): Promise<number>;
}

/** The flags of a call, by name; asking for a flag with the wrong kind of value is a mistake of ours and throws. */
export class Flags {
  constructor(private readonly values: Readonly<Record<string, unknown>>) {}

  text(name: string): string | undefined {
    const value = this.values[name];
    if (value === undefined || typeof value === "string") return value;
    throw new TypeError(`--${name} is not a text flag`);
  }

  list(name: string): readonly string[] {
    const value = this.values[name] ?? [];
    if (Array.isArray(value)) return value as string[];
    throw new TypeError(`--${name} is not a list flag`);
  }

  on(name: string): boolean {
    return this.values[name] === true;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined || allowed.includes(value as T)) return value as T | undefined;
    throw new UsageError(`--${name} is ${JSON.stringify(value)}; allowed: ${allowed.join(", ")}`);
  }

  /** A TCP port; 0 lets the system choose one. */
  port(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const port = Number(value);
    if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
    throw new UsageError(`--${name} is ${JSON.stringify(value)}; allowed: a whole number from 0 to 65535`);
  }
}

/** Reads the arguments after the command's name; every unknown flag is named at once. */
export function readFlags(command: Command, args: readonly string[]): Flags {
  const options: Command["flags"] = { ...command.flags, help: { type: "boolean", short: "h" } };
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const problems = tokens.flatMap((token) => {
    if (token.kind === "positional") return [`${JSON.stringify(token.value)} is not expected here`];
    if (token.kind !== "option") return [];
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) return [`${token.rawName} is not a flag of ${command.name}`];
    if (option.type === "string" && token.value === undefined) return [`${token.rawName} needs a value`];
    // A variable that was not set: taking the default would act on something nobody named.
    if (token.value === "") return [`${token.rawName} is empty`];
    if (option.type === "boolean" && token.value !== undefined) return [`${token.rawName} takes no value`];
    return [];
  });
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  try {
    return new Flags(parseArgs({ args: [...args], options }).values);
  } catch (error) {
    // Such as a flag where the value of another was due.
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
