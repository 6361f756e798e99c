/**
 * What the page's buttons do. Servers are changed by calls to the emulator's own API, with a token of the account's
 * owner: so the API's rules hold, and the calls are in the journal like those of any other client.
 */
import { Fields, isObject, type Complain } from "../fields";
import type { FaultPlan } from "../faults";
import { issueAccessToken, userSubject } from "../iam/principals";
import { Refusal } from "../refusal";
import { findServer } from "../vpc/servers";
import type { World } from "../world";
import type { ActionResult } from "./protocol";

export interface ActionSubjects {
  readonly world: World;
  readonly faults: FaultPlan;
  readonly settle: () => void;
}

const complain: Complain = (kind, path, _value, allowed) =>
  new Refusal(400, "bad_request", kind === "missing" ? `'${path}' is required` : `'${path}' ${allowed}`);

const VERSION = "version=2025-08-26&generation=2";
const TIMEOUT_MS = 15_000;
const MAX_JUMP_SECONDS = 1e9;

export async function act(subjects: ActionSubjects, body: unknown): Promise<ActionResult> {
  const fields = new Fields(body, "", complain);
  const what = fields.text("do");
  const { world, faults, settle } = subjects;
  switch (what) {
    case "start":
    case "stop":
    case "reboot":
      return power(world, fields.text("server"), what);
    case "metadata":
      return setMetadata(world, fields);
    case "addFault":
      faults.add(fields.raw("fault"));
      return done("The fault is on.");
    case "switchFault": {
      const on = fields.flag("on") ?? true;
      return known(faults.switch(faultId(fields), on), on ? "The fault is on." : "The fault is off.");
    }
    case "removeFault":
      return known(faults.remove(faultId(fields)), "The fault is removed.");
    case "advance": {
      const seconds = fields.raw("seconds");
      if (typeof seconds !== "number" || !(seconds > 0 && seconds <= MAX_JUMP_SECONDS)) {
        throw fields.invalid("seconds", "must be a number of seconds above 0");
      }
      world.clock.advance(seconds);
      settle();
      return done(`It is ${world.clock.iso()} now.`);
    }
    default:
      throw fields.invalid("do", "is no action of the console");
  }
}

const done = (message: string): ActionResult => ({ ok: true, message });

const known = (found: boolean, message: string): ActionResult =>
  found ? done(message) : { ok: false, message: "This fault is gone: the plan has been replaced." };

function faultId(fields: Fields): number {
  const id = fields.integer("id", 1, Number.MAX_SAFE_INTEGER);
  if (id === undefined) throw fields.missing("id");
  return id;
}

function power(world: World, id: string, what: "start" | "stop" | "reboot"): Promise<ActionResult> {
  if (findServer(world, id)?.kind !== "bare_metal_server") {
    return call(world, "POST", `/v1/instances/${encodeURIComponent(id)}/actions`, { type: what });
  }
  const path = `/v1/bare_metal_servers/${encodeURIComponent(id)}`;
  if (what === "stop") return call(world, "POST", `${path}/stop`, { type: "hard" });
  return call(world, "POST", `${path}/${what === "start" ? "start" : "restart"}`);
}

function setMetadata(world: World, fields: Fields): Promise<ActionResult> {
  const id = fields.text("server");
  const settings = fields.object("settings").only("enabled", "protocol", "responseHopLimit");
  const path = findServer(world, id)?.kind === "bare_metal_server" ? "bare_metal_servers" : "instances";
  return call(world, "PATCH", `/v1/${path}/${encodeURIComponent(id)}`, {
    // What is not given is no part of the JSON.
    metadata_service: {
      enabled: settings.raw("enabled"),
      protocol: settings.raw("protocol"),
      response_hop_limit: settings.raw("responseHopLimit"),
    },
  });
}

async function call(world: World, method: string, path: string, body?: object): Promise<ActionResult> {
  const { token } = issueAccessToken(world, userSubject(world), "urn:ibm:params:oauth:grant-type:apikey");
  try {
    const response = await fetch(`${world.url}${path}?${VERSION}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = await response.text();
    return { ok: response.ok, message: response.ok ? `${method} ${path}: ${response.status}` : reasonIn(answer) };
  } catch (error) {
    // A fault that was switched on strikes the console as it strikes everybody.
    return { ok: false, message: `${method} ${path}: ${error instanceof Error ? error.message : "failed"}` };
  }
}

function reasonIn(answer: string): string {
  try {
    const body: unknown = JSON.parse(answer);
    const errors: unknown = isObject(body) ? body.errors : undefined;
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    if (isObject(first) && typeof first.message === "string") return first.message;
  } catch {
    // A fault may have broken the answer: then it is shown as it is.
  }
  return answer.slice(0, 200);
}
