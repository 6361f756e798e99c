/**
 * The cold start of an example program, in the ways that users run one, and how long the demo takes. TypeScript that Pulumi's
 * runner has compiled once is found again in its cache until the program changes: with and without that are two figures.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import { CLI, Project } from "../support/project";
import { fastest, print, readOptions, type Report, round, seconds } from "./report";
import { type Cost, exampleProject, inCloud, run, runCommand, withProject, withStack } from "./stack";

const EXAMPLE = "linked-instance";
const ROUNDS = 3;

interface Way {
  readonly name: string;
  readonly prepare: (project: Project) => void;
  /** Measured in `--quick`, too. */
  readonly quick?: boolean;
}

const WAYS: readonly Way[] = [
  { name: "JavaScript, compiled before", prepare: compile, quick: true },
  { name: "the same, with `typescript: false` in Pulumi.yaml", prepare: compileForGood },
  { name: "TypeScript, not type-checked, nothing cached", prepare: (project) => typeScript(project, {}) },
  { name: "TypeScript, nothing cached", prepare: (project) => typeScript(project, { isChecked: true }), quick: true },
  {
    name: "TypeScript, unchanged since an earlier start",
    prepare: (project) => typeScript(project, { isChecked: true, isCached: true }),
  },
];

function typeScript(project: Project, { isChecked = false, isCached = false }): void {
  project.env = {
    ...project.env,
    PULUMI_NODEJS_TRANSPILE_ONLY: String(!isChecked),
    TS_NODE_CACHE: String(isCached),
  };
}

function compile({ cwd }: Project): void {
  const source = join(cwd, "index.ts");
  const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2020, esModuleInterop: true };
  writeFileSync(join(cwd, "index.js"), transpileModule(readFileSync(source, "utf8"), { compilerOptions }).outputText);
  rmSync(source);
  const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")) as object;
  writeFileSync(join(cwd, "package.json"), JSON.stringify({ ...manifest, main: "index.js" }));
  rmSync(join(cwd, "tsconfig.json"));
}

/** Unless it is told that there is none, Pulumi's runner loads the compiler for every program. */
function compileForGood(project: Project): void {
  compile(project);
  const manifest = join(project.cwd, "Pulumi.yaml");
  const options = "runtime:\n  name: nodejs\n  options:\n    typescript: false\n";
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace("runtime: nodejs\n", options));
}

/** A preview calls nothing and makes nothing: what it takes is the start of engine, program and provider. */
async function preview(prepare: (project: Project) => void, rounds: number): Promise<Cost> {
  return inCloud({}, (emulator) => {
    const project = exampleProject(EXAMPLE, emulator);
    prepare(project);
    return withStack(project, async () => {
      const costs: Cost[] = [];
      while (costs.length < rounds) costs.push(await run(project, ["preview", "--stack", "dev"]));
      return fastest(costs);
    });
  });
}

/** Once: a user sees it once. */
async function demo(): Promise<Report["goals"]> {
  const { wallMs } = await withProject(Project.ofExample(EXAMPLE, {}), (project) =>
    runCommand(project, process.execPath, [CLI, "demo", "--json", "--engine", "embedded"], "SIGTERM"),
  );
  return [{ goal: "the demo from its start to its end", seen: seconds(wallMs), limit: 30, unit: "s" }];
}

/** `--quick`: two ways, once each, and no demo, in place of all, the best of three each. */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const rows: (string | number)[][] = [];
  for (const { name, prepare } of WAYS.filter(({ quick }) => quick === true || !options.quick)) {
    const { wallMs, uses } = await preview(prepare, options.quick ? 1 : ROUNDS);
    rows.push([name, seconds(wallMs), round(uses.program?.cpuSeconds ?? 0, 1)]);
  }
  print(options, {
    tables: [
      {
        title: `\`preview\` of a new stack of examples/${EXAMPLE}, which makes no call, in seconds.`,
        columns: ["program", "wall time", "CPU of the program"],
        rows,
      },
    ],
    goals: options.quick ? [] : await demo(),
  });
}
