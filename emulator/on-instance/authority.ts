/**
 * The certificate authority behind instance identity certificates: a root, an intermediate that signs the leaves, and
 * the certificate of the metadata service itself. forge builds the certificates, node:crypto signs them.
 */
import { constants, createHash, privateEncrypt, randomBytes, type KeyObject } from "node:crypto";
import forge from "node-forge";
import type { World } from "../world";
import type { SigningKey } from "../keys";
import type { SigningRequest } from "./csr";

/** The only name under which the metadata service speaks TLS. */
export const METADATA_HOST = "api.metadata.cloud.ibm.com";

const YEAR_MS = 365 * 24 * 3_600_000;
const ORGANISATION = { shortName: "O", value: "IBM Cloud VPC emulator" };
const ROOT = [ORGANISATION, { shortName: "CN", value: "Emulator Root CA" }];
const INTERMEDIATE = [ORGANISATION, { shortName: "CN", value: "Emulator Instance Identity CA" }];
/** The DigestInfo of a SHA-256 hash, without the hash (PKCS #1). */
const SHA256_PREFIX = Buffer.from("3031300d060960864801650304020105000420", "hex");

interface CertificatePlan {
  readonly subject: forge.pki.CertificateField[];
  readonly publicKey: KeyObject;
  readonly issuer: forge.pki.CertificateField[];
  readonly issuerKey: SigningKey;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly object[];
}

function build(plan: CertificatePlan): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forgeKey(plan.publicKey);
  // Positive and of full length, whatever the random bytes are.
  certificate.serialNumber = `5${randomBytes(16).toString("hex").slice(1)}`;
  certificate.validity.notBefore = new Date(plan.notBeforeMs);
  certificate.validity.notAfter = new Date(plan.notAfterMs);
  certificate.setSubject(plan.subject);
  certificate.setIssuer(plan.issuer);
  certificate.setExtensions([
    ...plan.extensions,
    { name: "subjectKeyIdentifier" },
    { name: "authorityKeyIdentifier", keyIdentifier: keyIdentifier(plan.issuerKey.publicKey) },
  ]);
  certificate.sign(signer(plan.issuerKey.privateKey), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate).replaceAll("\r\n", "\n");
}

const forgeKey = (key: KeyObject): forge.pki.rsa.PublicKey =>
  forge.pki.publicKeyFromPem(key.export({ type: "spki", format: "pem" }).toString());

/** SHA-1 of the key's bits, as RFC 5280 suggests, in forge's binary strings. */
function keyIdentifier(key: KeyObject): string {
  const pkcs1 = key.export({ type: "pkcs1", format: "der" });
  return createHash("sha1").update(pkcs1).digest().toString("latin1");
}

/** A key of forge that signs by node:crypto, twenty times as fast. */
function signer(key: KeyObject): forge.pki.rsa.PrivateKey {
  return {
    sign: (digest: forge.md.MessageDigest): string => {
      const hash = Buffer.from(digest.digest().getBytes(), "latin1");
      const padding = constants.RSA_PKCS1_PADDING;
      return privateEncrypt({ key, padding }, Buffer.concat([SHA256_PREFIX, hash])).toString("latin1");
    },
  } as forge.pki.rsa.PrivateKey;
}

export interface AuthorityCertificates {
  root: string;
  intermediate: string;
}

/** Root and intermediate, made when the emulator first starts and kept in its state. */
export function makeAuthority(world: World): AuthorityCertificates {
  const { root, intermediate } = world.keys;
  // A day back, so that a client whose clock is a little behind accepts them.
  const notBeforeMs = world.clock.now() - YEAR_MS / 365;
  const usage = { name: "keyUsage", critical: true, digitalSignature: true, keyCertSign: true, cRLSign: true };
  return {
    root: build({
      subject: ROOT,
      publicKey: root.publicKey,
      issuer: ROOT,
      issuerKey: root,
      notBeforeMs,
      notAfterMs: notBeforeMs + 20 * YEAR_MS,
      extensions: [{ name: "basicConstraints", critical: true, cA: true }, usage],
    }),
    intermediate: build({
      subject: INTERMEDIATE,
      publicKey: intermediate.publicKey,
      issuer: ROOT,
      issuerKey: root,
      notBeforeMs,
      notAfterMs: notBeforeMs + 5 * YEAR_MS,
      extensions: [{ name: "basicConstraints", critical: true, cA: true, pathLenConstraint: 0 }, usage],
    }),
  };
}

export const intermediateOf = (world: World): string => world.state.authority.intermediate;

/** A leaf for a server: the subject of the request plus the server's id as its CN. */
export function issueCertificate(
  world: World,
  request: SigningRequest,
  serverId: string,
  notBeforeMs: number,
  notAfterMs: number,
): string {
  const subject: object[] = request.subject.map(({ oid, value, tag }) => ({ type: oid, value, valueTagClass: tag }));
  return build({
    subject: [...subject, { shortName: "CN", value: serverId }] as forge.pki.CertificateField[],
    publicKey: request.publicKey,
    issuer: INTERMEDIATE,
    issuerKey: world.keys.intermediate,
    notBeforeMs,
    notAfterMs,
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", critical: true, digitalSignature: true, keyEncipherment: true },
      { name: "extKeyUsage", clientAuth: true, serverAuth: true },
    ],
  });
}

/** The certificate of the metadata service, for TLS under its one name. */
export function issueServiceCertificate(world: World): string {
  const now = world.clock.now();
  return build({
    subject: [ORGANISATION, { shortName: "CN", value: METADATA_HOST }],
    publicKey: world.keys.identity.publicKey,
    issuer: ROOT,
    issuerKey: world.keys.root,
    notBeforeMs: Math.min(now, Date.now()) - YEAR_MS / 365,
    notAfterMs: now + YEAR_MS,
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", critical: true, digitalSignature: true, keyEncipherment: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: METADATA_HOST }] },
    ],
  });
}
