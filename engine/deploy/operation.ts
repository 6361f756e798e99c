/** An operation on a stack from lock to unlock: up, preview, refresh and destroy. */
import { availableParallelism } from "node:os";
import { EXIT, messageOf, UserError } from "../errors";
import { type PendingOperation, type ResourceState } from "../model/resource";
import { maskSecrets, type Properties } from "../model/values";
import { type OperationKind, type Reporter } from "../display/reporter";
import { loadProtocol } from "../rpc/protocol";
import { ProviderProcess } from "../rpc/provider";
import { Removals } from "../state/backend";
import { Encoder, findDefect, sealingOf } from "../state/checkpoint";
import { programOf } from "../state/project";
import { Snapshot } from "../state/snapshot";
import { parseStackName, Stack } from "../state/stack";
import { textOf } from "../state/stack-config";
import { deleteAll } from "./deletes";
import { ProgramRun } from "./program-run";
import { DYNAMIC_PACKAGE, Providers } from "./providers";
import { refreshAll } from "./refresh";
import { Run } from "./run";
import { targetedDeletes } from "./targeted";
import { targetsOf } from "./targets";

export interface OperationSettings {
  readonly kind: OperationKind;
  readonly dryRun: boolean;
  readonly message: string;
  readonly parallel: number | undefined;
  readonly targets: readonly string[];
  readonly targetDependents: boolean;
  readonly replace: readonly string[];
  readonly refresh: boolean;
  readonly clearPendingCreates: boolean;
  readonly continueOnError: boolean;
  readonly expectNoChanges: boolean;
  /** Address of a client of the Automation API that runs the program itself. */
  readonly client: string | undefined;
}

export class Operation {
  private readonly started = Date.now();
  private readonly removals = new Removals();
  private run: Run | undefined;
  private program: ProgramRun | undefined;

  constructor(
    private readonly stack: Stack,
    private readonly settings: OperationSettings,
    private readonly reporter: Reporter,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Lets running steps finish, starts no more. */
  cancel(): void {
    if (this.run === undefined || this.run.cancelled) return;
    this.run.cancel();
    this.program?.interrupt();
  }

  async perform(onLocked: (release: () => void) => void): Promise<void> {
    const { stack, settings } = this;
    stack.requireExisting();
    const release = settings.dryRun ? () => undefined : stack.backend.lock(stack.name);
    onLocked(release);
    try {
      await this.locked();
    } finally {
      await this.removals.settled();
      release();
    }
  }

  private async locked(): Promise<void> {
    const { stack, settings, reporter, env } = this;
    const deployment = stack.load();
    const crypter = lazy(() => stack.crypter());
    const config = stack.config.open(crypter);
    const { folder } = programOf(stack.project);
    const protocol = lazy(() => loadProtocol(folder, settings.client !== undefined));
    const startProvider = (): Promise<ProviderProcess> =>
      ProviderProcess.start({
        protocol: protocol(),
        folder,
        project: stack.project.name,
        runtimeOptions: stack.project.runtimeOptions,
        // It takes an address, and has no use for it.
        address: "127.0.0.1:1",
        env,
        onOutput: (line) => this.run?.report("", "info#err", line),
      });
    const providers = new Providers(startProvider, config.providerInputs);
    const withProgram = settings.kind === "update" || settings.kind === "preview";
    if (withProgram || deployment.resources.some((resource) => resource.type === `pulumi:providers:${DYNAMIC_PACKAGE}`))
      providers.warmUp();
    const encoder = lazy(() => new Encoder(sealingOf(crypter())));
    const persist = settings.dryRun ? () => undefined : this.writer(encoder);
    const pending = deployment.pending.filter(
      (operation) => operation.type === "creating" && !settings.clearPendingCreates,
    );

    const start = (base: readonly ResourceState[]): Run => {
      const snapshot = new Snapshot(base, pending, persist);
      const run = new Run(
        {
          project: stack.project.name,
          stack: stack.name.stack,
          root: stack.project.root,
          folder,
          dryRun: settings.dryRun,
          parallel: settings.parallel ?? availableParallelism() * 4,
          continueOnError: settings.continueOnError,
          targets: targetsOf(settings.targets),
          replace: targetsOf(settings.replace),
        },
        base,
        snapshot,
        providers,
        reporter,
      );
      this.run = run;
      return run;
    };

    const { kind, dryRun } = settings;
    const shown = Object.fromEntries(
      [...stack.config.values()].map(([key, value]) => [key, textOf(maskSecrets(value))]),
    );
    reporter.begin({ operation: kind, dryRun, stack: stack.name.stack, project: stack.project.name, config: shown });
    let run = start(deployment.resources);
    try {
      this.warnOfPending(run, deployment.pending);
      if (kind === "refresh" || settings.refresh) {
        await refreshAll(run);
        await run.snapshot.write();
        if (settings.refresh && !run.failed && kind !== "refresh") run = start(run.snapshot.resources());
      }
      if (kind === "destroy" && !run.failed) await this.destroy(run);
      else if (withProgram && !run.failed) {
        const inputs = {
          project: stack.project,
          config: config.values,
          secretKeys: config.secretKeys,
          env,
          protocol: protocol(),
          client: settings.client,
          loadStack: (name: string) => this.loadOther(name),
        };
        this.program = new ProgramRun(run, inputs);
        await this.program.perform();
      }
      await run.settle();
      await run.snapshot.write();
    } catch (error) {
      run.fail("", error);
    } finally {
      await providers.stop();
    }
    this.conclude(run);
  }

  private writer(encoder: () => Encoder) {
    const { stack } = this;
    return (resources: readonly ResourceState[], pending: readonly PendingOperation[]): void => {
      const text = encoder().checkpoint(stack.qualifiedName, resources, pending);
      stack.backend.writeState(stack.name, text, this.removals.remove);
    };
  }

  private async destroy(run: Run): Promise<void> {
    const doomed = run.settings.targets.empty ? run.base : targetedDeletes(run, this.settings.targetDependents);
    const hooked = doomed.find(({ resourceHooks: hooks = {} }) => "BeforeDelete" in hooks || "AfterDelete" in hooks);
    if (hooked !== undefined) {
      throw new UserError(
        `Resource "${hooked.urn}" has delete hooks registered, but the program is not running, so they cannot be called. ` +
          "Remove the resource from the program and run `pulumi up`, or take the hooks off it first.",
      );
    }
    await deleteAll(run, doomed);
  }

  private warnOfPending(run: Run, pending: readonly PendingOperation[]): void {
    if (pending.length === 0 || this.settings.kind === "destroy") return;
    if (this.settings.clearPendingCreates) return;
    const lines = pending.map(({ resource, type }) => `  * ${resource.urn}, interrupted while ${type}`);
    const count = pending.length === 1 ? "1 pending operation" : `${pending.length} pending operations`;
    run.report(
      "",
      "warning",
      `Attempting to deploy or update resources with ${count} from previous deployment.\n${lines.join("\n")}\n` +
        "These resources are in an unknown state because the engine was interrupted while waiting for changes to complete. " +
        "Look whether they exist; `pulumi refresh --clear-pending-creates` forgets about the creates.",
    );
  }

  /** The resources of another stack, with its own salt. */
  private loadOther(name: string): readonly ResourceState[] {
    const parsed = parseStackName(name, this.stack.project.name);
    const project = { ...this.stack.project, name: parsed.project };
    return new Stack(project, parsed, this.env).requireExisting().load().resources;
  }

  private conclude(run: Run): void {
    const { settings, reporter } = this;
    const unexpected =
      settings.expectNoChanges && Object.entries(run.changes).some(([kind, count]) => kind !== "same" && count > 0);
    const failedBefore = run.failed;
    if (run.cancelled && !run.failed) run.blame("", new Error(`${settings.kind} cancelled`));
    const what = settings.dryRun && settings.kind === "update" ? "preview" : settings.kind;
    if (run.failed && run.erroredCount > 0 && !run.hasErrors("")) run.blame("", new Error(`${what} failed`));
    else if (unexpected && !run.failed) run.blame("", new Error("no changes were expected but changes occurred"));
    // A preview writes nothing, and what it leaves out of the picture (a replaced resource has no id yet) is no defect.
    const defect = run.failed || settings.dryRun ? undefined : findDefect(run.snapshot.resources());
    if (defect !== undefined) run.blame("", new Error(`The new state is not sound: ${defect}`));
    const root = run.snapshot.resources().find((resource) => resource.urn === run.stackUrn);
    const before = run.base.find((resource) => resource.urn === run.stackUrn)?.outputs;
    reporter.outputs(settings.kind === "destroy" ? undefined : this.shownOutputs(root), before);
    const durationSeconds = (Date.now() - this.started) / 1000;
    reporter.end({ changes: run.changes, errored: run.erroredCount, durationSeconds, failed: run.failed });
    if (!settings.dryRun) this.remember(run);
    // All there is to say has been shown; what is left is to end as Pulumi does.
    if (!run.failed) return;
    const cancelled = run.cancelled && !failedBefore;
    throw new UserError(
      `${what} ${cancelled ? "cancelled" : "failed"}`,
      cancelled ? EXIT.cancelled : unexpected && !failedBefore ? EXIT.changes : EXIT.failure,
    );
  }

  private shownOutputs(root: ResourceState | undefined): Properties | undefined {
    return this.settings.dryRun ? (this.program?.exported ?? root?.outputs) : root?.outputs;
  }

  private remember(run: Run): void {
    const { stack, settings } = this;
    const config = Object.fromEntries([...stack.config.values()].map(([key, value]) => [key, storedForm(value)]));
    try {
      stack.backend.addHistory(stack.name, {
        kind: settings.kind,
        startTime: Math.floor(this.started / 1000),
        message: settings.message,
        environment: {},
        config,
        version: 0,
        result: run.failed ? "failed" : "succeeded",
        endTime: Math.floor(Date.now() / 1000),
        resourceChanges: run.changes,
      });
    } catch (error) {
      throw new UserError(
        `The operation is done and its state saved, but its history could not be written: ${messageOf(error)}`,
      );
    }
  }
}

function storedForm(value: unknown): unknown {
  if (typeof value === "object" && value !== null) {
    if ("secure" in value) return { value: value.secure, secret: true };
    return { value: JSON.stringify(value), secret: JSON.stringify(value).includes('"secure"'), object: true };
  }
  return { value: String(value), secret: false };
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
