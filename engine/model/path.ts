/** Paths into properties, as in `ignoreChanges` and `config set --path`: `a.b[0]["c d"]`, with `*` for any one element. */
import { UserError } from "../errors";
import { isObject, reveal, type Properties, type Value } from "./values";

export type Path = readonly (string | number)[];

export function parsePath(text: string): Path {
  const path: (string | number)[] = [];
  let rest = text;
  while (rest !== "") {
    const match =
      /^\.?([^.["\]]+)/.exec(rest) ??
      /^\[(\d+)\]/.exec(rest) ??
      /^\.?\["((?:[^"\\]|\\.)*)"\]/.exec(rest) ??
      /^\[(\*)\]/.exec(rest);
    if (match === null) throw new UserError(`"${text}" is not a property path; allowed are forms such as a.b[0]["c"].`);
    const [whole, element = ""] = match;
    path.push(/^\[\d/.test(whole) ? Number(element) : whole.includes('"') ? element.replace(/\\(.)/g, "$1") : element);
    rest = rest.slice(whole.length);
  }
  if (path.length === 0) throw new UserError("A property path is empty.");
  return path;
}

function child(value: Value, element: string | number): Value | undefined {
  const plain = reveal(value);
  if (Array.isArray(plain)) return typeof element === "number" ? plain[element] : undefined;
  return isObject(plain) ? plain[String(element)] : undefined;
}

export function valueAt(value: Value, path: Path): Value | undefined {
  let current: Value | undefined = value;
  for (const element of path) {
    if (current === undefined) return undefined;
    current = child(current, element);
  }
  return current;
}

/** A copy with the value at the path set, or removed when it is undefined. Undefined when the path leads through a scalar. */
export function withValueAt(target: Value | undefined, path: Path, value: Value | undefined): Value | undefined {
  const [element, ...rest] = path;
  if (element === undefined) return value;
  const container = target === undefined ? (typeof element === "number" ? [] : {}) : reveal(target);
  if (Array.isArray(container)) {
    if (typeof element !== "number" || element > container.length) return undefined;
    const copy = [...container];
    const inner = rest.length === 0 ? value : withValueAt(container[element], rest, value);
    if (inner === undefined) copy.splice(element, 1);
    else copy[element] = inner;
    return copy;
  }
  if (!isObject(container)) return undefined;
  const copy: Properties = { ...container };
  const inner = rest.length === 0 ? value : withValueAt(container[String(element)], rest, value);
  if (inner !== undefined) copy[String(element)] = inner;
  else if (value === undefined) Reflect.deleteProperty(copy, String(element));
  else return undefined;
  return copy;
}

/** Whether a path with wildcards covers another one: equal to it or above it. */
export function covers(pattern: Path, path: Path): boolean {
  return (
    pattern.length <= path.length &&
    pattern.every((element, index) => element === "*" || String(element) === String(path[index]))
  );
}

/** The concrete paths that a path with wildcards stands for in a value. */
export function expandPath(value: Value | undefined, path: Path): Path[] {
  const at = path.indexOf("*");
  if (at < 0) return [path];
  const before = path.slice(0, at);
  const container = value === undefined ? undefined : reveal(valueAt(value, before) ?? null);
  const elements = Array.isArray(container) ? [...container.keys()] : isObject(container) ? Object.keys(container) : [];
  return elements.flatMap((element) => expandPath(value, [...before, element, ...path.slice(at + 1)]));
}
