/**
 * A Pulumi project and stack as the commands see it: which engine serves it, and how to call that engine. The real
 * `pulumi` and the embedded one take the same arguments, so nothing here depends on which of them it is.
 */
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { engineRoot, engineVersion } from "../engine";
import { EXIT, UsageError, type Command, type Flags } from "./command";

/** Flags by which every stack command finds its stack. */
export const STACK_FLAGS: Command["flags"] = {
  stack: { type: "string" },
  cwd: { type: "string" },
  engine: { type: "string" },
  json: { type: "boolean" },
};

/** Flags of commands that set config first. */
export const CONFIG_FLAGS: Command["flags"] = {
  config: { type: "string", short: "c", multiple: true },
  secret: { type: "string", multiple: true },
};

/** Flag of commands that ask. */
export const YES_FLAG: Command["flags"] = { yes: { type: "boolean", short: "y" } };

const FLAG_LINES: Readonly<Record<string, string>> = {
  stack: "--stack <name>            the stack (default: dev)",
  cwd: "--cwd <folder>            the Pulumi project (default: the current folder)",
  config: "-c, --config key=value    sets a config value of the stack first; may be repeated",
  secret: '--secret key[=value]      the same, encrypted; without "=value" it is read from standard input',
  engine: "--engine pulumi|embedded  which engine runs (default: pulumi if it is on PATH, otherwise the embedded one)",
  yes: "-y, --yes                 goes ahead without asking",
  json: "--json                    one JSON object on standard output; progress goes to standard error",
};

/** The help of a stack command: its flags, `more` lines of its own, and where state is kept. */
export function stackHelp(flags: Command["flags"], more: readonly string[] = []): string {
  const lines = Object.entries(FLAG_LINES).filter(([name]) => Object.hasOwn(flags, name));
  return `Flags:
${[...lines.map(([, line]) => `  ${line}`), ...more].join("\n")}

The embedded engine keeps state where Pulumi's file backend does: PULUMI_BACKEND_URL, then backend.url of Pulumi.yaml,
then file://~. Its passphrase comes from PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE, or is asked for.`;
}

export interface Engine {
  readonly kind: "pulumi" | "embedded";
  /** The executable. */
  readonly path: string;
}

const embeddedPath = (): string => join(engineRoot, "bin", "pulumi");

/** `pulumi` on PATH, unless the embedded engine is asked for or there is none. The embedded one is never taken for it. */
export function chooseEngine(wanted: Engine["kind"] | undefined, env: NodeJS.ProcessEnv): Engine {
  const embedded: Engine = { kind: "embedded", path: embeddedPath() };
  if (wanted === "embedded") return embedded;
  for (const folder of (env.PATH ?? "").split(delimiter).filter((entry) => entry !== "")) {
    const path = join(folder, "pulumi");
    if (isExecutable(path) && realpathSync(path) !== realpathSync(embedded.path)) return { kind: "pulumi", path };
  }
  if (wanted === "pulumi")
    throw new UsageError("--engine is pulumi, but there is no pulumi on PATH; see https://www.pulumi.com/docs/install");
  return embedded;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Keys of the package's config that hold a credential: a plain one would be in clear in every state file. */
const CREDENTIAL_KEYS = ["vpc-identity:apiKey", "vpc-identity:iamToken"];

export interface EngineResult {
  readonly exitCode: number;
  readonly stdout: string;
}

export interface WorkspaceOptions {
  readonly engine: Engine;
  readonly cwd: string;
  readonly stack: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where the engine's progress goes. */
  readonly progress: "stdout" | "stderr";
}

export class Workspace {
  #interrupted = false;

  constructor(readonly options: WorkspaceOptions) {}

  /** From the flags all stack commands share. Says which engine runs. */
  static async open(flags: Flags): Promise<Workspace> {
    const cwd = resolve(flags.text("cwd") ?? ".");
    if (!existsSync(join(cwd, "Pulumi.yaml")) && !existsSync(join(cwd, "Pulumi.yml"))) {
      throw new UsageError(`--cwd is ${JSON.stringify(cwd)}: there is no Pulumi.yaml in it`);
    }
    const engine = chooseEngine(flags.oneOf("engine", ["pulumi", "embedded"]), process.env);
    const progress = flags.on("json") ? "stderr" : "stdout";
    const stack = flags.text("stack") ?? "dev";
    const env = engine.kind === "embedded" ? await withPassphrase(process.env) : process.env;
    process[progress].write(describeEngine(engine, stack));
    return new Workspace({ engine, cwd, stack, env, progress });
  }

  /** Runs an operation with its progress shown; returns an exit code of ours. */
  async operate(operation: string, args: readonly string[] = []): Promise<number> {
    const { exitCode } = await this.#spawn([operation, "--stack", this.options.stack, ...args], { show: true });
    if (this.#interrupted) return EXIT.interrupted;
    return exitCode === 0 ? EXIT.done : EXIT.failed;
  }

  async outputs(showSecrets = false): Promise<Record<string, unknown>> {
    const flags = showSecrets ? ["--show-secrets"] : [];
    return JSON.parse(
      await this.#ask(["stack", "output", "--json", "--stack", this.options.stack, ...flags]),
    ) as Record<string, unknown>;
  }

  async exportState(): Promise<unknown> {
    return JSON.parse(await this.#ask(["stack", "export", "--stack", this.options.stack]));
  }

  async stackExists(): Promise<boolean> {
    const stacks = JSON.parse(await this.#ask(["stack", "ls", "--json"])) as { name: string }[];
    return stacks.some(({ name }) => name === this.options.stack || name.endsWith(`/${this.options.stack}`));
  }

  /** Makes the stack if it is absent, without selecting it: which stack a user has selected is not ours to change. */
  async ensureStack(): Promise<void> {
    if (!(await this.stackExists())) await this.#ask(["stack", "init", this.options.stack, "--no-select"]);
  }

  async configure(values: Readonly<Record<string, string>>): Promise<void> {
    const pairs = Object.entries(values).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
    if (pairs.length > 0) await this.#ask(["config", "set-all", "--stack", this.options.stack, ...pairs]);
  }

  async setConfig(flags: Flags): Promise<void> {
    await this.configure(Object.fromEntries(readConfigPairs(flags)));
    for (const [key, value] of await readSecretPairs(flags)) {
      // By standard input, since arguments are visible to every process of the machine.
      await this.#ask(["config", "set", "--stack", this.options.stack, "--secret", key], value);
    }
  }

  async #ask(args: readonly string[], input?: string): Promise<string> {
    const { exitCode, stdout } = await this.#spawn([...args], { show: false, input });
    if (exitCode !== 0) throw new Error(`${args.slice(0, 2).join(" ")} failed with exit code ${exitCode} (see above)`);
    return stdout;
  }

  #spawn(args: readonly string[], how: { show: boolean; input?: string | undefined }): Promise<EngineResult> {
    const { engine, cwd, env, progress } = this.options;
    return new Promise((done, failed) => {
      const child = spawn(engine.path, [...args, "--non-interactive"], {
        cwd,
        env,
        stdio: [
          how.input === undefined ? "ignore" : "pipe",
          how.show ? (progress === "stdout" ? "inherit" : process.stderr) : "pipe",
          "inherit",
        ],
      });
      // A terminal sends Ctrl-C to the engine as well; a signal meant for us alone has to be passed on. Either way the
      // engine finishes what it is doing and saves, and we wait for it.
      const onInterrupt = (signal: NodeJS.Signals): void => {
        this.#interrupted = true;
        if (signal === "SIGTERM" || !process.stdin.isTTY) child.kill("SIGINT");
      };
      process.on("SIGINT", onInterrupt);
      process.on("SIGTERM", onInterrupt);
      let stdout = "";
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
      child.stdin?.end(how.input);
      child.on("error", failed);
      child.on("close", (code) => {
        process.off("SIGINT", onInterrupt);
        process.off("SIGTERM", onInterrupt);
        done({ exitCode: code ?? 1, stdout });
      });
    });
  }
}

function describeEngine(engine: Engine, stack: string): string {
  if (engine.kind === "pulumi") return `engine: pulumi (${engine.path}); stack: ${stack}\n`;
  const hint = 'where it says "pulumi", "vpc-identity" does the same';
  return `engine: embedded ${engineVersion} (no pulumi on PATH, or asked for; ${hint}); stack: ${stack}\n`;
}

function splitPair(pair: string, flag: "config" | "secret"): [string, string] {
  const at = pair.indexOf("=");
  // What stands there may be a secret in the wrong place.
  const seen = flag === "secret" ? "" : ` is ${JSON.stringify(pair)}`;
  if (at < 1) throw new UsageError(`--${flag}${seen}; allowed: key=value`);
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** The `-c` pairs of a call; a credential among them is refused before anything is stored. */
export function readConfigPairs(flags: Flags): [string, string][] {
  const pairs = flags.list("config").map((pair) => splitPair(pair, "config"));
  for (const [key] of pairs) {
    if (CREDENTIAL_KEYS.includes(key)) {
      throw new UsageError(
        `--config ${key}: a credential must be encrypted, or it would be in clear in the stack's config and state. Use --secret ${key} (nothing was stored)`,
      );
    }
  }
  return pairs;
}

async function readSecretPairs(flags: Flags): Promise<[string, string][]> {
  const pairs: [string, string][] = [];
  for (const entry of flags.list("secret")) {
    pairs.push(entry.includes("=") ? splitPair(entry, "secret") : [entry, await readSecret(`Value of ${entry}: `)]);
  }
  return pairs;
}

async function withPassphrase(env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  if (env.PULUMI_CONFIG_PASSPHRASE !== undefined || env.PULUMI_CONFIG_PASSPHRASE_FILE !== undefined) return env;
  if (!process.stdin.isTTY) {
    throw new UsageError(
      "no passphrase for the stack's secrets: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
    );
  }
  return { ...env, PULUMI_CONFIG_PASSPHRASE: await readSecret("Passphrase of the stack's secrets: ") };
}

/** Asks without echo on a terminal; otherwise takes the first line of standard input. */
async function readSecret(question: string): Promise<string> {
  const terminal = process.stdin.isTTY;
  const silent = new Writable({ write: (_chunk, _encoding, next) => next() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal });
  try {
    if (!terminal) {
      for await (const line of lines) return line;
      return "";
    }
    process.stderr.write(question);
    return await lines.question("");
  } finally {
    if (terminal) process.stderr.write("\n");
    lines.close();
  }
}

/** Without a terminal there is nobody to ask: said before anything is done, so that a script neither hangs nor half works. */
export function assertAnswerable(flags: Flags): void {
  if (!flags.on("yes") && !process.stdin.isTTY) throw new UsageError("there is no terminal to ask on: pass --yes");
}

/** Asks before something is changed. */
export async function confirm(question: string, flags: Flags): Promise<boolean> {
  if (flags.on("yes")) return true;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
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
  const workspace = await Workspace.open(flags);
  const { exitCode, more = {} } = await act(workspace).catch((error: unknown): Outcome => {
    if (error instanceof UsageError || !flags.on("json")) throw error;
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
