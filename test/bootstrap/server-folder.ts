/** A folder that the installed script takes for a server's disk, and runs of the script in it. */
import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BootstrapOptions } from "../../bootstrap";
import { resolveOptions } from "../../bootstrap/resolved-options";
import { INSTALLED_SCRIPT } from "../../bootstrap/script";
import { extrasScript } from "../../bootstrap/script-extras";

/** Every shell the script must run under, those of them that this machine has. */
export const SHELLS = [
  { name: "dash", argv: ["dash"] },
  { name: "bash --posix", argv: ["bash", "--posix"] },
  { name: "BusyBox ash", argv: ["busybox", "ash"] },
].map((shell) => ({
  ...shell,
  present: spawnSync(shell.argv[0] ?? "", [...shell.argv.slice(1), "-c", ":"]).status === 0,
}));

const stock: string[] = [];

/** So many RSA keys in PEM, the same for the whole process: to make one costs more than all the rest of a run. */
export function stockOfKeys(count: number): readonly string[] {
  const format = { type: "pkcs8", format: "pem" } as const;
  while (stock.length < count) {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: format,
      publicKeyEncoding: { ...format, type: "spki" },
    });
    stock.push(privateKey);
  }
  return stock.slice(0, count);
}

/** A script that takes the keys of its certificates from a stock of two in turn, for tests of anything but keys. */
export function withStockOfKeys(script: string): string {
  const [one = "", other = ""] = stockOfKeys(2);
  const takeKey = `make_key() {
  echo x >>"$root/keys-taken"
  case $(($(wc -l <"$root/keys-taken") % 2)) in
    0) printf %b '${one.replaceAll("\n", "\\n")}' ;;
    *) printf %b '${other.replaceAll("\n", "\\n")}' ;;
  esac >"$new/key.pem"
}`;
  return script.replace(/^make_key\(\) .*$/m, () => takeKey);
}

/** A script that finds the programs in the folder's /bin before those of the system. */
export const withOwnPrograms = (script: string): string =>
  script.replace("PATH=/usr", "PATH=$VPC_IDENTITY_ROOT/bin:/usr");

/** A script that misses one of its tools. */
export const withoutTool = (script: string): string =>
  script.replaceAll("for tool in curl", "for tool in curl-of-the-test");

/** Why a run ends before it has asked for anything, and how. */
export const EARLY_ENDS: readonly {
  readonly name: string;
  readonly change?: (script: string) => string;
  readonly spoil?: (server: ServerFolder) => void;
  readonly exitCode: number;
}[] = [
  { name: "a tool is missing", change: withoutTool, exitCode: 3 },
  {
    name: "its settings are broken",
    spoil: (server) => writeFileSync(server.path("/etc/vpc-identity/config.json"), "{"),
    exitCode: 2,
  },
  {
    name: "others may write to its folder",
    spoil: (server) => void spawnSync("install", ["-d", "-m", "0777", server.path("/run/vpc-identity")]),
    exitCode: 1,
  },
];

/** The shells that are there, one after the other: for tables whose rows need not each be run under all of them. */
export function shellInTurn(index: number): { readonly name: string; readonly argv: readonly string[] } {
  const there = SHELLS.filter(({ present }) => present);
  return there[index % there.length] ?? { name: "sh", argv: ["sh"] };
}

export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
  /** From the signal of the options to the end. */
  readonly millisecondsSinceSignal: number;
}

export interface RunOptions {
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the process id once it runs. */
  readonly onStart?: (pid: number) => void;
  /** Sent to it as soon as something is so. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly when: () => boolean };
}

export class ServerFolder {
  readonly root = mkdtempSync(join(tmpdir(), "vpc-identity-test-"));
  readonly script = this.path("/usr/local/bin/vpc-identity");

  constructor(
    readonly url: string,
    options: BootstrapOptions = {},
    changeScript: (script: string) => string = (script) => script,
  ) {
    mkdirSync(this.path("/usr/local/bin"), { recursive: true });
    mkdirSync(this.path("/etc/vpc-identity"), { recursive: true });
    writeFileSync(this.script, changeScript(INSTALLED_SCRIPT));
    chmodSync(this.script, 0o755);
    this.configure(options);
  }

  configure(options: BootstrapOptions): void {
    const { trustRootsPem, metadataCaPem, extras, ...settings } = resolveOptions(options);
    if (extras !== "") {
      mkdirSync(this.path("/usr/local/lib/vpc-identity"), { recursive: true });
      writeFileSync(this.path("/usr/local/lib/vpc-identity/extras"), extrasScript(extras));
      writeFileSync(this.path("/etc/vpc-identity/extras.conf"), extras);
    }
    writeFileSync(this.path("/etc/vpc-identity/config.json"), JSON.stringify(settings));
    for (const [name, pem] of Object.entries({ "trust-roots.pem": trustRootsPem, "metadata-ca.pem": metadataCaPem }))
      if (pem !== undefined) writeFileSync(this.path(`/etc/vpc-identity/${name}`), pem);
  }

  path(path: string): string {
    return join(this.root, path);
  }

  read(path: string): string {
    return readFileSync(this.path(path), "utf8");
  }

  has(path: string): boolean {
    return existsSync(this.path(path));
  }

  /** Ends the first boot, in which refusals are repeated. */
  endFirstBoot(): void {
    mkdirSync(this.path("/var/lib/vpc-identity"), { recursive: true });
    const uuid = "/sys/class/dmi/id/product_uuid";
    let server = "unknown";
    try {
      server = readFileSync(uuid, "utf8").trim();
    } catch {
      // Not readable for this user, or not there: the script does without as well.
    }
    writeFileSync(this.path("/var/lib/vpc-identity/provisioned"), `${server}\n`);
  }

  run(args: readonly string[], { shell = ["sh"], env = {}, onStart, signal }: RunOptions = {}): Promise<Run> {
    const started = Date.now();
    const child = spawn(shell[0] ?? "sh", [...shell.slice(1), this.script, ...args], {
      env: {
        PATH: process.env.PATH ?? "/usr/bin:/bin",
        VPC_IDENTITY_ROOT: this.root,
        VPC_IDENTITY_METADATA_URL: this.url,
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
    if (child.pid !== undefined) onStart?.(child.pid);
    let sent = Number.NaN;
    const sendWhenSo = (): void => {
      if (signal?.when() !== true) return;
      clearInterval(wait);
      sent = Date.now();
      child.kill(signal.name);
    };
    const wait = signal && setInterval(sendWhenSo, 20);
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, killedBy) => {
        clearInterval(wait);
        const ended = Date.now();
        resolve({
          exitCode: code ?? (killedBy === "SIGKILL" ? 137 : 128),
          stdout,
          stderr,
          milliseconds: ended - started,
          millisecondsSinceSignal: ended - sent,
        });
      });
    });
  }

  /** The generation that is visible, when its key and its leaf belong together and nothing is missing. */
  completeSet(): { generation: number } | undefined {
    if (!this.has("/run/vpc-identity/current/manifest.json")) return undefined;
    const file = (name: string): string => this.path(`/run/vpc-identity/current/${name}`);
    const publicKey = (argv: string[]): string => spawnSync("openssl", argv, { encoding: "utf8" }).stdout;
    const ofKey = publicKey(["pkey", "-in", file("key.pem"), "-pubout"]);
    const ofLeaf = publicKey(["x509", "-in", file("leaf.pem"), "-noout", "-pubkey"]);
    const chain = readFileSync(file("leaf.pem"), "utf8") + readFileSync(file("chain.pem"), "utf8");
    if (ofKey === "" || ofKey !== ofLeaf || chain !== readFileSync(file("fullchain.pem"), "utf8")) return undefined;
    return JSON.parse(readFileSync(file("manifest.json"), "utf8")) as { generation: number };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
