/** Runs a command on a pseudo terminal, made by `script` of util-linux, and types on it as a person would. */
import { spawn, spawnSync } from "node:child_process";
import { screenOf, type Screen } from "../engine/support/screen";

/** What Ctrl-C and Ctrl-D send. */
export const [CONTROL_C, CONTROL_D] = ["\u0003", "\u0004"];

export const hasTerminals = spawnSync("script", ["-qefc", "true", "/dev/null"], { stdio: "ignore" }).status === 0;

export interface TerminalSettings {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly columns?: number;
  readonly rows?: number;
  /** What is typed, each once, as soon as the text before it has been shown. */
  readonly type?: readonly (readonly [after: string | RegExp, keys: string])[];
  readonly timeoutMs?: number;
}

export interface TerminalRun extends Screen {
  readonly code: number | null;
  /** Everything that was written, control sequences included. */
  readonly output: string;
}

export async function onTerminal(command: string, settings: TerminalSettings): Promise<TerminalRun> {
  const { cwd, env, columns = 100, rows = 40, type = [], timeoutMs = 60_000 } = settings;
  const sized = `stty cols ${columns} rows ${rows} -echo; exec ${command}`;
  const child = spawn("script", ["-qefc", sized, "/dev/null"], {
    timeout: timeoutMs,
    cwd,
    env: { TERM: "xterm", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting = [...type];
  let output = "";
  let seen = 0;
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const [after, keys] = next;
      const rest = output.slice(seen);
      if (typeof after === "string" ? !rest.includes(after) : !after.test(rest)) break;
      seen = output.length;
      waiting.shift();
      child.stdin.write(keys);
    }
  });
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { ...screenOf(output), code, output };
}
