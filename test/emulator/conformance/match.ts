/** Compares an answer with what a case expects, and says in words where they differ. */
import { isDeepStrictEqual } from "node:util";
import { X509Certificate } from "node:crypto";
import type { Pattern, Step } from "./types";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  readonly json: unknown;
}

/** The values that a case knows. */
export type Values = Record<string, string>;

/** Puts values into texts; a name that is not known is an error of the case. */
export function fill<T>(value: T, values: Values): T {
  if (typeof value === "string") {
    return value.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => {
      const known = values[name];
      if (known === undefined) throw new Error(`the case uses ${whole}, which is not known`);
      return known;
    }) as T;
  }
  if (Array.isArray(value)) return value.map((item: unknown) => fill(item, values)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item as unknown, values)])) as T;
}

export function at(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (part, key) => (typeof part === "object" && part !== null ? (part as Record<string, unknown>)[key] : undefined),
      value,
    );
}

/** What is different; nothing when the answer is as expected. Texts of the step are filled in already. */
export function differences(step: Step, answer: Answer): string[] {
  const statuses = typeof step.status === "number" ? [step.status] : step.status;
  if (!(statuses as readonly unknown[]).includes(answer.status)) {
    return [`status is ${answer.status}, expected ${String(step.status)}: ${answer.text.slice(0, 300)}`];
  }
  const found: string[] = [];
  if (step.body !== undefined) compare(step.body, answer.json, "body", answer, found);
  for (const name of step.absent ?? []) {
    if (at(answer.json, name) !== undefined) found.push(`body.${name} is there`);
  }
  for (const [name, pattern] of Object.entries(step.header ?? {})) {
    compare(pattern, answer.headers[name.toLowerCase()], `header ${name}`, answer, found);
  }
  for (const [path, pattern] of Object.entries(step.claims ?? {})) {
    compare(pattern, claimsOf(at(answer.json, path)), `claims of ${path}`, answer, found);
  }
  for (const text of step.lacks ?? []) {
    if (answer.text.includes(text)) found.push(`the answer holds ${JSON.stringify(text.slice(0, 12))}...`);
  }
  if (step.span !== undefined) {
    const { from, to, seconds } = step.span;
    const actual = (Date.parse(String(at(answer.json, to))) - Date.parse(String(at(answer.json, from)))) / 1000;
    if (actual !== seconds) found.push(`${from} to ${to} is ${actual} s, expected ${seconds}`);
  }
  if (step.leaf !== undefined) found.push(...leafDifferences(step.leaf, answer));
  return found;
}

function compare(pattern: Pattern, actual: unknown, path: string, answer: Answer, found: string[]): void {
  const fail = (expected: string): void => {
    found.push(`${path} is ${show(actual)}, expected ${expected}`);
  };
  if (typeof pattern === "string") {
    if (!fits(pattern, actual, answer)) fail(pattern);
  } else if (Array.isArray(pattern)) {
    const items = pattern as readonly Pattern[];
    if (!Array.isArray(actual) || actual.length < items.length) fail(`an array of at least ${items.length}`);
    else
      items.forEach((item, index) => compare(item, (actual as unknown[])[index], `${path}[${index}]`, answer, found));
  } else if (typeof pattern === "object" && pattern !== null) {
    const members = pattern as Readonly<Record<string, Pattern>>;
    if (typeof members.$ === "string") compareList(members, actual, path, answer, found, fail);
    else if (typeof actual !== "object" || actual === null) fail("an object");
    else {
      for (const [key, member] of Object.entries(members)) {
        compare(member, (actual as Record<string, unknown>)[key], `${path}.${key}`, answer, found);
      }
    }
  } else if (!isDeepStrictEqual(actual, pattern)) {
    fail(JSON.stringify(pattern));
  }
}

function compareList(
  rule: Readonly<Record<string, Pattern>>,
  actual: unknown,
  path: string,
  answer: Answer,
  found: string[],
  fail: (expected: string) => void,
): void {
  const items: unknown[] | undefined = Array.isArray(actual) ? actual : undefined;
  if (items === undefined) {
    fail("an array");
    return;
  }
  if (rule.$ === "empty" && items.length > 0) fail("an empty array");
  if (rule.$ === "only") {
    if (items.length === 1) compare(rule.item ?? null, items[0], `${path}[0]`, answer, found);
    else fail("exactly one entry");
  }
  if (rule.$ === "holds") {
    const names = items.map((item) => at(item, rule.key as string));
    for (const name of (rule.each ?? []) as readonly string[]) {
      if (!names.includes(name)) fail(`an entry ${name}`);
    }
  }
}

const show = (value: unknown): string => (value === undefined ? "absent" : JSON.stringify(value).slice(0, 200));

/** `/.../` is a pattern, `@member` another member, `!text` anything else, `?text` that or nothing. */
function fits(pattern: string, actual: unknown, answer: Answer): boolean {
  const text = typeof actual === "string" || typeof actual === "number" ? String(actual) : undefined;
  if (pattern.length > 1 && pattern.startsWith("/") && pattern.endsWith("/")) {
    return text !== undefined && new RegExp(pattern.slice(1, -1), "s").test(text);
  }
  if (pattern.startsWith("@")) {
    const other = at(answer.json, pattern.slice(1));
    return other !== undefined && show(other) === show(actual);
  }
  if (pattern.startsWith("!")) return text !== undefined && text !== pattern.slice(1);
  if (pattern.startsWith("?")) return actual === undefined || show(actual) === pattern.slice(1);
  if (/^\d+~$/.test(pattern)) return Math.abs(Number(actual) - Number(pattern.slice(0, -1))) <= 60;
  return actual === pattern;
}

function claimsOf(token: unknown): unknown {
  if (typeof token !== "string") return undefined;
  try {
    return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

/** Leaf first, each certificate signed by the next; the leaf with this subject and life. */
function leafDifferences(wanted: NonNullable<Step["leaf"]>, answer: Answer): string[] {
  const list = at(answer.json, "certificates");
  if (!Array.isArray(list) || list.length < 2) return ["there are not at least two certificates"];
  const chain = list.map((pem) => new X509Certificate(String(pem)));
  const [leaf] = chain;
  if (leaf === undefined) return ["there is no leaf"];
  const found: string[] = [];
  if (leaf.subject !== wanted.subject) {
    found.push(`subject is ${JSON.stringify(leaf.subject)}, expected ${JSON.stringify(wanted.subject)}`);
  }
  const life = (Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / 1000;
  if (life !== wanted.seconds) found.push(`the leaf lives ${life} s, expected ${wanted.seconds}`);
  if (leaf.ca) found.push("the leaf is an authority");
  chain.slice(1).forEach((issuer, index) => {
    const subject = chain[index];
    if (!issuer.ca) found.push(`certificate ${index + 1} is no authority`);
    if (subject?.checkIssued(issuer) !== true || !subject.verify(issuer.publicKey)) {
      found.push(`certificate ${index} is not signed by certificate ${index + 1}`);
    }
  });
  return found;
}
