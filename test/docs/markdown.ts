/** The pages that users read, and what tests need of Markdown: code blocks, links, headings. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/project";

export interface Block {
  /** `sh`, `ts`, `text`, ... */
  readonly language: string;
  /** What follows the language: `server`, or a file's name. */
  readonly mark: string;
  readonly text: string;
  /** Number of its first line. */
  readonly line: number;
  /** The nearest heading above. */
  readonly heading: string;
  /** The HTML comment right above it: why it is not run. */
  readonly reason: string | undefined;
}

/** A page by its path in the repository. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** README, CONTRIBUTING and everything in docs/ itself. */
export const PAGES: readonly Page[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(REPOSITORY, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
].map(pageAt);

export function pageAt(path: string): Page {
  return { path, text: readFileSync(join(REPOSITORY, path), "utf8") };
}

const FENCE = /^( *)```(\w*) *(.*)$/;

export function blocksOf({ text }: Page): Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  let heading = "";
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
    const [, indent = "", language, mark = ""] = FENCE.exec(line) ?? [];
    if (language === undefined) continue;
    const end = lines.indexOf(`${indent}\`\`\``, index + 1);
    if (end < 0) throw new Error(`a code block that begins in line ${index + 1} does not end`);
    const content = lines.slice(index + 1, end).map((one) => one.slice(indent.length));
    const above = lines
      .slice(0, index)
      .reverse()
      .find((one) => one.trim() !== "");
    const reason = /^<!-- (.*) -->$/.exec(above?.trim() ?? "")?.[1];
    blocks.push({ language, mark, text: `${content.join("\n")}\n`, line: index + 1, heading, reason });
    index = end;
  }
  return blocks;
}

/** The text without its code, whose brackets are no links. */
export function proseOf({ text }: Page): string {
  return text.replace(/^( *)```[^]*?\n\1```$/gm, "").replace(/`[^`\n]*`/g, "");
}

/** Targets of links and pictures, as they stand there. */
export function linksOf(page: Page): string[] {
  const inline = [...proseOf(page).matchAll(/\]\(<?([^)\s>]+)>?\)/g)].map(([, target]) => target ?? "");
  const plain = [...proseOf(page).matchAll(/<(https?:[^>]+)>/g)].map(([, target]) => target ?? "");
  return [...inline, ...plain];
}

/** The anchors that GitHub makes of headings. */
export function anchorsOf({ text }: Page): string[] {
  const headings = text.replace(/^( *)```[^]*?\n\1```$/gm, "").matchAll(/^#+ (.*)$/gm);
  const seen = new Map<string, number>();
  return Array.from(headings, ([, heading = ""]) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}
