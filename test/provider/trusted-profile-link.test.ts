/** Links: what may be linked, that every change makes another link, and a life against the emulator. */
import { createLink, createProfile, deleteLink, deleteProfile, getLink, listLinks } from "../../client/iam-identity";
import { UNKNOWN_SENTINEL } from "../../core/validate";
import { handler } from "../../provider/trusted-profile-link";
import { Life, rejectionOf, testCloud } from "./cloud";

const cloud = testCloud();
let profile: { readonly id: string; readonly iamId: string; readonly crn: string };
let crn: string;
let args: Record<string, unknown>;

beforeAll(async () => {
  profile = await createProfile(cloud.elsewhere, { name: "app" });
  crn = `crn:v1:bluemix:public:is:us-south-1:a/${cloud.emulator.accountId}::instance:0717_1`;
  args = { profileId: profile.id, crType: "VSI", link: { crn } };
});

afterEach(async () => {
  for (const { id } of await listLinks(cloud.elsewhere, profile.id)) await deleteLink(cloud.elsewhere, profile.id, id);
});

const create = (more: object = {}): Promise<Life> => new Life(handler).create({ ...args, ...more });
const links = async (): Promise<string[]> => (await listLinks(cloud.elsewhere, profile.id)).map(({ id }) => id);

describe("check", () => {
  it.each<[string, object, string[]]>([
    [
      "nothing",
      { profileId: undefined, crType: undefined, link: undefined },
      [
        "profileId: is missing; it is required",
        "crType: is missing; it is required",
        "link: is missing; it is required",
      ],
    ],
    [
      "a wrong profile, type and CRN",
      { profileId: "app", crType: "EC2", link: { crn: "0717_1" }, name: "" },
      [
        'profileId: is "app"; must be a profile id ("Profile-<uuid>"), the profile\'s IAM id or its CRN',
        'crType: is "EC2"; must be one of "VSI", "BMS", "PVS", "IKS_SA", "ROKS_SA", "CE"',
        'link.crn: is "0717_1"; must be the CRN of a compute resource',
        'name: is ""; must be a text of 1 to 255 characters',
      ],
    ],
    [
      "a server with a name inside the link",
      { link: { crn: "C", name: "web", namespace: "n" } },
      ['link.namespace: is "n"; a link of type VSI has none', 'link.name: is "web"; a link of type VSI has none'],
    ],
    [
      "a cluster without a service account",
      { crType: "IKS_SA", link: { crn: "C" } },
      [
        "link.namespace: is missing; a link of type IKS_SA needs it",
        "link.name: is missing; a link of type IKS_SA needs it",
      ],
    ],
    [
      "Code Engine with half a component",
      { crType: "CE", link: { crn: "C", componentType: "job", name: "x" } },
      ['link.name: is "x"; a link of type CE has none', "link.componentName: is missing; a link of type CE needs it"],
    ],
    [
      "a misspelt argument",
      { isCrossAcount: true },
      [
        'isCrossAcount: is not an argument; did you mean "isCrossAccount"? Allowed: profileId, crType, link, name, ' +
          "isCrossAccount, adopt",
      ],
    ],
  ])("refuses %s", async (_name, change, expected) => {
    const filled = JSON.parse(JSON.stringify({ ...args, ...change }).replaceAll('"C"', JSON.stringify(crn))) as object;
    const { failures = [] } = await new Life(handler).check({ ...filled });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual(expected);
  });

  it("leaves the name unknown while the server's CRN is", async () => {
    const { inputs } = await new Life(handler).check({ ...args, link: { crn: UNKNOWN_SENTINEL } });
    expect(inputs).toMatchObject({ name: UNKNOWN_SENTINEL });
  });
});

describe("life", () => {
  it.each<[string, string, object]>([
    ["a virtual server", "VSI", {}],
    ["a bare metal server", "BMS", {}],
    ["a Power server", "PVS", {}],
    ["a Kubernetes service account", "IKS_SA", { namespace: "shop", name: "web" }],
    ["an OpenShift service account", "ROKS_SA", { namespace: "shop", name: "web" }],
    ["a Code Engine job", "CE", { componentType: "job", componentName: "nightly" }],
  ])("of a link to %s begins with one call and has every output", async (_name, crType, parts) => {
    const life = await create({ crType, link: { crn, ...parts } });
    expect(cloud.calls()).toEqual([`POST /v1/profiles/${profile.id}/links`]);
    expect(life.id).toMatch(new RegExp(`^${profile.id}/Link-`));
    expect(life.outputs).toEqual({
      profileId: profile.id,
      crType,
      link: { crn, ...parts },
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      isCrossAccount: false,
      entityTag: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      modifiedAt: expect.any(String) as string,
      mark: life.inputs.mark,
    });
    expect(await life.diff({ ...args, crType, link: { crn, ...parts } })).toMatchObject({ changes: false });
  });

  it.each<[string, object, string[]]>([
    ["nothing changed", {}, []],
    ["the profile by its CRN", { profileId: "CRN" }, []],
    ["the profile by its IAM id", { profileId: "IAM" }, []],
    ["that it crosses no account", { isCrossAccount: false }, []],
    ["another server", { link: { crn: "crn:v1:bluemix:public:is:us-south-1:a/0::instance:2" } }, ["link"]],
    ["a server not known yet", { link: { crn: UNKNOWN_SENTINEL } }, ["link"]],
    ["another type", { crType: "BMS" }, ["crType"]],
    ["another profile", { profileId: "Profile-00000000-0000-4000-8000-000000000000" }, ["profileId"]],
    ["a name", { name: "web" }, ["name"]],
    ["that it crosses accounts", { isCrossAccount: true }, ["isCrossAccount"]],
    ["adopt, which only counts at creation", { adopt: true }, []],
  ])("sees %s", async (_name, change, expected) => {
    const names: Record<string, string> = { CRN: profile.crn, IAM: profile.iamId };
    const { profileId } = change as { profileId?: string };
    const wanted = {
      ...args,
      ...change,
      ...(profileId === undefined ? {} : { profileId: names[profileId] ?? profileId }),
    };
    const { changes, replaces, deleteBeforeReplace } = await (await create()).diff(wanted);
    expect([changes, replaces, deleteBeforeReplace]).toEqual([expected.length > 0, expected, true]);
  });

  it("links across accounts only when told to", async () => {
    const foreign = crn.replace(/a\/[^:]+/, `a/${"f".repeat(32)}`);
    expect(await rejectionOf(create({ link: { crn: foreign } }))).toContain("is_cross_account");
    const life = await create({ link: { crn: foreign }, isCrossAccount: true });
    expect((await getLink(cloud.elsewhere, profile.id, life.id.split("/")[1] ?? ""))?.isCrossAccount).toBe(true);
  });

  it("is gone after a refresh when its server went, and ends without an error", async () => {
    const life = await create();
    await deleteLink(cloud.elsewhere, profile.id, life.id.split("/")[1] ?? "");
    cloud.calls();
    expect(await life.refresh()).toBe(false);
    expect(cloud.calls()).toEqual([`GET /v1/profiles/${life.id.replace("/", "/links/")}`]);
    await life.delete();
  });

  it("ends without an error when even the profile is gone", async () => {
    const other = await createProfile(cloud.elsewhere, { name: "other" });
    const life = await create({ profileId: other.id });
    await deleteProfile(cloud.elsewhere, other.id);
    await life.delete();
    expect(await life.refresh()).toBe(false);
  });

  it("keeps its state in a refresh without drift", async () => {
    const life = await create();
    const [inputs, outputs] = [life.inputs, life.outputs];
    expect(await life.refresh()).toBe(true);
    expect([life.inputs, life.outputs]).toEqual([inputs, outputs]);
  });

  it("is read by id alone", async () => {
    const life = await create();
    expect(await handler.read?.(life.id, {} as never)).toEqual({
      id: life.id,
      props: { ...life.outputs, mark: undefined },
    });
    const missing = `${profile.id}/Link-0`;
    expect(await rejectionOf(Promise.resolve(handler.read?.(missing, {} as never)))).toBe(
      `trusted profile link "${missing}" does not exist in this account and region. Check the id and the credentials.`,
    );
    expect(await rejectionOf(Promise.resolve(handler.read?.("Link-0", {} as never)))).toBe(
      '"Link-0" is no id of a link; must be "Profile-<uuid>/<link id>".',
    );
  });
});

describe("a link that exists already", () => {
  it("and is not ours is named, not taken", async () => {
    const theirs = await createLink(cloud.elsewhere, profile.id, { crType: "VSI", link: { crn } });
    expect(await rejectionOf(create())).toBe(
      `link of ${crn} to trusted profile ${profile.id} cannot be created: the link ${theirs.id} (without a name: IBM Cloud ` +
        "made it with the server) exists already and was not made by this stack. Choose another name or delete it, or set " +
        "`adopt: true` to manage it from here (also its deletion).",
    );
    expect(await links()).toEqual([theirs.id]);
  });

  it("is adopted when asked, and stays as it is", async () => {
    const theirs = await createLink(cloud.elsewhere, profile.id, { crType: "VSI", link: { crn } });
    const life = await create({ adopt: true });
    expect(life.id).toBe(`${profile.id}/${theirs.id}`);
    expect(await life.diff({ ...args, adopt: true })).toMatchObject({ changes: false });
  });

  it("is not adopted under another name, which IAM could not give it", async () => {
    await createLink(cloud.elsewhere, profile.id, { crType: "VSI", link: { crn }, name: "theirs" });
    expect(await rejectionOf(create({ adopt: true, name: "mine" }))).toContain(
      "IAM cannot change the name of a link. Leave `name` out to adopt it.",
    );
  });

  it("is ours when an earlier create was killed before it could tell", async () => {
    const first = await create();
    const second = await create();
    expect([second.id, await links()]).toEqual([first.id, [first.id.split("/")[1]]]);
  });
});
