// `npm test`: the checks, then jest, one after the other, and one verdict over all of them as the last line.
// Each check counts as one; a failure does not stop what follows, so that one run shows all there is to mend.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHECKS = ["format:check", "lint", "typecheck", "build", "typecheck:examples", "package:check"];

const total = { passed: 0, failed: 0, skipped: 0 };
const scratch = mkdtempSync(join(tmpdir(), "vpc-identity-test-"));
const run = (command, args, options) => spawnSync(command, args, { encoding: "utf8", ...options });

for (const check of CHECKS) {
  const started = Date.now();
  const { status, stdout, stderr } = run("npm", ["run", "--silent", check]);
  console.log(`  ${status === 0 ? "ok  " : "FAIL"} ${check} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (status !== 0) console.log(`${stdout}${stderr}`);
  total[status === 0 ? "passed" : "failed"] += 1;
}

const countsFile = join(scratch, "jest.json");
const jest = run("npx", ["--no-install", "jest", ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, JEST_COUNTS_FILE: countsFile },
});
try {
  const counts = JSON.parse(readFileSync(countsFile, "utf8"));
  for (const key of Object.keys(total)) total[key] += counts[key];
  // Jest also fails for reasons that are no test, such as an open handle or a coverage floor.
  if (jest.status !== 0 && counts.failed === 0) total.failed += 1;
} catch {
  console.log("  FAIL jest wrote no counts");
  total.failed += 1;
}
rmSync(scratch, { recursive: true, force: true });

process.exitCode = total.failed === 0 ? 0 : 1;
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
