/** How VPC objects point at each other: references with CRN, href, id and name. */
import { accountIdOf, type World } from "../world";
import { find, type Table } from "../table";

export const href = (world: World, path: string): string => `${world.url}/v1/${path}`;

/** `crn:v1:bluemix:public:is:<region or zone>:a/<account>::<type>:<id>`. */
export function crnOf(world: World, place: string, type: string, id: string): string {
  return `crn:v1:bluemix:public:is:${place}:a/${accountIdOf(world)}::${type}:${id}`;
}

/** A reference by path; `resource_type` where IBM gives one. */
export function reference(
  world: World,
  path: string,
  row: { id: string; name: string; crn?: string },
  resourceType?: string,
): Record<string, string> {
  return {
    ...(row.crn === undefined ? {} : { crn: row.crn }),
    href: href(world, `${path}/${row.id}`),
    id: row.id,
    name: row.name,
    ...(resourceType === undefined ? {} : { resource_type: resourceType }),
  };
}

/** A reference by id; what is gone still has its id. */
export function referenceById(
  world: World,
  path: string,
  table: Table<{ id: string; name: string; crn?: string }>,
  id: string,
  resourceType?: string,
): Record<string, string> {
  return reference(world, path, find(table, id) ?? { id, name: id }, resourceType);
}

export function groupReference(world: World, id: string): object {
  const group = find(world.state.account.resourceGroups, id);
  return {
    href: `https://resource-controller.cloud.ibm.com/v2/resource_groups/${id}`,
    id,
    name: group?.name ?? id,
  };
}

export function zoneReference(world: World, zone: string): object {
  return { href: href(world, `regions/${world.state.account.region}/zones/${zone}`), name: zone };
}

export const zonesOf = (world: World): string[] => [1, 2, 3].map((zone) => `${world.state.account.region}-${zone}`);

export const vpcReference = (world: World, id: string): object =>
  referenceById(world, "vpcs", world.state.vpc.vpcs, id, "vpc");

export const subnetReference = (world: World, id: string): object =>
  referenceById(world, "subnets", world.state.vpc.subnets, id, "subnet");

export const securityGroupReference = (world: World, id: string): object =>
  referenceById(world, "security_groups", world.state.vpc.securityGroups, id);

export function reservedIpReference(world: World, id: string): object {
  const ip = find(world.state.vpc.reservedIps, id);
  const base = `subnets/${ip?.subnet ?? ""}/reserved_ips`;
  return {
    address: ip?.address ?? "0.0.0.0",
    ...reference(world, base, ip ?? { id, name: id }, "subnet_reserved_ip"),
  };
}
