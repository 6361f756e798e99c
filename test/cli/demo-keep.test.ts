/** `vpc-identity demo --keep`: it stays up, others work on it, and it ends without a trace; and demos beside each other. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLI } from "../support/project";

interface KeptDemo {
  readonly passed: boolean;
  readonly outputs: Record<string, string>;
  readonly steps: { name: string; ok: boolean }[];
  readonly kept: { pid: number; folder: string; env: Record<string, string>; unset: string[] };
}

let folder: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cli-keep-"));
});
afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, HOME: folder, TMPDIR: folder });

interface Started {
  readonly child: ChildProcess;
  readonly line: Promise<string>;
  readonly exit: Promise<number | null>;
}

function demo(env: NodeJS.ProcessEnv, ...args: string[]): Started {
  const child = spawn(process.execPath, [CLI, "demo", "--engine", "embedded", "--json", ...args], {
    cwd: "/",
    env: { ...environment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let progress = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (progress += text));
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
  const line = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").once("data", resolve);
    void exit.then(() => reject(new Error(`it ended too early:\n${progress}`)));
  });
  return { child, line, exit };
}

it("is worked on from elsewhere, is found by a second one, and leaves nothing behind", async () => {
  const started = demo({ IC_API_KEY: "the-key-of-another-account-0123456789" }, "--keep");
  const { passed, kept, outputs, steps } = JSON.parse(await started.line) as KeptDemo;
  expect([passed, kept.pid, kept.folder.startsWith(folder)]).toEqual([true, started.child.pid, true]);
  expect(steps.map(({ name }) => name)).toEqual([
    ...["emulator", "up", "outputs", "boot", "token", "certificate", "authorized", "noop"],
  ]);
  expect(kept.unset).toEqual(["IC_API_KEY"]);

  const inShell = (command: string): { status: number | null; stdout: string; stderr: string } =>
    spawnSync("sh", ["-c", `. "$1/env.sh"; exec "$2" "$3" ${command}`, "sh", kept.folder, process.execPath, CLI], {
      encoding: "utf8",
      cwd: "/",
      env: { ...environment(), IC_API_KEY: "the-key-of-another-account-0123456789" },
    });
  expect(JSON.parse(inShell("output --json").stdout)).toEqual(outputs);
  const { checks } = JSON.parse(inShell("doctor --json").stdout) as { checks: { name: string; verdict: string }[] };
  expect(checks.filter(({ verdict }) => verdict === "missing")).toEqual([]);
  expect(checks.find(({ name }) => name === "stack config")?.verdict).toBe("ok");

  const second = spawnSync(process.execPath, [CLI, "demo", "--keep"], { encoding: "utf8", env: environment() });
  expect([second.status, second.stderr]).toEqual([
    1,
    expect.stringMatching(new RegExp(`a demo is up already: process ${kept.pid}, folder ${kept.folder}\n`)),
  ]);

  expect(inShell("destroy --yes").status).toBe(0);
  started.child.kill("SIGINT");
  expect(await started.exit).toBe(0);
  expect(existsSync(kept.folder)).toBe(false);
  expect(readdirSync(folder).filter((name) => !name.startsWith("ts-node-"))).toEqual([]);
}, 120_000);

it("demos run beside each other, each with a folder and ports of its own", async () => {
  const demos = [demo({}), demo({})];
  const results = await Promise.all(
    demos.map(async ({ line }) => JSON.parse(await line) as { passed: boolean; stateFile: string }),
  );
  expect(await Promise.all(demos.map(({ exit }) => exit))).toEqual([0, 0]);
  expect(results.map(({ passed }) => passed)).toEqual([true, true]);
  expect(new Set(results.map(({ stateFile }) => stateFile)).size).toBe(2);
}, 180_000);

it("--boot systemd is refused with the reason, before anything is started", () => {
  const { status, stderr } = spawnSync(process.execPath, [CLI, "demo", "--boot", "systemd"], {
    encoding: "utf8",
    env: environment(),
  });
  expect([status, stderr]).toEqual([1, expect.stringContaining("it takes root, debootstrap, systemd-nspawn")]);
  expect(readdirSync(folder)).toEqual([]);
});
