/**
 * Races: two commands at once on one stack, stacks that share a profile and run at once, and somebody else who changes an
 * object between the moment it is read and the moment it is written. Nobody's work may be lost without a word.
 */
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

const SHARES = ["first deployment", "change", "destroy beside change"] as const;

export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const pick = <T>(all: readonly T[], count: number): readonly T[] =>
    options.sample ? shuffled(all, options.seed).slice(0, count) : all;
  const allEdits = WRITES.flatMap((write) => write.edits.map((edit) => ({ write, edit })));
  const pairs = pick(PAIRS, 1);
  const edits = pick(allEdits, 1);
  const shares = options.sample ? SHARES.slice(0, 1) : SHARES;
  // Two times up at the same moment is the one beside these.
  const calls = PAIRS.length + 1 + SHARES.length + allEdits.length;
  const expected = pairs.length + 1 + shares.length + edits.length;
  const tally = new Tally(NAME, options, { calls, faults: 1, expected });
  await withGround(SMALL, async (ground) => {
    for (const pair of pairs) await tally.try(pair.join(", and beside it "), () => oneStack(ground, pair));
    await tally.try("two times up at the same moment", () => sameMoment(ground));
  });
  await withGround(SHARED, (ground) => shared(ground, tally, shares));
  await withGround(CHANGEABLE, async (ground) => {
    const place = placeOn(ground.emulator);
    await ground.stack("dev");
    ground.wish("dev", { text: "a", place });
    await ground.must("up", "dev");
    for (const [index, { write, edit }] of edits.entries()) {
      const text = index % 2 === 0 ? "b" : "a";
      await tally.try(`somebody else changes ${edit.what} before ${write.name}`, () => {
        ground.wish("dev", { text, place });
        return edited(ground, write, edit, text);
      });
    }
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

/** The second is refused with the reason; the first ends as if it had been alone. */
async function oneStack(ground: RaceGround, [first, second]: (typeof PAIRS)[number]): Promise<string[]> {
  const stack = `${first}-${second}`;
  await ground.stack(stack);
  ground.wish(stack, { text: "before" });
  await ground.must("up", stack);
  ground.wish(stack, { text: "after" });
  // So that there is something for it to find.
  if (first === "refresh") await describeProfile(ground, stack, "after");

  const held = new Gate();
  ground.before = (_method, path) => (path.startsWith("/v1/profiles") ? held.pass() : Promise.resolve());
  const running = ground.start(first, stack);
  const early = await Promise.race([held.reached.then(() => undefined), running.done]);
  if (early !== undefined) {
    ground.before = () => Promise.resolve();
    return [`the first ended before it made a call: exit ${String(early.exitCode)}: ${early.output}`];
  }
  const refused =
    second === "cli"
      ? await ground.project.start(process.execPath, [CLI, "up", "--yes", "--stack", stack, "--engine", "embedded"])
          .done
      : await ground.run(second, stack);
  const locks = ground.locks(stack).length;
  const problems = locks === 1 ? [] : [`while the first ran there were ${locks} locks`];
  held.open();
  const { exitCode, output } = await running.done;
  ground.before = () => Promise.resolve();
  if (exitCode !== 0) problems.push(`the first ended with ${String(exitCode)}: ${output}`);
  if (refused.exitCode === 0) problems.push("the second was not refused");
  const says = /the stack is currently locked by 1 lock\(s\)[\s\S]*pid \d+/;
  if (!says.test(refused.output)) problems.push(`the second does not say who holds the stack: ${refused.output}`);
  if (ground.locks(stack).length > 0) problems.push("a lock was left");
  problems.push(...(await ground.differences([stack])));
  if (first !== "destroy") {
    problems.push(...(await changesLeft(ground, stack)));
    await ground.must("destroy", stack);
  }
  const left = await ground.resources(stack);
  if (left.length > 0) problems.push(`after destroy the state has ${left.map(({ urn }) => urn).join(", ")}`);
  return [...problems, ...(await ground.differences([stack]))];
}

async function describeProfile(ground: RaceGround, stack: string, description: string): Promise<void> {
  const api = await new Api(ground.emulator).logIn();
  const profile = (await ground.resources(stack)).find(({ type }) => type.endsWith(":TrustedProfile"));
  const path = `/v1/profiles/${profile?.id ?? ""}`;
  await api.must(`PUT ${path}`, { description }, { headers: await tagOf(api, path) });
}

/** What is not as the program says: first by the state alone, then by the account. */
async function changesLeft(ground: RaceGround, stack: string): Promise<string[]> {
  const problems: string[] = [];
  for (const flags of [[], ["--refresh"]]) {
    const { exitCode, output } = await ground.run("preview", stack, ...flags, "--expect-no-changes");
    if (exitCode !== 0) problems.push(`${["preview", ...flags].join(" ")} of ${stack} sees changes: ${output}`);
  }
  return problems;
}

/** Neither waits for the other: each is the one that runs, or is refused, or comes when the other is done. */
async function sameMoment(ground: RaceGround): Promise<string[]> {
  await ground.stack("both");
  ground.wish("both", { text: "both" });
  const runs = await Promise.all([ground.run("up", "both"), ground.run("up", "both")]);
  const problems = runs
    .filter(({ exitCode, output }) => exitCode !== 0 && !output.includes("the stack is currently locked by"))
    .map(({ exitCode, output }) => `exit code ${String(exitCode)}: ${output}`);
  const good = runs.filter(({ exitCode }) => exitCode === 0);
  if (good.length === 0) await ground.must("up", "both");
  problems.push(...(await changesLeft(ground, "both")), ...(await ground.differences(["both"])));
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
    if (left === "up") again.push(...(await changesLeft(ground, "left")));
    if (right === "up") again.push(...(await changesLeft(ground, "right")));
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
    // Not what the other one gives up: whoever were first would be refused, rightly.
    wish("right", "secrets-manager", 2);
    return both("up", "up");
  });
  await tally.try(`two stacks that share a profile: ${SHARES[2]}`, () => {
    wish("right", "cloud-object-storage", 3);
    return both("destroy", "up");
  });
}

type Body = Readonly<Record<string, unknown>>;

/** What somebody else writes just before us. */
interface Edit {
  readonly what: string;
  /** What the program calls the field; undefined where the program has no say in it. */
  readonly argument?: string;
  readonly theirs: Body;
  /** The same field as our run writes it, where it does. */
  readonly ours?: (text: string) => Body;
}

/** A write of ours. */
interface Write {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  readonly query?: string;
  /** True where the API refuses a write that was made of an older version of the object. */
  readonly guarded: boolean;
  /** What a whole new version needs beside the field that changes. */
  readonly along?: readonly string[];
  readonly edits: readonly Edit[];
}

const WRITTEN = "the field that is written";
const ANOTHER = "another field of the program";
const FOREIGN = "what the program has no say in";

const vpcWrite = (name: string, path: RegExp, prefix: string, guarded = false): Write => ({
  name,
  method: "PATCH",
  path,
  query: VPC,
  guarded,
  edits: [{ what: WRITTEN, argument: "name", theirs: { name: "theirs" }, ours: (text) => ({ name: prefix + text }) }],
});

const roles = (role: string): Body => ({
  control: { grant: { roles: [{ role_id: `crn:v1:bluemix:public:iam::::role:${role}` }] } },
});
const zone = (value: string): Body => ({
  conditions: [{ claim: "zone", operator: "EQUALS", value: JSON.stringify(value) }],
});
const described: Edit = { what: ANOTHER, argument: "description", theirs: { description: "theirs" } };

const WRITES: readonly Write[] = [
  {
    name: "the profile is updated",
    method: "PUT",
    path: /^\/v1\/profiles\/[^/]+$/,
    guarded: true,
    along: ["name"],
    edits: [
      { ...described, what: WRITTEN, ours: (text) => ({ description: text }) },
      { what: ANOTHER, argument: "email", theirs: { email: "theirs@example.com" } },
      // Written again as it is, it has another version all the same.
      { what: FOREIGN, theirs: {} },
    ],
  },
  {
    name: "the claim rule is updated",
    method: "PUT",
    path: /^\/v1\/profiles\/[^/]+\/rules\/[^/]+$/,
    guarded: true,
    along: ["name", "type", "cr_type", "conditions"],
    edits: [
      { what: WRITTEN, argument: "conditions", theirs: zone("theirs"), ours: zone },
      { what: ANOTHER, argument: "name", theirs: { name: "theirs" } },
    ],
  },
  {
    name: "the policy is replaced",
    method: "PUT",
    path: /^\/v2\/policies\/[^/]+$/,
    guarded: true,
    along: ["type", "control", "description", "subject", "resource"],
    edits: [
      {
        what: WRITTEN,
        argument: "roleIds",
        theirs: roles("Editor"),
        ours: (text) => roles(text === "a" ? "Viewer" : "Operator"),
      },
      described,
    ],
  },
  {
    name: "the service ID is updated",
    method: "PUT",
    path: /^\/v1\/serviceids\/[^/]+$/,
    guarded: true,
    edits: [
      { what: WRITTEN, argument: "name", theirs: { name: "theirs" }, ours: (text) => ({ name: `service-${text}` }) },
      described,
    ],
  },
  {
    name: "the API key is updated",
    method: "PUT",
    path: /^\/v1\/apikeys\/[^/]+$/,
    guarded: true,
    edits: [
      { what: WRITTEN, argument: "name", theirs: { name: "theirs" }, ours: (text) => ({ name: `key-${text}` }) },
      described,
    ],
  },
  {
    name: "the server is updated",
    method: "PATCH",
    path: /^\/v1\/instances\/[^/]+$/,
    query: VPC,
    guarded: true,
    edits: [
      {
        what: WRITTEN,
        argument: "metadataService",
        theirs: { metadata_service: { response_hop_limit: 7 } },
        ours: (text) => ({ metadata_service: { response_hop_limit: text === "a" ? 1 : 2 } }),
      },
      { what: FOREIGN, theirs: { availability_policy: { host_failure: "stop", preemption: "stop" } } },
    ],
  },
  vpcWrite("the VPC is updated", /^\/v1\/vpcs\/[^/]+$/, "network-", true),
  vpcWrite("the subnet is updated", /^\/v1\/subnets\/[^/]+$/, "subnet-"),
  vpcWrite("the SSH key is updated", /^\/v1\/keys\/[^/]+$/, "ssh-"),
  vpcWrite("the floating IP is updated", /^\/v1\/floating_ips\/[^/]+$/, "door-"),
];

/**
 * Theirs is first, ours second. A run that ends well has what the program says, and theirs in everything else. Where the API
 * knows of versions, a run that would write over theirs fails instead, naming the field, and theirs stays until somebody
 * looked.
 */
async function edited(ground: RaceGround, write: Write, edit: Edit, text: string): Promise<string[]> {
  const api = await new Api(ground.emulator).logIn();
  let path = "";
  ground.before = async (method, at) => {
    if (method !== write.method || !write.path.test(at) || path !== "") return;
    path = `${at}?${write.query ?? ""}`;
    const now: Body = await api.must(`GET ${path}`);
    const along = Object.fromEntries((write.along ?? []).map((name) => [name, now[name]]));
    const headers = write.guarded ? await tagOf(api, path) : {};
    await api.must(`${method} ${path}`, { ...along, ...edit.theirs }, { headers });
  };
  const { exitCode, output } = await ground.run("up", "dev");
  ground.before = () => Promise.resolve();
  if (path === "") return [`there was no such call: ${output}`];
  const problems: string[] = [];
  const refused = exitCode !== 0;
  const mustRefuse = write.guarded && edit.argument !== undefined;
  if (refused !== mustRefuse) problems.push(`the run ended with ${String(exitCode)}: ${output}`);
  if (refused && !new RegExp(`was changed outside of this stack [^\n]*: ${edit.argument ?? ""}\\.`).test(output))
    problems.push(`the run failed without a word of a conflict: ${output}`);
  const now = await api.must(`GET ${path}`);
  const right = refused ? edit.theirs : (edit.ours?.(text) ?? edit.theirs);
  if (!holds(now, right)) problems.push(`there should be ${JSON.stringify(right)}: ${JSON.stringify(now)}`);
  // From here on nobody interferes: the account is as the program says.
  if (refused) await ground.must("up", "dev", "--refresh");
  return [...problems, ...(await changesLeft(ground, "dev")), ...(await ground.differences(["dev"]))];
}

/** Whether every value of `part` is in `whole`, at its place. */
function holds(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null) return false;
  return Object.entries(part).every(([key, value]) => holds((whole as Body)[key], value));
}

/** Where a change needs the current tag. */
async function tagOf(api: Api, path: string): Promise<Record<string, string>> {
  const { headers, body } = await api.send(`GET ${path}`);
  const tag = (body as { entity_tag?: string } | undefined)?.entity_tag ?? headers.get("etag") ?? "";
  return { "If-Match": tag };
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
