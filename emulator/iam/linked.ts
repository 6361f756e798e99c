/** Which compute resource may become which trusted profile: links, and claim rules that are evaluated. */
import { find } from "../table";
import { accountOfCrn, isCrn, lastSegment } from "../ids";
import type { World } from "../world";
import type { ClaimRule, Profile } from "./store";

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

/** True when a link or a claim rule lets the resource assume the profile. */
export function isLinked(world: World, profile: Profile, resource: ComputeResource): boolean {
  const { links, rules } = world.state.iam;
  const linked = Object.values(links).some(
    (link) =>
      link.profile_id === profile.id &&
      link.cr_type === resource.crType &&
      link.link.crn === resource.crn &&
      (link.is_cross_account || resource.accountId === profile.account_id) &&
      link.enforced_from <= world.clock.now(),
  );
  if (linked) return true;
  if (resource.accountId !== profile.account_id) return false;
  return Object.values(rules).some(
    (rule) =>
      rule.profile_id === profile.id && rule.cr_type === resource.crType && matchesClaims(rule, resource.claims),
  );
}

/** All conditions of a rule hold; a claim that the resource does not have never matches. */
export function matchesClaims(rule: ClaimRule, claims: ComputeResource["claims"]): boolean {
  return rule.conditions.every((condition) => {
    const claim = Object.hasOwn(claims, condition.claim) ? claims[condition.claim] : undefined;
    return claim !== undefined && holds(condition.operator, claim, parseValue(condition.value));
  });
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
