/**
 * User data of several parts: ours next to the user's own cloud-config or script, so that neither replaces the other.
 * cloud-init reads MIME multipart documents and cloud-config archives; both say for our part how its lists join theirs.
 */
import { VpcIdentityError } from "../core/errors";

/**
 * Our commands go before those of the other parts, which then find the identity there; a value that both set stays as the
 * user has it.
 */
const MERGE_HOW = "list(prepend)+dict(no_replace,recurse_list)+str()";

const KINDS = [
  { head: "#cloud-config", type: "text/cloud-config", name: "cloud-config" },
  { head: "#!", type: "text/x-shellscript", name: "script" },
  { head: "#cloud-boothook", type: "text/cloud-boothook", name: "boothook" },
] as const;

interface Part {
  readonly type: string;
  readonly filename: string;
  readonly content: string;
}

/** Joins our cloud-config with the user's own parts, as one document. */
export function mergedDocument(ours: string, others: readonly string[], format: "mime" | "archive"): string {
  const parts: Part[] = [
    ...others.map(userPart),
    // Last, because cloud-init merges each part into what came before by the rule of the later one.
    { type: "text/cloud-config", filename: "vpc-identity.cfg", content: `${ours}merge_how: "${MERGE_HOW}"\n` },
  ];
  return format === "mime" ? mime(parts) : archive(parts);
}

function userPart(content: string, index: number): Part {
  // "#cloud-config-archive" begins like a cloud-config and is none.
  const first = content.split("\n", 1)[0] ?? "";
  const kind = KINDS.find(({ head }) => (head === "#!" ? first.startsWith(head) : first.trimEnd() === head));
  if (kind === undefined) {
    throw new VpcIdentityError(
      `merge[${index}] begins with ${JSON.stringify(first.slice(0, 40))}; must be ${KINDS.map(({ head }) => `"${head}"`).join(", ")}`,
      { code: "IBMID_INVALID_BOOTSTRAP" },
    );
  }
  // Scripts run in the order of their names, after "runcmd", which holds our command.
  return { type: kind.type, filename: `user-${kind.name}-${String(index + 1).padStart(3, "0")}`, content };
}

function mime(parts: readonly Part[]): string {
  let boundary = "==vpc-identity==";
  while (parts.some(({ content }) => content.includes(boundary))) boundary = `=${boundary}=`;
  const bodies = parts.map(({ type, filename, content }) => {
    const plain = /^[\x20-\x7e\n\t]*$/.test(content) && content.split("\n").every((line) => line.length <= 900);
    const encoded = plain ? content : `${Buffer.from(content, "utf8").toString("base64").replace(/.{76}/g, "$&\n")}\n`;
    return [
      `--${boundary}`,
      `Content-Type: ${type}; charset="utf-8"`,
      "MIME-Version: 1.0",
      `Content-Transfer-Encoding: ${plain ? "7bit" : "base64"}`,
      `Content-Disposition: attachment; filename="${filename}"`,
      "",
      encoded,
    ].join("\n");
  });
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "MIME-Version: 1.0",
    "",
    ...bodies,
    `--${boundary}--`,
    "",
  ].join("\n");
}

/** JSON is YAML, and needs no rules about indentation for text that is not ours. */
function archive(parts: readonly Part[]): string {
  const entries = parts.map(
    ({ type, filename, content }) =>
      `- ${JSON.stringify({ type, filename, content }).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`,
  );
  return `#cloud-config-archive\n${entries.join("")}`;
}
