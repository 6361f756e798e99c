/** Who may assume a trusted profile by name: `/v1/profiles/{id}/identities`. */
import { jsonFields, noContent, ok, param, type Call, type Reply, type Route } from "../call";
import type { Fields } from "../fields";
import { isCrn } from "../ids";
import { identityRefusal } from "../refusal";
import { find } from "../table";
import { needProfile, touch } from "./profiles";
import { badJson, checkIfMatch, complain, type Profile, type ProfileIdentity } from "./store";

const PATH = "/v1/profiles/:profile/identities";
const UPDATE = "iam-identity.profile.update";
const GET = "iam-identity.profile.get";
const TYPES = ["user", "serviceid", "crn"];

export const identityRoutes: readonly Route[] = [
  { method: "GET", path: PATH, api: "identity", handler: list, action: GET },
  { method: "PUT", path: PATH, api: "identity", handler: replace, action: UPDATE },
  { method: "POST", path: `${PATH}/:type`, api: "identity", handler: add, action: UPDATE },
  { method: "GET", path: `${PATH}/:type/:identifier`, api: "identity", handler: get, action: GET },
  { method: "DELETE", path: `${PATH}/:type/:identifier`, api: "identity", handler: remove, action: UPDATE },
];

const view = (profile: Profile): object => ({ entity_tag: profile.entity_tag, identities: profile.identities });

function list(call: Call): Reply {
  const profile = needProfile(call);
  return ok(view(profile), { ETag: profile.entity_tag });
}

function readIdentity(call: Call, fields: Fields): ProfileIdentity {
  const identifier = fields.text("identifier");
  const type = fields.text("type", { oneOf: TYPES });
  const accounts = fields.texts("accounts");
  if (accounts !== undefined && type !== "user") throw fields.invalid("accounts", "is only valid with type user");
  const description = fields.optionalText("description") ?? describe(call, type, identifier);
  return {
    iam_id: iamIdOf(fields, type, identifier),
    identifier,
    type,
    ...(accounts === undefined ? {} : { accounts }),
    ...(description ? { description } : {}),
  };
}

/** A service ID lends its own description. */
function describe(call: Call, type: string, identifier: string): string | undefined {
  return type === "serviceid" ? find(call.world.state.iam.serviceIds, serviceIdOf(identifier))?.description : undefined;
}

const serviceIdOf = (identifier: string): string => identifier.replace(/^iam-/, "");

function iamIdOf(fields: Fields, type: string, identifier: string): string {
  if (type === "serviceid") return `iam-${serviceIdOf(identifier)}`;
  if (type === "user") return identifier;
  if (!isCrn(identifier)) throw identityRefusal("badCrn", `Property '${fields.at("identifier")}' is not a CRN.`);
  return `crn-${identifier}`;
}

function replace(call: Call): Reply {
  const profile = needProfile(call);
  checkIfMatch(call, profile.entity_tag);
  const fields = jsonFields(call, complain, badJson);
  if (!fields.has("identities")) throw fields.missing("identities");
  const identities = fields.objects("identities").map((item) => readIdentity(call, item));
  const keys = identities.map(({ type, identifier }) => `${type} ${identifier}`);
  if (new Set(keys).size !== keys.length) throw fields.invalid("identities", "must not name an identity twice");
  profile.identities = identities;
  touch(call, profile, "UPDATE_IDENTITIES");
  return list(call);
}

function add(call: Call): Reply {
  const profile = needProfile(call);
  const fields = jsonFields(call, complain, badJson);
  const identity = readIdentity(call, fields);
  if (identity.type !== param(call, "type")) throw fields.invalid("type", "must be the identity type of the path");
  profile.identities = profile.identities.filter((other) => !isSame(other, identity.type, identity.identifier));
  profile.identities.push(identity);
  touch(call, profile, "ADD_IDENTITY");
  return ok(identity, { ETag: profile.entity_tag });
}

const isSame = (identity: ProfileIdentity, type: string, identifier: string): boolean =>
  identity.type === type && identity.identifier === identifier;

function needIdentity(call: Call, profile: Profile): ProfileIdentity {
  const [type, identifier] = [param(call, "type"), param(call, "identifier")];
  const identity = profile.identities.find((item) => isSame(item, type, identifier));
  if (identity === undefined) throw identityRefusal("notFound", `Identity '${identifier}' was not found.`);
  return identity;
}

function get(call: Call): Reply {
  const profile = needProfile(call);
  return ok(needIdentity(call, profile), { ETag: profile.entity_tag });
}

function remove(call: Call): Reply {
  const profile = needProfile(call);
  const gone = needIdentity(call, profile);
  profile.identities = profile.identities.filter((identity) => identity !== gone);
  touch(call, profile, "REMOVE_IDENTITY");
  return noContent;
}
