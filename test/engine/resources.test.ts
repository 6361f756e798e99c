/** Resource options and partial operations: what is done, and what the state says afterwards. */
import { type StateResource, TestProject } from "./support/engine";
import { THINGS, THINGS_PROJECT, thingUrn, type ThingsProgram } from "./support/things";

const UP = ["up", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive"];

let project: TestProject;

beforeEach(() => {
  project = TestProject.withStack(THINGS);
});

afterEach(() => project.remove());

function resources(stack = "dev"): readonly StateResource[] {
  return project.state(THINGS_PROJECT, stack).checkpoint.latest?.resources ?? [];
}

function resource(name: string): StateResource | undefined {
  return resources().find(({ urn }) => urn.endsWith(`::${name}`));
}

/** Applies a program; returns the provider calls that change something. */
async function apply(program: ThingsProgram, args: readonly string[] = []): Promise<string[]> {
  project.write("program.json", JSON.stringify(program));
  project.write("calls.log", "");
  await project.must([...UP, ...args]);
  return project
    .read("calls.log")
    .split("\n")
    .filter((line) => /^(create|update|delete) /.test(line));
}

test("an unchanged program changes nothing", async () => {
  const program: ThingsProgram = { things: [{ name: "a", args: { v: 1 } }], outputs: { made: "a" } };
  expect(await apply(program)).toEqual(["create a"]);
  const before = JSON.stringify(resources());
  expect(await apply(program, ["--expect-no-changes"])).toEqual([]);
  expect(JSON.stringify(resources())).toBe(before);
});

test("a change where none was expected fails", async () => {
  await apply({ things: [{ name: "a", args: { v: 1 } }] });
  project.write("program.json", JSON.stringify({ things: [{ name: "a", args: { v: 2 } }] }));
  const { code, stdout, stderr } = await project.run([...UP, "--expect-no-changes"]);
  expect(code).toBe(7);
  expect(stdout + stderr).toContain("no changes were expected but changes occurred");
});

test("ignoreChanges keeps old inputs", async () => {
  await apply({ things: [{ name: "a", args: { v: 1, list: [1, { deep: "x" }] } }] });
  const changed = { v: 2, list: [1, { deep: "y" }] };
  expect(
    await apply({ things: [{ name: "a", args: changed, opts: { ignoreChanges: ["v", "list[1].deep"] } }] }),
  ).toEqual([]);
  expect(resource("a")?.inputs).toMatchObject({ v: 1, list: [1, { deep: "x" }] });
});

test("an alias renames without touching the resource", async () => {
  await apply({ things: [{ name: "a" }, { name: "b", dependsOn: ["a"] }] });
  const calls = await apply({
    things: [
      { name: "new", args: { name: "a" }, opts: { aliases: [{ name: "a" }] } },
      { name: "b", dependsOn: ["new"] },
    ],
  });
  expect(calls).toEqual([]);
  expect(resource("new")?.id).toBe("id-a");
  expect(resource("a")).toBeUndefined();
  expect(resource("b")?.dependencies).toEqual([thingUrn("new")]);
});

test("the children of a renamed and retyped parent are found under their old URNs", async () => {
  const box = (type: string, name: string, options: string): ThingsProgram => ({
    code: `
    class Box extends pulumi.ComponentResource {
      constructor(name, opts) {
        super("things:index:${type}", name, {}, opts);
        new Thing(name + "-lid", { name: "lid" }, { parent: this });
        const inner = new Thing("inner", { name: "inner" }, { parent: this });
        new Thing("deep", { name: "deep" }, { parent: inner });
      }
    }
    new Box("${name}", ${options});`,
  });
  const all = ["deep", "inner", "lid"];
  expect((await apply(box("Box", "box", "{}"))).sort()).toEqual(all.map((name) => `create ${name}`));
  const alias = "{ aliases: [{ name: 'box', type: 'things:index:Box' }] }";
  expect(await apply(box("Crate", "crate", alias))).toEqual([]);
  const thing = "pulumi-nodejs:dynamic/things:Thing";
  expect(resources().map(({ urn }) => urn.replace("urn:pulumi:dev::things::", ""))).toEqual(
    expect.arrayContaining([
      "things:index:Crate::crate",
      `things:index:Crate$${thing}::crate-lid`,
      `things:index:Crate$${thing}::inner`,
      `things:index:Crate$${thing}$${thing}::deep`,
    ]),
  );
  expect(resources()).toHaveLength(6);
  // Without the alias, all of it is something else.
  const calls = await apply(box("Other", "other", "{}"));
  expect(calls.sort()).toEqual(["create", "delete"].flatMap((verb) => all.map((name) => `${verb} ${name}`)));
});

test("custom timeouts of every operation are stored, and a change of them alone is no update", async () => {
  const thing = (customTimeouts: object): ThingsProgram => ({ things: [{ name: "a", opts: { customTimeouts } }] });
  await apply(thing({ create: "1h30m", update: "90s", delete: "500ms" }));
  expect(resource("a")?.customTimeouts).toEqual({ create: 5400, update: 90, delete: 0.5 });
  expect(await apply(thing({ update: "2m", delete: "10s" }))).toEqual([]);
  expect(resource("a")?.customTimeouts).toEqual({ update: 120, delete: 10 });
  project.write("program.json", JSON.stringify(thing({ delete: "soon" })));
  const { code, stdout, stderr } = await project.run(UP);
  expect(code).toBe(1);
  expect(stdout + stderr).toContain("soon");
});

test("a replaced resource is made before the old one goes, or after with deleteBeforeReplace", async () => {
  const thing = (gen: number, opts = {}): ThingsProgram => ({ things: [{ name: "a", args: { gen }, opts }] });
  await apply(thing(1));
  expect(await apply(thing(2))).toEqual(["create a", "delete a"]);
  expect(await apply(thing(3, { deleteBeforeReplace: true }))).toEqual(["delete a", "create a"]);
  expect(resources().filter(({ urn }) => urn === thingUrn("a"))).toHaveLength(1);
});

test("--replace replaces what does not change", async () => {
  const program: ThingsProgram = { things: [{ name: "a" }, { name: "b" }] };
  await apply(program);
  expect(await apply(program, ["--replace", thingUrn("a")])).toEqual(["create a", "delete a"]);
});

test("retainOnDelete forgets, and protection refuses", async () => {
  await apply({
    things: [
      { name: "kept", opts: { retainOnDelete: true } },
      { name: "safe", opts: { protect: true } },
    ],
  });
  expect(await apply({ things: [{ name: "safe", opts: { protect: true } }] })).toEqual([]);
  expect(resource("kept")).toBeUndefined();
  const { code, stdout, stderr } = await project.run(["destroy", "--yes", "--skip-preview", "--stack", "dev"]);
  expect(code).toBe(1);
  expect(stdout + stderr).toContain("cannot be deleted");
  await project.must(["state", "unprotect", thingUrn("safe"), "--yes", "--stack", "dev"]);
  await project.must(["destroy", "--yes", "--skip-preview", "--stack", "dev"]);
  expect(resources()).toEqual([]);
});

test("deletedWith leaves the delete to the other resource", async () => {
  const code = "made.inner = new Thing('inner', {}, { deletedWith: made.outer })";
  await apply({ things: [{ name: "outer" }], code });
  project.write("calls.log", "");
  await project.must(["destroy", "--yes", "--skip-preview", "--stack", "dev"]);
  expect(project.read("calls.log").trim()).toBe("delete outer");
});

test("--target updates what is named and leaves the rest", async () => {
  const both = (v: number): ThingsProgram => ({
    things: [
      { name: "a", args: { v } },
      { name: "b", args: { v } },
    ],
  });
  await apply(both(1));
  expect(await apply(both(2), ["--target", thingUrn("a")])).toEqual(["update a"]);
  expect(resource("b")?.inputs).toMatchObject({ v: 1 });
  expect(await apply(both(2), ["--target", "**::b"])).toEqual(["update b"]);
});

test("destroy --target takes dependents along on demand only", async () => {
  await apply({ things: [{ name: "a" }, { name: "b", args: { from: "$a" } }, { name: "c" }] });
  const args = ["destroy", "--yes", "--skip-preview", "--stack", "dev", "--target", thingUrn("a")];
  const refused = await project.run(args);
  expect(refused.code).not.toBe(0);
  expect(refused.stdout + refused.stderr).toContain("was not specified in --target list");
  await project.must([...args, "--target-dependents"]);
  expect(resources().map(({ urn }) => urn.split("::").pop())).toEqual(["things-dev", "default", "c"]);
});

test("--continue-on-error goes on with what does not depend on the failure", async () => {
  const program: ThingsProgram = {
    things: [
      { name: "bad", args: { invalid: true } },
      { name: "good", args: { delayMs: 300 } },
    ],
  };
  project.write("program.json", JSON.stringify(program));
  const { code } = await project.run([...UP, "--continue-on-error"]);
  expect(code).not.toBe(0);
  expect(resource("good")?.id).toBe("id-good");
});

test("secrets are encrypted in the state, wherever they come from", async () => {
  await project.must(["config", "set", "--secret", "pass", "c0nfigured", "--stack", "dev"]);
  const code =
    "new Thing('s', { token: pulumi.secret('h1dden'), pass: new pulumi.Config().requireSecret('pass') }, { additionalSecretOutputs: ['made'] }); exports.out = pulumi.secret('exp0rted')";
  await apply({ things: [], code });
  const text = project.read(`.state/.pulumi/stacks/${THINGS_PROJECT}/dev.json`);
  for (const plain of ["h1dden", "c0nfigured", "exp0rted", "made-s"]) expect(text).not.toContain(plain);
  const shown = await project.must(["stack", "output", "--stack", "dev", "--json"]);
  expect(JSON.parse(shown.stdout)).toEqual({ out: "[secret]" });
  const open = await project.must(["stack", "export", "--show-secrets", "--stack", "dev"]);
  for (const plain of ["h1dden", "c0nfigured", "exp0rted", "made-s"]) expect(open.stdout).toContain(plain);
});

test("custom timeouts, components with outputs and resource references are stored", async () => {
  const code = `
    class Box extends pulumi.ComponentResource { constructor(name) { super("things:index:Box", name, { size: 3 }); this.inner = new Thing("inner", { box: this }, { parent: this, customTimeouts: { create: "1h30m" } }); this.registerOutputs({ inner: this.inner }); } }
    new Box("box");`;
  await apply({ things: [], code });
  const inner = resources().find(({ urn }) => urn.endsWith("::inner"));
  expect(inner).toMatchObject({
    urn: "urn:pulumi:dev::things::things:index:Box$pulumi-nodejs:dynamic/things:Thing::inner",
    customTimeouts: { create: 5400 },
  });
  expect(resource("box")?.outputs).toMatchObject({ inner: { urn: inner?.urn, id: "id-inner", packageVersion: "" } });
  expect(await apply({ things: [], code })).toEqual([]);
});

test("get reads what exists and never deletes it", async () => {
  const code =
    "class Found extends pulumi.dynamic.Resource { constructor(n, o) { super(provider, n, { found: undefined }, o, 'things', 'Thing'); } } exports.found = new Found('theirs', { id: 'ext-1' }).found";
  await apply({ things: [], code });
  expect(resource("theirs")).toMatchObject({ external: true, id: "ext-1" });
  const { stdout } = await project.must(["stack", "output", "found", "--stack", "dev"]);
  expect(stdout.trim()).toBe("yes");
  expect(await apply({ things: [] })).toEqual([]);
  expect(resource("theirs")).toBeUndefined();
});

test("a stack reference reads another stack, secrets included", async () => {
  await apply({ things: [{ name: "a" }], outputs: { made: "a" }, code: "exports.key = pulumi.secret('sh4red')" });
  await project.must(["stack", "init", "two", "--non-interactive"]);
  const code =
    "const other = new pulumi.StackReference('organization/things/dev'); exports.made = other.getOutput('made'); exports.key = other.getOutput('key')";
  project.write("program.json", JSON.stringify({ things: [], code }));
  await project.must(UP.map((word) => (word === "dev" ? "two" : word)));
  const { stdout } = await project.must(["stack", "output", "--json", "--show-secrets", "--stack", "two"]);
  expect(JSON.parse(stdout)).toEqual({ made: "made-a", key: "sh4red" });
  expect(project.read(`.state/.pulumi/stacks/${THINGS_PROJECT}/two.json`)).not.toContain("sh4red");
});

test("transforms change resources before they are made", async () => {
  const code =
    "pulumi.runtime.registerResourceTransform(async (a) => a.type.startsWith('pulumi-nodejs:') ? { props: { ...a.props, all: true }, opts: a.opts } : undefined);" +
    "new Thing('t', {}, { transforms: [async (a) => ({ props: { ...a.props, own: true }, opts: { ...a.opts, protect: true } })] })";
  await apply({ things: [], code });
  expect(resource("t")).toMatchObject({ inputs: { all: true, own: true }, protect: true });
});

test("hooks run around the steps they are for", async () => {
  const hook = (kind: string): string =>
    `${kind}: [new pulumi.ResourceHook('${kind}', async () => fs.appendFileSync('calls.log', 'create hook-${kind}\\n'))]`;
  const code = `new Thing('h', {}, { hooks: { ${hook("beforeCreate")}, ${hook("afterCreate")} } })`;
  expect(await apply({ things: [], code })).toEqual([
    "create hook-beforeCreate",
    "create h",
    "create hook-afterCreate",
  ]);
  expect(project.state(THINGS_PROJECT, "dev")).toMatchObject({ version: 4, features: ["hooks"] });
});

test("destroy refuses where delete hooks would be left out", async () => {
  const code =
    "new Thing('h', {}, { hooks: { beforeDelete: [new pulumi.ResourceHook('last', async () => undefined)] } })";
  await apply({ things: [], code });
  const { code: exit, stdout, stderr } = await project.run(["destroy", "--yes", "--skip-preview", "--stack", "dev"]);
  expect(exit).not.toBe(0);
  expect(stdout + stderr).toContain("has delete hooks registered, but the program is not running");
  expect(resource("h")?.id).toBe("id-h");
});

test("refresh takes over what is there and forgets what is gone", async () => {
  await apply({ things: [{ name: "a" }, { name: "b", dependsOn: ["a"] }] });
  project.write("gone-id-a", "");
  const { stdout } = await project.must(["refresh", "--yes", "--skip-preview", "--stack", "dev"]);
  expect(stdout).toContain("1 deleted");
  expect(resource("a")).toBeUndefined();
  expect(resource("b")).toMatchObject({ outputs: { found: "yes" } });
  expect(resource("b")?.dependencies).toBeUndefined();
});

test("warnings of a provider and lines of the program are shown", async () => {
  project.write(
    "program.json",
    JSON.stringify({
      things: [{ name: "a", args: { warn: "mind the gap" } }],
      code: "console.log('from the program'); pulumi.log.warn('from the log', made.a)",
    }),
  );
  const { stdout } = await project.must(UP);
  for (const text of ["mind the gap", "from the program", "warning: from the log"]) expect(stdout).toContain(text);
});

test("a preview says what would be done and does nothing", async () => {
  await apply({ things: [{ name: "a", args: { v: 1 } }] });
  project.write("calls.log", "");
  project.write(
    "program.json",
    JSON.stringify({
      things: [
        { name: "a", args: { v: 2 } },
        { name: "b", args: { from: "$a" } },
      ],
    }),
  );
  const before = project.read(`.state/.pulumi/stacks/${THINGS_PROJECT}/dev.json`);
  const { stdout } = await project.must(["preview", "--stack", "dev", "--json"]);
  const digest = JSON.parse(stdout) as { changeSummary: unknown; steps: { op: string; urn: string }[] };
  expect(digest.changeSummary).toEqual({ same: 1, update: 1, create: 1 });
  expect(digest.steps.map(({ op, urn }) => `${op} ${urn.split("::").pop() ?? ""}`).sort()).toEqual([
    "create b",
    "same things-dev",
    "update a",
  ]);
  expect(project.read("calls.log")).toBe("diff a\n");
  expect(project.read(`.state/.pulumi/stacks/${THINGS_PROJECT}/dev.json`)).toBe(before);
});
