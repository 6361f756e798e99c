/**
 * User data of several parts: ours next to the user's own cloud-config or script, so that neither replaces the other.
 * cloud-init reads MIME multipart documents and cloud-config archives; both say for our part how its lists join theirs.
 */
import { asciiEscapes } from "./ascii";
import { partKind } from "./user-data-form";
import type { Segment } from "./size";

/**
 * Our commands go before those of the other parts, which then find the identity there; a value that both set stays as the
 * user has it.
 */
const MERGE_HOW = "list(prepend)+dict(no_replace,recurse_list)+str()";

interface Part {
  readonly type: string;
  readonly filename: string;
  readonly content: readonly Segment[];
}

/** Joins our cloud-config with the user's own parts, as one document. */
export function mergedDocument(
  ours: readonly Segment[],
  others: readonly string[],
  format: "mime" | "archive",
): Segment[] {
  const parts: Part[] = [
    ...others.map(userPart),
    // Last, because cloud-init merges each part into what came before by the rule of the later one.
    {
      type: "text/cloud-config",
      filename: "vpc-identity.cfg",
      content: [...ours, { text: `merge_how: "${MERGE_HOW}"\n` }],
    },
  ];
  return format === "mime" ? mime(parts) : archive(parts);
}

function userPart(content: string, index: number): Part {
  const kind = partKind(content);
  // Scripts run in the order of their names, after "runcmd", which holds our command.
  const filename = `user-${kind?.name ?? ""}-${String(index + 1).padStart(3, "0")}`;
  return {
    type: kind?.type ?? "",
    filename,
    content: [{ text: content, part: `merge[${index}]`, bytes: Buffer.byteLength(content) }],
  };
}

function mime(parts: readonly Part[]): Segment[] {
  let boundary = "==vpc-identity==";
  while (parts.some(({ content }) => content.some(({ text }) => text.includes(boundary)))) boundary = `=${boundary}=`;
  const head = `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n`;
  return [
    { text: head },
    ...parts.flatMap(({ type, filename, content }) => {
      const plain = content.every(({ text }) => isPlain(text));
      const headers = [
        `\n--${boundary}`,
        `Content-Type: ${type}; charset="utf-8"`,
        "MIME-Version: 1.0",
        `Content-Transfer-Encoding: ${plain ? "7bit" : "base64"}`,
        `Content-Disposition: attachment; filename="${filename}"`,
        "\n",
      ];
      return [{ text: headers.join("\n") }, ...(plain ? content : inBase64(content))];
    }),
    { text: `\n--${boundary}--\n` },
  ];
}

/** What passes through a mail reader as it is: RFC 5322 allows 998 characters a line. */
const isPlain = (text: string): boolean =>
  /^[\x20-\x7e\n\t]*$/.test(text) && text.split("\n").every((line) => line.length <= 900);

/** A part is encoded as a whole, so each of its pieces is told its share of the lines. */
function inBase64(content: readonly Segment[]): Segment[] {
  const bytes = Buffer.from(content.map(({ text }) => text).join(""), "utf8");
  const encoded = `${bytes.toString("base64").replace(/.{76}/g, "$&\n")}\n`;
  let [done, start] = [0, 0];
  return content.map((segment) => {
    done += Buffer.byteLength(segment.text);
    const end = Math.round((encoded.length * done) / bytes.length);
    const text = encoded.slice(start, end);
    start = end;
    return { ...segment, text };
  });
}

/** JSON is YAML, and needs no rules about indentation for text that is not ours. */
function archive(parts: readonly Part[]): Segment[] {
  const escaped = (text: string): string => asciiEscapes(JSON.stringify(text).slice(1, -1));
  return [
    { text: "#cloud-config-archive\n" },
    ...parts.flatMap(({ type, filename, content }) => [
      { text: `- {"type":"${type}","filename":"${filename}","content":"` },
      ...content.map((segment) => ({ ...segment, text: escaped(segment.text) })),
      { text: '"}\n' },
    ]),
  ];
}
