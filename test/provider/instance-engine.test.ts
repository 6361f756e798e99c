/**
 * Servers from a program through the engine to the emulator and back: one over its whole life with the settings of another
 * beside it, and fifty at once, where every server costs the same number of calls.
 */
import { type Instance, createInstance, getInstance, updateInstance } from "../../client/vpc";
import { ENGINE, type Run } from "../support/project";
import { type Cloud, startCloud } from "./cloud";
import { placeOf } from "./instance-place";
import { Stack } from "./stack";

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as vpc from "pulumi-ibm-vpc-identity";
const wish = JSON.parse(readFileSync("wish.json", "utf8"));
const servers = wish.servers.map(([name, args]: [string, vpc.InstanceArgs]) => new vpc.Instance(name, args));
if (wish.theirs !== undefined) new vpc.InstanceMetadataService("theirs", wish.theirs);
export const ids = servers.map(({ id }: vpc.Instance) => id);
export const got = wish.get === undefined ? undefined : vpc.Instance.get("got", wish.get).name;
`;

// Each run of the engine starts two processes, on a machine that may have others to run.
jest.setTimeout(240_000);

let cloud: Cloud;
let stack: Stack;
let wish: { servers: [string, object][]; theirs?: object; get?: string };

beforeAll(async () => {
  cloud = await startCloud();
  stack = new Stack(process.env.PULUMI ?? ENGINE, PROGRAM, cloud);
  wish = { servers: [] };
  await must("stack", "init", "dev");
});
afterAll(async () => {
  await cloud.close();
  stack.remove();
});

const pulumi = (...args: string[]): Promise<Run> => {
  stack.wish(wish);
  return stack.run(...args);
};
const must = (...args: string[]): Promise<string> => {
  stack.wish(wish);
  return stack.must(...args);
};
const up = (...more: string[]): Promise<string> => must("up", "--yes", "--skip-preview", ...more);
const destroy = (): Promise<string> => must("destroy", "--yes", "--skip-preview");
/** Servers of the stack; what it says of them itself is looked at once. */
const ids = (): string[] =>
  cloud.emulator
    .inventory()
    .instances.filter(({ name }) => name !== "theirs")
    .map(({ id }) => id);

/** How often each call was made, whatever server it was about. */
function tally(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of cloud.calls()) {
    const kind = call.replace(/0717_[^/]+/, "ID");
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

describe("one server, and the settings of another", () => {
  let theirs: Instance;
  beforeAll(async () => {
    const { subnetId, instanceProfile, ...place } = placeOf(cloud);
    theirs = await createInstance(cloud.elsewhere, {
      ...place,
      profile: instanceProfile,
      name: "theirs",
      primaryNetworkAttachment: { virtualNetworkInterface: { subnetId } },
    });
    wish = {
      servers: [["app", { ...placeOf(cloud), metadataService: {}, userData: "#!/bin/sh\n", tags: ["env:test"] }]],
      theirs: { instanceId: theirs.crn, responseHopLimit: 2 },
    };
    cloud.calls();
  });
  const app = (): object => wish.servers[0]?.[1] ?? {};

  it("are made, and then nothing is called", async () => {
    const output = await up();
    expect(output).toContain('InstanceMetadataService "theirs": the metadata service of server "theirs"');
    expect(tally()).toMatchObject({ "POST /v1/instances": 1, "PATCH /v1/instances/ID": 1, "POST /v3/tags/attach": 1 });
  });

  const warning =
    /Instance "app": the user data has changed, but server "app-[0-9a-f]{8}" \(0717_[^)]+\) keeps what it booted with\. Set userDataChange: "replace" to replace the server, or replace it once with `pulumi up --replace`\./;

  it("say what will not be done, with the server's name, and call nothing", async () => {
    wish.servers = [["app", { ...app(), userData: "#!/bin/sh\ntrue\n" }]];
    expect(await up()).toMatch(warning);
    expect(tally()).toEqual({});
  });

  it("are changed in place, with a restart where that was asked for, and say it again", async () => {
    const before = ids();
    wish.servers = [["app", { ...app(), instanceProfile: "cx2-2x4", restartToApply: true, tags: ["env:prod"] }]];
    wish.theirs = { instanceId: theirs.crn };
    const output = await must("up", "--yes");
    expect(output).toContain("~ 2 to update");
    expect(output).toMatch(warning);
    expect(tally()).toMatchObject({
      "POST /v1/instances/ID/actions": 2,
      "PATCH /v1/instances/ID": 2,
      "POST /v3/tags/attach": 1,
      "POST /v3/tags/detach": 1,
    });
    expect(ids()).toEqual(before);
    expect(await getInstance(cloud.elsewhere, before[0] ?? "")).toMatchObject({
      status: "running",
      profile: "cx2-2x4",
    });
    expect((await getInstance(cloud.elsewhere, theirs.id))?.metadataService).toMatchObject({ responseHopLimit: 1 });
  });

  it("show drift after a refresh, and mend it", async () => {
    const [id = ""] = ids();
    await updateInstance(cloud.elsewhere, id, { metadataService: { enabled: false } });
    await updateInstance(cloud.elsewhere, theirs.id, { metadataService: { enabled: false } });
    await must("refresh", "--yes", "--skip-preview");
    const inputs = (await stack.resources()).map(({ inputs: own }) => own);
    expect(inputs).toContainEqual(expect.objectContaining({ instanceId: theirs.crn, enabled: false }));
    expect(inputs).toContainEqual(
      expect.objectContaining({ metadataService: { enabled: false, protocol: "http", responseHopLimit: 1 } }),
    );
    wish.get = theirs.id;
    await up();
    expect((await getInstance(cloud.elsewhere, id))?.metadataService.enabled).toBe(true);
    expect((await getInstance(cloud.elsewhere, theirs.id))?.metadataService.enabled).toBe(true);
  });

  it("are got by id without being managed, and fail clearly when there is nothing", async () => {
    expect(JSON.parse(await must("stack", "output", "--json"))).toMatchObject({ got: "theirs", ids: ids() });
    wish.get = "0717_none";
    const { exitCode, output } = await pulumi("up", "--yes", "--skip-preview");
    expect([exitCode === 0, output.includes('server "0717_none" does not exist in this account and region.')]).toEqual([
      false,
      true,
    ]);
    delete wish.get;
  });

  it("leave the other server as it was", async () => {
    await destroy();
    expect((await getInstance(cloud.elsewhere, theirs.id))?.metadataService).toEqual({
      enabled: false,
      protocol: "http",
      responseHopLimit: 1,
    });
    expect(cloud.emulator.inventory().instances.map(({ id }) => id)).toEqual([theirs.id]);
  });
});

describe("fifty servers in one stack", () => {
  const COUNT = 50;
  const fleet = (metadataService: object): [string, object][] =>
    Array.from({ length: COUNT }, (_, index) => [`s${index}`, { ...placeOf(cloud), metadataService }]);
  const servers = (): number => cloud.emulator.inventory().instances.filter(({ name }) => name !== "theirs").length;

  it("cost three calls each to make, none when nothing changed, two to change and two to destroy", async () => {
    wish = { servers: fleet({}) };
    cloud.calls();
    await up();
    expect([servers(), tally()]).toEqual([
      COUNT,
      {
        "POST /v1/instances": COUNT,
        "GET /v1/instances/ID": COUNT,
        "GET /v1/instances/ID/initialization": COUNT,
      },
    ]);
    await up();
    expect(tally()).toEqual({});
    wish = { servers: fleet({ responseHopLimit: 2 }) };
    await up();
    expect(tally()).toEqual({ "GET /v1/instances/ID": COUNT, "PATCH /v1/instances/ID": COUNT });
    await destroy();
    expect([servers(), tally()]).toEqual([0, { "DELETE /v1/instances/ID": COUNT, "GET /v1/instances/ID": COUNT }]);
  });
});
