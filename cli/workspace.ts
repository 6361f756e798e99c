/**
 * A Pulumi project and stack as the commands see it: which engine serves it, and how to call that engine. The real
 * `pulumi` and the embedded one take the same arguments, so nothing here depends on which of them it is.
 */
import { spawn, type StdioOptions } from "node:child_process";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { engineRoot, engineVersion } from "../engine";
import { EXIT, Interrupted, UsageError } from "./command";

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
export const CREDENTIAL_KEYS = ["vpc-identity:apiKey", "vpc-identity:iamToken"];

/** A value of the stack's config; a secret that was not asked for in clear has none. */
export interface ConfigValue {
  readonly value?: string;
  readonly secret: boolean;
}

interface EngineResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
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

  /** Runs an operation with its progress shown, live on a terminal; returns an exit code of ours. */
  async operate(operation: string, args: readonly string[] = []): Promise<number> {
    const { progress, stack } = this.options;
    const live = process.stdin.isTTY && process[progress].isTTY;
    const { exitCode } = await this.#spawn(
      [operation, "--stack", stack, ...args, ...(live ? [] : ["--non-interactive"])],
      [live ? "inherit" : "ignore", progress === "stdout" ? "inherit" : process.stderr, "inherit"],
    );
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

  /** By standard input, since arguments are visible to every process of the machine. */
  async configureSecret(key: string, value: string): Promise<void> {
    await this.#ask(["config", "set", "--stack", this.options.stack, "--secret", key], value);
  }

  /** The stack's config as the engine tells it; secrets only when asked for. */
  async config(showSecrets: boolean): Promise<Readonly<Record<string, ConfigValue>>> {
    const flags = showSecrets ? ["--show-secrets"] : [];
    return JSON.parse(await this.#ask(["config", "--json", "--stack", this.options.stack, ...flags])) as Readonly<
      Record<string, ConfigValue>
    >;
  }

  async #ask(args: readonly string[], input?: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#spawn(
      [...args, "--non-interactive"],
      [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      input,
    );
    if (this.#interrupted) throw new Interrupted();
    if (exitCode === 0) return stdout;
    const reason = stderr.trim().replace(/^error: /, "") || `exit code ${exitCode}`;
    throw new Error(`${args.slice(0, 2).join(" ")} failed: ${reason}`);
  }

  #spawn(args: readonly string[], stdio: StdioOptions, input?: string): Promise<EngineResult> {
    const { engine, cwd, env } = this.options;
    return new Promise((done, failed) => {
      const child = spawn(engine.path, [...args], { cwd, env, stdio });
      // A terminal sends Ctrl-C to the engine as well; a signal meant for us alone has to be passed on. Either way the
      // engine finishes what it is doing and saves, and we wait for it.
      const onInterrupt = (signal: NodeJS.Signals): void => {
        this.#interrupted = true;
        if (signal === "SIGTERM" || !hasTerminal()) child.kill("SIGINT");
      };
      process.on("SIGINT", onInterrupt);
      process.on("SIGTERM", onInterrupt);
      let [stdout, stderr] = ["", ""];
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
      child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
      child.stdin?.end(input);
      child.on("error", failed);
      child.on("close", (code) => {
        process.off("SIGINT", onInterrupt);
        process.off("SIGTERM", onInterrupt);
        done({ exitCode: code ?? 1, stdout, stderr });
      });
    });
  }
}

/** Whether Ctrl-C comes from a terminal, which then sends it to every process in front of it. */
function hasTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}

export function describeEngine(engine: Engine): string {
  if (engine.kind === "pulumi") return `pulumi (${engine.path})`;
  const hint = 'where it says "pulumi", "vpc-identity" does the same';
  return `embedded ${engineVersion} (no pulumi on PATH, or asked for; ${hint})`;
}
