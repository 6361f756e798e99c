/**
 * A server with power, a disk and a network: a Debian root in systemd-nspawn, on the true address of the metadata service.
 * Everything it takes - processes, mounts, network namespaces - lives in namespaces that end with this process, so nothing
 * is left on the host, whatever happens.
 *
 * The network is `metadata -- server -- client`. The relay in `metadata` answers on 169.254.169.254 with the hop limit as
 * the TTL of its packets; `client` is where a container or a guest behind the server would be.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface PowerOn {
  /** Folder that is the server's disk. */
  readonly disk: string;
  /** Unix socket on which the emulator answers as this server. */
  readonly socket: string;
  readonly responseHopLimit: number;
  readonly name: string;
}

// Sources are read by sh; the values come as arguments, $1 to $4.
const HOUSE = `
set -e
disk=$1 socket=$2 hops=$3 name=$4
exec 3<&0 </dev/null
for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
  if [ -w $tree/cgroup.procs ]; then
    mkdir $tree/$name
    echo 0 >$tree/$name/cgroup.procs
  fi
done
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock
for space in metadata server client; do ip netns add $space; ip -n $space link set lo up; done
ip -n metadata address add 169.254.169.254/32 dev lo
ip link add near type veth peer name far
ip link set near netns metadata
ip link set far name outside netns server
ip link add near type veth peer name far
ip link set near name inside netns server
ip link set far netns client
ip -n metadata address add 192.0.2.1/30 dev near
ip -n server address add 192.0.2.2/30 dev outside
ip -n server address add 192.0.2.5/30 dev inside
ip -n client address add 192.0.2.6/30 dev far
ip -n metadata link set near up
ip -n server link set outside up
ip -n server link set inside up
ip -n client link set far up
ip -n metadata route add 192.0.2.4/30 via 192.0.2.2
ip -n server route add 169.254.169.254/32 via 192.0.2.1
ip -n client route add default via 192.0.2.5
ip netns exec server sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
for port in 80 443; do
  ip netns exec metadata socat "TCP-LISTEN:$port,bind=169.254.169.254,fork,reuseaddr,ttl=$hops" "UNIX-CONNECT:$socket" &
done
systemd-nspawn --quiet --directory="$disk" --boot --network-namespace-path=/run/netns/server --register=no --keep-unit \\
  --machine="$name" --capability=CAP_NET_ADMIN --console=pipe &
machine=$!
(cat >/dev/null; kill -9 $machine) <&3 &
exec 3<&-
wait $machine
`;

export class Machine {
  /** What the server's console showed. */
  console = "";
  readonly #house: ChildProcess;
  readonly #off: Promise<void>;
  #init = 0;

  private constructor({ disk, socket, responseHopLimit, name }: PowerOn) {
    const argv = ["-nmpf", "--kill-child", "--mount-proc", "--", "sh", "-c", HOUSE, "sh"];
    this.#house = spawn("unshare", [...argv, disk, socket, String(responseHopLimit), name], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    for (const stream of [this.#house.stdout, this.#house.stderr]) {
      stream?.on("data", (data: Buffer) => (this.console += data.toString("utf8")));
    }
    this.#off = new Promise<void>((resolve) =>
      this.#house.on("close", () => resolve()).on("error", () => resolve()),
    ).then(() => removeControlGroups(name));
  }

  /** Resolves when the server's init runs. */
  static async start(options: PowerOn): Promise<Machine> {
    const machine = new Machine(options);
    for (let tries = 0; tries < 200; tries++) {
      await sleep(50);
      machine.#init = initBelow(machine.#house.pid ?? 0);
      if (machine.#init !== 0) return machine;
      if (machine.#house.exitCode !== null) break;
    }
    await machine.pull();
    throw new Error(`the server has no init; its console:\n${machine.console}`);
  }

  /** Runs a command on the server, as root. */
  exec(argv: readonly string[], timeoutMs = 30_000): Promise<Ran> {
    return run(["nsenter", "-t", String(this.#init), "-m", "-u", "-i", "-n", "-p", "-C", "--", ...argv], timeoutMs);
  }

  /** Runs a command one hop behind the server. */
  async execBehind(argv: readonly string[], timeoutMs = 30_000): Promise<Ran> {
    const [house] = childrenOf(this.#house.pid ?? 0);
    return run(["nsenter", "-t", String(house), "-m", "--", "ip", "netns", "exec", "client", ...argv], timeoutMs);
  }

  /** Output of a command that must succeed. */
  async output(...argv: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.exec(argv);
    if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with exit code ${exitCode}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Shuts the server down in order, as its owner would. */
  async powerOff(): Promise<void> {
    await this.exec(["systemctl", "poweroff", "--no-block"]);
    const late = setTimeout(() => this.#house.kill("SIGKILL"), 60_000);
    await this.#off;
    clearTimeout(late);
    if (this.#house.signalCode !== null) throw new Error(`the server did not power off:\n${this.console.slice(-1000)}`);
  }

  /** Ends everything at once. */
  async pull(): Promise<void> {
    this.#house.stdin?.end();
    const late = setTimeout(() => this.#house.kill("SIGKILL"), 5000);
    await this.#off;
    clearTimeout(late);
  }
}

export function run(argv: readonly string[], timeoutMs: number): Promise<Ran> {
  const [command = "", ...args] = argv;
  const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" };
  const child = spawn(command, args, {
    env,
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 137, stdout, stderr }));
  });
}

/** The one thing on the host that does not end with its last process. */
function removeControlGroups(name: string): void {
  for (const tree of ["", "systemd", "unified"]) {
    const group = join("/sys/fs/cgroup", tree, name);
    if (existsSync(group)) spawnSync("find", [group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
  }
}

function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return children === "" ? [] : children.split(" ").map(Number);
  } catch {
    return [];
  }
}

/** The first process of the innermost process namespace: its id in each namespace is the host's, the house's, and 1. */
function initBelow(house: number): number {
  const below = new Set([house]);
  for (const pid of readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      if (!below.has(Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]))) continue;
      below.add(pid);
      const ids = /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? [];
      if (ids.length >= 3 && ids.at(-1) === "1" && /^Name:\s*systemd$/m.test(status)) return pid;
    } catch {
      // It has ended since.
    }
  }
  return 0;
}
