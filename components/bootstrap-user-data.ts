/** User data in a program: made of Outputs as well as of plain values, and with a word of warning where it gets large. */
import * as pulumi from "@pulumi/pulumi";
import {
  type BootstrapOptions,
  type UserDataForm,
  userDataReport,
  validateBootstrap,
  validateUserDataForm,
} from "../bootstrap";
import { assertValid } from "../provider/preflight";
import type { DeepInput } from "./linked-instance-args";

/**
 * The user data of `bootstrapUserData`, from options in which every value may be an Output: for servers that another
 * provider makes.
 *
 * @throws pulumi.ResourceError that lists every problem of the plain values at once; those of Outputs show when they are known.
 * @example
 * const userData = bootstrapUserDataOutput({ iamTokens: [{ name: "default", profileId: profile.id }] });
 */
export function bootstrapUserDataOutput(
  options: DeepInput<BootstrapOptions> = {},
  form: DeepInput<UserDataForm> = {},
): pulumi.Output<string> {
  assertValid("bootstrapUserDataOutput", () => [], {}, [
    ...validateBootstrap(options, "options"),
    ...validateUserDataForm(form, "form"),
  ]);
  return pulumi
    .all([options, form])
    .apply(([known, how]) => warnedUserData(known as BootstrapOptions, how as UserDataForm));
}

/** `bootstrapUserData`, which warns of a size that is near the limit. */
export function warnedUserData(options: BootstrapOptions, form: UserDataForm): string {
  const { userData, warning } = userDataReport(options, form);
  if (warning !== undefined) void pulumi.log.warn(warning);
  return userData;
}
