/**
 * Reads the settings of the client: stack config first, then the environment variables that IBM's own clients use
 * (Terraform's, then the command line's, then the SDKs'), then the credentials file of the SDKs. An empty text counts as
 * not set. Nothing is read when this file is loaded.
 */
import { VpcIdentityError } from "../core/errors";
import { describeProblems, show, type Problem } from "../core/validate";
import {
  argumentSource,
  configSource,
  credentialsFileSource,
  environmentSource,
  findCredentials,
  SDK_PREFIXES,
  searchedPlaces,
  CONFIG_PREFIX,
  type Candidate,
  type ProfileChoice,
  type Source,
} from "./credentials";

/** Reads a key of the stack config namespace `vpc-identity`, named without the namespace. */
export type ConfigReader = (key: string) => string | undefined;

export type Visibility = "public" | "private" | "public-and-private";

export interface Settings {
  /** Region of the VPC API. @default "us-south", as in IBM's own clients */
  readonly region: string;
  /** Which endpoints to use when none is given. @default "public" */
  readonly visibility: Visibility;
  /** Base of IAM, without a path or a closing slash. */
  readonly iamEndpoint: string;
  /** Base of the regional VPC API, with `/v1`, without a closing slash. */
  readonly vpcEndpoint: string;
  /** Base of Global Tagging, without a path or a closing slash. */
  readonly tagsEndpoint: string;
  /** Account to work in. @default - the account of the credentials */
  readonly accountId?: string | undefined;
  /** Resource group of new VPC resources. @default - the account's default group */
  readonly resourceGroupId?: string | undefined;
  /** Longest wait for the response to one attempt. @default 60000 */
  readonly requestTimeoutMs: number;
  /** How often one call is repeated at most. @default 6 */
  readonly maxRetries: number;
  /** In the order in which they are tried; at least one. */
  readonly credentials: readonly [Candidate, ...Candidate[]];
}

/** Where each setting may stand, outermost first. */
const NAMES = {
  region: ["region", ["IC_REGION", "IBMCLOUD_REGION", "BM_REGION", "BLUEMIX_REGION"]],
  visibility: ["visibility", ["IC_VISIBILITY", "IBMCLOUD_VISIBILITY"]],
  iamEndpoint: ["iamEndpoint", ["IBMCLOUD_IAM_API_ENDPOINT", "IAM_IDENTITY_URL"]],
  vpcEndpoint: ["vpcEndpoint", ["IBMCLOUD_IS_NG_API_ENDPOINT", "VPC_URL"]],
  tagsEndpoint: ["taggingEndpoint", ["IBMCLOUD_GT_API_ENDPOINT", "GLOBAL_TAGGING_URL"]],
  accountId: [
    "accountId",
    ["IC_ACCOUNT_ID", "IBMCLOUD_ACCOUNT_ID", ...SDK_PREFIXES.map((prefix) => `${prefix}_IAM_ACCOUNT_ID`)],
  ],
  resourceGroupId: ["resourceGroupId", ["IC_RESOURCE_GROUP", "IBMCLOUD_RESOURCE_GROUP"]],
  profileId: ["profileId", ["IC_IAM_PROFILE_ID", "IBMCLOUD_IAM_PROFILE_ID"]],
  profileCrn: ["profileCrn", []],
  profileName: ["profileName", ["IC_IAM_PROFILE_NAME", "IBMCLOUD_IAM_PROFILE_NAME"]],
  timeoutSeconds: [undefined, ["IC_TIMEOUT", "IBMCLOUD_TIMEOUT", "IBMCLOUD_HTTP_TIMEOUT"]],
  maxRetries: [undefined, ["MAX_RETRIES"]],
} as const satisfies Record<string, readonly [string | undefined, readonly string[]]>;

type SettingName = keyof typeof NAMES;

interface Setting {
  readonly value: string;
  readonly from: string;
  readonly source: Source;
}

/** The keys of which one in the settings of a call sets aside all others: a credential and a profile are each chosen as a whole. */
const CREDENTIAL_KEYS = ["apiKey", "iamToken", "crTokenFile"];
const PROFILE_KEYS = ["profileId", "profileCrn", "profileName"];

/**
 * Reads and checks every setting; every problem is reported at once.
 * @param given settings of one call, by the keys of the stack config: they come before all others
 * @throws VpcIdentityError `IBMID_NO_CREDENTIALS` when there are none, `IBMID_BAD_SETTINGS` when a setting is wrong
 */
export function readSettings(
  config: ConfigReader,
  env: NodeJS.ProcessEnv = process.env,
  given: Readonly<Record<string, string | undefined>> = {},
): Settings {
  const argument = argumentSource(given);
  const sources = [configSource(config), environmentSource(env), credentialsFileSource(env)];
  const setting = (name: SettingName): Setting | undefined => lookUp([argument, ...sources], name);
  const sourcesOf = (keys: readonly string[]): Source[] =>
    keys.some((key) => (given[key] ?? "").trim() !== "") ? [argument] : sources;
  const problems: Problem[] = [];

  const region = pattern(setting("region"), /^[a-z]{2,}(-[a-z0-9]+)+$/, 'a region such as "us-south"', problems);
  const visibility = pattern(
    setting("visibility"),
    /^(public|private|public-and-private)$/,
    '"public", "private" or "public-and-private"',
    problems,
  ) as Visibility | undefined;
  const accountId = pattern(setting("accountId"), /^[0-9A-Za-z_-]{1,100}$/, "an account id", problems);
  const resourceGroupId = pattern(setting("resourceGroupId"), /^\S+$/, "the id of a resource group", problems);
  const timeoutSeconds = pattern(
    setting("timeoutSeconds"),
    /^[1-9]\d{0,4}$/,
    "whole seconds from 1 to 99999",
    problems,
  );
  const maxRetries = pattern(setting("maxRetries"), /^\d{1,2}$/, "a whole number from 0 to 99", problems);
  const iamOverride = endpoint(setting("iamEndpoint"), "", problems);
  const vpcOverride = endpoint(setting("vpcEndpoint"), "/v1", problems);
  const tagsOverride = endpoint(setting("tagsEndpoint"), "", problems);
  const profile = chooseProfile((name) => lookUp(sourcesOf(PROFILE_KEYS), name), problems);
  const [first, ...rest] = findCredentials(sourcesOf(CREDENTIAL_KEYS), profile);
  if (first !== undefined) problems.push(...credentialProblems(first, accountId));
  // A later candidate is only a way out when the first is refused; an incomplete one is no way out, and no mistake either.
  const others = rest.filter((candidate) => credentialProblems(candidate, accountId).length === 0);

  if (problems.length > 0) {
    throw new VpcIdentityError(`The settings of vpc-identity cannot be used:\n${describeProblems(problems)}`, {
      code: "IBMID_BAD_SETTINGS",
    });
  }
  if (first === undefined) throw noCredentials(sources);
  const chosen = { region: region ?? "us-south", visibility: visibility ?? "public" };
  return {
    ...chosen,
    iamEndpoint: iamOverride ?? defaultIamEndpoint(chosen),
    vpcEndpoint: vpcOverride ?? defaultVpcEndpoint(chosen),
    tagsEndpoint: tagsOverride ?? defaultTagsEndpoint(chosen),
    accountId,
    resourceGroupId,
    requestTimeoutMs: Number(timeoutSeconds ?? 60) * 1000,
    maxRetries: Number(maxRetries ?? 6),
    credentials: [first, ...others],
  };
}

function lookUp(sources: readonly Source[], name: SettingName): Setting | undefined {
  const [configKey, variables] = NAMES[name];
  for (const source of sources) {
    const isKeyed = source.origin === "argument" || source.origin === "config";
    const names = isKeyed ? (configKey === undefined ? [] : [configKey]) : variables;
    for (const key of names) {
      const value = source.get(key)?.trim();
      if (value !== undefined && value !== "") return { value, from: source.label(key), source };
    }
  }
  return undefined;
}

function pattern(
  setting: Setting | undefined,
  allowed: RegExp,
  words: string,
  problems: Problem[],
): string | undefined {
  if (setting === undefined || allowed.test(setting.value)) return setting?.value;
  problems.push({ property: setting.from, reason: `is ${show(setting.value)}; must be ${words}` });
  return undefined;
}

/** Terraform's rule: only these two regions have private endpoints of their own for services of the account. */
const REGIONS_WITH_PRIVATE_ENDPOINTS = ["us-south", "us-east"];

function defaultIamEndpoint({ region, visibility }: { region: string; visibility: Visibility }): string {
  if (visibility === "public") return "https://iam.cloud.ibm.com";
  return REGIONS_WITH_PRIVATE_ENDPOINTS.includes(region)
    ? `https://private.${region}.iam.cloud.ibm.com`
    : "https://private.iam.cloud.ibm.com";
}

function defaultVpcEndpoint({ region, visibility }: { region: string; visibility: Visibility }): string {
  return `https://${region}.${visibility === "public" ? "" : "private."}iaas.cloud.ibm.com/v1`;
}

function defaultTagsEndpoint({ region, visibility }: { region: string; visibility: Visibility }): string {
  if (visibility === "public") return "https://tags.global-search-tagging.cloud.ibm.com";
  return REGIONS_WITH_PRIVATE_ENDPOINTS.includes(region)
    ? `https://tags.private.${region}.global-search-tagging.cloud.ibm.com`
    : "https://tags.private.global-search-tagging.cloud.ibm.com";
}

/** The path that an endpoint has; IBM's variable for VPC includes `/v1`, so both forms are taken. */
function endpoint(setting: Setting | undefined, path: "" | "/v1", problems: Problem[]): string | undefined {
  if (setting === undefined) return undefined;
  const problem = endpointProblem(setting.value, path, isLoopback);
  if (problem === undefined) return new URL(setting.value).origin + path;
  problems.push({ property: setting.from, reason: problem });
  return undefined;
}

function endpointProblem(value: string, path: string, mayBePlain: (host: string) => boolean): string | undefined {
  if (!URL.canParse(value)) return `is ${show(value)}; must be an address such as "https://iam.cloud.ibm.com"`;
  const url = new URL(value);
  // A password in an address would reach logs and errors; it is not shown here either.
  if (url.username !== "" || url.password !== "") return "must not hold a user name or password";
  const plain = url.protocol === "http:" && mayBePlain(url.hostname);
  if (url.protocol !== "https:" && !plain)
    return `is ${show(value)}; must begin with "https://" (plain "http://" only on loopback), or the token could be read`;
  const seen = url.pathname.replace(/\/+$/, "");
  if ((seen !== "" && seen !== path) || url.search !== "" || url.hash !== "")
    return `is ${show(value)}; must have no path${path === "" ? "" : ` but "${path}"`} and no query`;
  return undefined;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

const isMetadataHost = (host: string): boolean =>
  isLoopback(host) || host === "169.254.169.254" || host === "api.metadata.cloud.ibm.com";

/** At most one of id, CRN and name, and the innermost source does not add a second one to the outermost. */
function chooseProfile(
  setting: (name: SettingName) => Setting | undefined,
  problems: Problem[],
): ProfileChoice | undefined {
  const order = ["argument", "config", "environment", "file"];
  const found = (["id", "crn", "name"] as const)
    .map((by) => ({ by, setting: setting(by === "id" ? "profileId" : by === "crn" ? "profileCrn" : "profileName") }))
    .flatMap(({ by, setting: one }) => (one === undefined ? [] : [{ by, one }]))
    .sort((a, b) => order.indexOf(a.one.source.origin) - order.indexOf(b.one.source.origin));
  const [first] = found;
  if (first === undefined) return undefined;
  const rivals = found.filter(({ one }) => one.source.origin === first.one.source.origin);
  if (rivals.length > 1) {
    problems.push({
      property: rivals.map(({ one }) => one.from).join(" and "),
      reason: "name a trusted profile more than once; exactly one of id, CRN and name is allowed",
    });
  }
  return { by: first.by, value: first.one.value };
}

function credentialProblems({ credential, from }: Candidate, accountId: string | undefined): Problem[] {
  const { profile } = credential;
  const problem = (reason: string): Problem[] => [{ property: from, reason }];
  switch (credential.kind) {
    case "apiKey":
    case "iamToken":
      return profile?.by === "name" && accountId === undefined
        ? problem(
            `is to become the trusted profile named ${show(profile.value)}; a name needs ${CONFIG_PREFIX}accountId too`,
          )
        : [];
    case "crToken":
      return profile === undefined
        ? problem(`needs the trusted profile to become: ${CONFIG_PREFIX}profileId, profileCrn or profileName`)
        : [];
    case "instanceIdentity": {
      const wrong = endpointProblem(credential.endpoint, "", isMetadataHost);
      return [
        ...(wrong === undefined ? [] : problem(wrong)),
        ...(profile?.by === "name"
          ? problem(`cannot use the profile name ${show(profile.value)}; a server names its profile by id or CRN`)
          : []),
      ];
    }
  }
}

function noCredentials(sources: readonly Source[]): VpcIdentityError {
  const places = searchedPlaces(sources).map((place, index) => `  ${index + 1}. ${place}`);
  const services = new Intl.ListFormat("en", { type: "disjunction" }).format(SDK_PREFIXES);
  return new VpcIdentityError(
    `No IBM Cloud credentials were found. Looked for, in this order:\n${places.join("\n")}\n` +
      `where <service> is ${services}.\n` +
      `Set one of them, for example IBMCLOUD_API_KEY, or \`pulumi config set --secret ${CONFIG_PREFIX}apiKey\`.`,
    { code: "IBMID_NO_CREDENTIALS" },
  );
}
