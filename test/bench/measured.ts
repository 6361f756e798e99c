/** What is measured of linked servers: under which conditions, in which runs, and how a figure of it is found again. */
import type { Role } from "./processes";
import { round } from "./report";
import type { Cost, Phase } from "./stack";

export const PARALLEL = 16;
export const LATENCY_MS = 50;
export const PROVISION_MS = 2000;

/** The runs of a life, in order. */
export const LIFE = [
  { name: "up", args: ["up", "--yes", "--skip-preview"] },
  { name: "no-op up", args: ["up", "--yes", "--skip-preview"] },
  { name: "refresh", args: ["refresh", "--yes", "--skip-preview"] },
  { name: "destroy", args: ["destroy", "--yes", "--skip-preview"] },
] as const;

export type RunName = (typeof LIFE)[number]["name"];

/** A life of a stack of linked servers. */
export interface Life {
  readonly count: number;
  readonly latencyMs: number;
  readonly provisionMs: number;
  readonly runs: ReadonlyMap<RunName, Phase>;
  /** Of the state after the first run. */
  readonly userDataBytes: number;
  readonly resources: number;
}

/** The same life of as many resources that do nothing. */
export interface Floor {
  readonly count: number;
  readonly runs: ReadonlyMap<RunName, Cost>;
  readonly stateBytes: number;
  readonly resources: number;
}

/** The `up` of profiles on a cloud that answers at once, and of as many resources that do nothing. */
export interface Plain {
  readonly count: number;
  readonly floor: Cost;
  readonly profiles: Phase;
}

/** All that was measured. */
export interface Measured {
  readonly lives: readonly Life[];
  /** With neither latency nor provisioning: what is left is our own. */
  readonly bare: readonly Life[];
  readonly floors: readonly Floor[];
  readonly plain: readonly Plain[];
}

export function runOf<T extends Cost>({ runs }: { readonly runs: ReadonlyMap<RunName, T> }, name: RunName): T {
  const found = runs.get(name);
  if (found === undefined) throw new Error(`${name} was not run`);
  return found;
}

/** The most memory that the process had in these runs, in MiB; undefined where the system does not tell. */
export function peakOf(runs: ReadonlyMap<RunName, Cost>, role: Role): number | undefined {
  const peaks = [...runs.values()].flatMap(({ uses }) => uses[role]?.peakBytes ?? []);
  return peaks.length === 0 ? undefined : round(Math.max(...peaks) / 1_048_576, 0);
}

/** As many servers as are worked on at a time make a wave. */
export const wavesOf = (count: number): number => Math.ceil(count / PARALLEL);

/** How long an `up` takes of which only calls and provisioning take time: servers in waves, each its calls one after another. */
export function idealMs({ count, latencyMs, provisionMs }: Pick<Life, "count" | "latencyMs" | "provisionMs">): number {
  // Profile, policy, server, the look that shows it running, and the one at its initialization, where alone IBM Cloud tells which
  // profile it has; before the first, the token, and before the first policy, the roles.
  return wavesOf(count) * (5 * latencyMs + provisionMs) + 2 * latencyMs;
}
