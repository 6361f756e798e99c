/** Does units of work in processes of their own, a few at a time; none outlives the sweep. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const WORKER = join(__dirname, "worker.mjs");
/** One more than there are cores: some wait for answers that never come. */
const AT_ONCE = availableParallelism() + 1;
/** Whoever has told nothing for so long hangs; the longest case takes a tenth of it, on a busy machine too. */
const LONGEST_SILENCE_MS = 180_000;

/** `module` exports `work`; what it tells goes to `hear`. Resolves with what went wrong with whole units. */
export async function inWorkers<Unit extends object>(
  module: string,
  units: readonly Unit[],
  hear: (unit: Unit, report: unknown) => void,
  signal?: AbortSignal,
): Promise<{ unit: Unit; text: string }[]> {
  const queue = [...units];
  const failures: { unit: Unit; text: string }[] = [];
  const next = async (): Promise<void> => {
    for (let unit = queue.shift(); unit !== undefined && signal?.aborted !== true; unit = queue.shift()) {
      const text = await inWorker<Unit>(module, unit, hear, signal);
      if (text !== undefined) failures.push({ unit, text });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return failures;
}

function inWorker<Unit extends object>(
  module: string,
  unit: Unit,
  hear: (unit: Unit, report: unknown) => void,
  signal?: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const folder = mkdtempSync(join(tmpdir(), "worker-"));
    const child: ChildProcess = fork(WORKER, [module, folder], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      detached: true,
    });
    let [stderr, text] = ["", undefined as string | undefined];
    child.stderr?.setEncoding("utf8").on("data", (data: string) => (stderr = (stderr + data).slice(-2000)));
    const stop = (): void => {
      // The group that it leads: itself and its children.
      const isThere = child.exitCode === null && child.signalCode === null;
      if (child.pid !== undefined && isThere) process.kill(-child.pid, "SIGKILL");
    };
    const onSilence = (): void => {
      text = `nothing was heard of it for ${LONGEST_SILENCE_MS / 1000} seconds`;
      stop();
    };
    let silence = setTimeout(onSilence, LONGEST_SILENCE_MS);
    signal?.addEventListener("abort", stop);
    child.on("message", (message: unknown) => {
      clearTimeout(silence);
      silence = setTimeout(onSilence, LONGEST_SILENCE_MS);
      if (typeof message === "object" && message !== null && "error" in message) text = String(message.error);
      else hear(unit, message);
    });
    child.on("close", (code, killedBy) => {
      clearTimeout(silence);
      signal?.removeEventListener("abort", stop);
      rmSync(folder, { recursive: true, force: true });
      const ended =
        code === 0 ? undefined : `the process ended with ${killedBy ?? `exit code ${String(code)}`}: ${stderr}`;
      resolve(text ?? ended);
    });
    child.send(unit);
  });
}
