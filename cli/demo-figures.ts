/** What the demo tells of a token and of a state. */

export interface StateFigures {
  readonly stubBytesMax: number;
  readonly stateBytesPerResource: number;
}

/** What a person may see of a token: who it stands for and how long it lives. */
export function claimsOf(token: string): string[] {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as {
    iam_id: string;
    sub_type: string;
    account: { bss: string };
    authn?: { sub?: string };
    iat: number;
    exp: number;
  };
  return [
    `iam_id     ${claims.iam_id}`,
    `sub_type   ${claims.sub_type}`,
    `account    ${claims.account.bss}`,
    `authn.sub  ${claims.authn?.sub ?? "-"}`,
    `lifetime   ${claims.exp - claims.iat} s`,
  ];
}

/** Bytes are those of the checkpoint as it is written, shared out among all its resources. */
export function figuresOf(state: unknown): StateFigures {
  const { deployment } = state as { deployment: { resources?: { inputs?: Record<string, unknown> }[] } };
  const resources = deployment.resources ?? [];
  // User data is text of the user's choice, not bookkeeping: the figure leaves it out.
  const lean = resources.map(({ inputs = {}, ...rest }) => ({ ...rest, inputs: { ...inputs, userData: undefined } }));
  const bytes = Buffer.byteLength(JSON.stringify({ ...deployment, resources: lean }));
  const stubs = resources.map(({ inputs }) => inputs?.__provider).filter((stub) => typeof stub === "string");
  return {
    stubBytesMax: Math.max(0, ...stubs.map((stub) => Buffer.byteLength(stub))),
    stateBytesPerResource: Math.round(bytes / Math.max(1, resources.length)),
  };
}
