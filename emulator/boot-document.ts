/**
 * What a server does with its user data, as data: files to write and scripts to run. It knows the part of cloud-init's
 * rules that it executes and refuses the rest by name, since a key that is silently skipped would make a boot look good
 * that a real server would not repeat.
 */
import { gunzipSync } from "node:zlib";
import { parseDocument } from "yaml";
import { merged, mergersOf } from "./boot-merge";
import { partsOf, type UserDataPart } from "./boot-parts";

/** A file as the server writes it before anything runs. */
export interface BootFile {
  readonly path: string;
  /** Content in base64, so that any byte survives the way into the server. */
  readonly content: string;
  /** Permission bits. */
  readonly mode: number;
  /** `user:group` or `user`. */
  readonly owner: string;
  readonly append: boolean;
}

export interface BootDocument {
  /** Programs that run before anything else is written; what becomes of them changes nothing. */
  readonly boothooks: readonly BootFile[];
  readonly files: readonly BootFile[];
  /** Paths of the files to run, one after the other, once all are written. */
  readonly scripts: readonly string[];
  /** The first word of every command, or undefined where a script's commands cannot be told. */
  readonly commands: readonly string[] | undefined;
}

const SCRIPTS = "/var/lib/cloud/instance/scripts";
const BOOTHOOKS = "/var/lib/cloud/instance/boothooks";

/**
 * Reads user data: `#cloud-config` with write_files and runcmd, a `#!` script, or several of them with boothooks in a MIME
 * document or an archive.
 */
export function readUserData(userData: string): BootDocument {
  const parts = partsOf(userData);
  const config = entriesOf(configOf(parts), "user data", ["write_files", "runcmd"]);
  const files = listOf(config.write_files, "write_files").map(readFileEntry);
  const commands = listOf(config.runcmd, "runcmd").flatMap((entry, index) => readCommand(entry, `runcmd[${index}]`));
  const text = `#!/bin/sh\n${commands.map(({ line }) => line).join("\n")}\n`;
  const own = parts.filter(({ kind }) => kind === "script");
  const scripts = [
    ...(commands.length === 0 ? [] : [executable(`${SCRIPTS}/runcmd`, text)]),
    ...own.map(({ name, content }) => executable(`${SCRIPTS}/${fileName(name)}`, unix(content))),
  ];
  const boothooks = parts.filter(({ kind }) => kind === "boothook").map(readBoothook);
  const foreign = own.length > 0 || boothooks.length > 0;
  return {
    boothooks,
    files: [...files, ...scripts],
    // In the order of their names, as cloud-init runs them.
    scripts: scripts.map(({ path }) => path).sort(),
    commands: foreign ? undefined : commands.map(({ word }) => word),
  };
}

/** What all cloud-configs come to, each merged into those before it. */
function configOf(parts: readonly UserDataPart[]): unknown {
  let config: unknown = {};
  for (const { kind, content, mergeType } of parts) {
    if (kind !== "cloud-config") continue;
    const document = parseDocument(content);
    if (document.errors.length > 0) throw new Error(`User data is not YAML: ${document.errors[0]?.message ?? ""}`);
    const value: unknown = document.toJS() ?? {};
    if (typeof value !== "object" || Array.isArray(value)) throw new Error("user data is not a mapping.");
    const { merge_how: how, merge_type: type, ...own } = value as Record<string, unknown>;
    config = merged(config, own, mergersOf(how ?? type ?? mergeType));
  }
  return config;
}

/** What follows the first line is the program. */
function readBoothook({ name, content }: UserDataPart): BootFile {
  const program = unix(content).replace(/^#cloud-boothook\s*/, "");
  if (!program.startsWith("#!")) {
    throw new Error(`The boothook ${name} has no "#!" line after "#cloud-boothook", so no server can execute it.`);
  }
  return executable(`${BOOTHOOKS}/${fileName(name)}`, program);
}

/** Scripts are edited on machines that end lines otherwise, and no shell would take those. */
const unix = (text: string): string => text.replaceAll("\r\n", "\n");

const fileName = (name: string): string => name.replaceAll("/", "_").trim();

function readFileEntry(entry: unknown, index: number): BootFile {
  const at = `write_files[${index}]`;
  const fields = entriesOf(entry, at, ["path", "content", "permissions", "owner", "encoding", "append", "defer"]);
  const path = textOf(fields.path, `${at}.path`);
  if (!path.startsWith("/") || path.split("/").includes(".."))
    throw new Error(`${at}.path is ${quote(path)}; must be absolute.`);
  const permissions = textOf(fields.permissions ?? "0644", `${at}.permissions`);
  if (!/^0?[0-7]{3,4}$/.test(permissions)) {
    throw new Error(`${at}.permissions is ${quote(permissions)}; must be octal digits in quotes, such as '0644'.`);
  }
  return {
    path,
    content: decode(textOf(fields.content ?? "", `${at}.content`), fields.encoding, at).toString("base64"),
    mode: Number.parseInt(permissions, 8),
    owner: textOf(fields.owner ?? "root:root", `${at}.owner`),
    append: fields.append === true,
  };
}

function decode(content: string, encoding: unknown, at: string): Buffer {
  switch (encoding) {
    case undefined:
    case "text/plain":
      return Buffer.from(content, "utf8");
    case "b64":
    case "base64":
      return Buffer.from(content, "base64");
    case "gz+b64":
    case "gz+base64":
    case "gzip+b64":
    case "gzip+base64":
      return gunzipSync(Buffer.from(content, "base64"));
    default:
      throw new Error(`${at}.encoding is ${quote(encoding)}; this emulator knows b64 and gz+b64.`);
  }
}

/** As cloud-init: a text is a line of shell, a list is a command whose words are taken literally, null is nothing. */
function readCommand(entry: unknown, at: string): { line: string; word: string }[] {
  if (entry === null) return [];
  if (typeof entry === "string") return [{ line: entry, word: entry.trim().split(/\s+/)[0] ?? "" }];
  const words = listOf(entry, at).map((word, index) =>
    typeof word === "number" ? String(word) : textOf(word, `${at}[${index}]`),
  );
  return [{ line: words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" "), word: words[0] ?? "" }];
}

function executable(path: string, text: string): BootFile {
  return {
    path,
    content: Buffer.from(text, "utf8").toString("base64"),
    mode: 0o700,
    owner: "root:root",
    append: false,
  };
}

function entriesOf(value: unknown, at: string, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${at} is not a mapping.`);
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new Error(
      `${at} has ${unknown.map(quote).join(", ")}, which this emulator does not execute; it knows ${known.join(", ")}.`,
    );
  }
  return value as Record<string, unknown>;
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${at} is not a list.`);
  return value;
}

function textOf(value: unknown, at: string): string {
  if (typeof value !== "string") throw new Error(`${at} is ${quote(value)}; must be a text.`);
  return value;
}

function quote(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
