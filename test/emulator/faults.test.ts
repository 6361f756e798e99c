/** What goes wrong on purpose. */
import { X509Certificate } from "node:crypto";
import { startEmulator, type Emulator, type Fault } from "../../emulator";
import { rsa2048 } from "./conformance/requests";
import { Api, IDENTITY, textOf, until, VPC } from "./support";

describe("the fault plan", () => {
  let emulator: Emulator;
  let api: Api;
  let server: { id: string; url: string };
  let identity: string;

  beforeAll(async () => {
    emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
    api = await new Api(emulator).logIn();
    server = await api.server();
    const answer = await token();
    identity = textOf(answer.body.access_token);
  });
  afterEach(() => emulator.setFaults([]));
  afterAll(() => emulator.close());

  const token = (): ReturnType<Api["send"]> =>
    api.send(
      `PUT ${server.url}/identity/v1/token?${IDENTITY}`,
      {},
      {
        token: null,
        headers: { "Metadata-Flavor": "ibm" },
      },
    );
  const certificate = (): ReturnType<Api["send"]> =>
    api.send(`POST ${server.url}/identity/v1/certificates?${IDENTITY}`, { csr: rsa2048 }, { token: identity });
  const newProfile = (name: string): ReturnType<Api["send"]> =>
    api.send("POST /v1/profiles", { name, account_id: emulator.accountId });

  it.each<[string, Fault, (answer: Awaited<ReturnType<typeof token>>) => void]>([
    [
      "a status in the shape of the API",
      { status: 503 },
      ({ status, body }) => {
        expect(status).toBe(503);
        expect(body).toMatchObject({ errors: [{ code: "emulated_fault" }], status_code: 503 });
      },
    ],
    [
      "429 with Retry-After",
      { status: 429, retryAfterSeconds: 2 },
      ({ status, headers }) => {
        expect([status, headers.get("retry-after")]).toEqual([429, "2"]);
      },
    ],
    [
      "truncated JSON",
      { body: "truncated" },
      ({ text, body }) => {
        expect(text.startsWith('{"access_token":"eyJ')).toBe(true);
        expect(body).toBeUndefined();
      },
    ],
    [
      "malformed JSON",
      { body: "malformed" },
      ({ text, body }) => {
        expect(text.endsWith(",,}")).toBe(true);
        expect(body).toBeUndefined();
      },
    ],
    [
      "escaped JSON that means the same",
      { body: "escaped" },
      ({ text, body }) => {
        expect(text).not.toContain("eyJhbGciOiJSUzI1NiIsImtpZCI6IlZTSS1DUl9.");
        expect(textOf(body.access_token).split(".")).toHaveLength(3);
        expect(text).toContain("\\u002e");
      },
    ],
    [
      "JSON over many lines",
      { body: "pretty" },
      ({ text, body }) => {
        expect(text).toContain('{\n  "access_token" : "');
        expect(body.expires_in).toBe(300);
      },
    ],
    [
      "wrong dates",
      { shiftDatesSeconds: -86_400 },
      ({ body }) => {
        expect(Date.parse(textOf(body.expires_at))).toBeLessThan(Date.now() - 80_000_000);
      },
    ],
    [
      "a delay",
      { delayMs: 300 },
      () => {
        const last = emulator.journal().at(-1);
        expect(last?.milliseconds).toBeGreaterThanOrEqual(290);
      },
    ],
  ])("%s", async (_name, fault, check) => {
    emulator.setFaults([{ ...fault, path: "/identity/v1/token" }]);
    check(await token());
    expect((await token()).status).toBe(200);
  });

  it.each<[string, Fault, boolean]>([
    ["before the effect", { reset: "before" }, false],
    ["after the effect", { reset: "after" }, true],
  ])("a connection reset %s", async (name, fault, exists) => {
    emulator.setFaults([{ ...fault, path: "/v1/profiles", method: "POST" }]);
    await expect(newProfile(`reset ${name}`)).rejects.toThrow("fetch failed");
    expect(emulator.inventory().profiles.some((profile) => profile.name === `reset ${name}`)).toBe(exists);
  });

  it("hangs until the client gives up, and the emulator still closes", async () => {
    const other = await startEmulator({ faults: [{ hang: "before" }] });
    const hanging = fetch(`${other.url}/v1/regions`);
    hanging.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await other.close();
    await expect(hanging).rejects.toThrow("fetch failed");
  });

  it.each<[string, Fault, number, boolean]>([
    ["a short chain", { chain: "short" }, 1, true],
    ["a long chain", { chain: "long" }, 3, true],
    ["an expired certificate", { shiftCertificateSeconds: -7200 }, 2, false],
    ["a certificate of the future", { shiftCertificateSeconds: 7200 }, 2, false],
  ])("%s", async (_name, fault, length, valid) => {
    emulator.setFaults([{ ...fault, path: "*/certificates" }]);
    const { body } = await certificate();
    const certificates = body.certificates as unknown as string[];
    const leaf = new X509Certificate(certificates[0] ?? "");
    const now = Date.now();
    expect(certificates).toHaveLength(length);
    expect(Date.parse(leaf.validFrom) <= now && now < Date.parse(leaf.validTo)).toBe(valid);
  });

  it("makes a server stick or fail with its reason", async () => {
    emulator.setFaults([
      { path: "/v1/instances", method: "POST", lifecycle: "failed", reasonCode: "cannot_start_capacity" },
      { path: "/v1/instances", method: "POST", lifecycle: "stuck" },
    ]);
    const { subnets, images } = emulator.inventory();
    const prototype = {
      image: { id: images[0]?.id },
      zone: { name: subnets[0]?.zone },
      primary_network_interface: { subnet: { id: subnets[0]?.id } },
    };
    const failed = textOf((await api.must(`POST /v1/instances?${VPC}`, prototype)).id);
    const stuck = textOf((await api.must(`POST /v1/instances?${VPC}`, prototype)).id);
    const state = (id: string): Promise<unknown> => api.must(`GET /v1/instances/${id}?${VPC}`);
    expect(await state(failed)).toMatchObject({
      status: "failed",
      lifecycle_state: "failed",
      status_reasons: [{ code: "cannot_start_capacity" }],
    });
    emulator.advance(3600);
    await api.logIn();
    expect(await state(stuck)).toMatchObject({ status: "pending" });
    await api.must(`DELETE /v1/instances/${failed}?${VPC}`);
    expect((await api.send(`GET /v1/instances/${failed}?${VPC}`)).status).toBe(404);
  });

  it("counts, skips and rolls dice", async () => {
    emulator.setFaults([{ path: "/v1/regions", status: 500, skip: 1, count: 2 }]);
    const statuses: number[] = [];
    await api.logIn();
    for (let i = 0; i < 5; i++) statuses.push((await api.send(`GET /v1/regions?${VPC}`)).status);
    expect(statuses).toEqual([200, 500, 500, 200, 200]);
    emulator.setFaults([{ path: "/v1/regions", status: 500, probability: 0, count: 0 }]);
    expect((await api.send(`GET /v1/regions?${VPC}`)).status).toBe(200);
  });

  it.each(["ETag", "body"])(
    "gives an answer the tag of an earlier version: a change under it is a conflict (%s)",
    async (place) => {
      const { body } = await newProfile(`tagged ${place}`);
      const path = `/v1/profiles/${textOf(body.id)}`;
      const change = (tag: string): ReturnType<Api["send"]> =>
        api.send(`PUT ${path}`, { name: `tagged ${place}`, description: "new" }, { headers: { "If-Match": tag } });
      emulator.setFaults([{ method: "GET", path, staleTag: true }]);
      const [stale, fresh] = [await api.send(`GET ${path}`), await api.send(`GET ${path}`)];
      const tagOf = ({ headers, body: { entity_tag: tag } }: typeof fresh): string =>
        place === "ETag" ? (headers.get("etag") ?? "") : textOf(tag);
      expect((await change(tagOf(stale))).status).toBe(409);
      expect((await change(tagOf(fresh))).status).toBe(200);
    },
  );

  it("answers reads as if a write had not happened, for a while", async () => {
    emulator.setFaults([{ method: "POST", path: "/v1/profiles", lagSeconds: 60 }]);
    const path = `/v1/profiles/${textOf((await newProfile("late")).body.id)}`;
    expect((await api.send(`GET ${path}`)).status).toBe(404);
    expect((await api.send(`PUT ${path}`, { name: "late" }, { headers: { "If-Match": "*" } })).status).toBe(200);
    emulator.advance(61);
    expect((await api.send(`GET ${path}`)).status).toBe(200);
    emulator.setFaults([{ method: "DELETE", path, lagSeconds: 60 }]);
    await api.must(`DELETE ${path}`);
    expect((await api.send(`GET ${path}`)).status).toBe(200);
    emulator.setFaults([]);
    expect((await api.send(`GET ${path}`)).status).toBe(404);
  });

  it("tells how often it has struck, and which call last", async () => {
    emulator.setFaults([{ method: "GET", path: "/v1/profiles/*", skip: 1, status: 503, count: 0 }]);
    const told = async (): Promise<unknown> => (await api.admin("GET /_emulator/faults")).body.faults;
    for (const name of ["first", "second", "third"]) await api.send(`GET /v1/profiles/${name}?include_history=true`);
    expect(await told()).toMatchObject([{ struck: 2, last: "GET /v1/profiles/third" }]);
    emulator.setFaults([]);
    expect(await told()).toEqual([]);
  });

  it("is refused when it makes no sense", async () => {
    const answer = await api.admin("POST /_emulator/faults", { faults: [{ status: 200 }] });
    expect([answer.status, answer.body]).toEqual([
      400,
      { error: "'faults[0].status' must be an integer from 400 to 599" },
    ]);
    expect((await api.admin("POST /_emulator/faults", { faults: [{ colour: "red" }] })).status).toBe(400);
    expect((await api.admin("GET /_emulator/faults")).body.faults).toEqual([]);
  });

  it("lags behind its own writes when asked", async () => {
    await api.admin("POST /_emulator/faults", { settings: { readLagSeconds: 60, enforcementDelaySeconds: 60 } });
    const id = textOf((await newProfile("lagging")).body.id);
    expect((await api.send(`GET /v1/profiles/${id}`)).status).toBe(404);
    emulator.advance(61);
    expect((await api.send(`GET /v1/profiles/${id}`)).status).toBe(200);
    const linked = await api.server({ default_trusted_profile: { target: { id } } });
    await expect(api.serverToken(linked.url)).rejects.toThrow("profile_not_linked");
    emulator.advance(61);
    const iam = await api.serverToken(linked.url);
    const allowed = async (): Promise<boolean> =>
      (await api.send(`GET /v1/instances?${VPC}`, undefined, { token: iam })).status === 200;
    const policy = await api.policy(`iam-${id}`);
    expect(await allowed()).toBe(false);
    emulator.advance(61);
    expect(await allowed()).toBe(true);
    await api.must(`DELETE /v2/policies/${policy}`);
    expect(await allowed()).toBe(true);
    emulator.advance(61);
    await until(async () => !(await allowed()));
  });
});
