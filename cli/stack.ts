/** What the commands that act on a stack have in common: their flags, their checks, and how they end. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { confirm, readSecret } from "./ask";
import { EXIT, Interrupted, UsageError } from "./command";
import type { FlagTable, Flags } from "./flags";
import { ENGINES, SETTINGS } from "./settings";
import { chooseEngine, CREDENTIAL_KEYS, describeEngine, Workspace } from "./workspace";

const { stack, cwd, engine } = SETTINGS;

/** Flags by which every stack command finds its stack. */
export const STACK_FLAGS: FlagTable = {
  stack,
  cwd,
  engine,
  json: { type: "boolean", about: "one JSON object on standard output; progress goes to standard error" },
};

/** Flags of commands that set config first. */
export const CONFIG_FLAGS: FlagTable = {
  config: {
    type: "string",
    short: "c",
    multiple: true,
    value: "<key=value>",
    about: "sets a config value of the stack first; may be repeated",
  },
  secret: {
    type: "string",
    multiple: true,
    value: "<key[=value]>",
    about: "the same, encrypted; without a value it is read from standard input",
  },
};

/** Flag of commands that ask. */
export const YES_FLAG: FlagTable = { yes: { type: "boolean", short: "y", about: "goes ahead without asking" } };

/** What the help of a stack command says below its flags. */
export const STATE_HELP = `The embedded engine keeps state where Pulumi's file backend does: PULUMI_BACKEND_URL, then backend.url of Pulumi.yaml,
then file://~. Its passphrase comes from PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE, or is asked for.`;

/** The same for the commands that may come before there is a stack. */
export const NEW_STACK_HELP = `A stack that does not exist is created.\n\n${STATE_HELP}`;

/** Everything wrong with a call, before anything is done: so that a script neither hangs nor half works. */
export function checkStack(flags: Flags, { asks = false } = {}): string[] {
  const problems: string[] = [];
  const folder = folderOf(flags);
  if (!isProject(folder)) problems.push(`--cwd is ${JSON.stringify(folder)}: there is no Pulumi.yaml in it`);
  problems.push(...checkEngine(flags));
  if (asks && !flags.on("yes") && !process.stdin.isTTY) problems.push("there is no terminal to ask on: pass --yes");
  return problems;
}

/** An engine that is asked for and not there, and a passphrase that nobody can be asked for. */
export function checkEngine(flags: Flags): string[] {
  try {
    const { kind } = engineOf(flags);
    if (kind === "pulumi" || hasPassphrase(process.env) || process.stdin.isTTY) return [];
    return ["no passphrase for the stack's secrets: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"];
  } catch (error) {
    if (error instanceof UsageError) return [error.message];
    throw error;
  }
}

/** A credential in clear, stored or among the arguments, is refused before anything is stored. */
export function checkConfig(flags: Flags): string[] {
  const plain = flags.list("config").flatMap((pair) => {
    const [key, value] = splitPair(pair);
    if (key === "" || value === undefined) return [`--config is ${JSON.stringify(pair)}; allowed: key=value`];
    if (!CREDENTIAL_KEYS.includes(key)) return [];
    return [
      `--config ${key}: a credential must be encrypted, or it would be in clear in the stack's config and state. ` +
        `Use --secret ${key} (nothing was stored)`,
    ];
  });
  // What stands there may be a secret in the wrong place, so it is not shown.
  const secret = flags.list("secret").flatMap((pair) => {
    const [key, value] = splitPair(pair);
    if (key === "") return ["--secret; allowed: key=value, or the key alone"];
    if (value === undefined || !CREDENTIAL_KEYS.includes(key)) return [];
    return [
      `--secret ${key}: every user of this machine can read a credential among the arguments of a command, and it may be ` +
        `in the history of the shell: replace it. Use --secret ${key} without a value, which is read from standard input ` +
        "(nothing was stored)",
    ];
  });
  return [...plain, ...secret];
}

export const folderOf = (flags: Flags): string => resolve(flags.text("cwd") ?? ".");

export const isProject = (folder: string): boolean =>
  ["Pulumi.yaml", "Pulumi.yml"].some((name) => existsSync(join(folder, name)));

/** @throws UsageError when it is not there */
export const engineOf = (flags: Flags): ReturnType<typeof chooseEngine> =>
  chooseEngine(flags.oneOf("engine", ENGINES), process.env);

export const stackNameOf = (flags: Flags): string => flags.text("stack") ?? SETTINGS.stack.otherwise;

/** From the flags all stack commands share. Says which engine runs. */
export async function openWorkspace(flags: Flags): Promise<Workspace> {
  const engine = engineOf(flags);
  const progress = flags.on("json") ? "stderr" : "stdout";
  const stack = stackNameOf(flags);
  const env = engine.kind === "embedded" ? await withPassphrase(process.env) : process.env;
  process[progress].write(`engine: ${describeEngine(engine)}; stack: ${stack}\n`);
  return new Workspace({ engine, cwd: folderOf(flags), stack, env, progress });
}

/** Stores the config pairs of a call; the values of secrets that it leaves out are asked for. */
export async function setConfig(workspace: Workspace, flags: Flags): Promise<void> {
  await workspace.configure(
    Object.fromEntries(flags.list("config").map((pair) => splitPair(pair) as [string, string])),
  );
  for (const pair of flags.list("secret")) {
    const [key, value] = splitPair(pair);
    await workspace.configureSecret(key, value ?? (await readSecret(`Value of ${key}: `)));
  }
}

function splitPair(pair: string): [key: string, value: string | undefined] {
  const at = pair.indexOf("=");
  return at < 0 ? [pair, undefined] : [pair.slice(0, at), pair.slice(at + 1)];
}

const hasPassphrase = (env: NodeJS.ProcessEnv): boolean =>
  env.PULUMI_CONFIG_PASSPHRASE !== undefined || env.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined;

async function withPassphrase(env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  if (hasPassphrase(env)) return env;
  return { ...env, PULUMI_CONFIG_PASSPHRASE: await readSecret("Passphrase of the stack's secrets: ") };
}

/** How a stack command ended; `more` goes into its JSON object. */
export interface Outcome {
  readonly exitCode: number;
  readonly more?: object;
}

/** Opens the workspace, acts, and closes with one JSON object where that is asked for, also when it fails half way. */
export async function onStack(
  operation: string,
  flags: Flags,
  act: (workspace: Workspace) => Promise<Outcome>,
): Promise<number> {
  const workspace = await openWorkspace(flags);
  const { exitCode, more = {} } = await act(workspace).catch((error: unknown): Outcome => {
    if (error instanceof UsageError || !flags.on("json")) throw error;
    if (error instanceof Interrupted) return { exitCode: EXIT.interrupted };
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`error: ${message}\n`);
    return { exitCode: EXIT.failed, more: { error: message } };
  });
  if (flags.on("json")) {
    const result = exitCode === EXIT.done ? "succeeded" : exitCode === EXIT.interrupted ? "interrupted" : "failed";
    const { engine, stack } = workspace.options;
    process.stdout.write(`${JSON.stringify({ operation, result, exitCode, engine: engine.kind, stack, ...more })}\n`);
  }
  return exitCode;
}

/** True when the person wants it, or `--yes` says so. */
export const agreed = async (question: string, flags: Flags): Promise<boolean> => flags.on("yes") || confirm(question);
