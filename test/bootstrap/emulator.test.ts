/** The whole way: user data of an emulated server, booted as that server on the true address, against the emulator. */
import { spawn, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { bootstrapUserData } from "../../bootstrap";
import { type Emulator, startEmulator } from "../../emulator";
import { bootInstance, type BootedServer, type BootOptions } from "../../emulator/boot";
import { link, makeServer } from "../emulator/emulated-server";

let emulator: Emulator;
let server: BootedServer | undefined;

beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0 });
});
afterAll(() => emulator.close());
afterEach(async () => {
  await server?.shutdown();
  server = undefined;
});

async function boot(options: BootOptions): Promise<BootedServer> {
  server = await bootInstance({ timeoutMs: 40_000, ...options });
  return server;
}

const COMMAND = "/usr/local/bin/vpc-identity";

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as Record<string, unknown>;
}

describe("an emulated server", () => {
  it("has its identity after its first boot, verified up to the emulator's root", async () => {
    const userData = bootstrapUserData({
      certificate: { subject: { O: "Example" } },
      trustRootsPem: emulator.rootCertificate,
    });
    const { id, socket, profileId } = await makeServer(emulator, { name: "booted", userData });
    const { exitCode, log, readFile, exec } = await bound({ socket });
    expect({ exitCode, log }).toMatchObject({ exitCode: 0 });
    const token = await readFile("/run/vpc-identity/tokens/default");
    expect(claimsOf(token)).toMatchObject({ sub: profileId });
    const leaf = new X509Certificate(await readFile("/run/vpc-identity/current/leaf.pem"));
    expect(leaf.subject.split("\n").sort()).toEqual([`CN=${id}`, "O=Example"]);
    expect(JSON.parse(await readFile("/run/vpc-identity/current/manifest.json"))).toMatchObject({
      generation: 1,
      instanceId: id,
    });
    expect(log).not.toContain(token);
    expect((await exec([COMMAND, "status"])).exitCode).toBe(0);
    expect((await exec([COMMAND, "once"])).exitCode).toBe(0);
    expect(await readFile("/run/vpc-identity/tokens/default")).not.toBe(token);
    expect((await exec([COMMAND, "doctor"])).stdout).toMatch(/^ok .*\nok .*\nok .*\nok .*\nok .*IAM token "default"/);
  });

  it("boots from a plain script as well", async () => {
    const userData = bootstrapUserData({}, { format: "script" });
    const { socket } = await makeServer(emulator, { name: "plain-script", userData });
    const { exitCode, readFile } = await bound({ socket });
    expect(exitCode).toBe(0);
    expect(await readFile("/run/vpc-identity/tokens/default")).toMatch(/^eyJ/);
  });

  it("waits for a link that comes after the boot began", async () => {
    const userData = bootstrapUserData({ certificate: false });
    const made = await makeServer(emulator, { name: "linked-later", userData, autoLink: false });
    const lines: string[] = [];
    const onLog = (line: string): void => {
      lines.push(line);
      if (line.includes("profile_not_linked")) void link(emulator, made);
    };
    const { exitCode } = await bound({ socket: made.socket, onLog });
    expect(lines.join("\n")).toMatch(/HTTP 400 profile_not_linked: .*trace[\s\S]*trying again in [3-5] s/);
    expect(exitCode).toBe(0);
  });

  it("fails its boot when no link comes", async () => {
    const userData = bootstrapUserData({ firstBootSeconds: 0 });
    const { socket } = await makeServer(emulator, { name: "never-linked", userData, autoLink: false });
    const { exitCode, log, readFile } = await bound({ socket });
    expect(exitCode).toBe(5);
    expect(log).toContain("link the trusted profile to this server");
    expect(JSON.parse(await readFile("/run/vpc-identity/current/manifest.json"))).toMatchObject({ generation: 1 });
  });

  it("speaks https to a service that does", async () => {
    const userData = bootstrapUserData({ protocol: "https" });
    const { socket } = await makeServer(emulator, { name: "secure", userData, protocol: "https" });
    const { exitCode, log } = await bound({ socket, rootCertificate: emulator.rootCertificate });
    expect({ exitCode, log }).toMatchObject({ exitCode: 0 });
  });

  it("verifies https by the CA of the options, where the bundle of the image has none for it", async () => {
    const userData = bootstrapUserData({ protocol: "https", metadataCaPem: emulator.rootCertificate });
    const { socket } = await makeServer(emulator, { name: "own-ca", userData, protocol: "https" });
    const { exitCode, log, readFile } = await bound({ socket });
    expect({ exitCode, log }).toMatchObject({ exitCode: 0 });
    expect(await readFile("/etc/vpc-identity/metadata-ca.pem")).toBe(
      `${emulator.rootCertificate.replaceAll("\r", "").trim()}\n`,
    );
  });

  it("does not speak https to a service that it cannot verify", async () => {
    const userData = bootstrapUserData({ protocol: "https", firstBootSeconds: 0 });
    const { socket } = await makeServer(emulator, { name: "unverified", userData, protocol: "https" });
    const { exitCode, log, exec } = await bound({ socket });
    expect(exitCode).toBe(4);
    expect(log).toMatch(/curl: \(60\)/);
    expect((await exec([COMMAND, "doctor"])).stdout).toMatch(/install the CA bundle/);
  });
});

const compiled = resolve("dist/emulator/index.js");
const namespaces = spawnSync("unshare", ["-rnm", "true"]).status === 0;

(namespaces && existsSync(compiled) ? describe : describe.skip)("on a machine that refuses namespaces", () => {
  it("has its identity all the same, below a folder of its own", async () => {
    const userData = bootstrapUserData({ renewal: false, certificate: false });
    const { socket } = await makeServer(emulator, { name: "not-isolated", userData });
    const program = `require(${JSON.stringify(compiled)})
      .bootInstance({ socket: ${JSON.stringify(socket)}, timeoutMs: 30000 })
      .then(async (server) => {
        const token = await server.readFile("/run/vpc-identity/tokens/default");
        const { exitCode } = await server.exec(["${COMMAND}", "once"]);
        const other = await server.readFile("/run/vpc-identity/tokens/default");
        await server.shutdown();
        console.log(JSON.stringify([server.isolated, server.exitCode, exitCode, token.startsWith("eyJ"), other !== token]));
      });`;
    const refuse = 'echo 0 >/proc/sys/user/max_net_namespaces; exec "$@"';
    const child = spawn("unshare", ["-rU", "sh", "-c", refuse, "sh", process.execPath, "-e", program]);
    let output = "";
    for await (const data of child.stdout) output += String(data);
    expect(output.trim()).toBe("[false,0,0,true,true]");
  });
});

/** Boots, and hands out the methods so that a test can take what it needs. */
async function bound(options: BootOptions): Promise<Pick<BootedServer, "exitCode" | "log" | "readFile" | "exec">> {
  const booted = await boot(options);
  return {
    exitCode: booted.exitCode,
    log: booted.log,
    readFile: (path) => booted.readFile(path),
    exec: (argv, execOptions) => booted.exec(argv, execOptions),
  };
}
