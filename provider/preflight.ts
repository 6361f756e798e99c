/**
 * What must hold in a program before the first resource of ours is registered. Later is too late: from then on the
 * state holds the whole stack configuration, and the engine needs to find this package.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type Problem, type Rule, describeProblems } from "../core/validate";
import { PACKAGE_NAME } from "./stub";

const SECRET_SETTINGS = ["apiKey", "iamToken"] as const;

/** Throws one error with everything that is wrong with the program around us. */
export function assertProgramUsable(): void {
  const problems = [...plainSecrets(), ...unreachablePackage()];
  if (problems.length > 0) {
    throw new pulumi.ResourceError(`${PACKAGE_NAME} cannot be used yet:\n${problems.join("\n")}`, undefined, true);
  }
}

/**
 * Throws one error that lists every problem of the plain arguments of `what`; what is not known yet is checked later.
 * `more` are problems that a rule cannot see.
 */
export function assertValid(what: string, rule: Rule, args: object, more: readonly Problem[] = []): void {
  const problems = [...rule(args, ""), ...more];
  if (problems.length === 0) return;
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  throw new pulumi.ResourceError(`${what} has ${count}:\n${describeProblems(problems)}`, undefined, true);
}

/** The state of Pulumi's default provider holds the whole stack configuration, so a plain secret would be readable there. */
function plainSecrets(): string[] {
  // Not in Pulumi's type declarations, but the only answer that also holds for inline programs of the Automation API.
  const isConfigSecret = Reflect.get(pulumi.runtime, "isConfigSecret") as ((key: string) => boolean) | undefined;
  const isSecret = (key: string): boolean => isConfigSecret?.(key) ?? secretKeysOfEnvironment().includes(key);
  return SECRET_SETTINGS.map((setting) => `vpc-identity:${setting}`)
    .filter((key) => (pulumi.runtime.getConfig(key) ?? "") !== "" && !isSecret(key))
    .map(
      (key) =>
        `  - ${key} is in the stack configuration in clear text and would be stored in clear text in the state. ` +
        `Nothing has been stored. Set it again with: pulumi config set --secret ${key}`,
    );
}

function secretKeysOfEnvironment(): string[] {
  return JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[];
}

/** The stub is loaded from a string, so Node looks for the package from the program's folder and not from here. */
function unreachablePackage(): string[] {
  try {
    createRequire(join(process.cwd(), "program.js")).resolve(`${PACKAGE_NAME}/package.json`);
    return [];
  } catch {
    return [
      `  - ${PACKAGE_NAME} is not found from ${process.cwd()}. It must be a direct dependency of the program, also when ` +
        `a library brings it along: npm install ${PACKAGE_NAME}`,
    ];
  }
}
