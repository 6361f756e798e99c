/** A program with a component, deployed by the embedded engine on an emulated account, again and again with other wishes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Emulator, startEmulator } from "../../emulator";
import { Project, type Run } from "../support/project";

export class Deployment {
  private seen = 0;

  private constructor(
    readonly emulator: Emulator,
    readonly project: Project,
  ) {}

  /** `program` finds what is wished in the variable `wish`, and the package in `vpc`. */
  static async of(program: string): Promise<Deployment> {
    const emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0 });
    const lines = [
      'import * as pulumi from "@pulumi/pulumi";',
      'import { readFileSync } from "node:fs";',
      'import * as vpc from "pulumi-ibm-vpc-identity";',
      'const wish = JSON.parse(readFileSync("wish.json", "utf8"));',
      program,
    ];
    const project = Project.ofProgram(lines.join("\n"), emulator.env);
    await project.engine("stack", "init", "dev", "--no-select");
    return new Deployment(emulator, project);
  }

  /** Deploys; returns how many calls changed something, by what they were. */
  async up(wish: object): Promise<Record<string, number>> {
    writeFileSync(join(this.project.cwd, "wish.json"), JSON.stringify(wish));
    await succeeded(this.project.up());
    return this.writes();
  }

  async destroy(): Promise<Record<string, number>> {
    await succeeded(this.project.engine("destroy", "--yes", "--skip-preview", "--stack", "dev"));
    return this.writes();
  }

  async outputs<T>(): Promise<T> {
    const { stdout } = await this.project.engine("stack", "output", "--json", "--stack", "dev");
    return JSON.parse(stdout) as T;
  }

  private writes(): Record<string, number> {
    const journal = this.emulator.journal();
    const counts: Record<string, number> = {};
    for (const { method, path } of journal.slice(this.seen)) {
      if (method === "GET" || path.startsWith("/identity/")) continue;
      const [route = ""] = path.split("?");
      const kind = `${method} ${route.replace(/(?<=.\/)[^/]*\d[^/]*/g, ":id")}`;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    this.seen = journal.length;
    return counts;
  }

  async close(): Promise<void> {
    await this.emulator.close();
    this.project.remove();
  }
}

async function succeeded(run: Promise<Run>): Promise<void> {
  const { exitCode, output } = await run;
  if (exitCode !== 0) throw new Error(`exit ${String(exitCode)}:\n${output}`);
}
