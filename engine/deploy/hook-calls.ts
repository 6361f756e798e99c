/** Turns the hooks of a step into calls of the program's functions. */
import { UserError } from "../errors";
import { parseUrn } from "../model/urn";
import { type Callbacks } from "../rpc/callbacks";
import { toStruct, type Protocol } from "../rpc/protocol";
import { type HookCaller } from "./hooks";

export interface Hook {
  readonly name: string;
  readonly target: string;
  readonly token: string;
  readonly onDryRun: boolean;
  readonly ignoreErrors: boolean;
}

export function hookCaller(protocol: Protocol, callbacks: Callbacks, hooks: ReadonlyMap<string, Hook>): HookCaller {
  return async (run, { kind, name, resource, old }) => {
    const hook = hooks.get(name);
    if (hook === undefined) throw new UserError(`hook "${name}" was not registered`);
    if (run.dryRun && !hook.onDryRun) return;
    const request = new protocol.resource.ResourceHookRequest();
    request.setUrn(resource.urn);
    request.setId(resource.id ?? "");
    request.setName(parseUrn(resource.urn).name);
    request.setType(resource.type);
    const deleting = kind.endsWith("Delete");
    if (!deleting && resource.inputs !== undefined) request.setNewInputs(toStruct(protocol, resource.inputs));
    if (!deleting && kind.startsWith("After") && resource.outputs !== undefined)
      request.setNewOutputs(toStruct(protocol, resource.outputs));
    if (old?.inputs !== undefined) request.setOldInputs(toStruct(protocol, old.inputs));
    if (old?.outputs !== undefined) request.setOldOutputs(toStruct(protocol, old.outputs));
    const problem = await callbacks.hook(hook, request);
    if (problem === "") return;
    const text = `${kind.startsWith("Before") ? "before" : "after"} hook "${name}" failed: ${problem}`;
    if (hook.ignoreErrors) run.report(resource.urn, "warning", text);
    else throw new UserError(text);
  };
}
