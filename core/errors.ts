/**
 * The errors that cross room borders, and the one place where secrets are taken out of text.
 * Errors are narrowed by `code`, never by `instanceof`: two copies of a package may be loaded in one process.
 */

/** What every error of this package carries. */
export interface ErrorDetails {
  /** Stable name of the kind of failure, for programs: `IBMID_...`. */
  readonly code: `IBMID_${string}`;
  /** What made it fail, if that was another error. @default - none */
  readonly cause?: unknown;
}

/** Base class: a stable `code` and a message that says what failed, the value seen, what is allowed and what to do. */
export class VpcIdentityError extends Error {
  /** Stable name of the kind of failure, for programs: `IBMID_...`. */
  readonly code: `IBMID_${string}`;

  constructor(message: string, details: ErrorDetails) {
    super(redact(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "VpcIdentityError";
    this.code = details.code;
  }
}

/** What is known of an HTTP exchange that failed. */
export interface HttpErrorDetails extends ErrorDetails {
  /** HTTP status; 0 when there was no response. */
  readonly status: number;
  /** HTTP method. */
  readonly method: string;
  /** Address of the call, without secrets. */
  readonly url: string;
  /** The server's correlation id (`Transaction-Id`, `X-Request-Id` or the body's `trace`), or the one we sent. */
  readonly requestId: string;
  /** The server's own error code and text, never replaced by ours. @default - the server gave none */
  readonly serverCode?: string | undefined;
  /** The server's own text, never replaced by ours. @default - the server gave none */
  readonly serverText?: string | undefined;
  /** The server's own structured details, such as the policy that conflicts. @default - the server gave none */
  readonly serverDetails?: unknown;
}

/** A call that the server refused or never answered. */
export class HttpError extends VpcIdentityError implements HttpErrorDetails {
  readonly status: number;
  /** HTTP method of the call. */
  readonly method: string;
  /** Address of the call, without secrets. */
  readonly url: string;
  readonly requestId: string;
  readonly serverCode: string | undefined;
  /** The server's own text, never replaced by ours. */
  readonly serverText: string | undefined;
  readonly serverDetails: unknown;

  constructor(message: string, details: HttpErrorDetails) {
    super(message, details);
    this.name = "HttpError";
    this.status = details.status;
    this.method = details.method;
    this.url = redact(details.url);
    this.requestId = details.requestId;
    this.serverCode = details.serverCode;
    this.serverText = details.serverText === undefined ? undefined : redact(details.serverText);
    this.serverDetails = details.serverDetails;
  }
}

/** Narrows by shape, so that an error from another copy of this package is recognised too. */
export function isHttpError(error: unknown): error is HttpError {
  return (
    error instanceof Error && error.name === "HttpError" && typeof (error as Partial<HttpError>).status === "number"
  );
}

const knownSecrets = new Set<string>();

/** Remembers a secret of this process, so that `redact` finds it in any text, whatever its shape. */
export function rememberSecret(value: string): void {
  // Shorter values would blank out ordinary words; IBM's API keys have 44 characters, the shortest allowed 32.
  if (value.length >= 12) knownSecrets.add(value);
}

const REDACTED = "[redacted]";
const SECRET_SHAPES: readonly [RegExp, string][] = [
  [/\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*/g, REDACTED],
  [/(\b(?:Bearer|Basic)\s+)[\w.+/=-]{8,}/gi, `$1${REDACTED}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  [/((?:api_?key|access_token|refresh_token|cr_token|password)"?\s*[=:]\s*"?)[^\s"&,}]{8,}/gi, `$1${REDACTED}`],
];

/** Takes everything secret out of a text that a person, a log or a state file may get to see. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of knownSecrets) clean = clean.split(secret).join(REDACTED);
  for (const [shape, replacement] of SECRET_SHAPES) clean = clean.replace(shape, replacement);
  return clean;
}
