/** Sends the requests of the conformance cases: plain node:http, so that nothing is added or repaired on the way. */
import { request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Answer } from "./match";

export interface Destination {
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** TLS: the name to ask for, or none at all, and the root to trust. */
  readonly tls?: { readonly servername: string; readonly ca: string };
}

export interface Outgoing {
  readonly method: string;
  /** Path and query, or a whole URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly timeoutMs: number;
}

/** The answer, or `silence` when none came in time or the connection ended without one. */
export function send(to: Destination, outgoing: Outgoing): Promise<Answer | "silence"> {
  const url = new URL(/^https?:/.test(outgoing.path) ? outgoing.path : `${to.url}${outgoing.path}`);
  const options: RequestOptions = {
    method: outgoing.method,
    headers: {
      ...outgoing.headers,
      ...(outgoing.body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(outgoing.body)) }),
    },
    agent: false,
  };
  return new Promise((resolve) => {
    const request =
      to.tls === undefined
        ? httpRequest(url, options)
        : httpsRequest({ ...options, ...to.tls, host: url.hostname, port: url.port, path: url.pathname + url.search });
    request.setTimeout(outgoing.timeoutMs, () => request.destroy(new Error("timeout")));
    request.on("error", () => resolve("silence"));
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => resolve("silence"));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, headers: headersOf(response.headers), text, json: parse(text) });
      });
    });
    request.end(outgoing.body);
  });
}

function headersOf(headers: NodeJS.Dict<string | string[]>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
