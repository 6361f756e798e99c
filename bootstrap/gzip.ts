/**
 * gzip with the same bytes on every machine. Node's own zlib is built differently for each processor and release, so the
 * same script would give other user data on a colleague's laptop than in CI, and every server would look changed.
 * One deflate block with codes made for the text (RFC 1951), which is all that texts of this size need.
 */

const WINDOW = 32_768;
const LONGEST = 258;
const END_OF_BLOCK = 256;
/** What is longer hardly ever fits into user data: not every copy is looked at, and the error with its size comes in time. */
const LONG_TEXT = 131_072;
const COPIES_IN_LONG_TEXT = 32;
/** Order in which the lengths of the code-length codes are sent (RFC 1951, 3.2.7). */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;

/** A copy of `length` bytes from `distance` bytes back; with distance 0 the byte itself. */
interface Copy {
  readonly length: number;
  readonly distance: number;
}

/** A symbol of a code, followed by extra bits. */
interface Symbol {
  readonly code: number;
  readonly extraBits: number;
  readonly extra: number;
}

/** Compresses UTF-8 text; `gunzip` gives it back. */
export function gzip(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  // No time, no name, operating system unknown: nothing in the header tells where it was made.
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(bytes), 0);
  trailer.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([header, deflate(bytes), trailer]);
}

function deflate(bytes: Buffer): Buffer {
  const matches = findMatches(bytes);
  // What a copy costs depends on the codes, and the codes on which copies are taken: three rounds settle it.
  let codes = { literals: new Array<number>(286).fill(8), distances: new Array<number>(30).fill(5) };
  let symbols: Symbol[][] = [];
  for (let round = 0; round < 3; round++) {
    symbols = cheapest(bytes, matches, codes);
    codes = codesFor(symbols);
  }
  const bits = new BitWriter();
  bits.write(1, 1); // the last block
  bits.write(2, 2); // with codes of its own
  writeCodes(bits, codes.literals, codes.distances);
  const writeLiteral = encoder(bits, codes.literals);
  const writeDistance = encoder(bits, codes.distances);
  for (const [first, second] of symbols) {
    if (first !== undefined) writeLiteral(first);
    if (second !== undefined) writeDistance(second);
  }
  writeLiteral({ code: END_OF_BLOCK, extraBits: 0, extra: 0 });
  return bits.finish();
}

/** Lengths of the two codes. */
interface Codes {
  readonly literals: number[];
  readonly distances: number[];
}

function codesFor(symbols: readonly (readonly Symbol[])[]): Codes {
  const literals = new Array<number>(286).fill(0);
  const distances = new Array<number>(30).fill(0);
  literals[END_OF_BLOCK] = 1;
  for (const [first, second] of symbols) {
    if (first !== undefined) literals[first.code] = (literals[first.code] ?? 0) + 1;
    if (second !== undefined) distances[second.code] = (distances[second.code] ?? 0) + 1;
  }
  return { literals: codeLengths(literals, 15), distances: codeLengths(distances, 15) };
}

/** For each place the copies that can be made there: longer ones only from farther back, each with the longest it reaches. */
function findMatches(bytes: Buffer): Copy[][] {
  const seen = new Map<number, number[]>();
  const looks = bytes.length > LONG_TEXT ? COPIES_IN_LONG_TEXT : Infinity;
  return Array.from(bytes, (_, at) => {
    if (at + 2 >= bytes.length) return [];
    const key = bytes.readUIntBE(at, 3);
    const places = seen.get(key) ?? [];
    const copies: Copy[] = [];
    const limit = Math.min(LONGEST, bytes.length - at);
    let best = 2;
    const last = Math.max(0, places.length - looks);
    for (let index = places.length - 1; index >= last && best < limit; index--) {
      const place = places[index] ?? 0;
      if (at - place > WINDOW) break;
      // Most of them end before the best one does, which this byte tells without a look at the others.
      if (bytes[place + best] !== bytes[at + best]) continue;
      let length = 3;
      while (length < limit && bytes[place + length] === bytes[at + length]) length++;
      if (length > best) {
        best = length;
        copies.push({ length, distance: at - place });
      }
    }
    places.push(at);
    seen.set(key, places);
    return copies;
  });
}

/** Bits for a symbol that the last round did not use. */
const UNUSED_BITS = 14;

/** The cheapest way to the end from every place, found from the end backwards: letters and copies, as symbols. */
function cheapest(bytes: Buffer, matches: readonly (readonly Copy[])[], codes: Codes): Symbol[][] {
  const bitsOf = (lengths: readonly number[], code: number): number => {
    const length = lengths[code] ?? 0;
    return length === 0 ? UNUSED_BITS : length;
  };
  const price = (lengths: readonly number[], { code, extraBits }: Symbol): number => bitsOf(lengths, code) + extraBits;
  const lengthPrices = Array.from({ length: LONGEST + 1 }, (_, length) =>
    length < 3 ? 0 : price(codes.literals, lengthSymbol(length)),
  );
  const costs = new Array<number>(bytes.length + 1).fill(0);
  const steps = new Array<Copy>(bytes.length);
  for (let at = bytes.length - 1; at >= 0; at--) {
    let step: Copy = { length: 1, distance: 0 };
    let cost = bitsOf(codes.literals, bytes[at] ?? 0) + (costs[at + 1] ?? 0);
    let shortest = 3;
    for (const { length: longest, distance } of matches[at] ?? []) {
      const distancePrice = price(codes.distances, distanceSymbol(distance));
      for (let length = shortest; length <= longest; length++) {
        const other = (lengthPrices[length] ?? 0) + distancePrice + (costs[at + length] ?? 0);
        if (other < cost) {
          cost = other;
          step = { length, distance };
        }
      }
      shortest = longest + 1;
    }
    costs[at] = cost;
    steps[at] = step;
  }
  const symbols: Symbol[][] = [];
  for (let at = 0; at < bytes.length;) {
    const { length, distance } = steps[at] ?? { length: 1, distance: 0 };
    symbols.push(
      distance === 0
        ? [{ code: bytes[at] ?? 0, extraBits: 0, extra: 0 }]
        : [lengthSymbol(length), distanceSymbol(distance)],
    );
    at += length;
  }
  return symbols;
}

function lengthSymbol(length: number): Symbol {
  if (length === LONGEST) return { code: 285, extraBits: 0, extra: 0 };
  const { group, extraBits, extra } = logarithmic(length - 3, 4);
  return { code: 257 + group, extraBits, extra };
}

function distanceSymbol(distance: number): Symbol {
  const { group, extraBits, extra } = logarithmic(distance - 1, 2);
  return { code: group, extraBits, extra };
}

/** Both tables of RFC 1951, 3.2.5: `perDoubling` codes for each doubling, the rest of the value in extra bits. */
function logarithmic(value: number, perDoubling: 2 | 4): { group: number; extraBits: number; extra: number } {
  if (value < perDoubling * 2) return { group: value, extraBits: 0, extra: 0 };
  const step = Math.log2(perDoubling);
  const extraBits = 31 - Math.clz32(value) - step;
  return {
    group: perDoubling * extraBits + (value >> extraBits),
    extraBits,
    extra: value & ((1 << extraBits) - 1),
  };
}

/** Huffman code lengths, none longer than `limit`. */
function codeLengths(counts: readonly number[], limit: number): number[] {
  const lengths = new Array<number>(counts.length).fill(0);
  const used = counts.flatMap((count, symbol) => (count > 0 ? [{ count, symbols: [symbol] }] : []));
  // A code needs two symbols for a decoder to accept it everywhere, even when one or none is used.
  for (let symbol = 0; used.length < 2; symbol++) {
    if (counts[symbol] === 0) used.push({ count: 1, symbols: [symbol] });
  }
  // Package-merge: after `limit` rounds each symbol's length is how often it is in the cheapest 2n - 2 packages.
  const leaves = [...used].sort((a, b) => a.count - b.count || (a.symbols[0] ?? 0) - (b.symbols[0] ?? 0));
  let packages: typeof leaves = [];
  for (let round = 0; round < limit; round++) {
    const merged = [...leaves, ...packages].sort((a, b) => a.count - b.count);
    const pairs = Math.floor(merged.length / 2);
    if (round === limit - 1) {
      packages = merged;
      break;
    }
    packages = Array.from({ length: pairs }, (_, index) => {
      const [first, second] = [merged[2 * index], merged[2 * index + 1]];
      return {
        count: (first?.count ?? 0) + (second?.count ?? 0),
        symbols: [...(first?.symbols ?? []), ...(second?.symbols ?? [])],
      };
    });
  }
  for (const { symbols } of packages.slice(0, 2 * leaves.length - 2)) {
    for (const symbol of symbols) lengths[symbol] = (lengths[symbol] ?? 0) + 1;
  }
  return lengths;
}

/** The two codes, as run-length coded lengths under a third code (RFC 1951, 3.2.7). */
function writeCodes(bits: BitWriter, literals: readonly number[], distances: readonly number[]): void {
  const runs = runLengths([...literals, ...distances]);
  const counts = new Array<number>(19).fill(0);
  for (const { code } of runs) counts[code] = (counts[code] ?? 0) + 1;
  const lengths = codeLengths(counts, 7);
  let sent: number = LENGTH_ORDER.length;
  while (sent > 4 && (lengths[LENGTH_ORDER[sent - 1] ?? 0] ?? 0) === 0) sent--;
  bits.write(literals.length - 257, 5);
  bits.write(distances.length - 1, 5);
  bits.write(sent - 4, 4);
  for (const code of LENGTH_ORDER.slice(0, sent)) bits.write(lengths[code] ?? 0, 3);
  const write = encoder(bits, lengths);
  for (const run of runs) write(run);
}

function runLengths(lengths: readonly number[]): Symbol[] {
  const runs: Symbol[] = [];
  for (let at = 0; at < lengths.length;) {
    const value = lengths[at] ?? 0;
    let length = 1;
    while (at + length < lengths.length && lengths[at + length] === value) length++;
    at += length;
    if (value !== 0) {
      runs.push({ code: value, extraBits: 0, extra: 0 });
      length -= 1;
    }
    while (length > 0) {
      const [code, least, extraBits] = value !== 0 ? [16, 3, 2] : length > 10 ? [18, 11, 7] : [17, 3, 3];
      const taken = Math.min(length, least + (1 << extraBits) - 1);
      if (taken < least) {
        for (let rest = 0; rest < length; rest++) runs.push({ code: value, extraBits: 0, extra: 0 });
        break;
      }
      runs.push({ code, extraBits, extra: taken - least });
      length -= taken;
    }
  }
  return runs;
}

/** Writes symbols under the canonical code of the given lengths. */
function encoder(bits: BitWriter, lengths: readonly number[]): (symbol: Symbol) => void {
  const codes = new Array<number>(lengths.length).fill(0);
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    for (const [symbol, its] of lengths.entries()) if (its === length) codes[symbol] = code++;
    code <<= 1;
  }
  return (symbol) => {
    const length = lengths[symbol.code] ?? 0;
    for (let bit = length - 1; bit >= 0; bit--) bits.write(((codes[symbol.code] ?? 0) >> bit) & 1, 1);
    bits.write(symbol.extra, symbol.extraBits);
  };
}

/** Bits from the lowest of each byte up, as deflate wants them. */
class BitWriter {
  readonly #bytes: number[] = [];
  #byte = 0;
  #used = 0;

  write(value: number, count: number): void {
    for (let bit = 0; bit < count; bit++) {
      this.#byte |= ((value >> bit) & 1) << this.#used;
      this.#used += 1;
      if (this.#used === 8) {
        this.#bytes.push(this.#byte);
        this.#byte = 0;
        this.#used = 0;
      }
    }
  }

  finish(): Buffer {
    return Buffer.from(this.#used === 0 ? this.#bytes : [...this.#bytes, this.#byte]);
  }
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
