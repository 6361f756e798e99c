/**
 * Access policies and roles (IAM Policy Management API). New policies are v2; one that was made through v1 is read,
 * replaced and deleted through v1, the version that its `href` names.
 */
import { VpcIdentityError } from "../core/errors";
import { fieldsIn, listIn, objectOf, present, textAt, textIn, type Fields } from "./fields";
import type { HttpAnswer } from "./http";
import { markIn, unlessGone, walkPages } from "./pages";
import { pathTo, type Session } from "./session";

export type AttributeValue = string | boolean | readonly string[];

/** One comparison: of a subject, a resource, or the environment in a rule. */
export interface Attribute {
  /** Name of the attribute, such as `serviceName`. */
  readonly key: string;
  /** `stringEquals`, `stringExists`, `stringMatch`, `stringEqualsAnyOf`... */
  readonly operator: string;
  /** What it is compared with. */
  readonly value: AttributeValue;
}

export interface Tag {
  /** Name of the tag. */
  readonly key: string;
  /** How it is compared. */
  readonly operator: "stringEquals" | "stringMatch";
  /** Value of the tag. */
  readonly value: string;
}

/** When a grant holds: one condition, or several joined, one level deep. */
export type PolicyRule = Attribute | { readonly operator: "and" | "or"; readonly conditions: readonly PolicyRule[] };

export type PolicyVersion = "v1" | "v2";

export type PolicyType = "access" | "authorization";

export type PolicyState = "active" | "deleted";

/** What a policy says; the same for both versions of the API. */
export interface PolicyBody {
  /** @default "access" */
  readonly type?: PolicyType | undefined;
  readonly description?: string | undefined;
  readonly subject: readonly Attribute[];
  readonly resource: { readonly attributes: readonly Attribute[]; readonly tags?: readonly Tag[] | undefined };
  /** CRNs of the roles. */
  readonly roleIds: readonly string[];
  /** Needed with a rule: which kind of rule it is. v2 only. */
  readonly pattern?: string | undefined;
  /** v2 only. */
  readonly rule?: PolicyRule | undefined;
}

export interface Policy {
  readonly id: string;
  readonly href: string;
  /** `active`, or `deleted`: a deleted policy stays readable for a while. */
  readonly state: PolicyState;
  /** For the next write. Empty in lists: there the server sends none. */
  readonly etag: string;
  readonly type: PolicyType;
  /** Description, if it has one. */
  readonly description?: string;
  readonly subject: Attribute[];
  readonly resource: { readonly attributes: Attribute[]; readonly tags?: Tag[] };
  /** CRNs of the roles. */
  readonly roleIds: string[];
  /** Kind of the rule, if there is one. */
  readonly pattern?: string;
  /** When and where it holds, if there is a rule. */
  readonly rule?: PolicyRule;
  readonly version: PolicyVersion;
  /** When it was made, as ISO 8601. */
  readonly createdAt?: string;
  /** IAM id of who made it. */
  readonly createdById?: string;
  /** When it was changed last, as ISO 8601. */
  readonly lastModifiedAt?: string;
  /** IAM id of who changed it last. */
  readonly lastModifiedById?: string;
}

export interface Role {
  /** Name as people see it, such as `Operator`. */
  readonly displayName: string;
  /** CRN. */
  readonly crn: string;
  /** Whose role it is. */
  readonly kind: "custom" | "service" | "system";
  /** What it is for. */
  readonly description?: string;
  /** What it allows, action by action. */
  readonly actions: string[];
}

const at = (version: PolicyVersion, id: string): string => pathTo(`/${version}/policies`, id);

/**
 * @throws HttpError `IBMID_CONFLICT` when an equal policy exists: `serverDetails.conflicts_with` holds its etag and, as
 * an object or a text, the policy
 */
export async function createPolicy(session: Session, body: PolicyBody): Promise<Policy> {
  const answer = await session.call({
    api: "iam",
    method: "POST",
    path: "/v2/policies",
    body: toV2(body),
    doing: `create a policy for ${subjectOf(body)}`,
  });
  return policyOf(answer.body, answer);
}

/** Undefined when the server does not know it. A deleted one may still be returned: see `state`. */
export async function getPolicy(session: Session, id: string): Promise<Policy | undefined> {
  const read = (version: PolicyVersion): Promise<HttpAnswer | undefined> =>
    unlessGone(session.call({ api: "iam", method: "GET", path: at(version, id), doing: `read policy ${id}` }));
  const answer = await read("v2");
  if (answer === undefined) return undefined;
  const policy = policyOf(answer.body, answer);
  if (policy.version === "v2") return policy;
  const older = await read("v1");
  return older === undefined ? undefined : policyOf(older.body, older);
}

/**
 * Replaces everything but the type.
 * @param version that of the policy's `href`
 * @throws HttpError `IBMID_CONFLICT` when `etag` is not the newest
 */
export async function replacePolicy(
  session: Session,
  id: string,
  etag: string,
  body: PolicyBody,
  version: PolicyVersion = "v2",
): Promise<Policy> {
  const answer = await session.call({
    api: "iam",
    method: "PUT",
    path: at(version, id),
    headers: { "if-match": etag },
    body: version === "v2" ? toV2(body) : toV1(id, body),
    doing: `replace policy ${id}`,
  });
  return policyOf(answer.body, answer);
}

/** One that does not exist is done. */
export async function deletePolicy(session: Session, id: string, version: PolicyVersion = "v2"): Promise<void> {
  await unlessGone(session.call({ api: "iam", method: "DELETE", path: at(version, id), doing: `delete policy ${id}` }));
}

/** Makes a deleted policy active again. Only v1 can do it, for policies of both versions. */
export async function restorePolicy(session: Session, id: string, etag: string): Promise<Policy> {
  const answer = await session.call({
    api: "iam",
    method: "PATCH",
    path: at("v1", id),
    headers: { "if-match": etag },
    body: { state: "active" },
    doing: `restore policy ${id}`,
    repeatable: true,
  });
  return policyOf(answer.body, answer);
}

export interface PolicyFilter {
  readonly iamId?: string | undefined;
  readonly accessGroupId?: string | undefined;
  /** @default "active" */
  readonly state?: PolicyState | undefined;
}

/** The policies of the account, or those of one subject. */
export function listPolicies(
  session: Session,
  { iamId, accessGroupId, state }: PolicyFilter = {},
): AsyncGenerator<Policy, void, undefined> {
  const subject = iamId ?? accessGroupId;
  const doing = subject === undefined ? "list policies" : `list the policies of ${subject}`;
  return walkPages(doing, async (start) => {
    const accountId = await session.accountId();
    const query = { account_id: accountId, iam_id: iamId, access_group_id: accessGroupId, state, limit: 100, start };
    const answer = await session.call({ api: "iam", method: "GET", path: "/v2/policies", query, doing });
    const body = objectOf(answer.body, "list of policies");
    const next = fieldsIn(body, "next");
    return {
      items: listIn(body, "policies").map((item) => policyOf(item)),
      next: textIn(next, "start") ?? markIn(textIn(next, "href"), "start"),
    };
  });
}

export interface RoleFilter {
  readonly serviceName?: string | undefined;
  readonly serviceGroupId?: string | undefined;
}

/** The roles that can be granted, for a service, a service group or neither; asked once for each in a session. */
export function listRoles(session: Session, { serviceName, serviceGroupId }: RoleFilter = {}): Promise<Role[]> {
  return session.once(`roles of ${serviceName ?? ""} ${serviceGroupId ?? ""}`, async () => {
    const answer = await session.call({
      api: "iam",
      method: "GET",
      path: "/v2/roles",
      query: { account_id: await session.accountId(), service_name: serviceName, service_group_id: serviceGroupId },
      doing: serviceName === undefined ? "list roles" : `list the roles of service "${serviceName}"`,
    });
    const body = objectOf(answer.body, "list of roles");
    return (["custom", "service", "system"] as const).flatMap((kind) =>
      listIn(body, `${kind}_roles`).flatMap((fields) => roleOf(fields, kind)),
    );
  });
}

function roleOf(fields: Fields, kind: Role["kind"]): Role[] {
  const crn = textIn(fields, "crn");
  if (crn === undefined) return [];
  return [
    present<Role>({
      displayName: textAt(fields, "display_name"),
      crn,
      kind,
      description: textIn(fields, "description"),
      actions: Array.isArray(fields.actions) ? fields.actions.map(String) : [],
    }),
  ];
}

function subjectOf({ subject }: PolicyBody): string {
  return subject.map(({ value }) => String(value)).join(", ");
}

function toV2({ type = "access", description, subject, resource, roleIds, pattern, rule }: PolicyBody): unknown {
  return {
    type,
    description,
    subject: { attributes: subject },
    resource: { attributes: resource.attributes, tags: resource.tags },
    control: { grant: { roles: roleIds.map((role_id) => ({ role_id })) } },
    pattern,
    rule,
  };
}

function toV1(id: string, { type = "access", description, subject, resource, roleIds, ...more }: PolicyBody): unknown {
  if (more.rule !== undefined || more.pattern !== undefined)
    throw new VpcIdentityError(
      `Policy ${id} was made through the v1 API, where a policy has no rule: replace it by a new one.`,
      { code: "IBMID_POLICY_IS_V1" },
    );
  const named = ({ key, operator, value }: Attribute): unknown => {
    if (typeof value === "string") return { name: key, operator, value };
    throw new VpcIdentityError(
      `Policy ${id} was made through the v1 API, where the value of "${key}" must be a text: replace it by a new one.`,
      { code: "IBMID_POLICY_IS_V1" },
    );
  };
  return {
    type,
    description,
    // v1 compares subjects for equality only and knows no operator there.
    subjects: [{ attributes: subject.map(({ key, value }) => ({ name: key, value })) }],
    resources: [{ attributes: resource.attributes.map(named), tags: resource.tags?.map(named) }],
    roles: roleIds.map((role_id) => ({ role_id })),
  };
}

function policyOf(body: unknown, answer?: HttpAnswer): Policy {
  const fields = objectOf(body, "policy");
  const href = textIn(fields, "href") ?? "";
  const resource = listIn(fields, "resources")[0] ?? fieldsIn(fields, "resource");
  const subject = listIn(fields, "subjects")[0] ?? fieldsIn(fields, "subject");
  const control = fieldsIn(fieldsIn(fields, "control"), "grant");
  const roles = [...listIn(fields, "roles"), ...listIn(control, "roles")];
  const tags = listIn(resource, "tags").map(tagOf);
  return present<Policy>({
    id: textAt(fields, "id"),
    href,
    state: (textIn(fields, "state") as PolicyState | undefined) ?? "active",
    etag: answer?.headers.etag ?? "",
    type: textAt(fields, "type") as PolicyType,
    description: textIn(fields, "description"),
    subject: listIn(subject, "attributes").map(attributeOf),
    resource: present<Policy["resource"]>({
      attributes: listIn(resource, "attributes").map(attributeOf),
      tags: tags.length === 0 ? undefined : tags,
    }),
    roleIds: roles.map((role) => textAt(role, "role_id")),
    pattern: textIn(fields, "pattern"),
    rule: "rule" in fields ? ruleOf(fieldsIn(fields, "rule")) : undefined,
    version: href.includes("/v1/policies/") ? "v1" : "v2",
    createdAt: textIn(fields, "created_at"),
    createdById: textIn(fields, "created_by_id"),
    lastModifiedAt: textIn(fields, "last_modified_at"),
    lastModifiedById: textIn(fields, "last_modified_by_id"),
  });
}

/** v1 says `name` and may leave the operator out, v2 says `key`. */
function attributeOf(fields: Fields): Attribute {
  return {
    key: textIn(fields, "key") ?? textAt(fields, "name"),
    operator: textIn(fields, "operator") ?? "stringEquals",
    value: attributeValueOf(fields),
  };
}

function tagOf(fields: Fields): Tag {
  return {
    key: textIn(fields, "key") ?? textAt(fields, "name"),
    operator: (textIn(fields, "operator") as Tag["operator"] | undefined) ?? "stringEquals",
    value: textAt(fields, "value"),
  };
}

function attributeValueOf(fields: Fields): AttributeValue {
  const { value } = fields;
  if (Array.isArray(value)) return value.map(String);
  return typeof value === "boolean" ? value : textAt(fields, "value");
}

function ruleOf(fields: Fields): PolicyRule | undefined {
  const operator = textIn(fields, "operator");
  if (operator === "and" || operator === "or")
    return { operator, conditions: listIn(fields, "conditions").flatMap((one) => ruleOf(one) ?? []) };
  return textIn(fields, "key") === undefined ? undefined : attributeOf(fields);
}
