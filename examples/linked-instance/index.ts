// A VPC server with an identity in place of a secret: trusted profile, policy, linked server, and user data that turns
// the server's identity into an IAM token and a certificate.
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { LinkedInstance } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const { vpcId, subnetId, zone, imageId, sshKeyIds, policies, trustRootsPem } = settings();

const app = new LinkedInstance("app", {
  vpcId,
  subnetId,
  zone,
  imageId,
  instanceProfile: config.get("instanceProfile") ?? "bx2-2x8",
  sshKeyIds,
  trustedProfile: {
    // "none" shows what the server may do without any policy: prove who it is, and nothing else.
    policies: policies === "operator" ? [{ roles: ["Operator"], service: "is" }] : [],
  },
  metadataService: { protocol: "http", responseHopLimit: 1 },
  bootstrap: {
    iamTokens: [{ name: "default" }],
    certificate: { keySize: 2048, subject: { O: "Example" } },
    // The service returns no root: without one, the server checks the chain up to its last intermediate.
    ...(trustRootsPem ? { trustRootsPem } : {}),
  },
});

export const profileId = app.profileId;
export const profileIamId = app.profileIamId;
export const profileCrn = app.profileCrn;
export const instanceId = app.instanceId;
export const instanceCrn = app.instanceCrn;
export const primaryIp = app.primaryIp;
export const userDataSha256 = app.userDataSha256;

/** Reads the stack configuration and reports everything that is missing or wrong at once. */
function settings() {
  const problems: string[] = [];
  const required = (key: string, example: string): string => {
    const value = config.get(key);
    if (!value) problems.push(`  pulumi config set ${key} ${example}`);
    return value ?? "";
  };
  const policies = config.get("policies") ?? "operator";
  if (policies !== "operator" && policies !== "none") {
    problems.push(`  pulumi config set policies operator   (it is "${policies}"; "operator" and "none" are allowed)`);
  }
  const trustRootsFile = config.get("trustRootsFile");
  let trustRootsPem: string | undefined;
  try {
    trustRootsPem = trustRootsFile ? readFileSync(trustRootsFile, "utf8") : undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push(`  pulumi config set trustRootsFile roots.pem   (${reason})`);
  }
  const values = {
    vpcId: required("vpcId", "r006-..."),
    subnetId: required("subnetId", "0717-..."),
    zone: required("zone", "us-south-1"),
    imageId: required("imageId", "r006-..."),
    // One id or several, separated by commas; a JSON list does as well.
    sshKeyIds: list(required("sshKeyIds", "r006-...")),
    policies,
    trustRootsPem,
  };
  const { sshKeyIds = [] } = values;
  if (values.sshKeyIds === undefined) {
    problems.push(
      `  pulumi config set sshKeyIds r006-...   (it begins like a JSON list, but is no JSON list of texts)`,
    );
  }
  if (problems.length > 0) {
    throw new pulumi.RunError(`The stack configuration is not usable. Please set:\n${problems.join("\n")}`);
  }
  return { ...values, sshKeyIds };
}

function list(text: string): string[] | undefined {
  if (!text.trim().startsWith("[")) {
    return text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  }
  try {
    const items: unknown[] = JSON.parse(text);
    return items.every((item): item is string => typeof item === "string") ? items : undefined;
  } catch {
    return undefined;
  }
}
