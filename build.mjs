// Compiles the package to dist/, so that what users download is small: a few bundles instead of hundreds of files, and
// declarations of what the entry points show (docs/adr/0006). Files that left the sources leave dist/ too, the command
// is executable, and a program that runs from dist/ meanwhile never finds it half written.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { minifySync, transformSync } from "@swc/core";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

const root = dirname(fileURLToPath(import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const [fresh, old, types] = ["new", "old", "types"].map((name) => join(root, `.dist-${name}-${process.pid}`));
const dist = join(root, "dist");

const { exports, bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const COMMAND = "cli/main";

/** What package.json names, and what is started by its place. All else goes where it is shared, loaded when it is used. */
const ENTRIES = {
  ...Object.fromEntries(
    [...Object.values(exports).map((target) => target.default), ...Object.values(bin)].flatMap((path) => {
      const name = /dist\/(.+)\.js$/.exec(path)?.[1];
      return name === undefined ? [] : [[name, `${name}.ts`]];
    }),
  ),
  "engine/main": "engine/main.ts",
  "engine/parent-watch": "engine/rpc/parent-watch.ts",
};

const { status } = spawnSync(
  process.execPath,
  [tsc, "-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", types],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = status ?? 1;
try {
  if (status === 0) {
    await bundleCode();
    await bundleDeclarations();
    try {
      renameSync(dist, old);
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
    renameSync(fresh, dist);
  }
} finally {
  for (const folder of [old, fresh, types]) rmSync(folder, { recursive: true, force: true });
}

async function bundleCode() {
  const bundle = await rollup({
    input: Object.fromEntries(Object.entries(ENTRIES).map(([name, source]) => [name, join(root, source)])),
    external: isPackage,
    plugins: [{ name: "typescript", resolveId: sourceOf, transform: withoutTypes }],
    onwarn: refuse,
  });
  await bundle.write({
    dir: fresh,
    format: "cjs",
    generatedCode: { preset: "es2015", symbols: false },
    esModule: true,
    interop: "auto",
    // Or each entry would load at once what its bundles only load when they are used.
    hoistTransitiveImports: false,
    banner: ({ name }) => (name === COMMAND ? "#!/usr/bin/env node" : ""),
    entryFileNames: "[name].js",
    chunkFileNames: ({ moduleIds, isDynamicEntry }) =>
      join(roomOf(moduleIds.at(-1)), isDynamicEntry ? "[name].js" : "shared.js"),
    plugins: [{ name: "compact", renderChunk: compact }],
  });
  chmodSync(join(fresh, `${COMMAND}.js`), 0o755);
}

/** An import that leads nowhere, two exports of one name: none of Rollup's warnings leaves a package that works. */
function refuse({ message }) {
  throw new Error(message);
}

/** A bundle lies in the folder of its sources, since the engine looks for `parent-watch` beside itself. */
function roomOf(source) {
  return relative(root, source).split(sep)[0];
}

function isPackage(name) {
  return !name.startsWith(".") && !isAbsolute(name);
}

function sourceOf(name, importer) {
  if (importer === undefined) return name;
  const path = resolve(dirname(importer), name.replace(/\.js$/, ""));
  return [`${path}.ts`, join(path, "index.ts")].find(existsSync);
}

function withoutTypes(text) {
  // Rollup writes a default export that stands alone the way CommonJS means `export =`.
  return transformSync(text.replace(/^export = /m, "export default "), {
    jsc: { parser: { syntax: "typescript" }, target: "es2022", transform: { useDefineForClassFields: false } },
    module: { type: "es6" },
  });
}

/** Functions, classes and whatever else stands at the top of a source file keep their names: stack traces show them. */
function compact(text) {
  return minifySync(text, {
    module: false,
    ecma: 2022,
    compress: false,
    mangle: { toplevel: false, keep_fnames: true, keep_classnames: true },
    format: { comments: false },
  });
}

/** One file an entry point, and one for what two of them show. */
async function bundleDeclarations() {
  const names = Object.values(exports).flatMap(
    ({ types: file }) => file?.slice("./dist/".length, -".d.ts".length) ?? [],
  );
  const [assigned, bundled] = [[], []];
  for (const name of names) {
    const isAssigned = /^export = /m.test(readFileSync(join(types, `${name}.d.ts`), "utf8"));
    (isAssigned ? assigned : bundled).push(name);
  }
  const bundle = await rollup({
    input: Object.fromEntries(bundled.map((name) => [name, join(types, `${name}.d.ts`)])),
    external: isPackage,
    plugins: [dts()],
    // What only private members mention need not be exported.
    onwarn: (warning) => warning.message.includes("private shared type") || refuse(warning),
  });
  await bundle.write({ dir: fresh, format: "es", entryFileNames: "[name].d.ts", chunkFileNames: "shared.d.ts" });
  for (const name of assigned) {
    mkdirSync(dirname(join(fresh, name)), { recursive: true });
    copyFileSync(join(types, `${name}.d.ts`), join(fresh, `${name}.d.ts`));
  }
}
