/** Access groups: who is in them has their policies as well (IAM Access Groups API, `/v2/groups`). */
import { listIn, objectOf, textAt } from "./fields";
import { offsetAfter, walkPages } from "./pages";
import type { Session } from "./session";

/** An access group. */
export interface AccessGroup {
  /** `AccessGroupId-<uuid>`, or `AccessGroupId-PublicAccess` */
  readonly id: string;
  readonly name: string;
}

const PAGE = 100;

/** The access groups of the account that a user, service ID or trusted profile is in. */
export function listAccessGroups(
  session: Session,
  { iamId }: { readonly iamId: string },
): AsyncGenerator<AccessGroup, void, undefined> {
  const doing = `list the access groups of ${iamId}`;
  return walkPages(doing, async (start) => {
    const offset = Number(start ?? 0);
    const query = { account_id: await session.accountId(), iam_id: iamId, limit: PAGE, offset };
    const answer = await session.call({ api: "iam", method: "GET", path: "/v2/groups", query, doing });
    const body = objectOf(answer.body, "list of access groups");
    return {
      items: listIn(body, "groups").map((group) => ({ id: textAt(group, "id"), name: textAt(group, "name") })),
      next: offsetAfter(offset, PAGE, body),
    };
  });
}
