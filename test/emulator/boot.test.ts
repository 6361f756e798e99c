/** Booting user data that has nothing to do with this package: what a server may do, and what the host never notices. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { type BootedServer, bootInstance, type BootOptions } from "../../emulator/boot";
import { readUserData } from "../../emulator/boot-document";

/** Anything that answers on a unix socket: the address is what is looked at here, not the service. */
let services: Server;
let folder: string;
let socket: string;
let server: BootedServer | undefined;

const unshare = spawnSync("unshare", ["-rnmpf", "--kill-child", "--mount-proc", "true"]).status === 0;
const asRoot = process.getuid?.() === 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "boot-test-"));
  socket = join(folder, "s");
  services = createServer((request, response) => response.end(`answer to ${request.url ?? ""}`));
  await new Promise<void>((done) => services.listen(socket, done));
});
afterAll(async () => {
  services.closeAllConnections();
  await new Promise((done) => services.close(done));
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await server?.shutdown();
  server = undefined;
});

async function boot(userData: string, options: Partial<BootOptions> = {}): Promise<BootedServer> {
  server = await bootInstance({ socket, userData, timeoutMs: 30_000, ...options });
  return server;
}

const runcmd = (...lines: string[]): string => `#cloud-config\nruncmd: ${JSON.stringify(lines)}\n`;

/** Names, sizes and times of everything in the folders that user data usually writes to. */
function hostListing(): string[] {
  const look = (path: string, depth: number): string[] => {
    const { size, mtimeMs, mode } = lstatSync(path);
    const entries = depth > 0 && lstatSync(path).isDirectory() ? readdirSync(path).sort() : [];
    return [`${path} ${size} ${mtimeMs} ${mode}`, ...entries.flatMap((name) => look(join(path, name), depth - 1))];
  };
  const present = ["/etc", "/usr/local", "/usr/bin", "/var/lib", "/root", "/opt", "/srv", "/home", "/mnt"].filter(
    (path) => existsSync(path),
  );
  return present.flatMap((path) => look(path, ["/root", "/home", "/var/lib"].includes(path) ? 0 : 2));
}

describe("reading user data", () => {
  const content = (userData: string, index = 0): string =>
    Buffer.from(readUserData(userData).files[index]?.content ?? "", "base64").toString("utf8");

  it("understands every encoding of write_files", () => {
    for (const [encoding, text] of [
      ["b64", Buffer.from("héllo\n").toString("base64")],
      ["gz+b64", gzipSync("héllo\n").toString("base64")],
    ]) {
      expect(
        content(`#cloud-config\nwrite_files: [{path: /x, encoding: ${encoding ?? ""}, content: ${text ?? ""}}]`),
      ).toBe("héllo\n");
    }
    expect(content("#cloud-config\nwrite_files:\n  - path: /x\n    content: |\n      héllo\n")).toBe("héllo\n");
  });

  it("makes the commands of runcmd as cloud-init does", () => {
    const userData = `#cloud-config\nruncmd:\n  - echo $HOME | cat\n  - [echo, "a b", "it's", 5]\n  - null\n`;
    expect(content(userData)).toBe(`#!/bin/sh\necho $HOME | cat\n'echo' 'a b' 'it'\\''s' '5'\n`);
  });

  it.each([
    {
      name: "a key it does not execute",
      userData: "#cloud-config\npackages: [nginx]\nruncmd: [ls]",
      says: /user data has "packages", which this emulator does not execute/,
    },
    {
      name: "a key of a file it does not execute",
      userData: "#cloud-config\nwrite_files: [{path: /x, source: {uri: x}}]",
      says: /write_files\[0\] has "source"/,
    },
    {
      name: "an encoding it does not know",
      userData: "#cloud-config\nwrite_files: [{path: /x, encoding: rot13}]",
      says: /encoding is "rot13"/,
    },
    {
      name: "permissions that are a number",
      userData: "#cloud-config\nwrite_files: [{path: /x, permissions: 0600}]",
      says: /permissions is 600; must be a text/,
    },
    { name: "a relative path", userData: "#cloud-config\nwrite_files: [{path: x}]", says: /must be absolute/ },
    { name: "YAML that is none", userData: "#cloud-config\n{", says: /is not YAML/ },
    { name: "something else", userData: "{}", says: /must begin with "#cloud-config" or "#!"/ },
  ])("refuses $name, by name", ({ userData, says }) => {
    expect(() => readUserData(userData)).toThrow(says);
  });
});

(unshare ? describe : describe.skip)("a booted server", () => {
  it("is answered on the true address, by number and by name", async () => {
    const { log, isolated, exitCode } = await boot(
      runcmd(
        "curl -sq --noproxy '*' http://169.254.169.254/a",
        "echo",
        "curl -sq --noproxy '*' http://api.metadata.cloud.ibm.com/b",
      ),
    );
    expect({ log, isolated, exitCode }).toEqual({ log: "answer to /a\nanswer to /b\n", isolated: true, exitCode: 0 });
  });

  it("has no other network", async () => {
    const { log } = await boot(
      runcmd("ls /sys/class/net 2>/dev/null | wc -l; cat /proc/net/route | wc -l; cat /proc/net/dev | grep -c :"),
    );
    expect(log.trim().split("\n").slice(1)).toEqual(["1", "1"]);
  });

  it("writes files with their modes, runs commands, and ends with the last one's exit code", async () => {
    const userData = `#cloud-config
write_files:
  - {path: /etc/deep/er/file, content: "one\\n", permissions: "0640"}
  - {path: /etc/deep/er/file, content: "two\\n", append: true}
  - {path: /usr/local/bin/tool, content: "#!/bin/sh\\necho tool ran\\n", permissions: "0755"}
runcmd:
  - [tool]
  - cat /etc/deep/er/file; stat -c %a /etc/deep/er/file
  - "false"
  - exit 7
`;
    const { log, exitCode } = await boot(userData);
    expect(log).toBe("tool ran\none\ntwo\n644\n");
    expect(exitCode).toBe(7);
  });

  it("streams what it prints while it boots", async () => {
    const seen: [string, number][] = [];
    await boot(runcmd("echo first; sleep 1; echo second >&2"), { onLog: (line) => seen.push([line, Date.now()]) });
    expect(seen.map(([line]) => line)).toEqual(["first", "second"]);
    expect((seen[1]?.[1] ?? 0) - (seen[0]?.[1] ?? 0)).toBeGreaterThan(500);
  });

  it("stays up until it is shut down, with everything it wrote", async () => {
    const booted = await boot(runcmd("echo kept > /run/kept"));
    expect(await booted.readFile("/run/kept")).toBe("kept\n");
    expect(await booted.exec(["sh", "-c", "cat /run/kept; echo bad >&2; exit 3"])).toEqual({
      exitCode: 3,
      stdout: "kept\n",
      stderr: "bad\n",
    });
    await expect(booted.readFile("/run/none")).rejects.toThrow("Cannot read /run/none on the server: ENOENT");
    await expect(booted.exec(["no-such-program"])).rejects.toThrow(/Cannot run no-such-program/);
    await expect(booted.exec(["sleep", "30"], { timeoutMs: 200 })).rejects.toThrow("not finished after 200 ms");
    const sleeper = await booted.exec(["sh", "-c", "sleep 300 >/dev/null 2>&1 & echo $!"]);
    expect(sleeper.exitCode).toBe(0);
    await booted.shutdown();
    await expect(booted.exec(["true"])).rejects.toThrow("the server was shut down");
  });

  it("does not see the environment of its host", async () => {
    process.env.PLANTED_SECRET = "planted-for-the-test";
    const booted = await boot(runcmd("env; cat /proc/1/environ"));
    delete process.env.PLANTED_SECRET;
    expect(booted.log).toContain("HOME=/root");
    expect(booted.log).not.toContain("planted-for-the-test");
  });

  it("fails when it takes too long, with its last lines", async () => {
    await expect(boot(runcmd("echo so far so good; sleep 60"), { timeoutMs: 1500 })).rejects.toThrow(
      /not up after 1500 ms[\s\S]*so far so good/,
    );
  });

  it("runs a script as it is", async () => {
    const { log, exitCode } = await boot("#!/bin/bash\necho ${BASH_VERSION:+bash}; exit 4\n");
    expect({ log, exitCode }).toEqual({ log: "bash\n", exitCode: 4 });
  });

  it("writes nothing to its host, however hard it tries", async () => {
    const before = hostListing();
    const targets = [
      "/etc",
      "/usr/local/bin",
      "/usr/bin",
      "/var/lib",
      "/root",
      "/opt",
      "/srv",
      "/home",
      "/mnt",
      "/",
      process.cwd(),
      folder,
      "/dev/shm",
    ];
    // Harmless where it should succeed after all: nothing that is not of this test is removed or changed.
    const planted = "planted-by-the-server";
    const own = join(folder, "own-file");
    writeFileSync(own, "");
    const attempts = targets.map((path) => `touch "${path}/${planted}" 2>/dev/null && echo "${path}"`);
    const sysctl = "/proc/sys/kernel/sysrq";
    try {
      const { log } = await boot(
        runcmd(
          ...attempts,
          `rm -f "${own}"`,
          `value=$(cat ${sysctl}); echo $value 2>/dev/null >${sysctl} || echo refused`,
        ),
      );
      // The same attempt succeeds where the server may write: there it can be seen inside, and only there.
      expect(log.split("\n")).toEqual(expect.arrayContaining(["/etc", "/usr/local/bin", "/var/lib", "refused"]));
      expect(log).not.toContain(`${process.cwd()}\n`);
      expect(hostListing()).toEqual(before);
      expect(targets.filter((path) => existsSync(join(path, planted)))).toEqual([]);
      expect(existsSync(own)).toBe(true);
    } finally {
      for (const path of targets) rmSync(join(path, planted), { force: true });
    }
  });
});

/** Boots in a process of its own, with the compiled package; prints what came of it. */
function bootElsewhere(code: string, prefix: readonly string[] = [], env: Record<string, string> = {}): ChildProcess {
  const program = `
    const { bootInstance } = require(${JSON.stringify(resolve("dist/emulator/index.js"))});
    (async () => { ${code} })().catch((error) => { console.error(error.message); process.exitCode = 1; });`;
  const argv = [...prefix, process.execPath, "-e", program];
  return spawn(argv[0] ?? "", argv.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", ...env },
  });
}

function outputOf(child: ChildProcess): Promise<string> {
  let output = "";
  child.stdout?.on("data", (data: Buffer) => (output += data.toString("utf8")));
  child.stderr?.on("data", (data: Buffer) => (output += data.toString("utf8")));
  return new Promise((done) => child.on("close", () => done(output)));
}

const compiled = existsSync(resolve("dist/emulator/index.js"));

(unshare && compiled ? describe : describe.skip)("the process that boots a server", () => {
  it("takes the server with it when it is killed", async () => {
    const marker = `31${Date.now() % 100_000}`;
    const userData = runcmd(`sleep ${marker} & sleep ${marker}`);
    const child = bootElsewhere(`
      console.log("started");
      await bootInstance({ socket: ${JSON.stringify(socket)}, userData: ${JSON.stringify(userData)}, timeoutMs: 60000 });`);
    const sleepers = (): number =>
      spawnSync("pgrep", ["-fc", `^sleep ${marker}`], { encoding: "utf8" }).stdout.trim() === "0" ? 0 : 1;
    await eventually(() => sleepers() === 1);
    child.kill("SIGKILL");
    await eventually(() => sleepers() === 0);
    expect(sleepers()).toBe(0);
  });

  (asRoot ? describe : describe.skip)("as another user than root", () => {
    it("needs no rights for any of it", async () => {
      chmodSync(folder, 0o755);
      chmodSync(socket, 0o777);
      const userData = `#cloud-config
write_files: [{path: /usr/local/bin/tool, content: "#!/bin/sh\\nid -u; curl -sq http://169.254.169.254/x", permissions: "0755"}]
runcmd: [tool]`;
      const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
      const code = `
        const server = await bootInstance({ socket: ${JSON.stringify(socket)}, userData: ${JSON.stringify(userData)}, timeoutMs: 20000 });
        console.log(JSON.stringify([process.getuid(), server.isolated, server.exitCode, server.log]));
        await server.shutdown();`;
      const output = await outputOf(bootElsewhere(code, nobody));
      expect(output.trim()).toBe(JSON.stringify([65534, true, 0, "0\nanswer to /x\n"]));
    });
  });
});

(unshare && compiled ? describe : describe.skip)("where namespaces are refused", () => {
  // A user namespace that may have no network namespaces of its own: the kernel refuses, as a locked-down host would.
  const refusing = ["unshare", "-rU", "sh", "-c", 'echo 0 >/proc/sys/user/max_net_namespaces; exec "$@"', "sh"];

  it("runs on loopback below a folder of its own, and says so", async () => {
    const tool =
      '#!/bin/sh\\necho \\"$VPC_IDENTITY_METADATA_URL $VPC_IDENTITY_ROOT\\"; curl -sq \\"$VPC_IDENTITY_METADATA_URL/x\\"';
    const userData = `#cloud-config
write_files: [{path: /usr/local/bin/tool, content: "${tool}", permissions: "0755"}]
runcmd: [[/usr/local/bin/tool]]`;
    const code = `
      const lines = [];
      const onLog = (line) => lines.push(line);
      const server = await bootInstance({ socket: ${JSON.stringify(socket)}, userData: ${JSON.stringify(userData)}, onLog, timeoutMs: 20000 });
      const again = await server.exec(["/usr/local/bin/tool"]);
      const file = await server.readFile("/usr/local/bin/tool");
      await server.shutdown();
      console.log(JSON.stringify({ isolated: server.isolated, exitCode: server.exitCode, log: server.log, lines, again, file }));`;
    const seen = JSON.parse(await outputOf(bootElsewhere(code, refusing))) as Record<string, unknown> & { log: string };
    expect(seen).toMatchObject({
      isolated: false,
      exitCode: 0,
      again: { exitCode: 0 },
      file: expect.stringContaining("curl") as string,
    });
    expect(seen.lines).toContainEqual(
      expect.stringMatching(/^Namespaces are refused here \(unshare: .*\); running on loopback below /),
    );
    const root = /^http:\/\/127\.0\.0\.1:\d+ (\S+)\nanswer to \/x\n$/.exec(seen.log)?.[1] ?? "";
    expect(root).toMatch(/vpc-server-/);
    expect(existsSync(root)).toBe(false);
  });

  it.each([
    {
      name: "a command it did not bring",
      userData: runcmd("touch /etc/planted"),
      says: /runs touch: that would reach the host itself/,
    },
    { name: "a script", userData: "#!/bin/sh\ntouch /etc/planted\n", says: /a script, whose commands cannot be told/ },
  ])("refuses $name", async ({ userData, says }) => {
    const code = `await bootInstance({ socket: ${JSON.stringify(socket)}, userData: ${JSON.stringify(userData)} });`;
    expect(await outputOf(bootElsewhere(code, refusing))).toMatch(says);
    expect(existsSync("/etc/planted")).toBe(false);
  });
});

async function eventually(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 8000; !condition() && Date.now() < end;)
    await new Promise((done) => setTimeout(done, 50));
}
