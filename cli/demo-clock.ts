/**
 * Lets time pass on the demo's server as it passes for the account: when the emulator's clock is moved, the server finds
 * that it has been up for longer and that it is later, and its own `renew`, which a timer would start, does the rest.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { BootedServer, Emulator } from "../emulator";

const RENEW = "/usr/local/bin/vpc-identity";
/** How often the clock is looked at, and how often `renew` runs where nothing else happens: the timer's interval. */
const [LOOK_MS, RENEW_MS] = [1000, 60_000];
/** A server whose services do not answer tries again for some minutes before it gives up. */
const RENEWED_WITHIN_MS = 600_000;
/** Smaller differences are the time that asking takes. */
const JUMP_SECONDS = 3;

/** `openssl verify` asks the machine's clock, which no namespace can move; it can be told the time instead. */
const OPENSSL = `#!/bin/sh
case $1 in
  verify) shift; exec /usr/bin/openssl verify -attime $(($(date +%s) + $(cat /run/clock-offset))) "$@" ;;
  *) exec /usr/bin/openssl "$@" ;;
esac
`;
const INSTALL = `printf %s "$1" >/run/clock-offset
[ -x /usr/local/sbin/openssl ] || { printf %s "$2" >/usr/local/sbin/openssl && chmod 755 /usr/local/sbin/openssl; }`;

/**
 * Follows the emulator's clock until the function that it returns is called. `onError` is told what does not work, once
 * and not again until it has worked; the next jump, or the next minute, is the next try.
 */
export function followClock(
  { adminUrl }: Emulator,
  server: BootedServer,
  onError: (reason: string) => void,
): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const told = new Set<string>();
  const report = (error: unknown): void => {
    // A renewal that is under way at the end fails with the server, and nobody has to know.
    if (signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    const kind = kindOf(reason);
    if (!told.has(kind)) onError(reason);
    told.add(kind);
  };
  const follow = async (): Promise<void> => {
    let [offset, renewedAt] = [0, Date.now()];
    while (!signal.aborted) {
      try {
        await pause(LOOK_MS, undefined, { signal });
        const response = await fetch(`${adminUrl}/_emulator/time`, { signal });
        const { now } = (await response.json()) as { now: string };
        const ahead = Math.round((Date.parse(now) - Date.now()) / 1000);
        const jumped = Math.abs(ahead - offset) >= JUMP_SECONDS;
        if (!jumped && Date.now() - renewedAt < RENEW_MS) continue;
        if (jumped) offset = ahead;
        renewedAt = Date.now();
        await renewAsOf(server, offset);
        told.clear();
      } catch (error) {
        report(error);
      }
    }
  };
  void follow();
  return () => ended.abort();
}

/** A reason without what is different each time: times, counts and traces. */
const kindOf = (reason: string): string => reason.replaceAll(/[0-9a-f-]{8,}|\d+/g, "");

/** Runs `renew` on a server whose clock is that many seconds ahead. @throws Error when it fails. */
export async function renewAsOf(server: BootedServer, aheadSeconds: number): Promise<void> {
  await run(server, ["sh", "-c", INSTALL, "sh", String(aheadSeconds), OPENSSL]);
  await run(server, ["unshare", "--time", "--boottime", String(aheadSeconds), "--fork", "--", RENEW, "renew"]);
}

async function run(server: BootedServer, argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await server.exec(argv, { timeoutMs: RENEWED_WITHIN_MS });
  if (exitCode !== 0) throw new Error(`${argv.slice(-2).join(" ")} ended with exit code ${exitCode}: ${stderr.trim()}`);
}
