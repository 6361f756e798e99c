/** The commands of an example's README, run as they stand there: on the embedded engine and an emulated account. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINE, type Project, REPOSITORY, type Run } from "../support/project";

/** The shell commands below a heading of an example's README. */
export function commandsOf(example: string, heading: string): string {
  const readme = readFileSync(join(REPOSITORY, "examples", example, "README.md"), "utf8");
  const [, section = ""] = readme.split(`\n## ${heading}\n`);
  const [, commands] = /```sh\n([\s\S]*?)```/.exec(section) ?? [];
  if (commands === undefined) throw new Error(`examples/${example}/README.md has no commands below "${heading}"`);
  return commands;
}

/**
 * Runs the commands below a heading. What stands for somebody's own (`r006-...`) is taken from `values`, by setting; every
 * other word is as in the README.
 */
export async function runReadme(
  project: Project,
  example: string,
  heading: string,
  values: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const lines = commandsOf(example, heading)
    .split("\n")
    // The variables of the emulator are in the environment already.
    .filter((line) => !line.startsWith("export "))
    .map((line) => {
      const [, key = ""] = /^pulumi config set (\w+) .*\.\.\./.exec(line) ?? [];
      if (key === "") return line;
      const value = values[key];
      if (value === undefined) throw new Error(`no value for "${key}" of examples/${example}`);
      return `pulumi config set ${key} '${value}'`;
    });
  const commands = join(project.folder, "commands");
  mkdirSync(commands, { recursive: true });
  // The packages are there already, and nobody is there to answer.
  write(commands, "npm", '[ "$*" = install ] && [ -d node_modules ]');
  write(
    commands,
    "pulumi",
    `case $1 in up | destroy) set -- "$@" --yes --skip-preview;; esac\nexec "${ENGINE}" "$@" --non-interactive`,
  );
  return project.start("sh", ["-euc", `PATH=${commands}:$PATH\n${lines.join("\n")}`]).done;
}

function write(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
