/**
 * The providers of a run. All dynamic resources of a run share one process, which is started ahead of time since its start takes as
 * long as the program's; it is configured when the first resource needs it.
 */
import { randomUUID } from "node:crypto";
import { UserError } from "../errors";
import { type ResourceState } from "../model/resource";
import { isProviderType, makeUrn, packageOf, parseUrn, providerTypeOf, splitProviderReference } from "../model/urn";
import { identical, UNKNOWN, type Properties } from "../model/values";
import { type ProviderProcess } from "../rpc/provider";
import { type Run } from "./run";

export const DYNAMIC_PACKAGE = "pulumi-nodejs";
const BUILTIN_PACKAGE = "pulumi";

export class Providers {
  private process: Promise<ProviderProcess> | undefined;
  private readonly defaults = new Map<string, Promise<string>>();
  private readonly configured = new Map<string, Promise<ProviderProcess>>();

  constructor(
    private readonly start: () => Promise<ProviderProcess>,
    private readonly config: Properties,
  ) {}

  /** Starts the process now, since it will be needed. */
  warmUp(): void {
    this.process ??= this.start();
    // Whoever needs it sees the failure.
    this.process.catch(() => undefined);
  }

  /** The reference of the default provider for a type; makes or updates its resource when it is first asked for. */
  async defaultFor(run: Run, type: string): Promise<string> {
    const name = packageOf(type);
    if (name !== DYNAMIC_PACKAGE && name !== BUILTIN_PACKAGE) {
      throw new UserError(
        `Resources of type ${type} need the provider plugin "${name}", which the embedded engine cannot run: it runs dynamic ` +
          "resources and components. Install Pulumi to deploy this program.",
      );
    }
    let reference = this.defaults.get(name);
    if (reference === undefined) {
      reference = this.register(run, name);
      this.defaults.set(name, reference);
    }
    return reference;
  }

  private async register(run: Run, packageName: string): Promise<string> {
    const type = providerTypeOf(packageName);
    const urn = makeUrn(run.settings.stack, run.settings.project, undefined, type, "default");
    const inputs = packageName === DYNAMIC_PACKAGE ? this.config : {};
    const old = run.old(urn);
    const time = new Date().toISOString();
    let now: ResourceState;
    if (old === undefined) {
      now = {
        urn,
        custom: true,
        type,
        id: run.dryRun ? UNKNOWN : randomUUID(),
        inputs,
        outputs: inputs,
        created: time,
        modified: time,
      };
      await run.step({ kind: "create", urn, type, now }, undefined, async () => {
        const operation = await run.snapshot.begin("creating", {
          ...now,
          id: undefined,
          outputs: undefined,
          created: undefined,
          modified: undefined,
        });
        await run.snapshot.end(operation, { now });
      });
    } else {
      const original = run.olds.get(urn);
      if (original !== undefined) run.visited.add(original);
      const same = identical(old.outputs ?? {}, inputs);
      now = { ...old, inputs, outputs: inputs, ...(same ? {} : { modified: time }) };
      await run.snapshot.end(undefined, { old, now, quiet: same });
    }
    run.news.set(urn, now);
    return `${urn}::${now.id ?? ""}`;
  }

  /** The process behind a provider reference, configured with the inputs that the provider's resource has. */
  async get(run: Run, reference: string): Promise<ProviderProcess> {
    let ready = this.configured.get(reference);
    if (ready === undefined) {
      ready = this.configure(run, reference);
      this.configured.set(reference, ready);
    }
    return ready;
  }

  private async configure(run: Run, reference: string): Promise<ProviderProcess> {
    const { urn, id } = splitProviderReference(reference);
    const { type } = parseUrn(urn);
    if (!isProviderType(type) || type !== providerTypeOf(DYNAMIC_PACKAGE)) {
      throw new UserError(`The provider ${urn} is not one the embedded engine can run; install Pulumi for this stack.`);
    }
    const known = run.news.get(urn) ?? run.base.find((resource) => resource.urn === urn && resource.id === id);
    if (known === undefined)
      throw new UserError(`unknown provider '${urn}': it is neither in the state nor in the program.`);
    this.warmUp();
    const process = await (this.process ?? this.start());
    await process.configure(urn, id, known.inputs ?? {});
    return process;
  }

  async stop(): Promise<void> {
    if (this.process === undefined) return;
    const process = await this.process.catch(() => undefined);
    process?.stop();
  }
}
