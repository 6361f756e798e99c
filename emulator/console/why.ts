/** May this server do that, and what decides it? Asked of the very functions that decide for a real call. */
import type { Caller } from "../call";
import { admissions } from "../iam/linked";
import type { Profile } from "../iam/store";
import { computeResource } from "../on-instance/identity";
import { objectsOf, resourceAttributes, type Named } from "../policy/attributes";
import { opinions } from "../policy/decide";
import type { ResourceAttributes } from "../policy/match";
import { subjectOf, type Policy } from "../policy/store";
import { Refusal } from "../refusal";
import { ROUTES } from "../route-table";
import { findServer } from "../vpc/servers";
import type { Server } from "../vpc/store";
import { accountIdOf, type World } from "../world";
import type { Verdict, WhyAnswer, WhyProfile } from "./protocol";

/** As much of an id as tells it from others; its kind stands before it. */
const SHORT_ID = 18;

/**
 * `targetId` is the object that the action is about; for an action with objects of another kind, and for one that is
 * gone, it is the server itself where that is possible, or the first there is. The answer says which.
 */
export function explain(world: World, serverId: string, action: string, targetId: string): WhyAnswer {
  const server = findServer(world, serverId);
  if (server === undefined) throw new Refusal(404, "not_found", `There is no server ${serverId}.`);
  const isList = action.endsWith(".list");
  const { parameter, objects } = isList ? { parameter: "", objects: [] } : subjectsOf(world, action);
  const target = objects.find(({ id }) => id === targetId) ?? objects.find(({ id }) => id === serverId) ?? objects[0];
  const attributes = isList
    ? undefined
    : resourceAttributes(
        { world, params: target === undefined ? {} : { [parameter]: target.id }, body: Buffer.alloc(0) },
        action,
      );
  const profiles = Object.values(world.state.iam.profiles)
    .map((profile) => explainProfile(world, server, profile, action, attributes))
    .filter(({ id, identity }) => identity.length > 0 || id === server.default_trusted_profile?.id)
    .sort((a, b) => Number(b.assumable && b.allowed) - Number(a.assumable && a.allowed));
  const deciding = profiles.find(({ assumable, allowed }) => assumable && allowed);
  const silence = silenceOf(server);
  return {
    allowed: deciding !== undefined && silence === undefined,
    conclusion: conclude(server, action, profiles, deciding, silence),
    targets: objects.map(({ id, name }) => ({ id, name })),
    target: target?.id ?? "",
    profiles,
  };
}

/** Why the server's services do not answer it. */
function silenceOf({ status, active_metadata: metadata }: Server): string | undefined {
  if (status !== "running") return `it is ${status}`;
  return metadata.enabled ? undefined : "its metadata service is off";
}

/**
 * The objects that an action can be about: those of its route with the fewest parameters, which is the one of the
 * object itself and not of one of its parts.
 */
function subjectsOf(world: World, action: string): { parameter: string; objects: readonly Named[] } {
  const [shortest = []] = ROUTES.filter((route) => route.action === action)
    .map(({ path }) => [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name))
    .sort((a, b) => a.length - b.length);
  for (const parameter of shortest) {
    const objects = objectsOf(world, action, parameter);
    if (objects !== undefined) return { parameter, objects };
  }
  return { parameter: "", objects: [] };
}

function conclude(
  server: Server,
  action: string,
  profiles: readonly WhyProfile[],
  deciding: WhyProfile | undefined,
  silence: string | undefined,
): string {
  if (silence !== undefined) {
    return `${server.name} may not: it cannot get a token, since ${silence}. A token that it has already is good until it expires.`;
  }
  if (deciding !== undefined) {
    return `${server.name} may: as ${deciding.name}, which it may become and which has a policy for ${action}.`;
  }
  const assumable = profiles.filter((profile) => profile.assumable);
  if (profiles.length === 0) return `${server.name} may not: no trusted profile has a link or a claim rule for it.`;
  if (assumable.length === 0) return `${server.name} may not: it can become none of the trusted profiles below.`;
  return `${server.name} may not: it can become ${assumable.map(({ name }) => name).join(", ")}, and no policy allows ${action}.`;
}

function explainProfile(
  world: World,
  server: Server,
  profile: Profile,
  action: string,
  attributes: ResourceAttributes | undefined,
): WhyProfile {
  const caller: Caller = { kind: "profile", iamId: profile.iam_id, accountId: accountIdOf(world) };
  const found = admissions(world, profile, computeResource(world, server));
  const policies = opinions(world, caller, action, attributes);
  return {
    id: profile.id,
    name: profile.name,
    assumable: found.some(({ objection }) => objection === undefined),
    identity: found.map(({ by, objection }) => {
      const what = `${"link" in by ? "Link" : "Claim rule"} ${by.name ?? by.id.slice(0, SHORT_ID)}`;
      return verdict(by.id, objection, what, `lets ${server.name} become ${profile.name}`);
    }),
    allowed: policies.some(({ objection }) => objection === undefined),
    policies: [
      ...policies.map(({ policy, objection }) =>
        verdict(policy.id, objection, nameOf(policy), `allows ${action}`, ": "),
      ),
      ...waiting(world, profile),
    ],
  };
}

const verdict = (
  id: string,
  objection: string | undefined,
  what: string,
  effect: string,
  separator = " ",
): Verdict => ({
  id,
  counts: objection === undefined,
  text: objection === undefined ? `${what} ${effect}.` : `${what}${separator}${objection}.`,
});

const nameOf = (policy: Policy): string =>
  `Policy ${policy.roles.map((role) => role.split(":").at(-1) ?? role).join(", ")}`;

/** Policies that are there and count only after the delay that IAM has. */
function waiting(world: World, profile: Profile): Verdict[] {
  const { policies, enforced } = world.state.policy;
  return Object.values(policies)
    .filter((policy) => policy.state === "active" && subjectOf(policy) === profile.iam_id && !(policy.id in enforced))
    .map((policy) => verdict(policy.id, "is not enforced yet", nameOf(policy), "", ": "));
}
