/** The tables of what was measured of linked servers. */
import { allCallsOf } from "./calls";
import {
  type Floor,
  idealMs,
  LATENCY_MS,
  LIFE,
  type Life,
  type Measured,
  PARALLEL,
  peakOf,
  PROVISION_MS,
  runOf,
  type RunName,
} from "./measured";
import { ROLES } from "./processes";
import { round, seconds, type Table } from "./report";
import type { Cost, Phase } from "./stack";
import { TERRAFORM } from "./terraform";

type Runs = Pick<Floor, "runs">;

const RUN_NAMES = LIFE.map(({ name }) => name);

export function tablesOf(measured: Measured): Table[] {
  const { lives } = measured;
  const largest = lives.at(-1);
  const withLatency = lives.filter(({ latencyMs }) => latencyMs === LATENCY_MS);
  return [
    timesTable(measured),
    sizesTable(measured),
    processorTable(measured),
    terraformTable(withLatency),
    callsAServerTable(withLatency),
    ...(largest === undefined ? [] : [routesTable(largest)]),
  ].filter(({ rows }) => rows.length > 0);
}

function timesTable({ bare, lives, floors }: Measured): Table {
  const cells = (one: Runs): number[] => RUN_NAMES.map((name) => seconds(runOf(one, name).wallMs));
  return {
    title: `Wall time in seconds, ${PARALLEL} operations at a time. Each server has a profile and a policy of its own.`,
    columns: ["servers", "latency (ms)", "provisioning (s)", ...RUN_NAMES, "ideal up"],
    rows: [
      ...[...bare, ...lives].map((life) => [
        ...[life.count, life.latencyMs, life.provisionMs / 1000, ...cells(life)],
        seconds(idealMs(life)),
      ]),
      ...floors.map((floor) => [floor.count, "-", "floor", ...cells(floor), "-"]),
    ],
  };
}

function sizesTable({ lives, floors }: Measured): Table {
  const peaks = ({ runs }: Runs): (number | string)[] => ROLES.map((role) => peakOf(runs, role) ?? "-");
  return {
    title:
      "Memory of each process in MiB, the largest peak of the four runs, and the state after the first `up`, in bytes.",
    columns: ["servers", "of", ...ROLES, "resources", "state", "user data in it"],
    rows: [
      ...lives.map((life) => [
        ...[life.count, "linked servers", ...peaks(life), life.resources],
        ...[runOf(life, "up").stateBytes, life.userDataBytes],
      ]),
      ...floors.map((floor) => [floor.count, "floor", ...peaks(floor), floor.resources, floor.stateBytes, 0]),
    ],
  };
}

/** Next to each other what the goals compare; where there is no floor, the lives alone. */
function processorTable({ plain, bare, floors, lives }: Measured): Table {
  const cells = ({ wallMs, cpuSeconds, uses }: Cost): number[] => [
    seconds(wallMs),
    ...ROLES.map((role) => round(uses[role]?.cpuSeconds ?? 0, 1)),
    round(cpuSeconds, 1),
  ];
  const upOf = (one: Runs): number[] => cells(runOf(one, "up"));
  return {
    title: "`up`, in seconds: wall time, and processor time by process.",
    columns: ["count", "of", "wall time", ...ROLES.map((role) => `CPU of ${role}`), "of all"],
    rows: [
      ...plain.flatMap(({ count, floor, profiles }) => [
        [count, "trusted profiles, without latency", ...cells(profiles)],
        [count, "as many empty resources", ...cells(floor)],
      ]),
      ...bare.map((life) => [life.count, "linked servers, without latency and provisioning", ...upOf(life)]),
      ...floors.map((floor) => [floor.count, "floor of linked servers", ...upOf(floor)]),
      ...lives.map((life) => [life.count, `linked servers, ${life.latencyMs} ms`, ...upOf(life)]),
    ],
  };
}

function terraformTable(lives: readonly Life[]): Table {
  return {
    title:
      `What IBM's Terraform provider 2.5.0 took, in seconds: not measured in this run, but once, on two cores and a cloud like ` +
      `this one (${LATENCY_MS} ms, ${PROVISION_MS / 1000} s of provisioning, ${PARALLEL} at a time). Next to it what ours took in this run.`,
    columns: ["servers", "of Terraform", "took then", "ours", "took", "times as fast"],
    rows: TERRAFORM.flatMap(({ count, what, ms, run }) =>
      lives
        .filter((life) => life.count === count)
        .map((life) => {
          const { wallMs } = runOf(life, run);
          return [count, what, seconds(ms), run, seconds(wallMs), round(ms / wallMs, 1)];
        }),
    ),
  };
}

function callsAServerTable(lives: readonly Life[]): Table {
  return {
    title: "API calls a server, those counted that a process makes once: for its token and for the roles of a service.",
    columns: ["servers", ...RUN_NAMES],
    rows: lives.map((life) => [
      life.count,
      ...RUN_NAMES.map((name) => round(allCallsOf(runOf(life, name)) / life.count)),
    ]),
  };
}

function routesTable(life: Life): Table {
  const routes = [...new Set([...life.runs.values()].flatMap(({ calls }) => Object.keys(calls)))].sort();
  const row = (label: string, cell: (run: Phase) => number): (number | string)[] => [
    label,
    ...RUN_NAMES.map((name: RunName) => cell(runOf(life, name))),
  ];
  return {
    title: `API calls with ${life.count} servers, by route, as the emulator's journal has them.`,
    columns: ["route", ...RUN_NAMES],
    rows: [...routes.map((route) => row(route, ({ calls }) => calls[route] ?? 0)), row("all", allCallsOf)],
  };
}
