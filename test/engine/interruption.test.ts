/** What is left when the engine is interrupted, and how one goes on from there. */
import { THINGS, THINGS_PROJECT, type ThingsProgram } from "./support/things";
import { embeddedOnly, processesNaming, TestProject, until } from "./support/engine";

const UP = ["up", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive"];
const SLOW: ThingsProgram = {
  things: [
    { name: "quick" },
    { name: "slow", args: { delayMs: 4000 }, dependsOn: ["quick"] },
    { name: "later", dependsOn: ["slow"] },
  ],
};

embeddedOnly("an interrupted engine", () => {
  let project: TestProject;

  beforeEach(() => {
    project = TestProject.withStack(THINGS);
    project.write("program.json", JSON.stringify(SLOW));
  });

  afterEach(() => project.remove());

  const urns = (): string[] =>
    (project.state(THINGS_PROJECT, "dev").checkpoint.latest?.resources ?? []).map(
      ({ urn }) => urn.split("::").pop() ?? "",
    );
  const pending = (): string[] =>
    (project.state(THINGS_PROJECT, "dev").checkpoint.latest?.pending_operations ?? []).map(
      ({ type, resource }) => `${type} ${resource.urn.split("::").pop() ?? ""}`,
    );

  test("killed by SIGKILL leaves what is done, what was running, and a lock; its children die with it", async () => {
    const started = project.start(UP);
    await until("the slow create", () => project.read("calls.log").includes("create slow"));
    started.process.kill("SIGKILL");
    await started.result;
    await until("the end of program and provider", () => processesNaming(project.folder).length === 0, 3000);
    expect(project.read("calls.log")).not.toContain("created slow");
    expect(urns()).toEqual(["things-dev", "default", "quick"]);
    expect(pending()).toEqual(["creating slow"]);
    expect(project.locks(THINGS_PROJECT, "dev")).toHaveLength(1);

    const refused = await project.run(UP);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("the stack is currently locked by 1 lock(s)");
    expect(refused.stderr).toContain("that process is gone, so the lock is a left-over");
    expect(refused.stderr).toContain("pulumi cancel --stack dev");

    await project.must(["cancel", "--yes", "--stack", "dev", "--non-interactive"]);
    project.write("program.json", JSON.stringify({ things: [{ name: "quick" }, { name: "slow" }] }));
    const again = await project.must(UP);
    expect(again.stdout).toContain("Attempting to deploy or update resources with 1 pending operation");
    expect(urns()).toEqual(["things-dev", "default", "quick", "slow"]);
    expect(pending()).toEqual(["creating slow"]);
    await project.must([
      "refresh",
      "--yes",
      "--skip-preview",
      "--stack",
      "dev",
      "--non-interactive",
      "--clear-pending-creates",
    ]);
    expect(pending()).toEqual([]);
  });

  test("interrupted once lets the running step finish, saves it and unlocks", async () => {
    const started = project.start(UP);
    await until("the slow create", () => project.read("calls.log").includes("create slow"));
    started.process.kill("SIGINT");
    const { code, stdout } = await started.result;
    expect(code).toBe(8);
    expect(stdout).toContain("cancelling");
    expect(urns()).toEqual(["things-dev", "default", "quick", "slow"]);
    expect(pending()).toEqual([]);
    expect(project.read("calls.log")).not.toContain("create later");
    expect(project.locks(THINGS_PROJECT, "dev")).toHaveLength(0);
    await until("the end of program and provider", () => processesNaming(project.folder).length === 0, 3000);
  });

  test("interrupted twice stops at once and keeps the running step as pending", async () => {
    const started = project.start(UP);
    await until("the slow create", () => project.read("calls.log").includes("create slow"));
    started.process.kill("SIGINT");
    await until("the first interrupt's message", () => started.output().includes("press ^C again"));
    started.process.kill("SIGINT");
    const { code } = await started.result;
    expect(code).toBe(8);
    expect(project.read("calls.log")).not.toContain("created slow");
    expect(pending()).toEqual(["creating slow"]);
    expect(project.locks(THINGS_PROJECT, "dev")).toHaveLength(0);
    await until("the end of program and provider", () => processesNaming(project.folder).length === 0, 3000);
  });
});
