/**
 * The whole way for real: `up` creates a server in the emulated account, and the user data that it gave this server boots
 * a Debian with systemd and cloud-init on the true address of the metadata service. Nothing here helps the user data: what
 * it does not do by itself does not happen.
 */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Emulator, type InventoryServer, startEmulator } from "../../emulator";
import { fetchUserData } from "../../emulator/boot-metadata";
import { CLI, Project, REPOSITORY, seededConfig } from "../support/project";
import { debianRoot } from "./debian-root";
import { Machine } from "./machine";
import { PROGRAM } from "./program";
import { Verdict } from "./verdict";

const COMMAND = "/usr/local/bin/vpc-identity";
const RESULTS = "/run/vpc-identity";
const LIFE_SECONDS = 20;
const RENEWALS = 3;

/** Prints one line for each thing looked at; resolves with the exit code. */
export async function main(): Promise<number> {
  const verdict = new Verdict("boot");
  const missing = whatIsMissing();
  if (missing !== undefined) {
    verdict.skip("a server booted by systemd and cloud-init", missing);
    return verdict.end();
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
  const exitCode = verdict.end();
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
  #machine: Machine | undefined;
  interrupted = false;

  constructor(
    private readonly folder: string,
    private readonly verdict: Verdict,
  ) {}

  async stop(): Promise<void> {
    await this.#machine?.pull();
    await this.#emulator?.close();
    this.#project?.remove();
  }

  async play(): Promise<void> {
    const say = (line: string): void => void process.stdout.write(`  ${line}\n`);
    const image = await debianRoot(REPOSITORY, say);
    const lives = { iamToken: LIFE_SECONDS, certificate: LIFE_SECONDS };
    const emulator = await startEmulator({ provisionSeconds: 0, seed: { issuedLifetimes: lives } });
    this.#emulator = emulator;
    await this.#deploy(emulator);
    const disk = join(this.folder, "disk");
    // Not Node's own copy, which would lose owners.
    if (spawnSync("cp", ["-a", image, disk]).status !== 0) throw new Error(`cannot copy ${image} to ${disk}`);
    const server = serverOf(emulator);
    furnish(disk, server.id, await fetchUserData(server.socket));

    await this.#firstBoot(disk, server);
    await this.#secondBoot(disk, server);
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
    await this.#check("`up` creates the server", async () => {
      const { exitCode, output } = await project.up();
      if (exitCode !== 0) throw new Error(output);
      return serverOf(emulator).id;
    });
  }

  async #firstBoot(disk: string, server: InventoryServer): Promise<void> {
    const machine = await this.#powerOn(disk, server, 1);
    await this.#check("first boot: cloud-init finishes without error", () => cloudInitIsDone(machine));
    await this.#check("first boot: the timer is active and enabled, no unit has failed", () => unitsAreGood(machine));
    await this.#check("first boot: certificate and token are this server's", () => identityIsThere(machine, server));
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
    await this.#check("the console shows no token and no key", async () => noSecretIn(machine));
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

  async #powerOn(disk: string, { socket, id }: InventoryServer, responseHopLimit: number): Promise<Machine> {
    if (this.interrupted) throw new Error("interrupted");
    this.#machine = await Machine.start({ disk, socket, responseHopLimit, name: `vpc-${id.slice(-8)}` });
    return this.#machine;
  }
}

const TOKEN_CALL = [
  ...["curl", "-sS", "--noproxy", "*", "--max-time", "4", "-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT"],
  ...["-H", "Metadata-Flavor: ibm", "-H", "Content-Type: application/json", "-d", "{}"],
  "http://169.254.169.254/identity/v1/token?version=2025-08-26",
];

function serverOf(emulator: Emulator): InventoryServer {
  const [server] = emulator.inventory().instances;
  if (server === undefined) throw new Error("the account has no server");
  return server;
}

/** What an image brings along for cloud-init, and the disk that the cloud attaches. */
function furnish(disk: string, id: string, userData: string): void {
  const seed = join(disk, "var", "lib", "cloud", "seed", "nocloud");
  mkdirSync(seed, { recursive: true });
  writeFileSync(join(seed, "user-data"), userData);
  writeFileSync(join(seed, "meta-data"), `instance-id: ${id}\nlocal-hostname: app\n`);
  // Nothing here may follow a symbolic link of the image, which would lead to the host.
  rmSync(join(disk, "etc", "nginx", "sites-enabled", "default"));
  // A consumer of the certificate, as a user would set it up: https only, and not before the certificate is there.
  writeFileSync(
    join(disk, "etc", "nginx", "conf.d", "identity.conf"),
    `server { listen 443 ssl; ssl_certificate ${RESULTS}/current/fullchain.pem; ssl_certificate_key ${RESULTS}/current/key.pem; }\n`,
  );
  mkdirSync(join(disk, "etc", "systemd", "system", "nginx.service.d"));
  writeFileSync(
    join(disk, "etc", "systemd", "system", "nginx.service.d", "identity.conf"),
    "[Unit]\nWants=vpc-identity-ready.target\nAfter=vpc-identity-ready.target\n",
  );
  // So small a root has no locales to set up.
  const settings = "datasource_list: [NoCloud]\nlocale: false\n";
  writeFileSync(join(disk, "etc", "cloud", "cloud.cfg.d", "99-image.cfg"), settings);
}

async function cloudInitIsDone(machine: Machine): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await machine.exec(["cloud-init", "status", "--wait", "--long"], 90_000);
  if (exitCode !== 0 || !/^status: done$/m.test(stdout)) {
    const log = await machine.exec(["tail", "-n", "30", "/var/log/cloud-init-output.log"]);
    throw new Error(`${exitCode} ${stdout}${stderr}\n${log.stdout}\n${machine.console.slice(-1000)}`);
  }
  return undefined;
}

async function unitsAreGood(machine: Machine): Promise<string | undefined> {
  const timer = ["vpc-identity.timer"];
  const states = [
    await machine.output("systemctl", "is-active", ...timer),
    await machine.output("systemctl", "is-enabled", ...timer),
  ];
  if (states.join() !== "active,enabled") throw new Error(states.join());
  const { stdout } = await machine.exec(["systemctl", "--failed", "--plain", "--no-legend"]);
  if (stdout.includes("vpc-identity") || stdout.includes("cloud")) throw new Error(stdout);
  return undefined;
}

async function identityIsThere(machine: Machine, { id }: InventoryServer): Promise<string> {
  const status = await machine.exec([COMMAND, "status"]);
  if (status.exitCode > 1) throw new Error(`status: ${status.stdout}${await journalOf(machine)}`);
  const leaf = new X509Certificate(await machine.output("cat", `${RESULTS}/current/leaf.pem`));
  if (!leaf.subject.split("\n").includes(`CN=${id}`)) throw new Error(`the certificate is for ${leaf.subject}`);
  const token = await machine.output("cat", `${RESULTS}/tokens/default`);
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as { sub: string };
  if (!claims.sub.startsWith("Profile-")) throw new Error(`the token is for ${claims.sub}`);
  return `CN=${id}, ${claims.sub}`;
}

async function journalOf(machine: Machine): Promise<string> {
  return (await machine.exec(["journalctl", "-n", "40", "--no-pager", "-b", "-u", "vpc-identity*"])).stdout;
}

async function renewalsAreSeen(machine: Machine): Promise<string> {
  const [tokens, leaves] = [new Set<string>(), new Set<string>()];
  const started = Date.now();
  while (tokens.size <= RENEWALS || leaves.size <= RENEWALS) {
    if (Date.now() - started > RENEWALS * LIFE_SECONDS * 1000 + 10_000) {
      const seen = `saw ${tokens.size} tokens and ${leaves.size} certificates`;
      throw new Error(`${seen}:\n${await journalOf(machine)}`);
    }
    tokens.add(await machine.output("cat", `${RESULTS}/tokens/default`));
    leaves.add(await machine.output("cat", `${RESULTS}/current/leaf.pem`));
    // What a reader finds is valid at any moment.
    const { exitCode, stdout } = await machine.exec([COMMAND, "status"]);
    if (exitCode > 1) throw new Error(`between renewals: ${stdout}${await journalOf(machine)}`);
    await sleep(1000);
  }
  return `${tokens.size} tokens, ${leaves.size} certificates`;
}

/** A reload takes a moment, and renewals go on meanwhile. */
async function nginxServes(machine: Machine): Promise<string> {
  const serial = "openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | openssl x509 -noout -serial";
  let [served, current] = ["", ""];
  for (let tries = 0; tries < 20; tries++) {
    served = (await machine.exec(["sh", "-c", serial])).stdout.trim();
    current = await machine.output("openssl", "x509", "-noout", "-serial", "-in", `${RESULTS}/current/leaf.pem`);
    if (served === current) break;
    await sleep(500);
  }
  if (served !== current)
    throw new Error(
      `nginx: ${served}; files: ${current}\n${(await machine.exec(["journalctl", "-b", "--no-pager", "-u", "nginx"])).stdout}`,
    );
  const log = await machine.output("cat", "/var/log/renewals");
  const hooks = log.split("\n").filter((line) => line.includes("certificate")).length;
  const reloads = await machine.output("sh", "-c", "journalctl -b -u nginx.service | grep -c Reloaded || :");
  return `${served}, ${hooks} hooks, ${reloads} reloads`;
}

async function noSecretIn(machine: Machine): Promise<string> {
  const journal = await machine.output("journalctl", "--no-pager", "-b");
  const text = journal + machine.console;
  if (!text.includes("vpc-identity: certificate")) throw new Error("the log does not even tell of the certificate");
  const secret = /eyJ[\w-]+\.|PRIVATE KEY/.exec(text);
  if (secret !== null) throw new Error(`found ${secret[0].slice(0, 12)}...`);
  return `${text.length} characters looked at`;
}

async function uninstallIsComplete(machine: Machine): Promise<undefined> {
  await machine.output(COMMAND, "uninstall");
  const left = await machine.output("sh", "-c", "find /etc /run /usr/local /var/lib -name 'vpc-identity*'");
  const units = await machine.output("systemctl", "list-units", "--all", "--plain", "--no-legend", "vpc-identity*");
  // What others still wish for is listed as not found.
  const loaded = units.split("\n").filter((line) => line !== "" && !line.includes("not-found inactive"));
  if (left !== "" || loaded.length > 0) throw new Error(`${left}\n${units}`);
  return undefined;
}
