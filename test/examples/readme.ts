/** The commands of an example's README, run as they stand there: on the embedded engine and an emulated account. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINE, type Project, REPOSITORY, type Run } from "../support/project";
import { type StandIns, standInFor } from "./stand-ins";

/** A fenced block of a README. */
interface Block {
  readonly heading: string;
  readonly language: string;
  readonly text: string;
  /** Why no test runs it, as the comment before it says: `<!-- not run by a test: <reason> -->`. */
  readonly notRun: string | undefined;
}

/** Whatever calls itself a shell is one: no block is left out because of its language. */
const SHELLS = ["sh", "bash", "shell", "console", "terminal"];

function blocksOf(example: string): Block[] {
  const readme = readFileSync(join(REPOSITORY, "examples", example, "README.md"), "utf8");
  return readme.split("\n## ").flatMap((section) => {
    const heading = section.slice(0, section.indexOf("\n"));
    const fenced = /(?:<!-- not run by a test: ((?:(?!-->)[^])*?) -->\n\n?)?^ *```(\w*).*\n([^]*?)^ *```$/gm;
    const blocks = section.matchAll(fenced);
    return Array.from(blocks, ([, notRun, language = "", text = ""]) => ({ heading, language, text, notRun }));
  });
}

/** Blocks of shell commands of an example's README. */
export const commandBlocks = (example: string): Block[] =>
  blocksOf(example).filter(({ language }) => SHELLS.includes(language));

/** The first block of a language below a heading of an example's README. */
export function blockOf(example: string, heading: string, language: string): string {
  const found = blocksOf(example).find((block) => block.heading === heading && block.language === language);
  if (found === undefined) throw new Error(`examples/${example}/README.md has no ${language} below "${heading}"`);
  return found.text;
}

/**
 * The shell commands below a heading, of all its blocks. What stands for somebody's own (`r006-...`) is taken from `values`,
 * by setting; every other word is as in the README.
 */
function commandsOf(example: string, heading: string, values: Readonly<Record<string, string>>): string[] {
  const blocks = commandBlocks(example).filter((block) => block.heading === heading && block.notRun === undefined);
  if (blocks.length === 0) throw new Error(`examples/${example}/README.md has no commands below "${heading}"`);
  return blocks
    .flatMap(({ text }) => text.split("\n"))
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

/** What the commands of a README are given. */
export interface Surroundings {
  /** What stands for somebody's own, by setting. @default - nothing */
  readonly values?: Readonly<Record<string, string>>;
  /** Commands that reach out of this machine. @default - none */
  readonly standIns?: StandIns;
}

/** Runs the commands below a heading, in the project's folder. */
export async function runReadme(
  project: Project,
  example: string,
  heading: string,
  { values = {}, standIns = {} }: Surroundings,
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
  const standIn = await standInFor(commands, standIns);
  // What a block leaves in the background would outlive a command that fails before the block ends it.
  const trap = "trap '[ -z \"${!:-}\" ] || kill $! 2>/dev/null || :' EXIT";
  const lines = [`PATH=${commands}:$PATH`, trap, ...commandsOf(example, heading, values)];
  try {
    return await project.start("sh", ["-euc", lines.join("\n")]).done;
  } finally {
    await standIn.close();
  }
}

function write(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
