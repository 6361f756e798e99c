/** What must be true on the second server, whose metadata service speaks https and which has strongSwan. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Machine } from "./machine";
import { METRICS_FILE, RESULTS } from "./program";

/** The address alone fails verification, the name does not, and plain http gets no answer. */
export async function onlyByName(machine: Machine): Promise<undefined> {
  const ask = async (url: string): Promise<number> =>
    (await machine.exec(["curl", "-sS", "--max-time", "3", "-o", "/dev/null", url])).exitCode;
  const exitCodes = [
    await ask("https://api.metadata.cloud.ibm.com/"),
    await ask("https://169.254.169.254/"),
    (await ask("http://169.254.169.254/")) === 0 ? 0 : 1,
  ];
  // 60 is a certificate that does not fit.
  if (exitCodes.join() !== "0,60,1") throw new Error(exitCodes.join());
}

/** charon holds the certificate of the files with its private key, and that of the next renewal as well. */
export async function strongswanHas(machine: Machine): Promise<string> {
  await machine.output("systemctl", "is-active", "strongswan.service");
  const first = await held(machine);
  const second = await held(machine, first);
  const modes = await machine.output("sh", "-c", "stat -c '%a %U %n' /etc/swanctl/private/* /etc/swanctl/x509/*");
  if (modes !== "600 root /etc/swanctl/private/type_ibmshare.key\n600 root /etc/swanctl/x509/type_ibmshare.pem") {
    throw new Error(modes);
  }
  return `serials ${first}, ${second}`;
}

/** Serial number of the one certificate that charon has a key for, when it is that of the files, and not `before`. */
async function held(machine: Machine, before = ""): Promise<string> {
  let seen = "";
  for (let tries = 0; tries < 40; tries++) {
    const current = await machine.output("openssl", "x509", "-noout", "-serial", "-in", `${RESULTS}/current/leaf.pem`);
    const serial = current.replace("serial=", "").toLowerCase().replace(/^0+/, "");
    const { stdout, stderr } = await machine.exec(["swanctl", "--list-certs", "--type", "x509"]);
    seen = `${serial}\n${stdout}${stderr}`;
    const own = stdout.split(/\n(?=\s*subject:)/).filter((text) => text.includes("has private key"));
    const serials = own.map((text) => /serial:\s*([0-9a-f:]+)/.exec(text)?.[1]?.replaceAll(":", "").replace(/^0+/, ""));
    if (serials.length === 1 && serials[0] === serial && serial !== before) return serial;
    await sleep(500);
  }
  throw new Error(`${seen}\n${await machine.output("journalctl", "-b", "--no-pager", "-n", "30")}`);
}

/** Every line of ours in the journal is one object, and renewals can be told from the rest. */
export async function linesAreJson(machine: Machine): Promise<string> {
  const journal = await machine.output("journalctl", "-b", "--no-pager", "-o", "cat", "-u", "vpc-identity.service");
  const text = `${await machine.output("cat", "/var/log/cloud-init-output.log")}\n${journal}`;
  const lines = text.split("\n").filter((line) => /^\{|^vpc-identity: /.test(line));
  const events = lines.map((line) => (JSON.parse(line) as { event: string }).event);
  if (!events.includes("renewed")) throw new Error(text);
  return `${events.length} lines`;
}

/** The file says that the last run was good, and when what it fetched expires. */
export async function metricsAreThere(machine: Machine): Promise<undefined> {
  const text = await machine.output("cat", METRICS_FILE);
  const now = Math.floor(Date.now() / 1000);
  const expiries = [...text.matchAll(/^vpc_identity_expiry_timestamp_seconds\{kind="\w+",name="\w+"\} (\d+)$/gm)];
  const good = expiries.length === 2 && expiries.every(([, at]) => Number(at) > now - 1 && Number(at) < now + 25);
  if (!good || !text.includes("vpc_identity_last_run_exit_code 0\n")) throw new Error(`${now}\n${text}`);
}
