/** `vpc-identity bootstrap`: user data without Pulumi, from flags and files. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrapScript, bootstrapUserData, userDataReport } from "../../bootstrap";
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
      'files."key.pem".mode="0640"',
      "--set",
      "group=daemon",
    );
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      bootstrapUserData({
        certificate: { keySize: 4096, subject: { O: "Example" } },
        files: { "key.pem": { mode: "0640" } },
        group: "daemon",
      }),
    );
  });

  it("takes an empty file for all defaults", () => {
    expect(bootstrap("--options", file("empty.yaml", "# nothing\n")).stdout).toBe(bootstrapUserData());
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
    expect(statSync(out).mode & 0o777).toBe(0o600);
  });

  it("replaces a file as a whole, with the mode that is asked for", () => {
    const out = file("replaced", "old");
    const before = statSync(out).ino;
    expect(bootstrap("--output", out, "--mode", "0640").exitCode).toBe(0);
    expect(readFileSync(out, "utf8")).toBe(bootstrapUserData());
    // Another file under the same name: who has the old one open still has all of it.
    expect(statSync(out)).toMatchObject({ mode: 0o100640 });
    expect(statSync(out).ino).not.toBe(before);
    expect(readdirSync(folder).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  it("tells the size of each part", () => {
    const { exitCode, stdout, stderr } = bootstrap("--size", "--merge", file("sized.cfg", OWN));
    const { bytes, parts } = userDataReport({}, { merge: [OWN] });
    expect([exitCode, stderr]).toEqual([0, ""]);
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s{2,}/));
    expect(rows).toEqual([
      ["bytes", "written", "part"],
      ...parts.map(({ name, bytes: own, writtenBytes }) => [String(own), String(writtenBytes), name]),
      [`${bytes} bytes of user data, ${((100 * bytes) / 65_536).toFixed(1)} % of what the VPC API takes`],
    ]);
  });

  it("tells all of it as JSON", () => {
    const { stdout } = bootstrap("--json");
    const { userData, bytes, parts } = userDataReport();
    const sha256 = createHash("sha256").update(userData).digest("hex");
    expect(JSON.parse(stdout)).toEqual({ bytes, limitBytes: 65_536, sha256, parts, userData });
    const output = join(folder, "json-out");
    expect(JSON.parse(bootstrap("--json", "--output", output).stdout)).toEqual({
      ...{ bytes, limitBytes: 65_536, sha256, parts, output },
    });
    expect(readFileSync(output, "utf8")).toBe(userData);
  });

  it("warns of user data that is nearly too large, and refuses what is too large", () => {
    const noise = (kibibytes: number): string =>
      `#!/bin/sh\n${Array.from({ length: kibibytes * 16 }, (_, index) => `# ${createHash("sha256").update(String(index)).digest("hex").slice(0, 61)}\n`).join("")}`;
    const [large, huge] = [
      bootstrap("--merge", file("large.sh", noise(36))),
      bootstrap("--merge", file("huge.sh", noise(60))),
    ];
    expect(large.exitCode).toBe(0);
    expect(large.stderr).toMatch(/\nwarning: The user data has \d+ bytes of the 65536 .* parts: merge\[0\] 36874, /);
    expect([huge.exitCode, huge.stdout]).toEqual([1, ""]);
    expect(huge.stderr).toMatch(/has \d+ bytes; the VPC API takes at most 65536\. Its largest parts: merge\[0\]/);
  });

  it.each([
    [
      "options that are wrong, all of them",
      ["--set", "certificate.keySize=1024", "--set", "protocol=tcp"],
      /keySize is 1024[^]*protocol is "tcp"/,
    ],
    [
      "everything that is wrong, at once",
      [
        ...[
          "--frmat",
          "mime",
          "--format",
          "ova",
          "--image-format",
          "ipxe",
          "--set",
          "a",
          "--set",
          "x.y=1",
          "--mode",
          "9",
        ],
        ...["--merge", "/nowhere/m", "--options", "/nowhere/x", "--output", "/nowhere/out"],
      ],
      /--frmat is not a flag[^]*--format is "ova"; allowed: cloud-config, script, mime, archive[^]*"\/nowhere\/x" cannot be read: ENOENT[^]*--set is "a"; allowed: path=value[^]*"\/nowhere\/m" cannot be read[^]*x is not an argument[^]*--image-format is "ipxe"; such an image does not run cloud-init[^]*--mode is "9"[^]*there is no folder "\/nowhere"/,
    ],
    ["options that are no mapping", ["--options", file("list.yaml", "- a\n")], /is not a mapping of options/],
    ["a prototype", ["--set", "__proto__.x=1"], /__proto__/],
    ["text that is no YAML", ["--set", "group={"], /--set "group=\{" is not YAML/],
    ["a part of no known kind", ["--merge", file("no.txt", "hello")], /--merge ".*no\.txt" begins with "hello"/],
    ["a script with parts", ["--format", "script", "--merge", file("o.cfg", OWN)], /--format is "script"; with merge/],
    ["a folder to write to", ["--output", folder], /which is a folder/],
    ["a mode without a file", ["--mode", "0644"], /--mode is for the file of --output/],
  ] as const)("refuses %s", (_name, args, says) => {
    const run = bootstrap(...args);
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toMatch(says);
  });

  it("tells every flag in its help", () => {
    const { exitCode, stdout } = bootstrap("--help");
    expect(exitCode).toBe(0);
    for (const flag of [
      "options",
      "set",
      "format",
      "merge",
      "image-format",
      "plain",
      "output",
      "mode",
      "size",
      "json",
    ]) {
      expect(stdout).toMatch(new RegExp(`^ +--${flag} .*\\w`, "m"));
    }
  });
});
