/**
 * Where an object is: its region and its account. In any other place the API knows nothing of it and answers 404, which
 * would pass for "deleted" and leave the object behind with nobody who knows of it.
 */
import type { Session } from "../client/session";
import { VpcIdentityError } from "../core/errors";

/** What the state may tell of the place. */
export interface Placed {
  readonly crn?: unknown;
  readonly accountId?: unknown;
}

/** The account in a CRN, if it says one. */
export function accountIn(crn: string | undefined): string | undefined {
  return crn
    ?.split(":")
    .find((part) => part.startsWith("a/"))
    ?.slice(2);
}

/**
 * Refuses to work on an object from another region or account than it is in. Without a CRN or an account in the state
 * (only an id is known, or an earlier version made it) there is nothing to compare.
 * @throws VpcIdentityError `IBMID_WRONG_REGION` or `IBMID_WRONG_ACCOUNT`
 */
export async function assertPlace(session: Session, what: string, { crn, accountId }: Placed): Promise<void> {
  const [, , , , service, location = "", scope = ""] = typeof crn === "string" ? crn.split(":") : [];
  const region = location.replace(/-\d+$/, "");
  const current = regionOf(session);
  if (service === "is" && region !== "" && region !== current) {
    throw new VpcIdentityError(
      `${what} is in region "${region}", but the region of this run is "${current}". Set \`IBMCLOUD_REGION=${region}\`, or ` +
        `\`pulumi config set vpc-identity:region ${region}\` and run \`pulumi up\`: destroy and refresh use the config ` +
        "of the last update.",
      { code: "IBMID_WRONG_REGION" },
    );
  }
  const account = scope.startsWith("a/") ? scope.slice(2) : accountId;
  if (typeof account !== "string" || account === "") return;
  const own = await accountOf(session);
  if (own !== undefined && own !== account) {
    throw new VpcIdentityError(
      `${what} is in account ${account}, but the credentials of this run are for account ${own}. Use credentials of ` +
        `account ${account}, such as its API key in IBMCLOUD_API_KEY (or in vpc-identity:apiKey), and see that ` +
        "IBMCLOUD_ACCOUNT_ID and vpc-identity:accountId name no other account.",
      { code: "IBMID_WRONG_ACCOUNT" },
    );
  }
}

/** An endpoint that was given says more than a region that was left to its default. */
function regionOf({ settings }: Session): string {
  return (
    /^https:\/\/([^./]+)\.(?:private\.)?iaas\.cloud\.ibm\.com\//.exec(settings.vpcEndpoint)?.[1] ?? settings.region
  );
}

/** The account of this run; undefined for a token that does not say which account it is for. */
export async function accountOf(session: Session): Promise<string | undefined> {
  try {
    return await session.accountId();
  } catch (error) {
    if (error instanceof VpcIdentityError && error.code === "IBMID_BAD_SETTINGS") return undefined;
    throw error;
  }
}
