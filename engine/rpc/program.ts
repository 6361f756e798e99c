/** Runs the user's program with the runner of its own SDK, and says how it ended. */
import { UserError } from "../errors";
import { type Project } from "../state/project";
import { onLines, startNode } from "./child";

/** The runner's exit code for errors that it has logged already. */
const LOGGED_ERROR = 32;

export interface ProgramSettings {
  readonly project: Project;
  readonly stack: string;
  readonly folder: string;
  readonly entry: string;
  readonly sdk: string;
  readonly address: string;
  readonly dryRun: boolean;
  readonly parallel: number;
  readonly config: Record<string, string>;
  readonly secretKeys: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface RunningProgram {
  /** Resolves with undefined when the program did well, else with what to say (nothing when it said it itself). */
  readonly ended: Promise<{ failed: boolean; message?: string }>;
  /** Resolves with a rejection that nobody handled, or nothing when it was reported already; the program may end then, or hang. */
  readonly trouble: Promise<string | undefined>;
  interrupt(): void;
}

/** The environment of both program and provider, without what an outer run of Pulumi may have left in it. */
export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = new Set([
    "PULUMI_NODEJS_TRANSPILE_ONLY",
    "PULUMI_NODEJS_CACHE_DYNAMIC_PROVIDERS",
    "PULUMI_NODEJS_TSCONFIG_PATH",
    "PULUMI_NODEJS_TYPESCRIPT",
  ]);
  // The passphrase opens every secret of the stack; children get the values they need and never the key.
  const withheld = new Set(["TRACEPARENT", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"]);
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !withheld.has(name) && (!name.startsWith("PULUMI_NODEJS_") || own.has(name)),
    ),
  );
}

/** Splits like a shell: blanks separate, quotes hold together. */
function words(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

export function startProgram(
  settings: ProgramSettings,
  onOutput: (line: string, error: boolean) => void,
): RunningProgram {
  const { project, config } = settings;
  if (project.runtime !== "nodejs") {
    throw new UserError(
      `The embedded engine runs Node.js programs only, but ${project.file} names the runtime "${project.runtime}".`,
    );
  }
  const qualified = Object.entries(config).map(([key, value]) => [key.replace(":", ":config:"), value]);
  const { typescript, tsconfig, nodeargs } = project.runtimeOptions;
  const env: NodeJS.ProcessEnv = {
    ...childEnvironment(settings.env),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(settings.secretKeys),
    ...(typescript === false ? {} : { PULUMI_NODEJS_TYPESCRIPT: "true" }),
    ...(typeof tsconfig === "string" ? { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig } : {}),
  };
  const options: [string, string][] = [
    ["--monitor", settings.address],
    ["--engine", settings.address],
    ["--organization", "organization"],
    ["--project", project.name],
    ["--root-directory", project.root],
    ["--stack", settings.stack],
    ["--pwd", settings.folder],
    ["--parallel", String(settings.parallel)],
  ];
  const child = startNode(
    [
      ...(typeof nodeargs === "string" ? words(nodeargs) : []),
      `${settings.sdk}/cmd/run`,
      ...options.flat(),
      ...(settings.dryRun ? ["--dry-run"] : []),
      settings.entry,
    ],
    settings.folder,
    env,
    { PULUMI_CONFIG: JSON.stringify(Object.fromEntries(qualified)) },
  );
  onLines(child.stdout, (line) => onOutput(line, false));
  onLines(child.stderr, (line) => onOutput(line, true));
  const ended = child.exit.then(({ code, signal }) => {
    if (code === 0) return { failed: false };
    if (code === LOGGED_ERROR) return { failed: true };
    if (signal !== null) return { failed: true, message: `Program was ended by ${signal}` };
    return { failed: true, message: `Program exited with non-zero exit code: ${String(code)}` };
  });
  return {
    ended,
    trouble: child.trouble,
    interrupt() {
      child.process.kill("SIGINT");
      setTimeout(() => child.process.kill("SIGKILL"), 5000).unref();
    },
  };
}
