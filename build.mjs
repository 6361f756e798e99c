// Compiles the package to dist/. A plain `tsc` is not enough: files that left the sources must leave dist/ too, the
// command must be executable, and a program that runs from dist/ meanwhile must not find it half written. What users
// download holds no comments twice and no declarations that nothing leads to: that is a third of it.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { minifySync } from "@swc/core";
import ts from "typescript";

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
  const files = readdirSync(fresh, { recursive: true }).map((name) => join(fresh, name));
  files.filter((file) => file.endsWith(".js")).forEach(compact);
  const declared = reachableDeclarations();
  for (const file of files) if (file.endsWith(".d.ts") && !declared.has(file)) rmSync(file);
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

/** Names of functions and classes stay, since stack traces show them; so does every name that another file may see. */
function compact(file) {
  const { code } = minifySync(readFileSync(file, "utf8"), {
    module: false,
    ecma: 2022,
    compress: false,
    mangle: { toplevel: false, keep_fnames: true, keep_classnames: true },
    format: { comments: false },
  });
  writeFileSync(file, code);
}

/** The declarations of the package's entry points, and what they import. */
function reachableDeclarations() {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const found = new Set();
  const queue = Object.values(exports).flatMap(({ types }) =>
    types === undefined ? [] : [resolve(fresh, "..", types.replace("./dist", `./${fresh.slice(root.length + 1)}`))],
  );
  while (queue.length > 0) {
    const file = queue.pop();
    if (found.has(file)) continue;
    found.add(file);
    for (const { fileName } of ts.preProcessFile(readFileSync(file, "utf8")).importedFiles) {
      const path = resolve(dirname(file), fileName.replace(/\.js$/, ""));
      if (fileName.startsWith(".")) queue.push([`${path}.d.ts`, join(path, "index.d.ts")].find(existsSync));
    }
  }
  return found;
}
