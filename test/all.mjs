// `npm test`: the checks, then jest, servers that boot for real and a sample of each sweep, and one verdict over all of them as
// the last line. Each check counts as one; a failure does not stop what follows, so that one run shows all there is to mend.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHECKS = ["build", "format:check", "lint", "typecheck", "typecheck:examples", "package:check"];

const JEST_ARGUMENTS = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
const scratch = mkdtempSync(join(tmpdir(), "vpc-identity-test-"));

runCheck(CHECKS[0]);
// Servers that boot mostly wait, so they do it beside all else; what they say is shown afterwards. With arguments it is some
// of jest that is wanted.
const boot = JEST_ARGUMENTS.length === 0 ? bootInBackground() : undefined;
for (const check of CHECKS.slice(1)) runCheck(check);
runSuite("jest", ["npx", "--no-install", "jest", ...JEST_ARGUMENTS]);
await boot?.();
if (JEST_ARGUMENTS.length === 0) runSuite("sweep", ["npm", "run", "--silent", "sweep", "--", "--samples"]);
rmSync(scratch, { recursive: true, force: true });

process.exitCode = total.failed === 0 ? 0 : 1;
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);

function runCheck(check) {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", check], { encoding: "utf8" });
  console.log(`  ${status === 0 ? "ok  " : "FAIL"} ${check} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (status !== 0) console.log(`${stdout}${stderr}`);
  total[status === 0 ? "passed" : "failed"] += 1;
}

function runSuite(name, [program, ...args]) {
  const { status } = spawnSync(program, args, { stdio: "inherit", env: environmentOf(name) });
  count(name, status);
}

function bootInBackground() {
  const said = join(scratch, "boot.log");
  const log = openSync(said, "w");
  const child = spawn("npm", ["run", "--silent", "test:boot"], {
    stdio: ["ignore", log, log],
    env: environmentOf("boot"),
  });
  closeSync(log);
  const ended = once(child, "exit");
  return async () => {
    const [status] = await ended;
    console.log(readFileSync(said, "utf8").trimEnd());
    count("boot", status);
  };
}

/** A suite writes what it counted to the file that its variable names. */
function environmentOf(name) {
  return { ...process.env, [`${name.toUpperCase()}_COUNTS_FILE`]: countsOf(name) };
}

function countsOf(name) {
  return join(scratch, `${name}.json`);
}

function count(name, status) {
  try {
    const counts = JSON.parse(readFileSync(countsOf(name), "utf8"));
    for (const key of Object.keys(total)) total[key] += counts[key];
    // A suite also fails for reasons that are no test, such as an open handle.
    if (status !== 0 && counts.failed === 0) total.failed += 1;
  } catch {
    console.log(`  FAIL ${name} wrote no counts`);
    total.failed += 1;
  }
}
