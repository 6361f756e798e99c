/** Instance templates of the regional VPC API (`/instance/templates`): what the servers of a group are made from. */
import { type Fields, fieldsIn, flagIn, listIn, present, textAt, textIn } from "./fields";
import type { Session } from "./session";
import { type MetadataService, metadataIn } from "./vpc";
import { type Collection, createIn, deleteFrom, getFrom, listFrom, patchIn } from "./vpc-collection";
import { type InstancePrototype, prototypeBody } from "./vpc-instance-prototype";

/** A template repeats the prototype it was made from. */
export interface InstanceTemplate {
  readonly id: string;
  readonly crn: string;
  readonly name: string;
  readonly vpcId?: string;
  /** Of the primary interface, of either kind. */
  readonly subnetId?: string;
  readonly securityGroupIds: string[];
  readonly primaryNetworkAttachmentName?: string;
  readonly primaryNetworkInterfaceName?: string;
  readonly zone?: string;
  readonly imageId?: string;
  /** Name of the instance profile. */
  readonly profile?: string;
  readonly keyIds: string[];
  readonly metadataService: MetadataService;
  readonly defaultTrustedProfile?: { readonly autoLink: boolean; readonly target: string };
  readonly userData?: string;
  readonly resourceGroupId?: string;
  readonly createdAt: string;
}

const TEMPLATES: Collection<InstanceTemplate> = {
  path: "/instance/templates",
  list: "templates",
  what: "instance template",
  read: templateOf,
};

/** Makes a template, at once. */
export function createTemplate(session: Session, prototype: InstancePrototype): Promise<InstanceTemplate> {
  return createIn(session, TEMPLATES, prototypeBody(prototype), prototype.name);
}

/** Undefined when it does not exist. */
export function getTemplate(session: Session, id: string): Promise<InstanceTemplate | undefined> {
  return getFrom(session, TEMPLATES, id);
}

/** All templates of the region: the API has no filter for them. */
export function listTemplates(session: Session): AsyncGenerator<InstanceTemplate, void, undefined> {
  return listFrom(session, TEMPLATES);
}

/** Renames a template; everything else of it is fixed. */
export function renameTemplate(session: Session, id: string, name: string): Promise<InstanceTemplate> {
  return patchIn(session, TEMPLATES, id, { name });
}

/** One that does not exist is done. A template that a group uses is refused with 409. */
export function deleteTemplate(session: Session, id: string): Promise<void> {
  return deleteFrom(session, TEMPLATES, id);
}

/** A prototype names things by id, by CRN or by address, and the template repeats it as it was given. */
function idIn(fields: Fields): string | undefined {
  return textIn(fields, "id") ?? textIn(fields, "crn")?.split(":").at(-1) ?? textIn(fields, "href")?.split("/").at(-1);
}

function templateOf(fields: Fields): InstanceTemplate {
  const attachment = fieldsIn(fields, "primary_network_attachment");
  const nic = fieldsIn(fields, "primary_network_interface");
  const attached = textIn(attachment, "name") !== undefined;
  const network = attached ? fieldsIn(attachment, "virtual_network_interface") : nic;
  const profile = fieldsIn(fields, "default_trusted_profile");
  const target = idIn(fieldsIn(profile, "target"));
  const idsIn = (owner: Fields, key: string): string[] =>
    listIn(owner, key)
      .map(idIn)
      .filter((id) => id !== undefined);
  return present<InstanceTemplate>({
    id: textAt(fields, "id"),
    crn: textAt(fields, "crn"),
    name: textAt(fields, "name"),
    vpcId: idIn(fieldsIn(fields, "vpc")),
    subnetId: idIn(fieldsIn(network, "subnet")),
    securityGroupIds: idsIn(network, "security_groups"),
    primaryNetworkAttachmentName: textIn(attachment, "name"),
    primaryNetworkInterfaceName: textIn(nic, "name"),
    zone: textIn(fieldsIn(fields, "zone"), "name"),
    imageId: idIn(fieldsIn(fields, "image")),
    profile: textIn(fieldsIn(fields, "profile"), "name"),
    keyIds: idsIn(fields, "keys"),
    metadataService: metadataIn(fields),
    // The API's default is to link, so an answer that leaves it out means that.
    defaultTrustedProfile:
      target === undefined ? undefined : { autoLink: flagIn(profile, "auto_link") ?? true, target },
    userData: textIn(fields, "user_data"),
    resourceGroupId: textIn(fieldsIn(fields, "resource_group"), "id"),
    createdAt: textIn(fields, "created_at") ?? "",
  });
}
