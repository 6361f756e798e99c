/**
 * A policy over time: made once, changed and deleted through the version of the API that made it, brought back when asked.
 */
import {
  type Attribute,
  type Policy,
  type PolicyBody,
  createPolicy,
  deletePolicy,
  getPolicy,
  listPolicies,
  replacePolicy,
  restorePolicy,
} from "../client/iam-policy";
import { isHttpError } from "../core/errors";
import { isRecord } from "../core/validate";
import {
  type AccessPolicyInputs,
  type AccessPolicyOutputs,
  accessPolicyFields,
  wantedPolicy,
} from "./access-policy-args";
import { currentSession } from "./connection";
import { createOnce, syncFound, syncOwned, untilVisible } from "./converge";
import { changedFields, compact, replacingFields } from "./diff";
import { endsWithHash, hashOf } from "./naming";
import { storedRuleOf } from "./policy-rule";
import { nameOf, subjectAttributesOf, subjectIn, subjectOf } from "./policy-subject";
import { attributesOf, tagsOf } from "./policy-target";

async function bodyOf(inputs: AccessPolicyInputs): Promise<PolicyBody> {
  const account: Attribute = { key: "accountId", operator: "stringEquals", value: await currentSession().accountId() };
  return {
    type: "access",
    description: inputs.description ?? "",
    subject: subjectAttributesOf(subjectOf(inputs)),
    resource: { attributes: [...attributesOf(inputs), account], tags: tagsOf(inputs) },
    roleIds: inputs.roleIds,
    ...storedRuleOf(inputs.rule),
  };
}

/** Makes a policy, or brings back the one of ours that was deleted. */
export async function ensurePolicy(inputs: AccessPolicyInputs): Promise<{ id: string; outputs: AccessPolicyOutputs }> {
  const session = currentSession();
  const subject = subjectOf(inputs);
  const hash = hashOf({ ...subject, mark: inputs.mark }, replacingFields(accessPolicyFields));
  const carriesHash = ({ description }: { readonly description?: string | undefined }): boolean =>
    endsWithHash(description, hash);
  const isEqual = (policy: Policy): boolean => isAsWanted(policy, inputs);
  const isHashed = carriesHash(inputs);
  const restored = inputs.restoreDeleted === true ? await restoreOwn(inputs, carriesHash) : undefined;
  const { object: policy, found } =
    restored === undefined
      ? await createOnce<Policy>({
          what: `policy for ${nameOf(subject)}`,
          create: async () => createPolicy(session, await bodyOf(inputs)),
          // Without a hash, ours is the one that was not there before an attempt that was not answered.
          lookFirst: !isHashed,
          find: async (error) =>
            (await ownPolicy(inputs, isHashed ? carriesHash : isEqual)) ?? (await conflictingPolicy(error)),
          isOurs: (other, unanswered) => carriesHash(other) || (unanswered && isEqual(other)),
          adopt: inputs.adopt === true,
          describe: (other) => `the policy ${other.id} with the same subject, target and roles`,
        })
      : { object: restored, found: true };
  const outputs = outputsOf(policy);
  if (!found) return { id: policy.id, outputs };
  return {
    id: policy.id,
    outputs: await syncFound({ id: policy.id, outputs }, () => syncPolicy(policy.id, outputs, inputs)),
  };
}

function isAsWanted(policy: Policy, inputs: AccessPolicyInputs): boolean {
  return changedFields(accessPolicyFields, { ...outputsOf(policy) }, wantedPolicy(inputs)).length === 0;
}

async function ownPolicy(inputs: AccessPolicyInputs, isOurs: (policy: Policy) => boolean): Promise<Policy | undefined> {
  for await (const policy of listPolicies(currentSession(), subjectOf(inputs))) {
    // A list carries no tags, and the next write needs one.
    if (policy.state !== "deleted" && isOurs(policy)) return untilVisible(() => livePolicy(policy.id));
  }
  return undefined;
}

/** The policy of ours that was deleted last, active again. */
async function restoreOwn(
  inputs: AccessPolicyInputs,
  isOurs: (policy: Policy) => boolean,
): Promise<Policy | undefined> {
  const filter = { ...subjectOf(inputs), state: "deleted" } as const;
  let latest: Policy | undefined;
  for await (const policy of listPolicies(currentSession(), filter)) {
    // Without a hash in its description, ours is the one that says what is wanted.
    const isLater = (policy.lastModifiedAt ?? "") >= (latest?.lastModifiedAt ?? "");
    if ((isOurs(policy) || isAsWanted(policy, inputs)) && isLater) latest = policy;
  }
  return latest === undefined ? undefined : restored(latest.id);
}

/** The policy, active again; undefined when IAM does not keep it any more. */
async function restored(id: string): Promise<Policy | undefined> {
  const policy = await getPolicy(currentSession(), id);
  if (policy?.state !== "deleted") return policy;
  await restorePolicy(currentSession(), id, policy.etag);
  return livePolicy(id);
}

/** The policy that IAM names when it refuses an equal one: as an object, or as a text with the id or the whole object. */
async function conflictingPolicy(error: unknown): Promise<Policy | undefined> {
  if (!isHttpError(error) || !isRecord(error.serverDetails)) return undefined;
  const conflict = error.serverDetails.conflicts_with;
  const policy = isRecord(conflict) ? conflict.policy : undefined;
  const id = isRecord(policy) ? policy.id : UUID.exec(typeof policy === "string" ? policy : "")?.[0];
  return typeof id === "string" ? untilVisible(() => livePolicy(id)) : undefined;
}

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** A deleted policy stays readable for a while; it is as good as gone. */
async function livePolicy(id: string): Promise<Policy | undefined> {
  const policy = await getPolicy(currentSession(), id);
  return policy === undefined || policy.state === "deleted" ? undefined : policy;
}

/** Brings a policy to what is wanted, through the version of the API that made it. */
export async function syncPolicy(
  id: string,
  known: AccessPolicyOutputs,
  wanted: AccessPolicyInputs,
): Promise<AccessPolicyOutputs> {
  const session = currentSession();
  const policy = await syncOwned<Policy>({
    what: `policy ${id} for ${nameOf(known)}`,
    fields: accessPolicyFields,
    known: { ...known },
    knownTag: known.entityTag,
    wanted: wantedPolicy(wanted),
    observe: () => (wanted.restoreDeleted === true ? restored(id) : livePolicy(id)),
    propertiesOf: (live) => ({ ...outputsOf(live) }),
    tagOf: (live) => live.etag,
    send: async (tag) => replacePolicy(session, id, tag, await bodyOf(wanted), known.apiVersion),
  });
  return outputsOf(policy);
}

/** Reads a policy; undefined when it is gone or deleted. */
export async function readPolicy(id: string): Promise<AccessPolicyOutputs | undefined> {
  const policy = await livePolicy(id);
  return policy === undefined ? undefined : outputsOf(policy);
}

/** Deletes a policy through the version of the API that made it. */
export async function removePolicy(id: string, { apiVersion }: AccessPolicyOutputs): Promise<void> {
  await deletePolicy(currentSession(), id, apiVersion);
}

function outputsOf(policy: Policy): AccessPolicyOutputs {
  return compact({
    ...subjectIn(policy.subject),
    roleIds: policy.roleIds,
    attributes: policy.resource.attributes,
    tags: policy.resource.tags,
    pattern: policy.pattern,
    rule: policy.rule,
    description: policy.description,
    apiVersion: policy.version,
    entityTag: policy.etag,
  });
}
