/**
 * Who may talk to the console: it can change state, and every page that a browser has open can send requests to
 * loopback. So the URL carries a random token, the Host header must be a loopback name with our own port (or another
 * name could be made to point here), and what a page of another origin sends is refused.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Refusal } from "../refusal";

/** Below this path of the admin port, and above the token. */
const ROOT = "/console/";
const HTTP_PORT = 80;

export class ConsoleAccess {
  /** 32 characters, new in every start. */
  readonly token = randomBytes(24).toString("base64url");

  /** The path that opens the page. */
  get path(): string {
    return `${ROOT}${this.token}/`;
  }

  isMeant(request: IncomingMessage): boolean {
    return (request.url ?? "").startsWith(ROOT);
  }

  /** What is asked for behind the token, without the query. @throws Refusal for whoever may not. */
  admit(request: IncomingMessage): string {
    const { host, origin } = request.headers;
    if (host === undefined || !hostsOf(request).includes(host)) {
      throw forbidden("The Host header is not that of this console.");
    }
    if (origin !== undefined && origin !== `http://${host}`) throw forbidden("The request comes from another origin.");
    if (request.method !== "GET" && origin === undefined) throw forbidden("The request does not say its origin.");
    const [path = ""] = (request.url ?? "").slice(ROOT.length).split("?");
    const slash = path.indexOf("/");
    const [given, asked] = slash < 0 ? [path, undefined] : [path.slice(0, slash), path.slice(slash + 1)];
    if (!isSame(given, this.token)) throw forbidden("The token is missing or wrong: open the URL that was printed.");
    // A link to the page may stand anywhere; its parts and its data are for itself.
    const site = request.headers["sec-fetch-site"];
    if (asked !== "" && site !== undefined && site !== "same-origin" && site !== "none") {
      throw forbidden("The request comes from another site.");
    }
    if (asked === undefined) throw new Refusal(404, "not_found", "The URL ends with a slash.");
    return asked;
  }
}

/** What a browser that was sent here by its address calls this place; it leaves the port of HTTP out. */
function hostsOf({ socket }: IncomingMessage): string[] {
  const { localAddress = "", localPort = 0 } = socket;
  const names = ["127.0.0.1", "localhost", "[::1]", localAddress];
  return names.flatMap((name) => [`${name}:${localPort}`, ...(localPort === HTTP_PORT ? [name] : [])]);
}

const forbidden = (message: string): Refusal => new Refusal(403, "forbidden", message);

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** True for addresses that only this machine can reach. */
export const isLoopback = (host: string): boolean => /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(host);

/**
 * Keeps pages away from what no page has to ask: every browser says the origin of what can change something, and a name
 * that was made to point here is in the Host header. `listensOn` is the address that was chosen; on others, any name may
 * be that of this machine. @throws Refusal
 */
export function refuseBrowsers({ headers }: IncomingMessage, listensOn: string): void {
  if (headers.origin !== undefined) throw forbidden("The admin port takes no requests of web pages.");
  const name = (headers.host ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (isLoopback(listensOn) && !isLoopback(name))
    throw forbidden(`The Host header names "${name}", no loopback address.`);
}
