/** Just enough IPv4 arithmetic to give out subnets and addresses that do not overlap. */
export interface Block {
  readonly first: number;
  readonly size: number;
}

export function parseCidr(cidr: string): Block | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  if (match === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match.slice(1).map(Number);
  if ([a, b, c, d].some((part) => part > 255) || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  return first % size === 0 ? { first, size } : undefined;
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

export function parseAddress(text: string): number | undefined {
  return parseCidr(`${text}/32`)?.first;
}

export const formatCidr = ({ first, size }: Block): string => `${formatAddress(first)}/${32 - Math.log2(size)}`;

export const overlaps = (a: Block, b: Block): boolean => a.first < b.first + b.size && b.first < a.first + a.size;

export const contains = (outer: Block, inner: Block): boolean =>
  inner.first >= outer.first && inner.first + inner.size <= outer.first + outer.size;

/** The first free block of this size inside `prefix`. */
export function freeBlock(prefix: Block, size: number, used: readonly Block[]): Block | undefined {
  for (let first = prefix.first; first + size <= prefix.first + prefix.size; first += size) {
    const block = { first, size };
    if (!used.some((other) => overlaps(block, other))) return block;
  }
  return undefined;
}
