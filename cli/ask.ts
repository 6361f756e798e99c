/** Questions to the person at the terminal. They go to standard error, so that standard output stays for programs. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/** Asks before something is changed. */
export async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Control-D is no yes, and would otherwise leave the question open for ever.
  const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

/** Asks without echo on a terminal; otherwise takes the first line of standard input. */
export async function readSecret(question: string): Promise<string> {
  const terminal = process.stdin.isTTY;
  const silent = new Writable({ write: (_chunk, _encoding, next) => next() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal });
  try {
    if (!terminal) {
      for await (const line of lines) return line;
      return "";
    }
    process.stderr.write(question);
    return await lines.question("");
  } finally {
    if (terminal) process.stderr.write("\n");
    lines.close();
  }
}
