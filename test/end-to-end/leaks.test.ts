/** No token, key or API key is found anywhere it could be seen; a planted marker shows that the same search finds one. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startEmulator, type Emulator } from "../../emulator";
import { bootInstance, type BootedServer } from "pulumi-ibm-vpc-identity/emulator";
import { ProcessWatch } from "../support/process-watch";
import { CLI, Project, seededConfig, type Run } from "../support/project";
import { filesBelow, MARKER, secretsIn } from "../support/secrets";

/** Where a user can leave the API key; an exported variable is in the environment of all they run, which is theirs to decide. */
const WAYS = {
  "a credentials file": (project: Project, apiKey: string) => {
    const file = join(project.folder, "ibm-credentials.env");
    writeFileSync(file, `IAM_IDENTITY_APIKEY=${apiKey}\n`, { mode: 0o600 });
    project.env = { ...project.env, IBM_CREDENTIALS_FILE: file };
    return { flags: [], input: "" };
  },
  "a secret of the stack config": (_project: Project, apiKey: string) => ({
    flags: ["--secret", "vpc-identity:apiKey"],
    input: `${apiKey}\n`,
  }),
};

const PLACES = ["the state, its history and backups", "the project", "the logs", "the server's log", "the journal"];

describe.each(Object.entries(WAYS))("up, boot, renewal and destroy with the API key in %s", (_way, leave) => {
  let emulator: Emulator;
  let project: Project;
  let server: BootedServer | undefined;
  let watch: ProcessWatch;
  const places: Record<string, string> = {};

  beforeAll(async () => {
    emulator = await startEmulator();
    const endpoints = Object.fromEntries(Object.entries(emulator.env).filter(([name]) => name !== "IBMCLOUD_API_KEY"));
    project = Project.ofExample("linked-instance", { ...endpoints, VPC_IDENTITY_LOG: "debug" });
    const { flags, input } = leave(project, emulator.apiKey);
    const config = Object.entries(seededConfig(emulator)).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    const run = (...args: string[]): Promise<Run> =>
      project.start(process.execPath, [CLI, ...args, "--engine", "embedded"], input).done;

    watch = new ProcessWatch();
    const planted = spawn("sleep", ["60"], { argv0: MARKER, env: { PLANTED: MARKER } });
    const up = await run("up", "--yes", ...flags, ...config);
    expect([up.exitCode, up.output]).toEqual([0, expect.any(String)]);
    server = await bootInstance({ socket: emulator.inventory().instances[0]?.socket ?? "" });
    expect([server.exitCode, server.log]).toEqual([0, expect.any(String)]);
    const renewed = await server.exec(["/usr/local/bin/vpc-identity", "once"]);
    const refresh = await run("refresh", "--yes");
    const destroy = await run("destroy", "--yes");
    expect([refresh.exitCode, destroy.exitCode, destroy.output]).toEqual([0, 0, expect.any(String)]);

    // A marker in each place shows that the search looks there.
    planted.kill();
    watch.stop();
    const state = join(project.folder, "state");
    for (const folder of [state, project.cwd]) writeFileSync(join(folder, "planted"), MARKER);
    const unknown = await run("output", "--stack", MARKER);
    await fetch(`${emulator.url}/v1/instances?name=${MARKER}`);
    Object.assign(places, {
      "the state, its history and backups": filesBelow(state),
      "the project": filesBelow(project.cwd),
      "the logs": [up, refresh, destroy, unknown].map(({ output }) => output).join("\n"),
      "the server's log": server.log + renewed.stdout + renewed.stderr + MARKER,
      "the journal": JSON.stringify(emulator.journal()),
    });
  }, 120_000);

  afterAll(async () => {
    watch.stop();
    await server?.shutdown();
    await emulator.close();
    project.remove();
  });

  it.each(PLACES)("%s: none but the planted marker", (place) => {
    expect(secretsIn(places[place] ?? "", emulator.apiKey)).toEqual(["marker"]);
  });

  it("arguments and environments of all processes: none but the planted marker", () => {
    expect(secretsIn(watch.text, emulator.apiKey)).toEqual(["marker"]);
  });
});

it("the search finds each kind", () => {
  const apiKey = "k".repeat(44);
  const all = `${apiKey} eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2ln -----BEGIN RSA PRIVATE KEY-----\nMIIE ${MARKER}`;
  expect(secretsIn(all, apiKey)).toEqual(["API key", "token", "private key", "marker"]);
});
