/**
 * Looks up which users, service IDs and services may become a trusted profile.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Get a list of identities that can assume a trusted profile".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type ProfileIdentity, getIdentities } from "../../client/iam-profile-identities";
import { VpcIdentityError } from "../../core/errors";
import { profileIdIn } from "./of-profile";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Whose identities to look up. */
export interface GetTrustedProfileIdentitiesArgs {
  /** The profile: its id (`Profile-<uuid>`), its IAM id or its CRN. */
  readonly profileId: string;
}

/** The identities of a profile. */
export interface TrustedProfileIdentitiesResult {
  /** `Profile-<uuid>` */
  readonly profileId: string;
  /** Who may become the profile by name. */
  readonly identities: readonly ProfileIdentity[];
  /** IAM's tag of the whole set. */
  readonly entityTag: string;
}

/**
 * Looks the identities of a trusted profile up.
 * @throws VpcIdentityError `IBMID_NOT_FOUND` when there is no such profile
 * @example
 * const { identities } = await getTrustedProfileIdentities({ profileId });
 */
export async function getTrustedProfileIdentities(
  args: GetTrustedProfileIdentitiesArgs,
  options?: LookupOptions,
): Promise<TrustedProfileIdentitiesResult> {
  const profileId = profileIdIn("getTrustedProfileIdentities", args);
  const set = await getIdentities(programSession(options), profileId);
  if (set === undefined)
    throw new VpcIdentityError(`There is no trusted profile "${profileId}".`, { code: "IBMID_NOT_FOUND" });
  return { profileId, ...set };
}

/** The Output form of `getTrustedProfileIdentities`. */
export function getTrustedProfileIdentitiesOutput(
  args: LookupInput<GetTrustedProfileIdentitiesArgs>,
  options?: LookupOptions,
): pulumi.Output<TrustedProfileIdentitiesResult> {
  return whenKnown(args, (known) => getTrustedProfileIdentities(known, options));
}
