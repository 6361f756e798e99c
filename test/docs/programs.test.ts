/** Every program on the pages has right types and can be deployed; what it makes is taken away again without a rest. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ts from "typescript";
import { type Emulator, startEmulator } from "../../emulator";
import { REPOSITORY, seededConfig } from "../support/project";
import { PAGES, blocksOf } from "./markdown";
import { projectWithStack } from "./stack";

// Each run of the engine starts two processes, on a machine that may have others to run.
jest.setTimeout(240_000);

const PROGRAMS = PAGES.flatMap((page) =>
  blocksOf(page)
    .filter(({ language }) => language === "ts")
    .map(({ text, line }) => ({ name: `${page.path}, line ${line}`, text })),
);

/** What the pages say stands for what the reader has. */
const KNOWN = ["vpcId", "subnetId", "zone", "imageId"] as const;

let emulator: Emulator;
let prelude: string;
beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
  const values = seededConfig(emulator);
  const declared = KNOWN.map((name) => `const ${name} = ${JSON.stringify(values[name])};`);
  prelude = declared.join(" ");
});
afterAll(() => emulator.close());

/** On one line, so that lines of an error are lines of the block plus one. */
const whole = (text: string): string =>
  `${text.includes("const zone") ? "" : prelude}\n${text.includes("export ") ? text : `${text}export {};\n`}`;

it("are there", () => expect(PROGRAMS.length).toBeGreaterThan(5));

it("have right types", () => {
  const folder = mkdtempSync(join(tmpdir(), "vpc-identity-docs-"));
  try {
    symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"), "dir");
    const files = PROGRAMS.map(({ text }, index) => {
      const file = join(folder, `program-${index}.ts`);
      writeFileSync(file, whole(text));
      return file;
    });
    const program = ts.createProgram(files, {
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.Node16,
      moduleResolution: ts.ModuleResolutionKind.Node16,
      types: ["node"],
      typeRoots: [join(REPOSITORY, "node_modules", "@types")],
    });
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
      const name = PROGRAMS[files.indexOf(file?.fileName ?? "")]?.name ?? file?.fileName;
      const line = file?.getLineAndCharacterOfPosition(start).line;
      return `${String(name)} +${String(line)}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
    expect(problems).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each(PROGRAMS)("$name", async ({ text }) => {
  const before = emulator.inventory();
  const project = await projectWithStack(whole(text), emulator.env);
  try {
    for (const operation of ["up", "destroy"]) {
      const run = await project.engine(operation, "--yes", "--skip-preview", "--stack", "dev");
      if (run.exitCode !== 0) throw new Error(`${operation} ended with ${String(run.exitCode)}:\n${run.output}`);
    }
    expect(emulator.inventory()).toEqual(before);
  } finally {
    project.remove();
  }
});
