/** What a call is about, in the attributes that policies name: known from the path, or for a new object from the body. */
import type { Call } from "../call";
import { isObject, type JsonObject } from "../fields";
import { find, type Table } from "../table";
import type { World } from "../world";
import type { ResourceAttributes } from "./match";

export interface Named {
  readonly id: string;
  readonly name: string;
}

type Rows = Table<Named & { resource_group: string; vpc?: string }>;

/** Route parameters of VPC, the attribute that names the object, and where it is found. */
const VPC_PARAMETERS: Readonly<
  Record<string, readonly [attribute: string, table: (call: Pick<Call, "world">) => Rows]>
> = {
  instance: ["instanceId", (call) => call.world.state.vpc.instances],
  server: ["bareMetalServerId", (call) => call.world.state.vpc.bareMetalServers],
  vpc: ["vpcId", (call) => call.world.state.vpc.vpcs],
  subnet: ["subnetId", (call) => call.world.state.vpc.subnets],
  key: ["keyId", (call) => call.world.state.vpc.keys],
  image: ["imageId", (call) => call.world.state.vpc.images],
  volume: ["volumeId", (call) => call.world.state.vpc.volumes],
  group: ["securityGroupId", (call) => call.world.state.vpc.securityGroups],
  acl: ["networkAclId", (call) => call.world.state.vpc.networkAcls],
  vni: ["virtualNetworkInterfaceId", (call) => call.world.state.vpc.virtualNetworkInterfaces],
  ip: ["floatingIpId", (call) => call.world.state.vpc.floatingIps],
  gateway: ["publicGatewayId", (call) => call.world.state.vpc.publicGateways],
  scaling: ["instanceGroupId", (call) => call.world.state.vpc.instanceGroups],
  template: ["instanceTemplateId", (call) => call.world.state.vpc.templates],
};

/** Route parameters of IAM Identity and the resource types they are. */
const IDENTITY_PARAMETERS: Readonly<Record<string, string>> = {
  profile: "profile",
  service: "serviceid",
  key: "apikey",
};

/** The objects that a parameter of a route can name; undefined for parameters that decide nothing. */
export function objectsOf(world: World, action: string, parameter: string): readonly Named[] | undefined {
  const { profiles, serviceIds, apiKeys } = world.state.iam;
  const identities: Readonly<Record<string, Table<Named>>> = { profile: profiles, service: serviceIds, key: apiKeys };
  const isVpc = action.startsWith("is.");
  const table = isVpc ? VPC_PARAMETERS[parameter]?.[1]({ world }) : identities[parameter];
  return table === undefined ? undefined : Object.values(table);
}

/** As much of a call as tells what it is about. */
type Subject = Pick<Call, "world" | "params" | "body">;

export function resourceAttributes(call: Subject, action: string): ResourceAttributes {
  const [serviceName] = action.split(".");
  return {
    serviceName,
    ...(serviceName === "is"
      ? vpcAttributes(call, action)
      : serviceName === "iam-identity"
        ? identityAttributes(call)
        : {}),
  };
}

function vpcAttributes(call: Subject, action: string): ResourceAttributes {
  const attributes: Record<string, string | undefined> = {
    region: call.world.state.account.region,
    resourceType: action.split(".")[1] ?? "",
  };
  for (const [parameter, [attribute, table]] of Object.entries(VPC_PARAMETERS)) {
    const id = call.params[parameter];
    if (id === undefined) continue;
    attributes[attribute] = id;
    const row = find(table(call), id);
    if (row === undefined) continue;
    attributes.resourceGroupId = row.resource_group;
    if (row.vpc !== undefined) attributes.vpcId = row.vpc;
  }
  attributes.resourceGroupId ??= groupOfBody(call);
  return attributes;
}

/** The group that a new object is going to be in. */
function groupOfBody(call: Subject): string {
  const named = read(read(parse(call), "resource_group"), "id");
  if (typeof named === "string") return named;
  return Object.values(call.world.state.account.resourceGroups).find((group) => group.default)?.id ?? "";
}

function parse(call: Subject): unknown {
  try {
    return JSON.parse(call.body.toString("utf8")) as JsonObject;
  } catch {
    return undefined;
  }
}

const read = (value: unknown, key: string): unknown =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;

function identityAttributes(call: Subject): ResourceAttributes {
  for (const [parameter, resourceType] of Object.entries(IDENTITY_PARAMETERS)) {
    const resource = call.params[parameter];
    if (resource !== undefined) return { resourceType, resource };
  }
  return {};
}
