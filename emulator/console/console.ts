/**
 * The console's half of the admin port: the page, a stream of what changes, and what its buttons ask for. The emulator
 * tells it of every answer; everything else it finds out by looking.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { BOOT_CHANNEL, type BootLine } from "../boot-channel";
import type { FaultPlan } from "../faults";
import type { Answered } from "../front";
import { isObject } from "../fields";
import type { Inventory } from "../inventory";
import type { Journal } from "../journal";
import { Refusal } from "../refusal";
import { INSTANCE_ROUTES, ROUTES } from "../route-table";
import { accountIdOf, type World } from "../world";
import { ConsoleAccess } from "./access";
import { act } from "./actions";
import { assetFor, PAGE_HEADERS } from "./assets";
import { Lives } from "./lives";
import { drawAccount } from "./model";
import type { ConsoleCall, ConsoleFault, ConsoleObject, RouteName, Snapshot, Update } from "./protocol";
import { Tracker } from "./tracker";
import { explain } from "./why";

/** What the console looks at. */
export interface ConsoleSubjects {
  readonly world: World;
  readonly journal: Journal;
  readonly faults: FaultPlan;
  readonly settle: () => void;
  readonly inventory: () => Inventory;
  readonly readBody: (request: IncomingMessage) => Promise<unknown>;
}

/** Changes are gathered for so long: few enough messages for a browser, and soon enough for an eye. */
const TICK_MS = 150;
/** The clock is told at least so often. */
const CLOCK_MS = 2000;
const MAX_CALLS = 5000;
/** A browser that does not read what it is sent is let go; it comes back and begins with a snapshot. */
const MAX_UNREAD_BYTES = 16 * 1_048_576;

export class Console {
  private readonly access = new ConsoleAccess();
  private readonly lives = new Lives();
  private readonly tracker = new Tracker((id) => this.lives.forget(id));
  private readonly streams = new Set<ServerResponse>();
  private readonly calls: ConsoleCall[] = [];
  private fresh: ConsoleCall[] = [];
  private faultText = "[]";
  private toldAt = 0;
  /** The last reason why looking on failed. */
  private told = "";
  /** A call may have changed the account since it was last looked at. */
  private isStale = true;
  /** What time brings is applied by making this list anew. */
  private transitions: readonly unknown[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly subjects: ConsoleSubjects) {
    subscribe(BOOT_CHANNEL, this.onBoot);
    this.timer = setInterval(() => this.safely(() => this.tick()), TICK_MS).unref();
  }

  /** The path of the page on the admin port, token included. */
  get path(): string {
    return this.access.path;
  }

  isMeant(request: IncomingMessage): boolean {
    return this.access.isMeant(request);
  }

  /** Takes a call of the emulator in. */
  see(answered: Answered): void {
    this.safely(() => this.take(answered));
  }

  private take(answered: Answered): void {
    const { entry, reply } = answered;
    const made = entry.method === "POST" && reply.status < 300 && isObject(reply.body) ? reply.body.id : undefined;
    const call = typeof made === "string" ? { ...entry, made } : entry;
    this.calls.push(call);
    if (this.calls.length > MAX_CALLS * 1.1) this.calls.splice(0, this.calls.length - MAX_CALLS);
    this.fresh.push(call);
    this.lives.see(answered);
    // Servers get hundreds of tokens from their own services, which change nothing that is drawn.
    if (entry.method !== "GET" && answered.serverId === undefined) this.isStale = true;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const asked = this.access.admit(request);
      const route = `${request.method ?? "GET"} ${asked}`;
      const asset = request.method === "GET" ? assetFor(asked) : undefined;
      if (asset !== undefined) send(response, 200, asset.type, asset.content);
      else if (route === "GET events") this.open(response);
      else if (route === "POST actions") {
        const result = await act(this.subjects, await this.subjects.readBody(request));
        this.tick();
        sendJson(response, 200, result);
      } else if (route === "GET why") sendJson(response, 200, this.explain(request));
      else throw new Refusal(404, "not_found", `The console has no ${route}.`);
    } catch (error) {
      if (response.headersSent) {
        // Half an answer cannot be taken back.
        response.destroy();
        return;
      }
      const status = error instanceof Refusal ? error.status : 500;
      sendJson(response, status, { ok: false, message: error instanceof Error ? error.message : "unknown failure" });
    }
  }

  /** The account has been brought back to its start: pages begin anew. */
  clear(): void {
    this.calls.length = 0;
    this.fresh = [];
    this.lives.clear();
    this.isStale = true;
    this.tick();
    for (const stream of this.streams) write(stream, "snapshot", this.snapshot());
  }

  close(): void {
    clearInterval(this.timer);
    unsubscribe(BOOT_CHANNEL, this.onBoot);
    for (const stream of this.streams) stream.end();
    this.streams.clear();
  }

  /** Whatever goes wrong in looking on, the emulator goes on; it is told once. */
  private safely(look: () => void): void {
    try {
      look();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.told) process.emitWarning(`The console does not follow the account: ${reason}`);
      this.told = reason;
    }
  }

  private readonly onBoot = (message: unknown): void => this.safely(() => this.takeBootLine(message as BootLine));

  private takeBootLine({ socket, line }: BootLine): void {
    const { instances, bareMetalServers } = this.subjects.inventory();
    const id = [...instances, ...bareMetalServers].find((server) => server.socket === socket)?.id;
    if (id === undefined) return;
    if (line === undefined) this.lives.clearLog(id);
    else this.lives.log(id, this.subjects.journal.clean(line));
  }

  private open(response: ServerResponse): void {
    this.tick();
    response.writeHead(200, { ...PAGE_HEADERS, "Content-Type": "text/event-stream; charset=utf-8" });
    write(response, "snapshot", this.snapshot());
    this.streams.add(response);
    response.on("close", () => this.streams.delete(response));
  }

  private snapshot(): Snapshot {
    const { world } = this.subjects;
    return {
      now: world.clock.now(),
      accountId: accountIdOf(world),
      owner: world.state.account.owner.iam_id,
      region: world.state.account.region,
      url: world.url,
      objects: this.tracker.all(),
      calls: this.calls,
      lives: this.lives.all(),
      faults: this.faults(),
      routes: ROUTE_NAMES,
      actions: ACTIONS,
    };
  }

  private tick(): void {
    const { world } = this.subjects;
    const objects = this.lookAtAccount();
    const calls = this.fresh;
    this.fresh = [];
    const lives = this.lives.takeTouched();
    const faults = this.faults();
    const faultText = JSON.stringify(faults);
    const now = world.clock.now();
    const update: Update = {
      now,
      ...(objects.length === 0 ? {} : { objects }),
      ...(calls.length === 0 ? {} : { calls }),
      ...(lives.length === 0 ? {} : { lives }),
      ...(faultText === this.faultText ? {} : { faults }),
    };
    this.faultText = faultText;
    if (Object.keys(update).length === 1 && Math.abs(now - this.toldAt) < CLOCK_MS) return;
    this.toldAt = now;
    for (const stream of this.streams) write(stream, "update", update);
  }

  /** What is different; looking at everything costs, so it is done only when something may have happened. */
  private lookAtAccount(): ConsoleObject[] {
    const { world, settle, inventory } = this.subjects;
    settle();
    const { transitions } = world.state.vpc;
    if (!this.isStale && transitions === this.transitions) return [];
    this.isStale = false;
    this.transitions = transitions;
    return this.tracker.take(drawAccount(world, inventory()), world.clock.iso());
  }

  private faults(): ConsoleFault[] {
    return this.subjects.faults.entries().map(({ id, fault, on, struck }) => ({ id, fault, on, struck }));
  }

  private explain(request: IncomingMessage): object {
    const query = new URL(request.url ?? "/", "http://localhost").searchParams;
    const need = (name: string): string => {
      const value = query.get(name);
      if (value === null || value === "") throw new Refusal(400, "bad_request", `'${name}' is required`);
      return value;
    };
    this.subjects.settle();
    return explain(this.subjects.world, need("server"), need("action"), query.get("target") ?? "");
  }
}

const nameOf = (path: string): string => path.replace(/:[^/]+/g, "*");

const ROUTE_NAMES: readonly RouteName[] = [
  ...INSTANCE_ROUTES.map(({ method, path }) => ({ method, path: nameOf(path), where: "server" as const })),
  ...ROUTES.map(({ method, path }) => ({ method, path: nameOf(path), where: "cloud" as const })),
];

const ACTIONS = [...new Set(ROUTES.flatMap(({ action }) => action ?? []))].sort();

function write(stream: ServerResponse, event: string, message: Update): void {
  if (stream.writableLength > MAX_UNREAD_BYTES) {
    stream.destroy();
    return;
  }
  stream.write(`event: ${event}\ndata: ${JSON.stringify(message)}\n\n`);
}

function send(response: ServerResponse, status: number, type: string, content: Buffer | string): void {
  response.writeHead(status, { ...PAGE_HEADERS, "Content-Type": type });
  response.end(content);
}

const sendJson = (response: ServerResponse, status: number, body: unknown): void =>
  send(response, status, "application/json; charset=utf-8", JSON.stringify(body));
