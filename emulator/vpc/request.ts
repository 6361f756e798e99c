/** What all VPC routes share in reading a request: complaints, names, identities of other objects, and pages. */
import { randomInt } from "node:crypto";
import { jsonFields, queryText, type Call } from "../call";
import type { Complain, Fields } from "../fields";
import { lastSegment, sha256 } from "../ids";
import { isAllowed } from "../policy/decide";
import type { Refusal } from "../refusal";
import { vpcRefusal, type Target } from "../refusal";
import { find, type Table } from "../table";
import type { World } from "../world";

export const NAME = /^([a-z]|[a-z][-a-z0-9]*[a-z0-9])$/;

/** Values of these fields never appear in an error. */
const SECRET_FIELDS = /(?:user_data|csr|nonce|password)$/;

export const complain: Complain = (kind, path, value, allowed) => {
  const target: Target = {
    name: path,
    type: "field",
    ...(isShowable(value) && !SECRET_FIELDS.test(path) ? { value: String(value) } : {}),
  };
  if (kind === "missing")
    return vpcRefusal(400, "validation_required_field", `The field '${path}' is required.`, target);
  if (kind === "unknown") return vpcRefusal(400, "bad_field", `Unknown field '${path}'; ${allowed}.`, target);
  const code = path.endsWith("name") ? "validation_invalid_name" : "validation_failure";
  return vpcRefusal(400, code, `The value of '${path}' ${allowed}.`, target);
};

const isShowable = (value: unknown): boolean =>
  typeof value === "number" || typeof value === "boolean" || (typeof value === "string" && value.length <= 128);

export const badJson = (reason: string): Refusal => vpcRefusal(400, "bad_request", reason);

export const body = (call: Call): Fields => jsonFields(call, complain, badJson);

/** The row of the path, or 404. */
export function need<T>(call: Call, table: Table<T>, param: string, kind: string): T {
  const id = call.params[param] ?? "";
  const row = find(table, id);
  if (row === undefined) {
    throw vpcRefusal(404, "not_found", `The ${kind} '${id}' was not found.`, {
      name: "id",
      type: "parameter",
      value: id.slice(0, 200),
    });
  }
  return row;
}

/** The object that a field names by id, CRN or href (or by whatever `also` knows); a 400 when there is none. */
export function identity<T extends { id: string }>(
  fields: Fields,
  table: Table<T>,
  also?: { key: string; find: (value: string) => T | undefined },
): T {
  const keys = ["id", "crn", "href", ...(also === undefined ? [] : [also.key])];
  fields.only(...keys);
  const given = keys.filter((key) => fields.has(key));
  const key = given[0];
  if (key === undefined || given.length > 1) {
    throw vpcRefusal(
      400,
      "validation_only_one",
      `The field '${fields.path}' needs exactly one of ${keys.join(", ")}.`,
      {
        name: fields.path,
        type: "field",
      },
    );
  }
  const value = fields.text(key);
  const row =
    also?.key === key
      ? also.find(value)
      : find(table, key === "id" ? value : key === "crn" ? lastSegment(value) : (value.split("/").at(-1) ?? ""));
  if (row === undefined) throw fields.invalid(key, "names nothing that exists");
  return row;
}

/** The resource group of a body, or the account's default one. */
export function resourceGroup(world: World, fields: Fields): string {
  const groups = world.state.account.resourceGroups;
  const given = fields.optionalObject("resource_group");
  if (given !== undefined) {
    const id = given.only("id").text("id");
    if (find(groups, id) === undefined) throw given.invalid("id", "names nothing that exists");
    return id;
  }
  return Object.values(groups).find((group) => group.default)?.id ?? "";
}

const WORDS = ["amber", "birch", "cobalt", "delta", "ember", "fjord", "grove", "harbor", "indigo", "juniper", "kelp"];

/** The name of a new object: as given and unique, or made of words. */
export function newName(fields: Fields, others: readonly { name: string }[], key = "name"): string {
  const name = fields.optionalText(key, { min: 1, max: 63, pattern: NAME });
  if (name === undefined) return autoName();
  refuseTaken(fields, name, others, key);
  return name;
}

export function refuseTaken(fields: Fields, name: string, others: readonly { name: string }[], key = "name"): void {
  if (!others.some((other) => other.name === name)) return;
  throw vpcRefusal(400, "validation_unique_failed", `The name '${name}' is used already.`, {
    name: fields.at(key),
    type: "field",
    value: name,
  });
}

/** Hyphenated words, as IBM makes up names. */
export function autoName(): string {
  const word = (): string => WORDS[randomInt(WORDS.length)] ?? "name";
  return `${word()}-${word()}-${word()}-${randomInt(36 ** 4).toString(36)}`;
}

/** Sets the name of a PATCH body; true when there was one. */
export function rename(fields: Fields, row: { name: string }, others: readonly { name: string }[]): void {
  const name = fields.optionalText("name", { min: 1, max: 63, pattern: NAME });
  if (name === undefined || name === row.name) return;
  refuseTaken(fields, name, others);
  row.name = name;
}

/** One page of a VPC list; the start token is the id of the first row. */
export function page<T extends { id: string; created_at?: string }>(
  call: Call,
  listName: string,
  rows: readonly T[],
  view: (row: T) => object,
  mayRead?: (row: T) => boolean,
): object {
  const limit = readLimit(call);
  const shown = mayRead === undefined ? rows : rows.filter(mayRead);
  const start = queryText(call, "start");
  const offset = start === undefined ? 0 : shown.findIndex((row) => startToken(row.id) === start);
  if (offset === -1) throw badParameter("start", start, "is not valid");
  const href = (token?: string): object => {
    const query = new URLSearchParams([...call.query].filter(([name]) => name !== "start" && name !== "limit"));
    query.set("limit", String(limit));
    if (token !== undefined) query.set("start", token);
    return { href: `${call.world.url}${call.path}?${query.toString()}` };
  };
  const next = shown[offset + limit];
  return {
    first: href(),
    limit,
    ...(next === undefined ? {} : { next: href(startToken(next.id)) }),
    total_count: shown.length,
    [listName]: shown.slice(offset, offset + limit).map(view),
  };
}

const startToken = (id: string): string => sha256(`start:${id}`).slice(0, 32);

function readLimit(call: Call): number {
  const text = queryText(call, "limit") ?? "50";
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > 100) throw badParameter("limit", text, "must be an integer from 1 to 100");
  return limit;
}

export function badParameter(name: string, value: string | undefined, allowed: string): Refusal {
  const target: Target = { name, type: "parameter", ...(value === undefined ? {} : { value: value.slice(0, 200) }) };
  return vpcRefusal(400, "bad_request", `The query parameter '${name}' ${allowed}.`, target);
}

/** Keeps the rows for which every given query filter holds. */
export function filtered<T>(
  call: Call,
  rows: readonly T[],
  filters: Readonly<Record<string, (row: T) => string | undefined>>,
): T[] {
  return rows.filter((row) =>
    Object.entries(filters).every(([name, value]) => {
      const wanted = queryText(call, name);
      return wanted === undefined || wanted === value(row);
    }),
  );
}

/** Lists show what the caller may read. */
export function mayRead<T extends { id: string; resource_group: string }>(
  call: Call,
  kind: string,
  idAttribute: string,
  more: (row: T) => Record<string, string> = () => ({}),
): (row: T) => boolean {
  const { caller, world } = call;
  return (row) =>
    caller !== undefined &&
    isAllowed(world, caller, `is.${kind}.${kind}.read`, {
      serviceName: "is",
      region: world.state.account.region,
      resourceGroupId: row.resource_group,
      [idAttribute]: row.id,
      ...more(row),
    });
}

/** A tag of the row's present content. */
export const etag = (row: unknown): string => `W/"${sha256(JSON.stringify(row)).slice(0, 32)}"`;
export const tagged = (row: unknown): Record<string, string> => ({ ETag: etag(row) });

/** If-Match is optional in VPC; a tag that is not the current one is 412. */
export function checkIfMatch(call: Call, row: unknown): void {
  const given = call.headers["if-match"];
  if (given === undefined || given === "*" || given === etag(row)) return;
  throw vpcRefusal(412, "precondition_failed", "If-Match is not the current ETag.", {
    name: "If-Match",
    type: "header",
  });
}
