/** User tags: their own endpoint, the difference only, all pages, and an answer that says 200 and means no. */
import { changeTags, tagsOf } from "../../client/tags";
import {
  API_KEY,
  sessionOn,
  startServer,
  withTokens,
  type OpenedSession,
  type Script,
  type ScriptedServer,
} from "./scripted-server";

let server: ScriptedServer;
let session: OpenedSession;

async function serve(script: Script): Promise<void> {
  server = await startServer(withTokens(script));
  session = sessionOn(server, { apiKey: API_KEY }, { env: { IBMCLOUD_GT_API_ENDPOINT: server.url } });
}

afterEach(async () => {
  await session.transport.close();
  await server.close();
});

const CRN = "crn:v1:bluemix:public:is:us-south-1:a/acc::instance:0717_1";
const calls = (): [string, unknown][] =>
  server
    .to("/v3/")
    .map(({ method, url, body }) => [`${method} ${url}`, body === "" ? undefined : (JSON.parse(body) as unknown)]);

it("attaches and detaches what differs, and asks for nothing where nothing does", async () => {
  await serve(() => ({ body: { results: [{ resource_id: CRN, is_error: false }] } }));
  await changeTags(session, CRN, { attach: ["a", "b"], detach: ["c"] });
  await changeTags(session, CRN, { attach: [], detach: [] });
  const resources = [{ resource_id: CRN }];
  expect(calls()).toEqual([
    ["POST /v3/tags/detach?tag_type=user", { resources, tag_names: ["c"] }],
    ["POST /v3/tags/attach?tag_type=user", { resources, tag_names: ["a", "b"] }],
  ]);
});

it("repeats a call whose answer was lost", async () => {
  await serve((_, index) => (index === 1 ? { instead: "reset" } : { body: { results: [] } }));
  await changeTags(session, CRN, { attach: ["a"], detach: [] });
  expect(calls()).toHaveLength(2);
});

it.each([
  [{ is_error: true, message: "No such tag." }, "No such tag."],
  [{ is_error: true }, "the service says only that it failed."],
])("raises what the service says of a tag: %j", async (result, text) => {
  await serve(() => ({ body: { results: [{ resource_id: CRN, ...result }] } }));
  await expect(changeTags(session, CRN, { attach: ["a"], detach: [] })).rejects.toMatchObject({
    code: "IBMID_TAGS_REFUSED",
    message: `attach the tags a to ${CRN}: ${text}`,
  });
});

it("lists the tags of one resource, all pages", async () => {
  const page = (names: string[]): object => ({ body: { total_count: 102, items: names.map((name) => ({ name })) } });
  await serve(({ url }) => (url.includes("offset=0") ? page(["b", "a"]) : page(["c"])));
  expect(await tagsOf(session, CRN)).toEqual(["a", "b", "c"]);
  const query = `tag_type=user&attached_to=${encodeURIComponent(CRN)}&limit=100`;
  expect(calls().map(([line]) => line)).toEqual([`GET /v3/tags?${query}&offset=0`, `GET /v3/tags?${query}&offset=100`]);
});
