/** What the installed script does for those who use the credentials: files for them, and hooks after a renewal. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { getAuthenticatorFromEnvironment } from "ibm-cloud-sdk-core";
import { type BootstrapOptions, validateBootstrap } from "../../bootstrap";
import { extrasScript } from "../../bootstrap/script-extras";
import { type ServerFolder, SHELLS } from "./server-folder";
import { Servers } from "./servers";

const servers = new Servers();

function serverWith(options: BootstrapOptions): ServerFolder {
  const server = servers.makeQuick(options);
  server.endFirstBoot();
  return server;
}

const shellcheck = spawnSync("shellcheck", ["--version"]).status === 0;
(shellcheck ? describe : describe.skip)("shellcheck", () => {
  it.each(["sh", "dash"])("has no finding in the extras, as %s", (dialect) => {
    const args = ["-s", dialect, "-e", "SC2317,SC2016,SC2015", "-"];
    const { status, stdout } = spawnSync("shellcheck", args, {
      input: extrasScript("swanctl\tx\nlog\tjson\nuser\tx\n"),
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });
});

const NOTE = ["sh", "-c", 'echo "$1:$VPC_IDENTITY_CHANGED:$VPC_IDENTITY_EXIT_CODE" >>"$VPC_IDENTITY_ROOT/notes"', "sh"];

describe("hooks", () => {
  it.each(SHELLS.filter(({ present }) => present))(
    "run after a success, with what changed, under $name",
    async ({ argv }) => {
      const server = serverWith({
        hooks: { exec: [[...NOTE, 'it\'s "$HOME" `id`']], failureExec: [[...NOTE, "bad"]] },
      });
      const { exitCode, stderr } = await server.run(["once"], { shell: argv });
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect(server.read("/notes")).toBe('it\'s "$HOME" `id`:token:default certificate :0\n');
    },
  );

  it("do not run when nothing was renewed", async () => {
    const server = serverWith({ hooks: { exec: [[...NOTE, "ran"]] } });
    await server.run(["renew"]);
    await server.run(["renew"]);
    expect(server.read("/notes").split("\n")).toHaveLength(2);
    rmSync(server.path("/run/vpc-identity/tokens/default"));
    await server.run(["renew"]);
    expect(server.read("/notes")).toMatch(/ran:token:default :0\n$/);
  });

  it("for failures run after a failure, those for success only for what was renewed", async () => {
    const server = serverWith({ hooks: { exec: [[...NOTE, "good"]], failureExec: [[...NOTE, "bad"]] } });
    servers.service.plan("iam_tokens", { status: 403 });
    expect((await server.run(["once"])).exitCode).toBe(5);
    expect(server.read("/notes")).toBe("good:certificate :5\nbad:certificate :5\n");
  });

  it("that fail or hang undo nothing and are told", async () => {
    const server = serverWith({ hooks: { exec: [["false"], ["sleep", "60"], [...NOTE, "third"]], timeoutSeconds: 1 } });
    const { exitCode, stderr, milliseconds } = await server.run(["once"]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/the hook failed: 'false'\n.*the hook failed: 'sleep' '60'\n/s);
    expect(milliseconds).toBeLessThan(15_000);
    expect(server.completeSet()).toMatchObject({ generation: 1 });
    expect(server.read("/notes")).toContain("third");
    expect(server.read("/run/vpc-identity/hooks-failed")).toBe("1\n");
  });

  it("run every executable file of a folder, in order", async () => {
    const server = serverWith({ hooks: { directory: "/etc/hooks.d" } });
    mkdirSync(server.path("/etc/hooks.d"));
    for (const [name, mode] of [
      ["10-a b", 0o755],
      ["20-c", 0o755],
      ["30-data", 0o644],
    ] as const) {
      const file = server.path(`/etc/hooks.d/${name}`);
      writeFileSync(file, `#!/bin/sh\necho '${name}' >>"$VPC_IDENTITY_ROOT/notes"\n`);
      chmodSync(file, mode);
    }
    await server.run(["once"]);
    expect(server.read("/notes")).toBe("10-a b\n20-c\n");
  });

  it("signal the process that a file names", async () => {
    const server = serverWith({ hooks: { signal: [{ pidFile: "/run/daemon.pid", signal: "USR1" }] } });
    const daemon = spawn("sh", ["-c", 'trap "echo signalled; exit" USR1; echo up; while :; do sleep 0.1; done'], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await new Promise((resolve) => daemon.stdout.once("data", resolve));
    mkdirSync(server.path("/run"));
    writeFileSync(server.path("/run/daemon.pid"), `${daemon.pid}\n`);
    const signalled = new Promise<string>((resolve) => daemon.stdout.once("data", (data) => resolve(String(data))));
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(await signalled).toBe("signalled\n");
  });

  it("wait for the command of their own where the service has too few rights", async () => {
    const server = serverWith({ hooks: { exec: [[...NOTE, "ran"]] } });
    await server.run(["once"], { env: { VPC_IDENTITY_HOOKS: "later" } });
    expect(server.has("/notes")).toBe(false);
    expect((await server.run(["hooks"])).exitCode).toBe(0);
    expect(server.read("/notes")).toBe("ran:token:default certificate :0\n");
    await server.run(["hooks"]);
    expect(server.read("/notes").split("\n")).toHaveLength(2);
  });

  it("are not told any secret", async () => {
    const server = serverWith({ hooks: { exec: [["sh", "-c", 'env >"$VPC_IDENTITY_ROOT/notes"']] } });
    const { stdout, stderr } = await server.run(["once"], { shell: ["sh", "-x"] });
    expect(server.read("/notes")).toContain("VPC_IDENTITY_CHANGED");
    for (const secret of servers.service.secrets) expect(server.read("/notes") + stdout + stderr).not.toContain(secret);
  });
});

describe("a combined PEM file", () => {
  it("has key, leaf and chain", async () => {
    const server = serverWith({ combinedPem: true });
    expect((await server.run(["once"])).exitCode).toBe(0);
    const [combined, key, fullchain] = ["combined", "key", "fullchain"].map((name) =>
      server.read(`/run/vpc-identity/current/${name}.pem`),
    );
    expect(combined).toBe(`${key}${fullchain}`);
    expect(statSync(server.path("/run/vpc-identity/current/combined.pem")).mode & 0o777).toBe(0o600);
  });
});

describe("a credential file", () => {
  it("is what IBM's SDK takes for credentials", async () => {
    const server = serverWith({
      iamTokens: [{ name: "default" }, { name: "other" }],
      credentialFiles: [{ token: "default", services: ["VPC", "COS"] }],
    });
    expect((await server.run(["once"])).exitCode).toBe(0);
    const file = server.path("/run/vpc-identity/credentials/default.env");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(server.has("/run/vpc-identity/credentials/other.env")).toBe(false);
    process.env.IBM_CREDENTIALS_FILE = file;
    try {
      for (const name of ["vpc", "cos"]) {
        const request = { headers: {} as Record<string, string> };
        await getAuthenticatorFromEnvironment(name).authenticate(request);
        expect(request.headers.Authorization).toBe(`Bearer ${servers.service.secrets[1]}`);
      }
    } finally {
      delete process.env.IBM_CREDENTIALS_FILE;
    }
  });
});

(process.getuid?.() === 0 ? describe : describe.skip)("owners and modes, as real root", () => {
  it("are those of the options, file by file", async () => {
    const server = serverWith({
      combinedPem: true,
      files: {
        "key.pem": { owner: "daemon", group: "daemon", mode: "0440" },
        "fullchain.pem": { mode: "0644" },
        token: { owner: "daemon" },
      },
    });
    const { exitCode, stderr } = await server.run(["once"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const of = (path: string): string => {
      const { mode, uid, gid } = statSync(server.path(`/run/vpc-identity/${path}`));
      return `${path} ${(mode & 0o777).toString(8)} ${uid} ${gid}`;
    };
    const paths = ["current", "current/key.pem", "current/fullchain.pem", "current/combined.pem", "tokens/default"];
    expect(paths.map(of)).toEqual([
      "current 711 0 0",
      "current/key.pem 440 1 1",
      "current/fullchain.pem 644 0 0",
      "current/combined.pem 600 0 0",
      "tokens/default 600 1 0",
    ]);
  });

  it("fail with the name of a user that is not there", async () => {
    const server = serverWith({ files: { token: { owner: "nobody-of-the-test" } }, certificate: false });
    const { exitCode, stderr } = await server.run(["once"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("nobody-of-the-test");
    expect(server.has("/run/vpc-identity/tokens/default")).toBe(false);
  });
});

describe("options", () => {
  it("name every problem", () => {
    const options = {
      files: { "key.pem": { mode: "0666", owner: "Root!" }, "other.pem": {} },
      hooks: { exec: [[], ["a\nb"]], reload: ["x y"], signal: [{ pidFile: "../x", signal: "KILL" }] },
      credentialFiles: [{ token: "default", services: ["vpc"] }],
    };
    expect(
      validateBootstrap(options, "")
        .map(({ property }) => property)
        .sort(),
    ).toEqual(
      [
        "credentialFiles[0].services[0]",
        "files.key.pem.mode",
        "files.key.pem.owner",
        "files.other.pem",
        "hooks.exec[0]",
        "hooks.exec[1][0]",
        "hooks.reload[0]",
        "hooks.signal[0].pidFile",
        "hooks.signal[0].signal",
      ].sort(),
    );
  });
});

describe("modes of secret files", () => {
  it.each(["key.pem", "combined.pem", "token", "credentials"])("let no others in: %s", (name) => {
    for (const mode of ["0644", "0604", "0601", "0660", "0620"]) {
      const problems = validateBootstrap({ files: { [name]: { mode } } }, "");
      expect(problems.map(({ property }) => property)).toEqual([`files.${name}.mode`]);
      expect(problems[0]?.reason).toContain(`is "${mode}"; must be four octal digits`);
    }
    expect(validateBootstrap({ files: { [name]: { mode: "0440" }, "leaf.pem": { mode: "0644" } } }, "")).toEqual([]);
  });
});

describe("extras", () => {
  it("are gone after uninstall", async () => {
    const server = serverWith({ combinedPem: true });
    expect(readFileSync(server.path("/etc/vpc-identity/extras.conf"), "utf8")).toBe("combined\t1\n");
    await server.run(["uninstall"]);
    expect(server.has("/usr/local/lib/vpc-identity")).toBe(false);
  });
});
