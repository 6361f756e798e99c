/** Pure ASCII, because user data passes through serial consoles, ISO images and encodings that nobody controls. */

/**
 * JSON text in which everything but printable ASCII and line ends is written as `\uXXXX`; and the word by which cloud-init
 * takes a document for MIME, wherever it stands in the first lines.
 */
export function asciiEscapes(json: string): string {
  return json.replace(
    /[^\x20-\x7e\n]|m(?=ime-version:)/gi,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
