/**
 * Slows every call of the process down when a server says 429, instead of letting each caller find out by itself:
 * nothing goes to that server before the time it named, then the calls follow each other at a distance that shrinks
 * again with every success.
 */

interface Lane {
  nextAtMs: number;
  gapMs: number;
}

const FIRST_GAP_MS = 25;
const LONGEST_GAP_MS = 1_000;

export class Pace {
  private readonly lanes = new Map<string, Lane>();

  /** Takes the next free slot for a call to `origin`; the caller waits this many milliseconds before it sends. */
  reserve(origin: string, nowMs: number): number {
    const lane = this.lanes.get(origin);
    if (lane === undefined) return 0;
    const startMs = Math.max(nowMs, lane.nextAtMs);
    lane.nextAtMs = startMs + lane.gapMs;
    return startMs - nowMs;
  }

  /** The server said 429 and will listen again in `waitMs`. */
  slowDown(origin: string, nowMs: number, waitMs: number): void {
    const lane = this.lanes.get(origin) ?? { nextAtMs: 0, gapMs: FIRST_GAP_MS / 2 };
    lane.gapMs = Math.min(LONGEST_GAP_MS, lane.gapMs * 2);
    lane.nextAtMs = Math.max(lane.nextAtMs, nowMs + waitMs);
    this.lanes.set(origin, lane);
  }

  succeeded(origin: string): void {
    const lane = this.lanes.get(origin);
    if (lane === undefined) return;
    lane.gapMs *= 0.8;
    if (lane.gapMs < FIRST_GAP_MS / 4) this.lanes.delete(origin);
  }
}
