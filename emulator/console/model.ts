/**
 * The account as a graph: who may become what, and may do what. Made from what the inventory shows, with user data
 * taken out: it is text of the user's own, and nobody can say what stands in it.
 */
import { isObject, type JsonObject } from "../fields";
import { sha256 } from "../ids";
import { objectionToRule } from "../iam/linked";
import type { Inventory } from "../inventory";
import { computeResource } from "../on-instance/identity";
import { find, type Table } from "../table";
import { allServers, findServer } from "../vpc/servers";
import type { World } from "../world";
import type { ConsoleObject } from "./protocol";

/** An object without what the tracker adds. */
export type Drawn = Omit<ConsoleObject, "history" | "deletedAt">;

type Item = Readonly<Record<string, unknown>>;

export function drawAccount(world: World, inventory: Inventory): Drawn[] {
  const servers = [...inventory.instances, ...inventory.bareMetalServers].map((row) => drawServer(world, row));
  const byCrn = new Map(servers.map((server) => [server.json.crn, server]));
  const links = inventory.links.map((row) => drawLink(row, byCrn));
  return [
    ...servers,
    ...drawForeignCompute(links, new Set(servers.map(({ id }) => id))),
    ...links,
    ...inventory.claimRules.map((row) => drawClaimRule(world, row)),
    ...inventory.profiles.map((row) => drawProfile(world, row)),
    ...inventory.serviceIds.map((row) => drawn("serviceId", row, "service ID")),
    ...inventory.policies.map((row) => drawPolicy(world, row)),
  ];
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function drawn(kind: ConsoleObject["kind"], row: Item, summary: string, edges: Drawn["edges"] = []): Drawn {
  const id = text(row.id);
  return { id, kind, name: text(row.name) || id, summary, json: withoutUserData(row), edges };
}

/** User data becomes its size and hash, wherever it stands. */
function withoutUserData(value: Item): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (name === "user_data" && typeof item === "string") {
        return [name, `${Buffer.byteLength(item)} bytes, SHA-256 ${sha256(item)}`];
      }
      return [name, isObject(item) ? withoutUserData(item) : item];
    }),
  );
}

function drawServer(world: World, row: Item): Drawn {
  const metadata = findServer(world, text(row.id))?.active_metadata;
  const service = metadata?.enabled === true ? `metadata ${metadata.protocol}` : "metadata off";
  return drawn("server", row, `${text(row.status)} · ${service}`);
}

function drawLink(row: Item, byCrn: ReadonlyMap<unknown, Drawn>): Drawn {
  const crn = text(isObject(row.link) ? row.link.crn : "");
  const id = text(row.id);
  const server = byCrn.get(crn);
  const name = text(row.name) || `to ${server?.name ?? crn.split(":").at(-1) ?? crn}`;
  return {
    ...drawn("link", row, text(row.cr_type), [
      [server?.id ?? crn, id],
      [id, text(row.profile_id)],
    ]),
    name,
  };
}

/** Clusters, Code Engine components and servers of other accounts are known only by the links to them. */
function drawForeignCompute(links: readonly Drawn[], known: ReadonlySet<string>): Drawn[] {
  const foreign = links.filter(({ edges }) => !known.has(edges[0]?.[0] ?? ""));
  const byCrn = new Map(foreign.map((link) => [link.edges[0]?.[0] ?? "", link]));
  return [...byCrn].map(([crn, { json }]) =>
    drawn("compute", { id: crn, name: crn.split(":").at(-1), ...(json.link as object) }, text(json.cr_type)),
  );
}

function drawClaimRule(world: World, row: Item): Drawn {
  const id = text(row.id);
  const rule = find(world.state.iam.rules, id);
  const profile = find(world.state.iam.profiles, text(row.profile_id));
  const admitted =
    rule === undefined || profile === undefined
      ? []
      : allServers(world).filter((one) => objectionToRule(profile, computeResource(world, one), rule) === undefined);
  const conditions = (row.conditions as { claim: string; operator: string; value: string }[]).map(
    ({ claim, operator, value }) => `${claim} ${operator} ${value}`,
  );
  return {
    ...drawn("claimRule", row, conditions.join(", "), [
      ...admitted.map((server) => [server.id, id] as const),
      [id, text(row.profile_id)],
    ]),
    name: text(row.name) || "claim rule",
  };
}

function drawProfile(world: World, row: Item): Drawn {
  const id = text(row.id);
  const profile = find(world.state.iam.profiles, id);
  const identities = profile?.identities.filter(({ type }) => type === "serviceid") ?? [];
  const count = (table: Table<{ profile_id: string }>): number =>
    Object.values(table).filter(({ profile_id: of }) => of === id).length;
  const { links, rules } = world.state.iam;
  return drawn(
    "profile",
    row,
    [[count(links), "link"] as const, [count(rules), "claim rule"] as const]
      .map(([number, what]) => `${number} ${what}${number === 1 ? "" : "s"}`)
      .join(" · "),
    identities.map(({ identifier }) => [identifier, id] as const),
  );
}

function drawPolicy(world: World, row: Item): Drawn {
  const { subject = [], roles = [], resource = [] } = find(world.state.policy.policies, text(row.id)) ?? {};
  const value = (key: string): string => {
    const found = resource.find((attribute) => attribute.key === key)?.value;
    return found === undefined ? "" : String(found);
  };
  const names = roles.map((role) => role.split(":").at(-1) ?? role).join(", ");
  const where = value("serviceName") || value("serviceType") || "all";
  const narrowed = resource.filter(({ key }) => !["serviceName", "serviceType", "accountId"].includes(key));
  const iamId = subject.find(({ key }) => key === "iam_id")?.value;
  const from = typeof iamId === "string" ? iamId.replace(/^iam-/, "") : "";
  return {
    ...drawn(
      "policy",
      row,
      `service: ${where}${narrowed.length === 0 ? "" : `, ${narrowed.map(({ key }) => `${key} ${value(key)}`).join(", ")}`}`,
      from === "" ? [] : [[from, text(row.id)]],
    ),
    name: names || "policy",
  };
}
