/** How long after something is ready it is seen, and how often it was looked at until then. */
import { systemClock } from "../../core/time";
import { useClock } from "../../provider/connection";
import { untilSettled } from "../../provider/waiting";

afterEach(() => useClock(systemClock));

/** Waits for what becomes ready after some seconds of a clock that only waiting moves. */
async function wait(readyAfterSeconds: number): Promise<{ seenAfterSeconds: number; looks: number }> {
  let [nowMs, looks] = [0, 0];
  useClock({
    now: () => nowMs,
    sleep: async (ms) => void (nowMs += ms),
  });
  await untilSettled({
    what: "server",
    first: { status: "pending" },
    look: async () => {
      looks += 1;
      return { status: nowMs >= readyAfterSeconds * 1000 ? "running" : "pending" };
    },
    settled: ({ status }) => status === "running",
    timeoutSeconds: 3600,
  });
  return { seenAfterSeconds: nowMs / 1000, looks };
}

const CASES: readonly { readonly readyAfterSeconds: number; readonly mostLooks: number }[] = [
  { readyAfterSeconds: 0.5, mostLooks: 1 },
  { readyAfterSeconds: 2, mostLooks: 2 },
  { readyAfterSeconds: 10, mostLooks: 7 },
  { readyAfterSeconds: 30, mostLooks: 11 },
  { readyAfterSeconds: 300, mostLooks: 40 },
];

test.each(CASES)(
  "what is ready after $readyAfterSeconds s is seen soon, in $mostLooks looks at most",
  async (expected) => {
    const { seenAfterSeconds, looks } = await wait(expected.readyAfterSeconds);
    expect(looks).toBeLessThanOrEqual(expected.mostLooks);
    expect(seenAfterSeconds).toBeLessThanOrEqual(Math.max(1, expected.readyAfterSeconds * 1.35));
  },
);
