// A bare metal server with an identity: a trusted profile, its policy, and a server that is linked before it boots.
import * as pulumi from "@pulumi/pulumi";
import { LinkedBareMetalServer } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const { zone, subnetId, imageId, sshKeyId } = required({
  zone: "us-south-1",
  subnetId: "0717-...",
  imageId: "r006-...",
  sshKeyId: "r006-...",
});

const db = new LinkedBareMetalServer("db", {
  zone,
  subnetId,
  bareMetalServerProfile: config.get("bareMetalServerProfile") ?? "bx2-metal-96x384",
  imageId,
  sshKeyIds: [sshKeyId],
  trustedProfile: { policies: [{ roles: ["Viewer"], service: "is" }] },
  metadataService: { protocol: config.get("metadataProtocol") === "https" ? "https" : "http" },
  floatingIp: config.getBoolean("floatingIp") ?? false,
});

export const profileId = db.profileId;
export const bareMetalServerId = db.bareMetalServerId;
export const primaryIp = db.primaryIp;
export const floatingIpAddress = db.floatingIpAddress;

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
