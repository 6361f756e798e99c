/** Claim rules of trusted profiles: `/v1/profiles/{id}/rules`. */
import { created, jsonFields, noContent, ok, param, type Call, type Reply, type Route } from "../call";
import { newId, nextEntityTag } from "../ids";
import { identityContext, identityRefusal } from "../refusal";
import { drop, find, put, without } from "../table";
import { CR_TYPES } from "./links";
import { needProfile } from "./profiles";
import { badJson, checkIfMatch, complain, type ClaimRule } from "./store";

const PATH = "/v1/profiles/:profile/rules";
const UPDATE = "iam-identity.profile.update";
const GET = "iam-identity.profile.get";

export const ruleRoutes: readonly Route[] = [
  { method: "POST", path: PATH, api: "identity", handler: create, action: UPDATE },
  { method: "GET", path: PATH, api: "identity", handler: list, action: GET },
  { method: "GET", path: `${PATH}/:rule`, api: "identity", handler: get, action: GET },
  { method: "PUT", path: `${PATH}/:rule`, api: "identity", handler: replace, action: UPDATE },
  { method: "DELETE", path: `${PATH}/:rule`, api: "identity", handler: remove, action: UPDATE },
];

const OPERATORS = ["EQUALS", "NOT_EQUALS", "EQUALS_IGNORE_CASE", "NOT_EQUALS_IGNORE_CASE", "CONTAINS", "IN"];
const MAX_RULES = 20;

const view = (rule: ClaimRule): object => without(rule, "profile_id");

/** The part of a rule that its author writes. */
type RuleBody = Pick<ClaimRule, "name" | "type" | "realm_name" | "expiration" | "cr_type" | "conditions">;

function readRule(call: Call): RuleBody {
  const fields = jsonFields(call, complain, badJson);
  const type = fields.text("type", { oneOf: ["Profile-SAML", "Profile-CR"] });
  const conditions = fields.objects("conditions").map((condition) => ({
    claim: condition.text("claim"),
    operator: condition.text("operator", { oneOf: OPERATORS }),
    value: condition.text("value"),
  }));
  if (conditions.length === 0) throw fields.missing("conditions");
  const saml = type === "Profile-SAML";
  const only = (name: string): void => {
    if (fields.has(name)) throw fields.invalid(name, `is not valid with type ${type}`);
  };
  if (saml) only("cr_type");
  else ["realm_name", "expiration"].forEach(only);
  const name = fields.optionalText("name", { max: 255 });
  const expiration = saml ? fields.integer("expiration", 1, 86_400) : 0;
  if (expiration === undefined) throw fields.missing("expiration");
  return {
    ...(name ? { name } : {}),
    type,
    ...(saml
      ? { realm_name: fields.text("realm_name") }
      : { cr_type: fields.text("cr_type", { oneOf: Object.keys(CR_TYPES) }) }),
    expiration,
    conditions,
  };
}

const rulesOf = (call: Call, profileId: string): ClaimRule[] =>
  Object.values(call.world.state.iam.rules).filter((rule) => rule.profile_id === profileId);

function create(call: Call): Reply {
  const profile = needProfile(call);
  const body = readRule(call);
  if (rulesOf(call, profile.id).length >= MAX_RULES) {
    throw identityRefusal("conflict", `A trusted profile can have at most ${MAX_RULES} rules.`);
  }
  const now = call.world.clock.iso();
  const rule: ClaimRule = {
    id: newId("ClaimRule-"),
    profile_id: profile.id,
    entity_tag: nextEntityTag(),
    created_at: now,
    modified_at: now,
    ...body,
  };
  put(call.world.state.iam.rules, rule);
  return created(view(rule), { ETag: rule.entity_tag });
}

function list(call: Call): Reply {
  const profile = needProfile(call);
  return ok({ context: identityContext(call.exchange), rules: rulesOf(call, profile.id).map(view) });
}

function needRule(call: Call): ClaimRule {
  const profile = needProfile(call);
  const rule = find(call.world.state.iam.rules, param(call, "rule"));
  if (rule?.profile_id !== profile.id) {
    throw identityRefusal("notFound", `Claim rule '${param(call, "rule")}' was not found.`);
  }
  return rule;
}

function get(call: Call): Reply {
  const rule = needRule(call);
  return ok(view(rule), { ETag: rule.entity_tag });
}

function replace(call: Call): Reply {
  const old = needRule(call);
  checkIfMatch(call, old.entity_tag);
  const rule: ClaimRule = {
    id: old.id,
    profile_id: old.profile_id,
    entity_tag: nextEntityTag(old.entity_tag),
    created_at: old.created_at,
    modified_at: call.world.clock.iso(),
    ...readRule(call),
  };
  put(call.world.state.iam.rules, rule);
  return ok(view(rule), { ETag: rule.entity_tag });
}

function remove(call: Call): Reply {
  drop(call.world.state.iam.rules, needRule(call).id);
  return noContent;
}
