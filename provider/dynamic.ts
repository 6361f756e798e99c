/**
 * The export `pulumi-ibm-vpc-identity/dynamic`: from a type key, as it stands in the state, to the code that manages it.
 *
 * Nothing in this package imports this file; Pulumi's dynamic provider reaches it by name through the stub.
 */
import type { dynamic } from "@pulumi/pulumi";
import { handler as accessPolicy } from "./access-policy";
import { handler as apiKey } from "./api-key";
import { handler as bareMetalServer } from "./bare-metal-server";
import { handler as floatingIp } from "./floating-ip";
import { handler as instance } from "./instance";
import { handler as instanceGroup } from "./instance-group";
import { handler as instanceMetadataRecord } from "./instance-metadata-record";
import { handler as instanceMetadataService } from "./instance-metadata-service";
import { handler as instanceTemplate } from "./instance-template";
import { handler as serviceId } from "./service-id";
import { handler as sshKey } from "./ssh-key";
import { handler as stackSeed } from "./stack-seed";
import { handler as subnet } from "./subnet";
import { handler as trustedProfile } from "./trusted-profile";
import { handler as trustedProfileClaimRule } from "./trusted-profile-claim-rule";
import { handler as trustedProfileIdentity } from "./trusted-profile-identity";
import { handler as trustedProfileLink } from "./trusted-profile-link";
import { handler as vpc } from "./vpc";

/** Type key to what manages it. Keys are in states for ever; files may be renamed. */
const HANDLERS: Readonly<Record<string, dynamic.ResourceProvider>> = {
  StackSeed: stackSeed,
  TrustedProfile: trustedProfile,
  TrustedProfileLink: trustedProfileLink,
  TrustedProfileClaimRule: trustedProfileClaimRule,
  TrustedProfileIdentity: trustedProfileIdentity,
  AccessPolicy: accessPolicy,
  ServiceId: serviceId,
  ApiKey: apiKey,
  Instance: instance,
  InstanceMetadataRecord: instanceMetadataRecord,
  InstanceMetadataService: instanceMetadataService,
  InstanceTemplate: instanceTemplate,
  InstanceGroup: instanceGroup,
  BareMetalServer: bareMetalServer,
  Vpc: vpc,
  Subnet: subnet,
  SshKey: sshKey,
  FloatingIp: floatingIp,
};

function handlerOf(type: string): dynamic.ResourceProvider {
  const handler = Object.hasOwn(HANDLERS, type) ? HANDLERS[type] : undefined;
  if (handler === undefined) {
    throw new Error(
      `this version of pulumi-ibm-vpc-identity knows no resource type ${JSON.stringify(type)}, so the state was ` +
        `written by a newer one: install that or a later version. Known here: ${Object.keys(HANDLERS).join(", ")}.`,
    );
  }
  return handler;
}

export = handlerOf;
