/** state: edits of the state by hand. */
import { UsageError, UserError } from "../errors";
import { requirementsOf, type ResourceState } from "../model/resource";
import { stackOf, type Command } from "./context";
import { STACK_FLAG, YES_FLAG } from "./flags";

export const unprotect: Command = {
  usage: "state unprotect [urn]",
  about: "Take the protection off resources",
  flags: { ...STACK_FLAG, ...YES_FLAG, all: { kind: "boolean", about: "Off all of them" } },
  arguments: [0, 1000],
  run(context) {
    const urns = context.args.positional;
    const all = context.args.flag("all");
    if (!all && urns.length === 0) throw new UsageError("either a URN or --all must be given");
    const stack = stackOf(context);
    stack.edit((deployment) => {
      const known = new Set(deployment.resources.map((resource) => resource.urn));
      const missing = urns.find((urn) => !known.has(urn));
      if (missing !== undefined) throw new UserError(`No such resource "${missing}" exists in the current state`);
      const change = (resource: ResourceState): ResourceState =>
        all || urns.includes(resource.urn) ? { ...resource, protect: false } : resource;
      return { ...deployment, resources: deployment.resources.map(change) };
    });
    context.out(all ? "All resources successfully unprotected\n" : "Resource successfully unprotected\n");
  },
};

export const remove: Command = {
  usage: "state delete <urn>",
  about: "Forget a resource without deleting it",
  flags: {
    ...STACK_FLAG,
    ...YES_FLAG,
    force: { kind: "boolean", about: "Even if it is protected" },
    "target-dependents": { kind: "boolean", about: "What depends on it, too" },
    all: { kind: "boolean", about: "All resources" },
  },
  arguments: [0, 1],
  run(context) {
    const { args } = context;
    const [urn] = args.positional;
    if (urn === undefined && !args.flag("all")) throw new UsageError("either a URN or --all must be given");
    stackOf(context).edit((deployment) => {
      const doomed = new Set<string>();
      for (const resource of deployment.resources) {
        const needed = requirementsOf(resource).find((required) => doomed.has(required));
        const chosen = args.flag("all") || resource.urn === urn;
        if (!chosen && needed === undefined) continue;
        if (!chosen && !args.flag("target-dependents")) {
          throw new UserError(
            `"${resource.urn}" depends on "${needed ?? ""}"; delete it first, or pass --target-dependents to forget both`,
          );
        }
        if (resource.protect === true && !args.flag("force")) {
          throw new UserError(`"${resource.urn}" is protected; unprotect it first, or pass --force`);
        }
        doomed.add(resource.urn);
      }
      if (doomed.size === 0 && urn !== undefined)
        throw new UserError(`No such resource "${urn}" exists in the current state`);
      return { ...deployment, resources: deployment.resources.filter((resource) => !doomed.has(resource.urn)) };
    });
    context.out("Resource deleted\n");
  },
};
