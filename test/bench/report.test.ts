/** What a benchmark says of a figure, and how its tables look. */
import { fastest, isMet, markdownOf, print, verdictOf, type Goal } from "./report";

const CASES: readonly (Goal & { readonly name: string; readonly met: boolean; readonly verdict: string })[] = [
  {
    ...{ name: "below its limit", goal: "calls a server", seen: 6, limit: 8, unit: "", met: true },
    verdict: "met: calls a server: 6, at most 8 (25 % below)",
  },
  {
    ...{ name: "at its limit", goal: "size", seen: 300, limit: 300, unit: "bytes", met: true, why: "large" },
    verdict: "met: size: 300 bytes, at most 300 (0 % below)",
  },
  {
    ...{ name: "above its limit", goal: "`up`", seen: 2.6, limit: 1.3, unit: "times", met: false, why: "start" },
    verdict: "MISSED: `up`: 2.6 times, at most 1.3 (100 % above); start",
  },
  {
    ...{ name: "below nothing", goal: "overhead", seen: -4, limit: 10, unit: "% more", met: true },
    verdict: "met: overhead: -4 % more, at most 10 (140 % below)",
  },
  {
    ...{ name: "that must be none", goal: "calls", seen: 1, limit: 0, unit: "", met: false },
    verdict: "MISSED: calls: 1, at most 0",
  },
];

test.each(CASES)("a figure $name", ({ met, verdict, ...goal }) => {
  expect(isMet(goal)).toBe(met);
  expect(verdictOf(goal)).toBe(verdict);
});

test("tables are Markdown, numbers to the right", () => {
  const tables = [
    {
      title: "Times.",
      columns: ["what", "s"],
      rows: [
        ["up", 12.5],
        ["no-op up", "-"],
      ],
    },
  ];
  expect(markdownOf({ tables, goals: [] })).toBe(
    ["Times.", "", "| what     |    s |", "| -------- | ---: |", "| up       | 12.5 |", "| no-op up |    - |"].join(
      "\n",
    ),
  );
});

test.each([NaN, Infinity])("a goal whose figure is %p is not told", (seen) => {
  const goals = [{ goal: "calls a server", seen, limit: 8, unit: "" }];
  expect(() => print({ quick: false, json: true }, { tables: [], goals })).toThrow(
    `the goal "calls a server" has no figure: ${seen}`,
  );
});

test("of several runs the fastest is told", () => {
  expect(fastest([{ wallMs: 9 }, { wallMs: 7 }, { wallMs: 8 }])).toEqual({ wallMs: 7 });
});
