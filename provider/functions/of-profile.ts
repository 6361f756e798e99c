/** The argument of the functions that look up what belongs to a trusted profile. */
import { object } from "../../core/validate";
import { assertValid } from "../preflight";
import { profileIdOf, profileRule } from "../references";

const rule = object({ fields: { profileId: profileRule }, required: ["profileId"] });

/**
 * The id of the profile that `args` names by its id, IAM id or CRN.
 * @throws pulumi.ResourceError that lists every problem of the arguments of `look`
 */
export function profileIdIn(look: string, args: { readonly profileId: string }): string {
  assertValid(look, rule, args);
  return profileIdOf(args.profileId) ?? args.profileId;
}
