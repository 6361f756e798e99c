/**
 * Notices what has changed. The state is changed in place by many handlers, so it is compared with what it was the last
 * time, object by object; what has gone is kept for a while, marked as deleted.
 */
import type { Drawn } from "./model";
import type { ConsoleObject, HistoryLine } from "./protocol";

const MAX_HISTORY = 50;
const MAX_DELETED = 300;
/** Longer values are not worth showing in one line. */
const MAX_VALUE = 80;

interface Known {
  object: ConsoleObject;
  /** The drawn part as text: the quickest way to see whether anything is different. */
  text: string;
}

export class Tracker {
  private readonly known = new Map<string, Known>();

  /** `onForget` is told of each object that is not kept any longer. */
  constructor(private readonly onForget: (id: string) => void) {}

  /** Takes the present in; returns what is new, different or gone. */
  take(present: readonly Drawn[], timeIso: string): ConsoleObject[] {
    const changed: ConsoleObject[] = [];
    const seen = new Set<string>();
    for (const drawn of present) {
      seen.add(drawn.id);
      const before = this.known.get(drawn.id);
      const text = JSON.stringify(drawn);
      if (before?.text === text && before.object.deletedAt === undefined) continue;
      const isNew = before === undefined || before.object.deletedAt !== undefined;
      const changes = isNew ? [] : differences(before.object.json, drawn.json);
      const line: HistoryLine = { time: timeIso, event: isNew ? "created" : "changed", changes };
      // What changed for a neighbour alone, such as an arrow, is no event in its own life.
      const quiet = !isNew && changes.length === 0;
      changed.push(
        this.keep({ ...drawn, history: withLine(before?.object.history ?? [], quiet ? undefined : line) }, text),
      );
    }
    for (const [id, { object, text }] of this.known) {
      if (seen.has(id) || object.deletedAt !== undefined) continue;
      const history = withLine(object.history, { time: timeIso, event: "deleted", changes: [] });
      changed.push(this.keep({ ...object, deletedAt: timeIso, history }, text));
    }
    this.forgetOldest();
    return changed;
  }

  all(): ConsoleObject[] {
    return [...this.known.values()].map(({ object }) => object);
  }

  private keep(object: ConsoleObject, text: string): ConsoleObject {
    // Anew at the end: what was deleted first is forgotten first.
    if (object.deletedAt !== undefined) this.known.delete(object.id);
    this.known.set(object.id, { object, text });
    return object;
  }

  private forgetOldest(): void {
    const deleted = [...this.known].filter(([, { object }]) => object.deletedAt !== undefined);
    for (const [id] of deleted.slice(0, Math.max(0, deleted.length - MAX_DELETED))) {
      this.known.delete(id);
      this.onForget(id);
    }
  }
}

const withLine = (history: readonly HistoryLine[], line: HistoryLine | undefined): readonly HistoryLine[] =>
  line === undefined ? history : [...history, line].slice(-MAX_HISTORY);

/** Fields that differ, nested ones with their path; tags and times of change say nothing by themselves. */
function differences(before: object, after: object, path = ""): string[] {
  const [old, fresh] = [before as Record<string, unknown>, after as Record<string, unknown>];
  return [...new Set([...Object.keys(old), ...Object.keys(fresh)])].flatMap((name) => {
    const [from, to] = [old[name], fresh[name]];
    if (JSON.stringify(from) === JSON.stringify(to) || /^(entity_tag|modified_at|last_modified_at)$/.test(name))
      return [];
    const where = path === "" ? name : `${path}.${name}`;
    if (isPlain(from) && isPlain(to)) return differences(from, to, where);
    return [`${where}: ${shown(from)} → ${shown(to)}`];
  });
}

const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function shown(value: unknown): string {
  if (value === undefined) return "none";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}
