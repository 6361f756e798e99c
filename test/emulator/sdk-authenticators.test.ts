/** IBM's own authenticators, from API key to linked server, each with a token that a client of IBM can work with. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import IamIdentityV1 from "@ibm-cloud/platform-services/iam-identity/v1";
import {
  ContainerAuthenticator,
  getAuthenticatorFromEnvironment,
  IamAssumeAuthenticator,
  IamAuthenticator,
  VpcInstanceAuthenticator,
  type AuthenticatorInterface,
} from "ibm-cloud-sdk-core";
import { startEmulator, type Emulator } from "../../emulator";
import { Api, IDENTITY, textOf, type Json } from "./support";

let emulator: Emulator;
let api: Api;
let profile: { id: string; iamId: string; crn: string };
let server: { id: string; crn: string; url: string };
let folder: string;

beforeAll(async () => {
  emulator = await startEmulator({ provisionSeconds: 0 });
  api = await new Api(emulator).logIn();
  profile = await api.profile("workload");
  const owner = textOf(emulator.inventory().apiKeys[0]?.iam_id as Json);
  const identity = { identifier: owner, type: "user", accounts: [emulator.accountId] };
  await api.must(`POST /v1/profiles/${profile.id}/identities/user`, identity);
  server = await api.server({ default_trusted_profile: { target: { id: profile.id } } });
  folder = mkdtempSync(join(tmpdir(), "sdk-authenticators-"));
});

afterAll(async () => {
  await emulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function tokenOf(authenticator: AuthenticatorInterface): Promise<string> {
  const request: { headers: Record<string, string> } = { headers: {} };
  await authenticator.authenticate(request);
  return (request.headers.Authorization ?? "").replace("Bearer ", "");
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
}

/** The calls that a piece of work made of the emulator. */
async function callsOf(work: () => Promise<unknown>): Promise<string[]> {
  const before = emulator.journal().length;
  await work();
  return emulator
    .journal()
    .slice(before)
    .map(({ method, path, status }) => `${method} ${path} ${status}`);
}

/** The identity token of the server, as a file: what a container would find. */
async function tokenFile(): Promise<string> {
  const headers = { "Metadata-Flavor": "ibm" };
  const body = await api.must(`PUT ${server.url}/identity/v1/token?${IDENTITY}`, {}, { token: null, headers });
  const file = join(folder, "token");
  writeFileSync(file, textOf(body.access_token));
  return file;
}

describe("IamAuthenticator", () => {
  it("gets one token for an API key and keeps it", async () => {
    const authenticator = new IamAuthenticator({ apikey: emulator.apiKey, url: emulator.url });
    const calls = await callsOf(async () => {
      const [first, second] = [await tokenOf(authenticator), await tokenOf(authenticator)];
      expect(first).toBe(second);
      expect(claimsOf(first)).toMatchObject({ account: { bss: emulator.accountId }, scope: "ibm openid" });
    });
    expect(calls).toEqual(["POST /identity/token 200"]);
  });

  it("gets a refresh token with a client of its own", async () => {
    const client = { clientId: "bx", clientSecret: "bx" };
    const authenticator = new IamAuthenticator({ apikey: emulator.apiKey, url: emulator.url, ...client });
    await tokenOf(authenticator);
    expect(authenticator.getRefreshToken()).toMatch(/^[\w-]{64}$/);
  });

  it("is told why an API key is refused", async () => {
    const authenticator = new IamAuthenticator({ apikey: "x".repeat(44), url: emulator.url });
    await expect(tokenOf(authenticator)).rejects.toMatchObject({ status: 400 });
  });

  it("is found in the environment that the emulator prints", async () => {
    const names = Object.keys(emulator.env);
    const before = names.map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, emulator.env, { IAM_IDENTITY_APIKEY: emulator.apiKey });
    try {
      const token = await tokenOf(getAuthenticatorFromEnvironment("iam_identity"));
      expect(claimsOf(token).sub_type).toBeUndefined();
      const iam = IamIdentityV1.newInstance({});
      expect((await iam.getProfile({ profileId: profile.id })).status).toBe(200);
    } finally {
      for (const [name, value] of [...before, ["IAM_IDENTITY_APIKEY", undefined] as const]) {
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    }
  });
});

describe("IamAssumeAuthenticator", () => {
  const ways = (): Record<string, object> => ({
    id: { iamProfileId: profile.id },
    crn: { iamProfileCrn: profile.crn },
    name: { iamProfileName: "workload", iamAccountId: emulator.accountId },
  });

  it.each(["id", "crn", "name"])("assumes a profile by %s", async (way) => {
    const authenticator = new IamAssumeAuthenticator({ apikey: emulator.apiKey, url: emulator.url, ...ways()[way] });
    const claims = claimsOf(await tokenOf(authenticator));
    expect(claims).toMatchObject({ iam_id: profile.iamId, sub_type: "Profile" });
  });

  it("may not assume a profile that does not list it", async () => {
    const other = await api.profile("not for users");
    const authenticator = new IamAssumeAuthenticator({
      apikey: emulator.apiKey,
      url: emulator.url,
      iamProfileId: other.id,
    });
    await expect(tokenOf(authenticator)).rejects.toMatchObject({
      status: 400,
      body: expect.stringContaining("BXNIM0398E") as string,
    });
  });
});

describe("ContainerAuthenticator", () => {
  it.each(["iamProfileId", "iamProfileName"])("exchanges a compute resource token with %s", async (option) => {
    const given = option === "iamProfileId" ? { iamProfileId: profile.id } : { iamProfileName: "workload" };
    const authenticator = new ContainerAuthenticator({
      url: emulator.url,
      crTokenFilename: await tokenFile(),
      ...given,
    });
    expect(claimsOf(await tokenOf(authenticator))).toMatchObject({
      iam_id: profile.iamId,
      authn: { sub: server.crn, iam_id: `crn-${server.crn}` },
    });
  });

  it("is refused with a profile that has no link", async () => {
    const other = await api.profile("without a link");
    const authenticator = new ContainerAuthenticator({
      url: emulator.url,
      crTokenFilename: await tokenFile(),
      iamProfileId: other.id,
    });
    await expect(tokenOf(authenticator)).rejects.toMatchObject({ status: 400 });
  });
});

describe.each([
  ["2022-03-01", "/instance_identity/v1/token", "/instance_identity/v1/iam_token"],
  ["2025-08-26", "/identity/v1/token", "/identity/v1/iam_tokens"],
])("VpcInstanceAuthenticator, version %s", (serviceVersion, tokenPath, iamPath) => {
  it("asks the server's own service, for its default profile", async () => {
    const authenticator = new VpcInstanceAuthenticator({ url: server.url, serviceVersion });
    const calls = await callsOf(async () => {
      expect(claimsOf(await tokenOf(authenticator))).toMatchObject({ iam_id: profile.iamId, sub_type: "Profile" });
    });
    const query = `?version=${serviceVersion}`;
    expect(calls).toEqual([`PUT ${tokenPath}${query} 200`, `POST ${iamPath}${query} 200`]);
  });

  it.each(["iamProfileId", "iamProfileCrn"])("names a profile by %s", async (option) => {
    const given = option === "iamProfileId" ? { iamProfileId: profile.id } : { iamProfileCrn: profile.crn };
    const authenticator = new VpcInstanceAuthenticator({
      url: server.url,
      serviceVersion,
      tokenLifetime: 600,
      ...given,
    });
    expect(claimsOf(await tokenOf(authenticator)).iam_id).toBe(profile.iamId);
  });

  it("is told that a profile is not linked", async () => {
    const { id } = await api.profile(`not linked ${serviceVersion}`);
    const authenticator = new VpcInstanceAuthenticator({ url: server.url, serviceVersion, iamProfileId: id });
    await expect(tokenOf(authenticator)).rejects.toMatchObject({
      status: 400,
      body: expect.stringContaining("profile_not_linked") as string,
    });
  });

  it("cannot name a profile by its name: the service takes an id or a CRN", async () => {
    const given = { url: server.url, serviceVersion, iamProfileName: "workload" };
    await expect(tokenOf(new VpcInstanceAuthenticator(given))).rejects.toMatchObject({
      status: 400,
      body: expect.stringContaining('"code":"unknown_field"') as string,
    });
  });

  it("gives an IAM client what its policies allow, and nothing else", async () => {
    const iam = new IamIdentityV1({
      authenticator: new VpcInstanceAuthenticator({ url: server.url, serviceVersion }),
      serviceUrl: emulator.url,
    });
    await expect(iam.listProfiles({ accountId: emulator.accountId })).rejects.toMatchObject({ status: 403 });
    const policy = await api.policy(profile.iamId, "Viewer", { serviceName: "iam-identity" });
    expect((await iam.listProfiles({ accountId: emulator.accountId })).status).toBe(200);
    await expect(iam.deleteProfile({ profileId: profile.id })).rejects.toMatchObject({ status: 403 });
    await api.must(`DELETE /v2/policies/${policy}`);
    await expect(iam.listProfiles({ accountId: emulator.accountId })).rejects.toMatchObject({ status: 403 });
  });
});
