// VPC servers over several zones that share one identity: a trusted profile, its policy, and in each zone as many linked
// servers as wanted.
import * as pulumi from "@pulumi/pulumi";
import { LinkedInstanceFleet } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const { vpcId, subnets, imageId, sshKeyId } = required({
  vpcId: "r006-...",
  subnets: "us-south-1=0717-...,us-south-2=0727-...",
  imageId: "r006-...",
  sshKeyId: "r006-...",
});

const web = new LinkedInstanceFleet("web", {
  vpcId,
  zones: subnets.split(",").map((text) => {
    const [zone = "", subnetId = ""] = text.split("=");
    return { zone, subnetId };
  }),
  countPerZone: config.getNumber("countPerZone") ?? 1,
  imageId,
  instanceProfile: config.get("instanceProfile") ?? "bx2-2x8",
  sshKeyIds: [sshKeyId],
  trustedProfile: { policies: [{ roles: ["Viewer"], service: "is" }] },
  floatingIps: config.getBoolean("floatingIps") ?? false,
});

export const profileId = web.profileId;
export const instanceIds = web.instanceIds;
export const primaryIps = web.primaryIps;
export const floatingIpAddresses = web.floatingIpAddresses;

/** Reads texts from the stack configuration, and says all that are missing at once. */
function required<Key extends string>(examples: Record<Key, string>): Record<Key, string> {
  const keys = Object.keys(examples) as Key[];
  const missing = keys.filter((key) => !config.get(key));
  if (missing.length > 0) {
    const lines = missing.map((key) => `  pulumi config set ${key} ${examples[key]}`);
    throw new pulumi.RunError(`The stack configuration is not complete. Please set:\n${lines.join("\n")}`);
  }
  return Object.fromEntries(keys.map((key) => [key, config.require(key)])) as Record<Key, string>;
}
