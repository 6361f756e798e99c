/** Which compute resource may become which trusted profile: links, and claim rules that are evaluated. */
import { find } from "../table";
import { accountOfCrn, isCrn, lastSegment } from "../ids";
import type { World } from "../world";
import type { ClaimRule, Link, Profile } from "./store";

/** A server as IAM sees it. */
export interface ComputeResource {
  readonly crn: string;
  readonly crType: "VSI" | "BMS";
  readonly accountId: string;
  /** What claim rules can ask for. */
  readonly claims: Readonly<Record<string, string | undefined>>;
}

/** A profile by id or CRN; of a CRN only the account and the last segment count. */
export function findProfile(world: World, idOrCrn: string): Profile | undefined {
  if (!isCrn(idOrCrn)) return find(world.state.iam.profiles, idOrCrn);
  const profile = find(world.state.iam.profiles, lastSegment(idOrCrn));
  return profile !== undefined && accountOfCrn(idOrCrn) === profile.account_id ? profile : undefined;
}

/** A link to the resource or a claim rule of a profile, and what keeps it from letting the resource in: nothing, if it does. */
export interface Admission {
  readonly by: Link | ClaimRule;
  readonly objection: string | undefined;
}

/** True when a link or a claim rule lets the resource assume the profile. */
export function isLinked(world: World, profile: Profile, resource: ComputeResource): boolean {
  return admissions(world, profile, resource).some(({ objection }) => objection === undefined);
}

/** Every link of the profile to the resource and every claim rule of it: a decision with its reasons. */
export function admissions(world: World, profile: Profile, resource: ComputeResource): Admission[] {
  const { links, rules } = world.state.iam;
  return [
    ...Object.values(links)
      .filter((link) => link.profile_id === profile.id && link.link.crn === resource.crn)
      .map((by) => ({ by, objection: objectionToLink(world, profile, resource, by) })),
    ...Object.values(rules)
      .filter((rule) => rule.profile_id === profile.id)
      .map((by) => ({ by, objection: objectionToRule(profile, resource, by) })),
  ];
}

function objectionToLink(
  world: World,
  profile: Profile,
  { crType, accountId }: ComputeResource,
  link: Link,
): string | undefined {
  if (link.cr_type !== crType) return `is for ${link.cr_type}, and this is a ${crType}`;
  if (!link.is_cross_account && accountId !== profile.account_id) return "is not for resources of other accounts";
  return link.enforced_from <= world.clock.now() ? undefined : "is not enforced yet";
}

/** A claim that the resource does not have never matches. */
export function objectionToRule(
  profile: Profile,
  { crType, accountId, claims }: ComputeResource,
  rule: ClaimRule,
): string | undefined {
  if (accountId !== profile.account_id) return "is not for resources of other accounts";
  if (rule.cr_type !== crType) return `is for ${rule.cr_type ?? "users"}, and this is a ${crType}`;
  const missed = rule.conditions.find(({ claim, operator, value }) => {
    const own = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
    return own === undefined || !holds(operator, own, parseValue(value));
  });
  if (missed === undefined) return undefined;
  const own = Object.hasOwn(claims, missed.claim) ? claims[missed.claim] : undefined;
  return `asks for ${missed.claim} ${missed.operator} ${missed.value}, and it is ${own ?? "not there"}`;
}

/** Values are JSON in a string; IBM's CLI examples leave the quotes out, so anything else is taken as it is. */
function parseValue(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function holds(operator: string, claim: string, value: unknown): boolean {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  switch (operator) {
    case "EQUALS":
      return claim === textOf(value);
    case "NOT_EQUALS":
      return claim !== textOf(value);
    case "EQUALS_IGNORE_CASE":
      return same(claim, textOf(value));
    case "NOT_EQUALS_IGNORE_CASE":
      return !same(claim, textOf(value));
    case "CONTAINS":
      return claim.includes(textOf(value));
    case "IN":
      return (Array.isArray(value) ? value : [value]).some((item) => claim === textOf(item));
    default:
      return false;
  }
}
