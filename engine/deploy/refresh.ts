/** Brings the state in line with what the providers find: resources that are gone leave it, others take over what was read. */
import { messageOf } from "../errors";
import { type ResourceState } from "../model/resource";
import { isProviderType } from "../model/urn";
import { identical, markSecret } from "../model/values";
import { Halted, type Run } from "./run";

export async function refreshAll(run: Run): Promise<void> {
  const gone = new Map<string, string | undefined>();
  await Promise.all(
    run.base.map(async (resource) => {
      if (!run.settings.targets.empty && !run.settings.targets.has(resource.urn)) return;
      const skip = !resource.custom || isProviderType(resource.type) || resource.pendingReplacement === true;
      if (skip || resource.type.startsWith("pulumi:")) {
        run.count("same", resource.type);
        return;
      }
      try {
        if ((await refreshOne(run, resource)) === "gone") gone.set(resource.urn, resource.parent);
      } catch (error) {
        // One that cannot be read says nothing about the others; they go on.
        if (!(error instanceof Halted)) throw error;
      }
    }),
  );
  for (const original of run.base) {
    const resource = run.snapshot.current(original);
    const now = withoutReferences(resource, gone);
    if (now !== resource) run.snapshot.exchange(resource, now);
  }
}

async function refreshOne(run: Run, old: ResourceState): Promise<"there" | "gone"> {
  const step = { kind: "refresh" as const, urn: old.urn, type: old.type, old };
  return run.independent(step, async () => {
    const provider = await run.providers.get(run, old.provider ?? "");
    const found = await provider.read(old.urn, old.id ?? "", old.inputs ?? {}, old.outputs ?? {});
    if (found.id === "") {
      run.count("delete", old.type);
      run.reporter.stepEnded({ ...step, kind: "delete" });
      await run.snapshot.end(undefined, { old, quiet: true });
      return "gone";
    }
    for (const reason of found.initErrors) run.report(old.urn, "warning", reason);
    const read: ResourceState = {
      ...old,
      id: found.id,
      inputs: found.inputs ?? old.inputs,
      outputs: markSecret(found.outputs, old.additionalSecretOutputs ?? []),
      initErrors: found.initErrors,
    };
    // Asked the other way round: what would have to change to get from what was found to what is wanted.
    await provider.diff(read, old.inputs ?? {}, old.ignoreChanges ?? []).catch((error: unknown) => {
      run.report(old.urn, "warning", `what changed could not be told: ${messageOf(error)}`);
    });
    const changed =
      !identical(read.inputs ?? {}, old.inputs ?? {}) ||
      !identical(read.outputs ?? {}, old.outputs ?? {}) ||
      read.id !== old.id;
    const now = changed ? { ...read, modified: new Date().toISOString() } : read;
    run.count(changed ? "update" : "same", old.type);
    run.reporter.stepEnded({ ...step, kind: changed ? "update" : "same", now });
    run.snapshot.exchange(old, now);
    return "there";
  });
}

/** Takes out references to resources that are gone, and the empty lists that say nothing. */
function withoutReferences(resource: ResourceState, gone: ReadonlyMap<string, string | undefined>): ResourceState {
  let { parent } = resource;
  while (parent !== undefined && gone.has(parent)) parent = gone.get(parent);
  const keep = (urns: readonly string[] | undefined): string[] => (urns ?? []).filter((urn) => !gone.has(urn));
  const dependencies = Object.entries(resource.propertyDependencies ?? {})
    .map(([key, urns]): [string, string[]] => [key, keep(urns)])
    .filter(([, urns]) => urns.length > 0);
  const { deletedWith } = resource;
  return {
    ...resource,
    parent,
    dependencies: keep(resource.dependencies),
    propertyDependencies: Object.fromEntries(dependencies),
    replaceWith: keep(resource.replaceWith),
    deletedWith: deletedWith !== undefined && gone.has(deletedWith) ? undefined : deletedWith,
  };
}
