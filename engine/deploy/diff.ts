/** Whether a resource changes, and whether the change needs a replacement. */
import { type ResourceState } from "../model/resource";
import { covers, parsePath, type Path } from "../model/path";
import { isObject, isUnknown, reveal, sameValue, SIGNATURE, type Properties, type Value } from "../model/values";
import { type Goal } from "./goal";
import { type Run } from "./run";

export type ChangeKind = "add" | "delete" | "update";

export interface Change {
  readonly path: Path;
  readonly kind: ChangeKind;
}

export interface Decision {
  readonly kind: "same" | "update" | "replace";
  readonly changedKeys: readonly string[];
  readonly replaceKeys: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

/** Where two values differ, down to the deepest place that explains it. */
export function changesBetween(old: Value | undefined, now: Value | undefined, path: Path = []): Change[] {
  if (sameValue(old, now)) return [];
  if (old === undefined) return [{ path, kind: "add" }];
  if (now === undefined) return [{ path, kind: "delete" }];
  const a = reveal(old);
  const b = reveal(now);
  if (Array.isArray(a) && Array.isArray(b)) {
    const length = Math.max(a.length, b.length);
    return Array.from({ length }).flatMap((_, index) => changesBetween(a[index], b[index], [...path, index]));
  }
  if (isObject(a) && isObject(b) && !(SIGNATURE in a) && !(SIGNATURE in b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
      changesBetween(a[key], b[key], [...path, key]),
    );
  }
  return [{ path, kind: "update" }];
}

function topLevel(changes: readonly Change[]): string[] {
  return [...new Set(changes.map((change) => String(change.path[0])))];
}

/** The inputs that make a replacement because the program says so. */
function forcedReplacements(goal: Goal, changes: readonly Change[]): string[] {
  const patterns = goal.replaceOnChanges.map(parsePath);
  return topLevel(
    changes.filter((change) =>
      patterns.some((pattern) => covers(pattern, change.path) || covers(change.path, pattern)),
    ),
  );
}

function triggered(old: ResourceState, goal: Goal): boolean {
  const before = old.replacementTrigger ?? null;
  const now = goal.replacementTrigger ?? null;
  return before !== null && now !== null && !isUnknown(now) && !sameValue(before, now);
}

/** Replacements that no diff has a say in. */
function mustReplace(run: Run, old: ResourceState, goal: Goal): string | undefined {
  if (run.settings.replace.has(old.urn)) return "id";
  if (goal.replaceWith.some((urn) => run.replaced.has(urn))) return "id";
  if (goal.deletedWith !== undefined && run.replaced.has(goal.deletedWith)) return "id";
  if (old.custom !== goal.custom) return "id";
  return triggered(old, goal) ? "replacementTrigger" : undefined;
}

export async function decide(run: Run, goal: Goal, old: ResourceState, inputs: Properties): Promise<Decision> {
  const changes = changesBetween(old.inputs ?? {}, inputs);
  const changedKeys = topLevel(changes);
  const forced = mustReplace(run, old, goal);
  if (forced !== undefined) return { kind: "replace", changedKeys, replaceKeys: [forced], deleteBeforeReplace: false };
  if (!goal.custom) {
    return { kind: changes.length > 0 ? "update" : "same", changedKeys, replaceKeys: [], deleteBeforeReplace: false };
  }
  const provider = await run.providers.get(run, goal.provider ?? "");
  const answer = await provider.diff(old, inputs, goal.ignoreChanges);
  const unknown = answer.changes === "unknown";
  // A provider that gives a plain yes or no has not said which inputs changed, so there is nothing to match paths with.
  const replaceKeys = [...new Set([...answer.replaces, ...(unknown ? forcedReplacements(goal, changes) : [])])];
  const { deleteBeforeReplace } = answer;
  if (replaceKeys.length > 0 || old.pendingReplacement === true)
    return { kind: "replace", changedKeys, replaceKeys, deleteBeforeReplace };
  const changed = unknown ? changes.length > 0 : answer.changes === "some";
  const retry = (old.initErrors?.length ?? 0) > 0;
  return { kind: changed || retry ? "update" : "same", changedKeys, replaceKeys, deleteBeforeReplace };
}
