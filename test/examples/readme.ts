/** The commands of an example's README, run as they stand there: on the embedded engine and an emulated account. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINE, type Project, REPOSITORY, type Run } from "../support/project";

/** The first block of a language below a heading of an example's README. */
export function blockOf(example: string, heading: string, language: string): string {
  const readme = readFileSync(join(REPOSITORY, "examples", example, "README.md"), "utf8");
  const [, rest = ""] = readme.split(`\n## ${heading}\n`);
  const [section = ""] = rest.split("\n## ");
  const [, block] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(section) ?? [];
  if (block === undefined) throw new Error(`examples/${example}/README.md has no ${language} below "${heading}"`);
  return block;
}

/**
 * The shell commands below a heading. What stands for somebody's own (`r006-...`) is taken from `values`, by setting; every
 * other word is as in the README.
 */
function commandsOf(example: string, heading: string, values: Readonly<Record<string, string>>): string[] {
  return blockOf(example, heading, "sh")
    .split("\n")
    .map((line) =>
      line.startsWith("export ")
        ? "" // The variables of the emulator are in the environment already.
        : line.replace(/(?:(?<=config set )(\w+) |(?<= )(\w+)=)\S*\.\.\.\S*/g, (text, key?: string, word = "") => {
            const name = key ?? String(word);
            const value = values[name];
            if (value === undefined) throw new Error(`no value for "${name}" of examples/${example}`);
            return `${name}${text.charAt(name.length)}'${value}'`;
          }),
    );
}

/** The settings that the commands below a heading make; what a shell would have to work out is taken from `values`, too. */
export function settingsOf(
  example: string,
  heading: string,
  values: Readonly<Record<string, string>>,
): Record<string, string> {
  const text = commandsOf(example, heading, values).join("\n");
  const settings = text.matchAll(/(?:config set (\w+) |(?<= )(\w+)=)(?:'([^']*)'|"\$\(.*\)"|(\S+))/g);
  return Object.fromEntries(
    Array.from(settings, ([, set, word, quoted, plain]) => {
      const key = set ?? word ?? "";
      return [key, quoted ?? plain ?? values[key] ?? ""];
    }),
  );
}

/** Runs the commands below a heading, in the project's folder. */
export async function runReadme(
  project: Project,
  example: string,
  heading: string,
  values: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const commands = join(project.folder, "commands");
  mkdirSync(commands, { recursive: true });
  // The packages are there already, and nobody is there to answer.
  write(
    commands,
    "npm",
    '[ "$*" = install ] && [ -d node_modules ] || npm_config_update_notifier=false exec "$(PATH=${PATH#*:} && command -v npm)" "$@"',
  );
  write(
    commands,
    "pulumi",
    `# A package that would be generated is there as well, and a Node program that deploys says itself what it wants.
case $PULUMI_AUTOMATION_API$1 in
  package) exit 0 ;;
  up | destroy) set -- "$@" --yes --skip-preview --non-interactive ;;
esac
exec "${ENGINE}" "$@"`,
  );
  const lines = [`PATH=${commands}:$PATH`, ...commandsOf(example, heading, values)];
  return project.start("sh", ["-euc", lines.join("\n")]).done;
}

function write(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
