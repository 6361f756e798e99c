// Network and server by @pulumi/ibm, identity by pulumi-ibm-vpc-identity: the trusted profile and its policy are ours, and
// the server gets the four properties that give it the identity.
import * as ibm from "@pulumi/ibm";
import * as pulumi from "@pulumi/pulumi";
import { AccessPolicy, TrustedProfile, ibmInstanceArgs } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const { zone, imageId, sshPublicKey } = required({
  zone: "us-south-1",
  imageId: "r006-...",
  sshPublicKey: '"$(cat ~/.ssh/id_ed25519.pub)"',
});

const vpc = new ibm.IsVpc("app", { name: "app" });
const subnet = new ibm.IsSubnet("app", { name: "app", vpc: vpc.id, zone, totalIpv4AddressCount: 256 });
const type = sshPublicKey.startsWith("ssh-ed25519") ? "ed25519" : "rsa";
const key = new ibm.IsSshKey("app", { name: "app", publicKey: sshPublicKey, type });

const profile = new TrustedProfile("app");
const policy = new AccessPolicy("app", { profileId: profile.id, roles: ["Viewer"], service: "is" });

const server = new ibm.IsInstance(
  "app",
  {
    name: "app",
    vpc: vpc.id,
    zone,
    image: imageId,
    profile: config.get("instanceProfile") ?? "bx2-2x8",
    keys: [key.id],
    primaryNetworkInterface: { subnet: subnet.id },
    ...ibmInstanceArgs({
      trustedProfile: { id: profile.id },
      metadataService: { responseHopLimit: config.getNumber("responseHopLimit") ?? 1 },
      bootstrap: { iamTokens: [{ name: "default" }], certificate: { subject: { O: "Example" } } },
    }),
  },
  // The first boot then finds everything it asks for as early as IAM allows.
  { dependsOn: policy },
);

export const profileId = profile.id;
export const instanceId = server.id;

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
