/** Errors that users meet, made to really happen on the machine that deploys; each returns all that a person would see. */
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { bootstrapUserData } from "../../bootstrap";
import type { Emulator } from "../../emulator";
import handlerOf from "../../provider/dynamic";
import { ENGINE, type Project, REPOSITORY, until } from "../support/project";
import { projectWithStack } from "./stack";

const IMPORT = 'import * as vpc from "pulumi-ibm-vpc-identity";\n';
const PROFILE = `${IMPORT}new vpc.TrustedProfile("app");`;

/** A project on the account, with a stack. */
const projectOf = (emulator: Emulator, program: string): Promise<Project> =>
  projectWithStack(program, { ...emulator.env, MAX_RETRIES: "1" });

const outputOf = async (run: ReturnType<Project["up"]>): Promise<string> => (await run).output;

type Mishap = (emulator: Emulator) => Promise<string>;

/** What is shown when a program is deployed once, on an account and a machine as `prepare` leaves them. */
function up(program: string, prepare: (project: Project, emulator: Emulator) => unknown = () => undefined): Mishap {
  return async (emulator) => {
    const project = await projectOf(emulator, program);
    try {
      await prepare(project, emulator);
      return await outputOf(project.up());
    } finally {
      emulator.setFaults([]);
      project.remove();
    }
  };
}

/** Shown at the second of two programs. */
function thenUp(first: string, second: string): Mishap {
  return up(second, async (project) => {
    project.program(first);
    await project.up();
    project.program(second);
  });
}

function thrownBy(act: () => unknown): Mishap {
  return async () => {
    try {
      act();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    throw new Error("nothing was thrown");
  };
}

const server = (settings: string): string => `${IMPORT}
const [zone, network] = ["us-south-1", new vpc.Vpc("app")];
const subnet = new vpc.Subnet("app", { vpcId: network.id, zone, totalIpv4AddressCount: 256 });
const imageId = vpc.getImageOutput({ operatingSystem: "debian-12-amd64", visibility: "public" }).imageId;
new vpc.Instance("app", { vpcId: network.id, subnetId: subnet.id, zone, imageId, instanceProfile: "bx2-2x8", ${settings} });
`;

/** Until a program has asked for its first resource, on a machine that may have others to run. */
const LONGEST_START_MS = 120_000;

/** A run that was killed while the account was silent, and what `look` shows then. */
function afterKill(look: (project: Project) => Promise<string>): Mishap {
  return async (emulator) => {
    const project = await projectOf(emulator, PROFILE);
    try {
      emulator.setFaults([{ method: "POST", path: "/v1/profiles", hang: "before" }]);
      let asked = false;
      const watch = setInterval(() => void struck(emulator).then((yes) => (asked ||= yes)), 50);
      const { child, done } = project.start(ENGINE, [
        "up",
        "--yes",
        "--skip-preview",
        "--non-interactive",
        "--stack",
        "dev",
      ]);
      await until("the create of the profile", () => asked, LONGEST_START_MS).finally(() => {
        clearInterval(watch);
      });
      child.kill("SIGKILL");
      await done;
      emulator.setFaults([]);
      return await look(project);
    } finally {
      emulator.setFaults([]);
      project.remove();
    }
  };
}

/** Whether a planned fault has struck. */
async function struck({ adminUrl }: Emulator): Promise<boolean> {
  const response = await fetch(`${adminUrl}/_emulator/faults`);
  const { faults } = (await response.json()) as { faults: { struck: number }[] };
  return faults.some((fault) => fault.struck > 0);
}

/** By the heading in docs/troubleshooting.md. */
export const MISHAPS: Readonly<Record<string, Mishap>> = {
  "No credentials": up(PROFILE, (project) => {
    const isCredential = (name: string): boolean => name === "IBMCLOUD_API_KEY" || name.endsWith("_AUTH_URL");
    project.env = Object.fromEntries(Object.entries(project.env).filter(([name]) => !isCredential(name)));
  }),
  "A secret in clear": up(PROFILE, (project) =>
    project.engine(
      "config",
      "set",
      "--stack",
      "dev",
      "--plaintext",
      "vpc-identity:apiKey",
      "0123456789012345678901234567890123456789abcd",
    ),
  ),
  "The package is not a direct dependency": up(
    `const { TrustedProfile } = require(${JSON.stringify(REPOSITORY)});\nnew TrustedProfile("app");`,
    ({ cwd }) => {
      const modules = join(cwd, "node_modules");
      rmSync(modules);
      for (const name of ["@pulumi/pulumi", "typescript", "@types/node"]) {
        mkdirSync(dirname(join(modules, name)), { recursive: true });
        symlinkSync(join(REPOSITORY, "node_modules", name), join(modules, name), "dir");
      }
    },
  ),
  "Arguments that are wrong": up(
    server("").replace(
      'new vpc.Instance("app", {',
      'new vpc.LinkedInstance("app", { trustedProfile: {}, zoone: zone, metadataService: { responseHopLimit: 65 },',
    ),
  ),
  "A role that there is not": up(
    `${IMPORT}new vpc.AccessPolicy("app", { profileId: new vpc.TrustedProfile("app").id, roles: ["Operater"], service: "is" });`,
  ),
  "The credential is refused": up(PROFILE, (project) => {
    project.env.IBMCLOUD_API_KEY = "0123456789012345678901234567890123456789abcd";
  }),
  "A permission is missing": up(PROFILE, (_, emulator) =>
    emulator.setFaults([{ method: "POST", path: "/v1/profiles", status: 403, code: "forbidden" }]),
  ),
  "The name is taken": up(
    `${IMPORT}const a = new vpc.TrustedProfile("a", { name: "theirs" });
new vpc.TrustedProfile("b", { name: "theirs" }, { dependsOn: a });`,
  ),
  "An equal policy exists": up(
    `${IMPORT}const profileId = new vpc.TrustedProfile("app").id;
const a = new vpc.AccessPolicy("a", { profileId, roles: ["Operator"], service: "is" });
new vpc.AccessPolicy("b", { profileId, roles: ["Operator"], service: "is" }, { dependsOn: a });`,
  ),
  "Another region": up(`${IMPORT}new vpc.Vpc("app", { name: "one" });`, async (project) => {
    await project.up();
    project.env.IBMCLOUD_REGION = "eu-de";
    project.program(`${IMPORT}new vpc.Vpc("app", { name: "two" });`);
  }),
  "The server failed to start": up(server(""), (_, emulator) =>
    emulator.setFaults([{ method: "POST", path: "/v1/instances", lifecycle: "failed", count: 1 }]),
  ),
  "The user data has changed": thenUp(server('userData: "#!/bin/sh\\n"'), server('userData: "#!/bin/sh\\ntrue\\n"')),
  "The image does not run cloud-init": thrownBy(() => bootstrapUserData({}, { imageUserDataFormat: "ipxe" })),
  "The user data is too large": thrownBy(() =>
    bootstrapUserData({}, { compress: false, merge: [`#!/bin/sh\n${"#".repeat(65_536)}\n`] }),
  ),
  "A newer state": thrownBy(() => handlerOf("Nothing")),
  "The stack is locked": afterKill((project) => outputOf(project.up())),
  "A pending operation": afterKill(async (project) => {
    await project.engine("cancel", "--yes", "--stack", "dev");
    return outputOf(project.up());
  }),
  "The passphrase is wrong": up(PROFILE, async (project) => {
    await project.start(ENGINE, ["config", "set", "--stack", "dev", "--secret", "key"], "value").done;
    project.env.PULUMI_CONFIG_PASSPHRASE = "another";
  }),
  "No terminal to ask on": async (emulator) => {
    const project = await projectOf(emulator, PROFILE);
    try {
      return await outputOf(project.cli("up", "--stack", "dev"));
    } finally {
      project.remove();
    }
  },
};
