// Type-checks every example with its own tsconfig and against the built package, as its user's compiler would: the
// demo and the tests only transpile them.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const projects = readdirSync("examples").filter((name) => existsSync(join("examples", name, "tsconfig.json")));
for (const project of projects) {
  const { status } = spawnSync(process.execPath, [tsc, "--noEmit", "-p", join("examples", project)], {
    stdio: "inherit",
  });
  console.log(`${status === 0 ? "ok" : "FAIL"} examples/${project}`);
  if (status !== 0) process.exitCode = 1;
}
