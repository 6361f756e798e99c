/**
 * What the simpler resources of the VPC API have in common: one path, one list, names, merge patches, and deletes that go
 * on after the answer.
 */
import { type Fields, fieldsIn, listIn, objectOf, textIn } from "./fields";
import { markIn, unlessGone, walkPages } from "./pages";
import { type Session, pathTo } from "./session";

/** A kind of resource: where it is found and how it is read. */
export interface Collection<T> {
  /** Path of the list: `/vpcs`. */
  readonly path: string;
  /** Name of the list in an answer. */
  readonly list: string;
  /** In messages: `VPC`. */
  readonly what: string;
  readonly read: (fields: Fields, etag: string) => T;
}

const readAs = <T>({ what, read }: Collection<T>, body: unknown, etag = ""): T => read(objectOf(body, what), etag);

export async function createIn<T>(session: Session, collection: Collection<T>, body: object, name = ""): Promise<T> {
  const { path, what } = collection;
  const doing = `create ${what} "${name}"`;
  const answer = await session.call({ api: "vpc", method: "POST", path, body, doing });
  return readAs(collection, answer.body, answer.headers.etag);
}

/** Undefined when it does not exist. */
export async function getFrom<T>(session: Session, collection: Collection<T>, id: string): Promise<T | undefined> {
  const path = pathTo(collection.path, id);
  const doing = `read ${collection.what} ${id}`;
  const answer = await unlessGone(session.call({ api: "vpc", method: "GET", path, doing }));
  return answer === undefined ? undefined : readAs(collection, answer.body, answer.headers.etag);
}

/** All pages, or those of what fits `filter`, which has the API's own names. */
export function listFrom<T>(
  session: Session,
  collection: Collection<T>,
  filter: Readonly<Record<string, string | undefined>> = {},
): AsyncGenerator<T, void, undefined> {
  const { path, list, what } = collection;
  const doing = `list ${what}s`;
  return walkPages(doing, async (start) => {
    const answer = await session.call({
      api: "vpc",
      method: "GET",
      path,
      query: { ...filter, limit: 100, start },
      doing,
    });
    const body = objectOf(answer.body, `list of ${what}s`);
    return {
      items: listIn(body, list).map((item) => readAs(collection, item)),
      next: markIn(textIn(fieldsIn(body, "next"), "href"), "start"),
    };
  });
}

/** Sends a merge patch. @param etag when given, the server refuses if somebody else changed the object since */
export async function patchIn<T>(
  session: Session,
  collection: Collection<T>,
  id: string,
  body: object,
  etag = "",
): Promise<T> {
  const answer = await session.call({
    api: "vpc",
    method: "PATCH",
    path: pathTo(collection.path, id),
    headers: etag === "" ? {} : { "if-match": etag },
    contentType: "application/merge-patch+json",
    body,
    doing: `update ${collection.what} ${id}`,
    // A merge patch sets values: setting them twice is as good as once.
    repeatable: true,
  });
  return readAs(collection, answer.body, answer.headers.etag);
}

/** Asks for the deletion, which may go on after the answer; what does not exist is done. */
export async function deleteFrom<T>(session: Session, { path, what }: Collection<T>, id: string): Promise<void> {
  const doing = `delete ${what} ${id}`;
  await unlessGone(session.call({ api: "vpc", method: "DELETE", path: pathTo(path, id), doing }));
}

/** A reference by id or CRN, as bodies want it. */
export function identity(value: string): { id: string } | { crn: string } {
  return value.startsWith("crn:") ? { crn: value } : { id: value };
}

/** The same for one that may be left out. */
export function optionalIdentity(value: string | undefined): { id: string } | { crn: string } | undefined {
  return value === undefined ? undefined : identity(value);
}
