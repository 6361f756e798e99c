/** The network that an emulator starts with: one VPC with a subnet in each zone, stock images and an SSH key, or what is given. */
import { createHash } from "node:crypto";
import { stableUuid } from "../ids";
import { SeedError } from "../seed-error";
import type { World } from "../world";
import { makeImage, STOCK_OPERATING_SYSTEMS } from "./images";
import { contains, overlaps, parseCidr } from "./ipv4";
import { makeKey, parsePublicKey } from "./keys";
import { zonesOf } from "./references";
import type { Vpc, VpcState } from "./store";
import { makeSubnet } from "./subnets";
import { freeCidr, makeVpc } from "./vpcs";

export const DEFAULT_VPC_NAME = "emulator-vpc";
const DEFAULT_KEY_NAME = "emulator-key";
const DEFAULT_ADDRESSES = 256;

/** Lists that an account starts with; a list that is given takes the place of the default one. */
export interface NetworkSeed {
  /** VPCs. @default one, `emulator-vpc` */
  readonly vpcs?: readonly { readonly name: string }[];
  /** Subnets. @default one in each zone of the first VPC */
  readonly subnets?: readonly SubnetSeed[];
  /** Images. @default IBM's stock images */
  readonly images?: readonly ImageSeed[];
  /** SSH keys. @default one, `emulator-key` */
  readonly keys?: readonly { readonly name: string; readonly publicKey: string }[];
}

export interface SubnetSeed {
  /** Name. */
  readonly name: string;
  /** Name of its VPC. */
  readonly vpc: string;
  /** Such as `us-south-1`. */
  readonly zone: string;
  /** Its network, /9 to /29. @default a free one with that many `addresses` */
  readonly cidr?: string;
  /** Size of its network: a power of 2. @default 256 */
  readonly addresses?: number;
}

export interface ImageSeed {
  /** Name. */
  readonly name: string;
  /** Name of one of the operating systems of the stock images, such as `debian-12-amd64`. */
  readonly operatingSystem: string;
}

export function emptyVpcState(): VpcState {
  return {
    vpcs: {},
    subnets: {},
    reservedIps: {},
    keys: {},
    images: {},
    securityGroups: {},
    networkAcls: {},
    routingTables: {},
    volumes: {},
    floatingIps: {},
    publicGateways: {},
    virtualNetworkInterfaces: {},
    instances: {},
    bareMetalServers: {},
    templates: {},
    instanceGroups: {},
    transitions: [],
    nextFloatingAddress: 0,
  };
}

/** Makes what servers can be put into; the seed has been checked. */
export function seedVpc(world: World, network: NetworkSeed | false = {}): void {
  const resourceGroup = Object.keys(world.state.account.resourceGroups)[0] ?? "";
  const given = network === false ? { vpcs: [], keys: [] } : network;
  const vpcs = (given.vpcs ?? [{ name: DEFAULT_VPC_NAME }]).map(({ name }) => {
    const id = name === DEFAULT_VPC_NAME ? stableUuid("vpc") : stableUuid(`vpc:${name}`);
    return makeVpc(world, { id: `r006-${id}`, name, resourceGroup });
  });
  const [first] = vpcs;
  const oneInEachZone = (vpc: Vpc): SubnetSeed[] =>
    zonesOf(world).map((zone, index) => ({ name: `emulator-subnet-${index + 1}`, vpc: vpc.name, zone }));
  const subnets = given.subnets ?? (first === undefined ? [] : oneInEachZone(first));
  // Those whose network is given come first, so that no other one is put there.
  for (const subnet of [...subnets].sort((a, b) => Number(a.cidr === undefined) - Number(b.cidr === undefined))) {
    const vpc = vpcs.find(({ name }) => name === subnet.vpc);
    if (vpc !== undefined) seedSubnet(world, vpc, subnet, resourceGroup);
  }
  for (const { name, operatingSystem } of given.images ?? stockImages()) {
    makeImage(world, { id: `r006-${stableUuid(name)}`, name, operatingSystem, resourceGroup, stock: true });
  }
  for (const { name, publicKey } of given.keys ?? [{ name: DEFAULT_KEY_NAME, publicKey: seededPublicKey() }]) {
    const parsed = parsePublicKey(publicKey);
    const id = `r006-${stableUuid(name === DEFAULT_KEY_NAME ? "key" : `key:${name}`)}`;
    if (parsed !== undefined) makeKey(world, { id, name, publicKey, parsed, resourceGroup });
  }
}

function seedSubnet(world: World, vpc: Vpc, { name, zone, cidr, addresses }: SubnetSeed, resourceGroup: string): void {
  if (cidr !== undefined) makeRoom(world, vpc, zone, cidr, name);
  const network = cidr ?? freeCidr(world, vpc, zone, addresses ?? DEFAULT_ADDRESSES);
  if (network === undefined) throw new SeedError([`seed.network.subnets: zone ${zone} has no room for '${name}'`]);
  const key = vpc.name === DEFAULT_VPC_NAME ? name : `${vpc.name}:${name}`;
  makeSubnet(world, { id: `0717-${stableUuid(key)}`, name, vpc, zone, cidr: network, resourceGroup });
}

/** A network outside of the address prefixes of its VPC becomes a prefix of its own. */
function makeRoom(world: World, vpc: Vpc, zone: string, cidr: string, name: string): void {
  const block = parseCidr(cidr);
  if (block === undefined) return;
  const near = vpc.prefixes.filter((prefix) => {
    const other = parseCidr(prefix.cidr);
    return other !== undefined && overlaps(other, block);
  });
  const around = near.find((prefix) => prefix.zone === zone && contains(parseCidr(prefix.cidr) ?? block, block));
  if (around !== undefined) return;
  if (near.length > 0) {
    const taken = near.map((prefix) => `${prefix.cidr} of ${prefix.zone}`).join(", ");
    throw new SeedError([`seed.network.subnets: ${cidr} of '${name}' overlaps the address prefixes ${taken}`]);
  }
  const id = `r006-${stableUuid(`prefix:${vpc.name}:${cidr}`)}`;
  vpc.prefixes.push({ id, name: `${name}-prefix`, cidr, zone, is_default: false, created_at: world.clock.iso() });
}

const stockImages = (): ImageSeed[] =>
  STOCK_OPERATING_SYSTEMS.map((operatingSystem) => ({
    name: `ibm-${operatingSystem.replace(/-amd64$/, "-minimal-amd64-1")}`,
    operatingSystem,
  }));

/** A well-formed ED25519 public key, the same in every run; nobody has its private half. */
function seededPublicKey(): string {
  const field = (data: Buffer): Buffer => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(data.length);
    return Buffer.concat([size, data]);
  };
  const point = createHash("sha256").update("emulator-key").digest();
  const blob = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(point)]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}
