/**
 * Brings values from program and provider into the form that state has: assets and archives with a hash of their contents, references
 * with a package version. The hash decides whether a file changed, so it is computed exactly as Pulumi does (archives: over a tar stream).
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, UserError } from "../errors";
import {
  ARCHIVE,
  ASSET,
  isObject,
  mapProperties,
  OUTPUT,
  RESOURCE,
  secret,
  SIGNATURE,
  signatureOf,
  UNKNOWN,
  type Properties,
  type Value,
} from "./values";

export function normalizeProperties(properties: Properties, folder: string): Properties {
  return mapProperties(properties, (value) => normalize(value, folder));
}

function normalize(value: Value, folder: string): Value {
  if (Array.isArray(value)) return value.map((element) => normalize(element, folder));
  if (!isObject(value)) return value;
  switch (signatureOf(value)) {
    case ASSET: {
      const asset = without(value, "__pulumiAsset");
      return "hash" in asset ? asset : { ...asset, hash: sha256(contentOf(asset, folder)) };
    }
    case ARCHIVE: {
      const archive = without(value, "__pulumiArchive");
      const { assets } = archive;
      const inner = isObject(assets) ? { ...archive, assets: normalizeProperties(assets, folder) } : archive;
      return "hash" in inner ? inner : { ...inner, hash: archiveHash(inner, folder) };
    }
    case RESOURCE: {
      // Engines add name and type on the wire; state has neither.
      const { urn = "", id, packageVersion = "" } = value as Record<string, Value | undefined>;
      return { [SIGNATURE]: RESOURCE, urn, ...(id === undefined ? {} : { id }), packageVersion };
    }
    case OUTPUT: {
      if (!("value" in value)) return UNKNOWN;
      const inner = normalize(value.value ?? null, folder);
      return value.secret === true ? secret(inner) : inner;
    }
    default:
      return mapProperties(value, (element) => normalize(element, folder));
  }
}

/** The SDK's own mark, which is on the wire and not in the state. */
function without(properties: Properties, name: string): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => key !== name));
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function read(path: string, folder: string): Buffer {
  try {
    return readFileSync(resolve(folder, path));
  } catch (error) {
    throw new UserError(`The asset file ${path} cannot be read: ${messageOf(error)}`);
  }
}

function contentOf(asset: Properties, folder: string): Buffer {
  const { text, path, uri } = asset as Record<string, Value | undefined>;
  if (typeof text === "string") return Buffer.from(text);
  if (typeof path === "string" && path !== "") return read(path, folder);
  throw new UserError(
    `Remote assets (${JSON.stringify(uri)}) are not in the embedded engine; use a local file, or install Pulumi.`,
  );
}

function archiveHash(archive: Properties, folder: string): string {
  const { assets, path, uri } = archive as Record<string, Value | undefined>;
  if (typeof path === "string" && path !== "" && !statSync(resolve(folder, path)).isDirectory())
    return sha256(read(path, folder));
  if (typeof uri === "string" && uri !== "") contentOf(archive, folder);
  const entries = new Map<string, Buffer>();
  if (isObject(assets)) collect(entries, "", assets, folder);
  else if (typeof path === "string") collectFolder(entries, "", resolve(folder, path));
  return sha256(tar(entries));
}

function collect(entries: Map<string, Buffer>, prefix: string, assets: Properties, folder: string): void {
  for (const [name, entry] of Object.entries(assets)) {
    if (!isObject(entry)) continue;
    const place = prefix + name;
    if (entry[SIGNATURE] === ASSET) entries.set(place, contentOf(entry, folder));
    else if (isObject(entry.assets)) collect(entries, `${place}/`, entry.assets, folder);
    else if (typeof entry.path === "string") collectFolder(entries, `${place}/`, resolve(folder, entry.path));
  }
}

function collectFolder(entries: Map<string, Buffer>, prefix: string, folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const place = join(folder, entry.name);
    if (entry.isDirectory()) collectFolder(entries, `${prefix}${entry.name}/`, place);
    else if (entry.isFile()) entries.set(prefix + entry.name, readFileSync(place));
  }
}

/** A ustar stream as Go's archive/tar writes it: no times, no owners, mode 0600. */
function tar(entries: Map<string, Buffer>): Buffer {
  const blocks: Buffer[] = [];
  for (const [name, bytes] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    blocks.push(tarHeader(name, bytes.length), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, width: number): void => {
    header.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  };
  header.write(name, 0, 100, "utf8");
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  header.write("0", 156);
  header.write("ustar\x0000", 257, "latin1");
  octal(0, 329, 8);
  octal(0, 337, 8);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}
