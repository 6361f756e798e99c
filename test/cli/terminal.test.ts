/** The command on a terminal: what is drawn, what is asked, and what Ctrl-C leaves behind. */
import { mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { startEmulator, type Emulator } from "../../emulator";
import { CLI, Project } from "../support/project";
import {
  CONTROL_C,
  CONTROL_D,
  hasTerminals,
  onTerminal,
  type TerminalRun,
  type TerminalSettings,
} from "../support/terminal";

const PROGRAM = `
import { TrustedProfile } from "pulumi-ibm-vpc-identity";
for (const name of ["first", "second"]) new TrustedProfile(name, {});
`;

const withTerminals = hasTerminals ? describe : describe.skip;

withTerminals("on a terminal (needs script of util-linux)", () => {
  let emulator: Emulator;
  let project: Project;

  beforeAll(async () => {
    emulator = await startEmulator();
  });
  afterAll(() => emulator.close());

  beforeEach(async () => {
    await emulator.reset();
    project = Project.ofProgram(PROGRAM, emulator.env);
  });
  afterEach(() => project.remove());

  /** Long enough for a few frames. */
  const beSlow = (): void => emulator.setFaults([{ method: "POST", path: "/v1/profiles", delayMs: 1000 }]);

  function cli(words: string, settings: Partial<TerminalSettings> = {}): Promise<TerminalRun> {
    const { env = {}, ...rest } = settings;
    const command = `${process.execPath} ${CLI} ${words} --engine embedded`;
    const own = { LANG: "C.UTF-8" };
    return onTerminal(command, { cwd: project.cwd, ...rest, env: { ...project.env, ...own, ...env } });
  }

  it.each([
    { name: "in colour, within a narrow screen", env: {}, columns: 44, coloured: true, spins: /[⠋⠙⠹⠸]/u },
    {
      name: "without colour and in ASCII where that is asked for",
      env: { NO_COLOR: "1", LANG: "C" },
      columns: 100,
      coloured: false,
      spins: /[|/\\-]\+/,
    },
  ])("up is drawn in place, $name", async ({ env, columns, coloured, spins }) => {
    beSlow();
    const seen = await cli("up --yes", { env, columns });
    expect([seen.code, seen.output]).toEqual([0, expect.stringMatching(spins)]);
    expect({ coloured: seen.coloured, redrawn: seen.redraws > 5 }).toEqual({ coloured, redrawn: true });
    if (env.LANG === "C") expect(seen.output).not.toMatch(/[⠀-⣿]/u);
    const tree = seen.lines.filter((line) => line.includes("pulumi-nodejs:dynamic/"));
    expect(tree.length).toBeGreaterThan(0);
    expect(Math.max(...tree.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(seen.output).toContain("Updating (dev)");
  });

  it("up is plain lines on a dumb terminal", async () => {
    const seen = await cli("up --yes", { env: { TERM: "dumb" } });
    expect([seen.code, seen.redraws]).toEqual([0, 0]);
  });

  it.each([
    { name: "y goes ahead", keys: "y\n", code: 0, made: 2 },
    { name: "Control-D is a no", keys: CONTROL_D, code: 1, made: 0 },
    { name: "Ctrl-C interrupts", keys: CONTROL_C, code: 130, made: 0 },
  ])("up asks after the preview: $name", async ({ keys, code, made }) => {
    const seen = await cli("up", { type: [["Perform this update? [y/N] ", keys]] });
    expect([seen.code, seen.output]).toEqual([code, expect.stringContaining("Previewing update (dev)")]);
    expect(emulator.inventory().profiles).toHaveLength(made);
  });

  it("a passphrase is asked for without showing it", async () => {
    const env = { PULUMI_CONFIG_PASSPHRASE: undefined };
    const seen = await cli("preview", { env, type: [["Passphrase of the stack's secrets: ", "not to be seen\n"]] });
    expect([seen.code, seen.output.includes("not to be seen")]).toEqual([0, false]);
  });

  it("Ctrl-C while up is at work: the engine finishes, saves and unlocks", async () => {
    beSlow();
    const seen = await cli("up --yes", { type: [[/Updating \(dev\)[^]*creating \(1s\)/, CONTROL_C]] });
    expect([seen.code, seen.output]).toEqual([130, expect.stringContaining("^C received; cancelling")]);
    const made = emulator.inventory().profiles.map(({ id }) => id as string);
    const known = (await project.resources()).map(({ id }) => id);
    expect(made.filter((id) => !known.includes(id))).toEqual([]);
    emulator.setFaults([]);
    expect((await project.cli("up", "--yes", "--engine", "embedded")).exitCode).toBe(0);
    expect(emulator.inventory().profiles).toHaveLength(2);
  });

  it.each([
    { name: "deploys", after: /StackSeed/ },
    { name: "boots its server", after: /\| vpc-identity: / },
  ])("Ctrl-C while the demo $name leaves nothing behind", async ({ after }) => {
    const temporary = join(project.folder, "temporary");
    mkdirSync(temporary);
    const { code, output } = await cli("demo", { env: { TMPDIR: temporary }, type: [[after, CONTROL_C]] });
    expect([code, output]).toEqual([130, expect.stringContaining("failed: interrupted")]);
    expect(output).not.toContain("Namespaces are refused");
    expect(readdirSync(temporary)).toEqual([]);
    expect(processesIn(temporary)).toEqual([]);
  });
});

/** Processes that work in a folder, which may be gone. */
function processesIn(folder: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
}
