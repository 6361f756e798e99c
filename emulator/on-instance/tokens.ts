/** The identity services of a server: identity token, IAM token and identity certificate. */
import { randomUUID } from "node:crypto";
import { jsonFields, ok, optionalJson, type Call, type Reply, type Route } from "../call";
import { Fields, isObject } from "../fields";
import { isCrn, PROFILE_ID } from "../ids";
import { findProfile, isLinked } from "../iam/linked";
import { issueAccessToken, profileSubject } from "../iam/principals";
import { noteUse } from "../iam/token";
import type { Refusal } from "../refusal";
import { vpcRefusal } from "../refusal";
import { findServer } from "../vpc/servers";
import type { Server } from "../vpc/store";
import { intermediateOf, issueCertificate } from "./authority";
import { readCsr } from "./csr";
import { authenticatedServer, badJson, complain } from "./gate";
import { computeResource, issueIdentityToken } from "./identity";

export const identityServiceRoutes: readonly Route[] = [
  { method: "PUT", path: "/identity/v1/token", api: "instance", handler: token },
  { method: "POST", path: "/identity/v1/iam_tokens", api: "instance", handler: iamToken },
  { method: "POST", path: "/identity/v1/certificates", api: "instance", handler: certificate },
  { method: "PUT", path: "/instance_identity/v1/token", api: "instance", handler: token },
  { method: "POST", path: "/instance_identity/v1/iam_token", api: "instance", handler: iamToken },
  { method: "POST", path: "/instance_identity/v1/certificates", api: "instance", handler: certificate },
];

const DEFAULT_TOKEN_SECONDS = 300;
const DEFAULT_CERTIFICATE_SECONDS = 3600;

/** Lives begin on a whole second, so that tokens, certificates and responses name the same moment. */
function period(call: Call, seconds: number): { createdAtMs: number; times: Record<string, string | number> } {
  const { clock } = call.world;
  const createdAtMs = Math.floor(clock.now() / 1000) * 1000;
  return {
    createdAtMs,
    times: {
      created_at: clock.iso(createdAtMs),
      expires_at: clock.iso(createdAtMs + seconds * 1000),
      expires_in: seconds,
    },
  };
}

const shortened = (asked: number, issued: number | undefined): number =>
  issued === undefined ? asked : Math.min(asked, issued);

/** The server that calls; without it nothing answers at all, so this cannot happen over an endpoint. */
function callingServer(call: Call): Server {
  const server = findServer(call.world, call.serverId ?? "");
  if (server === undefined) throw vpcRefusal(403, "unauthorized", "The calling server does not exist.");
  return server;
}

function token(call: Call): Reply {
  const fields = jsonFields(call, complain, badJson).only("expires_in", "nonce");
  const asked = fields.integer("expires_in", 5, 3600) ?? DEFAULT_TOKEN_SECONDS;
  const nonce = fields.optionalText("nonce", { max: 256 });
  if (nonce === "") throw fields.invalid("nonce", "must have 1 to 256 characters");
  const seconds = shortened(asked, call.world.issuedLifetimes.identityToken);
  const { createdAtMs, times } = period(call, seconds);
  const access = issueIdentityToken(call.world, callingServer(call), createdAtMs, seconds, nonce);
  return ok({ access_token: access, ...times, ...(nonce === undefined ? {} : { nonce }) });
}

const notLinked = (name: string, value: string): Refusal =>
  vpcRefusal(400, "profile_not_linked", "The trusted profile is not linked with this server.", {
    name,
    type: "field",
    value: value.slice(0, 200),
  });

/** The profile that the body names, or the default one; the name of the field that says so. */
function wantedProfile(call: Call, server: Server): { name: string; value: string } {
  const body = optionalJson(call, badJson);
  if (body !== undefined && !isObject(body)) throw badJson("The request body must be a JSON object.");
  const fields = new Fields(body ?? {}, "", complain).only("trusted_profile");
  const given = fields.optionalObject("trusted_profile");
  if (given === undefined) {
    const profile = server.default_trusted_profile;
    if (profile === undefined) {
      throw vpcRefusal(400, "missing_field", "No trusted profile is given and the server has no default one.", {
        name: "trusted_profile",
        type: "field",
      });
    }
    return { name: "trusted_profile.id", value: profile.id };
  }
  given.only("id", "crn");
  if (given.has("id") === given.has("crn")) {
    throw fields.invalid("trusted_profile", "needs exactly one of id and crn");
  }
  const key = given.has("id") ? "id" : "crn";
  const value = given.text(key);
  if (key === "id" ? !PROFILE_ID.test(value) : !isCrn(value)) {
    throw given.invalid(key, key === "id" ? "must be Profile-<uuid>" : "must be a CRN");
  }
  return { name: given.at(key), value };
}

function iamToken(call: Call): Reply {
  const { world } = call;
  const server = authenticatedServer(call);
  const { name, value } = wantedProfile(call, server);
  const profile = findProfile(world, value);
  const resource = computeResource(world, server);
  if (profile === undefined || !isLinked(world, profile, resource)) throw notLinked(name, value);
  noteUse(world, profile);
  const subject = profileSubject(profile, { sub: server.crn, iam_id: `crn-${server.crn}` });
  const access = issueAccessToken(world, subject, "urn:ibm:params:oauth:grant-type:cr-token");
  return ok({
    access_token: access.token,
    created_at: world.clock.iso(access.issuedAt * 1000),
    expires_at: world.clock.iso(access.expiresAt * 1000),
    expires_in: access.expiresInSeconds,
  });
}

function certificate(call: Call): Reply {
  const { world } = call;
  const server = authenticatedServer(call);
  const fields = jsonFields(call, complain, badJson).only("csr", "expires_in");
  const csr = fields.text("csr");
  const request = readCsr(csr);
  if (typeof request === "string") throw fields.invalid("csr", request);
  const asked = fields.integer("expires_in", 300, 3600) ?? DEFAULT_CERTIFICATE_SECONDS;
  const seconds = shortened(asked, world.issuedLifetimes.certificate);
  const { createdAtMs, times } = period(call, seconds);
  const from = createdAtMs + (call.fault?.shiftCertificateSeconds ?? 0) * 1000;
  const leaf = issueCertificate(world, request, server.id, from, from + seconds * 1000);
  return ok({ certificates: [leaf, intermediateOf(world)], ...times, id: randomUUID() });
}
