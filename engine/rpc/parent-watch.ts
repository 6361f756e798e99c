/**
 * Loaded into each child (`node --require`): ends the child as soon as the engine is gone. A dynamic provider never notices by itself
 * that its engine was killed, and would go on creating things that no state knows of. The engine holds the other end of the pipe on
 * descriptor 3; the system closes it even when the engine dies by SIGKILL.
 *
 * The same pipe carries the other way what the child did not expect: the program's runner may hang on a rejected promise of the user's
 * without a word about it, and then the engine has to know.
 *
 * Descriptor 4 brings variables with secrets. Set from within, they are where the SDK looks for them, and not in the environment that
 * the system shows of a process.
 */
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { isMainThread } from "node:worker_threads";

// Workers and forks of the child inherit the command line, but not the pipe.
if (isMainThread && process.env.PULUMI_EMBEDDED_ENGINE_PID === String(process.ppid)) {
  Object.assign(process.env, JSON.parse(readFileSync(4, "utf8")) as Record<string, string>);
  const die = (): void => {
    process.kill(process.pid, "SIGKILL");
  };
  const pipe = new Socket({ fd: 3, readable: true, writable: true });
  pipe.on("end", die);
  pipe.on("close", die);
  pipe.on("error", die);
  pipe.resume();
  pipe.unref();
  process.on("unhandledRejection", (reason: unknown) => {
    pipe.write(reason instanceof Error ? (reason.stack ?? reason.message) : String(reason));
  });
}
