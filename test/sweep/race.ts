/**
 * Races: two commands at once on one stack, stacks that share a profile and run at once, and somebody else who changes an
 * object between the moment it is read and the moment it is written. Nobody's work may be lost without a word.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Api, VPC } from "../emulator/support";
import { CLI } from "../support/project";
import { CHANGEABLE, placeOn, RaceGround, SHARED, SMALL } from "./race-program";
import type { SweepOptions, SweepResult } from "./sweep";
import { shuffled, Tally } from "./tally";

const NAME = "races";

/** What is running, and what is started beside it. `cli` is `up` through the command of this package. */
const PAIRS = [
  ["up", "up"],
  ["up", "cli"],
  ["up", "refresh"],
  ["up", "destroy"],
  ["refresh", "up"],
  ["destroy", "up"],
  ["destroy", "refresh"],
] as const;

const TOGETHER = ["at the same moment"] as const;
const SHARES = ["first deployment", "change", "destroy beside change"] as const;
const EDITS = ["the field that is written", "another field"] as const;
type Edit = (typeof EDITS)[number];

export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const pick = <T>(all: readonly T[], count: number): readonly T[] =>
    options.sample ? shuffled(all, options.seed).slice(0, count) : all;
  const pairs = pick(PAIRS, 1);
  const edits = pick(
    WRITES.flatMap((write) => EDITS.filter((edit) => edit in write).map((edit) => ({ write, edit }))),
    1,
  );
  const shares = options.sample ? SHARES.slice(0, 1) : SHARES;
  const expected = pairs.length + TOGETHER.length + shares.length + edits.length;
  const calls = PAIRS.length + SHARES.length + WRITES.length;
  const tally = new Tally(NAME, options, { calls, faults: EDITS.length, expected });
  await withGround(SMALL, async (ground) => {
    for (const pair of pairs) await tally.try(pair.join(", and beside it "), () => oneStack(ground, pair));
    await tally.try("two times up at the same moment", () => sameMoment(ground));
  });
  await withGround(SHARED, (ground) => shared(ground, tally, shares));
  await withGround(CHANGEABLE, async (ground) => {
    await ready(ground);
    for (const { write, edit } of edits)
      await tally.try(`somebody else changes ${edit} before ${write.name}`, () => edited(ground, write, edit));
  });
  return tally.result;
}

async function withGround(program: string, work: (ground: RaceGround) => Promise<void>): Promise<void> {
  const ground = await RaceGround.of(program);
  try {
    ground.ignoreWhatIsThere();
    await work(ground);
  } finally {
    await ground.close();
  }
}

let wishes = 0;
const newText = (): string => `text ${++wishes}`;

/** The second is refused with the reason; the first ends as if it had been alone. */
async function oneStack(ground: RaceGround, [first, second]: (typeof PAIRS)[number]): Promise<string[]> {
  const stack = `one-${++wishes}`;
  await ground.stack(stack);
  ground.wish(stack, { text: newText() });
  await ground.must("up", stack);
  ground.wish(stack, { text: newText() });

  const held = new Gate();
  ground.before = (_method, path) => (path.startsWith("/v1/profiles") ? held.pass() : Promise.resolve());
  const running = ground.start(first, stack);
  await held.reached;
  const refused =
    second === "cli"
      ? await ground.project.start(process.execPath, [CLI, "up", "--yes", "--stack", stack, "--engine", "embedded"])
          .done
      : await ground.run(second, stack);
  const locks = join(ground.project.folder, "state", ".pulumi", "locks");
  const problems = existsSync(locks) ? [] : ["there is no folder of locks"];
  held.open();
  const { exitCode, output } = await running.done;
  ground.before = () => Promise.resolve();
  if (exitCode !== 0) problems.push(`the first ended with ${String(exitCode)}: ${output}`);
  if (refused.exitCode === 0) problems.push("the second was not refused");
  const says = /the stack is currently locked by 1 lock\(s\)[\s\S]*pid \d+/;
  if (!says.test(refused.output)) problems.push(`the second does not say who holds the stack: ${refused.output}`);
  problems.push(...(await ground.differences([stack])));
  if (lockFiles(locks).length > 0) problems.push("a lock was left");
  if (first !== "destroy") await ground.must("destroy", stack);
  return [...problems, ...(await ground.differences([stack]))];
}

/** Neither waits for the other: each is the one that runs, or is refused, or comes when the other is done. */
async function sameMoment(ground: RaceGround): Promise<string[]> {
  await ground.stack("both");
  ground.wish("both", { text: newText() });
  const runs = await Promise.all([ground.run("up", "both"), ground.run("up", "both")]);
  const problems = runs
    .filter(({ exitCode, output }) => exitCode !== 0 && !output.includes("the stack is currently locked by"))
    .map(({ exitCode, output }) => `exit code ${String(exitCode)}: ${output}`);
  const good = runs.filter(({ exitCode }) => exitCode === 0);
  if (good.length === 0) await ground.must("up", "both");
  problems.push(...(await ground.differences(["both"])));
  await ground.must("destroy", "both");
  return [...problems, ...(await ground.differences(["both"]))];
}

/** Two stacks add to one profile at once; each has what it asked for, and the account has nothing else. */
async function shared(ground: RaceGround, tally: Tally, shares: readonly string[]): Promise<void> {
  const place = placeOn(ground.emulator);
  for (const stack of ["base", "left", "right"]) await ground.stack(stack);
  ground.wish("base", {});
  await ground.must("up", "base");
  const outputs = (await ground.resources("base")).find(({ outputs }) => outputs?.profileId !== undefined)?.outputs;
  const wish = (stack: string, service: string, hops: number): void =>
    ground.wish(stack, { profileId: outputs?.profileId, role: "Viewer", service, zone: stack, hops, place });
  const both = async (left: string, right: string): Promise<string[]> => {
    const runs = await Promise.all([ground.run(left, "left"), ground.run(right, "right")]);
    const failed = runs.filter(({ exitCode }) => exitCode !== 0).map(({ output }) => output);
    const again: string[] = [];
    for (const stack of ["left", "right"]) {
      const { exitCode, output } = await ground.run("preview", stack, "--refresh", "--expect-no-changes");
      const destroyed = (stack === "left" ? left : right) === "destroy";
      if (!destroyed && exitCode !== 0) again.push(`${stack} is not as its program says: ${output}`);
    }
    return [...failed, ...again, ...(await ground.differences(["base", "left", "right"]))];
  };
  await tally.try(`two stacks that share a profile: ${SHARES[0]}`, () => {
    wish("left", "is", 1);
    wish("right", "cloud-object-storage", 1);
    return both("up", "up");
  });
  if (shares.length === 1) return;
  await tally.try(`two stacks that share a profile: ${SHARES[1]}`, () => {
    wish("left", "kms", 2);
    wish("right", "is", 2);
    return both("up", "up");
  });
  await tally.try(`two stacks that share a profile: ${SHARES[2]}`, () => {
    wish("right", "cloud-object-storage", 3);
    return both("destroy", "up");
  });
}

type Body = Readonly<Record<string, unknown>>;

/** A write of ours, and what somebody else writes just before it. */
interface Write {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  readonly query?: string;
  /** Their changes, made of the object as it is; the first has the field that we write. */
  readonly "the field that is written": (object: Body) => Body;
  /** One that the program says nothing of: it must still be there afterwards. */
  readonly "another field"?: (object: Body) => Body;
}

const only = (name: string, value: unknown) => (): Body => ({ [name]: value });
const changed =
  (name: string, value: unknown, ...names: readonly string[]) =>
  (object: Body): Body => ({ ...Object.fromEntries(names.map((key) => [key, object[key]])), [name]: value });

const vpcWrite = (name: string, path: RegExp): Write => ({
  name,
  method: "PATCH",
  path,
  query: VPC,
  "the field that is written": only("name", "theirs"),
});

const POLICY = ["type", "control", "description", "subject", "resource"];
const OPERATOR = { grant: { roles: [{ role_id: "crn:v1:bluemix:public:iam::::role:Editor" }] } };

const WRITES: readonly Write[] = [
  {
    name: "the profile is updated",
    method: "PUT",
    path: /^\/v1\/profiles\/[^/]+$/,
    "the field that is written": only("description", "theirs"),
    "another field": only("email", "theirs@example.com"),
  },
  {
    name: "the claim rule is updated",
    method: "PUT",
    path: /^\/v1\/profiles\/[^/]+\/rules\/[^/]+$/,
    "the field that is written": changed(
      "conditions",
      [{ claim: "zone", operator: "EQUALS", value: '"theirs"' }],
      ...["name", "type", "cr_type"],
    ),
  },
  {
    name: "the policy is replaced",
    method: "PUT",
    path: /^\/v2\/policies\/[^/]+$/,
    "the field that is written": changed("control", OPERATOR, ...POLICY),
  },
  {
    name: "the service ID is updated",
    method: "PUT",
    path: /^\/v1\/serviceids\/[^/]+$/,
    "the field that is written": only("name", "theirs"),
    "another field": only("description", "theirs"),
  },
  {
    name: "the API key is updated",
    method: "PUT",
    path: /^\/v1\/apikeys\/[^/]+$/,
    "the field that is written": only("name", "theirs"),
    "another field": only("description", "theirs"),
  },
  {
    ...vpcWrite("the server is updated", /^\/v1\/instances\/[^/]+$/),
    "the field that is written": only("metadata_service", { response_hop_limit: 7 }),
    "another field": only("availability_policy", { host_failure: "stop", preemption: "stop" }),
  },
  vpcWrite("the VPC is updated", /^\/v1\/vpcs\/[^/]+$/),
  vpcWrite("the subnet is updated", /^\/v1\/subnets\/[^/]+$/),
  vpcWrite("the SSH key is updated", /^\/v1\/keys\/[^/]+$/),
  vpcWrite("the floating IP is updated", /^\/v1\/floating_ips\/[^/]+$/),
];

async function ready(ground: RaceGround): Promise<void> {
  await ground.stack("dev");
  PLACES.set(ground, placeOn(ground.emulator));
  ground.wish("dev", { text: "a", place: PLACES.get(ground) });
  await ground.must("up", "dev");
}

const PLACES = new WeakMap<RaceGround, Record<string, unknown>>();
let text = "a";

/** Theirs is first, ours second: ours holds in what the program says, theirs in everything else, or the run says why not. */
async function edited(ground: RaceGround, write: Write, edit: Edit): Promise<string[]> {
  const change = write[edit];
  if (change === undefined) return ["there is no such edit"];
  const api = await new Api(ground.emulator).logIn();
  let path = "";
  ground.before = async (method, at) => {
    if (method !== write.method || !write.path.test(at) || path !== "") return;
    path = at;
    await api.must(`${method} ${at}?${write.query ?? ""}`, change(await api.must(`GET ${at}?${write.query ?? ""}`)), {
      headers: { ...(await tagOf(api, `GET ${at}?${write.query ?? ""}`)) },
    });
  };
  text = text === "a" ? "b" : "a";
  ground.wish("dev", { text, place: PLACES.get(ground) });
  const ours = await ground.run("up", "dev");
  ground.before = () => Promise.resolve();
  if (path === "") return [`there was no such call: ${ours.output}`];
  const problems: string[] = [];
  const conflict = ours.exitCode !== 0;
  if (conflict && !ours.output.includes("was changed outside of this stack since it was last read"))
    problems.push(`the run failed without a word of a conflict: ${ours.output}`);
  if (edit === "another field") {
    const now = (await api.must(`GET ${path}?${write.query ?? ""}`)) as Body;
    for (const [name, value] of Object.entries(change(now)))
      if (JSON.stringify(now[name]) !== JSON.stringify(value))
        problems.push(`their ${name} is lost: it is ${JSON.stringify(now[name])}, not ${JSON.stringify(value)}`);
  }
  // From here on nobody interferes: the account is as the program says.
  await ground.must("up", "dev", "--refresh");
  const { exitCode, output } = await ground.run("preview", "dev", "--refresh", "--expect-no-changes");
  if (exitCode !== 0) problems.push(`it does not come to rest: ${output}`);
  return [...problems, ...(await ground.differences(["dev"]))];
}

/** Where a change needs the current tag. */
async function tagOf(api: Api, call: string): Promise<Record<string, string>> {
  const { headers, body } = await api.send(call);
  const tag = (body as { entity_tag?: unknown } | undefined)?.entity_tag ?? headers.get("etag");
  return typeof tag === "string" && !call.includes("generation") ? { "If-Match": tag } : {};
}

/** Holds everyone up until it is opened. */
class Gate {
  #open: () => void = () => undefined;
  #arrived: () => void = () => undefined;
  readonly reached = new Promise<void>((resolve) => (this.#arrived = resolve));
  readonly #opened = new Promise<void>((resolve) => (this.#open = resolve));

  pass(): Promise<void> {
    this.#arrived();
    return this.#opened;
  }

  open(): void {
    this.#open();
  }
}

function lockFiles(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"))
    : [];
}
