/** Starts the engine's children (program and providers) so that none outlives the engine and a Ctrl-C reaches the engine alone. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Readable, type Writable } from "node:stream";

export interface Child {
  readonly process: ChildProcess;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves with the first promise rejection that nobody handled in the process. */
  readonly trouble: Promise<string>;
  /** Resolves when the process is gone and its output has been read. */
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

const children = new Set<ChildProcess>();

/** `secretEnv`: variables that the child finds in its environment although no other process can see them there. */
export function startNode(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  secretEnv: Readonly<Record<string, string>> = {},
): Child {
  const watch = join(__dirname, "parent-watch.js");
  const child = spawn(process.execPath, ["--require", watch, ...args], {
    cwd,
    env: {
      ...env,
      PULUMI_EMBEDDED_ENGINE_PID: String(process.pid),
      // A proxy of the user's is for the cloud; through it the child would never find the engine on this machine.
      no_grpc_proxy: [env.no_grpc_proxy ?? env.no_proxy ?? "", "127.0.0.1", "localhost"]
        .filter((host) => host !== "")
        .join(","),
    },
    // A session of its own: signals from the terminal go to the engine, which lets running steps finish.
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
  });
  children.add(child);
  // The engine writes nothing here: that the pipe is open tells the child that the engine lives.
  const pipe = child.stdio[3];
  pipe?.on("error", () => undefined);
  const secrets = child.stdio[4] as Writable | null | undefined;
  secrets?.on("error", () => undefined);
  secrets?.end(JSON.stringify(secretEnv));
  const trouble = new Promise<string>((resolve) => pipe?.once("data", (chunk: Buffer) => resolve(chunk.toString())));
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("a child process was started without pipes");
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
  exit.catch(() => children.delete(child));
  return { process: child, stdout, stderr, trouble, exit };
}

export function onLines(stream: Readable, handle: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Infinity }).on("line", handle);
}

export function killChildren(): void {
  for (const child of children) child.kill("SIGKILL");
}
