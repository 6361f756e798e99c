/**
 * Each error text that docs/troubleshooting.md quotes is what a person really sees: the error is made to happen, by program,
 * command or server, and compared. `...` in a quotation stands for anything, and line breaks for any white space.
 */
import { type Emulator, startEmulator } from "../../emulator";
import { blocksOf, pageAt } from "./markdown";
import { MISHAPS } from "./mishaps";
import { serverMishaps } from "./server-mishaps";

// Most errors take a run of the engine, on a machine that may have others to run.
jest.setTimeout(180_000);

const QUOTED = blocksOf(pageAt("docs/troubleshooting.md")).filter(({ language }) => language === "text");

function quotedBelow(heading: string): RegExp {
  const { text = "" } = QUOTED.find((block) => block.heading === heading) ?? {};
  const literal = (words: string): string => words.replace(/[\\^$.|?+*()[\]{}]/g, "\\$&").replace(/\s+/g, "\\s+");
  return new RegExp(text.trim().split("...").map(literal).join("[^]*?"));
}

let emulator: Emulator;
let onServers: Promise<Record<string, string>>;
beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
  onServers = startEmulator({ provisionSeconds: 0, deleteSeconds: 0 }).then((other) =>
    serverMishaps(other).finally(() => other.close()),
  );
  // Looked at by the last tests.
  onServers.catch(() => undefined);
});
afterAll(() => emulator.close());

it.each(Object.entries(MISHAPS))("%s", async (heading, happen) => {
  expect(await happen(emulator)).toMatch(quotedBelow(heading));
});

const ON_SERVERS = [
  "The profile is not linked",
  "No default trusted profile",
  "Another protocol",
  "The metadata service is off",
  "No answer in a container",
];

it.each(ON_SERVERS)("%s", async (heading) => {
  expect((await onServers)[heading]).toMatch(quotedBelow(heading));
});

it("makes every error happen that is quoted, and quotes each once", () => {
  const headings = QUOTED.map(({ heading }) => heading);
  expect([...headings].sort()).toEqual([...Object.keys(MISHAPS), ...ON_SERVERS].sort());
  // A quotation of nothing but dots would fit anything.
  for (const { text } of QUOTED) expect(text.replaceAll("...", "").trim().length).toBeGreaterThan(20);
});
