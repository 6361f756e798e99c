/**
 * An API key of a service ID or a user. Its value is told once, when it is created, and kept as a Pulumi secret.
 *
 * Sources: IBM Cloud IAM Identity Services API, "API keys".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type ActionWhenLeaked,
  type ApiKey as LiveApiKey,
  createApiKey,
  deleteApiKey,
  getApiKey,
  getApiKeyByValue,
  listApiKeys,
  setApiKeyDisabled,
  setApiKeyLock,
  updateApiKey,
} from "../client/iam-api-keys";
import { VpcIdentityError } from "../core/errors";
import {
  type ApiKeyArgs,
  type ApiKeyInputs,
  type ApiKeyOutputs,
  apiKeyFields,
  apiKeyRule,
  expiryFor,
  wantedKey,
} from "./api-key-args";
import { currentSession } from "./connection";
import {
  UNANSWERED_APPEARS_WITHIN_MS,
  createOnce,
  goneError,
  inTheWay,
  isOutcomeUnknown,
  removeTwins,
  syncFound,
  syncOwned,
  untilVisible,
} from "./converge";
import { compact, onlyFields, replacingFields } from "./diff";
import { handlerFor } from "./handler";
import { deleteUnlocked, deleteUnnamed } from "./locks";
import { endsWithHash, hashOf, hashedText } from "./naming";
import { type ResourceType, VpcIdentityResource } from "./resource";

const TYPE = "ApiKey";

const REPLACING = replacingFields(apiKeyFields);

/** Manages API keys. */
export const handler = handlerFor<ApiKeyInputs, ApiKeyOutputs>({
  rule: apiKeyRule,
  fields: apiKeyFields,
  wanted: wantedKey,
  complete: (inputs, completion) => ({ ...inputs, ...hashedText(completion) }),
  create: async (inputs) => {
    const { value } = inputs;
    if (value === undefined) {
      const made = await makeAgain(inputs);
      await removeOthers(inputs, made);
      return { id: made.id, outputs: outputsOf(made, { ...wantedKey(inputs), value: made.value }) };
    }
    const { object: key, found } = await makeOnce(inputs, value);
    const outputs = outputsOf(key, wantedKey(inputs));
    if (!found) return { id: key.id, outputs };
    return { id: key.id, outputs: await syncFound({ id: key.id, outputs }, () => syncKey(key.id, outputs, inputs)) };
  },
  update: syncKey,
  read: async (id, known) => {
    const key = await getApiKey(currentSession(), id);
    // A value that was given or told before is in the state; IAM tells only those that it was asked to keep.
    const kept = known.crn === undefined ? { value: key?.value } : known;
    return key === undefined ? undefined : outputsOf(key, kept);
  },
  delete: (id, { name }) =>
    deleteUnlocked(
      describe({ id, name }),
      () => deleteApiKey(currentSession(), id),
      () => getApiKey(currentSession(), id),
    ),
  inputsOf: (outputs) => ({ ...onlyFields(apiKeyFields, outputs), givenValue: undefined }),
  describe: (id) => `API key "${id}"`,
});

const describe = ({ id, name }: { readonly id: string; readonly name: string }): string => `API key "${name}" (${id})`;

function createFrom(inputs: ApiKeyInputs): Promise<LiveApiKey> {
  const { iamId } = wantedKey(inputs);
  const expiresAt = (inputs.expiresAt ?? "") === "" ? undefined : expiryFor(inputs.expiresAt ?? "");
  return createApiKey(currentSession(), { ...inputs, iamId, expiresAt });
}

type Named = Pick<ApiKeyInputs, "name" | "description">;

/** Tells keys that carry our hash from others. */
function ownershipOf(inputs: ApiKeyInputs): (key: Named) => boolean {
  const hash = hashOf({ ...wantedKey(inputs), mark: inputs.mark }, REPLACING);
  return ({ name, description }) => endsWithHash(name, hash) || endsWithHash(description, hash);
}

async function keysOfOwner(inputs: ApiKeyInputs): Promise<LiveApiKey[]> {
  const keys: LiveApiKey[] = [];
  for await (const key of listApiKeys(currentSession(), { iamId: wantedKey(inputs).iamId })) keys.push(key);
  return keys;
}

/** The keys that carry our hash: at most one is in the state, and it is not there yet. */
async function halfMade(inputs: ApiKeyInputs): Promise<LiveApiKey[]> {
  const { name, description = "" } = inputs;
  const isOurs = ownershipOf(inputs);
  const keys = await keysOfOwner(inputs);
  const equal = keys.find((key) => key.name === name && (key.description ?? "") === description);
  if (!isOurs(inputs) && equal !== undefined) throw ambiguous(equal);
  return keys.filter(isOurs);
}

/** With a name and a description of the user's, a key of an earlier run that was killed cannot be told from any other. */
function ambiguous(key: LiveApiKey): VpcIdentityError {
  return new VpcIdentityError(
    `API key "${key.name}" cannot be created: ${describe(key)} of the same owner has the same name and description, and may ` +
      "be what an earlier run left behind. Delete it, or choose another name or description.",
    { code: "IBMID_EXISTS" },
  );
}

/**
 * Makes a key whose value IAM chooses. A key whose create was not answered is of no use, since its value is lost: it is
 * deleted, and another made.
 */
async function makeAgain(inputs: ApiKeyInputs): Promise<LiveApiKey> {
  const remove = async (keys: readonly LiveApiKey[]): Promise<void> => {
    for (const { id } of keys) await deleteHalfMade(id);
  };
  await remove(await halfMade(inputs));
  for (let attempt = 1; ; attempt++) {
    try {
      return await createFrom(inputs);
    } catch (error) {
      if (!isOutcomeUnknown(error)) throw error;
      const look = async (): Promise<LiveApiKey[] | undefined> => {
        const keys = await halfMade(inputs);
        return keys.length === 0 ? undefined : keys;
      };
      await remove((await untilVisible(look, UNANSWERED_APPEARS_WITHIN_MS)) ?? []);
      if (attempt === 3) throw error;
    }
  }
}

async function removeOthers(inputs: ApiKeyInputs, { id, name }: LiveApiKey): Promise<void> {
  const isOurs = ownershipOf(inputs);
  // Without a hash in it, a key of an interrupted run looks like any other.
  if (!isOurs(inputs)) return;
  const list = (): Promise<LiveApiKey[]> => keysOfOwner(inputs);
  await removeTwins({ what: `API key "${name}"`, id, list, isOurs, remove: deleteHalfMade });
}

const deleteHalfMade = (id: string): Promise<void> =>
  deleteUnnamed(
    () => deleteApiKey(currentSession(), id),
    () => getApiKey(currentSession(), id),
    () => setApiKeyLock(currentSession(), id, false),
  );

/** Makes a key with a value of the user's: values are unique, so a key that has it already is found by it. */
async function makeOnce(inputs: ApiKeyInputs, value: string): Promise<{ object: LiveApiKey; found: boolean }> {
  const isOurs = ownershipOf(inputs);
  const look = (): Promise<LiveApiKey | undefined> => getApiKeyByValue(currentSession(), value);
  return createOnce<LiveApiKey>({
    what: `API key "${inputs.name}"`,
    create: () => createFrom(inputs),
    find: (error, unanswered) => inTheWay(look, error, unanswered),
    // Without a hash, ours is the one that was not there before an attempt that was not answered.
    lookFirst: !isOurs(inputs),
    isOurs: (other, unanswered) => isOurs(other) || (unanswered && !isOurs(inputs)),
    describe: (other) => `${describe(other)}, which has this value,`,
  });
}

const STATES = ["locked", "disabled"] as const;

/** Lock and disable are no fields of an update but calls of their own: a lock is taken off first and put on last. */
async function syncKey(id: string, known: ApiKeyOutputs, inputs: ApiKeyInputs): Promise<ApiKeyOutputs> {
  const session = currentSession();
  const goal = wantedKey(inputs);
  const what = describe({ id, name: known.name });
  const again = async (): Promise<LiveApiKey> => {
    const live = await getApiKey(session, id);
    if (live === undefined) throw goneError(what);
    return live;
  };
  const live = await syncOwned<LiveApiKey>({
    what,
    fields: apiKeyFields,
    known: { ...known },
    knownTag: known.entityTag,
    wanted: { ...goal },
    observe: () => getApiKey(session, id),
    propertiesOf: (seen) => ({ ...outputsOf(seen, goal) }),
    tagOf: (seen) => seen.entityTag,
    send: async (tag, changed) => {
      let current = tag;
      const changes = (field: string): boolean => changed.includes(field);
      if (changes("locked") && !goal.locked) {
        await setApiKeyLock(session, id, false);
        current = (await again()).entityTag;
      }
      const fields = changed.filter((field) => !STATES.some((state) => state === field));
      let latest = fields.length === 0 ? undefined : await updateApiKey(session, id, current, patchOf(inputs, changes));
      if (changes("disabled")) await setApiKeyDisabled(session, id, goal.disabled);
      if (changes("locked") && goal.locked) await setApiKeyLock(session, id, true);
      if (latest === undefined || STATES.some(changes)) latest = await again();
      return latest;
    },
  });
  return outputsOf(live, { ...goal, value: inputs.value === undefined ? known.value : undefined });
}

function patchOf(inputs: ApiKeyInputs, changes: (field: string) => boolean): Parameters<typeof updateApiKey>[3] {
  const { name, description = "", actionWhenLeaked = "none", supportSessions = false, expiresAt = "" } = inputs;
  return {
    ...(changes("name") ? { name } : {}),
    ...(changes("description") ? { description } : {}),
    ...(changes("actionWhenLeaked") ? { actionWhenLeaked } : {}),
    ...(changes("supportSessions") ? { supportSessions } : {}),
    ...(changes("expiresAt") ? { expiresAt: expiresAt === "" ? "" : expiryFor(expiresAt) } : {}),
  };
}

type Kept = Pick<ApiKeyOutputs, "value" | "givenValue" | "storeValue">;

function outputsOf(key: LiveApiKey, { value, givenValue, storeValue }: Kept): ApiKeyOutputs {
  return compact({
    iamId: key.iamId,
    crn: key.crn,
    name: key.name,
    description: key.description,
    actionWhenLeaked: key.actionWhenLeaked ?? "none",
    supportSessions: key.supportSessions,
    expiresAt: key.expiresAt,
    locked: key.locked,
    disabled: key.disabled,
    accountId: key.accountId,
    entityTag: key.entityTag,
    createdAt: key.createdAt,
    createdBy: key.createdBy,
    modifiedAt: key.modifiedAt,
    value,
    givenValue,
    storeValue,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: apiKeyRule,
  outputs: [
    "iamId",
    "crn",
    "name",
    "description",
    "value",
    "actionWhenLeaked",
    "supportSessions",
    "expiresAt",
    "locked",
    "disabled",
    "accountId",
    "entityTag",
    "createdAt",
    "createdBy",
    "modifiedAt",
  ],
  secrets: ["value"],
};

/**
 * An API key of IBM Cloud IAM. Its resource id is the key's id (`ApiKey-<uuid>`).
 *
 * A server needs none: that is what trusted profiles are for. This is for what runs elsewhere.
 *
 * @example
 * const key = new ApiKey("deployer", { serviceId: deployer.id });
 * export const apiKey = key.value; // a secret
 *
 * @example
 * new ApiKey("deployer", {
 *   serviceId: deployer.id,
 *   name: "shop pipeline",
 *   actionWhenLeaked: "disable",
 *   expiresAt: "2030-01-31T12:00+0000",
 *   locked: true,
 * });
 */
export class ApiKey extends VpcIdentityResource {
  /** Whom the key stands for. */
  declare readonly iamId: pulumi.Output<string>;
  /** CRN of the key. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in IAM. */
  declare readonly name: pulumi.Output<string>;
  /** Description, if there is one. */
  declare readonly description: pulumi.Output<string | undefined>;
  /** The key itself, a secret; absent for one that was read with `ApiKey.get` and whose value IAM does not keep. */
  declare readonly value: pulumi.Output<string | undefined>;
  /** What IAM does when it finds the key in public. */
  declare readonly actionWhenLeaked: pulumi.Output<ActionWhenLeaked>;
  /** Whether sessions that were opened with the key can be managed. */
  declare readonly supportSessions: pulumi.Output<boolean>;
  /** When the key ceases to work, if ever: `yyyy-MM-ddTHH:mm+0000`. */
  declare readonly expiresAt: pulumi.Output<string | undefined>;
  /** Whether IAM refuses to delete the key. */
  declare readonly locked: pulumi.Output<boolean>;
  /** Whether the key is refused. */
  declare readonly disabled: pulumi.Output<boolean>;
  /** Account the key is in. */
  declare readonly accountId: pulumi.Output<string>;
  /** IAM's tag of the version that was last seen. */
  declare readonly entityTag: pulumi.Output<string>;
  /** Time of creation, ISO 8601. */
  declare readonly createdAt: pulumi.Output<string | undefined>;
  /** IAM id of who made the key. */
  declare readonly createdBy: pulumi.Output<string | undefined>;
  /** Time of the last change, ISO 8601. */
  declare readonly modifiedAt: pulumi.Output<string | undefined>;

  /**
   * Creates an API key.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: ApiKeyArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** `ApiKey-<uuid>`; the same as `id`, and therefore not stored once more. */
  get apiKeyId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a key that exists, without managing it. `id` is `ApiKey-<uuid>`. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): ApiKey {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new ApiKey(name, {} as ApiKeyArgs, { ...options, id });
  }
}
