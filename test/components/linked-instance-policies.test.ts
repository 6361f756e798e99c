/** The policies of a linked server while its program changes: IAM must never be asked for a policy that it still has. */
import { type Emulator, startEmulator } from "../../emulator";
import { Project, seededConfig } from "../support/project";

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { LinkedInstance } from "pulumi-ibm-vpc-identity";
const config = new pulumi.Config();
new LinkedInstance("app", {
  vpcId: config.require("vpcId"), subnetId: config.require("subnetId"), zone: config.require("zone"),
  imageId: config.require("imageId"), instanceProfile: "bx2-2x8",
  trustedProfile: { policies: config.requireObject("policies") },
});
`;

const VIEWER = { roles: ["Viewer"], service: "is" };
const OPERATOR = { roles: ["Operator"], service: "is", name: "is-operator" };
const READER = { roles: ["Viewer"], service: "is", region: "eu-de", name: "is-frankfurt" };

let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
  project = Project.ofProgram(PROGRAM, emulator.env);
  await project.engine("stack", "init", "dev", "--no-select");
  for (const [key, value] of Object.entries(seededConfig(emulator))) {
    await project.engine("config", "set", "--stack", "dev", key, value);
  }
});
afterAll(async () => {
  await emulator.close();
  project.remove();
});

it.each<[string, object[], Record<string, number>]>([
  ["are made", [VIEWER, OPERATOR], { POST: 2 }],
  ["change places without a call", [OPERATOR, VIEWER], {}],
  ["get one more at the front", [READER, OPERATOR, VIEWER], { POST: 1 }],
  ["lose the one in the middle", [READER, VIEWER], { DELETE: 1 }],
  ["lose the unnamed one", [READER], { DELETE: 1 }],
  ["change roles in place", [{ ...READER, roles: ["Editor"] }], { PUT: 1 }],
])("policies %s", async (_name, policies, expected) => {
  await project.engine("config", "set", "--stack", "dev", "policies", JSON.stringify(policies));
  const before = emulator.journal().length;
  const { exitCode, output } = await project.up();
  expect([exitCode, output]).toEqual([0, output]);
  expect(emulator.inventory().policies).toHaveLength(policies.length);
  const writes: Record<string, number> = {};
  for (const { method, path } of emulator.journal().slice(before)) {
    if (path.startsWith("/v2/policies") && method !== "GET") writes[method] = (writes[method] ?? 0) + 1;
  }
  expect(writes).toEqual(expected);
});
