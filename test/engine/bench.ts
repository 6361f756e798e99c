/**
 * What the embedded engine costs: deploys dynamic resources that do nothing, each time with the engine's command in a
 * process of its own. Wall time, peak memory of its processes, and bytes of state.
 */
import { EMPTY_RESOURCES, wishFor } from "../bench/programs";
import { fastest, mebibytes, print, readOptions, round, seconds } from "../bench/report";
import { type Cost, javaScriptProject, run, stateOf, withStack } from "../bench/stack";

/** The stack and the provider are resources as well. */
const NOT_OURS = 2;

interface Measured extends Cost {
  readonly size: number;
  readonly stateBytes: number;
}

async function measure(size: number): Promise<Measured> {
  return withStack(javaScriptProject(EMPTY_RESOURCES, wishFor({ count: size })), async (project) => {
    const cost = await run(project, ["up", "--yes", "--skip-preview", "--stack", "dev"]);
    const { bytes, resources } = stateOf(project);
    const expected = size + NOT_OURS;
    if (resources !== expected) throw new Error(`the state has ${resources} resources in place of ${expected}`);
    return { ...cost, size, stateBytes: bytes };
  });
}

async function best(size: number, rounds: number): Promise<Measured> {
  const runs: Measured[] = [];
  while (runs.length < rounds) runs.push(await measure(size));
  return fastest(runs);
}

/** `--quick`: 100 resources once, in place of 1, 100 and 500, the best of three. */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const results: Measured[] = [];
  for (const size of options.quick ? [100] : [1, 100, 500]) results.push(await best(size, options.quick ? 1 : 3));
  const wallMsOf = (wanted: number): number | undefined => results.find(({ size }) => size === wanted)?.wallMs;
  const [small, large] = [wallMsOf(100), wallMsOf(500)];
  print(options, {
    tables: [
      {
        title: "`up` of resources that do nothing: seconds, MiB and bytes.",
        columns: ["resources", "wall time", "CPU", "engine", "program", "provider", "state"],
        rows: results.map(({ size, wallMs, cpuSeconds, uses, stateBytes }) => [
          ...[size, seconds(wallMs), round(cpuSeconds, 1)],
          ...[uses.engine, uses.program, uses.provider].map((use) => mebibytes(use?.peakBytes)),
          stateBytes,
        ]),
      },
    ],
    goals:
      small === undefined || large === undefined
        ? []
        : [
            { goal: "`up` of 500 resources", seen: seconds(large), limit: 8, unit: "s" },
            { goal: "`up` of 500 resources, against that of 100", seen: round(large / small), limit: 6, unit: "times" },
          ],
  });
}
