/** Hooks that hang, that are killed, and what is told of them. */
import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { BootstrapOptions } from "../../bootstrap";
import { MetadataService } from "./metadata-service";
import { ServerFolder, SHELLS, withStockOfKeys } from "./server-folder";

let service: MetadataService;
let folder: ServerFolder | undefined;

beforeAll(async () => {
  service = await MetadataService.start();
});
afterAll(() => service.close());
afterEach(() => {
  service.reset();
  folder?.remove();
  folder = undefined;
});

function serverWith(options: BootstrapOptions): ServerFolder {
  const settings = { trustRootsPem: service.rootPem, retrySeconds: 0, ...options };
  folder = new ServerFolder(service.url, settings, withStockOfKeys);
  folder.endFirstBoot();
  return folder;
}

const present = SHELLS.filter((shell) => shell.present);
const NOTE = ["sh", "-c", 'echo "$1:$VPC_IDENTITY_CHANGED:$VPC_IDENTITY_EXIT_CODE" >>"$VPC_IDENTITY_ROOT/notes"', "sh"];

describe("a hook that takes long", () => {
  it.each(present)("is ended together with the run, within a second, under $name", async ({ argv }) => {
    const server = serverWith({
      certificate: false,
      hooks: { exec: [["sh", "-c", 'echo $$ >"$VPC_IDENTITY_ROOT/hook"; exec sleep 60']] },
    });
    let sent = 0;
    const run = await server.run(["once"], {
      shell: argv,
      onStart: (pid) => {
        const wait = setInterval(() => {
          if (!server.has("/hook") || server.read("/hook") === "") return;
          clearInterval(wait);
          sent = Date.now();
          process.kill(pid, "SIGTERM");
        }, 20);
      },
    });
    expect(run.exitCode).toBe(143);
    expect(Date.now() - sent).toBeLessThan(1000);
    // Gone, or dead and not yet collected by whoever collects here.
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", server.read("/hook").trim()], { encoding: "utf8" });
    expect(stdout).toMatch(/^(Z.*\n)?$/);
  });
});

describe("status with hooks", () => {
  it.each([
    { name: "there was none yet", note: undefined, hooks: "fine" },
    { name: "the note of it is empty", note: "", hooks: "fine" },
    { name: "it ended well", note: "0\n", hooks: "fine" },
    { name: "it did not", note: "1\n", hooks: "failed" },
  ])("says what is known of the last run of hooks: $name", async ({ note, hooks }) => {
    const server = serverWith({ hooks: { exec: [["true"]] } });
    await server.run(["once"]);
    rmSync(server.path("/run/vpc-identity/hooks-failed"));
    if (note !== undefined) writeFileSync(server.path("/run/vpc-identity/hooks-failed"), note);
    const json = await server.run(["status", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ hooks });
    expect((await server.run(["status"])).stdout.includes("a hook failed")).toBe(hooks === "failed");
  });

  it("is JSON where nothing is wanted", async () => {
    const server = serverWith({ iamTokens: [], certificate: false, hooks: { exec: [["true"]] } });
    expect(JSON.parse((await server.run(["status", "--json"])).stdout)).toEqual({ hooks: "fine" });
  });
});

(process.getuid?.() === 0 ? describe : describe.skip)("the note of how hooks ended, as real root", () => {
  it("is for the group, too", async () => {
    const server = serverWith({ group: "daemon", hooks: { exec: [["false"]] } });
    await server.run(["once"]);
    const { mode, gid } = statSync(server.path("/run/vpc-identity/hooks-failed"));
    expect([mode & 0o777, gid]).toEqual([0o640, 1]);
  });
});

describe("a hook that ignores TERM", () => {
  it.each(present)("is killed 5 seconds after its time, under $name", async ({ argv }) => {
    const deaf = ["sh", "-c", 'trap "" TERM; i=0; while [ $i -lt 300 ]; do i=$((i + 1)); sleep 0.1; done'];
    const server = serverWith({ certificate: false, hooks: { exec: [deaf, [...NOTE, "next"]], timeoutSeconds: 1 } });
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
    const server = serverWith(deadly);
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
    const server = serverWith({ ...deadly, iamTokens: [{ name: "before" }, { name: "since" }] });
    const later = { env: { VPC_IDENTITY_HOOKS: "later" } };
    await server.run(["once"], later);
    // Taken by hooks that were killed before their end.
    renameSync(server.path("/run/vpc-identity/changed"), server.path("/run/vpc-identity/changed.taken"));
    rmSync(server.path("/run/vpc-identity/tokens/since"));
    await server.run(["renew"], later);
    await server.run(["hooks"]);
    expect(server.read("/notes")).toMatch(/^(?=.*token:before )(?=.*token:since ).*:0\n$/);
  });

  it("are told as failed by status and metrics when only the process that ran them was killed", async () => {
    const metricsFile = "/var/lib/node/vpc-identity.prom";
    const server = serverWith({ certificate: false, metricsFile, hooks: { exec: [["sh", "-c", "kill -9 $PPID"]] } });
    withoutTimeout(server);
    expect((await server.run(["once"])).exitCode).toBe(0);
    expect(server.read(metricsFile)).toMatch(/_last_run_exit_code 0\n[^]*vpc_identity_hooks_failed 1\n/);
    expect((await server.run(["status"])).stdout).toMatch(/a hook failed after the last renewal\n$/);
  });
});

describe("status", () => {
  it("tells that a hook failed, as metrics do", async () => {
    const metricsFile = "/var/lib/node/vpc-identity.prom";
    const server = serverWith({ metricsFile, hooks: { exec: [["false"]] } });
    await server.run(["once"]);
    expect(server.read(metricsFile)).toContain("\nvpc_identity_hooks_failed 1\n");
    const text = await server.run(["status"]);
    expect(text).toMatchObject({ exitCode: 0 });
    expect(text.stdout).toMatch(/a hook failed after the last renewal\n$/);
    const json = await server.run(["status", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ hooks: "failed", "token default": { condition: "fresh" } });
  });
});
