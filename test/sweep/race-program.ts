/** What the races are run with: programs, stacks of one project, and a relay that lets somebody else go first. */
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Emulator, type Inventory, startEmulator } from "../../emulator";
import { ED25519_KEY } from "../provider/public-keys";
import { ENGINE, Project, type Run, type Running, type StateResource } from "../support/project";

/** Somebody else's turn, before a call goes on to the cloud. */
export type Before = (method: string, path: string) => Promise<void>;

/** An account behind a relay, and a project whose stacks reach it by that relay. */
export class RaceGround {
  before: Before = async () => Promise.resolve();

  private constructor(
    readonly emulator: Emulator,
    readonly project: Project,
    private readonly relay: Server,
  ) {}

  static async of(program: string): Promise<RaceGround> {
    const emulator = await startEmulator({ provisionSeconds: 0, deleteSeconds: 0, actionSeconds: 0 });
    const relay = createServer((incoming, outgoing) => {
      const path = (incoming.url ?? "").split("?")[0] ?? "";
      ground.before(incoming.method ?? "", path).then(
        () => forward(emulator.url, incoming, outgoing),
        () => outgoing.destroy(),
      );
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
    const env = Object.entries(emulator.env).map(([name, value]) => [name, value.replace(emulator.url, base)]);
    const project = Project.ofProgram("", Object.fromEntries(env) as Record<string, string>);
    // Plain JavaScript: what is measured here is not the compiler.
    writeFileSync(join(project.cwd, "package.json"), '{ "name": "race", "main": "index.js" }\n');
    writeFileSync(join(project.cwd, "index.js"), PREAMBLE + program);
    const ground = new RaceGround(emulator, project, relay);
    return ground;
  }

  async stack(name: string): Promise<void> {
    succeeded(await this.project.engine("stack", "init", name, "--no-select"));
  }

  /** What the program of a stack is to make; read when it runs. */
  wish(stack: string, wish: object): void {
    writeFileSync(join(this.project.cwd, `${stack}.json`), JSON.stringify(wish));
  }

  start(command: string, stack: string, ...flags: readonly string[]): Running {
    const quick = command === "refresh" || command === "destroy" || command === "up" ? ["--yes", "--skip-preview"] : [];
    return this.project.start(ENGINE, [command, "--stack", stack, "--non-interactive", ...quick, ...flags]);
  }

  async run(command: string, stack: string, ...flags: readonly string[]): Promise<Run> {
    return this.start(command, stack, ...flags).done;
  }

  async must(command: string, stack: string, ...flags: readonly string[]): Promise<Run> {
    return succeeded(await this.run(command, stack, ...flags));
  }

  async resources(stack: string): Promise<readonly StateResource[]> {
    const { stdout } = succeeded(await this.project.engine("stack", "export", "--stack", stack));
    return (JSON.parse(stdout) as { deployment: { resources?: StateResource[] } }).deployment.resources ?? [];
  }

  /** Files by which commands hold a stack. */
  locks(stack: string): readonly string[] {
    const folder = join(this.project.folder, "state", ".pulumi", "locks", "organization", "program", stack);
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /** What the states of these stacks and the account do not have in common. */
  async differences(stacks: readonly string[]): Promise<string[]> {
    const states = await Promise.all(stacks.map((stack) => this.resources(stack)));
    const inventory = this.emulator.inventory();
    return Object.entries(KINDS).flatMap(([type, kind]) => {
      const known = states.flat().filter((resource) => resource.type.endsWith(`:${type}`));
      const ids = known.map(({ id = "" }) => id.split("/").at(-1) ?? "");
      const there = inventory[kind].map(({ id }) => String(id)).filter((id) => !this.#before.has(id));
      return [
        ...ids.filter((id) => !there.includes(id)).map((id) => `${type} ${id} is in a state and not in the account`),
        ...there.filter((id) => !ids.includes(id)).map((id) => `${type} ${id} is in the account and in no state`),
        ...(new Set(ids).size < ids.length ? [`${type}: two states have the same one`] : []),
      ];
    });
  }

  readonly #before = new Set<string>();

  /** What is there from now on is nobody's. */
  ignoreWhatIsThere(): void {
    const inventory = this.emulator.inventory();
    for (const kind of Object.values(KINDS)) for (const { id } of inventory[kind]) this.#before.add(String(id));
  }

  async close(): Promise<void> {
    this.relay.closeAllConnections();
    await new Promise((resolve) => this.relay.close(resolve));
    await this.emulator.close();
    this.project.remove();
  }
}

const KINDS = {
  TrustedProfile: "profiles",
  TrustedProfileClaimRule: "claimRules",
  AccessPolicy: "policies",
  ServiceId: "serviceIds",
  ApiKey: "apiKeys",
  Instance: "instances",
  Vpc: "vpcs",
  Subnet: "subnets",
  SshKey: "keys",
  FloatingIp: "floatingIps",
} as const satisfies Record<string, keyof Inventory>;

function forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, url, headers } = incoming;
  const call = request(`${target}${url ?? ""}`, { method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  call.on("error", () => outgoing.destroy());
  incoming.pipe(call);
}

function succeeded(run: Run): Run {
  if (run.exitCode !== 0) throw new Error(`exit ${String(run.exitCode)}:\n${run.output}`);
  return run;
}

const PREAMBLE = `
  const pulumi = require("@pulumi/pulumi");
  const vpc = require("pulumi-ibm-vpc-identity");
  const wish = JSON.parse(require("node:fs").readFileSync(pulumi.getStack() + ".json", "utf8"));
`;

/** A profile and a policy. */
export const SMALL = `
  const profile = new vpc.TrustedProfile("app", { description: wish.text });
  new vpc.AccessPolicy("access", { profileId: profile.id, roles: ["Viewer"], service: "is" });
`;

/** A profile for all, or what a stack adds to one that another stack made. */
export const SHARED = `
  if (wish.profileId === undefined) {
    exports.profileId = new vpc.TrustedProfile("shared", { description: "of several stacks" }).id;
  } else {
    const { profileId } = wish;
    new vpc.AccessPolicy("access", { profileId, roles: [wish.role], service: wish.service });
    new vpc.TrustedProfileClaimRule("rule", {
      profileId, type: "Profile-CR", crType: "VSI",
      conditions: [{ claim: "zone", operator: "EQUALS", value: wish.zone }],
    });
    new vpc.Instance("server", {
      ...wish.place,
      metadataService: { enabled: true, responseHopLimit: wish.hops },
      defaultTrustedProfile: { target: profileId, autoLink: true },
    });
  }
`;

/** Something of everything that can be changed; \`wish.text\` is in each. */
export const CHANGEABLE = `
  const { text } = wish;
  const profile = new vpc.TrustedProfile("profile", { description: text });
  const profileId = profile.id;
  new vpc.AccessPolicy("policy", { profileId, roles: [text === "a" ? "Viewer" : "Operator"], service: "is" });
  new vpc.TrustedProfileClaimRule("rule", {
    profileId, type: "Profile-CR", crType: "VSI",
    conditions: [{ claim: "zone", operator: "EQUALS", value: text }],
  });
  const serviceId = new vpc.ServiceId("service", { name: "service-" + text });
  new vpc.ApiKey("key", { serviceId: serviceId.id, name: "key-" + text });
  const network = new vpc.Vpc("network", { name: "network-" + text });
  new vpc.Subnet("subnet", { vpcId: network.id, zone: wish.place.zone, totalIpv4AddressCount: 16, name: "subnet-" + text });
  new vpc.SshKey("ssh", { publicKey: ${JSON.stringify(ED25519_KEY)}, name: "ssh-" + text });
  const server = new vpc.Instance("server", {
    ...wish.place, metadataService: { enabled: true, responseHopLimit: text === "a" ? 1 : 2 },
  });
  new vpc.FloatingIp("door", { zone: wish.place.zone, name: "door-" + text });
`;

/** Where a server can be made on an account as it is at first. */
export function placeOn(emulator: Emulator): Record<string, unknown> {
  const { subnets, images } = emulator.inventory();
  const [subnet, image] = [subnets[0], images[0]] as { id?: string; zone?: string; vpc?: string }[];
  return {
    vpcId: subnet?.vpc,
    subnetId: subnet?.id,
    zone: subnet?.zone,
    imageId: image?.id,
    instanceProfile: "bx2-2x8",
  };
}
