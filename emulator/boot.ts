/**
 * Boots the user data of an emulated server on this machine: in namespaces of its own, on the true address of the metadata
 * service, as that server. Nothing is written to the host: what the server writes is in memory and gone when it is shut
 * down. It knows nothing of what the user data does, so it can show that user data works and cannot make it work.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { channel } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { type AgentReply, type AgentRequest, bootAgent, type BootPlan } from "./boot-agent";
import { type BootDocument, readUserData } from "./boot-document";
import { BOOT_CHANNEL, type BootLine } from "./boot-channel";
import { fetchUserData } from "./boot-metadata";

export interface BootOptions {
  /** Path of the unix socket on which the emulator's on-instance services answer as this server. */
  readonly socket: string;
  /** User data to run. @default - the user data of the server, from its own metadata service */
  readonly userData?: string;
  /**
   * PEM certificate that the server's CA bundle holds, as the image of a real server knows who signed the service's
   * certificate: the emulator's `rootCertificate` for servers whose metadata service speaks https. @default - none
   */
  readonly rootCertificate?: string;
  /** Called with each line that the server prints while it boots. @default - lines are only kept in `log` */
  readonly onLog?: (line: string) => void;
  /** The boot fails when it takes longer, in milliseconds. @default 900000 (15 minutes) */
  readonly timeoutMs?: number;
}

/** Result of a command on the server. */
export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A server whose user data has run. It stays up until `shutdown`. */
export interface BootedServer {
  /** Exit code of the user data: that of its last command, as with cloud-init; of several scripts, the first that is not 0. */
  readonly exitCode: number;
  /** Everything it printed, both streams. */
  readonly log: string;
  /** False where this machine refuses namespaces: the user data ran on loopback, below a folder of its own. */
  readonly isolated: boolean;
  /** Runs a command inside. @throws Error when it cannot start or is not finished after `timeoutMs` (default 60000). */
  exec(argv: readonly string[], options?: { readonly timeoutMs?: number }): Promise<ExecResult>;
  /** Content of a file inside, as UTF-8. */
  readFile(path: string): Promise<string>;
  /** Ends every process of the server; its files are gone. */
  shutdown(): Promise<void>;
}

/**
 * Boots a server and resolves when its user data has run, whatever its exit code.
 *
 * @throws Error for user data that cannot be executed, and when the boot takes too long.
 * @example
 * const server = await bootInstance({ socket: emulator.inventory().instances[0].socket });
 * await server.exec(["/usr/local/bin/vpc-identity", "once"]);
 */
export async function bootInstance(options: BootOptions): Promise<BootedServer> {
  tell({ socket: options.socket });
  const document = readUserData(options.userData ?? (await fetchUserData(options.socket)));
  const isolated = await Server.boot(document, options, "");
  if (isolated instanceof Server) return isolated;
  const root = mkdtempSync(join(tmpdir(), "vpc-server-"));
  options.onLog?.(`Namespaces are refused here (${isolated.refused}); running on loopback below ${root}.`);
  const plain = await Server.boot(onlyOwnCommands(document, root), options, root).catch((error: unknown) => {
    rmSync(root, { recursive: true, force: true });
    throw error;
  });
  if (plain instanceof Server) return plain;
  rmSync(root, { recursive: true, force: true });
  throw new Error(`The server cannot boot on this machine: ${plain.refused}`);
}

class Server implements BootedServer {
  exitCode = -1;
  log = "";
  readonly #process: ChildProcess;
  readonly #root: string;
  readonly #closed: Promise<void>;
  readonly #waiting = new Map<number, (reply: AgentReply) => void>();
  #lastId = 0;

  private constructor(
    readonly isolated: boolean,
    folder: string,
    root: string,
  ) {
    this.#root = root;
    const node = [process.execPath, "-e", `(${bootAgent.toString()})()`];
    const asRoot = process.getuid?.() === 0 ? [] : ["-r"];
    const [command = "", ...args] = isolated
      ? ["unshare", ...asRoot, "-nmpf", "--kill-child", "--mount-proc", "--", ...node]
      : node;
    // The environment of this process may hold credentials, which a server has no business with.
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
    this.#process = spawn(command, args, { cwd: folder, env, stdio: ["pipe", "pipe", "pipe"] });
    this.#closed = new Promise((resolve) => this.#process.on("close", () => resolve()).on("error", () => resolve()));
  }

  static async boot(document: BootDocument, options: BootOptions, root: string): Promise<Server | { refused: string }> {
    const server = new Server(root === "", dirname(options.socket), root);
    try {
      const outcome = await server.#start(document, options);
      if (outcome === undefined) return server;
      await server.shutdown();
      return { refused: outcome };
    } catch (error) {
      await server.shutdown();
      throw error;
    }
  }

  /** Resolves when the server has booted; with the reason when this machine refuses what it takes. */
  #start({ boothooks, files, scripts }: BootDocument, options: BootOptions): Promise<string | undefined> {
    const { timeoutMs = 900_000, onLog } = options;
    const plan: BootPlan = {
      isolated: this.isolated,
      socket: basename(options.socket),
      root: this.#root,
      rootCertificate: options.rootCertificate ?? "",
      boothooks,
      files,
      scripts,
    };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(new Error(`The server was not up after ${timeoutMs} ms. Its last lines:\n${this.log.slice(-2000)}`)),
        timeoutMs,
      );
      let complaint = "";
      this.#process.stderr?.on("data", (data: Buffer) => (complaint += data.toString("utf8")));
      this.#process.on("error", (error) => resolve(error.message));
      this.#process.stdin?.on("error", () => undefined);
      void this.#closed.then(() => {
        clearTimeout(timer);
        resolve(complaint.trim() || "it ended before it was up");
        for (const [id, settle] of this.#waiting) settle({ kind: "failed", id, reason: "the server was shut down" });
        this.#waiting.clear();
      });
      if (this.#process.stdout === null) return;
      createInterface({ input: this.#process.stdout }).on("line", (line) => {
        const reply = JSON.parse(line) as AgentReply;
        if (reply.kind === "log") {
          this.log += `${reply.line}\n`;
          onLog?.(reply.line);
          tell({ socket: options.socket, line: reply.line });
        } else if (reply.kind === "booted" || reply.kind === "refused") {
          clearTimeout(timer);
          if (reply.kind === "booted") {
            this.exitCode = reply.exitCode;
            tell({ socket: options.socket, line: `user data ended with exit code ${reply.exitCode}` });
          }
          resolve(reply.kind === "refused" ? reply.reason : undefined);
        } else {
          this.#waiting.get(reply.id)?.(reply);
          this.#waiting.delete(reply.id);
        }
      });
      this.#process.stdin?.write(`${JSON.stringify(plan)}\n`);
    });
  }

  async exec(
    argv: readonly string[],
    { timeoutMs = 60_000 }: { readonly timeoutMs?: number } = {},
  ): Promise<ExecResult> {
    const reply = await this.#ask((id) => ({ id, exec: argv, timeoutMs }));
    if (reply.kind !== "done") throw new Error(`Cannot run ${argv.join(" ")} on the server: ${reasonIn(reply)}`);
    return { exitCode: reply.exitCode, stdout: reply.stdout, stderr: reply.stderr };
  }

  async readFile(path: string): Promise<string> {
    const reply = await this.#ask((id) => ({ id, read: path }));
    if (reply.kind !== "content") throw new Error(`Cannot read ${path} on the server: ${reasonIn(reply)}`);
    return reply.content;
  }

  async shutdown(): Promise<void> {
    // `unshare --kill-child` ends the namespace with itself; a plain agent ends its commands when its input ends.
    if (this.isolated) this.#process.kill("SIGKILL");
    else this.#process.stdin?.end();
    await this.#closed;
    if (this.#root !== "") rmSync(this.#root, { recursive: true, force: true });
  }

  #ask(make: (id: number) => AgentRequest): Promise<AgentReply> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        resolve({ kind: "failed", id, reason: "the server was shut down" });
        return;
      }
      this.#waiting.set(id, resolve);
      this.#process.stdin?.write(`${JSON.stringify(make(id))}\n`);
    });
  }
}

const tell = (line: BootLine): void => channel(BOOT_CHANNEL).publish(line);

function reasonIn(reply: AgentReply): string {
  return "reason" in reply ? reply.reason : "the server gave no answer";
}

/** Without namespaces a command reaches this very host, so only commands that the user data itself brings are run. */
function onlyOwnCommands(document: BootDocument, root: string): BootDocument {
  const own = document.files.map(({ path }) => path).filter((path) => !document.scripts.includes(path));
  const foreign = document.commands?.filter((command) => !own.includes(command));
  if (foreign === undefined || foreign.length > 0) {
    const what = foreign === undefined ? "a script, whose commands cannot be told" : foreign.join(", ");
    throw new Error(
      `This machine refuses namespaces, and the user data runs ${what}: that would reach the host itself.`,
    );
  }
  const files = document.files.map((file) => {
    if (!document.scripts.includes(file.path)) return file;
    const text = Buffer.from(file.content, "base64").toString("utf8");
    const moved = own.reduce((all, path) => all.replaceAll(path, root + path), text);
    return { ...file, content: Buffer.from(moved, "utf8").toString("base64") };
  });
  return { ...document, files };
}
