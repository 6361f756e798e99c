/**
 * What servers have got from their identity service, read off the answers as they pass: the claims of tokens and the
 * facts of certificates. Neither a token nor a key is kept.
 */
import { X509Certificate } from "node:crypto";
import { isObject, type JsonObject } from "../fields";
import type { Answered } from "../front";
import type { CertificateFacts, Issue, ServerLife, TokenFacts } from "./protocol";

const MAX_ISSUES = 120;
const MAX_LOG_LINES = 1000;
/** What a person wants to know; a nonce, a session or a token's own id is nobody's business. */
const CLAIMS = ["iss", "aud", "iam_id", "name", "sub", "sub_type", "account", "authn", "grant_type", "iaas", "vpc"];

interface Life {
  id: string;
  tokens: TokenFacts[];
  certificate?: CertificateFacts;
  issues: Issue[];
  bootLog: string[];
}

/** A nonce as a script may print it: `nonce=abc`, `"nonce": "abc"`. */
const NONCE = /(\bnonce["']?\s*[=:]\s*["']?)[^\s"'&,}]+/gi;
const [KEY_BEGINS, KEY_ENDS] = [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/, /-----END [A-Z0-9 ]*PRIVATE KEY-----/];

export class Lives {
  private readonly lives = new Map<string, Life>();
  private readonly touched = new Set<string>();
  /** Servers that are in the midst of printing a private key. */
  private readonly inKey = new Set<string>();

  /** Looks at an answer of a server's own services. */
  see({ serverId, path, reply, delivered }: Answered): void {
    if (serverId === undefined || !delivered || reply.status !== 200 || !isObject(reply.body)) return;
    const { body } = reply;
    if (path.endsWith("/certificates")) this.seeCertificate(serverId, body);
    else if (typeof body.access_token === "string") this.seeToken(serverId, path.endsWith("/token"), body.access_token);
  }

  /** Takes a line of a boot in; of private keys and nonces it keeps that there was one. */
  log(serverId: string, line: string): void {
    const { bootLog } = this.touch(serverId);
    bootLog.push(this.withoutSecrets(serverId, line));
    if (bootLog.length > MAX_LOG_LINES) bootLog.splice(0, bootLog.length - MAX_LOG_LINES);
  }

  /** Begins the log of a boot anew. */
  clearLog(serverId: string): void {
    this.touch(serverId).bootLog.length = 0;
    this.inKey.delete(serverId);
  }

  forget(serverId: string): void {
    this.lives.delete(serverId);
    this.touched.delete(serverId);
    this.inKey.delete(serverId);
  }

  clear(): void {
    for (const id of [...this.lives.keys()]) this.forget(id);
  }

  all(): ServerLife[] {
    return [...this.lives.values()];
  }

  /** Those that have changed since this was last asked. */
  takeTouched(): ServerLife[] {
    const touched = [...this.touched].flatMap((id) => this.lives.get(id) ?? []);
    this.touched.clear();
    return touched;
  }

  private withoutSecrets(serverId: string, line: string): string {
    const begins = KEY_BEGINS.test(line);
    const isKey = begins || this.inKey.has(serverId);
    if (KEY_ENDS.test(line)) this.inKey.delete(serverId);
    else if (begins) this.inKey.add(serverId);
    return isKey ? "[redacted]" : line.replace(NONCE, "$1[redacted]");
  }

  private touch(id: string): Life {
    const life = this.lives.get(id) ?? { id, tokens: [], issues: [], bootLog: [] };
    this.lives.set(id, life);
    this.touched.add(id);
    return life;
  }

  private seeToken(serverId: string, isIdentity: boolean, token: string): void {
    const all = claimsOf(token);
    const [issuedAt, expiresAt] = [Number(all.iat) * 1000, Number(all.exp) * 1000];
    const claims = Object.fromEntries(CLAIMS.flatMap((name) => (name in all ? [[name, all[name]]] : [])));
    const kind = isIdentity ? "identity" : "iam";
    const life = this.touch(serverId);
    // The newest of each kind and, of IAM tokens, of each profile.
    const others = life.tokens.filter((other) => other.kind !== kind || other.claims.sub !== claims.sub);
    life.tokens = [...others, { kind, claims, issuedAt, expiresAt }];
    addIssue(life, { what: isIdentity ? "identity token" : "IAM token", issuedAt, expiresAt });
  }

  private seeCertificate(serverId: string, { certificates }: JsonObject): void {
    const [leaf, ...chain] = (Array.isArray(certificates) ? certificates : [])
      .filter((pem) => typeof pem === "string")
      .map((pem) => new X509Certificate(pem));
    if (leaf === undefined) return;
    const [issuedAt, expiresAt] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
    const life = this.touch(serverId);
    life.certificate = {
      subject: flat(leaf.subject),
      issuer: flat(leaf.issuer),
      serialNumber: leaf.serialNumber,
      chain: chain.map(({ subject }) => flat(subject)),
      issuedAt,
      expiresAt,
    };
    addIssue(life, { what: "certificate", issuedAt, expiresAt });
  }
}

function addIssue(life: Life, issue: Issue): void {
  life.issues = [...life.issues, issue].slice(-MAX_ISSUES);
}

const flat = (name: string): string => name.split("\n").join(", ");

function claimsOf(token: string): JsonObject {
  const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  return isObject(claims) ? claims : {};
}
