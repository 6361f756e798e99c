/** What happens to the state when the engine is killed at the worst moments, and when the disk is full. Nothing may get lost. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { EMBEDDED, embeddedOnly, processesNaming, TestProject, until, type StateFile } from "./support/engine";
import { THINGS, THINGS_PROJECT, type ThingsProgram } from "./support/things";

const ON_DEV = ["--stack", "dev", "--non-interactive"];
const UP = ["up", "--yes", "--skip-preview", ...ON_DEV];

let project: TestProject;

beforeEach(() => {
  project = TestProject.withStack(THINGS);
});

afterEach(async () => {
  try {
    await until("the end of program and provider", () => processesNaming(project.folder).length === 0, 3000);
  } finally {
    project.remove();
  }
});

function nameOf(urn: string): string {
  return urn.split("::").pop() ?? "";
}

function contentOf(state: StateFile): { names: string[]; pending: string[]; versions: Record<string, unknown> } {
  const { resources = [], pending_operations: pending = [] } = state.checkpoint.latest ?? {};
  return {
    names: resources.map(({ urn }) => nameOf(urn)),
    pending: pending.map(({ type, resource }) => `${type} ${nameOf(resource.urn)}`),
    versions: Object.fromEntries(resources.map(({ urn, inputs }) => [nameOf(urn), inputs?.v])),
  };
}

function callsOf(log: string): string[] {
  return log.split("\n").filter((line) => /^(create|created|update|delete) /.test(line));
}

/** Whatever the provider was asked to do must be in the state, as done or as begun. */
function lossesOf(state: StateFile, calls: readonly string[]): string[] {
  const { names, pending, versions } = contentOf(state);
  const losses: string[] = [];
  if (calls.includes("create new") && !names.includes("new") && !pending.includes("creating new"))
    losses.push("`new` was or may have been created, but the state does not say so");
  if (names.includes("new") && !calls.includes("created new")) losses.push("`new` is in the state, but does not exist");
  if (calls.includes("update changed") && versions.changed !== 2 && !pending.includes("updating changed"))
    losses.push("`changed` was or may have been updated, but the state does not say so");
  if (!names.includes("changed")) losses.push("`changed` is gone from the state");
  if (!calls.includes("delete old") && !names.includes("old")) losses.push("`old` exists, but is gone from the state");
  if (calls.includes("delete old") && names.includes("old") && !pending.includes("deleting old"))
    losses.push("`old` was or may have been deleted, but the state does not say so");
  return losses;
}

const BEFORE: ThingsProgram = { things: [{ name: "changed", args: { v: 1 } }, { name: "old" }] };
/** One update, one create after it, one delete. */
const AFTER: ThingsProgram = {
  things: [
    { name: "changed", args: { v: 2 } },
    { name: "new", dependsOn: ["changed"] },
  ],
};

embeddedOnly("SIGKILL", () => {
  const moments = [
    { when: "before", which: "each", step: 1 },
    { when: "after", which: "each", step: 1 },
    { when: "during", which: "every third", step: 3 },
  ];

  test.each(moments)(
    "$when $which write of the state: it stays readable, and nothing is lost",
    async ({ when, step }) => {
      project.write("program.json", JSON.stringify(BEFORE));
      await project.must(UP);
      cpSync(project.path(".state"), project.path(".kept"), { recursive: true });
      project.write("program.json", JSON.stringify(AFTER));

      const state = project.stateFile(THINGS_PROJECT, "dev");
      const killed = async (at: number): Promise<NodeJS.Signals | null> => {
        rmSync(project.path(".state"), { recursive: true });
        cpSync(project.path(".kept"), project.path(".state"), { recursive: true });
        project.write("calls.log", "");
        const env = {
          NODE_OPTIONS: `--require ${join(__dirname, "support", "kill-at-write.cjs")}`,
          KILL_STATE: state,
          KILL_COUNT: project.path("writes"),
          KILL_AT: String(at),
          KILL_WHEN: when,
        };
        const { signal } = await project.run(UP, env);
        await until("the end of program and provider", () => processesNaming(project.folder).length === 0, 3000);
        return signal;
      };

      expect(await killed(0)).toBeNull();
      const writes = Number(project.read("writes"));
      // Before and after each of the three provider calls, and at the end.
      expect(writes).toBeGreaterThanOrEqual(7);

      for (let at = 1; at <= writes; at += step) {
        const signal = await killed(at);
        const exported = await project.must(["stack", "export", ...ON_DEV]);
        const losses = lossesOf(project.state(THINGS_PROJECT, "dev"), callsOf(project.read("calls.log")));
        const locks = project.locks(THINGS_PROJECT, "dev").length;
        expect({ at, signal, readable: exported.stdout.length > 2, losses, locks }).toEqual({
          at,
          signal: "SIGKILL",
          readable: true,
          losses: [],
          locks: 1,
        });
        // One of them goes on from there, and leaves nothing of the interruption.
        if (at !== 4) continue;
        expect((await project.run(UP)).stderr).toContain("the stack is currently locked by 1 lock(s)");
        await project.must(["cancel", "--yes", ...ON_DEV]);
        expect(readdirSync(dirname(state)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
        await project.must(UP);
        const { names, versions } = contentOf(project.state(THINGS_PROJECT, "dev"));
        expect(names.sort()).toEqual(["changed", "default", "new", "things-dev"]);
        expect(versions.changed).toBe(2);
      }
    },
    180_000,
  );
});

test("an update leaves the state, the one before its last write, and nothing else", async () => {
  project.write("program.json", JSON.stringify(AFTER));
  await project.must(UP);
  const stacks = project.path(".state", ".pulumi", "stacks", THINGS_PROJECT);
  const files = readdirSync(stacks).filter((name) => !name.endsWith(".attrs"));
  expect(files.sort()).toEqual(["dev.json", "dev.json.bak"]);
  const before = JSON.parse(
    project.read(join(".state", ".pulumi", "stacks", THINGS_PROJECT, "dev.json.bak")),
  ) as StateFile;
  expect(contentOf(before).names).toContain("changed");
});

const canMount = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;
const onLinux = canMount ? embeddedOnly : describe.skip;

interface DiskCase {
  readonly name: string;
  /** What the disk has left when the engine starts; without it there is plenty. */
  readonly roomKiB?: number;
  /** The provider fills the disk in the middle of the create. */
  readonly fills?: boolean;
  readonly says: string;
  readonly calls: readonly string[];
  readonly pending: readonly string[];
}

const disks: readonly DiskCase[] = [
  { name: "before the lock", roomKiB: 0, says: "locks/organization/things/dev", calls: [], pending: [] },
  { name: "before a create", roomKiB: 4, says: "The state could not be saved", calls: [], pending: [] },
  {
    name: "during a create",
    fills: true,
    says: "The state could not be saved",
    calls: ["create second", "created second"],
    pending: ["creating second"],
  },
];

onLinux("a full disk (needs mount namespaces)", () => {
  test.each(disks)("$name fails the update, says so, and loses nothing", async (disk) => {
    project.write("program.json", JSON.stringify({ things: [{ name: "first" }] } satisfies ThingsProgram));
    await project.must(UP);
    cpSync(project.path(".state"), project.path(".kept"), { recursive: true });
    const program: ThingsProgram = {
      things: [{ name: "first" }, { name: "second", args: disk.fills === true ? { fill: ".state/filler" } : {} }],
    };
    project.write("program.json", JSON.stringify(program));
    project.write("calls.log", "");
    // The file system lives as long as the shell: what is to be looked at is copied out.
    project.write(
      "on-small-disk.sh",
      `mount -t tmpfs -o size=256k tmpfs .state && cp -a .kept/. .state/ || exit 99
${disk.roomKiB === undefined ? "" : `cat /dev/zero > .state/filler 2>/dev/null; truncate -s -${disk.roomKiB}K .state/filler`}
"$@" > first.txt 2>&1; echo $? > first.code
cp -a .state/.pulumi .after
rm -f .state/filler
"$@" > second.txt 2>&1; echo $? > second.code
cp -a .state/.pulumi .healed
`,
    );
    await project.must(["-rm", "sh", "on-small-disk.sh", EMBEDDED, ...UP], {}, "unshare");

    const state = (folder: string): StateFile =>
      JSON.parse(project.read(join(folder, "stacks", THINGS_PROJECT, "dev.json"))) as StateFile;
    const shown = project.read("first.txt");
    expect({ code: project.read("first.code").trim(), shown }).toEqual({ code: "1", shown });
    expect(shown).toContain("ENOSPC");
    expect(shown).toContain(disk.says);
    const seen = contentOf(state(".after"));
    expect(seen.names).toEqual(["things-dev", "default", "first"]);
    expect(seen.pending).toEqual(disk.pending);
    expect(existsSync(project.path(".after", "locks", "organization", THINGS_PROJECT, "dev"))).toBe(true);
    expect(readdirSync(project.path(".after", "locks", "organization", THINGS_PROJECT, "dev"))).toEqual([]);
    expect(readdirSync(project.path(".after", "stacks", THINGS_PROJECT)).filter((f) => f.endsWith(".tmp"))).toEqual([]);
    const calls = callsOf(project.read("calls.log"));
    expect(calls.slice(0, disk.calls.length)).toEqual(disk.calls);

    // With room again, the same command does the rest.
    expect({ code: project.read("second.code").trim(), shown: project.read("second.txt") }).toMatchObject({
      code: "0",
    });
    expect(contentOf(state(".healed")).names).toEqual(["things-dev", "default", "first", "second"]);
    expect(calls.slice(disk.calls.length)).toEqual(["create second", "created second"]);
  });
});
