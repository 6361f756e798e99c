/** What virtual and bare metal servers have in common: metadata switch, default profile, keys, and being looked up. */
import type { Call } from "../call";
import type { Fields } from "../fields";
import { isCrn } from "../ids";
import { findProfile } from "../iam/linked";
import { isAllowed } from "../policy/decide";
import { vpcRefusal } from "../refusal";
import { find } from "../table";
import type { World } from "../world";
import { isWindows } from "./images";
import { reference } from "./references";
import * as request from "./request";
import type { Image, KeyCopy, MetadataService, Server } from "./store";

/** 64 KiB of UTF-8. */
const MAX_USER_DATA_BYTES = 65_536;

/** The server with this id, of whatever kind. */
export function findServer(world: World, id: string): Server | undefined {
  return find(world.state.vpc.instances, id) ?? find(world.state.vpc.bareMetalServers, id);
}

export const allServers = (world: World): Server[] => [
  ...Object.values(world.state.vpc.instances),
  ...Object.values(world.state.vpc.bareMetalServers),
];

/** Any part of a metadata service block; what is not given keeps its present value. */
export function readMetadataService(
  fields: Fields | undefined,
  present: MetadataService,
  kind: Server["kind"],
): MetadataService {
  if (fields === undefined) return present;
  const withHops = kind === "instance";
  fields.only("enabled", "protocol", ...(withHops ? ["response_hop_limit"] : []));
  return {
    enabled: fields.flag("enabled") ?? present.enabled,
    protocol: fields.optionalText("protocol", { min: 1, oneOf: ["http", "https"] }) ?? present.protocol,
    response_hop_limit:
      (withHops ? fields.integer("response_hop_limit", 1, 64) : undefined) ?? present.response_hop_limit,
  };
}

export const DEFAULT_METADATA: MetadataService = { enabled: false, protocol: "http", response_hop_limit: 1 };

/** The default trusted profile of a prototype; linking it needs rights on the profile. */
export function readDefaultProfile(
  call: Call,
  fields: Fields,
): NonNullable<Server["default_trusted_profile"]> | undefined {
  const given = fields.optionalObject("default_trusted_profile");
  if (given === undefined) return undefined;
  given.only("auto_link", "target");
  const autoLink = given.flag("auto_link") ?? true;
  const target = given.object("target").only("id", "crn");
  if (target.has("id") === target.has("crn")) {
    throw vpcRefusal(400, "validation_only_one", `The field '${target.path}' needs exactly one of id, crn.`, {
      name: target.path,
      type: "field",
    });
  }
  const key = target.has("id") ? "id" : "crn";
  const named = target.text(key);
  const profile = isCrn(named) === (key === "crn") ? findProfile(call.world, named) : undefined;
  if (profile === undefined) {
    throw vpcRefusal(400, "bad_field", `The trusted profile '${named.slice(0, 200)}' was not found.`, {
      name: target.at(key),
      type: "field",
      value: named.slice(0, 200),
    });
  }
  return { id: profile.id, crn: profile.crn, auto_link: autoLink };
}

/** Refuses the call when the caller may not link this profile. */
export function requireLinkRight(call: Call, profileId: string): void {
  const { caller, world } = call;
  const attributes = { serviceName: "iam-identity", resourceType: "profile", resource: profileId };
  if (caller !== undefined && isAllowed(world, caller, "iam-identity.profile.linkToResource", attributes)) return;
  throw vpcRefusal(403, "not_authorized", `The caller may not link the trusted profile '${profileId}'.`, {
    name: "default_trusted_profile",
    type: "field",
  });
}

export function readUserData(fields: Fields): string | undefined {
  const text = fields.optionalText("user_data");
  if (text !== undefined && Buffer.byteLength(text) > MAX_USER_DATA_BYTES) {
    throw vpcRefusal(400, "validation_max_value", `'user_data' has more than ${MAX_USER_DATA_BYTES} bytes.`, {
      name: fields.at("user_data"),
      type: "field",
    });
  }
  return text === "" ? undefined : text;
}

/** The keys as they are now: they may be deleted while the server lives. */
export function readKeys(call: Call, fields: Fields, image: Image): KeyCopy[] {
  const { keys } = call.world.state.vpc;
  const rows = fields.objects("keys").map((item) =>
    request.identity(item, keys, {
      key: "fingerprint",
      find: (value) => Object.values(keys).find((key) => key.fingerprint === value),
    }),
  );
  if (isWindows(image) && !rows.some((key) => key.type === "rsa")) {
    throw fields.invalid("keys", "needs an RSA key with an image of Windows");
  }
  return rows.map(({ id, crn, name, fingerprint }) => ({ id, crn, name, fingerprint }));
}

/** A name or href of something in a list of names. */
export function nameOf(fields: Fields, names: Iterable<string>): string {
  fields.only("name", "href");
  const key = fields.has("href") && !fields.has("name") ? "href" : "name";
  const text = fields.text(key);
  const name = key === "href" ? (text.split("/").at(-1) ?? "") : text;
  if (![...names].includes(name)) throw fields.invalid(key, "names nothing that exists");
  return name;
}

export const keyReference = (world: World, key: KeyCopy): object => ({
  ...reference(world, "keys", key),
  fingerprint: key.fingerprint,
});

/** As `initialization` shows the default profile. */
export function viewDefaultProfile(server: Server): object {
  const profile = server.default_trusted_profile;
  if (profile === undefined) return {};
  return {
    default_trusted_profile: {
      auto_link: profile.auto_link,
      target: { crn: profile.crn, id: profile.id, resource_type: "trusted_profile" },
    },
  };
}
