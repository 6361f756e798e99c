/**
 * What the page knows of the account: filled by the stream, read by the views. Messages change it in place and views are
 * told once a frame at most, so that many calls a second cost one rendering each frame and not one each.
 */
import { useEffect, useState } from "preact/hooks";
import type {
  ConsoleCall,
  ConsoleFault,
  ConsoleObject,
  ObjectKind,
  RouteName,
  ServerLife,
  Snapshot,
  Update,
} from "../protocol";

/** Calls kept on the page; the emulator keeps more. */
const MAX_CALLS = 5000;
/** Deleted things stay visible, faded, for so long. */
export const FADE_MS = 30_000;

/** `app-2` comes before `app-10`. */
const ORDER = new Intl.Collator("en", { numeric: true });

interface Sorted {
  readonly version: number;
  readonly all: readonly ConsoleObject[];
  readonly servers: readonly ConsoleObject[];
}

/** Smaller differences are the time that a message takes. */
const JUMP_MS = 1000;

export class Store {
  connection: "connecting" | "live" | "lost" = "connecting";
  accountId = "";
  owner = "";
  region = "";
  url = "";
  routes: readonly RouteName[] = [];
  actions: readonly string[] = [];
  readonly objects = new Map<string, ConsoleObject>();
  readonly lives = new Map<string, ServerLife>();
  calls: ConsoleCall[] = [];
  faults: readonly ConsoleFault[] = [];
  /** Counts up when a node or an arrow appears, changes its place or goes. */
  topology = 0;
  /** Counts up with every change of an object. */
  objectVersion = 0;
  /** When this page learned, by its own clock, that an object is gone. */
  readonly goneSince = new Map<string, number>();
  private sorted: Sorted = { version: -1, all: [], servers: [] };
  /** Counts up when the emulator's clock is moved. */
  jumps = 0;
  private clockOffsetMs = 0;
  private readonly listeners = new Set<() => void>();
  private isPlanned = false;

  /** The emulator's clock, in milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.clockOffsetMs;
  }

  connect(): void {
    const source = new EventSource("events");
    source.addEventListener("snapshot", (event: MessageEvent<string>) =>
      this.begin(JSON.parse(event.data) as Snapshot),
    );
    source.addEventListener("update", (event: MessageEvent<string>) => this.apply(JSON.parse(event.data) as Update));
    source.addEventListener("error", () => {
      this.connection = "lost";
      this.tell();
    });
  }

  /** All servers that are there, by name. */
  servers(): readonly ConsoleObject[] {
    return this.inOrder().servers;
  }

  /** All objects of a kind by name, also those that are gone. */
  ofKind(kind: ObjectKind): readonly ConsoleObject[] {
    return this.inOrder().all.filter((object) => object.kind === kind);
  }

  private inOrder(): Sorted {
    // Sorting by a person's order is slow, and every rendering asks.
    if (this.sorted.version !== this.objectVersion) {
      const all = [...this.objects.values()].sort((a, b) => ORDER.compare(a.name, b.name));
      const servers = all.filter(({ kind, deletedAt }) => kind === "server" && deletedAt === undefined);
      this.sorted = { version: this.objectVersion, all, servers };
    }
    return this.sorted;
  }

  /** The name behind an id or an IAM id; what is unknown is shown as it is. */
  nameOf(id: string): string {
    if (id !== "" && id === this.owner) return "owner";
    return this.objects.get(id)?.name ?? this.objects.get(id.replace(/^iam-/, ""))?.name ?? id;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private begin(snapshot: Snapshot): void {
    const { accountId, owner, region, url, routes, actions } = snapshot;
    Object.assign(this, { accountId, owner, region, url, routes, actions, connection: "live" });
    this.objects.clear();
    this.lives.clear();
    this.goneSince.clear();
    this.objectVersion += 1;
    this.calls = [];
    this.apply(snapshot);
    for (const { id, deletedAt } of this.objects.values()) {
      if (deletedAt !== undefined) this.goneSince.set(id, Date.now() - (snapshot.now - Date.parse(deletedAt)));
    }
    this.topology += 1;
  }

  private apply({ now, objects = [], calls = [], lives = [], faults }: Update): void {
    this.connection = "live";
    const offsetMs = now - Date.now();
    if (Math.abs(offsetMs - this.clockOffsetMs) > JUMP_MS) this.jumps += 1;
    this.clockOffsetMs = offsetMs;
    for (const object of objects) {
      const before = this.objects.get(object.id);
      if (shapeOf(before) !== shapeOf(object)) this.topology += 1;
      if (object.deletedAt !== undefined && before?.deletedAt === undefined) this.goneSince.set(object.id, Date.now());
      this.objects.set(object.id, object);
      this.objectVersion += 1;
    }
    for (const life of lives) this.lives.set(life.id, life);
    if (calls.length > 0) this.calls = [...this.calls, ...calls].slice(-MAX_CALLS);
    if (faults !== undefined) this.faults = faults;
    this.tell();
  }

  private tell(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    requestAnimationFrame(() => {
      this.isPlanned = false;
      for (const listener of this.listeners) listener();
    });
  }
}

const shapeOf = (object: ConsoleObject | undefined): string =>
  object === undefined ? "" : JSON.stringify([object.edges, object.deletedAt === undefined]);

export const store = new Store();

/** Renders the component anew when the store has changed. */
export function useStore(): Store {
  const [, setVersion] = useState(0);
  useEffect(() => store.subscribe(() => setVersion((version) => version + 1)), []);
  return store;
}

/** Renders the component anew every second: for what counts down. */
export function useClock(): number {
  const [, setSecond] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSecond((second) => second + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return store.now();
}
