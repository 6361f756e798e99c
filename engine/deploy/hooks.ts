/** Hooks of the program around the steps of its resources. They run in the program's process, so only while it is there. */
import { type ResourceState } from "../model/resource";
import { type Run } from "./run";

export type HookKind = "BeforeCreate" | "AfterCreate" | "BeforeUpdate" | "AfterUpdate" | "BeforeDelete" | "AfterDelete";

export interface HookCall {
  readonly kind: HookKind;
  readonly name: string;
  readonly resource: ResourceState;
  readonly old: ResourceState | undefined;
}

/** Calls a hook of the program by its name. */
export type HookCaller = (run: Run, call: HookCall) => Promise<void>;

const callers = new WeakMap<Run, HookCaller>();

export function setHookCaller(run: Run, caller: HookCaller): void {
  callers.set(run, caller);
}

export async function callHooks(
  run: Run,
  kind: HookKind,
  resource: ResourceState,
  old: ResourceState | undefined,
): Promise<void> {
  const names = resource.resourceHooks?.[kind] ?? [];
  const caller = callers.get(run);
  for (const name of names) {
    if (caller === undefined) throw new Error(`hook "${name}" was not registered`);
    await caller(run, { kind, name, resource, old });
  }
}
