/** The network that every emulator starts with: one VPC with a subnet in each zone, stock images and an SSH key. */
import { createHash } from "node:crypto";
import { stableUuid } from "../ids";
import type { World } from "../world";
import { makeImage, STOCK_OPERATING_SYSTEMS } from "./images";
import { makeKey, parsePublicKey } from "./keys";
import { zonesOf } from "./references";
import type { VpcState } from "./store";
import { makeSubnet } from "./subnets";
import { freeCidr, makeVpc } from "./vpcs";

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

export function seedVpc(world: World): void {
  const resourceGroup = Object.keys(world.state.account.resourceGroups)[0] ?? "";
  const vpc = makeVpc(world, { id: `r006-${stableUuid("vpc")}`, name: "emulator-vpc", resourceGroup });
  zonesOf(world).forEach((zone, index) => {
    const cidr = freeCidr(world, vpc, zone, 256) ?? "";
    const name = `emulator-subnet-${index + 1}`;
    makeSubnet(world, { id: `0717-${stableUuid(name)}`, name, vpc, zone, cidr, resourceGroup });
  });
  for (const operatingSystem of STOCK_OPERATING_SYSTEMS) {
    const name = `ibm-${operatingSystem.replace(/-amd64$/, "-minimal-amd64-1")}`;
    makeImage(world, { id: `r006-${stableUuid(name)}`, name, operatingSystem, resourceGroup, stock: true });
  }
  const publicKey = seededPublicKey();
  const parsed = parsePublicKey(publicKey);
  if (parsed !== undefined) {
    makeKey(world, { id: `r006-${stableUuid("key")}`, name: "emulator-key", publicKey, parsed, resourceGroup });
  }
}

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
