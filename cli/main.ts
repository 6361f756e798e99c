/** `vpc-identity`: finds the command, reads its flags, maps what happened to an exit code. The work is in the commands. */
import { EXIT, EXIT_CODES_HELP, Interrupted, UsageError, flagHelp, helpOf, type Command } from "./command";
import { COMMANDS } from "./commands";
import { readFlags } from "./flags";
import { hint } from "./nearest";
import { packageManifest } from "./versions";

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(await overview());
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  if (name === "--version") {
    process.stdout.write(`${packageManifest().version}\n`);
    return EXIT.done;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    const names = Object.keys(COMMANDS);
    return wrongUsage(`${JSON.stringify(name)} is not a command${hint(name, names)}. Commands: ${names.join(", ")}`);
  }
  return perform((await load()).command, rest);
}

async function perform(command: Command, args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(helpOf(command));
    return EXIT.done;
  }
  try {
    const { flags, problems } = readFlags(command, args, { env: process.env, folder: process.cwd() });
    const wrong = [...problems, ...(command.check?.(flags) ?? [])];
    if (wrong.length > 0) throw new UsageError(wrong.join("\n"));
    return await command.run(flags);
  } catch (error) {
    // Ctrl-C at a question.
    if (error instanceof Interrupted || (error instanceof Error && error.name === "AbortError"))
      return EXIT.interrupted;
    if (error instanceof UsageError) {
      return wrongUsage(`${error.message}\n\n${flagHelp(command.flags) || (command.help ?? "")}`);
    }
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
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
