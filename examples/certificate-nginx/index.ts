// A web server that serves with its instance identity certificate: nobody orders, stores or renews it. The server asks for
// it with its identity, and nginx reloads whenever there is a new one.
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { FloatingIp, LinkedInstance, getImageOutput, getSubnetOutput } from "pulumi-ibm-vpc-identity";

const config = new pulumi.Config();
const { subnetId, sshKeyId, publicAddress, trustRootsPem } = settings();

const subnet = getSubnetOutput({ subnetId });
const image = getImageOutput({
  operatingSystem: config.get("operatingSystem") ?? "debian-12-amd64",
  visibility: "public",
});

// cloud-init installs packages before anything is run, and runs scripts after what this package brings along: nginx is there
// when the first certificate comes, and the certificate when nginx is first told of it.
const PACKAGES = `#cloud-config
package_update: true
packages: [nginx-light]
`;

// The certificate is kept in memory only, so nginx waits for it after a reboot, and tries again until there is one.
const NGINX = `#!/bin/sh
set -eu
mkdir -p /etc/nginx/conf.d /etc/systemd/system/nginx.service.d
cat >/etc/nginx/conf.d/identity.conf <<'END'
server {
  listen 443 ssl;
  ssl_certificate /run/vpc-identity/current/fullchain.pem;
  ssl_certificate_key /run/vpc-identity/current/key.pem;
  ssl_protocols TLSv1.2 TLSv1.3;
  location / { return 200 "$hostname knows who it is\\n"; }
}
END
cat >/etc/systemd/system/nginx.service.d/identity.conf <<'END'
[Unit]
Wants=vpc-identity-ready.target
After=vpc-identity-ready.target
StartLimitIntervalSec=0
[Service]
Restart=on-failure
RestartSec=10
END
systemctl daemon-reload
systemctl restart nginx.service
`;

const web = new LinkedInstance("web", {
  vpcId: subnet.vpcId,
  subnetId,
  zone: subnet.zone,
  imageId: image.imageId,
  instanceProfile: config.get("instanceProfile") ?? "bx2-2x8",
  sshKeyIds: [sshKeyId],
  // No policy: a certificate takes nothing but the server's identity.
  trustedProfile: {},
  bootstrap: {
    iamTokens: [],
    certificate: { keySize: 2048, subject: { O: "Example", OU: "web" }, expiresInSeconds: 3600 },
    ...(trustRootsPem ? { trustRootsPem } : {}),
    hooks: { reload: ["nginx.service"] },
  },
  userDataForm: { merge: [PACKAGES, NGINX] },
  // A newer image of IBM's is for the next server: this one keeps its own.
  transform: { instance: (args, options) => ({ args, options: { ...options, ignoreChanges: ["imageId"] } }) },
});
const address = publicAddress ? new FloatingIp("web", { instanceId: web.instanceId }).address : undefined;

export const profileId = web.profileId;
/** Clients find it as the common name of the certificate. */
export const instanceId = web.instanceId;
export const primaryIp = web.primaryIp;
export const publicIp = address;

/** Reads the stack configuration and reports everything that is missing or wrong at once. */
function settings() {
  const problems: string[] = [];
  const required = (key: string, example: string): string => {
    const value = config.get(key);
    if (!value) problems.push(`  pulumi config set ${key} ${example}`);
    return value ?? "";
  };
  const publicAddress = config.get("publicAddress") ?? "false";
  if (publicAddress !== "true" && publicAddress !== "false") {
    problems.push(
      `  pulumi config set publicAddress true   (it is "${publicAddress}"; "true" and "false" are allowed)`,
    );
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
    subnetId: required("subnetId", "0717-..."),
    sshKeyId: required("sshKeyId", "r006-..."),
    publicAddress: publicAddress === "true",
    trustRootsPem,
  };
  if (problems.length > 0) {
    throw new pulumi.RunError(`The stack configuration is not usable. Please set:\n${problems.join("\n")}`);
  }
  return values;
}
