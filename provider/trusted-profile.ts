/**
 * A trusted profile: the identity that a server (or another workload) takes on.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Trusted profiles".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type Profile,
  createProfile,
  deleteProfile,
  getProfile,
  listProfiles,
  updateProfile,
} from "../client/iam-identity";
import { type Rule, flag, object, text } from "../core/validate";
import { currentSession } from "./connection";
import { createOnce, inTheWay, syncFound, syncOwned } from "./converge";
import { type FieldTable, compact, onlyFields, replacingFields } from "./diff";
import { type Internal, handlerFor } from "./handler";
import { endsWithHash, hashOf, hashedText } from "./naming";
import { accountRule } from "./references";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** Arguments of a trusted profile. */
export interface TrustedProfileArgs {
  /**
   * Name, unique in the account; 1 to 255 characters. A change renames the profile, also one back to the default.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Description. "" clears it.
   * @default - none; with a `name` of your own, a text with a hash by which a repeated create finds its profile
   */
  readonly description?: pulumi.Input<string>;
  /**
   * Address of who is responsible. "" clears it.
   * @default - none
   */
  readonly email?: pulumi.Input<string>;
  /**
   * Account to create the profile in. A change replaces the profile.
   * @default - the account of the credentials
   */
  readonly accountId?: pulumi.Input<string>;
  /**
   * Take over a profile of this name that exists already, instead of failing. It is deleted with the stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** What `check` makes of the arguments. */
export interface TrustedProfileInputs extends Internal {
  readonly name: string;
  readonly description?: string | undefined;
  readonly email?: string | undefined;
  readonly accountId?: string | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a profile: what IAM answered last. */
export interface TrustedProfileOutputs {
  readonly iamId: string;
  readonly crn: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly email?: string | undefined;
  readonly accountId: string;
  readonly entityTag: string;
  readonly createdAt?: string | undefined;
  readonly modifiedAt?: string | undefined;
  readonly templateId?: string | undefined;
  readonly assignmentId?: string | undefined;
  readonly imsAccountId?: number | undefined;
  readonly imsUserId?: number | undefined;
}

/** Rules of the arguments; components use them for the profile they create. */
export const trustedProfileArgRules = {
  name: text({ max: 255 }),
  description: text({ min: 0, max: 1000 }),
  email: text({
    min: 0,
    max: 320,
    pattern: /^$|^[^\s@]+@[^\s@]+$/,
    allowed: 'an address such as "team@example.com"',
  }),
  accountId: accountRule,
  adopt: flag,
} satisfies Record<string, Rule>;

/** Judges the arguments of a trusted profile. */
export const trustedProfileRule: Rule = object({ fields: trustedProfileArgRules });

/** What a change of each argument means. */
export const trustedProfileFields: FieldTable = {
  name: { change: "update" },
  description: { change: "update", absent: "clear" },
  email: { change: "update", absent: "clear" },
  accountId: { change: "replace" },
};

const REPLACING = replacingFields(trustedProfileFields);
const TYPE = "TrustedProfile";

/** Manages trusted profiles. */
export const handler = handlerFor<TrustedProfileInputs, TrustedProfileOutputs>({
  rule: trustedProfileRule,
  fields: trustedProfileFields,
  wanted: (inputs) => onlyFields(trustedProfileFields, inputs),
  complete: (inputs, completion) => ({ ...inputs, ...hashedText(completion) }),
  create: async (inputs) => {
    const profile = await ensureProfile(inputs);
    return { id: profile.id, outputs: outputsOf(profile) };
  },
  update: async (id, olds, inputs) => outputsOf(await syncProfile(id, olds, inputs)),
  read: async (id) => {
    const profile = await getProfile(currentSession(), id);
    return profile === undefined ? undefined : outputsOf(profile);
  },
  delete: async (id) => deleteProfile(currentSession(), id),
  inputsOf: (outputs) => onlyFields(trustedProfileFields, outputs),
  describe: (id) => `trusted profile "${id}"`,
});

async function ensureProfile(inputs: TrustedProfileInputs): Promise<Profile> {
  const session = currentSession();
  const { name, description, email, accountId } = inputs;
  const hash = hashOf({ ...inputs }, REPLACING);
  const carriesHash = (texts: Pick<TrustedProfileInputs, "name" | "description">): boolean =>
    endsWithHash(texts.name, hash) || endsWithHash(texts.description, hash);
  const isEqual = (other: Profile): boolean =>
    other.name === name && (other.description ?? "") === (description ?? "") && (other.email ?? "") === (email ?? "");
  const { object: profile, found } = await createOnce<Profile>({
    what: `trusted profile "${name}"`,
    create: () => createProfile(session, compact({ name, description, email, accountId })),
    find: (error, unanswered) => inTheWay(() => profileNamed(name), error, unanswered),
    // Without a hash, ours is the one that was not there before an attempt that was not answered.
    lookFirst: !carriesHash(inputs),
    isOurs: (other, unanswered) => carriesHash(other) || (unanswered && isEqual(other)),
    adopt: inputs.adopt === true,
    describe: (other) => `the trusted profile "${other.name}" (${other.id})`,
  });
  if (!found) return profile;
  const outputs = outputsOf(profile);
  return syncFound({ id: profile.id, outputs }, () => syncProfile(profile.id, outputs, inputs));
}

async function profileNamed(name: string): Promise<Profile | undefined> {
  for await (const profile of listProfiles(currentSession(), { name })) {
    if (profile.name === name) return profile;
  }
  return undefined;
}

function syncProfile(id: string, known: TrustedProfileOutputs, wanted: TrustedProfileInputs): Promise<Profile> {
  const session = currentSession();
  return syncOwned<Profile>({
    what: `trusted profile "${known.name}" (${id})`,
    fields: trustedProfileFields,
    known: { ...known },
    knownTag: known.entityTag,
    wanted: { ...wanted },
    observe: () => getProfile(session, id),
    propertiesOf: (live) => ({ ...outputsOf(live) }),
    tagOf: (live) => live.entityTag,
    // IAM clears a description or address only when it is sent an empty one.
    send: (tag, changed) =>
      updateProfile(
        session,
        id,
        tag,
        Object.fromEntries(changed.map((field) => [field, wanted[field as "name" | "description" | "email"] ?? ""])),
      ),
  });
}

function outputsOf(profile: Profile): TrustedProfileOutputs {
  return compact({
    iamId: profile.iamId,
    crn: profile.crn,
    name: profile.name,
    description: profile.description,
    email: profile.email,
    accountId: profile.accountId,
    entityTag: profile.entityTag,
    createdAt: profile.createdAt,
    modifiedAt: profile.modifiedAt,
    templateId: profile.templateId,
    assignmentId: profile.assignmentId,
    imsAccountId: profile.imsAccountId,
    imsUserId: profile.imsUserId,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: trustedProfileRule,
  outputs: [
    "iamId",
    "crn",
    "name",
    "description",
    "email",
    "accountId",
    "entityTag",
    "createdAt",
    "modifiedAt",
    "templateId",
    "assignmentId",
    "imsAccountId",
    "imsUserId",
  ],
};

/**
 * A trusted profile of IBM Cloud IAM. Its resource id is the profile's id (`Profile-<uuid>`).
 *
 * @example
 * const profile = new TrustedProfile("app");
 * export const profileId = profile.id;
 *
 * @example
 * const profile = new TrustedProfile("app", { name: "shop backend", description: "Identity of the shop's servers" });
 */
export class TrustedProfile extends VpcIdentityResource {
  /** `iam-Profile-<uuid>`: what policies name as their subject. */
  declare readonly iamId: pulumi.Output<string>;
  /** CRN of the profile. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in IAM. */
  declare readonly name: pulumi.Output<string>;
  /** Description, if there is one. */
  declare readonly description: pulumi.Output<string | undefined>;
  /** Address of who is responsible, if there is one. */
  declare readonly email: pulumi.Output<string | undefined>;
  /** Account the profile is in. */
  declare readonly accountId: pulumi.Output<string>;
  /** IAM's tag of the version that was last seen. */
  declare readonly entityTag: pulumi.Output<string>;
  /** Time of creation, ISO 8601. */
  declare readonly createdAt: pulumi.Output<string | undefined>;
  /** Time of the last change, ISO 8601. */
  declare readonly modifiedAt: pulumi.Output<string | undefined>;
  /** Enterprise template the profile was made from, if any. */
  declare readonly templateId: pulumi.Output<string | undefined>;
  /** Template assignment the profile was made by, if any. */
  declare readonly assignmentId: pulumi.Output<string | undefined>;
  /** Number of the account in IBM's classic infrastructure, if it has one. */
  declare readonly imsAccountId: pulumi.Output<number | undefined>;
  /** Number of the profile in IBM's classic infrastructure, if it has one. */
  declare readonly imsUserId: pulumi.Output<number | undefined>;

  /**
   * Creates a profile.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: TrustedProfileArgs = {}, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** `Profile-<uuid>`; the same as `id`, and therefore not stored once more. */
  get profileId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a profile that exists, without managing it. `id` is `Profile-<uuid>`. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): TrustedProfile {
    return new TrustedProfile(name, {}, { ...options, id });
  }
}
