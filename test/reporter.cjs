// A jest reporter for the gate: a line per file, every failure in full, every skipped test by name, and no closing
// totals, since `npm test` prints one verdict over all its parts. The counts go to a file for it to add up.
const { writeFileSync } = require("node:fs");
const { relative } = require("node:path");

class GateReporter {
  onTestResult(_test, result) {
    const seconds = ((result.perfStats.end - result.perfStats.start) / 1000).toFixed(1);
    const path = relative(process.cwd(), result.testFilePath);
    const failed = result.numFailingTests > 0 || result.failureMessage;
    console.log(`  ${failed ? "FAIL" : "ok  "} ${path} (${result.testResults.length} tests, ${seconds} s)`);
    for (const { status, fullName } of result.testResults) {
      if (status === "pending" || status === "todo") console.log(`       skipped: ${fullName}`);
    }
    if (result.failureMessage) console.log(result.failureMessage);
  }

  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      // A file that cannot be loaded has no tests to fail: it counts as one.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    if (process.env.JEST_COUNTS_FILE) writeFileSync(process.env.JEST_COUNTS_FILE, JSON.stringify(counts));
    else console.log(`  ${counts.passed} tests passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}

module.exports = GateReporter;
