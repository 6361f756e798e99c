/**
 * Bootstrap sweep, first part: every call that the command makes on a server, index by index, goes wrong in every way the
 * emulator knows: once, and from then on without end. Afterwards each credential is the old one or a new one, the exit code
 * and the message say what went wrong, and so do the metrics and the hooks of the server that has them; the next run without
 * the fault ends with everything new.
 */
import type { Fault } from "../../emulator";
import {
  CALLS,
  closeAll,
  type Command,
  COMMANDS,
  type Found,
  NOTHING,
  type Protocol,
  PROTOCOLS,
  SERVERS_EACH,
  type Ran,
  type Shell,
  SHELLS,
  SweptServer,
  untold,
} from "./bootstrap-server";
import { struckCall } from "./calls";
import type { SweepOptions, SweepResult } from "./sweep";
import { dealt, shuffled, Tally } from "./tally";

const NAME = "bootstrap faults";

interface Kind {
  readonly name: string;
  readonly fault: Fault;
  /** Exit code of a run that meets it at every try. */
  readonly exitCode: number;
  /** Whether one try that meets it ends the matter; "later": only after the first boot. @default false */
  readonly final?: boolean | "later";
  /** Strikes only the call for the certificate. @default false */
  readonly certificate?: boolean;
}

const KINDS: readonly Kind[] = [
  { name: "400", fault: { status: 400 }, exitCode: 5, final: true },
  {
    name: "400 profile_not_linked",
    fault: { status: 400, code: "profile_not_linked" },
    exitCode: 5,
    final: "later",
  },
  { name: "401", fault: { status: 401 }, exitCode: 5 },
  { name: "403", fault: { status: 403 }, exitCode: 5, final: "later" },
  { name: "404", fault: { status: 404 }, exitCode: 5, final: true },
  { name: "408", fault: { status: 408 }, exitCode: 6 },
  { name: "429", fault: { status: 429 }, exitCode: 6 },
  { name: "429 with Retry-After", fault: { status: 429, retryAfterSeconds: 2 }, exitCode: 6 },
  { name: "500", fault: { status: 500 }, exitCode: 6 },
  { name: "503", fault: { status: 503 }, exitCode: 6 },
  { name: "reset before the effect", fault: { reset: "before" }, exitCode: 4 },
  { name: "reset after the effect", fault: { reset: "after" }, exitCode: 4 },
  { name: "no answer, before the effect", fault: { hang: "before" }, exitCode: 4 },
  { name: "no answer, after the effect", fault: { hang: "after" }, exitCode: 4 },
  { name: "half an answer", fault: { body: "truncated" }, exitCode: 7 },
  { name: "broken JSON", fault: { body: "malformed" }, exitCode: 7 },
  { name: "escaped JSON", fault: { body: "escaped" }, exitCode: 0 },
  { name: "pretty JSON", fault: { body: "pretty" }, exitCode: 0 },
  { name: "a slow answer", fault: { delayMs: 150 }, exitCode: 0 },
  { name: "dates of yesterday", fault: { shiftDatesSeconds: -86_400 }, exitCode: 0 },
  {
    name: "an expired certificate",
    fault: { shiftCertificateSeconds: -86_400 },
    exitCode: 8,
    certificate: true,
  },
  {
    name: "a certificate of tomorrow",
    fault: { shiftCertificateSeconds: 86_400 },
    exitCode: 8,
    certificate: true,
  },
  { name: "a leaf alone", fault: { chain: "short" }, exitCode: 8, final: true, certificate: true },
  { name: "an intermediate twice", fault: { chain: "long" }, exitCode: 0, certificate: true },
];

interface Case {
  readonly protocol: Protocol;
  readonly shell: Shell;
  readonly command: Command;
  readonly kind: Kind;
  readonly call: number;
  readonly endless: boolean;
}

const nameOf = ({ protocol, shell, command, kind, call, endless }: Case): string =>
  `${protocol}, ${shell}, ${command}: ${kind.name} at call ${call} (${CALLS[call] ?? "?"}), ${endless ? "without end" : "once"}`;

function allCases(protocol: Protocol): Case[] {
  return (Object.keys(SHELLS) as Shell[]).flatMap((shell) =>
    (Object.keys(COMMANDS) as Command[]).flatMap((command) =>
      KINDS.flatMap((kind) =>
        CALLS.flatMap((_, call) =>
          kind.certificate === true && call !== CALLS.length - 1
            ? []
            : LENGTHS.filter((endless) => !endless || isTriedWithoutEnd(command, shell)).map((endless) => ({
                protocol,
                shell,
                command,
                kind,
                call,
                endless,
              })),
        ),
      ),
    ),
  );
}

/** Once, and from then on at every try. */
const LENGTHS = [false, true];

/** `renew` asks as `once` does, as patiently. So does a first boot, by a deadline of its own that is the same in every shell. */
const isTriedWithoutEnd = (command: Command, shell: Shell): boolean =>
  command === "once" || (command === "provision" && shell === "dash");

/** Each kind once in a sample, by one protocol or the other, so that a short one still has every one of them. */
function sampleOf(cases: readonly Case[], seed: number, part: number): Case[] {
  const drawn = shuffled(cases, seed);
  return KINDS.filter((_, index) => index % PROTOCOLS.length === part)
    .flatMap((kind) => drawn.find((one) => one.kind === kind) ?? [])
    .sort((a, b) => a.shell.localeCompare(b.shell));
}

export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const cases = PROTOCOLS.map((protocol, index) => {
    const all = allCases(protocol);
    const part = (options.seed + index) % PROTOCOLS.length;
    return { protocol, all, cases: options.sample ? sampleOf(all, options.seed, part) : all };
  });
  const sum = (count: (part: (typeof cases)[number]) => number): number =>
    cases.reduce((total, part) => total + count(part), 0);
  const runs = PROTOCOLS.length * Object.keys(SHELLS).length * Object.keys(COMMANDS).length;
  const [calls, faults] = [runs * CALLS.length, KINDS.length * LENGTHS.length];
  const tally = new Tally(NAME, options, {
    calls,
    faults,
    expected: sum((part) => part.cases.length),
    notApplicable: calls * faults - sum((part) => part.all.length),
  });
  const shares = cases.flatMap((part) =>
    dealt(part.cases, options.sample ? 1 : SERVERS_EACH).map((share) => ({ protocol: part.protocol, share })),
  );
  const servers = await SweptServer.startAll(shares.map(({ protocol }) => protocol));
  if (servers === undefined) {
    tally.skip(
      sum((part) => part.cases.length),
      "this machine refuses namespaces",
    );
    return tally.result;
  }
  try {
    await Promise.all(
      servers.map(async (server, index) => {
        await expectCalls(server, tally);
        for (const one of shares[index]?.share ?? []) if (!tally.stopped) await run(server, one, tally);
      }),
    );
  } finally {
    await closeAll(servers);
  }
  return tally.result;
}

/** The calls that are made to fail are all that there are. */
async function expectCalls(server: SweptServer, tally: Tally): Promise<void> {
  for (const command of Object.keys(COMMANDS) as Command[]) {
    const before = server.emulator.journal().length;
    await server.run(command);
    const made = server.emulator.journal().slice(before);
    const paths = made.map(({ path }) => path.split("?")[0]?.split("/").at(-1)).join(" ");
    if (paths !== "token iam_tokens iam_tokens certificates")
      tally.case(`${server.protocol}: the calls of ${command}`, [`they are ${paths}`]);
  }
}

async function run(server: SweptServer, one: Case, tally: Tally): Promise<void> {
  try {
    const { problems, struck } = await meet(server, one);
    tally.case(nameOf(one), problems, struck);
  } catch (error) {
    tally.case(nameOf(one), [error instanceof Error ? error.message : String(error)]);
  } finally {
    server.emulator.setFaults([]);
  }
}

async function meet(server: SweptServer, one: Case): Promise<{ problems: string[]; struck: boolean }> {
  const { emulator } = server;
  await server.useShell(one.shell);
  const old = one.command === "provision" ? NOTHING : await server.look();
  emulator.setFaults([{ ...one.kind.fault, where: "server", skip: one.call, count: one.endless ? 0 : 1 }]);
  const ran = await server.run(one.command);
  const struck = (await struckCall(emulator)) !== undefined;
  emulator.setFaults([]);
  const found = await server.look();
  const problems = judge(one, ran, old, found, server);
  const healed = await server.heal(one.command);
  if (healed.exitCode !== 0) problems.push(`the next run ends with ${healed.exitCode}: ${healed.stderr}`);
  const end = await server.look();
  problems.push(...end.broken, ...end.debris.map((name) => `${name} was left by the next run`));
  problems.push(...end.behind, ...untold(server, old, end));
  if (end.generation === undefined || Object.keys(end.tokens).length < 2) problems.push("something is still missing");
  if (COMMANDS[one.command].heal === "once")
    problems.push(...unlikeExpected(found, end, [1, 2, 3], "after the next run"));
  return { problems, struck };
}

function judge(
  { kind, call, endless, command }: Case,
  ran: Ran,
  old: Found,
  found: Found,
  server: SweptServer,
): string[] {
  const problems = [...found.broken, ...found.debris.map((name) => `${name} was left`)];
  const final = kind.final === true || (kind.final === "later" && command !== "provision");
  const exitCode = endless || final ? kind.exitCode : 0;
  if (ran.exitCode !== exitCode) problems.push(`exit code ${ran.exitCode}, not ${exitCode}: ${ran.stderr}`);
  if (ran.stdout !== "") problems.push(`it printed ${ran.stdout}`);
  const lines = ran.stderr.split("\n").filter((line) => line !== "");
  const messages = server.isEquipped ? lines.map(messageIn) : lines;
  problems.push(...lines.filter((_, index) => messages[index] === undefined).map((line) => `no line of JSON: ${line}`));
  if (kind.exitCode !== 0) {
    const status = kind.fault.status === undefined ? "" : `HTTP ${kind.fault.status}`;
    const line = messages.find((text) => text?.includes(CALLS[call] ?? "") === true && text.includes(status));
    if (line === undefined) problems.push(`no line names the call and "${status}": ${ran.stderr}`);
  }
  if (server.isEquipped) problems.push(...found.behind, ...untold(server, old, found), ...unreported(exitCode, found));
  // Without identity token there is nothing new; otherwise what was not struck is new.
  const isNew = [1, 2, 3].filter((index) => exitCode === 0 || (call > 0 && (endless ? index < call : index !== call)));
  return [...problems, ...unlikeExpected(old, found, isNew, "after the run")];
}

/** Of a log line in JSON; undefined when it is none. */
function messageIn(line: string): string | undefined {
  try {
    const { time, event, message } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return typeof time === "string" && typeof event === "string" && typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}

/** What metrics and hooks say of how the run ended, where that is not how it did. */
function unreported(exitCode: number, { failures, metricsExitCode }: Found): string[] {
  const told = exitCode === 0 ? "" : String(exitCode);
  return [
    ...(failures.join(" ") === told ? [] : [`hooks of a failure were told "${failures.join(" ")}", not "${told}"`]),
    ...(metricsExitCode === String(exitCode) ? [] : [`the metrics say exit code ${metricsExitCode ?? "nothing"}`]),
  ];
}

/** By number of the call: whether exactly those credentials are new that should be. */
function unlikeExpected(old: Found, found: Found, expected: readonly number[], when: string): string[] {
  const changed = [
    [1, found.tokens.default !== old.tokens.default],
    [2, found.tokens.other !== old.tokens.other],
    [3, found.generation !== old.generation],
  ] as const;
  return changed.flatMap(([index, isNew]) =>
    isNew === expected.includes(index) ? [] : [`${when} ${CALLS[index]} is ${isNew ? "new" : "not new"}`],
  );
}
