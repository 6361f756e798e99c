/** The example `automation`, by the commands of its README: with `pulumi` on PATH, and without. */
import { Example } from "./example";
import { valuesOf } from "./lives";

// Each command starts a process or two, on a machine that may have others to run.
jest.setTimeout(240_000);

let example: Example;
let before: unknown;
beforeAll(async () => {
  example = await Example.of("automation");
  before = example.emulator.inventory();
});
afterAll(() => example.close());

/** What the example's compiled program says when it is run on its own, where there is no `pulumi`. */
const deploy = (...args: string[]): ReturnType<typeof example.project.cli> =>
  example.project.start(process.execPath, ["dist/deploy.js", ...args]).done;

const roles = (): unknown =>
  example.emulator.inventory().policies.map((policy) => JSON.stringify(policy).match(/role:\w+/g));

it("is deployed by the commands of its README, and shows how far it is", async () => {
  const stdout = await example.readme("Run it", valuesOf(example, []));
  const { profiles, instances } = example.emulator.inventory();
  expect(roles()).toEqual([["role:Viewer"]]);
  const lines = stdout.split("\n");
  expect(lines.filter((line) => line.startsWith("engine:"))).toEqual([expect.stringMatching(/^engine: pulumi 3\./)]);
  for (const name of ["TrustedProfile app", "AccessPolicy app-is", "Instance app"]) {
    const begin = lines.indexOf(`  creating ${name}`);
    const end = lines.findIndex((line) => line.startsWith(`    ${name} done in `));
    expect([name, begin > 0, end > begin]).toEqual([name, true, true]);
  }
  expect(lines).toContain(`profileId: ${profiles[0]?.id as string}`);
  expect(lines).toContain(`instanceId: ${instances[0]?.id ?? ""}`);
});

it("uses the engine of the package where there is no pulumi, and has nothing to do", async () => {
  const { exitCode, stdout } = await deploy("up", "dev");
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
  expect(stdout).toMatch(/^engine: the embedded one, as there is no pulumi on PATH \(3\..*\)\n/);
  expect(stdout).toMatch(/^\d+ same in \d+ s$/m);
  expect(stdout).not.toContain("creating");
});

it("is changed by the commands of its README", async () => {
  const stdout = await example.readme("Change it");
  expect(stdout).toContain("  planned: update AccessPolicy app-is\n");
  expect(stdout).toContain("  updating AccessPolicy app-is\n    AccessPolicy app-is done in ");
  expect(roles()).toEqual([["role:Operator"]]);
});

it("is the same with the command of the engine", async () => {
  expect(await example.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")).toContain("unchanged");
});

it.each([
  ["no words", [], ["an action is missing", "the name of a stack is missing"]],
  ["wrong words", ["fly", "dev", "role", "=x"], ['"fly" is no action', '"role" is not of the form', '"=x" is not of']],
])("refuses %s, all at once, with exit code 2", async (_, args, problems) => {
  const { exitCode, stderr } = await deploy(...args);
  expect(exitCode).toBe(2);
  for (const problem of [...problems, "usage: npm start -- preview|up|refresh|destroy"]) {
    expect(stderr).toContain(problem);
  }
});

it("lists all settings that are missing or wrong, with exit code 1", async () => {
  const { exitCode, output } = await deploy("preview", "empty", "role=Owner");
  expect({ exitCode, output }).toMatchObject({ exitCode: 1 });
  for (const line of [
    "  subnetId=0717-...",
    "  sshKeyId=r006-...",
    '  role=Viewer   (it is "Owner"; "Viewer", "Operator" and "Editor" are allowed)',
    "preview failed",
  ]) {
    expect(output.split(line)).toHaveLength(2);
  }
});

it("is destroyed by the commands of its README, without a rest", async () => {
  await example.readme("Take it away");
  expect(example.emulator.inventory()).toEqual(before);
});

it("has run every command of its README", () => expect(example.unrun()).toEqual([]));
