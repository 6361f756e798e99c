/**
 * The folder of the servers' sockets. Its name says which process made it, so that the next emulator can remove what a
 * killed one has left behind.
 */
import { lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "vpcid-";

/** Makes a folder for this process, readable for us alone. Short: the path of a unix socket has about 100 characters. */
export function makeSocketFolder(parent = tmpdir()): string {
  removeStaleFolders(parent);
  return mkdtempSync(join(parent, `${PREFIX}${processSpace()}-${process.pid}-`));
}

/** Where process ids mean the same: containers may share a folder for temporary files, and none but theirs is in it. */
function processSpace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0"; // systems other than Linux have just one
  }
}

function removeStaleFolders(parent: string): void {
  const name = new RegExp(`^${PREFIX}${processSpace()}-(\\d+)-[A-Za-z0-9]{6}$`);
  for (const entry of readdirSync(parent)) {
    const pid = name.exec(entry)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = join(parent, entry);
    try {
      const { uid } = lstatSync(folder);
      if (uid === process.getuid?.()) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Somebody else removes it at the same time, or it cannot be removed: neither is a reason not to start.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Of another user, but there.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
