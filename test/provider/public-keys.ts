/** Public keys to test with; nobody has their private halves. */
import { createHash, generateKeyPairSync } from "node:crypto";

const field = (data: Buffer): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  return Buffer.concat([size, data]);
};

const point = (seed: string): Buffer => createHash("sha256").update(seed).digest();

/** An ED25519 key, the same for the same seed. */
export const ed25519Key = (seed: string): string =>
  `ssh-ed25519 ${Buffer.concat([field(Buffer.from("ssh-ed25519")), field(point(seed))]).toString("base64")}`;

export const ED25519_KEY = ed25519Key("one");

/** A new RSA key. */
export function rsaKey(bits: number): string {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const { e = "", n = "" } = publicKey.export({ format: "jwk" });
  const number = (text: string): Buffer => {
    const bytes = Buffer.from(text, "base64url");
    return field((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
  };
  const blob = Buffer.concat([field(Buffer.from("ssh-rsa")), number(e), number(n)]);
  return `ssh-rsa ${blob.toString("base64")}`;
}
