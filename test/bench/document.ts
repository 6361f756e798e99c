/** docs/benchmarks.md: what a whole run of `npm run bench` measured, where, when and with what. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../support/project";
import { isMet, markdownOf, type Report, round, verdictOf } from "./report";

const FILE = join(REPOSITORY, "docs", "benchmarks.md");

/** What the figures depend on, asked before the first of them is taken. */
export function circumstances(): Readonly<Record<string, string>> {
  const version = (name: string): string => {
    const text = readFileSync(join(REPOSITORY, "node_modules", name, "package.json"), "utf8");
    return `${name} ${(JSON.parse(text) as { version: string }).version}`;
  };
  // With "-dirty" where the tree is not that of the commit.
  const { stdout } = spawnSync("git", ["describe", "--always", "--dirty"], { cwd: REPOSITORY, encoding: "utf8" });
  const [processor] = cpus();
  return {
    date: `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`,
    commit: stdout.trim() || "unknown",
    machine: `${cpus().length} x ${processor?.model ?? "unknown"}, ${round(totalmem() / 2 ** 30, 1)} GiB, ${type()} ${release()}`,
    "load at the start": load(),
    versions: [`Node.js ${process.versions.node}`, ...["@pulumi/pulumi", "undici", "@grpc/grpc-js"].map(version)].join(
      ", ",
    ),
  };
}

const load = (): string => String(round(loadavg()[0] ?? 0, 1));

/**
 * Writes the document. `before`: the circumstances at the start. `failed`: parts that could not be run; what the others say is
 * worth as much without them.
 */
export function writeDocument(
  before: Readonly<Record<string, string>>,
  parts: Readonly<Record<string, Report>>,
  failed: readonly string[],
  seconds: number,
): void {
  const where = { ...before, "load at the end": load() };
  const goals = Object.values(parts).flatMap((part) => part.goals);
  const missed = goals.filter((goal) => !isMet(goal));
  const lines = [
    "# Benchmarks",
    "",
    "Written by `npm run bench`; do not edit. Times are of this machine and only for comparison with each other; calls and bytes are exact.",
    "",
    ...Object.entries({ ...where, duration: `${seconds} s` }).map(([name, value]) => `- ${name}: ${value}`),
    "",
    `${goals.length - missed.length} goals met, ${missed.length} missed.`,
    ...(failed.length === 0 ? [] : ["", `Could not be run: ${failed.join(", ")}.`]),
    ...(missed.length === 0 ? [] : ["", ...missed.map((goal) => `- ${verdictOf(goal)}`)]),
    ...Object.entries(parts).flatMap(([name, part]) => ["", `## ${name}`, "", markdownOf(part)]),
    "",
    "## The same as JSON",
    "",
    "```json",
    JSON.stringify({ ...where, seconds, failed, parts }),
    "```",
    "",
  ];
  writeFileSync(FILE, lines.join("\n"));
  process.stderr.write(`written to ${FILE}\n`);
}
