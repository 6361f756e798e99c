/** Command lines in the manner of Pulumi's CLI: `--name value`, `--name=value`, `-n value`, flags before and after arguments. */
import { UsageError } from "../errors";

export interface Flag {
  readonly kind: "boolean" | "text" | "list";
  readonly short?: string;
  /** What it does; empty for flags that are accepted and have nothing to do here. */
  readonly about: string;
}

export type Flags = Readonly<Record<string, Flag>>;

export class Arguments {
  constructor(
    readonly positional: readonly string[],
    private readonly values: ReadonlyMap<string, readonly string[]>,
    /** All flags with their values, in the order given. */
    readonly ordered: readonly (readonly [string, string])[],
  ) {}

  text(name: string): string | undefined {
    return this.values.get(name)?.at(-1);
  }

  list(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  flag(name: string): boolean {
    return this.text(name) === "true";
  }

  given(name: string): boolean {
    return this.values.has(name);
  }
}

function isTrue(text: string, name: string): boolean {
  if (["true", "1", "t", "TRUE", "True"].includes(text)) return true;
  if (["false", "0", "f", "FALSE", "False"].includes(text)) return false;
  throw new UsageError(`invalid argument "${text}" for "--${name}": true or false is allowed`);
}

export function parseArguments(words: readonly string[], flags: Flags): Arguments {
  const values = new Map<string, string[]>();
  const ordered: (readonly [string, string])[] = [];
  const positional: string[] = [];
  const queue = [...words];
  const add = (name: string, flag: Flag, inline: string | undefined): void => {
    let value = inline;
    if (flag.kind === "boolean") value = String(isTrue(inline ?? "true", name));
    else value ??= queue.shift();
    if (value === undefined) throw new UsageError(`flag needs an argument: --${name}`);
    values.set(name, flag.kind === "list" ? [...(values.get(name) ?? []), value] : [value]);
    ordered.push([name, value]);
  };
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") {
      positional.push(...queue.splice(0));
    } else if (word.startsWith("--")) {
      const at = word.indexOf("=");
      const name = word.slice(2, at < 0 ? undefined : at);
      const flag = flags[name];
      if (flag === undefined)
        throw new UsageError(`unknown flag: --${name} (not in the embedded engine; install Pulumi if you need it)`);
      add(name, flag, at < 0 ? undefined : word.slice(at + 1));
    } else if (word.startsWith("-") && word.length > 1) {
      const letter = word.charAt(1);
      const found = Object.entries(flags).find(([, flag]) => flag.short === letter);
      if (found === undefined) throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`);
      const rest = word.slice(2).replace(/^=/, "");
      const [name, flag] = found;
      if (flag.kind === "boolean" && rest !== "" && !word.includes("=")) queue.unshift(`-${rest}`);
      add(name, flag, flag.kind === "boolean" && !word.includes("=") ? undefined : rest === "" ? undefined : rest);
    } else {
      positional.push(word);
    }
  }
  return new Arguments(positional, values, ordered);
}

export const GLOBAL_FLAGS: Flags = {
  cwd: { kind: "text", short: "C", about: "Run as if started in this folder" },
  help: { kind: "boolean", short: "h", about: "Show this help" },
  "non-interactive": { kind: "boolean", about: "Never ask" },
  color: { kind: "text", about: "Colours: always, never, raw, auto" },
  emoji: { kind: "boolean", short: "e", about: "" },
  debug: { kind: "boolean", short: "d", about: "" },
  logtostderr: { kind: "boolean", about: "" },
  logflow: { kind: "boolean", about: "" },
  verbose: { kind: "text", short: "v", about: "" },
  tracing: { kind: "text", about: "" },
  profiling: { kind: "text", about: "" },
  "disable-integrity-checking": { kind: "boolean", about: "" },
  "fully-qualify-stack-names": { kind: "boolean", about: "" },
};

export const STACK_FLAG: Flags = {
  stack: { kind: "text", short: "s", about: "The stack to work on; default: the selected one" },
};
export const JSON_FLAG: Flags = { json: { kind: "boolean", short: "j", about: "Print JSON" } };
export const YES_FLAG: Flags = { yes: { kind: "boolean", short: "y", about: "Go ahead without asking" } };
