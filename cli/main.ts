#!/usr/bin/env node
/**
 * `vpc-identity`: finds the command, reads its flags, maps what happened to an exit code. The work is in the commands,
 * which are loaded one at a time so that `--help` is instant.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, EXIT_CODES_HELP, UsageError, readFlags, type Command } from "./command";

const COMMANDS: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  up: () => import("./up.js"),
  preview: () => import("./preview.js"),
  refresh: () => import("./refresh.js"),
  destroy: () => import("./destroy.js"),
  output: () => import("./output.js"),
  cancel: () => import("./cancel.js"),
  bootstrap: () => import("./bootstrap.js"),
  demo: () => import("./demo.js"),
  emulator: () => import("./emulator.js"),
};

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(await overview());
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  if (name === "--version") {
    process.stdout.write(`${packageVersion()}\n`);
    return EXIT.done;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    return wrongUsage(`${JSON.stringify(name)} is not a command. Commands: ${Object.keys(COMMANDS).join(", ")}`);
  }
  const { command } = await load();
  try {
    const flags = readFlags(command, rest);
    if (flags.on("help")) {
      process.stdout.write(
        `Usage: vpc-identity ${command.name} [flags]\n\n${command.summary}\n\n${command.help}\n\n${EXIT_CODES_HELP}\n`,
      );
      return EXIT.done;
    }
    return await command.run(flags);
  } catch (error) {
    // Ctrl-C at a question.
    if (error instanceof Error && error.name === "AbortError") return EXIT.interrupted;
    if (error instanceof UsageError) return wrongUsage(`${error.message}\n\n${command.help}`);
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
}

/** Two folders up, since this runs as dist/cli/main.js. */
function packageVersion(): string {
  const text = readFileSync(join(__dirname, "..", "..", "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

async function overview(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map(async (load) => (await load()).command));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`);
  return [
    "vpc-identity: IBM Cloud VPC servers with an identity instead of a secret\n",
    "Usage: vpc-identity <command> [flags]     (vpc-identity <command> --help)\n",
    ...lines,
    `\n${EXIT_CODES_HELP}\n`,
  ].join("\n");
}

function wrongUsage(text: string): number {
  process.stderr.write(`${text}\n`);
  return EXIT.usage;
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = EXIT.failed;
  },
);
