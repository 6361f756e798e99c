/** A Pulumi project in a temporary folder, run by the embedded engine against an emulated account: as a user has it. */
import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

export { seededConfig } from "../../cli/demo-project";

export const REPOSITORY = join(__dirname, "..", "..");
export const CLI = join(REPOSITORY, "dist", "cli", "main.js");
export const ENGINE = join(REPOSITORY, "engine", "bin", "pulumi");

export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams in the order they came: what a person sees. */
  readonly output: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Run>;
}

export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "vpc-identity-e2e-"));
  readonly cwd = join(this.folder, "project");
  env: NodeJS.ProcessEnv;

  constructor(env: Record<string, string>) {
    mkdirSync(join(this.folder, "state"));
    this.env = {
      PATH: process.env.PATH,
      HOME: this.folder,
      PULUMI_HOME: join(this.folder, "home"),
      PULUMI_BACKEND_URL: `file://${join(this.folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
      ...env,
    };
  }

  /** A copy of an example; edits to it stay in the temporary folder. */
  static ofExample(name: string, env: Record<string, string>): Project {
    const project = new Project(env);
    cpSync(join(REPOSITORY, "examples", name), project.cwd, {
      recursive: true,
      filter: (path) => basename(path) !== "node_modules" && !/Pulumi\.\w+\.yaml$/.test(path),
    });
    symlinkSync(join(REPOSITORY, "node_modules"), join(project.cwd, "node_modules"), "dir");
    return project;
  }

  /** A project whose whole program is `program`. */
  static ofProgram(program: string, env: Record<string, string>): Project {
    const project = new Project(env);
    mkdirSync(project.cwd);
    writeFileSync(join(project.cwd, "Pulumi.yaml"), "name: program\nruntime: nodejs\n");
    writeFileSync(join(project.cwd, "package.json"), '{ "name": "program", "main": "index.ts" }\n');
    writeFileSync(
      join(project.cwd, "tsconfig.json"),
      '{ "compilerOptions": { "strict": true, "module": "commonjs", "moduleResolution": "node", "target": "es2020" } }\n',
    );
    symlinkSync(join(REPOSITORY, "node_modules"), join(project.cwd, "node_modules"), "dir");
    project.program(program);
    return project;
  }

  program(text: string): void {
    writeFileSync(join(this.cwd, "index.ts"), text);
  }

  start(command: string, args: readonly string[], input = ""): Running {
    const child = spawn(command, args, { cwd: this.cwd, env: this.env, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.end(input);
    let [stdout, stderr, output] = ["", "", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => ((stdout += text), (output += text)));
    child.stderr.setEncoding("utf8").on("data", (text: string) => ((stderr += text), (output += text)));
    const done = new Promise<Run>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr, output }));
    });
    return { child, done };
  }

  cli(...args: string[]): Promise<Run> {
    return this.start(process.execPath, [CLI, ...args]).done;
  }

  engine(...args: string[]): Promise<Run> {
    return this.start(ENGINE, [...args, "--non-interactive"]).done;
  }

  up(): Promise<Run> {
    return this.engine("up", "--yes", "--skip-preview", "--stack", "dev");
  }

  async resources(): Promise<StateResource[]> {
    const { stdout } = await this.engine("stack", "export", "--stack", "dev");
    return (JSON.parse(stdout) as { deployment: { resources?: StateResource[] } }).deployment.resources ?? [];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
}

/** Resolves when `condition` holds; rejects, saying what it waited for, when that takes too long. */
export async function until(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
