/** `vpc-identity emulator`: an IBM Cloud account on loopback, until it is interrupted. */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { problemsOfSeed, SeedError, startEmulator, type Emulator, type EmulatorOptions, type Seed } from "../emulator";
import { EXIT, UsageError, type Command, type Flags } from "./command";

export const command: Command = {
  name: "emulator",
  summary: "Runs the emulated IBM Cloud account on loopback until interrupted",
  help: `Flags:
  --port <n>          port of the IAM and VPC APIs (default: any free one)
  --admin-port <n>    port of inventory, journal, faults, time and reset (default: any free one)
  --state <file>      keeps the account in this file, and continues with it when it exists
  --seed <file.json>  what a new account holds: accountId, region, apiKey, network, issuedLifetimes
  --env               prints the variables that point IBM's clients at it, as shell exports
  --json              prints {url, adminUrl, apiKey, accountId, pid} when ready`,
  flags: {
    port: { type: "string" },
    "admin-port": { type: "string" },
    state: { type: "string" },
    seed: { type: "string" },
    env: { type: "boolean" },
    json: { type: "boolean" },
  },
  async run(flags) {
    const options = readOptions(flags);
    // Before anything is printed: whoever waits for the first line may end it right after.
    const interrupted = new Promise<void>((stop) => {
      process.once("SIGINT", stop);
      process.once("SIGTERM", stop);
    });
    const emulator = await start(options);
    process.stdout.write(announcement(flags, emulator));
    await interrupted;
    await emulator.close();
    return EXIT.done;
  },
};

/** Reads every flag before it complains, so that one answer names all that is wrong. */
function readOptions(flags: Flags): EmulatorOptions {
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  const port = attempt(() => flags.port("port"));
  const adminPort = attempt(() => flags.port("admin-port"));
  const stateFile = attempt(() => statePath(flags.text("state")));
  const seed = attempt(() => readSeed(flags.text("seed")));
  if (port !== undefined && port !== 0 && port === adminPort) {
    problems.push(`--port and --admin-port are both ${port}; they must differ`);
  }
  if (flags.on("env") && flags.on("json")) problems.push("--env and --json exclude each other");
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return {
    ...(port === undefined ? {} : { port }),
    ...(adminPort === undefined ? {} : { adminPort }),
    ...(stateFile === undefined ? {} : { stateFile }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function statePath(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const path = resolve(given);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new UsageError(`--state is ${JSON.stringify(given)}; that is a folder, and a file is needed`);
  }
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UsageError(`--state is ${JSON.stringify(given)}; its folder does not exist`);
  }
  return path;
}

function readSeed(given: string | undefined): Seed | undefined {
  if (given === undefined) return undefined;
  const named = `--seed ${JSON.stringify(given)}`;
  let seed: unknown;
  try {
    seed = JSON.parse(readFileSync(given, "utf8"));
  } catch (error) {
    // The parser's own message would show what it stumbled over, which may be the API key.
    const code = (error as NodeJS.ErrnoException).code;
    throw new UsageError(code === undefined ? `${named} is not valid JSON` : `${named} cannot be read: ${code}`);
  }
  const problems = problemsOfSeed(seed);
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return seed as Seed;
}

/** Some of what is wrong with a seed shows only when its networks are laid out. */
async function start(options: EmulatorOptions): Promise<Emulator> {
  try {
    return await startEmulator(options);
  } catch (error) {
    throw error instanceof SeedError ? new UsageError(error.message) : error;
  }
}

function announcement(flags: Flags, { url, adminUrl, apiKey, accountId, env }: Emulator): string {
  if (flags.on("json")) return `${JSON.stringify({ url, adminUrl, apiKey, accountId, pid: process.pid })}\n`;
  if (flags.on("env")) {
    return Object.entries(env)
      .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
      .join("");
  }
  return [
    `IAM and VPC APIs  ${url}`,
    `admin             ${adminUrl}/_emulator/ inventory, journal, jwks, faults, time, reset`,
    `account           ${accountId}`,
    "Its API key and the variables for IBM's clients: run with --env. Ctrl-C ends it.\n",
  ].join("\n");
}
