/** Difference tables: what counts as a change, and what it means. */
import { type FieldTable, changedFields, compact, diffByTable, sameSet, sameValue } from "../../provider/diff";
import { UNKNOWN_SENTINEL } from "../../core/validate";

const FIELDS: FieldTable = {
  name: { change: "update" },
  note: { change: "update", absent: "clear" },
  zone: { change: "replace" },
  keys: { change: "ignore", same: sameSet },
  policy: { change: "update", byDefault: "restart" },
  hash: { change: "replace", argument: "text" },
};

describe("diffByTable", () => {
  const olds = { name: "a", note: "n", zone: "z1", keys: ["1", "2"], policy: "restart", hash: "h", computed: 7 };
  it.each([
    ["equal inputs", { name: "a", note: "n", zone: "z1", keys: ["1", "2"] }, false, []],
    ["a left-out field that IBM fills in", { note: "n" }, false, []],
    ["a left-out field that is cleared", { name: "a", zone: "z1" }, true, []],
    ["null for left out", { name: null, note: "n" }, false, []],
    ["an updatable field", { name: "b", note: "n" }, true, []],
    ["a replacing field", { note: "n", zone: "z2" }, true, ["zone"]],
    ["an unknown updatable field", { name: UNKNOWN_SENTINEL, note: "n" }, true, []],
    ["an unknown replacing field", { zone: UNKNOWN_SENTINEL, note: "n" }, true, ["zone"]],
    ["a left-out field that has its default", { note: "n" }, false, []],
    ["a field that stands for an argument of another name", { note: "n", hash: "other" }, true, ["text"]],
    ["an ignored field", { note: "n", keys: ["9"] }, false, []],
    ["an ignored list in another order", { note: "n", keys: ["2", "1"] }, false, []],
    ["a field that no table names", { note: "n", computed: 8 }, false, []],
  ])("%s", (_name, news, changes, replaces) => {
    expect(diffByTable(FIELDS, olds, news)).toEqual({ changes, replaces, deleteBeforeReplace: true });
  });

  it("resets a field that was taken away to its default, and leaves one alone that was never there", () => {
    expect(changedFields(FIELDS, { policy: "stop" }, {})).toEqual(["policy"]);
    expect(changedFields(FIELDS, {}, {})).toEqual([]);
  });

  it('sees no change between absent and ""', () => {
    expect(changedFields(FIELDS, { name: "a" }, { name: "a", note: "" })).toEqual([]);
    expect(changedFields(FIELDS, { name: "a", note: "" }, { name: "a" })).toEqual([]);
  });
});

describe("comparison", () => {
  it.each([
    ["key order", { a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }, true],
    ["undefined and null against absent", { a: 1, b: undefined, c: null }, { a: 1 }, true],
    ["order of lists", [1, 2], [2, 1], false],
    ["nested values", { a: { b: 1 } }, { a: { b: 2 } }, false],
    ["text against number", "1", 1, false],
  ])("%s", (_name, a, b, same) => {
    expect(sameValue(a, b)).toBe(same);
  });

  it("compares sets without order but with multiplicity", () => {
    expect(sameSet([{ a: 1, b: 2 }, "x"], ["x", { b: 2, a: 1 }])).toBe(true);
    expect(sameSet(["x", "x"], ["x", "y"])).toBe(false);
    expect(sameSet(["x"], ["x", "x"])).toBe(false);
  });

  it("compacts at every depth, keeping what is false, 0 or empty", () => {
    expect(compact({ a: undefined, b: null, c: { d: undefined, e: 0 }, f: [{ g: null }], h: "", i: false })).toEqual({
      c: { e: 0 },
      f: [{}],
      h: "",
      i: false,
    });
  });
});
