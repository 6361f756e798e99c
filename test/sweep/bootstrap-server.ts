/**
 * An emulated server in namespaces of its own, on the true address of the metadata service, on which the installed command
 * is run again and again while something goes wrong. Only waiting is made short: `sleep` and the patience of curl.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { bootstrapUserData } from "../../bootstrap";
import { type Emulator, startEmulator } from "../../emulator";
import { type BootedServer, bootInstance } from "../../emulator/boot";
import { link, makeServer } from "../emulator/emulated-server";

export const PROTOCOLS = ["http", "https"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What stands for `sh` on the server, in the script and in what it starts. */
export const SHELLS = { dash: "/usr/bin/dash", "BusyBox ash": "/usr/bin/busybox", bash: "/usr/bin/bash" } as const;
export type Shell = keyof typeof SHELLS;

/** How each command is begun, and what heals what it left: on a real server that is the timer. */
export const COMMANDS = {
  once: { prepare: "", heal: "once" },
  renew: { prepare: "rm -f /run/vpc-identity/issued/* /run/vpc-identity/current/.issued", heal: "renew" },
  provision: { prepare: "rm -rf /run/vpc-identity /var/lib/vpc-identity", heal: "renew" },
} as const;
export type Command = keyof typeof COMMANDS;

/** What a run asks for, in this order. */
export const CALLS = ["identity token", 'IAM token "default"', 'IAM token "other"', "certificate"] as const;

const SCRIPT = "/usr/local/bin/vpc-identity";

/** Waits are this long at most, in seconds by the script's own count. */
const PATIENCE_SECONDS = 12;

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a reader on the server finds. */
export interface Found {
  /** By name; only tokens that are whole and of their profile. */
  readonly tokens: Readonly<Record<string, string>>;
  /** Of the visible certificate when it is whole: its key is the leaf's, its chain issued it. */
  readonly generation: number | undefined;
  /** What is neither old nor new: half a token, a key without its leaf. */
  readonly broken: readonly string[];
  /** Work folders that a run left. */
  readonly debris: readonly string[];
}

const LOOK = `cd /run/vpc-identity 2>/dev/null || exit 0
for file in tokens/* current/key.pem current/leaf.pem current/chain.pem current/fullchain.pem current/manifest.json; do
  if [ -e "$file" ]; then printf '\\001%s\\n' "$file"; /usr/bin/cat "$file"; fi
done
for file in .work.*; do if [ -e "$file" ]; then printf '\\001%s\\n' "$file"; fi; done`;

export class SweptServer {
  #shell: Shell | undefined;

  private constructor(
    readonly emulator: Emulator,
    readonly protocol: Protocol,
    private readonly server: BootedServer,
    /** The profile of each token. */
    private readonly profiles: Readonly<Record<string, string>>,
  ) {}

  /** A server after its first boot; undefined where this machine refuses namespaces. */
  static async start(protocol: Protocol): Promise<SweptServer | undefined> {
    const emulator = await startEmulator({ provisionSeconds: 0 });
    try {
      const other = await makeServer(emulator, { name: "other", protocol });
      const userData = bootstrapUserData({
        protocol,
        iamTokens: [{ name: "default" }, { name: "other", profileId: other.profileId }],
        trustRootsPem: emulator.rootCertificate,
        firstBootSeconds: PATIENCE_SECONDS,
        retrySeconds: PATIENCE_SECONDS,
      });
      const made = await makeServer(emulator, { name: "swept", protocol, userData });
      await link(emulator, { ...made, profileId: other.profileId });
      const server = await bootInstance({
        socket: made.socket,
        rootCertificate: emulator.rootCertificate,
        timeoutMs: 60_000,
      });
      const profiles = { default: made.profileId, other: other.profileId };
      const swept = new SweptServer(emulator, protocol, server, profiles);
      if (server.isolated && server.exitCode === 0) {
        await swept.must(`sed -i 's/max-time = 20/max-time = 1/' ${SCRIPT}
printf '#!/bin/sh\\nexec /usr/bin/sleep 0.01\\n' >/usr/local/sbin/sleep && chmod 755 /usr/local/sbin/sleep`);
        return swept;
      }
      await swept.close();
      if (!server.isolated) return undefined;
      throw new Error(`the server did not boot: ${server.log}`);
    } catch (error) {
      await emulator.close();
      throw error;
    }
  }

  /** Everything that is run from here on is run by this shell. */
  async useShell(shell: Shell): Promise<void> {
    if (this.#shell !== shell) await this.must(`ln -sfn ${SHELLS[shell]} /usr/local/sbin/sh`);
    this.#shell = shell;
  }

  run(command: Command, before = ""): Promise<Ran> {
    return this.exec(`${COMMANDS[command].prepare}\n${before}\nexec sh ${SCRIPT} ${command}`);
  }

  /** What the server does next by itself; everything is fresh afterwards, or the exit code is not 0. */
  heal(command: Command, before = ""): Promise<Ran> {
    return this.exec(`${before}\nsh ${SCRIPT} ${COMMANDS[command].heal} && exec sh ${SCRIPT} status`);
  }

  exec(text: string): Promise<Ran> {
    return this.server.exec(["sh", "-c", text], { timeoutMs: 120_000 });
  }

  async must(text: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.exec(text);
    if (exitCode !== 0) throw new Error(`exit ${exitCode} of ${text}: ${stderr}`);
    return stdout;
  }

  async look(): Promise<Found> {
    const entries = (await this.must(LOOK)).split("\u0001").slice(1);
    const files = new Map(
      entries.map((entry) => [entry.slice(0, entry.indexOf("\n")), entry.slice(entry.indexOf("\n") + 1)]),
    );
    const broken: string[] = [];
    const tokens: Record<string, string> = {};
    for (const [name, profile] of Object.entries(this.profiles)) {
      const token = files.get(`tokens/${name}`);
      if (token === undefined) continue;
      if (subjectOf(token) === profile) tokens[name] = token;
      else broken.push(`tokens/${name} is ${JSON.stringify(token.slice(0, 40))}...`);
    }
    let generation: number | undefined;
    try {
      generation = generationOf((name) => files.get(`current/${name}`));
    } catch (error) {
      broken.push(`current: ${error instanceof Error ? error.message : String(error)}`);
    }
    return { tokens, generation, broken, debris: [...files.keys()].filter((name) => name.startsWith(".work")) };
  }

  async close(): Promise<void> {
    await this.server.shutdown();
    await this.emulator.close();
  }
}

function subjectOf(token: string): unknown {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as { sub?: unknown };
  return claims.sub;
}

/** Number of the set, undefined when there is none. @throws Error when it is not whole */
function generationOf(read: (name: string) => string | undefined): number | undefined {
  const [key, leaf, chain, full, manifest] = ["key.pem", "leaf.pem", "chain.pem", "fullchain.pem", "manifest.json"].map(
    read,
  );
  if (key === undefined && leaf === undefined && manifest === undefined) return undefined;
  if (key === undefined || leaf === undefined || chain === undefined || full === undefined || manifest === undefined)
    throw new Error("a file is missing");
  const certificate = new X509Certificate(leaf);
  if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is not the leaf's");
  if (!certificate.verify(new X509Certificate(chain).publicKey)) throw new Error("the chain did not issue the leaf");
  if (full !== leaf + chain) throw new Error("fullchain.pem is not leaf and chain");
  const { generation, serial } = JSON.parse(manifest) as { generation: number; serial: string };
  if (BigInt(`0x${serial}`) !== BigInt(`0x${certificate.serialNumber}`)) throw new Error("the manifest is another's");
  return generation;
}
