/**
 * Looks a server up that somebody else manages, with the trusted profile it was created with.
 *
 * Sources: IBM Cloud VPC API, "Retrieve an instance", "List all instances", "Retrieve initialization configuration".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Session } from "../../client/session";
import {
  type Initialization,
  type Instance,
  getInitialization,
  getInstance as readInstance,
  listInstances,
} from "../../client/vpc";
import { object } from "../../core/validate";
import { compact } from "../diff";
import { assertValid } from "../preflight";
import { REFERENCE, idIn, nameRule } from "../references";
import { findOne, notFound } from "./find-one";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Which server to look up: by id or by name, one of them. */
export interface GetInstanceArgs {
  /**
   * Its id or CRN.
   * @default - `name` is given
   */
  readonly instanceId?: string;
  /**
   * Its name, unique in the region.
   * @default - `instanceId` is given
   */
  readonly name?: string;
}

/** A server. */
export interface InstanceResult extends Omit<Instance, "id" | "href" | "etag" | "profile"> {
  /** Id of the server. */
  readonly instanceId: string;
  /** Its size, such as "bx2-2x8". */
  readonly instanceProfile: string;
  /** Trusted profile it was created with, if any. What became of the link since, `getInstanceIdentity` tells. */
  readonly defaultTrustedProfile?: { readonly target: string; readonly crn: string; readonly autoLink: boolean };
  /** Ids of the SSH keys it was created with. */
  readonly sshKeyIds: string[];
}

const rule = object({ fields: { instanceId: REFERENCE, name: nameRule }, exactlyOne: [["instanceId", "name"]] });

/**
 * Looks a server up.
 * @throws VpcIdentityError `IBMID_NOT_FOUND` when there is none
 * @example
 * const { instanceId, defaultTrustedProfile } = await getInstance({ name: "shop" });
 */
export async function getInstance(args: GetInstanceArgs, options?: LookupOptions): Promise<InstanceResult> {
  assertValid("getInstance", rule, args);
  const session = programSession(options);
  const instance = await findInstance(session, args);
  const initialization = await getInitialization(session, instance.id);
  return resultOf(instance, initialization);
}

/** The Output form of `getInstance`. */
export function getInstanceOutput(
  args: LookupInput<GetInstanceArgs>,
  options?: LookupOptions,
): pulumi.Output<InstanceResult> {
  return whenKnown(args, (known) => getInstance(known, options));
}

/** The server that is looked for. @throws VpcIdentityError `IBMID_NOT_FOUND` */
export async function findInstance(session: Session, { instanceId, name }: GetInstanceArgs): Promise<Instance> {
  if (instanceId !== undefined) {
    const instance = await readInstance(session, idIn(instanceId));
    if (instance === undefined) throw notFound(session, `server "${instanceId}"`);
    return instance;
  }
  // The API finds a name at once; only names that are near take a look at all.
  for await (const instance of listInstances(session, { name })) if (instance.name === name) return instance;
  const sought = `named "${name ?? ""}"`;
  return findOne(session, { noun: "server", sought, name, all: listInstances(session), fits: () => false });
}

function resultOf(
  { id, profile, ...instance }: Instance,
  { defaultTrustedProfile, keyIds = [] }: Partial<Initialization> = {},
): InstanceResult {
  return compact({
    instanceId: id,
    instanceProfile: profile,
    ...instance,
    ...(defaultTrustedProfile === undefined
      ? {}
      : {
          defaultTrustedProfile: {
            target: defaultTrustedProfile.target.id,
            crn: defaultTrustedProfile.target.crn,
            autoLink: defaultTrustedProfile.autoLink,
          },
        }),
    sshKeyIds: keyIds,
    href: undefined,
    etag: undefined,
  });
}
