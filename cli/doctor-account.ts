/** What `doctor` finds out about the account: whose credentials there are, and whether the services answer. */
import type { Check } from "./check";
import type { Candidate } from "../client/credentials";
import { CALL_LIMITS, createTransport, send } from "../client/http";
import { openSession, VPC_VERSION, type Session } from "../client/session";
import { readSettings, type ConfigReader, type Settings } from "../client/settings";
import { accountOf, claimsOf } from "../client/token";
import { getRegion } from "../client/vpc-lookups";

/** Tokens and signatures live for minutes; a clock that is wrong by less does no harm. */
const CLOCK_TOLERANCE_SECONDS = 60;

export interface Account {
  readonly checks: readonly Check[];
  /** Undefined where there is no token. */
  readonly session: Session | undefined;
}

/** A person waits for the answer: what does not answer soon counts as gone. */
function impatient(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, MAX_RETRIES: "1", IC_TIMEOUT: "10" };
}

export async function checkAccount(config: ConfigReader, env: NodeJS.ProcessEnv): Promise<Account> {
  const hasty = impatient(env);
  const name = "credentials";
  let session: Session;
  const warnings: string[] = [];
  try {
    session = openSession(config, hasty, { warn: (message) => warnings.push(message) });
  } catch (error) {
    const missing: Check = { name, verdict: "missing", detail: messageOf(error), fix: CREDENTIALS_FIX };
    const settings = settingsAnyway(config, hasty);
    return { checks: [missing, ...(settings === undefined ? [] : await checkIam(settings))], session: undefined };
  }
  const iam = await checkIam(session.settings);
  if (iam.some(({ name: which, verdict }) => which === "iam" && verdict === "missing")) {
    const detail = `found: ${describe(session.settings.credentials)}; not tried, since IAM does not answer`;
    return { checks: [{ name, verdict: "skipped", detail }, ...iam], session: undefined };
  }
  try {
    const token = await session.token();
    const checks = [credentials(session, token, warnings), ...iam, ...(await checkVpc(session))];
    return { checks, session };
  } catch (error) {
    const missing: Check = { name, verdict: "missing", detail: messageOf(error), fix: CREDENTIALS_FIX };
    return { checks: [missing, ...iam], session: undefined };
  }
}

const CREDENTIALS_FIX =
  "set IBMCLOUD_API_KEY to an API key of yours (https://cloud.ibm.com/iam/apikeys), or\npulumi config set --secret vpc-identity:apiKey";

/** Which services there are can be told without credentials, with one that is never used in their place. */
function settingsAnyway(config: ConfigReader, env: NodeJS.ProcessEnv): Settings | undefined {
  try {
    return readSettings((key) => config(key) ?? (key === "apiKey" ? "none" : undefined), env);
  } catch {
    return undefined;
  }
}

const describe = (candidates: readonly Candidate[]): string =>
  candidates.map(({ credential: { kind }, from }) => `${KINDS[kind]} from ${from}`).join(", then ");

const KINDS: Readonly<Record<Candidate["credential"]["kind"], string>> = {
  apiKey: "API key",
  iamToken: "IAM token",
  crToken: "compute resource token",
  instanceIdentity: "identity of this server",
};

function credentials(session: Session, token: string, warnings: readonly string[]): Check {
  const claims = claimsOf(token) ?? {};
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  const minutes = typeof claims.exp === "number" ? Math.round((claims.exp * 1000 - Date.now()) / 60_000) : undefined;
  const who = [text(claims.name), text(claims.email)].filter((part) => part !== undefined).join(", ") || "unnamed";
  const lines = [
    describe(session.settings.credentials),
    `${who} (${text(claims.iam_id) ?? "no IAM id"}, ${text(claims.sub_type) ?? "User"})`,
    `account ${accountOf(token) ?? "unknown"}${minutes === undefined ? "" : `; the token is good for ${minutes} minutes`}`,
    ...warnings,
  ];
  return { name: "credentials", verdict: "ok", detail: lines.join("\n") };
}

/** A page of IAM that everybody may read: it shows that IAM is there, and what time it is there. */
async function checkIam({ iamEndpoint, maxRetries, requestTimeoutMs }: Settings): Promise<Check[]> {
  const transport = createTransport();
  try {
    const answer = await send(
      transport,
      {
        method: "GET",
        url: new URL(`${iamEndpoint}/identity/.well-known/openid-configuration`),
        doing: "reach IAM",
        headers: {},
        requestIdHeaders: ["x-request-id"],
      },
      { retry: { ...CALL_LIMITS.retry, maxRetries }, requestTimeoutMs },
    );
    return [{ name: "iam", verdict: "ok", detail: iamEndpoint }, clock(answer.headers.date)];
  } catch (error) {
    const fix = "check the network, a firewall, and IBMCLOUD_IAM_API_ENDPOINT or vpc-identity:iamEndpoint";
    return [{ name: "iam", verdict: "missing", detail: messageOf(error), fix }];
  } finally {
    await transport.dispatcher.close();
  }
}

function clock(date: string | undefined): Check {
  const theirs = Date.parse(date ?? "");
  const name = "clock";
  if (Number.isNaN(theirs)) return { name, verdict: "unclear", detail: "IAM does not say what time it is" };
  const seconds = Math.round((Date.now() - theirs) / 1000);
  const size = Math.abs(seconds);
  if (size <= CLOCK_TOLERANCE_SECONDS) return { name, verdict: "ok", detail: `${size} s from IAM's` };
  const detail = `this machine is ${size} s ${seconds > 0 ? "ahead of" : "behind"} IAM; allowed: ${CLOCK_TOLERANCE_SECONDS} s`;
  return { name, verdict: "missing", detail, fix: "set the clock, for example with `timedatectl set-ntp true`" };
}

async function checkVpc(session: Session): Promise<Check[]> {
  const { region, vpcEndpoint } = session.settings;
  const name = "vpc";
  try {
    const { status } = await getRegion(session, region);
    const detail = `${vpcEndpoint}, region ${region} (${status}), version ${VPC_VERSION}, generation 2`;
    if (status === "available") return [{ name, verdict: "ok", detail }];
    return [{ name, verdict: "missing", detail, fix: "wait until the region is available, or take another" }];
  } catch (error) {
    const fix = "check IBMCLOUD_REGION or vpc-identity:region, the network, and IBMCLOUD_IS_NG_API_ENDPOINT";
    return [{ name, verdict: "missing", detail: messageOf(error), fix }];
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
