/**
 * How large user data is, and what makes it so: the VPC API refuses what is too large, and by then a user wants to know
 * which part to shorten.
 */

/** Largest user data the VPC API takes, in bytes of UTF-8. */
export const USER_DATA_LIMIT_BYTES = 65_536;

/** From here on user data is near enough to the limit to be warned about, in bytes of UTF-8. */
export const USER_DATA_WARNING_BYTES = 49_152;

/** A piece of a document; with `part`, the whole of what is written of that part. */
export interface Segment {
  readonly text: string;
  readonly part?: string;
  /** Bytes of the part before it was packed or encoded. */
  readonly bytes?: number;
}

/** One part of user data. */
export interface UserDataPart {
  /** Path of a file on the server, `merge[<n>]` for a part of the user's own, or `"(frame)"` for what holds them together. */
  readonly name: string;
  /** Bytes of the part itself. */
  readonly bytes: number;
  /** Bytes it takes in the document, packed or encoded as it is there. */
  readonly writtenBytes: number;
}

/** User data and its size. */
export interface UserDataReport {
  /** The document. */
  readonly userData: string;
  /** Its size in bytes of UTF-8: the sum of `writtenBytes` of its parts. */
  readonly bytes: number;
  /** Its parts, the largest in the document first. */
  readonly parts: readonly UserDataPart[];
  /** A sentence when the size is from USER_DATA_WARNING_BYTES on, or absent. */
  readonly warning?: string;
}

/** Puts a document together and measures it. */
export function measured(segments: readonly Segment[]): UserDataReport {
  const userData = segments.map(({ text }) => text).join("");
  const bytes = Buffer.byteLength(userData);
  const named = segments.flatMap(({ text, part, bytes: own }): UserDataPart[] =>
    part === undefined ? [] : [{ name: part, bytes: own ?? 0, writtenBytes: Buffer.byteLength(text) }],
  );
  const frame = bytes - named.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0);
  const parts = [...named, { name: "(frame)", bytes: frame, writtenBytes: frame }].sort(
    (a, b) => b.writtenBytes - a.writtenBytes,
  );
  const report = { userData, bytes, parts };
  if (bytes < USER_DATA_WARNING_BYTES) return report;
  return {
    ...report,
    warning: `The user data has ${bytes} bytes of the ${USER_DATA_LIMIT_BYTES} that the VPC API takes. ${largestOf(report)}`,
  };
}

/** What to shorten first. */
export function largestOf({ parts }: Pick<UserDataReport, "parts">): string {
  const largest = parts.slice(0, 3).map(({ name, writtenBytes }) => `${name} ${writtenBytes}`);
  return `Its largest parts: ${largest.join(", ")}.`;
}
