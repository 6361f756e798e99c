/**
 * Objects that can be locked. Whoever locked one wants it to stay, so a lock is never taken off to delete.
 */
import { VpcIdentityError, isHttpError } from "../core/errors";
import { currentClock } from "./connection";

const ATTEMPTS = 5;

/**
 * Deletes an object. IAM answers 409 when it is locked, and also while what belongs to it is still being deleted: then a
 * later attempt helps.
 * @throws VpcIdentityError `IBMID_LOCKED`
 */
export async function deleteUnlocked(
  what: string,
  remove: () => Promise<void>,
  look: () => Promise<{ readonly locked: boolean } | undefined>,
): Promise<void> {
  for (let attempt = 1, pauseMs = 500; ; attempt++, pauseMs *= 2) {
    try {
      await remove();
      return;
    } catch (error) {
      if (!isHttpError(error) || error.status !== 409) throw error;
      if ((await look())?.locked === true) {
        throw new VpcIdentityError(
          `${what} is locked, so it is not deleted. Set \`locked: false\` and run \`pulumi up\` first.`,
          { code: "IBMID_LOCKED", cause: error },
        );
      }
      if (attempt === ATTEMPTS) throw error;
      await currentClock().sleep(pauseMs);
    }
  }
}

/** Deletes what no state names; it may be locked already, by our own wish. */
export async function deleteUnnamed(
  remove: () => Promise<void>,
  look: () => Promise<{ readonly locked: boolean } | undefined>,
  unlock: () => Promise<void>,
): Promise<void> {
  if ((await look())?.locked === true) await unlock();
  await remove();
}
