/** Hooks that hang, that are killed, and what is told of them. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { BootstrapOptions } from "../../bootstrap";
import { type ServerFolder, SHELLS, withOwnPrograms } from "./server-folder";
import { Servers } from "./servers";

const servers = new Servers();

const present = SHELLS.filter((shell) => shell.present);
const NOTE = ["sh", "-c", 'echo "$1:$VPC_IDENTITY_CHANGED:$VPC_IDENTITY_EXIT_CODE" >>"$VPC_IDENTITY_ROOT/notes"', "sh"];

const METRICS = "/var/lib/node/vpc-identity.prom";

describe("a unit to reload", () => {
  // What systemd says of it, as far as the stand-in is asked.
  it.each([
    { name: "runs", failed: "exit 1", calls: ["try-reload-or-restart --no-block web.service"] },
    {
      name: "has failed",
      failed: "exit 0",
      calls: ["reset-failed web.service", "restart --no-block web.service"],
    },
  ])("that $name is told the new files", async ({ failed, calls }) => {
    const server = servers.makeBooted({ certificate: false, hooks: { reload: ["web.service"] } }, (script) =>
      withOwnPrograms(script).replace(/^has_systemd\(\) .*$/m, "has_systemd() { :; }"),
    );
    mkdirSync(server.path("/bin"));
    const standIn = `#!/bin/sh\ncase $1 in is-failed) ${failed} ;; esac\necho "$*" >>"$VPC_IDENTITY_ROOT/calls"\n`;
    writeFileSync(server.path("/bin/systemctl"), standIn, { mode: 0o755 });
    expect(await server.run(["once"])).toMatchObject({ exitCode: 0 });
    expect(server.read("/calls").trim().split("\n")).toEqual(calls);
  });
});

describe("a hook that takes long", () => {
  // As GNU timeout does at a signal as it has just started the command: it is gone, and the command runs on in its group.
  const LEAVES = `#!/bin/sh\nshift 3\nexec setsid sh -c 'trap "exit 143" TERM; "$@" & wait' sh "$@"\n`;
  const moments = [
    { when: "", delay: "", timeout: undefined },
    { when: ", also before the shell has its number", delay: "sleep 0.3; ", timeout: undefined },
    { when: ", also when timeout has left it alone", delay: "", timeout: LEAVES },
  ];
  const rows = present.flatMap((shell) => moments.map((moment) => ({ ...shell, ...moment })));
  it.each(rows)(
    "is ended together with the run, within a second, under $name$when",
    async ({ argv, delay, timeout }) => {
      const server = servers.makeBooted(
        {
          certificate: false,
          hooks: { exec: [["sh", "-c", 'echo $$ >"$VPC_IDENTITY_ROOT/hook"; exec sleep 60']] },
        },
        (script) => withOwnPrograms(script).replace(/^child=\$!$/m, () => `${delay}child=$!`),
      );
      mkdirSync(server.path("/bin"));
      if (timeout !== undefined) writeFileSync(server.path("/bin/timeout"), timeout, { mode: 0o755 });
      const run = await server.run(["once"], {
        shell: argv,
        signal: { name: "SIGTERM", when: () => server.has("/hook") && server.read("/hook") !== "" },
      });
      expect(run.exitCode).toBe(143);
      expect(run.millisecondsSinceSignal).toBeLessThan(1000);
      // Gone, or dead and not yet collected by whoever collects here.
      const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", server.read("/hook").trim()], { encoding: "utf8" });
      expect(stdout).toMatch(/^(Z.*\n)?$/);
    },
  );
});

describe("status with hooks", () => {
  it.each([
    { name: "there was none yet", note: undefined, hooks: "fine" },
    { name: "the note of it is empty", note: "", hooks: "fine" },
    { name: "it ended well", note: "0\n", hooks: "fine" },
    { name: "it did not", note: "1\n", hooks: "failed" },
  ])("says what is known of the last run of hooks: $name", async ({ note, hooks }) => {
    const server = servers.makeBooted({ hooks: { exec: [["true"]] } });
    await server.run(["once"]);
    rmSync(server.path("/run/vpc-identity/hooks-failed"));
    if (note !== undefined) writeFileSync(server.path("/run/vpc-identity/hooks-failed"), note);
    const json = await server.run(["status", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ hooks });
    expect((await server.run(["status"])).stdout.includes("a hook failed")).toBe(hooks === "failed");
  });

  it("is JSON where nothing is wanted", async () => {
    const server = servers.makeBooted({ iamTokens: [], certificate: false, hooks: { exec: [["true"]] } });
    expect(JSON.parse((await server.run(["status", "--json"])).stdout)).toEqual({ hooks: "fine" });
  });
});

(process.getuid?.() === 0 ? describe : describe.skip)("the note of how hooks ended, as real root", () => {
  it("is for the group, too", async () => {
    const server = servers.makeBooted({ group: "daemon", hooks: { exec: [["false"]] } });
    await server.run(["once"]);
    const { mode, gid } = statSync(server.path("/run/vpc-identity/hooks-failed"));
    expect([mode & 0o777, gid]).toEqual([0o640, 1]);
  });

  it("also where they were killed", async () => {
    const server = servers.makeBooted({ group: "daemon", hooks: { exec: [["sh", "-c", "kill -9 $PPID"]] } });
    withoutTimeout(server);
    await server.run(["once"]);
    const { mode, gid } = statSync(server.path("/run/vpc-identity/hooks-failed"));
    expect([mode & 0o777, gid]).toEqual([0o640, 1]);
  });
});

describe("a hook that ignores TERM", () => {
  it.each(present)("is killed 5 seconds after its time, under $name", async ({ argv }) => {
    const deaf = ["sh", "-c", 'trap "" TERM; i=0; while [ $i -lt 300 ]; do i=$((i + 1)); sleep 0.1; done'];
    const server = servers.makeBooted({
      certificate: false,
      hooks: { exec: [deaf, [...NOTE, "next"]], timeoutSeconds: 1 },
    });
    const { exitCode, stderr, milliseconds } = await server.run(["once"], { shell: argv });
    expect(exitCode).toBe(0);
    expect(stderr).toContain("the hook failed");
    expect(milliseconds).toBeLessThan(20_000);
    expect(server.read("/notes")).toMatch(/^next:/);
  });
});

/** As where BusyBox has none: it would give a hook a process group and a parent of its own. */
function withoutTimeout(server: ServerFolder): void {
  const extras = server.path("/usr/local/lib/vpc-identity/extras");
  writeFileSync(extras, readFileSync(extras, "utf8").replace("if timeout -k", "if timeout-of-the-test"));
}

describe("hooks of a run that was killed", () => {
  const ONCE = 'echo "$VPC_IDENTITY_CHANGED:$VPC_IDENTITY_EXIT_CODE" >>"$VPC_IDENTITY_ROOT/notes"';
  const KILLED = `${ONCE}; [ -e "$VPC_IDENTITY_ROOT/kill" ] || exit 0; rm "$VPC_IDENTITY_ROOT/kill"; kill -9 0`;
  const deadly: BootstrapOptions = { certificate: false, hooks: { exec: [["sh", "-c", KILLED]] } };

  it.each([
    { name: "the next look", command: "renew", env: {} },
    { name: "their unit", command: "hooks", env: { VPC_IDENTITY_HOOKS: "later" } },
  ])("are run again by $name, and then no more", async ({ command, env }) => {
    const server = servers.makeBooted(deadly);
    writeFileSync(server.path("/kill"), "");
    withoutTimeout(server);
    const shell = ["setsid", "-w", "sh"];
    await server.run(["once"], { shell, env });
    if (command === "hooks") await server.run(["hooks"], { shell });
    expect(server.has("/kill")).toBe(false);
    await server.run(["renew"], { env });
    if (command === "hooks") await server.run(["hooks"]);
    expect(server.read("/notes")).toBe("token:default :0\ntoken:default :0\n");
    await server.run(["renew"], { env });
    expect(server.read("/notes").split("\n")).toHaveLength(3);
    expect(server.has("/run/vpc-identity/changed") || server.has("/run/vpc-identity/changed.taken")).toBe(false);
  });

  it("hear of what was renewed before and of what was renewed since", async () => {
    const server = servers.makeBooted({ ...deadly, iamTokens: [{ name: "before" }, { name: "since" }] });
    const later = { env: { VPC_IDENTITY_HOOKS: "later" } };
    await server.run(["once"], later);
    // Taken by hooks that were killed before their end.
    renameSync(server.path("/run/vpc-identity/changed"), server.path("/run/vpc-identity/changed.taken"));
    rmSync(server.path("/run/vpc-identity/tokens/since"));
    await server.run(["renew"], later);
    await server.run(["hooks"]);
    expect(server.read("/notes")).toMatch(/^(?=.*token:before )(?=.*token:since ).*:0\n$/);
  });

  const later = { env: { VPC_IDENTITY_HOOKS: "later" } };

  it.each<{ name: string; first: boolean; command: string; exitCode: number }>([
    { name: "the run itself", first: false, command: "once", exitCode: 0 },
    { name: "the next look", first: true, command: "renew", exitCode: 0 },
    { name: "their unit", first: true, command: "hooks", exitCode: 137 },
  ])("are told as failed when only the process that ran them for $name was killed", async (row) => {
    const killing = { exec: [["sh", "-c", "kill -9 $PPID"]] };
    const server = servers.makeBooted({ certificate: false, metricsFile: METRICS, hooks: killing });
    withoutTimeout(server);
    if (row.first) await server.run(["once"], later);
    expect((await server.run([row.command])).exitCode).toBe(row.exitCode);
    await expectTold(server, 0);
  });

  it.each(present)("are told as failed when systemd ends their unit, under $name", async ({ argv }) => {
    const slow = { exec: [["sh", "-c", 'echo >"$VPC_IDENTITY_ROOT/hook"; exec sleep 60']] };
    const server = servers.makeBooted({ certificate: false, metricsFile: METRICS, hooks: slow });
    await server.run(["once"], later);
    const signal = { name: "SIGTERM", when: () => server.has("/hook") } as const;
    expect((await server.run(["hooks"], { shell: argv, signal })).exitCode).toBe(143);
    await expectTold(server, 0);
  });

  it("tell the outcome of a run that has ended meanwhile", async () => {
    const wait = { exec: [["sh", "-c", 'while [ ! -e "$VPC_IDENTITY_ROOT/go" ]; do sleep 0.05; done']] };
    const server = servers.makeBooted({ certificate: false, metricsFile: METRICS, hooks: wait });
    await server.run(["once"], later);
    const hooks = server.run(["hooks"]);
    while (!server.has("/run/vpc-identity/outcome.taken")) await new Promise((resolve) => setTimeout(resolve, 20));
    servers.service.plan("token", { status: 403 });
    expect((await server.run(["once"], later)).exitCode).toBe(5);
    writeFileSync(server.path("/go"), "");
    expect((await hooks).exitCode).toBe(0);
    expect(server.read(METRICS)).toMatch(/_last_run_exit_code 5\n/);
  });

  /** Status and metrics say that hooks failed after a run with this exit code. */
  async function expectTold(server: ServerFolder, exitCode: number): Promise<void> {
    expect(server.read(METRICS)).toMatch(new RegExp(`_run_exit_code ${exitCode}\\n[^]*vpc_identity_hooks_failed 1\\n`));
    expect((await server.run(["status"])).stdout).toMatch(/a hook failed after the last renewal\n$/);
  }
});

describe("status", () => {
  it("tells that a hook failed, as metrics do", async () => {
    const metricsFile = "/var/lib/node/vpc-identity.prom";
    const server = servers.makeBooted({ metricsFile, hooks: { exec: [["false"]] } });
    await server.run(["once"]);
    expect(server.read(metricsFile)).toContain("\nvpc_identity_hooks_failed 1\n");
    const text = await server.run(["status"]);
    expect(text).toMatchObject({ exitCode: 0 });
    expect(text.stdout).toMatch(/a hook failed after the last renewal\n$/);
    const json = await server.run(["status", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ hooks: "failed", "token default": { condition: "fresh" } });
  });
});
