/**
 * The first process of an emulated server. Its text is handed to a fresh Node (`node -e`), so the function below must not
 * touch anything outside itself. It gives the server the address of the metadata service, hides the host behind overlays,
 * boots, and then does what it is told, one JSON line each way, until its standard input ends.
 */
import type { BootFile } from "./boot-document";

/** What the agent is told first. */
export interface BootPlan {
  /** True: in namespaces of its own, on the real address. False: on loopback, everything below `root`. */
  readonly isolated: boolean;
  /** Name of the on-instance services' unix socket in the working folder. */
  readonly socket: string;
  /** Prefix of every path the server uses; empty when isolated. */
  readonly root: string;
  /** What the CA bundle holds besides the host's; empty for nothing. */
  readonly rootCertificate: string;
  /** Programs to run before anything else is written. */
  readonly boothooks: readonly BootFile[];
  readonly files: readonly BootFile[];
  /** Paths of what to run then, in this order. */
  readonly scripts: readonly string[];
}

/** What it is told later. */
export type AgentRequest =
  | { readonly id: number; readonly exec: readonly string[]; readonly timeoutMs: number }
  | { readonly id: number; readonly read: string };

/** What it says. */
export type AgentReply =
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "booted"; readonly exitCode: number }
  | {
      readonly kind: "done";
      readonly id: number;
      readonly exitCode: number;
      readonly stdout: string;
      readonly stderr: string;
    }
  | { readonly kind: "content"; readonly id: number; readonly content: string }
  | { readonly kind: "failed"; readonly id: number; readonly reason: string };

export function bootAgent(): void {
  const fs = process.getBuiltinModule("node:fs");
  const net = process.getBuiltinModule("node:net");
  const paths = process.getBuiltinModule("node:path");
  const { spawn, spawnSync } = process.getBuiltinModule("node:child_process");
  const readline = process.getBuiltinModule("node:readline");

  const ADDRESS = "169.254.169.254";
  const CA_BUNDLES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
  ];
  const tell = (reply: AgentReply): void => void process.stdout.write(`${JSON.stringify(reply)}\n`);
  const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
  const children = new Set<number>();
  let root = "";
  let environment: Record<string, string> = {};

  const must = (command: string, ...args: string[]): void => {
    const { status, stderr, error } = spawnSync(command, args, {
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
  };

  const relay = async (plan: BootPlan, host: string, port: number): Promise<number> => {
    const server = net.createServer((outer) => {
      const inner = net.connect(plan.socket);
      for (const [from, to] of [[outer, inner] as const, [inner, outer] as const]) {
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => to.destroy());
      }
    });
    return new Promise((resolve, reject) => {
      server.on("error", reject);
      server.listen(port, host, () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  };

  /** What a server may write lives in memory: /etc, /usr and /var over the host's, /run, /tmp and /root empty. */
  const hideHost = (plan: BootPlan): void => {
    const mounts = fs
      .readFileSync("/proc/self/mountinfo", "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(" "));
    const hosts = fs.existsSync("/etc/hosts") ? fs.readFileSync("/etc/hosts", "utf8") : "127.0.0.1 localhost\n";
    const inUserNamespace = !/^\s*0\s+0\s+4294967295\s*$/m.test(fs.readFileSync("/proc/self/uid_map", "utf8"));
    must("mount", "-t", "tmpfs", "tmpfs", "/tmp");
    for (const top of ["etc", "usr", "var"]) {
      const upper = `/tmp/upper/${top}`;
      fs.mkdirSync(upper, { recursive: true });
      fs.mkdirSync(`/tmp/work/${top}`, { recursive: true });
      // Folders that stand in the upper layer already belong to this server, whoever owns them on the host.
      const wanted = [...plan.boothooks, ...plan.files]
        .map(({ path }) => paths.dirname(path))
        .filter((folder) => folder.startsWith(`/${top}/`));
      for (const folder of [...wanted, `/${top}/local/bin`, `/${top}/systemd/system`, `/${top}/lib`, `/${top}/log`]) {
        if (wanted.includes(folder) || fs.existsSync(folder))
          fs.mkdirSync(`/tmp/upper${folder}`, { recursive: true, mode: 0o755 });
      }
      if (top === "etc") {
        fs.writeFileSync(`${upper}/hosts`, `${hosts}${ADDRESS} api.metadata.cloud.ibm.com\n`);
        for (const bundle of plan.rootCertificate === "" ? [] : CA_BUNDLES.filter((path) => fs.existsSync(path))) {
          fs.mkdirSync(`/tmp/upper${paths.dirname(bundle)}`, { recursive: true, mode: 0o755 });
          fs.writeFileSync(`/tmp/upper${bundle}`, `${fs.readFileSync(bundle, "utf8")}\n${plan.rootCertificate}`);
        }
      }
      must(
        "mount",
        "-t",
        "overlay",
        "overlay",
        "-o",
        `lowerdir=/${top},upperdir=${upper},workdir=/tmp/work/${top}`,
        `/${top}`,
      );
    }
    for (const fields of mounts) {
      const path = (fields[4] ?? "").replace(/\\(\d{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      );
      const options = (fields[5] ?? "").split(",");
      if (path.startsWith("/proc") || options.includes("ro")) continue;
      try {
        must(
          "mount",
          "-o",
          ["remount", "bind", "ro", ...options.filter((option) => option.startsWith("no"))].join(","),
          path,
        );
      } catch (error) {
        // Kernel file systems belong to the host's root; inside a user namespace their own permissions keep them closed.
        if (!(inUserNamespace && /^\/(sys|dev)(\/|$)/.test(path)) && fs.existsSync(path)) throw error;
      }
    }
    for (const path of ["/proc/sys", "/proc/sysrq-trigger"]) {
      if (!fs.existsSync(path) || inUserNamespace) continue;
      must("mount", "--bind", path, path);
      must("mount", "-o", "remount,bind,ro", path);
    }
    for (const path of ["/run", "/tmp", "/root", "/dev/shm"])
      if (fs.existsSync(path)) must("mount", "-t", "tmpfs", "tmpfs", path);
    fs.chmodSync("/tmp", 0o1777);
    fs.chmodSync("/run", 0o755);
    fs.chmodSync("/root", 0o700);
  };

  const writeFile = ({ path, content, mode, owner, append }: BootFile): void => {
    fs.mkdirSync(root + paths.dirname(path), { recursive: true, mode: 0o755 });
    const bytes = Buffer.from(content, "base64");
    if (append) fs.appendFileSync(root + path, bytes);
    else fs.writeFileSync(root + path, bytes);
    fs.chmodSync(root + path, mode);
    if (root === "" && owner !== "root" && owner !== "root:root") must("chown", owner, path);
  };

  /** Runs a command of the server in a process group of its own, so that a timeout ends all of it. */
  const run = (
    argv: readonly string[],
    timeoutMs: number,
    onData: (data: Buffer, from: "stdout" | "stderr") => void,
  ): Promise<number> =>
    new Promise((resolve, reject) => {
      const child = spawn(argv[0] ?? "", argv.slice(1), {
        cwd: root === "" ? "/" : root,
        env: environment,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const { pid } = child;
      let late = false;
      const stop = (): void => {
        late = true;
        if (pid !== undefined) process.kill(-pid, "SIGKILL");
      };
      const timer = timeoutMs > 0 ? setTimeout(stop, timeoutMs) : undefined;
      if (pid !== undefined) children.add(pid);
      child.stdout.on("data", (data: Buffer) => onData(data, "stdout"));
      child.stderr.on("data", (data: Buffer) => onData(data, "stderr"));
      child.on("error", reject);
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        if (pid !== undefined) children.delete(pid);
        if (late) reject(new Error(`${argv.join(" ")}: not finished after ${timeoutMs} ms`));
        else resolve(code ?? (signal === "SIGKILL" ? 137 : signal === "SIGTERM" ? 143 : 129));
      });
    });

  const boot = async (plan: BootPlan): Promise<void> => {
    root = plan.root;
    environment = {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: `${root}/root`,
      USER: "root",
      LANG: "C.UTF-8",
    };
    try {
      if (plan.isolated) {
        must("ip", "link", "set", "lo", "up");
        must("ip", "address", "add", `${ADDRESS}/32`, "dev", "lo");
        await relay(plan, ADDRESS, 80);
        await relay(plan, ADDRESS, 443);
        hideHost(plan);
      } else {
        const port = await relay(plan, "127.0.0.1", 0);
        environment.VPC_IDENTITY_METADATA_URL = `http://127.0.0.1:${port}`;
        environment.VPC_IDENTITY_ROOT = root;
      }
    } catch (error) {
      tell({ kind: "refused", reason: reasonOf(error) });
      return;
    }
    let exitCode = 0;
    try {
      const open = { stdout: "", stderr: "" };
      const onData = (data: Buffer, from: "stdout" | "stderr"): void => {
        const lines = (open[from] + data.toString("utf8")).split("\n");
        open[from] = lines.pop() ?? "";
        for (const line of lines) tell({ kind: "log", line });
      };
      plan.boothooks.forEach(writeFile);
      for (const { path } of plan.boothooks) await run([root + path], 0, onData);
      plan.files.forEach(writeFile);
      for (const path of plan.scripts) {
        const code = await run([root + path], 0, onData);
        if (exitCode === 0) exitCode = code;
      }
      for (const line of [open.stdout, open.stderr]) if (line !== "") tell({ kind: "log", line });
    } catch (error) {
      exitCode = 1;
      tell({ kind: "log", line: reasonOf(error) });
    }
    tell({ kind: "booted", exitCode });
  };

  const serve = async (request: AgentRequest): Promise<void> => {
    const { id } = request;
    try {
      if ("read" in request) {
        tell({ kind: "content", id, content: fs.readFileSync(root + request.read, "utf8") });
        return;
      }
      const out = { stdout: "", stderr: "" };
      const [command = "", ...args] = request.exec;
      const own = root !== "" && fs.existsSync(root + command) ? root + command : command;
      const exitCode = await run(
        [own, ...args],
        request.timeoutMs,
        (data, from) => void (out[from] += data.toString("utf8")),
      );
      tell({ kind: "done", id, exitCode, ...out });
    } catch (error) {
      tell({ kind: "failed", id, reason: reasonOf(error) });
    }
  };

  let planned = false;
  const lines = readline.createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const message: unknown = JSON.parse(line);
    if (planned) void serve(message as AgentRequest);
    else void boot(message as BootPlan);
    planned = true;
  });
  // The end of the input is the end of the parent: as first process of its namespace this one takes all others with it.
  lines.on("close", () => {
    for (const pid of children) {
      try {
        process.kill(-pid, "SIGKILL");
      } catch {
        // It has ended since.
      }
    }
    process.exit(0);
  });
}
