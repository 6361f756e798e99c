/**
 * The embedded engine and the real CLI on the same stack, either one after the other. Needs a real CLI:
 * `PULUMI=/path/to/pulumi npm run test:engine`.
 */
import { EMBEDDED, REAL, TestProject, withRealCli } from "./support/engine";
import { expectAsRecorded, GOLDEN_PROGRAM, goldenSteps, repeatStep } from "./support/golden";
import { THINGS, THINGS_PROJECT, type ThingsProgram } from "./support/things";

const REAL_COMMAND = REAL ?? "";
const ON_DEV = ["--stack", "dev", "--non-interactive"];
const UP = ["up", "--yes", "--skip-preview", ...ON_DEV];
const NO_CHANGES = "--expect-no-changes";

/** Something of everything that a state holds. */
const PROGRAM: ThingsProgram = {
  things: [
    { name: "a", args: { v: 1, list: [1, null, { deep: "x" }], text: 'quotes " and lines \u2028' } },
    { name: "b", args: { from: "$a" }, opts: { customTimeouts: { create: "90s" }, additionalSecretOutputs: ["made"] } },
    { name: "kept", opts: { protect: true }, dependsOn: ["a"] },
  ],
  outputs: { made: "a" },
  code: `
    class Box extends pulumi.ComponentResource {
      constructor(name) {
        super("things:index:Box", name, { size: 3 });
        this.inner = new Thing("inner", { box: this, pass: new pulumi.Config().requireSecret("pass") }, { parent: this });
        this.registerOutputs({ inner: this.inner });
      }
    }
    new Box("box");
    exports.key = pulumi.secret("h1dden");`,
};

const directions = [
  { first: "the embedded engine", second: "the real CLI", maker: EMBEDDED, heir: REAL_COMMAND },
  { first: "the real CLI", second: "the embedded engine", maker: REAL_COMMAND, heir: EMBEDDED },
];

withRealCli("with a real CLI (PULUMI=<path>)", () => {
  let project: TestProject;

  afterEach(() => project.remove());

  test.each(directions)(
    "a stack made by $first is taken over by $second without a change",
    async (sides) => {
      const { maker, heir } = sides;
      project = TestProject.create(THINGS);
      project.write("program.json", JSON.stringify(PROGRAM));
      await project.must(["stack", "init", "dev", "--non-interactive"], {}, maker);
      await project.must(["config", "set", "--secret", "pass", "c0nfigured", ...ON_DEV], {}, maker);
      await project.must(UP, {}, maker);

      project.write("calls.log", "");
      await project.must(["preview", NO_CHANGES, ...ON_DEV], {}, heir);
      await project.must([...UP, NO_CHANGES], {}, heir);
      const calls = project.read("calls.log");
      expect(calls.split("\n").filter((line) => /^(create|update|delete)/.test(line))).toEqual([]);
      const outputs = await project.must(["stack", "output", "--json", "--show-secrets", ...ON_DEV], {}, heir);
      expect(JSON.parse(outputs.stdout)).toEqual({ made: "made-a", key: "h1dden" });
      const secret = await project.must(["config", "get", "pass", ...ON_DEV], {}, heir);
      expect(secret.stdout.trim()).toBe("c0nfigured");

      // And back again, after a change by the heir.
      const [a, ...others] = PROGRAM.things ?? [];
      const changed = { ...PROGRAM, things: [{ ...a, name: "a", args: { v: 2 } }, ...others] };
      project.write("program.json", JSON.stringify(changed));
      await project.must(UP, {}, heir);
      await project.must([...UP, NO_CHANGES], {}, maker);
      await project.must(["state", "unprotect", "--all", "--yes", ...ON_DEV], {}, maker);
      await project.must(["refresh", "--yes", "--skip-preview", ...ON_DEV], {}, heir);
      await project.must(["destroy", "--yes", "--skip-preview", ...ON_DEV], {}, maker);
      expect(project.state(THINGS_PROJECT, "dev").checkpoint.latest?.resources ?? []).toEqual([]);
      await project.must(["stack", "rm", "dev", "--yes", "--non-interactive"], {}, heir);
    },
    300_000,
  );

  test.each(directions)(
    "the recorded steps in turns, first $first",
    async ({ maker, heir }) => {
      project = TestProject.create(GOLDEN_PROGRAM);
      for (const [index, step] of goldenSteps.entries())
        expectAsRecorded(await repeatStep(project, step, { serial: false, command: index % 2 === 0 ? maker : heir }));
    },
    600_000,
  );
});
