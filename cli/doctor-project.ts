/** What `doctor` looks at in a Pulumi project: its packages, and what its stack's config says about the account. */
import { basename } from "node:path";
import type { Check } from "./check";
import { UsageError } from "./command";
import type { Flags } from "./flags";
import { engineOf, folderOf, isProject, stackNameOf } from "./stack";
import { isWithin, packageManifest, versionSeenFrom } from "./versions";
import { CREDENTIAL_KEYS, Workspace, type ConfigValue } from "./workspace";

const OURS = "pulumi-ibm-vpc-identity";
const SDK = "@pulumi/pulumi";

export interface Project {
  readonly checks: readonly Check[];
  /** Reads a key of the namespace `vpc-identity` of the stack's config. */
  readonly config: (key: string) => string | undefined;
}

export async function checkProject(flags: Flags): Promise<Project> {
  const folder = folderOf(flags);
  if (!isProject(folder)) {
    const detail = `no Pulumi.yaml in ${folder}: packages and stack config were not looked at`;
    return { checks: [{ name: "project", verdict: "skipped", detail }], config: () => undefined };
  }
  const { checks, config } = await stackConfig(flags, folder);
  return { checks: [ownPackage(folder), sdk(folder), ...checks], config };
}

function ownPackage(folder: string): Check {
  const name = "package";
  const { version } = packageManifest();
  const found = versionSeenFrom(folder, OURS);
  const fix = `npm install ${OURS}@${version}`;
  if (found === undefined) {
    const detail = `${OURS} is not found from ${folder}; the engine loads it by its name, so it must be a direct dependency`;
    return { name, verdict: "missing", detail, fix };
  }
  if (found === version) return { name, verdict: "ok", detail: `${OURS} ${found}` };
  return { name, verdict: "unclear", detail: `the project has ${found}, this command is ${version}`, fix };
}

function sdk(folder: string): Check {
  const name = "sdk";
  const range = packageManifest().peerDependencies[SDK];
  const found = versionSeenFrom(folder, SDK);
  if (found !== undefined && isWithin(found, range)) return { name, verdict: "ok", detail: `${SDK} ${found}` };
  const detail = `${SDK} ${found === undefined ? `is not found from ${folder}` : `is ${found}`}; needed: ${range}`;
  return { name, verdict: "missing", detail, fix: `npm install ${SDK}@${range}` };
}

type Values = Readonly<Record<string, ConfigValue>>;

async function stackConfig(flags: Flags, cwd: string): Promise<Project> {
  const name = "stack config";
  const stack = stackNameOf(flags);
  const none = (verdict: Check["verdict"], detail: string, fix?: string): Project => ({
    checks: [{ name, verdict, detail, ...(fix === undefined ? {} : { fix }) }],
    config: () => undefined,
  });
  let workspace: Workspace;
  let values: Values;
  try {
    workspace = new Workspace({ engine: engineOf(flags), cwd, stack, env: process.env, progress: "stderr" });
    if (!(await workspace.stackExists())) return none("skipped", `there is no stack ${stack} yet; up makes it`);
    values = await workspace.config(false);
  } catch (error) {
    if (error instanceof UsageError) return none("skipped", "there is no engine to ask");
    return none("missing", `the stack's config cannot be read: ${messageOf(error)}`, "mend what the engine names");
  }
  const ours = Object.entries(values).filter(([key]) => key.startsWith("vpc-identity:"));
  const plain = ours.filter(([key, { secret }]) => CREDENTIAL_KEYS.includes(key) && !secret).map(([key]) => key);
  if (plain.length > 0) {
    const fix = plain.map((key) => `pulumi config set --stack ${stack} --secret ${key}`).join("\n");
    const detail = `in clear in Pulumi.${stack}.yaml and in every state: ${plain.join(", ")}`;
    return none("missing", detail, `${fix}\nand replace the credential, since it was readable`);
  }
  const keys = ours.map(([key]) => key.slice("vpc-identity:".length)).join(", ") || "nothing of vpc-identity";
  const told: Project = {
    checks: [{ name, verdict: "ok", detail: `stack ${stack} of ${basename(cwd)}: ${keys}` }],
    config: (key) => values[`vpc-identity:${key}`]?.value,
  };
  if (!ours.some(([, { secret }]) => secret)) return told;
  try {
    const open = await workspace.config(true);
    return { ...told, config: (key) => open[`vpc-identity:${key}`]?.value };
  } catch (error) {
    const fix = "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE";
    return none("missing", `its secrets cannot be decrypted: ${messageOf(error)}`, fix);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
