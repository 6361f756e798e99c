/** Every example: what its README says about the program is so, and its commands are run by the example's own test. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/project";
import { LIVES } from "./lives";
import { commandBlocks } from "./readme";

const FOLDER = join(REPOSITORY, "examples");
const textOf = (example: string, file: string): string => readFileSync(join(FOLDER, example, file), "utf8");

describe.each(readdirSync(FOLDER))("the README of %s", (name) => {
  const [readme, program] = [textOf(name, "README.md"), textOf(name, "index.ts")];

  it("has a row for every setting of the program, and no other", () => {
    const rows = [...readme.matchAll(/^\| `(\w+)` /gm)].map(([, key]) => key);
    const [, listed = ""] = /required\(\{([^}]*)\}\)/.exec(program) ?? [];
    const read = [
      ...program.matchAll(/\bconfig\.get\w*\(\s*"(\w+)"|\brequired\(\s*"(\w+)"/g),
      ...listed.matchAll(/(\w+):/g),
    ].map(([, key, other]) => key ?? other);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.sort()).toEqual([...new Set(read)].sort());
  });

  it("names every output of the program, and no other", () => {
    const [, section = ""] = readme.split("\n## Outputs\n\n");
    const [sentence = ""] = section.split("\n\n");
    const named = [...sentence.matchAll(/`(\w+)`/g)].map(([, key]) => key);
    const settings = [...readme.matchAll(/^\| `(\w+)` /gm)].map(([, key]) => key);
    const [, returned = ""] = /^export = [^]*?\n {2}return \{ (.*) \};\n\};/m.exec(program) ?? [];
    const outputs = [...program.matchAll(/^export const (\w+)/gm), ...returned.matchAll(/(\w+):/g)];
    expect(outputs.length).toBeGreaterThan(0);
    expect(named.filter((key) => !settings.includes(key)).sort()).toEqual(outputs.map(([, key]) => key).sort());
  });
});

it("has a life for every example", () => {
  expect([...LIVES.map(({ name }) => name), "with-pulumi-ibm"].sort()).toEqual(readdirSync(FOLDER).sort());
});

it("has every command of every README run by a test, but for the few that say why not", () => {
  const tests = readdirSync(__dirname).filter((name) => name.endsWith(".test.ts"));
  const texts = tests.map((name) => readFileSync(join(__dirname, name), "utf8"));
  // Such a test fails for whatever block it has not run.
  const complete = (example: string): boolean =>
    texts.some((text) => text.includes(`Example.of("${example}"`) && text.includes("expect(example.unrun()).toEqual("));
  expect(readdirSync(FOLDER).filter((example) => !complete(example))).toEqual([]);
  const blocks = readdirSync(FOLDER).flatMap((example) => commandBlocks(example));
  const notRun = blocks.flatMap((block) => block.notRun ?? []);
  expect(blocks.length).toBeGreaterThan(20);
  expect(notRun).toEqual(["it needs IBM's own command, and names what only its reader knows"]);
});
