/** Links of trusted profiles to compute resources: `/v1/profiles/{id}/links`. There is no update. */
import { created, jsonFields, noContent, ok, param, queryText, type Call, type Reply, type Route } from "../call";
import { accountOfCrn, isCrn, newId, nextEntityTag } from "../ids";
import { identityRefusal } from "../refusal";
import { drop, find, put, without } from "../table";
import type { World } from "../world";
import { needProfile } from "./profiles";
import { badJson, complain, type Link, type Profile } from "./store";

const PATH = "/v1/profiles/:profile/links";
const UPDATE = "iam-identity.profile.update";
const GET = "iam-identity.profile.get";

export const linkRoutes: readonly Route[] = [
  { method: "POST", path: PATH, api: "identity", handler: create, action: UPDATE },
  { method: "GET", path: PATH, api: "identity", handler: list, action: GET },
  { method: "DELETE", path: PATH, api: "identity", handler: removeByParameters, action: UPDATE },
  { method: "GET", path: `${PATH}/:link`, api: "identity", handler: get, action: GET },
  { method: "DELETE", path: `${PATH}/:link`, api: "identity", handler: remove, action: UPDATE },
];

/** What the compute resource types of IAM are called, and what a link to each must name besides its CRN. */
export const CR_TYPES: Readonly<Record<string, readonly string[]>> = {
  VSI: [],
  PVS: [],
  BMS: [],
  IKS_SA: ["namespace", "name"],
  ROKS_SA: ["namespace", "name"],
  CE: ["component_type", "component_name"],
};
const PARTS = ["namespace", "name", "component_type", "component_name"] as const;

const view = (link: Link): object => without(link, "profile_id", "enforced_from");

/** Two links are the same when all of these are. */
const keyOf = (link: Pick<Link, "cr_type" | "link">): string =>
  JSON.stringify([link.cr_type, link.link.crn, ...PARTS.map((part) => link.link[part] ?? "")]);

export const linksOf = (world: World, profileId: string): Link[] =>
  Object.values(world.state.iam.links).filter((link) => link.profile_id === profileId);

function create(call: Call): Reply {
  const { world } = call;
  const profile = needProfile(call);
  const fields = jsonFields(call, complain, badJson);
  const crType = fields.text("cr_type", { oneOf: Object.keys(CR_TYPES) });
  const target = fields.object("link");
  const crn = target.text("crn");
  if (!isCrn(crn)) throw identityRefusal("badCrn", `Property 'link.crn' is not a CRN.`);
  const needed = CR_TYPES[crType] ?? [];
  const link: Link["link"] = { crn };
  for (const part of PARTS) {
    const value = target.optionalText(part);
    if (needed.includes(part)) link[part] = target.text(part);
    else if (value) {
      throw identityRefusal("invalid", `Invalid property combination provided: 'link.${part}' with ${crType}.`);
    }
  }
  const crossAccount = fields.flag("is_cross_account") ?? false;
  if (!crossAccount && accountOfCrn(crn) !== profile.account_id) {
    throw identityRefusal("invalid", "Property 'link.crn' is of another account and 'is_cross_account' is not true.");
  }
  const name = fields.optionalText("name", { max: 255 });
  const same = linksOf(world, profile.id).find((other) => keyOf(other) === keyOf({ cr_type: crType, link }));
  if (same !== undefined) throw identityRefusal("conflict", `The link exists already: '${same.id}'.`);
  const row = addLink(world, profile, {
    cr_type: crType,
    link,
    is_cross_account: crossAccount,
    ...(name ? { name } : {}),
  });
  return created(view(row), { ETag: row.entity_tag });
}

/** Adds a link without any check: also what VPC does when it provisions a server. */
export function addLink(
  world: World,
  profile: Profile,
  link: Pick<Link, "cr_type" | "link" | "is_cross_account"> & { name?: string },
): Link {
  const now = world.clock.iso();
  return put(world.state.iam.links, {
    id: newId("Link-"),
    profile_id: profile.id,
    entity_tag: nextEntityTag(),
    created_at: now,
    modified_at: now,
    ...link,
    enforced_from: world.clock.now() + world.settings.enforcementDelaySeconds * 1000,
  });
}

/** Links a new server to its default profile; one that exists already, made by hand, is left alone. */
export function autoLink(world: World, profile: Profile, crType: "VSI" | "BMS", crn: string): void {
  const link = { cr_type: crType, link: { crn }, is_cross_account: false };
  if (!linksOf(world, profile.id).some((other) => keyOf(other) === keyOf(link))) addLink(world, profile, link);
}

/** Removes every link to a compute resource that is gone, whoever made it. */
export function removeLinksTo(world: World, crn: string): void {
  for (const link of Object.values(world.state.iam.links)) {
    if (link.link.crn === crn) drop(world.state.iam.links, link.id);
  }
}

function list(call: Call): Reply {
  return ok({ links: linksOf(call.world, needProfile(call).id).map(view) });
}

function needLink(call: Call): Link {
  const profile = needProfile(call);
  const link = find(call.world.state.iam.links, param(call, "link"));
  if (link?.profile_id !== profile.id)
    throw identityRefusal("notFound", `Link '${param(call, "link")}' was not found.`);
  return link;
}

function get(call: Call): Reply {
  const link = needLink(call);
  return ok(view(link), { ETag: link.entity_tag });
}

function remove(call: Call): Reply {
  drop(call.world.state.iam.links, needLink(call).id);
  return noContent;
}

function removeByParameters(call: Call): Reply {
  const profile = needProfile(call);
  const type = queryText(call, "type");
  if (type === undefined) throw identityRefusal("missing", "Query parameter 'type' either missing or empty.");
  const given = (["crn", ...PARTS] as const).map((part) => [part, queryText(call, part)] as const);
  const rows = linksOf(call.world, profile.id).filter(
    (link) => link.cr_type === type && given.every(([part, value]) => value === undefined || link.link[part] === value),
  );
  if (rows.length === 0) throw identityRefusal("notFound", "No link has these parameters.");
  for (const link of rows) drop(call.world.state.iam.links, link.id);
  return noContent;
}
