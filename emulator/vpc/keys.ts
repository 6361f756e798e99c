/** SSH keys: `/v1/keys`. */
import { createHash } from "node:crypto";
import { created, noContent, ok, type Call, type Reply, type Route } from "../call";
import { newId } from "../ids";
import { vpcRefusal } from "../refusal";
import { drop, put } from "../table";
import type { World } from "../world";
import { crnOf, groupReference, href } from "./references";
import * as request from "./request";
import type { SshKey } from "./store";

const ACTION = "is.key.key";

export const keyRoutes: readonly Route[] = [
  { method: "POST", path: "/v1/keys", api: "vpc", handler: create, action: `${ACTION}.create` },
  { method: "GET", path: "/v1/keys", api: "vpc", handler: list, action: `${ACTION}.list` },
  { method: "GET", path: "/v1/keys/:key", api: "vpc", handler: get, action: `${ACTION}.read` },
  { method: "PATCH", path: "/v1/keys/:key", api: "vpc", handler: update, action: `${ACTION}.update` },
  { method: "DELETE", path: "/v1/keys/:key", api: "vpc", handler: remove, action: `${ACTION}.delete` },
];

interface ParsedKey {
  readonly type: "rsa" | "ed25519";
  readonly length: number;
  readonly fingerprint: string;
}

/** Reads the wire format of an OpenSSH public key: length-prefixed fields. */
export function parsePublicKey(text: string): ParsedKey | undefined {
  const [name, encoded] = text.trim().split(/\s+/);
  if (name === undefined || encoded === undefined || !/^[A-Za-z0-9+/]+=*$/.test(encoded)) return undefined;
  const blob = Buffer.from(encoded, "base64");
  const parts: Buffer[] = [];
  for (let at = 0; at + 4 <= blob.length;) {
    const size = blob.readUInt32BE(at);
    parts.push(blob.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  if (parts[0]?.toString() !== name) return undefined;
  const fingerprint = `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
  if (name === "ssh-ed25519")
    return parts[1]?.length === 32 ? { type: "ed25519", length: 256, fingerprint } : undefined;
  const modulus = parts[2];
  if (name !== "ssh-rsa" || modulus === undefined) return undefined;
  const length = modulus[0] === 0 ? (modulus.length - 1) * 8 : modulus.length * 8;
  return length === 2048 || length === 4096 ? { type: "rsa", length, fingerprint } : undefined;
}

export function makeKey(
  world: World,
  given: { id?: string; name: string; publicKey: string; parsed: ParsedKey; resourceGroup: string },
): SshKey {
  const id = given.id ?? newId("r006-");
  return put(world.state.vpc.keys, {
    id,
    crn: crnOf(world, world.state.account.region, "key", id),
    name: given.name,
    created_at: world.clock.iso(),
    resource_group: given.resourceGroup,
    fingerprint: given.parsed.fingerprint,
    length: given.parsed.length,
    public_key: given.publicKey,
    type: given.parsed.type,
  });
}

function create(call: Call): Reply {
  const { world } = call;
  const fields = request.body(call).only("public_key", "name", "type", "resource_group");
  const others = Object.values(world.state.vpc.keys);
  const publicKey = fields.text("public_key");
  const parsed = parsePublicKey(publicKey);
  const target = { name: "public_key", type: "field" } as const;
  if (parsed === undefined) {
    throw vpcRefusal(400, "key_parse_failure", "The key must be an OpenSSH RSA 2048 or 4096 or ED25519 key.", target);
  }
  const type = fields.optionalText("type", { oneOf: ["rsa", "ed25519"] });
  if (type !== undefined && type !== parsed.type) throw fields.invalid("type", `does not fit a key of ${parsed.type}`);
  const name = request.newName(fields, others);
  if (others.some((other) => other.fingerprint === parsed.fingerprint)) {
    throw vpcRefusal(400, "key_content_exists", "A key with this content exists already.", target);
  }
  const resourceGroup = request.resourceGroup(world, fields);
  const row = makeKey(world, { name, publicKey, parsed, resourceGroup });
  return created(view(world, row), request.tagged(row));
}

function view(world: World, row: SshKey): object {
  return {
    created_at: row.created_at,
    crn: row.crn,
    fingerprint: row.fingerprint,
    href: href(world, `keys/${row.id}`),
    id: row.id,
    length: row.length,
    name: row.name,
    // The comment of the key is ignored, as in the real service.
    public_key: row.public_key.trim().split(/\s+/).slice(0, 2).join(" "),
    resource_group: groupReference(world, row.resource_group),
    type: row.type,
  };
}

const needKey = (call: Call): SshKey => request.need(call, call.world.state.vpc.keys, "key", "key");

function list(call: Call): Reply {
  const rows = request.filtered(call, Object.values(call.world.state.vpc.keys), {
    "resource_group.id": (row) => row.resource_group,
    name: (row) => row.name,
  });
  const may = request.mayRead<SshKey>(call, "key", "keyId");
  return ok(request.page(call, "keys", rows, (row) => view(call.world, row), may));
}

function get(call: Call): Reply {
  const row = needKey(call);
  return ok(view(call.world, row), request.tagged(row));
}

function update(call: Call): Reply {
  const row = needKey(call);
  request.rename(request.body(call).only("name"), row, Object.values(call.world.state.vpc.keys));
  return ok(view(call.world, row), request.tagged(row));
}

function remove(call: Call): Reply {
  drop(call.world.state.vpc.keys, needKey(call).id);
  return noContent;
}
