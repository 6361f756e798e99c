/** What the page asks of the emulator; addresses are relative, so they carry the token of the page's own URL. */
import type { ActionResult, ConsoleAction, WhyAnswer } from "../protocol";

type Listener = (result: ActionResult) => void;

let announce: Listener = () => undefined;

/** How results get to be seen and heard. */
export function onResult(listener: Listener): void {
  announce = listener;
}

export async function act(action: ConsoleAction): Promise<void> {
  try {
    const response = await fetch("actions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(action),
    });
    announce((await response.json()) as ActionResult);
  } catch (error) {
    announce(failure(error));
  }
}

const failure = (error: unknown): ActionResult => ({
  ok: false,
  message: error instanceof Error ? error.message : "The emulator does not answer.",
});

export async function askWhy(server: string, action: string, target: string): Promise<WhyAnswer | { message: string }> {
  const query = new URLSearchParams({ server, action, target });
  try {
    const response = await fetch(`why?${query.toString()}`);
    return (await response.json()) as WhyAnswer | { message: string };
  } catch (error) {
    return failure(error);
  }
}
