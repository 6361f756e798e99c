/**
 * Keeps Pulumi's SDK from looking up source maps all the time. It gives each property of a resource four promises, each with
 * the text of its stack, in case it is never settled, and the runner of programs maps every frame of such a text to its
 * TypeScript source. A server with its profile and policy has three hundred of them, which took longer than all the rest.
 */
/** As V8 has it: what makes the text of a stack, from its frames. */
interface StackTexts {
  prepareStackTrace?: ((error: Error, frames: NodeJS.CallSite[]) => unknown) | undefined;
}

/**
 * From here until the returned function is called, texts of stacks name compiled code. Only for code that runs to its end
 * without waiting.
 */
export function plainStacks(): () => void {
  const texts = Error as StackTexts;
  const mapped = texts.prepareStackTrace;
  // Who asks for the stacks of promises wants to read them.
  if (mapped === undefined || (process.env.PULUMI_DEBUG_PROMISE_LEAKS ?? "") !== "") return () => undefined;
  texts.prepareStackTrace = (error, frames) =>
    // Where in the program a resource stands, the SDK finds out from all frames there are.
    Error.stackTraceLimit === Number.POSITIVE_INFINITY
      ? mapped(error, frames)
      : [
          String(error),
          ...frames.map((frame: { readonly toString: () => string }) => `    at ${frame.toString()}`),
        ].join("\n");
  return () => {
    texts.prepareStackTrace = mapped;
  };
}
