/**
 * The flags that are settings: what a person sets once and not with every call. Each may also stand in the environment
 * and in a file in the project's folder; a flag wins over the environment, the environment over the file.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Flag } from "./flags";
import { hint } from "./nearest";

export const ENGINES = ["pulumi", "embedded"] as const;

/** How the demo's server is booted. */
export const BOOTS = ["namespaces", "systemd"] as const;

export const SETTINGS = {
  stack: { type: "string", value: "<name>", about: "the stack", otherwise: "dev" },
  cwd: { type: "string", value: "<folder>", about: "the Pulumi project", otherwise: "the current folder" },
  engine: {
    type: "string",
    value: "<engine>",
    about: "pulumi or embedded: which engine runs",
    otherwise: "pulumi if it is on PATH, else embedded",
    oneOf: ENGINES,
  },
  boot: {
    type: "string",
    value: "<how>",
    about: "namespaces or systemd: how the server is booted",
    otherwise: "namespaces",
    oneOf: BOOTS,
  },
  port: {
    type: "string",
    value: "<n>",
    about: "port of the IAM and VPC APIs",
    otherwise: "any free one",
    isPort: true,
  },
  "admin-port": {
    type: "string",
    value: "<n>",
    about: "port of inventory, journal, faults, time and reset",
    otherwise: "any free one",
    isPort: true,
  },
  state: {
    type: "string",
    value: "<file>",
    about: "keeps the account in this file, and continues with it when it exists",
  },
  seed: {
    type: "string",
    value: "<file.json>",
    about: "what a new account holds: accountId, region, apiKey, network, issuedLifetimes",
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** No setting: a page that can change the account is asked for each time. */
export const CONSOLE = {
  type: "boolean",
  about: "serves a page that shows the account, live, and prints its URL",
} as const satisfies Flag;

/** The environment variable of a setting: `--admin-port` is `VPC_IDENTITY_ADMIN_PORT`. */
export const variableOf = (name: string): string => `VPC_IDENTITY_${name.toUpperCase().replaceAll("-", "_")}`;

/** Names of the settings file, of which the first that is there is read. */
export const SETTINGS_FILES = ["vpc-identity.yaml", "vpc-identity.yml", "vpc-identity.json"] as const;

/** What may stand in the file: all but the folder that it is found in. */
export const FILE_KEYS = Object.keys(SETTINGS).filter((name) => name !== "cwd");

interface SettingsFile {
  readonly path: string;
  readonly values: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}

/** Reads and checks the settings file of a folder; nothing is in it where there is none. */
export function readSettingsFile(folder: string): SettingsFile {
  for (const name of SETTINGS_FILES) {
    const path = join(folder, name);
    const wrong = (reason: string): SettingsFile => ({ path, values: new Map(), problems: [`${path} ${reason}`] });
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (code === "ENOENT" || code === "ENOTDIR") continue;
      return wrong(`cannot be read: ${code}`);
    }
    let content: unknown;
    try {
      content = parse(text) ?? {};
    } catch (error) {
      return wrong(`is not YAML: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)}`);
    }
    if (typeof content !== "object" || content === null || Array.isArray(content)) {
      return wrong("is not a mapping of settings");
    }
    return { path, ...readSettings(Object.entries(content), path) };
  }
  return { path: "", values: new Map(), problems: [] };
}

function readSettings(entries: readonly [string, unknown][], path: string): Omit<SettingsFile, "path"> {
  const values = new Map<string, string>();
  const problems: string[] = [];
  for (const [key, value] of entries) {
    if (!FILE_KEYS.includes(key)) {
      problems.push(`${key} in ${path} is not a setting${hint(key, FILE_KEYS)}; allowed: ${FILE_KEYS.join(", ")}`);
    } else if ((typeof value === "string" && value !== "") || typeof value === "number") values.set(key, String(value));
    else problems.push(`${key} in ${path} is ${JSON.stringify(value)}; allowed: a text or a number`);
  }
  return { values, problems };
}
