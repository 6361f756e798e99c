/** The package as npm packs it, in an empty project: what is not in `files` is not there. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { REPOSITORY } from "../support/project";

const folder = mkdtempSync(join(tmpdir(), "vpc-identity-package-"));
const modules = join(folder, "node_modules");
const installed = join(modules, "pulumi-ibm-vpc-identity");
let tarball: string;

beforeAll(() => {
  execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: REPOSITORY, stdio: "pipe" });
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed]);
  // Its dependencies as they are installed here, so that the test needs no registry.
  for (const name of readdirSync(join(REPOSITORY, "node_modules"))) {
    const own = ["pulumi-ibm-vpc-identity", ".bin", ".package-lock.json"].includes(name);
    if (!own) symlinkSync(join(REPOSITORY, "node_modules", name), join(modules, name), "dir");
  }
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a program in the project prints. */
function outputOf(...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: folder };
  return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8", env });
}

describe("the packed package", () => {
  it("is a download of at most 300 KB", () => {
    expect(statSync(tarball).size).toBeLessThanOrEqual(300_000);
  });

  it("gives its classes and functions the names under which it exports them", () => {
    const program = `
      const names = Object.entries(require("pulumi-ibm-vpc-identity")).map(([name, value]) => [name, value.name]);
      console.log(JSON.stringify(names))`;
    const names = JSON.parse(outputOf("-e", program)) as [string, string][];
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter(([exported, own]) => exported !== own)).toEqual([]);
  });

  it("has one copy of what its entry points share", () => {
    const program = `
      const { VpcIdentityError } = require("pulumi-ibm-vpc-identity");
      const [{ bootstrapScript }, handlerOf] = ["bootstrap", "dynamic"].map((name) => require("pulumi-ibm-vpc-identity/" + name));
      const seen = (error) => console.log(error.name, error instanceof VpcIdentityError);
      try { bootstrapScript({ renewal: 3 }) } catch (error) { seen(error) }
      handlerOf("TrustedProfile").create({}).catch(seen);`;
    expect(outputOf("-e", program)).toBe("VpcIdentityError true\nVpcIdentityError true\n");
  });

  it("can be imported by name from an ES module", () => {
    const program = `
      import { TrustedProfile } from "pulumi-ibm-vpc-identity";
      import { startEmulator } from "pulumi-ibm-vpc-identity/emulator";
      import { engineRoot } from "pulumi-ibm-vpc-identity/engine";
      import handlerOf from "pulumi-ibm-vpc-identity/dynamic";
      console.log([TrustedProfile, startEmulator, engineRoot, handlerOf].map((value) => typeof value).join());`;
    expect(outputOf("--input-type=module", "-e", program)).toBe("function,function,string,function\n");
  });

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
