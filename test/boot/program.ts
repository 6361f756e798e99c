/**
 * The Pulumi program whose servers are booted: short lives, so that a run of a minute sees several renewals. The first has
 * a web server as consumer, the second speaks https with its metadata service and has strongSwan, and on the third the
 * identity belongs to a user who is not root.
 */

/** Life of tokens and certificates, whatever is asked for. */
export const LIFE_SECONDS = 20;
/** How many renewals are waited for. */
export const RENEWALS = 3;
/** Where the credentials are on the server. */
export const RESULTS = "/run/vpc-identity";
/** Where the second server writes for Prometheus. */
export const METRICS_FILE = "/var/lib/prometheus/node-exporter/vpc-identity.prom";

/** Whose identity it is on the third server. */
export const USER = "www-data";

export const PROGRAM = `
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { LinkedInstance } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const common = {
  vpcId: config.require("vpcId"),
  subnetId: config.require("subnetId"),
  zone: config.require("zone"),
  imageId: config.require("imageId"),
  sshKeyIds: config.requireObject("sshKeyIds"),
  instanceProfile: "bx2-2x8",
  trustedProfile: { policies: [{ roles: ["Operator"], service: "is" }] },
};
const trustRootsPem = readFileSync("trust-roots.pem", "utf8");
const app = new LinkedInstance("app", {
  ...common,
  metadataService: { protocol: "http", responseHopLimit: 1 },
  bootstrap: {
    certificate: { expiresInSeconds: 300, subject: { O: "Example" } },
    trustRootsPem,
    files: { "fullchain.pem": { mode: "0644" } },
    credentialFiles: [{ token: "default", services: ["VPC"] }],
    hooks: {
      reload: ["nginx.service"],
      exec: [["sh", "-c", 'echo "$VPC_IDENTITY_CHANGED" >>/var/log/renewals']],
    },
    renewal: { checkEverySeconds: 5, iamTokenPercent: 50, certificatePercent: 50 },
  },
});
new LinkedInstance("secure", {
  ...common,
  metadataService: { protocol: "https", responseHopLimit: 1 },
  bootstrap: {
    protocol: "https",
    trustRootsPem,
    strongswan: { name: "type_ibmshare" },
    log: "json",
    metricsFile: "${METRICS_FILE}",
    renewal: { checkEverySeconds: 5, iamTokenPercent: 50, certificatePercent: 50 },
  },
});
new LinkedInstance("unprivileged", {
  ...common,
  metadataService: { protocol: "http", responseHopLimit: 1 },
  bootstrap: {
    trustRootsPem,
    user: "${USER}",
    hooks: { exec: [["sh", "-c", 'id -un >"$VPC_IDENTITY_DIRECTORY/hooks-ran-as"']] },
    renewal: { checkEverySeconds: 5, iamTokenPercent: 50, certificatePercent: 50 },
  },
});
export const instanceId = app.instanceId;
`;
