/** Servers that somebody else made and that are taken over, and deletes that are refused. */
import { createProfile } from "../../client/iam-identity";
import { deleteInstance, getInstance, listInstances } from "../../client/vpc";
import { handler } from "../../provider/instance";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";
import { placeOf } from "./instance-place";

let cloud: Cloud;
let profile: { readonly id: string; readonly crn: string };
let args: Record<string, unknown>;
let warnings: jest.SpyInstance;

beforeAll(async () => {
  cloud = await startCloud();
  profile = await createProfile(cloud.elsewhere, { name: "app" });
  args = {
    ...placeOf(cloud),
    sshKeyIds: [cloud.emulator.inventory().keys[0]?.id],
    defaultTrustedProfile: { target: profile.id },
    userData: "#!/bin/sh\ntrue\n",
  };
});
afterAll(() => cloud.close());
beforeEach(() => {
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(async () => {
  warnings.mockRestore();
  for await (const { id } of listInstances(cloud.elsewhere)) await deleteInstance(cloud.elsewhere, id);
});

const create = (more: object = {}): Promise<Life> => new Life(handler).create({ ...args, ...more });
const createdElsewhere = (more: object): Promise<Life> =>
  new Life(handler, `${"b2".repeat(16)}:app`).create({ ...args, ...more });
const servers = (): string[] => cloud.emulator.inventory().instances.map(({ id }) => id);

describe("a server of somebody else's", () => {
  it("is adopted when asked, and brought to what is wanted", async () => {
    const theirs = await createdElsewhere({ name: "web", userData: "theirs" });
    const wanted = { name: "web", adopt: true, metadataService: { responseHopLimit: 2 }, sshKeyIds: undefined };
    const life = await create(wanted);
    expect([life.id, servers()]).toEqual([theirs.id, [theirs.id]]);
    const live = await getInstance(cloud.elsewhere, life.id);
    expect(live?.metadataService).toMatchObject({ enabled: true, responseHopLimit: 2 });
    // What it was created with is known only as far as IBM Cloud tells it.
    expect(life.outputs).toMatchObject({ sshKeyIds: args.sshKeyIds, defaultTrustedProfile: { crn: profile.crn } });
    expect(life.outputs).not.toHaveProperty("userDataSha256");
    expect(await life.diff({ ...args, ...wanted })).toMatchObject({ changes: false });
    expect(await life.diff({ ...args, ...wanted, adopt: false })).toMatchObject({ changes: false });
  });

  it("is not adopted when the next run would replace it", async () => {
    const theirs = await createdElsewhere({ name: "web" });
    const other = { defaultTrustedProfile: undefined, userDataChange: "replace" };
    expect(await rejectionOf(create({ name: "web", adopt: true, ...other }))).toBe(
      `server "web" (${theirs.id}) cannot be adopted: it differs in defaultTrustedProfile, userData ` +
        "(IBM Cloud does not tell what a server got), and the next run would replace it. Give the arguments that it " +
        "has, or choose another name.",
    );
    expect(servers()).toEqual([theirs.id]);
  });
});

describe("a delete", () => {
  it("is repeated while the server is in between", async () => {
    const life = await create();
    const count = cloud.fail("DELETE", /^\/v1\/instances\//, { status: 409 });
    await life.delete();
    expect([count.fired, servers()]).toEqual([1, []]);
  });

  it("fails when the server may not be deleted", async () => {
    const life = await create();
    cloud.fail("DELETE", /^\/v1\/instances\//, { status: 403 });
    expect(await rejectionOf(life.delete())).toContain("403");
    expect(servers()).toEqual([life.id]);
  });
});
