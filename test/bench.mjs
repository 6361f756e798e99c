// `npm run bench`: every benchmark of the project in one run, on one machine. Each part prints ratios and figures of its
// own; nothing here passes or fails by time.
import { spawnSync } from "node:child_process";

const PARTS = { engine: "test/engine/bench.mjs", emulator: "test/emulator/bench.mjs" };

for (const [name, file] of Object.entries(PARTS)) {
  console.log(`== ${name}`);
  const { status } = spawnSync(process.execPath, [file, ...process.argv.slice(2)], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
