/**
 * An instance template: what the servers of an instance group are made from.
 *
 * Sources: IBM Cloud VPC API, "Instance templates".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type InstanceTemplate as LiveTemplate,
  createTemplate,
  deleteTemplate,
  getTemplate,
  listTemplates,
  renameTemplate,
} from "../client/vpc-templates";
import { isHttpError } from "../core/errors";
import { currentSession } from "./connection";
import { createOnce, inTheWay, syncFound, syncOwned, warn } from "./converge";
import { compact, onlyFields, replacingFields } from "./diff";
import { handlerFor } from "./handler";
import { userDataSha256 } from "./instance-args";
import { networkFields, withDefaults } from "./instance-fields";
import { prototypeOf } from "./instance-lifecycle";
import { networkInputsOf } from "./instance-network-args";
import {
  type AnyInstanceTemplateArgs,
  type InstanceTemplateInputs,
  type InstanceTemplateOutputs,
  type SaidOfTemplate,
  instanceTemplateRule,
  saidIn,
  templateFields,
  wantedTemplate,
} from "./instance-template-args";
import { rememberLinking } from "./instance-group-linking";
import { endsWithHash, hasFormOf, hashOf, logicalName, vpcName } from "./naming";
import { assertAdoptable, deleteUnused, nameOf } from "./network-lifecycle";
import { type ResourceType, VpcIdentityResource } from "./resource";

const TYPE = "InstanceTemplate";
const NOUN = "instance template";

/** Manages instance templates. */
export const handler = handlerFor<InstanceTemplateInputs, InstanceTemplateOutputs>({
  rule: instanceTemplateRule,
  computed: ["userDataSha256"],
  fields: templateFields,
  wanted: wantedTemplate,
  complete: (inputs, completion) => ({ ...withDefaults(inputs), name: nameOf(completion) }),
  // A group that uses the old one has to change to the new one in between.
  createFirst: async (id, olds, inputs) => {
    // One of our form is not taken by the new one, which is checked once more and gets a name of its own.
    if (olds.name !== inputs.name || hasFormOf(vpcName(`${logicalName({ ...inputs })}-00000000`), olds.name))
      return true;
    // Two of one name there cannot be, so the new one takes it from the old one, if it knows that for its own.
    const live = await getTemplate(currentSession(), id);
    return live !== undefined && carriesMark(live, inputs);
  },
  ignored: (id, olds, inputs) =>
    warn(
      TYPE,
      { ...inputs },
      `the user data has changed, but ${describe(olds, id)} keeps its own. Leave userDataChange out to ` +
        "replace the template.",
    ),
  create: ensureTemplate,
  update: async (id, olds, inputs) => outputsOf(await syncTemplate(id, olds, inputs), saidIn({ ...olds })),
  read: async (id, known) => {
    const live = await getTemplate(currentSession(), id);
    return live === undefined ? undefined : outputsOf(live, saidIn({ ...known }));
  },
  delete: (id, olds) =>
    deleteUnused({
      type: TYPE,
      what: describe(olds, id),
      olds,
      remove: () => deleteTemplate(currentSession(), id),
    }),
  inputsOf: (outputs) => ({
    ...onlyFields(templateFields({}), outputs),
    ...Object.fromEntries(Object.keys(networkFields).map((field) => [field, undefined])),
    ...networkInputsOf(outputs),
  }),
  describe: (id) => `${NOUN} "${id}"`,
});

const describe = ({ name }: { readonly name: string }, id: string): string => `${NOUN} "${name}" (${id})`;

async function ensureTemplate(
  inputs: InstanceTemplateInputs,
): Promise<{ id: string; outputs: InstanceTemplateOutputs }> {
  const wanted = wantedTemplate(inputs);
  const said = saidIn(wanted);
  const identity = { ...wanted, mark: inputs.mark };
  const fields = templateFields(inputs);
  const replacing = replacingFields(fields);
  const hash = hashOf(identity, replacing);
  // A name of the user's has no hash in it, and an attachment has a name that nobody else cares for.
  const start = logicalName({ ...inputs }).slice(0, 40);
  // A name begins with a letter, and what stands before the first one is lost: it must not be the mark.
  const attachmentName = vpcName(`${/[a-z]/i.test(start) ? start : "template"}-${markHash(inputs)}-${hash}`);
  const isOurs = (other: LiveTemplate): boolean => marksOf(other).some((text) => endsWithHash(text, hash));
  const create = (): Promise<LiveTemplate> => createTemplate(currentSession(), prototypeOf(inputs, attachmentName));
  const { object: live, found } = await createOnce<LiveTemplate>({
    what: `${NOUN} "${inputs.name}"`,
    create,
    find: async (error, unanswered) => {
      const other = await inTheWay(() => templateNamed(inputs.name), error, unanswered);
      if (other === undefined) return other;
      // Either an earlier attempt made it and nobody knows of it, or it is to be replaced by this one and is deleted after
      // this. So it can never be taken.
      if (isOurs(other)) await makeRoom(other);
      else if (carriesMark(other, inputs)) return createInPlaceOf(other, create);
      else return other;
      return create();
    },
    isOurs,
    adopt: inputs.adopt === true,
    describe: (other) => describe(other, other.id),
  });
  const outputs = outputsOf(live, said);
  if (!found) return { id: live.id, outputs };
  if (!isOurs(live)) assertAdoptable({ noun: NOUN, fields, wanted, outputsOf: (other) => outputsOf(other, {}) }, live);
  const synced = await syncFound({ id: live.id, outputs }, () => syncTemplate(live.id, outputs, inputs));
  return { id: live.id, outputs: outputsOf(synced, said) };
}

/** The texts of a template in which hashes of ours may be. */
const marksOf = (template: LiveTemplate): (string | undefined)[] => [
  template.name,
  template.primaryNetworkAttachmentName,
  template.primaryNetworkInterfaceName,
];

/** Says of which resource of which stack a template is, whatever its arguments are. */
const markHash = ({ mark }: Pick<InstanceTemplateInputs, "mark">): string => hashOf({ mark }, []);

/** True for a template that this resource has made, with whatever arguments it had then. */
const carriesMark = (template: LiveTemplate, inputs: Pick<InstanceTemplateInputs, "mark">): boolean =>
  marksOf(template).some((text) => endsWithHash(text?.slice(0, -9), markHash(inputs)));

/** Deletes a template, or takes its name away from it where a group uses it. */
async function makeRoom(template: LiveTemplate): Promise<void> {
  try {
    await deleteTemplate(currentSession(), template.id);
  } catch (error) {
    if (!isHttpError(error) || error.status !== 409) throw error;
    await takeName(template);
  }
}

/**
 * Makes the template that takes the name of another one. What becomes of that the engine decides afterwards: it deletes it, or
 * keeps it with `retainOnDelete`; where the new one is refused, the old one goes on as it was.
 */
async function createInPlaceOf(other: LiveTemplate, create: () => Promise<LiveTemplate>): Promise<LiveTemplate> {
  await takeName(other);
  try {
    return await create();
  } catch (error) {
    // The error of the create tells more than one of this, and the next run does without the name.
    await renameTemplate(currentSession(), other.id, other.name).catch(() => undefined);
    throw error;
  }
}

async function takeName({ id }: LiveTemplate): Promise<void> {
  await renameTemplate(currentSession(), id, vpcName(`replaced-${id.slice(-8)}`));
}

async function templateNamed(name: string): Promise<LiveTemplate | undefined> {
  for await (const template of listTemplates(currentSession())) {
    if (template.name === name) return template;
  }
  return undefined;
}

/** Only the name of a template can change. */
function syncTemplate(
  id: string,
  known: InstanceTemplateOutputs,
  inputs: InstanceTemplateInputs,
): Promise<LiveTemplate> {
  return syncOwned<LiveTemplate>({
    what: describe(known, id),
    fields: templateFields(inputs),
    known: { ...known },
    knownTag: "",
    wanted: wantedTemplate(inputs),
    observe: () => getTemplate(currentSession(), id),
    propertiesOf: (live) => ({ ...outputsOf(live, saidIn({ ...known })) }),
    tagOf: () => "",
    send: () => renameTemplate(currentSession(), id, inputs.name),
  });
}

function outputsOf(live: LiveTemplate, said: SaidOfTemplate): InstanceTemplateOutputs {
  const unlessEmpty = (list: readonly string[]): readonly string[] | undefined =>
    list.length === 0 ? undefined : list;
  return compact<InstanceTemplateOutputs>({
    ...said,
    crn: live.crn,
    name: live.name,
    vpcId: live.vpcId,
    subnetId: live.subnetId,
    networkType: live.primaryNetworkAttachmentName === undefined ? "interface" : "attachment",
    zone: live.zone,
    imageId: live.imageId,
    instanceProfile: live.profile,
    sshKeyIds: unlessEmpty(live.keyIds),
    securityGroupIds: unlessEmpty(live.securityGroupIds),
    metadataService: live.metadataService,
    defaultTrustedProfile: live.defaultTrustedProfile,
    userDataSha256: live.userData === undefined ? undefined : userDataSha256(live.userData),
    resourceGroupId: live.resourceGroupId,
    createdAt: live.createdAt,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: instanceTemplateRule,
  outputs: [
    "crn",
    "name",
    "vpcId",
    "subnetId",
    "networkType",
    "primaryIp",
    "allowIpSpoofing",
    "virtualNetworkInterfaceId",
    "networkAttachments",
    "networkInterfaces",
    "zone",
    "imageId",
    "instanceProfile",
    "sshKeyIds",
    "securityGroupIds",
    "metadataService",
    "defaultTrustedProfile",
    "userDataSha256",
    "availabilityPolicy",
    "totalVolumeBandwidthMbps",
    "enableSecureBoot",
    "bootVolume",
    "dataVolumes",
    "resourceGroupId",
    "createdAt",
  ],
  handlerOrdersReplacement: true,
};

/**
 * An instance template of IBM Cloud VPC. Its resource id is the template's id. Where a change makes another template, the
 * new one is made first, the groups of the program change to it, and then the old one is deleted; servers that exist stay
 * as they are.
 *
 * @example
 * const template = new InstanceTemplate("web", {
 *   vpcId,
 *   subnetId,
 *   zone: "us-south-1",
 *   imageId,
 *   instanceProfile: "bx2-2x8",
 *   metadataService: {},
 *   defaultTrustedProfile: { target: profile.id, autoLink: false },
 * });
 */
export class InstanceTemplate extends VpcIdentityResource {
  /** CRN of the template. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in the VPC API. */
  declare readonly name: pulumi.Output<string>;
  /** Id of the VPC. */
  declare readonly vpcId: pulumi.Output<string | undefined>;
  /** Id of the subnet of the primary interface. */
  declare readonly subnetId: pulumi.Output<string | undefined>;
  /** Kind of the primary interface: `attachment`, or `interface`, the older kind. */
  declare readonly networkType: pulumi.Output<"attachment" | "interface">;
  /** Address in the subnet, when the program named one. */
  declare readonly primaryIp: pulumi.Output<string | undefined>;
  /** Whether servers may send from other addresses than their own, when the program says so. */
  declare readonly allowIpSpoofing: pulumi.Output<boolean | undefined>;
  /** Virtual network interface, when the program named one that exists. */
  declare readonly virtualNetworkInterfaceId: pulumi.Output<string | undefined>;
  /** Further network attachments, when the program named any. */
  declare readonly networkAttachments: pulumi.Output<InstanceTemplateOutputs["networkAttachments"]>;
  /** Further network interfaces, when the program named any. */
  declare readonly networkInterfaces: pulumi.Output<InstanceTemplateOutputs["networkInterfaces"]>;
  /** Zone. */
  declare readonly zone: pulumi.Output<string | undefined>;
  /** Id of the image. */
  declare readonly imageId: pulumi.Output<string | undefined>;
  /** Instance profile (size). */
  declare readonly instanceProfile: pulumi.Output<string | undefined>;
  /** Ids of the SSH keys, if any. */
  declare readonly sshKeyIds: pulumi.Output<string[] | undefined>;
  /** Ids of the security groups, when the program named any. */
  declare readonly securityGroupIds: pulumi.Output<string[] | undefined>;
  /** Metadata service of servers made from the template. */
  declare readonly metadataService: pulumi.Output<InstanceTemplateOutputs["metadataService"]>;
  /** Trusted profile of servers made from the template: its id, and whether each server is linked as it is made. */
  declare readonly defaultTrustedProfile: pulumi.Output<InstanceTemplateOutputs["defaultTrustedProfile"]>;
  /** SHA-256 of the user data, in hexadecimal digits, if there is any. */
  declare readonly userDataSha256: pulumi.Output<string | undefined>;
  /** What happens when the host of a server fails, when the program says it. */
  declare readonly availabilityPolicy: pulumi.Output<InstanceTemplateOutputs["availabilityPolicy"]>;
  /** Bandwidth for all volumes of a server together, in megabits per second, when the program says it. */
  declare readonly totalVolumeBandwidthMbps: pulumi.Output<number | undefined>;
  /** Whether only signed software may boot, when the program says it. */
  declare readonly enableSecureBoot: pulumi.Output<boolean | undefined>;
  /** Boot volume of each server, when the program says anything of it. */
  declare readonly bootVolume: pulumi.Output<InstanceTemplateOutputs["bootVolume"]>;
  /** Data volumes of each server, when the program named any. */
  declare readonly dataVolumes: pulumi.Output<InstanceTemplateOutputs["dataVolumes"]>;
  /** Id of the resource group. */
  declare readonly resourceGroupId: pulumi.Output<string | undefined>;
  /** Time of creation, RFC 3339. */
  declare readonly createdAt: pulumi.Output<string>;

  /**
   * Creates an instance template.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: AnyInstanceTemplateArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
    rememberLinking(this.id, name, args.defaultTrustedProfile);
  }

  /** Id of the template; the same as `id`, and therefore not stored once more. */
  get instanceTemplateId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a template that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): InstanceTemplate {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new InstanceTemplate(name, {} as AnyInstanceTemplateArgs, { ...options, id });
  }
}
