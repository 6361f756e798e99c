// An instance group whose servers have an identity: a trusted profile, its policy, a claim rule that lets the group's servers
// in, a template and the group.
import * as pulumi from "@pulumi/pulumi";
import { LinkedInstanceGroup } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const { vpcId, zone, subnetIds, imageId, sshKeyId } = required({
  vpcId: "r006-...",
  zone: "us-south-1",
  subnetIds: "0717-...,0727-...",
  imageId: "r006-...",
  sshKeyId: "r006-...",
});

const web = new LinkedInstanceGroup("web", {
  vpcId,
  zone,
  subnetIds: subnetIds.split(","),
  membershipCount: config.getNumber("membershipCount") ?? 2,
  imageId,
  instanceProfile: config.get("instanceProfile") ?? "bx2-2x8",
  sshKeyIds: [sshKeyId],
  trustedProfile: { policies: [{ roles: ["Viewer"], service: "is" }] },
});

export const profileId = web.profileId;
export const claimRuleId = web.claimRuleId;
export const instanceGroupId = web.instanceGroupId;
export const instanceGroupName = web.instanceGroupName;

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
