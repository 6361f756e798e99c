/** The installed script as its own installer: first boot, renewals from then on, and removal. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import type { BootstrapOptions } from "../../bootstrap";
import { refusal } from "./metadata-service";
import { type ServerFolder, SHELLS, withOwnPrograms } from "./server-folder";
import { Servers } from "./servers";

const servers = new Servers();

const present = SHELLS.filter((shell) => shell.present);
const notLinked = { status: 400, body: refusal("profile_not_linked", "Not linked.") };
const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1000));

/** Stand-ins for programs of the system, each a line of sh. */
function withPrograms(programs: Readonly<Record<string, string>>, options: BootstrapOptions = {}): ServerFolder {
  const server = servers.makeQuick(options, (script) =>
    withOwnPrograms(script).replace(/^has_systemd\(\) .*$/m, "has_systemd() { [ -x $root/bin/systemctl ]; }"),
  );
  mkdirSync(server.path("/bin"));
  for (const [name, text] of Object.entries(programs))
    writeFileSync(server.path(`/bin/${name}`), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return server;
}

describe("uninstall", () => {
  it("fails when something cannot be removed", async () => {
    expect(await withPrograms({ rm: "exit 1" }).run(["uninstall"])).toMatchObject({
      exitCode: 1,
      stderr: "vpc-identity: cannot remove everything\n",
    });
  });

  it.each(present)(
    "says one thing when a run holds the lock and settings are broken, under $name",
    async ({ argv }) => {
      const server = servers.makeQuick();
      mkdirSync(server.path("/run/vpc-identity"), { recursive: true });
      writeFileSync(server.path("/etc/vpc-identity/config.json"), "{");
      const holder = spawn("sh", [
        "-c",
        'exec 9>"$0"; flock 9; echo; exec sleep 30',
        server.path("/run/vpc-identity/lock"),
      ]);
      await new Promise((resolve) => holder.stdout.once("data", resolve));
      const run = await server.run(["uninstall"], { shell: argv });
      const released = new Promise((resolve) => holder.once("close", resolve));
      holder.kill();
      await released;
      expect(run).toMatchObject({ exitCode: 9, stderr: "vpc-identity: another run holds the lock\n" });
      expect(await server.run(["uninstall"], { shell: argv })).toMatchObject({ exitCode: 0 });
    },
  );

  it("waits for a run, and leaves the units of others", async () => {
    const server = servers.makeQuick();
    const units = server.path("/etc/systemd/system");
    mkdirSync(units, { recursive: true });
    for (const name of ["vpc-identity.service", "vpc-identity.timer", "vpc-identity-consumer.service"])
      writeFileSync(`${units}/${name}`, "[Unit]\n");
    servers.service.plan("iam_tokens", { delayMs: 3000 });
    const run = server.run(["once"]);
    await seconds(1);
    expect((await server.run(["uninstall"])).exitCode).toBe(0);
    expect((await run).exitCode).toBe(0);
    expect(server.has("/run/vpc-identity")).toBe(false);
    expect(readdirSync(units)).toEqual(["vpc-identity-consumer.service"]);
  });

  it("removes what was written for others: strongSwan's copies and the metrics file", async () => {
    const server = servers.makeQuick({ strongswan: { name: "ours" }, metricsFile: "/var/lib/node/vpc-identity.prom" });
    for (const folder of ["private", "x509", "x509ca"]) {
      mkdirSync(server.path(`/etc/swanctl/${folder}`), { recursive: true });
      writeFileSync(server.path(`/etc/swanctl/${folder}/theirs.pem`), "x");
    }
    await server.run(["once"]);
    const found = (): string[] =>
      ["/etc/swanctl", "/var/lib/node"]
        .flatMap((path) => readdirSync(server.path(path), { recursive: true, encoding: "utf8" }))
        .filter((name) => name.includes("."))
        .sort();
    const theirs = ["private/theirs.pem", "x509/theirs.pem", "x509ca/theirs.pem"];
    const ours = [
      ".vpc-identity.server",
      "private/ours.key",
      "x509/ours.pem",
      "x509ca/ours_int.crt",
      "x509ca/ours_int2.crt",
    ];
    expect(found()).toEqual([...ours, ...theirs, "vpc-identity.prom"].sort());
    expect(await server.run(["uninstall"])).toMatchObject({ exitCode: 0 });
    expect(found()).toEqual(theirs);
  });

  it("removes what a renewal that it ends writes last, and what its hooks do", async () => {
    const prom = "/var/lib/node/vpc-identity.prom";
    // The first time: then nothing is left to end.
    const systemctl = `case $1 in
  disable | stop) mkdir "$0.$1" && mkdir -p "$VPC_IDENTITY_ROOT/var/lib/node" && echo >"$VPC_IDENTITY_ROOT${prom}" ;;
esac`;
    const server = withPrograms({ systemctl }, { metricsFile: prom });
    expect(await server.run(["uninstall"])).toMatchObject({ exitCode: 0 });
    expect(readdirSync(server.path("/var/lib/node"))).toEqual([]);
  });

  it.each(present)("waits for a run that makes copies, and removes them, under $name", async ({ argv }) => {
    const server = servers.makeQuick({ strongswan: { name: "ours" } });
    servers.service.plan("iam_tokens", { delayMs: 3000 });
    const run = server.run(["once"]);
    await seconds(1);
    expect((await server.run(["uninstall"], { shell: argv })).exitCode).toBe(0);
    expect((await run).exitCode).toBe(0);
    const keys = server.path("/etc/swanctl/private");
    expect(existsSync(keys) && readdirSync(keys)).toEqual([]);
  });

  it("leaves no failed unit behind, where a renewal was under way", async () => {
    const server = withPrograms({ systemctl: 'echo "$*" >>"$0.log"; [ "$1" != reset-failed ]' });
    expect(await server.run(["uninstall"])).toMatchObject({ exitCode: 0 });
    expect(server.read("/bin/systemctl.log")).toMatch(/^disable [^]*\ndaemon-reload\nreset-failed vpc-identity\.\*\n$/);
  });

  it("removes everything of this program and nothing else", async () => {
    const server = servers.makeQuick();
    await server.run(["once"]);
    writeFileSync(server.path("/etc/other"), "x");
    expect(await server.run(["uninstall"])).toMatchObject({ exitCode: 0 });
    for (const path of [
      "/run/vpc-identity",
      "/etc/vpc-identity",
      "/var/lib/vpc-identity",
      "/usr/local/bin/vpc-identity",
    ]) {
      expect([path, server.has(path)]).toEqual([path, false]);
    }
    expect(server.has("/etc/other")).toBe(true);
  });
});

describe("provision", () => {
  it("fails when the timer cannot be enabled", async () => {
    const { exitCode, stderr } = await withPrograms({ systemctl: "exit 1" }).run(["provision"]);
    expect(stderr).toMatch(/IAM token "default" is in[^]*systemd refuses the timer\n$/);
    expect(exitCode).toBe(1);
  });

  it("ends with the exit code of the first fetch, and says how to stay fresh where there is no systemd", async () => {
    const server = servers.makeQuick();
    const good = await server.run(["provision"]);
    expect(good.exitCode).toBe(0);
    expect(good.stderr).toMatch(/no systemd here: keep "vpc-identity loop" running/);
    expect(server.completeSet()).toMatchObject({ generation: 1 });
    servers.service.plan("iam_tokens", notLinked);
    expect((await server.run(["provision"])).exitCode).toBe(5);
  });
});

describe("a user of its own", () => {
  it("needs systemd, and without it nothing is fetched as root", async () => {
    const { exitCode, stderr } = await servers.makeQuick({ user: "daemon" }).run(["provision"]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'vpc-identity: the option "user" needs systemd\n',
    });
    expect(servers.service.requests).toEqual([]);
  });
});

describe("install", () => {
  it("says how to stay fresh where there is no systemd", async () => {
    const { exitCode, stderr } = await servers.makeQuick().run(["install"]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/keep "vpc-identity loop" running, or "vpc-identity renew" in cron/);
  });
});
