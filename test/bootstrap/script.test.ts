/** The installed script, run by every shell it must know, against on-instance services that fail in every way. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { INSTALLED_SCRIPT } from "../../bootstrap/script";
import { ServerFolder, SHELLS, withOwnPrograms, withStockOfKeys } from "./server-folder";
import { Servers } from "./servers";

const PROFILE = "Profile-6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a";
const CRN = `crn:v1:bluemix:public:iam-identity::a/0f1e2d3c4b5a69788796a5b4c3d2e1f0::profile:${PROFILE}`;
const shellcheck = spawnSync("shellcheck", ["--version"]).status === 0;

const servers = new Servers();

(shellcheck ? describe : describe.skip)("shellcheck", () => {
  it("has no finding of shellcheck, as sh and as dash", () => {
    for (const dialect of ["sh", "dash"]) {
      // Not reachable code is trap's, unexpanded quotes are awk's, `A && B || C` is meant where it stands, and the file of
      // extras is judged by itself.
      const args = ["-s", dialect, "-e", "SC2317,SC2016,SC2015,SC1090", "-"];
      const { status, stdout } = spawnSync("shellcheck", args, { input: INSTALLED_SCRIPT, encoding: "utf8" });
      expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    }
  });
});

describe.each(SHELLS)("$name", ({ name, argv, present }) => {
  if (!present) {
    it.todo(`is not on this machine: ${name}`);
    return;
  }

  it("understands the script", () => {
    const [command = "", ...args] = argv;
    const { status, stderr } = spawnSync(command, [...args, "-n"], { input: INSTALLED_SCRIPT, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("leaves tokens and certificate behind", async () => {
    const server = servers.make({
      iamTokens: [{ name: "default" }, { name: "backup", profileId: PROFILE }, { name: "by.crn", profileCrn: CRN }],
      certificate: { subject: { C: "DE", O: 'Ex$ample "#;\\', OU: "Bücher" } },
    });
    const { exitCode, stdout, stderr } = await server.run(["once"], { shell: argv });
    expect({ exitCode, stdout, stderr }).toMatchObject({ exitCode: 0, stdout: "" });
    expect(server.read("/run/vpc-identity/tokens/default")).toBe(servers.service.secrets[1]);
    expect(server.read("/run/vpc-identity/tokens/backup")).toBe(servers.service.secrets[2]);
    expect(server.read("/run/vpc-identity/tokens/by.crn")).toBe(servers.service.secrets[3]);
    expect(server.completeSet()).toMatchObject({
      generation: 1,
      instanceId: "0717_server-1",
      certificateId: "0717-id_1",
    });
    expect(servers.service.calls("token").map(({ body }) => body)).toEqual(['{"expires_in":300}']);
    expect(servers.service.calls("iam_tokens").map(({ body }) => body)).toEqual([
      "{}",
      `{"trusted_profile":{"id":"${PROFILE}"}}`,
      `{"trusted_profile":{"crn":"${CRN}"}}`,
    ]);
    for (const { headers, path } of servers.service.requests) {
      expect(headers).toMatchObject({ "metadata-flavor": "ibm", "content-type": "application/json" });
      expect(path).toContain("?version=2025-08-26");
    }
  });
});

describe("once", () => {
  it("asks for a bare version 1 request with exactly the subject of the options", async () => {
    const server = servers.make({
      iamTokens: [],
      certificate: { keySize: 4096, subject: { C: "DE", O: 'Ex$ample "#;\\', OU: "Bücher" } },
    });
    expect((await server.run(["once"])).exitCode).toBe(0);
    const { csr, expires_in: life } = JSON.parse(servers.service.calls("certificates")[0]?.body ?? "") as {
      csr: string;
      expires_in: number;
    };
    const args = ["req", "-noout", "-text", "-verify", "-nameopt", "sep_multiline,sname,utf8"];
    const { stdout } = spawnSync("openssl", args, { input: csr, encoding: "utf8" });
    expect(life).toBe(3600);
    expect(stdout).toMatch(/Subject:\s+C=DE\s+O=Ex\$ample "#;\\\\?\s+OU=Bücher\s/);
    expect(stdout).toMatch(/Version: 1 \(0x0\)/);
    expect(stdout).toMatch(/\(4096 bit\)/);
    expect(stdout).toMatch(
      /Attributes:\s+(\(none\))?\s+(Requested Extensions:\s+)?Signature Algorithm: sha256WithRSAEncryption/,
    );
    expect(csr).toMatch(
      /^-----BEGIN CERTIFICATE REQUEST-----\n([0-9a-zA-Z+/=]{64}\n)*[0-9a-zA-Z+/=]{1,64}\n-----END CERTIFICATE REQUEST-----\n$/,
    );
  });

  it("keeps files from everyone else", async () => {
    const server = servers.make();
    await server.run(["once"]);
    const modes = (path: string): Record<string, string> => {
      const at = server.path(`/run/vpc-identity/${path}`);
      return Object.fromEntries(
        readdirSync(at).map((name) => [name, (statSync(`${at}/${name}`).mode & 0o777).toString(8)]),
      );
    };
    expect(modes("")).toMatchObject({ current: "700", generations: "700", tokens: "700" });
    expect(modes("tokens")).toEqual({ default: "600" });
    // The note of when it is due is no secret, and whoever may read a credential needs it.
    const { ".issued": note, ...secret } = modes("current");
    expect([note, new Set(Object.values(secret))]).toEqual(["644", new Set(["600"])]);
    expect(readdirSync(server.path("/run/vpc-identity")).filter((name) => name.startsWith(".work"))).toEqual([]);
  });

  it("refuses a results folder that is a link", async () => {
    const server = servers.make();
    spawnSync("ln", ["-s", "/tmp", server.path("/run")]);
    spawnSync("sh", [
      "-c",
      'rm "$1/run"; mkdir "$1/run" "$1/elsewhere"; ln -s ../elsewhere "$1/run/vpc-identity"',
      "sh",
      server.root,
    ]);
    const { exitCode, stderr } = await server.run(["once"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("is not a folder of this user");
    expect(readdirSync(server.path("/elsewhere"))).toEqual([]);
  });

  it("takes a chain that is the leaf alone", async () => {
    const server = new ServerFolder(servers.service.url, { iamTokens: [] });
    servers.add(server);
    servers.service.plan("certificates", {
      change: (text) => {
        const answer = JSON.parse(text) as { certificates: string[] };
        return JSON.stringify({ ...answer, certificates: answer.certificates.slice(0, 1) });
      },
    });
    expect(await server.run(["once"])).toMatchObject({ exitCode: 0 });
    expect(server.completeSet()).toMatchObject({ generation: 1 });
  });

  it("keeps the previous set and removes older ones", async () => {
    const server = servers.make({ iamTokens: [] });
    for (const generation of [1, 2, 3]) {
      expect((await server.run(["once"])).exitCode).toBe(0);
      expect(server.completeSet()).toMatchObject({ generation });
    }
    expect(readdirSync(server.path("/run/vpc-identity/generations")).sort()).toEqual(["2", "3"]);
  });
});

(process.getuid?.() === 0 ? describe : describe.skip)("once, as real root", () => {
  it("lets the group in below the folder of the disk, too", async () => {
    const server = servers.make({ group: "daemon", keepOnDisk: true });
    mkdirSync(server.path("/var/lib"), { recursive: true });
    expect(await server.run(["once"])).toMatchObject({ exitCode: 0 });
    const script = 'exec setpriv --reuid 65534 --regid 1 --clear-groups sh "$0" "$@"';
    // The temporary folder of the test stands for "/", which everyone may pass.
    chmodSync(server.root, 0o755);
    const token = await server.run(["print-token"], { shell: ["sh", "-c", script] });
    expect(token).toMatchObject({ exitCode: 0, stdout: servers.service.secrets[1] });
    expect(
      (await server.run(["print-token"], { shell: ["sh", "-c", script.replace("regid 1", "regid 65534")] })).stdout,
    ).toBe("");
  });

  it("lets the owner of the tokens ask for one, and for their condition", async () => {
    const server = servers.make({ certificate: false, files: { token: { owner: "daemon", mode: "0400" } } });
    expect(await server.run(["once"])).toMatchObject({ exitCode: 0 });
    chmodSync(server.root, 0o755);
    chmodSync(server.path("/run"), 0o755);
    const shell = ["sh", "-c", 'exec setpriv --reuid 1 --regid 1 --clear-groups sh "$0" "$@"'];
    expect(await server.run(["print-token"], { shell })).toMatchObject({
      exitCode: 0,
      stdout: servers.service.secrets[1],
    });
    expect(await server.run(["status"], { shell })).toMatchObject({ exitCode: 0 });
  });

  it("never shuts its readers out", async () => {
    const server = servers.make({ certificate: false, group: "daemon" }, withOwnPrograms);
    mkdirSync(server.path("/bin"));
    expect(await server.run(["once"])).toMatchObject({ exitCode: 0 });
    const chmod = '#!/bin/sh\necho "$*" >>"$VPC_IDENTITY_ROOT/modes"\nexec /bin/chmod "$@"\n';
    writeFileSync(server.path("/bin/chmod"), chmod, { mode: 0o755 });
    expect(await server.run(["once"])).toMatchObject({ exitCode: 0 });
    expect(server.read("/modes")).toContain(`750 ${server.path("/run/vpc-identity")}`);
    expect(server.read("/modes")).not.toContain("700 ");
  });

  it("lets a group in when the options name one", async () => {
    const server = servers.make({ group: "daemon" });
    const { exitCode, stderr } = await server.run(["once"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const of = (path: string): string => {
      const { mode, gid } = statSync(server.path(`/run/vpc-identity/${path}`));
      return `${(mode & 0o777).toString(8)} ${gid}`;
    };
    expect(["", "tokens", "tokens/default", "current", "current/key.pem"].map(of)).toEqual([
      "750 1",
      "750 1",
      "640 1",
      "750 1",
      "640 1",
    ]);
  });
});

/** Programs of coreutils, one of which every image has; all others must be looked for. */
const COREUTILS = [
  ...["basename", "cat", "chgrp", "chmod", "chown", "cp", "cut", "date", "dirname", "ln", "ls", "mkdir", "mv"],
  ...["printf", "rm", "rmdir", "sleep", "sync", "timeout", "tr", "wc"],
];
const LOOKED_FOR = ["curl", "openssl", "awk", "mktemp", "od", "find", "sed"];

describe("programs", () => {
  function serverOf(programs: readonly string[]): ServerFolder {
    const server = servers.make({ keepOnDisk: true }, (script) =>
      withStockOfKeys(script).replace(/^PATH=.*$/m, "PATH=$VPC_IDENTITY_ROOT/bin"),
    );
    mkdirSync(server.path("/bin"));
    for (const name of programs) {
      const at = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
      symlinkSync(at.startsWith("/") ? at : `/usr/bin/${name}`, server.path(`/bin/${name}`));
    }
    return server;
  }

  it("are none but those that are looked for, coreutils and the shell", async () => {
    const server = serverOf([...COREUTILS, ...LOOKED_FOR, "sh"]);
    for (const args of [["provision"], ["once"], ["renew"], ["status", "--json"], ["print-token"], ["doctor"]]) {
      const { exitCode, stderr } = await server.run(args, { shell: ["/bin/sh"] });
      expect({ args, exitCode, stderr }).toEqual({
        args,
        exitCode: 0,
        stderr: expect.not.stringContaining("not found") as string,
      });
    }
    expect(server.has("/var/lib/vpc-identity/results/generations/2/key.pem")).toBe(true);
    expect(await server.run(["uninstall"], { shell: ["/bin/sh"] })).toMatchObject({ exitCode: 0 });
  });

  it.each(LOOKED_FOR)("are named when one is missing: %s", async (missing) => {
    const server = serverOf([...COREUTILS, ...LOOKED_FOR.filter((name) => name !== missing)]);
    const { exitCode, stderr } = await server.run(["once"], { shell: ["/bin/sh"] });
    // Without awk not even the settings can be read.
    if (missing === "awk") expect([exitCode, stderr]).toEqual([2, expect.stringContaining("awk") as string]);
    else
      expect({ exitCode, stderr }).toEqual({
        exitCode: 3,
        stderr: `vpc-identity: "${missing}" is missing; install it with the package manager of this image\n`,
      });
  });
});

describe("a mv without -T", () => {
  it.each(SHELLS.filter(({ present }) => present))("swaps the link all the same, under $name", async ({ argv }) => {
    const server = servers.make({ iamTokens: [] }, (script) => withStockOfKeys(script).replace("mv -fT", "false"));
    for (const generation of [1, 2]) {
      expect((await server.run(["once"], { shell: argv })).exitCode).toBe(0);
      expect(server.completeSet()).toMatchObject({ generation });
      expect(readlinkSync(server.path("/run/vpc-identity/current"))).toBe(`generations/${generation}`);
    }
    expect(readdirSync(server.path("/run/vpc-identity/generations/1"))).not.toContain("current");
  });
});

describe("the way from identity token to IAM token", () => {
  it("starts at most four programs", async () => {
    const names = [
      "curl",
      "awk",
      "mv",
      "mkdir",
      "chmod",
      "mktemp",
      "rm",
      "od",
      "date",
      "openssl",
      "ln",
      "cat",
      "sleep",
    ];
    const server = servers.make({ certificate: false }, withOwnPrograms);
    mkdirSync(server.path("/bin"));
    for (const name of names) {
      const text = `#!/bin/sh\nexport PATH=/usr/bin:/bin\necho ${name} >>"$VPC_IDENTITY_ROOT/programs"\nexec ${name} "$@"\n`;
      writeFileSync(server.path(`/bin/${name}`), text, { mode: 0o755 });
    }
    expect((await server.run(["once"])).exitCode).toBe(0);
    const programs = server.read("/programs").trim().split("\n");
    const from = programs.indexOf("curl");
    expect(programs.slice(from, programs.indexOf("mv"))).toEqual(["curl", "awk", "curl", "awk"]);
    expect(programs.length).toBeLessThanOrEqual(14);
  });
});
