/** The access groups of an identity: all pages, and an answer that makes no sense. */
import { listAccessGroups } from "../../client/iam-access-groups";
import {
  ACCOUNT,
  sessionOn,
  startServer,
  withTokens,
  type OpenedSession,
  type ScriptedServer,
} from "./scripted-server";

let server: ScriptedServer;
let session: OpenedSession;

async function serve(pageOf: (offset: string | null) => unknown): Promise<void> {
  const script = withTokens(({ url }) => ({ body: pageOf(new URL(url, "http://test").searchParams.get("offset")) }));
  server = await startServer(script);
  session = sessionOn(server);
}

afterEach(async () => {
  await session.transport.close();
  await server.close();
});

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const { id, name } of listAccessGroups(session, { iamId: "iam-Profile-1" })) found.push(`${id} ${name}`);
  return found;
}

it("lists the groups that somebody is in, all pages", async () => {
  const group = (number: number): object => ({ id: `AccessGroupId-${number}`, name: `group ${number}` });
  await serve((offset) => ({ total_count: 101, groups: [group(offset === "0" ? 1 : 2)] }));
  expect(await names()).toEqual(["AccessGroupId-1 group 1", "AccessGroupId-2 group 2"]);
  const query = `account_id=${ACCOUNT}&iam_id=iam-Profile-1&limit=100`;
  expect(server.to("/v2/groups").map(({ url }) => url)).toEqual([
    `/v2/groups?${query}&offset=0`,
    `/v2/groups?${query}&offset=100`,
  ]);
});

it("somebody who is in none", async () => {
  await serve(() => ({ total_count: 0, groups: [] }));
  expect(await names()).toEqual([]);
  expect(server.to("/v2/groups")).toHaveLength(1);
});

it("an answer that is no list is an error, and not an empty list", async () => {
  await serve(() => ["AccessGroupId-1"]);
  await expect(names()).rejects.toMatchObject({ code: "IBMID_BAD_ANSWER" });
});
