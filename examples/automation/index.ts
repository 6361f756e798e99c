// What is deployed: a linked server in a subnet that exists. It is a function, so that deploy.ts can run it inside its own
// process; `pulumi up` runs it as well.
import * as pulumi from "@pulumi/pulumi";
import { LinkedInstance, getImageOutput, getSubnetOutput } from "pulumi-ibm-vpc-identity";

export = async function program(): Promise<Record<string, unknown>> {
  // Read in here: outside of a deployment there is no configuration.
  const config = new pulumi.Config();
  const { subnetId, sshKeyId, role } = settings(config);
  const subnet = getSubnetOutput({ subnetId });
  const image = getImageOutput({
    operatingSystem: config.get("operatingSystem") ?? "debian-12-amd64",
    visibility: "public",
  });
  const app = new LinkedInstance("app", {
    vpcId: subnet.vpcId,
    subnetId,
    zone: subnet.zone,
    imageId: image.imageId,
    instanceProfile: config.get("instanceProfile") ?? "bx2-2x8",
    sshKeyIds: [sshKeyId],
    trustedProfile: { policies: [{ roles: [role], service: "is" }] },
    // A newer image of IBM's is for the next server: this one keeps its own.
    transform: { instance: (args, options) => ({ args, options: { ...options, ignoreChanges: ["imageId"] } }) },
  });
  return { profileId: app.profileId, instanceId: app.instanceId, primaryIp: app.primaryIp };
};

/** Reads the stack configuration and reports everything that is missing or wrong at once. */
function settings(config: pulumi.Config) {
  const problems: string[] = [];
  const required = (key: string, example: string): string => {
    const value = config.get(key);
    if (!value) problems.push(`  ${key}=${example}`);
    return value ?? "";
  };
  const role = config.get("role") ?? "Viewer";
  if (!["Viewer", "Operator", "Editor"].includes(role)) {
    problems.push(`  role=Viewer   (it is "${role}"; "Viewer", "Operator" and "Editor" are allowed)`);
  }
  const values = { subnetId: required("subnetId", "0717-..."), sshKeyId: required("sshKeyId", "r006-..."), role };
  if (problems.length > 0) {
    throw new pulumi.RunError(`The stack configuration is not usable. Please set:\n${problems.join("\n")}`);
  }
  return values;
}
