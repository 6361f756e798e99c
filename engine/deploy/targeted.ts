/** Which resources a destroy with `--target` takes, and the refusal when others would lose what they depend on. */
import { UserError } from "../errors";
import { requirementsOf, type ResourceState } from "../model/resource";
import { isProviderType, STACK_TYPE } from "../model/urn";
import { type Run } from "./run";

export function targetedDeletes(run: Run, dependentsToo: boolean): ResourceState[] {
  const chosen = new Set(run.base.filter((resource) => run.settings.targets.has(resource.urn)));
  if (chosen.size === 0) throw new UserError("None of the resources named by --target is in the stack.");
  const urns = new Set([...chosen].map((resource) => resource.urn));
  // In state order everything comes after what it needs, so one pass finds all dependents.
  for (const resource of run.base) {
    if (chosen.has(resource)) continue;
    const needed = requirementsOf(resource).find((urn) => urns.has(urn));
    if (needed === undefined) continue;
    if (!dependentsToo) {
      throw new UserError(
        `Resource '${resource.urn}' depends on '${needed}' and will be destroyed but was not specified in --target list. ` +
          "Either include it there or pass --target-dependents.",
      );
    }
    chosen.add(resource);
    urns.add(resource.urn);
  }
  return [...chosen].filter((resource) => resource.type !== STACK_TYPE && !isProviderType(resource.type));
}
