/**
 * The cold start of an example program, in the ways that users run one: TypeScript that is type-checked at each start (as
 * Pulumi does unless told otherwise), TypeScript that is only stripped of its types, and JavaScript compiled before.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import { Project, seededConfig } from "../support/project";
import { print, readOptions, round, seconds } from "./report";
import { type Cost, environmentOf, inCloud, run, withProject } from "./stack";

const EXAMPLE = "linked-instance";

const WAYS: readonly { readonly name: string; readonly prepare: (project: Project) => void }[] = [
  { name: "JavaScript, compiled before", prepare: compile },
  { name: "TypeScript, not type-checked", prepare: () => undefined },
  {
    name: "TypeScript",
    prepare: (project) => void (project.env = { ...project.env, PULUMI_NODEJS_TRANSPILE_ONLY: "false" }),
  },
];

function compile({ cwd }: Project): void {
  const source = join(cwd, "index.ts");
  const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2020, esModuleInterop: true };
  writeFileSync(join(cwd, "index.js"), transpileModule(readFileSync(source, "utf8"), { compilerOptions }).outputText);
  rmSync(source);
  const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")) as object;
  writeFileSync(join(cwd, "package.json"), JSON.stringify({ ...manifest, main: "index.js" }));
  // Where there is one, Pulumi's runner loads the compiler.
  rmSync(join(cwd, "tsconfig.json"));
}

/** A preview calls nothing and makes nothing: what it takes is the start of engine, program and provider. */
async function preview(prepare: (project: Project) => void, rounds: number): Promise<Cost> {
  return inCloud({}, (emulator) => {
    const project = Project.ofExample(EXAMPLE, environmentOf(emulator));
    const config = Object.entries(seededConfig(emulator)).map(
      ([key, value]) => `  ${EXAMPLE}:${key}: ${JSON.stringify(value)}`,
    );
    writeFileSync(join(project.cwd, "Pulumi.dev.yaml"), `config:\n${config.join("\n")}\n`);
    prepare(project);
    return withProject(project, async () => {
      const costs: Cost[] = [];
      while (costs.length < rounds) costs.push(await run(project, ["preview", "--stack", "dev"]));
      return costs.reduce((best, one) => (one.wallMs < best.wallMs ? one : best));
    });
  });
}

/** `--quick`: the first and the last way once, in place of all, the best of three. */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const rows: (string | number)[][] = [];
  for (const { name, prepare } of options.quick ? [WAYS.at(0), WAYS.at(-1)].filter((way) => way !== undefined) : WAYS) {
    const { wallMs, uses } = await preview(prepare, options.quick ? 1 : 3);
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
    goals: [],
  });
}
