/**
 * Resource ids of what lives inside a trusted profile: `<profile id>/<id>`, the form that Terraform's provider uses too.
 */
import { VpcIdentityError } from "../core/errors";
import { show } from "../core/validate";
import { profileIdOf } from "./references";

/** An object of a profile. */
export interface Pair {
  readonly profileId: string;
  readonly objectId: string;
}

/** @throws VpcIdentityError `IBMID_BAD_ID`, which says what the id should look like */
export function pairOf(id: string, kind: string): Pair {
  const slash = id.indexOf("/");
  const profileId = profileIdOf(id.slice(0, Math.max(0, slash)));
  const objectId = id.slice(slash + 1);
  if (profileId === undefined || objectId === "" || objectId.includes("/")) {
    throw new VpcIdentityError(`${show(id)} is no id of a ${kind}; must be "Profile-<uuid>/<${kind} id>".`, {
      code: "IBMID_BAD_ID",
    });
  }
  return { profileId, objectId };
}
