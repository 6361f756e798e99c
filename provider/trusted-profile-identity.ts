/**
 * An identity that may become a trusted profile by name: a user, a service ID, or an IBM Cloud service by its CRN.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Add a specific identity that can assume the trusted profile".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type IdentityType,
  type ProfileIdentities,
  type ProfileIdentity,
  addIdentity,
  getIdentities,
  getIdentity,
  removeIdentity,
  replaceIdentities,
} from "../client/iam-profile-identities";
import { VpcIdentityError, isHttpError } from "../core/errors";
import {
  CRN,
  type Problem,
  type Rule,
  UNKNOWN_SENTINEL,
  flag,
  isKnown,
  list,
  object,
  oneOf,
  show,
  text,
} from "../core/validate";
import { currentClock, currentSession } from "./connection";
import { createOnce, goneError, onceParentIsVisible, syncFound, syncOwned } from "./converge";
import { type FieldTable, compact, onlyFields, replacingFields, sameSet } from "./diff";
import { type Internal, handlerFor } from "./handler";
import { endsWithHash, hashOf, keptName } from "./naming";
import { profileIdOf, profileRule, serviceIdOf } from "./references";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** A user. */
export interface UserIdentity {
  /** Always "user". */
  readonly type: "user";
  /** IAM id of the user, such as "IBMid-270000ABCD". A change replaces the identity. */
  readonly identifier: pulumi.Input<string>;
  /**
   * Accounts in which the user may become the profile.
   * @default - the account of the profile
   */
  readonly accounts?: pulumi.Input<pulumi.Input<string>[]>;
}

/** A service ID. */
export interface ServiceIdIdentity {
  /** Always "serviceid". */
  readonly type: "serviceid";
  /** The service ID: its id (`ServiceId-<uuid>`), its IAM id or its CRN. A change replaces the identity. */
  readonly identifier: pulumi.Input<string>;
  readonly accounts?: undefined;
}

/** An IBM Cloud service or an instance of it. */
export interface CrnIdentity {
  /** Always "crn". */
  readonly type: "crn";
  /** CRN of the service. A change replaces the identity. */
  readonly identifier: pulumi.Input<string>;
  readonly accounts?: undefined;
}

/** What all identities have. */
export interface IdentityCommon {
  /** The trusted profile: its id (`Profile-<uuid>`), its IAM id or its CRN. A change replaces the identity. */
  readonly profileId: pulumi.Input<string>;
  /**
   * Description. "" for none.
   * @default - the resource's name and a hash, by which a repeated create finds its identity
   */
  readonly description?: pulumi.Input<string>;
  /**
   * Take over the identity when the profile has it already, instead of failing. It is taken away with the stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** Arguments of an identity; `type` decides what the identifier is. */
export type TrustedProfileIdentityArgs = IdentityCommon & (UserIdentity | ServiceIdIdentity | CrnIdentity);

/** What `check` makes of the arguments. */
export interface TrustedProfileIdentityInputs extends Internal {
  readonly profileId: string;
  readonly type: IdentityType;
  readonly identifier: string;
  readonly accounts?: readonly string[] | undefined;
  readonly description?: string | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of an identity: what IAM answered last. */
export interface TrustedProfileIdentityOutputs {
  readonly profileId: string;
  readonly type: IdentityType;
  readonly identifier: string;
  readonly iamId?: string | undefined;
  readonly accounts?: readonly string[] | undefined;
  readonly description?: string | undefined;
}

const IDENTIFIERS: Readonly<
  Record<IdentityType, { readonly is: (value: string) => boolean; readonly allowed: string }>
> = {
  user: {
    is: (value) => /^(?!iam-|crn[-:]|ServiceId-|Profile-)\S{1,1000}$/.test(value),
    allowed: 'the IAM id of a user, such as "IBMid-270000ABCD"',
  },
  serviceid: {
    is: (value) => serviceIdOf(value) !== undefined,
    allowed: 'a service ID ("ServiceId-<uuid>"), its IAM id or its CRN',
  },
  crn: { is: (value) => CRN.test(value), allowed: "the CRN of a service" },
};

/** Judges the arguments of an identity. */
export const trustedProfileIdentityRule: Rule = object({
  fields: {
    profileId: profileRule,
    type: oneOf("user", "serviceid", "crn"),
    identifier: text({ max: 1000 }),
    accounts: list(text({ max: 100 }), { min: 1 }),
    description: text({ min: 0, max: 1000 }),
    adopt: flag,
  },
  required: ["profileId", "type", "identifier"],
  also: typeProblems,
});

function typeProblems(args: Readonly<Record<string, unknown>>, path: string): Problem[] {
  const { type, identifier, accounts } = args;
  if (type !== "user" && type !== "serviceid" && type !== "crn") return [];
  const at = (field: string): string => (path === "" ? field : `${path}.${field}`);
  const problems: Problem[] = [];
  const { is, allowed } = IDENTIFIERS[type];
  if (typeof identifier === "string" && isKnown(identifier) && identifier !== "" && !is(identifier)) {
    problems.push({
      property: at("identifier"),
      reason: `is ${show(identifier)}; with type "${type}" it must be ${allowed}`,
    });
  }
  if (accounts !== undefined && accounts !== null && type !== "user") {
    problems.push({
      property: at("accounts"),
      reason: `is ${show(accounts)}; only users have accounts to choose from`,
    });
  }
  return problems;
}

/** What a change of each argument means. */
export const trustedProfileIdentityFields: FieldTable = {
  profileId: { change: "replace" },
  type: { change: "replace" },
  identifier: { change: "replace" },
  accounts: { change: "update", absent: "clear", same: sameSet },
  description: { change: "update", absent: "clear" },
};

const REPLACING = replacingFields(trustedProfileIdentityFields);
const TYPE = "TrustedProfileIdentity";

/** Manages identities. */
export const handler = handlerFor<TrustedProfileIdentityInputs, TrustedProfileIdentityOutputs>({
  rule: trustedProfileIdentityRule,
  fields: trustedProfileIdentityFields,
  wanted,
  complete: (inputs, { olds, same, text: marked }) => ({
    ...inputs,
    description: inputs.description ?? keptName(olds.description, same, marked),
  }),
  create: async (inputs) => {
    const { profileId, type, identifier } = wanted(inputs);
    return { id: `${profileId}|${type}|${identifier}`, outputs: await ensureIdentity(inputs) };
  },
  update: async (id, olds, inputs) => syncIdentity(olds, inputs),
  read: async (id) => {
    const { profileId, type, identifier } = tripleOf(id);
    const identity = await getIdentity(currentSession(), profileId, type, identifier);
    return identity === undefined ? undefined : outputsOf(identity, profileId);
  },
  delete: async (id) => {
    const { profileId, type, identifier } = tripleOf(id);
    await alone(profileId, () => removeIdentity(currentSession(), profileId, type, identifier));
  },
  inputsOf: (outputs) => onlyFields(trustedProfileIdentityFields, outputs),
  keepsAccount: true,
  describe: (id) => `trusted profile identity "${id}"`,
});

/** `|` stands in no CRN, where `/` and `:` do. */
function tripleOf(id: string): { profileId: string; type: IdentityType; identifier: string } {
  const [profile, type, ...rest] = id.split("|");
  const [profileId, identifier] = [profileIdOf(profile), rest.join("|")];
  if (profileId === undefined || !Object.hasOwn(IDENTIFIERS, type ?? "") || identifier === "") {
    throw new VpcIdentityError(
      `${show(id)} is no id of an identity; must be "Profile-<uuid>|<user, serviceid or crn>|<identifier>".`,
      { code: "IBMID_BAD_ID" },
    );
  }
  return { profileId, type: type as IdentityType, identifier };
}

function wanted(inputs: TrustedProfileIdentityInputs): Omit<TrustedProfileIdentityInputs, "mark" | "adopt"> {
  const { profileId, type, identifier, accounts, description } = inputs;
  return {
    profileId: profileIdOf(profileId) ?? UNKNOWN_SENTINEL,
    type,
    identifier: type === "serviceid" ? (serviceIdOf(identifier) ?? identifier) : identifier,
    accounts,
    description,
  };
}

const queues = new Map<string, Promise<unknown>>();
const ATTEMPTS = 6;

/**
 * One change of a profile's identities at a time: each rewrites the whole set, and IAM refuses the second of two that come
 * close together. Somebody else may be at it too, so a conflict is tried again.
 */
async function alone<T>(profileId: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(profileId) ?? Promise.resolve();
  const mine = before.then(
    () => insisting(work),
    () => insisting(work),
  );
  queues.set(profileId, mine);
  try {
    return await mine;
  } finally {
    if (queues.get(profileId) === mine) queues.delete(profileId);
  }
}

async function insisting<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1, pauseMs = 500; ; attempt++, pauseMs *= 2) {
    try {
      return await work();
    } catch (error) {
      if (!isHttpError(error) || error.status !== 409 || attempt === ATTEMPTS) throw error;
      await currentClock().sleep(pauseMs);
    }
  }
}

async function ensureIdentity(inputs: TrustedProfileIdentityInputs): Promise<TrustedProfileIdentityOutputs> {
  const session = currentSession();
  const { profileId, type, identifier, accounts, description } = wanted(inputs);
  const hash = hashOf({ ...wanted(inputs), mark: inputs.mark }, REPLACING);
  const look = (): Promise<ProfileIdentity | undefined> => getIdentity(session, profileId, type, identifier);
  const body = compact({ type, identifier, accounts, description });
  const { object: identity, found } = await createOnce<ProfileIdentity>({
    what: `${type} ${identifier} of trusted profile ${profileId}`,
    create: () => onceParentIsVisible(() => alone(profileId, () => addIdentity(session, profileId, body))),
    // Adding one that is there already would overwrite it.
    lookFirst: true,
    find: look,
    isOurs: (other, unanswered) => unanswered || endsWithHash(other.description, hash),
    adopt: inputs.adopt === true,
    describe: (other) =>
      `the identity ${other.iamId ?? other.identifier}, described as ${show(other.description ?? "")},`,
  });
  const outputs = outputsOf(identity, profileId);
  if (!found) return outputs;
  return syncFound({ id: `${profileId}|${type}|${identifier}`, outputs }, () => syncIdentity(outputs, inputs));
}

/** One identity, and the set that it is in. */
interface Seen {
  readonly outputs: TrustedProfileIdentityOutputs;
  readonly set: ProfileIdentities;
}

/** IAM changes an identity only by replacing the whole set, so the others are sent along as they are. */
async function syncIdentity(
  known: TrustedProfileIdentityOutputs,
  inputs: TrustedProfileIdentityInputs,
): Promise<TrustedProfileIdentityOutputs> {
  const session = currentSession();
  const { profileId, type, identifier, accounts, description } = wanted(inputs);
  const isIt = (other: ProfileIdentity): boolean => other.type === type && other.identifier === identifier;
  let latest: Seen | undefined;
  const seen = (set: ProfileIdentities | undefined): Seen | undefined => {
    const identity = set?.identities.find(isIt);
    return (latest = set && identity && { outputs: outputsOf(identity, profileId), set });
  };
  const what = `${type} ${identifier} of trusted profile ${profileId}`;
  const sync = (): Promise<Seen> =>
    syncOwned<Seen>({
      what,
      fields: trustedProfileIdentityFields,
      known: { ...known },
      // The tag is that of the whole profile, which others move: it is read anew for each change.
      knownTag: "",
      wanted: { profileId, type, identifier, accounts, description },
      observe: async () => seen(await getIdentities(session, profileId)),
      propertiesOf: ({ outputs }) => ({ ...outputs }),
      tagOf: ({ set }) => set.entityTag,
      send: async (tag) => {
        const bodies = (latest?.set.identities ?? []).map((other) => {
          const { identifier: id, type: kind, ...rest } = other;
          const wish = isIt(other)
            ? { accounts, description }
            : { accounts: rest.accounts, description: rest.description };
          return compact({ identifier: id, type: kind, ...wish });
        });
        const live = seen(await replaceIdentities(session, profileId, tag, bodies));
        if (live === undefined) throw goneError(what);
        return live;
      },
    });
  return (await alone(profileId, sync)).outputs;
}

function outputsOf(identity: ProfileIdentity, profileId: string): TrustedProfileIdentityOutputs {
  const { type, identifier, iamId, accounts, description } = identity;
  return compact({ profileId, type, identifier, iamId, accounts, description });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: trustedProfileIdentityRule,
  outputs: ["profileId", "type", "identifier", "iamId", "accounts", "description"],
};

/**
 * A user, service ID or service that may become a trusted profile. Its resource id is
 * `<profile id>|<type>|<identifier>`.
 *
 * @example
 * new TrustedProfileIdentity("alice", { profileId: profile.id, type: "user", identifier: "IBMid-270000ABCD" });
 *
 * @example
 * new TrustedProfileIdentity("deployer", {
 *   profileId: profile.id,
 *   type: "serviceid",
 *   identifier: serviceId.id,
 *   description: "Deploys the shop",
 * });
 */
export class TrustedProfileIdentity extends VpcIdentityResource {
  /** The profile (`Profile-<uuid>`). */
  declare readonly profileId: pulumi.Output<string>;
  /** `user`, `serviceid` or `crn`. */
  declare readonly type: pulumi.Output<IdentityType>;
  /** IAM id of the user, id of the service ID, or CRN. */
  declare readonly identifier: pulumi.Output<string>;
  /** IAM id of the identity. */
  declare readonly iamId: pulumi.Output<string | undefined>;
  /** Accounts in which a user may become the profile, if they were chosen. */
  declare readonly accounts: pulumi.Output<string[] | undefined>;
  /** Description, if there is one. */
  declare readonly description: pulumi.Output<string | undefined>;

  /**
   * Adds an identity to a profile.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: TrustedProfileIdentityArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Reads an identity that exists, without managing it. `id` is `<profile id>|<type>|<identifier>`. */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    options?: pulumi.CustomResourceOptions,
  ): TrustedProfileIdentity {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new TrustedProfileIdentity(name, {} as TrustedProfileIdentityArgs, { ...options, id });
  }
}
