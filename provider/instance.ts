/**
 * A virtual server of IBM Cloud VPC, with the two settings that give it an identity: the metadata service and the default
 * trusted profile.
 *
 * Sources: IBM Cloud VPC API, "Create an instance", "Update an instance", "Retrieve initialization configuration".
 */
import type * as pulumi from "@pulumi/pulumi";
import type { MetadataService } from "../client/vpc";
import { isKnown } from "../core/validate";
import { configure } from "./connection";
import { failuresOf, warn } from "./converge";
import { type FieldTable, changedFields, compact, diffByTable, replacingFields } from "./diff";
import {
  type InstanceArgs,
  type InstanceInputs,
  type InstanceOutputs,
  fieldsFor,
  instanceRule,
  wantedOf,
} from "./instance-args";
import { createServer, deleteServer, readServer, updateServer } from "./instance-lifecycle";
import { isSameObject, keptName, markedText, vpcName } from "./naming";
import { type ResourceType, VpcIdentityResource } from "./resource";

const TYPE = "Instance";

/** Manages servers. */
export const handler: pulumi.dynamic.ResourceProvider<InstanceInputs, InstanceOutputs> = {
  configure,

  check: async (rawOlds, rawNews) => {
    const [olds, news] = [compact(rawOlds), compact<Partial<InstanceInputs>>(rawNews)];
    const failures = failuresOf(instanceRule, { ...news });
    if (failures.length > 0) return { inputs: rawNews, failures };
    const filled = { ...rawNews, ...news, ...withDefaults(news) };
    const same = isSameObject(wantedOf(olds), wantedOf(filled), fieldsFor(filled));
    const marked = { ...filled, mark: same ? olds.mark : rawNews.mark };
    const name = news.name ?? keptName(olds.name, same, markedName(marked));
    return { inputs: compact({ ...marked, name }) };
  },

  diff: async (id, rawOlds, rawNews) => {
    const [olds, news] = [compact(rawOlds), compact(rawNews)];
    const fields = fieldsFor(news);
    warnOfIgnored(id, olds, news, fields);
    const { replaces = [], ...result } = diffByTable(fields, { ...olds }, wantedOf(news));
    // A server that failed to start is of no use and cannot be mended.
    if (olds.status === "failed") return { ...result, changes: true, replaces: [...replaces, "status"] };
    return { ...result, replaces: replaces.map((field) => (field === "userDataSha256" ? "userData" : field)) };
  },

  create: async (rawInputs) => {
    const inputs = compact(rawInputs);
    return createServer(inputs, { replacing: identityFields(inputs), identity: wantedOf(inputs) });
  },

  update: async (id, olds, news) => ({ outs: await updateServer(id, compact(olds), wantedOf(compact(news))) }),

  read: async (id, props) => {
    const outputs = await readServer(id, props === undefined ? {} : compact(props));
    return outputs === undefined ? {} : { id, props: outputs };
  },

  delete: async (id, props) => deleteServer(id, props.name),
};

/** The user's settings with what the API would otherwise choose: always sent, so that removing a setting resets it. */
function withDefaults(news: Partial<InstanceInputs>): Partial<InstanceInputs> {
  const { metadataService, defaultTrustedProfile } = news;
  const off = { enabled: false, protocol: "http", responseHopLimit: 1 } as const;
  const on: MetadataService = { ...off, enabled: true };
  return {
    metadataService:
      metadataService === undefined ? off : isKnown(metadataService) ? { ...on, ...metadataService } : metadataService,
    ...(defaultTrustedProfile !== undefined && isKnown(defaultTrustedProfile)
      ? { defaultTrustedProfile: { ...defaultTrustedProfile, autoLink: autoLinkOf(defaultTrustedProfile) } }
      : {}),
  };
}

function autoLinkOf(profile: { readonly autoLink?: boolean }): boolean {
  return profile.autoLink ?? true;
}

const identityFields = (inputs: InstanceInputs): string[] => replacingFields(fieldsFor(inputs));

function markedName(inputs: InstanceInputs): string {
  return vpcName(markedText(wantedOf(inputs), identityFields(inputs)));
}

/** Says what the program asks for and the server will not get; in every run, since the server stays behind. */
function warnOfIgnored(id: string, olds: InstanceOutputs, news: InstanceInputs, fields: FieldTable): void {
  const server = `server "${olds.name}" (${id})`;
  const ignored = changedFields(fields, { ...olds }, wantedOf(news)).filter(
    (field) => fields[field]?.change === "ignore" && isKnown(wantedOf(news)[field]),
  );
  for (const field of ignored) {
    if (field === "userDataSha256") {
      const change =
        'Set userDataChange: "replace" to replace the server, or replace it once with `pulumi up --replace`.';
      warn(TYPE, { ...news }, `the user data has changed, but ${server} keeps what it booted with. ${change}`);
    } else {
      warn(
        TYPE,
        { ...news },
        `${field} has changed, but applies only when a server is created: ${server} keeps its own.`,
      );
    }
  }
}

const KIND: ResourceType = {
  type: TYPE,
  rule: instanceRule,
  outputs: [
    "crn",
    "name",
    "status",
    "vpcId",
    "subnetId",
    "zone",
    "imageId",
    "instanceProfile",
    "sshKeyIds",
    "securityGroupIds",
    "metadataService",
    "defaultTrustedProfile",
    "userDataSha256",
    "resourceGroupId",
    "primaryIp",
    "createdAt",
  ],
};

/**
 * A virtual server of IBM Cloud VPC. Its resource id is the server's id.
 *
 * @example
 * const server = new Instance("app", {
 *   vpcId,
 *   subnetId,
 *   zone: "us-south-1",
 *   imageId,
 *   instanceProfile: "bx2-2x8",
 *   metadataService: { protocol: "http" },
 *   defaultTrustedProfile: { target: profile.id },
 * });
 */
export class Instance extends VpcIdentityResource {
  /** CRN of the server. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in the VPC API. */
  declare readonly name: pulumi.Output<string>;
  /** Status that was seen last: `running`, `stopped`, `failed`... */
  declare readonly status: pulumi.Output<string>;
  /** Id of the VPC. */
  declare readonly vpcId: pulumi.Output<string>;
  /** Id of the subnet of the primary network attachment. */
  declare readonly subnetId: pulumi.Output<string | undefined>;
  /** Zone. */
  declare readonly zone: pulumi.Output<string>;
  /** Id of the image it was made from, while that image exists. */
  declare readonly imageId: pulumi.Output<string | undefined>;
  /** Instance profile (size). */
  declare readonly instanceProfile: pulumi.Output<string>;
  /** Ids of the SSH keys it was created with. */
  declare readonly sshKeyIds: pulumi.Output<string[] | undefined>;
  /** Security groups it was created with, when the program named any. */
  declare readonly securityGroupIds: pulumi.Output<string[] | undefined>;
  /** Metadata service as it is set. */
  declare readonly metadataService: pulumi.Output<MetadataService>;
  /** Trusted profile it was created with: id, CRN, and whether it was linked. */
  declare readonly defaultTrustedProfile: pulumi.Output<InstanceOutputs["defaultTrustedProfile"]>;
  /** SHA-256 of the user data that the server was created with, in hexadecimal digits. */
  declare readonly userDataSha256: pulumi.Output<string | undefined>;
  /** Id of the resource group. */
  declare readonly resourceGroupId: pulumi.Output<string | undefined>;
  /** Address in the subnet. */
  declare readonly primaryIp: pulumi.Output<string | undefined>;
  /** Time of creation, RFC 3339. */
  declare readonly createdAt: pulumi.Output<string>;

  /**
   * Creates a server and waits until it runs.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: InstanceArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the server; the same as `id`, and therefore not stored once more. */
  get instanceId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a server that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): Instance {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new Instance(name, {} as InstanceArgs, { ...options, id });
  }
}
