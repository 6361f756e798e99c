/**
 * Deletes what the program does not want any more. A resource goes once all that needs it are gone; one that cannot go keeps alive
 * what it needs itself.
 */
import { UserError } from "../errors";
import { requirementsOf, type ResourceState } from "../model/resource";
import { isProviderType, STACK_TYPE } from "../model/urn";
import { Halted, type Run } from "./run";
import { deleteStep } from "./steps";

type Outcome = "deleted" | "kept";

function protectionError(resource: ResourceState): UserError {
  return new UserError(
    `resource "${resource.urn}" cannot be deleted\nbecause it is protected. To unprotect the resource, either remove the \`protect\` flag ` +
      `from the resource in your Pulumi program and run \`pulumi up\`, or use the command:\n\`pulumi state unprotect '${resource.urn}'\``,
  );
}

/** For each resource in the list, those of the list that must be deleted before it. */
function dependentsIn(resources: readonly ResourceState[]): Map<ResourceState, ResourceState[]> {
  const byUrn = new Map<string, ResourceState[]>();
  for (const resource of resources) byUrn.set(resource.urn, [...(byUrn.get(resource.urn) ?? []), resource]);
  const children = new Map<string, ResourceState[]>();
  for (const resource of resources) {
    if (resource.parent !== undefined)
      children.set(resource.parent, [...(children.get(resource.parent) ?? []), resource]);
  }
  const dependents = new Map<ResourceState, ResourceState[]>(resources.map((resource) => [resource, []]));
  const descendants = (urn: string): ResourceState[] =>
    (children.get(urn) ?? []).flatMap((child) => [child, ...descendants(child.urn)]);
  for (const resource of resources) {
    for (const urn of requirementsOf(resource)) {
      for (const needed of byUrn.get(urn) ?? []) {
        if (needed === resource) continue;
        dependents.get(needed)?.push(resource);
        // Whoever depends on a component depends on all that is in it, unless it is in there itself.
        if (needed.custom || needed.type === STACK_TYPE || resource.parent === urn) continue;
        for (const inner of descendants(urn)) if (inner !== resource) dependents.get(inner)?.push(resource);
      }
    }
  }
  return dependents;
}

/** Deletes the given resources, which are states of the snapshot, in the right order and as much in parallel as that allows. */
export async function deleteAll(run: Run, doomed: readonly ResourceState[]): Promise<void> {
  const dependents = dependentsIn(doomed);
  const urns = new Set(doomed.filter((resource) => resource.delete !== true).map((resource) => resource.urn));
  const outcomes = new Map<ResourceState, Promise<Outcome>>();

  const outcomeOf = (resource: ResourceState, above: ReadonlySet<ResourceState>): Promise<Outcome> => {
    const known = outcomes.get(resource);
    if (known !== undefined) return known;
    const path = new Set([...above, resource]);
    const before = (dependents.get(resource) ?? []).filter((other) => !path.has(other));
    const outcome = Promise.all(before.map((other) => outcomeOf(other, path))).then(
      async (results): Promise<Outcome> => {
        if (results.includes("kept")) return "kept";
        return (await remove(run, resource, urns)) ? "deleted" : "kept";
      },
    );
    outcomes.set(resource, outcome);
    return outcome;
  };
  // Later ones first: that is the order in which a single slot serves them.
  await Promise.all([...doomed].reverse().map((resource) => outcomeOf(resource, new Set())));
}

async function remove(run: Run, resource: ResourceState, urns: ReadonlySet<string>): Promise<boolean> {
  if (resource.protect === true && resource.delete !== true) {
    run.blame(resource.urn, protectionError(resource));
    return false;
  }
  const gone = resource.deletedWith !== undefined && urns.has(resource.deletedWith);
  try {
    await deleteStep(run, resource, { makeRoom: false, replaced: resource.delete === true, gone });
    return true;
  } catch (error) {
    if (error instanceof Halted) return false;
    throw error;
  }
}

/** What is left over once the program has registered all it wants. */
export async function deleteUnwanted(run: Run): Promise<void> {
  const left = run.base.filter(
    (original) => !run.visited.has(original) || run.snapshot.current(original).delete === true,
  );
  const doomed: ResourceState[] = [];
  for (const original of left) {
    const resource = run.snapshot.current(original);
    const outside = !run.settings.targets.empty && !run.settings.targets.has(resource.urn);
    if (outside || (isProviderType(resource.type) && stillUsed(run, resource))) continue;
    if (resource.pendingReplacement === true && resource.delete !== true) {
      // Deleted already, to make room for something the program no longer wants.
      await run.snapshot.end(undefined, { old: resource, quiet: true });
    } else {
      doomed.push(resource);
    }
  }
  await deleteAll(run, doomed);
}

/** A provider stays as long as a resource that stays names it. */
function stillUsed(run: Run, provider: ResourceState): boolean {
  if (run.settings.targets.empty) return false;
  const reference = `${provider.urn}::${provider.id ?? ""}`;
  return run.snapshot.resources().some((resource) => resource.provider === reference);
}
