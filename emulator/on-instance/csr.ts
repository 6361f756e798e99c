/** Checks a certificate signing request on its DER, byte by byte where the service is that strict. */
import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { oidText, readAll, readElement, TAG, type Element } from "./der";

/** One attribute of a subject: its OID, its text and its string type. */
export interface SubjectAttribute {
  readonly oid: string;
  readonly value: string;
  readonly tag: number;
}

export interface SigningRequest {
  readonly subject: readonly SubjectAttribute[];
  readonly publicKey: KeyObject;
}

const PEM =
  /^-----BEGIN CERTIFICATE REQUEST-----(?:\n|\r|\r\n)((?:[0-9a-zA-Z+/=]{64}(?:\n|\r|\r\n))*(?:[0-9a-zA-Z+/=]{1,63}(?:\n|\r|\r\n))?)-----END CERTIFICATE REQUEST-----(?:\n|\r|\r\n)*$/;
const SHORTEST = 75;

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
const COMMON_NAME = "2.5.4.3";
const SUBJECT_OIDS: Readonly<Record<string, string>> = {
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
};

/** A violation, told to the caller. */
class Violation extends Error {}

/** The parts of a valid request, or what is wrong with it as the end of a sentence about the field. */
export function readCsr(pem: string): SigningRequest | string {
  const body = PEM.exec(pem)?.[1];
  if (pem.length < SHORTEST || body === undefined) {
    return "must be a PEM certificate request with lines of exactly 64 characters";
  }
  const der = Buffer.from(body.replace(/\s/g, ""), "base64");
  try {
    return readRequest(der);
  } catch (error) {
    return error instanceof Violation ? error.message : "is not a well-formed PKCS #10 request";
  }
}

function readRequest(der: Buffer): SigningRequest {
  const outer = readElement(der, 0);
  if (outer.tag !== TAG.sequence || outer.end !== der.length) {
    throw new Violation("is not a single DER sequence");
  }
  const [info, algorithm, signature, ...more] = readAll(outer.content);
  if (info === undefined || algorithm === undefined || signature === undefined || more.length > 0) {
    throw new Violation("is not a PKCS #10 request");
  }
  const [version, subject, key, attributes, ...rest] = readAll(info.content);
  if (version === undefined || subject === undefined || key === undefined || rest.length > 0) {
    throw new Violation("is not a PKCS #10 request");
  }
  if (version.tag !== TAG.integer || version.content.toString("hex") !== "00") {
    throw new Violation("must have version 1 (0)");
  }
  const attributesRead = readSubject(subject);
  const publicKey = readKey(key);
  if (attributes?.raw.toString("hex") !== "a000") {
    throw new Violation("must have an empty list of attributes (a0 00), so no extensions either");
  }
  if (algorithmOf(algorithm) !== SHA256_WITH_RSA) throw new Violation("must be signed with sha256WithRSAEncryption");
  // The first byte of a bit string counts its unused bits.
  if (signature.tag !== TAG.bitString || !verify("sha256", info.raw, publicKey, signature.content.subarray(1))) {
    throw new Violation("has a signature that does not verify");
  }
  return { subject: attributesRead, publicKey };
}

function readSubject(subject: Element): SubjectAttribute[] {
  if (subject.tag !== TAG.sequence) throw new Violation("has no subject");
  const attributes = readAll(subject.content).flatMap((set) => {
    if (set.tag !== TAG.set) throw new Violation("has a malformed subject");
    return readAll(set.content).map((pair): SubjectAttribute => {
      const [type, value] = readAll(pair.content);
      if (type?.tag !== TAG.oid || value === undefined) throw new Violation("has a malformed subject");
      return { oid: oidText(type.content), value: value.content.toString("utf8"), tag: value.tag };
    });
  });
  if (attributes.length === 0) throw new Violation("must have a subject with at least one of C, L, ST, O and OU");
  for (const { oid, value, tag } of attributes) {
    const name = Object.hasOwn(SUBJECT_OIDS, oid) ? SUBJECT_OIDS[oid] : undefined;
    if (oid === COMMON_NAME) throw new Violation("must not have a CN in its subject: the service sets it");
    if (name === undefined) throw new Violation(`must not have ${oid} in its subject; allowed are C, L, ST, O and OU`);
    if (tag !== TAG.utf8String && tag !== TAG.printableString && tag !== TAG.ia5String) {
      throw new Violation(`has a subject field ${name} of a string type other than UTF8, printable or IA5`);
    }
    if (value === "") throw new Violation(`has an empty subject field ${name}`);
    if (name === "C" && !/^[A-Za-z]{2}$/.test(value)) throw new Violation("must have two letters in C");
  }
  return attributes;
}

function readKey(key: Element): KeyObject {
  const [algorithm] = readAll(key.content);
  if (algorithm === undefined || algorithmOf(algorithm) !== RSA_ENCRYPTION) {
    throw new Violation("must have an RSA key");
  }
  const publicKey = createPublicKey({ key: key.raw, format: "der", type: "spki" });
  const bits = publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== 2048 && bits !== 4096) {
    throw new Violation(`must have an RSA key of 2048 or 4096 bits, not ${bits ?? 0}`);
  }
  return publicKey;
}

function algorithmOf(identifier: Element): string | undefined {
  const [oid] = readAll(identifier.content);
  return oid?.tag === TAG.oid ? oidText(oid.content) : undefined;
}
