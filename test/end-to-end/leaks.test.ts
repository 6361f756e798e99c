/** No token, key or API key is found anywhere it could be seen; a planted marker shows that the same search finds one. */
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startEmulator, type Emulator } from "../../emulator";
import { bootInstance, type BootedServer } from "pulumi-ibm-vpc-identity/emulator";
import { ProcessWatch } from "../support/process-watch";
import { Project, seededConfig } from "../support/project";

const MARKER = `planted-${"marker".repeat(4)}`;

/** What must not be seen: the API key, anything shaped like one of IBM's tokens, any private key. */
function secretsIn(text: string, apiKey: string): string[] {
  const shapes: [string, RegExp][] = [
    ["API key", new RegExp(apiKey)],
    ["token", /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*/],
    ["private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]/],
    ["marker", new RegExp(MARKER)],
  ];
  return shapes.filter(([, shape]) => shape.test(text)).map(([name]) => name);
}

function filesBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true, encoding: "utf8" })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}

describe("up, boot, renewal and destroy", () => {
  let emulator: Emulator;
  let project: Project;
  let server: BootedServer | undefined;
  let watch: ProcessWatch;
  const places: Record<string, string> = {};

  beforeAll(async () => {
    emulator = await startEmulator();
    const { IBMCLOUD_API_KEY: apiKey, ...endpoints } = emulator.env;
    project = Project.ofExample("linked-instance", endpoints);
    // By file: an API key that a user exports is in the environment of everything they run, which is theirs to decide.
    const credentials = join(project.folder, "ibm-credentials.env");
    writeFileSync(credentials, `IAM_IDENTITY_APIKEY=${String(apiKey)}\n`, { mode: 0o600 });
    project.env = { ...project.env, IBM_CREDENTIALS_FILE: credentials, VPC_IDENTITY_LOG: "debug" };

    watch = new ProcessWatch();
    const planted = spawn("sleep", ["5"], { argv0: MARKER, env: { PLANTED: MARKER } });
    const config = Object.entries(seededConfig(emulator)).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    const logs = [await project.cli("up", "--yes", "--engine", "embedded", ...config)];
    expect([logs[0]?.exitCode, logs[0]?.output]).toEqual([0, expect.any(String)]);
    server = await bootInstance({ socket: emulator.inventory().instances[0]?.socket ?? "" });
    expect([server.exitCode, server.log]).toEqual([0, expect.any(String)]);
    const renewed = await server.exec(["/usr/local/bin/vpc-identity", "once"]);
    logs.push(await project.cli("refresh", "--yes", "--engine", "embedded"));
    places["state, config and history"] =
      filesBelow(join(project.folder, "state")) + filesBelow(project.cwd.concat("/"));
    logs.push(await project.cli("destroy", "--yes", "--engine", "embedded"));
    planted.kill();
    watch.stop();
    places.logs = logs.map(({ output }) => output).join("\n");
    places["the server's log"] = server.log + renewed.stdout + renewed.stderr;
    places["the journal"] = JSON.stringify(emulator.journal());
    places["stack history"] = filesBelow(join(project.folder, "state"));
  }, 120_000);

  afterAll(async () => {
    watch.stop();
    await server?.shutdown();
    await emulator.close();
    project.remove();
  });

  it.each(["state, config and history", "logs", "the server's log", "the journal", "stack history"])(
    "%s hold none",
    (place) => {
      expect(places[place]).not.toBe("");
      expect(secretsIn(places[place] ?? "", emulator.apiKey)).toEqual([]);
    },
  );

  it("arguments and environments of all processes hold none but the planted marker", () => {
    expect(secretsIn(watch.text, emulator.apiKey)).toEqual(["marker"]);
  });

  it("the search finds each kind", () => {
    const all = `${emulator.apiKey} eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2ln -----BEGIN RSA PRIVATE KEY-----\nMIIE ${MARKER}`;
    expect(secretsIn(all, emulator.apiKey)).toEqual(["API key", "token", "private key", "marker"]);
  });
});
