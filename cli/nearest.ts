/** The known name that a misspelt one is most likely to mean. */

/** `; did you mean "x"?` where one of the names is near enough, otherwise nothing. */
export function hint(word: string, names: readonly string[]): string {
  const [near] = names.map((name) => ({ name, steps: distance(word, name) })).sort((a, b) => a.steps - b.steps);
  return near !== undefined && near.steps <= Math.max(2, word.length / 3) ? `; did you mean ${near.name}?` : "";
}

/** How many letters have to be added, dropped or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
