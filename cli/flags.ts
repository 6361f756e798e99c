/**
 * How a command is told what to do: by its flags, and for some of them by an environment variable or a file in the
 * project, in this order. Everything that is wrong is found in one go, so that one answer names it all.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { UsageError } from "./command";
import { hint } from "./nearest";
import { readSettingsFile, SETTINGS, variableOf } from "./settings";

export interface Flag {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  readonly short?: string;
  /** What stands for the value in `--help`: `<name>`. */
  readonly value?: string;
  readonly about?: string;
  /** What holds where it is given nowhere, in words. */
  readonly otherwise?: string;
  readonly oneOf?: readonly string[];
  /** A TCP port; 0 lets the system choose one. */
  readonly isPort?: true;
}

export type FlagTable = Readonly<Record<string, Flag>>;

/** The flags of a call, by name; asking for a flag with the wrong kind of value is a mistake of ours and throws. */
export class Flags {
  constructor(private readonly values: ReadonlyMap<string, string | boolean | readonly string[]>) {}

  text(name: string): string | undefined {
    const value = this.values.get(name);
    if (value === undefined || typeof value === "string") return value;
    throw new TypeError(`--${name} is not a text flag`);
  }

  list(name: string): readonly string[] {
    const value = this.values.get(name) ?? [];
    if (typeof value === "object") return value;
    throw new TypeError(`--${name} is not a list flag`);
  }

  on(name: string): boolean {
    return this.values.get(name) === true;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined || allowed.includes(value as T)) return value as T | undefined;
    throw new UsageError(`--${name} is ${JSON.stringify(value)}; allowed: ${allowed.join(", ")}`);
  }

  port(name: string): number | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : Number(value);
  }
}

/** Where the settings besides the flags come from. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** The folder whose settings file counts where no `--cwd` is given. */
  readonly folder: string;
}

/** The flags of a call, and everything that is wrong with them. */
export interface Reading {
  readonly flags: Flags;
  readonly problems: readonly string[];
}

/** Reads the arguments after the command's name, then what they leave open. */
export function readFlags(
  command: { readonly name: string; readonly flags: FlagTable },
  args: readonly string[],
  { env, folder }: Surroundings,
): Reading {
  const { values, problems } = readArguments(command, args);
  const take = (name: string, value: string, from: string): void => {
    const problem = problemOf(command.flags[name] ?? { type: "string" }, value, from);
    if (problem === undefined) values.set(name, value);
    else problems.push(problem);
  };
  const settings = Object.keys(SETTINGS).filter((name) => name in command.flags);
  if (settings.length === 0) return { flags: new Flags(values), problems };
  const open = (): string[] => settings.filter((name) => !values.has(name));
  for (const name of open()) {
    const value = env[variableOf(name)];
    // Empty counts as not set, as in IBM's own clients.
    if (value !== undefined && value !== "") take(name, value, variableOf(name));
  }
  const place = values.get("cwd");
  const file = readSettingsFile(typeof place === "string" ? resolve(folder, place) : folder);
  problems.push(...file.problems);
  for (const name of open()) {
    const value = file.values.get(name);
    if (value !== undefined) take(name, value, `${name} in ${file.path}`);
  }
  return { flags: new Flags(values), problems };
}

interface Arguments {
  readonly values: Map<string, string | boolean | readonly string[]>;
  readonly problems: string[];
}

function readArguments(
  { name: command, flags }: { name: string; flags: FlagTable },
  args: readonly string[],
): Arguments {
  const table: FlagTable = { ...flags, help: { type: "boolean", short: "h" } };
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { type, multiple = false, short }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const values: Arguments["values"] = new Map();
  const problems: string[] = [];
  let unknownAt = -2;
  for (const token of tokens) {
    // What follows an unknown flag is most likely its value.
    if (token.kind === "positional" && token.index !== unknownAt + 1) {
      problems.push(`${JSON.stringify(token.value)} is not expected here`);
    }
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const flag = Object.hasOwn(table, name) ? table[name] : undefined;
    if (flag === undefined) {
      if (value === undefined) unknownAt = token.index;
      const known = Object.keys(table).map((one) => `--${one}`);
      problems.push(`${rawName} is not a flag of ${command}${hint(rawName, known)}`);
    } else if (flag.type === "boolean") {
      if (value === undefined) values.set(name, true);
      else problems.push(`${rawName} takes no value`);
    } else if (value === undefined) problems.push(`${rawName} needs a value`);
    else if (!inlineValue && value.startsWith("-")) {
      problems.push(`${rawName} needs a value, and ${value} is a flag (if it is the value: ${rawName}=${value})`);
    } else if (flag.multiple === true) {
      values.set(name, [...((values.get(name) as readonly string[] | undefined) ?? []), value]);
      // A variable that was not set: taking the default would act on something nobody named.
    } else if (value === "") problems.push(`${rawName} is empty`);
    else if (values.has(name)) problems.push(`${rawName} is given more than once`);
    else {
      const problem = problemOf(flag, value, rawName);
      if (problem === undefined) values.set(name, value);
      else problems.push(problem);
    }
  }
  return { values, problems };
}

function problemOf({ oneOf, isPort }: Flag, value: string, from: string): string | undefined {
  const seen = `${from} is ${JSON.stringify(value)}`;
  if (oneOf !== undefined && !oneOf.includes(value)) {
    return `${seen}; allowed: ${oneOf.join(", ")}${hint(value, oneOf)}`;
  }
  if (isPort === true && !(/^\d{1,5}$/.test(value) && Number(value) <= 65_535)) {
    return `${seen}; allowed: a whole number from 0 to 65535`;
  }
  return undefined;
}
