/** Names that a later run can compute again. */
import * as fc from "fast-check";
import { UNKNOWN_SENTINEL, VPC_NAME } from "../../core/validate";
import { hashOf, isSameObject, logicalName, markedText, vpcName } from "../../provider/naming";

const mark = `${"a1".repeat(16)}:app`;
const fields = {
  zone: { change: "replace" },
  profile: { change: "replace", absent: "clear" },
  name: { change: "update" },
} as const;

describe("marked names", () => {
  it("end in a hash that is the same in every run", () => {
    expect(markedText({ mark, zone: "z1" }, ["zone"])).toBe("app-4143a88d");
  });

  it.each([
    ["mark", { mark: `${"b2".repeat(16)}:app`, zone: "z1" }],
    ["replacing field", { mark, zone: "z2" }],
    ["left-out replacing field", { mark }],
  ])("differ by %s", (_name, inputs) => {
    expect(hashOf(inputs, ["zone"])).not.toBe(hashOf({ mark, zone: "z1" }, ["zone"]));
  });

  it("do not differ by the order of keys, which the wire between engine and provider changes", () => {
    const hash = hashOf({ mark, zone: { id: 1, name: [{ a: 1, b: 2 }] } }, ["zone"]);
    expect(hashOf({ mark, zone: { name: [{ b: 2, a: 1 }], id: 1 } }, ["zone"])).toBe(hash);
  });

  it("do not differ by other fields, order of fields, or null", () => {
    const hash = hashOf({ mark, zone: "z1" }, ["zone", "image"]);
    expect(hashOf({ note: "x", zone: "z1", mark, image: null }, ["image", "zone"])).toBe(hash);
  });

  it.each([
    ["the mark", { mark: UNKNOWN_SENTINEL, zone: "z1" }],
    ["a replacing field", { mark, zone: UNKNOWN_SENTINEL }],
    ["something within a replacing field", { mark, zone: { id: [UNKNOWN_SENTINEL] } }],
  ])("are unknown while %s is", (_name, inputs) => {
    expect(markedText(inputs, ["zone"])).toBe(UNKNOWN_SENTINEL);
    expect(vpcName(markedText(inputs, ["zone"]))).toBe(UNKNOWN_SENTINEL);
  });

  it("keep logical names with colons whole", () => {
    expect(logicalName({ mark: `${"0".repeat(32)}:a:b` })).toBe("a:b");
  });
});

describe("isSameObject", () => {
  it.each([
    ["the same fields", { mark, zone: "z1" }, { mark, zone: "z1" }, true],
    ["another mark, as an alias gives", { mark, zone: "z1" }, { mark: "x:y", zone: "z1" }, true],
    ["another replacing field", { mark, zone: "z1" }, { mark, zone: "z2" }, false],
    ["an unknown replacing field", { mark, zone: "z1" }, { mark, zone: UNKNOWN_SENTINEL }, false],
    ["a replacing field that is written out for the first time", { mark }, { mark, zone: "z1" }, true],
    ["one that is taken away: IBM chooses", { mark, zone: "z1" }, { mark }, true],
    ["one for which leaving it out means none", { mark }, { mark, profile: "p1" }, false],
    ["another updatable field", { mark, zone: "z1", name: "a" }, { mark, zone: "z1", name: "b" }, true],
    ["no object before", {}, { mark, zone: "z1" }, false],
  ])("%s", (_name, olds, news, same) => {
    expect(isSameObject(olds, news, fields)).toBe(same);
  });
});

describe("vpcName", () => {
  it.each([
    ["app-0123abcd", "app-0123abcd"],
    ["My App_2-0123abcd", "my-app-2-0123abcd"],
    ["2nd-0123abcd", "nd-0123abcd"],
    ["ÄÖ-0123abcd", "vpc-identity-0123abcd"],
    [`${"x".repeat(80)}-0123abcd`, `${"x".repeat(54)}-0123abcd`],
    ["a--0123abcd", "a-0123abcd"],
  ])("%s", (text, name) => {
    expect(vpcName(text)).toBe(name);
  });

  it("is always a name that the VPC API takes, with the hash kept", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 0xffffffff }), (logical, number) => {
        const hash = number.toString(16).padStart(8, "0");
        const name = vpcName(`${logical}-${hash}`);
        return VPC_NAME.test(name) && name.length <= 63 && name.endsWith(`-${hash}`);
      }),
    );
  });
});
