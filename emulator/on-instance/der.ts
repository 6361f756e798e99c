/** Reads DER: tag, length, content. Only what certificate requests need, and strict about lengths. */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  sequence: 0x30,
  set: 0x31,
} as const;

export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly raw: Buffer;
  /** Offset behind the element. */
  readonly end: number;
}

export function readElement(der: Buffer, at: number): Element {
  const tag = der[at];
  const first = der[at + 1];
  if (tag === undefined || first === undefined) throw new RangeError("DER ends too early");
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const size = first - 0x80;
    if (size < 1 || size > 4) throw new RangeError("DER length is not definite or too long");
    length = der.readUIntBE(start, size);
    start += size;
    if (length < 0x80 || length < 256 ** (size - 1)) throw new RangeError("DER length is not minimal");
  }
  const end = start + length;
  if (end > der.length) throw new RangeError("DER ends too early");
  return { tag, content: der.subarray(start, end), raw: der.subarray(at, end), end };
}

/** All elements of a constructed one. */
export function readAll(content: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < content.length;) {
    const element = readElement(content, at);
    elements.push(element);
    at = element.end;
  }
  return elements;
}

/** An object identifier in dotted form. */
export function oidText(content: Buffer): string {
  const parts: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      parts.push(value);
      value = 0;
    }
  }
  const [first = 0, ...rest] = parts;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...rest].join(".");
}
