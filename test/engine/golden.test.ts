/**
 * Replays what the real CLI was recorded doing and compares each step: exit code, provider calls, state, pending operations, outputs,
 * locks, history and summary. Once with everything in parallel, once one after the other, where order counts.
 */
import { TestProject } from "./support/engine";
import { expectAsRecorded, GOLDEN_PROGRAM, goldenSteps, repeatStep } from "./support/golden";

describe.each([
  { order: "in parallel", serial: false },
  { order: "one after the other", serial: true },
])("recorded steps $order", ({ serial }) => {
  let project: TestProject;
  let broken: string | undefined;

  beforeAll(() => {
    project = TestProject.create(GOLDEN_PROGRAM);
  });

  afterAll(() => project.remove());

  test.each(goldenSteps)("$name", async (step) => {
    // Each step builds on the one before.
    expect(broken).toBeUndefined();
    broken = step.name;
    expectAsRecorded(await repeatStep(project, step, { serial }));
    broken = undefined;
  });
});
