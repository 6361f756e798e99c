/**
 * User data for another protocol than that of the metadata service, where that shows only when an Output is known: each
 * component refuses it before there is a server, by the embedded engine on an emulated account.
 */
import { type Emulator, startEmulator } from "../../emulator";
import { Project } from "../support/project";

// Each run of the engine starts two processes, on a machine that may have others to run.
jest.setTimeout(240_000);

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator.close());

const SERVER = 'vpcId: "r006-v", imageId: "r006-i", instanceProfile: "bx2-2x8", trustedProfile';
const OWN = 'bootstrap: { protocol: pulumi.output<"http" | "https">("http") }, metadataService: { protocol: "https" }';
const ALL = 'bootstrap: pulumi.output({ protocol: "http" as const }), metadataService: { protocol: "https" }';
const SERVICE =
  'bootstrap: { protocol: "http" }, metadataService: { protocol: pulumi.output<"http" | "https">("https") }';

it.each([
  ["a server", `new vpc.LinkedInstance("a", { ${SERVER}, zone, subnetId, ${OWN} })`],
  ["a fleet", `new vpc.LinkedInstanceFleet("a", { ${SERVER}, zones: [{ zone, subnetId }], ${ALL} })`],
  [
    "a member of a fleet",
    `new vpc.LinkedInstanceFleet("a", { ${SERVER}, zones: [{ zone, subnetId }], members: { "us-south-1-1": { ${SERVICE} } } })`,
  ],
  [
    "a group",
    `new vpc.LinkedInstanceGroup("a", { ${SERVER}, zone, subnetIds: [subnetId], membershipCount: 1, ${SERVICE} })`,
  ],
  [
    "a bare metal server",
    `new vpc.LinkedBareMetalServer("a", { zone, subnetId, bareMetalServerProfile: "bx2-metal-96x384", imageId: "r006-i", sshKeyIds: ["r006-k"], trustedProfile, ${OWN} })`,
  ],
  [
    "a server of @pulumi/ibm",
    `vpc.ibmInstanceArgs({ trustedProfile: { id: "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a" }, ${SERVICE} })`,
  ],
])("is refused for %s", async (_name, statement) => {
  const program = [
    'import * as pulumi from "@pulumi/pulumi";',
    'import * as vpc from "pulumi-ibm-vpc-identity";',
    'const [zone, subnetId, trustedProfile] = ["us-south-1", "0717-s", { policies: [] }];',
    `${statement};`,
  ];
  const project = Project.ofProgram(program.join("\n"), emulator.env);
  try {
    await project.engine("stack", "init", "dev", "--no-select");
    const { exitCode, output } = await project.up();
    expect([exitCode, output]).toEqual([expect.any(Number), expect.stringContaining("The user data has a problem")]);
    expect(exitCode).not.toBe(0);
    expect(output).toContain('bootstrap.protocol: is "http"; must be that of metadataService.protocol, "https"');
    const made = emulator
      .journal()
      .filter(({ method, path }) => method === "POST" && /^.v1.(instance|bare)/.test(path));
    expect(made).toEqual([]);
  } finally {
    project.remove();
  }
});
