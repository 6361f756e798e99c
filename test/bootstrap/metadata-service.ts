/**
 * On-instance services on a loopback port, with faults a test can plan answer by answer. It issues real certificates, so
 * that the script's own checks run against real openssl. The emulator is the witness of the API's rules; this is the
 * place for answers that no service should ever give.
 */
import { constants, generateKeyPairSync, type KeyObject, privateEncrypt } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as forge from "node-forge";

export type Route = "token" | "iam_tokens" | "certificates";

/** What to do with one request instead of answering it properly. */
export interface Fault {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Whole body of the answer. */
  readonly body?: string;
  /** Changes the text of the proper answer. */
  readonly change?: (text: string) => string;
  readonly delayMs?: number;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Authority {
  readonly certificate: forge.pki.Certificate;
  readonly key: KeyObject;
}

export class MetadataService {
  url = "";
  readonly requests: SeenRequest[] = [];
  /** Every token handed out: what must not be found anywhere it does not belong. */
  readonly secrets: string[] = [];
  readonly root = authority("root");
  /** Seconds that tokens and certificates live, whatever is asked for. */
  lifeSeconds = 3600;
  /** The folder that the paths of the services stand under. */
  prefix = "/identity/v1";
  readonly #intermediate = authority("intermediate", this.root);
  readonly #faults = new Map<Route, Fault[]>();
  readonly #pending = new Set<NodeJS.Timeout>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        this.requests.push({ method, path: url, headers, body });
        this.#answer(url, body, response);
      });
    });
  }

  static async start(): Promise<MetadataService> {
    const service = new MetadataService();
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    service.url = `http://127.0.0.1:${(service.#server.address() as AddressInfo).port}`;
    return service;
  }

  get rootPem(): string {
    return forge.pki.certificateToPem(this.root.certificate);
  }

  /** Plans the next answers of a route; later ones are proper again. */
  plan(route: Route, ...faults: readonly Fault[]): void {
    this.#faults.set(route, [...faults]);
  }

  calls(route: Route): readonly SeenRequest[] {
    return this.requests.filter(({ path }) => path.split("?")[0]?.endsWith(`/${route}`));
  }

  reset(): void {
    this.requests.length = 0;
    this.secrets.length = 0;
    this.#faults.clear();
    this.lifeSeconds = 3600;
    this.prefix = "/identity/v1";
  }

  async close(): Promise<void> {
    for (const timer of this.#pending) clearTimeout(timer);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(url: string, body: string, response: ServerResponse): void {
    const path = url.split("?")[0] ?? "";
    const route = path.slice(path.lastIndexOf("/") + 1).replace(/^iam_token$/, "iam_tokens") as Route;
    if (!path.startsWith(`${this.prefix}/`)) {
      response.writeHead(404).end(refusal("not_found", "The path does not exist."));
      return;
    }
    const fault = this.#faults.get(route)?.shift() ?? {};
    const proper = (): string => {
      const text = JSON.stringify(this.#content(route, body));
      return fault.change === undefined ? text : fault.change(text);
    };
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      response.writeHead(fault.status ?? 200, { "Content-Type": "application/json", ...fault.headers });
      response.end(fault.body ?? ((fault.status ?? 200) === 200 ? proper() : refusal("service_error", "Planned.")));
    }, fault.delayMs ?? 0);
    this.#pending.add(timer);
  }

  #content(route: Route, body: string): object {
    if (route === "certificates") {
      const { csr } = JSON.parse(body) as { csr: string };
      const chain = [this.#leaf(csr), this.#intermediate.certificate];
      return {
        certificates: chain.map((item) => forge.pki.certificateToPem(item)),
        expires_in: this.lifeSeconds,
        id: "0717-id_1",
      };
    }
    const claims = Buffer.from(JSON.stringify({ route, number: this.secrets.length, at: Date.now() }));
    const token = `eyJhbGciOiJSUzI1NiJ9.${claims.toString("base64url")}.c2lnbmF0dXJlLW9mLXRoZS10ZXN0`;
    this.secrets.push(token);
    return { access_token: token, expires_in: route === "token" ? 300 : this.lifeSeconds };
  }

  #leaf(csr: string): forge.pki.Certificate {
    const request = forge.pki.certificationRequestFromPem(csr);
    const { publicKey } = request;
    if (publicKey === null) throw new Error("The request has no key.");
    const subject = [...request.subject.attributes, { shortName: "CN", value: "0717_server-1" }];
    return signed(publicKey as forge.pki.rsa.PublicKey, subject, false, this.#intermediate, this.lifeSeconds);
  }
}

/** An error body of the on-instance services. */
export function refusal(code: string, message: string): string {
  return JSON.stringify({ errors: [{ code, message }], status_code: 400, trace: "trace-of-the-test" });
}

function authority(name: string, parent?: Authority): Authority {
  const { privateKey: key, publicKey: shown } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const publicKey = forge.pki.publicKeyFromPem(shown.export({ type: "spki", format: "pem" }).toString());
  return { key, certificate: signed(publicKey, [{ shortName: "CN", value: name }], true, parent ?? { key }, 86_400) };
}

function signed(
  publicKey: forge.pki.rsa.PublicKey,
  subject: forge.pki.CertificateField[],
  isAuthority: boolean,
  issuer: Partial<Authority>,
  lifeSeconds: number,
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = `0${Math.floor(Math.random() * 1e9)}`;
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + lifeSeconds * 1000);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer.certificate?.subject.attributes ?? subject);
  certificate.setExtensions([{ name: "basicConstraints", cA: isAuthority, critical: true }]);
  if (issuer.key === undefined) throw new Error("An issuer needs a key.");
  certificate.sign(fast(issuer.key), forge.md.sha256.create());
  return certificate;
}

const SHA256_PREFIX = Buffer.from("3031300d060960864801650304020105000420", "hex");

/** A key of forge that signs by node:crypto: its own arithmetic takes a twentieth of a second. */
function fast(key: KeyObject): forge.pki.rsa.PrivateKey {
  const sign = (digest: forge.md.MessageDigest): string => {
    const hash = Buffer.from(digest.digest().getBytes(), "latin1");
    const padded = { key, padding: constants.RSA_PKCS1_PADDING };
    return privateEncrypt(padded, Buffer.concat([SHA256_PREFIX, hash])).toString("latin1");
  };
  return { sign } as forge.pki.rsa.PrivateKey;
}
