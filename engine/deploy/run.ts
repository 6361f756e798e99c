/** What all parts of one run share: the resources known so far, the limits, and whether to go on. */
import { messageOf, UserError } from "../errors";
import { type ResourceState } from "../model/resource";
import { isProviderType, makeUrn, STACK_TYPE } from "../model/urn";
import { type Reporter, type Severity, type Step, type StepKind } from "../display/reporter";
import { type Snapshot } from "../state/snapshot";
import { type Providers } from "./providers";
import { type Targets } from "./targets";

export interface RunSettings {
  readonly project: string;
  readonly stack: string;
  /** The folder of the project's file. */
  readonly root: string;
  /** The folder the program runs in. */
  readonly folder: string;
  readonly dryRun: boolean;
  readonly parallel: number;
  readonly continueOnError: boolean;
  readonly targets: Targets;
  readonly replace: Targets;
}

/** Thrown to leave a step because the run does not go on; what went wrong has been reported. */
export class Halted extends Error {
  constructor() {
    super("the run was stopped");
    this.name = "Halted";
  }
}

/** Lets a limited number of provider operations run at a time. */
class Slots {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }
}

export class Run {
  /** The newest state of each URN before this run. */
  readonly olds = new Map<string, ResourceState>();
  /** What was registered in this run. */
  readonly news = new Map<string, ResourceState>();
  /** Old resources that the program still wants, under their name or an alias. */
  readonly visited = new Set<ResourceState>();
  /** URNs that were deleted to make room for the replacement of something they depend on. */
  readonly deletedEarly = new Set<string>();
  /** URNs that were or will be replaced in this run. */
  readonly replaced = new Set<string>();
  readonly changes: Partial<Record<StepKind, number>> = {};
  private readonly errored = new Set<string>();
  private readonly slots: Slots;
  private readonly inFlight = new Set<Promise<unknown>>();
  /** The root of the program, on which is shown what belongs to no other resource. */
  readonly stackUrn: string;
  failed = false;
  private stop: () => void = () => undefined;
  /** Resolves as soon as no further step may begin. */
  readonly stopping = new Promise<void>((resolve) => (this.stop = resolve));
  private halted = false;
  private interrupted = false;

  constructor(
    readonly settings: RunSettings,
    readonly base: readonly ResourceState[],
    readonly snapshot: Snapshot,
    readonly providers: Providers,
    readonly reporter: Reporter,
  ) {
    const { project, stack } = settings;
    this.stackUrn = makeUrn(stack, project, undefined, STACK_TYPE, `${project}-${stack}`);
    this.slots = new Slots(settings.parallel);
    for (const resource of base) if (resource.delete !== true) this.olds.set(resource.urn, resource);
  }

  get dryRun(): boolean {
    return this.settings.dryRun;
  }

  /** No further step may begin. */
  get stopped(): boolean {
    return this.interrupted || (this.halted && !this.settings.continueOnError);
  }

  get erroredCount(): number {
    return this.errored.size;
  }

  /** Whether an error was reported on a resource; the empty URN stands for the stack. */
  hasErrors(urn: string): boolean {
    return this.errored.has(urn === "" ? this.stackUrn : urn);
  }

  get cancelled(): boolean {
    return this.interrupted;
  }

  /** Lets what is running finish, and nothing else begin. */
  cancel(): void {
    this.interrupted = true;
    this.stop();
  }

  /** The old resource of a URN as it stands now. */
  old(urn: string): ResourceState | undefined {
    const old = this.olds.get(urn);
    return old === undefined ? undefined : this.snapshot.current(old);
  }

  report(urn: string, severity: Severity, message: string, ephemeral = false): void {
    const on = urn === "" ? this.stackUrn : urn;
    if (severity === "error") this.errored.add(on);
    this.reporter.diagnostic({ urn: on, severity, message, ephemeral });
  }

  /** Reports an error that fails the run in the end, but stops nothing else. */
  blame(urn: string, error: Error): void {
    this.failed = true;
    this.report(urn, "error", error.message);
  }

  /** Reports an error and makes the run fail. */
  fail(urn: string, error: unknown): void {
    this.failed = true;
    this.halted = true;
    if (this.stopped) this.stop();
    if (error instanceof Halted) return;
    this.report(urn, "error", messageOf(error));
  }

  requireGoing(): void {
    if (this.stopped) throw new Halted();
  }

  count(kind: StepKind, type: string): void {
    if (!isProviderType(type)) this.changes[kind] = (this.changes[kind] ?? 0) + 1;
  }

  /** Runs one step: waits for a free slot, reports, and turns a failure into a halt. */
  async step<T>(step: Step, countAs: StepKind | undefined, work: () => Promise<T>): Promise<T> {
    const running = this.slots.use(async () => {
      this.requireGoing();
      this.reporter.stepStarted(step);
      try {
        const result = await work();
        if (countAs !== undefined) this.count(countAs, step.type);
        this.reporter.stepEnded(step);
        return result;
      } catch (error) {
        this.fail(step.urn, error);
        this.reporter.stepFailed(step);
        throw new Halted();
      }
    });
    this.inFlight.add(running);
    try {
      return await running;
    } finally {
      this.inFlight.delete(running);
    }
  }

  /** Runs a step whose failure fails the run in the end, but stops nothing else. It reports its own end. */
  async independent<T>(step: Step, work: () => Promise<T>): Promise<T> {
    return this.slots.use(async () => {
      this.requireGoing();
      this.reporter.stepStarted(step);
      try {
        return await work();
      } catch (error) {
        this.blame(step.urn, new Error(messageOf(error)));
        this.reporter.stepFailed(step);
        throw new Halted();
      }
    });
  }

  /** Resolves when nothing is running any more. */
  async settle(): Promise<void> {
    while (this.inFlight.size > 0) await Promise.allSettled(this.inFlight);
  }
}

export function requireResource(run: Run, urn: string, role: string): ResourceState {
  const found = run.news.get(urn);
  if (found === undefined) throw new UserError(`The ${role} ${urn} was not registered before it was used.`);
  return found;
}
