/** A real loopback server whose answers a test writes down, and a clock that waits for nothing. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../core/time";
import { createTransport, type Transport, type TransportLimits } from "../../client/http";
import { openSession, type Session, type SessionOptions } from "../../client/session";
import { TokenCache } from "../../client/token";

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly text?: string;
  /** `reset`: cut the connection before any answer; `cut`: in the middle of the body; `never`: keep it waiting. */
  readonly instead?: "reset" | "cut" | "never";
}

export type Script = (seen: Seen, index: number) => Reply | Promise<Reply>;

export interface ScriptedServer {
  readonly url: string;
  readonly seen: Seen[];
  /** Requests for a path that starts with this. */
  to(path: string): Seen[];
  close(): Promise<void>;
}

export async function startServer(script: Script): Promise<ScriptedServer> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, script, seen);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    to: (path) => seen.filter(({ url }) => url.startsWith(path)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, script: Script, seen: Seen[]): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const entry: Seen = {
    method: request.method ?? "",
    url: request.url ?? "",
    headers: request.headers,
    body: Buffer.concat(parts).toString("utf8"),
  };
  const reply = await script(entry, seen.push(entry) - 1);
  if (reply.instead === "never") return;
  if (reply.instead === "reset") {
    request.socket.destroy();
    return;
  }
  const text = reply.text ?? (reply.body === undefined ? "" : JSON.stringify(reply.body));
  const length = reply.instead === "cut" ? { "content-length": String(text.length + 10) } : {};
  response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...length, ...reply.headers });
  if (reply.instead !== "cut") {
    response.end(text);
    return;
  }
  response.write(text, () => request.socket.destroy());
}

/** Time passes only when somebody sleeps. */
export class FakeClock implements Clock {
  readonly slept: number[] = [];
  private ms = Date.parse("2026-01-01T00:00:00Z");

  now(): number {
    return this.ms;
  }

  advance(ms: number): void {
    this.ms += ms;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) throw signal.reason;
    this.slept.push(ms);
    this.ms += ms;
  }
}

export interface TestTransport extends Transport {
  readonly clock: FakeClock;
  close(): Promise<void>;
}

/** A pool of its own, a fake clock, and chance fixed at `random`. */
export function testTransport(random = 0.5, limits: Partial<TransportLimits> = {}): TestTransport {
  const clock = new FakeClock();
  const transport = createTransport({ clock, random: () => random }, { connectTimeoutMs: 2_000, ...limits });
  return { ...transport, random: () => random, clock, close: () => transport.dispatcher.destroy() };
}

export const ACCOUNT = "0123456789abcdef0123456789abcdef";

/** An unsigned JWT: our side cannot check signatures, only read claims. */
export function jwt(claims: Record<string, unknown> = {}): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part({ account: { bss: ACCOUNT }, ...claims })}.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg`;
}

export const API_KEY = "k3y-of-the-test-0123456789-0123456789-abcdef";

/** Answers the token service by itself and everything else by the script. */
export function withTokens(script: Script, token: (index: number) => string = (index) => jwt({ jti: index })): Script {
  let tokens = 0;
  return (seen, index) => {
    if (!seen.url.startsWith("/identity/token")) return script(seen, index);
    return { body: { access_token: token(tokens++), expires_in: 3600, token_type: "Bearer" } };
  };
}

export interface OpenedSession extends Session {
  readonly transport: TestTransport;
  readonly warnings: string[];
}

/** A session whose IAM and VPC are the scripted server. */
export function sessionOn(
  server: { readonly url: string },
  config: Record<string, string> = {},
  options: SessionOptions & { transport?: TestTransport; env?: NodeJS.ProcessEnv } = {},
): OpenedSession {
  const transport = options.transport ?? testTransport();
  const warnings: string[] = [];
  const all: Record<string, string> = {
    iamEndpoint: server.url,
    vpcEndpoint: `${server.url}/v1`,
    ...(options.env === undefined ? { apiKey: API_KEY } : {}),
    ...config,
  };
  const session = openSession((key) => all[key], options.env ?? {}, {
    tokens: new TokenCache(),
    warn: (message) => warnings.push(message),
    ...options,
    transport,
  });
  return { ...session, transport, warnings };
}
