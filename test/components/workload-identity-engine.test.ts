/** An identity for a server that was made elsewhere, on the emulated account: deployed, changed and taken away. */
import { type Emulator, startEmulator } from "../../emulator";
import { makeServer } from "../emulator/emulated-server";
import { Project } from "../support/project";

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { WorkloadIdentity } from "pulumi-ibm-vpc-identity";
const config = new pulumi.Config();
const app = new WorkloadIdentity("app", {
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
  links: config.requireObject("links"),
  claimRules: config.requireObject("claimRules"),
});
export const { profileId, linkIds, claimRuleIds } = app;
`;

const RULE = { type: "Profile-CR", crType: "VSI", conditions: [{ claim: "vpc_id", operator: "EQUALS", value: "v" }] };

let emulator: Emulator;
let project: Project;
let crns: string[];

beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
  const servers = [await makeServer(emulator, { name: "one" }), await makeServer(emulator, { name: "two" })];
  crns = servers.map(({ id }) => emulator.inventory().instances.find((server) => server.id === id)?.crn ?? "");
  project = Project.ofProgram(PROGRAM, emulator.env);
  await project.engine("stack", "init", "dev", "--no-select");
});
afterAll(async () => {
  await emulator.close();
  project.remove();
});

interface Wanted {
  readonly links: readonly [name: string, server: number][];
  readonly claimRules: readonly string[];
}

it.each<[string, Wanted, Record<string, number>]>([
  ["is made with a link and a rule", { links: [["one", 0]], claimRules: ["vpc"] }, { POST: 4 }],
  ["stays as it is", { links: [["one", 0]], claimRules: ["vpc"] }, {}],
  [
    "gets another link in front, and leaves the first alone",
    {
      links: [
        ["a", 1],
        ["one", 0],
      ],
      claimRules: ["vpc"],
    },
    { POST: 1 },
  ],
  ["loses the first link and the rule", { links: [["a", 1]], claimRules: [] }, { DELETE: 2 }],
])("an identity %s", async (_name, { links, claimRules }, expected) => {
  const args = {
    links: Object.fromEntries(links.map(([name, server]) => [name, { crType: "VSI", link: { crn: crns[server] } }])),
    claimRules: Object.fromEntries(claimRules.map((name) => [name, RULE])),
  };
  for (const [key, value] of Object.entries(args)) {
    await project.engine("config", "set", "--stack", "dev", key, JSON.stringify(value));
  }
  const before = emulator.journal().length;
  const { exitCode, output } = await project.up();
  expect([exitCode, output]).toEqual([0, output]);
  const writes: Record<string, number> = {};
  for (const { method, path } of emulator.journal().slice(before)) {
    if (method !== "GET" && path !== "/identity/token") writes[method] = (writes[method] ?? 0) + 1;
  }
  expect(writes).toEqual(expected);
  const outputs = (await project.resources()).find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
  expect(Object.keys(outputs?.linkIds as object)).toEqual(links.map(([name]) => name).sort());
  expect(Object.keys(outputs?.claimRuleIds as object)).toEqual([...claimRules]);
});

it("an identity goes without a trace", async () => {
  const { exitCode, output } = await project.engine("destroy", "--yes", "--stack", "dev");
  expect([exitCode, output]).toEqual([0, output]);
  expect(emulator.inventory().policies).toEqual([]);
});
