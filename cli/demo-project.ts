/**
 * The project that the demo deploys: a copy of an example with a stack, a login, a state and a passphrase of its own, so
 * that nothing is written to the package's folder, and nothing of the user's own settings is used.
 */
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Emulator } from "../emulator";
import { packageRoot } from "./versions";
import { Workspace, type Engine } from "./workspace";

const EXAMPLE = "linked-instance";
const STACK = "demo";

/** Variables by which a user tells IBM's clients of an account, and Pulumi of a passphrase. */
export const USER_SETTINGS = /^(IC|IBMCLOUD|IBM|IAM_IDENTITY|IAM_POLICY|VPC)_|^PULUMI_CONFIG_PASSPHRASE$/;

export interface DemoProject {
  readonly workspace: Workspace;
  /** What other processes need to work on the same stack and account. */
  readonly env: Readonly<Record<string, string>>;
}

/** Makes the project below `folder`, with what the emulated account holds as its config. */
export async function makeDemoProject(
  folder: string,
  emulator: Emulator,
  engine: Engine,
  progress: "stdout" | "stderr",
): Promise<DemoProject> {
  const project = join(folder, EXAMPLE);
  const state = join(folder, "state");
  const passphrase = join(folder, "passphrase");
  const temporary = join(folder, "temporary");
  for (const one of [state, temporary]) mkdirSync(one, { recursive: true });
  cpSync(join(packageRoot(), "examples", EXAMPLE), project, {
    recursive: true,
    filter: (path) => basename(path) !== "node_modules" && !/Pulumi\.\w+\.yaml$/.test(path),
  });
  writeFileSync(join(project, "trust-roots.pem"), emulator.rootCertificate);
  writeFileSync(passphrase, randomBytes(16).toString("hex"), { mode: 0o600 });
  linkModules(join(project, "node_modules"));
  const env = {
    ...emulator.env,
    PULUMI_HOME: join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    VPC_IDENTITY_CWD: project,
    VPC_IDENTITY_STACK: STACK,
    VPC_IDENTITY_ENGINE: engine.kind,
  };
  const workspace = new Workspace({
    engine,
    cwd: project,
    stack: STACK,
    env: {
      ...withoutOwnSettings(process.env),
      ...env,
      // What the engine's processes leave there goes with the demo.
      TMPDIR: temporary,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // Type checking is the work of `npm run check`; here it would only cost seconds.
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    },
    progress,
  });
  await workspace.ensureStack();
  await workspace.configure({ ...seededConfig(emulator), trustRootsFile: "trust-roots.pem" });
  return { workspace, env };
}

/** What the example's package.json asks for, from where it is installed already. */
function linkModules(modules: string): void {
  const folders = {
    "pulumi-ibm-vpc-identity": packageRoot(),
    "@pulumi/pulumi": dirname(require.resolve("@pulumi/pulumi/package.json")),
    typescript: dirname(require.resolve("typescript/package.json")),
  };
  mkdirSync(join(modules, "@pulumi"), { recursive: true });
  for (const [name, folder] of Object.entries(folders)) symlinkSync(folder, join(modules, name), "dir");
}

/** What the example asks for at least, taken from what an emulated account comes with. */
export function seededConfig(emulator: Emulator): Record<string, string> {
  const { subnets, images, keys } = emulator.inventory();
  const subnet = subnets[0] as { id: string; vpc: string; zone: string } | undefined;
  const [image, key] = [images[0], keys[0]] as ({ id: string } | undefined)[];
  if (subnet === undefined || image === undefined || key === undefined) throw new Error("the account is not seeded");
  return {
    vpcId: subnet.vpc,
    subnetId: subnet.id,
    zone: subnet.zone,
    imageId: image.id,
    sshKeyIds: JSON.stringify([key.id]),
  };
}

/** The user's own account and passphrase must not reach the demo: it is about the emulated account only. */
function withoutOwnSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !USER_SETTINGS.test(name)));
}
