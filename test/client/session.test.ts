/** Tokens and sessions: grants as they go over the wire, one request for many callers, renewal, refusal. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../../client/log";
import { getProfile } from "../../client/iam-identity";
import { TokenCache } from "../../client/token";
import {
  ACCOUNT,
  API_KEY,
  FakeClock,
  jwt,
  sessionOn,
  startServer,
  withTokens,
  type OpenedSession,
  type Script,
  type ScriptedServer,
} from "./scripted-server";

let server: ScriptedServer;
const opened: OpenedSession[] = [];
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vpc-identity-session-"));
});

afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  for (const session of opened.splice(0)) await session.transport.close();
  await server.close();
});

async function open(
  script: Script,
  config: Record<string, string> = {},
  options: Parameters<typeof sessionOn>[2] = {},
): Promise<OpenedSession> {
  server = await startServer(script);
  const session = sessionOn(server, config, options);
  opened.push(session);
  return session;
}

const form = (body: string): Record<string, string> => Object.fromEntries(new URLSearchParams(body));
const GRANT = "urn:ibm:params:oauth:grant-type:";
const PROFILE = {
  id: "Profile-1",
  iam_id: "iam-Profile-1",
  crn: "crn:p",
  name: "web",
  account_id: ACCOUNT,
  entity_tag: "1-a",
};
const read = (session: OpenedSession): Promise<unknown> => getProfile(session, "Profile-1");

describe("grants on the wire", () => {
  it("API key", async () => {
    const session = await open(withTokens(() => ({})));
    await session.token();
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({ method: "POST", url: "/identity/token" });
    expect(server.seen[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(form(server.seen[0]?.body ?? "")).toEqual({ grant_type: `${GRANT}apikey`, apikey: API_KEY });
  });

  it("IAM token: none", async () => {
    const token = jwt({ exp: 4_000_000_000 });
    const session = await open(() => ({ body: PROFILE }), { iamToken: `Bearer ${token}`, apiKey: "" });
    await read(session);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${token}`]);
  });

  it("assume: by id, with the token of the API key", async () => {
    const session = await open(
      withTokens(
        () => ({}),
        (index) => jwt({ jti: `t${index}` }),
      ),
      { profileId: "Profile-1" },
    );
    expect(await session.token()).toBe(jwt({ jti: "t1" }));
    expect(form(server.seen[1]?.body ?? "")).toEqual({
      grant_type: `${GRANT}assume`,
      access_token: jwt({ jti: "t0" }),
      profile_id: "Profile-1",
    });
  });

  it("assume: by name, in the account", async () => {
    const session = await open(
      withTokens(() => ({})),
      { profileName: "web", accountId: "acc" },
    );
    await session.token();
    expect(form(server.seen[1]?.body ?? "")).toMatchObject({ profile_name: "web", account: "acc" });
    expect(await session.accountId()).toBe("acc");
  });

  it("compute resource token: read again for each new one", async () => {
    const file = join(folder, "token");
    writeFileSync(file, "cr-token-number-one\n");
    const session = await open(
      withTokens(() => ({})),
      { apiKey: "", crTokenFile: file, profileCrn: "crn:p" },
    );
    await session.token();
    writeFileSync(file, "cr-token-number-two");
    session.transport.clock.advance(3_600_000);
    await session.token();
    expect(server.seen.map(({ body }) => form(body))).toEqual([
      { grant_type: `${GRANT}cr-token`, cr_token: "cr-token-number-one", profile_crn: "crn:p" },
      { grant_type: `${GRANT}cr-token`, cr_token: "cr-token-number-two", profile_crn: "crn:p" },
    ]);
  });

  it("instance identity: identity token, then IAM token", async () => {
    const script: Script = ({ url }) => ({
      body: { access_token: url.includes("/iam_tokens") ? jwt() : "identity.token.value", expires_in: 300 },
    });
    server = await startServer(script);
    const env = {
      VPC_AUTH_TYPE: "vpc",
      VPC_AUTH_URL: server.url,
      VPC_IAM_PROFILE_CRN: "crn:p",
    };
    const session = sessionOn(server, {}, { env });
    opened.push(session);
    expect(await session.accountId()).toBe(ACCOUNT);
    const [first, second] = server.seen;
    expect([first?.method, first?.url]).toEqual(["PUT", expect.stringMatching(/^\/identity\/v1\/token\?version=20/)]);
    expect(first?.headers["metadata-flavor"]).toBe("ibm");
    expect(JSON.parse(first?.body ?? "")).toEqual({ expires_in: 300 });
    expect([second?.method, second?.url]).toEqual([
      "POST",
      expect.stringMatching(/^\/identity\/v1\/iam_tokens\?version=20/),
    ]);
    expect(second?.headers.authorization).toBe("Bearer identity.token.value");
    expect(JSON.parse(second?.body ?? "")).toEqual({ trusted_profile: { crn: "crn:p" } });
  });
});

describe("token life", () => {
  it("many callers cause one request", async () => {
    const session = await open(withTokens(() => ({ body: PROFILE })));
    await Promise.all(Array.from({ length: 20 }, () => read(session)));
    expect(server.to("/identity/token")).toHaveLength(1);
    expect(server.to("/v1/profiles")).toHaveLength(20);
  });

  it("sessions with the same credentials share it, others do not", async () => {
    const tokens = new TokenCache();
    const session = await open(
      withTokens(() => ({})),
      {},
      { tokens },
    );
    const same = sessionOn(server, {}, { tokens });
    const other = sessionOn(server, { apiKey: "another-key-of-at-least-32-characters" }, { tokens });
    opened.push(same, other);
    await Promise.all([session.token(), same.token()]);
    expect(server.seen).toHaveLength(1);
    await other.token();
    expect(server.seen).toHaveLength(2);
  });

  it("is renewed in the background after 80 % of its life, and awaited at its end", async () => {
    const session = await open(withTokens(() => ({})));
    const first = await session.token();
    session.transport.clock.advance(0.79 * 3_600_000);
    expect(await session.token()).toBe(first);
    expect(server.seen).toHaveLength(1);
    session.transport.clock.advance(0.02 * 3_600_000);
    expect(await session.token()).toBe(first);
    while (server.seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    while ((await session.token()) === first) await new Promise((resolve) => setTimeout(resolve, 5));
    session.transport.clock.advance(3_600_000 - 9_000);
    await session.token();
    expect(server.seen).toHaveLength(3);
  });

  it("a failed renewal keeps the old token and tries again a minute later", async () => {
    const clock = new FakeClock();
    const cache = new TokenCache();
    let asked = 0;
    const request = async () => {
      if (asked++ === 1) throw new Error("down");
      return { value: `token-${asked}`, issuedAtMs: clock.now(), expiresAtMs: clock.now() + 3_600_000 };
    };
    const get = () => cache.get("key", request, clock);
    await get();
    clock.advance(0.85 * 3_600_000);
    expect((await get()).value).toBe("token-1");
    await new Promise(setImmediate);
    expect((await get()).value).toBe("token-1");
    expect(asked).toBe(2);
    clock.advance(61_000);
    await get();
    await new Promise(setImmediate);
    expect((await get()).value).toBe("token-3");
  });
});

describe("a token that is not accepted", () => {
  const unauthenticated = { status: 401, body: { errors: [{ code: "unauthenticated", message: "No." }] } };

  it("is renewed once, for all callers together", async () => {
    const good = jwt({ jti: 1 });
    const session = await open(
      withTokens(({ headers }) => (headers.authorization === `Bearer ${good}` ? { body: PROFILE } : unauthenticated)),
    );
    await Promise.all(Array.from({ length: 10 }, () => read(session)));
    expect(server.to("/identity/token")).toHaveLength(2);
  });

  it("gives up when the new one is not accepted either", async () => {
    const session = await open(withTokens(() => unauthenticated));
    await expect(read(session)).rejects.toMatchObject({ code: "IBMID_UNAUTHENTICATED", status: 401 });
    expect(server.seen.map(({ method }) => method)).toEqual(["POST", "GET", "POST", "GET"]);
  });

  it("a plain token cannot be renewed, and the error says what the server said", async () => {
    const env = { IC_IAM_TOKEN: jwt({ exp: 4_000_000_000 }) };
    const session = await open(() => unauthenticated, {}, { env });
    const failure = read(session);
    await expect(failure).rejects.toMatchObject({ code: "IBMID_CREDENTIALS_REFUSED" });
    await expect(failure).rejects.toThrow(/environment variable IC_IAM_TOKEN was refused.*unauthenticated: No\./s);
  });

  it("an expired plain token is not even sent", async () => {
    const session = await open(() => ({}), { apiKey: "", iamToken: jwt({ exp: 1_000_000_000 }) });
    await expect(read(session)).rejects.toThrow(/It has expired/);
    expect(server.seen).toEqual([]);
  });
});

describe("a refused credential", () => {
  const refuse = {
    status: 400,
    body: { errorCode: "BXNIM0415E", errorMessage: "Provided API key could not be found." },
  };
  const accepting =
    (...keys: string[]): Script =>
    ({ body, url }) => {
      if (!url.startsWith("/identity/token")) return { body: PROFILE };
      return keys.includes(form(body).apikey ?? "") ? { body: { access_token: jwt(), expires_in: 3600 } } : refuse;
    };
  const stale = "stale-key-of-the-config-0123456789";
  const fresh = "fresh-key-of-the-environment-0123456789";

  it("of the config makes us try the next source, once, with a warning without the key", async () => {
    const session = await open(accepting(fresh), { apiKey: stale }, { env: { IBMCLOUD_API_KEY: fresh } });
    await Promise.all([read(session), read(session)]);
    await read(session);
    expect(session.warnings).toHaveLength(1);
    expect(session.warnings[0]).toMatch(/stack config vpc-identity:apiKey was refused.*BXNIM0415E.*IBMCLOUD_API_KEY/s);
    expect(session.warnings[0]).not.toContain(stale);
    expect(server.to("/identity/token")).toHaveLength(2);
  });

  it("when none is left, the error says to run up first", async () => {
    const session = await open(accepting(), { apiKey: stale });
    await expect(read(session)).rejects.toMatchObject({ code: "IBMID_CREDENTIALS_REFUSED" });
    await expect(read(session)).rejects.toThrow(/BXNIM0415E.*run `pulumi up` first, or add `--run-program`/s);
  });

  it("of the environment is final", async () => {
    const env = { IC_API_KEY: stale, IBMCLOUD_API_KEY: fresh };
    const session = await open(accepting(fresh), {}, { env });
    await expect(read(session)).rejects.toThrow(/environment variable IC_API_KEY was refused/);
    expect(session.warnings).toEqual([]);
  });

  it("is not confused with a service that is down", async () => {
    const session = await open(() => ({ status: 500 }), { apiKey: stale }, { env: { IBMCLOUD_API_KEY: fresh } });
    await expect(read(session)).rejects.toMatchObject({ code: "IBMID_SERVER_ERROR" });
    expect(session.warnings).toEqual([]);
  });
});

describe("session", () => {
  it("keeps a value, but no failure", async () => {
    const session = await open(() => ({}));
    let made = 0;
    const make = async (): Promise<number> => {
      if (made++ === 0) throw new Error("first");
      return made;
    };
    await expect(session.once("key", make)).rejects.toThrow("first");
    expect(await Promise.all([session.once("key", make), session.once("key", make)])).toEqual([2, 2]);
  });

  it("says what to set when the token does not name an account", async () => {
    const session = await open(
      withTokens(
        () => ({}),
        () => "opaque-token-without-claims",
      ),
    );
    await expect(session.accountId()).rejects.toThrow(/vpc-identity:accountId/);
  });

  it("ends a wait for the token when it is cancelled, and other sessions still get it", async () => {
    const cancel = new AbortController();
    const tokens = new TokenCache();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const script: Script = async () => {
      await held;
      return { body: { access_token: jwt(), expires_in: 3600 } };
    };
    const session = await open(script, {}, { tokens, signal: cancel.signal });
    const other = sessionOn(server, {}, { tokens });
    opened.push(other);
    const [cancelled, waiting] = [session.token(), other.token()];
    cancel.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "IBMID_CANCELLED" });
    release();
    expect(await waiting).toBe(jwt());
    expect(server.seen).toHaveLength(1);
  });

  it("logs no secret of any kind", async () => {
    const lines: string[] = [];
    const log = createLog({ VPC_IDENTITY_LOG: "debug" }, (text) => lines.push(text));
    const token = jwt({ jti: "in-the-log" });
    const session = await open(
      withTokens(
        () => ({ status: 400, body: { errors: [{ code: "x", message: `${API_KEY} ${token}` }] } }),
        () => token,
      ),
      {},
      { log },
    );
    const failure = await read(session).catch((error: unknown) => error as Error);
    const all = [...lines, String(failure), JSON.stringify(failure)].join("\n");
    expect(lines.length).toBeGreaterThan(1);
    expect(all).toContain("/identity/token");
    expect(all).toContain("[redacted]");
    expect(all).not.toContain(API_KEY);
    expect(all).not.toContain(token);
  });
});
