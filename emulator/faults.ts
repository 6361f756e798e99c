/**
 * Faults on purpose: which requests go wrong, how often, and how. A plan is a list; the first fault that fits a request
 * and is not used up strikes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Reply } from "./call";
import { Fields, isObject, type Complain, type JsonObject } from "./fields";
import { Refusal } from "./refusal";
import type { World } from "./world";

export interface Fault {
  /** HTTP method. @default any */
  readonly method?: string;
  /** Path without query; `*` stands for any characters. @default any */
  readonly path?: string;
  /** Strikes only on the services of servers, or only elsewhere. @default both */
  readonly where?: "server" | "cloud";
  /** Fitting requests that pass before the first strike. @default 0 */
  readonly skip?: number;
  /** How often it strikes; 0 means without end. @default 1 */
  readonly count?: number;
  /** Chance from 0 to 1 that it strikes a fitting request. @default 1 */
  readonly probability?: number;
  /** Time before the answer, in milliseconds. @default 0 */
  readonly delayMs?: number;
  /** Answers with this status in place of the handler, in the error shape of the API. @default - the answer that the handler gives */
  readonly status?: number;
  /** Error code that goes with `status`. @default "emulated_fault" */
  readonly code?: string;
  /** `Retry-After` that goes with `status`, in seconds. @default none */
  readonly retryAfterSeconds?: number;
  /** Never answers; with `after` the request still takes effect. @default - it answers */
  readonly hang?: "before" | "after";
  /** Resets the connection, before or after the request has taken effect. @default - the connection stays */
  readonly reset?: "before" | "after";
  /** The answer carries the tag of an earlier version, as that of a replica that lags behind: in `ETag`, and in its body. @default - the present tag */
  readonly staleTag?: true;
  /** Reads are answered for this long, in seconds, as if the call had not happened; of calls that change nothing: no effect. @default 0 */
  readonly lagSeconds?: number;
  /** Other spellings of the answer: cut in half, broken, every character escaped that may be, or over many lines. @default - as compact JSON */
  readonly body?: "truncated" | "malformed" | "escaped" | "pretty";
  /** Moves `created_at`, `expires_at` and `expiration` of the answer, in seconds. @default 0 */
  readonly shiftDatesSeconds?: number;
  /** Moves the validity of an issued certificate, in seconds: far enough back it is expired, ahead not valid yet. @default 0 */
  readonly shiftCertificateSeconds?: number;
  /** Certificates of the answer: the leaf alone, or one intermediate too many. @default - as it is */
  readonly chain?: "short" | "long";
  /** A created server stays where it is, or fails. @default - it starts */
  readonly lifecycle?: "stuck" | "failed";
  /** Reason that goes with `lifecycle: "failed"`. @default "cannot_start_compute" */
  readonly reasonCode?: string;
}

const complain: Complain = (kind, path, _value, allowed) =>
  new Refusal(400, "bad_request", kind === "missing" ? `'${path}' is required` : `'${path}' ${allowed}`);

const NAMES: readonly (keyof Fault)[] = [
  "method",
  "path",
  "where",
  "skip",
  "count",
  "probability",
  "delayMs",
  "status",
  "code",
  "retryAfterSeconds",
  "hang",
  "reset",
  "staleTag",
  "lagSeconds",
  "body",
  "shiftDatesSeconds",
  "shiftCertificateSeconds",
  "chain",
  "lifecycle",
  "reasonCode",
];
const CHOICES: Readonly<Partial<Record<keyof Fault, readonly string[]>>> = {
  where: ["server", "cloud"],
  hang: ["before", "after"],
  reset: ["before", "after"],
  body: ["truncated", "malformed", "escaped", "pretty"],
  chain: ["short", "long"],
  lifecycle: ["stuck", "failed"],
};
const RANGES: Readonly<Partial<Record<keyof Fault, readonly [number, number]>>> = {
  skip: [0, 1_000_000],
  count: [0, 1_000_000],
  delayMs: [0, 600_000],
  status: [400, 599],
  retryAfterSeconds: [0, 3600],
  lagSeconds: [0, 3600],
  shiftDatesSeconds: [-1e9, 1e9],
  shiftCertificateSeconds: [-1e9, 1e9],
};

/** Checks a fault that comes from outside. */
export function readFault(value: unknown, path: string): Fault {
  const fields = new Fields(value, path, complain).only(...NAMES);
  for (const name of ["method", "path", "code", "reasonCode"]) fields.optionalText(name, { min: 1 });
  for (const [name, oneOf] of Object.entries(CHOICES)) fields.optionalText(name, { min: 1, oneOf });
  for (const [name, [min, max]] of Object.entries(RANGES)) fields.integer(name, min, max);
  const probability = fields.raw("probability");
  if (probability !== undefined && (typeof probability !== "number" || probability < 0 || probability > 1)) {
    throw fields.invalid("probability", "must be a number from 0 to 1");
  }
  const staleTag = fields.raw("staleTag");
  if (staleTag !== undefined && staleTag !== true) throw fields.invalid("staleTag", "must be true");
  return fields.values;
}

/** A fault of the plan; one that is switched off stays in it and does not strike. */
export interface Armed {
  readonly id: number;
  readonly fault: Fault;
  on: boolean;
  seen: number;
  struck: number;
  /** The call that it struck last: method and path. */
  last?: string;
}

export class FaultPlan {
  private armed: Armed[] = [];
  private count = 0;
  private behind: { readonly world: World; readonly untilMs: number } | undefined;

  set(faults: readonly unknown[]): void {
    this.behind = undefined;
    this.armed = faults.map((fault, index) => this.arm(readFault(fault, `faults[${index}]`)));
  }

  /** One more, after all others. */
  add(fault: unknown): void {
    this.armed.push(this.arm(readFault(fault, "fault")));
  }

  /** What is planned, how often each has struck, and which call last. */
  list(): readonly object[] {
    return this.armed.filter(({ on }) => on).map(({ fault, struck, last }) => ({ ...fault, struck, last }));
  }

  /** The same with what is switched off. */
  entries(): readonly Readonly<Armed>[] {
    return this.armed;
  }

  /** What is switched on begins anew, also when it was used up. False when there is no such fault. */
  switch(id: number, on: boolean): boolean {
    const found = this.armed.find((item) => item.id === id);
    if (found === undefined) return false;
    found.on = on;
    if (on) {
      found.seen = found.struck = 0;
      delete found.last;
    }
    return true;
  }

  /** False when there is no such fault. */
  remove(id: number): boolean {
    const before = this.armed.length;
    this.armed = this.armed.filter((item) => item.id !== id);
    return this.armed.length !== before;
  }

  private arm(fault: Fault): Armed {
    return { id: ++this.count, fault, on: true, seen: 0, struck: 0 };
  }

  /** From now on reads see the account as it is at this moment, for as long as the fault says. */
  fallBehind(world: World, { lagSeconds }: Fault): void {
    if (lagSeconds === undefined) return;
    const untilMs = world.clock.now() + lagSeconds * 1000;
    this.behind = { world: { ...world, state: structuredClone(world.state) }, untilMs };
  }

  /** The account as a read sees it. */
  seen(world: World): World {
    return this.behind !== undefined && world.clock.now() < this.behind.untilMs ? this.behind.world : world;
  }

  /** The fault that strikes this request. */
  take(method: string, path: string, onServer: boolean): Fault | undefined {
    for (const item of this.armed) {
      const { fault } = item;
      if (!item.on) continue;
      if (fault.method !== undefined && fault.method.toUpperCase() !== method) continue;
      if (fault.path !== undefined && !pattern(fault.path).test(path)) continue;
      if (fault.where !== undefined && (fault.where === "server") !== onServer) continue;
      item.seen += 1;
      const count = fault.count ?? 1;
      if (item.seen <= (fault.skip ?? 0) || (count > 0 && item.struck >= count)) continue;
      if (Math.random() >= (fault.probability ?? 1)) continue;
      item.struck += 1;
      item.last = `${method} ${path}`;
      return fault;
    }
    return undefined;
  }
}

function pattern(path: string): RegExp {
  const parts = path.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

export async function delay(fault: Fault | undefined): Promise<void> {
  if (fault?.delayMs !== undefined && fault.delayMs > 0) await sleep(fault.delayMs);
}

/** The refusal of a fault with a status. */
export function refusalOf(fault: Fault): Refusal | undefined {
  if (fault.status === undefined) return undefined;
  const retryAfter = fault.retryAfterSeconds;
  const code = fault.code ?? (fault.status === 429 ? "too_many_requests" : "emulated_fault");
  return new Refusal(fault.status, code, "This error was asked for by the fault plan.", {
    ...(retryAfter === undefined ? {} : { headers: { "Retry-After": String(retryAfter) } }),
  });
}

/** Changes what an answer says. */
export function distort(fault: Fault, given: Reply): Reply {
  const reply = fault.staleTag === true ? withStaleTag(given) : given;
  if (!isObject(reply.body)) return reply;
  let body: JsonObject = reply.body;
  if (fault.shiftDatesSeconds !== undefined) body = shiftDates(body, fault.shiftDatesSeconds);
  const certificates = body.certificates;
  if (fault.chain !== undefined && Array.isArray(certificates)) {
    const chain: unknown[] = certificates;
    body = { ...body, certificates: fault.chain === "short" ? chain.slice(0, 1) : [...chain, chain.at(-1)] };
  }
  return { ...reply, body };
}

/** No object has ever had this tag: numbers of versions begin with 1. */
const STALE_TAG = `0-${"0".repeat(32)}`;

function withStaleTag(reply: Reply): Reply {
  const { body, headers = {} } = reply;
  const weak = headers.ETag?.startsWith('W/"') === true;
  const tagged = Object.keys(headers).filter((name) => ["ETag", "Entity-Tag"].includes(name));
  const stale = Object.fromEntries(tagged.map((name) => [name, weak ? `W/"${STALE_TAG}"` : STALE_TAG]));
  const old = isObject(body) && typeof body.entity_tag === "string" ? { ...body, entity_tag: STALE_TAG } : body;
  return { ...reply, body: old, headers: { ...headers, ...stale } };
}

function shiftDates(body: JsonObject, seconds: number): JsonObject {
  const shifted = { ...body };
  for (const name of ["created_at", "expires_at"]) {
    const value = body[name];
    if (typeof value === "string") shifted[name] = new Date(Date.parse(value) + seconds * 1000).toISOString();
  }
  const expiration = body.expiration;
  if (typeof expiration === "number") shifted.expiration = expiration + seconds;
  return shifted;
}

/** The text of an answer, in the spelling that the fault wants. */
export function spell(body: unknown, spelling: Fault["body"]): string {
  const text = JSON.stringify(body);
  switch (spelling) {
    case "truncated":
      return text.slice(0, Math.floor(text.length / 2));
    case "malformed":
      return `${text.slice(0, -1)},,}`;
    case "pretty":
      return `${JSON.stringify(body, undefined, 2).replace(/": /g, '" : ')}\n`;
    case "escaped":
      return escaped(body);
    case undefined:
      return text;
  }
}

/** Valid JSON in which every character of a string that is no letter or digit is escaped. */
function escaped(value: unknown): string {
  if (typeof value === "string") {
    const escape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return `"${value.replaceAll(/[^A-Za-z0-9]/g, (char) => (char === "/" ? "\\/" : escape(char)))}"`;
  }
  if (Array.isArray(value)) return `[${value.map((item) => escaped(item ?? null)).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${escaped(item)}`).join(",")}}`;
}
