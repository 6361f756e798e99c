/** The steps that the real CLI was recorded doing (testdata/golden/README.md): how to repeat one, and what to compare afterwards. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMMAND, EMBEDDED, PASSPHRASE, processesNaming, type Result, type TestProject, until } from "./engine";
import { normalState } from "./normal-state";

const DATA = join(__dirname, "..", "testdata", "golden");
export const GOLDEN_PROGRAM = join(DATA, "program");
const PROJECT = "scenario";
const STACK = "dev";
const PARALLEL_COMMANDS = new Set(["up", "preview", "refresh", "destroy"]);

interface Outcome {
  readonly exitCode: number | "killed";
  readonly opsLog: readonly string[];
}

export interface GoldenStep {
  readonly name: string;
  readonly command: readonly string[];
  readonly spec?: Record<string, unknown>;
  readonly files?: { readonly touch?: readonly string[]; readonly remove?: readonly string[] };
  readonly says?: readonly string[];
  readonly kill?: { readonly after: string };
  readonly expect: Outcome & {
    readonly state: Record<string, unknown> | null;
    readonly pendingOperations: readonly { readonly type: string; readonly urn: string }[];
    readonly stackOutputs: Record<string, unknown> | null;
    readonly locks: number;
    readonly history: Record<string, unknown> | null;
    readonly summary: Record<string, number> | null;
    readonly serial: Outcome & { readonly resourceOrder: readonly string[] };
  };
}

export const goldenSteps: readonly GoldenStep[] = readdirSync(join(DATA, "steps"))
  .sort()
  .map((file) => JSON.parse(readFileSync(join(DATA, "steps", file), "utf8")) as GoldenStep);

function prepare(project: TestProject, step: GoldenStep, serial: boolean): void {
  for (const name of step.files?.touch ?? []) writeFileSync(project.path(name), "");
  for (const name of step.files?.remove ?? []) rmSync(project.path(name), { force: true });
  if (step.spec !== undefined) {
    const order = serial && step.spec.throw !== true ? { sequential: true } : {};
    project.write("spec.json", JSON.stringify({ ...step.spec, ...order }));
  }
  project.write("ops.log", "");
}

async function run(project: TestProject, step: GoldenStep, extra: readonly string[], command: string): Promise<Result> {
  const started = project.start([...step.command, ...extra], {}, command);
  if (step.kill !== undefined) {
    const { after } = step.kill;
    await until(`the provider call "${after}"`, () => project.read("ops.log").includes(after));
    started.process.kill("SIGKILL");
    // The embedded engine's children end with it; the real one's have to be ended.
    if (command === COMMAND) for (const pid of processesNaming(project.folder)) killQuietly(pid);
  }
  return started.result;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** The embedded engine claims the version that was recorded, and so its exit codes; a CLI of another version may have others. */
function exitOf(code: number | "killed" | null, command: string): unknown {
  return command === EMBEDDED || code === 0 || code === "killed" ? code : "failed";
}

/** Deletes of one wave have no order among each other. */
function withSortedDeletes(lines: readonly string[]): string[] {
  const result: string[] = [];
  let wave: string[] = [];
  for (const line of [...lines, ""]) {
    if (line.startsWith("delete ")) {
      wave.push(line);
      continue;
    }
    result.push(...wave.sort());
    wave = [];
    if (line !== "") result.push(line);
  }
  return result;
}

function summaryOf(output: string): Record<string, number> | null {
  const lines = output.split("\n");
  const start = lines.lastIndexOf("Resources:");
  if (start < 0) return null;
  const counts: Record<string, number> = {};
  for (const line of lines.slice(start + 1)) {
    if (!line.startsWith("    ")) break;
    for (const part of line.trim().split(". ")) {
      const [, sign = "", count = "0", words = ""] = /^([+~<>-]*)\s*(\d+) (.*)$/.exec(part) ?? [];
      counts[`${sign} ${words}`.trim()] = Number(count);
    }
  }
  return counts;
}

async function outputsOf(project: TestProject, command: string): Promise<unknown> {
  const args = ["stack", "output", "--json", "--show-secrets", "--stack", STACK];
  const { code, stdout } = await project.run(args, {}, command);
  return code === 0 ? (JSON.parse(stdout) as unknown) : null;
}

function lastHistory(project: TestProject): Record<string, unknown> | null {
  const entries = project.history(PROJECT, STACK);
  const last = entries.at(-1);
  if (last === undefined) return null;
  const { kind, result, resourceChanges } = last;
  return { count: entries.length, kind, result, resourceChanges };
}

/** What a step leaves: one after the other the order of resources, in parallel everything else. */
async function aftermath(project: TestProject, serial: boolean, stdout: string, command: string): Promise<object> {
  const exists = existsSync(project.stateFile(PROJECT, STACK));
  if (serial) {
    const resources = exists ? (project.state(PROJECT, STACK).checkpoint.latest?.resources ?? []) : [];
    return { order: resources.map((resource) => resource.urn) };
  }
  const text = project.read(`.state/.pulumi/stacks/${PROJECT}/${STACK}.json`);
  return {
    state: exists ? normalState(JSON.parse(text) as Parameters<typeof normalState>[0], PASSPHRASE) : null,
    history: lastHistory(project),
    summary: summaryOf(stdout),
    stackOutputs: await outputsOf(project, command),
  };
}

export interface Comparison {
  /** What the real CLI did. */
  readonly recorded: Readonly<Record<string, unknown>>;
  /** The same of this run. */
  readonly seen: Readonly<Record<string, unknown>>;
  /** What the command printed, for the message of a failure. */
  readonly shown: string;
}

/** Repeats a step. In `serial` order matters, and everything but it otherwise. */
export async function repeatStep(
  project: TestProject,
  step: GoldenStep,
  settings: { readonly serial: boolean; readonly command?: string },
): Promise<Comparison> {
  const { serial, command = COMMAND } = settings;
  prepare(project, step, serial);
  const extra = serial && PARALLEL_COMMANDS.has(step.command[0] ?? "") ? ["--parallel", "1"] : [];
  const { code, signal, stdout, stderr } = await run(project, step, extra, command);
  const shown = stdout + stderr;
  const { expect: golden } = step;
  const outcome = serial ? golden.serial : golden;
  const calls = project.read("ops.log").split("\n").filter(Boolean);
  const { state, history, summary, stackOutputs } = golden;
  return {
    recorded: {
      exit: exitOf(outcome.exitCode, command),
      calls: outcome.opsLog,
      locks: golden.locks,
      unsaid: [],
      ...(serial ? { order: golden.serial.resourceOrder } : { state, history, summary, stackOutputs }),
    },
    seen: {
      exit: exitOf(signal === null ? code : "killed", command),
      calls: serial ? withSortedDeletes(calls) : calls.sort(),
      locks: project.locks(PROJECT, STACK).length,
      unsaid: (step.says ?? []).filter((text) => !shown.includes(text)),
      ...(await aftermath(project, serial, signal === null ? stdout : "", command)),
    },
    shown,
  };
}

/** Fails with the first difference, and with what the command printed. */
export function expectAsRecorded({ recorded, seen, shown }: Comparison): void {
  try {
    expect(seen).toEqual(recorded);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\nThe command printed:\n${shown}`);
  }
}
