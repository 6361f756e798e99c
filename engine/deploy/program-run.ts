/** Runs the program against the engine: serves its registrations until it has said all it wants, then lets the rest go. */
import type * as messages from "@pulumi/pulumi/proto/resource_pb";
import { UserError } from "../errors";
import { normalizeProperties } from "../model/assets";
import { STACK_TYPE } from "../model/urn";
import { UNKNOWN, type Properties } from "../model/values";
import { type Severity } from "../display/reporter";
import { Callbacks, type CallbackReference } from "../rpc/callbacks";
import { MonitorServer, StatusError, type MonitorHandlers } from "../rpc/monitor";
import { runInline } from "../rpc/inline";
import { startProgram, type RunningProgram } from "../rpc/program";
import { fromStruct, type Protocol } from "../rpc/protocol";
import { programOf, type Project } from "../state/project";
import { deleteUnwanted } from "./deletes";
import { goalOf } from "./goal";
import { hookCaller, type Hook } from "./hook-calls";
import { setHookCaller } from "./hooks";
import { readResource, resourceByUrn, type StackLoader } from "./read";
import { Registrar } from "./register";
import { Halted, type Run } from "./run";
import { outputsStep } from "./steps";

/** How long a program may stay around once nothing it does can succeed any more. */
const GRACE_MS = 3000;
/** The same for one inside a client: it waits for what never comes, since no end of its process ends it. */
const INLINE_GRACE_MS = 100;

export interface ProgramInputs {
  readonly project: Project;
  readonly config: Record<string, string>;
  readonly secretKeys: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly protocol: Protocol;
  readonly loadStack: StackLoader;
  /** Address of a client of the Automation API that runs the program itself. */
  readonly client: string | undefined;
}

const OUTPUT_SEVERITY = { true: "info#err", false: "info" } as const;

export class ProgramRun {
  private readonly registrar: Registrar;
  private readonly callbacks: Callbacks;
  private readonly transforms = new Map<string, readonly CallbackReference[]>();
  private readonly stackTransforms: CallbackReference[] = [];
  private readonly hooks = new Map<string, Hook>();
  private stackOutputs: Properties | undefined;
  private program: RunningProgram | undefined;
  private open = 0;
  private signal: (() => void) | undefined;
  private finish: (() => void) | undefined;
  private complain: (() => void) | undefined;
  private readonly signalled = new Promise<void>((resolve) => (this.signal = resolve));
  private readonly finished = new Promise<void>((resolve) => (this.finish = resolve));
  /** Resolves when the program has logged an error, which makes it fail in the end. */
  private readonly complained = new Promise<undefined>((resolve) => (this.complain = () => resolve(undefined)));

  constructor(
    private readonly run: Run,
    private readonly inputs: ProgramInputs,
  ) {
    this.registrar = new Registrar(run);
    this.callbacks = new Callbacks(inputs.protocol);
    setHookCaller(run, hookCaller(inputs.protocol, this.callbacks, this.hooks));
  }

  /** Resolves when the program has ended and all that follows from it is done; failures are noted in the run. */
  async perform(): Promise<void> {
    const { run } = this;
    const { project, stack, dryRun, parallel } = run.settings;
    const { config, secretKeys, protocol } = this.inputs;
    const server = new MonitorServer(
      protocol,
      { project, stack, dryRun, parallel, config, secretKeys },
      this.handlers(),
    );
    const address = await server.listen();
    try {
      const output = (line: string, error: boolean): void => run.report("", OUTPUT_SEVERITY[`${error}`], line);
      this.program = this.launch(address, output);
      const { ended } = this.program;
      await Promise.race([this.signalled, ended, this.run.stopping, this.stuck(this.program)]);
      if (run.stopped) await Promise.race([ended, this.signalled, this.giveUp()]);
      await run.settle();
      const early = await Promise.race([ended, Promise.resolve(undefined)]);
      this.judge(early);
      if (!run.failed && !run.cancelled) await deleteUnwanted(run);
      await this.finishStack();
      this.finish?.();
      if (early === undefined) this.judge(await ended);
    } finally {
      this.finish?.();
      this.callbacks.close();
      server.close();
    }
  }

  private judge(end: { failed: boolean; message?: string } | undefined): void {
    if (end?.failed !== true || this.run.cancelled) return;
    const { message } = end;
    // After a failed registration the program's own end says nothing new.
    if (message !== undefined && !this.run.failed) this.run.fail("", new UserError(message));
    this.run.failed = true;
  }

  interrupt(): void {
    this.program?.interrupt();
  }

  private launch(address: string, onOutput: (line: string, error: boolean) => void): RunningProgram {
    const { project, config, secretKeys, env, protocol, client } = this.inputs;
    const { stack, dryRun, parallel } = this.run.settings;
    if (client !== undefined) {
      const inline = {
        client,
        address,
        project: project.name,
        stack,
        folder: project.root,
        dryRun,
        parallel,
        config,
        secretKeys,
      };
      return runInline(protocol, inline, this.complained);
    }
    const { folder, entry } = programOf(project);
    const settings = {
      project,
      stack,
      folder,
      entry,
      sdk: protocol.sdk,
      address,
      dryRun,
      parallel,
      config,
      secretKeys,
      env,
    };
    return startProgram(settings, onOutput);
  }

  /** Ends a program that hangs after a rejection: nothing more has come from it for a while, and nothing of it is still open. */
  private async stuck(program: RunningProgram): Promise<void> {
    const text = await program.trouble;
    for (let quietMs = 0; quietMs < GRACE_MS; quietMs += 100) {
      if (this.open > 0) quietMs = 0;
      await new Promise((resolve) => setTimeout(resolve, 100).unref());
    }
    if (this.run.failed) return;
    const unhandled = `Running program failed with an unhandled exception:\n${text ?? ""}`;
    this.run.fail("", text === undefined ? new Halted() : new UserError(unhandled));
    program.interrupt();
  }

  private async giveUp(): Promise<void> {
    await this.run.settle();
    const graceMs = this.inputs.client === undefined ? GRACE_MS : INLINE_GRACE_MS;
    await new Promise((resolve) => setTimeout(resolve, graceMs).unref());
    this.program?.interrupt();
  }

  private async finishStack(): Promise<void> {
    const { run } = this;
    const root = run.news.get(run.stackUrn);
    if (root === undefined || this.stackOutputs === undefined) return;
    // A failed run may have lost outputs on the way, so none is taken away then.
    const outputs = run.failed ? { ...root.outputs, ...this.stackOutputs } : this.stackOutputs;
    await outputsStep(run, root, outputs).catch((error: unknown) => run.fail("", error));
  }

  /** What the program exports, as far as it got. */
  get exported(): Properties | undefined {
    return this.stackOutputs;
  }

  private handlers(): MonitorHandlers {
    const { run } = this;
    const guard = async <T>(work: () => Promise<T>): Promise<T> => {
      this.open += 1;
      try {
        return await work();
      } catch (error) {
        if (error instanceof Halted)
          throw new StatusError("UNAVAILABLE", "resource monitor shut down while waiting on step's done channel");
        throw error;
      } finally {
        this.open -= 1;
      }
    };
    return {
      register: (request) => guard(() => this.register(request)),
      read: (request) => guard(() => this.read(request)),
      outputs: (urn, outputs) => guard(() => this.registerOutputs(urn, outputs)),
      invoke: async (token, args) => this.invoke(token, args),
      stackTransform: (target, token) => this.stackTransforms.push({ target, token }),
      hook: (hook) => {
        if (this.hooks.has(hook.name))
          throw new StatusError("ALREADY_EXISTS", `resource hook "${hook.name}" is already registered`);
        this.hooks.set(hook.name, hook);
      },
      log: (severity: Severity, urn, message, ephemeral) => {
        if (severity === "error") this.complain?.();
        if (severity !== "debug") run.report(urn, severity, message, ephemeral);
      },
      shutdown: async () => {
        this.signal?.();
        await this.finished;
      },
    };
  }

  private async register(request: messages.RegisterResourceRequest): ReturnType<MonitorHandlers["register"]> {
    const { run } = this;
    if (request.getRemote()) {
      throw new UserError(
        `${request.getType()} is a component in another language, which the embedded engine cannot run; install Pulumi.`,
      );
    }
    run.requireGoing();
    await this.transform(request);
    const { root, folder } = run.settings;
    const goal = goalOf(request, root, folder);
    try {
      const { state, skipped } = await this.registrar.register(goal);
      const { urn, id = "", custom } = state;
      const known = id === UNKNOWN ? "" : id;
      return {
        urn: run.snapshot.renamed.get(urn) ?? urn,
        id: known,
        outputs: custom ? (state.outputs ?? {}) : {},
        skipped,
        failed: false,
      };
    } catch (error) {
      if (!(error instanceof Halted) || !run.settings.continueOnError || run.cancelled) throw error;
      return {
        urn: this.registrar.urnOf(goal.type, goal.name, goal.parent),
        id: "",
        outputs: {},
        skipped: false,
        failed: true,
      };
    }
  }

  private async transform(request: messages.RegisterResourceRequest): Promise<void> {
    const { run } = this;
    if (request.getType() === STACK_TYPE) return;
    const own = request
      .getTransformsList()
      .map((callback) => ({ target: callback.getTarget(), token: callback.getToken() }));
    const inherited: CallbackReference[] = [];
    for (
      let urn: string | undefined = request.getParent();
      urn !== undefined && urn !== "";
      urn = run.news.get(urn)?.parent
    ) {
      inherited.push(...(this.transforms.get(urn) ?? []));
    }
    const urn = this.registrar.urnOf(request.getType(), request.getName(), request.getParent());
    this.transforms.set(urn, own);
    const all = [...own, ...inherited, ...this.stackTransforms];
    if (all.length > 0) await this.callbacks.transform(request, all, own.length > 0);
  }

  private async read(request: messages.ReadResourceRequest): Promise<{ urn: string; outputs: Properties }> {
    const properties = normalizeProperties(fromStruct(request.getProperties()), this.run.settings.folder);
    const state = await readResource(this.run, this.registrar, this.inputs.loadStack, {
      type: request.getType(),
      name: request.getName(),
      id: request.getId(),
      parent: request.getParent() === "" ? undefined : request.getParent(),
      properties,
      dependencies: request.getDependenciesList(),
      provider: request.getProvider() === "" ? undefined : request.getProvider(),
      additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    });
    return { urn: state.urn, outputs: state.outputs ?? {} };
  }

  private async registerOutputs(urn: string, given: Properties): Promise<void> {
    const outputs = normalizeProperties(given, this.run.settings.folder);
    if (urn === this.run.stackUrn) {
      this.stackOutputs = outputs;
      return;
    }
    const state = this.run.news.get(urn);
    if (state === undefined) throw new UserError(`outputs were registered for ${urn}, which is not known`);
    await outputsStep(this.run, state, outputs);
  }

  private invoke(token: string, args: Properties): Properties {
    const { urn } = args;
    if (token === "pulumi:pulumi:getResource" && typeof urn === "string") return resourceByUrn(this.run, urn);
    throw new UserError(
      `The function ${token} needs a provider plugin, which the embedded engine cannot run; install Pulumi.`,
    );
  }
}
