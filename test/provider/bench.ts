/**
 * What a stack costs in API calls, counted in the emulator's journal: one of each IAM resource, the linked-instance example,
 * and growing numbers of servers, each over a life of runs. Calls are exact; times are of this machine and only for comparison.
 */
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Emulator, startEmulator } from "../../emulator";
import { ENGINE, Project, seededConfig } from "../support/project";

/** One run of the engine: what it asked of the cloud, by route, and how long it took. */
interface Phase {
  readonly name: string;
  readonly wallMs: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly stateBytes: number;
}

interface Part {
  readonly name: string;
  /** How many servers or resources share the calls. */
  readonly count: number;
  readonly phases: readonly Phase[];
}

interface Goal {
  readonly goal: string;
  readonly seen: number;
  readonly met: boolean;
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

/** The runs of a life, in order; `changed` is what the program then reads. */
const LIFE: readonly { readonly name: string; readonly args: readonly string[]; readonly changed?: true }[] = [
  { name: "create", args: ["up", "--yes", "--skip-preview"] },
  { name: "no-op", args: ["up", "--yes", "--skip-preview"] },
  { name: "no-op --refresh", args: ["up", "--yes", "--skip-preview", "--refresh"] },
  { name: "update", args: ["up", "--yes", "--skip-preview"], changed: true },
  { name: "destroy", args: ["destroy", "--yes", "--skip-preview"] },
];

/** `GET /v1/profiles/{id}/links`: every part of a path that has a digit in it is an id. */
function routeOf(method: string, path: string): string {
  const parts = (path.split("?")[0] ?? "").split("/").map((part) => decodeURIComponent(part));
  return `${method} ${parts.map((part) => (/\d/.test(part) && !/^v\d$/.test(part) ? "{id}" : part)).join("/")}`;
}

async function pulumi(project: Project, args: readonly string[]): Promise<void> {
  const { exitCode, output } = await project.start(process.env.PULUMI ?? ENGINE, [...args, "--non-interactive"]).done;
  if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${String(exitCode)}:\n${output}`);
}

async function phase(name: string, project: Project, emulator: Emulator, args: readonly string[]): Promise<Phase> {
  const before = emulator.journal().at(-1)?.index ?? -1;
  const started = performance.now();
  await pulumi(project, [...args, "--stack", "dev"]);
  const wallMs = Math.round(performance.now() - started);
  const calls: Record<string, number> = {};
  for (const { index, method, path } of emulator.journal()) {
    if (index > before) calls[routeOf(method, path)] = (calls[routeOf(method, path)] ?? 0) + 1;
  }
  return { name, wallMs, calls, stateBytes: stateBytesOf(project) };
}

function stateBytesOf(project: Project): number {
  const stacks = join(project.folder, "state", ".pulumi", "stacks");
  return readdirSync(stacks).reduce((sum, name) => sum + statSync(join(stacks, name, "dev.json")).size, 0);
}

/** A whole life of a project. `wish` is what the program reads before each run, if it reads anything. */
async function life(name: string, count: number, project: Project, emulator: Emulator, wish?: object): Promise<Part> {
  const phases: Phase[] = [];
  try {
    await pulumi(project, ["stack", "init", "dev"]);
    for (const { name: run, args, changed } of LIFE) {
      if (changed === true && wish === undefined) continue;
      if (wish !== undefined) {
        writeFileSync(join(project.cwd, "wish.json"), JSON.stringify({ ...wish, changed }));
      }
      phases.push(await phase(run, project, emulator, args));
    }
  } finally {
    project.remove();
  }
  return { name, count, phases };
}

/** The variables that point a program here. */
const environmentOf = ({ apiKey, region, url }: Emulator): Record<string, string> => ({
  IBMCLOUD_API_KEY: apiKey,
  IBMCLOUD_REGION: region,
  IBMCLOUD_IAM_API_ENDPOINT: url,
  IBMCLOUD_IS_NG_API_ENDPOINT: `${url}/v1`,
});

/** A cloud of its own for each part, so that one cannot disturb the next. */
async function inCloud(work: (emulator: Emulator, env: Record<string, string>) => Promise<Part>): Promise<Part> {
  const emulator = await startEmulator({ provisionSeconds: 0.2, deleteSeconds: 0.2, actionSeconds: 0.2 });
  try {
    return await work(emulator, environmentOf(emulator));
  } finally {
    await emulator.close();
  }
}

const iamPart = (): Promise<Part> =>
  inCloud((emulator, env) =>
    life("one of each IAM resource", 7, Project.ofProgram(IAM_PROGRAM, env), emulator, { account: emulator.accountId }),
  );

const examplePart = (): Promise<Part> =>
  inCloud(async (emulator, env) => {
    const project = Project.ofExample("linked-instance", env);
    const config = Object.entries(seededConfig(emulator)).map(
      ([key, value]) => `  linked-instance:${key}: ${JSON.stringify(value)}`,
    );
    writeFileSync(join(project.cwd, "Pulumi.dev.yaml"), `config:\n${config.join("\n")}\n`);
    return life("the linked-instance example", 1, project, emulator);
  });

const serversPart = (count: number): Promise<Part> =>
  inCloud((emulator, env) => {
    const { vpcId, subnetId, zone, imageId } = seededConfig(emulator);
    const wish = { count, place: { vpcId, subnetId, zone, imageId } };
    return life(`${count} servers`, count, Project.ofProgram(SERVERS_PROGRAM, env), emulator, wish);
  });

const isLogin = (route: string): boolean => route === "POST /identity/token";
const isRoles = (route: string): boolean => route === "GET /v2/roles";

/** The calls of a run; those that a process makes once, for a token or the roles of a service, are counted apart. */
function callsOf(
  part: Part,
  name: string,
  which = (route: string): boolean => !isLogin(route) && !isRoles(route),
): number {
  const calls = part.phases.find((one) => one.name === name)?.calls ?? {};
  return Object.entries(calls).reduce((sum, [route, count]) => sum + (which(route) ? count : 0), 0);
}

function goalsOf(iam: Part, example: Part, servers: readonly Part[]): Goal[] {
  const goal = (text: string, seen: number, met: boolean): Goal => ({ goal: text, seen, met });
  const all = [iam, example, ...servers];
  const idle = Math.max(...all.map((part) => callsOf(part, "no-op", () => true)));
  const reads = Math.max(...[iam, ...servers].map((part) => callsOf(part, "no-op --refresh") / part.count));
  const once = Math.max(
    ...all.map((part) => Math.max(callsOf(part, "create", isLogin), callsOf(part, "create", isRoles))),
  );
  const server = callsOf(example, "create");
  const [small, large] = [servers[0], servers.at(-1)];
  const perServer = (part: Part | undefined, run: string): number =>
    part === undefined ? 0 : callsOf(part, run) / part.count;
  const growth = Math.max(...LIFE.map(({ name }) => perServer(large, name) / Math.max(1, perServer(small, name))));
  const stateBytes = (large?.phases[0]?.stateBytes ?? 0) / (large?.count ?? 1);
  const perResource = Math.round((iam.phases[0]?.stateBytes ?? 0) / (iam.count + NOT_OURS));
  return [
    goal("no call at all in a run without changes", idle, idle === 0),
    goal("one read a resource with --refresh", reads, reads <= 1),
    goal("one login and one look at the roles of a service in a process", once, once <= 1),
    goal("8 calls at most for a linked server, its profile and its policy", server, server <= 8),
    goal(`calls a server with ${large?.count ?? 0} servers at most those with one`, round(growth), growth <= 1),
    goal("1.3 KB of state a resource at most, stack, provider and seed among them", perResource, perResource <= 1_300),
    goal("5 KB of state a server at most", Math.round(stateBytes), stateBytes <= 5_000),
  ];
}

const round = (value: number): number => Number(value.toFixed(2));

function print(parts: readonly Part[], goals: readonly Goal[]): void {
  for (const { name, count, phases } of parts) {
    const routes = [...new Set(phases.flatMap(({ calls }) => Object.keys(calls)))].sort();
    const width = Math.max(30, ...routes.map((route) => route.length));
    const row = (label: string, cells: readonly (string | number)[]): void =>
      console.log(label.padEnd(width) + cells.map((cell) => String(cell).padStart(17)).join(""));
    row(
      `-- ${name}`,
      phases.map((one) => one.name),
    );
    for (const route of routes)
      row(
        route,
        phases.map(({ calls }) => calls[route] ?? "-"),
      );
    const sums = phases.map(({ calls }) => Object.values(calls).reduce((sum, number) => sum + number, 0));
    row("calls", sums);
    if (count > 1)
      row(
        "calls each",
        sums.map((sum) => round(sum / count)),
      );
    row(
      "wall time (ms)",
      phases.map(({ wallMs }) => wallMs),
    );
    row(
      "state (bytes)",
      phases.map(({ stateBytes }) => stateBytes),
    );
  }
  for (const { goal, seen, met } of goals) console.log(`${met ? "met    " : "NOT MET"} ${goal}: ${seen}`);
}

/** `--quick`: 1 and 10 servers only, in place of 1, 10 and 50. `--json`: one JSON document in place of the tables. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { quick: { type: "boolean" }, json: { type: "boolean" } } });
  const [iam, example] = [await iamPart(), await examplePart()];
  const servers: Part[] = [];
  for (const count of values.quick === true ? [1, 10] : [1, 10, 50]) servers.push(await serversPart(count));
  const parts = [iam, example, ...servers];
  const goals = goalsOf(iam, example, servers);
  if (values.json === true) console.log(JSON.stringify({ node: process.version, parts, goals }, undefined, 2));
  else print(parts, goals);
}
