/**
 * A stack that is measured: a project in a temporary folder, run by the engine's command in a process of its own, with what
 * each run took and what it asked of the cloud. Nothing outlives a benchmark, also not one that is interrupted.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../emulator";
import { ENGINE, Project, REPOSITORY, seededConfig } from "../support/project";
import { type Calls, routeOf } from "./calls";
import { cpuSecondsOf, EngineWatch, type Uses } from "./processes";

/** Longer than this no operation takes: what hangs is killed, and the benchmark fails. */
const LONGEST_RUN_MS = 600_000;

export interface Cost {
  readonly wallMs: number;
  readonly cpuSeconds: number;
  readonly uses: Uses;
}

/** One run of the engine with a cloud: what it asked there, by route, and what it left behind. */
export interface Phase extends Cost {
  readonly name: string;
  readonly calls: Calls;
  readonly stateBytes: number;
}

const undo = new Set<() => void>();

/** What is to be undone whatever happens: called at the end, or when somebody presses Ctrl-C. */
function undoable(work: () => void): () => void {
  const once = (): void => {
    if (undo.delete(once)) work();
  };
  undo.add(once);
  return once;
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  // Not once: on a terminal the signal comes twice, from there and from `npm run bench`.
  process.on(signal, () => {
    try {
      for (const work of [...undo].reverse()) work();
    } finally {
      process.exit(code);
    }
  });
}

/** Does `work` with a project that has a stack `dev`; the project is removed afterwards. */
export async function withStack<T>(project: Project, work: (project: Project) => Promise<T>): Promise<T> {
  return withProject(project, async () => {
    await run(project, ["stack", "init", "dev"]);
    return work(project);
  });
}

/** Does `work` with a project, which is removed afterwards. */
export async function withProject<T>(project: Project, work: (project: Project) => Promise<T>): Promise<T> {
  const remove = undoable(() => project.remove());
  // ts-node keeps what it has compiled there, to be found by later projects.
  project.env = { ...project.env, TMPDIR: project.folder };
  try {
    return await work(project);
  } finally {
    remove();
  }
}

/** A copy of an example whose stack `dev` is configured for what an emulator has. */
export function exampleProject(name: string, emulator: Emulator): Project {
  const project = Project.ofExample(name, environmentOf(emulator));
  const config = Object.entries(seededConfig(emulator)).map(
    ([key, value]) => `  ${name}:${key}: ${JSON.stringify(value)}`,
  );
  writeFileSync(join(project.cwd, "Pulumi.dev.yaml"), `config:\n${config.join("\n")}\n`);
  return project;
}

/** A project whose program is JavaScript, which no compiler has to look at before it starts. */
export function javaScriptProject(program: string, env: Record<string, string> = {}): Project {
  const project = new Project(env);
  mkdirSync(project.cwd);
  writeFileSync(join(project.cwd, "Pulumi.yaml"), "name: bench\nruntime: nodejs\n");
  writeFileSync(join(project.cwd, "package.json"), '{ "name": "bench", "private": true, "main": "index.js" }\n');
  writeFileSync(join(project.cwd, "index.js"), program);
  symlinkSync(join(REPOSITORY, "node_modules"), join(project.cwd, "node_modules"), "dir");
  return project;
}

/** Runs the engine, or what `PULUMI` names, to its end. */
export const run = (project: Project, args: readonly string[]): Promise<Cost> =>
  runCommand(project, process.env.PULUMI ?? ENGINE, [...args, "--non-interactive"]);

/**
 * Runs a command to its end; one that ends badly, or not in time, is an error with what it said. `signal`: what ends one that
 * is not to go on.
 */
export async function runCommand(
  project: Project,
  command: string,
  args: readonly string[],
  signal: "SIGKILL" | "SIGTERM" = "SIGKILL",
): Promise<Cost> {
  const started = performance.now();
  const { child, done } = project.start(command, args);
  const watch = new EngineWatch(child.pid ?? 0);
  const end = undoable(() => child.kill(signal));
  const timer = setTimeout(end, LONGEST_RUN_MS);
  const { exitCode, output } = await done.finally(() => {
    clearTimeout(timer);
    end();
  });
  const wallMs = Math.round(performance.now() - started);
  const uses = watch.stop();
  if (exitCode !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${String(exitCode)}:\n${output}`);
  return { wallMs, cpuSeconds: cpuSecondsOf(uses), uses };
}

/** A run of the stack `dev` with what it asked of the emulator. */
export async function phase(
  name: string,
  project: Project,
  emulator: Emulator,
  args: readonly string[],
): Promise<Phase> {
  const before = emulator.journal().at(-1)?.index ?? -1;
  const cost = await run(project, [...args, "--stack", "dev"]);
  const calls: Record<string, number> = {};
  for (const { index, method, path } of emulator.journal()) {
    if (index > before) calls[routeOf(method, path)] = (calls[routeOf(method, path)] ?? 0) + 1;
  }
  return { name, ...cost, calls, stateBytes: stateOf(project).bytes };
}

/** Bytes of the state file, and of the user data in it. */
export function stateOf(project: Project): {
  readonly bytes: number;
  readonly userDataBytes: number;
  readonly resources: number;
} {
  const stacks = join(project.folder, "state", ".pulumi", "stacks");
  const [file] = readdirSync(stacks).map((name) => join(stacks, name, "dev.json"));
  if (file === undefined) throw new Error(`there is no state in ${stacks}`);
  const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as {
    checkpoint: { latest?: { resources?: { inputs?: { userData?: unknown } }[] } };
  };
  const resources = checkpoint.latest?.resources ?? [];
  const userData = resources.map(({ inputs }) => (typeof inputs?.userData === "string" ? inputs.userData : ""));
  const userDataBytes = userData.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)) - 2, 0);
  return { bytes: statSync(file).size, userDataBytes, resources: resources.length };
}

/** The variables that point a program at an emulator. */
export const environmentOf = ({ apiKey, region, url }: Emulator): Record<string, string> => ({
  IBMCLOUD_API_KEY: apiKey,
  IBMCLOUD_REGION: region,
  IBMCLOUD_IAM_API_ENDPOINT: url,
  IBMCLOUD_IS_NG_API_ENDPOINT: `${url}/v1`,
});

/** A cloud of its own for each measurement, so that one cannot disturb the next. */
export async function inCloud<T>(options: EmulatorOptions, work: (emulator: Emulator) => Promise<T>): Promise<T> {
  const emulator = await startEmulator(options);
  try {
    return await work(emulator);
  } finally {
    await emulator.close();
  }
}
