/** The steps that change a resource: each asks the provider, and has the state saved before and after. */
import { UserError } from "../errors";
import { type ResourceState } from "../model/resource";
import { identical, markSecret, type Properties } from "../model/values";
import { type Step } from "../display/reporter";
import { secretOutputs, stateOf, type Goal } from "./goal";
import { callHooks } from "./hooks";
import { type Decision } from "./diff";
import { type Run } from "./run";

function timestamp(): string {
  return new Date().toISOString();
}

function sameSet(left: readonly string[] | undefined, right: readonly string[] | undefined): boolean {
  const a = new Set(left);
  const b = new Set(right);
  return a.size === b.size && [...a].every((item) => b.has(item));
}

/** Whether the state file would say something else, apart from what nobody decides by. */
function differs(old: ResourceState, now: ResourceState): boolean {
  const plain: (keyof ResourceState)[] = [
    "urn",
    "type",
    "parent",
    "provider",
    "protect",
    "retainOnDelete",
    "deletedWith",
    "id",
  ];
  const keys = new Set([
    ...Object.keys(old.propertyDependencies ?? {}),
    ...Object.keys(now.propertyDependencies ?? {}),
  ]);
  return !(
    plain.every((field) => (old[field] ?? false) === (now[field] ?? false)) &&
    identical(old.inputs ?? {}, now.inputs ?? {}) &&
    identical(old.outputs ?? {}, now.outputs ?? {}) &&
    sameSet(old.dependencies, now.dependencies) &&
    sameSet(old.replaceWith, now.replaceWith) &&
    [...keys].every((key) => sameSet(old.propertyDependencies?.[key], now.propertyDependencies?.[key])) &&
    JSON.stringify(old.customTimeouts ?? {}) === JSON.stringify(now.customTimeouts ?? {}) &&
    JSON.stringify(old.resourceHooks ?? {}) === JSON.stringify(now.resourceHooks ?? {})
  );
}

function halfDone(reasons: readonly string[]): UserError {
  const lines = reasons.map((reason) => `\t* ${reason}`);
  return new UserError(`${reasons.length} error${reasons.length === 1 ? "" : "s"} occurred:\n${lines.join("\n")}`);
}

export async function sameStep(
  run: Run,
  goal: Goal,
  old: ResourceState,
  urn: string,
  inputs: Properties,
): Promise<ResourceState> {
  const now: ResourceState = {
    ...stateOf(goal, urn, inputs),
    id: old.id,
    outputs: goal.custom ? secretOutputs(old.outputs ?? {}, goal, {}) : old.outputs,
    importID: old.importID,
    initErrors: old.initErrors,
    taint: old.taint,
    created: old.created,
    modified: old.modified,
  };
  const step: Step = { kind: "same", urn, type: goal.type, old, now };
  run.requireGoing();
  run.reporter.stepStarted(step);
  run.count("same", goal.type);
  await run.snapshot.end(undefined, { old, now, quiet: !differs(old, now) });
  run.reporter.stepEnded(step);
  return now;
}

/** Makes a resource, or the replacement of `replaces`. */
export async function createStep(
  run: Run,
  goal: Goal,
  urn: string,
  inputs: Properties,
  replaces?: { old: ResourceState; decision: Decision | undefined },
): Promise<ResourceState> {
  const wanted = stateOf(goal, urn, inputs);
  const old = replaces?.old;
  const kind = old === undefined ? "create" : "create-replacement";
  const { changedKeys, replaceKeys } = replaces?.decision ?? {};
  const step: Step = { kind, urn, type: goal.type, old, now: wanted, changedKeys, replaceKeys };
  return run.step(step, old === undefined ? "create" : "replace", async () => {
    if (run.dryRun) {
      const now: ResourceState = goal.custom ? { ...wanted, id: "", outputs: inputs } : wanted;
      if (old !== undefined)
        run.snapshot.exchange(old, { ...old, ...(old.pendingReplacement === true ? {} : { delete: true }) });
      await callHooks(run, "BeforeCreate", now, undefined);
      await callHooks(run, "AfterCreate", now, undefined);
      return now;
    }
    const provider = goal.custom ? await run.providers.get(run, goal.provider ?? "") : undefined;
    await callHooks(run, "BeforeCreate", wanted, undefined);
    const operation = await run.snapshot.begin("creating", wanted);
    const made = await provider?.create(urn, inputs, goal.customTimeouts.create ?? 0).catch(async (error: unknown) => {
      await run.snapshot.end(operation, {});
      throw error;
    });
    const time = timestamp();
    const now: ResourceState = {
      ...wanted,
      id: made?.id,
      outputs: made === undefined ? undefined : secretOutputs(made.outputs, goal, inputs),
      initErrors: made?.initErrors,
      created: time,
      modified: time,
    };
    const vacated = old?.pendingReplacement === true ? old : undefined;
    if (old !== undefined && vacated === undefined) run.snapshot.exchange(old, { ...old, delete: true });
    await run.snapshot.end(operation, { now, old: vacated });
    if (made !== undefined && made.initErrors.length > 0) {
      run.news.set(urn, now);
      throw halfDone(made.initErrors);
    }
    if (goal.custom) await callHooks(run, "AfterCreate", now, undefined);
    return now;
  });
}

export async function updateStep(
  run: Run,
  goal: Goal,
  old: ResourceState,
  urn: string,
  inputs: Properties,
  decision: Decision,
): Promise<ResourceState> {
  const wanted: ResourceState = {
    ...stateOf(goal, urn, inputs),
    id: old.id,
    importID: old.importID,
    created: old.created,
    modified: old.modified,
  };
  const step: Step = { kind: "update", urn, type: goal.type, old, now: wanted, changedKeys: decision.changedKeys };
  return run.step(step, "update", async () => {
    if (run.dryRun) {
      const planned = { ...wanted, outputs: goal.custom ? inputs : old.outputs };
      await callHooks(run, "BeforeUpdate", planned, old);
      await callHooks(run, "AfterUpdate", planned, old);
      return planned;
    }
    const provider = goal.custom ? await run.providers.get(run, goal.provider ?? "") : undefined;
    await callHooks(run, "BeforeUpdate", wanted, old);
    const operation = await run.snapshot.begin("updating", { ...wanted, outputs: old.outputs });
    // The provider knows the resource by the name that it was made under.
    const made = await provider
      ?.update({ ...old, urn }, inputs, goal.ignoreChanges, goal.customTimeouts.update ?? 0)
      .catch(async (error: unknown) => {
        await run.snapshot.end(operation, {});
        throw error;
      });
    const failed = made !== undefined && made.initErrors.length > 0;
    const now: ResourceState = {
      ...wanted,
      // The old inputs stay when an update got half way, so that the next run sees the difference again.
      inputs: failed ? old.inputs : inputs,
      outputs: made === undefined ? old.outputs : secretOutputs(made.outputs, goal, inputs),
      initErrors: made?.initErrors,
      modified: goal.custom ? timestamp() : old.modified,
    };
    await run.snapshot.end(operation, { old, now });
    if (failed) {
      run.news.set(urn, now);
      throw halfDone(made.initErrors);
    }
    if (goal.custom) await callHooks(run, "AfterUpdate", now, old);
    return now;
  });
}

/** Whether a delete is only a matter of the state. */
export function isStateOnly(resource: ResourceState): boolean {
  return (
    !resource.custom ||
    resource.external === true ||
    resource.retainOnDelete === true ||
    resource.type.startsWith("pulumi:")
  );
}

/**
 * Deletes a resource. With `makeRoom` it stays in the state, marked, until its replacement is there; `gone` says that the resource it
 * lives in was deleted too and took it along.
 */
export async function deleteStep(
  run: Run,
  old: ResourceState,
  settings: { makeRoom: boolean; replaced: boolean; gone: boolean },
): Promise<void> {
  const kind = settings.replaced ? "delete-replaced" : old.external === true ? "discard" : "delete";
  const countAs = settings.replaced ? undefined : "delete";
  await run.step({ kind, urn: old.urn, type: old.type, old }, countAs, async () => {
    if (run.dryRun) {
      if (settings.makeRoom) run.snapshot.exchange(old, { ...old, pendingReplacement: true });
      return;
    }
    await callHooks(run, "BeforeDelete", old, old);
    const operation = await run.snapshot.begin("deleting", old);
    if (!isStateOnly(old) && !settings.gone) {
      try {
        const provider = await run.providers.get(run, old.provider ?? "");
        await provider.delete(old, old.customTimeouts?.delete ?? 0);
      } catch (error) {
        await run.snapshot.end(operation, {});
        throw error;
      }
    }
    if (settings.makeRoom) {
      run.snapshot.exchange(old, { ...old, pendingReplacement: true });
      await run.snapshot.end(operation, {});
    } else {
      await run.snapshot.end(operation, { old });
    }
    await callHooks(run, "AfterDelete", old, old);
  });
}

/** Stores the outputs of a component. */
export async function outputsStep(run: Run, state: ResourceState, outputs: Properties): Promise<ResourceState> {
  const marked = markSecret(outputs, state.additionalSecretOutputs ?? []);
  if (identical(state.outputs ?? {}, marked)) return state;
  const now = { ...state, outputs: marked };
  run.snapshot.exchange(state, now);
  run.news.set(state.urn, now);
  if (!run.dryRun) await run.snapshot.write();
  return now;
}
