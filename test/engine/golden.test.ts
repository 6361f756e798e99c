/**
 * Replays what the real CLI was recorded doing (testdata/golden/README.md) and compares each step: exit code, provider calls, state,
 * pending operations, outputs, locks, history and summary. Once with everything in parallel, once one after the other, where order counts.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { normalState } from "./support/normal-state";
import { PASSPHRASE, TestProject, until, type Result } from "./support/engine";

const DATA = join(__dirname, "testdata", "golden");
const PROJECT = "scenario";
const STACK = "dev";
const PARALLEL_COMMANDS = new Set(["up", "preview", "refresh", "destroy"]);

interface Outcome {
  readonly exitCode: number | "killed";
  readonly opsLog: readonly string[];
}

interface GoldenStep {
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

const steps = readdirSync(join(DATA, "steps"))
  .sort()
  .map((file) => JSON.parse(readFileSync(join(DATA, "steps", file), "utf8")) as GoldenStep);

function prepare(project: TestProject, step: GoldenStep, sequential: boolean): void {
  for (const name of step.files?.touch ?? []) writeFileSync(project.path(name), "");
  for (const name of step.files?.remove ?? []) rmSync(project.path(name), { force: true });
  if (step.spec !== undefined) {
    const order = sequential && step.spec.throw !== true ? { sequential: true } : {};
    project.write("spec.json", JSON.stringify({ ...step.spec, ...order }));
  }
  project.write("ops.log", "");
}

async function perform(project: TestProject, step: GoldenStep, extra: readonly string[]): Promise<Result> {
  const started = project.start([...step.command, ...extra]);
  if (step.kill !== undefined) {
    const { after } = step.kill;
    await until(`the provider call "${after}"`, () => project.read("ops.log").includes(after));
    started.process.kill("SIGKILL");
  }
  return started.result;
}

function exitKind(code: number | "killed" | null): string {
  return code === 0 ? "done" : code === "killed" ? "killed" : "failed";
}

function opsLog(project: TestProject): string[] {
  return project.read("ops.log").split("\n").filter(Boolean);
}

/** Deletes of one wave have no order among each other. */
function withSortedDeletes(lines: readonly string[]): string[] {
  const result: string[] = [];
  let run: string[] = [];
  for (const line of [...lines, ""]) {
    if (line.startsWith("delete ")) {
      run.push(line);
      continue;
    }
    result.push(...run.sort());
    run = [];
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

async function outputsOf(project: TestProject): Promise<unknown> {
  const { code, stdout } = await project.run(["stack", "output", "--json", "--show-secrets", "--stack", STACK]);
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
async function aftermath(project: TestProject, serial: boolean, stdout: string): Promise<Record<string, unknown>> {
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
    stackOutputs: await outputsOf(project),
  };
}

function expected({ state, history, summary, stackOutputs }: GoldenStep["expect"]): Record<string, unknown> {
  return { state, history, summary, stackOutputs };
}

describe.each([
  { order: "in parallel", serial: false },
  { order: "one after the other", serial: true },
])("recorded steps $order", ({ serial }) => {
  let project: TestProject;
  let broken: string | undefined;

  beforeAll(() => {
    project = TestProject.create(join(DATA, "program"));
  });

  afterAll(() => project.remove());

  test.each(steps)("$name", async (step) => {
    // Each step builds on the one before.
    expect(broken).toBeUndefined();
    broken = step.name;
    prepare(project, step, serial);
    const extra = serial && PARALLEL_COMMANDS.has(step.command[0] ?? "") ? ["--parallel", "1"] : [];
    const { code, signal, stdout, stderr } = await perform(project, step, extra);
    const { expect: golden } = step;
    const shown = stdout + stderr;
    const outcome = serial ? golden.serial : golden;

    expect({ exit: exitKind(signal === null ? code : "killed"), shown }).toMatchObject({
      exit: exitKind(outcome.exitCode),
    });
    for (const text of step.says ?? []) expect(shown).toContain(text);
    const calls = opsLog(project);
    expect(serial ? withSortedDeletes(calls) : calls.sort()).toEqual(outcome.opsLog);
    expect(project.locks(PROJECT, STACK)).toHaveLength(golden.locks);

    expect(await aftermath(project, serial, signal === null ? stdout : "")).toEqual(
      serial ? { order: golden.serial.resourceOrder } : expected(golden),
    );
    broken = undefined;
  });
});
