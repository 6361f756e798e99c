/**
 * The export `pulumi-ibm-vpc-identity/dynamic`: from a type key, as it stands in the state, to the code that manages it.
 *
 * Nothing in this package imports this file; Pulumi's dynamic provider reaches it by name through the stub. Only the
 * file of the type asked for is loaded, so that deleting a profile never depends on code for servers.
 */
import { createRequire } from "node:module";
import type { dynamic } from "@pulumi/pulumi";

/** Type key to the file whose `handler` manages it. Keys are in states for ever; files may be renamed. */
const FILES: Readonly<Record<string, string>> = {
  StackSeed: "./stack-seed",
  TrustedProfile: "./trusted-profile",
  TrustedProfileLink: "./trusted-profile-link",
  TrustedProfileClaimRule: "./trusted-profile-claim-rule",
  TrustedProfileIdentity: "./trusted-profile-identity",
  AccessPolicy: "./access-policy",
  ServiceId: "./service-id",
  ApiKey: "./api-key",
  Instance: "./instance",
  InstanceMetadataService: "./instance-metadata-service",
  InstanceTemplate: "./instance-template",
  InstanceGroup: "./instance-group",
  BareMetalServer: "./bare-metal-server",
  Vpc: "./vpc",
  Subnet: "./subnet",
  SshKey: "./ssh-key",
  FloatingIp: "./floating-ip",
};

const loadFile = createRequire(__filename);

function handlerOf(type: string): dynamic.ResourceProvider {
  const file = Object.hasOwn(FILES, type) ? FILES[type] : undefined;
  if (file === undefined) {
    throw new Error(
      `this version of pulumi-ibm-vpc-identity knows no resource type ${JSON.stringify(type)}, so the state was ` +
        `written by a newer one: install that or a later version. Known here: ${Object.keys(FILES).join(", ")}.`,
    );
  }
  return (loadFile(file) as { handler: dynamic.ResourceProvider }).handler;
}

export = handlerOf;
