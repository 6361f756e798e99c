/**
 * One registration from the program to its end: find the old resource, have the inputs checked, decide what to do, do it. Registrations
 * run side by side; whatever decides about other resources happens without waiting in between.
 */
import { UserError } from "../errors";
import { type ResourceState } from "../model/resource";
import { makeUrn, STACK_TYPE } from "../model/urn";
import { expandPath, parsePath, valueAt, withValueAt } from "../model/path";
import { type Properties } from "../model/values";
import { matchAlias } from "./aliases";
import { makeRoomFor } from "./cascade";
import { decide, type Decision } from "./diff";
import { type Goal } from "./goal";
import { Halted, requireResource, type Run } from "./run";
import { createStep, sameStep, updateStep } from "./steps";

export interface Registered {
  readonly state: ResourceState;
  /** The resource was left out by --target, so nothing is known of it. */
  readonly skipped: boolean;
}

export class Registrar {
  private readonly registered = new Set<string>();

  constructor(private readonly run: Run) {}

  /** Gives a resource its URN, which nothing else may have in this run. */
  claim(type: string, name: string, parent: string | undefined): string {
    const { project, stack } = this.run.settings;
    const urn = makeUrn(stack, project, parent, type, name);
    if (this.registered.has(urn)) {
      throw new UserError(`Duplicate resource URN '${urn}'; try giving it a unique name`);
    }
    this.registered.add(urn);
    return urn;
  }

  urnOf(type: string, name: string, parent: string | undefined): string {
    return makeUrn(this.run.settings.stack, this.run.settings.project, parent, type, name);
  }

  async register(asked: Goal): Promise<Registered> {
    const { run } = this;
    run.requireGoing();
    const { project, stack } = run.settings;
    const urn = makeUrn(stack, project, asked.parent, asked.type, asked.name);
    try {
      const goal = this.inherit(asked);
      this.claim(goal.type, goal.name, goal.parent);
      return await this.perform(goal, urn);
    } catch (error) {
      if (!(error instanceof Halted)) run.fail(urn, error);
      throw new Halted();
    }
  }

  /** Settings that children take over from their parent. */
  private inherit(goal: Goal): Goal {
    if (goal.parent === undefined) return goal;
    const parent = requireResource(this.run, goal.parent, "parent");
    return {
      ...goal,
      protect: goal.protect ?? parent.protect,
      retainOnDelete: goal.retainOnDelete ?? parent.retainOnDelete,
      deletedWith: goal.deletedWith ?? parent.deletedWith,
    };
  }

  private async perform(asked: Goal, urn: string): Promise<Registered> {
    const { run } = this;
    const original = run.olds.get(urn) ?? matchAlias(run, asked, urn);
    if (original !== undefined) run.visited.add(original);
    if (!run.settings.targets.empty && !run.settings.targets.has(urn) && asked.type !== STACK_TYPE) {
      return this.leaveOut(asked, urn, original);
    }
    const goal =
      asked.custom && asked.provider === undefined
        ? { ...asked, provider: await run.providers.defaultFor(run, asked.type) }
        : asked;
    if (goal.importId !== "" && original?.id !== goal.importId) {
      throw new UserError(
        `"${goal.name}" has the option import, but a dynamic resource cannot be imported: its provider's code is part of its inputs, ` +
          "which an import does not have yet. Use the resource's own way to take over what exists.",
      );
    }
    this.refuseMissingTargets(goal);
    const state = await this.apply(goal, urn, original);
    run.news.set(urn, state);
    return { state, skipped: false };
  }

  private async apply(goal: Goal, urn: string, original: ResourceState | undefined): Promise<ResourceState> {
    const { run } = this;
    const old = original === undefined ? undefined : run.snapshot.current(original);
    if (old === undefined) return createStep(run, goal, urn, await this.check(goal, urn, {}, goal.inputs));
    if (run.deletedEarly.has(old.urn)) {
      return createStep(run, goal, urn, await this.check(goal, urn, {}, goal.inputs), { old, decision: undefined });
    }
    if (old.external === true) {
      const inputs = await this.check(goal, urn, {}, goal.inputs);
      return createStep(run, goal, urn, inputs, { old, decision: undefined });
    }
    const inputs = await this.check(goal, urn, old.inputs ?? {}, this.ignoreChanges(goal, urn, old));
    const decision = await decide(run, goal, { ...old, urn }, inputs);
    run.requireGoing();
    if (decision.kind === "same") return sameStep(run, goal, old, urn, inputs);
    if (decision.kind === "update") return updateStep(run, goal, old, urn, inputs, decision);
    return this.replace(goal, urn, old, decision);
  }

  private async replace(goal: Goal, urn: string, old: ResourceState, decision: Decision): Promise<ResourceState> {
    const { run } = this;
    run.replaced.add(urn);
    run.replaced.add(old.urn);
    if (old.protect === true && goal.protect === true) {
      const error = new UserError(
        `unable to replace resource "${urn}"\nas it is currently marked for protection. To unprotect the resource, remove the ` +
          "`protect` flag from the resource in your Pulumi program and run `pulumi up`",
      );
      if (!run.dryRun) throw error;
      run.blame(urn, error);
    }
    const inputs = await this.check(goal, urn, {}, goal.inputs);
    if (goal.deleteBeforeReplace ?? decision.deleteBeforeReplace) await makeRoomFor(run, old, this.registered);
    return createStep(run, goal, urn, inputs, { old: run.snapshot.current(old), decision });
  }

  /** Lets the provider check the inputs; components have nobody to ask. */
  private async check(goal: Goal, urn: string, olds: Properties, news: Properties): Promise<Properties> {
    if (!goal.custom || goal.type.startsWith("pulumi:")) return news;
    const { run } = this;
    const provider = await run.providers.get(run, goal.provider ?? "");
    run.requireGoing();
    const { inputs, failures } = await provider.check(urn, olds, news);
    if (failures.length === 0) return inputs;
    for (const { property, reason } of failures) {
      const place = property === "" ? "" : `. Examine values at '${goal.name}.${property}'`;
      run.fail(urn, new UserError(`${goal.type} resource '${goal.name}' has a problem: ${reason}${place}.`));
    }
    throw new Halted();
  }

  /** Puts the old inputs back where the program says that changes do not matter. */
  private ignoreChanges(goal: Goal, urn: string, old: ResourceState): Properties {
    let inputs = goal.inputs;
    const before = old.inputs ?? {};
    for (const text of goal.ignoreChanges) {
      const path = parsePath(text);
      const places = new Map(
        [...expandPath(before, path), ...expandPath(inputs, path)].map((place) => [JSON.stringify(place), place]),
      );
      for (const place of places.values()) {
        const value = valueAt(before, place);
        if (value === undefined && valueAt(inputs, place) === undefined) continue;
        const changed = withValueAt(inputs, place, value);
        if (changed === undefined)
          this.run.report(
            urn,
            "info",
            `cannot ignore changes to ${text}: the path leads through another kind of value`,
          );
        else inputs = changed as Properties;
      }
    }
    return inputs;
  }

  /** A resource that --target does not name stays as it is; a new one is not made. */
  private async leaveOut(goal: Goal, urn: string, original: ResourceState | undefined): Promise<Registered> {
    const { run } = this;
    if (original === undefined) {
      const state: ResourceState = { urn, custom: goal.custom, type: goal.type, parent: goal.parent };
      this.skipped.add(urn);
      run.news.set(urn, state);
      return { state, skipped: true };
    }
    const old = run.snapshot.current(original);
    this.keepRequirements(old);
    await run.snapshot.end(undefined, { old, now: { ...old, urn }, quiet: true });
    run.count("same", goal.type);
    run.news.set(urn, old);
    return { state: old, skipped: false };
  }

  private readonly skipped = new Set<string>();

  /** What a left out resource needs must come before it in the state, even if the program does not mention it again. */
  private keepRequirements(old: ResourceState): void {
    const { run } = this;
    const provider = old.provider?.slice(0, old.provider.lastIndexOf("::"));
    const needed = [provider, old.parent, ...(old.dependencies ?? [])].filter((urn) => urn !== undefined);
    for (const urn of needed) {
      const original = run.olds.get(urn);
      if (original === undefined || run.visited.has(original) || run.news.has(urn)) continue;
      run.visited.add(original);
      const current = run.snapshot.current(original);
      this.keepRequirements(current);
      run.snapshot.promote(original);
      run.news.set(urn, current);
    }
  }

  private refuseMissingTargets(goal: Goal): void {
    const missing = [...goal.dependencies, ...(goal.parent === undefined ? [] : [goal.parent])].find((urn) =>
      this.skipped.has(urn),
    );
    if (missing === undefined) return;
    throw new UserError(
      `Resource '${goal.name}' depends on '${missing}' which was not specified in --target list and will be created but was not specified in --target.`,
    );
  }
}
