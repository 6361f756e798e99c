/**
 * Lets time pass on the demo's server as it passes for the account: when the emulator's clock is moved, the server finds
 * that it has been up for longer and that it is later, and its own `renew`, which a timer would start, does the rest.
 */
import type { BootedServer, Emulator } from "../emulator";

const RENEW = "/usr/local/bin/vpc-identity";
/** How often the clock is looked at, and how often `renew` runs where nothing else happens: the timer's interval. */
const [LOOK_MS, RENEW_MS] = [1000, 60_000];
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

/** Follows the emulator's clock until the function that it returns is called; `onError` is told what does not work. */
export function followClock(
  { adminUrl }: Emulator,
  server: BootedServer,
  onError: (reason: string) => void,
): () => Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  const follow = async (): Promise<void> => {
    let [offset, renewedAt] = [0, Date.now()];
    while (!signal.aborted) {
      await pause(LOOK_MS, signal);
      const response = await fetch(`${adminUrl}/_emulator/time`, { signal });
      const { now } = (await response.json()) as { now: string };
      const ahead = Math.round((Date.parse(now) - Date.now()) / 1000);
      const jumped = Math.abs(ahead - offset) >= JUMP_SECONDS;
      if (!jumped && Date.now() - renewedAt < RENEW_MS) continue;
      if (jumped) offset = ahead;
      renewedAt = Date.now();
      await renewAsOf(server, offset);
    }
  };
  const following = follow().catch((error: unknown) => {
    if (!signal.aborted) onError(error instanceof Error ? error.message : String(error));
  });
  return async () => {
    ended.abort();
    await following;
  };
}

/** Runs `renew` on a server whose clock is that many seconds ahead. @throws Error when it fails. */
export async function renewAsOf(server: BootedServer, aheadSeconds: number): Promise<void> {
  await run(server, ["sh", "-c", INSTALL, "sh", String(aheadSeconds), OPENSSL]);
  await run(server, ["unshare", "--time", "--boottime", String(aheadSeconds), "--fork", "--", RENEW, "renew"]);
}

async function run(server: BootedServer, argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await server.exec(argv);
  if (exitCode !== 0) throw new Error(`${argv.slice(-2).join(" ")} ended with exit code ${exitCode}: ${stderr.trim()}`);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
