/**
 * Looks an SSH key up that somebody else manages.
 *
 * Sources: IBM Cloud VPC API, "Retrieve a key", "List all keys".
 */
import type * as pulumi from "@pulumi/pulumi";
import { type SshKey, getSshKey as readSshKey, listSshKeys } from "../../client/vpc-networks";
import { object, text } from "../../core/validate";
import { compact } from "../diff";
import { assertValid } from "../preflight";
import { REFERENCE, idIn, nameRule } from "../references";
import { findOne, notFound } from "./find-one";
import { type LookupInput, type LookupOptions, programSession, whenKnown } from "./program-session";

/** Which key to look up: by id, by name or by fingerprint, one of them. */
export interface GetSshKeyArgs {
  /**
   * Its id or CRN.
   * @default - `name` or `fingerprint` is given
   */
  readonly sshKeyId?: string;
  /**
   * Its name, unique in the region.
   * @default - `sshKeyId` or `fingerprint` is given
   */
  readonly name?: string;
  /**
   * `SHA256:...`, as `ssh-keygen -l` prints it.
   * @default - `sshKeyId` or `name` is given
   */
  readonly fingerprint?: string;
}

/** An SSH key. */
export interface SshKeyResult extends Omit<SshKey, "id"> {
  /** Id of the key. */
  readonly sshKeyId: string;
}

const rule = object({
  fields: {
    sshKeyId: REFERENCE,
    name: nameRule,
    fingerprint: text({
      pattern: /^SHA256:[A-Za-z0-9+/]{43}$/,
      allowed: 'a fingerprint as ssh-keygen -l prints it ("SHA256:...")',
    }),
  },
  exactlyOne: [["sshKeyId", "name", "fingerprint"]],
});

/**
 * Looks an SSH key up.
 * @throws VpcIdentityError `IBMID_NOT_FOUND` when there is none
 * @example
 * const { sshKeyId } = await getSshKey({ name: "ops" });
 */
export async function getSshKey(args: GetSshKeyArgs, options?: LookupOptions): Promise<SshKeyResult> {
  assertValid("getSshKey", rule, args);
  const session = programSession(options);
  const { sshKeyId, name, fingerprint } = args;
  if (sshKeyId === undefined) {
    const sought = name === undefined ? `with fingerprint ${fingerprint ?? ""}` : `named "${name}"`;
    const fits = (key: SshKey): boolean => (name === undefined ? key.fingerprint === fingerprint : key.name === name);
    return resultOf(await findOne(session, { noun: "SSH key", sought, name, all: listSshKeys(session), fits }));
  }
  const key = await readSshKey(session, idIn(sshKeyId));
  if (key === undefined) throw notFound(session, `SSH key "${sshKeyId}"`);
  return resultOf(key);
}

/** The Output form of `getSshKey`. */
export function getSshKeyOutput(
  args: LookupInput<GetSshKeyArgs>,
  options?: LookupOptions,
): pulumi.Output<SshKeyResult> {
  return whenKnown(args, (known) => getSshKey(known, options));
}

function resultOf({ id, ...key }: SshKey): SshKeyResult {
  return compact({ sshKeyId: id, ...key });
}
