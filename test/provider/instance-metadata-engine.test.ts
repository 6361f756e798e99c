/**
 * What was there before a server's metadata service was changed, over the life of a stack: also where a run was killed right
 * after the change, where the server is another one, and in a state that knows of no record yet.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Emulator, startEmulator } from "../../emulator";
import { Api, VPC } from "../emulator/support";
import { ENGINE, Project, type StateResource, until } from "../support/project";

const PROGRAM = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { InstanceMetadataService } from "pulumi-ibm-vpc-identity";
const wish = JSON.parse(readFileSync("wish.json", "utf8"));
const earlier = wish.earlier && new InstanceMetadataService("earlier", wish.earlier);
const parent = wish.earlier && new pulumi.ComponentResource("test:index:Servers", "servers");
new InstanceMetadataService("app", wish.app, wish.earlier && { parent, dependsOn: earlier });
`;

// Each run of the engine starts two processes, on a machine that may have others to run.
jest.setTimeout(240_000);

const OFF = { enabled: false, protocol: "https", response_hop_limit: 5 };
const ON = { ...OFF, enabled: true, response_hop_limit: 2 };
const BEFORE = { enabled: false, protocol: "https", responseHopLimit: 5 };

let emulator: Emulator;
let project: Project;
let servers: readonly { readonly id: string; readonly crn: string }[];

beforeEach(async () => {
  emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0, actionSeconds: 0 });
  project = Project.ofProgram(PROGRAM, emulator.env);
  const api = await new Api(emulator).logIn();
  servers = [await api.server({ metadata_service: OFF }), await api.server({ metadata_service: OFF })];
  await project.engine("stack", "init", "dev", "--no-select");
});
afterEach(async () => {
  await emulator.close();
  project.remove();
});

async function must(...args: string[]): Promise<string> {
  const { exitCode, output } = await project.engine(...args, "--stack", "dev");
  if (exitCode !== 0) throw new Error(`exit ${String(exitCode)}:\n${output}`);
  return output;
}
const up = (): Promise<string> => must("up", "--yes", "--skip-preview");
const destroy = (): Promise<string> => must("destroy", "--yes", "--skip-preview");
const wish = (app: object, earlier?: object): void =>
  writeFileSync(join(project.cwd, "wish.json"), JSON.stringify({ app, ...(earlier && { earlier }) }));
const idOf = (index: number): string => servers[index]?.id ?? "";
const services = (): unknown[] =>
  servers.map(({ id }) => emulator.inventory().instances.find((one) => one.id === id)?.metadata_service);

type Stored = StateResource & { readonly parent?: string; readonly dependencies?: readonly string[] };

/** `app`, or what has that name in the state. */
async function stored(type: string): Promise<Stored | undefined> {
  const resources: Stored[] = await project.resources();
  return resources.find(({ urn }) => urn.endsWith(`:${type}::app`));
}

it("is put back though the first run was killed right after its change", async () => {
  wish({ instanceId: idOf(0), responseHopLimit: 2 });
  emulator.setFaults([{ method: "PATCH", path: "/v1/instances/*", hang: "after" }]);
  const { child, done } = project.start(ENGINE, [
    "up",
    "--yes",
    "--skip-preview",
    "--stack",
    "dev",
    "--non-interactive",
  ]);
  await until("the change", () => JSON.stringify(services()[0]) === JSON.stringify(ON));
  child.kill("SIGKILL");
  await done;
  await must("cancel", "--yes");
  emulator.setFaults([]);
  expect(await stored("InstanceMetadataService")).toBeUndefined();

  await up();
  expect((await stored("InstanceMetadataService"))?.outputs).toMatchObject({ before: BEFORE });
  await destroy();
  expect(services()).toEqual([OFF, OFF]);
});

it("is known of the other server as well, where the settings go to another one", async () => {
  wish({ instanceId: idOf(0), responseHopLimit: 2 });
  await up();
  wish({ instanceId: idOf(1), responseHopLimit: 2 });
  expect(await up()).toMatch(/2 replaced/);
  expect(services()).toEqual([OFF, ON]);
  expect((await stored("InstanceMetadataRecord"))?.outputs).toMatchObject({ instanceId: idOf(1), settings: BEFORE });
  expect((await stored("InstanceMetadataService"))?.outputs).toMatchObject({ before: BEFORE });
  expect(await up()).not.toMatch(/created|updated|replaced|deleted/);
});

it("is written down below the same parent, after the same others", async () => {
  wish({ instanceId: idOf(0), responseHopLimit: 2 }, { instanceId: idOf(0), enabled: true });
  await up();
  const [record, service] = [await stored("InstanceMetadataRecord"), await stored("InstanceMetadataService")];
  expect(record?.parent).toMatch(/Servers::servers$/);
  expect(service?.parent).toBe(record?.parent);
  expect(service?.dependencies).toContain(record?.urn);
  expect(record?.dependencies).toEqual([expect.stringMatching(/InstanceMetadataService::earlier$/)]);
  // So it shows what the others have made of it.
  expect(record?.outputs).toMatchObject({ settings: { ...BEFORE, enabled: true } });
});

it("is written down also where version 0.1.0 has made the change, which stays as it is", async () => {
  const [{ id, crn } = { id: "", crn: "" }] = servers;
  const fixture = readFileSync(join(__dirname, "testdata", "state-0.1.0-metadata-service.json"), "utf8");
  const state = fixture.replaceAll(/crn:[^"]+::instance:[^"]+/g, crn).replaceAll(/0717_[0-9a-f-]{36}(?=")/g, id);
  writeFileSync(join(project.cwd, "earlier.json"), state);
  await must("stack", "import", "--file", "earlier.json");
  const api = await new Api(emulator).logIn();
  await api.must(`PATCH /v1/instances/${id}?${VPC}`, { metadata_service: ON });
  const before = await stored("InstanceMetadataService");
  const calls = emulator.journal().length;

  wish({ instanceId: id, responseHopLimit: 2 });
  const output = await up();
  expect(output).toMatch(/\+ 1 created/);
  expect(output).not.toMatch(/updated|replaced|deleted/);
  const made = emulator.journal().slice(calls);
  expect(made.map(({ method, path }) => `${method} ${path.replace(/\?.*/, "")}`)).toEqual([
    "POST /identity/token",
    `GET /v1/instances/${id}`,
  ]);
  expect((await stored("InstanceMetadataService"))?.outputs).toEqual(before?.outputs);
  await destroy();
  expect(services()).toEqual([OFF, OFF]);
});
