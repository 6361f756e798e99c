/**
 * The emulator's RSA keys: IAM's and the instance identity service's signing keys, and the two certificate authorities.
 * They are part of the state, so that tokens and certificates stay valid when a saved state is loaded again.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

export const KEY_NAMES = ["iam", "identity", "root", "intermediate"] as const;
export type KeyName = (typeof KEY_NAMES)[number];

export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export type SigningKeys = Readonly<Record<KeyName, SigningKey>>;

/** As saved in the state: PKCS #8 in PEM. */
export type SavedKeys = Record<KeyName, { id: string; pem: string }>;

let cached: Promise<SavedKeys> | undefined;

/** Keys of this process: made once, since four RSA keys take longer than everything else at start. */
export function newKeys(): Promise<SavedKeys> {
  cached ??= generate();
  return cached;
}

async function generate(): Promise<SavedKeys> {
  const pairs = await Promise.all(
    KEY_NAMES.map(async (name) => {
      const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
      const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      return [name, { id: randomBytes(10).toString("hex"), pem }] as const;
    }),
  );
  return Object.fromEntries(pairs) as SavedKeys;
}

export function loadKeys(saved: SavedKeys): SigningKeys {
  const load = (name: KeyName): SigningKey => {
    const privateKey = createPrivateKey(saved[name].pem);
    return { id: saved[name].id, privateKey, publicKey: createPublicKey(privateKey) };
  };
  return { iam: load("iam"), identity: load("identity"), root: load("root"), intermediate: load("intermediate") };
}
