/**
 * What the outside needs to know of the embedded engine: where its command is and which version it claims. Everything else goes
 * through the command, so that the engine stays replaceable by the real one.
 *
 * @module pulumi-ibm-vpc-identity/engine
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

export { engineVersion } from "./version";

function findRoot(): string {
  // Compiled code lives in dist/engine while the command stays in engine/: walk up to the folder that has it.
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, "engine");
    if (existsSync(join(candidate, "bin", "pulumi"))) return candidate;
  }
  throw new Error(
    `The embedded engine's command (engine/bin/pulumi) was not found above ${__dirname}: reinstall the package.`,
  );
}

/**
 * The folder whose `bin/pulumi` is the embedded engine's command.
 *
 * @example
 * const pulumiCommand = await PulumiCommand.get({ root: engineRoot });
 */
export const engineRoot: string = findRoot();
