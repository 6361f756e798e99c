/**
 * Pulumi's file backend: where each file of a stack lies, and reading and writing them so that a crash at any moment leaves either
 * the old content or the new.
 */
import { randomUUID } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { homedir, hostname, userInfo } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { messageOf, systemCode, UserError } from "../errors";

/** What a lock file says about who made it. */
export interface Lock {
  readonly file: string;
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

export interface StackName {
  readonly project: string;
  readonly stack: string;
}

/** Writes a file in one step: under another name first, then renamed. */
export function writeAtomically(file: string, content: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = temporaryBeside(file);
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new UserError(`${file} could not be written: ${messageOf(error)}. What it held before is unharmed.`);
  }
}

/** A name by which `cancel` finds what this process leaves, should it be killed. */
function temporaryBeside(file: string): string {
  return join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
}

/**
 * Removes files while the engine goes on, one at a time: one whose content is still on its way to the disk goes only after
 * that, which takes longer than writing the next.
 */
export class Removals {
  private going: Promise<void> | undefined;

  /** The file's name is free at once. */
  readonly remove = (file: string): void => {
    if (this.going !== undefined || !existsSync(file)) {
      rmSync(file, { force: true });
      return;
    }
    const gone = temporaryBeside(file);
    renameSync(file, gone);
    // What cannot be removed is harmless: nothing reads it by that name.
    const went = rm(gone, { force: true }).catch(() => undefined);
    this.going = went.then(() => (this.going = undefined));
  };

  /** Resolves once all are gone. */
  async settled(): Promise<void> {
    await this.going;
  }
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw new UserError(`${folder} cannot be read: ${messageOf(error)}`);
  }
}

export class FileBackend {
  private readonly root: string;

  constructor(
    readonly url: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    if (!url.startsWith("file://")) {
      throw new UserError(
        `The embedded engine stores state in files only, but the backend is "${url}". Install Pulumi for this backend, or use file://<folder>.`,
      );
    }
    this.root = join(folderOf(url), ".pulumi");
  }

  private requireKnownLayout(): void {
    const meta = join(this.root, "meta.yaml");
    if (existsSync(meta)) {
      const version = /^version:\s*(\d+)/m.exec(readFileSync(meta, "utf8"))?.[1];
      if (version !== "1") {
        throw new UserError(
          `${meta} says version ${version ?? "(none)"}; this engine knows version 1. Nothing was changed.`,
        );
      }
    } else if (listFiles(join(this.root, "stacks")).some((name) => name.endsWith(".json"))) {
      throw new UserError(
        `${this.root} has the old layout without projects. Nothing was changed; run "pulumi state upgrade" first.`,
      );
    }
  }

  private folder(kind: "stacks" | "locks" | "history" | "backups", name: StackName): string {
    if (kind === "locks") return join(this.root, "locks", "organization", name.project, name.stack);
    return kind === "stacks" ? join(this.root, kind, name.project) : join(this.root, kind, name.project, name.stack);
  }

  private candidates(name: StackName): { file: string; time: number }[] {
    return [".json", ".json.gz", ".json.zst"]
      .map((ending) => join(this.folder("stacks", name), name.stack + ending))
      .filter((file) => existsSync(file))
      .map((file) => ({ file, time: statSync(file).mtimeMs }))
      .sort((a, b) => b.time - a.time);
  }

  exists(name: StackName): boolean {
    return this.candidates(name).length > 0;
  }

  /** The place and text of a stack's state, or undefined when there is no such stack. */
  readState(name: StackName): { file: string; text: string } | undefined {
    this.requireKnownLayout();
    const [newest] = this.candidates(name);
    if (newest === undefined) return undefined;
    const { file } = newest;
    if (file.endsWith(".zst"))
      throw new UserError(`${file} is compressed with zstd, which this engine cannot read. Nothing was changed.`);
    try {
      const bytes = readFileSync(file);
      return { file, text: (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8") };
    } catch (error) {
      throw new UserError(`${file} cannot be read: ${messageOf(error)}. Nothing was changed.`);
    }
  }

  /** `remove` takes away what is no longer needed. */
  writeState(
    name: StackName,
    text: string | Buffer,
    remove: (file: string) => void = (file) => rmSync(file, { force: true }),
  ): void {
    const meta = join(this.root, "meta.yaml");
    if (!existsSync(meta)) writeAtomically(meta, "version: 1\n");
    const gzip = ["1", "true"].includes(this.env.PULUMI_DIY_BACKEND_GZIP ?? "");
    const file = join(this.folder("stacks", name), `${name.stack}.json${gzip ? ".gz" : ""}`);
    this.keepPrevious(file, remove);
    writeAtomically(file, gzip ? gzipSync(text) : text);
    rmSync(`${file}.attrs`, { force: true });
    for (const other of this.candidates(name)) if (other.file !== file) rmSync(other.file, { force: true });
    if (["1", "true"].includes(this.env.PULUMI_RETAIN_CHECKPOINTS ?? ""))
      writeAtomically(`${file}.${nanoseconds()}`, text);
  }

  private keepPrevious(file: string, remove: (file: string) => void): void {
    if (!existsSync(file)) return;
    remove(`${file}.bak`);
    try {
      // A link costs nothing; the file itself is never written to again, only replaced.
      linkSync(file, `${file}.bak`);
    } catch {
      copyFileSync(file, `${file}.bak`);
    }
  }

  removeStack(name: StackName): void {
    for (const entry of listFiles(this.folder("stacks", name))) {
      const own = [`${name.stack}.json`, `${name.stack}.pulumi-tags`].some(
        (start) => entry === start || entry.startsWith(`${start}.`),
      );
      if (own) rmSync(join(this.folder("stacks", name), entry), { force: true });
    }
    this.removeUnfinished(name);
    rmSync(this.folder("history", name), { recursive: true, force: true });
  }

  /** What a process that was killed in the middle of a write never gave its name. */
  private removeUnfinished(name: StackName): void {
    const places = [
      { folder: this.folder("stacks", name), start: `.${name.stack}.json.` },
      { folder: this.folder("locks", name), start: "." },
    ];
    for (const { folder, start } of places) {
      const files = listFiles(folder).filter((file) => file.startsWith(start) && file.endsWith(".tmp"));
      for (const file of files) rmSync(join(folder, file), { force: true });
    }
  }

  listStacks(project?: string): StackName[] {
    this.requireKnownLayout();
    const projects = project === undefined ? listFiles(join(this.root, "stacks")) : [project];
    return projects.flatMap((folder) =>
      listFiles(join(this.root, "stacks", folder))
        .flatMap((file) => /^(.+?)\.json(\.gz|\.zst)?$/.exec(file)?.[1] ?? [])
        .map((stack) => ({ project: folder, stack })),
    );
  }

  locks(name: StackName): Lock[] {
    const folder = this.folder("locks", name);
    return listFiles(folder)
      .filter((file) => file.endsWith(".json") && !file.startsWith("."))
      .map((file) => {
        let content: Partial<Lock> = {};
        try {
          content = JSON.parse(readFileSync(join(folder, file), "utf8")) as Partial<Lock>;
        } catch {
          // A lock that cannot be read is a lock nevertheless.
        }
        const { pid = 0, username = "?", hostname: host = "?", timestamp = "?" } = content;
        return { file: join(folder, file), pid, username, hostname: host, timestamp };
      });
  }

  /** Takes the stack's lock or fails; returns what gives it back. */
  lock(name: StackName): () => void {
    this.refuseLocked(name, undefined);
    const own = join(this.folder("locks", name), `${randomUUID()}.json`);
    const content = {
      pid: process.pid,
      username: userInfo().username,
      hostname: hostname(),
      timestamp: new Date().toISOString(),
    };
    writeAtomically(own, JSON.stringify(content));
    const release = (): void => rmSync(own, { force: true });
    try {
      // Two may have looked at the same time: look again now that ours is visible.
      this.refuseLocked(name, own);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  private refuseLocked(name: StackName, own: string | undefined): void {
    const others = this.locks(name).filter((lock) => lock.file !== own);
    if (others.length === 0) return;
    const lines = others.map(
      (lock) =>
        `  ${lock.file}: created by ${lock.username}@${lock.hostname} (pid ${lock.pid}) at ${lock.timestamp}${abandoned(lock)}`,
    );
    throw new UserError(
      `the stack is currently locked by ${others.length} lock(s). Either wait for the other process(es) to end or delete the lock file with ` +
        `\`pulumi cancel --stack ${name.stack}\`.\n${lines.join("\n")}`,
    );
  }

  removeLocks(name: StackName): number {
    const locks = this.locks(name);
    for (const lock of locks) rmSync(lock.file, { force: true });
    this.removeUnfinished(name);
    return locks.length;
  }

  /** Records an operation that has ended, and a copy of the state it left. */
  addHistory(name: StackName, update: Record<string, unknown>): void {
    const state = this.readState(name);
    if (state === undefined) return;
    const stamp = nanoseconds();
    const start = join(this.folder("history", name), `${name.stack}-${stamp}`);
    writeAtomically(`${start}.history.json`, JSON.stringify(update, undefined, 4));
    writeAtomically(`${start}.checkpoint.json`, state.text);
    if (["1", "true"].includes(this.env.PULUMI_DISABLE_CHECKPOINT_BACKUPS ?? "")) return;
    writeAtomically(join(this.folder("backups", name), `${name.stack}.${stamp}.json`), state.text);
  }

  /** Newest first. */
  history(name: StackName): Record<string, unknown>[] {
    const folder = this.folder("history", name);
    return listFiles(folder)
      .filter((file) => file.endsWith(".history.json"))
      .sort()
      .reverse()
      .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>);
  }
}

function folderOf(url: string): string {
  const path = url.slice("file://".length);
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  // As in Pulumi, a relative path is meant from the current directory.
  return path.startsWith("/") ? fileURLToPath(url) : resolve(path === "" ? "." : path);
}

let lastStamp = 0n;

function nanoseconds(): string {
  const now = BigInt(Date.now()) * 1_000_000n;
  lastStamp = now > lastStamp ? now : lastStamp + 1n;
  return String(lastStamp);
}

function abandoned(lock: Lock): string {
  if (lock.hostname !== hostname() || lock.pid === 0) return "";
  try {
    process.kill(lock.pid, 0);
    return "";
  } catch (error) {
    return systemCode(error) === "ESRCH" ? " - that process is gone, so the lock is a left-over" : "";
  }
}
