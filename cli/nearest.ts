/** The known name that a misspelt one is most likely to mean. */
import { misspelt } from "../client/spelling";

/** `; did you mean x?` where one of the names is near enough, otherwise nothing. */
export function hint(word: string, names: readonly string[]): string {
  const near = misspelt(word, names);
  return near === undefined ? "" : `; did you mean ${near}?`;
}
