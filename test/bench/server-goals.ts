/** What linked servers are to take at most, and what of a miss the same run can explain: in its own figures only. */
import { allCallsOf, callsOf, isLogin } from "./calls";
import {
  type Floor,
  idealMs,
  LATENCY_MS,
  type Life,
  type Measured,
  PARALLEL,
  peakOf,
  type Plain,
  runOf,
  wavesOf,
} from "./measured";
import { ROLES, type Uses } from "./processes";
import { type Goal, round, seconds } from "./report";
import { TERRAFORM, type TerraformRun } from "./terraform";

export function goalsOf(measured: Measured): Goal[] {
  const { lives, bare, floors, plain } = measured;
  const largest = lives.at(-1);
  if (largest === undefined) return [];
  return [
    ...plain.flatMap(overFloor),
    ...bare.flatMap((life) => overhead(life, floorOf(floors, life.count))),
    ...lives.filter(({ count, latencyMs }) => latencyMs > 0 && count <= 100).map((life) => nearIdeal(life, floors)),
    ...TERRAFORM.flatMap((theirs) =>
      lives
        .filter(({ latencyMs, count }) => latencyMs === LATENCY_MS && count === theirs.count)
        .map((life) => fifth(life, theirs, floors)),
    ),
    ...[0, LATENCY_MS].flatMap((latencyMs) => growth(measured, latencyMs)),
    {
      goal: `calls a server in \`up\` of ${largest.count}`,
      seen: callsOf(runOf(largest, "up")) / largest.count,
      limit: 8,
      unit: "",
    },
    {
      goal: "calls of an `up` without changes",
      seen: Math.max(...lives.map((life) => allCallsOf(runOf(life, "no-op up")))),
      limit: 0,
      unit: "",
    },
    {
      goal: "logins of a process",
      seen: Math.max(...lives.flatMap(({ runs }) => [...runs.values()].map((one) => callsOf(one, isLogin)))),
      limit: 1,
      unit: "",
    },
    {
      goal: `state of a server without its user data, with ${largest.count}`,
      seen: round((runOf(largest, "up").stateBytes - largest.userDataBytes) / largest.count, 0),
      limit: 5000,
      unit: "bytes",
      why: "component, profile, policy and server have over half of it in URNs and dependencies, which the format of Pulumi wants",
    },
    ...memoryOf(largest, floorOf(floors, largest.count)),
  ];
}

const floorOf = (floors: readonly Floor[], count: number): Floor | undefined =>
  floors.find((floor) => floor.count === count);

/** `why` as a goal has it: absent where this run can tell nothing. */
const because = (...reasons: readonly (string | undefined)[]): Pick<Goal, "why"> => {
  const known = reasons.filter((reason) => reason !== undefined);
  return known.length === 0 ? {} : { why: known.join("; ") };
};

/** By how much each process works more than on the floor. Undefined where the system does not tell. */
export function splitOf(ours: Uses, floor: Uses): string | undefined {
  const parts = ROLES.flatMap((role) => {
    const [more, less] = [ours[role], floor[role]];
    if (more === undefined || less === undefined) return [];
    const difference = round(more.cpuSeconds - less.cpuSeconds, 1);
    return [`${role} ${difference < 0 ? "" : "+"}${difference} s`];
  });
  return parts.length === 0
    ? undefined
    : `the difference in processor time by process, as in the CPU columns: ${parts.join(", ")}`;
}

function overFloor({ count, floor, profiles }: Plain): Goal[] {
  return [
    {
      goal: `\`up\` of ${count} trusted profiles over as many empty resources, without latency`,
      seen: round((profiles.wallMs / floor.wallMs - 1) * 100, 0),
      limit: 10,
      unit: "% more",
      ...because("an empty resource has no properties and makes no call", splitOf(profiles.uses, floor.uses)),
    },
    {
      goal: `state of a trusted profile, with ${count}`,
      seen: round(profiles.stateBytes / count, 0),
      limit: 1300,
      unit: "bytes",
    },
  ];
}

/** In processor time: in wall time it would be about the second that passes before the first look at each server. */
function overhead(life: Life, floor: Floor | undefined): Goal[] {
  if (floor === undefined) return [];
  const [ours, least] = [runOf(life, "up"), runOf(floor, "up")];
  if (least.cpuSeconds === 0) return [];
  return [
    {
      goal: `processor time of \`up\` of ${life.count} servers over as many empty resources, without latency and provisioning`,
      seen: round((ours.cpuSeconds / least.cpuSeconds - 1) * 100, 0),
      limit: 10,
      unit: "% more",
      ...because(
        `an empty resource has no properties and makes no call, a linked server makes ${round(callsOf(ours) / life.count, 1)}`,
        splitOf(ours.uses, least.uses),
      ),
    },
  ];
}

function nearIdeal(life: Life, floors: readonly Floor[]): Goal {
  const ideal = idealMs(life);
  return {
    goal: `\`up\` of ${life.count} at ${life.latencyMs} ms over the ideal of ${seconds(ideal)} s`,
    seen: round(runOf(life, "up").wallMs / ideal),
    limit: 1.3,
    unit: "times",
    ...because(life.count > PARALLEL ? wavesTold(life, floors) : startTold(life, floors)),
  };
}

function startTold(life: Life, floors: readonly Floor[]): string | undefined {
  const one = floorOf(floors, 1);
  return (
    one &&
    `of ${seconds(runOf(life, "up").wallMs)} s, ${seconds(runOf(one, "up").wallMs)} s is the start of engine, program and provider, as the floor of 1 shows`
  );
}

function wavesTold(life: Life, floors: readonly Floor[]): string {
  const looks = callsOf(runOf(life, "up"), (route) => route === "GET /v1/instances/{id}") / life.count;
  const floor = floorOf(floors, life.count);
  const registered =
    floor &&
    `, while program and engine register ${life.resources} resources, for which the floor of ${life.count} takes ${seconds(runOf(floor, "up").wallMs)} s`;
  return `${wavesOf(life.count)} waves, each of which ends at a look (${round(looks, 1)} a server, a second or more apart)${registered ?? ""}`;
}

function fifth(life: Life, { run: name, what, ms, count }: TerraformRun, floors: readonly Floor[]): Goal {
  const limit = seconds(ms / 5);
  const floor = floorOf(floors, count);
  return {
    goal: `\`${name}\` of ${count} at ${LATENCY_MS} ms, a fifth of Terraform's ${what} (${seconds(ms)} s, not of this run)`,
    seen: seconds(runOf(life, name).wallMs),
    limit,
    unit: "s",
    ...because(
      floor && `the floor of ${count} alone takes ${seconds(runOf(floor, name).wallMs)} s`,
      name === "up" ? `the ideal is ${seconds(idealMs(life))} s` : undefined,
    ),
  };
}

/** From 100 to 500 servers, after the engine's own time is taken off. */
function growth({ lives, floors }: Measured, latencyMs: number): Goal[] {
  const beyondFloor = (count: number): number | undefined => {
    const life = lives.find((one) => one.count === count && one.latencyMs === latencyMs);
    const floor = floorOf(floors, count);
    return life && floor && runOf(life, "up").wallMs - runOf(floor, "up").wallMs;
  };
  const [small, large] = [beyondFloor(100), beyondFloor(500)];
  if (small === undefined || large === undefined) return [];
  return [
    {
      goal: `\`up\` of 500 beyond the floor, against that of 100, at ${latencyMs} ms`,
      seen: round(large / small),
      limit: 5,
      unit: "times",
    },
  ];
}

function memoryOf({ count, runs }: Life, floor: Floor | undefined): Goal[] {
  const seen = peakOf(runs, "provider");
  if (seen === undefined) return [];
  const least = floor && peakOf(floor.runs, "provider");
  return [
    {
      goal: `memory of the provider's process with ${count} servers`,
      seen,
      limit: 150,
      unit: "MiB",
      ...because(
        least === undefined
          ? undefined
          : `the SDK's own provider process has ${least} of it, as the floor of ${count} shows`,
        "the rest is undici, and V8 for a moment, while it optimizes undici's parser",
      ),
    },
  ];
}
