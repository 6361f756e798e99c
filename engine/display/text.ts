/** The words and signs that both displays share: they are Pulumi's, so that eyes and scripts find what they know. */
import { parseUrn } from "../model/urn";
import {
  isObject,
  maskSecrets,
  signatureOf,
  ASSET,
  ARCHIVE,
  isUnknown,
  reveal,
  RESOURCE,
  type Properties,
  type Value,
} from "../model/values";
import { type Diagnostic, type Prelude, type Step, type StepKind, type Summary } from "./reporter";

export type Colour = "green" | "yellow" | "red" | "magenta" | "cyan" | "blue" | "bold" | "dim";

const CODES: Record<Colour, number> = {
  green: 32,
  yellow: 33,
  red: 31,
  magenta: 35,
  cyan: 36,
  blue: 34,
  bold: 1,
  dim: 2,
};

export type Paint = (colour: Colour, text: string) => string;

export function painter(on: boolean): Paint {
  return on ? (colour, text) => `\u001b[${CODES[colour]}m${text}\u001b[0m` : (_colour, text) => text;
}

interface Words {
  readonly sign: string;
  readonly colour: Colour;
  readonly doing: string;
  readonly done: string;
  readonly plan: string;
}

export const WORDS: Record<StepKind, Words> = {
  same: { sign: "  ", colour: "dim", doing: "", done: "", plan: "" },
  create: { sign: "+ ", colour: "green", doing: "creating", done: "created", plan: "create" },
  update: { sign: "~ ", colour: "yellow", doing: "updating", done: "updated", plan: "update" },
  delete: { sign: "- ", colour: "red", doing: "deleting", done: "deleted", plan: "delete" },
  replace: { sign: "+-", colour: "magenta", doing: "replacing", done: "replaced", plan: "replace" },
  "create-replacement": {
    sign: "++",
    colour: "green",
    doing: "creating replacement",
    done: "created replacement",
    plan: "create replacement",
  },
  "delete-replaced": {
    sign: "--",
    colour: "red",
    doing: "deleting original",
    done: "deleted original",
    plan: "delete original",
  },
  read: { sign: "> ", colour: "cyan", doing: "reading", done: "read", plan: "read" },
  "read-replacement": {
    sign: ">>",
    colour: "cyan",
    doing: "reading for replacement",
    done: "read for replacement",
    plan: "read for replacement",
  },
  refresh: { sign: "~ ", colour: "yellow", doing: "refreshing", done: "refreshed", plan: "refresh" },
  discard: { sign: "< ", colour: "cyan", doing: "discarding", done: "discarded", plan: "discard" },
  "discard-replaced": {
    sign: "<<",
    colour: "cyan",
    doing: "discarding original",
    done: "discarded original",
    plan: "discard original",
  },
  import: { sign: "= ", colour: "cyan", doing: "importing", done: "imported", plan: "import" },
  "import-replacement": {
    sign: "=>",
    colour: "cyan",
    doing: "importing replacement",
    done: "imported replacement",
    plan: "import replacement",
  },
};

const HEADERS: Record<string, string> = {
  update: "Updating",
  preview: "Previewing update",
  refresh: "Refreshing",
  destroy: "Destroying",
};

export function header(prelude: Prelude): string {
  const verb =
    prelude.dryRun && prelude.operation !== "preview"
      ? `Previewing ${prelude.operation}`
      : (HEADERS[prelude.operation] ?? "");
  return `${verb} (${prelude.stack}):`;
}

/** `type name`, as resources are listed. */
export function label(urn: string): string {
  const { type, name } = parseUrn(urn);
  return `${type} ${name}`;
}

/** Which inputs make the change. */
export function diffNote(step: Step): string {
  if (step.kind === "same" || step.kind === "create" || step.kind === "delete") return "";
  const keys = step.changedKeys ?? [];
  const hidden = new Set(["__provider"]);
  const old = step.old?.inputs ?? {};
  const now = step.now?.inputs ?? {};
  const marks = keys
    .filter((key) => !hidden.has(key))
    .map((key) => `${key in old ? (key in now ? "~" : "-") : "+"}${key}`);
  return marks.length === 0 ? "" : `[diff: ${marks.join(",")}]`;
}

export function problemPrefix(diagnostic: Diagnostic): string {
  return diagnostic.severity === "warning" || diagnostic.severity === "error" ? `${diagnostic.severity}: ` : "";
}

function show(value: Value, indent: string): string {
  const plain = reveal(value);
  if (isUnknown(plain)) return "[unknown]";
  if (typeof plain === "string") return JSON.stringify(plain);
  if (Array.isArray(plain)) {
    if (plain.length === 0) return "[]";
    return `[\n${plain.map((element, index) => `${indent}    [${index}]: ${show(element, `${indent}    `)}`).join("\n")}\n${indent}]`;
  }
  if (!isObject(plain)) return String(plain);
  const signature = signatureOf(plain);
  if (signature === ASSET || signature === ARCHIVE)
    return `${signature === ASSET ? "asset" : "archive"}(${typeof plain.hash === "string" ? plain.hash.slice(0, 7) : ""})`;
  if (signature === RESOURCE) return JSON.stringify(plain.urn);
  return `{\n${propertyLines(plain, `${indent}    `).join("\n")}\n${indent}}`;
}

function propertyLines(properties: Properties, indent: string): string[] {
  const names = Object.keys(properties).sort();
  const width = Math.max(0, ...names.map((name) => name.length));
  return names.map((name) => `${indent}${name.padEnd(width)}: ${show(properties[name] ?? null, indent)}`);
}

/** What changes, property by property, with secrets blanked unless asked for. */
export function changeLines(step: Step, showSecrets: boolean): string[] {
  const cover = (properties: Properties | undefined): Properties =>
    showSecrets ? (properties ?? {}) : (maskSecrets(properties ?? {}) as Properties);
  const old = cover(step.old?.inputs);
  const now = cover(step.now?.inputs);
  const keys = step.kind === "create" ? Object.keys(now) : (step.changedKeys ?? []);
  return keys
    .filter((key) => key !== "__provider")
    .map((key) => {
      const before = old[key];
      const after = now[key];
      const forced = step.replaceKeys?.includes(key) === true ? " (forces replacement)" : "";
      if (before === undefined) return `        + ${key}: ${show(after ?? null, "        ")}${forced}`;
      if (after === undefined) return `        - ${key}: ${show(before, "        ")}${forced}`;
      return `        ~ ${key}: ${show(before, "        ")} => ${show(after, "        ")}${forced}`;
    });
}

/** The stack's outputs, with secrets blanked unless asked for. */
export function outputLines(outputs: Properties, showSecrets: boolean): string[] {
  return propertyLines(showSecrets ? outputs : (maskSecrets(outputs) as Properties), "    ");
}

const SUMMARY_ORDER: readonly StepKind[] = [
  "create",
  "update",
  "delete",
  "replace",
  "read",
  "refresh",
  "discard",
  "import",
];

export function summaryLines(summary: Summary, dryRun: boolean, paint: Paint): string[] {
  const lines: string[] = [];
  let kinds = 0;
  let total = 0;
  for (const kind of SUMMARY_ORDER) {
    const count = summary.changes[kind] ?? 0;
    if (count === 0) continue;
    kinds += 1;
    total += count;
    const { sign, colour, done, plan } = WORDS[kind];
    lines.push(paint(colour, `    ${sign}${count} ${dryRun ? `to ${plan}` : done}`));
  }
  if (summary.errored > 0) lines.push(paint("red", `    ${summary.errored} errored`));
  const same = summary.changes.same ?? 0;
  const rest = [...(kinds > 1 ? [paint("bold", `${total} changes`)] : []), ...(same > 0 ? [`${same} unchanged`] : [])];
  if (rest.length > 0) lines.push(`    ${rest.join(". ")}`);
  return lines.length === 0 ? [] : [paint("magenta", "Resources:"), ...lines];
}

export function durationText(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m${whole % 60}s`;
}
