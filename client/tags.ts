/** User tags of resources, by CRN (Global Tagging API, `/v3/tags`). */
import { VpcIdentityError } from "../core/errors";
import { flagIn, listIn, objectOf, textAt, textIn } from "./fields";
import { offsetAfter, walkPages } from "./pages";
import type { Session } from "./session";

const PAGE = 100;

/** The user tags that are attached to a resource. */
export async function tagsOf(session: Session, crn: string): Promise<string[]> {
  const doing = `list the tags of ${crn}`;
  const pages = walkPages(doing, async (start) => {
    const offset = Number(start ?? 0);
    const query = { tag_type: "user", attached_to: crn, limit: PAGE, offset };
    const { body } = await session.call({ api: "tags", method: "GET", path: "/v3/tags", query, doing });
    const fields = objectOf(body, "list of tags");
    return {
      items: listIn(fields, "items").map((item) => textAt(item, "name")),
      next: offsetAfter(offset, PAGE, fields),
    };
  });
  const names: string[] = [];
  for await (const name of pages) names.push(name);
  return names.sort();
}

/** Attaches and detaches what differs, and nothing else: tags that are in neither list stay as they are. */
export async function changeTags(
  session: Session,
  crn: string,
  { attach, detach }: { readonly attach: readonly string[]; readonly detach: readonly string[] },
): Promise<void> {
  if (detach.length > 0) await change(session, crn, "detach", detach);
  if (attach.length > 0) await change(session, crn, "attach", attach);
}

async function change(
  session: Session,
  crn: string,
  how: "attach" | "detach",
  names: readonly string[],
): Promise<void> {
  const doing = `${how} the tags ${names.join(", ")} ${how === "attach" ? "to" : "from"} ${crn}`;
  const { body } = await session.call({
    api: "tags",
    method: "POST",
    path: `/v3/tags/${how}`,
    query: { tag_type: "user" },
    body: { resources: [{ resource_id: crn }], tag_names: names },
    doing,
    // What is attached, or gone, already stays so.
    repeatable: true,
  });
  // Answered with 200 also when it was not done.
  const failed = listIn(objectOf(body, "result"), "results").find((result) => flagIn(result, "is_error") === true);
  if (failed === undefined) return;
  throw new VpcIdentityError(`${doing}: ${textIn(failed, "message") ?? "the service says only that it failed."}`, {
    code: "IBMID_TAGS_REFUSED",
  });
}
