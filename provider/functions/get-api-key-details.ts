/**
 * Looks up what is known of an API key, by its id or by its value. The value itself is never part of the answer.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Get details of an API key", "Get details of an API key by its value".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type ApiKey, getApiKey, getApiKeyByValue } from "../../client/iam-api-keys";
import { VpcIdentityError } from "../../core/errors";
import { object, text } from "../../core/validate";
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
}

/** An API key without its value. */
export interface ApiKeyDetails extends Omit<ApiKey, "id" | "value"> {
  readonly apiKeyId: string;
}

const rule = object({
  fields: {
    apiKeyId: text({ pattern: /^ApiKey-\S+$/, allowed: 'the id of an API key ("ApiKey-<uuid>")' }),
    // Says nothing of what it saw.
    value: (value, property) =>
      typeof value === "string" && value !== "" ? [] : [{ property, reason: "must be the text of an API key" }],
  },
  exactlyOne: [["apiKeyId", "value"]],
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
  const { apiKeyId = "", value } = args;
  const key = value === undefined ? await getApiKey(session, apiKeyId) : await getApiKeyByValue(session, value);
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
