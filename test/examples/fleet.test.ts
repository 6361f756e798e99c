/** The example `fleet`, by the commands of its README. */
import { Example } from "./example";

// Each command starts a process or two, on a machine that may have others to run.
jest.setTimeout(240_000);

let example: Example;
beforeAll(async () => {
  example = await Example.of("fleet");
});
afterAll(() => example.close());

it("says all that it needs to know", async () => {
  await example.project.engine("stack", "init", "empty", "--no-select");
  const { exitCode, output } = await example.project.engine("preview", "--stack", "empty");
  expect(exitCode).not.toBe(0);
  for (const key of ["vpcId", "subnets", "imageId", "sshKeyId"])
    expect(output).toContain(`  pulumi config set ${key} `);
  expect(example.count("profiles", "policies")).toEqual([0, 0]);
});

it("is deployed by the commands of its README", async () => {
  const { subnets, ...settings } = example.settings;
  await example.readme("Run it", {
    ...settings,
    subnets: `us-south-1=${subnets[0]?.id ?? ""},us-south-2=${subnets[1]?.id ?? ""}`,
  });
  expect(example.count("profiles", "policies", "links", "instances", "floatingIps")).toEqual([1, 1, 2, 2, 0]);
  expect(Object.keys(await example.outputs()).sort()).toEqual([
    "floatingIpAddresses",
    "instanceIds",
    "primaryIps",
    "profileId",
  ]);
});

it("has nothing to do the second time, by the Automation API", async () => {
  const { summary } = await (await example.automation()).up();
  expect(Object.keys(summary.resourceChanges ?? {})).toEqual(["same"]);
});

it("is changed by the commands of its README", async () => {
  await example.readme("Change it");
  expect(example.count("profiles", "policies", "links", "instances", "floatingIps")).toEqual([1, 1, 4, 4, 0]);
});

it("is destroyed by the Automation API, without a rest", async () => {
  const { summary } = await (await example.automation()).destroy();
  expect(summary.result).toBe("succeeded");
  expect(example.count("profiles", "policies", "links", "instances", "floatingIps")).toEqual([0, 0, 0, 0, 0]);
});

it("has run every command of its README", () => expect(example.unrun()).toEqual([]));
