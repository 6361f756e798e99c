/**
 * One HTTP call, done well: connection pool, timeouts, safe repetition, request ids, redirects that never carry a token
 * to another server, and errors in the server's own words. Knows nothing of credentials or of any API.
 */
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type * as undici from "undici";
import { HttpError, isHttpError, redact, VpcIdentityError } from "../core/errors";
import { systemClock, type Clock } from "../core/time";
import type { Log } from "./log";
import { Pace } from "./pace";
import { decide, failureOf, RETRY_POLICY, retryAfterMs, type Failure, type RetryPolicy } from "./retry";
import { errorCodeOf, serverErrorOf, whatToDo } from "./server-error";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface HttpRequest {
  readonly method: Method;
  readonly url: URL;
  /** What this call is for, to begin an error with: `create trusted profile "web"`. */
  readonly doing: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Request headers that carry the correlation id of this API. */
  readonly requestIdHeaders: readonly string[];
  /** Doing it twice is as good as once. @default true for GET, PUT and DELETE, false for POST and PATCH */
  readonly repeatable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined when there was no body. */
  readonly body: unknown;
  readonly requestId: string;
}

/** What all calls of a process share. Dispatcher, clock and chance can be replaced, so that waiting can be tested. */
export interface Transport {
  readonly dispatcher: undici.Dispatcher;
  readonly clock: Clock;
  readonly pace: Pace;
  random(): number;
}

export interface TransportLimits {
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly connectionsPerServer: number;
  readonly maxBodyBytes: number;
}

const LIMITS: TransportLimits = {
  connectTimeoutMs: 10_000,
  // Shorter than the idle time of usual load balancers: a POST on a connection that is just being closed is a doubt.
  keepAliveMs: 10_000,
  connectionsPerServer: 16,
  maxBodyBytes: 32 * 1024 * 1024,
};

const load = createRequire(__filename);

/** Opens a connection pool. One a process is enough; close `dispatcher` only in tests. */
export function createTransport(replace: Partial<Transport> = {}, limits: Partial<TransportLimits> = {}): Transport {
  const { connectTimeoutMs, keepAliveMs, connectionsPerServer, maxBodyBytes } = { ...LIMITS, ...limits };
  const open = (): undici.Dispatcher => {
    // Not with this file: a program that only registers resources makes no call, and undici takes a while to load.
    const { Agent } = load("undici") as typeof undici;
    return new Agent({
      connect: { timeout: connectTimeoutMs },
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: 60_000,
      connections: connectionsPerServer,
      maxResponseSize: maxBodyBytes,
    });
  };
  const dispatcher = replace.dispatcher ?? open();
  return { clock: systemClock, pace: new Pace(), random: Math.random, ...replace, dispatcher };
}

export interface CallLimits {
  readonly retry: RetryPolicy;
  /** Longest wait for the headers, and for each part of the body, of one attempt. */
  readonly requestTimeoutMs: number;
}

export const CALL_LIMITS: CallLimits = { retry: RETRY_POLICY, requestTimeoutMs: 60_000 };

const MAX_REDIRECTS = 3;
const REPEATABLE: readonly Method[] = ["GET", "PUT", "DELETE"];
const isRepeatable = ({ method, repeatable }: HttpRequest): boolean => repeatable ?? REPEATABLE.includes(method);

/** The code of an error after which nobody knows whether the server acted: look before doing it again. */
export const OUTCOME_UNKNOWN = "IBMID_OUTCOME_UNKNOWN";

/** Sends until there is an answer, a refusal, or no hope left. */
export async function send(
  transport: Transport,
  request: HttpRequest,
  limits: CallLimits = CALL_LIMITS,
  log: Log = () => undefined,
): Promise<HttpAnswer> {
  const { clock, pace } = transport;
  const startedMs = clock.now();
  const requestId = randomUUID().replaceAll("-", "");
  const repeatable = isRepeatable(request);
  const { origin } = request.url;
  for (let retries = 0; ; retries++) {
    const waitMs = pace.reserve(origin, clock.now());
    if (clock.now() - startedMs + waitMs >= limits.retry.totalMs) throw heldBack(request, requestId, waitMs);
    if (waitMs > 0) await sleep(clock, waitMs, request);
    const remainingMs = limits.retry.totalMs - (clock.now() - startedMs);
    const attempt = await attemptOnce(transport, request, requestId, Math.min(remainingMs, limits.requestTimeoutMs));
    log(() => logLine(request, attempt, retries, clock.now() - startedMs));
    if (attempt.answer !== undefined && attempt.answer.status < 300) {
      pace.succeeded(origin);
      return attempt.answer;
    }
    throwIfAborted(request, attempt.error);
    if (isHttpError(attempt.error)) throw attempt.error;
    const failure = attempt.failure;
    const decision = decide(
      failure,
      { retries, elapsedMs: clock.now() - startedMs, repeatable },
      limits.retry,
      transport.random(),
    );
    if (failure.status === 429)
      pace.slowDown(origin, clock.now(), decision.retry ? decision.delayMs : (failure.retryAfterMs ?? 0));
    if (!decision.retry) throw errorOf(request, attempt, requestId, decision.maybeActed);
    await sleep(clock, decision.delayMs, request);
  }
}

interface Attempt {
  readonly answer?: HttpAnswer;
  readonly error?: unknown;
  readonly failure: Failure;
}

async function attemptOnce(
  transport: Transport,
  request: HttpRequest,
  requestId: string,
  timeoutMs: number,
): Promise<Attempt> {
  try {
    const answer = await exchange(transport, request, requestId, timeoutMs);
    const waitMs = retryAfterMs(answer.headers["retry-after"], transport.clock.now());
    return { answer, failure: { status: answer.status, retryAfterMs: waitMs, sent: true } };
  } catch (error) {
    return { error, failure: failureOf(error) };
  }
}

/** One request and its redirects. Only the same server is followed: the token in the headers is meant for nobody else. */
async function exchange(
  transport: Transport,
  request: HttpRequest,
  requestId: string,
  timeoutMs: number,
): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
  let url = request.url;
  for (let redirects = 0; ; redirects++) {
    const response = await transport.dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      headers: {
        accept: "application/json",
        "user-agent": USER_AGENT,
        ...Object.fromEntries(request.requestIdHeaders.map((name) => [name, requestId])),
        ...request.headers,
      },
      body: request.body ?? null,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal,
    });
    const text = await response.body.text();
    const headers = flatHeaders(response.headers);
    const { body, malformed } = parsed(text);
    const answer = { status: response.statusCode, headers, body, requestId: idOf({ headers, body }) ?? requestId };
    const location = headers.location;
    if (!isRedirect(answer.status, request.method) || location === undefined) {
      if (answer.status < 300 && malformed) throw badAnswer(request, answer, text);
      return answer;
    }
    const target = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
    if (target?.origin !== url.origin || redirects === MAX_REDIRECTS)
      throw refusedRedirect(request, answer, location, redirects);
    url = target;
  }
}

const USER_AGENT = `pulumi-ibm-vpc-identity (node ${process.versions.node})`;

/** A method that changes something keeps its method and body only with 307 and 308; the others would turn it into a GET. */
function isRedirect(status: number, method: Method): boolean {
  return method === "GET" ? [301, 302, 303, 307, 308].includes(status) : [307, 308].includes(status);
}

function flatHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]],
    ),
  );
}

function parsed(text: string): { body: unknown; malformed: boolean } {
  if (text.trim() === "") return { body: undefined, malformed: false };
  try {
    return { body: JSON.parse(text) as unknown, malformed: false };
  } catch {
    return { body: undefined, malformed: true };
  }
}

function idOf({ headers, body }: { headers: Readonly<Record<string, string>>; body: unknown }): string | undefined {
  return (
    serverErrorOf(body).trace ?? headers["transaction-id"] ?? headers["x-request-id"] ?? headers["x-correlation-id"]
  );
}

async function sleep(clock: Clock, ms: number, request: HttpRequest): Promise<void> {
  try {
    await clock.sleep(ms, request.signal);
  } catch (error) {
    throwIfAborted(request, error);
    throw error;
  }
}

function throwIfAborted(request: HttpRequest, cause: unknown): void {
  if (request.signal?.aborted !== true) return;
  throw new VpcIdentityError(`${request.doing}: cancelled.`, { code: "IBMID_CANCELLED", cause });
}

function logLine(request: HttpRequest, { answer, error, failure }: Attempt, retries: number, tookMs: number): string {
  const outcome =
    answer === undefined
      ? `no response (${describe(error)}${failure.sent ? "" : ", never sent"})`
      : [answer.status, serverErrorOf(answer.body).code, `request id ${answer.requestId}`].filter(Boolean).join(" ");
  return `${request.method} ${request.url.href} attempt ${retries + 1}: ${outcome}, ${tookMs} ms since the first`;
}

/** By shape: an error may come from another realm, where `instanceof` says nothing. */
function describe(error: unknown): string {
  const { message = "", name = "no reason given" } = (error ?? {}) as { message?: string; name?: string };
  const code = codeOf(error);
  const text = message === "" ? name : message;
  return code === "" || text.includes(code) ? text : `${code}: ${text}`;
}

function errorOf(request: HttpRequest, { answer, error }: Attempt, requestId: string, maybeActed: boolean): HttpError {
  if (answer === undefined) return noResponse(request, requestId, error, maybeActed);
  const server = serverErrorOf(answer.body);
  const said = [server.code, server.text].filter((part) => part !== undefined).join(": ");
  return new HttpError(
    `${request.doing}: ${request.method} ${request.url.href} answered ${answer.status}` +
      `${said === "" ? "" : ` ${said}`} (request id ${answer.requestId}). ${maybeActed ? LOOK_FIRST : whatToDo(answer.status)}`,
    {
      code: maybeActed ? OUTCOME_UNKNOWN : errorCodeOf(answer.status),
      ...factsOf(request, answer),
      serverCode: server.code,
      serverText: server.text,
      serverDetails: server.details,
    },
  );
}

/** What every error tells of its call. `status` is 0 where there was no response. */
function factsOf(
  { method, url }: HttpRequest,
  { status, requestId }: Pick<HttpAnswer, "status" | "requestId">,
): Pick<HttpError, "status" | "method" | "url" | "requestId"> {
  return { status, method, url: url.href, requestId };
}

const LOOK_FIRST = "The server may have done it all the same: look before doing it again.";

function noResponse(request: HttpRequest, requestId: string, cause: unknown, maybeActed: boolean): HttpError {
  const timedOut = /TIMEOUT|TimeoutError/.test(`${codeOf(cause)} ${nameOf(cause)}`);
  const reason = describe(cause);
  const advice = maybeActed ? LOOK_FIRST : "Check the endpoint and the network, then try again.";
  return new HttpError(
    `${request.doing}: no response from ${request.method} ${request.url.href}: ${redact(reason)} (request id ${requestId}). ${advice}`,
    {
      code: maybeActed ? OUTCOME_UNKNOWN : timedOut ? "IBMID_TIMEOUT" : "IBMID_NO_RESPONSE",
      ...factsOf(request, { status: 0, requestId }),
      cause,
    },
  );
}

/** Not sent at all: a 429 told the whole process to wait for longer than this call may take. */
function heldBack(request: HttpRequest, requestId: string, waitMs: number): HttpError {
  return new HttpError(
    `${request.doing}: not sent, since ${request.url.origin} takes no calls for another ${Math.ceil(waitMs / 1000)} s. ${whatToDo(429)}`,
    { code: "IBMID_TOO_MANY_REQUESTS", ...factsOf(request, { status: 0, requestId }) },
  );
}

const nameOf = (error: unknown): string => (error as { name?: string } | undefined)?.name ?? "";

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}

function badAnswer(request: HttpRequest, answer: HttpAnswer, text: string): HttpError {
  return new HttpError(
    `${request.doing}: ${request.method} ${request.url.href} answered ${answer.status} with ${text.length} characters that are ` +
      `not JSON (request id ${answer.requestId}). Check that the endpoint is IBM Cloud's and no proxy answers in its place.`,
    {
      code: isRepeatable(request) ? "IBMID_BAD_ANSWER" : OUTCOME_UNKNOWN,
      ...factsOf(request, answer),
    },
  );
}

function refusedRedirect(request: HttpRequest, answer: HttpAnswer, location: string, redirects: number): HttpError {
  const why =
    redirects === MAX_REDIRECTS
      ? `more than ${MAX_REDIRECTS} redirects`
      : "a redirect to another server, which must not see the token";
  return new HttpError(
    `${request.doing}: ${request.method} ${request.url.href} answered ${answer.status}: ${why} (${redact(location)}; request id ` +
      `${answer.requestId}). Set the endpoint to the server's real address.`,
    {
      code: "IBMID_REDIRECT",
      ...factsOf(request, answer),
    },
  );
}
