/** Stacks that are asked for while a resource is registered: cheap, but not at the price of what a person reads. */
import { plainStacks } from "../../provider/plain-stacks";

interface Texts {
  prepareStackTrace?: ((error: Error, frames: unknown[]) => unknown) | undefined;
}

const texts = Error as unknown as Texts;
const own = texts.prepareStackTrace;
const mapped = (error: Error, frames: unknown[]): string => `mapped ${error.message} ${frames.length > 0}`;

const leaks = process.env.PULUMI_DEBUG_PROMISE_LEAKS;

beforeEach(() => {
  delete process.env.PULUMI_DEBUG_PROMISE_LEAKS;
  texts.prepareStackTrace = mapped;
});

afterEach(() => {
  texts.prepareStackTrace = own;
  if (leaks === undefined) delete process.env.PULUMI_DEBUG_PROMISE_LEAKS;
  else process.env.PULUMI_DEBUG_PROMISE_LEAKS = leaks;
});

/** The stack that is read in between, and the one of an error that is made in between and read afterwards. */
function stacksAround(): { during: string | undefined; after: string | undefined } {
  const restore = plainStacks();
  try {
    const kept = new Error("kept");
    const during = new Error("looked at").stack;
    restore();
    return { during, after: kept.stack };
  } finally {
    restore();
  }
}

test("a stack that is read in between names the error and its frames, but is not mapped", () => {
  const { during } = stacksAround();
  expect(during?.split("\n")[0]).toBe("Error: looked at");
  expect(during).toMatch(/\n {4}at .*stacksAround.*plain-stacks\.test\.ts/);
});

test("an error that is made in between and read by a person afterwards is mapped", () => {
  expect(stacksAround().after).toBe("mapped kept true");
});

test("all frames that there are, by which the SDK finds the place in the program, are mapped", () => {
  const restore = plainStacks();
  const limit = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    expect(new Error("place").stack).toBe("mapped place true");
  } finally {
    Error.stackTraceLimit = limit;
    restore();
  }
});

test("who looks for promises that are never settled gets mapped stacks", () => {
  process.env.PULUMI_DEBUG_PROMISE_LEAKS = "1";
  expect(stacksAround().during).toBe("mapped looked at true");
});

test("where nothing maps stacks, nothing changes", () => {
  texts.prepareStackTrace = undefined;
  const restore = plainStacks();
  expect(texts.prepareStackTrace).toBeUndefined();
  restore();
});

test("what was there before is there again", () => {
  plainStacks()();
  expect(texts.prepareStackTrace).toBe(mapped);
});
