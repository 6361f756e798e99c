/** Pulumi's Automation API on the embedded engine, unchanged: only the place of the command is given. */
import { join } from "node:path";
import { dynamic } from "@pulumi/pulumi";
import { LocalWorkspace, PulumiCommand, type EngineEvent, type Stack } from "@pulumi/pulumi/automation";
import { ENGINE_ROOT, TestProject } from "./support/engine";
import { THINGS } from "./support/things";

const ROOT = process.env.PULUMI === undefined ? ENGINE_ROOT : join(process.env.PULUMI, "..", "..");

let project: TestProject;
let command: PulumiCommand;

beforeEach(async () => {
  project = TestProject.create(THINGS);
  command = await PulumiCommand.get({ root: ROOT });
});

afterEach(() => project.remove());

function options(): { pulumiCommand: PulumiCommand; pulumiHome: string; envVars: Record<string, string> } {
  const env = Object.entries(project.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { pulumiCommand: command, pulumiHome: project.path(".home"), envVars: Object.fromEntries(env) };
}

test("a program in a folder: configure, preview, up, outputs, history, export, import, destroy, remove", async () => {
  project.write(
    "program.json",
    JSON.stringify({
      things: [{ name: "a" }],
      outputs: { made: "a" },
      code: "exports.pass = new pulumi.Config().requireSecret('pass')",
    }),
  );
  const stack: Stack = await LocalWorkspace.createOrSelectStack(
    { stackName: "dev", workDir: project.folder },
    options(),
  );
  await stack.setAllConfig({ pass: { value: "h1dden", secret: true }, plain: { value: "-dash" } });
  await stack.setConfig("extra", { value: "x" });
  expect(await stack.getConfig("pass")).toEqual({ value: "h1dden", secret: true });
  await stack.removeConfig("extra");
  expect(Object.keys(await stack.getAllConfig()).sort()).toEqual(["things:pass", "things:plain"]);

  const planned = await stack.preview();
  expect(planned.changeSummary).toEqual({ create: 2 });

  const events: EngineEvent[] = [];
  const lines: string[] = [];
  const up = await stack.up({ onEvent: (event) => events.push(event), onOutput: (text) => lines.push(text) });
  expect(up.summary).toMatchObject({ kind: "update", result: "succeeded", resourceChanges: { create: 2 } });
  expect(up.outputs).toEqual({ made: { value: "made-a", secret: false }, pass: { value: "h1dden", secret: true } });
  expect(lines.join("")).toContain("created");
  expect(
    events.filter((event) => event.resOutputsEvent !== undefined).map((event) => event.resOutputsEvent?.metadata.op),
  ).toContain("create");
  expect(events.at(-1)?.cancelEvent ?? events.at(-2)?.summaryEvent).toBeDefined();

  const exported = await stack.exportStack();
  expect(exported.version).toBe(3);
  await stack.importStack(exported);
  const again = await stack.up();
  expect(again.summary.resourceChanges).toEqual({ same: 2 });
  const refreshed = await stack.refresh();
  expect(refreshed.summary.result).toBe("succeeded");
  expect((await stack.workspace.listStacks()).map(({ name }) => name)).toEqual(["dev"]);
  expect((await stack.workspace.whoAmI()).user).not.toBe("");

  const destroyed = await stack.destroy();
  expect(destroyed.summary).toMatchObject({ kind: "destroy", result: "succeeded", resourceChanges: { delete: 2 } });
  expect((await stack.history()).map(({ kind }) => kind)).toEqual(["destroy", "refresh", "update", "update"]);
  await stack.workspace.removeStack("dev");
  expect(await stack.workspace.listStacks()).toEqual([]);
}, 180_000);

test("errors are the ones that callers tell apart", async () => {
  project.write("program.json", JSON.stringify({ things: [] }));
  const args = { stackName: "dev", workDir: project.folder };
  await expect(LocalWorkspace.selectStack(args, options())).rejects.toThrow(/no stack named 'dev' found/);
  await LocalWorkspace.createStack(args, options());
  await expect(LocalWorkspace.createStack(args, options())).rejects.toThrow(
    /stack 'organization\/things\/dev' already exists/,
  );
});

test("a program inside the caller's process", async () => {
  const program = async (): Promise<Record<string, unknown>> => ({ answer: 42 });
  const stack = await LocalWorkspace.createStack({ stackName: "dev", projectName: "inline", program }, options());
  const planned = await stack.preview();
  expect(planned.changeSummary).toEqual({ create: 1 });
  const up = await stack.up();
  expect(up.outputs).toEqual({ answer: { value: 42, secret: false } });
  expect((await stack.destroy()).summary.result).toBe("succeeded");
});

test("a program inside the caller's process whose resource fails: the command ends, and says why", async () => {
  const failing = { create: () => Promise.reject(new Error("no such luck")) };
  class Failing extends dynamic.Resource {}
  const program = async (): Promise<Record<string, unknown>> => ({ id: new Failing(failing, "unlucky", {}).id });
  const stack = await LocalWorkspace.createStack({ stackName: "dev", projectName: "inline", program }, options());
  await expect(stack.up()).rejects.toThrow(/no such luck/);
});

test.each([
  ["stops at the first failure", {}],
  ["goes on after failures", { continueOnError: true }],
])(
  "a program inside a process that waits for what was rejected: the command that %s ends, and says why",
  async (_, flags) => {
    // A process of its own: what is rejected there fails no test here.
    project.write(
      "deploy.js",
      `const { LocalWorkspace, PulumiCommand } = require("@pulumi/pulumi/automation");
     const { dynamic } = require("@pulumi/pulumi");
     class Thing extends dynamic.Resource {}
     const program = async () => {
       const rejected = Promise.reject(new Error("no such image"));
       return { id: new Thing({ create: async () => ({ id: "1" }) }, "waiting", { rejected }).id };
     };
     (async () => {
       const pulumiCommand = await PulumiCommand.get({ root: ${JSON.stringify(ROOT)} });
       const made = { stackName: "dev", projectName: "inline", program };
       const stack = await LocalWorkspace.createStack(made, { pulumiCommand, envVars: process.env });
       await stack.up(${JSON.stringify(flags)}).then(() => console.log("deployed"), (error) => console.log(error.message));
       process.exit();
     })();`,
    );
    const { process: child, result } = project.start(["deploy.js"], {}, process.execPath);
    const limit = setTimeout(() => child.kill("SIGKILL"), 60_000);
    const { signal, stdout } = await result;
    clearTimeout(limit);
    expect({ signal, stdout }).toEqual({ signal: null, stdout: expect.stringContaining("no such image") as string });
  },
);
