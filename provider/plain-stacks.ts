/**
 * Keeps Pulumi's SDK from looking up source maps all the time. It gives each property of a resource four promises, each with
 * the text of its stack in case it is never settled, and the runner of programs maps every frame of such a text to its
 * TypeScript source. A linked server has three hundred of these promises, whose stacks took longer than all the rest. Most are
 * made long after the constructor, while answers come in, so it is for as long as the program runs.
 */

/** As V8 has it: what makes the text of a stack, from its frames. */
interface StackTexts {
  prepareStackTrace?: ((error: Error, frames: NodeJS.CallSite[]) => unknown) | undefined;
}

/** The function of the SDK that asks. Should it get another name, the texts are made again, and nothing else changes. */
const ASKING = "debuggablePromise";

/** On the one of ours: one process may hold two copies of this package, and one is enough. */
const OURS = Symbol.for("pulumi-ibm-vpc-identity.plain-stacks");

/** From here on such a promise has no frames in its text; all other stacks are as ever. A second call changes nothing. */
export function plainStacks(): void {
  const texts = Error as StackTexts;
  const mapped = texts.prepareStackTrace;
  // The SDK shows these stacks to nobody else.
  if (mapped === undefined || OURS in mapped || (process.env.PULUMI_DEBUG_PROMISE_LEAKS ?? "") !== "") return;
  const plain: StackTexts["prepareStackTrace"] = (error, frames) =>
    frames[0]?.getFunctionName() === ASKING ? String(error) : mapped(error, frames);
  texts.prepareStackTrace = Object.assign(plain, { [OURS]: true });
}
