/**
 * SIGKILL of the engine, of the program or of the provider, right before or right after one call has its effect. The engine
 * and its children are real processes here; what follows the crash runs in this one.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Emulator, Fault } from "../../emulator";
import { REPOSITORY, type Run } from "../support/project";
import { type Outcome, type PlannedCall, faultAt, nameOfCall, recognise, struckCall, tryAt } from "./calls";
import { type Picture, differences, resourcesOf } from "./picture";
import { type SweptStack, type Undisturbed, WORDS } from "./swept-stack";

export const VICTIMS = ["engine", "program", "provider"] as const;
export type Victim = (typeof VICTIMS)[number];
export const MOMENTS = ["before", "after"] as const;

export interface CrashCase {
  readonly undisturbed: Undisturbed;
  readonly call: PlannedCall;
  readonly victim: Victim;
  readonly moment: (typeof MOMENTS)[number];
}

export const nameOfCrash = (stack: string, { undisturbed, call, victim, moment }: CrashCase): string =>
  `${stack} ${undisturbed.phase}, SIGKILL of the ${victim} ${moment} ${nameOfCall(call)}`;

/** The program is there only while something is deployed. */
export const isThere = ({ victim, undisturbed: { phase } }: CrashCase): boolean =>
  victim !== "program" || phase === "up" || phase === "update";

// Before this process says that another one is its Node.
const NODE = process.execPath;
const ENGINE = join(REPOSITORY, "dist", "engine", "main.js");
const LOOK_MS = 5;

/** What did not hold; undefined when nothing was killed. */
export const playCrash = (swept: SweptStack, crashCase: CrashCase): Promise<readonly string[] | undefined> =>
  tryAt(crashCase.call, (call) => attemptCrash(swept, { ...crashCase, call }));

function attemptCrash(swept: SweptStack, crashCase: CrashCase): Promise<Outcome> {
  const { undisturbed, call, victim } = crashCase;
  const { stack } = swept;
  stack.restore(undisturbed.before);
  const hold = holdOf(crashCase);
  const isCall = recognise(call);
  const blow = { fell: false, strike: (): void => undefined };
  const play = async (emulator: Emulator): Promise<Outcome> => {
    const env = { ...stack.project.env, ...emulator.env, IC_TIMEOUT: "10", PULUMI_DISABLE_CHECKPOINT_BACKUPS: "true" };
    stack.project.env = env;
    const words = [...WORDS[undisturbed.phase], "--stack", "dev", "--non-interactive"];
    const { child, done } = stack.project.start(NODE, [
      "-e",
      `require(${JSON.stringify(ENGINE)}).main(process.argv.slice(1))`,
      "--",
      ...words,
    ]);
    blow.strike = () => {
      blow.fell = kill(child.pid ?? 0, victim);
    };
    if (hold !== undefined && (await isHeld(emulator, done))) blow.strike();
    const crashed = await done;
    // Calls of the recovery may fit as well.
    blow.strike = () => undefined;
    emulator.setFaults([]);
    if (!blow.fell) return { missed: emulator.journal() };
    const problems = [
      ...aftermath(crashCase, crashed),
      ...swept.leaks(emulator, crashed.output),
      ...(await recovery(swept, crashCase, emulator)),
    ];
    return { problems };
  };
  if (hold !== undefined) return swept.withAccount([faultAt(call, hold)], play);
  return swept.withAccount([], play, (entry) => {
    if (isCall(entry)) blow.strike();
  });
}

/**
 * Whoever dies with a call on its way hears nothing of it. A program that dies leaves the calls of others as they are: these
 * must go on, so it is killed while a call waits, or at the moment of its answer.
 */
function holdOf({ victim, moment }: CrashCase): Fault | undefined {
  if (victim !== "program") return { hang: moment };
  return moment === "before" ? { delayMs: 200 } : undefined;
}

/** Waits until the call is being held; false when the command ended before. */
async function isHeld(emulator: Emulator, done: Promise<Run>): Promise<boolean> {
  const state = { over: false };
  void done.then(() => (state.over = true));
  while (!state.over) {
    if ((await struckCall(emulator)) !== undefined) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return false;
}

/** False when it is not there. */
function kill(engine: number, victim: Victim): boolean {
  try {
    const pid = victim === "engine" ? engine : childOf(engine, victim);
    return pid !== undefined && process.kill(pid, "SIGKILL");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

const COMMAND_LINES = { program: "/cmd/run\0", provider: "/cmd/dynamic-provider/" };

function childOf(parent: number, victim: "program" | "provider"): number | undefined {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ").map(Number);
  return children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(COMMAND_LINES[victim]));
}

/** What the command that was struck said. */
function aftermath({ victim }: CrashCase, { exitCode, output }: Run): string[] {
  if (victim === "engine")
    return exitCode === null ? [] : [`the engine was killed and ended with exit code ${exitCode}`];
  const wanted = SAYS[victim];
  const problems = exitCode === 1 ? [] : [`exit code ${String(exitCode)} after a crash:\n${output}`];
  return wanted.test(output) ? problems : [...problems, `it does not say ${String(wanted)}:\n${output}`];
}

const SAYS = {
  program: /Program was ended by SIGKILL/,
  provider: /provider process/,
};

/** Goes on by what the messages say. */
async function recovery(
  swept: SweptStack,
  { undisturbed: { phase, picture }, victim }: CrashCase,
  emulator: Emulator,
): Promise<string[]> {
  const problems: string[] = [];
  const see = (what: string, output: string, wanted: RegExp): void => {
    if (!wanted.test(output)) problems.push(`${what} does not say ${String(wanted)}:\n${output}`);
  };
  if (victim === "engine") {
    const locked = await swept.perform(phase);
    if (locked.exitCode === 0) problems.push("a stack whose engine was killed is not locked");
    see(
      "a locked stack",
      locked.output,
      /that process is gone, so the lock is a left-over[^]*pulumi cancel --stack dev|pulumi cancel --stack dev[^]*that process is gone, so the lock is a left-over/,
    );
    await swept.engine.run("cancel", "--yes");
  }
  const { pending } = resourcesOf(swept.stack.moment().state);
  const again = await swept.perform(phase);
  if (again.exitCode !== 0) problems.push(`again: exit code ${again.exitCode}:\n${again.output}`);
  // Like the real CLI, a destroy says nothing of them: what they left behind is not there for long.
  if (pending.length > 0 && phase !== "destroy") {
    see("the next run", again.output, /with (1|\d+) pending operations? from previous deployment/);
    see("the next run", again.output, /interrupted while (creating|updating|deleting|reading)/);
    see("the next run", again.output, /refresh --clear-pending-creates/);
  }
  const withoutPending = (lines: Picture): Picture => lines.filter((line) => !line.startsWith("pending "));
  problems.push(...differences(withoutPending(swept.picture(emulator)), picture));
  if (resourcesOf(swept.stack.moment().state).pending.length > 0) {
    const cleared = await swept.perform("refresh", "--clear-pending-creates");
    const left = resourcesOf(swept.stack.moment().state).pending.length;
    if (cleared.exitCode !== 0 || left > 0)
      problems.push(`${left} pending operations after it was told to forget them:\n${cleared.output}`);
    // The state is written anew then; the account stays as it is.
    const inAccount = (lines: Picture): Picture => lines.filter((line) => line.startsWith("account "));
    problems.push(...differences(inAccount(swept.picture(emulator)), inAccount(picture)));
  }
  return problems;
}
