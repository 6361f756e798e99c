/** One finding of `vpc-identity doctor`, and how it is shown. */

/** `unclear`: cannot be told without changing something; `skipped`: something else has to be mended first. */
export type Verdict = "ok" | "missing" | "unclear" | "skipped";

export interface Check {
  /** Stable, for programs: `credentials`, `permission.profile`... */
  readonly name: string;
  readonly verdict: Verdict;
  /** What was found. */
  readonly detail: string;
  /** What to do about it. */
  readonly fix?: string;
}

const WORDS: Readonly<Record<Verdict, string>> = { ok: "ok", missing: "MISSING", unclear: "?", skipped: "-" };

const NAME_WIDTH = 22;

/** As lines for people, the fix below what it mends. */
export function textOf({ name, verdict, detail, fix }: Check): string {
  const indent = " ".repeat(NAME_WIDTH + 9);
  const lines = detail.split("\n").join(`\n${indent}`);
  const head = `${WORDS[verdict].padEnd(8)} ${name.padEnd(NAME_WIDTH)}${lines}\n`;
  return fix === undefined ? head : `${head}${indent}-> ${fix.split("\n").join(`\n${indent}   `)}\n`;
}
