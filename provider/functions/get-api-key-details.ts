/**
 * Looks up what is known of an API key, by its id or by its value. The value itself is never part of the answer.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Get details of an API key", "Get details of an API key by its value".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type ApiKey, getApiKey, getApiKeyByValue } from "../../client/iam-api-keys";
import { VpcIdentityError } from "../../core/errors";
import { flag, object, text } from "../../core/validate";
import { compact } from "../diff";
import { assertValid } from "../preflight";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Which key to look up: by id or by value, one of them. */
export interface GetApiKeyDetailsArgs {
  /**
   * Its id (`ApiKey-<uuid>`).
   * @default - `value` is given
   */
  readonly apiKeyId?: string;
  /**
   * The key itself.
   * @default - `apiKeyId` is given
   */
  readonly value?: string;
  /**
   * Whether to ask when and how often it was used; only with `apiKeyId`.
   * @default false
   */
  readonly includeActivity?: boolean;
  /**
   * Whether to ask who changed what of it.
   * @default false
   */
  readonly includeHistory?: boolean;
}

/** An API key without its value; `activity` and `history` only when they were asked for. */
export interface ApiKeyDetails extends Omit<ApiKey, "id" | "value"> {
  /** `ApiKey-<uuid>` */
  readonly apiKeyId: string;
}

const rule = object({
  fields: {
    apiKeyId: text({ pattern: /^ApiKey-\S+$/, allowed: 'the id of an API key ("ApiKey-<uuid>")' }),
    // Says nothing of what it saw.
    value: (value, property) =>
      typeof value === "string" && value !== "" ? [] : [{ property, reason: "must be the text of an API key" }],
    includeActivity: flag,
    includeHistory: flag,
  },
  exactlyOne: [["apiKeyId", "value"]],
  also: ({ value, includeActivity }) =>
    value !== undefined && includeActivity === true
      ? [
          {
            property: "includeActivity",
            reason: "is true; IAM tells the activity only of a key that is asked for by its id",
          },
        ]
      : [],
});

/**
 * Looks an API key up.
 * @throws VpcIdentityError `IBMID_NOT_FOUND` when there is none
 * @example
 * const { iamId, disabled } = await getApiKeyDetails({ apiKeyId: "ApiKey-..." });
 */
export async function getApiKeyDetails(args: GetApiKeyDetailsArgs, options?: LookupOptions): Promise<ApiKeyDetails> {
  assertValid("getApiKeyDetails", rule, args);
  const session = programSession(options);
  const { apiKeyId = "", value, ...included } = args;
  const key = await (value === undefined
    ? getApiKey(session, apiKeyId, included)
    : getApiKeyByValue(session, value, included));
  if (key === undefined) {
    throw new VpcIdentityError(`There is no API key ${value === undefined ? `"${apiKeyId}"` : "with this value"}.`, {
      code: "IBMID_NOT_FOUND",
    });
  }
  const { id, ...details } = { ...key, value: undefined };
  return compact({ apiKeyId: id, ...details });
}

/** The Output form of `getApiKeyDetails`. */
export function getApiKeyDetailsOutput(
  args: LookupInput<GetApiKeyDetailsArgs>,
  options?: LookupOptions,
): pulumi.Output<ApiKeyDetails> {
  return whenKnown(args, (known) => getApiKeyDetails(known, options));
}
