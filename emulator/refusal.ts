/**
 * How each API says no. IBM's services answer errors in five different shapes and clients parse each of them, so a
 * handler throws one kind of refusal and the shape is chosen by the API that the route belongs to.
 */

/** The APIs that the emulator speaks; each has its own error body. */
export type Api = "token" | "identity" | "policy" | "vpc" | "account" | "instance";

/** What a VPC or on-instance error points at. */
export interface Target {
  readonly name: string;
  readonly type: "field" | "parameter" | "header";
  readonly value?: string;
}

export interface RefusalDetails {
  /** IAM Identity's second code, such as `BXNIM0105E`. */
  readonly messageCode?: string;
  /** A text for the token and identity APIs, an object for the policy API. */
  readonly details?: unknown;
  readonly target?: Target;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by a handler to answer with an error. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly extra: RefusalDetails;

  constructor(status: number, code: string, message: string, extra: RefusalDetails = {}) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.extra = extra;
  }
}

const IDENTITY = {
  missing: [400, "invalid_request", "BXNIM0109E", "Property missing or empty."],
  invalid: [400, "invalid_request", "BXNIM0106E", "Property value not allowed."],
  badCrn: [400, "invalid_request", "BXNIM0113E", "CRN is malformed."],
  unauthenticated: [401, "unauthenticated", "BXNIM0407E", "Provided token is invalid."],
  forbidden: [403, "forbidden", "BXNIM0513E", "The caller is not authorized."],
  notFound: [404, "not_found", "EMU0404E", "The object was not found."],
  deleteNotPossible: [409, "delete_not_possible", "BXNIM0105E", "Unable to delete object"],
  conflict: [409, "conflict", "EMU0409E", "The request conflicts with the current state."],
  tooMany: [429, "too_many_requests", "EMU0429E", "Too many requests."],
} as const;

/** A refusal of the IAM Identity API, by the kind of problem. */
export function identityRefusal(kind: keyof typeof IDENTITY, details: string): Refusal {
  const [status, code, messageCode, message] = IDENTITY[kind];
  return new Refusal(status, code, message, { messageCode, details });
}

/** A refusal of the token service: `errorCode`, a general text, and what exactly was wrong. */
export function tokenRefusal(errorCode: string, message: string, details: string, status = 400): Refusal {
  return new Refusal(status, errorCode, message, { details });
}

/** A refusal of the VPC or on-instance API; `target` names the field, parameter or header. */
export function vpcRefusal(status: number, code: string, message: string, target?: Target): Refusal {
  return new Refusal(status, code, message, target === undefined ? {} : { target });
}

/** What a request refused by the gate itself looks like in each API. */
export function generalRefusal(
  api: Api,
  status: 400 | 401 | 403 | 404 | 405 | 413 | 429 | 500,
  details: string,
): Refusal {
  return new Refusal(status, GENERAL_CODES[api][status] ?? "internal_error", details, {
    details: api === "policy" ? undefined : details,
    ...(api === "identity" ? { messageCode: IDENTITY_MESSAGE_CODES[status] ?? "EMU0500E" } : {}),
  });
}

const IDENTITY_MESSAGE_CODES: Readonly<Record<number, string>> = {
  400: "BXNIM0106E",
  401: "BXNIM0407E",
  403: "BXNIM0513E",
  404: "EMU0404E",
  405: "BXNIM0060E",
  413: "BXNIM0106E",
  429: "EMU0429E",
};

const GENERAL_CODES: Readonly<Record<Api, Readonly<Record<number, string>>>> = {
  token: {
    400: "BXNIM0106E",
    401: "BXNIM0407E",
    403: "BXNIM0513E",
    404: "EMU0404E",
    405: "BXNIM0060E",
    413: "BXNIM0106E",
    429: "EMU0429E",
    500: "EMU0500E",
  },
  identity: {
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "invalid_request",
    429: "too_many_requests",
    500: "internal_error",
  },
  policy: {
    400: "invalid_body",
    401: "invalid_token",
    403: "insufficent_permissions", // IBM's own spelling
    404: "resource_not_found",
    405: "request_not_processed",
    413: "invalid_body",
    429: "too_many_requests",
    500: "unable_to_process",
  },
  vpc: {
    400: "bad_request",
    401: "token_invalid",
    403: "not_authorized",
    404: "invalid_route",
    405: "invalid_route",
    413: "http_request_size_exceeded",
    429: "too_many_requests",
    500: "internal_error",
  },
  account: {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "not_found",
    413: "bad_request",
    429: "too_many_requests",
    500: "internal_error",
  },
  instance: {
    400: "invalid_request",
    401: "unauthenticated",
    403: "unauthorized",
    404: "not_found",
    405: "not_found",
    413: "invalid_request",
    429: "too_many_requests",
    500: "service_error",
  },
};

/** What the renderers need to know of the request. */
export interface Exchange {
  readonly requestId: string;
  readonly userAgent: string;
  readonly operation: string;
  readonly nowIso: string;
}

/** The body of an error, in the shape of the API. */
export function errorBody(api: Api, refusal: Refusal, exchange: Exchange): unknown {
  const { status, code, message, extra } = refusal;
  if (api === "token") {
    return {
      errorCode: code,
      errorMessage: message,
      ...(extra.details === undefined ? {} : { errorDetails: extra.details }),
      context: {
        requestId: exchange.requestId,
        requestType: exchange.operation,
        userAgent: exchange.userAgent,
        url: "https://iam.cloud.ibm.com",
        instanceId: "emulator",
        threadId: "1",
        host: "emulator",
        startTime: exchange.nowIso,
        endTime: exchange.nowIso,
        elapsedTime: "0",
        locale: "en_US",
        clusterName: "emulator",
      },
    };
  }
  if (api === "identity") {
    return {
      context: identityContext(exchange),
      status_code: status,
      errors: [
        {
          code,
          message_code: extra.messageCode ?? code,
          message,
          ...(extra.details === undefined ? {} : { details: extra.details }),
        },
      ],
      trace: exchange.requestId,
    };
  }
  if (api === "policy") {
    const details = extra.details === undefined ? {} : { details: extra.details };
    return { trace: exchange.requestId, errors: [{ code, message, ...details }], status_code: status };
  }
  const more_info = `https://cloud.ibm.com/apidocs/${api === "instance" ? "vpc-identity" : "vpc"}#error-handling`;
  const target = extra.target === undefined ? {} : { target: extra.target };
  return {
    errors: [{ code, message, more_info, ...target }],
    ...(api === "instance" ? { status_code: status } : {}),
    trace: exchange.requestId,
  };
}

/** The `context` object of IAM Identity responses. */
export function identityContext(exchange: Exchange): Record<string, string> {
  return {
    transaction_id: exchange.requestId,
    operation: exchange.operation,
    user_agent: exchange.userAgent,
    url: "https://iam.cloud.ibm.com",
    instance_id: "emulator",
    thread_id: "1",
    host: "emulator",
    start_time: exchange.nowIso,
    end_time: exchange.nowIso,
    elapsed_time: "0",
    cluster_name: "emulator",
  };
}
