/**
 * The whole way for real: `up` creates a server in the emulated account, and the user data that it gave this server boots
 * a Debian with systemd and cloud-init on the true address of the metadata service. Nothing here helps the user data: what
 * it does not do by itself does not happen.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Emulator, type InventoryServer, startEmulator } from "../../emulator";
import { fetchUserData } from "../../emulator/boot-metadata";
import { CLI, Project, REPOSITORY, seededConfig } from "../support/project";
import {
  belongsToUser,
  cloudInitIsDone,
  identityIsThere,
  nginxServes,
  noSecretIn,
  renewalsAreSeen,
  textsAreValid,
  uninstallIsComplete,
  unitsAreGood,
} from "./checks";
import { debianRoot, NoImage } from "./debian-root";
import { furnish, furnishForHttps } from "./disk";
import { Machine, run } from "./machine";
import { LIFE_SECONDS, PROGRAM, RENEWALS } from "./program";
import { linesAreJson, metricsAreThere, onlyByName, strongswanHas } from "./secure";
import { Verdict } from "./verdict";

/** Prints one line for each thing looked at; resolves with the exit code. */
export async function main(): Promise<number> {
  const verdict = new Verdict("boot");
  const missing = whatIsMissing();
  if (missing !== undefined) {
    verdict.skip("a server booted by systemd and cloud-init", missing);
    return verdict.end(process.env.BOOT_COUNTS_FILE);
  }
  const folder = mkdtempSync(join(tmpdir(), "vpc-identity-boot-"));
  const scene = new Scene(folder, verdict);
  const onSignal = (): void => {
    scene.interrupted = true;
    void scene.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  try {
    await scene.play();
  } catch (error) {
    verdict.fail(scene.interrupted ? "was not interrupted" : "went to its end", error);
  } finally {
    await scene.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const exitCode = verdict.end(process.env.BOOT_COUNTS_FILE);
  return scene.interrupted ? 130 : exitCode;
}

function whatIsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const tools = ["debootstrap", "systemd-nspawn", "socat", "ip", "nsenter", "unshare"];
  const absent = tools.filter((tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0);
  if (absent.length > 0) return `not installed: ${absent.join(", ")}`;
  if (spawnSync("unshare", ["-nmpf", "--mount-proc", "true"]).status !== 0) return "this machine refuses namespaces";
  if (!existsSync(CLI)) throw new Error("there is no dist/; run `npm run build` first");
  return undefined;
}

class Scene {
  #emulator: Emulator | undefined;
  #project: Project | undefined;
  readonly #machines = new Set<Machine>();
  interrupted = false;

  constructor(
    private readonly folder: string,
    private readonly verdict: Verdict,
  ) {}

  async stop(): Promise<void> {
    await Promise.all([...this.#machines].map((machine) => machine.pull()));
    await this.#emulator?.close();
    this.#project?.remove();
  }

  async play(): Promise<void> {
    const say = (line: string): void => void process.stdout.write(`  ${line}\n`);
    let image: string;
    try {
      image = await this.verdict.timed("the Debian root is there", () => debianRoot(REPOSITORY, say));
    } catch (error) {
      if (!(error instanceof NoImage)) throw error;
      this.verdict.skip("a server booted by systemd and cloud-init", error.message);
      return;
    }
    const lives = { iamToken: LIFE_SECONDS, certificate: LIFE_SECONDS };
    const emulator = await startEmulator({ provisionSeconds: 0, seed: { issuedLifetimes: lives } });
    this.#emulator = emulator;
    await this.#deploy(emulator);
    const server = serverOf(emulator, "app");
    const disk = await this.#diskOf(server, image);
    const machine = await this.#firstBoot(disk, server);
    // While the first server is waited for most of the time, the others start.
    const ended = await Promise.allSettled([
      this.#renewals(machine).then(() => this.#secondBoot(disk, server)),
      this.#otherServers(emulator, image),
    ]);
    for (const outcome of ended) if (outcome.status === "rejected") throw outcome.reason;
  }

  async #otherServers(emulator: Emulator, image: string): Promise<void> {
    const secure = serverOf(emulator, "secure");
    const secureDisk = await this.#diskOf(secure, image);
    furnishForHttps(secureDisk, emulator.rootCertificate);
    await this.#bootOverHttps(secureDisk, secure);
    const unprivileged = serverOf(emulator, "unprivileged");
    await this.#bootWithUser(await this.#diskOf(unprivileged, image), unprivileged);
  }

  async #diskOf(server: InventoryServer, image: string): Promise<string> {
    const disk = join(this.folder, server.id);
    // Not Node's own copy, which would lose owners.
    await this.verdict.timed(`the disk of ${server.name} is copied`, async () => {
      const { exitCode, stderr } = await run(["cp", "-a", image, disk], 120_000);
      if (exitCode !== 0) throw new Error(`cannot copy ${image} to ${disk}: ${stderr}`);
    });
    furnish(disk, server.id, await fetchUserData(server.socket));
    return disk;
  }

  async #check(what: string, act: () => Promise<string | undefined>): Promise<void> {
    if (this.interrupted) throw new Error("interrupted");
    await this.verdict.check(what, act);
  }

  async #deploy(emulator: Emulator): Promise<void> {
    const project = Project.ofProgram(PROGRAM, { ...emulator.env });
    this.#project = project;
    writeFileSync(join(project.cwd, "trust-roots.pem"), emulator.rootCertificate);
    await project.engine("stack", "init", "dev");
    for (const [key, value] of Object.entries(seededConfig(emulator))) {
      await project.engine("config", "set", "--stack", "dev", "--plaintext", key, value);
    }
    await this.#check("`up` creates the servers", async () => {
      const { exitCode, output } = await project.up();
      if (exitCode !== 0) throw new Error(output);
      return emulator
        .inventory()
        .instances.map(({ id }) => id)
        .join(", ");
    });
  }

  async #firstBoot(disk: string, server: InventoryServer): Promise<Machine> {
    const machine = await this.#powerOn(disk, server, 1);
    await this.#check("first boot: cloud-init finishes without error", () => cloudInitIsDone(machine));
    await this.#check("first boot: the timer is active and enabled, no unit has failed", () => unitsAreGood(machine));
    await this.#check("first boot: cloud-init and systemd find nothing wrong in what we wrote", () =>
      textsAreValid(machine),
    );
    await this.#check("first boot: certificate and token are this server's", () => identityIsThere(machine, server));
    return machine;
  }

  async #renewals(machine: Machine): Promise<void> {
    await this.#check(`first boot: ${RENEWALS} renewals of each, with ${LIFE_SECONDS} s of life`, () =>
      renewalsAreSeen(machine),
    );
    await this.#check("first boot: hooks ran, and nginx serves the certificate of now", () => nginxServes(machine));
    await this.#check("hop limit 1: nothing behind the server gets an answer", async () => {
      const { exitCode } = await machine.execBehind(TOKEN_CALL);
      // 28 is a timeout: the packet got as far as the server and no further.
      if (exitCode !== 28) throw new Error(`curl ended with exit code ${exitCode}`);
      return undefined;
    });
    await this.#check("the console shows no token and no key", () => noSecretIn(machine));
    await this.#check("power off", async () => {
      await machine.powerOff();
      return undefined;
    });
  }

  async #secondBoot(disk: string, server: InventoryServer): Promise<void> {
    const machine = await this.#powerOn(disk, server, 2);
    await this.#check("second boot, same disk: cloud-init finishes without error", () => cloudInitIsDone(machine));
    await this.#check("second boot: vpc-identity-ready.target is reached", async () =>
      machine.output("systemctl", "start", "vpc-identity-ready.target"),
    );
    await this.#check("second boot: a new identity is there", () => identityIsThere(machine, server));
    await this.#check("second boot: nginx serves the new certificate", () => nginxServes(machine));
    await this.#check("second boot: units as before", () => unitsAreGood(machine));
    await this.#check("hop limit 2: one hop behind the server gets an answer", async () => {
      const { exitCode, stdout, stderr } = await machine.execBehind(TOKEN_CALL);
      if (exitCode !== 0 || stdout !== "200") throw new Error(`curl: ${exitCode} ${stdout} ${stderr}`);
      return undefined;
    });
    await this.#check("uninstall leaves nothing behind", () => uninstallIsComplete(machine));
    await machine.pull();
  }

  async #bootOverHttps(disk: string, server: InventoryServer): Promise<void> {
    const machine = await this.#powerOn(disk, server, 1);
    await this.#check("over https: cloud-init finishes without error", () => cloudInitIsDone(machine));
    await this.#check("over https: certificate and token are this server's", () => identityIsThere(machine, server));
    await this.#check("over https: the service is verified by its name", () => onlyByName(machine));
    await this.#check("over https: strongSwan has certificate and key, and those of the renewal", () =>
      strongswanHas(machine),
    );
    await this.#check("over https: the log is JSON", () => linesAreJson(machine));
    await this.#check("over https: Prometheus finds its file", () => metricsAreThere(machine));
    await this.#check("over https: the console shows no token and no key", () => noSecretIn(machine));
    await machine.pull();
  }

  async #bootWithUser(disk: string, server: InventoryServer): Promise<void> {
    const machine = await this.#powerOn(disk, server, 1);
    await this.#check("with a user of its own: cloud-init finishes without error", () => cloudInitIsDone(machine));
    await this.#check("with a user of its own: certificate and token are this server's", () =>
      identityIsThere(machine, server),
    );
    await this.#check("with a user of its own: files, renewals and hooks are that user's", () =>
      belongsToUser(machine),
    );
    await this.#check("with a user of its own: units are active, none has failed", () => unitsAreGood(machine));
    await this.#check("with a user of its own: uninstall leaves nothing behind", () => uninstallIsComplete(machine));
    await machine.pull();
  }

  async #powerOn(disk: string, { socket, id }: InventoryServer, responseHopLimit: number): Promise<Machine> {
    if (this.interrupted) throw new Error("interrupted");
    const machine = await Machine.start({ disk, socket, responseHopLimit, name: `vpc-${id.slice(-8)}` });
    this.#machines.add(machine);
    return machine;
  }
}

const TOKEN_CALL = [
  ...["curl", "-sS", "--noproxy", "*", "--max-time", "4", "-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT"],
  ...["-H", "Metadata-Flavor: ibm", "-H", "Content-Type: application/json", "-d", "{}"],
  "http://169.254.169.254/identity/v1/token?version=2025-08-26",
];

function serverOf(emulator: Emulator, name: string): InventoryServer {
  const server = emulator.inventory().instances.find((instance) => instance.name.startsWith(name));
  if (server === undefined) throw new Error(`the account has no server "${name}"`);
  return server;
}
