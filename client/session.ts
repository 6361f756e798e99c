/**
 * What the functions of an API work with: settings, an access token that renews itself, and calls that carry it. When a
 * credential of the stack config is refused, the next source is tried: `destroy` and `refresh` get the config that was
 * stored with the last update, where a key that has been rotated since is stale.
 */
import { isHttpError, VpcIdentityError } from "../core/errors";
import type { Clock } from "../core/time";
import type { Candidate } from "./credentials";
import { createTransport, CALL_LIMITS, send, type HttpAnswer, type Method, type Transport } from "./http";
import { createLog, type Log } from "./log";
import { readSettings, type ConfigReader, type Settings } from "./settings";
import { accountOf, cacheKey, requestToken, TokenCache, type Token } from "./token";

/** A call of an API. */
export interface Call {
  readonly api: "iam" | "vpc" | "tags";
  readonly method: Method;
  /** From the base of the API, ids already encoded: `/v1/profiles/Profile-...`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** @default "application/json" */
  readonly contentType?: string;
  /** What the call is for, to begin an error with. */
  readonly doing: string;
  /** Doing it twice is as good as once. @default true for GET, PUT and DELETE, false for POST and PATCH */
  readonly repeatable?: boolean;
  /** Ends this call. @default - the signal of the session */
  readonly signal?: AbortSignal;
}

export interface Session {
  readonly settings: Settings;
  readonly clock: Clock;
  /** The account of the settings, else the one that the access token is for. */
  accountId(): Promise<string>;
  /** An access token that is good now. */
  token(): Promise<string>;
  /** Calls an API with the token; once more with a new one when the first is not accepted. */
  call(call: Call): Promise<HttpAnswer>;
  /** Makes a value at most once in this session; a failure is not kept. */
  once<T>(key: string, make: () => Promise<T>): Promise<T>;
}

export interface SessionOptions {
  /** Told when a credential of the stack config is refused and another is used. @default console.warn */
  readonly warn?: ((message: string) => void) | undefined;
  /**
   * Settings by the keys of the stack config, before all others. A credential or a profile among them sets aside every other
   * one: none is tried in its place.
   * @default - none
   */
  readonly given?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends every call of the session. */
  readonly signal?: AbortSignal | undefined;
  /** @default - the connection pool and the tokens of the process */
  readonly transport?: Transport | undefined;
  readonly tokens?: TokenCache | undefined;
  readonly log?: Log | undefined;
}

/**
 * A path whose segments cannot leave it: an empty id would address the whole list, and `..` its parent.
 * @throws VpcIdentityError `IBMID_BAD_ID`
 */
export function pathTo(base: string, ...segments: readonly string[]): string {
  const bad = segments.find((segment) => /^\.{0,2}$/.test(segment));
  if (bad !== undefined)
    throw new VpcIdentityError(`${JSON.stringify(bad)} is no id under ${base}.`, { code: "IBMID_BAD_ID" });
  return [base, ...segments.map(encodeURIComponent)].join("/");
}

/** Version date of the VPC API that this package is written for; the service keeps behaving like it. */
export const VPC_VERSION = "2025-08-26";

let processTransport: Transport | undefined;
const processTokens = new TokenCache();

/**
 * Opens a session; makes no call yet.
 * @throws VpcIdentityError `IBMID_NO_CREDENTIALS` or `IBMID_BAD_SETTINGS`
 * @example
 * const session = openSession((key) => config.get(key));
 * for await (const profile of listProfiles(session)) console.log(profile.name);
 */
export function openSession(
  config: ConfigReader,
  env: NodeJS.ProcessEnv = process.env,
  options: SessionOptions = {},
): Session {
  const settings = readSettings(config, env, options.given);
  const transport = options.transport ?? (processTransport ??= createTransport());
  const limits = {
    retry: { ...CALL_LIMITS.retry, maxRetries: settings.maxRetries },
    requestTimeoutMs: settings.requestTimeoutMs,
  };
  const log = options.log ?? createLog(env);
  const tokens = new SessionTokens(settings, transport, {
    tokens: options.tokens ?? processTokens,
    warn: options.warn ?? ((message) => console.warn(message)),
    signal: options.signal,
    // Without the signal: sessions share a token that is on its way, and one that ends must not fail the others.
    send: (request) => send(transport, request, limits, log),
  });
  const kept = new Map<string, Promise<unknown>>();

  return {
    settings,
    clock: transport.clock,
    token: async () => (await tokens.get()).value,
    accountId: async () => settings.accountId ?? accountOfToken(await tokens.get()),
    call: (call) =>
      tokens.withToken((token) => send(transport, requestOf(settings, call, token, options), limits, log)),
    once: <T>(key: string, make: () => Promise<T>) => {
      const value = (kept.get(key) as Promise<T> | undefined) ?? make();
      kept.set(key, value);
      value.catch(() => kept.delete(key));
      return value;
    },
  };
}

function baseOf({ iamEndpoint, vpcEndpoint, tagsEndpoint }: Settings, api: Call["api"]): string {
  return { iam: iamEndpoint, vpc: vpcEndpoint, tags: tagsEndpoint }[api];
}

function requestOf(
  settings: Settings,
  call: Call,
  token: Token,
  { signal }: SessionOptions,
): Parameters<typeof send>[1] {
  const url = new URL(baseOf(settings, call.api) + call.path);
  const query = call.api === "vpc" ? { version: VPC_VERSION, generation: 2, ...call.query } : call.query;
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value));
  const hasBody = call.body !== undefined;
  return {
    method: call.method,
    url,
    doing: call.doing,
    headers: {
      ...call.headers,
      authorization: `Bearer ${token.value}`,
      ...(hasBody ? { "content-type": call.contentType ?? "application/json" } : {}),
    },
    body: hasBody ? JSON.stringify(call.body) : undefined,
    requestIdHeaders: [call.api === "vpc" ? "x-request-id" : "transaction-id"],
    repeatable: call.repeatable,
    signal: call.signal ?? signal,
  };
}

function accountOfToken(token: Token): string {
  const account = accountOf(token.value);
  if (account !== undefined) return account;
  throw new VpcIdentityError(
    "The access token does not say which account it is for: set vpc-identity:accountId or IBMCLOUD_ACCOUNT_ID.",
    { code: "IBMID_BAD_SETTINGS" },
  );
}

interface TokenTools {
  readonly signal: AbortSignal | undefined;
  readonly tokens: TokenCache;
  readonly warn: (message: string) => void;
  readonly send: (request: Parameters<typeof send>[1]) => Promise<HttpAnswer>;
}

interface Refusal {
  readonly token: string;
  readonly error: Error;
}

/** The token of the first credential that is accepted. */
class SessionTokens {
  private current = 0;

  constructor(
    private readonly settings: Settings,
    private readonly transport: Transport,
    private readonly tools: TokenTools,
  ) {}

  /** `refusal`: the token that a server did not accept, and how it said so. */
  async get(refusal?: Refusal): Promise<Token> {
    for (;;) {
      const index = this.current;
      const candidate = this.settings.credentials[index];
      if (candidate === undefined) throw new RangeError(`no credential ${index}`);
      try {
        return await this.tokenOf(candidate, refusal);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        this.moveOn(index, candidate, error);
      }
    }
  }

  async withToken<T>(work: (token: Token) => Promise<T>): Promise<T> {
    const token = await this.get();
    try {
      return await work(token);
    } catch (error) {
      if (!isHttpError(error) || error.status !== 401) throw error;
      return work(await this.get({ token: token.value, error }));
    }
  }

  private async tokenOf({ credential }: Candidate, refusal: Refusal | undefined): Promise<Token> {
    const { settings, transport, tools } = this;
    const context = { ...settings, clock: transport.clock, send: tools.send };
    const key = cacheKey(credential, settings);
    const token = await unlessAborted(
      tools.tokens.get(key, () => requestToken(context, credential), transport.clock, refusal?.token),
      tools.signal,
    );
    // A plain token cannot be renewed: what was refused or has expired stays so.
    if (token.value === refusal?.token || transport.clock.now() >= token.expiresAtMs) throw tokenOver(refusal?.error);
    return token;
  }

  /** Goes to the next credential after one of the stack config; any other refusal is final. */
  private moveOn(index: number, { from, origin }: Candidate, error: Error): void {
    const next = this.settings.credentials[index + 1];
    if (origin === "config" && next !== undefined) {
      // Several calls may find out at the same time; the first one moves on and tells.
      if (this.current !== index) return;
      this.current = index + 1;
      this.tools.warn(`${from} was refused (${error.message}) Using ${next.from} instead.`);
      return;
    }
    const stale = this.settings.credentials.some((candidate) => candidate.origin === "config")
      ? " If the one in the stack config was replaced since the last update, run `pulumi up` first, or add `--run-program`:" +
        " destroy and refresh use the config of the last update."
      : "";
    throw new VpcIdentityError(`The credential from ${from} was refused. ${error.message}${stale}`, {
      code: "IBMID_CREDENTIALS_REFUSED",
      cause: error,
    });
  }
}

/** Stops waiting when the signal says so; what was waited for goes on. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      reject(new VpcIdentityError("log in: cancelled.", { code: "IBMID_CANCELLED", cause: signal.reason }));
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    void work.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", stop);
    });
  });
}

function tokenOver(cause: Error | undefined): VpcIdentityError {
  const said = cause === undefined ? "It has expired." : cause.message;
  return new VpcIdentityError(`${said} A token alone cannot be renewed: get a new one, or use an API key.`, {
    code: "IBMID_TOKEN_EXPIRED",
    cause,
  });
}

/** IBM answers a wrong API key with 400; 401 and 403 say the same in other cases. */
function isRefusal(error: unknown): error is Error {
  if (isHttpError(error)) return [400, 401, 403].includes(error.status);
  const code = error instanceof Error ? (error as Partial<VpcIdentityError>).code : undefined;
  return code === "IBMID_TOKEN_EXPIRED" || code === "IBMID_NO_CR_TOKEN";
}
