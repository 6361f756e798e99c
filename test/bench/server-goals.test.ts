/** The reasons that a miss is given: the figures of the same run, and nothing where the run knows nothing. */
import { type Floor, type Life, LIFE, type Measured } from "./measured";
import type { Uses } from "./processes";
import type { Goal } from "./report";
import { goalsOf, splitOf } from "./server-goals";
import { tablesOf } from "./server-tables";

const usesOf = (engine: number, program: number, provider: number, peakMiB = 100): Uses => ({
  engine: { cpuSeconds: engine, peakBytes: peakMiB * 1_048_576 },
  program: { cpuSeconds: program, peakBytes: peakMiB * 1_048_576 },
  provider: { cpuSeconds: provider, peakBytes: peakMiB * 1_048_576 },
});

function lifeOf(count: number, latencyMs: number, wallMs: number, provisionMs = 2000): Life {
  const runs = new Map(
    LIFE.map(({ name }, index) => {
      const calls = { "GET /v1/instances/{id}": 2 * count, "POST /v1/instances": count, "POST /identity/token": 1 };
      const uses = usesOf(3, 4, 2.5, 100 + index);
      return [
        name,
        { name, wallMs, cpuSeconds: 9.5, uses, calls: name === "no-op up" ? {} : calls, stateBytes: 100 },
      ] as const;
    }),
  );
  return { count, latencyMs, provisionMs, runs, userDataBytes: 0, resources: 4 * count + 3 };
}

function floorOf(count: number, wallMs: number): Floor {
  const cost = { cpuSeconds: 6, uses: usesOf(2, 3, 1, 90) };
  const runs = new Map(LIFE.map(({ name }, index) => [name, { ...cost, wallMs: wallMs + 1000 * index }] as const));
  return { count, runs, stateBytes: 1, resources: 4 * count + 3 };
}

const NOTHING: Measured = { lives: [], bare: [], floors: [], plain: [] };

const goalLike = (measured: Partial<Measured>, text: string): Goal | undefined =>
  goalsOf({ ...NOTHING, ...measured }).find(({ goal }) => goal.startsWith(text));

test.each<[string, Partial<Measured>, string, string | undefined]>([
  [
    "few servers: the start, as the floor of one has it",
    { lives: [lifeOf(10, 50, 9390)], floors: [floorOf(1, 1890)] },
    "`up` of 10 at 50 ms over the ideal",
    "of 9.39 s, 1.89 s is the start of engine, program and provider, as the floor of 1 shows",
  ],
  ["few servers without a floor: none", { lives: [lifeOf(10, 50, 9390)] }, "`up` of 10 at 50 ms over", undefined],
  [
    "many servers: waves and registrations",
    { lives: [lifeOf(100, 50, 31_750)], floors: [floorOf(1, 1890), floorOf(100, 5530)] },
    "`up` of 100 at 50 ms over the ideal",
    "7 waves, each of which ends at a look (2 a server, a second or more apart), while program and engine register 403 " +
      "resources, for which the floor of 100 takes 5.53 s",
  ],
  [
    "many servers without a floor: waves",
    { lives: [lifeOf(100, 50, 31_750)] },
    "`up` of 100 at 50 ms over the ideal",
    "7 waves, each of which ends at a look (2 a server, a second or more apart)",
  ],
  [
    "a fifth of Terraform's time: the floor of as many",
    { lives: [lifeOf(100, 50, 6000)], floors: [floorOf(100, 3670)] },
    "`no-op up` of 100 at 50 ms, a fifth of Terraform's apply without changes (25 s, not of this run)",
    "the floor of 100 alone takes 4.67 s",
  ],
  [
    "processor time over the floor: each process",
    { lives: [lifeOf(100, 0, 1)], bare: [lifeOf(100, 0, 1)], floors: [floorOf(100, 1)] },
    "processor time of `up` of 100 servers",
    "an empty resource has no properties and makes no call, a linked server makes 3; the difference in processor time by " +
      "process, as in the CPU columns: engine +1 s, program +1 s, provider +1.5 s",
  ],
])("the reason of %s", (_name, measured, text, why) => {
  const goal = goalLike(measured, text);
  expect(goal).toBeDefined();
  expect(goal?.why).toBe(why);
});

test("a process that works less than on the floor is said to, and where the system does not tell nothing is said", () => {
  expect(splitOf(usesOf(1, 2, 3), usesOf(1.5, 1, 3))).toContain("engine -0.5 s, program +1 s, provider +0 s");
  expect(splitOf({}, usesOf(1, 2, 3))).toBeUndefined();
});

test("profiles are compared with as many empty resources", () => {
  const [floor, profiles] = [floorOf(100, 4000).runs.get("up"), lifeOf(100, 0, 5000).runs.get("up")];
  if (floor === undefined || profiles === undefined) throw new Error("there is no up");
  const goal = goalLike({ lives: [lifeOf(1, 0, 1)], plain: [{ count: 100, floor, profiles }] }, "`up` of 100 trusted");
  expect(goal).toMatchObject({ seen: 25, limit: 10 });
});

test("the tables have a row for each number of servers, and the largest peak of the four runs", () => {
  const tables = tablesOf({ ...NOTHING, lives: [lifeOf(1, 0, 1), lifeOf(1, 50, 1), lifeOf(10, 50, 1)] });
  const tableLike = (text: string): readonly (readonly (string | number)[])[] | undefined =>
    tables.find(({ title }) => title.startsWith(text))?.rows;
  expect(tableLike("API calls a server")).toEqual([
    [1, 4, 0, 4, 4],
    [10, 3.1, 0, 3.1, 3.1],
  ]);
  expect(tableLike("Memory")?.[0]).toEqual([1, "linked servers", 103, 103, 103, 7, 100, 0]);
  expect(tableLike("What IBM's Terraform provider")?.map(([count, what]) => [count, what])).toEqual([
    [1, "apply"],
    [1, "destroy"],
  ]);
});
