/**
 * An SSH key: the public half of a key that servers let in.
 *
 * Sources: IBM Cloud VPC API, "Keys".
 */
import type * as pulumi from "@pulumi/pulumi";
import {
  type SshKey as LiveKey,
  createSshKey,
  deleteSshKey,
  getSshKey,
  listSshKeys,
  updateSshKey,
} from "../client/vpc-networks";
import { type Rule, object } from "../core/validate";
import { currentSession } from "./connection";
import { syncOwned } from "./converge";
import { type FieldTable, compact } from "./diff";
import { type Internal, handlerFor } from "./handler";
import { deleteUnused, make, nameOf, networkArgRules, resourceGroupOf } from "./network-lifecycle";
import { publicKeyOf, publicKeyRule } from "./public-key";
import { type ResourceType, VpcIdentityResource } from "./resource";

/** Arguments of an SSH key. */
export interface SshKeyArgs {
  /**
   * The public key as OpenSSH writes it ("ssh-ed25519 AAAA... comment"): ED25519, or RSA of 2048 or 4096 bits; Windows
   * servers want RSA. A region takes the same key only once. A change replaces the key; its comment does not count.
   */
  readonly publicKey: pulumi.Input<string>;
  /**
   * Name, unique in the region: lower case letters, digits and hyphens, 1 to 63 characters. A change renames the key.
   * @default - the resource's name and a hash, such as "app-3f1c9a02"
   */
  readonly name?: pulumi.Input<string>;
  /**
   * Resource group, by id. A change replaces the key.
   * @default - the one of the provider's settings, else the account's default group
   */
  readonly resourceGroupId?: pulumi.Input<string>;
  /**
   * Take over this key where the region has it already, under this name or another one, instead of failing. It is deleted
   * with the stack.
   * @default false
   */
  readonly adopt?: pulumi.Input<boolean>;
}

/** What `check` makes of the arguments. */
export interface SshKeyInputs extends Internal {
  readonly publicKey: string;
  readonly name: string;
  readonly resourceGroupId?: string | undefined;
  readonly adopt?: boolean | undefined;
}

/** What the state holds of an SSH key. */
export interface SshKeyOutputs {
  readonly crn: string;
  readonly name: string;
  readonly publicKey: string;
  readonly type: "rsa" | "ed25519";
  readonly length?: number | undefined;
  readonly fingerprint: string;
  readonly resourceGroupId?: string | undefined;
  readonly createdAt: string;
}

/** Judges the arguments of an SSH key. */
export const sshKeyRule: Rule = object({
  fields: { ...networkArgRules, publicKey: publicKeyRule },
  required: ["publicKey"],
});

/** What a change of each argument means. */
export const sshKeyFields: FieldTable = {
  name: { change: "update" },
  publicKey: { change: "replace" },
  resourceGroupId: { change: "replace" },
};

const TYPE = "SshKey";
const NOUN = "SSH key";

/** Manages SSH keys. */
export const handler = handlerFor<SshKeyInputs, SshKeyOutputs>({
  rule: sshKeyRule,
  fields: sshKeyFields,
  wanted,
  complete: (inputs, completion) => ({ ...inputs, name: nameOf(completion) }),
  create: (inputs) => {
    const { name, publicKey } = wanted(inputs);
    return make<LiveKey, SshKeyOutputs>({
      noun: NOUN,
      fields: sshKeyFields,
      inputs,
      wanted: { ...wanted(inputs) },
      create: () =>
        createSshKey(currentSession(), {
          name,
          publicKey,
          type: publicKeyOf(publicKey)?.type ?? "rsa",
          resourceGroupId: resourceGroupOf(inputs),
        }),
      list: () => listSshKeys(currentSession()),
      inTheWay: (other) => publicKeyOf(other.publicKey)?.text === publicKey,
      get: (id) => getSshKey(currentSession(), id),
      outputsOf,
      sync: (id, outputs) => syncKey(id, outputs, inputs),
    });
  },
  update: syncKey,
  read: async (id) => {
    const live = await getSshKey(currentSession(), id);
    return live === undefined ? undefined : outputsOf(live);
  },
  delete: (id, olds) =>
    deleteUnused({
      type: TYPE,
      what: `${NOUN} "${olds.name}" (${id})`,
      olds,
      remove: () => deleteSshKey(currentSession(), id),
    }),
  inputsOf: wanted,
  describe: (id) => `${NOUN} "${id}"`,
});

type Wanted = Omit<SshKeyInputs, keyof Internal | "adopt">;

/** The comment of a key is nobody's business but the user's. An unknown key stays unknown. */
function wanted({ name, publicKey, resourceGroupId }: Wanted): Wanted {
  return { name, publicKey: publicKeyOf(publicKey)?.text ?? publicKey, resourceGroupId };
}

async function syncKey(id: string, known: SshKeyOutputs, inputs: SshKeyInputs): Promise<SshKeyOutputs> {
  const session = currentSession();
  const live = await syncOwned<LiveKey>({
    what: `${NOUN} "${known.name}" (${id})`,
    fields: sshKeyFields,
    known: { ...known },
    knownTag: "",
    wanted: { ...wanted(inputs) },
    observe: () => getSshKey(session, id),
    propertiesOf: (seen) => ({ ...outputsOf(seen) }),
    tagOf: () => "",
    send: () => updateSshKey(session, id, { name: inputs.name }),
  });
  return outputsOf(live);
}

function outputsOf(live: LiveKey): SshKeyOutputs {
  return compact<SshKeyOutputs>({
    crn: live.crn,
    name: live.name,
    publicKey: publicKeyOf(live.publicKey)?.text ?? live.publicKey,
    type: live.type,
    length: live.length,
    fingerprint: live.fingerprint,
    resourceGroupId: live.resourceGroupId,
    createdAt: live.createdAt,
  });
}

const KIND: ResourceType = {
  type: TYPE,
  rule: sshKeyRule,
  outputs: ["crn", "name", "publicKey", "type", "length", "fingerprint", "resourceGroupId", "createdAt"],
};

/**
 * An SSH key of IBM Cloud VPC. Its resource id is the key's id.
 *
 * @example
 * const key = new SshKey("ops", { publicKey: readFileSync("ops.pub", "utf8") });
 */
export class SshKey extends VpcIdentityResource {
  /** CRN of the key. */
  declare readonly crn: pulumi.Output<string>;
  /** Name in the VPC API. */
  declare readonly name: pulumi.Output<string>;
  /** The public key without its comment. */
  declare readonly publicKey: pulumi.Output<string>;
  /** Kind of key. */
  declare readonly type: pulumi.Output<"rsa" | "ed25519">;
  /** Length in bits. */
  declare readonly length: pulumi.Output<number | undefined>;
  /** `SHA256:...`, as `ssh-keygen -l` prints it. */
  declare readonly fingerprint: pulumi.Output<string>;
  /** Id of the resource group. */
  declare readonly resourceGroupId: pulumi.Output<string | undefined>;
  /** Time of creation, RFC 3339. */
  declare readonly createdAt: pulumi.Output<string>;

  /**
   * Creates an SSH key.
   * @throws pulumi.ResourceError that lists every problem of the arguments
   */
  constructor(name: string, args: SshKeyArgs, options?: pulumi.CustomResourceOptions) {
    super(KIND, name, args, options);
  }

  /** Id of the key; the same as `id`, and therefore not stored once more. */
  get sshKeyId(): pulumi.Output<string> {
    return this.id;
  }

  /** Reads a key that exists, without managing it. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, options?: pulumi.CustomResourceOptions): SshKey {
    // Nothing is created when there is an id, so the arguments are not looked at.
    return new SshKey(name, {} as SshKeyArgs, { ...options, id });
  }
}
