/** The command line of the sweeps: runs them one after the other, prints what each found, and adds it all up. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { STACKS } from "./stacks";
import type { Sweep, SweepResult } from "./sweep";

/** Modules of each sweep, in the order in which they run. */
const SWEEPS: Readonly<Record<string, readonly string[]>> = {
  fault: ["./fault"],
  crash: ["./crash"],
  bootstrap: ["./bootstrap-faults", "./bootstrap-kills"],
  race: ["./race"],
  input: ["./input"],
  leak: ["./leak"],
};

/** Those with a case for each call of each example. */
const OF_EXAMPLES = ["fault", "crash"];

const USAGE = `usage: npm run sweep -- [--samples] [--only <${Object.keys(SWEEPS).join("|")}>]... [--stack <example>]... [--case <text>] [--seed <n>] [--json]`;

interface CommandLine {
  readonly sample: boolean;
  readonly json: boolean;
  readonly only: readonly string[];
  readonly stacks: readonly string[] | undefined;
  readonly case: string | undefined;
  readonly seed: number;
}

/** What is wanted, or everything that is wrong with how it was asked for. */
export function commandLine(args: readonly string[]): CommandLine | string {
  const problems: string[] = [];
  const [only, stacks]: [string[], string[]] = [[], []];
  let [sample, json] = [false, false];
  let [seed, text] = [DEFAULT_SEED, undefined as string | undefined];
  for (let index = 0; index < args.length; index++) {
    const [, name = "", inline] = /^(-[^=]*)(?:=(.*))?$/s.exec(args[index] ?? "") ?? [];
    const value = (): string => inline ?? args[++index] ?? "";
    if (name === "--samples") sample = true;
    else if (name === "--json") json = true;
    else if (name === "--only") {
      const wanted = value();
      if (Object.hasOwn(SWEEPS, wanted)) only.push(wanted);
      else problems.push(`--only is "${wanted}"; ${Object.keys(SWEEPS).join(", ")} are allowed`);
    } else if (name === "--stack") {
      const wanted = value();
      if (STACKS.includes(wanted)) stacks.push(wanted);
      else problems.push(`--stack is "${wanted}"; ${STACKS.join(", ")} are allowed`);
    } else if (name === "--case") {
      text = value();
      if (text === "") problems.push("--case is empty; a part of a case's name is allowed");
    } else if (name === "--seed") {
      const wanted = value();
      if (/^\d{1,9}$/.test(wanted)) seed = Number(wanted);
      else problems.push(`--seed is "${wanted}"; a whole number of up to nine digits is allowed`);
    } else problems.push(`unknown argument "${args[index] ?? ""}"`);
  }
  // The others have neither examples nor names that are known before.
  const chosen = stacks.length > 0 || text !== undefined;
  for (const wanted of chosen ? only.filter((name) => !OF_EXAMPLES.includes(name)) : [])
    problems.push(`--stack and --case go with ${OF_EXAMPLES.join(" and ")}; --only is "${wanted}"`);
  if (problems.length > 0) return problems.join("\n");
  const all = chosen ? OF_EXAMPLES : Object.keys(SWEEPS);
  return {
    sample,
    json,
    only: only.length > 0 ? only : all,
    stacks: stacks.length > 0 ? stacks : undefined,
    case: text,
    seed,
  };
}

/** The same sample every time, unless another is asked for. */
const DEFAULT_SEED = 1;

/** Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const line = commandLine(args);
  if (typeof line === "string") {
    console.error(`${line}\n${USAGE}`);
    return 2;
  }
  const { sample, json, only, stacks, seed, case: caseText } = line;
  const progress = (text: string): void => console.error(`  ${text}`);
  const stopped = new AbortController();
  let interrupts = 0;
  const onSignal = (): void => {
    interrupts += 1;
    if (interrupts > 1) process.exit(130);
    progress("stopping; once more to stop at once");
    stopped.abort();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  // Everything that is made on the way lies in here, however it ends.
  const folder = mkdtempSync(join(tmpdir(), "vpc-identity-sweep-"));
  process.env.TMPDIR = folder;
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  console.error(`${sample ? "a sample of each sweep" : "every sweep in full"}, seed ${seed}`);
  const results: (SweepResult & { readonly seconds: number })[] = [];
  for (const module of only.flatMap((name) => SWEEPS[name] ?? [])) {
    if (stopped.signal.aborted) break;
    const startedMs = Date.now();
    const result = await run(module, {
      sample,
      seed,
      progress,
      signal: stopped.signal,
      ...(stacks === undefined ? {} : { stacks }),
      ...(caseText === undefined ? {} : { caseText }),
    });
    results.push({ ...result, seconds: Math.round((Date.now() - startedMs) / 100) / 10 });
    if (!json) print(results.at(-1) ?? raise(module));
  }
  return conclude(results, { json, seed, sample, interrupted: stopped.signal.aborted });
}

function raise(module: string): never {
  throw new Error(`${module} has no result`);
}

async function run(module: string, options: Parameters<Sweep>[0]): Promise<SweepResult> {
  try {
    const { sweep } = (await import(module)) as { sweep: Sweep };
    return judged(await sweep(options));
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const nothing = { calls: 0, faults: 0, executed: 0, expected: 0, passed: 0, skipped: 0 };
    return { name: module, ...nothing, failed: 1, problems: [{ case: "the sweep itself", text }] };
  }
}

/** A sweep that did less than it had to has failed, however well that went. */
export function judged(result: SweepResult): SweepResult {
  const { executed, skipped, expected, problems } = result;
  if (executed + skipped >= expected && expected > 0) return result;
  const text = expected === 0 ? "there is no such case" : `${executed} cases were executed, ${expected} had to be`;
  return { ...result, failed: result.failed + 1, problems: [...problems, { case: "all of it", text }] };
}

function print(result: SweepResult & { readonly seconds: number }): void {
  const { name, calls, faults, executed, expected, failed, skipped, notApplicable = 0, problems, seconds } = result;
  const rest = notApplicable > 0 ? `, ${notApplicable} not applicable` : "";
  const skips = skipped > 0 ? `, ${skipped} skipped` : "";
  console.log(
    `${failed === 0 ? "ok  " : "FAIL"} ${name}: ${calls} calls x ${faults} faults, ${executed} of ${expected} executed${rest}, ` +
      `${failed} failed${skips} (${seconds} s)`,
  );
  for (const problem of problems)
    console.log(`  ${problem.case}\n    ${problem.text.trimEnd().replaceAll("\n", "\n    ")}`);
}

interface Ending {
  readonly json: boolean;
  readonly seed: number;
  readonly sample: boolean;
  readonly interrupted: boolean;
}

function conclude(results: readonly SweepResult[], { json, seed, sample, interrupted }: Ending): number {
  const sum = (key: "passed" | "failed" | "skipped"): number => results.reduce((all, result) => all + result[key], 0);
  const counts = { passed: sum("passed"), failed: sum("failed") + (interrupted ? 1 : 0), skipped: sum("skipped") };
  if (json) console.log(JSON.stringify({ seed, sample, interrupted, sweeps: results, ...counts }, undefined, 2));
  const file = process.env.SWEEP_COUNTS_FILE;
  if (file !== undefined && isAbsolute(file)) writeFileSync(file, JSON.stringify(counts));
  else if (!json) {
    const skips = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    console.log(`sweep: ${counts.passed} passed, ${counts.failed} failed${skips}`);
  }
  if (interrupted) return 130;
  return counts.failed === 0 ? 0 : 1;
}
