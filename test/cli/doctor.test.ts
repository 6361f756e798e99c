/** `vpc-identity doctor` as a process, against accounts that lack one thing each. */
import { spawn } from "node:child_process";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { startEmulator, type Emulator } from "../../emulator";
import { Api, textOf } from "../emulator/support";
import { CLI, Project } from "../support/project";

interface Check {
  readonly name: string;
  readonly verdict: "ok" | "missing" | "unclear" | "skipped";
  readonly detail: string;
  readonly fix?: string;
}

interface Diagnosis {
  readonly code: number | null;
  readonly output: string;
  readonly healthy: boolean;
  readonly checks: Readonly<Record<string, Check>>;
}

let emulator: Emulator;
let api: Api;

beforeAll(async () => {
  emulator = await startEmulator();
  api = await new Api(emulator).logIn();
});
afterAll(() => emulator.close());

async function run(env: NodeJS.ProcessEnv, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [CLI, "doctor", "--engine", "embedded", ...args], {
    cwd: "/",
    env: { PATH: process.env.PATH, HOME: "/nonexistent", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, output };
}

async function diagnose(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Diagnosis> {
  const { code, output } = await run(env, "--json", ...args);
  const { healthy, checks } = JSON.parse(output) as { healthy: boolean; checks: Check[] };
  return { code, output, healthy, checks: Object.fromEntries(checks.map((check) => [check.name, check])) };
}

const verdicts = ({ checks }: Diagnosis): Record<string, string> =>
  Object.fromEntries(Object.values(checks).map(({ name, verdict }) => [name, verdict]));

const PERMISSIONS = ["profile", "link", "policy", "instance"].map((step) => `permission.${step}`);
const allPermissions = (verdict: string): Record<string, string> =>
  Object.fromEntries(PERMISSIONS.map((name) => [name, verdict]));

describe("who may do everything", () => {
  it("the account's owner: all well, and what cannot be told without trying is said", async () => {
    const calls = emulator.journal().length;
    const diagnosis = await diagnose(emulator.env);
    expect(diagnosis).toMatchObject({ code: 0, healthy: true });
    expect(verdicts(diagnosis)).toEqual({
      ...{ node: "ok", engine: "ok", project: "skipped", credentials: "ok", iam: "ok", clock: "ok", vpc: "ok" },
      ...allPermissions("unclear"),
    });
    expect(diagnosis.checks.credentials?.detail).toMatch(
      new RegExp(`^API key from environment variable IBMCLOUD_API_KEY\\n.*owner.*\\n.*${emulator.accountId}`),
    );
    expect(diagnosis.checks.vpc?.detail).toContain("region us-south (available), version 2025-08-26, generation 2");
    expect(diagnosis.output).not.toContain(emulator.apiKey);
    const made = emulator.journal().slice(calls);
    expect(made.filter(({ method, path }) => method !== "GET" && !path.startsWith("/identity/token"))).toEqual([]);
  });

  it("for people it is a list with what to do below", async () => {
    const { code, output } = await run(emulator.env);
    expect([code, output]).toEqual([0, expect.stringMatching(/^ok {7}node {18}\d+\.\d+\.\d+\n/)]);
    expect(output).toMatch(/\? {8}permission\.link {7}link servers to trusted profiles: cannot be told without trying/);
    expect(output).toMatch(/\ndoctor: 6 ok, 0 missing, 4 cannot be told\n$/);
  });
});

interface Grant {
  readonly service?: string;
  readonly role?: string;
  readonly attributes?: readonly object[];
}

const ROLE = "crn:v1:bluemix:public:iam::::role:";
const EVERYTHING: readonly Grant[] = [
  { service: "iam-identity" },
  { service: "iam-access-management" },
  { service: "is" },
];
let serviceIds = 0;

/** The environment of a service ID with these policies. */
async function serviceId(grants: readonly Grant[]): Promise<NodeJS.ProcessEnv> {
  const made = await api.must("POST /v1/serviceids/", {
    account_id: emulator.accountId,
    name: `deployer-${serviceIds++}`,
    apikey: { name: "key", store_value: false },
  });
  for (const { service, role = "Administrator", attributes = [] } of grants) {
    const named = service === undefined ? [] : [{ key: "serviceName", operator: "stringEquals", value: service }];
    await api.must("POST /v2/policies", {
      type: "access",
      control: { grant: { roles: [{ role_id: role.startsWith("crn:") ? role : ROLE + role }] } },
      subject: { attributes: [{ key: "iam_id", operator: "stringEquals", value: textOf(made.iam_id) }] },
      resource: {
        attributes: [
          { key: "accountId", operator: "stringEquals", value: emulator.accountId },
          ...named,
          ...attributes,
        ],
      },
    });
  }
  return { ...emulator.env, IBMCLOUD_API_KEY: textOf(made.apikey?.apikey) };
}

async function customRole(service: string, ...actions: string[]): Promise<string> {
  const name = `Role${serviceIds++}`;
  const body = { name, display_name: name, account_id: emulator.accountId, service_name: service, actions };
  return textOf((await api.must("POST /v2/roles", body)).crn);
}

const without = (service: string): Grant[] => EVERYTHING.filter((grant) => grant.service !== service);

describe("a service ID", () => {
  it("with a policy for each service may do every step, and the policy is named", async () => {
    const diagnosis = await diagnose(await serviceId(EVERYTHING));
    expect(verdicts(diagnosis)).toMatchObject(allPermissions("ok"));
    expect(diagnosis.checks["permission.instance"]?.detail).toMatch(/create servers: Editor|Administrator by policy /);
    expect(diagnosis.code).toBe(0);
  });

  it.each<[string, () => Grant[] | Promise<Grant[]>, Record<string, string>]>([
    ["nothing on IAM Identity", () => without("iam-identity"), { profile: "missing", link: "missing" }],
    [
      "only Viewer on IAM Identity",
      () => [...without("iam-identity"), { service: "iam-identity", role: "Viewer" }],
      { profile: "missing", link: "missing" },
    ],
    [
      "all but the link",
      async () => [
        ...without("iam-identity"),
        {
          service: "iam-identity",
          role: await customRole("iam-identity", "iam-identity.profile.create", "iam-identity.profile.list"),
        },
      ],
      { link: "missing" },
    ],
    [
      "policies to read only",
      () => [...without("iam-access-management"), { service: "iam-access-management", role: "Viewer" }],
      { policy: "missing" },
    ],
    ["nothing on VPC", () => without("is"), { instance: "missing" }],
    ["only Operator on VPC", () => [...without("is"), { service: "is", role: "Operator" }], { instance: "missing" }],
    [
      "one VPC only",
      () => [
        ...without("is"),
        { service: "is", attributes: [{ key: "vpcId", operator: "stringEquals", value: "r006-x" }] },
      ],
      { instance: "unclear" },
    ],
    [
      "everything, by the kind of service",
      () =>
        ["service", "platform_service"].map((value) => ({
          attributes: [{ key: "serviceType", operator: "stringEquals", value }],
        })),
      {},
    ],
    // Without the right to read policies and roles, only what a list refuses is certain.
    [
      "no access to policies at all",
      () => without("iam-access-management"),
      { profile: "unclear", link: "unclear", policy: "missing", instance: "unclear" },
    ],
  ])("with %s", async (_name, grants, expected) => {
    const diagnosis = await diagnose(await serviceId(await grants()));
    const wanted = Object.fromEntries(
      Object.entries(expected).map(([step, verdict]) => [`permission.${step}`, verdict]),
    );
    expect(verdicts(diagnosis)).toMatchObject({ ...allPermissions("ok"), ...wanted });
    const missing = Object.values(expected).includes("missing");
    expect([diagnosis.healthy, diagnosis.code]).toEqual([!missing, missing ? 1 : 0]);
    for (const { verdict, fix } of Object.values(diagnosis.checks))
      expect(fix !== undefined).toBe(verdict === "missing");
  });
});

describe("credentials", () => {
  it("none: said with what to do; the services are looked at all the same", async () => {
    const diagnosis = await diagnose({ ...emulator.env, IBMCLOUD_API_KEY: "" });
    expect(verdicts(diagnosis)).toMatchObject({
      ...{ credentials: "missing", iam: "ok", clock: "ok" },
      ...allPermissions("skipped"),
    });
    expect(diagnosis.checks.credentials?.fix).toContain("set IBMCLOUD_API_KEY");
    expect(diagnosis.code).toBe(1);
  });

  it("wrong: in IAM's own words, without the key", async () => {
    const key = "not-a-key-of-this-account-0123456789abcdefg";
    const diagnosis = await diagnose({ ...emulator.env, IBMCLOUD_API_KEY: key });
    expect(diagnosis.checks.credentials).toMatchObject({
      verdict: "missing",
      detail: expect.stringMatching(/IBMCLOUD_API_KEY was refused.*400 BXNIM0415E/) as string,
    });
    expect(diagnosis.output).not.toContain(key);
  });

  it("settings that are wrong are all told", async () => {
    const env = { ...emulator.env, IBMCLOUD_REGION: "Moon", IBMCLOUD_VISIBILITY: "secret" };
    const { checks } = await diagnose(env);
    expect(checks.credentials?.detail).toMatch(/IBMCLOUD_REGION: is "Moon"[^]*IBMCLOUD_VISIBILITY: is "secret"/);
  });
});

describe("services", () => {
  it("IAM unreachable: said at once, and no key is sent anywhere", async () => {
    const diagnosis = await diagnose({ ...emulator.env, IBMCLOUD_IAM_API_ENDPOINT: "http://127.0.0.1:1" });
    expect(verdicts(diagnosis)).toMatchObject({ credentials: "skipped", iam: "missing", ...allPermissions("skipped") });
    expect(diagnosis.checks.iam?.detail).toContain("ECONNREFUSED");
  });

  it("VPC unreachable", async () => {
    const diagnosis = await diagnose({ ...emulator.env, IBMCLOUD_IS_NG_API_ENDPOINT: "http://127.0.0.1:1/v1" });
    expect(verdicts(diagnosis)).toMatchObject({ credentials: "ok", iam: "ok", vpc: "missing" });
    expect(diagnosis.checks["permission.instance"]?.verdict).toBe("unclear");
    expect(diagnosis.code).toBe(1);
  });

  it("a region that does not exist", async () => {
    const { checks } = await diagnose({ ...emulator.env, IBMCLOUD_REGION: "us-north" });
    expect(checks.vpc).toMatchObject({ verdict: "missing", detail: expect.stringContaining('"us-north"') as string });
  });

  it.each([
    ["ahead", -600, "missing", /ahead of IAM/],
    ["behind", 600, "missing", /behind IAM/],
    ["a little off", 20, "ok", /\d+ s from IAM's/],
  ])("this machine's clock %s", async (_name, seconds, verdict, says) => {
    const relay = await relayWithClock(emulator.url, seconds);
    const { port } = relay.address() as AddressInfo;
    try {
      const { checks } = await diagnose({ ...emulator.env, IBMCLOUD_IAM_API_ENDPOINT: `http://127.0.0.1:${port}` });
      expect(checks.clock).toMatchObject({ verdict, detail: expect.stringMatching(says) as string });
    } finally {
      relay.close();
    }
  });
});

/** The same server, whose clock is `seconds` ahead of this machine's. */
async function relayWithClock(target: string, seconds: number): Promise<Server> {
  const relay = createServer((incoming, outgoing) => {
    const { method, url = "/", headers } = incoming;
    const onward = request(target + url, { method, headers }, (answer) => {
      const date = new Date(Date.now() + seconds * 1000).toUTCString();
      outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, date });
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((ready) => relay.listen(0, "127.0.0.1", ready));
  return relay;
}

describe("in a project", () => {
  let project: Project;

  beforeEach(() => {
    project = Project.ofProgram("", { ...emulator.env, IBMCLOUD_API_KEY: "" });
  });
  afterEach(() => project.remove());

  const inProject = (env: NodeJS.ProcessEnv = {}): Promise<Diagnosis> =>
    diagnose({ ...project.env, ...env }, "--cwd", project.cwd);
  const set = (...args: string[]): Promise<unknown> => project.engine("config", "set", "--stack", "dev", ...args);

  it("packages are found, and the credential of the stack's config is used", async () => {
    await project.engine("stack", "init", "dev", "--no-select");
    await set("--secret", "vpc-identity:apiKey", emulator.apiKey);
    await set("vpc-identity:region", "eu-de");
    const diagnosis = await inProject();
    expect(verdicts(diagnosis)).toMatchObject({ package: "ok", sdk: "ok", "stack config": "ok", credentials: "ok" });
    expect(diagnosis.checks.credentials?.detail).toContain("API key from stack config vpc-identity:apiKey");
    expect(diagnosis.checks.vpc?.detail).toContain("region eu-de");
    expect(diagnosis.output).not.toContain(emulator.apiKey);

    const locked = await inProject({ PULUMI_CONFIG_PASSPHRASE: "wrong" });
    expect(locked.checks["stack config"]).toMatchObject({
      verdict: "missing",
      detail: expect.stringContaining("cannot be decrypted") as string,
    });
  });

  it("a credential in clear is found", async () => {
    await project.engine("stack", "init", "dev", "--no-select");
    await set("--plaintext", "vpc-identity:apiKey", emulator.apiKey);
    const diagnosis = await inProject();
    expect(diagnosis.checks["stack config"]).toMatchObject({
      verdict: "missing",
      detail: "in clear in Pulumi.dev.yaml and in every state: vpc-identity:apiKey",
    });
    expect(diagnosis.output).not.toContain(emulator.apiKey);
  });

  it("a stack that is not there yet is no fault", async () => {
    expect((await inProject()).checks["stack config"]?.verdict).toBe("skipped");
  });
});
