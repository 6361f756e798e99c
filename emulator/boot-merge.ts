/**
 * How cloud-init makes one configuration of several: each part is merged into those before it, by rules that the part
 * itself may name (`merge_how`). Which rule applies is decided by the kind of the value that is there already.
 * Source: cloud-init's documentation, "Merging user data sections".
 */

/** Settings by kind of value; a kind that is not named keeps the value that came first. */
type Mergers = ReadonlyMap<string, readonly string[]>;
type Entries = Readonly<Record<string, unknown>>;

/** What holds for a part that names no rules. */
const DEFAULT = "dict(replace)+list()+str()";

/** Reads rules: a text such as `list(append)+dict(recurse_list)`, or a list of `{name, settings}`. */
export function mergersOf(how: unknown): Mergers {
  if (how === undefined || how === null || how === "") return mergersOf(DEFAULT);
  if (typeof how === "string") return new Map(how.split("+").map(mergerOf));
  if (!Array.isArray(how)) throw new Error(`merge_how is ${JSON.stringify(how)}; must be a text or a list.`);
  return new Map(
    how.map((entry: unknown) => {
      const { name, settings } = (entry ?? {}) as { name?: unknown; settings?: unknown };
      if (typeof name !== "string" || !Array.isArray(settings)) {
        throw new Error(`merge_how has ${JSON.stringify(entry)}; must have a name and a list of settings.`);
      }
      return [name, settings.map(String)];
    }),
  );
}

function mergerOf(text: string): [string, string[]] {
  const [, kind, settings = ""] = /^\s*(dict|list|str)\((.*)\)\s*$/.exec(text.toLowerCase()) ?? [];
  if (kind === undefined) {
    throw new Error(`merge_how has ${JSON.stringify(text)}; must be like "list(append)+dict(no_replace)+str()".`);
  }
  return [
    kind,
    settings
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== ""),
  ];
}

/** `later` merged into `earlier`. */
export function merged(earlier: unknown, later: unknown, mergers: Mergers): unknown {
  if (isMap(earlier)) {
    const settings = mergers.get("dict");
    return settings === undefined || !isMap(later) ? earlier : mergedMaps(earlier, later, settings, mergers);
  }
  if (Array.isArray(earlier)) {
    const settings = mergers.get("list");
    return settings === undefined ? earlier : mergedLists(earlier, later, settings, mergers);
  }
  if (typeof earlier !== "string") return earlier;
  const settings = mergers.get("str");
  if (settings === undefined) return earlier;
  if (!settings.includes("append")) return later;
  if (typeof later === "string") return earlier + later;
  throw new Error(`${JSON.stringify(later)} cannot be appended to a text.`);
}

function mergedMaps(earlier: Entries, later: Entries, settings: readonly string[], mergers: Mergers): Entries {
  const result = new Map(Object.entries(earlier));
  for (const [key, value] of Object.entries(later)) {
    if (value === null && result.has(key) && settings.includes("allow_delete")) result.delete(key);
    else if (!result.has(key) || settings.includes("replace")) result.set(key, value);
    else if (recurses(value, [...settings, "recurse_dict"])) result.set(key, merged(result.get(key), value, mergers));
  }
  return Object.fromEntries(result);
}

function mergedLists(
  earlier: readonly unknown[],
  later: unknown,
  settings: readonly string[],
  mergers: Mergers,
): unknown {
  const method = ["append", "prepend", "replace", "no_replace"].find((word) => settings.includes(word)) ?? "replace";
  if (!Array.isArray(later)) {
    if (method === "replace") return later;
    throw new Error(`${JSON.stringify(later)} cannot be merged into a list.`);
  }
  if (method === "append") return [...earlier, ...(later as unknown[])];
  if (method === "prepend") return [...(later as unknown[]), ...earlier];
  if (method === "no_replace") return earlier;
  // Place by place; what the later list has beyond the earlier one is dropped.
  return earlier.map((value, index) => {
    if (index >= later.length) return value;
    return recurses(later[index], settings) ? merged(value, later[index], mergers) : (later[index] as unknown);
  });
}

function recurses(value: unknown, settings: readonly string[]): boolean {
  if (Array.isArray(value)) return settings.includes("recurse_list") || settings.includes("recurse_array");
  return settings.includes(typeof value === "string" ? "recurse_str" : isMap(value) ? "recurse_dict" : "none");
}

function isMap(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
