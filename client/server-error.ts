/**
 * Reads the error bodies of IBM Cloud: the token service, IAM Identity, IAM policies and VPC each have their own shape.
 * The server's words are kept as they are; ours only add what to do.
 */
import { redact } from "../core/errors";
import { isRecord } from "../core/validate";

export interface ServerError {
  readonly code?: string | undefined;
  readonly text?: string | undefined;
  readonly details?: unknown;
  /** The server's correlation id, when the body has one. */
  readonly trace?: string | undefined;
}

/** Takes code, text, details and trace out of a body; nothing when it is not an error of an IBM API. */
export function serverErrorOf(body: unknown): ServerError {
  if (!isRecord(body)) return {};
  const trace = textOf(body.trace) ?? textOf(recordOf(body.context).transaction_id);
  if (Array.isArray(body.errors)) {
    const errors = body.errors.filter(isRecord);
    const first = errors[0] ?? {};
    return { code: textOf(first.code), text: textsOf(errors), details: detailsOf(first), trace };
  }
  // The token service: camelCase, one error.
  const code = textOf(body.errorCode) ?? textOf(body.code);
  const text = joined([
    textOf(body.errorMessage) ?? textOf(body.message) ?? textOf(body.error),
    textOf(body.errorDetails),
  ]);
  return { code, text, trace: trace ?? textOf(recordOf(body.context).requestId) };
}

function textsOf(errors: readonly Record<string, unknown>[]): string | undefined {
  const texts = errors.map((error) => {
    const target = recordOf(error.target);
    const where = textOf(target.name);
    return joined([
      textOf(error.message) ?? textOf(error.code),
      where === undefined ? undefined : `[${textOf(target.type) ?? "target"} ${where}]`,
      textOf(error.message_code) === undefined ? undefined : `(${textOf(error.message_code) ?? ""})`,
      textOf(error.details),
    ]);
  });
  return joined(texts, "; ");
}

function detailsOf(error: Record<string, unknown>): unknown {
  if (isRecord(error.details)) return withoutSecrets(error.details);
  return isRecord(error.target) ? withoutSecrets(error.target) : undefined;
}

function withoutSecrets(value: unknown): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutSecrets(entry)]));
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

function joined(parts: readonly (string | undefined)[], separator = " "): string | undefined {
  return parts.filter((part) => part !== undefined).join(separator) || undefined;
}

/** The stable code of our error, for programs. */
export function errorCodeOf(status: number): `IBMID_${string}` {
  const codes: Record<number, `IBMID_${string}`> = {
    400: "IBMID_BAD_REQUEST",
    401: "IBMID_UNAUTHENTICATED",
    403: "IBMID_FORBIDDEN",
    404: "IBMID_NOT_FOUND",
    409: "IBMID_CONFLICT",
    412: "IBMID_CONFLICT",
    422: "IBMID_BAD_REQUEST",
    429: "IBMID_TOO_MANY_REQUESTS",
  };
  if (status < 400) return "IBMID_REDIRECT";
  return codes[status] ?? (status >= 500 ? "IBMID_SERVER_ERROR" : "IBMID_REFUSED");
}

/** What a person can do about a status, as a sentence. */
export function whatToDo(status: number): string {
  switch (status) {
    case 401:
      return "The token was not accepted: check the credentials and that they belong to this endpoint.";
    case 403:
      return "The caller lacks a permission: ask an administrator of the account for the role that allows this.";
    case 404:
      return "It does not exist, or the caller may not see it: check the id, the region and the account.";
    case 409:
    case 412:
      return "Something else holds the name or changed it in between: refresh and try again.";
    case 429:
      return "The server is limiting calls: try again later, or with less parallelism.";
    default:
      if (status < 400) return "Set the endpoint to the server's real address.";
      return status >= 500
        ? "The service has a problem: try again; if it stays, give IBM support the request id."
        : "Correct what the server names and try again.";
  }
}
