/** Bare metal servers of the regional VPC API (`/bare_metal_servers`). */
import { type Fields, fieldsIn, flagIn, numberIn, objectOf, present, textAt, textIn } from "./fields";
import { unlessGone } from "./pages";
import { type Session, pathTo } from "./session";
import {
  type Initialization,
  type NetworkAttachment,
  type Reason,
  initializationOf,
  metadataIn,
  primaryNetworkOf,
  reasonsIn,
} from "./vpc";
import {
  type Collection,
  createIn,
  deleteFrom,
  getFrom,
  identity,
  listFrom,
  optionalIdentity,
  patchIn,
} from "./vpc-collection";
import {
  type DefaultTrustedProfilePrototype,
  type IdOrCrn,
  type MetadataProtocol,
  type NetworkPrototype,
  metadataBody,
  networkBody,
  profileBody,
} from "./vpc-instance-prototype";

/** Mode of the trusted platform module. */
export type TpmMode = "disabled" | "tpm_2";

/** Metadata service of a bare metal server: the API has no hop limit for it. */
export interface BareMetalMetadataService {
  /** Whether the service answers on the server. */
  readonly enabled: boolean;
  /** Protocol that it answers by. */
  readonly protocol: MetadataProtocol;
}

export interface BareMetalServer {
  readonly id: string;
  readonly crn: string;
  readonly name: string;
  /**
   * `pending`, `starting`, `running`, `stopping`, `stopped`, `restarting`, `reinitializing`, `maintenance`, `deleting` or
   * `failed`
   */
  readonly status: string;
  readonly statusReasons: Reason[];
  readonly lifecycleReasons: Reason[];
  readonly metadataService: BareMetalMetadataService;
  readonly tpmMode: string;
  readonly enableSecureBoot: boolean;
  /** In megabits per second. */
  readonly bandwidth?: number;
  /** Name of the bare metal server profile. */
  readonly profile: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly resourceGroupId?: string;
  readonly primaryIp?: string;
  readonly primaryNetworkAttachment?: NetworkAttachment;
  /** Subnet of the primary interface, of either kind. */
  readonly subnetId?: string;
  /** With attachments, a read-only image of the primary one. */
  readonly primaryNetworkInterfaceName?: string;
  readonly createdAt: string;
}

/** What a server boots from. A re-initialisation takes what is left out for "none". */
export interface InitializationPrototype {
  readonly imageId: IdOrCrn;
  readonly keyIds: readonly IdOrCrn[];
  /** At most 65,536 bytes. */
  readonly userData?: string | undefined;
  readonly defaultTrustedProfile?: DefaultTrustedProfilePrototype | undefined;
}

/** What may change on a server; only what is given does. */
export interface BareMetalServerPatch {
  readonly name?: string | undefined;
  readonly metadataService?: Partial<BareMetalMetadataService> | undefined;
  /** In megabits per second. */
  readonly bandwidth?: number | undefined;
  /** Only while the server is stopped. */
  readonly tpmMode?: TpmMode | undefined;
  /** Only while the server is stopped. */
  readonly enableSecureBoot?: boolean | undefined;
}

export interface BareMetalServerPrototype extends BareMetalServerPatch, NetworkPrototype {
  readonly initialization: InitializationPrototype;
  /** Name of the bare metal server profile, such as `bx2-metal-96x384`. */
  readonly profile: string;
  readonly zone: string;
  readonly vpcId?: IdOrCrn | undefined;
  readonly resourceGroupId?: string | undefined;
}

/** What a server was initialised with last. The user data is not shown. */
export interface BareMetalInitialization extends Initialization {
  readonly imageId?: string;
}

const SERVERS: Collection<BareMetalServer> = {
  path: "/bare_metal_servers",
  list: "bare_metal_servers",
  what: "bare metal server",
  read: serverOf,
};
const at = (...segments: string[]): string => pathTo(SERVERS.path, ...segments);

/** Returns at once; the server is then `pending`. */
export function createBareMetalServer(session: Session, prototype: BareMetalServerPrototype): Promise<BareMetalServer> {
  const body = {
    ...patchBody(prototype),
    initialization: initializationBody(prototype.initialization),
    profile: { name: prototype.profile },
    zone: { name: prototype.zone },
    vpc: optionalIdentity(prototype.vpcId),
    resource_group: optionalIdentity(prototype.resourceGroupId),
    ...networkBody(prototype),
  };
  return createIn(session, SERVERS, body, prototype.name);
}

/** Undefined when it does not exist. */
export function getBareMetalServer(session: Session, id: string): Promise<BareMetalServer | undefined> {
  return getFrom(session, SERVERS, id);
}

/** All bare metal servers of the region, or those with a name. */
export function listBareMetalServers(
  session: Session,
  { name }: { name?: string | undefined } = {},
): AsyncGenerator<BareMetalServer, void, undefined> {
  return listFrom(session, SERVERS, { name });
}

/** Changes what can be changed on a server. The API takes no entity tag here. */
export function updateBareMetalServer(
  session: Session,
  id: string,
  patch: BareMetalServerPatch,
): Promise<BareMetalServer> {
  return patchIn(session, SERVERS, id, patchBody(patch));
}

/** Asks for the deletion of a server that is stopped or failed; one that does not exist is done. */
export function deleteBareMetalServer(session: Session, id: string): Promise<void> {
  return deleteFrom(session, SERVERS, id);
}

/**
 * Asks a running server to stop.
 * @param type `soft` asks the operating system to shut down, `hard` cuts the power
 */
export async function stopBareMetalServer(session: Session, id: string, type: "soft" | "hard"): Promise<void> {
  const doing = `stop bare metal server ${id}`;
  // A server that stops already refuses a second call; nothing else comes of it.
  await session.call({ api: "vpc", method: "POST", path: at(id, "stop"), body: { type }, doing, repeatable: true });
}

/** Asks a stopped server to start. */
export async function startBareMetalServer(session: Session, id: string): Promise<void> {
  const doing = `start bare metal server ${id}`;
  await session.call({ api: "vpc", method: "POST", path: at(id, "start"), doing, repeatable: true });
}

/** What a server was initialised with. Undefined when it does not exist. */
export async function getBareMetalInitialization(
  session: Session,
  id: string,
): Promise<BareMetalInitialization | undefined> {
  const doing = `read the initialization of bare metal server ${id}`;
  const answer = await unlessGone(session.call({ api: "vpc", method: "GET", path: at(id, "initialization"), doing }));
  if (answer === undefined) return undefined;
  const imageId = textIn(fieldsIn(objectOf(answer.body, "initialization"), "image"), "id");
  return { ...initializationOf(answer.body), ...(imageId === undefined ? {} : { imageId }) };
}

/**
 * Writes the image to the disk of a stopped server again, over everything on it, and makes it boot with what is given here
 * and nothing else. The server starts when that is done.
 */
export async function reinitializeBareMetalServer(
  session: Session,
  id: string,
  initialization: InitializationPrototype,
): Promise<void> {
  await session.call({
    api: "vpc",
    method: "PUT",
    path: at(id, "initialization"),
    body: initializationBody(initialization),
    doing: `re-initialise bare metal server ${id}`,
    // A second one would wait for the first, or wipe the disk once more.
    repeatable: false,
  });
}

function initializationBody({ imageId, keyIds, userData, defaultTrustedProfile }: InitializationPrototype): unknown {
  return {
    image: identity(imageId),
    keys: keyIds.map(identity),
    user_data: userData,
    default_trusted_profile: profileBody(defaultTrustedProfile),
  };
}

function patchBody(patch: BareMetalServerPatch): object {
  const { tpmMode } = patch;
  return {
    name: patch.name,
    metadata_service: metadataBody(patch.metadataService),
    bandwidth: patch.bandwidth,
    trusted_platform_module: tpmMode === undefined ? undefined : { mode: tpmMode },
    enable_secure_boot: patch.enableSecureBoot,
  };
}

function serverOf(fields: Fields): BareMetalServer {
  const { enabled, protocol } = metadataIn(fields);
  return present<BareMetalServer>({
    id: textAt(fields, "id"),
    crn: textAt(fields, "crn"),
    name: textAt(fields, "name"),
    status: textAt(fields, "status"),
    statusReasons: reasonsIn(fields, "status_reasons"),
    lifecycleReasons: reasonsIn(fields, "lifecycle_reasons"),
    metadataService: { enabled, protocol },
    tpmMode: textIn(fieldsIn(fields, "trusted_platform_module"), "mode") ?? "disabled",
    enableSecureBoot: flagIn(fields, "enable_secure_boot") ?? false,
    bandwidth: numberIn(fields, "bandwidth"),
    profile: textAt(fieldsIn(fields, "profile"), "name"),
    vpcId: textAt(fieldsIn(fields, "vpc"), "id"),
    zone: textAt(fieldsIn(fields, "zone"), "name"),
    resourceGroupId: textIn(fieldsIn(fields, "resource_group"), "id"),
    ...primaryNetworkOf(fields),
    createdAt: textIn(fields, "created_at") ?? "",
  });
}
