/** A demo that stays up: its folder, whose name says which process it belongs to, and how others get to work on it. */
import { lstatSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { USER_SETTINGS } from "./demo-project";
import { exportLines } from "./shell";

const PREFIX = "vpc-identity-kept-demo-";
const ENVIRONMENT_FILE = "env.sh";

/** What somebody who wants to work on a kept demo has to know. */
export interface Kept {
  readonly pid: number;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Variables of this process that would get in the way of `env`. */
  readonly unset: readonly string[];
}

/** A folder of this process's own, for its user only. */
export const keepFolder = (): string => mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));

/** What there is to say when this user's demo is up already. */
export function livingDemo(): string | undefined {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(/^\d+/.exec(name.slice(PREFIX.length))?.[0]);
    if (!name.startsWith(PREFIX) || !isAlive(pid)) continue;
    const folder = join(tmpdir(), name);
    const { uid } = lstatSync(folder, { throwIfNoEntry: false }) ?? {};
    if (uid !== process.getuid?.()) continue;
    return `a demo is up already: process ${pid}, folder ${folder}\n  use it:  . ${join(folder, ENVIRONMENT_FILE)}\n  end it:  kill ${pid}`;
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The environment of a kept demo, which is also written to its folder. */
export function keptEnvironment(folder: string, env: Readonly<Record<string, string>>): Pick<Kept, "env" | "unset"> {
  // IBM's clients and Pulumi would take these first.
  const unset = Object.keys(process.env).filter((name) => USER_SETTINGS.test(name) && !(name in env));
  writeFileSync(join(folder, ENVIRONMENT_FILE), shellLines({ env, unset }), { mode: 0o600 });
  return { env, unset };
}

function shellLines({ env, unset }: Pick<Kept, "env" | "unset">): string {
  return unset.map((name) => `unset ${name}\n`).join("") + exportLines(env);
}

/** For people: the lines to copy, and what to do with them. */
export function toldKept(kept: Kept): string {
  const { folder, pid } = kept;
  return `
The account, the stack and the server stay up; their state is in ${folder}
In another terminal:

${shellLines(kept)}
or: . ${join(folder, ENVIRONMENT_FILE)}
then, for example: node_modules/.bin/vpc-identity output; node_modules/.bin/vpc-identity destroy --yes
Ctrl-C here, or kill ${pid}, ends it and removes the folder.
`;
}
