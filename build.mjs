// Compiles the package to dist/. A plain `tsc` is not enough: files that left the sources must leave dist/ too, the
// command must be executable, and a program that runs from dist/ meanwhile must not find it half written. What users
// download holds no comments twice and no declarations that nothing leads to: that is a third of it.
import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
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
  shakeDeclarations(files.filter((file) => file.endsWith(".d.ts")));
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

/** Leaves of the declarations what the entry points show, and what that is made of. */
function shakeDeclarations(files) {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const entries = Object.values(exports).flatMap(({ types }) =>
    types === undefined ? [] : [types.replace(/^\.\/dist/, fresh)],
  );
  const program = ts.createProgram(entries, { module: ts.ModuleKind.Node16, skipLibCheck: true, types: ["node"] });
  const checker = program.getTypeChecker();
  const [kept, seen] = [new Set(), new Set()];
  const keep = (symbol) => {
    for (const declaration of symbol?.declarations ?? []) {
      let statement = declaration;
      while (statement.parent && !ts.isSourceFile(statement.parent)) statement = statement.parent;
      if (ts.isImportSpecifier(declaration) || ts.isExportSpecifier(declaration)) kept.add(declaration);
      if (ts.isSourceFile(statement) || !statement.getSourceFile().fileName.startsWith(fresh) || kept.has(statement))
        continue;
      kept.add(statement);
      if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) statement.forEachChild(visit);
    }
    if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias) {
      const next = checker.getImmediateAliasedSymbol(symbol);
      if (next !== undefined && !seen.has(next)) {
        seen.add(next);
        keep(next);
      }
    }
  };
  const visit = (node) => {
    if (ts.isIdentifier(node)) keep(checker.getSymbolAtLocation(node));
    node.forEachChild(visit);
  };
  for (const entry of entries) {
    const symbol = checker.getSymbolAtLocation(program.getSourceFile(entry));
    for (const one of [...checker.getExportsOfModule(symbol), symbol.exports.get("export=")]) keep(one);
  }
  for (const file of files) {
    const source = program.getSourceFile(file);
    const statements = source?.statements.filter((statement) => kept.has(statement)) ?? [];
    if (statements.length === 0) rmSync(file);
    else
      writeFileSync(
        file,
        `${statements
          .map((statement) => textOf(statement, source, kept))
          .join("")
          .trim()}\n`,
      );
  }
}

/** A statement as it stands there; an import or export without the names that nobody needs. */
function textOf(statement, source, kept) {
  const names = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : statement.exportClause;
  if (names === undefined || !(ts.isNamedImports(names) || ts.isNamedExports(names)))
    return statement.getFullText(source);
  const list = names.elements.filter((element) => kept.has(element)).map((element) => element.getText(source));
  const text = statement.getText(source);
  const [start, end] = [names.getStart(source), names.getEnd()].map((at) => at - statement.getStart(source));
  return `\n${text.slice(0, start)}{ ${list.join(", ")} }${text.slice(end)}`;
}
