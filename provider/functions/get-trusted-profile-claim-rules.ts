/**
 * Looks up who may become a trusted profile by what it is.
 *
 * Sources: IBM Cloud IAM Identity Services API, "List claim rules for a trusted profile".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type ClaimRule, listClaimRules } from "../../client/iam-claim-rules";
import { type ResolvedCondition, fromWire } from "../claim-conditions";
import { profileIdIn } from "./of-profile";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Whose claim rules to look up. */
export interface GetTrustedProfileClaimRulesArgs {
  /** The profile: its id (`Profile-<uuid>`), its IAM id or its CRN. */
  readonly profileId: string;
}

/** A claim rule, with the values of its conditions decoded. */
export interface TrustedProfileClaimRuleResult extends Omit<ClaimRule, "id" | "conditions"> {
  /** `ClaimRule-<uuid>` */
  readonly ruleId: string;
  /** What must hold, all of it. */
  readonly conditions: readonly ResolvedCondition[];
}

/** The claim rules of a profile. */
export interface TrustedProfileClaimRulesResult {
  /** `Profile-<uuid>` */
  readonly profileId: string;
  /** The rules; any of them lets somebody in. */
  readonly rules: readonly TrustedProfileClaimRuleResult[];
}

/**
 * Looks the claim rules of a trusted profile up.
 * @throws HttpError `IBMID_NOT_FOUND` when there is no such profile
 * @example
 * const { rules } = await getTrustedProfileClaimRules({ profileId });
 */
export async function getTrustedProfileClaimRules(
  args: GetTrustedProfileClaimRulesArgs,
  options?: LookupOptions,
): Promise<TrustedProfileClaimRulesResult> {
  const profileId = profileIdIn("getTrustedProfileClaimRules", args);
  const rules = await listClaimRules(programSession(options), profileId);
  return {
    profileId,
    rules: rules.map(({ id, conditions, ...rest }) => ({
      ruleId: id,
      ...rest,
      conditions: conditions.map(fromWire),
    })),
  };
}

/** The Output form of `getTrustedProfileClaimRules`. */
export function getTrustedProfileClaimRulesOutput(
  args: LookupInput<GetTrustedProfileClaimRulesArgs>,
  options?: LookupOptions,
): pulumi.Output<TrustedProfileClaimRulesResult> {
  return whenKnown(args, (known) => getTrustedProfileClaimRules(known, options));
}
