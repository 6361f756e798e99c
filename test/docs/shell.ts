/**
 * The commands of a page, as a reader runs them: one after the other in one shell, in a folder that looks like a clone of this
 * repository. Two things are not as with a reader: what `npm install` would fetch is there already, and nobody is there to
 * answer `pulumi`.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ED25519_KEY } from "../provider/public-keys";
import { ENGINE, Project, REPOSITORY } from "../support/project";
import type { Block } from "./markdown";

export interface Session {
  readonly exitCode: number | null;
  /** Line of the block that was run last. */
  readonly lastLine: number;
  readonly output: string;
}

/** A reader's machine: a clone with its packages, a home folder with an SSH key and an API key, an account. */
export function readersMachine(env: Readonly<Record<string, string>>): Project {
  const project = new Project(env);
  mkdirSync(project.cwd);
  for (const name of readdirSync(REPOSITORY)) {
    if (name.startsWith(".")) continue;
    const [from, to] = [join(REPOSITORY, name), join(project.cwd, name)];
    // Stacks write their settings beside the program.
    if (name === "examples") cpSync(from, to, { recursive: true, filter: (path) => basename(path) !== "node_modules" });
    else symlinkSync(from, to);
  }
  mkdirSync(join(project.folder, ".ssh"));
  writeFileSync(join(project.folder, ".ssh", "id_ed25519.pub"), `${ED25519_KEY} me@laptop\n`);
  writeFileSync(join(project.folder, "apikey.txt"), env.IBMCLOUD_API_KEY ?? "");
  writeFileSync(join(project.folder, "passphrase.txt"), "a passphrase\n");
  const commands = join(project.folder, "commands");
  mkdirSync(commands);
  const command = (name: string, script: string): void => {
    writeFileSync(join(commands, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  command(
    "npm",
    `case $1 in
  ci) [ -d node_modules ]; exit ;;
  install | i) [ -d node_modules ] || exec ln -s "${join(REPOSITORY, "node_modules")}" node_modules; exit ;;
esac
PATH=\${PATH#*:} exec npm "$@"`,
  );
  command(
    "pulumi",
    `case $1 in up | destroy | refresh) set -- "$@" --yes --skip-preview ;; esac
exec "${ENGINE}" "$@" --non-interactive`,
  );
  project.env = {
    ...project.env,
    PATH: `${commands}:${process.env.PATH ?? ""}`,
    npm_config_update_notifier: "false",
    // For a person the default of a minute or two is right; here an account answers at once or never.
    IC_TIMEOUT: "10",
  };
  return project;
}

const MARK = "#block-of-line";

/** Runs blocks; one that names a file is written to it. What they left running is ended. */
export async function runBlocks(project: Project, blocks: readonly Block[]): Promise<Session> {
  const steps = blocks.map(({ line, mark, text }) => {
    const write = mark === "" ? text : `cat > '${mark}' <<'END OF BLOCK'\n${text}END OF BLOCK\n`;
    // What ran before may not have ended its last line.
    return `printf '\\n%s\\n' '${MARK} ${line}'\n${write}`;
  });
  // A process group of its own, so that what runs in the background can be ended with it.
  const child = spawn("sh", ["-euc", steps.join("\n")], {
    cwd: project.cwd,
    env: project.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  // Whatever runs in the background has the shell's standard error, so this is when all of it has ended.
  const closed = new Promise((resolve) => child.on("close", resolve));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  endGroup(child.pid);
  await closed;
  const marks = [...output.matchAll(new RegExp(`^${MARK} (\\d+)$`, "gm"))];
  return { exitCode, output, lastLine: Number(marks.at(-1)?.[1]) };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGTERM");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
