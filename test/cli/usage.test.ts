/** Wrong calls of the command: one clear screen and exit code 2; help and version: exit code 0. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMANDS } from "../../cli/commands";
import { chooseEngine } from "../../cli/workspace";
import { CLI, ENGINE, REPOSITORY } from "../support/project";

const EXAMPLE = join(REPOSITORY, "examples", "linked-instance");

function call(...args: string[]): { exitCode: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: "utf8",
    input: "",
    cwd: tmpdir(),
    env: { PATH: process.env.PATH },
  });
  return { exitCode: status, stdout, stderr };
}

describe("wrong usage", () => {
  it.each([
    ["no command", [], ""],
    ["an unknown command", ["deploy"], '"deploy" is not a command. Commands: up, preview'],
    ["an unknown flag", ["demo", "--fast"], "--fast is not a flag of demo"],
    ["two unknown flags, both named", ["demo", "--fast", "--loud"], "--loud is not a flag of demo"],
    ["a misspelt command", ["destory"], '"destory" is not a command; did you mean destroy?'],
    ["a flag without its value", ["up", "--stack"], "--stack needs a value"],
    ["a value for a switch", ["up", "--yes=1"], "--yes takes no value"],
    ["a flag in place of a value", ["up", "--stack", "--yes"], "--stack"],
    ["an empty value", ["destroy", "--yes", "--stack", ""], "--stack is empty"],
    ["a flag of another command", ["output", "-c", "a=b"], "-c is not a flag of output"],
    ["a stray argument", ["output", "profileId"], '"profileId" is not expected here'],
    ["an unknown engine", ["demo", "--engine", "terraform"], '--engine is "terraform"; allowed: pulumi, embedded'],
    [
      "a port out of range",
      ["emulator", "--port", "70000"],
      '--port is "70000"; allowed: a whole number from 0 to 65535',
    ],
    ["a folder without a project", ["preview"], "there is no Pulumi.yaml in it"],
    ["nobody to ask", ["up"], "there is no terminal to ask on: pass --yes"],
    ["a config pair without a value", ["up", "--yes", "-c", "zone"], '--config is "zone"; allowed: key=value'],
  ])("%s", (_name, args, message) => {
    const { exitCode, stderr } = call(...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

it("everything wrong is told on one screen, and nothing is done", () => {
  const args = ["up", "--stak", "dev", "--engine", "embeded", "-c", "zone", "-c", "vpc-identity:apiKey=topsecretvalue"];
  const { exitCode, stdout, stderr } = call(...args);
  expect([exitCode, stdout]).toEqual([2, ""]);
  expect(stderr.split("\n").slice(0, 8)).toEqual([
    "--stak is not a flag of up; did you mean --stack?",
    '--engine is "embeded"; allowed: pulumi, embedded; did you mean embedded?',
    `--cwd is "${tmpdir()}": there is no Pulumi.yaml in it`,
    "no passphrase for the stack's secrets: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
    "there is no terminal to ask on: pass --yes",
    '--config is "zone"; allowed: key=value',
    expect.stringContaining("--config vpc-identity:apiKey: a credential must be encrypted"),
    "",
  ]);
  expect(stderr.split("\n").length).toBeLessThanOrEqual(24);
  expect(stderr).not.toContain("topsecretvalue");
});

it("a secret in the wrong place is not repeated", () => {
  const { exitCode, stderr } = call("preview", "--cwd", EXAMPLE, "--secret", "=topsecretvalue");
  expect(exitCode).toBe(2);
  expect(stderr).not.toContain("topsecretvalue");
});

it.each(["vpc-identity:apiKey", "vpc-identity:iamToken"])("%s is not taken from the arguments", (key) => {
  const { exitCode, stderr } = call("preview", "--cwd", EXAMPLE, "--secret", `${key}=topsecretvalue`);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`Use --secret ${key} without a value`)]);
  expect(stderr).not.toContain("topsecretvalue");
});

describe("help", () => {
  it.each(Object.keys(COMMANDS))("%s --help", (command) => {
    const { exitCode, stdout } = call(command, "--help");
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`Usage: vpc-identity ${command}`)]);
    expect(stdout).toContain("Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.");
  });

  it("names all commands", () =>
    expect(call("--help").stdout).toMatch(/up .*preview .*refresh .*destroy .*output .*demo .*emulator/s));

  it("--version prints the package's version", () => expect(call("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/));
});

describe("which engine", () => {
  const folder = mkdtempSync(join(tmpdir(), "vpc-identity-path-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is the embedded one where there is no pulumi", () => {
    expect(chooseEngine(undefined, { PATH: folder })).toMatchObject({ kind: "embedded" });
    expect(() => chooseEngine("pulumi", { PATH: folder })).toThrow("no pulumi on PATH");
  });

  it("is never the embedded one by way of PATH", () => {
    symlinkSync(ENGINE, join(folder, "pulumi"));
    expect(chooseEngine(undefined, { PATH: folder })).toMatchObject({ kind: "embedded" });
    rmSync(join(folder, "pulumi"));
  });

  it("is not a folder of that name", () => {
    mkdirSync(join(folder, "pulumi"));
    expect(chooseEngine(undefined, { PATH: folder })).toMatchObject({ kind: "embedded" });
    rmSync(join(folder, "pulumi"), { recursive: true });
  });

  it("is pulumi where it is on PATH, unless the embedded one is asked for", () => {
    const pulumi = join(folder, "pulumi");
    writeFileSync(pulumi, "#!/bin/sh\n");
    chmodSync(pulumi, 0o755);
    expect(chooseEngine(undefined, { PATH: `/nowhere:${folder}` })).toEqual({ kind: "pulumi", path: pulumi });
    expect(chooseEngine("embedded", { PATH: folder })).toMatchObject({ kind: "embedded" });
  });
});
