/** The demo as a newcomer runs it, and as a program reads it. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CLI } from "../support/project";

interface DemoResult {
  passed: boolean;
  engine: string;
  seconds: number;
  steps: { name: string; ok: boolean; seconds: number; detail: string }[];
  outputs: Record<string, string>;
  apiCalls: Record<string, number>;
  stateFile: string;
  stubBytesMax: number;
  stateBytesPerResource: number;
}

describe("vpc-identity demo", () => {
  let result: DemoResult;
  let progress: string;
  let stdout: string;

  beforeAll(() => {
    const demo = spawnSync(process.execPath, [CLI, "demo", "--json", "--engine", "embedded"], {
      encoding: "utf8",
      timeout: 120_000,
    });
    ({ stdout, stderr: progress } = demo);
    expect([demo.status, progress]).toEqual([0, expect.any(String)]);
    result = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as DemoResult;
  }, 130_000);

  afterAll(() => rmSync(dirname(result.stateFile), { recursive: true, force: true }));

  it("prints one JSON object and nothing else on standard output", () =>
    expect(stdout.trim().split("\n")).toHaveLength(1));

  it("tells the whole story, every step well", () => {
    expect(result.steps.map(({ name, ok }) => [name, ok])).toEqual(
      [
        "emulator",
        "up",
        "outputs",
        "boot",
        "token",
        "certificate",
        "authorized",
        "noop",
        "policies",
        "denied",
        "destroy",
      ].map((name) => [name, true]),
    );
    expect(result).toMatchObject({ passed: true, engine: "embedded" });
  });

  it("boots the server and uses what it got", () => {
    const detail = (name: string): string => result.steps.find((step) => step.name === name)?.detail ?? "";
    expect(detail("token")).toContain(`iam_id     ${result.outputs.profileIamId}`);
    expect(detail("token")).toContain(result.outputs.instanceCrn);
    expect(detail("certificate")).toContain(`CN=${result.outputs.instanceId}`);
    expect(detail("certificate")).toContain("openssl verify with the account's root: OK");
    expect(detail("authorized")).toMatch(/^200 1 instance/);
    expect(detail("denied")).toMatch(/^403 not_authorized/);
  });

  it("makes no call when there is nothing to do, and few otherwise", () => {
    expect(result.apiCalls.noop).toBe(0);
    expect(result.apiCalls.up).toBeLessThanOrEqual(12);
  });

  it("keeps the state of the first up: small stubs, equal for a type, small resources", () => {
    const { deployment } = JSON.parse(readFileSync(result.stateFile, "utf8")) as {
      deployment: {
        resources: { type: string; inputs?: { __provider?: string }; outputs?: { __provider?: string } }[];
      };
    };
    const ours = deployment.resources.filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/vpc-identity:"));
    expect(ours.length).toBeGreaterThanOrEqual(4);
    for (const { type, inputs, outputs } of ours) {
      const kind = type.split(":").at(-1) ?? "";
      expect(inputs?.__provider).toBe(`exports.handler=()=>require("pulumi-ibm-vpc-identity/dynamic")("${kind}")`);
      expect(outputs?.__provider).toBe(inputs?.__provider);
    }
    expect(result.stubBytesMax).toBeLessThanOrEqual(120);
    expect(result.stateBytesPerResource).toBeLessThanOrEqual(1500);
  });

  it("leaves nothing behind but that state", () => {
    expect(existsSync(result.stateFile)).toBe(true);
    expect(existsSync(`${dirname(result.stateFile)}/work`)).toBe(false);
  });
});

describe("vpc-identity demo, otherwise", () => {
  it("ends with 130 and leaves nothing behind when it is interrupted", async () => {
    const folder = mkdtempSync(join(tmpdir(), "interrupted-demo-"));
    const demo = spawn(process.execPath, [CLI, "demo", "--engine", "embedded"], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, TMPDIR: folder },
    });
    const exit = new Promise<number | null>((resolve) => demo.on("close", resolve));
    let stdout = "";
    demo.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (!stdout.includes("TrustedProfile") && (stdout += text).includes("TrustedProfile")) demo.kill("SIGINT");
    });
    expect(await exit).toBe(130);
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  const itAsRoot = process.getuid?.() === 0 ? it : it.skip;
  itAsRoot(
    "needs no root (skipped where this is not root, and every run shows it)",
    () => {
      const demo = spawnSync(
        "setpriv",
        [
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          process.execPath,
          CLI,
          "demo",
          "--json",
          "--engine",
          "embedded",
        ],
        { encoding: "utf8", timeout: 120_000, env: { PATH: process.env.PATH, HOME: "/nonexistent" } },
      );
      expect([demo.status, demo.stderr]).toEqual([
        0,
        expect.stringMatching(/169\.254\.169\.254:80|namespaces are refused/),
      ]);
      const { stateFile } = JSON.parse(demo.stdout.trim().split("\n").at(-1) ?? "") as DemoResult;
      rmSync(dirname(stateFile), { recursive: true, force: true });
    },
    130_000,
  );
});
