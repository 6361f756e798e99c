/**
 * What a stack costs in API calls, counted in the emulator's journal: one of each IAM resource, the linked-instance example,
 * and growing numbers of servers, each over a life of runs. Calls are exact; times are of this machine and only for comparison.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Emulator } from "../../emulator";
import { allCallsOf, callsOf, isLogin, isRoles } from "../bench/calls";
import { type Goal, print, readOptions, round, type Table } from "../bench/report";
import { environmentOf, exampleProject, inCloud, type Phase, phase, withStack } from "../bench/stack";
import { Project, seededConfig } from "../support/project";

interface Part {
  readonly name: string;
  /** How many servers or resources share the calls. */
  readonly count: number;
  readonly phases: readonly Phase[];
}

const IAM_PROGRAM = `
import { readFileSync } from "node:fs";
import * as vpc from "pulumi-ibm-vpc-identity";
const { changed, account } = JSON.parse(readFileSync("wish.json", "utf8"));
const more = changed ? { description: "changed" } : {};
const crn = "crn:v1:bluemix:public:is:us-south-1:a/" + account + "::instance:1";
const profile = new vpc.TrustedProfile("app", more);
const serviceId = new vpc.ServiceId("app", more);
new vpc.TrustedProfileLink("app", { profileId: profile.id, crType: "VSI", link: { crn } });
new vpc.TrustedProfileClaimRule("app", { profileId: profile.id, type: "Profile-CR", crType: "VSI",
  conditions: [{ claim: "zone", operator: "EQUALS", value: changed ? "us-south-2" : "us-south-1" }] });
new vpc.TrustedProfileIdentity("app", { profileId: profile.id, type: "user", identifier: "IBMid-1", ...more });
new vpc.AccessPolicy("app", { profileId: profile.id, roles: ["Operator"], service: "is", ...more });
new vpc.ApiKey("app", { serviceId: serviceId.id, ...more });
`;

const SERVERS_PROGRAM = `
import { readFileSync } from "node:fs";
import * as vpc from "pulumi-ibm-vpc-identity";
const { count, changed, place } = JSON.parse(readFileSync("wish.json", "utf8"));
for (let index = 0; index < count; index += 1) {
  new vpc.Instance("server-" + index, { ...place, instanceProfile: "bx2-2x8", metadataService: { responseHopLimit: changed ? 2 : 1 } });
}
`;

/** What is in a state beside what the program makes: the stack, the provider and the stack's seed. */
const NOT_OURS = 3;

interface Run {
  readonly name: string;
  readonly args: readonly string[];
  readonly changed?: true;
  /** Part of `--quick`, too. */
  readonly quick?: true;
}

/** The runs of a life, in order; `changed` is what the program then reads. */
const LIFE: readonly Run[] = [
  { name: "create", args: ["up", "--yes", "--skip-preview"], quick: true },
  { name: "no-op", args: ["up", "--yes", "--skip-preview"] },
  { name: "no-op --refresh", args: ["up", "--yes", "--skip-preview", "--refresh"], quick: true },
  { name: "update", args: ["up", "--yes", "--skip-preview"], changed: true },
  { name: "destroy", args: ["destroy", "--yes", "--skip-preview"], quick: true },
];

/** A cloud whose servers take little time: this is about calls. */
const QUICK_CLOUD = { provisionSeconds: 0.2, deleteSeconds: 0.2, actionSeconds: 0.2 };

/** A whole life of a project. `wish` is what the program reads before each run, if it reads anything. */
async function life(
  name: string,
  count: number,
  project: Project,
  emulator: Emulator,
  wish?: object,
  runs: readonly Run[] = LIFE,
): Promise<Part> {
  const phases: Phase[] = [];
  await withStack(project, async () => {
    for (const { name: run, args, changed } of runs) {
      if (changed === true && wish === undefined) continue;
      if (wish !== undefined) {
        writeFileSync(join(project.cwd, "wish.json"), JSON.stringify({ ...wish, changed }));
      }
      phases.push(await phase(run, project, emulator, args));
    }
  });
  return { name, count, phases };
}

const iamPart = (runs: readonly Run[]): Promise<Part> =>
  inCloud(QUICK_CLOUD, (emulator) => {
    const project = Project.ofProgram(IAM_PROGRAM, environmentOf(emulator));
    return life("one of each IAM resource", 7, project, emulator, { account: emulator.accountId }, runs);
  });

const examplePart = (): Promise<Part> =>
  inCloud(QUICK_CLOUD, (emulator) =>
    life("the linked-instance example", 1, exampleProject("linked-instance", emulator), emulator),
  );

const serversPart = (count: number): Promise<Part> =>
  inCloud(QUICK_CLOUD, (emulator) => {
    const { vpcId, subnetId, zone, imageId } = seededConfig(emulator);
    const wish = { count, place: { vpcId, subnetId, zone, imageId } };
    return life(`${count} servers`, count, Project.ofProgram(SERVERS_PROGRAM, environmentOf(emulator)), emulator, wish);
  });

/** The calls of a run of a part; none when it was not run. */
const callsIn = (part: Part, name: string, which?: (route: string) => boolean): number =>
  callsOf(part.phases.find((one) => one.name === name) ?? { calls: {} }, which);

const goalOf = (goal: string, seen: number, limit: number, unit = ""): Goal => ({ goal, seen, limit, unit });

const most = (parts: readonly Part[], figure: (part: Part) => number): number => Math.max(...parts.map(figure));

const unchangedGoal = (parts: readonly Part[]): Goal =>
  goalOf(
    "calls in a run without changes",
    most(parts, (part) => callsIn(part, "no-op", () => true)),
    0,
  );

const onceGoal = (parts: readonly Part[]): Goal =>
  goalOf(
    "logins, or looks at the roles of a service, in a process",
    most(parts, (part) => Math.max(callsIn(part, "create", isLogin), callsIn(part, "create", isRoles))),
    1,
  );

function goalsOfIam(iam: Part): Goal[] {
  const perResource = Math.round((iam.phases[0]?.stateBytes ?? 0) / (iam.count + NOT_OURS));
  return [
    goalOf("reads a resource with --refresh", callsIn(iam, "no-op --refresh") / iam.count, 1),
    goalOf("state of an IAM resource; stack, provider and seed are shared among seven", perResource, 1300, "bytes"),
  ];
}

function goalsOfServers(small: Part, large: Part): Goal[] {
  const perServer = (part: Part, run: string): number => callsIn(part, run) / part.count;
  const growth = Math.max(...LIFE.map(({ name }) => perServer(large, name) / Math.max(1, perServer(small, name))));
  const stateBytes = Math.round((large.phases[0]?.stateBytes ?? 0) / large.count);
  return [
    goalOf("reads a server with --refresh", perServer(large, "no-op --refresh"), 1),
    goalOf(`calls a server with ${large.count} servers, against those with one`, round(growth), 1, "times"),
    goalOf("state of a server without profile, policy and user data", stateBytes, 5000, "bytes"),
  ];
}

function tableOf({ name, count, phases }: Part): Table {
  const routes = [...new Set(phases.flatMap(({ calls }) => Object.keys(calls)))].sort();
  const sums = phases.map(allCallsOf);
  return {
    title: `API calls of ${name}.`,
    columns: ["route", ...phases.map((one) => one.name)],
    rows: [
      ...routes.map((route) => [route, ...phases.map(({ calls }) => calls[route] ?? 0)]),
      ["all", ...sums],
      ...(count > 1 ? [["each", ...sums.map((sum) => round(sum / count))]] : []),
      ["wall time (ms)", ...phases.map(({ wallMs }) => wallMs)],
      ["state (bytes)", ...phases.map(({ stateBytes }) => stateBytes)],
    ],
  };
}

/** `--quick`: three runs of one of each IAM resource only; in full also the example, and 1, 10 and 50 servers. */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options.quick) {
    const iam = await iamPart(LIFE.filter(({ quick }) => quick));
    print(options, { tables: [tableOf(iam)], goals: [onceGoal([iam]), ...goalsOfIam(iam)] });
    return;
  }
  const iam = await iamPart(LIFE);
  const [example, small, some, large] = [
    await examplePart(),
    await serversPart(1),
    await serversPart(10),
    await serversPart(50),
  ];
  const parts = [iam, example, small, some, large];
  print(options, {
    tables: parts.map(tableOf),
    goals: [
      unchangedGoal(parts),
      onceGoal(parts),
      ...goalsOfIam(iam),
      goalOf("calls for a linked server, its profile and its policy", callsIn(example, "create"), 8),
      ...goalsOfServers(small, large),
    ],
  });
}
