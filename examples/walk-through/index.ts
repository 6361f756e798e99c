// IBM's walk-through of instance identity with one `pulumi up`, from an empty account: a trusted profile that is Operator of
// VPC services, a VPC with a subnet, an SSH key, a server that becomes the profile, and a floating IP to reach it by.
import * as pulumi from "@pulumi/pulumi";
import { FloatingIp, LinkedInstance, SshKey, Subnet, Vpc, getImageOutput } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const { zone, sshPublicKey, responseHopLimit } = settings();

const network = new Vpc("walk-through");
const subnet = new Subnet("walk-through", { vpcId: network.id, zone, totalIpv4AddressCount: 256 });
const key = new SshKey("walk-through", { publicKey: sshPublicKey });
// The newest of IBM's images of this operating system.
const image = getImageOutput({
  operatingSystem: config.get("operatingSystem") ?? "debian-12-amd64",
  visibility: "public",
});

const server = new LinkedInstance("walk-through", {
  vpcId: network.id,
  subnetId: subnet.id,
  zone,
  imageId: image.imageId,
  instanceProfile: config.get("instanceProfile") ?? "bx2-2x8",
  sshKeyIds: [key.id],
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
  metadataService: { protocol: "http", responseHopLimit },
  bootstrap: { iamTokens: [{ name: "default" }] },
  // A newer image of IBM's is for the next server: this one keeps its own.
  transform: { instance: (args, options) => ({ args, options: { ...options, ignoreChanges: ["imageId"] } }) },
});
const ip = new FloatingIp("walk-through", { instanceId: server.instanceId });

export const profileId = server.profileId;
export const profileIamId = server.profileIamId;
export const vpcId = network.id;
export const subnetId = subnet.id;
export const sshKeyFingerprint = key.fingerprint;
export const instanceId = server.instanceId;
export const instanceCrn = server.instanceCrn;
export const primaryIp = server.primaryIp;
export const address = ip.address;

/** Reads the stack configuration and reports everything that is missing or wrong at once. */
function settings() {
  const problems: string[] = [];
  const required = (key: string, example: string): string => {
    const value = config.get(key);
    if (!value) problems.push(`  pulumi config set ${key} ${example}`);
    return value ?? "";
  };
  const hops = Number(config.get("responseHopLimit") ?? "1");
  if (!Number.isInteger(hops) || hops < 1 || hops > 64) {
    problems.push(
      `  pulumi config set responseHopLimit 1   (it is "${config.get("responseHopLimit")}"; 1 to 64 are allowed)`,
    );
  }
  const values = {
    zone: required("zone", "us-south-1"),
    sshPublicKey: required("sshPublicKey", '"$(cat ~/.ssh/id_ed25519.pub)"'),
    responseHopLimit: hops,
  };
  if (problems.length > 0) {
    throw new pulumi.RunError(`The stack configuration is not usable. Please set:\n${problems.join("\n")}`);
  }
  return values;
}
