/**
 * What there is in the end, in the account and in the state, without what differs between any two runs: ids, times, tags,
 * addresses. An object that the state knows is called by its name there, so that an orphan or a duplicate stands out.
 */
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { Inventory } from "../../emulator";

export interface Resource {
  readonly urn: string;
  readonly id?: string;
  readonly [field: string]: unknown;
}

/** Every line is one resource or one object. */
export type Picture = readonly string[];

/** From the text of a state file. */
export function resourcesOf(state: string): { resources: readonly Resource[]; pending: readonly unknown[] } {
  if (state === "") return { resources: [], pending: [] };
  const { checkpoint } = JSON.parse(state) as {
    checkpoint: { latest?: { resources?: Resource[]; pending_operations?: unknown[] } };
  };
  return { resources: checkpoint.latest?.resources ?? [], pending: checkpoint.latest?.pending_operations ?? [] };
}

export function pictureOf(state: string, inventory: Inventory): Picture {
  const { resources, pending } = resourcesOf(state);
  const named = namer(resources);
  const objects = Object.entries(inventory as unknown as Readonly<Record<string, readonly object[]>>).flatMap(
    ([kind, list]) => list.map((object) => [kind, object] as const),
  );
  return [
    ...resources.map((resource) => `state ${named({ ...resource, created: undefined, modified: undefined })}`),
    ...pending.map((operation) => `pending ${named(operation)}`),
    ...objects.map(([kind, object]) => `account ${kind} ${named(object)}`),
  ].sort();
}

/** What one has and the other has not; how often counts. */
export function differences(actual: Picture, expected: Picture): string[] {
  const unexpected = without(actual, expected);
  const missing = without(expected, actual);
  // Where both have nearly the same, the place at which they part says most.
  return [
    ...unexpected.map((line) => `unexpected: ${parting(line, missing)}`),
    ...missing.map((line) => `missing: ${parting(line, unexpected)}`),
  ];
}

function without(from: Picture, lines: Picture): string[] {
  const rest = [...lines];
  return from.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

function parting(line: string, others: readonly string[]): string {
  const common = (other: string): number => {
    let length = 0;
    while (length < line.length && line[length] === other[length]) length += 1;
    return length;
  };
  const at = Math.max(0, ...others.map(common));
  const start = line.slice(0, 60);
  return at < 100 ? line.slice(0, 300) : `${start} ... ${line.slice(Math.max(60, at - 60), at + 120)}`;
}

const SCRUBBED: readonly (readonly [RegExp, string])[] = [
  [/"W\/\\"[0-9a-f]+\\""/g, '"<tag>"'],
  [/"\d+-[0-9a-f]{32}"/g, '"<tag>"'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+0000)?/g, "<time>"],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uuid>"],
  [/(?<![0-9A-Za-z])[0-9a-f]{8,}(?![0-9A-Za-z])/g, "<hex>"],
  [/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g, "<mac>"],
  [/\b\d+\.\d+\.\d+\.\d+\b(?!\/)/g, "<address>"],
  [/:\/\/<address>:\d+/g, "://<address>"],
  // Names that the API makes up.
  [/"name":"[a-z]+-[a-z]+-[a-z]+-[0-9a-z]{1,5}"/g, '"name":"<made up>"'],
  [/"name":"[a-z-]+-<hex>-[a-z]+-[0-9a-z]{1,5}"/g, '"name":"<made up>"'],
  [/"socket":"[^"]*"/g, '"socket":"<path>"'],
];

/** Ids become names first: what is left of them afterwards belongs to nothing in the state. */
function namer(resources: readonly Resource[]): (value: unknown) => string {
  const names = new Map<string, string>();
  for (const { id, urn } of [...resources].sort((a, b) => (a.urn < b.urn ? -1 : 1))) {
    const last = id?.split("/").at(-1) ?? "";
    if (last.length >= 8 && !names.has(last)) names.set(last, `<${urn.split("::").slice(2).join(" ")}>`);
  }
  const ids = [...names.keys()].sort((a, b) => b.length - a.length).map((id) => id.replace(/[|.]/g, "\\$&"));
  const known = ids.length === 0 ? undefined : new RegExp(ids.join("|"), "g");
  return (value) => {
    const clean = (text: string): string => {
      const plain = text.replace(PACKED, (packed) => `<packed ${letters(clean(unpacked(packed)))}>`);
      const called = known === undefined ? plain : plain.replace(known, (id) => names.get(id) ?? id);
      return SCRUBBED.reduce((all, [pattern, word]) => all.replace(pattern, word), called);
    };
    return clean(JSON.stringify(sorted(value)));
  };
}

/** User data, and the files in it: base64 in lines, which JSON may have made one; mostly of something gzipped. */
const PACKED = /[A-Za-z0-9+/]{100,}(?:(?:\\n|\n) *[A-Za-z0-9+/]+(?=\\n|[\n="]|$))*={0,2}/g;

function unpacked(packed: string): string {
  const bytes = Buffer.from(packed.replace(/\\n|\s/g, ""), "base64");
  const isGzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return (isGzipped ? gunzipSync(bytes) : bytes).toString("latin1");
}

/** Stands for a long text; letters only, so that nothing takes it for an id. */
const letters = (text: string): string =>
  createHash("sha256")
    .update(text)
    .digest("base64")
    .replace(/[^A-Za-z]/g, "")
    .slice(0, 12);

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}
