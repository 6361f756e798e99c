/**
 * `vpc-identity demo`: the whole story on this machine, with an emulated IBM Cloud account and, where there is no
 * `pulumi`, the embedded engine. It lives in a temporary folder with its own login, state and passphrase, and leaves
 * nothing behind but a copy of the state to look at.
 */
import { spawnSync } from "node:child_process";
import { X509Certificate, randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { bootInstance, startEmulator, type BootedServer, type Emulator } from "../emulator";
import { EXIT, type Command } from "./command";
import { Story, StepFailed } from "./story";
import { Workspace, chooseEngine } from "./workspace";

const EXAMPLE = "linked-instance";

export const command: Command = {
  name: "demo",
  summary: "Shows the whole story on this machine: deploy, boot, token, certificate, revoke, destroy",
  help: `Flags:
  --engine pulumi|embedded  which engine runs (default: pulumi if it is on PATH, otherwise the embedded one)
  --json                    one JSON object as the last line of standard output; progress goes to standard error`,
  flags: { engine: { type: "string" }, json: { type: "boolean" } },
  async run(flags) {
    const json = flags.on("json");
    const out = json ? process.stderr : process.stdout;
    const engine = chooseEngine(flags.oneOf("engine", ["pulumi", "embedded"]), process.env);
    const demo = new Demo((line) => out.write(`${line}\n`), engine, json ? "stderr" : "stdout");
    const passed = await demo.play();
    const { seconds } = demo.story;
    if (json) process.stdout.write(`${JSON.stringify({ passed, engine: engine.kind, ...demo.result() })}\n`);
    else {
      if (demo.stateFile !== null) out.write(`\nstate after the first up: ${demo.stateFile}`);
      out.write(`\ndemo: ${passed ? "done" : "failed"} in ${seconds} s\n`);
    }
    return demo.interrupted ? EXIT.interrupted : passed ? EXIT.done : EXIT.failed;
  },
};

interface StateFigures {
  readonly stubBytesMax: number;
  readonly stateBytesPerResource: number;
}

class Demo {
  readonly #folder = mkdtempSync(join(tmpdir(), "vpc-identity-demo-"));
  /** A copy of the state after the first up; null as long as there is none. */
  stateFile: string | null = null;
  readonly #project = join(this.#folder, "work", EXAMPLE);
  #emulator: Emulator | undefined;
  #server: BootedServer | undefined;
  #workspace: Workspace | undefined;
  #outputs: Record<string, unknown> = {};
  #apiCalls: Record<string, number> = {};
  #figures: StateFigures = { stubBytesMax: 0, stateBytesPerResource: 0 };
  interrupted = false;

  readonly story: Story;

  constructor(
    print: (line: string) => void,
    private readonly engine: ReturnType<typeof chooseEngine>,
    private readonly progress: "stdout" | "stderr",
  ) {
    this.story = new Story(print, () => this.interrupted);
  }

  result(): object {
    const { seconds, steps } = this.story;
    return {
      seconds,
      steps,
      outputs: this.#outputs,
      apiCalls: this.#apiCalls,
      stateFile: this.stateFile,
      ...this.#figures,
    };
  }

  async play(): Promise<boolean> {
    const onInterrupt = (): void => {
      this.interrupted = true;
    };
    process.on("SIGINT", onInterrupt);
    process.on("SIGTERM", onInterrupt);
    try {
      await this.#scenes();
      return true;
    } catch (error) {
      if (error instanceof StepFailed) return false;
      throw error;
    } finally {
      await this.#server?.shutdown();
      await this.#emulator?.close();
      rmSync(this.stateFile === null ? this.#folder : join(this.#folder, "work"), { recursive: true, force: true });
      process.off("SIGINT", onInterrupt);
      process.off("SIGTERM", onInterrupt);
    }
  }

  async #scenes(): Promise<void> {
    const { story } = this;
    let before = "";
    await story.step("emulator", "An IBM Cloud account on loopback", async () => {
      this.#emulator = await startEmulator();
      this.#workspace = await this.#prepare(this.#emulator);
      before = JSON.stringify(this.#emulator.inventory());
      return [
        `IAM and VPC APIs at ${this.#emulator.url}, account ${this.#emulator.accountId}`,
        `engine: ${this.engine.kind}`,
      ];
    });
    const { emulator, workspace } = this.#ready();

    await story.step("up", "pulumi up: trusted profile, policy, linked server", async () => {
      await this.#counted("up", () => this.#operate("up", ["--yes", "--skip-preview", "--suppress-outputs"]));
      this.#keepState(await workspace.exportState());
      return [`${this.#apiCalls.up} API calls`];
    });
    await story.step("outputs", "Stack outputs", async () => {
      this.#outputs = await workspace.outputs();
      return Object.entries(this.#outputs).map(([name, value]) => `${name.padEnd(16)}${String(value)}`);
    });
    await story.step("boot", "The server boots: its user data runs as that server", async () => {
      const server = await this.#boot(emulator);
      if (server.exitCode !== 0) throw new Error(`user data ended with exit code ${server.exitCode}`);
      return [
        server.isolated
          ? "in its own namespaces, on 169.254.169.254:80"
          : "namespaces are refused here: on an endpoint override",
      ];
    });
    await story.step("token", "IAM token on the server (claims; the token itself is never shown)", async () => {
      return claimsOf(await this.#iamToken());
    });
    await story.step("certificate", "Instance identity certificate on the server", () => this.#certificate());
    await story.step("authorized", "GET /v1/instances with that token: the policy allows it", () =>
      this.#listInstances(200),
    );
    await story.step("noop", "pulumi up again: nothing to do", async () => {
      await this.#counted("noop", () =>
        this.#operate("up", ["--yes", "--skip-preview", "--suppress-outputs", "--expect-no-changes"]),
      );
      if (this.#apiCalls.noop !== 0) throw new Error(`made ${this.#apiCalls.noop} API calls; expected none`);
      return ["no changes, no API calls"];
    });
    await story.step("policies", "config policies=none, pulumi up: the policy is taken away", async () => {
      await this.#counted("policies", () =>
        this.#operate("up", ["--yes", "--skip-preview", "--suppress-outputs", "--config", "policies=none"]),
      );
      return [`${this.#apiCalls.policies} API calls; the server was not touched`];
    });
    await story.step("denied", "GET /v1/instances with a new token: 403", async () => {
      const old = await this.#iamToken();
      await this.#onServer(["/usr/local/bin/vpc-identity", "once"]);
      if ((await this.#iamToken()) === old) throw new Error("the server still has the old token");
      return this.#listInstances(403);
    });
    await story.step("destroy", "pulumi destroy", async () => {
      await this.#server?.shutdown();
      this.#server = undefined;
      await this.#counted("destroy", () => this.#operate("destroy", ["--yes", "--skip-preview", "--suppress-outputs"]));
      if (JSON.stringify(emulator.inventory()) !== before)
        throw new Error("the account's inventory is not what it was before");
      return [`${this.#apiCalls.destroy} API calls; the account's inventory is as it was before`];
    });
  }

  #ready(): { emulator: Emulator; workspace: Workspace } {
    if (this.#emulator === undefined || this.#workspace === undefined) throw new Error("the demo has not begun");
    return { emulator: this.#emulator, workspace: this.#workspace };
  }

  /** A copy of the example with a stack of its own: nothing is written to the package's folder or the user's login. */
  async #prepare(emulator: Emulator): Promise<Workspace> {
    const packageRoot = join(__dirname, "..", "..");
    const work = join(this.#folder, "work");
    const state = join(work, "state");
    mkdirSync(state, { recursive: true });
    cpSync(join(packageRoot, "examples", EXAMPLE), this.#project, {
      recursive: true,
      filter: (path) => basename(path) !== "node_modules" && !/Pulumi\.\w+\.yaml$/.test(path),
    });
    writeFileSync(join(this.#project, "trust-roots.pem"), emulator.rootCertificate);
    linkModules(packageRoot, join(this.#project, "node_modules"));
    const env: NodeJS.ProcessEnv = {
      ...withoutIbmSettings(process.env),
      ...emulator.env,
      PULUMI_HOME: join(work, "home"),
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: randomBytes(16).toString("hex"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // Type checking is the work of `npm run check`; here it would only cost seconds.
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    };
    const workspace = new Workspace({
      engine: this.engine,
      cwd: this.#project,
      stack: "demo",
      env,
      progress: this.progress,
    });
    await workspace.ensureStack();
    await workspace.configure(seededConfig(emulator));
    return workspace;
  }

  async #operate(operation: string, args: readonly string[]): Promise<void> {
    const exitCode = await this.#ready().workspace.operate(operation, args);
    if (exitCode !== EXIT.done) throw new Error(`${operation} failed (see above)`);
  }

  /** Counts the calls to IBM Cloud's APIs, not those of the server to its own identity service. */
  async #counted(name: string, act: () => Promise<void>): Promise<void> {
    const calls = (): number =>
      this.#ready()
        .emulator.journal()
        .filter(({ api }) => api !== "instance").length;
    const before = calls();
    await act();
    this.#apiCalls[name] = calls() - before;
  }

  #keepState(state: unknown): void {
    this.stateFile = join(this.#folder, "state-after-first-up.json");
    writeFileSync(this.stateFile, JSON.stringify(state), { mode: 0o600 });
    this.#figures = figuresOf(state);
  }

  async #boot(emulator: Emulator): Promise<BootedServer> {
    const { instanceId } = this.#outputs;
    const instance = emulator.inventory().instances.find(({ id }) => id === instanceId);
    if (instance === undefined) throw new Error(`the account has no server ${String(instanceId)}`);
    const onLog = (line: string): void => void process[this.progress].write(`   | ${line}\n`);
    this.#server = await bootInstance({ socket: instance.socket, onLog });
    return this.#server;
  }

  async #onServer(argv: readonly string[]): Promise<string> {
    if (this.#server === undefined) throw new Error("the server is not up");
    const { exitCode, stdout, stderr } = await this.#server.exec(argv);
    if (exitCode !== 0) throw new Error(`${argv.join(" ")} on the server ended with exit code ${exitCode}: ${stderr}`);
    return stdout;
  }

  #serverFile(path: string): Promise<string> {
    if (this.#server === undefined) throw new Error("the server is not up");
    return this.#server.readFile(path);
  }

  async #iamToken(): Promise<string> {
    return (await this.#serverFile("/run/vpc-identity/tokens/default")).trim();
  }

  async #certificate(): Promise<string[]> {
    const [leaf, chain] = await Promise.all([
      this.#serverFile("/run/vpc-identity/current/leaf.pem"),
      this.#serverFile("/run/vpc-identity/current/chain.pem"),
    ]);
    const { subject, issuer, validTo } = new X509Certificate(leaf);
    const flat = (name: string): string => name.split("\n").join(", ");
    return [`subject  ${flat(subject)}`, `issuer   ${flat(issuer)}`, `expires  ${validTo}`, this.#verify(leaf, chain)];
  }

  #verify(leaf: string, chain: string): string {
    const files = { root: this.#ready().emulator.rootCertificate, chain, leaf };
    const path = (name: string): string => join(this.#folder, "work", `${name}.pem`);
    for (const [name, pem] of Object.entries(files)) writeFileSync(path(name), pem);
    const { status, stdout, stderr } = spawnSync(
      "openssl",
      ["verify", "-CAfile", path("root"), "-untrusted", path("chain"), path("leaf")],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`openssl verify refuses the certificate: ${stdout}${stderr}`);
    return "openssl verify with the account's root: OK";
  }

  async #listInstances(expected: number): Promise<string[]> {
    const { url } = this.#ready().emulator;
    const response = await fetch(`${url}/v1/instances?version=2025-08-26&generation=2`, {
      headers: { Authorization: `Bearer ${await this.#iamToken()}` },
    });
    const body = (await response.json()) as { total_count?: number; errors?: { code: string; message: string }[] };
    if (response.status !== expected) throw new Error(`answered ${response.status}; expected ${expected}`);
    const [error] = body.errors ?? [];
    return [
      `${response.status} ${error === undefined ? `${body.total_count} instance(s)` : `${error.code}: ${error.message}`}`,
    ];
  }
}

/** What the example's package.json asks for, from where it is installed already. */
function linkModules(packageRoot: string, modules: string): void {
  const folders = {
    "pulumi-ibm-vpc-identity": packageRoot,
    "@pulumi/pulumi": dirname(require.resolve("@pulumi/pulumi/package.json")),
    typescript: dirname(require.resolve("typescript/package.json")),
  };
  mkdirSync(join(modules, "@pulumi"), { recursive: true });
  for (const [name, folder] of Object.entries(folders)) symlinkSync(folder, join(modules, name), "dir");
}

/** What the example asks for, taken from what an emulated account comes with. */
function seededConfig(emulator: Emulator): Record<string, string> {
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
    trustRootsFile: "trust-roots.pem",
  };
}

/** The user's own IBM settings must not reach the demo: it is about the emulated account only. */
function withoutIbmSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(IC|IBMCLOUD|IBM|IAM_IDENTITY|IAM_POLICY|VPC)_/.test(name)),
  );
}

/** What a person may see of a token: who it stands for and how long it lives. */
function claimsOf(token: string): string[] {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as {
    iam_id: string;
    sub_type: string;
    account: { bss: string };
    authn?: { sub?: string };
    iat: number;
    exp: number;
  };
  return [
    `iam_id     ${claims.iam_id}`,
    `sub_type   ${claims.sub_type}`,
    `account    ${claims.account.bss}`,
    `authn.sub  ${claims.authn?.sub ?? "-"}`,
    `lifetime   ${claims.exp - claims.iat} s`,
  ];
}

/** Bytes are those of the checkpoint as it is written, shared out among all its resources. */
function figuresOf(state: unknown): StateFigures {
  const { deployment } = state as { deployment: { resources?: { inputs?: Record<string, unknown> }[] } };
  const resources = deployment.resources ?? [];
  // User data is text of the user's choice, not bookkeeping: the figure leaves it out.
  const lean = resources.map(({ inputs = {}, ...rest }) => ({ ...rest, inputs: { ...inputs, userData: undefined } }));
  const bytes = Buffer.byteLength(JSON.stringify({ ...deployment, resources: lean }));
  const stubs = resources.map(({ inputs }) => inputs?.__provider).filter((stub) => typeof stub === "string");
  return {
    stubBytesMax: Math.max(0, ...stubs.map((stub) => Buffer.byteLength(stub))),
    stateBytesPerResource: Math.round(bytes / Math.max(1, resources.length)),
  };
}
