/** The files of the page, as the build made them: read once, sent with a policy that lets nothing else in. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Refusal } from "../refusal";

export interface Asset {
  readonly type: string;
  readonly content: Buffer;
}

const FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  "": ["index.html", "text/html; charset=utf-8"],
  "page.js": ["page.js", "text/javascript; charset=utf-8"],
  "layout.js": ["layout.js", "text/javascript; charset=utf-8"],
  "page.css": ["page.css", "text/css; charset=utf-8"],
};

const loaded = new Map<string, Asset>();

/** What the browser gets for a path below the token; undefined for what is no file of the page. */
export function assetFor(path: string): Asset | undefined {
  const entry = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (entry === undefined) return undefined;
  const [name, type] = entry;
  const asset = loaded.get(path) ?? { type, content: read(name) };
  loaded.set(path, asset);
  return asset;
}

/** By the package's own name, so that it does not matter in which bundle this code ends up. */
function read(name: string): Buffer {
  const root = dirname(createRequire(__filename).resolve("pulumi-ibm-vpc-identity/package.json"));
  try {
    return readFileSync(join(root, "dist", "emulator", "console", name));
  } catch {
    throw new Refusal(500, "not_built", "The console's page is not built; run npm run build.");
  }
}

/** Only files of our own, nothing inline, no other site, in no frame. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};
