/** One of many by its name: found, ambiguous, or not there, with names that are near. */
import type { Session } from "../../client/session";
import { VpcIdentityError } from "../../core/errors";
import { distance } from "../../core/validate";

/** What is looked for. */
export interface Search<T extends { readonly id: string; readonly name: string }> {
  /** In messages: `subnet`. */
  readonly noun: string;
  /** How it was asked for: `named "app"`. */
  readonly sought: string;
  /** All there is to choose from. */
  readonly all: AsyncIterable<T>;
  readonly fits: (one: T) => boolean;
  /** The name that was asked for, to which near ones are shown. */
  readonly name?: string | undefined;
}

/**
 * @throws VpcIdentityError `IBMID_NOT_FOUND` or `IBMID_AMBIGUOUS`
 */
export async function findOne<T extends { readonly id: string; readonly name: string }>(
  session: Session,
  { noun, sought, all, fits, name }: Search<T>,
): Promise<T> {
  const found: T[] = [];
  const others: string[] = [];
  for await (const one of all) {
    if (fits(one)) found.push(one);
    else others.push(one.name);
  }
  const [first, ...more] = found;
  if (first === undefined) throw notFound(session, `${noun} ${sought}`, nearest(name, others));
  if (more.length > 0) {
    throw new VpcIdentityError(
      `There are ${found.length} ${noun}s ${sought}: ${found.map(({ id }) => id).join(", ")}. Ask for one by its id.`,
      { code: "IBMID_AMBIGUOUS" },
    );
  }
  return first;
}

/** Error of a look-up that found nothing; `near` are what may have been meant. */
export function notFound(session: Session, what: string, near: readonly string[] = []): VpcIdentityError {
  const hint = near.length === 0 ? "" : ` There is: ${near.map((name) => `"${name}"`).join(", ")}.`;
  return new VpcIdentityError(`There is no ${what} in region ${session.settings.region}.${hint}`, {
    code: "IBMID_NOT_FOUND",
  });
}

const SHOWN = 5;

/** The names that differ least; any when there are only a few. */
export function nearest(name: string | undefined, names: readonly string[]): string[] {
  if (name === undefined || names.length <= SHOWN) return names.slice(0, SHOWN);
  return names
    .map((other) => [distance(name, other), other] as const)
    .sort(([a], [b]) => a - b)
    .slice(0, SHOWN)
    .map(([, other]) => other);
}
