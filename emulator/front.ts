/** From a socket to a handler and back: reads a request, writes the reply and the journal line. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Call, Reply } from "./call";
import { delay, distort, refusalOf, spell, type Fault, type FaultPlan } from "./faults";
import { isObject } from "./fields";
import { answer, refuse } from "./gate";
import type { Journal, JournalEntry } from "./journal";
import { generalRefusal, type Api } from "./refusal";
import { apiOfUnknownPath, type RouteTable } from "./routes";
import { disturb } from "./vpc/lifecycle";
import type { World } from "./world";

/** Bodies above this are refused; user data may have 64 KiB, twice over when it is escaped. */
const MAX_BODY_BYTES = 1_048_576;

/** The status of a call that a fault left without answer. */
const NO_ANSWER = 0;

/** A call that is over, for whoever looks on. */
export interface Answered {
  /** Its status is 0 when there was no answer. */
  readonly entry: JournalEntry;
  /** Set on the endpoints of a server. */
  readonly serverId: string | undefined;
  /** Without the query. */
  readonly path: string;
  readonly reply: Reply;
  /** False when a fault kept the answer from arriving whole. */
  readonly delivered: boolean;
}

export interface Front {
  readonly world: World;
  readonly routes: RouteTable;
  readonly journal: Journal;
  readonly faults: FaultPlan;
  /** Called before a call is answered: time has passed. */
  readonly settle: () => void;
  /** Called after a call that may have changed the state, before its reply is sent. */
  readonly commit: () => Promise<void>;
  /** Told of every answer, and of every request that a fault leaves without one. */
  readonly onAnswer: (answered: Answered) => void;
}

/** Answers one request; `serverId` is set on the endpoints of a server. */
export async function serve(
  front: Front,
  request: IncomingMessage,
  response: ServerResponse,
  serverId?: string,
): Promise<void> {
  const { world } = front;
  const startedAt = performance.now();
  const method = request.method ?? "GET";
  const target = request.url ?? "/";
  const queryAt = target.indexOf("?");
  const path = queryAt === -1 ? target : target.slice(0, queryAt);
  const found = front.routes.match(method, path);
  const route = found !== undefined && "route" in found ? found.route : undefined;
  const api: Api =
    serverId !== undefined
      ? "instance"
      : (route?.api ?? (found !== undefined && "wrongMethod" in found ? found.wrongMethod : apiOfUnknownPath(path)));
  const time = world.clock.iso();
  const requestId = requestIdOf(request, api);
  const exchange = {
    requestId,
    userAgent: (request.headers["user-agent"] ?? "").slice(0, 200),
    operation: operationOf(method, path),
    nowIso: time,
  };
  const line = (status: number, caller: string): Omit<JournalEntry, "index"> => ({
    time,
    api: FAMILIES[api],
    method,
    path: target.slice(0, 2000),
    status,
    caller,
    milliseconds: Math.round((performance.now() - startedAt) * 10) / 10,
    requestId,
  });
  const finish = (reply: Reply, caller: string, fault?: Fault): void => {
    if (fault?.reset === "after") response.destroy();
    else if (fault?.hang !== "after") send(response, reply, api, requestId, fault?.body);
    const entry = front.journal.add(line(reply.status, caller));
    const isBroken = fault?.body === "truncated" || fault?.body === "malformed";
    const delivered = fault?.reset === undefined && fault?.hang === undefined && !isBroken;
    front.onAnswer({ entry, serverId, path, reply, delivered });
  };

  const body = await readBody(request);
  if (body === undefined) {
    const reply = refuse(
      { exchange },
      api,
      generalRefusal(api, api === "instance" ? 400 : 413, "The body is too large."),
    );
    finish(reply, serverId ?? "");
    return;
  }
  front.settle();
  const fault = front.faults.take(method, path, serverId !== undefined);
  await delay(fault);
  if (fault?.reset === "before") response.destroy();
  if (fault?.reset === "before" || fault?.hang === "before") {
    // The journal has what was answered; who looks on sees that a call came, too.
    const entry = front.journal.number(line(NO_ANSWER, serverId ?? ""));
    front.onAnswer({ entry, serverId, path, reply: { status: NO_ANSWER }, delivered: false });
    return;
  }
  if (route === undefined) {
    const status = found === undefined ? 404 : 405;
    const text = status === 404 ? "There is no such path." : `The method ${method} is not allowed here.`;
    finish(refuse({ exchange }, api, generalRefusal(api, status, text)), serverId ?? "");
    return;
  }
  if (fault !== undefined && method !== "GET") front.faults.fallBehind(world, fault);
  const call: Call = {
    world: method === "GET" ? front.faults.seen(world) : world,
    method,
    path: path.length > 1 ? path.replace(/\/$/, "") : path,
    query: new URLSearchParams(queryAt === -1 ? "" : target.slice(queryAt + 1)),
    params: found !== undefined && "params" in found ? found.params : {},
    headers: request.headers,
    body,
    requestId,
    exchange,
    ...(fault === undefined ? {} : { fault }),
    ...(serverId === undefined ? {} : { serverId }),
  };
  const refusal = fault === undefined ? undefined : refusalOf(fault);
  let reply = refusal === undefined ? await answer(call, route) : refuse(call, api, refusal);
  if (fault?.lifecycle !== undefined && isObject(reply.body) && typeof reply.body.id === "string") {
    disturb(world, reply.body.id, fault.lifecycle, fault.reasonCode);
  }
  if (method !== "GET" && refusal === undefined) await front.commit();
  if (fault !== undefined && refusal === undefined) reply = distort(fault, reply);
  finish(reply, serverId ?? call.caller?.iamId ?? "", fault);
}

const FAMILIES: Readonly<Record<Api, JournalEntry["api"]>> = {
  token: "iam",
  identity: "iam",
  policy: "iam",
  vpc: "vpc",
  account: "account",
  instance: "instance",
};

/** `incoming.Identity_Token`: the way IAM names operations in its errors. */
function operationOf(method: string, path: string): string {
  const words = path.split("/").filter((word) => /^[a-z_]+$/.test(word));
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("_");
  return path === "/identity/token" ? "incoming.Identity_Token" : `${method}.${name}`;
}

/** The caller's own id where it is usable, so that both sides log the same one. */
function requestIdOf(request: IncomingMessage, api: Api): string {
  const names =
    api === "vpc" || api === "instance" || api === "account"
      ? ["x-request-id", "x-correlation-id"]
      : ["transaction-id", "x-request-id", "x-correlation-id"];
  for (const name of names) {
    const value = request.headers[name];
    if (typeof value === "string" && /^[\w ,-]{1,1024}$/.test(value)) return value;
  }
  return randomBytes(16).toString("hex");
}

/** The whole body, or undefined when it is larger than any API takes. Reads to the end, so that the reply arrives. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}

function send(response: ServerResponse, reply: Reply, api: Api, requestId: string, spelling: Fault["body"]): void {
  if (response.destroyed) return;
  const ids: Record<string, string> =
    api === "vpc" || api === "instance"
      ? { "X-Request-Id": requestId }
      : api === "account"
        ? { "X-Request-Id": requestId, "X-Correlation-Id": requestId }
        : { "Transaction-Id": requestId, "X-Request-Id": requestId };
  const text = reply.body === undefined ? undefined : spell(reply.body, spelling);
  response.writeHead(reply.status, {
    ...ids,
    "Cache-Control": "no-cache, no-store",
    ...(text === undefined
      ? {}
      : { "Content-Type": "application/json; charset=utf-8", "Content-Length": Buffer.byteLength(text) }),
    ...reply.headers,
  });
  response.end(text);
}
