/** The form of a conformance case: plain data, so that a case is a request and what the contract expects of it. */

/** A literal, or an object or array of which the answer must hold at least this; `/.../` in a string is a pattern. */
export type Pattern = string | number | boolean | null | readonly Pattern[] | { readonly [key: string]: Pattern };

export interface Step {
  /** Method, path and query. `${name}` stands for a value that is known or was saved. */
  readonly call: string;
  /** Where it goes: the cloud APIs, the admin port, or the services of the server that a value names. */
  readonly to?: string;
  /** Bearer token. Without it: the owner's on the cloud APIs, none on a server. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly text?: string;
  /** One status or several that are equally good; `silence` is no answer at all. */
  readonly status: number | readonly number[] | "silence";
  readonly body?: Pattern;
  /** Members of the answer that must not be there. */
  readonly absent?: readonly string[];
  /** Patterns of headers; `@member` means equal to that member of the answer. */
  readonly header?: Readonly<Record<string, string>>;
  /** Patterns of the claims of a token in the answer, by the member that holds it. */
  readonly claims?: Readonly<Record<string, Pattern>>;
  /** Difference between the dates in two members, in seconds. */
  readonly span?: { readonly from: string; readonly to: string; readonly seconds: number };
  /** What the leaf of the certificates in the answer must be; the chain must verify as well. */
  readonly leaf?: { readonly subject: string; readonly seconds: number };
  /** Texts that must be nowhere in the answer. */
  readonly lacks?: readonly string[];
  /** Values to keep, by name and path in the answer. */
  readonly save?: Readonly<Record<string, string>>;
  /** Repeats the call until it is as expected, for at most so many seconds. */
  readonly withinSeconds?: number;
}

export type Need = "metadata" | "admin";

export interface Case {
  /** Number in the contract; a letter when a case of it needs several. */
  readonly id: string;
  readonly title: string;
  /** What the implementation must offer besides its cloud APIs. */
  readonly needs?: readonly Need[];
  /**
   * It looks at states that pass by themselves, and so may be over before they are looked at: then it is tried again. Who
   * never shows them never passes.
   */
  readonly fleeting?: true;
  /** Why this case is not run against any implementation. */
  readonly skip?: string;
  readonly steps: readonly Step[];
}
