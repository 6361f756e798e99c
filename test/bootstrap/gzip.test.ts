import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import * as fc from "fast-check";
import { gzip } from "../../bootstrap/gzip";
import { INSTALLED_SCRIPT } from "../../bootstrap/script";

describe("gzip", () => {
  it("gives back any text", () => {
    const word = fc.constantFrom("a", "ab", "abc", "\n", "é", "the same words again ", "0123456789".repeat(30));
    const repetitive = fc.array(word, { maxLength: 300 }).map((words) => words.join(""));
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.string({ unit: "grapheme", maxLength: 2000 })), (text) => {
        expect(gunzipSync(gzip(text)).toString("utf8")).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  it("copies from no further back than the window", () => {
    const far = Array.from({ length: 12_000 }, (_, index) => index.toString(36)).join(",");
    const text = `${far}${far}`;
    expect(gunzipSync(gzip(text)).toString("utf8")).toBe(text);
  });

  it("packs the script to less than two fifths", () => {
    expect(gzip(INSTALLED_SCRIPT).length).toBeLessThan(INSTALLED_SCRIPT.length * 0.4);
  });

  it("has the same bytes on every machine", () => {
    // Computed on another architecture this must not change: user data would.
    const digest = createHash("sha256")
      .update(gzip("one two three one two three\n".repeat(20)))
      .digest("hex");
    expect(digest).toBe("b2114e6cd76a722fd00994830fb471409e5d6fd03db9349ae2374966d013427a");
  });
});
