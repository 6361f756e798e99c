/** Keeps the state in a file: written atomically, one write at a time, and never older than the answer that follows. */
import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import type { State } from "./state";

export class StateFile {
  private readonly path: string;
  private readonly state: () => State;
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(path: string, state: () => State) {
    this.path = path;
    this.state = state;
  }

  /** The saved state, or undefined when there is no file yet. */
  async load(): Promise<State | undefined> {
    let text: string;
    try {
      text = await readFile(this.path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    try {
      const state = JSON.parse(text) as State;
      if ((state.format as unknown) === 1) return state;
    } catch {
      // Falls through to the error, which says what to do.
    }
    throw new Error(`${this.path} is no emulator state of format 1; remove the file to start with an empty account`);
  }

  /** Resolves when a state at least as new as now is on the disk. Calls during a write share the following one. */
  save(): Promise<void> {
    if (this.running === undefined) {
      this.running = this.write().finally(() => {
        this.running = undefined;
      });
      return this.running;
    }
    this.next ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.save();
      });
    return this.next;
  }

  private async write(): Promise<void> {
    const temporary = `${this.path}.${randomUUID()}.tmp`;
    try {
      // Keys and the owner's API key are in it, so nobody else may read it.
      const file = await open(temporary, "w", 0o600);
      try {
        await file.writeFile(JSON.stringify(this.state()));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}
