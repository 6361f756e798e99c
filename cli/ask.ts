/** Questions to the person at the terminal. They go to standard error, so that standard output stays for programs. */
import { createInterface, type Interface } from "node:readline/promises";
import { Writable } from "node:stream";
import { Interrupted } from "./command";

/** Asks before something is changed. */
export async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await ask(lines, `${question} [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}

/** Asks without echo on a terminal; otherwise takes the first line of standard input. */
export async function readSecret(question: string): Promise<string> {
  const terminal = process.stdin.isTTY;
  const silent = new Writable({ write: (_chunk, _encoding, next) => next() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal });
  if (!terminal) {
    for await (const line of lines) return line;
    return "";
  }
  process.stderr.write(question);
  try {
    return await ask(lines, "");
  } finally {
    process.stderr.write("\n");
  }
}

/** One line; empty when the input ends, since the question would stay open for ever. */
async function ask(lines: Interface, question: string): Promise<string> {
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("SIGINT", () => reject(new Interrupted()));
      lines.once("close", () => resolve(""));
      lines.question(question).then(resolve, reject);
    });
  } finally {
    lines.close();
  }
}
