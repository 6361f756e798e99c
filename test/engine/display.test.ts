/** What people see: the live tree on a terminal, which here is a pseudo terminal made by `script` of util-linux. */
import { CONTROL_D, hasTerminals, onTerminal, type TerminalRun } from "../support/terminal";
import { EMBEDDED, embeddedOnly, TestProject } from "./support/engine";
import { THINGS, type ThingsProgram } from "./support/things";

const UP = "up --stack dev";
const SURE = "--yes --skip-preview";
const PROGRAM: ThingsProgram = {
  things: [{ name: "quick" }, { name: "slow", args: { delayMs: 1200, warn: "mind the gap" }, dependsOn: ["quick"] }],
  outputs: { made: "slow" },
};

const withTerminals = hasTerminals ? embeddedOnly : describe.skip;

withTerminals("on a terminal (needs script of util-linux)", () => {
  let project: TestProject;

  beforeEach(() => {
    project = TestProject.withStack(THINGS);
    project.write("program.json", JSON.stringify(PROGRAM));
  });

  afterEach(() => project.remove());

  function onScreen(
    words: string,
    settings: { columns?: number; rows?: number; env?: NodeJS.ProcessEnv; answer?: string },
  ): Promise<TerminalRun> {
    const { env = {}, answer, ...size } = settings;
    return onTerminal(`${EMBEDDED} ${words}`, {
      ...size,
      cwd: project.folder,
      env: { ...project.env, NO_COLOR: undefined, TERM: "xterm", ...env },
      type: [["Type yes to go ahead: ", answer === undefined ? CONTROL_D : `${answer}\n`]],
    });
  }

  test.each([
    { name: "in colour", env: {}, coloured: true },
    { name: "without colour where NO_COLOR is set", env: { NO_COLOR: "1" }, coloured: false },
  ])("the tree is redrawn in place, $name", async ({ env, coloured }) => {
    const seen = await onScreen(`${UP} ${SURE}`, { env });
    const text = seen.lines.join("\n");
    expect({ code: seen.code, coloured: seen.coloured, text }).toEqual({ code: 0, coloured, text });
    expect(seen.redraws).toBeGreaterThan(5);
    expect(seen.lines.slice(0, 4).map((line) => line.replace(/\(\d+s\)/, "(Ns)"))).toEqual([
      "Updating (dev):",
      " +  pulumi:pulumi:Stack  things-dev  created (Ns)  mind the gap",
      " +     pulumi-nodejs:dynamic/things:Thing  quick  created (Ns)",
      " +     pulumi-nodejs:dynamic/things:Thing  slow  created (Ns)",
    ]);
    for (const line of ["Outputs:", '    made: "made-slow"', "    + 3 created"]) expect(seen.lines).toContain(line);
  });

  test("a tree higher and wider than the screen is cut while it changes, and shown in full in the end", async () => {
    const things = Array.from({ length: 12 }, (_, index) => ({ name: `thing-${index}`, args: { delayMs: 300 } }));
    project.write("program.json", JSON.stringify({ things } satisfies ThingsProgram));
    const { lines, code } = await onScreen(`${UP} ${SURE}`, { columns: 40, rows: 6 });
    expect(code).toBe(0);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
    expect(lines.filter((line) => line.includes("pulumi-nodejs:dynamic/"))).toHaveLength(12);
  });

  test.each([
    { name: "does it after a yes", settings: { answer: "yes" }, code: 0, says: "3 created", creates: true },
    { name: "does nothing after a no", settings: { answer: "no" }, code: 1, says: "declined", creates: false },
    { name: "does nothing after Control-D", settings: {}, code: 1, says: "declined", creates: false },
  ])("after the preview it asks, and $name", async ({ settings, code, says, creates }) => {
    const seen = await onScreen(UP, settings);
    expect(seen.lines.join("\n")).toContain(says);
    expect(seen.code).toBe(code);
    expect(project.read("calls.log").includes("created slow")).toBe(creates);
  });

  test("--non-interactive prints plain lines on a terminal too", async () => {
    const { redraws, lines } = await onScreen(`${UP} ${SURE} --non-interactive`, {});
    expect(redraws).toBe(0);
    expect(lines.join("\n")).toMatch(/Thing slow creating \(0s\)\n[^]*Thing slow created/);
  });
});
