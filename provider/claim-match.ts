/**
 * Whether a claim rule matches a server, as IAM decides it: all conditions must hold, and a claim that the server does not
 * have holds for none.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Create claim rule for a trusted profile"; IBM Cloud docs, "Using claim rules".
 */

type Claims = Readonly<Record<string, string | undefined>>;

/** A condition with its value as it is compared. */
interface Condition {
  readonly claim: string;
  readonly operator: string;
  readonly value: unknown;
}

/** Numbers, true and false are compared as texts. */
const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

const OPERATORS: Readonly<Record<string, (claim: string, value: unknown) => boolean>> = {
  EQUALS: (claim, value) => claim === textOf(value),
  NOT_EQUALS: (claim, value) => claim !== textOf(value),
  EQUALS_IGNORE_CASE: (claim, value) => claim.toLowerCase() === textOf(value).toLowerCase(),
  NOT_EQUALS_IGNORE_CASE: (claim, value) => claim.toLowerCase() !== textOf(value).toLowerCase(),
  CONTAINS: (claim, value) => claim.includes(textOf(value)),
  IN: (claim, value) => (Array.isArray(value) ? value : [value]).some((item) => claim === textOf(item)),
};

/** A condition as a sentence: `zone EQUALS "us-south-1"`. */
export const describeCondition = ({ claim, operator, value }: Condition): string =>
  `${claim} ${operator} ${JSON.stringify(value)}`;

/** Why each of the conditions that do not hold does not; empty when the rule matches. */
export function unmetConditions(conditions: readonly Condition[], claims: Claims): string[] {
  return conditions.flatMap((condition) => {
    const claim = Object.hasOwn(claims, condition.claim) ? claims[condition.claim] : undefined;
    if (claim === undefined) return [`${describeCondition(condition)}: the server has no claim ${condition.claim}`];
    const holds = OPERATORS[condition.operator]?.(claim, condition.value) ?? false;
    return holds ? [] : [`${describeCondition(condition)}: the server's is ${JSON.stringify(claim)}`];
  });
}
