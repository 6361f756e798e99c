/**
 * Which credentials there are and where they were found. One table names every place that is searched, in order, so
 * that the search and the message "no credentials" can never tell different stories.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { rememberSecret, VpcIdentityError } from "../core/errors";

/** The trusted profile to become; a name needs the account it is in. */
export interface ProfileChoice {
  readonly by: "id" | "crn" | "name";
  readonly value: string;
}

/** A compute resource token: the value itself, or the files it may be in (the platform replaces them when it rotates). */
export type CrTokenSource = { readonly value: string } | { readonly files: readonly string[] };

export type Credential =
  | { readonly kind: "apiKey"; readonly apiKey: string; readonly profile?: ProfileChoice | undefined }
  | { readonly kind: "iamToken"; readonly token: string; readonly profile?: ProfileChoice | undefined }
  | { readonly kind: "crToken"; readonly crToken: CrTokenSource; readonly profile?: ProfileChoice | undefined }
  | { readonly kind: "instanceIdentity"; readonly endpoint: string; readonly profile?: ProfileChoice | undefined };

/** Where a setting was found. Only the name is ever shown, never the value. */
export interface Candidate {
  readonly credential: Credential;
  readonly origin: Origin;
  /** For messages: `stack config vpc-identity:apiKey`, `environment variable IC_API_KEY`... */
  readonly from: string;
}

export type Origin = "argument" | "config" | "environment" | "file";

/** One of the places settings come from, in order of precedence. */
export interface Source {
  readonly origin: Origin;
  get(name: string): string | undefined;
  /** The place, for a list of the names that are looked for in it. */
  readonly place: string;
  /** The name as a person would look for it. */
  label(name: string): string;
}

/** IBM's SDKs prefix their settings with the service; these are the services this package talks to. */
export const SDK_PREFIXES = ["IAM_IDENTITY", "VPC", "IAM_POLICY_MANAGEMENT"] as const;

/** Where IBM Kubernetes Service and Code Engine put the token, in the order IBM's SDKs look. */
export const CR_TOKEN_FILES = [
  "/var/run/secrets/tokens/vault-token",
  "/var/run/secrets/tokens/sa-token",
  "/var/run/secrets/codeengine.cloud.ibm.com/compute-resource-token/token",
] as const;

export const METADATA_ENDPOINT = "http://169.254.169.254";

export const CONFIG_PREFIX = "vpc-identity:";

export function configSource(config: (key: string) => string | undefined): Source {
  return {
    origin: "config",
    place: "stack config",
    get: (name) => nonEmpty(config(name)),
    label: (name) => `stack config ${CONFIG_PREFIX}${name}`,
  };
}

/** The settings of one call, by the names of the stack config's keys. */
export function argumentSource(settings: Readonly<Record<string, string | undefined>>): Source {
  return {
    origin: "argument",
    place: "settings of the call",
    get: (name) => nonEmpty(settings[name]),
    label: (name) => `settings.${name}`,
  };
}

export function environmentSource(env: NodeJS.ProcessEnv): Source {
  return {
    origin: "environment",
    place: "environment variables",
    get: (name) => nonEmpty(env[name]),
    label: (name) => `environment variable ${name}`,
  };
}

/** The credentials file of IBM's SDKs: `IBM_CREDENTIALS_FILE`, else `ibm-credentials.env` here or in the home folder. */
export function credentialsFileSource(env: NodeJS.ProcessEnv): Source {
  const named = nonEmpty(env.IBM_CREDENTIALS_FILE);
  const places =
    named === undefined ? [join(process.cwd(), FILE_NAME), join(nonEmpty(env.HOME) ?? homedir(), FILE_NAME)] : [named];
  for (const path of places) {
    const content = readIfThere(path, named !== undefined);
    if (content === undefined) continue;
    const values = parseEnvFile(content);
    return {
      origin: "file",
      place: path,
      get: (name) => nonEmpty(values.get(name)),
      label: (name) => `${name} in ${path}`,
    };
  }
  const place = places.join(" or ");
  return { origin: "file", place, get: () => undefined, label: (name) => `${name} in ${place}` };
}

/** Everywhere in the settings, an empty text counts as not set. */
const nonEmpty = (value: string | undefined): string | undefined => (value === "" ? undefined : value);

const FILE_NAME = "ibm-credentials.env";

function readIfThere(path: string, required: boolean): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (!required) return undefined;
    throw new VpcIdentityError(
      `The credentials file "${path}", named by IBM_CREDENTIALS_FILE, cannot be read. Correct or unset the variable.`,
      { code: "IBMID_BAD_SETTINGS", cause },
    );
  }
}

function parseEnvFile(content: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of content.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    values.set(match[1].toUpperCase(), match[2].replace(/^(["'])(.*)\1$/, "$2"));
  }
  return values;
}

/** What the table's rows need to know beyond the value they found. */
interface Found {
  readonly value: string;
  readonly source: Source;
  /** The profile of the settings common to all sources. */
  readonly profile: ProfileChoice | undefined;
}

interface Place {
  readonly origin: Origin;
  readonly name: string;
  /** Undefined: the value is there but does not choose this credential. */
  make(found: Found): Credential | undefined;
}

const PLACES: readonly Place[] = [
  { origin: "config", name: "apiKey", make: ({ value, profile }) => ({ kind: "apiKey", apiKey: value, profile }) },
  { origin: "config", name: "iamToken", make: ({ value, profile }) => ({ kind: "iamToken", token: value, profile }) },
  {
    origin: "config",
    name: "crTokenFile",
    make: ({ value, profile }) => ({ kind: "crToken", crToken: { files: [value] }, profile }),
  },
  ...["IC_API_KEY", "IBMCLOUD_API_KEY"].map(environmentApiKey),
  ...["IC_IAM_TOKEN", "IBMCLOUD_IAM_TOKEN"].map(environmentIamToken),
  {
    origin: "environment",
    name: "IBMCLOUD_CR_TOKEN",
    make: ({ value, source, profile }) => ({
      kind: "crToken",
      crToken: value.startsWith("@") ? { files: [value.slice(1)] } : { value },
      profile: profile ?? cliProfile(source),
    }),
  },
  {
    origin: "environment",
    name: "IBMCLOUD_CR_VPC_URL",
    make: ({ value, source, profile }) => ({
      kind: "instanceIdentity",
      endpoint: value,
      profile: profile ?? cliProfile(source),
    }),
  },
  ...SDK_PREFIXES.flatMap((prefix) => sdkPlaces("environment", prefix)),
  ...SDK_PREFIXES.flatMap((prefix) => sdkPlaces("file", prefix)),
];

function environmentApiKey(name: string): Place {
  return {
    origin: "environment",
    name,
    // IBM's command line takes `@file` here.
    make: ({ value, source, profile }) => ({
      kind: "apiKey",
      apiKey: value.startsWith("@") ? apiKeyFile(value.slice(1), source.label(name)) : value,
      profile,
    }),
  };
}

function environmentIamToken(name: string): Place {
  return {
    origin: "environment",
    name,
    make: ({ value, profile }) => ({ kind: "iamToken", token: value, profile }),
  };
}

/** IBM's SDKs: `<SERVICE>_AUTH_TYPE` decides; without it an API key wins, then a token, then a token file. */
function sdkPlaces(origin: Origin, prefix: string): Place[] {
  const typeOf = (source: Source): string | undefined => source.get(`${prefix}_AUTH_TYPE`)?.toLowerCase();
  const allows = (source: Source, ...types: string[]): boolean => {
    const type = typeOf(source);
    return type === undefined || types.includes(type);
  };
  const own = (source: Source): ProfileChoice | undefined => sdkProfile(source, prefix);
  return [
    {
      origin,
      name: `${prefix}_APIKEY`,
      make: ({ value, source, profile }) =>
        allows(source, "iam", "iamassume")
          ? {
              kind: "apiKey",
              apiKey: value,
              profile: profile ?? (typeOf(source) === "iamassume" ? own(source) : undefined),
            }
          : undefined,
    },
    {
      origin,
      name: `${prefix}_BEARER_TOKEN`,
      make: ({ value, source, profile }) =>
        allows(source, "bearertoken") ? { kind: "iamToken", token: value, profile } : undefined,
    },
    {
      origin,
      name: `${prefix}_CR_TOKEN_FILENAME`,
      make: ({ value, source, profile }) =>
        typeOf(source) === undefined
          ? { kind: "crToken", crToken: { files: [value] }, profile: profile ?? own(source) }
          : undefined,
    },
    {
      origin,
      name: `${prefix}_AUTH_TYPE`,
      make: ({ value, source, profile }) => {
        const chosen = profile ?? own(source);
        if (value.toLowerCase() === "vpc") {
          const endpoint = source.get(`${prefix}_AUTH_URL`) ?? METADATA_ENDPOINT;
          return { kind: "instanceIdentity", endpoint, profile: chosen };
        }
        if (value.toLowerCase() !== "container") return undefined;
        const file = source.get(`${prefix}_CR_TOKEN_FILENAME`);
        return { kind: "crToken", crToken: { files: file === undefined ? CR_TOKEN_FILES : [file] }, profile: chosen };
      },
    },
  ];
}

function cliProfile(source: Source): ProfileChoice | undefined {
  const value = source.get("IBMCLOUD_CR_PROFILE");
  if (value === undefined) return undefined;
  if (value.startsWith("crn:")) return { by: "crn", value };
  return { by: value.startsWith("Profile-") ? "id" : "name", value };
}

function sdkProfile(source: Source, prefix: string): ProfileChoice | undefined {
  for (const by of ["id", "crn", "name"] as const) {
    const value = source.get(`${prefix}_IAM_PROFILE_${by.toUpperCase()}`);
    if (value !== undefined) return { by, value };
  }
  return undefined;
}

function apiKeyFile(path: string, from: string): string {
  try {
    const content = readFileSync(path, "utf8").trim();
    // The key file that IBM's command line downloads is JSON with the key in `apikey`.
    const parsed: unknown = content.startsWith("{") ? JSON.parse(content) : { apikey: content };
    const key = (parsed as { apikey?: unknown }).apikey;
    if (typeof key === "string" && key !== "") return key;
  } catch (cause) {
    throw new VpcIdentityError(`The API key file "${path}", named by the ${from}, cannot be read as text or JSON.`, {
      code: "IBMID_BAD_SETTINGS",
      cause,
    });
  }
  throw new VpcIdentityError(`The API key file "${path}", named by the ${from}, has no "apikey" in it.`, {
    code: "IBMID_BAD_SETTINGS",
  });
}

/** Every credential there is, in the order in which they are tried. Their secrets are known to `redact` from here on. */
export function findCredentials(sources: readonly Source[], profile: ProfileChoice | undefined): Candidate[] {
  const candidates: Candidate[] = [];
  for (const place of PLACES) {
    // The settings of a call have the names of the stack config's.
    const source = sources.find(({ origin }) => (origin === "argument" ? "config" : origin) === place.origin);
    const value = source?.get(place.name)?.trim();
    if (source === undefined || value === undefined || value === "") continue;
    const credential = place.make({ value, source, profile });
    if (credential === undefined) continue;
    remember(credential);
    candidates.push({ credential, origin: source.origin, from: source.label(place.name) });
  }
  return candidates;
}

function remember(credential: Credential): void {
  if (credential.kind === "apiKey") rememberSecret(credential.apiKey);
  if (credential.kind === "iamToken") rememberSecret(credential.token.replace(/^Bearer\s+/i, ""));
  if (credential.kind === "crToken" && "value" in credential.crToken) rememberSecret(credential.crToken.value);
}

/**
 * Each source with every name that is looked for in it, in order: for the message when nothing was found. What is looked
 * for once for each service of IBM's SDKs is written once: `<service>_APIKEY`.
 */
export function searchedPlaces(sources: readonly Source[]): string[] {
  const service = new RegExp(`^(${SDK_PREFIXES.join("|")})_`);
  return sources.map(({ origin, place }) => {
    const prefix = origin === "config" ? CONFIG_PREFIX : "";
    const names = PLACES.filter((one) => one.origin === origin).map(
      ({ name }) => prefix + name.replace(service, "<service>_"),
    );
    const shown = [...new Set(names)].map((name) => (name.endsWith("_AUTH_TYPE") ? `${name} (vpc, container)` : name));
    return `${place}: ${shown.join(", ")}`;
  });
}
