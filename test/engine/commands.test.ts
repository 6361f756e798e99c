/** The small commands: stacks, configuration, login. Each result is what Pulumi's own command prints or writes. */
import { existsSync } from "node:fs";
import { parse } from "yaml";
import { hasTerminals, onTerminal } from "../support/terminal";
import { EMBEDDED, embeddedOnly, TestProject } from "./support/engine";
import { THINGS } from "./support/things";

embeddedOnly("the small commands", () => {
  let project: TestProject;

  beforeEach(() => {
    project = TestProject.create(THINGS);
  });

  afterEach(() => project.remove());

  async function out(...args: string[]): Promise<string> {
    return (await project.must(args)).stdout.trimEnd();
  }

  async function json(...args: string[]): Promise<unknown> {
    return JSON.parse(await out(...args, "--json")) as unknown;
  }

  test("stacks are made, listed, chosen and removed", async () => {
    await out("stack", "init", "organization/things/one");
    await out("stack", "init", "two", "--no-select");
    expect(await json("stack", "ls")).toMatchObject([
      { name: "one", current: true, resourceCount: 0 },
      { name: "two", current: false },
    ]);
    await out("stack", "select", "two");
    expect(await out("stack", "--show-name")).toBe("two");
    await out("stack", "select", "--create", "three");
    await out("stack", "rm", "three", "--yes");
    await out("stack", "rm", "one", "--yes");
    expect(existsSync(project.path("Pulumi.one.yaml"))).toBe(false);
    expect(await out("stack", "ls")).toMatch(/^NAME +LAST UPDATE +RESOURCE COUNT\ntwo/);
  });

  const onTerminals = hasTerminals ? describe : describe.skip;
  onTerminals("what cannot be taken back is asked for by name (needs script of util-linux)", () => {
    const ASKED = "by typing `dev`: ";
    beforeEach(() => out("stack", "init", "dev"));

    test.each([
      { words: "stack rm dev", typed: "dev\n", code: 0, says: "has been removed", stays: false },
      { words: "stack rm dev", typed: "yes\n", code: 1, says: "confirmation declined", stays: true },
      { words: "stack rm dev", typed: "\u0004", code: 1, says: "confirmation declined", stays: true },
      { words: "stack rm dev --yes", typed: "", code: 0, says: "has been removed", stays: false },
      { words: "cancel dev", typed: "dev\n", code: 0, says: "has been canceled", stays: true },
      { words: "cancel dev", typed: "no\n", code: 1, says: "confirmation declined", stays: true },
    ])("$words, typed: $typed", async ({ words, typed, code, says, stays }) => {
      const seen = await onTerminal(`${EMBEDDED} ${words}`, {
        cwd: project.folder,
        env: project.env,
        type: typed === "" ? [] : [[ASKED, typed]],
      });
      expect([seen.code, seen.output]).toEqual([code, expect.stringContaining(says)]);
      expect(seen.output.includes(ASKED)).toBe(typed !== "");
      expect(existsSync(project.stateFile("things", "dev"))).toBe(stays);
    });

    test.each(["stack rm dev", "cancel dev"])("%s without a terminal and --yes is refused", async (words) => {
      const { code, stderr } = await project.run(words.split(" "));
      expect([code, stderr]).toEqual([2, expect.stringContaining("--yes must be passed in to proceed")]);
      expect((await project.run(words.split(" "), { PULUMI_SKIP_CONFIRMATIONS: "true" })).code).toBe(0);
    });
  });

  test("configuration keeps comments, types and paths", async () => {
    await out("stack", "init", "dev");
    project.write(
      "Pulumi.dev.yaml",
      `${project.read("Pulumi.dev.yaml")}config:\n  # why it is seven\n  things:count: 7\n`,
    );
    await out("config", "set", "name", "true");
    await out("config", "set", "--path", "data.list[0].n", "5");
    await out("config", "set", "--path", "data.on", "true");
    await out("config", "set", "other:key", "--", "-dash");
    await out("config", "set", "--stack", "dev", "--", "other:flag", "--secret");
    await out("config", "set", "--path", "data.pass", "--secret", "h1dden");
    const text = project.read("Pulumi.dev.yaml");
    expect(text).toContain("# why it is seven");
    expect(text).not.toContain("h1dden");
    expect(parse(text)).toMatchObject({
      config: {
        "things:count": 7,
        "things:name": "true",
        "other:key": "-dash",
        "other:flag": "--secret",
        "things:data": { list: [{ n: 5 }], on: true },
      },
    });
    expect(await out("config", "get", "count")).toBe("7");
    expect(await out("config", "get", "--path", "data.pass")).toBe("h1dden");
    expect(await json("config")).toMatchObject({
      "things:count": { value: "7", secret: false },
      "things:data": { secret: true },
    });
    expect(await out("config")).toContain("data");
    expect(await out("config")).not.toContain("h1dden");
    await out("config", "rm", "--path", "data.list[0]");
    await out("config", "rm-all", "name", "other:key", "other:flag");
    expect(await json("config", "--show-secrets")).toEqual({
      "things:count": { value: "7", secret: false },
      "things:data": {
        value: '{"list":[],"on":true,"pass":"h1dden"}',
        objectValue: { list: [], on: true, pass: "h1dden" },
        secret: true,
      },
    });
  });

  test("a program gets its configuration, structured and secret", async () => {
    project.write(
      "program.json",
      JSON.stringify({
        code: "const c = new pulumi.Config(); exports.count = c.requireNumber('count'); exports.data = c.requireObject('data'); exports.pass = c.requireSecret('pass')",
      }),
    );
    await out("stack", "init", "dev");
    await out("config", "set-all", "--plaintext", "count=3", "--secret", "pass=h1dden");
    await out("config", "set", "--path", "data.x", "1");
    await out("up", "--yes", "--skip-preview");
    expect(await json("stack", "output")).toEqual({ count: 3, data: { x: 1 }, pass: "[secret]" });
    expect(await out("stack", "output", "pass", "--show-secrets")).toBe("h1dden");
    expect(await out("stack", "output", "--shell")).toContain("count=3");
  });

  test("a secret that is not on the command line comes from standard input", async () => {
    await out("stack", "init", "dev");
    const { stdout } = await project.must(["config", "set", "empty", "--plaintext"]);
    expect(stdout).toBe("");
    expect(await out("config", "get", "empty")).toBe("");
  });

  test("login chooses a backend, logout forgets it", async () => {
    const env = { PULUMI_BACKEND_URL: "" };
    const folder = project.path("elsewhere");
    await project.must(["login", `file://${folder}`], env);
    expect(JSON.parse((await project.must(["whoami", "--json"], env)).stdout)).toMatchObject({
      url: `file://${folder}`,
    });
    await project.must(["stack", "init", "dev"], env);
    expect(existsSync(`${folder}/.pulumi/stacks/things/dev.json`)).toBe(true);
    await project.must(["logout"], env);
    expect(JSON.parse((await project.must(["whoami", "--json"], env)).stdout)).toMatchObject({ url: "file://~" });
  });

  test("a state can be exported, forgotten in part, and imported again", async () => {
    project.write("program.json", JSON.stringify({ things: [{ name: "a" }, { name: "b", dependsOn: ["a"] }] }));
    await out("stack", "init", "dev");
    await out("up", "--yes", "--skip-preview", "--message", "first");
    await out("stack", "export", "--file", "kept.json");
    const a = "urn:pulumi:dev::things::pulumi-nodejs:dynamic/things:Thing::a";
    const refused = await project.run(["state", "delete", a, "--yes"]);
    expect(refused.stderr).toContain("--target-dependents");
    await out("state", "delete", a, "--yes", "--target-dependents");
    expect(await json("stack", "ls")).toMatchObject([{ resourceCount: 2 }]);
    await out("stack", "import", "--file", "kept.json");
    expect(await json("stack", "ls")).toMatchObject([{ resourceCount: 4 }]);
    expect(await json("stack", "history")).toMatchObject([
      { kind: "update", message: "first", result: "succeeded", resourceChanges: { create: 3 } },
    ]);
    await out("destroy", "--yes", "--skip-preview", "--remove");
    expect(existsSync(project.stateFile("things", "dev"))).toBe(false);
  });

  test("help names every command, and a command its flags", async () => {
    const overview = await out("--help");
    for (const name of ["up", "preview", "stack init", "config set", "whoami"]) expect(overview).toContain(`  ${name}`);
    expect(await out("up", "--help")).toContain("--target-dependents");
    expect(await out("version")).toMatch(/^v\d+\.\d+\.\d+-embedded/);
  });
});
