/** Reads a policy from a v1 or v2 request body and refuses what the policy API refuses. */
import { jsonFields, type Call } from "../call";
import type { Complain, Fields } from "../fields";
import { Refusal } from "../refusal";
import { accountIdOf } from "../world";
import { isKnownRole } from "./roles";
import { readRule } from "./read-rule";
import type { Attribute, Policy } from "./store";

/** What the author of a policy writes. */
export type PolicyBody = Pick<
  Policy,
  "type" | "description" | "subject" | "roles" | "resource" | "tags" | "pattern" | "rule"
>;

export const complain: Complain = (kind, path, _value, allowed) =>
  new Refusal(400, "invalid_body", kind === "missing" ? `The field '${path}' is required.` : `'${path}' ${allowed}.`);
export const badJson = (reason: string): Refusal => new Refusal(400, "invalid_body", reason);

const TYPES = ["access", "authorization"];
const RESOURCE_OPERATORS = ["stringEquals", "stringExists", "stringMatch", "stringEqualsAnyOf", "stringMatchAnyOf"];
/** A policy is about a service, a kind of service, or a resource group. */
const SCOPES = ["serviceType", "serviceName", "resourceGroupId", "service_group_id"];

export function readV1(call: Call): PolicyBody {
  const fields = jsonFields(call, complain, badJson);
  fields.only("type", "subjects", "roles", "resources", "description");
  const type = fields.text("type", { oneOf: TYPES });
  const one = (name: string): Fields => {
    if (!fields.has(name)) throw fields.missing(name);
    const [item, ...more] = fields.objects(name);
    if (item === undefined || more.length > 0) throw fields.invalid(name, "must have exactly one entry");
    return item;
  };
  const subject = readV1Attributes(one("subjects"), "attributes", ["stringEquals"]);
  const roles = readRoles(call, fields);
  const resourceFields = one("resources");
  const tags = resourceFields.has("tags")
    ? readV1Attributes(resourceFields, "tags", ["stringEquals", "stringMatch"])
    : undefined;
  return complete(call, fields, {
    type,
    subject,
    roles,
    resource: readV1Attributes(resourceFields, "attributes", ["stringEquals", "stringMatch", "stringExists"]),
    ...(tags === undefined ? {} : { tags }),
  });
}

function readV1Attributes(fields: Fields, name: string, operators: readonly string[]): Attribute[] {
  const attributes = fields.objects(name).map((item) => ({
    key: item.text("name"),
    operator: item.optionalText("operator", { oneOf: operators }) ?? "stringEquals",
    value: item.text("value", { max: 1000 }),
  }));
  if (attributes.length === 0) throw fields.missing(name);
  return attributes;
}

export function readV2(call: Call): PolicyBody {
  const fields = jsonFields(call, complain, badJson);
  fields.only("type", "control", "description", "subject", "resource", "pattern", "rule");
  const type = fields.text("type", { oneOf: TYPES });
  const roles = readRoles(call, fields.object("control").object("grant"));
  const subject = fields.has("subject")
    ? readV2Attributes(fields.object("subject"), "attributes", ["stringEquals", "stringExists"])
    : undefined;
  const resource = fields.object("resource");
  const tags = resource.has("tags") ? readV2Attributes(resource, "tags", ["stringEquals", "stringMatch"]) : undefined;
  const pattern = fields.optionalText("pattern", { min: 1 });
  const rule = readRule(fields, pattern);
  return complete(call, fields, {
    type,
    ...(subject === undefined ? {} : { subject }),
    roles,
    resource: readV2Attributes(resource, "attributes", RESOURCE_OPERATORS),
    ...(tags === undefined ? {} : { tags }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(rule === undefined ? {} : { rule }),
  });
}

function readV2Attributes(fields: Fields, name: string, operators: readonly string[]): Attribute[] {
  const attributes = fields.objects(name).map((item): Attribute => {
    const operator = item.text("operator", { oneOf: operators });
    const key = item.text("key");
    if (operator === "stringExists") {
      const value = item.raw("value");
      if (typeof value !== "boolean" && value !== "true" && value !== "false") {
        throw item.invalid("value", "must be true or false");
      }
      return { key, operator, value: String(value) === "true" };
    }
    if (operator.endsWith("AnyOf")) {
      const values = item.texts("value") ?? [];
      if (values.length === 0 || values.length > 10) throw item.invalid("value", "must have 1 to 10 values");
      return { key, operator, value: values };
    }
    return { key, operator, value: item.text("value", { max: 1000 }) };
  });
  if (attributes.length === 0) throw fields.missing(name);
  return attributes;
}

function readRoles(call: Call, fields: Fields): string[] {
  const roles = fields.objects("roles").map((item) => {
    const id = item.text("role_id");
    if (!isKnownRole(call.world, id)) throw item.invalid("role_id", `'${id.slice(0, 200)}' is not a known role`);
    return id;
  });
  if (roles.length === 0) throw fields.missing("roles");
  return [...new Set(roles)];
}

/** What v1 and v2 demand alike. */
function complete(call: Call, fields: Fields, body: PolicyBody): PolicyBody {
  const description = fields.optionalText("description", { max: 300 });
  const refuse = (reason: string): Refusal => new Refusal(400, "invalid_body", reason);
  const value = (attributes: readonly Attribute[], key: string): unknown =>
    attributes.find((attribute) => attribute.key === key)?.value;
  const account = value(body.resource, "accountId");
  if (account === undefined) throw refuse("The resource must have the attribute 'accountId'.");
  if (account !== accountIdOf(call.world)) throw refuse("The attribute 'accountId' is not the account of the caller.");
  if (!body.resource.some((attribute) => SCOPES.includes(attribute.key))) {
    throw refuse(`The resource must have one of the attributes ${SCOPES.join(", ")}.`);
  }
  const subject = body.subject ?? [];
  if (body.type === "access") {
    const subjects = subject.filter(({ key }) => key === "iam_id" || key === "access_group_id");
    if (subjects.length !== 1) throw refuse("The subject must have the attribute 'iam_id' or 'access_group_id'.");
  } else {
    if (value(subject, "accountId") === undefined) throw refuse("The subject must have the attribute 'accountId'.");
    if (!subject.some(({ key }) => key === "serviceName" || key === "resourceGroupId")) {
      throw refuse("The subject must have the attribute 'serviceName' or 'resourceGroupId'.");
    }
  }
  return { ...body, ...(description ? { description } : {}) };
}
