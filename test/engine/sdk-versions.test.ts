/**
 * The oldest and the newest SDK that are supported; the recorded steps themselves were made with the one in between, which all other
 * tests use. Each has its own copies of gRPC and of the messages.
 */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { ENGINE_ROOT, TestProject } from "./support/engine";
import { expectAsRecorded, GOLDEN_PROGRAM, goldenSteps, repeatStep, type Comparison } from "./support/golden";

interface Version {
  readonly version: string;
  readonly alias: string;
  readonly difference?: Difference;
}

/** Where a version is known to do something else than what was recorded. */
interface Difference {
  readonly why: string;
  /** Takes out of a resource what cannot be the same. */
  readonly drop: (resource: Record<string, unknown>) => object;
  /** What it counts in some of the steps. */
  readonly counts: Readonly<Record<string, { summary: object; resourceChanges: object }>>;
}

const versions: readonly Version[] = [
  {
    version: "3.200.0",
    alias: "pulumi-sdk-3.200",
    difference: {
      why: "it does not send the arguments of components, so that a change in them alone is none",
      drop: ({ inputs, propertyDependencies, ...rest }) =>
        rest.custom === true ? { ...rest, inputs, propertyDependencies } : rest,
      counts: {
        "03-update": { summary: { "~ updated": 1, unchanged: 5 }, resourceChanges: { update: 1, same: 5 } },
      },
    },
  },
  { version: "3.270.0", alias: "pulumi-sdk-3.270" },
];

/** Create, no change, update, replacement. */
const STEPS = ["00", "01", "02", "03", "04"];
const chosen = goldenSteps.filter(({ name }) => STEPS.includes(name.slice(0, 2)));

function withoutDifference(step: string, sides: Comparison, { difference }: Version): Comparison {
  if (difference === undefined) return sides;
  const { summary, resourceChanges } = difference.counts[step] ?? {};
  const one = (side: Record<string, unknown>): Record<string, unknown> => {
    const state = side.state as { resources: Record<string, unknown>[] } | null;
    return state === null
      ? side
      : { ...side, state: { ...state, resources: state.resources.map((item) => difference.drop(item)) } };
  };
  const { history, ...recorded } = one(sides.recorded);
  const counted =
    summary === undefined ? { history } : { history: { ...(history as object), resourceChanges }, summary };
  return { ...sides, recorded: { ...recorded, ...counted }, seen: one(sides.seen) };
}

test("the recorded steps were made with the SDK that all other tests use", () => {
  const { version } = jest.requireActual<{ version: string }>("@pulumi/pulumi/package.json");
  const golden = jest.requireActual<{ dependencies: Record<string, string> }>(join(GOLDEN_PROGRAM, "package.json"));
  expect(golden.dependencies["@pulumi/pulumi"]).toBe(version);
});

describe.each(versions)("SDK $version", (sdk) => {
  let project: TestProject;

  beforeAll(() => {
    project = TestProject.create(GOLDEN_PROGRAM, sdk.alias);
  });

  afterAll(() => project.remove());

  test("is the one that program, provider and engine find, and no other", () => {
    const found = realpathSync(project.path("node_modules", "@pulumi", "pulumi"));
    const manifest = jest.requireActual<{ version: string }>(join(found, "package.json"));
    expect(manifest.version).toBe(sdk.version);
  });

  test("does the recorded steps", async () => {
    expect(chosen).toHaveLength(STEPS.length);
    for (const step of chosen)
      expectAsRecorded(withoutDifference(step.name, await repeatStep(project, step, { serial: false }), sdk));
  });

  test("runs a program inside the caller's process", async () => {
    project.write(
      "inline.js",
      `const automation = require("@pulumi/pulumi/automation");
const pulumi = require("@pulumi/pulumi");
class Thing extends pulumi.dynamic.Resource {
  constructor(name) { super({ create: async (inputs) => ({ id: "id", outs: { made: "yes" } }) }, name, { made: undefined }); }
}
(async () => {
  const pulumiCommand = await automation.PulumiCommand.get({ root: process.argv[2] });
  const program = async () => ({ made: new Thing("a").made, sdk: require("@pulumi/pulumi/package.json").version });
  const stack = await automation.LocalWorkspace.createStack({ stackName: "two", projectName: "inline", program }, { pulumiCommand });
  const { outputs } = await stack.up();
  const { summary } = await stack.destroy();
  console.log(JSON.stringify({ made: outputs.made.value, sdk: outputs.sdk.value, destroyed: summary.result }));
})();`,
    );
    const { stdout, stderr } = await project.node("inline.js", ENGINE_ROOT);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({ made: "yes", sdk: sdk.version, destroyed: "succeeded" });
  });
});
