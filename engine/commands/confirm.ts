/** What is asked of a person before something cannot be taken back. */
import { createInterface } from "node:readline";
import { UsageError, UserError } from "../errors";
import { type Context } from "./context";

/** `--yes`, or the variable that says it for every command. */
export function isSure(context: Context): boolean {
  return context.args.flag("yes") || context.env.PULUMI_SKIP_CONFIRMATIONS === "true";
}

export const declined = (): UserError => new UserError("confirmation declined, not proceeding");

/** The line that is typed after a question; empty when the input ends. */
export async function answer(context: Context, question: string): Promise<string> {
  context.out(question);
  const lines = createInterface({ input: process.stdin });
  try {
    const given = await new Promise<string>((resolve) => {
      lines.once("line", resolve);
      // The end of the input is no yes either.
      lines.once("close", () => resolve(""));
    });
    context.out("\n");
    return given.trim();
  } finally {
    lines.close();
  }
}

/** Has the name typed, as Pulumi does where a slip would be dear. */
export async function confirmByName(context: Context, warning: string, name: string): Promise<void> {
  if (isSure(context)) return;
  if (!context.interactive)
    throw new UsageError("--yes must be passed in to proceed when running in non-interactive mode");
  const given = await answer(
    context,
    `${warning}\nPlease confirm that this is what you'd like to do by typing \`${name}\`: `,
  );
  if (given !== name) throw declined();
}
