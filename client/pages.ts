/** Walks a list page by page, lazily: the next page is asked for when its first item is wanted. */
import { isHttpError, VpcIdentityError } from "../core/errors";
import { numberIn, type Fields } from "./fields";

export interface Page<T> {
  readonly items: readonly T[];
  /** The mark of the next page; undefined on the last one. */
  readonly next: string | undefined;
}

/** All items of all pages. A server that names the same next page twice would never end, so that is an error. */
export async function* walkPages<T>(
  doing: string,
  page: (mark: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  const seen = new Set<string>();
  let mark: string | undefined;
  do {
    const { items, next } = await page(mark);
    yield* items;
    if (next !== undefined && seen.has(next))
      throw new VpcIdentityError(`${doing}: the server names the same next page twice.`, { code: "IBMID_BAD_ANSWER" });
    if (next !== undefined) seen.add(next);
    mark = next;
  } while (mark !== undefined);
}

/** The mark of the page after the one at `offset`, of a list that says how many items it has; undefined on the last one. */
export function offsetAfter(offset: number, pageSize: number, list: Fields): string | undefined {
  const next = offset + pageSize;
  return next < (numberIn(list, "total_count") ?? 0) ? String(next) : undefined;
}

/** The value of a query parameter in the address of the next page. Only the mark is used: the address is not followed. */
export function markIn(address: string | undefined, parameter: string): string | undefined {
  if (address === undefined) return undefined;
  return new URL(address, "https://localhost").searchParams.get(parameter) ?? undefined;
}

/**
 * True when the API itself says that the object does not exist. A 404 without an error of the API in its body comes from
 * something else, such as a proxy or a wrong endpoint, and must not make anyone forget an object that is there.
 */
export function isGone(error: unknown): boolean {
  return (
    isHttpError(error) && error.status === 404 && error.serverCode !== undefined && error.serverCode !== "invalid_route"
  );
}

/** The result of a call, or undefined when the object does not exist. */
export async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
