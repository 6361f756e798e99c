/** What policies decide beyond the contract's own cases: subjects, rules on attributes, and what a v1 policy may become. */
import { startEmulator, type Emulator } from "../../emulator";
import { Api, IDENTITY, textOf, until, VPC, type Json } from "./support";

let emulator: Emulator;
let api: Api;
let profile: { id: string; iamId: string };
let one: { id: string; url: string };
let two: { id: string };
let token: string;

beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0 });
  api = await new Api(emulator).logIn();
  profile = await api.profile("decided");
  one = await api.server({ name: "one", default_trusted_profile: { target: { id: profile.id } } });
  two = await api.server({ name: "two" });
  token = await api.serverToken(one.url);
});

afterAll(() => emulator.close());

const equals = (key: string, value: string): object => ({ key, operator: "stringEquals", value });
const body = (subject: object, more: object = {}): object => ({
  type: "access",
  control: { grant: { roles: [{ role_id: "crn:v1:bluemix:public:iam::::role:Operator" }] } },
  subject: { attributes: [subject] },
  resource: { attributes: [equals("serviceName", "is"), equals("accountId", emulator.accountId)] },
  ...more,
});
const onInstance = (operator: string, value: unknown): object => ({
  pattern: "attribute-based-condition:resource:literal-and-wildcard",
  rule: { key: "{{resource.attributes.instanceId}}", operator, value },
});

/** What the profile may do while it has this policy: read the first server, the second one, a VPC; and what it lists. */
async function seenWith(policy: object): Promise<{ statuses: number[]; listed: string[] }> {
  const { id } = await api.must("POST /v2/policies", policy);
  try {
    const vpc = textOf(emulator.inventory().vpcs[0]?.id as Json);
    const paths = [`instances/${one.id}`, `instances/${two.id}`, `vpcs/${vpc}`];
    const answers = await Promise.all(paths.map((path) => api.send(`GET /v1/${path}?${VPC}`, undefined, { token })));
    const list = await api.send(`GET /v1/instances?${VPC}`, undefined, { token });
    const rows = (list.body.instances ?? []) as unknown as { name: string }[];
    return { statuses: answers.map((answer) => answer.status), listed: rows.map((row) => row.name).sort() };
  } finally {
    await api.must(`DELETE /v2/policies/${textOf(id)}`);
  }
}

describe("rules on resource attributes", () => {
  it.each([
    ["no rule at all", () => ({}), [200, 200, 200], ["one", "two"]],
    ["one instance", () => onInstance("stringEquals", one.id), [200, 403, 403], ["one"]],
    ["any of both", () => onInstance("stringEqualsAnyOf", [one.id, two.id]), [200, 200, 403], ["one", "two"]],
    ["a wildcard", () => onInstance("stringMatch", `${two.id.slice(0, 12)}*`), [403, 200, 403], ["two"]],
    ["instances only", () => onInstance("stringExists", true), [200, 200, 403], ["one", "two"]],
    ["no instances", () => onInstance("stringExists", false), [403, 403, 200], []],
    ["an instance that is not there", () => onInstance("stringEquals", "0717_none"), [403, 403, 403], []],
    [
      "an instance, but on no day",
      () => ({
        ...onInstance("stringEquals", one.id),
        rule: {
          operator: "and",
          conditions: [
            { key: "{{resource.attributes.instanceId}}", operator: "stringEquals", value: one.id },
            { key: "{{resource.attributes.instanceId}}", operator: "stringEquals", value: two.id },
          ],
        },
      }),
      [403, 403, 403],
      [],
    ],
  ])("%s", async (_name, rule, statuses, listed) => {
    expect(await seenWith(body(equals("iam_id", profile.iamId), rule()))).toEqual({ statuses, listed });
  });
});

it("a policy of an access group is kept and shown, but grants nothing: groups have no members here", async () => {
  const group = "AccessGroupId-00000000-0000-4000-8000-000000000000";
  expect(await seenWith(body(equals("access_group_id", group)))).toEqual({ statuses: [403, 403, 403], listed: [] });
});

it("a policy that was made in v1 cannot be given a rule in v2", async () => {
  const made = await api.send("POST /v1/policies", {
    type: "access",
    subjects: [{ attributes: [{ name: "iam_id", value: profile.iamId }] }],
    roles: [{ role_id: "crn:v1:bluemix:public:iam::::role:Viewer" }],
    resources: [
      {
        attributes: [
          { name: "serviceName", value: "is" },
          { name: "accountId", value: emulator.accountId },
        ],
      },
    ],
  });
  const path = `/v2/policies/${textOf(made.body.id)}`;
  const headers = { "If-Match": made.headers.get("etag") ?? "" };
  const subject = equals("iam_id", profile.iamId);
  const refused = await api.send(`PUT ${path}`, body(subject, onInstance("stringEquals", one.id)), { headers });
  expect([refused.status, refused.body.errors?.[0 as never]]).toMatchObject([400, { code: "invalid_body" }]);
  expect((await api.send(`PUT ${path}`, body(subject), { headers })).status).toBe(200);
});

it("a request that is in flight when the metadata service is switched off gets 403, and later ones no answer", async () => {
  const server = await api.server({ name: "switched", default_trusted_profile: { target: { id: profile.id } } });
  const headers = { "Metadata-Flavor": "ibm" };
  const identity = await api.must(`PUT ${server.url}/identity/v1/token?${IDENTITY}`, {}, { token: null, headers });
  const bearer = textOf(identity.access_token);
  emulator.setFaults([{ path: "/identity/v1/iam_tokens", where: "server", delayMs: 400 }]);
  const inFlight = api.send(`POST ${server.url}/identity/v1/iam_tokens?${IDENTITY}`, {}, { token: bearer });
  const struck = async (): Promise<boolean> => {
    const { body: plan } = await api.admin("GET /_emulator/faults");
    return (plan.faults as unknown as { struck: number }[])[0]?.struck === 1;
  };
  await until(struck);
  await api.must(`PATCH /v1/instances/${server.id}?${VPC}`, { metadata_service: { enabled: false } });
  const { status, body: answer } = await inFlight;
  expect([status, answer]).toMatchObject([403, { errors: [{ code: "unauthorized" }], status_code: 403 }]);
  emulator.setFaults([]);
  const silence = fetch(`${server.url}/identity/v1/token?${IDENTITY}`, {
    method: "PUT",
    headers,
    body: "{}",
    signal: AbortSignal.timeout(300),
  });
  await expect(silence).rejects.toMatchObject({ name: "TimeoutError" });
});

it("a token that was good once is refused when it has expired, was altered, or belongs to nobody", async () => {
  const mine = (await new Api(emulator).logIn()).token;
  const ask = async (bearer: string): Promise<number> =>
    (await api.send(`GET /v1/profiles/${profile.id}`, undefined, { token: bearer })).status;
  expect(await ask(mine)).toBe(200);
  expect(await ask(mine)).toBe(200);
  const [head, claims, signature = ""] = mine.split(".");
  expect(await ask([head, claims, signature.replace(/^./, (first) => (first === "A" ? "B" : "A"))].join("."))).toBe(
    401,
  );
  emulator.advance(3601);
  expect(await ask(mine)).toBe(401);
});
