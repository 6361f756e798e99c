/**
 * Looks up what is linked to a trusted profile, the links that IBM Cloud made with servers included.
 *
 * Sources: IBM Cloud IAM Identity Services API, "List links to a trusted profile".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type ComputeResourceType, type LinkTarget, listLinks } from "../../client/iam-identity";
import { compact } from "../diff";
import { profileIdIn } from "./of-profile";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Whose links to look up. */
export interface GetTrustedProfileLinksArgs {
  /** The profile: its id (`Profile-<uuid>`), its IAM id or its CRN. */
  readonly profileId: string;
}

/** A link. */
export interface TrustedProfileLinkResult {
  /** Id of the link in its profile. */
  readonly linkId: string;
  /** Type of the compute resource. */
  readonly crType: ComputeResourceType;
  /** The compute resource, with every part that IAM knows of it. */
  readonly link: LinkTarget;
  /** Absent for a link that IBM Cloud made with a server. */
  readonly name?: string;
  /** Whether the compute resource may be in another account. */
  readonly isCrossAccount: boolean;
  /** IAM's tag of the version. */
  readonly entityTag: string;
  /** ISO 8601 */
  readonly createdAt?: string;
  /** ISO 8601 */
  readonly modifiedAt?: string;
}

/** The links of a profile. */
export interface TrustedProfileLinksResult {
  /** `Profile-<uuid>` */
  readonly profileId: string;
  /** The links, in no particular order. */
  readonly links: TrustedProfileLinkResult[];
}

/**
 * Looks the links of a trusted profile up.
 * @throws HttpError `IBMID_NOT_FOUND` when there is no such profile
 * @example
 * const { links } = await getTrustedProfileLinks({ profileId });
 */
export async function getTrustedProfileLinks(
  args: GetTrustedProfileLinksArgs,
  options?: LookupOptions,
): Promise<TrustedProfileLinksResult> {
  const profileId = profileIdIn("getTrustedProfileLinks", args);
  const links = await listLinks(programSession(options), profileId);
  return {
    profileId,
    links: links.map(({ id, ...link }) =>
      compact({ linkId: id, ...link, isCrossAccount: link.isCrossAccount ?? false }),
    ),
  };
}

/** The Output form of `getTrustedProfileLinks`. */
export function getTrustedProfileLinksOutput(
  args: LookupInput<GetTrustedProfileLinksArgs>,
  options?: LookupOptions,
): pulumi.Output<TrustedProfileLinksResult> {
  return whenKnown(args, (known) => getTrustedProfileLinks(known, options));
}
