/**
 * The emulator's clock: real time plus an offset that can be moved forward, so that hours pass in milliseconds. The
 * offset is part of the state, so that a reloaded state does not travel back in time.
 */
export class EmulatorClock {
  private readonly state: () => { clockOffsetMs: number };

  constructor(state: () => { clockOffsetMs: number }) {
    this.state = state;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.state().clockOffsetMs;
  }

  /** RFC 3339, UTC. */
  iso(ms = this.now()): string {
    return new Date(ms).toISOString();
  }

  advance(seconds: number): void {
    this.state().clockOffsetMs += Math.round(seconds * 1000);
  }
}
