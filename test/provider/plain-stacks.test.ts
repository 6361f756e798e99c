/** Stacks that are asked for while resources are registered: cheap where nobody reads them, and nowhere else. */
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

/** The text that the SDK keeps of the stack of a promise. */
function stackOfPromise(): unknown {
  const promise = Promise.resolve();
  void debuggable.debuggablePromise(promise, "test");
  return (promise as { _debugStackTrace?: unknown })._debugStackTrace;
}

test("a promise of the SDK has no frames, from then on", () => {
  expect(stackOfPromise()).toBe("mapped  true");
  plainStacks();
  expect([stackOfPromise(), stackOfPromise()]).toEqual(["Error", "Error"]);
});

test("any other error is mapped, whether it was made before or afterwards", () => {
  const before = new Error("before");
  plainStacks();
  expect([before.stack, new Error("after").stack]).toEqual(["mapped before true", "mapped after true"]);
});

test("who looks for promises that are never settled gets their stacks", () => {
  process.env.PULUMI_DEBUG_PROMISE_LEAKS = "1";
  plainStacks();
  expect(texts.prepareStackTrace).toBe(mapped);
});

test("where nothing maps stacks, nothing changes", () => {
  texts.prepareStackTrace = undefined;
  plainStacks();
  expect(texts.prepareStackTrace).toBeUndefined();
});

test("a second copy of this package changes nothing", () => {
  plainStacks();
  const once = texts.prepareStackTrace;
  jest.isolateModules(() => {
    jest.requireActual<{ plainStacks: () => void }>("../../provider/plain-stacks").plainStacks();
  });
  expect(texts.prepareStackTrace).toBe(once);
});

test("a second call changes nothing, and one after somebody else's mapping counts", () => {
  plainStacks();
  const once = texts.prepareStackTrace;
  plainStacks();
  expect(texts.prepareStackTrace).toBe(once);
  texts.prepareStackTrace = (error) => `mapped anew ${error.message}`;
  plainStacks();
  expect([stackOfPromise(), new Error("x").stack]).toEqual(["Error", "mapped anew x"]);
});
