// `npm test`: the checks, then jest, servers that boot for real and a sample of the sweeps, one after the other, and one verdict
// over all of them as the last line. Each check counts as one; a failure does not stop what follows, so that one run shows all there is to mend.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHECKS = ["format:check", "lint", "typecheck", "build", "typecheck:examples", "package:check"];

// Each writes what it counted to the file that its variable names.
const SUITES = [
  { name: "jest", command: ["npx", "--no-install", "jest", ...process.argv.slice(2)], countsFile: "JEST_COUNTS_FILE" },
  { name: "boot", command: ["npm", "run", "--silent", "test:boot"], countsFile: "BOOT_COUNTS_FILE" },
  { name: "sweep", command: ["npm", "run", "--silent", "sweep", "--", "--samples"], countsFile: "SWEEP_COUNTS_FILE" },
];

const total = { passed: 0, failed: 0, skipped: 0 };
const scratch = mkdtempSync(join(tmpdir(), "vpc-identity-test-"));

for (const check of CHECKS) {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", check], { encoding: "utf8" });
  console.log(`  ${status === 0 ? "ok  " : "FAIL"} ${check} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (status !== 0) console.log(`${stdout}${stderr}`);
  total[status === 0 ? "passed" : "failed"] += 1;
}

// With arguments it is some of jest that is wanted.
for (const { name, command, countsFile } of process.argv.length > 2 ? SUITES.slice(0, 1) : SUITES) {
  const file = join(scratch, `${name}.json`);
  const [program, ...args] = command;
  const { status } = spawnSync(program, args, { stdio: "inherit", env: { ...process.env, [countsFile]: file } });
  try {
    const counts = JSON.parse(readFileSync(file, "utf8"));
    for (const key of Object.keys(total)) total[key] += counts[key];
    // A suite also fails for reasons that are no test, such as an open handle.
    if (status !== 0 && counts.failed === 0) total.failed += 1;
  } catch {
    console.log(`  FAIL ${name} wrote no counts`);
    total.failed += 1;
  }
}
rmSync(scratch, { recursive: true, force: true });

process.exitCode = total.failed === 0 ? 0 : 1;
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
