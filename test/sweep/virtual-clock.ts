/**
 * Time that passes when nothing else happens: whoever sleeps is woken as soon as all the others are asleep or done, and the
 * emulated account ages by as much. So a sweep does not wait for what it could know beforehand.
 */
import type { Clock } from "../../core/time";

/** Nothing has happened for this long: all that could go on without time passing has done so. */
const QUIET_MS = 3;

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

export class VirtualClock implements Clock {
  /** Told of the time that passes beyond that of the machine. */
  onPassed: (ms: number) => void = () => undefined;
  #aheadMs = 0;
  #sleepers: Sleeper[] = [];
  #quiet: NodeJS.Timeout | undefined;

  now = (): number => Date.now() + this.#aheadMs;

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const sleeper = { atMs: this.now() + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      });
      this.stir();
    });

  /** Something has happened, so time does not pass yet. */
  stir = (): void => {
    clearTimeout(this.#quiet);
    this.#quiet = this.#sleepers.length === 0 ? undefined : setTimeout(() => this.#pass(), QUIET_MS);
  };

  #pass(): void {
    const [next, ...others] = this.#sleepers.sort((a, b) => a.atMs - b.atMs);
    if (next === undefined) return;
    this.#sleepers = others;
    const ms = Math.max(0, next.atMs - this.now());
    this.#aheadMs += ms;
    this.onPassed(ms);
    next.wake();
    this.stir();
  }
}
