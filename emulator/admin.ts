/** The admin port: what a test or a person asks the emulator itself. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { refuseBrowsers } from "./console/access";
import type { FaultPlan } from "./faults";
import { Fields, isObject, type Complain } from "./fields";
import type { Inventory } from "./inventory";
import type { Journal } from "./journal";
import { jwks } from "./jwt";
import { identityIssuers, identityKeyId } from "./on-instance/identity";
import { Refusal } from "./refusal";
import type { Settings, World } from "./world";

/** What the admin port works on. */
export interface AdminSubjects {
  /** The address that it listens on. */
  readonly host: string;
  readonly world: World;
  readonly journal: Journal;
  readonly faults: FaultPlan;
  readonly settle: () => void;
  readonly inventory: () => Inventory;
  /** Brings the account back to how it was at the start. */
  readonly reset: () => Promise<void>;
}

const MAX_BODY_BYTES = 1_048_576;

export function adminListener(subjects: AdminSubjects): RequestListener {
  return (request, response) => {
    handle(subjects, request)
      .then((body) => send(response, 200, body))
      .catch((error: unknown) => {
        const status = error instanceof Refusal ? error.status : 500;
        send(response, status, { error: error instanceof Error ? error.message : "unknown failure" });
      });
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}

async function handle(subjects: AdminSubjects, request: IncomingMessage): Promise<unknown> {
  refuseBrowsers(request, subjects.host);
  const body = await readJson(request);
  subjects.settle();
  const route = `${request.method ?? "GET"} ${(request.url ?? "/").split("?")[0] ?? ""}`;
  const { world, journal, faults } = subjects;
  switch (route) {
    case "GET /_emulator/inventory":
      return subjects.inventory();
    case "GET /_emulator/journal":
      return journal.list();
    case "GET /_emulator/jwks":
      return jwks(
        identityIssuers(world).map((issuer) => ({ key: world.keys.identity, kid: identityKeyId(world, issuer) })),
      );
    case "GET /_emulator/root":
      return { certificate: world.state.authority.root };
    case "GET /_emulator/faults":
      return { faults: faults.list(), settings: world.settings };
    case "POST /_emulator/faults":
      return plan(subjects, body);
    case "GET /_emulator/time":
      return { now: world.clock.iso() };
    case "POST /_emulator/time":
      return advance(subjects, body);
    case "POST /_emulator/reset":
      await subjects.reset();
      return { reset: true };
    default:
      throw new Refusal(404, "not_found", `There is no ${route}.`);
  }
}

const complain: Complain = (kind, path, _value, allowed) =>
  new Refusal(400, "bad_request", kind === "missing" ? `'${path}' is required` : `'${path}' ${allowed}`);

export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) throw new Refusal(413, "too_large", "The body is too large.");
  const text = Buffer.concat(chunks).toString("utf8");
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refusal(400, "bad_request", "The body is not valid JSON.");
  }
}

/** Replaces the fault plan; settings may change along with it. */
function plan({ world, faults }: AdminSubjects, body: unknown): object {
  const fields = new Fields(Array.isArray(body) ? { faults: body } : body, "", complain).only("faults", "settings");
  const list = fields.raw("faults") ?? [];
  if (!Array.isArray(list)) throw fields.invalid("faults", "must be an array");
  const settings = fields.optionalObject("settings");
  const changed = settings === undefined ? {} : readSettings(settings, world.settings);
  faults.set(list);
  world.settings = { ...world.settings, ...changed };
  return { faults: faults.list(), settings: world.settings };
}

function readSettings(fields: Fields, present: Settings): Partial<Settings> {
  fields.only(...Object.keys(present));
  for (const [name, value] of Object.entries(fields.values)) {
    const isSeconds = name.endsWith("Seconds");
    const fits = isSeconds ? typeof value === "number" && value >= 0 && value <= 86_400 : typeof value === "boolean";
    if (!fits) throw fields.invalid(name, isSeconds ? "must be a number of seconds" : "must be true or false");
  }
  return fields.values;
}

function advance({ world, settle }: AdminSubjects, body: unknown): object {
  const seconds = isObject(body) ? body.advanceSeconds : undefined;
  if (typeof seconds !== "number" || !(seconds >= 0) || seconds > 1e9) {
    throw new Refusal(400, "bad_request", "'advanceSeconds' must be a number of seconds that is not negative");
  }
  world.clock.advance(seconds);
  settle();
  return { now: world.clock.iso() };
}
