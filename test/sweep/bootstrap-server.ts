/**
 * Emulated servers in namespaces of their own, on the true address of the metadata service, on which the installed command
 * is run again and again while something goes wrong. Waiting is made short (`sleep`, the patience of curl), and openssl takes
 * its keys from a stock.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { type BootstrapOptions, bootstrapUserData } from "../../bootstrap";
import { quoted } from "../../cli/shell";
import { type Emulator, startEmulator } from "../../emulator";
import { type BootedServer, bootInstance } from "../../emulator/boot";
import { stockOfKeys } from "../bootstrap/server-folder";
import { link, makeServer } from "../emulator/emulated-server";

/** Those of `https` also have all that makes the script write files, see {@link EQUIPMENT}. */
export const PROTOCOLS = ["http", "https"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Servers of each that share the whole of a sweep: a run waits for half of its time. */
export const SERVERS_EACH = 4;

/** What stands for `sh` on the server, in the script and in what it starts. */
export const SHELLS = { dash: "/usr/bin/dash", "BusyBox ash": "/usr/bin/busybox", bash: "/usr/bin/bash" } as const;
export type Shell = keyof typeof SHELLS;

/** How each command is begun, and what heals what it left: on a real server that is the timer. */
export const COMMANDS = {
  once: { prepare: "", heal: "once" },
  renew: { prepare: "rm -f /run/vpc-identity/issued/* /run/vpc-identity/current/.issued", heal: "renew" },
  provision: {
    prepare: "rm -rf /run/vpc-identity /var/lib/vpc-identity /etc/swanctl /var/lib/node_exporter",
    heal: "renew",
  },
} as const;
export type Command = keyof typeof COMMANDS;

/** What a run asks for, in this order. */
export const CALLS = ["identity token", 'IAM token "default"', 'IAM token "other"', "certificate"] as const;

const SCRIPT = "/usr/local/bin/vpc-identity";

/** Waits are this long at most, in seconds by the script's own count. */
const PATIENCE_SECONDS = 12;
/** What takes longer is killed; a run with its retries takes a few seconds. */
const LIMIT_SECONDS = 120;

/** Before the programs of the system; what a sweep puts before all of them is in `/usr/local/sbin`. */
export const PROGRAMS_OF_SWEEP = "/usr/local/bin";

/** No key is that of the run before, nor that of the one before it. */
const KEYS = 3;

/** As the script calls it for a key, openssl writes the file that comes last. */
function opensslWithStock(): string {
  const keys = stockOfKeys(KEYS);
  return `#!/usr/bin/dash
[ "$1" = genpkey ] || exec /usr/bin/openssl "$@"
case " $* " in *' -algorithm RSA '*' rsa_keygen_bits:2048 '*) ;; *) exit 1 ;; esac
for file; do :; done
read -r next </run/sweep-keys
echo $(((next + 1) % ${KEYS})) >/run/sweep-keys.$$ && mv /run/sweep-keys.$$ /run/sweep-keys
case $next in
${keys.map((key, index) => `${index}) key='${key}' ;;`).join("\n")}
*) exit 1 ;;
esac
printf %s "$key" >"$file"
`;
}

const SERVICES = ["VPC", "IAM_IDENTITY"];
const METRICS = "/var/lib/node_exporter/vpc-identity.prom";
const [TOLD, FAILURES] = ["/run/sweep-told", "/run/sweep-failures"];

/** A hook that adds a line to a file. It starts no program, so that nothing of it is stopped in place of the script. */
const note = (variable: string, file: string): string[] => ["sh", "-c", `printf '%s\\n' "$${variable}" >>${file}`];

/** Owners are root: where the namespace has no other user, the programs that change them run all the same. */
const EQUIPMENT: BootstrapOptions = {
  group: "root",
  files: { token: { mode: "0640" }, "combined.pem": { mode: "0400" } },
  combinedPem: true,
  credentialFiles: [
    { token: "default", services: SERVICES },
    { token: "other", services: SERVICES },
  ],
  hooks: {
    exec: [note("VPC_IDENTITY_CHANGED", TOLD)],
    failureExec: [note("VPC_IDENTITY_EXIT_CODE", FAILURES)],
    timeoutSeconds: 30,
  },
  strongswan: { name: "swept" },
  log: "json",
  metricsFile: METRICS,
};

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
  /** Copies in other forms that are whole and not of the credentials that are there, and news that no hook was told. */
  readonly behind: readonly string[];
  /** What hooks were told is new, since the last run began: `certificate`, `token:default`. */
  readonly told: readonly string[];
  /** Exit codes that hooks were told of, since the last run began. */
  readonly failures: readonly string[];
  /** Exit code of the last run by its metrics file. */
  readonly metricsExitCode: string | undefined;
}

export const NOTHING: Found = {
  ...{ tokens: {}, generation: undefined, broken: [], debris: [], behind: [] },
  ...{ told: [], failures: [], metricsExitCode: undefined },
};

const RESULTS = "/run/vpc-identity";
const SWANCTL = "/etc/swanctl";
const SET = ["key.pem", "leaf.pem", "chain.pem", "fullchain.pem", "combined.pem", "manifest.json"];
const LOOKED_AT = [
  ...[`${RESULTS}/tokens/*`, ...SET.map((name) => `${RESULTS}/current/${name}`), `${RESULTS}/credentials/*`],
  ...[`${SWANCTL}/private/*`, `${SWANCTL}/x509/*`, `${SWANCTL}/x509ca/*`, METRICS, `${METRICS}.*`, TOLD, FAILURES],
  ...[`${RESULTS}/changed`, `${RESULTS}/changed.taken`],
];
const WORK_FOLDERS = [`${RESULTS}/.work.*`, `${SWANCTL}/.vpc-identity`];
const LOOK = `for file in ${LOOKED_AT.join(" ")}; do
  if [ -f "$file" ]; then printf '\\001%s\\n' "$file"; /usr/bin/cat "$file"; fi
done
for file in ${WORK_FOLDERS.join(" ")}; do if [ -d "$file" ]; then printf '\\001%s\\n' "$file"; fi; done`;

export class SweptServer {
  #shell: Shell | undefined;

  private constructor(
    readonly emulator: Emulator,
    readonly protocol: Protocol,
    private readonly server: BootedServer,
    /** The profile of each token. */
    private readonly profiles: Readonly<Record<string, string>>,
  ) {
    this.isEquipped = protocol === "https";
  }

  /** Whether it has all that {@link EQUIPMENT} asks for. */
  readonly isEquipped: boolean;

  /** Servers after their first boot, one for each; undefined where this machine refuses namespaces. @throws when some did not. */
  static async startAll(protocols: readonly Protocol[]): Promise<SweptServer[] | undefined> {
    const started = await Promise.allSettled(protocols.map((protocol) => SweptServer.start(protocol)));
    const servers = started.flatMap((one) =>
      one.status === "fulfilled" && one.value !== undefined ? [one.value] : [],
    );
    if (servers.length === protocols.length) return servers;
    await closeAll(servers);
    for (const one of started) if (one.status === "rejected") throw one.reason;
    if (servers.length > 0) throw new Error(`only ${servers.length} of ${protocols.length} servers came up`);
    return undefined;
  }

  private static async start(protocol: Protocol): Promise<SweptServer | undefined> {
    const emulator = await startEmulator({ provisionSeconds: 0 });
    try {
      const other = await makeServer(emulator, { name: "other", protocol });
      const userData = bootstrapUserData({
        protocol,
        iamTokens: [{ name: "default" }, { name: "other", profileId: other.profileId }],
        trustRootsPem: emulator.rootCertificate,
        firstBootSeconds: PATIENCE_SECONDS,
        retrySeconds: PATIENCE_SECONDS,
        ...(protocol === "https" ? { ...EQUIPMENT, metadataCaPem: emulator.rootCertificate } : {}),
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
printf '#!/bin/sh\\nexec /usr/bin/sleep 0.01\\n' >/usr/local/sbin/sleep && chmod 755 /usr/local/sbin/sleep
echo 0 >/run/sweep-keys
printf %s ${quoted(opensslWithStock())} >${PROGRAMS_OF_SWEEP}/openssl && chmod 755 ${PROGRAMS_OF_SWEEP}/openssl`);
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
    const forget = `rm -f ${TOLD} ${FAILURES}`;
    return this.exec(`${forget}\n${COMMANDS[command].prepare}\n${before}\nexec sh ${SCRIPT} ${command}`);
  }

  /** What the server does next by itself; everything is fresh afterwards, or the exit code is not 0. */
  heal(command: Command, before = ""): Promise<Ran> {
    const { heal } = COMMANDS[command];
    // A look that makes up for the hooks of a run that was killed does nothing else; what is due then waits for the next look.
    const looks = heal === "renew" && this.isEquipped ? 2 : 1;
    return this.exec(`${before}\n${`sh ${SCRIPT} ${heal} && `.repeat(looks)} exec sh ${SCRIPT} status`);
  }

  /** @throws Error when it has not ended in time: then it was killed. */
  async exec(text: string): Promise<Ran> {
    const timeoutMs = LIMIT_SECONDS * 1000;
    let timer: NodeJS.Timeout | undefined;
    // A process that has left its group, as those of hooks do, outlives the group and keeps the output open.
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error("and what it started lives on")), timeoutMs + 5000);
    });
    const startedMs = Date.now();
    try {
      return await Promise.race([this.server.exec(["sh", "-c", text], { timeoutMs }), late]);
    } catch (error) {
      if (Date.now() - startedMs < timeoutMs) throw error;
      const what = text.trim().split("\n").at(-1) ?? "";
      throw new Error(`killed because it had not ended after ${LIMIT_SECONDS} s: ${what}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
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
      const token = files.get(`${RESULTS}/tokens/${name}`);
      if (token === undefined) continue;
      if (subjectOf(token) === profile) tokens[name] = token;
      else broken.push(`tokens/${name} is ${JSON.stringify(token.slice(0, 40))}...`);
    }
    let generation: number | undefined;
    try {
      generation = generationOf((name) => files.get(`${RESULTS}/current/${name}`), this.isEquipped);
    } catch (error) {
      broken.push(`current: ${messageOf(error)}`);
    }
    const words = (path: string): string[] => files.get(path)?.split(/\s+/).filter(Boolean) ?? [];
    return {
      tokens,
      generation,
      broken: [...broken, ...this.#brokenCopies(files)],
      debris: [...files.keys()].filter((path) => /\/\.(work\.\w+|vpc-identity)$|\.prom\.vpc-identity\./.test(path)),
      behind: this.isEquipped ? this.#copiesBehind(files, tokens) : [],
      told: words(TOLD),
      failures: words(FAILURES),
      metricsExitCode: /^vpc_identity_last_run_exit_code (\d+)$/m.exec(files.get(METRICS) ?? "")?.[1],
    };
  }

  /** Copies that are not whole, whatever they are of. */
  #brokenCopies(files: ReadonlyMap<string, string>): string[] {
    const wholes = new Map<RegExp, (text: string, name: string) => boolean>([
      [/credentials\/(.*)\.env$/, (text, name) => subjectOf(tokenIn(text)) === this.profiles[name]],
      [/swanctl\/private\/(.*)$/, (text) => createPrivateKey(text).type === "private"],
      [/swanctl\/x509(?:ca)?\/(.*)$/, (text) => new X509Certificate(text).toString() === text],
      [/(\.prom)$/, (text) => METRICS_TEXT.test(text)],
    ]);
    return [...files].flatMap(([path, text]) =>
      [...wholes].flatMap(([pattern, isWhole]) => {
        const name = pattern.exec(path)?.[1];
        if (name === undefined) return [];
        try {
          return isWhole(text, name) ? [] : [`${path} is not whole: ${JSON.stringify(text.slice(0, 80))}...`];
        } catch (error) {
          return [`${path} is not whole: ${messageOf(error)}`];
        }
      }),
    );
  }

  #copiesBehind(files: ReadonlyMap<string, string>, tokens: Found["tokens"]): string[] {
    const current = (name: string): string | undefined => files.get(`${RESULTS}/current/${name}`);
    const issuers = [...files].filter(([path]) => path.startsWith(`${SWANCTL}/x509ca/`)).map(([, text]) => text);
    const chain = current("chain.pem");
    const pairs: (readonly [what: string, copy: string | undefined, original: string | undefined])[] = [
      ...Object.keys(this.profiles).map(
        (name) =>
          [`credentials/${name}.env`, tokenIn(files.get(`${RESULTS}/credentials/${name}.env`)), tokens[name]] as const,
      ),
      [`the key of strongSwan`, files.get(`${SWANCTL}/private/swept.key`), current("key.pem")],
      [`the certificate of strongSwan`, files.get(`${SWANCTL}/x509/swept.pem`), current("leaf.pem")],
      [
        `the issuers of strongSwan`,
        issuers.length === 0 ? undefined : issuers.join(""),
        chain && `${chain}${this.emulator.rootCertificate.trim()}\n`,
      ],
    ];
    return [
      ...pairs.filter(([, copy, original]) => copy !== original).map(([what]) => `${what} is not that of now`),
      ...[...files.keys()].filter((path) => path.includes("/changed")).map((path) => `${path}: no hook was told of it`),
    ];
  }

  async close(): Promise<void> {
    await this.server.shutdown();
    await this.emulator.close();
  }
}

export async function closeAll(servers: readonly SweptServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.close()));
}

/** What is new and was told to no hook. */
export function untold({ isEquipped }: SweptServer, old: Found, found: Found): string[] {
  if (!isEquipped) return [];
  const isNew = (name: string): boolean => found.tokens[name] !== undefined && found.tokens[name] !== old.tokens[name];
  const news = [
    ...["default", "other"].filter(isNew).map((name) => `token:${name}`),
    ...(found.generation === undefined || found.generation === old.generation ? [] : ["certificate"]),
  ];
  return news.filter((word) => !found.told.includes(word)).map((word) => `no hook was told of ${word}`);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** As the collector of Prometheus accepts it: every line whole, and every kind of line there. */
const METRICS_TEXT = new RegExp(
  `^${["last_run_exit_code", "last_run_timestamp_seconds", "hooks_failed"]
    .map((name) => `# TYPE vpc_identity_${name} gauge\nvpc_identity_${name} \\d+\n`)
    .join("")}# TYPE vpc_identity_expiry_timestamp_seconds gauge\n` +
    `(?:vpc_identity_expiry_timestamp_seconds\\{kind="\\w+",name="\\w+"\\} \\d+\n){3}$`,
);

/** The token in a credentials file, undefined where there is no file; of a file in another form, all of its text. */
function tokenIn(text: string | undefined): string | undefined {
  const token = /_BEARER_TOKEN=(.*)$/m.exec(text ?? "")?.[1] ?? "";
  const whole = SERVICES.map((name) => `${name}_AUTH_TYPE=bearertoken\n${name}_BEARER_TOKEN=${token}\n`).join("");
  return text === whole ? token : text;
}

function subjectOf(token = ""): unknown {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as { sub?: unknown };
  return claims.sub;
}

/** Number of the set, undefined when there is none. @throws Error when it is not whole */
function generationOf(read: (name: string) => string | undefined, isCombined: boolean): number | undefined {
  const [key, leaf, chain, full, combined, manifest] = SET.map(read);
  if (key === undefined && leaf === undefined && manifest === undefined) return undefined;
  if (key === undefined || leaf === undefined || chain === undefined || full === undefined || manifest === undefined)
    throw new Error("a file is missing");
  const certificate = new X509Certificate(leaf);
  if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is not the leaf's");
  if (!certificate.verify(new X509Certificate(chain).publicKey)) throw new Error("the chain did not issue the leaf");
  if (full !== leaf + chain) throw new Error("fullchain.pem is not leaf and chain");
  if (isCombined && combined !== key + leaf + chain) throw new Error("combined.pem is not key, leaf and chain");
  const { generation, serial } = JSON.parse(manifest) as { generation: number; serial: string };
  if (BigInt(`0x${serial}`) !== BigInt(`0x${certificate.serialNumber}`)) throw new Error("the manifest is another's");
  return generation;
}
