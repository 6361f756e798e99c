// An identity for servers that were made elsewhere: by another stack, another tool or by hand. Each is linked to one trusted
// profile and gets its metadata service switched on. Nothing else about the servers is touched, and `pulumi destroy` sets
// the service back to how it was.
import * as pulumi from "@pulumi/pulumi";
import {
  InstanceMetadataService,
  WorkloadIdentity,
  bootstrapUserDataOutput,
  getInstanceOutput,
} from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const { serverIds, responseHopLimit, restartToApply } = settings();

const identity = new WorkloadIdentity("servers", {
  trustedProfile: { policies: [{ roles: ["Viewer"], service: "is" }] },
  links: Object.fromEntries(
    serverIds.map((id) => [id, { crType: "VSI" as const, link: { crn: getInstanceOutput({ instanceId: id }).crn } }]),
  ),
});

for (const id of serverIds) {
  new InstanceMetadataService(
    id,
    { instanceId: id, protocol: "http", responseHopLimit, restartToApply, onDelete: "restore" },
    // Whoever can ask for an identity finds the profile already linked to it.
    { dependsOn: identity.links[id] },
  );
}

export const profileId = identity.profileId;
export const profileIamId = identity.profileIamId;
export const linkIds = identity.linkIds;

// The servers have booted long ago and have no default trusted profile: the script is brought there by hand, and says which
// profile to become. It holds no secret.
export const installScript = bootstrapUserDataOutput(
  { iamTokens: [{ name: "default", profileId: identity.profileId }], certificate: false },
  { format: "script" },
);

/** Reads the stack configuration and reports everything that is missing or wrong at once. */
function settings() {
  const problems: string[] = [];
  const serverIds = (config.get("serverIds") ?? "").split(",").flatMap((id) => id.trim() || []);
  if (serverIds.length === 0) problems.push("  pulumi config set serverIds 0717_...,0717_...");
  const twice = serverIds.filter((id, index) => serverIds.indexOf(id) < index);
  if (twice.length > 0) {
    problems.push(`  pulumi config set serverIds 0717_...,0717_...   (each once; twice there: ${twice.join(", ")})`);
  }
  const hops = Number(config.get("responseHopLimit") ?? "1");
  if (!Number.isInteger(hops) || hops < 1 || hops > 64) {
    problems.push(
      `  pulumi config set responseHopLimit 1   (it is "${config.get("responseHopLimit")}"; 1 to 64 are allowed)`,
    );
  }
  const restart = config.get("restartToApply") ?? "false";
  if (restart !== "true" && restart !== "false") {
    problems.push(`  pulumi config set restartToApply true   (it is "${restart}"; "true" and "false" are allowed)`);
  }
  if (problems.length > 0) {
    throw new pulumi.RunError(`The stack configuration is not usable. Please set:\n${problems.join("\n")}`);
  }
  return { serverIds, responseHopLimit: hops, restartToApply: restart === "true" };
}
