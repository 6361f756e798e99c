/**
 * Answers which trusted profiles a server may become, and why.
 *
 * Sources: IBM Cloud VPC API, "Retrieve initialization configuration"; IBM Cloud IAM Identity Services API, "List links to a
 * trusted profile", "List claim rules for a trusted profile".
 */
import type * as pulumi from "@pulumi/pulumi";
import { listClaimRules } from "../../client/iam-claim-rules";
import { type Profile, listLinks, listProfiles } from "../../client/iam-identity";
import type { Session } from "../../client/session";
import { getInitialization } from "../../client/vpc";
import { type ServerClaims, getServerClaims } from "../../client/vpc-lookups";
import { list, object } from "../../core/validate";
import { fromWire } from "../claim-conditions";
import { describeCondition, unmetConditions } from "../claim-match";
import { assertValid } from "../preflight";
import { REFERENCE, nameRule, profileIdOf, profileRule } from "../references";
import { notFound } from "./find-one";
import { type GetInstanceArgs, findInstance } from "./get-instance";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Which server to look at. */
export interface GetInstanceIdentityArgs extends GetInstanceArgs {
  /**
   * Profiles to look at: ids, IAM ids or CRNs. IAM answers for one profile at a time, two calls for each. Whether the
   * server's default is possible is answered in any case.
   * @default - all profiles of the account
   */
  readonly profileIds?: readonly string[];
}

/** Why a server may become a profile. */
export type IdentityReason =
  | { readonly kind: "link"; readonly linkId: string; readonly text: string }
  | { readonly kind: "claimRule"; readonly ruleId: string; readonly text: string };

/** A profile that the server may become. */
export interface PossibleProfile {
  /** Id of the profile (`Profile-<uuid>`). */
  readonly profileId: string;
  /** IAM id of the profile (`iam-Profile-<uuid>`). */
  readonly iamId: string;
  /** CRN. */
  readonly crn: string;
  /** Name. */
  readonly name: string;
  /** Whether the server becomes it when it does not name one. */
  readonly isDefault: boolean;
  /** At least one. */
  readonly reasons: IdentityReason[];
}

/** A claim rule for virtual servers that this one does not meet. */
export interface UnmetClaimRule {
  /** Id of the profile (`Profile-<uuid>`). */
  readonly profileId: string;
  /** Name of the profile. */
  readonly profileName: string;
  /** Id of the claim rule. */
  readonly ruleId: string;
  /** What is not met, condition by condition. */
  readonly unmet: string[];
}

/** The identity of a server. */
export interface InstanceIdentityResult {
  /** Id of the server. */
  readonly instanceId: string;
  /** CRN of the server. */
  readonly instanceCrn: string;
  /** Name of the server. */
  readonly name: string;
  /** Without the metadata service a server becomes nothing at all. */
  readonly metadataServiceEnabled: boolean;
  /** What claim rules can ask of it, by the names of the claims. */
  readonly claims: Readonly<Record<string, string>>;
  /** Profile it was created with, and whether it may become it now: a default alone gives no right to it. */
  readonly defaultTrustedProfile?: {
    readonly profileId: string;
    readonly crn: string;
    readonly autoLink: boolean;
    readonly isPossible: boolean;
  };
  /** Profiles it may become. Those of other accounts, which may link to it too, cannot be seen from here. */
  readonly profiles: PossibleProfile[];
  /** Claim rules for virtual servers that do not match it. */
  readonly unmetClaimRules: UnmetClaimRule[];
  /** All of this in a few sentences, for people. */
  readonly summary: string;
}

const rule = object({
  fields: { instanceId: REFERENCE, name: nameRule, profileIds: list(profileRule) },
  exactlyOne: [["instanceId", "name"]],
});

/** Profiles that are asked about at the same time. */
const AT_ONCE = 8;

/**
 * Answers which trusted profiles a server may become, and why: links to it, and claim rules that it meets.
 * @throws VpcIdentityError `IBMID_NOT_FOUND` when there is no such server or profile
 * @example
 * const { profiles, summary } = await getInstanceIdentity({ name: "shop" });
 */
export async function getInstanceIdentity(
  args: GetInstanceIdentityArgs,
  options?: LookupOptions,
): Promise<InstanceIdentityResult> {
  assertValid("getInstanceIdentity", rule, args);
  const session = programSession(options);
  const instance = await findInstance(session, args);
  const [server, initialization, candidates] = await Promise.all([
    getServerClaims(session, instance.id),
    getInitialization(session, instance.id),
    profilesOf(session),
  ]);
  if (server === undefined) throw notFound(session, `server "${instance.id}"`);
  const defaultProfile = initialization?.defaultTrustedProfile;
  const wanted = args.profileIds?.map((id) => profileIdOf(id) ?? id);
  const missing = wanted?.find((id) => !candidates.some((profile) => profile.id === id));
  if (missing !== undefined) throw notFound(session, `trusted profile "${missing}"`);
  const isWanted = ({ id }: Profile): boolean => wanted === undefined || wanted.includes(id);
  const isDefault = ({ id }: Profile): boolean => id === defaultProfile?.target.id;
  // Whether the default is possible is always answered, so it is always looked at.
  const looks = await inTurn(
    candidates.filter((profile) => isWanted(profile) || isDefault(profile)),
    (profile) => lookAt(session, profile, server),
  );
  const looked = looks.filter(({ profile }) => isWanted(profile));
  const profiles = looked
    .filter(({ reasons }) => reasons.length > 0)
    .map(({ profile, reasons }): PossibleProfile => {
      const { id, iamId, crn, name } = profile;
      return { profileId: id, iamId, crn, name, isDefault: isDefault(profile), reasons };
    });
  const found = {
    instanceId: server.id,
    instanceCrn: server.crn,
    name: server.name,
    metadataServiceEnabled: instance.metadataService.enabled,
    claims: server.claims,
    ...(defaultProfile === undefined
      ? {}
      : {
          defaultTrustedProfile: {
            profileId: defaultProfile.target.id,
            crn: defaultProfile.target.crn,
            autoLink: defaultProfile.autoLink,
            isPossible: looks.some(({ profile, reasons }) => isDefault(profile) && reasons.length > 0),
          },
        }),
    profiles,
    unmetClaimRules: looked.flatMap(({ unmet }) => unmet),
  };
  return { ...found, summary: summaryOf(found, wanted === undefined) };
}

/** The Output form of `getInstanceIdentity`. */
export function getInstanceIdentityOutput(
  args: LookupInput<GetInstanceIdentityArgs>,
  options?: LookupOptions,
): pulumi.Output<InstanceIdentityResult> {
  return whenKnown(args, (known) => getInstanceIdentity(known, options));
}

async function profilesOf(session: Session): Promise<Profile[]> {
  const profiles: Profile[] = [];
  for await (const profile of listProfiles(session)) profiles.push(profile);
  return profiles;
}

async function inTurn<T, Result>(items: readonly T[], work: (item: T) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))));
  }
  return results;
}

interface Look {
  readonly profile: Profile;
  readonly reasons: IdentityReason[];
  readonly unmet: UnmetClaimRule[];
}

async function lookAt(session: Session, profile: Profile, server: ServerClaims): Promise<Look> {
  const [links, rules] = await Promise.all([listLinks(session, profile.id), listClaimRules(session, profile.id)]);
  const linked = links
    .filter(({ crType, link }) => crType === "VSI" && link.crn === server.crn)
    .map((link): IdentityReason => ({ kind: "link", linkId: link.id, text: `link ${link.id} names the server's CRN` }));
  const forServers = rules
    .filter(({ type, crType }) => type === "Profile-CR" && crType === "VSI")
    .map(({ id, conditions }) => ({ id, conditions: conditions.map(fromWire) }))
    .map((each) => ({ ...each, unmet: unmetConditions(each.conditions, server.claims) }));
  const matching = forServers
    .filter(({ unmet }) => unmet.length === 0)
    .map(({ id, conditions }): IdentityReason => {
      return { kind: "claimRule", ruleId: id, text: `rule ${id}: ${conditions.map(describeCondition).join(" and ")}` };
    });
  const unmet = forServers
    .filter((each) => each.unmet.length > 0)
    .map(({ id, unmet: why }) => ({ profileId: profile.id, profileName: profile.name, ruleId: id, unmet: why }));
  return { profile, reasons: [...linked, ...matching], unmet };
}

function summaryOf(found: Omit<InstanceIdentityResult, "summary">, ofAll: boolean): string {
  const { name, metadataServiceEnabled, defaultTrustedProfile, profiles } = found;
  const may = profiles.map((profile) => {
    const why = profile.reasons.map(({ text }) => text).join("; ");
    return `may become "${profile.name}" (${profile.profileId})${profile.isDefault ? ", its default" : ""}: ${why}.`;
  });
  const lines = [
    ...(metadataServiceEnabled ? [] : ["becomes nothing as long as its metadata service is off."]),
    ...(may.length === 0
      ? [`may become ${ofAll ? "no trusted profile of this account" : "none of the trusted profiles asked for"}.`]
      : may),
    ...(defaultTrustedProfile?.isPossible === false
      ? [
          `was created with the default ${defaultTrustedProfile.profileId}, but neither a link nor a claim rule lets it become ` +
            "that now.",
        ]
      : []),
  ];
  return lines.map((line) => `Server "${name}" ${line}`).join("\n");
}
