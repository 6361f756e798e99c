/** The search for secrets where none may be, and a marker that shows that it finds what there is. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const MARKER = `planted-${"marker".repeat(4)}`;

/** Anything shaped like one of IBM's tokens. */
export const TOKEN = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*/;

/** What must not be seen: the API key, anything shaped like one of IBM's tokens, any private key. */
export function secretsIn(text: string, apiKey: string): string[] {
  const shapes: [string, RegExp][] = [
    ["API key", new RegExp(apiKey)],
    ["token", TOKEN],
    ["private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]/],
    ["marker", new RegExp(MARKER)],
  ];
  return shapes.filter(([, shape]) => shape.test(text)).map(([name]) => name);
}

/** The content of every file below a folder, without what is installed there. */
export function filesBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true, encoding: "utf8" })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}
