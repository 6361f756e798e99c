/** An example from its README to its end, by the commands that stand there and by Pulumi's Automation API. */
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation";
import { type Emulator, type EmulatorOptions, type Inventory, startEmulator } from "../../emulator";
import { ENGINE, Project, type Run } from "../support/project";
import { type Surroundings, commandBlocks, runReadme } from "./readme";

export interface Settings {
  readonly vpcId: string;
  readonly zone: string;
  readonly imageId: string;
  readonly sshKeyId: string;
  readonly subnets: readonly { readonly id: string; readonly zone: string }[];
}

/** An example on an account, with a network unless told otherwise. */
export class Example {
  private readonly headingsRun = new Set<string>();

  private constructor(
    readonly emulator: Emulator,
    readonly project: Project,
    private readonly name: string,
  ) {}

  static async of(name: string, options: EmulatorOptions = {}): Promise<Example> {
    const emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0, ...options });
    return new Example(emulator, Project.ofExample(name, emulator.env), name);
  }

  /** What a user of the account would fill in. */
  get settings(): Settings {
    const { subnets, images, keys } = this.emulator.inventory();
    const places = subnets as { id: string; zone: string; vpc: string }[];
    const [image, key] = [images, keys].map(([one]) => (one as { id: string } | undefined)?.id ?? "");
    return {
      vpcId: places[0]?.vpc ?? "",
      zone: places[0]?.zone ?? "",
      imageId: image ?? "",
      sshKeyId: key ?? "",
      subnets: places,
    };
  }

  /** How many there are of each kind. */
  count(...kinds: readonly (keyof Inventory)[]): number[] {
    const all = this.emulator.inventory();
    return kinds.map((kind) => all[kind].length);
  }

  /** Runs the commands below a heading of its README, and returns their standard output. */
  async readme(
    heading: string,
    values: Readonly<Record<string, string>> = {},
    standIns: Surroundings["standIns"] = {},
  ): Promise<string> {
    const stdout = await succeeded(runReadme(this.project, this.name, heading, { values, standIns }));
    this.headingsRun.add(heading);
    return stdout;
  }

  /** Headings of its README with commands that have not been run, other than those that say why not. */
  unrun(): string[] {
    const headings = commandBlocks(this.name).flatMap(({ heading, notRun }) => (notRun === undefined ? [heading] : []));
    return [...new Set(headings)].filter((heading) => !this.headingsRun.has(heading));
  }

  async pulumi(...args: string[]): Promise<string> {
    return succeeded(this.project.engine(...args, "--stack", "dev"));
  }

  /** The stack for a Node program that deploys; made when there is none. */
  async automation(): Promise<Stack> {
    const env = Object.entries(this.project.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return LocalWorkspace.createOrSelectStack(
      { stackName: "dev", workDir: this.project.cwd },
      {
        pulumiCommand: await PulumiCommand.get({ root: join(ENGINE, "..", "..") }),
        pulumiHome: this.project.env.PULUMI_HOME ?? "",
        envVars: Object.fromEntries(env),
      },
    );
  }

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.pulumi("stack", "output", "--json")) as Record<string, unknown>;
  }

  async close(): Promise<void> {
    await this.emulator.close();
    this.project.remove();
  }
}

async function succeeded(run: Promise<Run>): Promise<string> {
  const { exitCode, output, stdout } = await run;
  if (exitCode !== 0) throw new Error(`exit ${String(exitCode)}:\n${output}`);
  return stdout;
}
