/**
 * A floating IP: a public address, reserved in a zone or bound to a server.
 *
 * Sources: IBM Cloud VPC API, "Floating IPs".
 */
import type * as pulumi from "@pulumi/pulumi";
import { getInstance } from "../client/vpc";
import {
  type FloatingIp as LiveIp,
  createFloatingIp,
  deleteFloatingIp,
  getFloatingIp,
  listFloatingIps,
  unbindFloatingIp,
  updateFloatingIp,
} from "../client/vpc-networks";
import { VpcIdentityError } from "../core/errors";
import { type Rule, object } from "../core/validate";
import { currentSession } from "./connection";
import { UNANSWERED_APPEARS_WITHIN_MS, goneError, syncOwned, untilVisible } from "./converge";
import { type FieldTable, compact } from "./diff";
import { type Internal, handlerFor } from "./handler";
import {
  deleteUnused,
  failedField,
  make,
  nameOf,
  networkArgRules,
  resourceGroupOf,
  stillUnusable,
  untilAvailable,
} from "./network-lifecycle";
import { REFERENCE, idIn, sameReference, zoneRule } from "./references";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** What every floating IP takes. */
export interface FloatingIpCommonArgs {
  /**
   * Name, unique in the region: lower case letters, digits and hyphens, 1 to 63 characters. A change renames it.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Resource group, by id. A change replaces the floating IP, and so the address.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * Take over a floating IP of this name that exists already, instead of failing. It is deleted with the stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** An address that is reserved, and bound to nothing. */
export interface ReservedFloatingIpArgs extends FloatingIpCommonArgs {
  /** Zone, such as "us-south-1". Another zone replaces the floating IP, and so the address. */
  readonly zone: pulumi.Input<string>;
  readonly instanceId?: undefined;
  readonly virtualNetworkInterfaceId?: undefined;
  readonly networkInterfaceId?: undefined;
}

/** An address for a server. */
export interface InstanceFloatingIpArgs extends FloatingIpCommonArgs {
  /**
   * Server (id or CRN) whose primary network interface gets the address. Another server in the same zone gets it in place.
   */
  readonly instanceId: pulumi.Input<string>;
  readonly zone?: undefined;
  readonly virtualNetworkInterfaceId?: undefined;
  readonly networkInterfaceId?: undefined;
}

/** An address for a virtual network interface. */
export interface InterfaceFloatingIpArgs extends FloatingIpCommonArgs {
  /** Virtual network interface (id or CRN) that gets the address. Another one in the same zone gets it in place. */
  readonly virtualNetworkInterfaceId: pulumi.Input<string>;
  readonly zone?: undefined;
  readonly instanceId?: undefined;
  readonly networkInterfaceId?: undefined;
}

/** An address for a network interface of a server without network attachments. */
export interface NetworkInterfaceFloatingIpArgs extends FloatingIpCommonArgs {
  /** Network interface (id) that gets the address. Another one in the same zone gets it in place. */
  readonly networkInterfaceId: pulumi.Input<string>;
  readonly zone?: undefined;
  readonly instanceId?: undefined;
  readonly virtualNetworkInterfaceId?: undefined;
}

/** Arguments of a floating IP. */
export type FloatingIpArgs =
  ReservedFloatingIpArgs | InstanceFloatingIpArgs | InterfaceFloatingIpArgs | NetworkInterfaceFloatingIpArgs;

/** What it may be bound to. */
interface Binding {
  readonly instanceId?: string | undefined;
  readonly virtualNetworkInterfaceId?: string | undefined;
  readonly networkInterfaceId?: string | undefined;
}

/** What `check` makes of the arguments. */
export interface FloatingIpInputs extends Internal, Binding {
  readonly name: string;
  readonly zone?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of a floating IP. */
export interface FloatingIpOutputs extends Binding {
  readonly crn: string;
  readonly name: string;
  readonly status: string;
  readonly address: string;
  readonly zone: string;
  readonly targetId?: string | undefined;
  readonly targetType?: string | undefined;
  readonly resourceGroupId?: string | undefined;
  readonly createdAt: string;
}

const BINDINGS = ["instanceId", "virtualNetworkInterfaceId", "networkInterfaceId"] as const;

/** Judges the arguments of a floating IP. */
export const floatingIpRule: Rule = object({
  fields: {
    ...networkArgRules,
    zone: zoneRule,
    instanceId: REFERENCE,
    virtualNetworkInterfaceId: REFERENCE,
    networkInterfaceId: REFERENCE,
  },
  exactlyOne: [["zone", ...BINDINGS]],
});

/** What a change of each argument means. */
export const floatingIpFields: FieldTable = {
  name: { change: "update" },
  instanceId: { change: "update", absent: "clear", same: sameReference },
  virtualNetworkInterfaceId: { change: "update", absent: "clear", same: sameReference },
  networkInterfaceId: { change: "update", absent: "clear", same: sameReference },
  zone: { change: "replace" },
  resourceGroupId: { change: "replace" },
};

const TYPE = "FloatingIp";
const NOUN = "floating IP";

/** Manages floating IPs. */
export const handler = handlerFor<FloatingIpInputs, FloatingIpOutputs>({
  rule: floatingIpRule,
  fields: (_inputs, olds) => ({ ...floatingIpFields, ...failedField(olds) }),
  wanted,
  complete: (inputs, completion) => ({ ...inputs, name: nameOf(completion) }),
  create: async (inputs) => {
    const { name, zone } = inputs;
    const target = await targetOf(inputs);
    const place = target === undefined ? { zone: zone ?? "" } : { targetId: target.id };
    return make<LiveIp, FloatingIpOutputs>({
      noun: NOUN,
      fields: floatingIpFields,
      inputs,
      wanted: { ...wanted(inputs) },
      create: () => createFloatingIp(currentSession(), { name, ...place, resourceGroupId: resourceGroupOf(inputs) }),
      list: () => listFloatingIps(currentSession()),
      get: (id) => getFloatingIp(currentSession(), id),
      outputsOf: (live) => outputsOf(live, { ...inputs, targetId: target?.id }),
      sync: (id, outputs) => syncIp(id, outputs, inputs),
    });
  },
  update: syncIp,
  read: async (id, known) => {
    const live = await getFloatingIp(currentSession(), id);
    return live === undefined ? undefined : stillUnusable(known, outputsOf(live, known));
  },
  delete: (id, olds) =>
    deleteUnused({
      type: TYPE,
      what: `${NOUN} "${olds.name}" (${id})`,
      olds,
      remove: () => deleteFloatingIp(currentSession(), id),
      look: () => getFloatingIp(currentSession(), id),
    }),
  inputsOf: wanted,
  describe: (id) => `${NOUN} "${id}"`,
});

type Wanted = Omit<FloatingIpInputs, keyof Internal | "adopt">;

function wanted(inputs: Wanted): Wanted {
  const { name, zone, instanceId, virtualNetworkInterfaceId, networkInterfaceId, resourceGroupId } = inputs;
  return { name, zone, instanceId, virtualNetworkInterfaceId, networkInterfaceId, resourceGroupId };
}

interface Target {
  readonly id: string;
  /** Zone of a server; of an interface only the API knows it. */
  readonly zone?: string;
}

/** The interface that gets the address: of a server, its primary one. */
async function targetOf(binding: Binding): Promise<Target | undefined> {
  const { instanceId, virtualNetworkInterfaceId, networkInterfaceId } = binding;
  if (instanceId === undefined) {
    const id = virtualNetworkInterfaceId ?? networkInterfaceId;
    return id === undefined ? undefined : { id: idIn(id) };
  }
  const look = (): ReturnType<typeof getInstance> => getInstance(currentSession(), idIn(instanceId));
  const server = await untilVisible(look, UNANSWERED_APPEARS_WITHIN_MS);
  const id = server?.primaryNetworkAttachment?.virtualNetworkInterfaceId ?? server?.primaryNetworkInterfaceId;
  if (server === undefined || id === undefined) {
    throw new VpcIdentityError(
      server === undefined
        ? `There is no server "${instanceId}" that the floating IP could be bound to.`
        : `Server "${server.name}" (${server.id}) has no network interface that the floating IP could be bound to.`,
      { code: "IBMID_NOT_FOUND" },
    );
  }
  return { id, zone: server.zone };
}

async function syncIp(id: string, known: FloatingIpOutputs, inputs: FloatingIpInputs): Promise<FloatingIpOutputs> {
  const session = currentSession();
  const what = `${NOUN} "${known.name}" (${id})`;
  const get = async (): Promise<LiveIp> => {
    const live = await getFloatingIp(session, id);
    if (live === undefined) throw goneError(what);
    return live;
  };
  const first = await get();
  let bound: string | undefined = known.targetId;
  const live = await syncOwned<LiveIp>({
    what,
    fields: floatingIpFields,
    // What went away with its server is nobody's change.
    known: first.target === undefined ? { ...known, ...unbound } : { ...known },
    knownTag: "",
    wanted: { ...wanted(inputs) },
    observe: async () => first,
    propertiesOf: (seen) => ({ ...outputsOf(seen, known) }),
    tagOf: () => "",
    send: async (_tag, changed) => {
      const name = changed.includes("name") ? inputs.name : undefined;
      const moves = BINDINGS.some((field) => changed.includes(field));
      const target = moves ? await targetOf(inputs) : undefined;
      if (moves) {
        if (target?.zone !== undefined && target.zone !== first.zone) throw wrongZone(what, first.zone, target.zone);
        if (target === undefined && first.target !== undefined) await unbindFloatingIp(session, id, first.target);
        bound = target?.id;
      }
      return name === undefined && target === undefined
        ? get()
        : updateFloatingIp(session, id, { name, targetId: target?.id });
    },
  });
  const settled = await untilAvailable(NOUN, live, get);
  return outputsOf(settled, { ...inputs, targetId: bound });
}

const unbound = { instanceId: undefined, virtualNetworkInterfaceId: undefined, networkInterfaceId: undefined };

function wrongZone(what: string, zone: string, wantedZone: string): VpcIdentityError {
  return new VpcIdentityError(
    `${what} is in zone ${zone}, the server in ${wantedZone}: an address cannot leave its zone. Replace it once with ` +
      "`pulumi up --replace <URN of the floating IP>`, which gives another address.",
    { code: "IBMID_WRONG_ZONE" },
  );
}

/** What was known of the binding. */
interface Known {
  readonly instanceId?: string | undefined;
  readonly targetId?: string | undefined;
}

/** The API tells an interface; that it is the one of the server which the program named is known from the binding. */
function outputsOf(live: LiveIp, { instanceId, targetId }: Known): FloatingIpOutputs {
  const { target } = live;
  const isOfServer = instanceId !== undefined && target?.id === targetId;
  const shown =
    target === undefined || target.type === "public_gateway"
      ? {}
      : isOfServer
        ? { instanceId }
        : target.type === "virtual_network_interface"
          ? { virtualNetworkInterfaceId: target.id }
          : { networkInterfaceId: target.id };
  return compact<FloatingIpOutputs>({
    crn: live.crn,
    name: live.name,
    status: live.status,
    address: live.address,
    zone: live.zone,
    ...shown,
    targetId: target?.id,
    targetType: target?.type,
    resourceGroupId: live.resourceGroupId,
    createdAt: live.createdAt,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: floatingIpRule,
  outputs: [
    "crn",
    "name",
    "status",
    "address",
    "zone",
    ...BINDINGS,
    "targetId",
    "targetType",
    "resourceGroupId",
    "createdAt",
  ],
};

/**
 * A floating IP of IBM Cloud VPC. Its resource id is the floating IP's id.
 *
 * @example
 * const ip = new FloatingIp("app", { instanceId: app.instanceId });
 * export const address = ip.address;
 *
 * @example
 * const reserved = new FloatingIp("later", { zone: "us-south-1" });
 */
export class FloatingIp extends VpcIdentityResource {
  /** CRN of the floating IP. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in the VPC API. */
  declare readonly name: pulumi.Output<string>;
  /** Status that was seen last: `available`, `pending`, `failed`... */
  declare readonly status: pulumi.Output<string>;
  /** The public address. */
  declare readonly address: pulumi.Output<string>;
  /** Zone. */
  declare readonly zone: pulumi.Output<string>;
  /** Server it is bound to, when the program named one. */
  declare readonly instanceId: pulumi.Output<string | undefined>;
  /** Virtual network interface it is bound to, when the program named no server. */
  declare readonly virtualNetworkInterfaceId: pulumi.Output<string | undefined>;
  /** Network interface it is bound to, when the program named no server. */
  declare readonly networkInterfaceId: pulumi.Output<string | undefined>;
  /** Id of what it is bound to. */
  declare readonly targetId: pulumi.Output<string | undefined>;
  /** What it is bound to: `network_interface`, `virtual_network_interface` or `public_gateway`. */
  declare readonly targetType: pulumi.Output<string | undefined>;
  /** Id of the resource group. */
  declare readonly resourceGroupId: pulumi.Output<string | undefined>;
  /** Time of creation, RFC 3339. */
  declare readonly createdAt: pulumi.Output<string>;

  /**
   * Reserves an address.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: FloatingIpArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the floating IP; the same as `id`, and therefore not stored once more. */
  get floatingIpId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a floating IP that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): FloatingIp {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new FloatingIp(name, {} as FloatingIpArgs, { ...options, id });
  }
}
