/** `vpc-identity emulator`: an IBM Cloud account on loopback, until it is interrupted. */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { problemsOfSeed, SeedError, startEmulator, type Emulator, type Seed } from "../emulator";
import { EXIT, UsageError, type Command } from "./command";
import type { Flags } from "./flags";
import { CONSOLE, SETTINGS } from "./settings";
import { exportLines } from "./shell";

const { port, "admin-port": adminPort, state, seed } = SETTINGS;

export const command: Command = {
  name: "emulator",
  summary: "Runs the emulated IBM Cloud account on loopback until interrupted",
  flags: {
    port,
    "admin-port": adminPort,
    state,
    seed,
    console: CONSOLE,
    env: { type: "boolean", about: "prints the variables that point IBM's clients at it, as shell exports" },
    json: {
      type: "boolean",
      about: "prints {url, adminUrl, apiKey, accountId, pid} when ready, and consoleUrl with --console",
    },
  },
  check,
  async run(flags) {
    // Before anything is printed: whoever waits for the first line may end it right after.
    const interrupted = new Promise<void>((stop) => {
      process.once("SIGINT", stop);
      process.once("SIGTERM", stop);
    });
    const emulator = await start(flags);
    const { consoleUrl } = emulator;
    // A shell would take the URL for a command.
    if (flags.on("env") && consoleUrl !== undefined) process.stderr.write(`console: ${consoleUrl}\n`);
    process.stdout.write(announcement(flags, emulator));
    await interrupted;
    await emulator.close();
    return EXIT.done;
  },
};

function check(flags: Flags): string[] {
  const problems = [...stateProblems(flags.text("state")), ...seedProblems(flags.text("seed"))];
  const given = flags.port("port");
  if (given !== undefined && given !== 0 && given === flags.port("admin-port")) {
    problems.push(`--port and --admin-port are both ${given}; they must differ`);
  }
  if (flags.on("env") && flags.on("json")) problems.push("--env and --json exclude each other");
  return problems;
}

function stateProblems(given: string | undefined): string[] {
  if (given === undefined) return [];
  const path = resolve(given);
  const wrong = (reason: string): string[] => [`--state is ${JSON.stringify(given)}; ${reason}`];
  if (isFolder(path)) return wrong("that is a folder, and a file is needed");
  return isFolder(dirname(path)) ? [] : wrong("its folder does not exist");
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function seedProblems(given: string | undefined): string[] {
  if (given === undefined) return [];
  try {
    return problemsOfSeed(readSeed(given));
  } catch (error) {
    // The parser's own message would show what it stumbled over, which may be the API key.
    const code = (error as NodeJS.ErrnoException).code;
    return [`--seed ${JSON.stringify(given)} ${code === undefined ? "is not valid JSON" : `cannot be read: ${code}`}`];
  }
}

const readSeed = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

async function start(flags: Flags): Promise<Emulator> {
  const [given, adminGiven, file, seedFile] = [
    flags.port("port"),
    flags.port("admin-port"),
    flags.text("state"),
    flags.text("seed"),
  ];
  try {
    return await startEmulator({
      console: flags.on("console"),
      ...(given === undefined ? {} : { port: given }),
      ...(adminGiven === undefined ? {} : { adminPort: adminGiven }),
      ...(file === undefined ? {} : { stateFile: resolve(file) }),
      ...(seedFile === undefined ? {} : { seed: readSeed(seedFile) as Seed }),
    });
  } catch (error) {
    // Some of what is wrong with a seed shows only when its networks are laid out.
    throw error instanceof SeedError ? new UsageError(error.message) : error;
  }
}

function announcement(flags: Flags, { url, adminUrl, consoleUrl, apiKey, accountId, env }: Emulator): string {
  if (flags.on("json"))
    return `${JSON.stringify({ url, adminUrl, apiKey, accountId, pid: process.pid, consoleUrl })}\n`;
  if (flags.on("env")) return exportLines(env);
  return [
    `IAM and VPC APIs  ${url}`,
    `admin             ${adminUrl}/_emulator/ inventory, journal, jwks, faults, time, reset`,
    ...(consoleUrl === undefined ? [] : [`console           ${consoleUrl}`]),
    `account           ${accountId}`,
    "Its API key and the variables for IBM's clients: run with --env. Ctrl-C ends it.\n",
  ].join("\n");
}
