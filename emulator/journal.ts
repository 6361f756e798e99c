/**
 * What was asked of the emulator, without anything secret: no bodies, no headers, and paths in which nothing that looks
 * like a token or is a known API key remains.
 */
import { sha256 } from "./ids";

export interface JournalEntry {
  /** Number of the request, counted from 0. */
  readonly index: number;
  /** When the request arrived, ISO 8601, by the emulator's clock. */
  readonly time: string;
  /** Which API was asked. */
  readonly api: "iam" | "vpc" | "account" | "instance" | "unknown";
  /** HTTP method of the request. */
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** HTTP status of the answer. */
  readonly status: number;
  /** The iam_id of the caller, the id of the server on its own services, or empty. */
  readonly caller: string;
  /** Time until the answer, in milliseconds. */
  readonly milliseconds: number;
  /** Request id that the caller gave, or was given. */
  readonly requestId: string;
}

const SECRET_PARAMETERS = /([?&](?:api_?key|access_token|refresh_token|cr_token|password|nonce)=)[^&]*/gi;
/** Entries kept; older ones are dropped, so that a long run does not fill the memory. */
const CAPACITY = 100_000;

export class Journal {
  private readonly entries: JournalEntry[] = [];
  private count = 0;
  private readonly isKeyHash: (hash: string) => boolean;
  private readonly log: ((entry: JournalEntry) => void) | undefined;

  constructor(isKeyHash: (hash: string) => boolean, log?: (entry: JournalEntry) => void) {
    this.isKeyHash = isKeyHash;
    this.log = log;
  }

  /** An entry with its number, and clean; it is not kept. */
  number(entry: Omit<JournalEntry, "index">): JournalEntry {
    const full = { index: this.count, ...entry, path: this.clean(entry.path), requestId: this.clean(entry.requestId) };
    this.count += 1;
    return full;
  }

  /** Keeps an entry. */
  add(entry: Omit<JournalEntry, "index">): JournalEntry {
    const full = this.number(entry);
    this.entries.push(full);
    if (this.entries.length > CAPACITY * 1.1) this.entries.splice(0, this.entries.length - CAPACITY);
    this.log?.(full);
    return full;
  }

  clear(): void {
    this.entries.length = 0;
  }

  list(): readonly JournalEntry[] {
    return this.entries;
  }

  /** The text without what looks like a token or is a known API key. */
  clean(text: string): string {
    return text
      .replace(SECRET_PARAMETERS, "$1[redacted]")
      .replace(/eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*/g, "[redacted]")
      .replace(/[\w-]{32,}/g, (word) => (this.isKeyHash(sha256(word)) ? "[redacted]" : word));
  }
}
