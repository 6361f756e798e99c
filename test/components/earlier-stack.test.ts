/**
 * A stack that version 0.1.0 deployed: the same program must find each of its resources again by name and change none of
 * them. The fixture is that stack's export; a server among it that was renamed would be rebuilt in front of its users.
 */
import { join } from "node:path";
import { type Emulator, startEmulator } from "../../emulator";
import { Project } from "../support/project";

/** The program of the fixture, with the values that it had. */
const PROGRAM = `
import { LinkedInstance } from "pulumi-ibm-vpc-identity";
const app = new LinkedInstance("app", {
  vpcId: "r006-11111111-1111-4111-8111-111111111111",
  subnetId: "0717-11111111-1111-4111-8111-111111111111",
  zone: "us-south-1",
  imageId: "r006-22222222-2222-4222-8222-222222222222",
  instanceProfile: "bx2-2x8",
  sshKeyIds: ["r006-33333333-3333-4333-8333-333333333333"],
  trustedProfile: {
    description: "of the fixture",
    policies: [
      { roles: ["Operator"], service: "is" },
      { roles: ["Viewer"], service: "is", region: "eu-de", name: "is-frankfurt" },
      { roles: ["Viewer"], accountManagement: true },
    ],
  },
  metadataService: { protocol: "http", responseHopLimit: 2 },
  bootstrap: { certificate: { subject: { O: "Example" } } },
});
export const { profileId, instanceId } = app;
`;

let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
  project = Project.ofProgram(PROGRAM, emulator.env);
  await project.engine("stack", "init", "dev", "--no-select");
});
afterAll(async () => {
  await emulator.close();
  project.remove();
});

it("a linked server of version 0.1.0 stays as it is, and so does all that belongs to it", async () => {
  const fixture = join(__dirname, "testdata", "linked-instance-0.1.0.json");
  const imported = await project.engine("stack", "import", "--stack", "dev", "--file", fixture);
  expect([imported.exitCode, imported.output]).toEqual([0, imported.output]);
  const before = await project.resources();
  const { exitCode, output } = await project.up();
  expect([exitCode, output]).toEqual([0, output]);
  expect(output).toMatch(/ {4}8 unchanged/);
  expect(output).not.toMatch(/created|updated|replaced|deleted/);
  const namesOf = (resources: typeof before): string[] => resources.map(({ urn, id = "" }) => `${urn} ${id}`).sort();
  expect(namesOf(await project.resources())).toEqual(namesOf(before));
  // Nothing that is as it was costs a call.
  expect(emulator.journal().filter(({ path }) => path !== "/identity/token")).toEqual([]);
});
