/**
 * User data as its parts: one text, a MIME multipart document, or a cloud-config archive. A part of a kind that is not
 * executed here is refused by name, since a boot that skips it would look better than that of a real server.
 */
import { gunzipSync } from "node:zlib";
import { parse } from "yaml";

/** One part, decoded. */
export interface UserDataPart {
  readonly kind: "cloud-config" | "script" | "boothook";
  /** Its file name, which decides in which order scripts run. */
  readonly name: string;
  readonly content: string;
  /** Rules by which a cloud-config joins those before it, from its headers. */
  readonly mergeType: string | undefined;
}

const KINDS: Readonly<Record<string, UserDataPart["kind"] | "archive">> = {
  "text/cloud-config": "cloud-config",
  "text/x-shellscript": "script",
  "text/cloud-boothook": "boothook",
  "text/cloud-config-archive": "archive",
};

/** Types that say nothing, so that the first words of the content decide. */
const UNTYPED = ["", "text/plain", "text/x-not-multipart", "text/x-shellscript"];
const HEADS = [
  ["#cloud-config-archive", "text/cloud-config-archive"],
  ["#cloud-config", "text/cloud-config"],
  ["#cloud-boothook", "text/cloud-boothook"],
  ["#include", "text/x-include-url"],
  ["#part-handler", "text/part-handler"],
  ["## template: jinja", "text/jinja2"],
  ["#!", "text/x-shellscript"],
] as const;

/** The parts of user data, in their order. */
export function partsOf(userData: string): UserDataPart[] {
  const entities = /mime-version:/i.test(userData.slice(0, 4096)) ? leavesOf(userData) : [single(userData)];
  return entities.flatMap((entity) => opened(entity)).map(numbered);
}

/** A part before its kind is known. */
interface Entity {
  readonly type: string;
  readonly name: string | undefined;
  readonly content: string;
  readonly mergeType: string | undefined;
}

const single = (content: string): Entity => ({ type: "", name: undefined, content, mergeType: undefined });

/** An archive holds parts itself. */
function opened(entity: Entity): Entity[] {
  const type = typeOf(entity);
  if (KINDS[type] !== "archive") return [{ ...entity, type }];
  const entries: unknown = parse(entity.content);
  if (!Array.isArray(entries)) throw new Error("The cloud-config archive is not a list.");
  return entries.flatMap((entry: unknown, index) => {
    const {
      content,
      filename,
      type: own = "",
      ...headers
    } = (typeof entry === "string" ? { content: entry } : (entry ?? {})) as Record<string, unknown>;
    if (typeof content !== "string") throw new Error(`Entry ${index} of the cloud-config archive has no content.`);
    const mergeType = Object.entries(headers).find(([key]) => /^(x-)?merge-type$/i.test(key))?.[1];
    return opened({
      type: typeof own === "string" && own !== "" ? own : guessed(content, "text/cloud-config"),
      name: typeof filename === "string" ? filename : undefined,
      content,
      mergeType: typeof mergeType === "string" ? mergeType : undefined,
    });
  });
}

function typeOf({ type, content }: Entity): string {
  return UNTYPED.includes(type) ? guessed(content, type) : type;
}

const guessed = (content: string, otherwise: string): string =>
  HEADS.find(([head]) => content.toLowerCase().startsWith(head))?.[1] ?? otherwise;

function numbered({ type, name, content, mergeType }: Entity, index: number): UserDataPart {
  const kind = KINDS[type];
  if (kind === undefined || kind === "archive") {
    throw new Error(
      type === ""
        ? `User data must begin with "#cloud-config" or "#!"; it begins with ${JSON.stringify(content.slice(0, 40))}.`
        : `User data has a part of type ${type}, which this emulator does not execute; it knows ${Object.keys(KINDS).join(", ")}.`,
    );
  }
  return { kind, name: name ?? `part-${String(index + 1).padStart(3, "0")}`, content, mergeType };
}

/** A MIME entity (RFC 2045, 2046): its leaves, decoded. */
function leavesOf(text: string): Entity[] {
  const { headers, body } = entityOf(text);
  const [type, parameters] = valueOf(headers.get("content-type") ?? "text/plain");
  if (type.startsWith("multipart/")) {
    const boundary = parameters.get("boundary");
    if (boundary === undefined) throw new Error("The MIME document names no boundary.");
    return splitAt(body, boundary).flatMap(leavesOf);
  }
  const bytes = decoded(body, (headers.get("content-transfer-encoding") ?? "7bit").trim().toLowerCase());
  const packed = /^application\/(x-)?(gzip|gunzip|compress)/.test(type);
  const [, disposition] = valueOf(headers.get("content-disposition") ?? "");
  return [
    {
      type: packed ? "" : type,
      name: disposition.get("filename") ?? parameters.get("name"),
      content: (packed ? gunzipSync(bytes) : bytes).toString("utf8"),
      mergeType: headers.get("merge-type") ?? headers.get("x-merge-type"),
    },
  ];
}

function entityOf(text: string): { headers: Map<string, string>; body: string } {
  const [, head = "", body = ""] = /^([^]*?)(?:\r?\n\r?\n|$)([^]*)$/.exec(text) ?? [];
  const lines = head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  const headers = lines.flatMap((line): [string, string][] => {
    const [, name, value] = /^([!-9;-~]+):\s*(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name.toLowerCase(), value ?? ""]];
  });
  return { headers: new Map(headers), body };
}

/** A header's value and its parameters. */
function valueOf(header: string): [string, Map<string, string>] {
  const parameters = header.matchAll(/;\s*([^=;\s]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g);
  const entries = Array.from(parameters, ([, name = "", quoted, plain = ""]): [string, string] => [
    name.toLowerCase(),
    quoted?.replace(/\\(.)/g, "$1") ?? plain,
  ]);
  return [(header.split(";", 1)[0] ?? "").trim().toLowerCase(), new Map(entries)];
}

/** What stands between the boundary's lines; the line end before each of them belongs to it. */
function splitAt(body: string, boundary: string): string[] {
  const quoted = boundary.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pieces = body.split(new RegExp(`(?:^|\\r?\\n)--${quoted}(--)?[ \\t]*(?=\\r?\\n|$)`));
  // Pieces and ends take turns; after the closing line nothing counts.
  const contents = pieces.filter((_, index) => index % 2 === 0);
  const end = pieces.filter((_, index) => index % 2 === 1).indexOf("--");
  return contents.slice(1, end === -1 ? undefined : end + 1).map((piece) => piece.replace(/^\r?\n/, ""));
}

function decoded(body: string, encoding: string): Buffer {
  switch (encoding) {
    case "7bit":
    case "8bit":
    case "binary":
      // cloud-init reads such a part as text of its own encoding, whatever its charset.
      if (/[\u0080-\uffff]/.test(body)) {
        throw new Error(
          "A part of the user data has other characters than ASCII, which a server garbles unless it is in base64.",
        );
      }
      return Buffer.from(body, "utf8");
    case "base64":
      return Buffer.from(body, "base64");
    case "quoted-printable":
      return Buffer.from(
        body
          .replace(/[ \t]*=?\r?\n/g, (end) => (end.includes("=") ? "" : "\n"))
          .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
        "latin1",
      );
    default:
      throw new Error(`A part of the user data has the encoding ${JSON.stringify(encoding)}, which no server knows.`);
  }
}
