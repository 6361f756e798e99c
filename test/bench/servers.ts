/**
 * Linked servers by the hundred: what a life of a stack takes with one server and with five hundred, on a cloud that
 * answers at once and on one that takes its time, against the floor (as many resources that do nothing, on the same engine)
 * and the ideal (what the calls and the provisioning take when nothing else does).
 */
import { seededConfig } from "../support/project";
import { type Goal, mebibytes, print, readOptions, type Report, round, seconds, type Table } from "./report";
import {
  callsOf,
  type Cost,
  environmentOf,
  inCloud,
  isLogin,
  javaScriptProject,
  type Phase,
  phase,
  run,
  stateOf,
  withProject,
} from "./stack";

const PARALLEL = 16;
const LATENCY_MS = 50;
const PROVISION_MS = 2000;

const SERVERS_PROGRAM = `
const vpc = require("pulumi-ibm-vpc-identity");
const { count, place } = JSON.parse(process.env.BENCH_WISH);
for (let index = 0; index < count; index += 1) {
  new vpc.LinkedInstance("server-" + index, {
    ...place, instanceProfile: "bx2-2x8", trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
  });
}
`;

/** The usual subnet has no room for so many. */
const SEED = {
  network: { subnets: [{ name: "bench", vpc: "emulator-vpc", zone: "us-south-1", addresses: 1024 }] },
};

/** As many resources, in the same tree and after one another as those of linked servers are. */
const EMPTY_PROGRAM = `
const pulumi = require("@pulumi/pulumi");
const provider = { create: async () => ({ id: "id", outs: {} }) };
class Empty extends pulumi.dynamic.Resource {
  constructor(name, parent, dependsOn) { super(provider, name, {}, { parent, dependsOn }, "bench", "Empty"); }
}
const { count } = JSON.parse(process.env.BENCH_WISH);
const seed = new Empty("seed");
for (let index = 0; index < count; index += 1) {
  const parent = new pulumi.ComponentResource("bench:index:Component", "server-" + index);
  const profile = new Empty("server-" + index + "-profile", parent, [seed]);
  const policy = new Empty("server-" + index + "-policy", parent, [profile]);
  new Empty("server-" + index + "-server", parent, [policy]);
}
`;

/** Resources of the simplest kind, next to as many that do nothing. */
const PROFILES_PROGRAM = `
const vpc = require("pulumi-ibm-vpc-identity");
const { count } = JSON.parse(process.env.BENCH_WISH);
for (let index = 0; index < count; index += 1) new vpc.TrustedProfile("profile-" + index, { description: "bench" });
`;
const FLAT_PROGRAM = `
const pulumi = require("@pulumi/pulumi");
const provider = { create: async () => ({ id: "id", outs: {} }) };
class Empty extends pulumi.dynamic.Resource {
  constructor(name) { super(provider, name, {}, {}, "bench", "Empty"); }
}
const { count } = JSON.parse(process.env.BENCH_WISH);
for (let index = 0; index < count; index += 1) new Empty("empty-" + index);
`;

/** The runs of a life, in order. */
const LIFE = [
  { name: "up", args: ["up", "--yes", "--skip-preview"] },
  { name: "no-op up", args: ["up", "--yes", "--skip-preview"] },
  { name: "refresh", args: ["refresh", "--yes", "--skip-preview"] },
  { name: "destroy", args: ["destroy", "--yes", "--skip-preview"] },
] as const;

type RunName = (typeof LIFE)[number]["name"];

/** What IBM's Terraform provider 2.5.0 took on a cloud like this one (16 at a time, two cores). */
const TERRAFORM: readonly {
  readonly count: number;
  readonly run: RunName;
  readonly what: string;
  readonly ms: number;
}[] = [
  { count: 1, run: "up", what: "apply", ms: 34_000 },
  { count: 1, run: "destroy", what: "destroy", ms: 54_000 },
  { count: 100, run: "up", what: "apply", ms: 119_000 },
  { count: 100, run: "no-op up", what: "apply without changes", ms: 25_000 },
  { count: 100, run: "refresh", what: "plan", ms: 27_000 },
  { count: 100, run: "destroy", what: "destroy", ms: 268_000 },
];

interface Life {
  readonly count: number;
  readonly latencyMs: number;
  readonly provisionMs: number;
  readonly phases: ReadonlyMap<RunName, Phase>;
  /** Of the state after the first run. */
  readonly userDataBytes: number;
  readonly resources: number;
}

interface Floor {
  readonly count: number;
  readonly runs: ReadonlyMap<RunName, Cost>;
  readonly stateBytes: number;
  readonly resources: number;
}

const progress = (text: string): void => void process.stderr.write(`${text}\n`);

const argsOf = (args: readonly string[]): string[] => [...args, "--parallel", String(PARALLEL)];

async function lifeOf(count: number, latencyMs: number, provisionMs: number): Promise<Life> {
  const options = { provisionSeconds: provisionMs / 1000, deleteSeconds: provisionMs / 1000, seed: SEED };
  return inCloud(options, async (emulator) => {
    if (latencyMs > 0) emulator.setFaults([{ delayMs: latencyMs, count: 0, where: "cloud" }]);
    const { vpcId, subnetId, zone, imageId } = seededConfig(emulator);
    const wish = JSON.stringify({ count, place: { vpcId, subnetId, zone, imageId } });
    const project = javaScriptProject(SERVERS_PROGRAM, { ...environmentOf(emulator), BENCH_WISH: wish });
    return withProject(project, async () => {
      const phases = new Map<RunName, Phase>();
      let state = { userDataBytes: 0, resources: 0 };
      for (const { name, args } of LIFE) {
        const one = await phase(name, project, emulator, argsOf(args));
        phases.set(name, one);
        if (name === "up") state = stateOf(project);
        progress(`${count} servers, ${latencyMs} ms, ${provisionMs} ms: ${name} ${seconds(one.wallMs)} s`);
      }
      return { count, latencyMs, provisionMs, phases, ...state };
    });
  });
}

async function floorOf(count: number): Promise<Floor> {
  const project = javaScriptProject(EMPTY_PROGRAM, { BENCH_WISH: JSON.stringify({ count }) });
  return withProject(project, async () => {
    const runs = new Map<RunName, Cost>();
    let state = { bytes: 0, resources: 0 };
    for (const { name, args } of LIFE) {
      const cost = await run(project, [...argsOf(args), "--stack", "dev"]);
      runs.set(name, cost);
      if (name === "up") state = stateOf(project);
      progress(`floor of ${count}: ${name} ${seconds(cost.wallMs)} s`);
    }
    return { count, runs, stateBytes: state.bytes, resources: state.resources };
  });
}

/** The `up` of profiles on a cloud that answers at once, and of as many resources that do nothing. */
interface Plain {
  readonly count: number;
  readonly floor: Cost;
  readonly profiles: Phase;
}

async function plainOf(count: number): Promise<Plain> {
  const wish = { BENCH_WISH: JSON.stringify({ count }) };
  const args = argsOf(LIFE[0].args);
  const empty = javaScriptProject(FLAT_PROGRAM, wish);
  const floor = await withProject(empty, () => run(empty, [...args, "--stack", "dev"]));
  const profiles = await inCloud({}, (emulator) => {
    const project = javaScriptProject(PROFILES_PROGRAM, { ...environmentOf(emulator), ...wish });
    return withProject(project, () => phase("up", project, emulator, args));
  });
  progress(`${count} profiles: ${seconds(profiles.wallMs)} s, ${count} empty resources: ${seconds(floor.wallMs)} s`);
  return { count, floor, profiles };
}

/** How long an `up` takes of which only calls and provisioning take time: servers in waves, each its calls one after another. */
function idealMs({ count, latencyMs, provisionMs }: Pick<Life, "count" | "latencyMs" | "provisionMs">): number {
  const waves = Math.ceil(count / PARALLEL);
  // Profile, policy, server, the look that shows it running, and the one at its initialization, where alone IBM Cloud tells which
  // profile it has; before the first, the token, and before the first policy, the roles.
  return waves * (5 * latencyMs + provisionMs) + 2 * latencyMs;
}

const runOf = <T extends Cost>(runs: ReadonlyMap<RunName, T>, name: RunName): T => {
  const found = runs.get(name);
  if (found === undefined) throw new Error(`${name} was not run`);
  return found;
};

function timesTable(lives: readonly Life[], floors: readonly Floor[]): Table {
  const cells = (runs: ReadonlyMap<RunName, Cost>): number[] =>
    LIFE.map(({ name }) => seconds(runOf(runs, name).wallMs));
  const cpu = (runs: ReadonlyMap<RunName, Cost>): number => round(runOf(runs, "up").cpuSeconds, 1);
  return {
    title: `Wall time in seconds, ${PARALLEL} operations at a time. Each server has a profile and a policy of its own.`,
    columns: ["servers", "latency (ms)", "provisioning (s)", ...LIFE.map(({ name }) => name), "ideal up", "CPU of up"],
    rows: [
      ...lives.map((life) => [
        ...[life.count, life.latencyMs, life.provisionMs / 1000, ...cells(life.phases)],
        ...[seconds(idealMs(life)), cpu(life.phases)],
      ]),
      ...floors.map(({ count, runs }) => [count, "-", "floor", ...cells(runs), "-", cpu(runs)]),
    ],
  };
}

function sizesTable(lives: readonly Life[], floors: readonly Floor[]): Table {
  const memory = (runs: ReadonlyMap<RunName, Cost>): (number | string)[] => {
    const { engine, program, provider } = runOf(runs, "up").uses;
    return [engine, program, provider].map((use) => mebibytes(use?.peakBytes));
  };
  return {
    title: "Peak memory of each process during `up`, in MiB, and the state after it, in bytes.",
    columns: ["servers", "of", "engine", "program", "provider", "resources", "state", "user data in it"],
    rows: [
      ...lives.map((life) => [
        ...[life.count, "linked servers", ...memory(life.phases), life.resources],
        ...[runOf(life.phases, "up").stateBytes, life.userDataBytes],
      ]),
      ...floors.map(({ count, runs, resources, stateBytes }) => [
        ...[count, "floor", ...memory(runs), resources, stateBytes, 0],
      ]),
    ],
  };
}

function plainTable(plain: readonly Plain[]): Table {
  const cells = ({ wallMs, cpuSeconds, uses }: Cost): number[] => [
    seconds(wallMs),
    ...(["engine", "program", "provider"] as const).map((role) => round(uses[role]?.cpuSeconds ?? 0, 1)),
    round(cpuSeconds, 1),
  ];
  return {
    title:
      "`up` of trusted profiles on a cloud that answers at once, and of as many resources that do nothing: seconds, and of processor time.",
    columns: ["resources", "of", "wall time", "CPU of engine", "of program", "of provider", "of all"],
    rows: plain.flatMap(({ count, floor, profiles }) => [
      [count, "trusted profiles", ...cells(profiles)],
      [count, "floor", ...cells(floor)],
    ]),
  };
}

function callsTable({ count, phases }: Life): Table {
  const routes = [...new Set([...phases.values()].flatMap(({ calls }) => Object.keys(calls)))].sort();
  const row = (label: string, cell: (phase: Phase) => number): (number | string)[] => [
    label,
    ...LIFE.map(({ name }) => cell(runOf(phases, name))),
  ];
  return {
    title: `API calls with ${count} servers, by route, as the emulator's journal has them.`,
    columns: ["route", ...LIFE.map(({ name }) => name)],
    rows: [
      ...routes.map((route) => row(route, ({ calls }) => calls[route] ?? 0)),
      row("all", (one) => callsOf(one, () => true)),
      row("a server", (one) => round(callsOf(one, () => true) / count)),
    ],
  };
}

/** All that was measured. */
interface Measured {
  readonly lives: readonly Life[];
  /** With neither latency nor provisioning: what is left is our own. */
  readonly bare: readonly Life[];
  readonly floors: readonly Floor[];
  readonly plain: readonly Plain[];
}

function goalsOf(measured: Measured): Goal[] {
  const { lives, bare, floors, plain } = measured;
  const largest = lives.at(-1);
  if (largest === undefined) return [];
  return [
    ...plain.flatMap(overFloor),
    ...floors.flatMap((floor) =>
      bare.filter(({ count }) => count === floor.count).flatMap((life) => overhead(life, floor)),
    ),
    ...lives.filter(({ count, latencyMs }) => latencyMs > 0 && count <= 100).map(nearIdeal),
    ...TERRAFORM.flatMap((theirs) =>
      lives.filter((life) => isLike(life, theirs.count)).map((life) => fifth(life, theirs)),
    ),
    ...[0, LATENCY_MS].flatMap((latencyMs) => growth(measured, latencyMs)),
    {
      goal: `calls a server in \`up\` of ${largest.count}`,
      seen: callsOf(runOf(largest.phases, "up")) / largest.count,
      limit: 8,
      unit: "",
    },
    {
      goal: "calls of an `up` without changes",
      seen: Math.max(...lives.map(({ phases }) => callsOf(runOf(phases, "no-op up"), () => true))),
      limit: 0,
      unit: "",
    },
    {
      goal: "logins of a process",
      seen: Math.max(...lives.flatMap(({ phases }) => [...phases.values()].map((one) => callsOf(one, isLogin)))),
      limit: 1,
      unit: "",
    },
    {
      goal: `state of a server without its user data, with ${largest.count}`,
      seen: round((runOf(largest.phases, "up").stateBytes - largest.userDataBytes) / largest.count, 0),
      limit: 5000,
      unit: "bytes",
      why: "component, profile, policy and server have over half of it in URNs and dependencies, which the format of Pulumi wants",
    },
    ...memoryOf(largest),
  ];
}

const isLike = ({ latencyMs, count }: Life, wanted: number): boolean => latencyMs === LATENCY_MS && count === wanted;

function overFloor({ count, floor, profiles }: Plain): Goal[] {
  return [
    {
      goal: `\`up\` of ${count} trusted profiles over as many empty resources, without latency`,
      seen: round((profiles.wallMs / floor.wallMs - 1) * 100, 0),
      limit: 10,
      unit: "% more",
      why: "an empty resource has no properties and makes no call; of the difference a third each is the program's (the SDK makes four promises for each property), the engine's (more properties) and the provider's (the call itself)",
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
function overhead(life: Life, { runs }: Floor): Goal[] {
  const [ours, floor] = [runOf(life.phases, "up").cpuSeconds, runOf(runs, "up").cpuSeconds];
  if (floor === 0) return [];
  return [
    {
      goal: `processor time of \`up\` of ${life.count} servers over as many empty resources, without latency and provisioning`,
      seen: round((ours / floor - 1) * 100, 0),
      limit: 10,
      unit: "% more",
      why: "an empty resource has no properties and makes no call; a linked server makes 5 and has 75, with four promises of the SDK each",
    },
  ];
}

function nearIdeal(life: Life): Goal {
  const ideal = idealMs(life);
  return {
    goal: `\`up\` of ${life.count} at ${life.latencyMs} ms over the ideal of ${seconds(ideal)} s`,
    seen: round(runOf(life.phases, "up").wallMs / ideal),
    limit: 1.3,
    unit: "times",
    why: "engine, program and provider have to start first, see the floor of one server",
  };
}

function fifth(life: Life, { run: name, what, ms, count }: (typeof TERRAFORM)[number]): Goal {
  return {
    goal: `\`${name}\` of ${count} at ${LATENCY_MS} ms, a fifth of Terraform's ${what} (${seconds(ms)} s)`,
    seen: seconds(runOf(life.phases, name).wallMs),
    limit: seconds(ms / 5),
    unit: "s",
  };
}

/** From 100 to 500 servers, after the engine's own time is taken off. */
function growth({ lives, floors }: Measured, latencyMs: number): Goal[] {
  const beyondFloor = (count: number): number | undefined => {
    const life = lives.find((one) => one.count === count && one.latencyMs === latencyMs);
    const floor = floors.find((one) => one.count === count);
    return life && floor && runOf(life.phases, "up").wallMs - runOf(floor.runs, "up").wallMs;
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

function memoryOf({ count, phases }: Life): Goal[] {
  const peaks = [...phases.values()].flatMap(({ uses }) => uses.provider?.peakBytes ?? []);
  if (peaks.length === 0) return [];
  const seen = Math.max(...peaks) / 1_048_576;
  return [
    {
      goal: `memory of the provider's process with ${count} servers`,
      seen: round(seen, 0),
      limit: 150,
      unit: "MiB",
      why: "the SDK's own provider process has most of it, see the floor; V8 takes another 35 for a moment, when it optimizes undici's parser, and undici itself 8",
    },
  ];
}

/** `--quick`: ten servers with latency, and no floor. */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const plan = options.quick
    ? { sizes: [10], floors: [], latencies: [LATENCY_MS], bare: [], plain: [] }
    : {
        sizes: [1, 10, 100, 500],
        floors: [1, 10, 100, 500],
        latencies: [0, LATENCY_MS],
        bare: [100, 500],
        plain: [100, 500],
      };
  const plain: Plain[] = [];
  for (const count of plan.plain) plain.push(await plainOf(count));
  const floors: Floor[] = [];
  const bare: Life[] = [];
  // Right after its floor, while the machine is as busy as it was then.
  for (const count of plan.floors) {
    floors.push(await floorOf(count));
    if (plan.bare.includes(count)) bare.push(await lifeOf(count, 0, 0));
  }
  const lives: Life[] = [];
  for (const latencyMs of plan.latencies) {
    for (const count of plan.sizes) lives.push(await lifeOf(count, latencyMs, PROVISION_MS));
  }
  const largest = lives.at(-1);
  const report: Report = {
    tables: [
      timesTable([...bare, ...lives], floors),
      sizesTable(lives, floors),
      ...(plain.length === 0 ? [] : [plainTable(plain)]),
      ...(largest === undefined ? [] : [callsTable(largest)]),
    ],
    goals: goalsOf({ lives, bare, floors, plain }),
  };
  print(options, report);
}
