/** Stacks that are asked for while a resource is registered: cheap where nobody reads them, and nowhere else. */
import { plainStacks } from "../../provider/plain-stacks";

// The SDK keeps the types of this module to itself.
const debuggable = jest.requireActual<{
  readonly debuggablePromise: (promise: Promise<void>, what: string) => unknown;
}>("@pulumi/pulumi/runtime/debuggable");

interface Texts {
  prepareStackTrace?: ((error: Error, frames: unknown[]) => unknown) | undefined;
}

const texts = Error as unknown as Texts;
const own = texts.prepareStackTrace;
const leaks = process.env.PULUMI_DEBUG_PROMISE_LEAKS;
const mapped = (error: Error, frames: unknown[]): string => `mapped ${error.message} ${frames.length > 0}`;

beforeEach(() => {
  delete process.env.PULUMI_DEBUG_PROMISE_LEAKS;
  texts.prepareStackTrace = mapped;
});

afterEach(() => {
  texts.prepareStackTrace = own;
  if (leaks === undefined) delete process.env.PULUMI_DEBUG_PROMISE_LEAKS;
  else process.env.PULUMI_DEBUG_PROMISE_LEAKS = leaks;
});

function during<T>(work: () => T): T {
  const restore = plainStacks();
  try {
    return work();
  } finally {
    restore();
  }
}

/** The text that the SDK keeps of the stack of a promise. */
function stackOfPromise(): unknown {
  const promise = Promise.resolve();
  void debuggable.debuggablePromise(promise, "test");
  return (promise as { _debugStackTrace?: unknown })._debugStackTrace;
}

test("a promise of the SDK has no frames", () => {
  expect(stackOfPromise()).toBe("mapped  true");
  expect(during(stackOfPromise)).toBe("Error");
});

test("any other error is mapped, whether it is read in between or afterwards", () => {
  const read = (): (string | undefined)[] => [new Error("at once").stack];
  expect(during(read)).toEqual(["mapped at once true"]);
  expect(during(() => new Error("later")).stack).toBe("mapped later true");
});

test("who looks for promises that are never settled gets their stacks", () => {
  process.env.PULUMI_DEBUG_PROMISE_LEAKS = "1";
  expect(during(stackOfPromise)).toBe("mapped  true");
});

test("where nothing maps stacks, nothing changes", () => {
  texts.prepareStackTrace = undefined;
  expect(during(() => texts.prepareStackTrace)).toBeUndefined();
});

test("what was there before is there again", () => {
  during(() => undefined);
  expect(texts.prepareStackTrace).toBe(mapped);
});
