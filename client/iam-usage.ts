/** What IAM tells of an identity beside its settings, only when asked: how it was used, and who changed it. */
import { fieldsIn, listIn, present, textAt, textIn, type Fields } from "./fields";

/** When and how often an identity was used. */
export interface Activity {
  /** ISO 8601; absent when it never was. */
  readonly lastAuthn?: string;
  /** Number of logins. */
  readonly authnCount: number;
}

/** One change of an object. */
export interface HistoryItem {
  /** ISO 8601 */
  readonly timestamp: string;
  /** Who did it. */
  readonly iamId: string;
  /** Account of who did it. */
  readonly iamIdAccount: string;
  /** What was done, in IAM's words. */
  readonly action: string;
  /** What it was done with. */
  readonly params: readonly string[];
  /** The same as a sentence. */
  readonly message: string;
}

/** What to ask for; IBM calls the activity an expensive request. */
export interface Included {
  readonly includeActivity?: boolean | undefined;
  readonly includeHistory?: boolean | undefined;
}

/** The parameters of a call. */
export function includedQuery({ includeActivity, includeHistory }: Included): Record<string, true> {
  return {
    ...(includeActivity === true ? { include_activity: true } : {}),
    ...(includeHistory === true ? { include_history: true } : {}),
  };
}

/** Undefined when it was not asked for. */
export function activityIn(fields: Fields): Activity | undefined {
  if (fields.activity === undefined) return undefined;
  const activity = fieldsIn(fields, "activity");
  return present<Activity>({
    lastAuthn: textIn(activity, "last_authn"),
    authnCount: Number(activity.authn_count ?? 0),
  });
}

/** Undefined when it was not asked for. */
export function historyIn(fields: Fields): HistoryItem[] | undefined {
  if (fields.history === undefined) return undefined;
  return listIn(fields, "history").map((item) => ({
    timestamp: textAt(item, "timestamp"),
    iamId: textIn(item, "iam_id") ?? "",
    iamIdAccount: textIn(item, "iam_id_account") ?? "",
    action: textIn(item, "action") ?? "",
    params: Array.isArray(item.params) ? item.params.map(String) : [],
    message: textIn(item, "message") ?? "",
  }));
}
