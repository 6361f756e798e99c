/** Finds the old resource of a registration by the names it may have had before. */
import { UserError } from "../errors";
import { type ResourceState } from "../model/resource";
import { makeUrn, parseUrn, STACK_TYPE } from "../model/urn";
import { type AliasSpec, type Goal } from "./goal";
import { type Run } from "./run";

/** All URNs that a registration's aliases stand for, in the order in which they are tried. */
export function aliasUrns(run: Run, goal: Goal): string[] {
  const { stack, project } = run.settings;
  const parentBefore = goal.parent === undefined ? undefined : oldNameOf(run, goal.parent);
  const urns = goal.aliases.map((alias) => urnOf(alias, goal, parentBefore ?? goal.parent, stack, project));
  if (goal.parent !== undefined && parentBefore !== undefined) {
    // A renamed parent renames its children, and often they carry its name in front of their own.
    const parent = parseUrn(goal.parent).name;
    const name = goal.name.startsWith(parent)
      ? parseUrn(parentBefore).name + goal.name.slice(parent.length)
      : goal.name;
    urns.push(makeUrn(stack, project, parentBefore, goal.type, name));
    for (const alias of goal.aliases)
      urns.push(urnOf(alias, { ...goal, name: alias.name ?? name }, parentBefore, stack, project));
  }
  return urns;
}

function urnOf(alias: AliasSpec, goal: Goal, parent: string | undefined, stack: string, project: string): string {
  if (alias.urn !== undefined && alias.urn !== "") return alias.urn;
  const above = alias.noParent === true ? undefined : (alias.parentUrn ?? parent);
  const rooted = above !== undefined && parseUrn(above).type === STACK_TYPE ? undefined : above;
  return makeUrn(
    alias.stack ?? stack,
    alias.project ?? project,
    rooted,
    alias.type ?? goal.type,
    alias.name ?? goal.name,
  );
}

function oldNameOf(run: Run, urn: string): string | undefined {
  for (const [before, now] of run.snapshot.renamed) if (now === urn) return before;
  return undefined;
}

export function matchAlias(run: Run, goal: Goal, urn: string): ResourceState | undefined {
  for (const alias of aliasUrns(run, goal)) {
    const old = run.olds.get(alias);
    if (old === undefined || alias === urn) continue;
    if (run.visited.has(old)) {
      throw new UserError(
        `Two resources claim '${alias}': '${urn}' by an alias, and one that was registered before it.`,
      );
    }
    run.snapshot.renamed.set(alias, urn);
    return old;
  }
  return undefined;
}
