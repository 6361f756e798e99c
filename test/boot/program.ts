/** The Pulumi program whose server is booted: short lives, so that a run of a minute sees several renewals. */
export const PROGRAM = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { LinkedInstance } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const app = new LinkedInstance("app", {
  vpcId: config.require("vpcId"),
  subnetId: config.require("subnetId"),
  zone: config.require("zone"),
  imageId: config.require("imageId"),
  sshKeyIds: config.requireObject("sshKeyIds"),
  instanceProfile: "bx2-2x8",
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
  metadataService: { protocol: "http", responseHopLimit: 1 },
  bootstrap: {
    certificate: { expiresInSeconds: 300, subject: { O: "Example" } },
    trustRootsPem: readFileSync("trust-roots.pem", "utf8"),
    files: { "fullchain.pem": { mode: "0644" } },
    credentialFiles: [{ token: "default", services: ["VPC"] }],
    hooks: {
      reload: ["nginx.service"],
      exec: [["sh", "-c", 'echo "$VPC_IDENTITY_CHANGED" >>/var/log/renewals']],
    },
    renewal: { checkEverySeconds: 5, iamTokenPercent: 50, certificatePercent: 50 },
  },
});
export const instanceId = app.instanceId;
`;
