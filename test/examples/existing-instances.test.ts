/** The example `existing-instances`, by the commands of its README, on servers that somebody else has made. */
import { type BootedServer, bootInstance } from "../../emulator";
import { Api } from "../emulator/support";
import { Example } from "./example";
import { sshTo } from "./stand-ins";

// Each command starts a process or two, on a machine that may have others to run.
jest.setTimeout(240_000);

type Server = Awaited<ReturnType<Api["server"]>>;

let example: Example;
let servers: [Server, Server];
let before: unknown;
beforeAll(async () => {
  example = await Example.of("existing-instances");
  const api = await new Api(example.emulator).logIn();
  const off = { metadata_service: { enabled: false, protocol: "https", response_hop_limit: 3 } };
  servers = [await api.server({ name: "first", ...off }), await api.server({ name: "second", ...off })];
  before = example.emulator.inventory();
});
afterAll(() => example.close());

const links = (): unknown[] => example.emulator.inventory().links.map(({ link }) => (link as { crn: string }).crn);
const service = ({ id }: Server): unknown =>
  example.emulator.inventory().instances.find((server) => server.id === id)?.metadata_service;
const ON = { enabled: true, protocol: "http", response_hop_limit: 1 };
const OFF = { enabled: false, protocol: "https", response_hop_limit: 3 };

it("says all that it needs to know", async () => {
  await example.project.engine("stack", "init", "empty", "--no-select");
  await example.project.engine("config", "set", "--stack", "empty", "responseHopLimit", "65");
  await example.project.engine("config", "set", "--stack", "empty", "restartToApply", "yes");
  const { exitCode, output } = await example.project.engine("preview", "--stack", "empty");
  expect(exitCode).not.toBe(0);
  for (const line of [
    "config set serverIds 0717_...,0717_...",
    'config set responseHopLimit 1   (it is "65"; 1 to 64 are allowed)',
    'config set restartToApply true   (it is "yes"; "true" and "false" are allowed)',
  ]) {
    expect(output).toContain(line);
  }
  expect(example.emulator.inventory()).toEqual(before);
});

it("is deployed by the commands of its README", async () => {
  await example.readme("Run it", { serverIds: servers[0].id });
  expect(links()).toEqual([servers[0].crn]);
  expect(servers.map(service)).toEqual([ON, OFF]);
  expect(example.count("profiles", "policies", "instances")).toEqual([1, 1, 2]);
  expect(Object.keys(await example.outputs()).sort()).toEqual([
    "installScript",
    "linkIds",
    "profileIamId",
    "profileId",
  ]);
});

it("has nothing to do the second time, by the Automation API", async () => {
  const { summary } = await (await example.automation()).up();
  expect(Object.keys(summary.resourceChanges ?? {})).toEqual(["same"]);
});

describe("a server that has booted long ago", () => {
  let booted: BootedServer;
  beforeAll(async () => {
    booted = await bootInstance({ socket: servers[0].socket, userData: "#!/bin/sh\necho up\n" });
  });
  afterAll(() => booted.shutdown());

  it("gets the script by the commands of the README, and lists the account's servers with a token of its own", async () => {
    const token = await example.readme("On the servers", {}, { ssh: sshTo(booted, "192.0.2.7") });
    const { status } = await fetch(`${example.emulator.url}/v1/instances?version=2025-08-26&generation=2`, {
      headers: { Authorization: `Bearer ${token.trim().split("\n").at(-1) ?? ""}` },
    });
    expect(status).toBe(200);
  });
});

it("is changed by the commands of its README: another server, without touching the first", async () => {
  const [known] = links();
  await example.readme("Change it", { serverIds: servers.map(({ id }) => id).join(",") });
  expect(links()).toEqual([known, servers[1].crn]);
  expect(servers.map(service)).toEqual([ON, ON]);
  const actions = example.emulator
    .journal()
    .filter(({ method, path }) => method === "POST" && path.includes("/actions"));
  expect(actions.map(({ path }) => path.includes(servers[1].id))).toEqual([true, true]);
});

it("gives back what is taken off the list", async () => {
  await example.pulumi("config", "set", "serverIds", servers[1].id);
  await example.pulumi("up", "--yes", "--skip-preview");
  expect(links()).toEqual([servers[1].crn]);
  expect(servers.map(service)).toEqual([OFF, ON]);
});

it("is destroyed by the Automation API, and the servers are as they were", async () => {
  await (await example.automation()).destroy();
  expect(example.emulator.inventory()).toEqual(before);
});

it("has run every command of its README", () => expect(example.unrun()).toEqual([]));
