/**
 * A link: one compute resource that may become a trusted profile, whatever claim rules say.
 *
 * Sources: IBM Cloud IAM Identity Services API, "Create link to a trusted profile".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type ComputeResourceType,
  type LinkTarget,
  type ProfileLink,
  createLink,
  deleteLink,
  getLink,
  listLinks,
} from "../client/iam-identity";
import { VpcIdentityError } from "../core/errors";
import {
  CRN,
  type ObjectRule,
  type Problem,
  type Rule,
  UNKNOWN_SENTINEL,
  flag,
  isKnown,
  isRecord,
  object,
  oneOf,
  show,
  text,
} from "../core/validate";
import { currentSession } from "./connection";
import { createOnce, goneError, inTheWay, onceParentIsVisible } from "./converge";
import { type FieldTable, compact, onlyFields, replacingFields, sameValue } from "./diff";
import { type Internal, handlerFor } from "./handler";
import { endsWithHash, hashOf, keptName } from "./naming";
import { pairOf } from "./pair-id";
import { accountIn } from "./place";
import { profileIdOf, profileRule } from "./references";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** A server: virtual (`VSI`), bare metal (`BMS`) or Power (`PVS`). */
export interface ServerLink {
  /** Type of the server. */
  readonly crType: "VSI" | "BMS" | "PVS";
  /** The server. */
  readonly link: pulumi.Input<{
    /** CRN of the server. */
    readonly crn: pulumi.Input<string>;
  }>;
}

/** A service account of a Kubernetes (`IKS_SA`) or OpenShift (`ROKS_SA`) cluster. */
export interface ServiceAccountLink {
  /** Type of the cluster. */
  readonly crType: "IKS_SA" | "ROKS_SA";
  /** The service account. */
  readonly link: pulumi.Input<{
    /** CRN of the cluster. */
    readonly crn: pulumi.Input<string>;
    /** Namespace of the service account. */
    readonly namespace: pulumi.Input<string>;
    /** Name of the service account. */
    readonly name: pulumi.Input<string>;
  }>;
}

/** A component of a Code Engine project. */
export interface CodeEngineLink {
  /** Always "CE". */
  readonly crType: "CE";
  /** The component. */
  readonly link: pulumi.Input<{
    /** CRN of the Code Engine project. */
    readonly crn: pulumi.Input<string>;
    /** Type of the component, such as "application", "job" or "function". */
    readonly componentType: pulumi.Input<string>;
    /** Name of the component. */
    readonly componentName: pulumi.Input<string>;
  }>;
}

/** What all links have. A change of any of it makes another link. */
export interface LinkCommon {
  /** The trusted profile: its id (`Profile-<uuid>`), its IAM id or its CRN. */
  readonly profileId: pulumi.Input<string>;
  /**
   * Name of the link, 1 to 255 characters.
   * @default - the resource's name and a hash, by which a repeated create finds its link
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Whether the compute resource may be in another account than the profile.
   * @default false
   */
  readonly isCrossAccount?: pulumi.Input<boolean>;
  /**
   * Take over a link to the same compute resource that exists already, such as the one that IBM Cloud made for the server's
   * default trusted profile, instead of failing. It is deleted with the stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** Arguments of a link; `crType` decides what `link` has to say. */
export type TrustedProfileLinkArgs = LinkCommon & (ServerLink | ServiceAccountLink | CodeEngineLink);

/** What `check` makes of the arguments. */
export interface TrustedProfileLinkInputs extends Internal {
  readonly profileId: string;
  readonly crType: ComputeResourceType;
  readonly link: LinkTarget;
  readonly name: string;
  readonly isCrossAccount?: boolean | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a link: what IAM answered last. */
export interface TrustedProfileLinkOutputs {
  readonly profileId: string;
  readonly crType: string;
  readonly link: LinkTarget;
  readonly name?: string | undefined;
  readonly isCrossAccount: boolean;
  readonly entityTag: string;
  readonly createdAt?: string | undefined;
  readonly modifiedAt?: string | undefined;
}

/** The compute resource types of IAM, and what each needs in `link` beside the CRN. */
const PARTS: Readonly<Record<ComputeResourceType, readonly (keyof LinkTarget)[]>> = {
  VSI: [],
  BMS: [],
  PVS: [],
  IKS_SA: ["namespace", "name"],
  ROKS_SA: ["namespace", "name"],
  CE: ["componentType", "componentName"],
};

/** The names of IAM's compute resource types. */
export const COMPUTE_RESOURCE_TYPES = Object.keys(PARTS) as ComputeResourceType[];

const TEXT = text({ max: 1000 });

const targetRule = object({
  fields: {
    crn: text({ pattern: CRN, allowed: "the CRN of a compute resource" }),
    namespace: TEXT,
    name: TEXT,
    componentType: TEXT,
    componentName: TEXT,
  },
  required: ["crn"],
});

/** What is allowed in the arguments of a link. */
export const trustedProfileLinkShape = {
  fields: {
    profileId: profileRule,
    crType: oneOf(...COMPUTE_RESOURCE_TYPES),
    link: targetRule,
    name: text({ max: 255 }),
    isCrossAccount: flag,
    adopt: flag,
  },
  required: ["profileId", "crType", "link"],
  also: partProblems,
} satisfies ObjectRule;

/** Judges the arguments of a link. */
export const trustedProfileLinkRule: Rule = object(trustedProfileLinkShape);

/** IAM refuses a link that says more or less than its type needs, without naming what. */
function partProblems({ crType, link }: Readonly<Record<string, unknown>>, path: string): Problem[] {
  if (typeof crType !== "string" || !Object.hasOwn(PARTS, crType) || !isRecord(link) || !isKnown(link)) return [];
  const needed = PARTS[crType as ComputeResourceType];
  const at = (part: string): string => `${path === "" ? "" : `${path}.`}link.${part}`;
  return (["namespace", "name", "componentType", "componentName"] as const).flatMap((part) => {
    const given = link[part] !== undefined && link[part] !== null;
    if (given === needed.includes(part)) return [];
    const value = isKnown(link[part]) ? show(link[part]) : "given";
    const reason = given
      ? `is ${value}; a link of type ${crType} has none`
      : `is missing; a link of type ${crType} needs it`;
    return [{ property: at(part), reason }];
  });
}

/** What a change of each argument means: IAM has no update of links. */
export const trustedProfileLinkFields: FieldTable = {
  profileId: { change: "replace" },
  crType: { change: "replace" },
  link: { change: "replace" },
  // A name of the user's replaces too; one of ours is only there to be found by, and an adopted link has none.
  name: { change: "ignore" },
  isCrossAccount: { change: "replace" },
};

const REPLACING = replacingFields(trustedProfileLinkFields);
const TYPE = "TrustedProfileLink";

/** Manages links. */
export const handler = handlerFor<TrustedProfileLinkInputs, TrustedProfileLinkOutputs>({
  rule: trustedProfileLinkRule,
  fields: trustedProfileLinkFields,
  wanted,
  complete: (inputs, { given, olds, same, text: marked }) => ({
    ...inputs,
    name: given.name ?? keptName(olds.name, same, marked),
  }),
  alsoReplaces: (olds, inputs) =>
    isKnown(inputs.name) && !isNameOfOurs(inputs) && olds.name !== inputs.name ? ["name"] : [],
  create: async (inputs) => {
    const { profileId } = wanted(inputs);
    const link = await ensureLink(inputs);
    return { id: `${profileId}/${link.id}`, outputs: outputsOf(link, profileId) };
  },
  // Every field replaces, so this only follows what the state keeps beside them.
  update: async (id, olds) => {
    const { profileId, objectId } = pairOf(id, "link");
    const link = await getLink(currentSession(), profileId, objectId);
    if (link === undefined) throw goneError(`link "${olds.name ?? objectId}" of trusted profile ${profileId}`);
    return outputsOf(link, profileId);
  },
  read: async (id) => {
    const { profileId, objectId } = pairOf(id, "link");
    const link = await getLink(currentSession(), profileId, objectId);
    return link === undefined ? undefined : outputsOf(link, profileId);
  },
  // One that is gone went with its server, or with its profile.
  delete: async (id) => {
    const { profileId, objectId } = pairOf(id, "link");
    await deleteLink(currentSession(), profileId, objectId);
  },
  inputsOf: (outputs) => onlyFields(trustedProfileLinkFields, outputs),
  // The compute resource is in the account of the profile, unless the link says otherwise.
  placeOf: ({ link, isCrossAccount }) => ({ accountId: isCrossAccount === false ? accountIn(link?.crn) : undefined }),
  describe: (id) => `trusted profile link "${id}"`,
});

function wanted(inputs: TrustedProfileLinkInputs): Omit<TrustedProfileLinkInputs, "mark"> {
  const { profileId, crType, link, name, isCrossAccount = false } = inputs;
  return { profileId: profileIdOf(profileId) ?? UNKNOWN_SENTINEL, crType, link, name, isCrossAccount };
}

const ownHash = (inputs: TrustedProfileLinkInputs): string =>
  hashOf({ ...wanted(inputs), mark: inputs.mark }, REPLACING);

const isNameOfOurs = (inputs: TrustedProfileLinkInputs): boolean => endsWithHash(inputs.name, ownHash(inputs));

async function ensureLink(inputs: TrustedProfileLinkInputs): Promise<ProfileLink> {
  const session = currentSession();
  const { profileId, crType, link, name, isCrossAccount } = wanted(inputs);
  const hash = ownHash(inputs);
  const what = `link of ${link.crn ?? ""} to trusted profile ${profileId}`;
  const look = async (): Promise<ProfileLink | undefined> => {
    const links = await onceParentIsVisible(() => listLinks(session, profileId));
    return links.find((other) => other.crType === crType && sameValue(other.link, link));
  };
  const { object: made } = await createOnce<ProfileLink>({
    what,
    create: () =>
      onceParentIsVisible(() => createLink(session, profileId, compact({ crType, link, name, isCrossAccount }))),
    find: (error, unanswered) => inTheWay(look, error, unanswered),
    // One with the very name that the user chose, and there only after a create that was not answered, is that create's.
    lookFirst: !isNameOfOurs(inputs),
    isOurs: (other, unanswered) => endsWithHash(other.name, hash) || (unanswered && other.name === name),
    adopt: inputs.adopt === true,
    describe,
  });
  if (!isNameOfOurs(inputs) && made.name !== name) {
    throw new VpcIdentityError(
      `${what} exists already as ${describe(made)}, and IAM cannot change the name of a link. Leave \`name\` out to adopt it.`,
      { code: "IBMID_EXISTS" },
    );
  }
  return made;
}

function describe({ id, name }: ProfileLink): string {
  return name === undefined
    ? `the link ${id} (without a name: IBM Cloud made it with the server)`
    : `the link "${name}" (${id})`;
}

function outputsOf(link: ProfileLink, profileId: string): TrustedProfileLinkOutputs {
  return compact({
    profileId,
    crType: link.crType,
    link: link.link,
    name: link.name,
    isCrossAccount: link.isCrossAccount ?? false,
    entityTag: link.entityTag,
    createdAt: link.createdAt,
    modifiedAt: link.modifiedAt,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: trustedProfileLinkRule,
  outputs: ["profileId", "crType", "link", "name", "isCrossAccount", "entityTag", "createdAt", "modifiedAt"],
};

/**
 * A link of a trusted profile to a compute resource. Its resource id is `<profile id>/<link id>`.
 *
 * IBM Cloud deletes the links to a server together with the server.
 *
 * @example
 * new TrustedProfileLink("app", { profileId: profile.id, crType: "VSI", link: { crn: server.crn } });
 *
 * @example
 * new TrustedProfileLink("backend", {
 *   profileId: profile.id,
 *   crType: "IKS_SA",
 *   link: { crn: cluster.crn, namespace: "shop", name: "backend" },
 * });
 */
export class TrustedProfileLink extends VpcIdentityResource {
  /** The profile (`Profile-<uuid>`). */
  declare readonly profileId: pulumi.Output<string>;
  /** Type of the compute resource. */
  declare readonly crType: pulumi.Output<ComputeResourceType>;
  /** The compute resource. */
  declare readonly link: pulumi.Output<LinkTarget>;
  /** Name of the link, if it has one. */
  declare readonly name: pulumi.Output<string | undefined>;
  /** Whether the compute resource may be in another account. */
  declare readonly isCrossAccount: pulumi.Output<boolean>;
  /** IAM's tag of the version that was last seen. */
  declare readonly entityTag: pulumi.Output<string>;
  /** Time of creation, ISO 8601. */
  declare readonly createdAt: pulumi.Output<string | undefined>;
  /** Time of the last change, ISO 8601. */
  declare readonly modifiedAt: pulumi.Output<string | undefined>;

  /**
   * Creates a link.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: TrustedProfileLinkArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the link in its profile: the second part of `id`, and therefore not stored once more. */
  get linkId(): pulumi.Output<string> {
    return this.id.apply((id) => id.slice(id.indexOf("/") + 1));
  }

  /** Reads a link that exists, without managing it. `id` is `<profile id>/<link id>`. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): TrustedProfileLink {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new TrustedProfileLink(name, {} as TrustedProfileLinkArgs, { ...options, id });
  }
}
