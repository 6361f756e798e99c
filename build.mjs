// Compiles the package to dist/, so that what users download is small: a few bundles instead of hundreds of files, and
// declarations of what the entry points show (docs/adr/0006). Files that left the sources leave dist/ too, the command
// is executable, and a program that runs from dist/ meanwhile never finds it half written.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
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

/** The console's page: what the browser loads, below emulator/ both here and in dist/. */
const PAGE = { sources: join(root, "emulator/console/page"), target: join(fresh, "emulator/console") };
const PAGE_SCRIPTS = { page: "main.tsx", layout: "layout.ts" };
const PAGE_STYLES = ["base.css", "frame.css", "map.css", "views.css", "narrow.css"];

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
    await bundlePage();
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

/** Two scripts with the libraries in them, whose licences want to be named, one style sheet, and the page itself. */
async function bundlePage() {
  mkdirSync(PAGE.target, { recursive: true });
  for (const [name, source] of Object.entries(PAGE_SCRIPTS)) {
    const bundle = await rollup({
      input: join(PAGE.sources, source),
      plugins: [{ name: "page", resolveId: sourceOfPage, transform: withoutJsx }],
      onwarn: refuse,
    });
    const { output } = await bundle.generate({ format: "es" });
    const [{ code, moduleIds }] = output;
    const { code: small } = minifySync(code, { module: true, ecma: 2022, compress: true, mangle: true });
    writeFileSync(join(PAGE.target, `${name}.js`), licencesOf(moduleIds) + small);
  }
  const styles = PAGE_STYLES.map((name) => readFileSync(join(PAGE.sources, name), "utf8"));
  writeFileSync(join(PAGE.target, "page.css"), styles.join("\n"));
  copyFileSync(join(PAGE.sources, "index.html"), join(PAGE.target, "index.html"));
}

function sourceOfPage(name, importer) {
  if (importer === undefined) return name;
  if (isPackage(name)) return fileURLToPath(import.meta.resolve(name));
  const path = resolve(dirname(importer), name);
  return [path, `${path}.ts`, `${path}.tsx`].find((file) => existsSync(file) && statSync(file).isFile());
}

function withoutJsx(text, id) {
  if (!/\.tsx?$/.test(id)) return null;
  return transformSync(text, {
    jsc: {
      parser: { syntax: "typescript", tsx: id.endsWith("x") },
      target: "es2022",
      transform: { react: { runtime: "automatic", importSource: "preact" } },
    },
    module: { type: "es6" },
  });
}

/** A comment with the licence of every package in the bundle, and of those that a package has bundled itself. */
function licencesOf(moduleIds) {
  const folders = moduleIds.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
  const nested = folders.flatMap((folder) => {
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return Object.keys(dependencies).map((name) => join(root, "node_modules", name));
  });
  const texts = [...new Set([...folders, ...nested])].map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence file to name`);
    return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}`;
  });
  return texts.length === 0 ? "" : `/*!\n${texts.join("\n\n---\n\n").replaceAll("*/", "* /")}\n*/\n`;
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
