/**
 * Bootstrap sweep, second part: SIGKILL before and after every program that the command starts, and between the opening and
 * the writing of every file that its shell writes itself. Once everything that runs is killed, as when a machine is switched
 * off; once the shell alone, as when a kernel is short of memory. Afterwards each credential is the old one or a new one,
 * whole, and the next run heals.
 */
import { quoted } from "../../cli/shell";
import {
  closeAll,
  type Command,
  COMMANDS,
  NOTHING,
  PROGRAMS_OF_SWEEP,
  PROTOCOLS,
  SERVERS_EACH,
  type Shell,
  SHELLS,
  SweptServer,
  untold,
} from "./bootstrap-server";
import type { SweepOptions, SweepResult } from "./sweep";
import { dealt, drawing, shuffled, Tally } from "./tally";

const NAME = "bootstrap kills";
const VICTIMS = ["everything", "the shell alone"] as const;
type Victim = (typeof VICTIMS)[number];

/** All programs that the command starts and that can change files; `proveComplete` fails when one is missing. */
const PROGRAMS =
  "awk cat chgrp chmod chown cp curl find flock ln mkdir mktemp mv openssl rm rmdir sed sync systemctl timeout".split(
    " ",
  );

/** Those that change none: a kill before or after one of them leaves what a kill at the point before it leaves. */
const READERS = "basename cut date dirname od tr".split(" ");

/** Kills a command of the sample at one of this many points; of the whole at every one. */
const SAMPLE_POINTS = 20;

/**
 * Counts the points, and kills at the one that is named. What outlives the shell goes on, as it would. Variables are those of
 * the script that reads this, hence the names.
 */
const STEP = `sweep_step() {
  read -r sweep_count </run/sweep/count
  sweep_count=$((sweep_count + 1))
  command echo "$sweep_count" >/run/sweep/count
  command echo "$sweep_count $*" >>/run/sweep/points
  read -r sweep_at sweep_victim </run/sweep/kill
  [ "$sweep_count" -eq "$sweep_at" ] || return 0
  case $sweep_victim in
    everything) kill -9 0 ;;
    *) kill -9 "$SWEEP_SHELL" ;;
  esac
}`;

/** What writes to a pipe alone changes no file, and the next in the pipe may count. */
const TO_PIPE = `"awk -v json="* | "cat "* | "find "* | "sed "*`;

/** Stands before a program of the system. */
const STAND_IN = `#!/usr/bin/dash
. /run/sweep/step
PATH=${PROGRAMS_OF_SWEEP}:/usr/sbin:/usr/bin:/sbin:/bin
program=\${0##*/}
case "$program $*" in
  ${TO_PIPE}) [ -f /proc/self/fd/1 ] || exec "$program" "$@" ;;
esac
sweep_step before "$program" "$@"
command "$program" "$@"
code=$?
sweep_step after "$program" "$@"
exit "$code"
`;

/** Stands before a program that BusyBox ash is itself, for which it does not look at PATH. */
const APPLET = `sweep_applet() {
  case "$*" in
    ${TO_PIPE}) [ -f /proc/self/fd/1 ] || { command "$@"; return; } ;;
  esac
  sweep_step before "$@"
  command "$@"
  sweep_code=$?
  sweep_step after "$@"
  return "$sweep_code"
}
`;

/**
 * Read by the installed script itself, before what its owner asks for: a file is open, and empty, when a builtin begins to
 * write it. What goes to a pipe or to the log is no file.
 */
const INSIDE = `. /run/sweep/step
SWEEP_SHELL=$$
export SWEEP_SHELL
printf() { [ ! -f /proc/self/fd/1 ] || sweep_step inside printf "$@"; command printf "$@"; }
echo() { [ ! -f /proc/self/fd/1 ] || sweep_step inside echo "$@"; command echo "$@"; }
case $(/usr/bin/readlink /usr/local/sbin/sh) in *busybox) . /run/sweep/applets ;; esac
`;

/** What the owner asks for stays as it is, in the file that the script reads. */
const INSTALL = `extras=/usr/local/lib/vpc-identity/extras
mkdir -p /run/sweep /usr/local/lib/vpc-identity
printf '%s' ${quoted(STEP)} >/run/sweep/step
printf '%s' ${quoted(INSIDE)} >/run/sweep/inside
printf '%s' ${quoted(APPLET)} >/run/sweep/applets
for applet in $(/usr/bin/busybox --list); do
  case ' ${PROGRAMS.join(" ")} ' in
    *" $applet "*) printf '%s() { sweep_applet %s "$@"; }\\n' "$applet" "$applet" >>/run/sweep/applets ;;
  esac
done
[ -e "$extras" ] || : >"$extras"
{ echo '. /run/sweep/inside'; cat "$extras"; } >/run/sweep/extras && mv /run/sweep/extras "$extras"
for program in ${PROGRAMS.join(" ")}; do
  printf '%s' ${quoted(STAND_IN)} >/usr/local/sbin/$program
  chmod 755 /usr/local/sbin/$program
done
for program in ${READERS.join(" ")}; do ln -s "/usr/bin/$program" /usr/local/sbin; done`;

const killAt = (point: number, victim: Victim): string =>
  `echo 0 >/run/sweep/count; : >/run/sweep/points; echo '${point} ${victim}' >/run/sweep/kill`;

interface Run {
  readonly shell: Shell;
  readonly command: Command;
}

const RUNS: readonly Run[] = (Object.keys(SHELLS) as Shell[]).flatMap((shell) =>
  (Object.keys(COMMANDS) as Command[]).map((command) => ({ shell, command })),
);

/** What every run does in any shell; a shell in which it is not seen runs it past the stand-ins. */
const ALWAYS = ["before awk", "before curl", "before mktemp", "before mv", "before openssl", "inside printf"];

/** A server whose points are known. */
interface Prepared {
  readonly server: SweptServer;
  /** Points of each run, in their order, each with what happens there. */
  readonly points: ReadonlyMap<Run, readonly string[]>;
}

interface Case {
  readonly run: Run;
  readonly point: number;
  readonly victim: Victim;
}

export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const shares = PROTOCOLS.flatMap((protocol, index) => {
    const all = shuffled(RUNS, options.seed + index);
    return (options.sample ? [all.slice(0, 2)] : dealt(all, SERVERS_EACH)).map((runs) => ({ protocol, runs }));
  });
  const servers = await SweptServer.startAll(shares.map(({ protocol }) => protocol));
  if (servers === undefined) {
    const tally = new Tally(NAME, options, { calls: 0, faults: VICTIMS.length, expected: 1 });
    tally.skip(1, "this machine refuses namespaces");
    return tally.result;
  }
  try {
    const prepared = await Promise.all(servers.map((server, index) => prepare(server, shares[index]?.runs ?? [])));
    const plans = prepared.map((one, index) => casesOf(one, options, index));
    const tally = new Tally(NAME, options, {
      calls: prepared.flatMap(({ points }) => [...points.values()].flat()).length,
      faults: VICTIMS.length,
      expected: plans.flat().length,
    });
    await Promise.all(
      prepared.map(async (one, index) => {
        for (const single of plans[index] ?? []) if (!tally.stopped) await kill(one, single, tally);
      }),
    );
    return tally.result;
  } finally {
    await closeAll(servers);
  }
}

async function prepare(server: SweptServer, runs: readonly Run[]): Promise<Prepared> {
  await server.must(INSTALL);
  await proveComplete(server);
  const points = new Map<Run, readonly string[]>();
  for (const run of runs) {
    await server.useShell(run.shell);
    const { exitCode, stderr } = await server.run(run.command, killAt(0, "everything"));
    if (exitCode !== 0) throw new Error(`${run.command} under ${run.shell}: ${stderr}`);
    const found = pointsIn(await server.must("/usr/bin/cat /run/sweep/points"));
    const unseen = ALWAYS.filter((what) => !found.some((point) => point.includes(what)));
    if (unseen.length > 0) throw new Error(`${run.command} under ${run.shell}: not seen: ${unseen.join(", ")}`);
    points.set(run, found);
  }
  return { server, points };
}

/** The first line of each: the text of a program may have many. */
function pointsIn(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => /^\d+ (before|after|inside) /.test(line))
    .map((line) => line.slice(0, 120));
}

/** With no other program than these it works as well: there is none that could not be stopped. */
async function proveComplete(server: SweptServer): Promise<void> {
  for (const command of ["once", "renew"] as const) {
    const { exitCode, stderr } = await server.exec(`${killAt(0, "everything")}
      /usr/bin/sed 's|^PATH=.*|PATH=/usr/local/sbin|' /usr/local/bin/vpc-identity >/run/sweep/confined
      ${COMMANDS[command].prepare}
      exec sh /run/sweep/confined ${command}`);
    if (exitCode !== 0 || /not found|the hook failed/.test(stderr))
      throw new Error(`${command} starts a program that is not watched: ${stderr}`);
  }
}

function casesOf({ points: pointsOf }: Prepared, { sample, seed }: SweepOptions, index: number): Case[] {
  const all = [...pointsOf].flatMap(([run, points]) => points.map((_, point) => ({ run, point: point + 1 })));
  if (!sample) return all.flatMap((at) => VICTIMS.map((victim) => ({ ...at, victim })));
  // Evenly spread, so that it meets every part of a run.
  const step = Math.max(1, all.length / (SAMPLE_POINTS / PROTOCOLS.length));
  const first = drawing(seed + index)() * step;
  return all
    .filter((_, at) => at >= first && Math.floor((at - first) / step) !== Math.floor((at - 1 - first) / step))
    .map((at, drawn) => ({ ...at, victim: VICTIMS[drawn % 2 === 0 ? 0 : 1] }));
}

async function kill({ server, points }: Prepared, { run, point, victim }: Case, tally: Tally): Promise<void> {
  const what = points.get(run)?.[point - 1] ?? "?";
  const name = `${server.protocol}, ${run.shell}, ${run.command}: ${victim} killed at point ${what}`;
  await tally.try(name, async () => {
    await server.useShell(run.shell);
    const old = run.command === "provision" ? NOTHING : await server.look();
    const killed = await server.run(run.command, killAt(point, victim));
    const found = await server.look();
    const problems = [...found.broken];
    if (killed.exitCode !== 137) problems.push(`exit code ${killed.exitCode}, not 137: ${killed.stderr}`);
    for (const token of Object.keys(old.tokens)) if (!(token in found.tokens)) problems.push(`token ${token} is gone`);
    if ((found.generation ?? 0) < (old.generation ?? 0)) problems.push("the certificate is older than before");
    const healed = await server.heal(run.command, killAt(0, victim));
    if (healed.exitCode !== 0) problems.push(`the next run ends with ${healed.exitCode}: ${healed.stderr}`);
    const end = await server.look();
    if (end.generation === undefined || Object.keys(end.tokens).length < 2) problems.push("something is still missing");
    problems.push(...end.behind, ...untold(server, old, end));
    // A run that has nothing to do ends before it cleans up.
    const idle = end.generation === found.generation && end.tokens.default === found.tokens.default;
    if (!idle) problems.push(...end.debris.map((left) => `${left} was left by the next run`));
    return [...problems, ...end.broken];
  });
}
