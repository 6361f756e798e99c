/** The package as npm packs it, in an empty project: what is not in `files` is not there. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { REPOSITORY } from "../support/project";

const folder = mkdtempSync(join(tmpdir(), "vpc-identity-package-"));
const modules = join(folder, "node_modules");
const installed = join(modules, "pulumi-ibm-vpc-identity");

beforeAll(() => {
  execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: REPOSITORY, stdio: "pipe" });
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, tarball), "--strip-components=1", "-C", installed]);
  // Its dependencies as they are installed here, so that the test needs no registry.
  for (const name of readdirSync(join(REPOSITORY, "node_modules"))) {
    const own = ["pulumi-ibm-vpc-identity", ".bin", ".package-lock.json"].includes(name);
    if (!own) symlinkSync(join(REPOSITORY, "node_modules", name), join(modules, name), "dir");
  }
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the packed package", () => {
  it("runs the demo, behind a proxy that is for the cloud", () => {
    const demo = spawnSync(
      process.execPath,
      [join(installed, "dist", "cli", "main.js"), "demo", "--json", "--engine", "embedded"],
      {
        cwd: folder,
        encoding: "utf8",
        timeout: 120_000,
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          http_proxy: "http://127.0.0.1:9",
          https_proxy: "http://127.0.0.1:9",
        },
      },
    );
    expect([demo.status, demo.stderr]).toEqual([0, expect.any(String)]);
    const { stateFile } = JSON.parse(demo.stdout) as { stateFile: string };
    rmSync(dirname(stateFile), { recursive: true, force: true });
  }, 130_000);

  it("has all its entry points, and no sources or tests", () => {
    const list = ["", "/bootstrap", "/emulator", "/engine", "/dynamic"].map(
      (path) => `require("pulumi-ibm-vpc-identity${path}")`,
    );
    execFileSync(process.execPath, ["-e", list.join(";")], { cwd: folder, stdio: "pipe" });
    expect(readdirSync(installed).sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist",
      "engine",
      "examples",
      "package.json",
    ]);
  });
});
