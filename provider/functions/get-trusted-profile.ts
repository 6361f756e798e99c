/**
 * Looks trusted profiles up that somebody else manages.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Get a trusted profile", "List trusted profiles".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Profile, getProfile, listProfiles } from "../../client/iam-identity";
import { VpcIdentityError } from "../../core/errors";
import { flag, object, text } from "../../core/validate";
import { compact } from "../diff";
import { assertValid } from "../preflight";
import { profileIdOf, profileRule } from "../references";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Which profile to look up: by id or by name, one of them. */
export interface GetTrustedProfileArgs {
  /**
   * Its id (`Profile-<uuid>`), its IAM id or its CRN.
   * @default - `name` is given
   */
  readonly profileId?: string;
  /**
   * Its name.
   * @default - `profileId` is given
   */
  readonly name?: string;
  /**
   * Whether to ask when and how often it was used, which IBM calls an expensive request.
   * @default false
   */
  readonly includeActivity?: boolean;
}

/** Which profiles to look up. */
export interface GetTrustedProfilesArgs {
  /**
   * Only the one with this name.
   * @default - all of the account
   */
  readonly name?: string;
  /**
   * Whether to ask who changed what of each.
   * @default false
   */
  readonly includeHistory?: boolean;
}

/** A trusted profile; `activity` and `history` only when they were asked for. */
export interface TrustedProfileResult extends Omit<Profile, "id"> {
  /** `Profile-<uuid>` */
  readonly profileId: string;
}

const oneRule = object({
  fields: { profileId: profileRule, name: text({ max: 255 }), includeActivity: flag },
  exactlyOne: [["profileId", "name"]],
});
const manyRule = object({ fields: { name: text({ max: 255 }), includeHistory: flag } });

/**
 * Looks a trusted profile up.
 * @throws VpcIdentityError `IBMID_NOT_FOUND` when there is none
 * @example
 * const shared = await getTrustedProfile({ name: "shared" });
 */
export async function getTrustedProfile(
  args: GetTrustedProfileArgs,
  options?: LookupOptions,
): Promise<TrustedProfileResult> {
  assertValid("getTrustedProfile", oneRule, args);
  const session = programSession(options);
  const { name, includeActivity } = args;
  let id = profileIdOf(args.profileId);
  if (id === undefined) {
    for await (const profile of listProfiles(session, { name })) {
      if (profile.name !== name) continue;
      if (includeActivity !== true) return resultOf(profile);
      id = profile.id;
    }
  }
  const profile = id === undefined ? undefined : await getProfile(session, id, { includeActivity });
  if (profile !== undefined) return resultOf(profile);
  const what = name === undefined ? `"${id ?? ""}"` : `named "${name}"`;
  throw new VpcIdentityError(`There is no trusted profile ${what} in account ${await session.accountId()}.`, {
    code: "IBMID_NOT_FOUND",
  });
}

/**
 * Looks all trusted profiles of the account up, all pages of the list.
 * @example
 * const { profiles } = await getTrustedProfiles();
 */
export async function getTrustedProfiles(
  args: GetTrustedProfilesArgs = {},
  options?: LookupOptions,
): Promise<{ readonly profiles: TrustedProfileResult[] }> {
  assertValid("getTrustedProfiles", manyRule, args);
  const profiles: TrustedProfileResult[] = [];
  for await (const profile of listProfiles(programSession(options), args)) profiles.push(resultOf(profile));
  return { profiles };
}

/** The Output form of `getTrustedProfile`. */
export function getTrustedProfileOutput(
  args: LookupInput<GetTrustedProfileArgs>,
  options?: LookupOptions,
): pulumi.Output<TrustedProfileResult> {
  return whenKnown(args, (known) => getTrustedProfile(known, options));
}

/** The Output form of `getTrustedProfiles`. */
export function getTrustedProfilesOutput(
  args: LookupInput<GetTrustedProfilesArgs> = {},
  options?: LookupOptions,
): pulumi.Output<{ readonly profiles: TrustedProfileResult[] }> {
  return whenKnown(args, (known) => getTrustedProfiles(known, options));
}

function resultOf({ id, ...profile }: Profile): TrustedProfileResult {
  return compact({ profileId: id, ...profile });
}
