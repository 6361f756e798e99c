/**
 * Looks a subnet up that somebody else manages.
 *
 * Sources: IBM Cloud VPC API, "Retrieve a subnet", "List all subnets".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Subnet, getSubnet as readSubnet, listSubnets } from "../../client/vpc-networks";
import { object } from "../../core/validate";
import { compact } from "../diff";
import { assertValid } from "../preflight";
import { REFERENCE, idIn, nameRule } from "../references";
import { findOne, notFound } from "./find-one";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Which subnet to look up: by id, or by name and perhaps its VPC. */
export interface GetSubnetArgs {
  /**
   * Its id or CRN.
   * @default - `name` is given
   */
  readonly subnetId?: string;
  /**
   * Its name, unique in its VPC.
   * @default - `subnetId` is given
   */
  readonly name?: string;
  /**
   * Its VPC (id or CRN), beside `name`.
   * @default - any VPC of the region, if only one of them has a subnet of this name
   */
  readonly vpcId?: string;
}

/** A subnet. */
export interface SubnetResult extends Omit<Subnet, "id"> {
  /** Id of the subnet. */
  readonly subnetId: string;
}

const rule = object({
  fields: { subnetId: REFERENCE, name: nameRule, vpcId: REFERENCE },
  exactlyOne: [["subnetId", "name"]],
  atMostOne: [["subnetId", "vpcId"]],
});

/**
 * Looks a subnet up.
 * @throws VpcIdentityError `IBMID_NOT_FOUND` when there is none, `IBMID_AMBIGUOUS` when several VPCs have one of this name
 * @example
 * const { subnetId, zone } = await getSubnet({ name: "front", vpcId });
 */
export async function getSubnet(args: GetSubnetArgs, options?: LookupOptions): Promise<SubnetResult> {
  assertValid("getSubnet", rule, args);
  const session = programSession(options);
  const { subnetId, name, vpcId } = args;
  if (subnetId === undefined) {
    const all = listSubnets(session, { vpcId: vpcId === undefined ? undefined : idIn(vpcId) });
    const sought = `named "${name ?? ""}"${vpcId === undefined ? "" : ` of VPC "${vpcId}"`}`;
    return resultOf(
      await findOne(session, { noun: "subnet", sought, name, all, fits: (subnet) => subnet.name === name }),
    );
  }
  const subnet = await readSubnet(session, idIn(subnetId));
  if (subnet === undefined) throw notFound(session, `subnet "${subnetId}"`);
  return resultOf(subnet);
}

/** The Output form of `getSubnet`. */
export function getSubnetOutput(
  args: LookupInput<GetSubnetArgs>,
  options?: LookupOptions,
): pulumi.Output<SubnetResult> {
  return whenKnown(args, (known) => getSubnet(known, options));
}

function resultOf({ id, ...subnet }: Subnet): SubnetResult {
  return compact({ subnetId: id, ...subnet });
}
