/** Runs the engine's command as users do: as a process, in a project folder of its own. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative, resolve } from "node:path";

const REPOSITORY = resolve(__dirname, "../../..");
export const ENGINE_ROOT = join(REPOSITORY, "engine");
export const PASSPHRASE = "x";

export const EMBEDDED = join(ENGINE_ROOT, "bin", "pulumi");
/** The real CLI, where the caller has one. */
export const REAL = process.env.PULUMI === undefined ? undefined : resolve(process.env.PULUMI);
/** The command under test: the real one where there is one, so that both are seen to pass the same tests. */
export const COMMAND = REAL ?? EMBEDDED;

/** For tests of words and details that are the embedded engine's own. For a real CLI they are skipped by name. */
export const embeddedOnly: jest.Describe = REAL === undefined ? describe : describe.skip;
/** For tests that take both engines. Without a real CLI they are skipped by name. */
export const withRealCli: jest.Describe = REAL === undefined ? describe.skip : describe;

function newest(folder: string): number {
  return Math.max(
    0,
    ...readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const place = join(folder, entry.name);
      if (entry.isDirectory()) return newest(place);
      return place.endsWith(".ts") ? statSync(place).mtimeMs : 0;
    }),
  );
}

/** Old compiled code would pass or fail for reasons that are gone. */
export function requireBuilt(): void {
  const compiled = join(REPOSITORY, "dist", "engine", "main.js");
  if (!existsSync(compiled) || statSync(compiled).mtimeMs < newest(ENGINE_ROOT)) {
    throw new Error("dist/engine is older than engine/: run `npm run build` first.");
  }
}

export interface Result {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly process: ChildProcess;
  readonly result: Promise<Result>;
  output(): string;
}

/** The files that `stack init dev` makes, by the text of the project file. */
const initialised = new Map<string, Record<string, string>>();

export class TestProject {
  private constructor(readonly folder: string) {}

  /** A project in a new temporary folder, with the repository's packages, or with another copy of the SDK among them. */
  static create(files: Record<string, string> | string, sdk?: string): TestProject {
    requireBuilt();
    const folder = mkdtempSync(join(tmpdir(), "engine-test-"));
    if (typeof files === "string") cpSync(files, folder, { recursive: true });
    else for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const packages = join(REPOSITORY, "node_modules");
    if (sdk === undefined) symlinkSync(packages, join(folder, "node_modules"));
    else {
      mkdirSync(join(folder, "node_modules", "@pulumi"), { recursive: true });
      symlinkSync(join(packages, sdk), join(folder, "node_modules", "@pulumi", "pulumi"));
      symlinkSync(join(packages, "typescript"), join(folder, "node_modules", "typescript"));
    }
    mkdirSync(join(folder, ".state"), { recursive: true });
    return new TestProject(folder);
  }

  /** A project whose stack `dev` exists. Making one derives a key, which takes far longer than to copy what it made. */
  static withStack(files: Record<string, string>): TestProject {
    const project = TestProject.create(files);
    const key = files["Pulumi.yaml"] ?? "";
    let made = initialised.get(key);
    if (made === undefined) {
      const args = ["stack", "init", "dev", "--non-interactive"];
      const { status, stderr } = spawnSync(COMMAND, args, { cwd: project.folder, env: project.env, encoding: "utf8" });
      if (status !== 0) throw new Error(`pulumi ${args.join(" ")} failed:\n${stderr}`);
      const entries = readdirSync(project.path(".state"), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(project.folder, join(entry.parentPath, entry.name)));
      made = Object.fromEntries([...entries, "Pulumi.dev.yaml"].map((name) => [name, project.read(name)]));
      initialised.set(key, made);
      return project;
    }
    for (const [name, text] of Object.entries(made)) {
      mkdirSync(dirname(project.path(name)), { recursive: true });
      project.write(name, text);
    }
    return project;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  read(name: string): string {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), "utf8") : "";
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  get env(): NodeJS.ProcessEnv {
    const { PATH = "", LANG } = process.env;
    return {
      // The real CLI finds its language host beside itself.
      PATH: REAL === undefined ? PATH : `${dirname(REAL)}${delimiter}${PATH}`,
      LANG,
      HOME: this.path(".home"),
      PULUMI_HOME: this.path(".home"),
      PULUMI_BACKEND_URL: `file://${this.path(".state")}`,
      PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NO_COLOR: "1",
    };
  }

  start(args: readonly string[], env: NodeJS.ProcessEnv = {}, command: string = COMMAND): Started {
    const child = spawn(command, args, {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const result = new Promise<Result>((done, fail) => {
      child.once("error", fail);
      child.once("close", (code, signal) => done({ code, signal, stdout, stderr }));
    });
    return { process: child, result, output: () => stdout + stderr };
  }

  async run(args: readonly string[], env: NodeJS.ProcessEnv = {}, command = COMMAND): Promise<Result> {
    return this.start(args, env, command).result;
  }

  /** Runs a command that must succeed. */
  async must(args: readonly string[], env: NodeJS.ProcessEnv = {}, command = COMMAND): Promise<Result> {
    const result = await this.run(args, env, command);
    if (result.code !== 0) throw new Error(`pulumi ${args.join(" ")} failed:\n${result.stdout}\n${result.stderr}`);
    return result;
  }

  /** Runs a script of the project. */
  async node(...args: string[]): Promise<Result> {
    return this.run(args, {}, process.execPath);
  }

  stateFile(project: string, stack: string): string {
    return this.path(".state", ".pulumi", "stacks", project, `${stack}.json`);
  }

  state(project: string, stack: string): StateFile {
    return JSON.parse(readFileSync(this.stateFile(project, stack), "utf8")) as StateFile;
  }

  locks(project: string, stack: string): string[] {
    const folder = this.path(".state", ".pulumi", "locks", "organization", project, stack);
    return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  }

  history(project: string, stack: string): Record<string, unknown>[] {
    const folder = this.path(".state", ".pulumi", "history", project, stack);
    if (!existsSync(folder)) return [];
    const files = readdirSync(folder).filter((name) => name.endsWith(".history.json"));
    return files.sort().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Record<string, unknown>);
  }
}

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
  readonly [field: string]: unknown;
}

export interface StateFile {
  readonly version: number;
  readonly checkpoint: {
    readonly latest?: {
      readonly resources?: readonly StateResource[];
      readonly pending_operations?: readonly { readonly type: string; readonly resource: StateResource }[];
    };
  };
}

/** Waits for something that another process does. */
export async function until(what: string, holds: () => boolean, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** The processes whose command line names a folder. */
export function processesNaming(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text) ||
          readFileSync(`/proc/${pid}/environ`, "utf8").includes(text)
        );
      } catch {
        return false;
      }
    })
    .map(Number)
    .filter((pid) => pid !== process.pid);
}
