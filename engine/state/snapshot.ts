/**
 * The state while it changes. Steps report what they begin and what they finished; each report is on disk before the step goes on.
 * Reports that arrive while a write is running share the next one, which bounds the number of writes of a wide stack.
 */
import { requirementsOf, type OperationType, type PendingOperation, type ResourceState } from "../model/resource";
import { messageOf, UserError } from "../errors";

export interface Operation {
  readonly pending: PendingOperation;
}

/** A single write may take long by accident, such as a disk that wakes up; the next must not wait as long again. */
const LONGEST_WAIT_MS = 1000;

export class Snapshot {
  private readonly finished: ResourceState[] = [];
  private readonly promoted = new Set<ResourceState>();
  private readonly gone = new Set<ResourceState>();
  private readonly replaced = new Map<ResourceState, ResourceState>();
  private readonly running = new Set<Operation>();
  private queued: Promise<void> | undefined;
  private failure: Error | undefined;
  /** When the last write ended, and how long it took. */
  private lastWrite = { endMs: 0, tookMs: 0 };
  /** Old URNs of resources that were found by an alias, and the URNs they have now. */
  readonly renamed = new Map<string, string>();

  constructor(
    private readonly base: readonly ResourceState[],
    private readonly kept: readonly PendingOperation[],
    private readonly persist: (resources: readonly ResourceState[], pending: readonly PendingOperation[]) => void,
  ) {}

  /** Says that an operation is about to be tried whose outcome nobody knows until it is finished. */
  async begin(type: OperationType, resource: ResourceState): Promise<Operation> {
    const operation: Operation = { pending: { resource, type } };
    this.running.add(operation);
    await this.write();
    return operation;
  }

  /** Ends an operation: `old` leaves the state, `now` enters it. `quiet` leaves the write to the next report. */
  async end(
    operation: Operation | undefined,
    change: { old?: ResourceState | undefined; now?: ResourceState | undefined; quiet?: boolean },
  ): Promise<void> {
    if (operation !== undefined) this.running.delete(operation);
    if (change.old !== undefined) this.gone.add(change.old);
    if (change.now !== undefined) this.finished.push(change.now);
    if (change.quiet !== true) await this.write();
  }

  /** Exchanges a resource at its place, for instance to mark it for deletion. Written with the next report. */
  exchange(old: ResourceState, now: ResourceState): void {
    this.replaced.set(old, now);
  }

  /** Puts a resource among those that are finished, unchanged, because something finished needs it before itself. */
  promote(resource: ResourceState): void {
    if (this.promoted.has(resource)) return;
    this.promoted.add(resource);
    this.finished.push(resource);
  }

  /** The resource as it stands now. */
  current(resource: ResourceState): ResourceState {
    let now = resource;
    for (let next = this.replaced.get(now); next !== undefined; next = this.replaced.get(now)) now = next;
    return now;
  }

  /** Resources finished in this run in the order they were, then those not visited yet in their old order. */
  resources(): ResourceState[] {
    const list = [...this.finished, ...this.base.filter((resource) => !this.promoted.has(resource))]
      .filter((resource) => !this.gone.has(resource))
      .map((r) => this.current(r));
    const alive = list.filter((resource) => !this.gone.has(resource));
    const named = this.renamed.size === 0 ? alive : alive.map((resource) => rename(resource, this.renamed));
    return this.promoted.size === 0 ? named : ordered(named);
  }

  /** Writes now, whether something changed or not. */
  async write(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.queued ??= new Promise<void>((resolve, reject) => {
      const write = (): void => {
        this.queued = undefined;
        const startMs = performance.now();
        try {
          this.persist(this.resources(), [...this.kept, ...[...this.running].map((operation) => operation.pending)]);
          resolve();
        } catch (error) {
          this.failure = new UserError(`The state could not be saved: ${messageOf(error)}`);
          reject(this.failure);
        }
        const endMs = performance.now();
        this.lastWrite = { endMs, tookMs: endMs - startMs };
      };
      // Reports of the same turn of the event loop join this write; where a write takes long, also those that come until as
      // much time has passed as the last one took. So up to a second a write, writing takes half of the time
      // at most, however large the state.
      const waitMs = this.lastWrite.endMs + Math.min(this.lastWrite.tookMs, LONGEST_WAIT_MS) - performance.now();
      if (waitMs < 1) setImmediate(write);
      else setTimeout(write, waitMs);
    });
    await this.queued;
  }
}

/** The same list with each resource after what it needs. Only runs that leave resources out can finish them in another order. */
function ordered(resources: readonly ResourceState[]): ResourceState[] {
  const byUrn = new Map<string, ResourceState[]>();
  for (const resource of resources) byUrn.set(resource.urn, [...(byUrn.get(resource.urn) ?? []), resource]);
  const placed = new Set<ResourceState>();
  const place = (resource: ResourceState): void => {
    if (placed.has(resource)) return;
    const needed = requirementsOf(resource).flatMap((urn) => byUrn.get(urn) ?? []);
    for (const other of needed) if (other.urn !== resource.urn) place(other);
    placed.add(resource);
  };
  resources.forEach(place);
  return [...placed];
}

function rename(resource: ResourceState, names: ReadonlyMap<string, string>): ResourceState {
  const one = (urn: string): string => names.get(urn) ?? urn;
  const maybe = (urn: string | undefined): string | undefined => (urn === undefined ? undefined : one(urn));
  const list = (urns: readonly string[] | undefined): readonly string[] | undefined => urns?.map(one);
  const { propertyDependencies } = resource;
  const provider = resource.provider;
  const at = provider?.lastIndexOf("::") ?? -1;
  return {
    ...resource,
    parent: maybe(resource.parent),
    dependencies: list(resource.dependencies),
    deletedWith: maybe(resource.deletedWith),
    replaceWith: list(resource.replaceWith),
    provider: provider === undefined ? undefined : one(provider.slice(0, at)) + provider.slice(at),
    propertyDependencies:
      propertyDependencies === undefined
        ? undefined
        : Object.fromEntries(Object.entries(propertyDependencies).map(([key, urns]) => [key, urns.map(one)])),
  };
}
