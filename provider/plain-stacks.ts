/**
 * Keeps Pulumi's SDK from looking up source maps all the time. It gives each property of a resource four promises, each with
 * the text of its stack in case it is never settled, and the runner of programs maps every frame of such a text to its
 * TypeScript source. A linked server has three hundred of these promises, whose stacks took longer than all the rest.
 */

/** As V8 has it: what makes the text of a stack, from its frames. */
interface StackTexts {
  prepareStackTrace?: ((error: Error, frames: NodeJS.CallSite[]) => unknown) | undefined;
}

/** The function of the SDK that asks. Should it get another name, the texts are made again, and nothing else changes. */
const ASKING = "debuggablePromise";

/**
 * From here until the returned function is called, such a promise has no frames in its text; all other stacks are as ever.
 * Only for code that runs to its end without waiting.
 */
export function plainStacks(): () => void {
  const texts = Error as StackTexts;
  const mapped = texts.prepareStackTrace;
  // The SDK shows these stacks to nobody else.
  if (mapped === undefined || (process.env.PULUMI_DEBUG_PROMISE_LEAKS ?? "") !== "") return () => undefined;
  texts.prepareStackTrace = (error, frames) =>
    frames[0]?.getFunctionName() === ASKING ? String(error) : mapped(error, frames);
  return () => {
    texts.prepareStackTrace = mapped;
  };
}
