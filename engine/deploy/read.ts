/** `get` and stack references: resources that the program reads but does not own. */
import { UserError } from "../errors";
import { type ResourceState } from "../model/resource";
import { isUnknown, markSecret, secretNames, UNKNOWN, type Properties } from "../model/values";
import { STACK_TYPE } from "../model/urn";
import { type Registrar } from "./register";
import { Halted, type Run } from "./run";

export const STACK_REFERENCE = "pulumi:pulumi:StackReference";

export interface ReadGoal {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly properties: Properties;
  readonly dependencies: readonly string[];
  readonly provider: string | undefined;
  readonly additionalSecretOutputs: readonly string[];
}

/** Loads the resources of another stack by its name. */
export type StackLoader = (name: string) => readonly ResourceState[];

export async function readResource(
  run: Run,
  registrar: Registrar,
  loadStack: StackLoader,
  goal: ReadGoal,
): Promise<ResourceState> {
  run.requireGoing();
  const urn = registrar.claim(goal.type, goal.name, goal.parent);
  try {
    const provider = goal.provider ?? (await run.providers.defaultFor(run, goal.type));
    const original = run.olds.get(urn);
    if (original !== undefined) run.visited.add(original);
    const state = await perform(run, { ...goal, provider }, urn, loadStack);
    run.news.set(urn, state);
    return state;
  } catch (error) {
    if (!(error instanceof Halted)) run.fail(urn, error);
    throw new Halted();
  }
}

async function perform(run: Run, goal: ReadGoal, urn: string, loadStack: StackLoader): Promise<ResourceState> {
  const old = run.old(urn);
  const wanted: ResourceState = {
    urn,
    custom: true,
    id: goal.id,
    type: goal.type,
    inputs: goal.properties,
    parent: goal.parent,
    external: true,
    dependencies: goal.dependencies,
    provider: goal.provider,
    additionalSecretOutputs: goal.additionalSecretOutputs,
  };
  // Not known in a preview: whoever uses it gets unknown values too.
  if (isUnknown(goal.id)) return { ...wanted, outputs: {} };
  const takesOver = old !== undefined && old.external !== true && old.id !== goal.id;
  const kind = takesOver ? "read-replacement" : "read";
  return run.step({ kind, urn, type: goal.type, old, now: wanted }, "read", async () => {
    const operation = run.dryRun ? undefined : await run.snapshot.begin("reading", wanted);
    const found = await read(run, goal, urn, loadStack).catch(async (error: unknown) => {
      await run.snapshot.end(operation, { quiet: run.dryRun });
      throw error;
    });
    const now = { ...wanted, id: found.id, outputs: markSecret(found.outputs, goal.additionalSecretOutputs) };
    if (takesOver) run.snapshot.exchange(old, { ...old, delete: true });
    await run.snapshot.end(operation, { now, old: takesOver ? undefined : old, quiet: run.dryRun });
    return now;
  });
}

async function read(
  run: Run,
  goal: ReadGoal,
  urn: string,
  loadStack: StackLoader,
): Promise<{ id: string; outputs: Properties }> {
  if (goal.type === STACK_REFERENCE) return { id: goal.id, outputs: stackOutputs(goal, loadStack) };
  const provider = await run.providers.get(run, goal.provider ?? "");
  const found = await provider.read(urn, goal.id, goal.properties, goal.properties);
  if (found.id === "") throw new UserError(`resource '${goal.id}' does not exist`);
  return found;
}

function stackOutputs(goal: ReadGoal, loadStack: StackLoader): Properties {
  const { name } = goal.properties;
  if (typeof name !== "string")
    throw new UserError(`A stack reference needs the name of a stack, but "name" is ${JSON.stringify(name)}.`);
  const root = loadStack(name).find((resource) => resource.type === STACK_TYPE);
  const outputs = root?.outputs ?? {};
  return { name, outputs, secretOutputNames: secretNames(outputs).sort() };
}

/** The answer to `pulumi:pulumi:getResource`, with which a program follows a resource reference. */
export function resourceByUrn(run: Run, urn: string): Properties {
  const found = run.news.get(urn) ?? run.old(urn);
  if (found === undefined) throw new UserError(`unknown resource ${urn}`);
  return {
    urn,
    id: found.id === "" ? UNKNOWN : (found.id ?? ""),
    provider: found.provider ?? "",
    state: found.outputs ?? {},
  };
}
