/** Instance identity tokens: made for one server, and what IAM learns from them. */
import type { ComputeResource } from "../iam/linked";
import { signJwt, verifyJwt } from "../jwt";
import { find } from "../table";
import { accountIdOf, type World } from "../world";
import { findServer } from "../vpc/servers";
import type { Server } from "../vpc/store";

/** What the issuer and the audience of a server's tokens are called. */
const issuerOf = (world: World, server: Server): string =>
  `${server.kind === "instance" ? "VSI" : "BMS"}-CR_${world.state.account.region}`;

export const identityKeyId = (world: World, issuer: string): string => `${issuer}_${world.keys.identity.id}`;

export const identityIssuers = (world: World): string[] =>
  ["VSI", "BMS"].map((type) => `${type}-CR_${world.state.account.region}`);

/** Signs an identity token that lives from `createdAtMs` on. */
export function issueIdentityToken(
  world: World,
  server: Server,
  createdAtMs: number,
  expiresInSeconds: number,
  nonce: string | undefined,
): string {
  const { vpcs, subnets, reservedIps } = world.state.vpc;
  const issuer = issuerOf(world, server);
  const short = (row: { crn: string; name: string; id: string } | undefined) =>
    row === undefined ? {} : { crn: row.crn, name: row.name, id: row.id };
  const [primary] = server.nics;
  const iat = Math.floor(createdAtMs / 1000);
  const claims = {
    aud: [issuer],
    iss: issuer,
    iat,
    exp: iat + expiresInSeconds,
    iaas: {
      crn: server.crn,
      accountID: accountIdOf(world),
      instanceID: server.id,
      zone: server.zone,
      region: world.state.account.region,
      profile_name: server.profile,
      resource_group_id: server.resource_group,
    },
    // Only the primary interface: with more of them the token would outgrow its 2000 characters.
    ip_addresses: [{ address: find(reservedIps, primary?.reserved_ip ?? "")?.address ?? "" }],
    subnets: [short(find(subnets, primary?.subnet ?? ""))],
    vpc: short(find(vpcs, server.vpc)),
    ...(nonce === undefined ? {} : { nonce }),
  };
  return signJwt(claims, world.keys.identity, identityKeyId(world, issuer));
}

/** The compute resource behind a valid identity token. */
export function resourceOfIdentityToken(world: World, token: string): ComputeResource | undefined {
  const claims = verifyJwt(token, world.keys.identity);
  const expires = claims?.exp;
  if (typeof expires !== "number" || expires * 1000 <= world.clock.now()) return undefined;
  const id = (claims?.iaas as { instanceID?: unknown } | undefined)?.instanceID;
  const server = typeof id === "string" ? findServer(world, id) : undefined;
  return server === undefined ? undefined : computeResource(world, server);
}

/** A server as IAM sees it: its CRN and the claims that rules can ask for. */
export function computeResource(world: World, server: Server): ComputeResource {
  const isInstance = server.kind === "instance";
  const group = find(world.state.account.resourceGroups, server.resource_group);
  return {
    crn: server.crn,
    crType: isInstance ? "VSI" : "BMS",
    accountId: accountIdOf(world),
    claims: {
      resource_group_id: server.resource_group,
      resource_group_name: group?.name,
      resource: server.id,
      region: world.state.account.region,
      subnet_id: server.nics[0]?.subnet,
      vpc_id: server.vpc,
      zone: server.zone,
      ...(isInstance
        ? { instance_group_name: find(world.state.vpc.instanceGroups, server.instance_group ?? "")?.name }
        : {}),
    },
  };
}
