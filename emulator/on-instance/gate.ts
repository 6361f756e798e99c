/** What every request on a server's own services must meet before its handler looks at it. */
import { header, queryText, type Call } from "../call";
import type { Complain } from "../fields";
import { bearerOf } from "../iam/principals";
import { verifyJwt } from "../jwt";
import type { Refusal } from "../refusal";
import { vpcRefusal } from "../refusal";
import { findServer } from "../vpc/servers";
import { VERSION } from "../vpc/query";
import type { Server } from "../vpc/store";

/** The first version of the services. */
const FLOOR = "2022-03-01";
/** The last version, and the last beta version, in which the old `/instance_identity` paths exist. */
const LEGACY_UNTIL = "2025-08-25";
const LEGACY_BETA_UNTIL = "2025-07-14";
const PARAMETERS = ["version", "generation", "maturity"];
const MATURITY = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

/** Values of these fields never appear in an error. */
const SECRET_FIELDS = /(?:csr|nonce)$/;

export const complain: Complain = (kind, path, value, allowed) => {
  const code = kind === "missing" ? "missing_field" : kind === "unknown" ? "unknown_field" : "invalid_value";
  const shown = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return vpcRefusal(
    400,
    code,
    kind === "missing" ? `The field '${path}' is missing.` : `The field '${path}' ${allowed}.`,
    {
      name: path,
      type: "field",
      ...(shown && !SECRET_FIELDS.test(path) ? { value: String(value).slice(0, 200) } : {}),
    },
  );
};

export const badJson = (reason: string): Refusal => vpcRefusal(400, "invalid_request", reason);

export function checkInstanceRequest(call: Call): void {
  checkQuery(call);
  if (call.path.startsWith("/instance_identity/")) checkLegacy(call);
  if (call.path.endsWith("/token")) checkFlavor(call);
}

function parameter(code: string, name: string, text: string, value?: string): Refusal {
  const target = { name, type: "parameter", ...(value === undefined ? {} : { value: value.slice(0, 200) }) } as const;
  return vpcRefusal(400, code, text, target);
}

function checkQuery(call: Call): void {
  for (const name of call.query.keys()) {
    if (!PARAMETERS.includes(name)) throw parameter("unknown_field", name, `The parameter '${name}' is unknown.`);
  }
  const version = queryText(call, "version");
  if (version === undefined) throw parameter("missing_value", "version", "The parameter 'version' is missing.");
  if (!VERSION.test(version)) {
    throw parameter("invalid_value", "version", "The parameter 'version' must be a date: YYYY-MM-DD.", version);
  }
  if (version < FLOOR) {
    const text = `The parameter 'version' cannot be before ${FLOOR}.`;
    throw parameter("invalid_version_range", "version", text, version);
  }
  if (version > call.world.clock.iso().slice(0, 10)) {
    throw parameter("invalid_version_range", "version", "The parameter 'version' cannot be in the future.", version);
  }
  const maturity = call.query.get("maturity");
  if (maturity !== null && (maturity.length > 128 || !MATURITY.test(maturity) || maturity !== "beta")) {
    throw parameter("invalid_value", "maturity", "The parameter 'maturity' can only be beta.", maturity);
  }
}

/** The old paths: virtual servers only, and gone in newer versions. */
function checkLegacy(call: Call): void {
  const version = queryText(call, "version") ?? "";
  const until = call.query.get("maturity") === "beta" ? LEGACY_BETA_UNTIL : LEGACY_UNTIL;
  const server = findServer(call.world, call.serverId ?? "");
  if (version > until || server?.kind !== "instance") {
    throw vpcRefusal(404, "not_found", "The requested path does not exist in this version.");
  }
}

function checkFlavor(call: Call): void {
  const flavor = header(call, "metadata-flavor");
  const target = { name: "Metadata-Flavor", type: "header" } as const;
  if (flavor === undefined || flavor === "") {
    throw vpcRefusal(400, "missing_value", "The header 'Metadata-Flavor' is missing.", target);
  }
  if (flavor !== "ibm") {
    throw vpcRefusal(400, "invalid_value", "The header 'Metadata-Flavor' must be ibm.", {
      ...target,
      value: flavor.slice(0, 128),
    });
  }
}

/** The server whose identity token the request carries; only the server itself may use it. */
export function authenticatedServer(call: Call): Server {
  const { world } = call;
  const token = bearerOf(header(call, "authorization"));
  const claims = token === undefined ? undefined : verifyJwt(token, world.keys.identity);
  const expires = claims?.exp;
  if (claims === undefined || typeof expires !== "number" || expires * 1000 <= world.clock.now()) {
    throw vpcRefusal(401, "unauthenticated", "The instance identity access token is missing, malformed or expired.", {
      name: "Authorization",
      type: "header",
    });
  }
  const iaas = claims.iaas as { instanceID?: unknown } | undefined;
  const server = findServer(world, call.serverId ?? "");
  if (server === undefined || iaas?.instanceID !== server.id) {
    throw vpcRefusal(403, "unauthorized", "The instance identity access token is of another resource.");
  }
  // A request to a service that is off never gets this far; one that was let in before still needs its answer.
  if (!server.active_metadata.enabled) {
    throw vpcRefusal(403, "unauthorized", "The metadata service of this server has been switched off.");
  }
  return server;
}
