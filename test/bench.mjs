// `npm run bench`: every benchmark of the project in one run, on one machine. Nothing here passes or fails by time: a goal
// that is missed is said, with how much; what fails is a part that cannot be run.
//   --quick          in under a minute; the whole takes up to half an hour, and is then written to docs/benchmarks.md
//   --json           one JSON document in place of tables
//   NAME ...         these parts only
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { load } from "./emulator/typescript.mjs";

// Each is run as `node FILE --json [--quick]`, and prints the tables and goals of test/bench/report.ts.
const PARTS = {
  servers: "test/bench/servers.mjs",
  resources: "test/provider/bench.mjs",
  console: "test/console/bench.mjs",
  engine: "test/engine/bench.mjs",
  start: "test/bench/start.mjs",
  emulator: "test/emulator/bench.mjs",
  bootstrap: "test/bootstrap/bench.mjs",
  package: "test/bench/package.mjs",
};
const LONGEST_PART_MS = 25 * 60_000;

const { circumstances, writeDocument } = load("./bench/document.ts", import.meta.url);
const { isMet, markdownOf, verdictOf } = load("./bench/report.ts", import.meta.url);
const { values: options, positionals } = parseArgs({
  options: { quick: { type: "boolean" }, json: { type: "boolean" } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  console.error(`there is no ${unknown.join(", ")}; parts are ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}

let running;
for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  process.on(signal, () => {
    // The part cleans up behind itself; on a terminal it has had the same signal.
    if (running === undefined) process.exit(code);
    running.once("close", () => process.exit(code));
    running.kill(signal);
  });
}

/** What a part reports; undefined when it failed. */
async function report(file) {
  const args = [file, "--json", ...(options.quick ? ["--quick"] : [])];
  running = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const timer = setTimeout(() => running.kill(), LONGEST_PART_MS);
  let output = "";
  running.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  const code = await new Promise((done, fail) => running.once("error", fail).once("close", done));
  clearTimeout(timer);
  running = undefined;
  try {
    if (code === 0) return JSON.parse(output);
  } catch {
    // Told below.
  }
  console.error(`${file} ended with ${code} and ${output.length} bytes of report`);
  return undefined;
}

const before = circumstances();
const started = performance.now();
const reports = {};
const failed = [];
for (const [name, file] of Object.entries(PARTS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  console.error(`== ${name}`);
  const told = await report(file);
  if (told === undefined) failed.push(name);
  else reports[name] = told;
  if (told !== undefined && !options.json) console.log(`${markdownOf(told)}\n`);
}

const goals = Object.values(reports).flatMap((told) => told.goals);
const seconds = Math.round((performance.now() - started) / 1000);
if (options.json) console.log(JSON.stringify({ seconds, parts: reports }));
else {
  const missed = goals.filter((goal) => !isMet(goal));
  console.log(`${goals.length - missed.length} goals met, ${missed.length} missed, in ${seconds} s`);
  for (const goal of missed) console.log(verdictOf(goal));
}
if (failed.length > 0) process.exitCode = 1;
// Only the whole says anything of this machine that is worth keeping.
if (!options.quick && positionals.length === 0) writeDocument(before, reports, failed, seconds);
