/** Every case of the contract against the emulator, and the proof that a case can fail. */
import { startEmulator, type Emulator } from "../../emulator";
import { cases } from "./conformance/cases-all";
import { run, type Result } from "./conformance/runner";
import { Api } from "./support";

const QUICK = { provisionSeconds: 0.1, actionSeconds: 0.05, deleteSeconds: 0.05 };

describe("the emulator conforms to the contract", () => {
  let results: Result[] = [];
  let leftovers: unknown[] = [];

  beforeAll(async () => {
    const emulator = await startEmulator(QUICK);
    try {
      results = await run(emulator, () => undefined);
      const { profiles, instances } = emulator.inventory();
      leftovers = [...profiles, ...instances.filter(({ status }) => status !== "deleting")];
    } finally {
      await emulator.close();
    }
  }, 120_000);

  it("covers the 110 cases", () => {
    const numbers = new Set(cases.map(({ id }) => Number.parseInt(id, 10)));
    expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 110 }, (_, index) => index + 1));
  });

  it("leaves nothing behind", () => expect(leftovers).toEqual([]));

  it.each(cases.map((item) => [item.id, item] as const))("case %s", (id, item) => {
    const result = results.find((candidate) => candidate.id === id);
    expect(result).toEqual(
      item.skip === undefined
        ? { id, title: item.title, outcome: "passed" }
        : { id, title: item.title, outcome: "skipped", reason: item.skip },
    );
  });
});

describe("an implementation without an admin port", () => {
  it.each([
    ["and without a server", false, "needs --metadata-url or --admin-url"],
    ["with a server of its own", true, "needs --admin-url"],
  ])(
    "%s passes every case that it has the URLs for",
    async (_name, withServer, reason) => {
      const emulator = await startEmulator(QUICK);
      try {
        const { url, apiKey } = emulator;
        const metadata = withServer ? { metadataUrl: await serverUrl(emulator) } : {};
        const results = await run({ url, apiKey, ...metadata }, () => undefined);
        expect(results.filter(({ outcome }) => outcome === "failed")).toEqual([]);
        const skipped = results.filter(({ outcome }) => outcome === "skipped").map((result) => result.reason);
        expect(skipped).toContain(reason);
        expect(results.length - skipped.length).toBeGreaterThan(70);
      } finally {
        await emulator.close();
      }
    },
    120_000,
  );

  async function serverUrl(emulator: Emulator): Promise<string> {
    const api = await new Api(emulator).logIn();
    const profile = await api.profile("given");
    const server = await api.server({
      keys: [{ id: emulator.inventory().keys[0]?.id }],
      user_data: "#!/bin/sh\n",
      default_trusted_profile: { target: { id: profile.id } },
    });
    return server.url;
  }
});

describe("the conformance cases can fail", () => {
  let emulator: Emulator;

  beforeAll(async () => {
    emulator = await startEmulator(QUICK);
  });
  afterAll(() => emulator.close());

  it.each([
    ["a missing path", "22", { path: "/v1/serviceids/*", status: 404 }, /status is 404, expected 200/],
    ["a wrong status", "26", { path: "/v1/profiles", method: "POST", status: 500, skip: 2 }, /status is 500/],
    ["broken JSON", "61", { path: "/v2/roles", body: "malformed" }, /body is absent/],
    ["a short chain", "98", { path: "*/certificates", chain: "short" }, /not at least two certificates/],
    ["no answer", "9", { path: "/identity/token", reset: "after", skip: 2 }, /there was no answer/],
  ] as const)("%s", async (_name, id, fault, reason) => {
    emulator.setFaults([]);
    const watched = run(
      emulator,
      () => undefined,
      (item) => item.id === id,
    );
    emulator.setFaults([fault]);
    const [result] = await watched;
    expect(result?.reason ?? result?.outcome).toMatch(reason);
  });

  it("skips by name what needs a server that it does not have", async () => {
    const { url, apiKey } = emulator;
    const results = await run(
      { url, apiKey },
      () => undefined,
      (item) => ["82", "61"].includes(item.id),
    );
    expect(results.map(({ id, outcome, reason }) => [id, outcome, reason])).toEqual([
      ["61", "passed", undefined],
      ["82", "skipped", "needs --metadata-url or --admin-url"],
    ]);
  });
});
