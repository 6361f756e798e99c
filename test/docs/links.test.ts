/** Every link of the pages leads somewhere: files and anchors here are looked up; addresses elsewhere must at least be https. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { REPOSITORY } from "../support/project";
import { PAGES, anchorsOf, linksOf, pageAt, proseOf } from "./markdown";

const EXTRA = [
  "AGENTS.md",
  "CHANGELOG.md",
  ...readdirSync(join(REPOSITORY, "examples")).map((name) => `examples/${name}/README.md`),
  ...readdirSync(join(REPOSITORY, "docs", "adr")).map((name) => `docs/adr/${name}`),
];
const pages = [...PAGES, ...EXTRA.map(pageAt)];

/** What is wrong with a link of a page; undefined when it leads somewhere. */
function problemOf(from: string, target: string): string | undefined {
  if (/^[a-z]+:/.test(target)) return URL.canParse(target) && target.startsWith("https://") ? undefined : "no https";
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? from : relative(REPOSITORY, join(REPOSITORY, dirname(from), path));
  if (file.startsWith("..")) return "leads out of the repository";
  if (!existsSync(join(REPOSITORY, file))) return `there is no ${file}`;
  if (anchor === undefined) return undefined;
  if (!file.endsWith(".md")) return "only pages have anchors";
  return anchorsOf(pageAt(file)).includes(anchor) ? undefined : `${file} has no heading for #${anchor}`;
}

it.each(pages)("every link of $path leads somewhere", (page) => {
  const wrong = linksOf(page).flatMap((target) => {
    const problem = problemOf(page.path, target);
    return problem === undefined ? [] : [`${target}: ${problem}`];
  });
  expect(wrong).toEqual([]);
});

it("finds links at all", () => {
  expect(linksOf(pageAt("README.md")).length).toBeGreaterThan(15);
  expect(problemOf("README.md", "docs/cli.md#emulator")).toBeUndefined();
  expect(problemOf("README.md", "docs/cli.md#nothing")).toBe("docs/cli.md has no heading for #nothing");
  expect(problemOf("docs/cli.md", "nothing.md")).toBe("there is no docs/nothing.md");
});

/** Paths that stand in the text as code, without being a link. */
const PATH = /`((?:\.ci|bootstrap|cli|client|components|core|docs|emulator|engine|examples|provider|test)\/[\w./-]*)`/g;

it.each(pages)("every path that $path names is there", ({ path, text }) => {
  const prose = proseOf({ path, text: text.replace(PATH, "[there]($1)") });
  const named = [...prose.matchAll(/\[there\]\(([^)]+)\)/g)].map(([, name = ""]) => name);
  expect(named.filter((name) => !existsSync(join(REPOSITORY, name)))).toEqual([]);
});

it("names every page in the README or in a page that it leads to", () => {
  const reachable = new Set(["README.md"]);
  for (const path of reachable) {
    for (const target of linksOf(pageAt(path))) {
      const file = relative(REPOSITORY, join(REPOSITORY, dirname(path), target.split("#")[0] ?? ""));
      if (file.endsWith(".md") && existsSync(join(REPOSITORY, file))) reachable.add(file);
    }
  }
  const missing = PAGES.map(({ path }) => path).filter((path) => !reachable.has(path));
  expect(missing).toEqual([]);
});
