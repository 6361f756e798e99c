/**
 * What the credentials are allowed to do, found out without doing it: a list that is refused shows that not even reading
 * is allowed, and the caller's policies with the actions of their roles show what is. Where these say nothing certain -
 * the account's owner needs no policy, a policy may be narrow - the answer is that it cannot be told without trying.
 */
import { listAccessGroups } from "../client/iam-access-groups";
import { listProfiles } from "../client/iam-identity";
import { listPolicies, listRoles, type Attribute, type Policy, type Role } from "../client/iam-policy";
import type { Session } from "../client/session";
import { claimsOf } from "../client/token";
import { listInstances } from "../client/vpc";
import type { Check } from "./check";

/** An action that a step takes, under each of the names it has. */
interface Need {
  readonly service: string;
  readonly actions: readonly string[];
}

interface Step {
  readonly name: string;
  readonly what: string;
  /** One of them is enough. */
  readonly needs: readonly Need[];
  /** Reads what the step would make, one page of it. */
  readonly probe?: (session: Session) => Promise<unknown>;
  readonly fix: string;
}

const STEPS: readonly Step[] = [
  {
    name: "permission.profile",
    what: "create trusted profiles",
    needs: [{ service: "iam-identity", actions: ["iam-identity.profile.create"] }],
    probe: (session) => listProfiles(session).next(),
    fix: 'grant the role Administrator on the service "iam-identity" (IAM Identity Service)',
  },
  {
    name: "permission.link",
    what: "link servers to trusted profiles",
    needs: [{ service: "iam-identity", actions: ["iam-identity.profile.linkToResource"] }],
    fix: 'grant the role Administrator on the service "iam-identity", or a custom role with iam-identity.profile.linkToResource',
  },
  {
    name: "permission.policy",
    what: "grant access policies",
    needs: [
      { service: "iam-access-management", actions: ["iam-access-management.policy.create", "iam.policy.create"] },
      { service: "is", actions: ["iam.policy.create"] },
    ],
    probe: (session) => listPolicies(session).next(),
    fix: "grant the role Administrator on the service that the policies are about, and on iam-access-management",
  },
  {
    name: "permission.instance",
    what: "create servers",
    needs: [{ service: "is", actions: ["is.instance.instance.create"] }],
    probe: (session) => listInstances(session).next(),
    fix: 'grant the role Editor on the service "is" (VPC Infrastructure Services)',
  },
];

export async function checkPermissions(session: Session | undefined): Promise<Check[]> {
  if (session === undefined) {
    return STEPS.map(({ name, what }) => ({
      name,
      verdict: "skipped",
      detail: `${what}: there is no token to ask with`,
    }));
  }
  const caller = await readCaller(session);
  return Promise.all(STEPS.map((step) => checkStep(session, caller, step)));
}

/** What is known of who calls. */
interface Caller {
  readonly iamId: string;
  /** A user may be the account's owner, who needs no policy. */
  readonly isUser: boolean;
  readonly policies: readonly Policy[];
  /** Why the policies may not be all of them; undefined when they are. */
  readonly doubt: string | undefined;
}

async function readCaller(session: Session): Promise<Caller> {
  const claims = claimsOf(await session.token()) ?? {};
  const iamId = typeof claims.iam_id === "string" ? claims.iam_id : "";
  const isUser = !iamId.startsWith("iam-");
  const policies: Policy[] = [];
  let doubt: string | undefined;
  try {
    for await (const policy of listPolicies(session, { iamId })) policies.push(policy);
    const groups = await accessGroups(session, iamId);
    for (const accessGroupId of groups) {
      for await (const policy of listPolicies(session, { accessGroupId })) policies.push(policy);
    }
  } catch (error) {
    doubt = `its policies cannot all be read: ${messageOf(error)}`;
  }
  if (isUser) doubt ??= "the account's owner needs no policy";
  // Policies that may not be read are left out of the list without a word.
  if (policies.length === 0) doubt ??= "none of its policies can be seen";
  return { iamId, isUser, policies, doubt };
}

/** Ids of the access groups that somebody is in; none where the server has no such thing. */
async function accessGroups(session: Session, iamId: string): Promise<string[]> {
  const ids: string[] = [];
  try {
    for await (const { id } of listAccessGroups(session, { iamId })) ids.push(id);
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
  return ids;
}

async function checkStep(session: Session, caller: Caller, step: Step): Promise<Check> {
  const { name, what, fix } = step;
  const answer = (verdict: Check["verdict"], reason: string): Check => ({
    name,
    verdict,
    detail: `${what}: ${reason}`,
    ...(verdict === "missing" ? { fix: `${fix}\nto ${caller.iamId}` } : {}),
  });
  try {
    await step.probe?.(session);
  } catch (error) {
    return answer(statusOf(error) === 403 ? "missing" : "unclear", messageOf(error));
  }
  let narrow: string | undefined;
  let isKnown = false;
  for (const need of step.needs) {
    let roles: Role[];
    try {
      roles = await listRoles(session, { serviceName: need.service });
    } catch (error) {
      return answer("unclear", `what its roles allow cannot be read: ${messageOf(error)}`);
    }
    const granting = roles.filter(({ actions }) =>
      need.actions.some((action) => allows(actions, action, need.service)),
    );
    if (granting.length > 0) isKnown = true;
    for (const policy of caller.policies) {
      const role = granting.find(({ crn }) => policy.roleIds.includes(crn));
      if (role === undefined || policy.type !== "access" || policy.state !== "active") continue;
      const limits = limitsOf(policy, need.service);
      if (limits === undefined) continue;
      if (limits.length === 0) return answer("ok", `${role.displayName} by policy ${policy.id}`);
      narrow = `${role.displayName} by policy ${policy.id}, but only where ${limits.join(" and ")}`;
    }
  }
  const cannotTell = "cannot be told without trying";
  if (narrow !== undefined) return answer("unclear", `${cannotTell}: ${narrow}`);
  if (!isKnown) return answer("unclear", `${cannotTell}: no role is known to allow it`);
  if (caller.doubt !== undefined)
    return answer("unclear", `${cannotTell}: no policy of the caller grants it, but ${caller.doubt}`);
  return answer("missing", `none of the caller's ${caller.policies.length} policies grants it`);
}

/** An action as roles list it. The emulator's stock roles have patterns, which are about the service's own actions. */
function allows(actions: readonly string[], action: string, service: string): boolean {
  const own = action.startsWith(`${service}.`);
  return actions.some((one) => one === action || (own && one.startsWith("*") && action.endsWith(one.slice(1))));
}

const PLATFORM_SERVICES = ["iam-identity", "iam-access-management"];

/** Where in a service a policy holds, in words; empty: everywhere; undefined: it is about something else. */
function limitsOf({ resource, rule }: Policy, service: string): string[] | undefined {
  const limits: string[] = [];
  for (const attribute of resource.attributes) {
    const { key, value } = attribute;
    if (key === "accountId") continue;
    const expected = expectedOf(key, service);
    if (expected === undefined) limits.push(`${key} is ${String(value)}`);
    else if (!fits(attribute, expected)) return undefined;
  }
  // A resource group alone is about the services whose resources are in groups.
  const about = resource.attributes.map(({ key }) => key);
  if (!about.some((key) => expectedOf(key, service) !== undefined) && PLATFORM_SERVICES.includes(service))
    return undefined;
  for (const { key, value } of resource.tags ?? []) limits.push(`the tag ${key} is ${value}`);
  if (rule !== undefined) limits.push("its conditions hold");
  return limits;
}

/** What an attribute must be for a service; undefined: it tells of something within the service. */
function expectedOf(key: string, service: string): string | undefined {
  const platform = PLATFORM_SERVICES.includes(service);
  if (key === "serviceName") return service;
  if (key === "serviceType") return platform ? "platform_service" : "service";
  if (key === "service_group_id") return platform ? "IAM" : "";
  return undefined;
}

function fits({ operator, value }: Attribute, expected: string): boolean {
  if (operator === "stringExists") return value === true || value === "true";
  const wanted = Array.isArray(value) ? value : [String(value)];
  return wanted.some((one: string) => one === expected || one === "*");
}

const statusOf = (error: unknown): unknown => (error as { status?: unknown } | undefined)?.status;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
