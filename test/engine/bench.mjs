// `npm run bench`: what the embedded engine costs. Deploys 1, 100 and 500 dynamic resources that do nothing, each with the
// engine's command in a process of its own, and prints wall time, peak memory of all processes together, and bytes of state.
//   --quick   one run each in place of the best of three
//   --json    one JSON document in place of the table
// PULUMI=<path> measures another command, such as the real CLI.
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const SIZES = [1, 100, 500];
const GOALS = { wallMsOf500: 8000, from100To500: 6 };
const SAMPLE_EVERY_MS = 50;

const repository = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const command = process.env.PULUMI ?? join(repository, "engine", "bin", "pulumi");
const { values: options } = parseArgs({ options: { quick: { type: "boolean" }, json: { type: "boolean" } } });

const PROGRAM = `
const pulumi = require("@pulumi/pulumi");
const provider = { create: async () => ({ id: "id", outs: {} }) };
class Empty extends pulumi.dynamic.Resource {
  constructor(name) { super(provider, name, {}, undefined, "bench", "Empty"); }
}
for (let i = 0; i < Number(process.env.BENCH_SIZE); i += 1) new Empty("r" + i);
`;

/** The parent of each process, and the most memory it has had so far. Where the system does not tell, there is nothing. */
function processes() {
  const found = new Map();
  for (const pid of existsSync("/proc/self/status") ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : []) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
      found.set(Number(pid), { parent: number("PPid"), peakKiB: number("VmHWM") });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** Adds up the peaks of a process and of all that descend from it; they need not have been at the same time. */
function watchMemory(root) {
  const peaks = new Map();
  const sample = () => {
    const all = processes();
    for (const [pid, { peakKiB }] of all) {
      for (let at = pid; at !== undefined && at > 1; at = all.get(at)?.parent) {
        if (at === root) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakKiB));
      }
    }
  };
  const timer = setInterval(sample, SAMPLE_EVERY_MS);
  return () => {
    clearInterval(timer);
    return peaks.size === 0 ? null : [...peaks.values()].reduce((sum, peak) => sum + peak, 0) * 1024;
  };
}

async function run(args, folder, env) {
  const started = performance.now();
  const child = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const peak = watchMemory(child.pid);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const code = await new Promise((done, fail) => child.once("error", fail).once("close", done));
  const wallMs = performance.now() - started;
  const peakBytes = peak();
  if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${output}`);
  return { wallMs, peakBytes };
}

async function measure(size) {
  const folder = mkdtempSync(join(tmpdir(), "engine-bench-"));
  try {
    writeFileSync(join(folder, "Pulumi.yaml"), "name: bench\nruntime: nodejs\n");
    writeFileSync(join(folder, "package.json"), '{"name":"bench","private":true,"main":"index.js"}');
    writeFileSync(join(folder, "index.js"), PROGRAM);
    symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
    mkdirSync(join(folder, "state"));
    const home = join(folder, "home");
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      PULUMI_HOME: home,
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "bench",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      BENCH_SIZE: String(size),
    };
    await run(["stack", "init", "dev", "--non-interactive"], folder, env);
    const cost = await run(["up", "--yes", "--skip-preview", "--non-interactive", "--stack", "dev"], folder, env);
    const state = join(folder, "state", ".pulumi", "stacks", "bench", "dev.json");
    const made = JSON.parse(readFileSync(state, "utf8")).checkpoint.latest.resources.length;
    // The stack and the provider are resources as well.
    if (made !== size + 2) throw new Error(`${size + 2} resources were expected in the state, but it has ${made}`);
    return { ...cost, stateBytes: statSync(state).size };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const results = [];
for (const size of SIZES) {
  const runs = [];
  for (let round = 0; round < (options.quick ? 1 : 3); round += 1) runs.push(await measure(size));
  // The machine can only make a run slower, so the fastest says most about the engine.
  const best = runs.reduce((a, b) => (b.wallMs < a.wallMs ? b : a));
  results.push({
    resources: size,
    wallMs: Math.round(best.wallMs),
    peakBytes: best.peakBytes,
    stateBytes: best.stateBytes,
  });
}

const wallMsOf = (size) => results.find(({ resources }) => resources === size).wallMs;
const growth = wallMsOf(500) / wallMsOf(100);
const verdicts = [
  {
    goal: `500 resources in less than ${GOALS.wallMsOf500} ms`,
    seen: wallMsOf(500),
    met: wallMsOf(500) < GOALS.wallMsOf500,
  },
  {
    goal: `500 resources at most ${GOALS.from100To500} times as long as 100`,
    seen: Number(growth.toFixed(2)),
    met: growth <= GOALS.from100To500,
  },
];

if (options.json) {
  console.log(JSON.stringify({ node: process.version, results, goals: verdicts }, undefined, 2));
} else {
  const mebibytes = (bytes) => (bytes === null ? "-" : (bytes / 1024 / 1024).toFixed(1));
  console.log("resources   wall time (s)   peak memory (MiB)   state (bytes)");
  for (const { resources, wallMs, peakBytes, stateBytes } of results) {
    const cells = [String(resources), (wallMs / 1000).toFixed(2), mebibytes(peakBytes), String(stateBytes)];
    console.log(cells.map((cell, column) => cell.padStart([9, 16, 20, 16][column])).join(""));
  }
  for (const { goal, seen, met } of verdicts) console.log(`${met ? "met    " : "NOT MET"} ${goal}: ${seen}`);
}
