/** `--target` and `--replace`: URNs, or patterns in which `*` stands for anything without a colon and `**` for anything. */

export interface Targets {
  /** Nothing was asked for, which means everything for `--target` and nothing for `--replace`. */
  readonly empty: boolean;
  has(urn: string): boolean;
  add(urn: string): void;
}

export function targetsOf(patterns: readonly string[]): Targets {
  const expressions = patterns.map((pattern) => {
    const parts = pattern.split(/(\*\*|\*)/).map((part) => {
      if (part === "**") return ".*";
      return part === "*" ? "[^:]*" : part.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
    });
    return new RegExp(`^${parts.join("")}$`);
  });
  const added = new Set<string>();
  return {
    empty: patterns.length === 0,
    has: (urn) => added.has(urn) || expressions.some((expression) => expression.test(urn)),
    add: (urn) => added.add(urn),
  };
}
