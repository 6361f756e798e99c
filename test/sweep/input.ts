/**
 * Bad input: arguments of everything that takes any, good and bad mixed at random. Each ends in a plan or in a complete list
 * of problems, each with property, value seen and what is allowed; never in a crash, and never in a call. A run is printed
 * with its seed, and what fails is made as small as it gets.
 */
import { createHook } from "node:async_hooks";
import { connect } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import * as fc from "fast-check";
import { type Problem, show } from "../../core/validate";
import { configure } from "../../provider/connection";
import handlerOf from "../../provider/dynamic";
import { startProgram } from "../provider/program";
import { DECIDING, NEVER_SHOWN, type Subject, SUBJECTS, uncovered } from "./input-table";
import type { SweepOptions, SweepResult } from "./sweep";
import { Tally } from "./tally";

const NAME = "bad input";
const RUNS = { sample: 60, whole: 1500 };
/** What is tried with each subject: its examples, and the three mixtures of `checksOf`. As much is tried with the sweep itself. */
const KINDS = 4;

type Key = string | number;
interface Place {
  readonly keys: readonly Key[];
  readonly value: unknown;
}

/** Every value of an example with where it stands, objects and lists as well as what they hold. */
function placesIn(value: unknown, keys: readonly Key[] = []): Place[] {
  const inner = Array.isArray(value)
    ? value.flatMap((entry, index) => placesIn(entry, [...keys, index]))
    : typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, entry]) => placesIn(entry, [...keys, key]))
      : [];
  return keys.length === 0 ? inner : [{ keys, value }, ...inner];
}

/** As a message names it. */
const pathOf = (keys: readonly Key[]): string =>
  keys.reduce<string>(
    (path, key) => (typeof key === "number" ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`),
    "",
  );

const isWithin = (inner: readonly Key[], outer: readonly Key[]): boolean =>
  outer.every((key, index) => inner[index] === key);

/** A copy with another value at one place; functions stay what they are. */
function withValue(target: unknown, [key, ...rest]: readonly Key[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(target))
    return target.map((entry, at): unknown => (at === key ? withValue(entry, rest, value) : entry));
  const fields = target as Readonly<Record<string, unknown>>;
  return { ...fields, [key]: withValue(fields[key], rest, value) };
}

/** Values that cannot be meant where this one is good. */
function wrongFor(good: unknown): readonly unknown[] {
  if (Array.isArray(good)) return ["a text", 12.5, { nonsense: true }];
  switch (typeof good) {
    case "number":
      return ["many", -0.5, { nonsense: 1 }];
    case "boolean":
      return ["maybe", 12.5];
    case "object":
    case "function":
      return ["a text", 12.5];
    default:
      return [12.5, { nonsense: [1] }];
  }
}

interface Mistake {
  readonly keys: readonly Key[];
  readonly value: unknown;
  /** It stands where nothing is allowed. */
  readonly unknown?: true;
}

/** Mistakes of which none hides another: not within each other, and nothing beside what decides how the rest is read. */
function compatible(mistakes: readonly Mistake[]): readonly Mistake[] {
  const decides = ({ keys }: Mistake): boolean => DECIDING.includes(String(keys.at(-1)));
  const scope = (mistake: Mistake): readonly Key[] => (decides(mistake) ? mistake.keys.slice(0, -1) : mistake.keys);
  return mistakes.filter((one, index) =>
    mistakes.slice(0, index).every((other) => !isWithin(one.keys, scope(other)) && !isWithin(other.keys, scope(one))),
  );
}

const UNKNOWN_KEY = "xyzzyPlugh";

const mistakesIn = (example: object): fc.Arbitrary<readonly Mistake[]> => {
  const places = placesIn(example);
  const objects = [{ keys: [], value: example }, ...places].filter(
    ({ value }) => typeof value === "object" && value !== null && !Array.isArray(value),
  );
  const wrong = fc
    .constantFrom(...places)
    .chain(({ keys, value }) => fc.constantFrom(...wrongFor(value)).map((bad): Mistake => ({ keys, value: bad })));
  const extra = fc
    .constantFrom(...objects)
    .map(({ keys }): Mistake => ({ keys: [...keys, UNKNOWN_KEY], value: "x", unknown: true }));
  return fc.array(fc.oneof({ weight: 4, arbitrary: wrong }, extra), { minLength: 1, maxLength: 6 }).map(compatible);
};

const apply = (example: object, mistakes: readonly Mistake[]): object =>
  mistakes.reduce<unknown>((args, { keys, value }) => withValue(args, keys, value), example) as object;

/** What is wrong with a list of problems itself. */
function unfit(problems: readonly Problem[]): string[] {
  return problems
    .filter(
      ({ reason }) =>
        !/^(is|are|there is|has|have|must|cannot|needs|at most|exactly|stands|begins|makes|goes|names)\b/.test(reason),
    )
    .map(({ property, reason }) => `the problem of ${property} says neither what is nor what must be: ${reason}`);
}

/** What a list of problems has not got of these mistakes. */
function untold(mistakes: readonly Mistake[], problems: readonly Problem[]): string[] {
  return mistakes.flatMap(({ keys, value, unknown }) => {
    const path = pathOf(keys);
    const own = problems.filter(({ property }) => property === path).map(({ reason }) => reason);
    if (own.length === 0) return [`nothing is said of ${path}, which is ${show(value)}`];
    // Where names are free, as those of links are, it is the value that is not what it must be.
    if (unknown === true && own.some((reason) => reason.includes("not an argument"))) return [];
    const hidden = keys.some((key) => NEVER_SHOWN.includes(String(key)));
    const told = own.some(
      (reason) => (hidden || reason.includes(show(value))) && /must|allowed|needed|takes/.test(reason),
    );
    return told ? [] : [`of ${path} neither ${show(value)} nor what is allowed is said: ${own.join("; ")}`];
  });
}

/** Problems by the text of an error that lists them, as a person reads it. */
function listed(message: string): Problem[] {
  return [...message.matchAll(/^ {2}- (.*?): (.*)$/gm)].map(([, property = "", reason = ""]) => ({
    property: property === "(arguments)" ? "" : property,
    reason,
  }));
}

/** What a program gets for its trouble: nothing, or every problem. @throws what is no list of problems */
async function used(subject: Subject, args: unknown): Promise<Problem[]> {
  try {
    await subject.use(`one-${++made}`, args as never);
    return [];
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const problems = listed(message);
    const known = pulumi.ResourceError.isInstance(error) || (error as { code?: unknown }).code !== undefined;
    if (!known || problems.length === 0) throw error;
    return problems;
  }
}

let made = 0;

/** By the rule alone where it can be had: then the arguments may be what no program could use. */
const judgedBy = async ({ rule, ...subject }: Subject, args: unknown): Promise<readonly Problem[]> =>
  rule === undefined ? used(subject, args) : rule(args, "");

/** Of the stack and the resource, as the program adds it. */
const MARK = `${"a1".repeat(8)}:app`;

async function checked(subject: Subject, args: object): Promise<Problem[]> {
  const result = await handlerOf(subject.name).check?.({}, { ...args, mark: MARK });
  return (result?.failures ?? []).map(({ property, reason }) => ({ property, reason }));
}

const lines = (problems: readonly Problem[]): string[] =>
  problems.map(({ property, reason }) => `${property}: ${reason}`).sort();

function expectNone(complaints: readonly string[]): void {
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
}

interface Check {
  readonly kind: string;
  readonly property: fc.IAsyncProperty<unknown>;
}

function checksOf(subject: Subject): Check[] {
  const example = fc.constantFrom(...subject.examples);
  const mixed = example.chain((good) => mistakesIn(good).map((mistakes) => ({ good, mistakes })));
  const anywhere = example.chain((good) =>
    fc
      // Any text may be the display name of a role, which the handler has to look up: that is a call.
      .tuple(fc.constantFrom(...placesIn(good).filter(({ keys }) => !keys.includes("roles"))), fc.jsonValue())
      .map(([{ keys }, value]) => withValue(good, keys, value) as object),
  );
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    maxDepth: 3,
  });
  return [
    {
      kind: "wrong values among right ones",
      property: fc.asyncProperty(mixed, async ({ good, mistakes }) => {
        const args = apply(good, mistakes);
        const problems = await used(subject, args);
        expectNone([...unfit(problems), ...untold(mistakes, problems)]);
        if (!subject.isResource) return;
        const [program, provider] = [lines(problems), lines(await checked(subject, args))];
        expectNone(provider.filter((line) => !program.includes(line)).map((line) => `only the handler says ${line}`));
        expectNone(program.filter((line) => !provider.includes(line)).map((line) => `only the program says ${line}`));
      }),
    },
    {
      kind: "any JSON in one place",
      property: fc.asyncProperty(anywhere, async (args) => {
        expectNone(unfit(await used(subject, args)));
        if (subject.isResource) expectNone(unfit(await checked(subject, args)));
      }),
    },
    {
      kind: "any value at all",
      property: fc.asyncProperty(fc.oneof(anything, anywhere), async (args) => {
        expectNone(unfit(await judgedBy(subject, args)));
      }),
    },
  ];
}

/**
 * What a state says in other words than the arguments, by type: the id of a profile that was given by its CRN, the IAM id of a
 * policy's subject, the digest of a key's value, where a network put a server.
 */
const IN_OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  TrustedProfileLink: ["profileId"],
  AccessPolicy: ["iamId"],
  ApiKey: ["iamId", "givenValue", "storeValue"],
  Instance: ["subnetId", "primaryIp"],
  InstanceTemplate: ["subnetId", "primaryIp", "primaryNetworkInterface", "securityGroupIds"],
  BareMetalServer: ["subnetId", "primaryIp"],
};

/** What the handler has against an example, and what it would change in an object that is exactly that. */
async function unchangedSays(subject: Subject, example: object): Promise<string[]> {
  const { check, diff } = handlerOf(subject.name);
  const result = await check?.({}, { ...example, mark: MARK });
  if (result === undefined || diff === undefined) return ["its handler neither checks nor compares"];
  const failures = result.failures ?? [];
  if (failures.length > 0) return lines(failures);
  const inputs: unknown = result.inputs;
  const { changes, replaces = [] } = await diff("id", inputs, inputs);
  const others = IN_OTHER_WORDS[subject.name];
  const fields = replaces.filter((field) => others?.includes(field) !== true);
  const isOther = fields.length > 0 || (changes === true && others === undefined);
  return isOther ? [`it is not the same as itself: ${fields.join(", ") || "it would be updated"}`] : [];
}

/** The examples are good, and between them they have every argument that is allowed. */
async function examplesHold(subject: Subject): Promise<string[]> {
  const complaints: string[] = [];
  for (const example of subject.examples) {
    complaints.push(...lines(await used(subject, example)));
    if (subject.isResource) complaints.push(...(await unchangedSays(subject, example)));
    for (const { keys, value } of [{ keys: [], value: example }, ...placesIn(example)]) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
      const extra = [...keys, UNKNOWN_KEY];
      const problems = await judgedBy(subject, withValue(example, extra, "x"));
      const reason = problems.find(({ property }) => property === pathOf(extra))?.reason ?? "";
      const allowed = /Allowed: (.*)$/.exec(reason)?.[1]?.split(", ") ?? [];
      // What is within an argument is shared by many subjects: there any of them will do.
      const have = keys.length === 0 ? new Set(subject.examples.flatMap((one) => Object.keys(one))) : ALL_KEYS;
      const missing = allowed.filter((key) => !have.has(key));
      complaints.push(...missing.map((key) => `no example has ${pathOf([...keys, key])}`));
    }
  }
  return [...new Set(complaints)];
}

const ALL_KEYS = new Set(
  SUBJECTS.flatMap(({ examples }) => examples.flatMap((example) => placesIn(example).flatMap(({ keys }) => keys))),
);

/** Everything that this process connects to or looks up, from now on. */
function watchNetwork(): { readonly count: () => number; stop(): void } {
  let count = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (/^(TCPCONNECTWRAP|PIPECONNECTWRAP|GETADDRINFOREQWRAP|UDPSENDWRAP)$/.test(type)) count += 1;
    },
  }).enable();
  return { count: () => count, stop: () => void hook.disable() };
}

export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const numRuns = options.sample ? RUNS.sample : RUNS.whole;
  const calls = SUBJECTS.length + 1;
  const tally = new Tally(NAME, options, { calls, faults: KINDS, expected: calls * KINDS });
  options.progress(`${NAME}: ${numRuns} runs each, seed ${options.seed}`);
  const unsettled: unknown[] = [];
  const keep = (reason: unknown): void => void unsettled.push(reason);
  process.on("unhandledRejection", keep);
  const network = watchNetwork();
  const { warn } = console;
  // Without an engine the SDK writes to the console what a program is warned of, time and again.
  console.warn = () => undefined;
  try {
    await configureNowhere();
    await startProgram();
    for (const subject of SUBJECTS) {
      await tally.try(`${subject.name}: the examples`, () => examplesHold(subject));
      for (const { kind, property } of checksOf(subject)) {
        const before = network.count();
        await tally.try(`${subject.name}: ${kind}, seed ${options.seed}`, async () => {
          const outcome = await fc.check(property, { numRuns, seed: options.seed });
          const calls = network.count() - before;
          return [
            ...(outcome.failed ? [failureOf(outcome)] : []),
            ...(calls === 0 ? [] : [`${calls} connections were begun`]),
            ...unsettled.splice(0).map((reason) => `rejected later: ${String(reason)}`),
          ];
        });
      }
    }
    for (const [name, prove] of Object.entries(proofs(network, unsettled))) await tally.try(name, prove);
  } finally {
    console.warn = warn;
    network.stop();
    process.off("unhandledRejection", keep);
  }
  return tally.result;
}

/** That the sweep has everything, and would see what it looks for. */
function proofs(
  network: { readonly count: () => number },
  unsettled: unknown[],
): Readonly<Record<string, () => Promise<readonly string[]>>> {
  return {
    "the table has whatever the package exports": () => Promise.resolve(uncovered()),
    "a handler says that an argument is wrong": async () => {
      const [subject] = SUBJECTS.filter(({ isResource }) => isResource);
      const problems = subject && (await checked(subject, { ...subject.examples[0], [UNKNOWN_KEY]: "x" }));
      return problems?.[0]?.property === UNKNOWN_KEY ? [] : ["it does not"];
    },
    "a connection is counted": async () => {
      const before = network.count();
      await new Promise<void>((resolve) =>
        connect(1, "127.0.0.1")
          .on("error", () => resolve())
          .on("connect", resolve),
      );
      return network.count() > before ? [] : ["it is not"];
    },
    "what is rejected later is kept": async () => {
      void Promise.reject(new Error("later"));
      await new Promise((resolve) => setImmediate(resolve));
      return unsettled.splice(0).length === 1 ? [] : ["it is not"];
    },
  };
}

/** What did not hold, and the smallest arguments with which it does not. */
function failureOf({ errorInstance, counterexample, counterexamplePath }: fc.RunDetails<unknown>): string {
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return `${why}\n(path ${String(counterexamplePath)}: ${fc.stringify(counterexample).slice(-400)})`;
}

/** Settings as a stack has them; nothing answers there, and nobody is to ask. */
async function configureNowhere(): Promise<void> {
  const settings: Readonly<Record<string, string>> = {
    apiKey: "k".repeat(44),
    region: "us-south",
    iamEndpoint: "http://127.0.0.1:1",
    vpcEndpoint: "http://127.0.0.1:1/v1",
    taggingEndpoint: "http://127.0.0.1:1",
  };
  const get = (key: string): string | undefined => settings[key.replace("vpc-identity:", "")];
  await configure({ config: { get, require: (key) => get(key) ?? "" } });
}
