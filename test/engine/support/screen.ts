/** A terminal that is just good enough to see what a live display leaves on it: lines, cursor up, erase below, colours. */
const SEQUENCE = /\u001b\[(\d*)([A-Za-z])/y;

export interface Screen {
  /** What can be read in the end, without trailing blanks and empty lines at the end. */
  readonly lines: readonly string[];
  /** How often the cursor went up to draw over what was there. */
  readonly redraws: number;
  readonly coloured: boolean;
}

export function screenOf(output: string): Screen {
  const lines: string[] = [""];
  let row = 0;
  let redraws = 0;
  let coloured = false;
  for (let at = 0; at < output.length; at += 1) {
    SEQUENCE.lastIndex = at;
    const [all = "", count = "", kind = ""] = SEQUENCE.exec(output) ?? [];
    const character = output.charAt(at);
    if (all !== "") {
      at += all.length - 1;
      if (kind === "A") {
        row = Math.max(0, row - Number(count || 1));
        redraws += 1;
      } else if (kind === "J") lines.splice(row, lines.length, "");
      else if (kind === "m") coloured = true;
      // A question is written again from the first column.
      else if (kind === "G") lines[row] = (lines[row] ?? "").slice(0, Number(count || 1) - 1);
      else throw new Error(`a sequence that is not expected: ${JSON.stringify(all)}`);
    } else if (character === "\n") {
      row += 1;
      if (row === lines.length) lines.push("");
    } else if (character !== "\r") lines[row] = (lines[row] ?? "") + character;
  }
  const trimmed = lines.map((line) => line.trimEnd());
  while (trimmed.at(-1) === "") trimmed.pop();
  return { lines: trimmed, redraws, coloured };
}
