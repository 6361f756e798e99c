/** Every `sh` block of the pages is run as it stands there: page by page, on the emulator; what belongs on a server, on one. */
import { type BootedServer, type Emulator, bootInstance, startEmulator } from "../../emulator";
import type { Project } from "../support/project";
import { type Block, PAGES, blocksOf } from "./markdown";
import { readersMachine, runBlocks } from "./shell";
import { projectWithStack } from "./stack";

// A page runs the engine several times, on a machine that may have others to run.
jest.setTimeout(480_000);

const isShell = ({ language, mark }: Block): boolean => language === "sh" && mark === "";
const isFile = ({ language, mark }: Block): boolean => language !== "sh" && mark.includes(".");
const isRun = ({ reason }: Block): boolean => reason === undefined;
const all = PAGES.map((page) => ({ path: page.path, blocks: blocksOf(page) }));

/** Why a block is not run, by the page it is on: few, and each has a reason that holds. */
const NOT_RUN = [
  "README.md: Run by test/console/demo.test.ts",
  "README.md: Run by test/end-to-end/demo.test.ts",
  "README.md: The run that these tests are part of",
  "CONTRIBUTING.md: The run that these tests are part of",
  "CONTRIBUTING.md: Jest would start itself",
  "docs/console.md: Run by test/console/demo.test.ts",
  "docs/getting-started.md: Needs the VPC API of a region; test/examples/walk-through.test.ts makes this call with a server's own token",
  "docs/state.md: Needs a bucket",
  "docs/sweeps.md: Takes long; `npm test` runs the part that --samples draws",
];

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
});
afterAll(() => emulator.close());

it("leaves out no more than what cannot be run", () => {
  const left = all.flatMap(({ path, blocks }) =>
    blocks.flatMap(({ language, reason }) => (reason === undefined || language === "text" ? [] : `${path}: ${reason}`)),
  );
  expect(left.sort()).toEqual([...NOT_RUN].sort());
});

it("knows every kind of block", () => {
  const kinds = new Set(all.flatMap(({ blocks }) => blocks.map(({ language, mark }) => `${language} ${mark}`.trim())));
  expect([...kinds].filter((kind) => !/^(sh|sh server|ts|ts \S+\.ts|js \S+\.js|json|text)$/.test(kind))).toEqual([]);
});

describe.each(all.filter(({ blocks }) => blocks.some((block) => isShell(block) && isRun(block))))(
  "the commands of $path",
  ({ blocks }) => {
    let machine: Project;
    beforeAll(() => {
      machine = readersMachine(emulator.env);
    });
    afterAll(() => machine.remove());

    it("do what they should", async () => {
      const steps = blocks.filter((block) => isRun(block) && (isShell(block) || isFile(block)));
      const { exitCode, lastLine, output } = await runBlocks(machine, steps);
      if (exitCode !== 0) throw new Error(`the block of line ${lastLine} ended with ${String(exitCode)}:\n${output}`);
      expect(lastLine).toBe(steps.at(-1)?.line);
    });
  },
);

describe("the commands for a server", () => {
  let project: Project;
  let server: BootedServer;
  beforeAll(async () => {
    project = await projectWithStack(PROGRAM, emulator.env);
    const { exitCode, output } = await project.up();
    expect([exitCode, output]).toEqual([0, expect.any(String)]);
    const instance = emulator.inventory().instances.find(({ name }) => name === "reader");
    server = await bootInstance({ socket: instance?.socket ?? "" });
    expect(server.exitCode).toBe(0);
  });
  afterAll(async () => {
    await server.shutdown();
    project.remove();
  });

  it.each(
    all.flatMap(({ path, blocks }) =>
      blocks
        .filter((block) => block.mark === "server" && isRun(block))
        .map((block) => ({ path, line: block.line, text: block.text })),
    ),
  )("$path, line $line", async ({ text }) => {
    const { exitCode, stdout, stderr } = await server.exec(["sh", "-euc", text]);
    expect([exitCode, `${stdout}${stderr}`]).toEqual([0, expect.stringMatching(/\S/)]);
  });
});

const PROGRAM = `
import { LinkedInstance, Subnet, Vpc, getImageOutput } from "pulumi-ibm-vpc-identity";
const [zone, vpc] = ["us-south-1", new Vpc("reader")];
new LinkedInstance("reader", {
  name: "reader",
  vpcId: vpc.id,
  subnetId: new Subnet("reader", { vpcId: vpc.id, zone, totalIpv4AddressCount: 256 }).id,
  zone,
  imageId: getImageOutput({ operatingSystem: "debian-12-amd64", visibility: "public" }).imageId,
  instanceProfile: "bx2-2x8",
  trustedProfile: { policies: [{ roles: ["Viewer"], service: "is" }] },
});
`;
