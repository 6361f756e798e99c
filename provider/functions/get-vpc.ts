/**
 * Looks a VPC up that somebody else manages.
 *
 * Sources: IBM Cloud VPC API, "Retrieve a VPC", "List all VPCs".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Vpc, getVpc as readVpc, listVpcs } from "../../client/vpc-networks";
import { object } from "../../core/validate";
import { compact } from "../diff";
import { assertValid } from "../preflight";
import { REFERENCE, idIn, nameRule } from "../references";
import { findOne, notFound } from "./find-one";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Which VPC to look up: by id or by name, one of them. */
export interface GetVpcArgs {
  /**
   * Its id or CRN.
   * @default - `name` is given
   */
  readonly vpcId?: string;
  /**
   * Its name, unique in the region.
   * @default - `vpcId` is given
   */
  readonly name?: string;
}

/** A VPC. */
export interface VpcResult extends Omit<Vpc, "id" | "etag"> {
  /** Id of the VPC. */
  readonly vpcId: string;
}

const rule = object({ fields: { vpcId: REFERENCE, name: nameRule }, exactlyOne: [["vpcId", "name"]] });

/**
 * Looks a VPC up.
 * @throws VpcIdentityError `IBMID_NOT_FOUND` when there is none
 * @example
 * const { vpcId, defaultSecurityGroupId } = await getVpc({ name: "shop" });
 */
export async function getVpc(args: GetVpcArgs, options?: LookupOptions): Promise<VpcResult> {
  assertValid("getVpc", rule, args);
  const session = programSession(options);
  const { vpcId, name } = args;
  if (vpcId === undefined) {
    const sought = `named "${name ?? ""}"`;
    return resultOf(
      await findOne(session, { noun: "VPC", sought, name, all: listVpcs(session), fits: (vpc) => vpc.name === name }),
    );
  }
  const vpc = await readVpc(session, idIn(vpcId));
  if (vpc === undefined) throw notFound(session, `VPC "${vpcId}"`);
  return resultOf(vpc);
}

/** The Output form of `getVpc`. */
export function getVpcOutput(args: LookupInput<GetVpcArgs>, options?: LookupOptions): pulumi.Output<VpcResult> {
  return whenKnown(args, (known) => getVpc(known, options));
}

function resultOf({ id, ...vpc }: Vpc): VpcResult {
  return compact({ vpcId: id, ...vpc, etag: undefined });
}
