/**
 * `vpc-identity demo`: the whole story on this machine, with an emulated IBM Cloud account and, where there is no
 * `pulumi`, the embedded engine. It lives in a temporary folder with its own login, state and passphrase, and leaves
 * nothing behind but a copy of the state to look at. With `--keep` it stays up, for others to work on.
 */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootInstance, startEmulator, type BootedServer, type Emulator } from "../emulator";
import { EXIT, type Command } from "./command";
import { followClock } from "./demo-clock";
import { claimsOf, figuresOf, type StateFigures } from "./demo-figures";
import { keepFolder, keptEnvironment, livingDemo, toldKept, type Kept } from "./demo-keep";
import { makeDemoProject, type DemoProject } from "./demo-project";
import { CONSOLE, SETTINGS } from "./settings";
import { engineOf } from "./stack";
import { Story, StepFailed } from "./story";
import type { Engine, Workspace } from "./workspace";

export const command: Command = {
  name: "demo",
  summary: "Shows the whole story on this machine: deploy, boot, token, certificate, revoke, destroy",
  flags: {
    engine: SETTINGS.engine,
    boot: SETTINGS.boot,
    console: CONSOLE,
    keep: { type: "boolean", about: "ends before revoke and destroy, and stays up until interrupted, to be worked on" },
    json: { type: "boolean", about: "one JSON object as the last line of standard output; progress on standard error" },
  },
  check(flags) {
    // Found out before anything is started: an engine that is asked for has to be there.
    engineOf(flags);
    return [];
  },
  async run(flags) {
    if (flags.text("boot") === "systemd") throw new Error(NO_SYSTEMD);
    const keep = flags.on("keep");
    const other = keep ? livingDemo() : undefined;
    if (other !== undefined) throw new Error(other);
    const json = flags.on("json");
    const out = json ? process.stderr : process.stdout;
    const stay: Stay = keep ? "to be worked on" : flags.on("console") ? "to be looked at" : "no longer";
    const demo = new Demo(
      (line) => out.write(`${line}\n`),
      engineOf(flags),
      json ? "stderr" : "stdout",
      stay,
      flags.on("console"),
    );
    const passed = await demo.play((hasPassed, kept) => {
      if (json) process.stdout.write(`${JSON.stringify(demo.result(hasPassed, kept))}\n`);
      else out.write(kept === undefined ? demo.toldStay() : toldKept(kept));
    });
    if (demo.hasStayed) return passed ? EXIT.done : EXIT.failed;
    if (json) process.stdout.write(`${JSON.stringify(demo.result(passed))}\n`);
    else {
      if (demo.stateFile !== null) out.write(`\nstate after the first up: ${demo.stateFile}`);
      out.write(`\ndemo: ${passed ? "done" : "failed"} in ${demo.story.seconds} s\n`);
    }
    return demo.interrupted ? EXIT.interrupted : passed ? EXIT.done : EXIT.failed;
  },
};

/** How long the account stays when the story is over. */
type Stay = "no longer" | "to be looked at" | "to be worked on";

const NO_SYSTEMD =
  "--boot systemd is not in the package: it takes root, debootstrap, systemd-nspawn and a 400 MB Debian. In the " +
  "repository, `npm run test:boot` boots one, with cloud-init; without --boot the user data runs in namespaces.";

class Demo {
  readonly #folder: string;
  /** A copy of the state after the first up; null as long as there is none. */
  stateFile: string | null = null;
  #emulator: Emulator | undefined;
  #server: BootedServer | undefined;
  #unfollow: (() => void) | undefined;
  #project: DemoProject | undefined;
  #outputs: Record<string, unknown> = {};
  #apiCalls: Record<string, number> = {};
  #figures: StateFigures = { stubBytesMax: 0, stateBytesPerResource: 0 };
  interrupted = false;
  hasStayed = false;

  readonly story: Story;

  constructor(
    print: (line: string) => void,
    private readonly engine: Engine,
    private readonly progress: "stdout" | "stderr",
    private readonly stay: Stay,
    private readonly withConsole: boolean,
  ) {
    this.#folder = stay === "to be worked on" ? keepFolder() : mkdtempSync(join(tmpdir(), "vpc-identity-demo-"));
    this.story = new Story(print, () => this.interrupted);
  }

  result(passed: boolean, kept?: Kept): object {
    const { seconds, steps } = this.story;
    return {
      passed,
      engine: this.engine.kind,
      seconds,
      steps,
      outputs: this.#outputs,
      apiCalls: this.#apiCalls,
      stateFile: this.stateFile,
      ...this.#figures,
      ...(kept === undefined ? {} : { kept }),
      ...(this.#emulator?.consoleUrl === undefined ? {} : { consoleUrl: this.#emulator.consoleUrl }),
    };
  }

  /** What a person is told when the account stays up to be looked at. */
  toldStay(): string {
    const copy = this.stateFile === null ? "" : `\nstate after the first up: ${this.stateFile}`;
    return `${copy}\nThe account stays up for its console; Ctrl-C ends it.\n`;
  }

  /** Plays the story; `onStay` is called when it is up to stay, with what it takes to work on it. */
  async play(onStay: (hasPassed: boolean, kept?: Kept) => void): Promise<boolean> {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const onInterrupt = (): void => {
      this.interrupted = true;
      end();
    };
    process.on("SIGINT", onInterrupt);
    process.on("SIGTERM", onInterrupt);
    try {
      await this.#scenes();
      if (this.stay !== "no longer") {
        this.hasStayed = true;
        if (this.stay === "to be looked at") onStay(true);
        else
          onStay(true, { pid: process.pid, folder: this.#folder, ...keptEnvironment(this.#folder, this.#ready().env) });
        await ended;
      }
      return true;
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      // What went wrong can be looked at, too.
      if (this.stay === "to be looked at" && this.#emulator !== undefined && !this.interrupted) {
        this.hasStayed = true;
        onStay(false);
        await ended;
      }
      return false;
    } finally {
      await this.#endServer();
      await this.#emulator?.close();
      const wasCut = this.interrupted && !this.hasStayed;
      const all = this.stay === "to be worked on" || wasCut || this.stateFile === null;
      if (all) this.stateFile = null;
      rmSync(all ? this.#folder : join(this.#folder, "work"), { recursive: true, force: true });
      process.off("SIGINT", onInterrupt);
      process.off("SIGTERM", onInterrupt);
    }
  }

  async #scenes(): Promise<void> {
    const { story } = this;
    let before = "";
    await story.step("emulator", "An IBM Cloud account on loopback", async () => {
      this.#emulator = await startEmulator({ console: this.withConsole });
      const work = join(this.#folder, "work");
      this.#project = await makeDemoProject(work, this.#emulator, this.engine, this.progress);
      before = JSON.stringify(this.#emulator.inventory());
      return [
        `IAM and VPC APIs at ${this.#emulator.url}, account ${this.#emulator.accountId}`,
        `engine: ${this.engine.kind}`,
        ...(this.#emulator.consoleUrl === undefined ? [] : [`console: ${this.#emulator.consoleUrl}`]),
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
    if (this.stay === "to be worked on") return;
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
      await this.#endServer();
      await this.#counted("destroy", () => this.#operate("destroy", ["--yes", "--skip-preview", "--suppress-outputs"]));
      if (JSON.stringify(emulator.inventory()) !== before)
        throw new Error("the account's inventory is not what it was before");
      return [`${this.#apiCalls.destroy} API calls; the account's inventory is as it was before`];
    });
  }

  #ready(): { emulator: Emulator; workspace: Workspace; env: DemoProject["env"] } {
    if (this.#emulator === undefined || this.#project === undefined) throw new Error("the demo has not begun");
    return { emulator: this.#emulator, ...this.#project };
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
    // What ends with the demo has nothing more to tell.
    const onLog = (line: string): void => {
      if (!this.interrupted) process[this.progress].write(`   | ${line}\n`);
    };
    this.#server = await bootInstance({ socket: instance.socket, onLog });
    // Elsewhere nobody moves the clock, and without namespaces a server has the clock of this machine.
    if (this.withConsole && this.#server.isolated) {
      this.#unfollow = followClock(emulator, this.#server, (reason) => onLog(`the clock is not followed: ${reason}`));
    }
    return this.#server;
  }

  async #endServer(): Promise<void> {
    this.#unfollow?.();
    await this.#server?.shutdown();
    this.#server = undefined;
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
