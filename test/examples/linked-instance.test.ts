/** The example `linked-instance`, by the commands of its README. */
import { Example } from "./example";
import { valuesOf } from "./lives";

// Each command starts a process or two, on a machine that may have others to run.
jest.setTimeout(240_000);

let example: Example;
let before: unknown;
beforeAll(async () => {
  example = await Example.of("linked-instance");
  before = example.emulator.inventory();
});
afterAll(() => example.close());

it("lists everything that is missing or wrong at once", async () => {
  await example.project.engine("stack", "init", "empty", "--no-select");
  const settings = { vpcId: "r006-1", policies: "all", sshKeyIds: '["r006-2", ', trustRootsFile: "no/such.pem" };
  for (const [key, value] of Object.entries(settings)) {
    await example.project.engine("config", "set", "--stack", "empty", key, value);
  }
  const { exitCode, output } = await example.project.engine("preview", "--stack", "empty");
  expect(exitCode).not.toBe(0);
  for (const line of [
    "The stack configuration is not usable. Please set:",
    'policies operator   (it is "all"; "operator" and "none" are allowed)',
    "config set subnetId",
    "config set zone",
    "config set imageId",
    "config set sshKeyIds r006-...   (it begins like a JSON list, but is no JSON list of texts)",
    "config set trustRootsFile roots.pem   (ENOENT: no such file or directory, open 'no/such.pem')",
  ]) {
    expect(output).toContain(line);
  }
  expect(output).not.toContain("config set vpcId");
  expect(example.emulator.inventory()).toEqual(before);
});

it("is deployed by the commands of its README", async () => {
  await example.readme("Run it", valuesOf(example, []));
  expect(example.count("profiles", "policies", "links", "instances")).toEqual([1, 1, 1, 1]);
});

it("has nothing to do the second time", async () => {
  expect(await example.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")).toContain("unchanged");
});

it("is changed", async () => {
  await example.pulumi("config", "set", "policies", "none");
  await example.pulumi("up", "--yes", "--skip-preview");
  expect(example.count("profiles", "policies", "links", "instances")).toEqual([1, 0, 1, 1]);
});

it("is destroyed without a rest", async () => {
  await example.pulumi("destroy", "--yes", "--skip-preview");
  expect(example.emulator.inventory()).toEqual(before);
});

it("has run every command of its README", () => expect(example.unrun()).toEqual([]));
