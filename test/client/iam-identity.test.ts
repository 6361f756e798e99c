/** Trusted profiles and links: field by field in both directions, all pages, and what counts as gone. */
import {
  createLink,
  createProfile,
  deleteLink,
  deleteProfile,
  getLink,
  getProfile,
  listLinks,
  listProfiles,
  updateProfile,
} from "../../client/iam-identity";
import {
  ACCOUNT,
  sessionOn,
  startServer,
  withTokens,
  type OpenedSession,
  type Reply,
  type Script,
  type ScriptedServer,
} from "./scripted-server";

let server: ScriptedServer;
let session: OpenedSession;

async function serve(script: Script): Promise<void> {
  server = await startServer(withTokens(script));
  session = sessionOn(server);
}

afterEach(async () => {
  await session.transport.close();
  await server.close();
});

const ID = "Profile-9fd84246-7df4-4667-94e4-8ecde51d5ac5";
const wire = {
  id: ID,
  iam_id: `iam-${ID}`,
  crn: `crn:v1:bluemix:public:iam-identity::a/${ACCOUNT}::profile:${ID}`,
  name: "web",
  description: null,
  account_id: ACCOUNT,
  entity_tag: "1-abc",
  created_at: "2026-01-01T00:00+0000",
};
const profile = {
  id: ID,
  iamId: wire.iam_id,
  crn: wire.crn,
  name: "web",
  accountId: ACCOUNT,
  entityTag: "1-abc",
  createdAt: wire.created_at,
};
const api = (): { method: string; url: string; body: unknown; ifMatch: string | undefined }[] =>
  server.to("/v1/").map(({ method, url, body, headers }) => ({
    method,
    url,
    body: body === "" ? undefined : (JSON.parse(body) as unknown),
    ifMatch: headers["if-match"],
  }));

describe("trusted profiles", () => {
  it("create: account from the token, absent fields absent, null read as absent", async () => {
    await serve(() => ({ status: 201, body: wire }));
    const created = await createProfile(session, { name: "web", email: "a@example.com" });
    expect(created).toStrictEqual(profile);
    expect(api()).toEqual([
      {
        method: "POST",
        url: "/v1/profiles",
        body: { name: "web", account_id: ACCOUNT, email: "a@example.com" },
        ifMatch: undefined,
      },
    ]);
    expect(server.to("/v1/")[0]?.headers["transaction-id"]).toMatch(/^[0-9a-f]{32}$/);
  });

  it("create: in another account when one is named", async () => {
    await serve(() => ({ status: 201, body: wire }));
    await createProfile(session, { name: "web", accountId: "0".repeat(32) });
    expect(api()[0]?.body).toEqual({ name: "web", account_id: "0".repeat(32) });
  });

  it("update: only what is given, an empty text clears, with the tag", async () => {
    await serve(() => ({ body: { ...wire, entity_tag: "2-def" } }));
    const updated = await updateProfile(session, ID, "1-abc", { description: "" });
    expect(updated.entityTag).toBe("2-def");
    expect(api()).toEqual([{ method: "PUT", url: `/v1/profiles/${ID}`, body: { description: "" }, ifMatch: "1-abc" }]);
  });

  it("read: the numbers of the classic infrastructure, the template and the use, where IAM tells them", async () => {
    await serve(() => ({
      body: {
        ...wire,
        template_id: "ProfileTemplate-1",
        assignment_id: "TemplateAssignment-1",
        ims_account_id: 1234567,
        ims_user_id: 7654321,
        activity: { last_authn: "2026-02-01T00:00+0000", authn_count: 3 },
      },
    }));
    expect(await getProfile(session, ID, { includeActivity: true })).toStrictEqual({
      ...profile,
      templateId: "ProfileTemplate-1",
      assignmentId: "TemplateAssignment-1",
      imsAccountId: 1234567,
      imsUserId: 7654321,
      activity: { lastAuthn: "2026-02-01T00:00+0000", authnCount: 3 },
    });
    expect(api().map(({ url }) => url)).toEqual([`/v1/profiles/${ID}?include_activity=true`]);
  });

  it("list: every page, the next one only when it is wanted, and its host never followed", async () => {
    await serve(({ url }) => {
      const mark = new URL(url, server.url).searchParams.get("pagetoken");
      const next = mark === null ? "t1" : mark === "t1" ? "t2" : undefined;
      const address = next && `https://elsewhere.example.com/v1/profiles?pagetoken=${next}&pagesize=100`;
      return { body: { profiles: [{ ...wire, name: `of ${mark ?? "first"}` }], next: address } };
    });
    const pages = listProfiles(session, { name: "web" });
    expect((await pages.next()).value).toMatchObject({ name: "of first" });
    expect(api()).toHaveLength(1);
    const rest = [];
    for await (const { name } of pages) rest.push(name);
    expect(rest).toEqual(["of t1", "of t2"]);
    expect(api().map(({ url }) => url)).toEqual([
      `/v1/profiles?account_id=${ACCOUNT}&name=web&pagesize=100`,
      `/v1/profiles?account_id=${ACCOUNT}&name=web&pagesize=100&pagetoken=t1`,
      `/v1/profiles?account_id=${ACCOUNT}&name=web&pagesize=100&pagetoken=t2`,
    ]);
  });

  it("list: a server that goes round in circles is an error, not an endless loop", async () => {
    await serve(() => ({ body: { profiles: [], next: "https://iam/v1/profiles?pagetoken=same" } }));
    await expect(listProfiles(session).next()).rejects.toMatchObject({ code: "IBMID_BAD_ANSWER" });
    expect(api()).toHaveLength(2);
  });
});

describe("what counts as gone", () => {
  const gone: Reply = { status: 404, body: { errors: [{ code: "not_found", message: "No such profile." }] } };
  const notOurs: { name: string; reply: Reply }[] = [
    { name: "a page of something else", reply: { status: 404, text: "<html>nginx</html>" } },
    { name: "no body", reply: { status: 404 } },
    { name: "a route that does not exist", reply: { status: 404, body: { errors: [{ code: "invalid_route" }] } } },
  ];

  it("404 of the API: undefined when read, done when deleted", async () => {
    await serve(() => gone);
    expect(await getProfile(session, ID)).toBeUndefined();
    expect(await getLink(session, ID, "Link-1")).toBeUndefined();
    await deleteProfile(session, ID);
    await deleteLink(session, ID, "Link-1");
    expect(api().map(({ method }) => method)).toEqual(["GET", "GET", "DELETE", "DELETE"]);
  });

  it.each(notOurs)("404 from $name is an error: nothing is forgotten because of it", async ({ reply }) => {
    await serve(() => reply);
    await expect(getProfile(session, ID)).rejects.toMatchObject({ status: 404 });
    await expect(deleteProfile(session, ID)).rejects.toMatchObject({ status: 404 });
  });

  it("403 is an error", async () => {
    await serve(() => ({ status: 403, body: { errors: [{ code: "forbidden", message: "No." }] } }));
    await expect(getProfile(session, ID)).rejects.toMatchObject({ code: "IBMID_FORBIDDEN" });
  });

  it.each(["", ".", ".."])("an id %j never addresses the whole list or its parent", async (id) => {
    await serve(() => ({ body: {} }));
    await expect(deleteProfile(session, id)).rejects.toMatchObject({ code: "IBMID_BAD_ID" });
    expect(server.seen).toEqual([]);
  });

  it("an id is encoded", async () => {
    await serve(() => gone);
    await getProfile(session, "../profiles?x=1");
    expect(api()[0]?.url).toBe("/v1/profiles/..%2Fprofiles%3Fx%3D1");
  });

  it("an answer without what every profile has is an error that names it", async () => {
    await serve(() => ({ body: { ...wire, entity_tag: undefined } }));
    await expect(getProfile(session, ID)).rejects.toThrow(/no "entity_tag" that is a text/);
  });
});

describe("links", () => {
  const linkWire = {
    id: "Link-1",
    cr_type: "CE",
    entity_tag: "1-l",
    created_at: "2026-01-01T00:00+0000",
    modified_at: "2026-01-01T00:00+0000",
    link: { crn: "crn:c", component_type: "application", component_name: "app" },
    is_cross_account: false,
  };
  const link = {
    id: "Link-1",
    crType: "CE",
    entityTag: "1-l",
    createdAt: linkWire.created_at,
    modifiedAt: linkWire.modified_at,
    link: { crn: "crn:c", componentType: "application", componentName: "app" },
    isCrossAccount: false,
  };

  it("create and list map every field both ways", async () => {
    await serve(({ method }) =>
      method === "POST" ? { status: 201, body: linkWire } : { body: { links: [linkWire] } },
    );
    const created = await createLink(session, ID, {
      crType: "CE",
      link: { crn: "crn:c", componentType: "application", componentName: "app" },
      name: "mark",
      isCrossAccount: true,
    });
    expect(created).toStrictEqual(link);
    expect(await listLinks(session, ID)).toStrictEqual([link]);
    expect(api()[0]).toMatchObject({
      url: `/v1/profiles/${ID}/links`,
      body: {
        cr_type: "CE",
        link: { crn: "crn:c", component_type: "application", component_name: "app" },
        name: "mark",
        is_cross_account: true,
      },
    });
  });
});
