// Pods that call IBM Cloud without a secret: a trusted profile that a service account of a cluster may become, and what the
// profile may do. Kubernetes gives the pods a token of the service account, which IAM takes for a token of the profile.
import * as pulumi from "@pulumi/pulumi";
import { WorkloadIdentity } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const { clusterCrn, clusterType, namespace, serviceAccount, storageInstanceId, bucket } = settings();

const identity = new WorkloadIdentity("workload", {
  trustedProfile: {
    policies: [
      {
        roles: ["Reader"],
        service: "cloud-object-storage",
        serviceInstanceId: storageInstanceId,
        ...(bucket ? { resourceType: "bucket", resource: bucket } : {}),
      },
    ],
  },
  links: {
    pods: {
      crType: clusterType === "openshift" ? "ROKS_SA" : "IKS_SA",
      link: { crn: clusterCrn, namespace, name: serviceAccount },
    },
  },
});

export const profileId = identity.profileId;
export const profileIamId = identity.profileIamId;
export const linkId = identity.linkIds.apply(({ pods }) => pods);

/** Reads the stack configuration and reports everything that is missing or wrong at once. */
function settings() {
  const problems: string[] = [];
  const required = (key: string, example: string): string => {
    const value = config.get(key);
    if (!value) problems.push(`  pulumi config set ${key} ${example}`);
    return value ?? "";
  };
  const clusterType = config.get("clusterType") ?? "kubernetes";
  if (clusterType !== "kubernetes" && clusterType !== "openshift") {
    problems.push(
      `  pulumi config set clusterType kubernetes   (it is "${clusterType}"; "kubernetes" and "openshift" are allowed)`,
    );
  }
  const values = {
    clusterCrn: required("clusterCrn", "crn:v1:bluemix:public:containers-kubernetes:..."),
    clusterType,
    namespace: config.get("namespace") ?? "default",
    serviceAccount: required("serviceAccount", "backend"),
    storageInstanceId: required("storageInstanceId", "6d3cbb1e-..."),
    bucket: config.get("bucket"),
  };
  if (problems.length > 0) {
    throw new pulumi.RunError(`The stack configuration is not usable. Please set:\n${problems.join("\n")}`);
  }
  return values;
}
