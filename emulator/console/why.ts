/** May this server do that, and what decides it? Asked of the very functions that decide for a real call. */
import type { Caller } from "../call";
import { admissions } from "../iam/linked";
import type { Profile } from "../iam/store";
import { computeResource } from "../on-instance/identity";
import { resourceAttributes } from "../policy/attributes";
import { opinions } from "../policy/decide";
import { subjectOf, type Policy } from "../policy/store";
import { Refusal } from "../refusal";
import { findServer } from "../vpc/servers";
import type { Server } from "../vpc/store";
import { accountIdOf, type World } from "../world";
import type { Verdict, WhyAnswer, WhyProfile } from "./protocol";

/** As much of an id as tells it from others; its kind stands before it. */
const SHORT_ID = 18;

/** `target` is the id of a server that the action is about; lists are about no single object. */
export function explain(world: World, serverId: string, action: string, target: string): WhyAnswer {
  const server = findServer(world, serverId);
  if (server === undefined) throw new Refusal(404, "not_found", `There is no server ${serverId}.`);
  const profiles = Object.values(world.state.iam.profiles)
    .map((profile) => explainProfile(world, server, profile, action, target))
    .filter(({ id, identity }) => identity.length > 0 || id === server.default_trusted_profile?.id)
    .sort((a, b) => Number(b.assumable && b.allowed) - Number(a.assumable && a.allowed));
  const deciding = profiles.find(({ assumable, allowed }) => assumable && allowed);
  return { allowed: deciding !== undefined, conclusion: conclude(server, action, profiles, deciding), profiles };
}

function conclude(server: Server, action: string, profiles: readonly WhyProfile[], deciding?: WhyProfile): string {
  if (deciding !== undefined) {
    return `${server.name} may: as ${deciding.name}, which it may become and which has a policy for ${action}.`;
  }
  const assumable = profiles.filter((profile) => profile.assumable);
  if (profiles.length === 0) return `${server.name} may not: no trusted profile has a link or a claim rule for it.`;
  if (assumable.length === 0) return `${server.name} may not: it can become none of the trusted profiles below.`;
  return `${server.name} may not: it can become ${assumable.map(({ name }) => name).join(", ")}, and no policy allows ${action}.`;
}

function explainProfile(world: World, server: Server, profile: Profile, action: string, target: string): WhyProfile {
  const caller: Caller = { kind: "profile", iamId: profile.iam_id, accountId: accountIdOf(world) };
  const found = admissions(world, profile, computeResource(world, server));
  const attributes = action.endsWith(".list") ? undefined : attributesOf(world, action, target);
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

/** What a call about this server would be decided on. */
function attributesOf(world: World, action: string, target: string): ReturnType<typeof resourceAttributes> {
  const parameter = findServer(world, target)?.kind === "bare_metal_server" ? "server" : "instance";
  return resourceAttributes(
    { world, params: target === "" ? {} : { [parameter]: target }, body: Buffer.alloc(0) },
    action,
  );
}
