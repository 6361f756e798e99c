/** Instance groups: templates that link, differences as a table, waiting for members, and a life against the emulator. */
import { createProfile } from "../../client/iam-identity";
import {
  createInstanceGroup,
  deleteInstanceGroup,
  getInstanceGroup,
  listInstanceGroups,
  updateInstanceGroup,
} from "../../client/vpc-instance-groups";
import { createTemplate, deleteTemplate, listTemplates } from "../../client/vpc-templates";
import { handler } from "../../provider/instance-group";
import { InstanceGroup } from "../../provider/instance-group";
import { InstanceTemplate } from "../../provider/instance-template";
import { type Cloud, Life, rejectionOf, startCloud } from "./cloud";
import { refusalOf, startProgram } from "./program";

let cloud: Cloud;
let template: string;
let secondTemplate: string;
let linkingTemplate: string;
let args: Record<string, unknown>;
let warnings: jest.SpyInstance;
let progress: jest.SpyInstance;

const ADVICE =
  "The template of an instance group must not link its servers by itself: set `autoLink: false` in its " +
  '`defaultTrustedProfile`, and let a `TrustedProfileClaimRule` of that profile (type "Profile-CR", crType "VSI", condition ' +
  '"instance_group_name", "vpc_id", "subnet_id" or "resource_group_id") say which servers may become it.';

beforeAll(async () => {
  cloud = await startCloud({ provisionSeconds: 20, deleteSeconds: 20 });
  const profile = await createProfile(cloud.elsewhere, { name: "app" });
  const { subnets, images } = cloud.emulator.inventory();
  const made = async (name: string, autoLink: boolean): Promise<string> => {
    const { id } = await createTemplate(cloud.elsewhere, {
      name,
      profile: "bx2-2x8",
      zone: `${cloud.emulator.region}-1`,
      imageId: String(images[0]?.id),
      defaultTrustedProfile: { target: profile.id, autoLink },
      primaryNetworkAttachment: { virtualNetworkInterface: { subnetId: String(subnets[0]?.id) } },
    });
    return id;
  };
  template = await made("plain", false);
  secondTemplate = await made("second", false);
  linkingTemplate = await made("linking", true);
  args = { instanceTemplateId: template, subnetIds: [subnets[0]?.id], membershipCount: 2 };
});
afterAll(async () => {
  for await (const { id } of listTemplates(cloud.elsewhere)) await deleteTemplate(cloud.elsewhere, id);
  await cloud.close();
});

beforeEach(() => {
  cloud.calls();
  warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
  progress = jest.spyOn(console, "info").mockImplementation(() => undefined);
});
afterEach(async () => {
  jest.restoreAllMocks();
  cloud.emulator.setFaults([]);
  for await (const { id } of listInstanceGroups(cloud.elsewhere)) await deleteInstanceGroup(cloud.elsewhere, id);
  cloud.emulator.advance(600);
});

const create = (more: object = {}): Promise<Life> => new Life(handler).create({ ...args, ...more });
const live = (life: Life): ReturnType<typeof getInstanceGroup> => getInstanceGroup(cloud.elsewhere, life.id);
const ids = (): unknown[] => cloud.emulator.inventory().instanceGroups.map(({ id }) => id);
const servers = (): unknown[] => cloud.emulator.inventory().instances.map(({ status }) => status);
const warned = (): string[] => warnings.mock.calls.map(([text]) => String(text));
const writes = (): string[] => cloud.calls().filter((call) => !call.startsWith("GET"));
const theirs = (name: string): ReturnType<typeof createInstanceGroup> =>
  createInstanceGroup(cloud.elsewhere, { name, instanceTemplateId: template, subnetIds: args.subnetIds as string[] });

describe("check", () => {
  it("lists every problem", async () => {
    const { failures = [] } = await new Life(handler).check({
      subnetIds: [],
      membershipCount: 1001,
      applicationPort: 0,
      loadBalancerId: "lb",
      members: 2,
    });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual([
      "subnetIds: is []; must have at least 1 entry",
      "membershipCount: is 1001; must be a whole number from 0 to 1000 servers",
      "applicationPort: is 0; must be a whole number from 1 to 65535",
      expect.stringMatching(/^members: is not an argument/) as string,
      "instanceTemplateId: is missing; it is required",
      "loadBalancerPoolId: is missing; applicationPort, loadBalancerId, loadBalancerPoolId are given together",
    ]);
  });
});

describe("a template that links", () => {
  const place = { vpcId: "v", subnetId: "s", zone: "us-south-1", imageId: "i", instanceProfile: "bx2-2x8" };
  const target = "Profile-00000000-0000-4000-8000-000000000000";

  it.each<[string, object, boolean]>([
    ["said so", { defaultTrustedProfile: { target, autoLink: true } }, true],
    ["IBM's default", { defaultTrustedProfile: { target } }, true],
    ["said not to", { defaultTrustedProfile: { target, autoLink: false } }, false],
    ["no profile", {}, false],
  ])("is refused where the program shows it, before the group is registered: %s", async (_name, more, refused) => {
    const registrations = await startProgram();
    const linking = new InstanceTemplate("web", { ...place, ...more });
    const refusal = refusalOf(
      () => new InstanceGroup("web", { instanceTemplateId: linking.id, subnetIds: ["s"], membershipCount: -1 }),
    );
    const count = "  - membershipCount: is -1; must be a whole number from 0 to 1000 servers";
    expect(refusal).toBe(
      refused
        ? `InstanceGroup "web" has 2 problems:\n${count}\n  - instanceTemplateId: names InstanceTemplate "web", which links. ${ADVICE}`
        : `InstanceGroup "web" has a problem:\n${count}`,
    );
    expect(registrations.filter(({ type }) => type.endsWith(":InstanceGroup"))).toEqual([]);
  });

  it("is named, with what to do, where only IBM Cloud knows it", async () => {
    const message = await rejectionOf(create({ instanceTemplateId: linkingTemplate }));
    expect(message).toMatch(/^instance group "app-[0-9a-f]{8}" cannot use instance template "linking" \(\S+\)\. /);
    expect(message).toContain(ADVICE);
    expect(ids()).toEqual([]);
  });

  it("is refused in an update too, and any other refusal keeps its own words", async () => {
    const life = await create({ membershipCount: 0 });
    expect(await rejectionOf(life.update({ ...args, instanceTemplateId: linkingTemplate }))).toContain(ADVICE);
    expect(await rejectionOf(life.update({ ...args, subnetIds: ["0717-none"] }))).toContain(
      "names nothing that exists",
    );
  });
});

describe("life", () => {
  it("begins with one create, waits for its servers, and has every output", async () => {
    const life = await create();
    expect(writes()).toEqual(["POST /v1/instance_groups"]);
    expect(life.outputs).toEqual({
      crn: expect.stringMatching(/^crn:.*::instance-group:/) as string,
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
      status: "healthy",
      instanceTemplateId: template,
      subnetIds: args.subnetIds,
      membershipCount: 2,
      vpcId: expect.any(String) as string,
      resourceGroupId: expect.any(String) as string,
      createdAt: expect.any(String) as string,
      mark: life.inputs.mark,
    });
    expect(servers()).toEqual(["running", "running"]);
  });

  it.each<[string, object, string[]]>([
    ["nothing changed", {}, []],
    ["no count said, because it scales by itself", { membershipCount: undefined }, []],
    ["another count", { membershipCount: 3 }, ["update"]],
    ["another name", { name: "web" }, ["update"]],
    ["another template", { instanceTemplateId: "0717-other" }, ["update"]],
    ["another subnet", { subnetIds: ["0717-other"] }, ["update"]],
    ["a load balancer", { applicationPort: 80, loadBalancerId: "l", loadBalancerPoolId: "p" }, ["update"]],
    ["another resource group", { resourceGroupId: "0".repeat(32) }, ["update", "resourceGroupId"]],
  ])("sees %s", async (_name, change, expected) => {
    const life = await create();
    const wanted = JSON.parse(JSON.stringify({ ...args, ...change })) as object;
    const { changes, replaces = [] } = await life.diff({ ...wanted });
    expect([...(changes === true ? ["update"] : []), ...replaces]).toEqual(expected);
  });

  it("changes its size in place, with one write, up and down", async () => {
    const life = await create();
    cloud.calls();
    await life.update({ ...args, membershipCount: 3 });
    expect(writes()).toEqual([`PATCH /v1/instance_groups/${life.id}`]);
    expect([life.outputs.status, servers()]).toEqual(["healthy", ["running", "running", "running"]]);
    await life.update({ ...args, membershipCount: 0 });
    expect((await live(life))?.membershipCount).toBe(0);
  });

  it("makes new servers from another template, and says that those it has stay as they are", async () => {
    const life = await create();
    await life.update({ ...args, instanceTemplateId: secondTemplate });
    expect((await live(life))?.instanceTemplateId).toBe(secondTemplate);
    expect(warned()).toEqual([
      `InstanceGroup "app": instance group "${String(life.outputs.name)}" (${life.id}) makes new servers from template ` +
        `${secondTemplate}, but those it has stay as they are. To replace them, delete them one by one, or set ` +
        "membershipCount to 0 and back.",
    ]);
    expect(servers()).toEqual(["running", "running"]);
  });

  it("asks again when it is in the middle of a change", async () => {
    const life = await create();
    const busy = cloud.fail("PATCH", /instance_groups/, { status: 409 }, 3);
    await life.update({ ...args, membershipCount: 1 });
    expect([busy.fired, (await live(life))?.membershipCount]).toEqual([3, 1]);
  });

  it("says how far it is, and not too often", async () => {
    const life = await create({ membershipCount: 0 });
    cloud.emulator.setFaults([{ method: "PATCH", path: "/v1/instance_groups/*", lifecycle: "stuck" }]);
    const message = await rejectionOf(life.update({ ...args, provisionTimeoutSeconds: 300 }));
    expect(message).toContain('is still "scaling" after 300 seconds; the next run goes on waiting.');
    expect(progress.mock.calls.length).toBeGreaterThan(5);
    expect(progress.mock.calls.length).toBeLessThan(11);
    expect(String((progress.mock.calls as unknown[][])[0]?.[0])).toMatch(
      /^instance group "app-\w+" \(\S+\) is "scaling" after 3\d seconds\.$/,
    );
  });

  it("stays in the state with the reasons when its servers do not start, and is waited for by the next run", async () => {
    cloud.emulator.setFaults([
      { method: "POST", path: "/v1/instance_groups", lifecycle: "failed", reasonCode: "cannot_start_capacity" },
    ]);
    const failure = create();
    await expect(failure).rejects.toMatchObject({
      id: ids()[0] ?? (expect.any(String) as string),
      properties: { status: "unhealthy", membershipCount: 2 },
    });
    expect(await rejectionOf(failure)).toMatch(
      /^instance group "app-\w+" \(\S+\) is "unhealthy": it does not get to 2 servers\. Server "\S+" failed: cannot_start_capacity: .* Server "\S+" failed: /,
    );
  });

  it("ends when its servers are gone too, and twice without an error", async () => {
    const life = await create();
    await life.delete();
    expect([ids(), servers()]).toEqual([[], []]);
    await life.delete();
  });

  it("is deleted later while it is in the middle of a change", async () => {
    const life = await create();
    const busy = cloud.fail("DELETE", /instance_groups/, { status: 409 }, 2);
    await life.delete();
    expect([busy.fired, ids()]).toEqual([2, []]);
  });

  it("shows drift in outputs and inputs, and mends it", async () => {
    const life = await create();
    await updateInstanceGroup(cloud.elsewhere, life.id, { membershipCount: 1, name: "theirs" });
    await life.refresh();
    expect(life.inputs).toMatchObject({ membershipCount: 1, name: "theirs" });
    await life.update(args);
    expect(await live(life)).toMatchObject({
      membershipCount: 2,
      name: expect.stringMatching(/^app-[0-9a-f]{8}$/) as string,
    });
  });

  it("is gone after a refresh when it was deleted elsewhere, and says so in an update or while it is waited for", async () => {
    const life = await create();
    await deleteInstanceGroup(cloud.elsewhere, life.id);
    cloud.emulator.advance(600);
    expect(await rejectionOf(life.update({ ...args, membershipCount: 1 }))).toContain(
      "was deleted outside of this stack.",
    );
    expect(await life.refresh()).toBe(false);
    const gone = cloud.fail("GET", /instance_groups\/./, { status: 404 }, 200);
    expect(await rejectionOf(create())).toContain("was deleted outside of this stack.");
    gone.end();
  });

  it("is read by id alone", async () => {
    const life = await create();
    expect((await handler.read?.(life.id, {} as never))?.props).toEqual({ ...life.outputs, mark: undefined });
    expect(await rejectionOf(Promise.resolve(handler.read?.("r006-none", {} as never)))).toBe(
      'instance group "r006-none" does not exist in this account and region. Check the id and the credentials.',
    );
  });
});

describe("a group that exists already", () => {
  it("is named, not taken", async () => {
    const { id } = await theirs("web");
    expect(await rejectionOf(create({ name: "web" }))).toContain(
      `instance group "web" cannot be created: the instance group "web" (${id}) exists already and was not made by this stack.`,
    );
  });

  it("is adopted when asked, and brought to what is wanted", async () => {
    const { id } = await theirs("web");
    const life = await create({ name: "web", adopt: true });
    expect([life.id, (await live(life))?.membershipCount]).toEqual([id, 2]);
  });

  it("is ours when an earlier create was killed", async () => {
    const first = await create();
    const second = await create();
    expect([second.id, ids()]).toEqual([first.id, [first.id]]);
  });
});
