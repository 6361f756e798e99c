/**
 * A resource that is deleted before its replacement is made takes with it whatever cannot live without it. Found from the old state,
 * since the program has not got to the dependents yet.
 */
import { UserError } from "../errors";
import { type ResourceState } from "../model/resource";
import { isProviderType } from "../model/urn";
import { UNKNOWN, type Properties } from "../model/values";
import { type Run } from "./run";
import { deleteStep } from "./steps";

/** Which properties of a resource come from resources in the set. */
function affectedProperties(resource: ResourceState, set: ReadonlySet<string>): string[] {
  return Object.entries(resource.propertyDependencies ?? {}).flatMap(([key, urns]) =>
    urns.some((urn) => set.has(urn)) ? [key] : [],
  );
}

async function mustGo(run: Run, resource: ResourceState, set: ReadonlySet<string>): Promise<boolean> {
  if (resource.deletedWith !== undefined && set.has(resource.deletedWith)) return true;
  if (resource.replaceWith?.some((urn) => set.has(urn)) === true) return true;
  const provider = resource.provider?.slice(0, resource.provider.lastIndexOf("::"));
  if (provider !== undefined && set.has(provider)) return true;
  if (!resource.custom || resource.external === true || isProviderType(resource.type)) return false;
  const affected = affectedProperties(resource, set);
  if (affected.length === 0 || resource.provider === undefined) return false;
  const inputs: Properties = { ...resource.inputs };
  for (const key of affected) if (key in inputs) inputs[key] = UNKNOWN;
  const client = await run.providers.get(run, resource.provider);
  const answer = await client.diff(resource, inputs, []);
  return answer.replaces.length > 0;
}

/** The resources to delete before `root`, in the order in which they were made. */
async function dependentsOf(run: Run, root: ResourceState, registered: ReadonlySet<string>): Promise<ResourceState[]> {
  const set = new Set([root.urn]);
  const found: ResourceState[] = [];
  for (const candidate of run.base) {
    const resource = run.snapshot.current(candidate);
    if (resource.delete === true || set.has(resource.urn) || registered.has(resource.urn)) continue;
    if (await mustGo(run, resource, set)) {
      set.add(resource.urn);
      found.push(resource);
    }
  }
  return found;
}

/** Deletes a resource and all that must go with it, to make room for the replacement. */
export async function makeRoomFor(run: Run, old: ResourceState, registered: ReadonlySet<string>): Promise<void> {
  const dependents = await dependentsOf(run, old, registered);
  const guarded = dependents.find((resource) => resource.protect === true);
  if (guarded !== undefined) {
    throw new UserError(
      `unable to replace resource "${old.urn}" as part of replacing it: "${guarded.urn}" depends on it, would be deleted, and is protected.`,
    );
  }
  const gone = new Set([old.urn, ...dependents.map((resource) => resource.urn)]);
  for (const resource of dependents.reverse()) {
    run.deletedEarly.add(resource.urn);
    run.replaced.add(resource.urn);
    const along = resource.deletedWith !== undefined && gone.has(resource.deletedWith);
    await deleteStep(run, resource, { makeRoom: true, replaced: true, gone: along });
  }
  if (old.pendingReplacement !== true) await deleteStep(run, old, { makeRoom: true, replaced: true, gone: false });
}
