// Compiles the package to dist/. A plain `tsc` is not enough: files that left the sources must leave dist/ too, the
// command must be executable, and a program that runs from dist/ meanwhile must not find it half written.
import { spawnSync } from "node:child_process";
import { chmodSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const [dist, fresh, old] = ["dist", `.dist-new-${process.pid}`, `.dist-old-${process.pid}`].map((name) =>
  join(root, name),
);

const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", fresh], {
  cwd: root,
  stdio: "inherit",
});
if (status === 0) {
  chmodSync(join(fresh, "cli", "main.js"), 0o755);
  try {
    renameSync(dist, old);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  renameSync(fresh, dist);
}
rmSync(old, { recursive: true, force: true });
rmSync(fresh, { recursive: true, force: true });
process.exitCode = status ?? 1;
