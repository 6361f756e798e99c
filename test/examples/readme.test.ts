/**
 * Every example: what its README says about the program is so. The commands of those without a test for that are run here.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ED25519_KEY } from "../provider/public-keys";
import { REPOSITORY } from "../support/project";
import { Example } from "./example";
import { LIVES, valuesOf } from "./lives";

// Each step starts a process or two, on a machine that may have others to run.
jest.setTimeout(240_000);

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

describe.each(LIVES.slice(0, 2))("by the commands of its README, $name", ({ name, change = {} }) => {
  let example: Example;
  let before: unknown;
  beforeAll(async () => {
    example = await Example.of(name);
    before = example.emulator.inventory();
    mkdirSync(join(example.project.folder, ".ssh"));
    writeFileSync(join(example.project.folder, ".ssh", "id_ed25519.pub"), `${ED25519_KEY} me@laptop\n`);
  });
  afterAll(() => example.close());

  it("is deployed", async () => {
    await example.readme("Run it", valuesOf(example, []));
    expect(example.count("profiles", "policies", "links", "instances")).toEqual([1, 1, 1, 1]);
  });

  it("has nothing to do the second time", async () => {
    expect(await example.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")).toContain("unchanged");
  });

  it("is changed, and destroyed without a rest", async () => {
    for (const [key, value] of Object.entries(change)) await example.pulumi("config", "set", key, value);
    await example.pulumi("up", "--yes", "--skip-preview");
    expect(example.count("profiles", "instances")).toEqual([1, 1]);
    await example.pulumi("destroy", "--yes", "--skip-preview");
    expect(example.emulator.inventory()).toEqual(before);
  });
});
