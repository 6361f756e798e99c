/**
 * The embedded engine, the program and the provider in this one process, kept warm over thousands of runs. Each run gets
 * fresh copies of the package's own modules, so that tokens, roles and everything else that a process keeps are asked for
 * again; only the SDK, gRPC and undici stay loaded. All of them talk over loopback sockets as they do when they are three
 * processes. Started for each of these runs anew, they would take a night.
 */
import { createRequire } from "node:module";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { dynamic } from "@pulumi/pulumi";
import type * as grpc from "@grpc/grpc-js";
import type * as time from "../../core/time";
import { set as setConfig } from "../../engine/commands/config";
import type { Command } from "../../engine/commands/context";
import { GLOBAL_FLAGS, parseArguments } from "../../engine/commands/flags";
import { init } from "../../engine/commands/stack";
import { cancel, destroy, refresh, up } from "../../engine/commands/update";
import { EXIT, UserError } from "../../engine/errors";
import { type Project, REPOSITORY } from "../support/project";
import type { VirtualClock } from "./virtual-clock";

const COMMANDS = {
  "stack init": init,
  "config set": setConfig,
  up,
  refresh,
  destroy,
  cancel,
} as const satisfies Readonly<Record<string, Command>>;

export interface WarmRun {
  readonly exitCode: number;
  /** What a person sees. */
  readonly output: string;
}

const PACKAGE = "pulumi-ibm-vpc-identity";
/** The package's own modules; `bootstrap/` is pure text and may stay. */
const FRESH = ["core", "client", "provider", "components", "index.ts"].map((name) => join(REPOSITORY, name));

type Resolver = (request: string, ...rest: unknown[]) => string;
const loader = createRequire(__filename)("node:module") as { _resolveFilename: Resolver };
const load = createRequire(__filename);

export class WarmEngine {
  #output: string[] = [];
  readonly #env: Record<string, string | undefined>;

  private constructor(
    private readonly project: Project,
    private readonly clock: VirtualClock,
    private readonly language: string,
    private readonly programs: Programs,
  ) {
    this.#env = { ...project.env, PULUMI_DISABLE_CHECKPOINT_BACKUPS: "true" };
  }

  /** One a process: it takes over how modules are found, where the console writes to, and the working directory. */
  static async start(project: Project, clock: VirtualClock): Promise<WarmEngine> {
    process.chdir(project.cwd);
    const standIns = resolvePackage();
    standInForNode(join(project.folder, "provider"), await providerPort());
    const programs: Programs = { last: Promise.resolve() };
    const language = await languageServer(() => engine.#program(), programs);
    const engine = new WarmEngine(project, clock, language, programs);
    standIns.dynamic = (type) => engine.#handler(type);
    engine.#takeConsole();
    return engine;
  }

  /** A command of the engine: `up`, or `config set zone us-south-1`. */
  async run(name: keyof typeof COMMANDS, ...words: string[]): Promise<WarmRun> {
    const command: Command = COMMANDS[name];
    this.#renew();
    this.#output = [];
    const flags = { ...GLOBAL_FLAGS, ...command.flags };
    const client = "client" in flags ? ["--client", this.language] : [];
    const args = parseArguments(
      [...words, ...client, "--stack", "dev"].filter((word) => word !== ""),
      flags,
    );
    const out = (text: string): void => void this.#output.push(text);
    try {
      await command.run({ args, env: this.#env, cwd: this.project.cwd, interactive: false, colour: false, out });
      return { exitCode: 0, output: this.#output.join("") };
    } catch (error) {
      const [exitCode, text] =
        error instanceof UserError ? [error.exitCode, error.message] : [EXIT.defect, (error as Error).stack];
      return { exitCode, output: `${this.#output.join("")}error: ${text ?? ""}\n` };
    } finally {
      await left(this.programs);
    }
  }

  /** What an operation leaves beside the state would fill the disk in the end. */
  tidy(): void {
    const root = join(this.project.folder, "state", ".pulumi");
    for (const name of ["history", "backups"]) rmSync(join(root, name), { recursive: true, force: true });
  }

  #renew(): void {
    for (const name of Object.keys(load.cache)) {
      const own = name.startsWith(this.project.cwd) && !name.includes("node_modules");
      if (own || FRESH.some((place) => name.startsWith(place))) Reflect.deleteProperty(load.cache, name);
    }
    const { systemClock } = load("../../core/time") as typeof time;
    Object.assign(systemClock, { now: this.clock.now, sleep: this.clock.sleep });
  }

  async #program(): Promise<unknown> {
    const exported = load(this.project.cwd) as object | (() => Promise<object>);
    return typeof exported === "function" ? (exported as () => Promise<object>)() : exported;
  }

  /** The SDK keeps a handler and its configuration for as long as its process lives, so each call finds the one of now. */
  #handler(type: string): dynamic.ResourceProvider {
    let request: dynamic.ConfigureRequest | undefined;
    const configured = new WeakSet();
    const now = async (): Promise<dynamic.ResourceProvider> => {
      const handler = (load("../../provider/dynamic") as (type: string) => dynamic.ResourceProvider)(type);
      if (request !== undefined && !configured.has(handler)) {
        configured.add(handler);
        await handler.configure?.(request);
      }
      return handler;
    };
    return {
      configure: async (given) => void (request = given),
      check: async (...args) => (await now()).check?.(...args) ?? {},
      diff: async (...args) => (await now()).diff?.(...args) ?? {},
      create: async (...args) => (await now()).create(...args),
      update: async (...args) => (await now()).update?.(...args) ?? {},
      // As the SDK has it: what cannot be read is as it is known.
      read: async (id, props) => (await now()).read?.(id, props) ?? { id, props: props as object },
      delete: async (...args) => (await now()).delete?.(...args),
    };
  }

  #takeConsole(): void {
    const write = (...args: unknown[]): void => void this.#output.push(`${args.map(String).join(" ")}\n`);
    Object.assign(console, { log: write, info: write, warn: write, error: write });
  }
}

/** The package's name leads to its sources. */
function resolvePackage(): { dynamic: (type: string) => dynamic.ResourceProvider } {
  const standIns = { dynamic: (type: string): dynamic.ResourceProvider => raise(`no handler for ${type} yet`) };
  const original = loader._resolveFilename;
  const dynamicModule = join(__dirname, "warm-dynamic");
  load.cache[dynamicModule] = Object.assign(Object.create(null) as NodeJS.Module, {
    id: dynamicModule,
    filename: dynamicModule,
    loaded: true,
    exports: (type: string) => standIns.dynamic(type),
  });
  loader._resolveFilename = function resolve(this: unknown, request, ...rest) {
    if (request === `${PACKAGE}/dynamic`) return dynamicModule;
    // Its sources: the folder alone would lead to what was built last.
    if (request === PACKAGE) return join(REPOSITORY, "index.ts");
    const own = request.startsWith(`${PACKAGE}/`);
    return original.call(this, own ? join(REPOSITORY, request.slice(PACKAGE.length)) : request, ...rest);
  };
  return standIns;
}

function raise(text: string): never {
  throw new Error(text);
}

/** The SDK's own process for dynamic resources, here: it says its port on standard output. */
async function providerPort(): Promise<string> {
  const { argv } = process;
  const { log } = console;
  try {
    process.argv = [...argv.slice(0, 2), "127.0.0.1:1"];
    return await new Promise((resolve) => {
      console.log = resolve;
      load("@pulumi/pulumi/cmd/dynamic-provider");
    });
  } finally {
    process.argv = argv;
    console.log = log;
  }
}

/** What the engine starts as its provider: it says where the provider is, and lives until the engine has had enough of it. */
function standInForNode(file: string, port: string): void {
  writeFileSync(file, `#!/bin/sh\necho ${port}\nexec cat <&3 >/dev/null\n`, { mode: 0o755 });
  process.execPath = file;
}

/** The program that runs or has run last. */
interface Programs {
  last: Promise<unknown>;
}

/** Long enough that the program has heard of all that failed. */
const HEARD_MS = 40;

/**
 * The SDK has one connection to the engine for the whole process, which the next program must not share with one that is left
 * behind: after a failure, where the program's own process would end, it waits for what never comes.
 */
async function left({ last }: Programs): Promise<void> {
  await Promise.race([last, new Promise((resolve) => setTimeout(resolve, HEARD_MS))]);
  (load("@pulumi/pulumi/runtime/settings") as { disconnectSync(): void }).disconnectSync();
}

/** The SDK's server for programs that live in the process of a deploying program. */
async function languageServer(program: () => Promise<unknown>, programs: Programs): Promise<string> {
  const { LanguageServer } = load("@pulumi/pulumi/automation/server") as {
    LanguageServer: new (program: () => Promise<unknown>) => grpc.UntypedServiceImplementation & {
      run(...call: unknown[]): Promise<void>;
    };
  };
  class WatchedServer extends LanguageServer {
    override run(...call: unknown[]): Promise<void> {
      const running = super.run(...call);
      programs.last = running.catch(() => undefined);
      return running;
    }
  }
  const { LanguageRuntimeService } = load("@pulumi/pulumi/proto/language_grpc_pb") as {
    LanguageRuntimeService: grpc.ServiceDefinition;
  };
  const { Server, ServerCredentials } = load("@grpc/grpc-js") as typeof grpc;
  const server = new Server();
  server.addService(LanguageRuntimeService, new WatchedServer(program));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return `127.0.0.1:${port}`;
}
