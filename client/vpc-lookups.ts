/** What programs only look up in the regional VPC API: images, instance profiles, and what IAM knows of a server. */
import { type Fields, fieldsIn, listIn, numberIn, objectOf, present, textAt, textIn } from "./fields";
import { pathTo, type Session } from "./session";
import { type Collection, getFrom, listFrom } from "./vpc-collection";
import { getInstanceGroup } from "./vpc-instance-groups";

/** An image that servers boot from. */
export interface Image {
  readonly id: string;
  /** CRN. */
  readonly crn: string;
  /** Name. */
  readonly name: string;
  /** `available`, `deprecated`, `obsolete`, `pending`, `failed`, `unusable` or `deleting` */
  readonly status: string;
  /** `public` for IBM's own, `private` for the account's. */
  readonly visibility: "public" | "private";
  /** What reads the user data at boot: `cloud_init`, `esxi_kickstart` or `ipxe`. */
  readonly userDataFormat: string;
  /** Operating system that it has. */
  readonly operatingSystem: {
    /** Such as `debian-12-amd64`. */
    readonly name: string;

    readonly displayName?: string;

    readonly family?: string;

    readonly vendor?: string;

    readonly version?: string;

    readonly architecture?: string;
  };
  /** Size that a boot volume needs at least, in gigabytes. */
  readonly minimumProvisionedSizeGb?: number;
  /** Id of the resource group. */
  readonly resourceGroupId?: string;
  /** When it was made, as ISO 8601. */
  readonly createdAt: string;
}

/** A size of servers. */
export interface InstanceProfile {
  /** Such as `bx2-2x8`. */
  readonly name: string;
  /** Family it belongs to. */
  readonly family?: string;
  /** `current` or `previous` */
  readonly status?: string;
  /** Processor architecture, such as `amd64`. */
  readonly architecture?: string;
  /** Absent, as the other numbers, where a server of this profile can have one of several. */
  readonly vcpuCount?: number;
  /** Memory in GiB, where it is fixed. */
  readonly memoryGib?: number;
  /** Bandwidth in megabits per second, where it is fixed. */
  readonly bandwidthMbps?: number;
}

/** What a claim rule of a trusted profile can ask of a virtual server, by the names of the claims. */
export interface ServerClaims {
  readonly id: string;
  readonly crn: string;
  readonly name: string;
  readonly claims: Readonly<Record<string, string>>;
}

const IMAGES: Collection<Image> = {
  path: "/images",
  list: "images",
  what: "image",
  read: (fields) => {
    const system = fieldsIn(fields, "operating_system");
    return present<Image>({
      id: textAt(fields, "id"),
      crn: textAt(fields, "crn"),
      name: textAt(fields, "name"),
      status: textAt(fields, "status"),
      visibility: textIn(fields, "visibility") === "private" ? "private" : "public",
      userDataFormat: textIn(fields, "user_data_format") ?? textIn(system, "user_data_format") ?? "",
      operatingSystem: present<Image["operatingSystem"]>({
        name: textIn(system, "name") ?? "",
        displayName: textIn(system, "display_name"),
        family: textIn(system, "family"),
        vendor: textIn(system, "vendor"),
        version: textIn(system, "version"),
        architecture: textIn(system, "architecture"),
      }),
      minimumProvisionedSizeGb: numberIn(fields, "minimum_provisioned_size"),
      resourceGroupId: textIn(fieldsIn(fields, "resource_group"), "id"),
      createdAt: textIn(fields, "created_at") ?? "",
    });
  },
};

const SERVERS: Collection<{ readonly server: Omit<ServerClaims, "claims">; readonly fields: Fields }> = {
  path: "/instances",
  list: "instances",
  what: "server",
  read: (fields) => ({
    server: { id: textAt(fields, "id"), crn: textAt(fields, "crn"), name: textAt(fields, "name") },
    fields,
  }),
};

/** A region that the account may use. */
export interface Region {
  readonly name: string;
  /** `available` or `unavailable`. */
  readonly status: string;
}

/** @throws HttpError `IBMID_NOT_FOUND` when there is no such region */
export async function getRegion(session: Session, name: string): Promise<Region> {
  const doing = `look up region "${name}"`;
  const answer = await session.call({ api: "vpc", method: "GET", path: pathTo("/regions", name), doing });
  const fields = objectOf(answer.body, "region");
  return { name: textAt(fields, "name"), status: textAt(fields, "status") };
}

/** Undefined when it does not exist. */
export const getImage = (session: Session, id: string): Promise<Image | undefined> => getFrom(session, IMAGES, id);

/** All images that the account may use, or those that fit. */
export const listImages = (
  session: Session,
  filter: { readonly name?: string | undefined; readonly visibility?: "public" | "private" | undefined } = {},
): AsyncGenerator<Image> => listFrom(session, IMAGES, filter);

/** All instance profiles of the region; the list has one page. */
export async function listInstanceProfiles(session: Session): Promise<InstanceProfile[]> {
  const doing = "list instance profiles";
  const answer = await session.call({ api: "vpc", method: "GET", path: "/instance/profiles", doing });
  return listIn(objectOf(answer.body, "list of instance profiles"), "profiles").map((fields) =>
    present<InstanceProfile>({
      name: textAt(fields, "name"),
      family: textIn(fields, "family"),
      status: textIn(fields, "status"),
      architecture: textIn(fieldsIn(fields, "vcpu_architecture"), "value"),
      vcpuCount: numberIn(fieldsIn(fields, "vcpu_count"), "value"),
      memoryGib: numberIn(fieldsIn(fields, "memory"), "value"),
      bandwidthMbps: numberIn(fieldsIn(fields, "bandwidth"), "value"),
    }),
  );
}

/** Undefined when the server does not exist. */
export async function getServerClaims(session: Session, id: string): Promise<ServerClaims | undefined> {
  const found = await getFrom(session, SERVERS, id);
  if (found === undefined) return undefined;
  const { server, fields } = found;
  const group = fieldsIn(fields, "resource_group");
  const zone = textIn(fieldsIn(fields, "zone"), "name");
  const primary = (kind: string): Fields => fieldsIn(fieldsIn(fields, kind), "subnet");
  return {
    ...server,
    claims: present<Record<string, string>>({
      resource_group_id: textIn(group, "id"),
      resource_group_name: textIn(group, "name"),
      resource: server.id,
      instance_group_name: await instanceGroupName(session, fields),
      region: zone?.replace(/-\d+$/, ""),
      subnet_id:
        textIn(primary("primary_network_attachment"), "id") ?? textIn(primary("primary_network_interface"), "id"),
      vpc_id: textIn(fieldsIn(fields, "vpc"), "id"),
      zone,
    }),
  };
}

/** A server names its membership; which group that is a part of stands in its address only. */
async function instanceGroupName(session: Session, fields: Fields): Promise<string | undefined> {
  const href = textIn(fieldsIn(fields, "instance_group_membership"), "href");
  const [, id] = /\/instance_groups\/([^/]+)\/memberships\//.exec(href ?? "") ?? [];
  return id === undefined ? undefined : (await getInstanceGroup(session, id))?.name;
}
