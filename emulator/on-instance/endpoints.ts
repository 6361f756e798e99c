/**
 * Where a server reaches its own services: a unix socket and a loopback port for each server. Which of them a request
 * comes through says which server is asking, and what does not answer on a real server does not answer here either.
 */
import { rmSync } from "node:fs";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from "node:http";
import { createServer, type AddressInfo, type Server as NetServer, type Socket } from "node:net";
import { join } from "node:path";
import { createSecureContext, TLSSocket, type SecureContext } from "node:tls";
import { allServers, findServer } from "../vpc/servers";
import type { Server } from "../vpc/store";
import type { World } from "../world";
import { issueServiceCertificate, METADATA_HOST } from "./authority";
import { makeSocketFolder } from "./folder";

type Protocol = "http" | "https";
type Serve = (request: IncomingMessage, response: ServerResponse, serverId: string) => void;

interface Endpoint {
  readonly socket: string;
  readonly url: string;
  readonly listeners: readonly NetServer[];
}

/** How many routers lie between a caller and the server, for imitating a container behind a bridge. */
export const EXTRA_HOPS_HEADER = "x-emulator-extra-hops";

/** First byte of a TLS handshake. */
const TLS_HANDSHAKE = 0x16;

export class Endpoints {
  private readonly world: World;
  private readonly settle: () => void;
  private readonly host: string;
  private readonly folder: string;
  private readonly endpoints = new Map<string, Promise<Endpoint>>();
  private readonly known = new Map<string, Endpoint>();
  private readonly sockets = new Set<Socket>();
  /** Which server a connection belongs to. */
  private readonly owners = new WeakMap<Socket, string>();
  private readonly plain: HttpServer;
  private readonly serve: Serve;
  private context: SecureContext | undefined;
  private count = 0;

  constructor(world: World, host: string, settle: () => void, serve: Serve) {
    this.world = world;
    this.host = host;
    this.settle = settle;
    this.serve = serve;
    this.folder = makeSocketFolder();
    this.plain = createHttpServer((request, response) => this.receive(request, response));
    this.plain.on("clientError", (_error, socket) => socket.destroy());
  }

  /** The endpoints of a server; empty texts for one that has none. */
  of(serverId: string): { socket: string; url: string } {
    const endpoint = this.known.get(serverId);
    return { socket: endpoint?.socket ?? "", url: endpoint?.url ?? "" };
  }

  /** Opens endpoints for new servers and closes those of servers that are gone. */
  async sync(): Promise<void> {
    const present = new Set(allServers(this.world).map((server) => server.id));
    const closing = [...this.endpoints.keys()].filter((id) => !present.has(id)).map((id) => this.closeOne(id));
    const opening = [...present].map((id) => this.open(id));
    await Promise.all([...closing, ...opening]);
  }

  async close(): Promise<void> {
    await Promise.all([...this.endpoints.keys()].map((id) => this.closeOne(id)));
    for (const socket of this.sockets) socket.destroy();
    this.plain.closeAllConnections();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private open(serverId: string): Promise<Endpoint> {
    const present = this.endpoints.get(serverId);
    if (present !== undefined) return present;
    const opening = this.listen(serverId);
    this.endpoints.set(serverId, opening);
    return opening;
  }

  private async listen(serverId: string): Promise<Endpoint> {
    const socket = join(this.folder, `${this.count++}.sock`);
    const listeners = [0, 1].map(() => createServer((connection) => this.accept(connection, serverId)));
    const [byPath, byPort] = listeners;
    if (byPath === undefined || byPort === undefined) throw new Error("no listeners");
    await Promise.all([
      new Promise<void>((resolve, reject) => {
        byPath.once("error", reject).listen(socket, resolve);
      }),
      new Promise<void>((resolve, reject) => {
        byPort.once("error", reject).listen(0, this.host, resolve);
      }),
    ]);
    const { port } = byPort.address() as AddressInfo;
    const host = this.host.includes(":") ? `[${this.host}]` : this.host;
    const endpoint = { socket, url: `http://${host}:${port}`, listeners };
    this.known.set(serverId, endpoint);
    return endpoint;
  }

  private async closeOne(serverId: string): Promise<void> {
    const endpoint = await this.endpoints.get(serverId);
    this.endpoints.delete(serverId);
    this.known.delete(serverId);
    for (const socket of this.sockets) if (this.owners.get(socket) === serverId) socket.destroy();
    await Promise.all(
      (endpoint?.listeners ?? []).map(
        (listener) => new Promise<void>((resolve) => void listener.close(() => resolve())),
      ),
    );
  }

  /** Looks at the first byte, then hands the connection to HTTP or TLS, or leaves it without an answer for ever. */
  private accept(socket: Socket, serverId: string): void {
    this.sockets.add(socket);
    this.owners.set(socket, serverId);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.once("data", (first: Buffer) => {
      socket.pause();
      const protocol: Protocol = first[0] === TLS_HANDSHAKE ? "https" : "http";
      if (!this.answers(serverId, protocol)) return;
      socket.unshift(first);
      if (protocol === "https") {
        this.secure(socket, serverId);
      } else {
        this.plain.emit("connection", socket);
        socket.resume();
      }
    });
  }

  /** Speaks TLS on a connection; what comes out of it is served like any other. */
  private secure(socket: Socket, serverId: string): void {
    this.context ??= createSecureContext({
      cert: issueServiceCertificate(this.world),
      key: this.world.keys.identity.privateKey.export({ type: "pkcs8", format: "pem" }),
    });
    const secured = new TLSSocket(socket, { isServer: true, secureContext: this.context });
    this.owners.set(secured, serverId);
    secured.on("error", () => secured.destroy());
    secured.on("secure", () => this.plain.emit("connection", secured));
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const serverId = this.owners.get(socket);
    const protocol: Protocol = socket instanceof TLSSocket ? "https" : "http";
    const hops = Number(request.headers[EXTRA_HOPS_HEADER] ?? 0);
    const named = !(socket instanceof TLSSocket) || servernameOf(socket) === METADATA_HOST;
    if (serverId === undefined || !named || !this.answers(serverId, protocol, hops)) {
      // Silence, as on a real server: the caller runs into its own timeout.
      request.resume();
      return;
    }
    this.serve(request, response, serverId);
  }

  private answers(serverId: string, protocol: Protocol, extraHops = 0): boolean {
    this.settle();
    const server = findServer(this.world, serverId);
    return server !== undefined && isReachable(server, protocol, extraHops);
  }
}

/** Metadata answers while the server runs, is switched on, is asked by its own protocol and is near enough. */
function isReachable(server: Server, protocol: Protocol, extraHops: number): boolean {
  const metadata = server.active_metadata;
  const near = server.kind !== "instance" || extraHops < metadata.response_hop_limit;
  return server.status === "running" && metadata.enabled && metadata.protocol === protocol && near;
}

/** The name that the client asked for in its handshake; the property is missing from Node's types. */
const servernameOf = (socket: TLSSocket): unknown => (socket as TLSSocket & { servername?: unknown }).servername;
