/** Whatever is sent, the answer is a well-formed one of the right API: never a 500, never silence, never a crash. */
import { connect } from "node:net";
import fc from "fast-check";
import { startEmulator, type Emulator } from "../../emulator";
import { Api, IDENTITY, textOf, VPC, type Answer } from "./support";

const RUNS = 150;

/** Paths of every family, with holes for whatever fast-check puts there. */
const CLOUD = [
  "/identity/token",
  "/v1/apikeys",
  "/v1/apikeys/:id",
  "/v1/serviceids",
  "/v1/profiles",
  "/v1/profiles/:id",
  "/v1/profiles/PROFILE/rules",
  "/v1/profiles/PROFILE/links",
  "/v1/profiles/PROFILE/identities",
  "/v1/profiles/PROFILE/identities/:id",
  "/v1/policies",
  "/v2/policies",
  "/v2/policies/:id",
  "/v2/roles",
  `/v1/instances?${VPC}`,
  `/v1/instances/:id?${VPC}`,
  `/v1/instances/SERVER?${VPC}`,
  `/v1/instances/SERVER/actions?${VPC}`,
  `/v1/instance/templates?${VPC}`,
  `/v1/instance_groups?${VPC}`,
  `/v1/bare_metal_servers?${VPC}`,
  `/v1/vpcs?${VPC}`,
  `/v1/subnets?${VPC}`,
  `/v1/keys?${VPC}`,
  `/v1/floating_ips?${VPC}`,
  `/v1/security_groups?${VPC}`,
  `/v1/virtual_network_interfaces?${VPC}`,
  "/v3/tags/attach",
  "/v3/resources/search",
  "/v2/resource_groups",
  "/:id",
];
const SERVER = [
  `/identity/v1/token?${IDENTITY}`,
  `/identity/v1/iam_tokens?${IDENTITY}`,
  `/identity/v1/certificates?${IDENTITY}`,
  "/instance_identity/v1/token?version=2025-01-01",
  `/metadata/v1/instance?${IDENTITY}`,
  `/metadata/v1/keys/:id?${IDENTITY}`,
  "/:id",
];

/** Names that mean something to some handler, so that values reach further than the first check. */
const NAMES = [
  "name", "id", "crn", "href", "type", "roles", "role_id", "subjects", "resources", "attributes", "value", "operator",
  "control", "grant", "subject", "resource", "key", "conditions", "claim", "cr_type", "link", "account_id", "iam_id",
  "image", "zone", "vpc", "subnet", "keys", "primary_network_interface", "primary_network_attachment", "profile",
  "virtual_network_interface", "metadata_service", "default_trusted_profile", "target", "expires_in", "nonce", "csr",
  "trusted_profile", "initialization", "rule", "pattern", "identities", "identifier", "membership_count", "subnets",
  "instance_template", "public_key", "tag_names", "query", "apikey", "expires_at", "__proto__", "constructor",
]; // prettier-ignore

const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, -1, 1e300, "", "a", "Profile-CR", "access", "VSI", "crn:v1:::::::::x", "2"),
    fc.string({ maxLength: 12, unit: "binary" }),
    fc.integer(),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie("value"), { maxKeys: 6 }),
  ),
})).value;

const body = fc.oneof(
  { weight: 6, arbitrary: json.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 60, unit: "binary" }) },
  { weight: 1, arbitrary: fc.constantFrom("", "{", "[]", "null", '"x"', '{"a":1}}') },
);
const method = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE");
const segment = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "..%2f..", "%", "%00", "x".repeat(500), "toString"),
  fc.string({ maxLength: 20, unit: "binary" }).map((text) => encodeURIComponent(text)),
);
const query = fc
  .dictionary(
    fc.constantFrom("limit", "start", "pagesize", "pagetoken", "sort", "order", "account_id", "name", "state", "scope"),
    fc.string({ maxLength: 12, unit: "binary" }),
    { maxKeys: 3 },
  )
  .map((values) => new URLSearchParams(values).toString());

function expectWellFormed(answer: Answer, path: string): void {
  const { status, text, body: parsed } = answer;
  expect(status).toBeLessThan(500);
  if (status === 204 || status === 202) return;
  expect(typeof parsed).toBe("object");
  if (status < 400) return;
  if (path.startsWith("/identity/token")) {
    expect(textOf(parsed.errorCode)).toMatch(/^(BXNIM|EMU)\d+E$/);
    return;
  }
  const [error] = parsed.errors as unknown as { code?: unknown; message?: unknown }[];
  expect([typeof error?.code, typeof error?.message]).toEqual(["string", "string"]);
  expect(textOf(parsed.trace)).not.toBe("");
  expect(text).not.toContain("[object Object]");
}

describe("whatever is sent", () => {
  let emulator: Emulator;
  let api: Api;
  let server: { id: string; url: string };
  let profile: { id: string };
  let identity: string;

  beforeAll(async () => {
    emulator = await startEmulator({ provisionSeconds: 0 });
    api = await new Api(emulator).logIn();
    profile = await api.profile("kept");
    server = await api.server({ default_trusted_profile: { target: { id: profile.id } } });
    const answer = await api.must(
      `PUT ${server.url}/identity/v1/token?${IDENTITY}`,
      { expires_in: 3600 },
      {
        token: null,
        headers: { "Metadata-Flavor": "ibm" },
      },
    );
    identity = textOf(answer.access_token);
  });
  afterAll(() => emulator.close());

  const full = (path: string, id: string, more: string): string => {
    const placed = path.replace(":id", id).replace("PROFILE", profile.id).replace("SERVER", server.id);
    return more === "" ? placed : `${placed}${placed.includes("?") ? "&" : "?"}${more}`;
  };

  it("to IAM, VPC and the account gets an answer of that API", async () => {
    await fc.assert(
      fc.asyncProperty(method, fc.constantFrom(...CLOUD), segment, query, body, async (verb, path, id, more, text) => {
        // The one thing that must stay, so that the rest goes on being reached.
        fc.pre(!(verb === "DELETE" && (path.includes("SERVER") || path.endsWith("PROFILE"))));
        const target = full(path, id, more);
        const answer = await api.send(`${verb} ${target}`, undefined, {
          ...(verb === "GET" ? {} : { text }),
          headers: { "If-Match": "*" },
        });
        expectWellFormed(answer, target);
      }),
      { numRuns: RUNS * 4 },
    );
  });

  it("to a server gets an answer of its services", async () => {
    await fc.assert(
      fc.asyncProperty(method, fc.constantFrom(...SERVER), segment, body, async (verb, path, id, text) => {
        const target = full(path, id, "");
        const answer = await api.send(`${verb} ${server.url}${target}`, undefined, {
          ...(verb === "GET" ? {} : { text }),
          token: identity,
          headers: { "Metadata-Flavor": "ibm" },
        });
        expectWellFormed(answer, "");
        if (answer.status >= 400) expect(answer.body.status_code).toBe(answer.status);
      }),
      { numRuns: RUNS },
    );
  });

  it("in headers is either used or ignored", async () => {
    const value = fc.string({ maxLength: 40 }).map((text) => text.replace(/[^\x20-\x7e]/g, ""));
    await fc.assert(
      fc.asyncProperty(value, value, value, async (token, tag, id) => {
        const headers = { Authorization: `Bearer ${token}`, "If-Match": tag, "Transaction-Id": id, "X-Request-Id": id };
        const refused = await api.send("GET /v1/profiles", undefined, { token: null, headers });
        expectWellFormed(refused, "/v1/profiles");
        expect(refused.status).toBe(401);
        const changed = await api.send(
          `PUT /v1/profiles/${profile.id}`,
          { description: "x" },
          {
            headers: { "If-Match": tag, "Transaction-Id": id },
          },
        );
        expectWellFormed(changed, "/v1/profiles");
      }),
      { numRuns: RUNS },
    );
  });

  it("as raw bytes does not bring it down", async () => {
    const { port } = new URL(emulator.url);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        for (const target of [Number(port), Number(new URL(server.url).port)]) {
          await new Promise<void>((resolve) => {
            const socket = connect(target, "127.0.0.1", () => socket.end(Buffer.from(bytes)));
            socket.on("error", () => undefined);
            socket.setTimeout(50, () => socket.destroy());
            socket.on("data", () => undefined);
            socket.on("close", () => resolve());
          });
        }
      }),
      { numRuns: 25 },
    );
    expect((await api.send(`GET /v1/regions?${VPC}`)).status).toBe(200);
    expect(await api.serverToken(server.url)).toMatch(/^eyJ/);
  });

  it("in too large a body is refused in the shape of the API", async () => {
    const text = JSON.stringify({ name: "x".repeat(2_000_000) });
    for (const call of ["POST /v1/profiles", `POST /v1/instances?${VPC}`, "POST /v2/policies"]) {
      const answer = await api.send(call, undefined, { text });
      expect(answer.status).toBe(413);
      expectWellFormed(answer, call);
    }
    const onServer = await api.send(`PUT ${server.url}/identity/v1/token?${IDENTITY}`, undefined, {
      text,
      token: null,
    });
    expect(onServer.status).toBe(400);
    expect(onServer.body.errors).toMatchObject([{ code: "invalid_request" }]);
  });
});
