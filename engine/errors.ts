/**
 * Two kinds of failure. `UserError` is expected (bad usage, locked stack, wrong passphrase): its text alone is shown. Anything else
 * is a defect of the engine and is shown with its stack.
 */

/** Exit codes of Pulumi's CLI, as its documentation lists them (https://pulumi.com/docs/iac/cli/exit-codes/). */
export const EXIT = { failure: 1, usage: 2, noStack: 6, changes: 7, cancelled: 8, defect: 255 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export class UserError extends Error {
  constructor(
    message: string,
    readonly exitCode: ExitCode = EXIT.failure,
  ) {
    super(message);
    this.name = "UserError";
  }
}

/** The command line is at fault. */
export class UsageError extends UserError {
  constructor(message: string) {
    super(message, EXIT.usage);
    this.name = "UsageError";
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
