/** `vpc-identity bootstrap`: user data without Pulumi, from flags and files. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrapScript, bootstrapUserData } from "../../bootstrap";
import { CLI } from "../support/project";

const folder = mkdtempSync(join(tmpdir(), "vpc-identity-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function bootstrap(...args: string[]): { exitCode: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, "bootstrap", ...args], { encoding: "utf8" });
  return { exitCode: status, stdout, stderr };
}

const OWN = "#cloud-config\nhostname: app\n";

describe("vpc-identity bootstrap", () => {
  it("writes the default user data, and tells its size", () => {
    const { exitCode, stdout, stderr } = bootstrap();
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: bootstrapUserData() });
    expect(stderr).toBe(
      `${stdout.length} bytes of user data, ${((100 * stdout.length) / 65_536).toFixed(1)} % of what the VPC API takes\n`,
    );
  });

  it.each([
    ["YAML", "options.yaml", "certificate:\n  keySize: 4096\ngroup: www\n"],
    ["JSON", "options.json", '{"certificate":{"keySize":4096},"group":"www"}'],
  ])("reads options from %s, and single ones over them", (_kind, name, text) => {
    const { exitCode, stdout } = bootstrap(
      "--options",
      file(name, text),
      "--set",
      "certificate.subject.O=Example",
      "--set",
      "group=daemon",
    );
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      bootstrapUserData({ certificate: { keySize: 4096, subject: { O: "Example" } }, group: "daemon" }),
    );
  });

  it("writes every form, to a file as well", () => {
    const [own, out] = [file("own.cfg", OWN), join(folder, "out")];
    expect(bootstrap("--format", "script").stdout).toBe(bootstrapScript());
    expect(bootstrap("--plain").stdout).toBe(bootstrapUserData({}, { compress: false }));
    expect(bootstrap("--merge", own).stdout).toBe(bootstrapUserData({}, { merge: [OWN] }));
    expect(bootstrap("--merge", own, "--format", "archive", "--output", out)).toMatchObject({
      exitCode: 0,
      stdout: "",
    });
    expect(readFileSync(out, "utf8")).toBe(bootstrapUserData({}, { merge: [OWN], format: "archive" }));
  });

  it.each([
    [
      "options that are wrong, all of them",
      ["--set", "certificate.keySize=1024", "--set", "protocol=tcp"],
      2,
      /keySize is 1024[^]*protocol is "tcp"/,
    ],
    ["a file that is not there", ["--options", "/nowhere/x"], 2, /cannot be read: ENOENT/],
    ["options that are no mapping", ["--options", file("list.yaml", "- a\n")], 2, /is not a mapping of options/],
    ["a prototype", ["--set", "__proto__.x=1"], 2, /__proto__/],
    ["an unknown format", ["--format", "ova"], 2, /allowed: cloud-config, script, mime, archive/],
    ["an image without cloud-init", ["--image-format", "ipxe"], 1, /does not run cloud-init/],
  ] as const)("refuses %s", (_name, args, exitCode, says) => {
    const run = bootstrap(...args);
    expect([run.exitCode, run.stdout]).toEqual([exitCode, ""]);
    expect(run.stderr).toMatch(says);
  });
});
