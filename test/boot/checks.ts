/** What must be true on a booted server; each throws with what it found instead, and may tell what it saw. */
import { X509Certificate } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { InventoryServer } from "../../emulator";
import type { Machine } from "./machine";
import { LIFE_SECONDS, RENEWALS, RESULTS, USER } from "./program";

const COMMAND = "/usr/local/bin/vpc-identity";

/** cloud-init ran to its end, and no module of it failed. */
export async function cloudInitIsDone(machine: Machine): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await machine.exec(["cloud-init", "status", "--wait", "--long"], 90_000);
  if (exitCode !== 0 || !/^status: done$/m.test(stdout)) {
    const log = await machine.exec(["tail", "-n", "30", "/var/log/cloud-init-output.log"]);
    throw new Error(`${exitCode} ${stdout}${stderr}\n${log.stdout}\n${machine.console.slice(-1000)}`);
  }
  return undefined;
}

/** The timer waits, now and after the next start, and none of our units has failed. */
export async function unitsAreGood(machine: Machine): Promise<string | undefined> {
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

/** Certificate and token are there, fresh, and of this server. */
export async function identityIsThere(machine: Machine, { id }: InventoryServer): Promise<string> {
  const status = await machine.exec([COMMAND, "status"]);
  if (status.exitCode > 1) throw new Error(`status: ${status.stdout}${await journalOf(machine)}`);
  const leaf = new X509Certificate(await machine.output("cat", `${RESULTS}/current/leaf.pem`));
  if (!leaf.subject.split("\n").includes(`CN=${id}`)) throw new Error(`the certificate is for ${leaf.subject}`);
  const token = await machine.output("cat", `${RESULTS}/tokens/default`);
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as { sub: string };
  if (!claims.sub.startsWith("Profile-")) throw new Error(`the token is for ${claims.sub}`);
  return `CN=${id}, ${claims.sub}`;
}

/** What our units said since the start. */
export async function journalOf(machine: Machine): Promise<string> {
  return (await machine.exec(["journalctl", "-n", "40", "--no-pager", "-b", "-u", "vpc-identity*"])).stdout;
}

/** Watches tokens and certificates be replaced, with never a moment without valid ones. */
export async function renewalsAreSeen(machine: Machine): Promise<string> {
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

/** Files, their renewals and the hooks are the user's, and nothing was done as root. */
export async function belongsToUser(machine: Machine): Promise<string> {
  const paths = ["", "/tokens/default", "/current/key.pem", "/generations"].map((path) => RESULTS + path);
  const seen = new Set<string>();
  for (let tries = 0; seen.size < 2; tries++) {
    if (tries === 60) throw new Error(`no renewal:\n${await journalOf(machine)}`);
    seen.add(await machine.output("cat", `${RESULTS}/tokens/default`));
    const owners = await machine.output("stat", "-c", "%U %a", ...paths);
    const expected = [`${USER} 700`, `${USER} 600`, `${USER} 600`, `${USER} 700`].join("\n");
    if (owners !== expected) throw new Error(owners);
    await sleep(500);
  }
  const ranAs = await machine.output("cat", `${RESULTS}/hooks-ran-as`);
  if (ranAs !== USER) throw new Error(`hooks ran as ${ranAs}`);
  const refused = await machine.exec(["runuser", "-u", "nobody", "--", COMMAND, "print-token"]);
  if (refused.exitCode === 0 || refused.stdout !== "") throw new Error("any user can print the token");
  return machine.output("runuser", "-u", USER, "--", COMMAND, "needs-renewal");
}

/** A reload takes a moment, and renewals go on meanwhile. */
export async function nginxServes(machine: Machine): Promise<string> {
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

/** Neither journal nor console shows a token or a key. */
export async function noSecretIn(machine: Machine): Promise<string> {
  const journal = await machine.output("journalctl", "--no-pager", "-b");
  const text = journal + machine.console;
  if (!/certificate \S+ for \S+ is in /.test(text)) throw new Error("the log does not even tell of the certificate");
  const secret = /eyJ[\w-]+\.|PRIVATE KEY/.exec(text);
  if (secret !== null) throw new Error(`found ${secret[0].slice(0, 12)}...`);
  return `${text.length} characters looked at`;
}

/** No file and no unit is left. */
export async function uninstallIsComplete(machine: Machine): Promise<undefined> {
  await machine.output(COMMAND, "uninstall");
  const left = await machine.output("sh", "-c", "find /etc /run /usr/local /var/lib -name 'vpc-identity*'");
  const units = await machine.output("systemctl", "list-units", "--all", "--plain", "--no-legend", "vpc-identity*");
  // What others still wish for is listed as not found.
  const loaded = units.split("\n").filter((line) => line !== "" && !line.includes("not-found inactive"));
  if (left !== "" || loaded.length > 0) throw new Error(`${left}\n${units}`);
  return undefined;
}

/** cloud-init's own schema and systemd's own reading of the units. */
export async function textsAreValid(machine: Machine): Promise<undefined> {
  const schema = await machine.output("cloud-init", "schema", "--config-file", "/var/lib/cloud/instance/user-data.txt");
  if (!schema.includes("Valid")) throw new Error(schema);
  const { exitCode, stdout, stderr } = await machine.exec([
    ...["sh", "-c", "systemd-analyze verify --man=no /etc/systemd/system/vpc-identity*"],
  ]);
  const complaints = (stdout + stderr).split("\n").filter((line) => line.includes("vpc-identity"));
  if (exitCode !== 0 || complaints.length > 0) throw new Error(`exit code ${exitCode}\n${stdout}${stderr}`);
}
