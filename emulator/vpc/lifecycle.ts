/**
 * What time brings to servers: provisioning, starting, stopping, deletion. Nothing runs on timers; whatever is due is
 * applied before the next call, so that a virtual clock and a reloaded state work the same way.
 */
import { removeLinksTo } from "../iam/links";
import { drop, find } from "../table";
import type { World } from "../world";
import { releaseNics } from "./interfaces";
import type { Reason, Server, Transition } from "./store";
import { releaseVolumes } from "./volumes";

type ServerTable = "instances" | "bareMetalServers";

export const tableOf = (server: Server): ServerTable => (server.kind === "instance" ? "instances" : "bareMetalServers");

/** Plans the coming states of an object, in seconds from now; replaces what was planned when asked. */
export function plan(
  world: World,
  table: Transition["table"],
  id: string,
  steps: readonly (readonly [seconds: number, to: string])[],
  replace = false,
): void {
  const { transitions } = world.state.vpc;
  const kept = replace ? transitions.filter((item) => item.table !== table || item.id !== id) : transitions;
  const now = world.clock.now();
  const added = steps.map(([seconds, to]) => ({ at: now + seconds * 1000, table, id, to }));
  world.state.vpc.transitions = [...kept, ...added].sort((a, b) => a.at - b.at);
}

/** True while something is still to come for the object. */
export const isBusy = (world: World, id: string): boolean =>
  world.state.vpc.transitions.some((transition) => transition.id === id);

/** Applies everything that is due; true when something changed. */
export function settleVpc(world: World): boolean {
  const now = world.clock.now();
  const state = world.state.vpc;
  let changed = false;
  while (state.transitions[0] !== undefined && state.transitions[0].at <= now) {
    const [transition, ...rest] = state.transitions;
    state.transitions = rest;
    apply(world, transition);
    changed = true;
  }
  return changed;
}

function apply(world: World, { table, id, to }: Transition): void {
  const state = world.state.vpc;
  if (table === "instanceGroups") {
    const group = find(state.instanceGroups, id);
    if (group === undefined) return;
    if (to === "gone") drop(state.instanceGroups, id);
    else group.status = to;
    return;
  }
  const server = find(state[table], id);
  if (server === undefined) return;
  if (to === "gone") {
    removeServer(world, server);
    return;
  }
  // A start, but no reboot, brings a changed switch into effect.
  if (server.status === "starting" || server.status === "pending") server.active_metadata = server.metadata_service;
  server.status = to;
  if (to === "failed") {
    server.lifecycle_state = "failed";
    server.lifecycle_reasons = [{ code: "internal_error", message: "The server could not be provisioned." }];
    if (server.status_reasons.length === 0) server.status_reasons = [notStarted("cannot_start_compute")];
  } else if (to === "running" || to === "stopped") {
    server.lifecycle_state = "stable";
  }
}

const notStarted = (code: string): Reason => ({ code, message: "The server could not be started." });

/** A provisioning that never ends, or that fails; that of a group is that of its members. */
export function disturb(world: World, id: string, how: "stuck" | "failed", reasonCode?: string): void {
  const group = find(world.state.vpc.instanceGroups, id);
  if (group !== undefined) {
    for (const { instance } of group.memberships) disturb(world, instance, how, reasonCode);
    plan(world, "instanceGroups", id, how === "failed" ? [[world.settings.provisionSeconds, "unhealthy"]] : [], true);
  }
  for (const table of ["instances", "bareMetalServers"] as const) {
    const server = find(world.state.vpc[table], id);
    if (server === undefined) continue;
    if (how === "failed") server.status_reasons = [notStarted(reasonCode ?? "cannot_start_compute")];
    plan(world, table, id, how === "failed" ? [[world.settings.provisionSeconds, "failed"]] : [], true);
  }
}

/** A server takes its links, addresses and volumes with it. */
export function removeServer(world: World, server: Server): void {
  const state = world.state.vpc;
  removeLinksTo(world, server.crn);
  releaseNics(world, server);
  releaseVolumes(world, server);
  for (const group of Object.values(state.instanceGroups)) {
    const before = group.memberships.length;
    group.memberships = group.memberships.filter((membership) => membership.instance !== server.id);
    // A group does not make a new member of its own accord here; it says that one is missing.
    if (group.memberships.length !== before && group.status === "healthy") group.status = "unhealthy";
  }
  drop(state[tableOf(server)], server.id);
  state.transitions = state.transitions.filter((transition) => transition.id !== server.id);
}
