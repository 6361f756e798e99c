/** What is filled in and changed in each example, whoever deploys it. */
import { ED25519_KEY } from "../provider/public-keys";
import type { Example } from "./example";

export interface Life {
  readonly name: string;
  /** @default - the change that the README shows */
  readonly change?: Record<string, string>;
}

/** `with-pulumi-ibm` needs a generated package, which only its own test has. */
export const LIVES: readonly Life[] = [
  { name: "linked-instance", change: { policies: "none" } },
  { name: "walk-through", change: { responseHopLimit: "2" } },
  { name: "fleet" },
  { name: "instance-group" },
  { name: "bare-metal" },
  { name: "existing-instances" },
  { name: "kubernetes-workload" },
  { name: "certificate-nginx" },
  { name: "automation", change: { role: "Operator" } },
];

/** What the owner of the account fills in, in whichever example; `servers` are those that are there already. */
export function valuesOf(
  { settings: { subnets, sshKeyId, ...settings } }: Example,
  servers: readonly string[],
): Record<string, string> {
  const ids = subnets.map(({ id }) => id);
  return {
    ...settings,
    sshKeyId,
    sshKeyIds: sshKeyId,
    sshPublicKey: ED25519_KEY,
    subnetId: ids[0] ?? "",
    subnetIds: ids.slice(0, 2).join(","),
    subnets: `us-south-1=${ids[0] ?? ""},us-south-2=${ids[1] ?? ""}`,
    serverIds: servers.join(","),
    clusterCrn: "crn:v1:bluemix:public:containers-kubernetes:us-south:a/59bcbfa6ea2f006b4ed7094c1a08dcdd:1::",
    storageInstanceId: "6d3cbb1e-ae8c-4d0e-a95d-2e6a5c1d1f2a",
  };
}
