/** Projects with a stack, where a page has nothing to say of how it is made. One is made, and its files are written to the others. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Project } from "../support/project";

/** Contents of a stack's files, by their path in the project's temporary folder. */
let made: Promise<ReadonlyMap<string, string>> | undefined;

/** A project whose whole program is `program`, with an empty stack `dev`. */
export async function projectWithStack(program: string, env: Readonly<Record<string, string>>): Promise<Project> {
  const files = await (made ??= makeStack());
  const project = Project.ofProgram(program, { ...env });
  for (const [path, content] of files) {
    mkdirSync(dirname(join(project.folder, path)), { recursive: true });
    writeFileSync(join(project.folder, path), content);
  }
  return project;
}

async function makeStack(): Promise<ReadonlyMap<string, string>> {
  const project = Project.ofProgram("", {});
  try {
    const { exitCode, output } = await project.engine("stack", "init", "dev", "--no-select");
    if (exitCode !== 0) throw new Error(output);
    const state = readdirSync(join(project.folder, "state"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    const paths = [...state, join(project.cwd, "Pulumi.dev.yaml")];
    return new Map(paths.map((path) => [path.slice(project.folder.length), readFileSync(path, "utf8")]));
  } finally {
    project.remove();
  }
}
