/** Claim rules of trusted profiles: who may become the profile by what it is (IAM Identity API). */
import type { ComputeResourceType } from "./iam-identity";
import { listIn, numberIn, objectOf, present, textAt, textIn } from "./fields";
import { unlessGone } from "./pages";
import { pathTo, type Session } from "./session";

export type ClaimOperator =
  "EQUALS" | "NOT_EQUALS" | "EQUALS_IGNORE_CASE" | "NOT_EQUALS_IGNORE_CASE" | "CONTAINS" | "IN";

/** Users of a federated identity provider, or compute resources. */
export type ClaimRuleType = "Profile-SAML" | "Profile-CR";

export interface ClaimCondition {
  readonly claim: string;
  readonly operator: ClaimOperator;
  /** JSON in a text, as the API has it: `"us-south-1"` with its quotes, or `["a","b"]`. */
  readonly value: string;
}

export interface ClaimRule {
  /** `ClaimRule-<uuid>` */
  readonly id: string;
  /** Tag of this version, for `If-Match`. */
  readonly entityTag: string;
  /** `Profile-CR` for compute resources, `Profile-SAML` for federated users. */
  readonly type: ClaimRuleType;
  /** Name. */
  readonly name?: string;
  /** Identity provider, for a rule of type `Profile-SAML`. */
  readonly realmName?: string;
  /** Kind of compute resource that it lets in, for a rule of type `Profile-CR`. */
  readonly crType?: ComputeResourceType;
  /** Life of a session, in seconds; without meaning for compute resources. */
  readonly expirationSeconds?: number;
  readonly conditions: ClaimCondition[];
  /** When it was made, as ISO 8601. */
  readonly createdAt?: string;
  /** When it was changed last, as ISO 8601. */
  readonly modifiedAt?: string;
}

/** The whole rule: an update replaces everything. All conditions must hold; several rules are alternatives. */
export type ClaimRuleBody = {
  readonly name?: string | undefined;
  readonly conditions: readonly ClaimCondition[];
} & (
  | { readonly type: "Profile-SAML"; readonly realmName: string; readonly expirationSeconds: number }
  | { readonly type: "Profile-CR"; readonly crType: ComputeResourceType }
);

const at = (profileId: string, ...segments: string[]): string =>
  pathTo("/v1/profiles", profileId, "rules", ...segments);

export async function createClaimRule(session: Session, profileId: string, rule: ClaimRuleBody): Promise<ClaimRule> {
  const answer = await session.call({
    api: "iam",
    method: "POST",
    path: at(profileId),
    body: bodyOf(rule),
    doing: `create a claim rule of trusted profile ${profileId}`,
  });
  return ruleOf(answer.body);
}

/** Undefined when the rule or its profile does not exist. */
export async function getClaimRule(session: Session, profileId: string, id: string): Promise<ClaimRule | undefined> {
  const doing = `read claim rule ${id} of trusted profile ${profileId}`;
  const answer = await unlessGone(session.call({ api: "iam", method: "GET", path: at(profileId, id), doing }));
  return answer === undefined ? undefined : ruleOf(answer.body);
}

export async function listClaimRules(session: Session, profileId: string): Promise<ClaimRule[]> {
  const doing = `list the claim rules of trusted profile ${profileId}`;
  const answer = await session.call({ api: "iam", method: "GET", path: at(profileId), doing });
  return listIn(objectOf(answer.body, "list of claim rules"), "rules").map(ruleOf);
}

/** @throws HttpError `IBMID_CONFLICT` when `entityTag` is not the newest */
export async function replaceClaimRule(
  session: Session,
  profileId: string,
  id: string,
  entityTag: string,
  rule: ClaimRuleBody,
): Promise<ClaimRule> {
  const answer = await session.call({
    api: "iam",
    method: "PUT",
    path: at(profileId, id),
    headers: { "if-match": entityTag },
    body: bodyOf(rule),
    doing: `replace claim rule ${id} of trusted profile ${profileId}`,
  });
  return ruleOf(answer.body);
}

/** One that does not exist is done. */
export async function deleteClaimRule(session: Session, profileId: string, id: string): Promise<void> {
  const doing = `delete claim rule ${id} of trusted profile ${profileId}`;
  await unlessGone(session.call({ api: "iam", method: "DELETE", path: at(profileId, id), doing }));
}

function bodyOf(rule: ClaimRuleBody): unknown {
  const common = { name: rule.name, type: rule.type, conditions: rule.conditions };
  return rule.type === "Profile-SAML"
    ? { ...common, realm_name: rule.realmName, expiration: rule.expirationSeconds }
    : { ...common, cr_type: rule.crType };
}

function ruleOf(body: unknown): ClaimRule {
  const fields = objectOf(body, "claim rule");
  return present<ClaimRule>({
    id: textAt(fields, "id"),
    entityTag: textAt(fields, "entity_tag"),
    type: textAt(fields, "type") as ClaimRuleType,
    name: textIn(fields, "name"),
    realmName: textIn(fields, "realm_name"),
    crType: textIn(fields, "cr_type") as ComputeResourceType | undefined,
    expirationSeconds: numberIn(fields, "expiration"),
    conditions: listIn(fields, "conditions").map((condition) => ({
      claim: textAt(condition, "claim"),
      operator: textAt(condition, "operator") as ClaimOperator,
      value: textAt(condition, "value"),
    })),
    createdAt: textIn(fields, "created_at"),
    modifiedAt: textIn(fields, "modified_at"),
  });
}
