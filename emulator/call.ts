/** One request on its way through the emulator, and what a handler may answer. */
import type { IncomingHttpHeaders } from "node:http";
import type { Fault } from "./faults";
import { Fields, type Complain } from "./fields";
import { Refusal, type Api, type Exchange } from "./refusal";
import type { World } from "./world";

/** Who an IAM access token speaks for. */
export interface Caller {
  readonly kind: "user" | "service" | "profile";
  readonly iamId: string;
  readonly accountId: string;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Call {
  readonly world: World;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The decoded `:name` segments of the route. */
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly requestId: string;
  readonly exchange: Exchange;
  /** Set by the gate where the API wants an IAM token. */
  caller?: Caller;
  /** On-instance calls: the id of the server that the request comes from. */
  readonly serverId?: string;
  /** The fault that strikes this call, for handlers that play along. */
  readonly fault?: Fault;
}

export type Handler = (call: Call) => Reply | Promise<Reply>;

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Segments that start with a colon are parameters. */
  readonly path: string;
  readonly api: Api;
  readonly handler: Handler;
  /** The IAM action that the caller must be allowed, such as `is.instance.instance.read`. */
  readonly action?: string;
  /** Routes that work without an IAM token. */
  readonly open?: true;
}

export const ok = (body: unknown, headers?: Readonly<Record<string, string>>): Reply => ({
  status: 200,
  body,
  ...(headers === undefined ? {} : { headers }),
});
export const created = (body: unknown, headers?: Readonly<Record<string, string>>): Reply => ({
  ...ok(body, headers),
  status: 201,
});
export const noContent: Reply = { status: 204 };

/** A path parameter of the route; the route table guarantees that it is there. */
export function param(call: Call, name: string): string {
  return call.params[name] ?? "";
}

/** A query parameter; an empty one counts as absent. */
export function queryText(call: Call, name: string): string | undefined {
  const value = call.query.get(name);
  return value === null || value === "" ? undefined : value;
}

export function queryFlag(call: Call, name: string): boolean {
  return call.query.get(name) === "true";
}

/** A header; of repeated ones the first. */
export function header(call: Call, name: string): string | undefined {
  const value = call.headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}

/** The JSON body, whatever its content type: IBM's own curl examples send none. Undefined when there is no body. */
export function optionalJson(call: Call, badJson: (reason: string) => Refusal): unknown {
  if (call.body.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(call.body)) as unknown;
  } catch {
    throw badJson("The request body is not valid JSON.");
  }
}

/** The JSON body as fields to read. */
export function jsonFields(call: Call, complain: Complain, badJson: (reason: string) => Refusal): Fields {
  const value = optionalJson(call, badJson);
  if (value === undefined) throw badJson("The request body is missing.");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badJson("The request body must be a JSON object.");
  }
  return new Fields(value, "", complain);
}

export { Refusal };
