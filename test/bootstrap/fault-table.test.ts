/**
 * Every fault that the emulator knows for a server's own services, at every step of the way, once and without end: after
 * each the server has its old set or a new one, whole, and the exit code says what went wrong.
 */
import { readdirSync } from "node:fs";
import { type Emulator, type Fault, startEmulator } from "../../emulator";
import { makeServer } from "../emulator/emulated-server";
import { ServerFolder, shellInTurn, withStockOfKeys } from "./server-folder";

const STEPS = ["token", "iam_tokens", "certificates"] as const;

interface Row {
  readonly name: string;
  readonly fault: Fault;
  /** Exit code when the fault does not go away; the service is asked again for as long as it may. */
  readonly exitCode: number;
  /** @default all three */
  readonly steps?: readonly (typeof STEPS)[number][];
  /** False for a refusal that is final at once. @default true */
  readonly heals?: boolean;
}

// Codes that mean the same are spread over the steps, so that every kind stands at every step and not every code.
const spread = (codes: readonly number[], row: Omit<Row, "name" | "fault">): Row[] =>
  codes.map((status, index) => ({
    name: `status ${status}`,
    fault: { status },
    steps: STEPS.filter((_, step) => step % codes.length === index),
    ...row,
  }));
const refusals = spread([400, 403, 404], { exitCode: 5, heals: false });
const failures: Row[] = [
  ...spread([408, 429, 500], { exitCode: 6 }),
  { name: "status 503", fault: { status: 503 }, exitCode: 6 },
];
const certificateOnly = { steps: ["certificates"] } as const;

const rows: Row[] = [
  ...refusals,
  ...failures,
  { name: "status 401", fault: { status: 401 }, exitCode: 5 },
  { name: "429 with Retry-After", fault: { status: 429, retryAfterSeconds: 1 }, exitCode: 6 },
  { name: "no answer", fault: { hang: "before" }, exitCode: 4 },
  { name: "no answer after the effect", fault: { hang: "after" }, exitCode: 4 },
  { name: "a reset connection", fault: { reset: "before" }, exitCode: 4 },
  { name: "a reset connection after the effect", fault: { reset: "after" }, exitCode: 4 },
  { name: "half an answer", fault: { body: "truncated" }, exitCode: 7 },
  { name: "broken JSON", fault: { body: "malformed" }, exitCode: 7 },
  { name: "escaped JSON", fault: { body: "escaped" }, exitCode: 0 },
  { name: "pretty JSON", fault: { body: "pretty" }, exitCode: 0 },
  { name: "a slow answer", fault: { delayMs: 700 }, exitCode: 0 },
  { name: "dates of yesterday", fault: { shiftDatesSeconds: -86_400 }, exitCode: 0 },
  { name: "an expired certificate", fault: { shiftCertificateSeconds: -86_400 }, exitCode: 8, ...certificateOnly },
  { name: "a certificate of tomorrow", fault: { shiftCertificateSeconds: 86_400 }, exitCode: 8, ...certificateOnly },
  { name: "a leaf alone", fault: { chain: "short" }, exitCode: 8, heals: false, ...certificateOnly },
  { name: "an intermediate twice", fault: { chain: "long" }, exitCode: 0, ...certificateOnly },
];

const cases = rows
  .flatMap(({ steps = STEPS, ...row }, index) => steps.map((step) => ({ ...row, step, index })))
  // In another order from row to row, so that no step has one shell alone.
  .map((row, place) => ({ ...row, shell: shellInTurn(place + row.index) }));

let emulator: Emulator;
let folder: ServerFolder;

beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0 });
  const { id } = await makeServer(emulator, { name: "faulty" });
  const url = emulator.inventory().instances.find((server) => server.id === id)?.url ?? "";
  // Waits for one second where a server waits for twenty.
  folder = new ServerFolder(url, { retrySeconds: 0, trustRootsPem: emulator.rootCertificate }, (script) =>
    withStockOfKeys(script).replace("max-time = 20", "max-time = 1"),
  );
  expect(await folder.run(["once"])).toMatchObject({ exitCode: 0 });
  folder.endFirstBoot();
});
afterAll(async () => {
  folder.remove();
  await emulator.close();
});
afterEach(() => emulator.setFaults([]));

function plan(step: string, fault: Fault): void {
  emulator.setFaults([{ path: `*/${step}`, where: "server", ...fault }]);
}

/** What a reader on the server finds. */
function seen(): { generation: number; token: string } {
  expect(readdirSync(folder.path("/run/vpc-identity")).filter((name) => name.startsWith(".work"))).toEqual([]);
  const token = folder.read("/run/vpc-identity/tokens/default");
  expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  const set = folder.completeSet();
  if (set === undefined) throw new Error("the set is not whole");
  return { generation: set.generation, token };
}

describe("without end", () => {
  it.each(cases)("$name at $step, under $shell.name", async ({ step, fault, exitCode, shell }) => {
    const before = seen();
    plan(step, { ...fault, count: 0 });
    const run = await folder.run(["once"], { shell: shell.argv });
    expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({ exitCode });
    const after = seen();
    // Without identity token there is nothing new; otherwise what was not struck is new.
    const failed = exitCode !== 0;
    expect(after.token === before.token).toBe(failed && step !== "certificates");
    expect(after.generation === before.generation).toBe(failed && step !== "iam_tokens");
  });
});

describe("once", () => {
  const passing = cases.filter(({ heals, exitCode }) => heals !== false && exitCode !== 0 && exitCode !== 8);

  const apart = passing.filter(({ name }) => !/500|408|status 429|after the effect/.test(name));
  // Every second one: every kind, and every step with every other kind.
  it.each(apart.filter((_, index) => index % 2 === 0))(
    "$name at $step, under $shell.name",
    async ({ step, fault, shell }) => {
      folder.configure({ retrySeconds: 20, trustRootsPem: emulator.rootCertificate });
      const before = seen();
      plan(step, { ...fault, count: 1 });
      const run = await folder.run(["once"], { shell: shell.argv });
      expect({ exitCode: run.exitCode, stderr: run.stderr }).toMatchObject({ exitCode: 0 });
      const after = seen();
      expect(after.token).not.toBe(before.token);
      expect(after.generation).toBe(before.generation + 1);
    },
  );

  it("a certificate of tomorrow, as a clock that is wrong at first makes it look, is asked for again", async () => {
    folder.configure({ retrySeconds: 20, trustRootsPem: emulator.rootCertificate });
    const { generation } = seen();
    plan("certificates", { shiftCertificateSeconds: 86_400, count: 1 });
    const run = await folder.run(["once"]);
    expect(run.exitCode).toBe(0);
    expect(run.stderr).toMatch(
      /is refused: its chain does not verify \(is the clock right\?\): .*not yet valid[\s\S]*again in [3-5] s/,
    );
    expect(seen().generation).toBe(generation + 1);
  });
});
