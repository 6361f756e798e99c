/** What goes wrong says so in words, fails, and loses nothing. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { embeddedOnly, processesNaming, TestProject, until } from "./support/engine";
import { THINGS, THINGS_PROJECT, thingUrn, type ThingsProgram } from "./support/things";

const UP = ["up", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive"];

embeddedOnly("what goes wrong", () => {
  let project: TestProject;

  beforeEach(() => {
    project = TestProject.withStack(THINGS);
    project.write("program.json", JSON.stringify({ things: [{ name: "first" }] } satisfies ThingsProgram));
  });

  afterEach(async () => {
    try {
      await until("the end of program and provider", () => processesNaming(project.folder).length === 0, 3000);
    } finally {
      project.remove();
    }
  });

  function names(): string[] {
    return (project.state(THINGS_PROJECT, "dev").checkpoint.latest?.resources ?? []).map(
      ({ urn }) => urn.split("::").pop() ?? "",
    );
  }

  interface ProgramCase {
    readonly name: string;
    readonly program?: ThingsProgram;
    readonly files?: Record<string, string>;
    readonly env?: NodeJS.ProcessEnv;
    readonly says: readonly string[];
    /** What may be in the state afterwards; how far a program gets before it is stopped depends on its speed. */
    readonly left: readonly string[];
  }

  const programs: readonly ProgramCase[] = [
    {
      name: "a program that throws",
      program: { things: [{ name: "first" }], code: "throw new Error('no such luck')" },
      says: ["no such luck", "update failed"],
      left: ["things-dev", "default", "first"],
    },
    {
      name: "a program that exits on its own",
      program: { things: [], code: "process.exit(3)" },
      says: ["Program exited with non-zero exit code: 3"],
      left: ["things-dev"],
    },
    {
      name: "an exported function that rejects",
      program: { things: [], code: "module.exports = async () => { throw new Error('rejected later'); }" },
      says: ["rejected later"],
      left: ["things-dev"],
    },
    {
      name: "a program that does not compile",
      files: {
        "index.ts": "export const n: number = 'text';\n",
        "package.json": '{"name":"things","main":"index.ts"}',
        "Pulumi.yaml": "name: things\nruntime: nodejs\n",
        "tsconfig.json": '{"compilerOptions":{"strict":true,"skipLibCheck":true,"types":[]},"files":["index.ts"]}',
      },
      env: { PULUMI_NODEJS_TRANSPILE_ONLY: "false" },
      says: ["Type 'string' is not assignable to type 'number'"],
      left: ["things-dev"],
    },
    {
      name: "inputs that the provider refuses",
      program: { things: [{ name: "first", args: { invalid: true } }] },
      says: ["resource 'first' has a problem: must not be set. Examine values at 'first.invalid'"],
      left: ["things-dev", "default"],
    },
    {
      name: "a provider that crashes",
      program: { things: [{ name: "first", args: { crash: true } }] },
      says: ["The dynamic provider process is gone"],
      left: ["things-dev", "default"],
    },
    {
      name: "a resource that needs a plugin",
      program: { things: [], code: "new pulumi.CustomResource('aws:s3:Bucket', 'bucket', {})" },
      says: ['need the provider plugin "aws"', "Install Pulumi"],
      left: ["things-dev"],
    },
    {
      name: "two resources of one name",
      program: { things: [{ name: "first" }], code: "new Thing('first', {})" },
      says: [`Duplicate resource URN '${thingUrn("first")}'`],
      left: ["things-dev", "default", "first"],
    },
    {
      name: "an import of a dynamic resource",
      program: { things: [{ name: "first", opts: { import: "id-1" } }] },
      says: ["a dynamic resource cannot be imported"],
      left: ["things-dev", "default"],
    },
  ];

  test.each(programs)("$name", async ({ program, files = {}, env = {}, says, left }) => {
    if (program !== undefined) project.write("program.json", JSON.stringify(program));
    for (const [name, text] of Object.entries(files)) project.write(name, text);
    const { code, stdout, stderr } = await project.run(UP, env);
    expect(code).not.toBe(0);
    for (const text of says) expect(stdout + stderr).toContain(text);
    expect(left).toEqual(expect.arrayContaining(names()));
    expect(project.locks(THINGS_PROJECT, "dev")).toEqual([]);
    expect(project.history(THINGS_PROJECT, "dev").at(-1)).toMatchObject({ kind: "update", result: "failed" });
  });

  interface StateCase {
    readonly name: string;
    readonly damage: (text: string, file: string) => void;
    readonly env?: NodeJS.ProcessEnv;
    readonly says: string;
  }

  const edited =
    (
      change: (
        state: Record<string, never> & { checkpoint: { latest: { manifest: object; resources: object[] } } },
      ) => unknown,
    ) =>
    (text: string, file: string) => {
      writeFileSync(file, JSON.stringify(change(JSON.parse(text) as Parameters<typeof change>[0])));
    };

  const states: readonly StateCase[] = [
    {
      name: "a state that is not JSON",
      damage: (text, file) => writeFileSync(file, text.slice(0, 100)),
      says: "is not a JSON object",
    },
    {
      name: "a state of another version",
      damage: edited((state) => ({ ...state, version: 99 })),
      says: "has version 99",
    },
    {
      name: "a state with features that are not known",
      damage: edited((state) => ({ ...state, version: 4, features: ["views"] })),
      says: "does not have (views)",
    },
    {
      name: "a manifest that was edited",
      damage: edited((state) => ({
        ...state,
        checkpoint: {
          ...state.checkpoint,
          latest: { ...state.checkpoint.latest, manifest: { magic: "0", version: "v1" } },
        },
      })),
      says: "whose magic does not fit",
    },
    {
      name: "a resource twice",
      damage: edited((state) => {
        const { latest } = state.checkpoint;
        return {
          ...state,
          checkpoint: {
            ...state.checkpoint,
            latest: { ...latest, resources: [...latest.resources, latest.resources.at(-1)] },
          },
        };
      }),
      says: "occurs twice",
    },
    {
      name: "a resource without its provider",
      damage: edited((state) => {
        const { latest } = state.checkpoint;
        const resources = latest.resources.filter(
          (resource) => !JSON.stringify(resource).includes('"type":"pulumi:providers'),
        );
        return { ...state, checkpoint: { ...state.checkpoint, latest: { ...latest, resources } } };
      }),
      says: "names a provider that does not come before it",
    },
    {
      name: "a wrong passphrase",
      damage: () => undefined,
      env: { PULUMI_CONFIG_PASSPHRASE: "wrong" },
      says: "incorrect passphrase",
    },
    {
      name: "no passphrase",
      damage: () => undefined,
      env: { PULUMI_CONFIG_PASSPHRASE: undefined },
      says: "passphrase must be set",
    },
  ];

  test.each(states)("$name is refused and stays as it is", async ({ damage, env = {}, says }) => {
    project.write(
      "program.json",
      JSON.stringify({ things: [{ name: "first" }], code: "exports.key = pulumi.secret('hush')" }),
    );
    await project.must(UP);
    const file = project.stateFile(THINGS_PROJECT, "dev");
    damage(readFileSync(file, "utf8"), file);
    const before = readFileSync(file, "utf8");
    const calls = project.read("calls.log");
    const { code, stderr } = await project.run(UP, env);
    expect(code).not.toBe(0);
    expect(stderr).toContain(says);
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(project.read("calls.log")).toBe(calls);
    expect(project.locks(THINGS_PROJECT, "dev")).toEqual([]);
  });

  test("a compressed state is read, and written plain again", async () => {
    await project.must(UP);
    const file = project.stateFile(THINGS_PROJECT, "dev");
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)));
    rmSync(file);
    await project.must(UP);
    expect(names()).toEqual(["things-dev", "default", "first"]);
    expect(existsSync(`${file}.gz`)).toBe(false);
  });

  test("a state that cannot be saved fails the update and leaves the old one", async () => {
    await project.must(UP);
    const file = project.stateFile(THINGS_PROJECT, "dev");
    const before = readFileSync(file, "utf8");
    // Where the state was, a folder cannot be replaced by a file: the same as a full disk for the one who writes.
    renameSync(file, `${file}.kept`);
    const folder = project.path(".state", ".pulumi", "stacks", THINGS_PROJECT);
    writeFileSync(`${file}.gz`, gzipSync(before));
    mkdirSync(file.replace(/([^/]+)$/, ".$1"), { recursive: true });
    chmodSync(folder, 0o555);
    mkdirSync(file);
    project.write("program.json", JSON.stringify({ things: [{ name: "first", args: { v: 2 } }] }));
    const { code, stdout, stderr } = await project.run(UP);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/could not be (saved|written)|cannot be read/);
  });

  test.each([
    {
      name: "an unknown command",
      args: ["policy", "new"],
      says: '"pulumi policy new" is not in the embedded engine; install Pulumi',
    },
    {
      name: "an unknown flag",
      args: ["up", "--exclude", "x"],
      says: "unknown flag: --exclude (not in the embedded engine; install Pulumi",
    },
    {
      name: "a stack that does not exist",
      args: ["up", "--yes", "--stack", "other"],
      says: "no stack named 'other' found",
      code: 6,
    },
    {
      name: "a stack that exists already",
      args: ["stack", "init", "dev"],
      says: "stack 'organization/things/dev' already exists",
      code: 1,
    },
    { name: "a bad name for a stack", args: ["stack", "init", "a b"], says: '"a b" is not a stack name', code: 1 },
    {
      name: "no confirmation",
      args: ["up", "--stack", "dev", "--non-interactive"],
      says: "--yes or --skip-preview must be passed",
    },
    { name: "another backend", args: ["login", "s3://bucket"], says: "stores state in files only", code: 1 },
    { name: "too many arguments", args: ["up", "now"], says: "takes 0 argument(s), but 1 were given" },
  ])("$name is refused", async ({ args, says, code = 2 }: { args: string[]; says: string; code?: number }) => {
    const result = await project.run(args);
    expect(result.stderr).toContain(says);
    // The numbers that Pulumi documents: 2 for the command line, 6 for a stack that is not there, 1 for the rest.
    expect(result.code).toBe(code);
  });
});
