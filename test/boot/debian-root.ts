/**
 * The disk image that the booted server starts from: a small Debian with systemd and cloud-init, made once by debootstrap
 * and kept in .cache/boot (or BOOT_CACHE), since it is the same for every run and takes longer than everything else
 * together. BOOT_MIRROR names another mirror of Debian.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SUITE = "bookworm";
const MIRROR = process.env.BOOT_MIRROR ?? "http://deb.debian.org/debian";
const PACKAGES = [
  ...["systemd", "systemd-sysv", "dbus", "cloud-init", "python3-cffi-backend"],
  ...["curl", "openssl", "iproute2", "ca-certificates", "nginx-light"],
  ...["charon-systemd", "strongswan-swanctl"],
];

/** The image is not there and cannot be made here: a reason to skip what needs it. */
export class NoImage extends Error {}

/** The folder of the image; a change of the list of packages makes a new one and removes the old. */
export async function debianRoot(repository: string, onProgress: (line: string) => void): Promise<string> {
  const cache = process.env.BOOT_CACHE ?? join(repository, ".cache", "boot");
  const key = createHash("sha256")
    .update(JSON.stringify([SUITE, PACKAGES]))
    .digest("hex")
    .slice(0, 12);
  const root = join(cache, key);
  if (existsSync(root)) return root;
  const partial = `${root}.partial`;
  const release = `${MIRROR}/dists/${SUITE}/InRelease`;
  // By curl, which goes through the same proxy as debootstrap's own download.
  const { status, stderr } = spawnSync("curl", ["-fsS", "-o", "/dev/null", "--max-time", "20", release], {
    encoding: "utf8",
  });
  if (status !== 0) throw new NoImage(`no Debian root is cached, and ${release} does not answer: ${stderr.trim()}`);
  onProgress(`making a Debian root with ${PACKAGES.length} packages, once`);
  mkdirSync(cache, { recursive: true });
  const own = readdirSync(cache).filter((name) => /^[0-9a-f]{12}(\.partial)?$/.test(name));
  for (const old of own) rmSync(join(cache, old), { recursive: true, force: true });
  await run("debootstrap", ["--variant=minbase", `--include=${PACKAGES.join(",")}`, SUITE, partial, MIRROR]);
  rmSync(join(partial, "var", "cache", "apt", "archives"), { recursive: true, force: true });
  writeFileSync(join(partial, "etc", "machine-id"), "");
  renameSync(partial, root);
  return root;
}

/** In namespaces of its own, so that what it mounts goes away with it, however it ends. */
function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn("unshare", ["-mpf", "--kill-child", "--mount-proc", command, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = (): void => void child.kill("SIGKILL");
  process.once("exit", stop);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => (output = (output + data.toString("utf8")).slice(-2000)));
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("exit", stop);
      if (code === 0) resolve();
      else reject(new Error(`${command} failed with exit code ${code}:\n${output}`));
    });
  });
}
