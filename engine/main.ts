/** The command: finds out what is asked for and loads only the code for that, since most commands are short. */
import { chdir } from "node:process";
import { EXIT, messageOf, UsageError, UserError } from "./errors";
import { type Command, type Context } from "./commands/context";
import { GLOBAL_FLAGS, parseArguments } from "./commands/flags";

type Loader = () => Promise<Command>;

const COMMANDS: Readonly<Record<string, Loader>> = {
  up: async () => (await import("./commands/update.js")).up,
  preview: async () => (await import("./commands/update.js")).preview,
  refresh: async () => (await import("./commands/update.js")).refresh,
  destroy: async () => (await import("./commands/update.js")).destroy,
  cancel: async () => (await import("./commands/update.js")).cancel,
  stack: async () => (await import("./commands/stack.js")).show,
  "stack init": async () => (await import("./commands/stack.js")).init,
  "stack select": async () => (await import("./commands/stack.js")).select,
  "stack ls": async () => (await import("./commands/stack.js")).list,
  "stack rm": async () => (await import("./commands/stack.js")).remove,
  "stack output": async () => (await import("./commands/stack.js")).output,
  "stack export": async () => (await import("./commands/stack-files.js")).exportState,
  "stack import": async () => (await import("./commands/stack-files.js")).importState,
  "stack history": async () => (await import("./commands/stack-files.js")).history,
  "state unprotect": async () => (await import("./commands/state.js")).unprotect,
  "state delete": async () => (await import("./commands/state.js")).remove,
  config: async () => (await import("./commands/config.js")).show,
  "config get": async () => (await import("./commands/config.js")).get,
  "config set": async () => (await import("./commands/config.js")).set,
  "config rm": async () => (await import("./commands/config.js")).remove,
  "config set-all": async () => (await import("./commands/config.js")).setAll,
  "config rm-all": async () => (await import("./commands/config.js")).removeAll,
  login: async () => (await import("./commands/session.js")).login,
  logout: async () => (await import("./commands/session.js")).logout,
  whoami: async () => (await import("./commands/session.js")).whoami,
  version: async () => (await import("./commands/session.js")).version,
  about: async () => (await import("./commands/session.js")).about,
};

const ALIASES: Readonly<Record<string, string>> = {
  update: "up",
  pre: "preview",
  down: "destroy",
  dn: "destroy",
  history: "stack history",
  "stack list": "stack ls",
  "stack remove": "stack rm",
  "stack list-outputs": "stack output",
  "config remove": "config rm",
  who: "whoami",
};

interface Chosen {
  readonly name: string;
  readonly load: Loader | undefined;
  readonly rest: readonly string[];
}

/** Flags may stand before the command, so the first words without a dash make its name. */
function choose(words: readonly string[]): Chosen {
  const before: string[] = [];
  let index = 0;
  for (; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (!word.startsWith("-")) break;
    before.push(word);
    const flag = Object.entries(GLOBAL_FLAGS).find(
      ([name, { short }]) => word === `--${name}` || word === `-${short ?? ""}`,
    )?.[1];
    const value = words[index + 1];
    if (flag !== undefined && flag.kind !== "boolean" && value !== undefined) {
      before.push(value);
      index += 1;
    }
  }
  const [first = "", second = ""] = words.slice(index);
  for (const [name, used] of [
    [`${first} ${second}`, 2],
    [first, 1],
  ] as const) {
    const full = ALIASES[name] ?? name;
    const load = COMMANDS[full];
    if (load !== undefined) return { name: full, load, rest: [...before, ...words.slice(index + used)] };
  }
  return { name: second.startsWith("-") ? first : `${first} ${second}`.trim(), load: undefined, rest: before };
}

async function overview(): Promise<string> {
  const loaded = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const width = Math.max(...loaded.map((command) => command.usage.length));
  const lines = loaded.map((command) => `  ${command.usage.padEnd(width)}  ${command.about}`);
  return `The embedded engine: the part of Pulumi's CLI that programs of dynamic resources and components need.\n\nCommands:\n${lines.join("\n")}\n`;
}

function help(command: Command): string {
  const entries = Object.entries({ ...command.flags, ...GLOBAL_FLAGS }).filter(([, flag]) => flag.about !== "");
  const lines = entries.map(([name, flag]) => {
    const form = `${flag.short === undefined ? "    " : `-${flag.short}, `}--${name}${flag.kind === "boolean" ? "" : " <value>"}`;
    return `  ${form.padEnd(34)} ${flag.about}`;
  });
  return `${command.about}\n\nUsage:\n  pulumi ${command.usage} [flags]\n\nFlags:\n${lines.join("\n")}\n`;
}

function contextFor(command: Command, words: readonly string[]): Context {
  const args = parseArguments(words, { ...GLOBAL_FLAGS, ...command.flags });
  const [least, most] = command.arguments;
  const count = args.positional.length;
  if (!args.flag("help") && (count < least || count > most)) {
    throw new UsageError(
      `"pulumi ${command.usage}" takes ${least === most ? least : `${least} to ${most}`} argument(s), but ${count} were given`,
    );
  }
  const cwd = args.text("cwd");
  if (cwd !== undefined) {
    try {
      chdir(cwd);
    } catch (error) {
      throw new UsageError(`--cwd: ${messageOf(error)}`);
    }
  }
  const terminal = process.stdout.isTTY;
  const colour = args.text("color");
  return {
    args,
    env: process.env,
    cwd: process.cwd(),
    interactive: terminal && process.stdin.isTTY && !args.flag("non-interactive") && (process.env.CI ?? "") === "",
    colour:
      colour === "always" ||
      (colour !== "never" && colour !== "raw" && terminal && (process.env.NO_COLOR ?? "") === ""),
    out: (text) => process.stdout.write(text),
  };
}

async function run(argv: readonly string[]): Promise<void> {
  const { name, load, rest } = choose(argv);
  if (load === undefined) {
    if (name !== "" && name !== "help")
      throw new UsageError(`"pulumi ${name}" is not in the embedded engine; install Pulumi for it`);
    process.stdout.write(await overview());
    return;
  }
  const command = await load();
  const context = contextFor(command, rest);
  if (context.args.flag("help")) context.out(help(command));
  else await command.run(context);
}

/** Runs a command line; the exit code of the process says how it went. */
export function main(argv: readonly string[]): void {
  // A reader that went away (`pulumi ... | head`) is no reason to leave a stack locked.
  process.stdout.on("error", () => undefined);
  run(argv).then(
    () => process.exit(0),
    (error: unknown) => {
      const expected = error instanceof UserError;
      const text = expected
        ? error.message
        : `the embedded engine failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
      process.stderr.write(`error: ${text}\n`);
      process.exit(expected ? error.exitCode : EXIT.defect);
    },
  );
}
