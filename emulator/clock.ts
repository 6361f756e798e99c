/**
 * The emulator's clock: real time plus an offset that can be moved forward, so that hours pass in milliseconds. The
 * offset is part of the state, so that a reloaded state does not travel back in time.
 */
export class EmulatorClock {
  private readonly offset: { clockOffsetMs: number };

  constructor(offset: { clockOffsetMs: number }) {
    this.offset = offset;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.offset.clockOffsetMs;
  }

  /** RFC 3339, UTC. */
  iso(ms = this.now()): string {
    return new Date(ms).toISOString();
  }

  advance(seconds: number): void {
    this.offset.clockOffsetMs += Math.round(seconds * 1000);
  }
}
