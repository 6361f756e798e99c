/** Stopping and starting a server, for changes that need it. */
import { type Instance, actOnInstance, getInstance } from "../client/vpc";
import { VpcIdentityError, isHttpError } from "../core/errors";
import { currentSession } from "./connection";
import { goneError, isOutcomeUnknown } from "./converge";
import { waitSeconds } from "./timeouts";
import { Pauses } from "./waiting";

const TIMEOUT_SECONDS = 1800;
const AT_REST = ["running", "stopped"];

/** How a server is stopped and started: the virtual and the bare metal kind have calls of their own. */
export interface Power<T> {
  /** In messages: `server "app" (0717_...)`. */
  readonly what: string;
  readonly look: () => Promise<T | undefined>;
  readonly act: (action: "start" | "stop") => Promise<void>;
}

/** Stops or starts a virtual server and waits until it has. */
export function bringTo(target: "running" | "stopped", server: Instance): Promise<Instance> {
  const { id, name } = server;
  return powerTo(target, server, {
    what: `server "${name}" (${id})`,
    look: () => getInstance(currentSession(), id),
    act: (action) => actOnInstance(currentSession(), id, action),
  });
}

/**
 * Stops or starts a server and waits until it has. Asks again where the request was refused because the server was on its
 * way to another state, or was never answered: the state that is seen next tells whether it worked.
 */
export async function powerTo<T extends { readonly status: string }>(
  target: "running" | "stopped",
  server: T,
  { what, look, act }: Power<T>,
): Promise<T> {
  const timeoutSeconds = waitSeconds(TIMEOUT_SECONDS);
  const pauses = new Pauses(timeoutSeconds);
  let refusal: unknown;
  for (let live = server; ;) {
    if (live.status === target) return live;
    if (live.status === "failed") break;
    if (AT_REST.includes(live.status)) refusal = await refusalOf(() => act(target === "running" ? "start" : "stop"));
    if (!(await pauses.next())) break;
    const seen = await look();
    if (seen === undefined) throw goneError(what);
    live = seen;
    pauses.tell(what, live.status);
  }
  throw new VpcIdentityError(
    `${what} could not be ${target === "running" ? "started" : "stopped"} within ${timeoutSeconds} seconds; the next run ` +
      "tries again.",
    { code: "IBMID_TIMEOUT", cause: refusal },
  );
}

async function refusalOf(act: () => Promise<void>): Promise<unknown> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (isOutcomeUnknown(error) || (isHttpError(error) && error.status === 409)) return error;
    throw error;
  }
}
