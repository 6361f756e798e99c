/** Trusted profiles: `/v1/profiles`. */
import {
  created,
  jsonFields,
  noContent,
  ok,
  param,
  queryFlag,
  queryText,
  type Call,
  type Reply,
  type Route,
} from "../call";
import { newId, nextEntityTag } from "../ids";
import { identityContext, identityRefusal } from "../refusal";
import { drop, put, without } from "../table";
import { accountIdOf } from "../world";
import { forgetSubject } from "../policy/store";
import { badJson, checkIfMatch, complain, isLagging, need, page, remember, type Profile } from "./store";

const NAME = { max: 255 };

export const profileRoutes: readonly Route[] = [
  { method: "POST", path: "/v1/profiles", api: "identity", handler: create, action: "iam-identity.profile.create" },
  { method: "GET", path: "/v1/profiles", api: "identity", handler: list, action: "iam-identity.profile.list" },
  { method: "GET", path: "/v1/profiles/:profile", api: "identity", handler: get, action: "iam-identity.profile.get" },
  {
    method: "PUT",
    path: "/v1/profiles/:profile",
    api: "identity",
    handler: update,
    action: "iam-identity.profile.update",
  },
  {
    method: "DELETE",
    path: "/v1/profiles/:profile",
    api: "identity",
    handler: remove,
    action: "iam-identity.profile.delete",
  },
];

/** The profile of the path, or 404. */
export function needProfile(call: Call): Profile {
  return need(call, call.world.state.iam.profiles, param(call, "profile"), "Trusted profile");
}

/** As the API shows it. */
function view(call: Call, profile: Profile): object {
  const { history, activity, ...shown } = profile;
  return {
    context: identityContext(call.exchange),
    ...without(shown, "identities"),
    ...(queryFlag(call, "include_history") ? { history } : {}),
    ...(queryFlag(call, "include_activity") ? { activity } : {}),
  };
}

const tagged = (profile: Profile): Record<string, string> => ({ ETag: profile.entity_tag });

function create(call: Call): Reply {
  const { world } = call;
  const fields = jsonFields(call, complain, badJson);
  const name = fields.text("name", NAME);
  const accountId = fields.text("account_id");
  const description = fields.optionalText("description", { max: 1000 });
  const email = fields.optionalText("email", { max: 255 });
  if (accountId !== accountIdOf(world)) throw fields.invalid("account_id", "must be an account of the caller");
  refuseDuplicate(call, name);
  const id = newId("Profile-");
  const now = world.clock.iso();
  const profile: Profile = {
    id,
    entity_tag: nextEntityTag(),
    crn: `crn:v1:bluemix:public:iam-identity::a/${accountId}::profile:${id}`,
    name,
    ...(description ? { description } : {}),
    ...(email ? { email } : {}),
    iam_id: `iam-${id}`,
    account_id: accountId,
    created_at: now,
    modified_at: now,
    identities: [],
    history: [],
    activity: { authn_count: 0 },
  };
  remember(call, profile, "CREATE");
  put(world.state.iam.profiles, profile);
  return created(view(call, profile), tagged(profile));
}

function list(call: Call): Reply {
  const accountId = queryText(call, "account_id");
  if (accountId === undefined && queryText(call, "pagetoken") === undefined) {
    throw identityRefusal("missing", "Query parameter 'account_id' either missing or empty.");
  }
  const name = queryText(call, "name");
  const rows = Object.values(call.world.state.iam.profiles).filter(
    (profile) =>
      (accountId === undefined || profile.account_id === accountId) &&
      (name === undefined || profile.name === name) &&
      !isLagging(call, profile.created_at),
  );
  return ok(
    page(
      call,
      "profiles",
      rows.map((profile) => view(call, profile)),
      ["name", "description", "created_at", "modified_at"],
    ),
  );
}

function get(call: Call): Reply {
  const profile = needProfile(call);
  return ok(view(call, profile), tagged(profile));
}

function update(call: Call): Reply {
  const profile = needProfile(call);
  checkIfMatch(call, profile.entity_tag);
  const fields = jsonFields(call, complain, badJson);
  const name = fields.optionalText("name", { min: 1, ...NAME });
  const description = fields.optionalText("description", { max: 1000 });
  const email = fields.optionalText("email", { max: 255 });
  if (name !== undefined && name !== profile.name) {
    refuseDuplicate(call, name);
    profile.name = name;
  }
  setText(profile, "description", description);
  setText(profile, "email", email);
  touch(call, profile, "UPDATE");
  return ok(view(call, profile), tagged(profile));
}

/** A text that was sent is set, an empty one cleared, one that was not sent is kept. */
export function setText<K extends string>(row: Partial<Record<K, string>>, key: K, value: string | undefined): void {
  if (value === undefined) return;
  if (value === "") Reflect.deleteProperty(row, key);
  else row[key] = value;
}

/** Every write gives a new entity tag. */
export function touch(call: Call, profile: Profile, action: string): void {
  profile.entity_tag = nextEntityTag(profile.entity_tag);
  profile.modified_at = call.world.clock.iso();
  remember(call, profile, action);
}

function remove(call: Call): Reply {
  const profile = needProfile(call);
  const { iam } = call.world.state;
  for (const rule of Object.values(iam.rules)) if (rule.profile_id === profile.id) drop(iam.rules, rule.id);
  for (const link of Object.values(iam.links)) if (link.profile_id === profile.id) drop(iam.links, link.id);
  forgetSubject(call.world, profile.iam_id);
  drop(iam.profiles, profile.id);
  return noContent;
}

function refuseDuplicate(call: Call, name: string): void {
  const { profiles } = call.world.state.iam;
  const other = Object.values(profiles).find((profile) => profile.name === name);
  if (other !== undefined) {
    throw identityRefusal("conflict", `A trusted profile named '${name}' exists already: '${other.id}'.`);
  }
}
