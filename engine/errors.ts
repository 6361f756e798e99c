/**
 * Two kinds of failure. `UserError` is expected (bad usage, locked stack, wrong passphrase): its text alone is shown. Anything else
 * is a defect of the engine and is shown with its stack.
 */
export class UserError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UserError";
  }
}

/** The update failed, and everything there is to say about it has been shown already. */
export class UpdateFailed extends UserError {
  constructor(message = "update failed") {
    super(message);
    this.name = "UpdateFailed";
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
