// `npm run bench`: every benchmark of the project in one run, on one machine. Each part prints ratios and figures of its
// own; nothing here passes or fails by time.
import { spawnSync } from "node:child_process";

const PARTS = {
  engine: "test/engine/bench.mjs",
  emulator: "test/emulator/bench.mjs",
  bootstrap: "test/bootstrap/bench.mjs",
  resources: "test/provider/bench.mjs",
};

for (const [name, file] of Object.entries(PARTS)) {
  console.error(`== ${name}`);
  // The emulator's part has a number of requests in place of rounds.
  const args = process.argv.slice(2).flatMap((arg) => {
    return name === "emulator" && arg === "--quick" ? ["--requests", "10000"] : [arg];
  });
  const { status } = spawnSync(process.execPath, [file, ...args], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
