/** What a server may find around it: no route, a silent service, a clock that jumped, a user who is not root. */
import { spawn, spawnSync } from "node:child_process";
import { chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { type ServerFolder, SHELLS, withOwnPrograms } from "./server-folder";
import { Servers } from "./servers";

const servers = new Servers();

/** Runs the script in namespaces of its own, after `prepare`; the true address exists only there. */
function isolated(
  server: ServerFolder,
  flags: string,
  prepare: string,
  command: string,
  env: Record<string, string> = {},
  shell: readonly string[] = ["sh"],
): Promise<{ exitCode: number | null; output: string }> {
  const text = `${prepare}\nexec ${shell.join(" ")} "$VPC_IDENTITY_ROOT/usr/local/bin/vpc-identity" ${command}`;
  const child = spawn("unshare", [...flags.split(" "), "sh", "-c", text], {
    env: { PATH: process.env.PATH, VPC_IDENTITY_ROOT: server.root, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => (output += data.toString("utf8")));
  }
  return new Promise((resolve) => child.on("close", (exitCode) => resolve({ exitCode, output })));
}

const present = SHELLS.filter((shell) => shell.present);
const possible = (...flags: string[]): boolean => spawnSync("unshare", [...flags, "true"]).status === 0;
const UP = "ip link set lo up";
const DUMMY =
  "ip link add net0 type veth peer name net1 && ip address add 192.0.2.2/24 dev net0 && ip link set net0 up && ip link set net1 up";

(possible("-rn") ? describe : describe.skip)("doctor, on the true address in a network of its own", () => {
  it.each([
    { name: "no route", prepare: UP, says: /FAIL {2}blocked: [\s\S]*routes and the firewall/ },
    {
      name: "a route that refuses",
      prepare: `${UP}; ip route add prohibit 169.254.169.254/32`,
      says: /FAIL {2}blocked: [\s\S]*allow link-local traffic/,
    },
    {
      name: "a port on which nothing listens",
      prepare: `${UP}; ip address add 169.254.169.254/32 dev lo`,
      says: /FAIL {2}refused: [\s\S]*check the protocol/,
    },
    {
      name: "a service that is off: silence",
      // Nobody has this address on the other end, and nobody says so.
      prepare: `${UP}; ${DUMMY}; ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:01 dev net0; ip route add 169.254.169.254/32 via 192.0.2.9`,
      says: /FAIL {2}(metadata disabled or blocked|hop limit): [\s\S]*fix: /,
    },
  ])("tells $name", async ({ prepare, says }) => {
    const server = servers.makeQuick();
    // A doctor neither waits for another nor publishes anything.
    const runs = present.map(({ argv }) => isolated(server, "-rn", prepare, "doctor", {}, argv));
    for (const { exitCode, output } of await Promise.all(runs)) {
      expect(output).toMatch(says);
      expect(exitCode).toBe(4);
    }
  });

  it("tells a name that does not resolve, unless its address is pinned", async () => {
    const server = servers.makeQuick({ protocol: "https" });
    const hide = `${UP}; ip address add 169.254.169.254/32 dev lo`;
    const unknown = await isolated(server, "-rn", hide, "doctor");
    expect(unknown.output).toMatch(/FAIL {2}identity token: .*curl: \(6\)[\s\S]*check the DNS resolver/);
    server.configure({ protocol: "https", pinMetadataAddress: true });
    const pinned = await isolated(server, "-rn", hide, "doctor");
    expect(pinned.output).toMatch(/FAIL {2}refused: identity token: .*curl: \(7\)/);
  });
});

(possible("-rT", "--boottime", "10") ? describe : describe.skip)("time that jumps, in a time namespace", () => {
  it("forward, as after a suspend, makes everything due, and it is fetched again", async () => {
    const server = servers.makeQuick();
    server.endFirstBoot();
    const env = { VPC_IDENTITY_METADATA_URL: servers.service.url };
    expect((await isolated(server, "-rT --boottime 100", "", "once", env)).exitCode).toBe(0);
    expect((await isolated(server, "-rT --boottime 200", "", "renew", env)).exitCode).toBe(0);
    expect(servers.service.calls("iam_tokens")).toHaveLength(1);
    expect((await isolated(server, "-rT --boottime 7300", "", "status", env)).exitCode).toBe(2);
    expect((await isolated(server, "-rT --boottime 7300", "", "renew", env)).exitCode).toBe(0);
    expect(servers.service.calls("iam_tokens")).toHaveLength(2);
    expect(server.completeSet()).toMatchObject({ generation: 2 });
  });
});

/**
 * The kernel has no namespace for the time of day. The script asks for it by two programs only, "date" and the check of the
 * chain by "openssl verify"; stand-ins that become them with another time are a server whose clock is wrong.
 */
describe("a time of day that is wrong", () => {
  function serverWithClock(): { server: ServerFolder; offBy: (seconds: number) => void } {
    const server = servers.make({}, withOwnPrograms);
    mkdirSync(server.path("/bin"));
    const wrong = '#!/bin/sh\nPATH=/usr/bin:/bin\nat=$(($(date +%s) + $(cat "$VPC_IDENTITY_ROOT/off-by")))\n';
    const openssl =
      '[ "$1" != verify ] || { shift; set -- verify -attime "$at" "$@"; echo >"$VPC_IDENTITY_ROOT/verified"; }\n';
    writeFileSync(server.path("/bin/date"), `${wrong}exec date -d "@$at" "$@"\n`, { mode: 0o755 });
    writeFileSync(server.path("/bin/openssl"), `${wrong}${openssl}exec openssl "$@"\n`, { mode: 0o755 });
    const offBy = (by: number): void => writeFileSync(server.path("/off-by"), `${by}\n`);
    offBy(0);
    return { server, offBy };
  }

  it.each([
    { name: "a day back", by: -86_400 },
    { name: "a day ahead", by: 86_400 },
    { name: "to 2038 and beyond", by: 500_000_000 },
  ])("that jumps $name makes nothing due and nothing expired", async ({ by }) => {
    const { server, offBy } = serverWithClock();
    expect((await server.run(["once"])).exitCode).toBe(0);
    offBy(by);
    expect((await server.run(["status"])).exitCode).toBe(0);
    expect((await server.run(["renew"])).exitCode).toBe(0);
    expect((await server.run(["print-token"])).stdout).toBe(servers.service.secrets[1]);
    expect(servers.service.requests).toHaveLength(3);
  });

  it.each([
    { name: "ahead", by: 86_400, says: /has expired/ },
    { name: "behind", by: -86_400, says: /not yet valid/ },
  ])("$name, is waited for at first, until it is set", async ({ by, says }) => {
    const { server, offBy } = serverWithClock();
    offBy(by);
    const run = await server.run(["once"], {
      onStart: () => {
        const look = setInterval(() => {
          if (!server.has("/verified")) return;
          clearInterval(look);
          offBy(0);
        }, 20);
      },
    });
    expect(run.stderr).toMatch(
      /is refused: its chain does not verify \(is the clock right\?\): .*\n.*trying again in [3-5] s/,
    );
    expect(run.stderr).toMatch(says);
    expect(run.exitCode).toBe(0);
    expect(server.completeSet()).toMatchObject({ generation: 1 });
  });

  it("is found by the doctor", async () => {
    const { server, offBy } = serverWithClock();
    offBy(86_400);
    const { exitCode, stdout } = await server.run(["doctor"]);
    expect(stdout).toMatch(/FAIL {2}clock: this server is 86(399|400|401) s off\n {6}fix: set up time synchronisation/);
    expect(exitCode).toBe(8);
  });
});

(process.getuid?.() === 0 ? describe : describe.skip)("a user who is not root", () => {
  it.each(present)("has tokens and certificate in folders of his own, under $name", async ({ argv }) => {
    const server = servers.makeQuick();
    const nobody = 65_534;
    for (const path of ["/", "/run", "/var", "/var/lib"]) {
      mkdirSync(server.path(path), { recursive: true });
      chownSync(server.path(path), nobody, nobody);
    }
    const script = `exec setpriv --reuid ${nobody} --regid ${nobody} --clear-groups ${argv.join(" ")} "$0" "$@"`;
    const run = await server.run(["once"], { shell: ["sh", "-c", script] });
    expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({ exitCode: 0 });
    expect(server.completeSet()).toMatchObject({ generation: 1 });
    expect(statSync(server.path("/run/vpc-identity/tokens/default"))).toMatchObject({ uid: nobody });
    // What root made is not his to use.
    chownSync(server.path("/run/vpc-identity"), 0, 0);
    const foreign = await server.run(["once"], { shell: ["sh", "-c", script] });
    expect(foreign).toMatchObject({ exitCode: 1 });
    expect(foreign.stderr).toMatch(/cannot make|is not a folder of this user/);
  });
});

describe("SELinux", () => {
  it("labels are restored on what was published, where there is restorecon", async () => {
    const server = servers.make({}, withOwnPrograms);
    mkdirSync(server.path("/bin"));
    const restorecon = '#!/bin/sh\necho "$*" >>"$VPC_IDENTITY_ROOT/labelled"\nexit 1\n';
    writeFileSync(server.path("/bin/restorecon"), restorecon, { mode: 0o755 });
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(server.read("/labelled").trim().split("\n")).toEqual([
      `-R ${server.path("/run/vpc-identity/tokens/default")}`,
      `-R ${server.path("/run/vpc-identity/generations/1")}`,
    ]);
  });
});
