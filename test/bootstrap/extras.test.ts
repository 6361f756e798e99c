/** The rarer features of the installed script: reports for machines, keys that stay, early failures, strongSwan's files. */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type BootstrapOptions, bootstrapUserData, validateBootstrap } from "../../bootstrap";
import { refusal } from "./metadata-service";
import { EARLY_ENDS, type ServerFolder, SHELLS, withoutTool, withOwnPrograms } from "./server-folder";
import { Servers } from "./servers";

const servers = new Servers();

function serverWith(options: BootstrapOptions, change?: (script: string) => string): ServerFolder {
  const settings = { retrySeconds: 0, ...options };
  // Where keys are the matter, they are made.
  const server =
    options.certificate === undefined ? servers.makeQuick(settings, change) : servers.make(settings, change);
  server.endFirstBoot();
  return server;
}

const present = SHELLS.filter((shell) => shell.present);
const NOTE = ["sh", "-c", 'echo "$1:$VPC_IDENTITY_CHANGED:$VPC_IDENTITY_EXIT_CODE" >>"$VPC_IDENTITY_ROOT/notes"', "sh"];
const alarm: BootstrapOptions = { hooks: { failureExec: [[...NOTE, "alarm"]] } };

describe("a run that ends early", () => {
  it.each(EARLY_ENDS)("because $name still runs the hooks for failures", async ({ change, spoil, exitCode }) => {
    const server = serverWith(alarm, change);
    spoil?.(server);
    for (const { name, argv } of present) {
      expect([name, (await server.run(["once"], { shell: argv })).exitCode]).toEqual([name, exitCode]);
      expect(server.read("/notes")).toBe(`alarm::${exitCode}\n`);
      rmSync(server.path("/notes"));
    }
    // Nothing is written to a folder that is not trusted.
    if (exitCode === 1) expect(readdirSync(server.path("/run/vpc-identity"))).toEqual([]);
  });

  it.each(["status", "print-token", "doctor"])("says so without hooks when it was %s", async (command) => {
    const server = serverWith(alarm, withoutTool);
    expect((await server.run([command])).exitCode).toBeGreaterThan(0);
    expect(server.has("/notes")).toBe(false);
  });

  it("leaves it to the unit of the hooks, which takes a missing outcome for a failure", async () => {
    const server = serverWith(alarm);
    writeFileSync(server.path("/etc/vpc-identity/config.json"), "{");
    expect((await server.run(["renew"], { env: { VPC_IDENTITY_HOOKS: "later" } })).exitCode).toBe(2);
    expect(server.has("/notes")).toBe(false);
    await server.run(["hooks"]);
    expect(server.read("/notes")).toBe("alarm::1\n");
  });
});

describe("reuseKey", () => {
  it("keeps the key over renewals, and makes a new one when its size changes", async () => {
    const server = serverWith({ iamTokens: [], certificate: { reuseKey: true } });
    const key = (): string => server.read("/run/vpc-identity/current/key.pem");
    await server.run(["once"]);
    const first = key();
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(server.completeSet()).toMatchObject({ generation: 2 });
    expect(key()).toBe(first);
    server.configure({ iamTokens: [], certificate: { reuseKey: true, keySize: 4096 } });
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(server.completeSet()).toMatchObject({ generation: 3, keySize: 4096 });
    expect(key()).not.toBe(first);
  });

  it("makes a new one when openssl cannot read the old", async () => {
    const server = serverWith({ iamTokens: [], certificate: { reuseKey: true } });
    await server.run(["once"]);
    const key = server.path("/run/vpc-identity/current/key.pem");
    writeFileSync(key, server.read("/run/vpc-identity/current/key.pem").slice(0, 500));
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(server.completeSet()).toMatchObject({ generation: 2 });
  });

  it("is off by default", async () => {
    const server = serverWith({ iamTokens: [] });
    await server.run(["once"]);
    const first = server.read("/run/vpc-identity/current/key.pem");
    await server.run(["once"]);
    expect(server.read("/run/vpc-identity/current/key.pem")).not.toBe(first);
  });
});

describe("log lines", () => {
  it.each(present)("are JSON with the fields that apply, under $name", async ({ argv }) => {
    const server = serverWith({ log: "json" });
    const message = 'a "quoted" \\ word';
    servers.service.plan("iam_tokens", { status: 403, body: refusal("unauthorized", message) });
    const { exitCode, stderr } = await server.run(["once"], { shell: argv });
    expect(exitCode).toBe(5);
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toEqual([
      expect.objectContaining({
        event: "failed",
        http_code: 403,
        code: "unauthorized",
        trace: "trace-of-the-test",
        message: `IAM token "default": HTTP 403 unauthorized: ${message} (trace trace-of-the-test)`,
      }),
      expect.objectContaining({ event: "renewed", seconds_left: 3600, program: "vpc-identity" }),
    ]);
    expect(lines[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it.each(present)("are logfmt, under $name", async ({ argv }) => {
    const server = serverWith({ log: "logfmt", certificate: false });
    const { stderr } = await server.run(["once"], { shell: argv });
    expect(stderr).toMatch(
      /^time="[\dTZ:-]+" program="vpc-identity" event="renewed" seconds_left=3600 message="IAM token \\"default\\" is in .*"\n$/,
    );
  });
});

describe("strongSwan's files", () => {
  const NOTE_OF_COPIES = "/etc/swanctl/.vpc-identity.server";
  // Where there is a real swanctl it must not be asked: this is not its server.
  const systemOnly = { env: { PATH: "/usr/bin:/bin" } };

  it("are copies of one generation, each certificate in a file of its own, readable by root alone", async () => {
    const server = serverWith({ strongswan: { name: "type_ibmshare" } });
    mkdirSync(server.path("/etc/swanctl"), { recursive: true });
    const { exitCode, stderr } = await server.run(["once"], systemOnly);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const read = (path: string): string => server.read(`/etc/swanctl/${path}`);
    expect(read("private/type_ibmshare.key")).toBe(server.read("/run/vpc-identity/current/key.pem"));
    expect(read("x509/type_ibmshare.pem")).toBe(server.read("/run/vpc-identity/current/leaf.pem"));
    expect(readdirSync(server.path("/etc/swanctl/x509ca"))).toEqual([
      "type_ibmshare_int.crt",
      "type_ibmshare_int2.crt",
    ]);
    expect(read("x509ca/type_ibmshare_int.crt")).toBe(server.read("/run/vpc-identity/current/chain.pem"));
    expect(read("x509ca/type_ibmshare_int2.crt").replaceAll("\r", "").trim()).toBe(
      servers.service.rootPem.replaceAll("\r", "").trim(),
    );
    expect(statSync(server.path("/etc/swanctl/private/type_ibmshare.key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(server.path("/etc/swanctl")).sort()).toEqual([
      ".vpc-identity.server",
      "private",
      "x509",
      "x509ca",
    ]);
  });

  it("stay when a run fails, but not on a server made from an image of theirs", async () => {
    const server = serverWith({ strongswan: { name: "ours" }, iamTokens: [] });
    mkdirSync(server.path("/etc/swanctl/x509"), { recursive: true });
    writeFileSync(server.path("/etc/swanctl/x509/theirs.pem"), "x");
    const copies = (): string[] =>
      readdirSync(server.path("/etc/swanctl"), { recursive: true, encoding: "utf8" }).filter((name) =>
        /ours|vpc-identity/.test(name),
      );
    await server.run(["once"], systemOnly);
    const before = copies();
    expect(before).toHaveLength(5);
    servers.service.plan("certificates", { status: 400 }, { status: 400 });
    // As after a reboot, which takes what is in memory.
    rmSync(server.path("/run/vpc-identity"), { recursive: true });
    expect((await server.run(["once"], systemOnly)).exitCode).toBe(5);
    expect(copies()).toEqual(before);
    mkdirSync(server.path("/var/lib/cloud/data"), { recursive: true });
    writeFileSync(server.path("/var/lib/cloud/data/instance-id"), "another-server\n");
    expect((await server.run(["once"], systemOnly)).exitCode).toBe(5);
    expect(copies()).toEqual([]);
    expect(server.has("/etc/swanctl/x509/theirs.pem")).toBe(true);
  });

  it("are left alone after the renewal of a token, whatever its name", async () => {
    const server = serverWith({ strongswan: { name: "ours" }, iamTokens: [{ name: "certificate" }] });
    mkdirSync(server.path("/etc/swanctl"), { recursive: true });
    await server.run(["once"], systemOnly);
    writeFileSync(server.path("/etc/swanctl/x509/ours.pem"), "as it was");
    rmSync(server.path("/run/vpc-identity/tokens/certificate"));
    expect((await server.run(["renew"], systemOnly)).exitCode).toBe(0);
    expect(server.read("/etc/swanctl/x509/ours.pem")).toBe("as it was");
  });

  it("are no longer those of a longer chain, and leave the files of others alone", async () => {
    const server = serverWith({ strongswan: { name: "ours" } });
    mkdirSync(server.path("/etc/swanctl/x509ca"), { recursive: true });
    for (const name of ["ours_int3.crt", "ours_int12.crt", "theirs_int3.crt"])
      writeFileSync(server.path(`/etc/swanctl/x509ca/${name}`), "old");
    await server.run(["once"], systemOnly);
    expect(readdirSync(server.path("/etc/swanctl/x509ca")).sort()).toEqual([
      "ours_int.crt",
      "ours_int2.crt",
      "theirs_int3.crt",
    ]);
  });

  it("are never without an issuer that is still wanted, also while a renewal replaces them", async () => {
    const server = serverWith({ strongswan: { name: "ours" } }, withOwnPrograms);
    mkdirSync(server.path("/etc/swanctl"), { recursive: true });
    mkdirSync(server.path("/bin"));
    const removed = server.path("/removed");
    writeFileSync(server.path("/bin/rm"), `#!/bin/sh\necho "$*" >>"${removed}"\nexec /bin/rm "$@"\n`, { mode: 0o755 });
    expect((await server.run(["once"], systemOnly)).exitCode).toBe(0);
    writeFileSync(server.path("/etc/swanctl/x509ca/ours_int9.crt"), "old");
    expect((await server.run(["once"], systemOnly)).exitCode).toBe(0);
    const issuers = server.read("/removed").match(/\S+_int\d*\.crt/g) ?? [];
    expect(issuers.map((path) => path.replace(/.*\//, ""))).toEqual(["ours_int9.crt"]);
  });

  it("belong together after a look, at whatever step the copying was killed", async () => {
    const server = serverWith({ strongswan: { name: "ours" } }, withOwnPrograms);
    const later = { env: { VPC_IDENTITY_HOOKS: "later", PATH: "/usr/bin:/bin" } };
    const killAt = (step: number): void => {
      rmSync(server.path("/bin"), { recursive: true, force: true });
      mkdirSync(server.path("/bin"));
      writeFileSync(server.path("/steps"), "");
      for (const name of ["mv", "rm", "mkdir", "cp", "rmdir", "cat", "awk"]) {
        const count = `echo x >>"${server.root}/steps"; [ "$(wc -l <"${server.root}/steps")" -ne ${step} ]`;
        const text = `#!/bin/sh\nexport PATH=/usr/bin:/bin\n${count} || kill -9 0\nexec ${name} "$@"\n`;
        writeFileSync(server.path(`/bin/${name}`), text, { mode: 0o755 });
      }
    };
    mkdirSync(server.path("/etc/swanctl"), { recursive: true });
    const copies = (): string[] =>
      ["private/ours.key", "x509/ours.pem"].map((path) => server.read(`/etc/swanctl/${path}`));
    const originals = (): string[] =>
      ["key.pem", "leaf.pem"].map((name) => server.read(`/run/vpc-identity/current/${name}`));
    let [killed, noted] = [0, 0];
    for (let step = 1; ; step++) {
      killAt(0);
      expect((await server.run(["once"], later)).exitCode).toBe(0);
      rmSync(server.path(NOTE_OF_COPIES), { force: true });
      killAt(step);
      const { exitCode } = await server.run(["hooks"], { shell: ["setsid", "-w", "sh"] });
      const steps = server.read("/steps").trim().split("\n").length;
      if (exitCode === 0 && steps < step) break;
      // Two that run side by side may both count two steps, and none the first.
      if (exitCode === 0) continue;
      killed += 1;
      killAt(0);
      // In an image of a server that was ended here they can be told from those of its own.
      if (server.has("/etc/swanctl/x509/ours.pem") && copies()[1] === originals()[1]) {
        expect(server.has(NOTE_OF_COPIES) && server.read(NOTE_OF_COPIES)).toBe(server.read("/run/vpc-identity/server"));
        noted += 1;
      }
      expect(await server.run(["renew"])).toMatchObject({ exitCode: 0 });
      expect(copies()).toEqual(originals());
      expect(server.has("/etc/swanctl/.vpc-identity")).toBe(false);
    }
    expect(killed).toBeGreaterThan(8);
    expect(noted).toBeGreaterThan(0);
  }, 120_000);
});

describe("options of these features", () => {
  it("name every problem", () => {
    const options = {
      certificate: { reuseKey: "yes" },
      strongswan: { name: "../x" },
      log: "xml",
      metricsFile: "/var/lib/x.txt",
      metadataCaPem: "x",
      pinMetadataAddress: 1,
    };
    expect(
      validateBootstrap(options, "")
        .map(({ property }) => property)
        .sort(),
    ).toEqual(["certificate.reuseKey", "log", "metadataCaPem", "metricsFile", "pinMetadataAddress", "strongswan.name"]);
  });

  it("cost nothing where they are off", () => {
    const size = (options: BootstrapOptions): number => Buffer.byteLength(bootstrapUserData(options));
    expect(size({ log: "plain", certificate: { reuseKey: false }, pinMetadataAddress: false })).toBe(size({}));
    expect(size({ combinedPem: true })).toBeLessThan(size({ combinedPem: true, log: "json" }));
  });
});
