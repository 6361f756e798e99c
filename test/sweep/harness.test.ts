/** The sweeps' own judgement: what it must see, and what it must not take for a difference. */
import { gzipSync } from "node:zlib";
import type { Inventory, JournalEntry } from "../../emulator";
import { callsOf, foundIn, isMeant, mentionOf, recognise, tryAt } from "./calls";
import { commandLine, judged } from "./main";
import { differences, pictureOf } from "./picture";
import { Tally, drawn } from "./tally";

describe("a picture", () => {
  const state = (...resources: object[]): string => JSON.stringify({ checkpoint: { latest: { resources } } });
  const profile = (id: string, fields: object = {}): object => ({
    urn: "urn:pulumi:dev::p::TrustedProfile::app",
    id: `Profile-${id}`,
    ...fields,
  });
  const [first, second] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
  const account = (...profiles: object[]): Inventory => ({ profiles }) as unknown as Inventory;
  const inAccount = (id: string, fields: object = {}): object => ({ id: `Profile-${id}`, name: "app", ...fields });
  const before = pictureOf(state(profile(first)), account(inAccount(first)));
  const userData = (text: string): object => {
    const packed = gzipSync(`${text}\n${"# a long script that does what it should\n".repeat(40)}`).toString("base64");
    const lines = packed.match(/.{1,120}/g)?.join("\n      ") ?? "";
    return { userData: `#cloud-config\nwrite_files:\n  - content: |\n      ${lines}\n    path: /x\n` };
  };
  const noise = Array.from({ length: 60 }, (_, index) => Math.sin(index).toString(36)).join("");

  it.each([
    ["other ids, times and tags", profile(second, { created: "a" }), [inAccount(second)], 0],
    ["an orphan", profile(first), [inAccount(first), inAccount(second)], 1],
    ["a duplicate", profile(first), [inAccount(first), inAccount(first)], 1],
    ["something missing", profile(first), [], 1],
    ["another object than the state's", profile(first), [inAccount(second)], 2],
    ["another field", profile(first, { inputs: { name: "b" } }), [inAccount(first)], 2],
  ])("tells %s", (_, resource, objects, expected) => {
    expect(differences(pictureOf(state(resource), account(...objects)), before)).toHaveLength(expected);
  });

  it("looks into packed user data, past the ids in it", () => {
    const of = (text: string, id: string): readonly string[] =>
      pictureOf(state(profile(id, userData(`${text} Profile-${id} ${noise}`))), account());
    expect(differences(of("one", first), of("one", second))).toEqual([]);
    expect(differences(of("one", first), of("two", first))).toHaveLength(2);
  });
});

describe("calls", () => {
  const entry = (index: number, method: string, path: string): JournalEntry =>
    ({ index, method, path, api: "iam" }) as unknown as JournalEntry;
  const profile = "/v1/profiles/Profile-11111111-1111-4111-8111-111111111111";
  const journal = [
    entry(0, "GET", `${profile}/links/link-22222222-2222-4222-8222-222222222222`),
    entry(1, "GET", profile),
    entry(2, "PUT", profile),
  ];
  const [ofLink, ofProfile] = callsOf(journal, () => ({ hasTag: true, hasBody: true }));

  it("count those that a plan's * fits as well", () => {
    expect(ofLink).toMatchObject({ path: "/v1/profiles/*/links/*", skip: 0 });
    expect(ofProfile).toMatchObject({ path: "/v1/profiles/*", skip: 1 });
  });

  it("are not taken for their neighbours", () => {
    if (ofProfile === undefined) throw new Error("no call");
    expect(isMeant(ofProfile, `GET ${profile}`)).toBe(true);
    expect(isMeant(ofProfile, `GET ${profile}/links/link-1`)).toBe(false);
    expect(isMeant(ofProfile, `PUT ${profile}`)).toBe(false);
    const swapped = [entry(0, "GET", profile), entry(1, "GET", `${profile}/links/link-1`)];
    expect(foundIn(ofProfile, swapped)).toMatchObject({ skip: 0 });
    const later = [...journal.slice(0, 1), ...swapped, entry(2, "GET", profile)].map((one, index) => ({
      ...one,
      index,
    }));
    expect(foundIn({ ...ofProfile, alike: 1 }, later)).toMatchObject({ skip: 3 });
    expect(foundIn({ ...ofProfile, alike: 5 }, later)).toMatchObject({ skip: 3 });
    const meets = recognise(ofProfile);
    expect(journal.map(meets)).toEqual([false, true, false]);
    // A neighbour was struck before it and not answered, so the journal lacks that one.
    const first = { ...ofProfile, skip: 0 };
    expect(foundIn(first, [entry(0, "GET", profile)], true)).toMatchObject({ skip: 1 });
    expect(foundIn(first, [entry(0, "GET", profile)])).toMatchObject({ skip: 0 });
  });

  it("are tried again where they were in the last run, and not for ever", async () => {
    if (ofProfile === undefined) throw new Error("no call");
    const swapped = [entry(0, "GET", profile), entry(1, "GET", `${profile}/links/link-1`)];
    const tried: number[] = [];
    const attempt = ({ skip }: typeof ofProfile) => {
      tried.push(skip);
      return Promise.resolve(tried.length === 2 ? { problems: ["seen"] } : { missed: swapped });
    };
    expect(await tryAt(ofProfile, attempt)).toEqual(["seen"]);
    expect(tried).toEqual([1, 0]);
    expect(await tryAt(ofProfile, () => Promise.resolve({ missed: swapped }))).toBeUndefined();
  });

  it("are named by a message with method and URL", () => {
    if (ofProfile === undefined) throw new Error("no call");
    expect(mentionOf(ofProfile).test(`GET http://127.0.0.1:8000${profile} was not answered`)).toBe(true);
    expect(mentionOf(ofProfile).test(`GET http://127.0.0.1:8000${profile}/links was not answered`)).toBe(false);
    expect(mentionOf(ofProfile).test("the profile could not be read")).toBe(false);
  });
});

describe("a tally", () => {
  const tally = (expected: number): Tally =>
    new Tally("some", { sample: false, seed: 1, progress: () => undefined }, { calls: 1, faults: expected, expected });

  it.each([
    ["all of it", ["a", "b"], 0],
    ["one twice in place of another", ["a", "a"], 1],
    ["less than there had to be", ["a"], 1],
  ])("%s", (_, names, failed) => {
    const one = tally(2);
    for (const name of names) one.case(name, []);
    expect(judged(one.result).failed).toBe(failed);
  });

  it("fails a case in which what was planned did not happen, and one that held only once", () => {
    const one = tally(2);
    one.case("a", [], false);
    one.case("b", ["an orphan"]);
    one.case("b", []);
    expect(one.result).toMatchObject({ executed: 1, passed: 0, failed: 2 });
  });

  it("draws the same ones in whatever order they come", () => {
    const [all, reversed] = [
      ["a", "b", "c", "d", "e"],
      ["e", "d", "c", "b", "a", "f"],
    ];
    const of = (names: readonly string[], seed: number): string[] => drawn(names, (name) => name, seed, 3).sort();
    const seeds = Array.from({ length: 20 }, (_, seed) => seed);
    expect(seeds.map((seed) => of(all, seed)).join()).toBe(seeds.map((seed) => of([...all].reverse(), seed)).join());
    expect(new Set(seeds.map((seed) => of(reversed, seed).join())).size).toBeGreaterThan(5);
  });
});

describe("the command line", () => {
  it("has defaults", () => {
    expect(commandLine([])).toMatchObject({ sample: false, json: false, seed: 1, stacks: undefined, case: undefined });
  });

  it("takes what it is given", () => {
    const args = ["--samples", "--only=crash", "--stack", "fleet", "--case=a=b", "--seed", "7", "--json"];
    const expected = { sample: true, json: true, only: ["crash"], stacks: ["fleet"], case: "a=b", seed: 7 };
    expect(commandLine(args)).toEqual(expected);
  });

  it("runs the sweeps that have examples, where one of these or a case is named", () => {
    for (const args of [
      ["--stack", "fleet"],
      ["--case", "DELETE"],
    ])
      expect(commandLine(args)).toMatchObject({ only: ["fault", "crash"] });
    expect(commandLine(["--stack", "fleet", "--only", "race"])).toBe(
      '--stack and --case go with fault and crash; --only is "race"',
    );
    expect(commandLine(["--case"])).toBe("--case is empty; a part of a case's name is allowed");
  });

  it("tells all that is wrong at once", () => {
    expect(commandLine(["--only", "all", "--stack", "none", "--seed", "x", "--fast"])).toMatch(
      /--only is "all".*\n.*--stack is "none".*\n.*--seed is "x".*\n.*"--fast"/,
    );
  });
});
