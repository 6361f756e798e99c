/** Stacks of IAM resources for tests that drive an engine: the embedded one, and the real command line where there is one. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ENGINE, Project, type Run, type StateResource } from "../support/project";
import type { Cloud } from "./cloud";

/** What the programs of the tests call their resources. */
export type Name = "profile" | "serviceId" | "link" | "rule" | "identity" | "policy" | "key";
export type Ids = Record<Name, string>;

const TYPES: Record<Name, string> = {
  profile: "TrustedProfile",
  serviceId: "ServiceId",
  link: "TrustedProfileLink",
  rule: "TrustedProfileClaimRule",
  identity: "TrustedProfileIdentity",
  policy: "AccessPolicy",
  key: "ApiKey",
};

const ENGINES: [string, string | undefined][] = [
  ["the embedded engine", ENGINE],
  ["the real CLI (PULUMI=<path>)", process.env.PULUMI === undefined ? undefined : resolve(process.env.PULUMI)],
];

/** The same tests for each engine; without a real one they are skipped by name. */
export function onEachEngine(tests: (command: string) => void): void {
  for (const [name, command] of ENGINES) {
    (command === undefined ? describe.skip : describe)(name, () => tests(command ?? ""));
  }
}

/** A server, by a number of the test's choice. */
export const crnOf = ({ emulator }: Cloud, id: number): string =>
  `crn:v1:bluemix:public:is:us-south-1:a/${emulator.accountId}::instance:${id}`;

/** A project that reads what its program is to make from a file. */
export class Stack {
  private readonly project: Project;

  constructor(
    private readonly command: string,
    program: string,
    readonly cloud: Cloud,
  ) {
    this.project = Project.ofProgram(program, { ...cloud.env, PULUMI_SKIP_UPDATE_CHECK: "true" });
  }

  wish(wish: object): void {
    writeFileSync(join(this.project.cwd, "wish.json"), JSON.stringify(wish));
  }

  run(...args: string[]): Promise<Run> {
    const stack = args[0] === "stack" && args[1] === "init" ? [] : ["--stack", "dev"];
    return this.project.start(this.command, [...args, ...stack, "--non-interactive"]).done;
  }

  async must(...args: string[]): Promise<string> {
    const { exitCode, output } = await this.run(...args);
    if (exitCode !== 0) throw new Error(`exit ${String(exitCode)}:\n${output}`);
    return output;
  }

  /** Updates, and returns the calls that it took, without those that look roles up. */
  async up(...more: string[]): Promise<string[]> {
    this.cloud.calls();
    await this.must("up", "--yes", "--skip-preview", ...more);
    return this.cloud.calls().filter((call) => call !== "GET /v2/roles");
  }

  async outputs(): Promise<{ ids: Ids; value: string; account: string; got?: Record<Name, string> }> {
    return JSON.parse(await this.must("stack", "output", "--json", "--show-secrets")) as never;
  }

  async resource(name: Name): Promise<StateResource> {
    const all = await this.resources();
    const found = all.find(({ urn }) => urn.endsWith(`:${TYPES[name]}::app`));
    if (found === undefined) throw new Error(`no ${name} in the state`);
    return found;
  }

  async resources(): Promise<StateResource[]> {
    const exported = JSON.parse(await this.must("stack", "export")) as { deployment: { resources?: StateResource[] } };
    return exported.deployment.resources ?? [];
  }

  remove(): void {
    this.project.remove();
  }
}

/** How many there are of each kind: profiles, links, rules, identities, policies, service IDs, keys of service IDs. */
export function census(cloud: Cloud): number[] {
  const all = cloud.emulator.inventory();
  const identities = all.profiles.flatMap(({ identities: list }) => list as unknown[]);
  const keys = all.apiKeys.filter(({ iam_id }) => String(iam_id).startsWith("iam-ServiceId-"));
  const kinds = [all.profiles, all.links, all.claimRules, identities, all.policies, all.serviceIds, keys];
  return kinds.map(({ length }) => length);
}
