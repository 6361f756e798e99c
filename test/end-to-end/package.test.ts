/** The package as npm packs and installs it, in an empty project: what is not in `files` is not there. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Emulator, startEmulator } from "../../emulator";
import { Project, REPOSITORY, seededConfig } from "../support/project";

let emulator: Emulator;
let project: Project;
let folder: string;
let installed: string;
let tarball: string;

beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
  project = new Project(emulator.env);
  folder = project.cwd;
  installed = join(folder, "node_modules", "pulumi-ibm-vpc-identity");
  mkdirSync(folder);
  execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", project.folder], {
    cwd: REPOSITORY,
    stdio: "pipe",
  });
  tarball = join(project.folder, readdirSync(project.folder).find((name) => name.endsWith(".tgz")) ?? "");
  writeFileSync(join(folder, "package.json"), '{ "name": "program", "private": true, "main": "index.ts" }\n');
  const { devDependencies } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const others = ["@pulumi/pulumi", "@types/node", "typescript"].map(
    (name) => `${name}@${devDependencies[name] ?? ""}`,
  );
  execFileSync("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball, ...others], {
    cwd: folder,
    stdio: "pipe",
  });
}, 240_000);

afterAll(async () => {
  await emulator.close();
  project.remove();
});

/** What a program in the project prints. */
function outputOf(...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: folder };
  return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8", env });
}

describe("an example of the package, with Pulumi's usual tsconfig", () => {
  const pulumi = async (...args: string[]): Promise<void> => {
    const engine = join(installed, "engine", "bin", "pulumi");
    const { exitCode, output } = await project.start(engine, [...args, "--stack", "dev", "--non-interactive"]).done;
    expect([exitCode, output]).toEqual([0, output]);
  };

  beforeAll(() => {
    for (const name of ["index.ts", "tsconfig.json", "Pulumi.yaml"]) {
      cpSync(join(installed, "examples", "linked-instance", name), join(folder, name));
    }
  });

  it("has the types that it needs", () => {
    expect(readFileSync(join(folder, "tsconfig.json"), "utf8")).toContain('"moduleResolution": "node"');
    const tsc = join(folder, "node_modules", "typescript", "bin", "tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "--noEmit", "-p", "."], { cwd: folder });
    expect([status, stdout.toString()]).toEqual([0, ""]);
  });

  it("is deployed and destroyed", async () => {
    const before = emulator.inventory();
    await project.start(join(installed, "engine", "bin", "pulumi"), ["stack", "init", "dev", "--no-select"]).done;
    for (const [key, value] of Object.entries(seededConfig(emulator))) await pulumi("config", "set", key, value);
    await pulumi("up", "--yes", "--skip-preview");
    expect([emulator.inventory().profiles.length, emulator.inventory().instances.length]).toEqual([1, 1]);
    await pulumi("destroy", "--yes", "--skip-preview");
    expect(emulator.inventory()).toEqual(before);
  }, 120_000);
});

describe("the packed package", () => {
  it("is a download of at most 400 KB, the emulator's console included", () => {
    expect(statSync(tarball).size).toBeLessThanOrEqual(400_000);
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
    // npm puts dependencies there whose version the project has another of.
    const packed = readdirSync(installed).filter((name) => name !== "node_modules");
    expect(packed.sort()).toEqual([
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
