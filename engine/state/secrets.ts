/**
 * Pulumi's passphrase secrets: AES-256-GCM with a key that PBKDF2 derives from the passphrase. Deriving takes a quarter of a second
 * by design, so it happens once per salt and process, and only when there is something to encrypt or to decrypt.
 */
import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { messageOf, UserError } from "../errors";

const ITERATIONS = 1_000_000;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const CHECK_TEXT = "pulumi";

const keys = new Map<string, Buffer>();

export interface Crypter {
  /** `v1:<salt>:<check>`, as stored in state and stack configuration. */
  readonly salt: string;
  encrypt(text: string): string;
  decrypt(ciphertext: string): string;
}

/** The passphrase from the environment; the same two variables as Pulumi's. */
export function passphrase(env: NodeJS.ProcessEnv): string {
  const direct = env.PULUMI_CONFIG_PASSPHRASE;
  if (direct !== undefined) return direct;
  const file = env.PULUMI_CONFIG_PASSPHRASE_FILE;
  if (file !== undefined && file !== "") {
    try {
      return readFileSync(file, "utf8").trim();
    } catch (error) {
      throw new UserError(
        `The passphrase file named by PULUMI_CONFIG_PASSPHRASE_FILE cannot be read: ${messageOf(error)}`,
      );
    }
  }
  throw new UserError(
    "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables",
  );
}

function deriveKey(phrase: string, salt: Buffer): Buffer {
  const name = `${salt.toString("base64")}/${phrase}`;
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = pbkdf2Sync(phrase, salt, ITERATIONS, KEY_BYTES, "sha256");
  keys.set(name, key);
  return key;
}

function seal(key: Buffer, text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `v1:${nonce.toString("base64")}:${body.toString("base64")}`;
}

function unseal(key: Buffer, ciphertext: string): string {
  const [version, nonce, body] = ciphertext.split(":");
  if (version !== "v1" || nonce === undefined || body === undefined) {
    throw new UserError("A secret is not in the format of Pulumi's passphrase provider (v1:nonce:ciphertext).");
  }
  const bytes = Buffer.from(body, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return decipher.update(bytes.subarray(0, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
}

/** A new salt for a new stack. */
export function newCrypter(phrase: string): Crypter {
  const salt = randomBytes(8);
  const check = seal(deriveKey(phrase, salt), CHECK_TEXT);
  return openCrypter(`v1:${salt.toString("base64")}:${check}`, () => phrase);
}

/**
 * Secrets under a given salt. The passphrase is asked for and checked at first use, so that a stack without secrets can be read
 * without one.
 */
export function openCrypter(salt: string, phrase: () => string): Crypter {
  let key: Buffer | undefined;
  const unlocked = (): Buffer => {
    if (key !== undefined) return key;
    const [version, salt64, ...check] = salt.split(":");
    if (version !== "v1" || salt64 === undefined || check.length === 0) {
      throw new UserError(`The encryption salt "${salt}" is not in the format v1:salt:check.`);
    }
    const candidate = deriveKey(phrase(), Buffer.from(salt64, "base64"));
    let text: string;
    try {
      text = unseal(candidate, check.join(":"));
    } catch {
      throw new UserError(
        "incorrect passphrase: it does not fit this stack's encryption salt (PULUMI_CONFIG_PASSPHRASE)",
      );
    }
    if (text !== CHECK_TEXT) throw new UserError("incorrect passphrase: the check text of the salt is not Pulumi's");
    key = candidate;
    return key;
  };
  return {
    salt,
    encrypt: (text) => seal(unlocked(), text),
    decrypt(ciphertext) {
      try {
        return unseal(unlocked(), ciphertext);
      } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(`A secret of this stack cannot be decrypted: ${messageOf(error)}`);
      }
    },
  };
}
